"""Golden numbers: the classroom after twenty quarters, so that no rule changes unnoticed.

They say what the model does, not what it should do. When a rule was changed on purpose, look at what moved, then run

    python tests/golden/renew.py

which writes `classroom.json` anew; the change of that file belongs to the change of the rule.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest

from ecosim.grammar import RULES
from ecosim.model import Ecosystem
from ecosim.outcome_table import OUTCOMES
from ecosim.scenario import Scenario, load_scenario, scenario_from_dict

GOLDEN = Path(__file__).with_name("classroom.json")
SEED, STEPS = 1, 20
DIGITS = 6


def world() -> Scenario:
    """Return the classroom with what it has none of: technologies, supplies from abroad, a late entrant; and with many users."""
    settings = {"roles.user.initial": 300, "adoption.initial": 0.1, "foreign_supply.tradable": 0.3}
    tree = load_scenario("classroom", settings=settings).as_dict()
    tree["organisations"].append({"name": "Latecomer", "role": "supplier", "year": tree["start_year"] + 1})
    tree["components"] = [
        {"name": "first", "domain": 1, "difficulty": 0.05},
        {"name": "second", "domain": 2, "difficulty": 0.05, "requires": ["first"], "crossing": 1.0},
        {"name": "third", "domain": 2, "difficulty": 10.0, "crossing": 0.5},
    ]
    return scenario_from_dict(tree)


def numbers(scenario: Scenario) -> dict[str, float]:
    """Return outcomes, as means over the run, value by beneficiary and events by kind, as totals."""
    model = Ecosystem(scenario, SEED, history=False).run(STEPS)
    value = model.value.groupby("beneficiary")["value"].sum()
    happened = model.happened["event"].value_counts()
    skills = model.organisations.capabilities[model.rows].mean() + model.organisations.routines[model.rows].mean()
    return {
        **{f"outcome: {name}": float(model.metrics[name].mean()) for name in (outcome.name for outcome in OUTCOMES)},
        **{f"value: {name}": float(value[name]) for name in model.recorder.beneficiaries},
        **{f"event: {name}": float(count) for name, count in sorted(happened.items())},
        "capabilities and routines": float(skills),
        "leaked": float(model.organisations.leaked[model.rows].mean()),
        "direction of research": float((model.organisations.direction[model.rows] ** 2).sum()),
    }


def rounded(found: dict[str, float]) -> dict[str, float]:
    """Return numbers with as many digits as are kept."""
    return {name: float(f"{number:.{DIGITS}g}") for name, number in found.items()}


def test_numbers_are_the_golden_ones() -> None:
    """Protects against a change of any rule that nobody meant: six digits of every outcome and more."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert numbers(world()) == pytest.approx(golden, rel=10.0 ** (1 - DIGITS)), "meant? python tests/golden/renew.py"


@functools.cache
def with_all_rules() -> dict[str, float]:
    """Return the numbers of the world as it is."""
    return rounded(numbers(world()))


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_goes_unnoticed(rule: str) -> None:
    """Protects the golden numbers' worth: without a rule they are others, so each rule stands behind some of them."""
    assert rounded(numbers(world().with_settings({f"rules.{rule}": False}))) != with_all_rules()
