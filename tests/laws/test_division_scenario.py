"""Division in a running ecosystem: what the ledger books under each rule is what the rule's formula says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from ecosim.ledger import PARTNER_PROGRAMME, SALES
from ecosim.model import Ecosystem
from ecosim.parameters import Value
from ecosim.scenario import Scenario, load_scenario, scenario_from_dict
from ecosim.state import FIRM, SUPPLIER, USER

Array = np.ndarray[Any, Any]
NAMES = ("left", "right 1", "right 2")
# What the three bring: the firm half of its part over each tie.
GLOVES = np.array([1.0, 1.0, 1.0])
UNEQUAL = np.array([1.0, 2.5, 0.5])


def world(brought: Array, settings: Mapping[str, Value]) -> Scenario:
    """Return `limit-division` with other contributions and settings."""
    tree = load_scenario("limit-division").with_settings(settings).as_dict()
    for tie, second in zip(tree["ties"], brought[1:], strict=True):
        tie["first_gives"], tie["second_gives"] = brought[0] / 2.0, second
    return scenario_from_dict(tree)


def capital_of(model: Ecosystem) -> Array:
    """Return the capital of the three by name, (3,)."""
    uid_of = {name: uid for uid, name in model.names.items()}
    rows = [model.row_of(uid_of[name]) for name in NAMES]
    return model.organisations.capital[rows]


def contribution(brought: Array) -> Array:
    """Return parts in proportion to what was brought."""
    parts: Array = brought / brought.sum()
    return parts


def bargain(brought: Array, outside_option: float, power: float) -> Array:
    """Return the outside options, a part of one's contribution, and the rest by power against 1 and 1."""
    parts: Array = outside_option * contribution(brought)
    parts += (1.0 - outside_option) * np.array([power, 1.0, 1.0]) / (power + 2.0)
    return parts


def glove_parts(brought: Array) -> Array:
    """Return parts where a coalition is worth the lesser of what firm and suppliers bring: all six orders of joining."""
    left, first, second = brought
    gains = np.zeros(3)
    worth = {(0, 1): min(left, first), (0, 2): min(left, second), (1, 2): 0.0}
    whole = min(left, first + second)
    for member in range(3):
        others = [other for other in range(3) if other != member]
        # Third in two of six orders, second after each of the others in one; the first adds nothing.
        gains[member] += (whole - worth[others[0], others[1]]) / 3.0
        gains[member] += sum(worth[min(member, other), max(member, other)] for other in others) / 6.0
    parts: Array = gains / whole
    return parts


CASES: dict[str, tuple[dict[str, Value], Array, Array]] = {
    "glove game": ({"division": "shapley", "substitution": -50.0}, GLOVES, np.array([2 / 3, 1 / 6, 1 / 6])),
    "unequal gloves": ({"division": "shapley", "substitution": -50.0}, UNEQUAL, glove_parts(UNEQUAL)),
    "additive game": ({"division": "shapley", "substitution": 1.0}, UNEQUAL, contribution(UNEQUAL)),
    "contribution": ({"division": "contribution"}, UNEQUAL, contribution(UNEQUAL)),
    "equal": ({"division": "equal"}, UNEQUAL, np.full(3, 1 / 3)),
    "bargaining": ({"division": "nash", "outside_option": 0.3, "power": 2.0}, UNEQUAL, bargain(UNEQUAL, 0.3, 2.0)),
    "bargaining by power alone": ({"division": "nash", "outside_option": 0.0, "power": 6.0}, GLOVES, np.array([0.75, 0.125, 0.125])),
    "bargaining without a gain": ({"division": "nash", "outside_option": 1.0, "power": 6.0}, UNEQUAL, contribution(UNEQUAL)),
}  # fmt: skip


def test_gloves_by_hand() -> None:
    """Protects the yardstick of this file: three gloves give 2/3, 1/6, 1/6."""
    assert glove_parts(GLOVES) == pytest.approx([2 / 3, 1 / 6, 1 / 6])


@pytest.mark.parametrize("ratio", [1.0, 0.4])
@pytest.mark.parametrize("case", CASES)
def test_ledger_books_what_the_rule_says(case: str, ratio: float) -> None:
    """Protects the way from formula to money and to value: each quarter's pot is divided, of a partner's part the ratio."""
    rule, brought, parts = CASES[case]
    settings = {f"value_sharing.{name}": value for name, value in rule.items()} | {"value_sharing.ratio": ratio}
    model = Ecosystem(world(brought, settings), 3, history=False, audit=True)
    given = np.array([1.0 - ratio * parts[1:].sum(), *(ratio * parts[1:])])
    for _ in range(model.scenario.steps):
        before = capital_of(model)
        model.step()
        pot = model.books.paid[SALES, USER, FIRM]
        assert pot > 0.0
        assert capital_of(model) - before == pytest.approx(pot * given, rel=1e-9)
        paid = model.books.paid[PARTNER_PROGRAMME]
        assert paid.sum() == paid[FIRM, SUPPLIER] == pytest.approx(pot * given[1:].sum(), rel=1e-12)
        # The value of a sale goes with the money; the surplus of users stays with them.
        booked = model.books.value.sum(axis=1)
        assert booked[[FIRM, SUPPLIER]] == pytest.approx(pot * np.array([given[0], given[1:].sum()]), rel=1e-9)
        assert booked.sum() - booked[[FIRM, SUPPLIER]].sum() == pytest.approx(booked[USER], rel=1e-9)


def test_rules_of_division_give_different_outcomes() -> None:
    """Protects against a switch that does nothing: the four rules book four different parts to suppliers."""
    totals = set()
    for rule in ("equal", "contribution", "nash", "shapley"):
        model = Ecosystem(world(UNEQUAL, {"value_sharing.division": rule}), 3, history=False).run()
        booked = model.value.groupby("beneficiary")["value"].sum()
        totals.add(round(booked["supplier"] / (booked["supplier"] + booked["firm"]), 6))
    assert len(totals) == 4


def test_no_division_without_the_rule() -> None:
    """Protects the control: with value sharing off nobody is given anything beyond obligations."""
    model = Ecosystem(world(GLOVES, {"rules.value_sharing": False}), 3, history=False, audit=True).run()
    booked = model.value.groupby("beneficiary")["value"].sum()
    assert booked["supplier"] == 0.0
    assert booked["firm"] > 0.0
