"""Division: the axioms of each rule, games with a known solution, and what holds for whatever is divided."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from ecosim.mechanisms.division import (
    CONTRIBUTION,
    DIVISION_RULES,
    EQUAL,
    EXACT_MEMBERS,
    NASH,
    PERFECT_COMPLEMENTS,
    SHAPLEY,
    coalition_worth,
    divide,
    divide_by_contribution,
    divide_by_nash,
    divide_by_shapley,
    divide_equally,
    sampled_shapley,
    shapley_of_game,
    worths_of_all,
)

Array = np.ndarray[Any, Any]
SUBSTITUTIONS = (1.0, 0.5, 0.0, -1.0, -8.0, PERFECT_COMPLEMENTS)


def shapley(contributions: ArrayLike, types: ArrayLike, substitution: float, pot: float = 1.0) -> Array:
    """Return the exact shares of a coalition small enough for them."""
    brought = np.array(contributions, float)
    assert brought.size <= EXACT_MEMBERS
    return divide_by_shapley(pot, brought, np.array(types), substitution, 0, 0, 0, 0)[0]


def worth_by_definition(contributions: Array, types: Array, members: Sequence[int], substitution: float) -> float:
    """Return w of the members as the module's formula reads, in NumPy."""
    chosen = np.isin(np.arange(types.size), members)
    sums = np.array([contributions[chosen & (types == kind)].sum() for kind in np.unique(types)])
    if substitution <= PERFECT_COMPLEMENTS or (substitution <= 0.0 and sums.min() == 0.0):
        return float(sums.min())
    if substitution == 0.0:
        return float(np.exp(np.log(sums).mean()))
    return float((sums**substitution).mean() ** (1.0 / substitution))


def shapley_by_definition(contributions: Array, types: Array, substitution: float) -> Array:
    """Return the mean marginal worth over all orders, as parts of the whole: slow and plain."""
    gains = np.zeros(types.size)
    for order in permutations(range(types.size)):
        for place, member in enumerate(order):
            with_member = worth_by_definition(contributions, types, order[: place + 1], substitution)
            gains[member] += with_member - worth_by_definition(contributions, types, order[:place], substitution)
    gains /= gains.sum()
    return gains


@st.composite
def coalitions(draw: st.DrawFn, largest: int = 7) -> tuple[float, Array, Array, Array, Array, float]:
    """Draw a pot, contributions, types, outside options, powers and a substitution; zeros are frequent."""
    count = draw(st.integers(1, largest))
    amount = st.just(0.0) | st.floats(1e-3, 1e4)
    columns = [np.array(draw(st.lists(amount, min_size=count, max_size=count))) for _ in range(3)]
    types = np.array(draw(st.lists(st.integers(-1, 2), min_size=count, max_size=count)))
    substitution = draw(st.sampled_from(SUBSTITUTIONS) | st.floats(-60.0, 1.0))
    return draw(amount), columns[0], types, columns[1], columns[2], substitution


def shares_of(rule: int, coalition: tuple[float, Array, Array, Array, Array, float]) -> Array:
    """Return what the entry point writes for a drawn coalition."""
    pot, contributions, types, outside, power, substitution = coalition
    shares, errors = np.full(types.size, np.nan), np.full(types.size, np.nan)
    divide(rule, pot, contributions, types, outside, power, substitution, 8, 1, 2, 3, shares, errors)
    assert not errors.any()
    return shares


@pytest.mark.parametrize("rule", range(len(DIVISION_RULES)), ids=DIVISION_RULES)
@settings(max_examples=60, deadline=None)
@given(coalition=coalitions())
def test_whole_pot_is_given_and_nobody_pays(rule: int, coalition: tuple[Any, ...]) -> None:
    """Protects efficiency: shares are not negative and sum to the pot, whatever is zero, equal or missing."""
    shares = shares_of(rule, coalition)
    assert (shares >= 0.0).all()
    assert shares.sum() == pytest.approx(coalition[0], rel=1e-12, abs=0.0)


