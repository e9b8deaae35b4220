"""Competition by niche overlap, and division of labour: who gets people and components when both are short."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ecosim.columns import make_table
from ecosim.mechanisms.competition import share_components, share_seekers
from ecosim.mechanisms.orchestration import place_orders
from ecosim.model import Ecosystem
from ecosim.state import (
    DOMAINS,
    FIRM,
    JOINT_RESEARCH,
    LICENCE,
    SUPPLIER,
    SUPPLY,
    TRAINING,
    UNIVERSITY,
    Organisations,
    Ties,
)

Array = np.ndarray[Any, Any]
FLAT = np.full(DOMAINS, 1.0 / DOMAINS)
profiles = arrays(float, (4, DOMAINS), elements=st.floats(0.0, 1.0)).map(
    lambda p: (p + 1e-3) / (p + 1e-3).sum(1)[:, None]
)


def with_niches(niches: Array) -> Organisations:
    """Return organisations of these niches, (count, domains)."""
    table = make_table(Organisations, len(niches))
    table.niche[:] = niches
    return table


def peaked(*domains: int) -> Array:
    """Return niches, each wholly in one domain."""
    return np.eye(DOMAINS)[list(domains)]


# --- talent ----------------------------------------------------------------------------------------------------------


@given(niches=profiles, wanted=arrays(float, 4, elements=st.floats(0.0, 100.0)), people=st.floats(0.0, 300.0), part=st.floats(0.0, 1.0))  # fmt: skip
def test_seekers_are_shared_and_not_multiplied(niches: Array, wanted: Array, people: float, part: float) -> None:
    """Protects talent: nobody finds more than it wants, and all together no more than there are."""
    hired = share_seekers(with_niches(niches), np.arange(4), wanted, people, FLAT, part)
    assert (hired >= -1e-9).all()
    assert (hired <= wanted + 1e-9).all()
    assert hired.sum() <= people + 1e-9


@given(niches=profiles, wanted=arrays(float, 4, elements=st.floats(1.0, 100.0)), people=st.floats(0.0, 300.0))
def test_without_specialists_all_vacancies_are_alike(niches: Array, wanted: Array, people: float) -> None:
    """Protects the control: if people can do anything, each finds the same part, whatever its niche."""
    hired = share_seekers(with_niches(niches), np.arange(4), wanted, people, FLAT, 0.0)
    np.testing.assert_allclose(hired, wanted * min(1.0, people / wanted.sum()), rtol=1e-9)


def test_rivals_of_the_same_niche_take_each_others_people() -> None:
    """Protects the proportion to overlap: vacancies of a like niche cost as many people as are short, of another none."""
    niches, rows = with_niches(peaked(0, 0, 1)), np.arange(3)
    alone = share_seekers(niches, rows, np.array([10.0, 0.0, 0.0]), 80.0, FLAT, 1.0)
    crowded = share_seekers(niches, rows, np.array([10.0, 10.0, 0.0]), 80.0, FLAT, 1.0)
    beside = share_seekers(niches, rows, np.array([10.0, 0.0, 10.0]), 80.0, FLAT, 1.0)
    assert (alone[0], crowded[0], beside[0]) == pytest.approx((10.0, 5.0, 10.0))


# --- components ------------------------------------------------------------------------------------------------------


def orders(niches: Array, amounts: Array, stock: float) -> tuple[Organisations, Ties, Array, int]:
    """Return buyers of these niches that each ordered an amount of one supplier, the last row, with a stock, and how many rows."""
    count = len(niches)
    table, ties = with_niches(np.vstack([niches, FLAT])), make_table(Ties, count)
    table.role[count], table.services[count] = SUPPLIER, stock
    ties.a[:], ties.b[:], ties.order[:] = np.arange(count), count, amounts
    ties.alive[:] = True
    ties.a[0], ties.b[0], ties.order[0] = count, 0, -amounts[0]  # the direction of a tie must not matter
    return table, ties, np.arange(count), count + 1


@given(niches=profiles, amounts=arrays(float, 4, elements=st.floats(0.01, 100.0)), stock=st.floats(0.0, 300.0), contention=st.floats(0.0, 10.0))  # fmt: skip
def test_components_are_shared_out(niches: Array, amounts: Array, stock: float, contention: float) -> None:
    """Protects the rationing: all of a scarce stock is delivered, nobody gets more than it ordered; no scarcity, no contest."""
    given_ = share_components(*orders(niches, amounts, stock), contention)
    assert (given_ >= 0.0).all()
    assert (given_ <= amounts * (1.0 + 1e-12)).all()
    assert given_.sum() == pytest.approx(min(stock, amounts.sum()))
    if stock >= amounts.sum():
        np.testing.assert_allclose(given_, amounts)


@given(niches=profiles, amounts=arrays(float, 4, elements=st.floats(0.01, 100.0)), stock=st.floats(0.0, 300.0))
def test_without_contention_each_order_is_met_alike(niches: Array, amounts: Array, stock: float) -> None:
    """Protects the control: niches do not matter, each buyer gets the same part of its order."""
    given_ = share_components(*orders(niches, amounts, stock), 0.0)
    np.testing.assert_allclose(given_, amounts * min(1.0, stock / amounts.sum()), rtol=1e-9)


def test_buyers_of_the_same_niche_contend() -> None:
    """Protects competition for components: of equal orders the two of one niche get less than the third, by e^-c/3."""
    given_ = share_components(*orders(peaked(0, 0, 1), np.full(3, 10.0), 12.0), 2.0)
    assert given_[0] == pytest.approx(given_[1])
    assert given_[0] / given_[2] == pytest.approx(np.exp(-2.0 / 3.0))


# --- orders over closer interfaces -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("interface", "asked", "provider", "carried"),
    [
        (SUPPLY, SUPPLY, SUPPLIER, True),
        (JOINT_RESEARCH, SUPPLY, SUPPLIER, True),
        (TRAINING, JOINT_RESEARCH, UNIVERSITY, True),
        (LICENCE, SUPPLY, SUPPLIER, False),
        (SUPPLY, JOINT_RESEARCH, SUPPLIER, False),
    ],
)
def test_closer_interfaces_carry_orders(interface: int, asked: int, provider: int, carried: bool) -> None:
    """Protects trade from closer relations: a joint centre still supplies, a training agreement still does research."""
    table, ties = make_table(Organisations, 2), make_table(Ties, 1)
    table.role[:] = FIRM, provider
    ties.a[0], ties.b[0], ties.interface[0] = 0, 1, interface
    budgets = np.array([5.0, 0.0])
    place_orders(table, ties, np.arange(1), asked, provider, budgets)
    assert ties.order[0] == pytest.approx(5.0 if carried else 0.0)
    assert budgets[0] == pytest.approx(0.0 if carried else 5.0)


# --- switches in a whole ecosystem -----------------------------------------------------------------------------------


def mean(outcome: str, **settings: Any) -> Array:
    """Return the mean of an outcome over 24 quarters of the classroom, for eight seeds."""
    models = [Ecosystem("classroom", seed, history=False, **settings).run(24) for seed in range(8)]
    return np.array([model.metrics[outcome].mean() for model in models])


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [
        ("competition", "hires_moved"),
        ("competition", "deliveries_moved"),
        ("division_of_labour", "gain_from_trade"),
        ("division_of_labour", "partner_distance"),
    ],
)
def test_switch_shows_in_its_own_outcome(rule: str, outcome: str) -> None:
    """Protects the controls: with the rule an outcome of its own is higher, by three standard errors of paired seeds."""
    change = mean(outcome) - mean(outcome, **{f"rules.{rule}": False})
    assert change.mean() > 3.0 * change.std(ddof=1) / np.sqrt(len(change))


def test_without_competition_niches_do_not_matter() -> None:
    """Protects the control of competition: no person and no component goes elsewhere by niche, prices carry the full mark-up."""
    model = Ecosystem("classroom", 1, history=False, **{"rules.competition": False}).run(24)
    assert model.metrics["hires_moved"].max() < 1e-12
    assert model.metrics["deliveries_moved"].max() < 1e-12
    firms = model.members(FIRM)
    offering = firms[model.organisations.born[firms] < 23]  # who entered in the last quarter has not offered yet
    np.testing.assert_allclose(model.organisations.price[offering], 1.0 + model.parameters["adoption"].markup)
