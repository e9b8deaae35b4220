"""Accounts: every invariant of the ledger, every quarter, in every shipped scenario and in random ones.

`audit=True` checks to 1e-9 that value created is value booked, that capital changes by the net inflow from outside,
that talent and services are conserved, that no stock is negative, that shares lie in [0, 1], that the dead own nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecosim.columns import make_table
from ecosim.grammar import CONDITIONS, scenario_grammar
from ecosim.ledger import (
    CONTRACTS,
    SALE_SOURCE,
    AuditError,
    create_value,
    hand_over,
    make_books,
    pay,
    pay_each,
    pay_together,
)
from ecosim.model import Ecosystem
from ecosim.parameters import Parameter, Value
from ecosim.roles import read_roles
from ecosim.scenario import Scenario, load_scenario, scenario_from_dict, shipped_scenarios
from ecosim.state import FIRM, GOVERNMENT, INDICES, SUPPLIER, UNIVERSITY, Books, Organisations

GRAMMAR = scenario_grammar(read_roles())
STEPS = 12
# Ranges are as declared but where a larger value only makes a run longer: two million organisations, or as many as
# capacity times ceiling lets grow, 100,000 sampled orders, 100 rounds of search before the start.
CAPS = {"initial": 12, "capacity": 30.0, "ceiling": 10.0, "samples": 200, "past_rounds": 8}
# Drawn by themselves: weights of kinds and coefficients must fit together, and steps are few.
APART = ("start_year", "steps", "symbiosis.coefficients")
PATHS = [path for path in GRAMMAR.parameters if not path.startswith(APART) and ".kinds." not in path]
# What counts only at the start cannot be changed by an event.
CHANGEABLE = [path for path in PATHS if path != "schedule.activation" and not path.endswith(".initial")]
LEVELS = ("openness", "protection", "absorptive", "persistence", "reform", "sharing", "niche", "direction", "chain",
          "capabilities", "knowledge_capabilities", "routines", "leaked")  # fmt: skip
STOCKS = ("capital", "talent", "services", "information", "knowledge", "budget", "revenue", "research", "bought",
          "degree", "installed", "wages_due", "programme", "transfer", "surplus")  # fmt: skip


def check_state(model: Ecosystem) -> None:
    """Assert that everything is a finite number, in its range, and that tables point at each other rightly."""
    table, ties, rows, tie_rows = model.organisations, model.ties, model.rows, model.tie_rows
    for kept, living in ((table, rows), (ties, tie_rows)):
        for name, column in zip(kept._fields, kept, strict=True):
            assert np.isfinite(column[living]).all(), name
    for small in (model.environment, model.books, model.reading):
        for name, column in zip(small._fields, small, strict=True):
            assert np.isfinite(column).all(), name
    for name in STOCKS:
        assert (getattr(table, name)[rows] >= 0.0).all(), name
    for levels in (*(getattr(table, name)[rows] for name in LEVELS), ties.trust[tie_rows], model.environment.level,
                   model.environment.adopted, model.reading.shares):  # fmt: skip
        assert ((levels >= 0.0) & (levels <= 1.0 + 1e-9)).all()
    assert model.environment.seekers[0] >= 0.0
    np.testing.assert_allclose(model.environment.demand.sum(), 1.0, rtol=1e-9)
    ends = np.concatenate([ties.a[tie_rows], ties.b[tie_rows]])
    assert table.alive[ends].all()
    np.testing.assert_array_equal(np.bincount(ends, minlength=len(table.uid))[rows], table.degree[rows])
    providers = table.provider[rows][table.provider[rows] >= 0]
    assert table.alive[providers].all()
    assert (table.role[providers] == FIRM).all()


def check_tables(model: Ecosystem) -> None:
    """Assert that result tables hold finite numbers, and that shares of value are shares."""
    for frame in (model.metrics, model.value, model.by_role, model.flows):
        assert np.isfinite(frame.select_dtypes("number").to_numpy()).all()
    shares = model.metrics.filter(like="share_").to_numpy()
    assert ((shares >= 0.0) & (shares <= 1.0 + 1e-9)).all()
    assert (model.flows["volume"] >= 0.0).all()
    assert len(model.metrics) == model.step_number
    assert len(model.happened) >= 0


@pytest.mark.parametrize("activation", ["simultaneous", "random"])
@pytest.mark.parametrize("name", sorted(shipped_scenarios()))
def test_shipped_scenarios_balance(name: str, activation: str) -> None:
    """Protects every scenario that ships, to its last quarter, in both ways of activation."""
    world = load_scenario(name, settings={"schedule.activation": activation})
    model = Ecosystem(world, 1, history=False, audit=True).run()
    check_state(model)
    check_tables(model)


# --- random scenarios ------------------------------------------------------------------------------------------------


def values_of(path: str) -> st.SearchStrategy[Value]:
    """Return values of a parameter over its range; its ends are frequent."""
    record: Parameter = GRAMMAR.parameters[path]
    if record.choices:
        return st.sampled_from(record.choices)
    if isinstance(record.default, bool):
        return st.booleans()
    assert record.low is not None
    assert record.high is not None
    high = min(record.high, CAPS.get(path.rpartition(".")[2], record.high))
    if isinstance(record.default, int):
        return st.integers(int(record.low), int(high))
    return st.floats(record.low, high) | st.sampled_from([record.low, high])


@st.composite
def happenings(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """Draw an event: on a step or under a condition; a change of parameters, a shock, or an entry."""
    event: dict[str, Any] = {"name": f"event {number}"}
    if draw(st.booleans()):
        event["step"] = draw(st.integers(0, STEPS - 1))
    else:
        level = draw(st.sampled_from([0.01, 0.3, 0.6, 5.0, 1000.0]))
        event["when"] = f"{draw(st.sampled_from(CONDITIONS))} {draw(st.sampled_from('<>'))} {level}"
    match draw(st.integers(0, 2)):
        case 0:
            paths = draw(st.lists(st.sampled_from(CHANGEABLE), min_size=1, max_size=6, unique=True))
            event["set"] = {path: draw(values_of(path)) for path in paths}
        case 1:
            event["shock"] = {
                "index": draw(st.sampled_from(INDICES)),
                "size": draw(st.floats(-1.0, 1.0)),
                "quarters": draw(st.integers(1, 20)),
            }
        case _:
            event["enter"] = {"role": draw(st.sampled_from(list(GRAMMAR.kinds))), "count": draw(st.integers(1, 8))}
    return event


@st.composite
def components(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw a few component technologies, each needing some of those before it."""
    count = draw(st.integers(0, 4))
    return [
        {
            "name": f"component {number}",
            "difficulty": draw(st.floats(0.01, 1000.0)),
            "domain": draw(st.integers(1, 8)),
            "requires": [f"component {other}" for other in range(number) if draw(st.booleans())],
            "crossing": draw(st.floats(0.0, 1.0)),
        }
        for number in range(count)
    ]


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Draw a small scenario: a shipped one with other parameters, switches, coefficients, components and events."""
    base = draw(st.sampled_from(["classroom", "huawei-ecosystem", "limit-symbiosis", "limit-division"]))
    few: dict[str, Value] = {f"roles.{role}.initial": draw(st.integers(0, 12)) for role in GRAMMAR.kinds}
    few |= {"roles.firm.capacity": 20.0, "roles.supplier.capacity": 20.0}
    paths = draw(st.lists(st.sampled_from(PATHS), max_size=60, unique=True))
    changes = few | {path: draw(values_of(path)) for path in paths}
    if draw(st.booleans()):
        for role in draw(st.lists(st.sampled_from(list(GRAMMAR.kinds)), min_size=2, max_size=4, unique=True)):
            changes[f"symbiosis.coefficients.{role}.firm"] = draw(st.floats(-10.0, 10.0))
    tree = load_scenario(base).with_settings(changes).as_dict()
    tree["steps"] = STEPS
    tree["organisations"] = [named for named in tree["organisations"] if named.get("year", 0) <= tree["start_year"]]
    tree["events"] = [draw(happenings(number)) for number in range(draw(st.integers(0, 4)))]
    tree["components"] = draw(components())
    return scenario_from_dict(tree)


@settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(world=scenarios(), seed=st.integers(0, 2**63 - 1))
def test_random_scenarios_balance(world: Scenario, seed: int) -> None:
    """Protects the ledger, and the run itself, whatever a scenario holds: no crash, nothing infinite, nothing out of range."""
    model = Ecosystem(world, seed, history=False, audit=True)
    check_state(model)
    for _ in range(STEPS):
        model.step()
        check_state(model)
    check_tables(model)


# --- many payments at once -------------------------------------------------------------------------------------------

ROLES = [FIRM, SUPPLIER, UNIVERSITY, GOVERNMENT, GOVERNMENT, GOVERNMENT]
MEMBERS, GOVERNMENTS = np.arange(3), np.arange(3, 6)
amounts = st.floats(0.0, 100.0) | st.sampled_from([0.0, 1.0, 3.0])
holdings = st.tuples(*[amounts] * 3)


def accounts(givers: Any, capital: tuple[float, ...], pot: tuple[float, ...]) -> tuple[Organisations, Books]:
    """Return six organisations, three of which hold something, and empty books."""
    table = make_table(Organisations, 6)
    table.role[:], table.capital[givers], table.pot[givers] = ROLES, capital, pot
    return table, make_books(6)


def assert_same(one: tuple[Organisations, Books], other: tuple[Organisations, Books]) -> None:
    """Assert that two ledgers are the same but for rounding, and that nothing is negative."""
    for name in ("capital", "pot"):
        np.testing.assert_allclose(getattr(one[0], name), getattr(other[0], name), rtol=1e-9, atol=1e-9)
        assert getattr(one[0], name).min() >= 0.0
    np.testing.assert_allclose(one[1].paid, other[1].paid, rtol=1e-9, atol=1e-9)


@given(capital=holdings, pot=holdings, amount=holdings, rate=st.tuples(*[st.floats(0.0, 1.0)] * 3), part=holdings)
def test_paid_together_is_paid_one_by_one(
    capital: tuple[float, ...], pot: tuple[float, ...], amount: tuple[float, ...], rate: tuple[float, ...], part: tuple[float, ...]
) -> None:  # fmt: skip
    """Protects double entry where many pay many: accounts, value and books are those of each paying each in proportion."""
    parts = (np.array(part) + 0.1) / (np.array(part) + 0.1).sum()
    (table, books), (shadow, shadows) = (accounts(GOVERNMENTS, capital, pot) for _ in range(2))
    moved = pay_together(table, books, GOVERNMENTS, np.array(amount), np.array(rate), MEMBERS, parts, CONTRACTS)
    for giver, whole, along in zip(GOVERNMENTS, np.minimum(amount, capital), rate, strict=True):
        kept = shadow.pot[giver] - min(along * whole, shadow.pot[giver])
        value = shadow.pot[giver] - kept
        for taker, share in zip(MEMBERS, parts, strict=True):
            shadow.pot[giver] = share * value
            pay(shadow, shadows, giver, taker, share * whole, CONTRACTS)
        shadow.pot[giver] = kept
    assert_same((table, books), (shadow, shadows))
    assert moved == pytest.approx(np.minimum(amount, capital).sum())
    nobody = np.arange(0)
    assert pay_together(table, books, GOVERNMENTS, np.ones(3), np.ones(3), nobody, np.ones(0), CONTRACTS) == 0.0


@given(capital=holdings, pot=holdings, amount=amounts)
def test_paid_to_each_is_paid_one_by_one(capital: tuple[float, ...], pot: tuple[float, ...], amount: float) -> None:
    """Protects taxes: each government gets as much, the first ones first where money or value runs out, as by single payments."""
    (table, books), (shadow, shadows) = (accounts(MEMBERS, capital, pot) for _ in range(2))
    held = np.zeros((4, 4))
    moved = sum(pay_each(table, books, giver, GOVERNMENTS, amount, CONTRACTS, held) for giver in MEMBERS)
    hand_over(table, GOVERNMENTS, held)
    single = sum(pay(shadow, shadows, giver, taker, amount, CONTRACTS) for giver in MEMBERS for taker in GOVERNMENTS)
    assert_same((table, books), (shadow, shadows))
    assert moved == pytest.approx(single)


# --- the audit itself ------------------------------------------------------------------------------------------------


def conjure_money(model: Ecosystem) -> None:
    """Give a firm money that nobody paid."""
    model.organisations.capital[model.members(FIRM)[0]] += 5.0


def lose_money(model: Ecosystem) -> None:
    """Take money from an outside account past the ledger."""
    model.books.outside[0] -= 5.0


def conjure_talent(model: Ecosystem) -> None:
    """Let talent look for work that nobody taught."""
    model.environment.seekers[0] += 3.0


def conjure_services(model: Ecosystem) -> None:
    """Give a firm services that nobody made."""
    model.organisations.services[model.members(FIRM)[0]] += 2.0


def create_unbooked_value(model: Ecosystem) -> None:
    """Create value after pots were closed, so that it is booked to nobody."""
    create_value(model.organisations, model.books, SALE_SOURCE, int(model.members(FIRM)[0]), 7.0)


def open_too_far(model: Ecosystem) -> None:
    """Let a firm expose more than all it has."""
    model.organisations.openness[model.members(FIRM)[0]] = 1.5


def owe_information(model: Ecosystem) -> None:
    """Let a stock fall below zero."""
    model.organisations.information[model.members(FIRM)[0]] = -0.25


def lose_a_number(model: Ecosystem) -> None:
    """Let a level be no number."""
    model.organisations.knowledge[model.members(FIRM)[0], 3] = np.nan


def leave_without_settling(model: Ecosystem) -> None:
    """Let a firm be gone with all that it owns."""
    model.organisations.alive[model.members(FIRM)[0]] = False


BREAKS: dict[str, tuple[Callable[[Ecosystem], None], str]] = {
    "money conjured": (conjure_money, r"capital of all organisations .* a difference of 5$"),
    "money lost": (lose_money, r"capital of all organisations .* a difference of 5$"),
    "talent conjured": (conjure_talent, r"talent against teaching .* a difference of 3$"),
    "services conjured": (conjure_services, r"services against production .* a difference of 2$"),
    "value not booked": (create_unbooked_value, r"value created against value booked: .* a difference of 7$"),
    "share above 1": (open_too_far, r"openness of organisation {uid} is 1\.5; valid is 0 to 1$"),
    "negative stock": (owe_information, r"information of organisation {uid} is -0\.25; valid is -1e-12 to inf$"),
    "dead owner": (leave_without_settling, r"organisations that left still own [1-9][0-9.]* of capital; it must be 0$"),
    "no number": (lose_a_number, r"knowledge of organisation {uid} is nan; valid is -1e-12 to inf$"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_audit_names_what_is_broken(name: str) -> None:
    """Protects the audit's sentence: a user's phase that breaks an invariant is told step, account and amount."""
    rule, sentence = BREAKS[name]
    model = Ecosystem("classroom", 1, history=False, audit=True)
    model.run(2)
    model.insert_phase(rule, after="read_stage")
    uid = model.organisations.uid[model.members(FIRM)[0]]
    with pytest.raises(AuditError, match=r"^step 2: " + sentence.replace("{uid}", str(uid))):
        model.step()
