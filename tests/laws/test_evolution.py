"""Evolution of routines: heredity, crossbreeding, mutation, selection, and the Price equation that adds up what they do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecosim.columns import make_table
from ecosim.mechanisms import evolution, novelty, turnover
from ecosim.model import Ecosystem
from ecosim.state import FIRM, GENEROSITY, OPERATORS, OVERLAP, SEPARATION, SUPPLIER, USER, Organisations, Ties

Array = np.ndarray[Any, Any]
HEREDITY, IMITATION, MUTATION, CROSSBREEDING, SELECTION = range(5)


def lively(seed: int, steps: int = 6, growth: float = 0.3, **rules: bool) -> Ecosystem:
    """Return a classroom in which many come and go and routines move a lot, after some quarters."""
    settings: dict[str, Any] = {
        "evolution__mutation_rate": 0.3, "evolution__crossing_rate": 0.5, "evolution__imitation_rate": 1.0,
        "roles__firm__growth_rate": growth, "roles__supplier__growth_rate": growth, "roles__university__growth_rate": growth,
    }  # fmt: skip
    off = {f"rules__{rule}": on for rule, on in rules.items()}
    return Ecosystem("classroom", seed, history=False, **settings, **off).run(steps)


def means(model: Ecosystem) -> Array:
    """Return the mean routines of each role."""
    table = model.organisations
    return np.array([table.routines[model.members(role)].mean(axis=0) for role in range(len(model.roles))])


def replace_members(model: Ecosystem) -> Array:
    """Let members leave and others enter; return the change of each role's mean routines by cause."""
    change: list[Array] = []

    def rule(*arguments: Any) -> bool:
        done, by_cause = turnover.replace_members(*arguments)
        change[:] = [by_cause]
        return done

    model.follow(rule)
    return change[0]


