"""Readings of series that a reader can work out in the head."""

from __future__ import annotations

import numpy as np
import pytest

from ecosim.laboratory.proposition import Reading
from ecosim.laboratory.readings import read

RISING = np.arange(10.0)
DIP = np.array([4.0, 4.0, 4.0, 4.0, 1.0, 2.0, 3.0, 4.0, 5.0, 5.0])


@pytest.mark.parametrize(
    ("statistic", "more", "expected"),
    [
        ("mean", {}, 4.5), ("last", {}, 9.0), ("sum", {}, 45.0), ("lowest", {}, 0.0), ("highest", {}, 9.0), ("slope", {}, 1.0),
        ("change", {}, 8.0), ("crossing", {"level": 6.5}, 7.0), ("crossing", {"level": 99.0}, 10.0), ("halfway", {}, 5.0),
        ("mean", {"first": 8}, 8.5), ("deviation", {"first": 8}, 0.5),
    ],
)  # fmt: skip
def test_of_one_series(statistic: str, more: dict[str, float], expected: float) -> None:
    """Protects each statistic; what is never reached counts as reached at the horizon."""
    assert read(Reading(statistic, "ties", **more), RISING) == pytest.approx(expected)  # type: ignore[arg-type]


def test_of_a_blow() -> None:
    """Protects fall and recovery: from 4 to 1 is three quarters, back after three quarters."""
    assert read(Reading("fall", "ties", at=4), DIP) == 0.75
    assert read(Reading("recovery", "ties", at=4), DIP) == 3.0
    assert read(Reading("recovery", "ties", at=8), RISING) == 0.0


def test_of_two_series() -> None:
    """Protects order, correlation and ratio; a tie is a half, and what does not move correlates with nothing."""
    order = Reading("order", "a", "b", level=3.0, other_level=5.0)
    assert read(order, RISING, RISING) == 1.0
    assert read(order, RISING, RISING + 9.0) == 0.0
    assert read(Reading("order", "a", "b", level=3.0, other_level=3.0), RISING, RISING) == 0.5
    assert read(Reading("correlation", "a", "b"), RISING, -RISING) == pytest.approx(-1.0)
    assert read(Reading("correlation", "a", "b"), RISING, np.ones(10)) == 0.0
    assert read(Reading("ratio", "a", "b"), RISING, np.full(10, 9.0)) == 0.5
    assert read(Reading("ratio", "a", "b"), RISING, np.zeros(10)) == 0.0
