"""Turnover alone: logistic growth, and fluctuations around capacity, against the rule's own map and its limit in time.

In a quarter N members bring B ~ Binomial(N, 1 - e^-g) entrants and lose D ~ Binomial(N, 1 - e^-gN/K), so the mean
follows n -> f(n) = n (1 + e^-gn/K - e^-g), which rests where n = K.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecosim.mechanisms.turnover import turnover_rates
from ecosim.state import FIRM

Array = np.ndarray[Any, Any]
CAPACITY = 1000.0


def expected_path(start: float, growth: float, steps: int) -> Array:
    """Return the mean of N after 1, 2, ... steps: the map, and to first order what the spread bends it by.

    With N = n + x, x of mean m and variance v: v' = f'(n)^2 v + n (p (1 - p) + d (1 - d)), p and d the chances of
    bringing an entrant and of leaving, and m' = f'(n) m + f''(n) v / 2. What is left out is of order 1 / K.
    """
    n, mean, variance = start, 0.0, 0.0
    path = []
    p = 1.0 - math.exp(-growth)
    for _ in range(steps):
        stay = math.exp(-growth * n / CAPACITY)
        slope = 1.0 + stay - math.exp(-growth) - growth * n / CAPACITY * stay
        bend = growth / CAPACITY * stay * (growth * n / CAPACITY - 2.0)
        noise = n * (p * (1.0 - p) + stay * (1.0 - stay))
        mean, variance = slope * mean + bend * variance / 2.0, slope**2 * variance + noise
        n *= 1.0 + stay - math.exp(-growth)
        path.append(n + mean)
    return np.array(path)


def logistic(start: float, growth: float, times: Array) -> Array:
    """Return N(t) = K / (1 + (K / N0 - 1) e^-gt), which solves dN/dt = g N (1 - N / K)."""
    path: Array = CAPACITY / (1.0 + (CAPACITY / start - 1.0) * np.exp(-growth * times))
    return path


def test_mean_path_is_logistic(populations: Callable[..., Array], bound: Callable[[Array], Array]) -> None:
    """Protects growth: a tenth of capacity fills up along the map of the step, and along the logistic curve.

    The map lags behind the curve by the error of the step. Its growth in a step is x g (1 - x) (1 - g (1 + x) / 2) and
    that of the curve x g (1 - x) (1 + g (1 - 2 x) / 2), x = n / K, up to g^3: as if time ran slower by a factor from
    1 - g to 1. So the curves of the rates g and g (1 - g) enclose it.
    """
    start, growth, steps = 100.0, 0.1, 100
    runs = populations("limit-turnover", {"roles.firm.initial": 100, "roles.firm.growth_rate": growth}, steps)[
        ..., FIRM
    ]
    mean, slack = runs.mean(axis=0), bound(runs)
    path = expected_path(start, growth, steps)
    assert (np.abs(mean - path) <= slack).all()
    times = np.arange(1.0, steps + 1.0)
    assert (mean <= logistic(start, growth, times) + slack).all()
    assert (mean >= logistic(start, growth * (1.0 - growth), times) - slack).all()
    # The bounds must be narrow enough to tell a wrong rate from the right one.
    assert slack.max() < 0.05 * CAPACITY


def test_fluctuation_around_capacity(populations: Callable[..., Array], bound: Callable[[Array], Array]) -> None:
    """Protects the rest point and the noise around it: mean K - v (1 - g / 2) / K, variance v near K.

    Near K the map is n' = (1 - g e^-g) n, and both binomial draws add K p (1 - p), p = 1 - e^-g, to the variance; so it
    rests at v = 2 K p (1 - p) / (1 - (1 - g e^-g)^2). Since f'' (K) = -g (2 - g) e^-g / K, that spread holds the mean
    below K by f'' v / (2 (1 - f')) = v (1 - g / 2) / K, about one organisation. Both formulas leave out terms that are
    smaller by another factor of 1 / K, which five standard errors contain many times.
    """
    growth, burn_in, steps = 0.3, 30, 120
    p = 1.0 - math.exp(-growth)
    variance = 2.0 * CAPACITY * p * (1.0 - p) / (1.0 - (1.0 - growth * math.exp(-growth)) ** 2)
    shift = variance * (1.0 - growth / 2.0) / CAPACITY
    world = {"roles.firm.initial": int(CAPACITY), "roles.firm.growth_rate": growth}
    # The start is forgotten like (1 - g e^-g)^30 = 6e-4 of a shift of one organisation.
    runs = populations("limit-turnover", world, burn_in + steps)[:, burn_in:, FIRM]
    means = runs.mean(axis=1)
    assert abs(means.mean() - (CAPACITY - shift)) <= bound(means)
    squares = ((runs - CAPACITY + shift) ** 2).mean(axis=1)
    assert abs(squares.mean() - variance) <= bound(squares)
    assert bound(means) < 0.01 * CAPACITY
    assert bound(squares) < 0.3 * variance
    assert variance == pytest.approx(CAPACITY, rel=0.05)


@settings(max_examples=60, deadline=None)
@given(growth=st.floats(0.0, 1.0), capacity=st.floats(1.0, 4e6))
def test_rates_balance_at_capacity(growth: float, capacity: float) -> None:
    """Protects the rest point at any rate: at N = K each member enters and leaves at the very same rate."""
    column = np.array([capacity])
    entry, exit_ = turnover_rates(column, column, np.array([growth]), np.zeros((1, 1)))[0]
    assert entry == exit_ == growth


@pytest.mark.parametrize("selection", [0.0, 1.0])
def test_entry_and_exit_balance_at_capacity(
    populations: Callable[..., Array], bound: Callable[[Array], Array], selection: float
) -> None:
    """Protects against entry drawn as e^g - 1 or g and exit as 1 - e^-g: at N = K both take the same expected number.

    At g = 0.5 the other forms would add 255 or 107 to 1000 in a quarter; selection by weights inside the exponential
    would add 26.
    """
    world = {
        "roles.firm.initial": int(CAPACITY), "roles.firm.growth_rate": 0.5, "turnover.selection": selection,
    }  # fmt: skip
    change = populations("limit-turnover", world, 1)[:, 0, FIRM] - CAPACITY
    assert abs(change.mean()) <= bound(change)
    assert bound(change) < 0.05 * CAPACITY


@pytest.mark.parametrize("selection", [0.0, 1.0])
def test_nobody_enters_or_leaves_without_growth(populations: Callable[..., Array], selection: float) -> None:
    """Protects the zero of the rate: at growth 0 a role above its capacity stays as it is, weak or strong."""
    world = {"roles.firm.initial": 30, "roles.firm.capacity": 10.0, "roles.firm.growth_rate": 0.0}
    runs = populations("limit-turnover", world | {"turnover.selection": selection}, 5, replicates=2)
    assert (runs[..., FIRM] == 30).all()