@pytest.mark.parametrize("heredity", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_price_equation_adds_up(seed: int, heredity: bool) -> None:
    """Protects the decomposition (Price 1970): operators, drift and entry from outside sum to the change of the mean, to 1e-12."""
    model = lively(seed, heredity=heredity)
    moved = np.zeros(len(novelty.CAUSES), bool)
    for _ in range(4):
        model.books.novelty[:] = 0.0
        before, counts = means(model), model.counts()
        change = np.zeros((len(novelty.CAUSES), *before.shape))
        change[: len(OPERATORS)] += evolution.evolve(model.state, model.numbers, model.seed, model.step_number)
        change += replace_members(model)
        np.testing.assert_allclose(change.sum(axis=0), means(model) - before, rtol=0.0, atol=1e-12)
        moved |= np.abs(change).sum(axis=(1, 2)) > 0.0
        # Without regard to sign an operator does at least what it does to the means.
        working = np.arange(len(counts)) != USER
        weights = np.where(working, counts, 0.0) / counts[working].sum()
        net = np.abs(change[: len(OPERATORS)]).mean(axis=2) @ weights
        assert (model.books.novelty >= net - 1e-15).all()
        model.step_number += 1
    assert moved[[IMITATION, MUTATION, CROSSBREEDING, SELECTION, novelty.DRIFT]].all()
    assert (moved[HEREDITY], moved[novelty.OUTSIDE_CAUSE]) == (heredity, not heredity)


@pytest.mark.parametrize("operator", OPERATORS)
def test_an_operator_that_is_off_does_nothing(operator: str) -> None:
    """Protects the controls of P110: without its switch an operator changes no routine, and the others still do."""
    model = lively(3, 16, 0.05, **{operator: False})
    totals = {
        name: sum(quarter.metrics[f"novelty_{name}"] for quarter in model.recorder.quarters) for name in OPERATORS
    }
    bankrupt = sum((quarter.events[0] == 2).sum() for quarter in model.recorder.quarters)
    assert bankrupt == 0  # what they lack is selection that the switch leaves
    assert totals[operator] == pytest.approx(0.0, abs=1e-15)
    assert all(total > 1e-6 for name, total in totals.items() if name != operator)


def test_entrants_inherit_what_was_there() -> None:
    """Protects heredity: copied without error, each entrant has the routines of a member that was there; off, of nobody."""
    for heredity in (True, False):
        model = lively(1, heredity=heredity, mutation=False)
        table = model.organisations
        known = {role: table.routines[model.members(role)] for role in range(len(model.roles))}
        uids = set(table.uid[model.rows].tolist())
        replace_members(model)
        table = model.organisations
        entrants = [row for row in model.rows if int(table.uid[row]) not in uids]
        assert len(entrants) > 5
        found = [(known[int(table.role[row])] == table.routines[row]).all(axis=1).any() for row in entrants]
        assert all(found) if heredity else not any(found)


def test_copying_errors_are_small_and_even() -> None:
    """Protects inheritance against a drift of its own: over 4000 entrants the mean routine is the parent's."""
    count, error = 4000, 0.2
    table = make_table(Organisations, count)
    table.uid[:] = np.arange(count) * 64
    parents = np.full((count, table.routines.shape[1]), 0.4)
    evolution.inherit(table, np.arange(count), parents, error, 7, 3)
    spread = 0.4 * math.sqrt(math.exp(error**2) - 1.0)
    # Of 4000 lognormal factors none reaches 2.5; each mean lies within five standard errors.
    np.testing.assert_allclose(table.routines.mean(axis=0), 0.4, atol=5.0 * spread / math.sqrt(count))
    np.testing.assert_allclose(table.routines.std(axis=0), spread, rtol=0.1)
    evolution.inherit(table, np.arange(count), parents, 0.0, 7, 3)
    np.testing.assert_array_equal(table.routines, parents)


def cross(modes: tuple[int, ...], **values: float) -> Organisations:
    """Return three organisations (two firms, a supplier) after crossing over ties 0-1 and 0-2 of given modes."""
    table, ties = make_table(Organisations, 3), make_table(Ties, 2)
    table.uid[:], table.role[:] = [0, 64, SUPPLIER], [FIRM, FIRM, SUPPLIER]
    table.routines[:] = np.array([0.2, 0.4, 0.9])[:, None]
    ties.a[:], ties.b[:], ties.mode[:] = 0, [1, 2], modes
    p = evolution.PARAMETERS.values({"crossing_rate": 1.0, "crossing_share": 1.0} | values)
    role_means = np.array([[0.3] * 6, [0.6] * 6])
    evolution.crossbreed(table, table.routines.copy(), role_means, ties, np.arange(3), np.arange(2), p, 1, 0)
    return table


def test_crossing_needs_a_partner_that_shares() -> None:
    """Protects what crossbreeding hangs on: partners in sharing or overlap mode, not separation, not payoff."""
    np.testing.assert_array_equal(cross((SEPARATION, SEPARATION)).routines[:, GENEROSITY], [0.2, 0.4, 0.9])
    np.testing.assert_array_equal(cross((OVERLAP, SEPARATION)).routines[:, GENEROSITY], [0.4, 0.2, 0.9])
    np.testing.assert_array_equal(cross((OVERLAP, OVERLAP), crossing_rate=0.0).routines[:, GENEROSITY], [0.2, 0.4, 0.9])


def test_crossing_between_roles_is_in_proportion() -> None:
    """Protects roles from each other's scale: half as much again as usual there becomes half as much again here."""
    np.testing.assert_allclose(cross((SEPARATION, OVERLAP)).routines[:, GENEROSITY], [0.45, 0.4, 0.4])


def test_crossing_takes_each_routine_by_itself() -> None:
    """Protects recombination: with half the chance an organisation has routines of both, not one whole set."""
    table = cross((OVERLAP, SEPARATION), crossing_share=0.5)
    assert set(np.unique(table.routines[:2])) == {0.2, 0.4}
    assert len({tuple(row) for row in table.routines[:2]} & {(0.2,) * 6, (0.4,) * 6}) < 2


@settings(max_examples=80, deadline=None)
@given(rate=st.floats(0.0, 5.0), selection=st.floats(0.0, 1.0), members=st.integers(2, 200))
def test_selection_leaves_the_mean_chance_to_leave(rate: float, selection: float, members: int) -> None:
    """Protects the rest point of turnover: whoever it falls on, exit takes 1 - exp(-d) of a role; 1/3 s weaker by rank.

    Sum over ranks of (1 - 2 rank)^2 is N (N + 1) / (3 (N - 1)), so that is the weakness of those that leave, times s.
    """
    ranks = np.arange(members) / (members - 1)
    mean = turnover.in_a_quarter(np.array([[0.0, rate]]))[0, 1]
    assert mean == pytest.approx(1.0 - math.exp(-rate), rel=1e-12)
    chances = np.array([turnover.exit_chance(mean, rank, selection) for rank in ranks])
    assert chances.mean() == pytest.approx(mean, abs=1e-12)
    assert chances.min() >= -1e-12
    assert chances.max() <= 1.0 + 1e-12
    if mean > 0.0:
        strength = min(selection, (1.0 - mean) / mean)
        weakness = (chances * (1.0 - 2.0 * ranks)).sum() / chances.sum()
        assert weakness == pytest.approx(strength * (members + 1) / (3.0 * (members - 1)), abs=1e-9)


def test_mutation_is_even() -> None:
    """Protects mutation against a direction of its own: the mean factor of a change is 1, and none leads above 1."""
    rng = np.random.default_rng(0)
    for size in (0.1, 0.5):
        factors = np.array([evolution.moved(1e-3, size, shock) for shock in rng.standard_normal(20_000)]) / 1e-3
        assert abs(factors.mean() - 1.0) <= 5.0 * factors.std() / math.sqrt(len(factors))
    assert evolution.moved(0.9, 0.5, 3.0) == 1.0
