"""Diffusion alone: adoption among well-mixed users follows the Bass curve (Bass 1969), quarter by quarter."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecosim.mechanisms.adoption import survival
from ecosim.model import Ecosystem
from ecosim.scenario import load_scenario

Array = np.ndarray[Any, Any]
INNOVATION, IMITATION = 0.03, 0.38  # 1/year, what the scenario has
REPLICATES, STEPS, USERS = 30, 60, 4000


def bass(times: Array, innovation: float = INNOVATION, imitation: float = IMITATION, start: float = 0.0) -> Array:
    """Return F(t), t in years: of dF/dt = (p + q F)(1 - F) from F(0) = start; from 0, (1 - e^-st) / (1 + q/p e^-st)."""
    rate = innovation + imitation
    decay = (1.0 - start) / (innovation + imitation * start) * np.exp(-rate * times)
    share: Array = (1.0 - innovation * decay) / (1.0 + imitation * decay)
    return share


def finite_size_shift(path: Array, users: int) -> Array:
    """Return how far the mean share lies beside the curve with finitely many users, to first order in 1 / users.

    The map of a quarter is f(F) = 1 - (1 - F) S(F), S the chance not to adopt in it. With the share F + x, x of mean m
    and variance v: v' = f'^2 v + (1 - F) S (1 - S) / users, m' = f' m + f'' v / 2. Derivatives are taken numerically.
    """

    def moved(share: float) -> float:
        return float(bass(np.array(0.25), start=share))

    mean, variance, shifts, step = 0.0, 0.0, [], 1e-4
    for share in [0.0, *path[:-1]]:
        around = max(share, step)
        slope = (moved(around + step) - moved(around - step)) / (2.0 * step)
        bend = (moved(around + step) - 2.0 * moved(around) + moved(around - step)) / step**2
        stay = (1.0 - moved(share)) / (1.0 - share)
        noise = (1.0 - share) * stay * (1.0 - stay) / users
        mean, variance = slope * mean + bend * variance / 2.0, slope**2 * variance + noise
        shifts.append(mean)
    return np.array(shifts)


def peak(adoptions: Array) -> float:
    """Return the time in years at which adoptions per quarter are highest: the vertex of a parabola through 15 of them.

    Adoptions in the k-th quarter belong to its middle, k - 1/2 quarters from the start.
    """
    middle = 25  # ln(q / p) / (p + q) = 6.19 years lies in the 25th quarter
    window = np.arange(middle - 7, middle + 8)
    square, linear, _ = np.polyfit(window - 0.5, adoptions[window - 1], 2)
    return float(-linear / (2.0 * square) / 4.0)


@pytest.fixture(scope="module")
def shares() -> Array:
    """Share of users that have adopted at the end of each quarter, (replicates, steps)."""
    world = load_scenario("limit-diffusion", settings={"roles.user.initial": USERS})
    models = [Ecosystem(world, seed, history=False).run(STEPS) for seed in range(REPLICATES)]
    return np.array([[quarter.metrics["adopted_share"] for quarter in model.recorder.quarters] for model in models])


def test_whole_curve(shares: Array, bound: Callable[[Array], Array]) -> None:
    """Protects the law: the mean of 30 replicates follows the Bass curve from the first quarter to saturation.

    The chance in a quarter is exact along the curve, so there is no error of the step, only that of finitely many
    users, which is predicted.
    """
    path = bass(np.arange(1, STEPS + 1) / 4.0)
    shift = finite_size_shift(path, USERS)
    assert (np.abs(shares.mean(axis=0) - path - shift) <= bound(shares)).all()
    assert bound(shares).max() < 0.02
    assert np.abs(shift).max() < 0.001
    assert (np.diff(shares, axis=1) >= 0.0).all()


def test_peak_time(shares: Array, bound: Callable[[Array], Array]) -> None:
    """Protects the time of the peak, ln(q / p) / (p + q): the parabola misses it by what it misses on the curve itself.

    The peak is that of the mean of all replicates; its error comes from the means without one replicate (jackknife).
    """
    expected = math.log(IMITATION / INNOVATION) / (INNOVATION + IMITATION)
    error = abs(peak(np.diff(bass(np.arange(STEPS + 1) / 4.0))) - expected)
    adoptions = np.diff(shares, axis=1, prepend=0.0)
    others = [peak(np.delete(adoptions, number, axis=0).mean(axis=0)) for number in range(REPLICATES)]
    values = REPLICATES * peak(adoptions.mean(axis=0)) - (REPLICATES - 1) * np.array(others)
    assert abs(values.mean() - expected) <= bound(values) + error
    assert bound(values) + error < 1.0


def test_curve_from_a_share_at_the_start(bound: Callable[[Array], Array]) -> None:
    """Protects `adoption.initial`: the curve starts at that share, as if those users had adopted before the first step."""
    world = load_scenario("limit-diffusion", settings={"roles.user.initial": 2000, "adoption.initial": 0.4})
    models = [Ecosystem(world, seed, history=False).run(8) for seed in range(10)]
    runs = np.array([[quarter.metrics["adopted_share"] for quarter in model.recorder.quarters] for model in models])
    # The error of finitely many users is of order 1 / 2000, a twentieth of the bound.
    assert (np.abs(runs.mean(axis=0) - bass(np.arange(1, 9) / 4.0, start=0.4)) <= bound(runs) + 1.0 / 2000.0).all()
    assert bound(runs).max() < 0.03


shares_of_users = st.floats(0.0, 1.0)
innovations, imitations = st.floats(0.0, 1.0), st.floats(0.0, 5.0)
years = st.floats(0.0, 50.0)


@settings(max_examples=300, deadline=None)
@given(adopted=shares_of_users, p=innovations, q=imitations, first=years, second=years)
def test_survival_is_a_chance_that_falls(adopted: float, p: float, q: float, first: float, second: float) -> None:
    """Protects the kernel over all its ranges: in [0, 1], 1 at once, falling with time and with what has adopted."""
    now, later = sorted((first, second))
    assert survival(adopted, p, q, 0.0) == pytest.approx(1.0, rel=1e-12)
    assert 0.0 <= survival(adopted, p, q, later) <= survival(adopted, p, q, now) + 1e-12 <= 1.0 + 2e-12
    assert survival(1.0, p, q, now) <= survival(adopted, p, q, now) + 1e-12 <= survival(0.0, p, q, now) + 2e-12


@settings(max_examples=300, deadline=None)
@given(adopted=shares_of_users, p=innovations, q=imitations, first=st.floats(0.0, 2.0), second=st.floats(0.0, 2.0))
def test_survival_over_two_spans_is_the_product(
    adopted: float, p: float, q: float, first: float, second: float
) -> None:
    """Protects exactness in time: two quarters in one step are as good as one after the other, whatever the step.

    The share between them is rounded at 1e-16, and imitation blows that up by at most e^(6 * 2): so 1e-10.
    """
    reached = 1.0 - (1.0 - adopted) * survival(adopted, p, q, first)
    both = survival(adopted, p, q, first) * survival(reached, p, q, second)
    assert survival(adopted, p, q, first + second) == pytest.approx(both, abs=1e-10)


@settings(max_examples=300, deadline=None)
@given(p=st.floats(1e-3, 1.0), q=imitations, start=st.floats(0.0, 0.99), span=st.floats(0.0, 20.0))
def test_survival_is_the_closed_form(p: float, q: float, start: float, span: float) -> None:
    """Protects the formula: from any share it leads to the point of the Bass curve that lies as much later."""
    reached = 1.0 - (1.0 - start) * survival(start, p, q, span)
    assert reached == pytest.approx(float(bass(np.array(span), p, q, start)), rel=1e-9, abs=1e-12)


def test_survival_without_any_adoption() -> None:
    """Protects the corners: without innovation nobody begins, without either nobody ever adopts."""
    assert survival(0.0, 0.0, 0.38, 10.0) == pytest.approx(1.0)
    assert survival(0.5, 0.0, 0.0, 10.0) == 1.0
    assert survival(0.0, 0.5, 0.0, 2.0) == pytest.approx(math.exp(-1.0))
