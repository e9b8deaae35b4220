"""Symbiosis alone: populations that help or harm each other rest where the Lotka-Volterra equations say.

dN_r/dt = g_r N_r (1 - N_r / K_r + sum_s a_rs N_s / K_s) rests at (I - A) x = 1, x = N / K.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_discrete_lyapunov

from ecosim.mechanisms.turnover import turnover_rates
from ecosim.model import Ecosystem
from ecosim.parameters import Value
from ecosim.scenario import load_scenario
from ecosim.state import FIRM, SUPPLIER, UNIVERSITY, USER

Array = np.ndarray[Any, Any]
ROLES = {"firm": FIRM, "supplier": SUPPLIER, "university": UNIVERSITY, "user": USER}
GROWTH = 0.3

# Effects of the population of the column on that of the row: two help each other; one of three lives off another that
# a third supports; four with every sign, among them a pair of competitors.
TWO = np.array([[0.0, 0.3], [0.2, 0.0]])
THREE = np.array([[0.0, 0.3, 0.1], [-0.2, 0.0, 0.2], [0.15, 0.0, 0.0]])
FOUR = np.array([[0.0, 0.2, 0.1, 0.2], [0.1, 0.0, -0.3, 0.0], [0.0, -0.2, 0.0, 0.1], [0.25, -0.1, 0.0, 0.0]])


def rest_point(coefficients: Array) -> Array:
    """Return x = N / K at rest: the solution of (I - A) x = 1."""
    return np.linalg.solve(np.eye(len(coefficients)) - coefficients, np.ones(len(coefficients)))


def world_of(coefficients: Array, capacity: float, start: Array) -> dict[str, Value]:
    """Return the settings of `limit-symbiosis` with these coefficients, one capacity, and starts N / K."""
    # Every coefficient is given, so that those of the scenario file do not stay where there are none.
    world: dict[str, Value] = {
        f"symbiosis.coefficients.{role}.{other}": 0.0 for role, other in itertools.permutations(ROLES, 2)
    }
    for (name, row), x in zip(zip(ROLES, coefficients, strict=False), start, strict=True):
        world[f"roles.{name}.initial"] = round(x * capacity)
        world[f"roles.{name}.capacity"] = capacity
        world[f"roles.{name}.growth_rate"] = GROWTH
        for other, value in zip(ROLES, row, strict=False):
            if other != name:
                world[f"symbiosis.coefficients.{name}.{other}"] = float(value)
    return world


def finite_size_shift(coefficients: Array, capacity: float) -> Array:
    """Return how far the mean of N / K rests beside the closed form, to first order in 1 / K.

    In a quarter the mean changes by h_r(x) = x_r (e^-d_r - e^-b_r), b and d the rates of entry and exit, and around the
    rest point x by J = dh/dx. Both draws are binomial, so they add 2 x_r e^-d_r (1 - e^-d_r) / K to the variance of
    role r, the spread C settles where C = (I + J) C (I + J)' + noise, and it holds the mean off by
    -J^-1 (sum_st d2h_r/dx_s dx_t C_st / 2)_r. The derivatives are taken numerically.
    """
    helping, harming = np.maximum(coefficients, 0.0), np.maximum(-coefficients, 0.0)
    count = len(coefficients)

    def change(x: Array) -> Array:
        entry, leaving = GROWTH * (1.0 + helping @ x), GROWTH * (x + harming @ x)
        return x * (np.exp(-leaving) - np.exp(-entry))

    x, step = rest_point(coefficients), 1e-4 * np.eye(count)
    jacobian = np.array([(change(x + move) - change(x - move)) / 2e-4 for move in step]).T
    stay = np.exp(-GROWTH * (1.0 + helping @ x))
    spread = solve_discrete_lyapunov(np.eye(count) + jacobian, np.diag(2.0 * x * stay * (1.0 - stay) / capacity))
    bend = np.zeros(count)
    for s, t in itertools.product(range(count), repeat=2):
        along, across = step[s], step[t]
        second = change(x + along + across) - change(x + along - across)
        second -= change(x - along + across) - change(x - along - across)
        bend += second / 4e-8 * spread[s, t] / 2.0
    return -np.linalg.solve(jacobian, bend)


@pytest.mark.parametrize("coefficients", [TWO, THREE, FOUR], ids=["two", "three", "four"])
def test_populations_rest_at_the_closed_form(
    coefficients: Array, populations: Callable[..., Array], bound: Callable[[Array], Array]
) -> None:
    """Protects the law: means of replicates are the solution of (I - A) x = 1, within 2 % at K = 1000.

    They are also within five standard errors of it after the shift by the finite size of populations, about one
    organisation, whose next order is smaller by another factor of about 1 / K. Runs start at the closed form, so what is
    left of the start after the burn-in is less than that shift, and a tenth of the interval.
    """
    capacity, burn_in, steps = 1000.0, 10, 30
    expected = rest_point(coefficients)
    roles = list(ROLES.values())[: len(coefficients)]
    runs = populations("limit-symbiosis", world_of(coefficients, capacity, expected), burn_in + steps)[:, burn_in:]
    means = runs[..., roles].mean(axis=1) / capacity
    assert means.mean(axis=0) == pytest.approx(expected, rel=0.02)
    assert (np.abs(means.mean(axis=0) - expected - finite_size_shift(coefficients, capacity)) <= bound(means)).all()
    assert (bound(means) < 0.02 * expected).all()


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("mutualism", 0.3, 0.2),
        ("commensalism", 0.3, 0.0),
        ("parasitism", 0.3, -0.3),
        ("competition", -0.3, -0.3),
        ("independence", 0.0, 0.0),
    ],
)
def test_signs_give_the_modes(
    name: str, first: float, second: float, populations: Callable[..., Array], bound: Callable[[Array], Array]
) -> None:
    """Protects the meaning of the signs: who is helped rests above its capacity, who is harmed below, else at it."""
    capacity, burn_in, steps = 400.0, 20, 40
    coefficients = np.array([[0.0, first], [second, 0.0]])
    world = world_of(coefficients, capacity, np.ones(2))
    runs = populations("limit-symbiosis", world, burn_in + steps, replicates=10)[:, burn_in:, [FIRM, SUPPLIER]]
    means = runs.mean(axis=1) / capacity
    # From K to the rest point is up to 38 % of K, of which e^-(g / 2 * 20) = 5 % may be left when counting begins: 2 %.
    slack = bound(means) + 0.02
    for population, effect in enumerate((first, second)):
        mean = means[:, population].mean()
        if effect == 0.0:
            assert abs(mean - 1.0) <= slack[population], name
        else:
            assert (mean - 1.0) * np.sign(effect) > slack[population], name


@pytest.mark.parametrize(("first", "second"), [(1.2, 1.2), (2.0, 0.5), (10.0, 10.0)])
def test_unstable_symbiosis_ends_and_is_reported(first: float, second: float) -> None:
    """Protects against a run that never ends: where a12 a21 >= 1 roles stop at the ceiling and the run says so."""
    world = world_of(np.array([[0.0, first], [second, 0.0]]), 20.0, np.ones(2)) | {"turnover.ceiling": 4.0, "steps": 60}
    model = Ecosystem(load_scenario("limit-symbiosis", settings=world), 1, history=False, audit=True).run()
    assert model.step_number == 60
    counts = np.array([quarter.roles[:, 0] for quarter in model.recorder.quarters])
    assert counts.max() <= 80.0
    assert counts[-1, FIRM] > 40.0
    assert "unbounded growth" in set(model.happened["event"])
    assert any(warning.startswith("firm grows without bound") for warning in model.warnings)
    assert len(model.warnings) == len(set(model.warnings)) <= 2


def test_stable_symbiosis_is_not_reported() -> None:
    """Protects against false alarms: with a rest point below the ceiling nothing is said of unbounded growth."""
    world = world_of(TWO, 50.0, rest_point(TWO)) | {"steps": 60}
    model = Ecosystem(load_scenario("limit-symbiosis", settings=world), 1, history=False).run()
    assert not model.warnings
    assert "unbounded growth" not in set(model.happened["event"])


@st.composite
def communities(draw: st.DrawFn) -> tuple[Array, Array, Array]:
    """Draw coefficients with a positive rest point, growth rates, capacities."""
    count = draw(st.integers(1, 6))
    values = draw(st.lists(st.floats(-0.15, 0.15), min_size=count**2, max_size=count**2))
    coefficients = np.array(values).reshape(count, count)
    np.fill_diagonal(coefficients, 0.0)
    growth = draw(st.lists(st.floats(0.001, 1.0), min_size=count, max_size=count))
    capacities = draw(st.lists(st.floats(1.0, 1e6), min_size=count, max_size=count))
    return coefficients, np.array(growth), np.array(capacities)


@settings(max_examples=60, deadline=None)
@given(community=communities())
def test_rates_balance_at_the_rest_point(community: tuple[Array, Array, Array]) -> None:
    """Protects the closed form for any number of populations: at (I - A) x = 1 entry and exit rates are equal."""
    coefficients, growth, capacities = community
    counts = rest_point(coefficients) * capacities
    rates = turnover_rates(counts, capacities, growth, coefficients)
    np.testing.assert_allclose(rates[:, 0], rates[:, 1], rtol=1e-12)


def test_coefficients_that_a_scenario_fixes_are_taken_as_they_are() -> None:
    """Protects the way from file to rule: each coefficient lands at the row it acts on and the column it comes from."""
    given_: Mapping[str, Value] = {
        "symbiosis.coefficients.university.user": -0.7,
        "symbiosis.coefficients.firm.supplier": 0.4,
    }
    model = Ecosystem(load_scenario("limit-symbiosis", settings=given_), 1, history=False)
    expected = np.zeros((6, 6))
    expected[UNIVERSITY, USER], expected[FIRM, SUPPLIER], expected[SUPPLIER, FIRM] = -0.7, 0.4, 0.2
    np.testing.assert_array_equal(model.coefficients(), expected)