@pytest.mark.parametrize("rule", range(len(DIVISION_RULES)), ids=DIVISION_RULES)
@settings(max_examples=60, deadline=None)
@given(coalition=coalitions(), data=st.data())
def test_a_share_moves_with_its_member(rule: int, coalition: tuple[Any, ...], data: st.DataObject) -> None:
    """Protects anonymity: members listed in another order get the same shares, so equals get equal shares."""
    pot, contributions, types, outside, power, substitution = coalition
    order = np.array(data.draw(st.permutations(range(types.size))))
    moved = (pot, contributions[order], types[order], outside[order], power[order], substitution)
    np.testing.assert_allclose(shares_of(rule, moved), shares_of(rule, coalition)[order], rtol=1e-9, atol=1e-10 * pot)


def test_rules_by_hand() -> None:
    """Protects the meaning of the codes: each rule on one coalition, against shares worked out by hand."""
    coalition = (12.0, np.array([1.0, 2.0]), np.array([0, 1]), np.array([2.0, 4.0]), np.array([1.0, 2.0]), 0.0)
    assert shares_of(EQUAL, coalition) == pytest.approx([6.0, 6.0])
    assert shares_of(CONTRIBUTION, coalition) == pytest.approx([4.0, 8.0])
    assert shares_of(NASH, coalition) == pytest.approx([2.0 + 2.0, 4.0 + 4.0])
    assert shares_of(SHAPLEY, coalition) == pytest.approx([6.0, 6.0])


def test_unknown_rule_is_refused() -> None:
    """Protects against a pot that silently stays undivided when a code is wrong."""
    with pytest.raises(ValueError, match="division rule"):
        shares_of(len(DIVISION_RULES), (1.0, np.ones(2), np.array([0, 1]), np.ones(2), np.ones(2), 1.0))


def test_nobody_gets_nothing() -> None:
    """Protects callers with an empty coalition from a division by zero."""
    nothing = np.zeros(0)
    assert divide_equally(5.0, 0).size == divide_by_contribution(5.0, nothing).size == 0
    assert divide_by_nash(5.0, nothing, nothing).size == 0
    assert divide_by_shapley(5.0, nothing, np.zeros(0, np.int64), 0.5, 4, 0, 0, 0)[0].size == 0


# --- Nash ------------------------------------------------------------------------------------------------------------


def test_nash_product_is_largest_at_the_solution() -> None:
    """Protects the bargaining formula: no other efficient division has a larger prod (x - d)^p."""
    pot, outside, power = 10.0, np.array([1.0, 2.0, 0.5]), np.array([3.0, 1.0, 2.0])
    solution = divide_by_nash(pot, outside, power)
    assert solution == pytest.approx([1.0 + 3.25, 2.0 + 6.5 / 6.0, 0.5 + 6.5 / 3.0])
    product = (power * np.log(solution - outside)).sum()
    for change in np.random.default_rng(1).normal(0.0, 0.1, (200, 3)):
        other = solution + change - change.mean()
        assert (power * np.log(other - outside)).sum() < product


def test_nash_rations_a_pot_below_the_outside_options() -> None:
    """Protects the case without a surplus: in proportion to the outside options, and no jump where it begins."""
    outside, power = np.array([2.0, 6.0]), np.array([5.0, 1.0])
    assert divide_by_nash(4.0, outside, power) == pytest.approx([1.0, 3.0])
    below, above = (divide_by_nash(8.0 + change, outside, power) for change in (-1e-9, 1e-9))
    assert below == pytest.approx(above, abs=1e-8)


@settings(max_examples=60, deadline=None)
@given(coalition=coalitions(), rise=st.floats(1e-3, 1e4))
def test_nash_rewards_power_and_outside_options(coalition: tuple[Any, ...], rise: float) -> None:
    """Protects the direction of effect: more power, or a better alternative, never lowers one's own share."""
    pot, _, _, outside, power, _ = coalition
    mine = divide_by_nash(pot, outside, power)[0]
    raised = np.arange(outside.size) == 0
    rounding = 1e-12 * (pot + outside.sum())
    assert divide_by_nash(pot, outside + rise * raised, power)[0] >= mine - rounding
    # Without any power the surplus is split equally, which the first bit of power ends.
    assert power.sum() == 0.0 or divide_by_nash(pot, outside, power + rise * raised)[0] >= mine - rounding


# --- Shapley: the four axioms ----------------------------------------------------------------------------------------

games = st.integers(1, 5).flatmap(
    lambda count: st.lists(st.floats(-100.0, 100.0), min_size=2**count - 1, max_size=2**count - 1)
)


@settings(max_examples=60, deadline=None)
@given(worths=games)
def test_shapley_of_any_game_is_efficient(worths: list[float]) -> None:
    """Protects efficiency for arbitrary tables of worths: the values sum to that of the grand coalition."""
    assert shapley_of_game(np.array([0.0, *worths])).sum() == pytest.approx(worths[-1], abs=1e-10)


@settings(max_examples=60, deadline=None)
@given(
    pair=st.integers(1, 5).flatmap(lambda n: st.tuples(*[st.lists(st.floats(-9, 9), min_size=2**n, max_size=2**n)] * 2))
)
def test_shapley_of_a_sum_is_the_sum(pair: tuple[list[float], list[float]]) -> None:
    """Protects additivity: two games played as one give each member what the two give together."""
    first, second = np.array(pair[0]), np.array(pair[1])
    apart = shapley_of_game(first) + shapley_of_game(second)
    np.testing.assert_allclose(shapley_of_game(first + second), apart, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(worths=games, own=st.floats(-100.0, 100.0))
def test_shapley_gives_a_dummy_its_own_worth(worths: list[float], own: float) -> None:
    """Protects the dummy axiom: who adds the same to every coalition gets exactly that."""
    others = np.array([0.0, *worths])
    with_dummy = np.concatenate([others, others + own])
    np.testing.assert_allclose(shapley_of_game(with_dummy)[:-1], shapley_of_game(others), atol=1e-10)
    assert shapley_of_game(with_dummy)[-1] == pytest.approx(own, abs=1e-10)


@pytest.mark.parametrize("substitution", SUBSTITUTIONS)
def test_shapley_of_a_coalition_is_symmetric_and_gives_idlers_nothing(substitution: float) -> None:
    """Protects symmetry and the null member: twins share alike, and who brings nothing gets nothing."""
    shares = shapley([2.0, 2.0, 0.0, 5.0, 1.0, 0.0], [0, 0, 0, 1, 2, 3], substitution)
    assert shares[0] == pytest.approx(shares[1], rel=1e-12)
    assert shares[2] == shares[5] == 0.0
    assert shares[[0, 3, 4]].min() > 0.0


# --- Shapley: known games --------------------------------------------------------------------------------------------


def test_glove_game() -> None:
    """Protects the textbook case: one left and two right gloves are worth (2/3, 1/6, 1/6)."""
    assert shapley([1.0, 1.0, 1.0], [0, 1, 1], PERFECT_COMPLEMENTS) == pytest.approx([2 / 3, 1 / 6, 1 / 6], rel=1e-14)


@pytest.mark.parametrize(("left", "right"), [(1, 1), (1, 4), (2, 2), (2, 4), (3, 3)])
def test_glove_market(left: int, right: int) -> None:
    """Protects glove games of any size against all orders of joining, enumerated in plain Python."""
    types = np.array([0] * left + [1] * right)
    expected = shapley_by_definition(np.ones(left + right), types, PERFECT_COMPLEMENTS)
    assert shapley(np.ones(left + right), types, PERFECT_COMPLEMENTS) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("right", [3, 9])
def test_one_left_glove(right: int) -> None:
    """Protects the closed form with one left glove: its owner gets n / (n + 1), as it must not come first."""
    shares = shapley(np.ones(right + 1), [0] + [1] * right, PERFECT_COMPLEMENTS)
    assert shares[0] == pytest.approx(right / (right + 1), rel=1e-12)


@pytest.mark.parametrize("substitution", SUBSTITUTIONS)
def test_shapley_against_its_definition(substitution: float) -> None:
    """Protects the weights, the coding of coalitions and the worth: all orders of six members of three types."""
    contributions, types = np.array([1.0, 2.0, 0.5, 3.0, 0.7, 0.0]), np.array([4, 4, 7, 7, 9, 9])
    expected = shapley_by_definition(contributions, types, substitution)
    assert shapley(contributions, types, substitution) == pytest.approx(expected, rel=1e-12, abs=1e-15)


@settings(max_examples=60, deadline=None)
@given(coalition=coalitions())
def test_shapley_of_additive_contributions_is_the_contribution_rule(coalition: tuple[Any, ...]) -> None:
    """Protects the limit rho = 1: where contributions only add up, both rules are one."""
    pot, contributions, types, *_ = coalition
    expected = divide_by_contribution(pot, contributions)
    np.testing.assert_allclose(shapley(contributions, types, 1.0, pot), expected, rtol=1e-9, atol=1e-12 * pot)


def test_scarce_type_gains_as_types_become_complements() -> None:
    """Protects the direction of effect: the only member of a needed type gets more, the less it can be replaced."""
    scarce = [shapley([1.0, 1.0, 1.0], [0, 1, 1], substitution)[0] for substitution in SUBSTITUTIONS]
    assert scarce == sorted(scarce)
    assert scarce[0] == pytest.approx(1 / 3)
    assert scarce[-1] == pytest.approx(2 / 3)


# --- worth of a coalition --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("substitution", "worth"), [(1.0, 2.5), (0.5, 2.25), (0.0, 2.0), (-1.0, 1.6), (PERFECT_COMPLEMENTS, 1.0)]
)
def test_worth_is_the_power_mean(substitution: float, worth: float) -> None:
    """Protects the aggregate against its closed forms, from the arithmetic mean of 1 and 4 to their minimum."""
    assert coalition_worth(np.array([1.0, 4.0]), substitution) == pytest.approx(worth, rel=1e-14)


def test_worth_without_a_type() -> None:
    """Protects what a missing type does: it only dilutes above rho = 0, and leaves nothing at 0 and below."""
    assert coalition_worth(np.array([0.0, 4.0]), 0.5) == pytest.approx(1.0)
    for substitution in (0.0, -1e-9, -1.0, -49.0, -60.0):
        assert coalition_worth(np.array([0.0, 4.0]), substitution) == 0.0


@pytest.mark.parametrize(("edge", "jump"), [(0.0, 1e-6), (PERFECT_COMPLEMENTS, 3.0 ** (1.0 / 50.0) - 1.0 + 1e-6)])
def test_worth_has_no_jump(edge: float, jump: float) -> None:
    """Protects sweeps over rho from steps of our own making: none at 0, at most T^(1/50) where the minimum begins."""
    sums = np.array([1.0, 2.0, 5.0])
    for change in (1e-12, 1e-9, 1e-7):
        below, above = coalition_worth(sums, edge - change), coalition_worth(sums, edge + change)
        assert above == pytest.approx(below, rel=jump)


@pytest.mark.parametrize("unit", [1e-12, 1e12])
@pytest.mark.parametrize("substitution", [1.0, 1e-3, -1e-3, -49.0])
def test_worth_scales_with_the_unit(substitution: float, unit: float) -> None:
    """Protects against powers that overflow: worth in other units is the same worth."""
    sums = np.array([1.0, 20.0, 500.0])
    expected = unit * coalition_worth(sums, substitution)
    assert coalition_worth(unit * sums, substitution) == pytest.approx(expected, rel=1e-9)


# --- sampled Shapley values ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("substitution", SUBSTITUTIONS)
@pytest.mark.parametrize("seed", range(3))
def test_sampled_values_lie_within_their_errors(substitution: float, seed: int) -> None:
    """Protects the estimate and its stated error: twelve members, against the exact values, within 4 errors."""
    contributions, columns = np.random.default_rng(seed).lognormal(size=12), np.arange(12) % 4
    exact = shapley_of_game(worths_of_all(contributions, columns, 4, substitution))
    values, errors = sampled_shapley(contributions, columns, 4, substitution, 400, seed, 5, 6)
    assert (np.abs(values - exact) <= 4.0 * errors + 1e-12).all()
    assert errors.max() < 0.1 * exact.max()


def test_stated_error_is_the_spread_of_estimates() -> None:
    """Protects the size of the error: it matches the deviation over 200 independent estimates within 15 %."""
    contributions, columns = np.random.default_rng(4).lognormal(size=12), np.arange(12) % 3
    runs = [sampled_shapley(contributions, columns, 3, -2.0, 64, seed, 0, 0) for seed in range(200)]
    spread = np.std([values for values, _ in runs], axis=0, ddof=1)
    stated = np.sqrt(np.mean([errors**2 for _, errors in runs], axis=0))
    # A deviation from 200 estimates is itself uncertain by 1 / sqrt(400) = 5 %: three of those.
    assert spread == pytest.approx(stated, rel=0.15)


@pytest.mark.parametrize("members", [EXACT_MEMBERS + 1, 500])
@pytest.mark.parametrize("substitution", SUBSTITUTIONS)
def test_large_coalition_gets_the_whole_pot(members: int, substitution: float) -> None:
    """Protects efficiency and scaling where values are sampled: exactly the pot, errors in the pot's unit."""
    contributions, types = np.random.default_rng(2).lognormal(size=members), np.arange(members) % 5
    shares, errors = divide_by_shapley(70.0, contributions, types, substitution, 20, 1, 2, 3)
    assert (shares >= 0.0).all()
    assert shares.sum() == pytest.approx(70.0, rel=1e-12, abs=0.0)
    unit_shares, unit_errors = divide_by_shapley(1.0, contributions, types, substitution, 20, 1, 2, 3)
    assert shares == pytest.approx(70.0 * unit_shares, rel=1e-12)
    assert errors == pytest.approx(70.0 * unit_errors, rel=1e-12)


def test_additive_contributions_leave_no_error() -> None:
    """Protects the error's meaning: without any interaction every order says the same, so nothing is uncertain."""
    contributions = np.random.default_rng(3).lognormal(size=40)
    shares, errors = divide_by_shapley(1.0, contributions, np.arange(40) % 3, 1.0, 10, 0, 0, 0)
    assert shares == pytest.approx(divide_by_contribution(1.0, contributions), rel=1e-10)
    assert errors.max() < 1e-15


def test_error_falls_with_the_root_of_the_samples() -> None:
    """Protects the use of every sample: sixteen times as many orders leave a quarter of the error."""
    contributions, types = np.random.default_rng(5).lognormal(size=30), np.arange(30) % 4
    few, many = (divide_by_shapley(1.0, contributions, types, -1.0, samples, 0, 0, 0)[1] for samples in (200, 3200))
    assert math.log(few.mean() / many.mean(), 4.0) == pytest.approx(1.0, abs=0.15)


def test_samples_are_orders_in_pairs() -> None:
    """Protects what `samples` counts: orders, in whole pairs, at least two, or there would be no error."""
    contributions, types = np.random.default_rng(7).lognormal(size=20), np.arange(20) % 3

    def shares(samples: int) -> bytes:
        return bytes(divide_by_shapley(1.0, contributions, types, -1.0, samples, 0, 0, 0)[0].tobytes())

    assert shares(0) == shares(3) == shares(4) != shares(5) == shares(6)


def test_sampling_is_a_function_of_its_key() -> None:
    """Protects reproducible runs: same key, same bits; another seed, step or owner, other orders."""
    contributions, types = np.random.default_rng(6).lognormal(size=20), np.arange(20) % 3

    def shares(seed: int, step: int, uid: int) -> bytes:
        return bytes(divide_by_shapley(1.0, contributions, types, -1.0, 16, seed, step, uid)[0].tobytes())

    assert shares(1, 2, 3) == shares(1, 2, 3)
    assert len({shares(1, 2, 3), shares(2, 2, 3), shares(1, 3, 3), shares(1, 2, 4)}) == 4
