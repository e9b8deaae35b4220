"""Joint ventures: what parents give, how the accounts stand, and what becomes of them."""

from __future__ import annotations

import numpy as np
import pytest

from ecosim import ledger
from ecosim.mechanisms import joint_ventures
from ecosim.mechanisms.joint_ventures import DISSOLVED, SOLD_TO_A, SOLD_TO_B
from ecosim.mechanisms.ties import new_tie
from ecosim.model import Ecosystem
from ecosim.state import CONTRACT, FIRM, JOINT_VENTURE, SHARING, SUPPLIER, VENTURE_DISSOLVED, VENTURE_SOLD

NO_END = joint_ventures.PARAMETERS.values({"ending": 0.0, "strain": 0.0, "losses": 0.0})
AT_ONCE = joint_ventures.PARAMETERS.values({"ending": 1.0, "strain": 20.0, "losses": 1.0})


def with_venture() -> tuple[Ecosystem, int, int, int]:
    """Return a classroom in which the first two firms share and have founded a joint venture: model, a, b, venture."""
    model = Ecosystem("classroom", 1, history=False, **{"rules.joint_ventures": False}).run(6)
    a, b = (int(row) for row in model.members(FIRM)[:2])
    tie = tie_between(model, a, b)
    if tie < 0:
        tie = new_tie(model.organisations, model.ties, model.tie_slots, a, b, CONTRACT, 0.8, 6)
    model.ties.trust[tie], model.ties.mode[tie] = 0.8, SHARING
    model.follow(joint_ventures.found, np.array([tie]))
    return model, a, b, int(model.members(FIRM)[-1])


def tie_between(model: Ecosystem, i: int, j: int) -> int:
    """Return the row of the tie between two organisations, -1 for none."""
    ends = np.stack([model.ties.a, model.ties.b])[:, model.tie_rows]
    return max([*model.tie_rows[(sorted((i, j)) == np.sort(ends, axis=0).T).all(axis=1)], -1])


def part(model: Ecosystem, venture: int, fate: int) -> None:
    """Let a venture come to its end."""
    joint_ventures.end(model.state, model.numbers, np.array([venture]), np.array([fate]), model.step_number)


def totals(model: Ecosystem) -> tuple[float, float]:
    """Return capital of all organisations, and talent of all with those who look for work."""
    table = model.organisations
    return float(table.capital.sum()), float(table.talent.sum() + model.environment.seekers[0])


def test_parents_give_what_the_venture_has() -> None:
    """Protects the birth: capital and staff move and are not made, knowledge is copied, each routine is a parent's."""
    model = Ecosystem("classroom", 1, history=False, **{"rules.joint_ventures": False}).run(6)
    before = totals(model)
    model, a, b, venture = with_venture()
    table, settings = model.organisations, model.parameters["joint_ventures"]
    assert totals(model) == pytest.approx(before, rel=1e-12)
    assert table.capital[venture] > 0.0
    assert table.talent[venture] == pytest.approx(settings.staff / (1.0 - settings.staff) * table.talent[[a, b]].sum())
    better = np.maximum(table.knowledge[a], table.knowledge[b])
    np.testing.assert_allclose(table.knowledge[venture], settings.copied * better)
    assert all(table.routines[venture, k] in table.routines[[a, b], k] for k in range(6))
    assert {int(table.parent_a[venture]), int(table.parent_b[venture])} == {int(table.uid[a]), int(table.uid[b])}
    assert model.roles["firm"].kinds[table.kind[venture]] == "joint venture"
    for parent in (a, b):
        tie = tie_between(model, parent, venture)
        assert model.ties.interface[tie] == JOINT_VENTURE


@pytest.mark.parametrize("fate", [SOLD_TO_A, SOLD_TO_B])
def test_sale_settles_into_the_buyer(fate: int) -> None:
    """Protects the sale: the buyer pays half of the worth, gets capital, staff, users and knowledge; accounts balance."""
    model, a, b, venture = with_venture()
    table, settings = model.organisations, model.parameters["joint_ventures"]
    buyer, seller = (a, b) if fate == SOLD_TO_A else (b, a)
    table.capital[buyer] = 1e5
    user = int(model.members(5)[0])
    table.provider[user] = venture
    before, rich, held, staff = totals(model), table.capital[seller], table.capital[venture], table.talent[venture]
    own, known = table.talent[buyer], np.maximum(table.knowledge[buyer], table.knowledge[venture])
    price = joint_ventures.price_of_half(held, table.payoff[venture], settings.multiple)
    part(model, venture, fate)
    assert totals(model) == pytest.approx(before, rel=1e-12)
    assert table.capital[seller] - rich == pytest.approx(price)
    assert table.capital[buyer] == pytest.approx(1e5 - price + held)
    assert table.talent[buyer] == pytest.approx(own + staff)
    np.testing.assert_array_equal(table.knowledge[buyer], known)
    assert table.provider[user] == buyer
    assert not table.alive[venture]
    assert VENTURE_SOLD in model.events.code[: model.events.used[0]]


def test_dissolution_splits_what_is_left() -> None:
    """Protects the end in parts: each parent gets half of capital and staff, and the accounts balance."""
    model, a, b, venture = with_venture()
    table = model.organisations
    before, held = totals(model), table.capital[venture]
    rich = table.capital[[a, b]].copy()
    part(model, venture, DISSOLVED)
    assert totals(model) == pytest.approx(before, rel=1e-12)
    np.testing.assert_allclose(table.capital[[a, b]] - rich, 0.5 * held)
    assert not table.alive[venture]
    assert VENTURE_DISSOLVED in model.events.code[: model.events.used[0]]


def test_earnings_are_sold_and_losses_dissolved() -> None:
    """Protects how it ends: a venture that earns goes to a parent that can pay, one that does not is dissolved."""
    model, a, b, venture = with_venture()
    table, members = model.organisations, model.state.members

    def fate(payoff: float) -> int:
        table.payoff[venture] = payoff
        model.ties.trust[tie_between(model, a, b)] = 0.0
        found = [
            joint_ventures.decide_ends(
                table, model.ties, np.array([venture]), members, model.tie_rows, AT_ONCE, seed, 9
            )[0]
            for seed in range(20)
        ]
        return int(max(found))

    table.capital[[a, b]] = 1e6
    assert fate(10.0) in (SOLD_TO_A, SOLD_TO_B)
    assert fate(-10.0) == DISSOLVED
    table.capital[[a, b]] = 1e-3
    assert fate(10.0) == DISSOLVED


def test_it_stands_alone_when_a_parent_leaves() -> None:
    """Protects orphans: nobody can sell or dissolve a venture one of whose parents has left, and it stays."""
    model, _, b, venture = with_venture()
    model.remove_organisation(b)
    members = model.state.members
    for seed in range(20):
        fates = joint_ventures.decide_ends(
            model.organisations, model.ties, np.array([venture]), members, model.tie_rows, AT_ONCE, seed, 9
        )
        assert fates[0] == joint_ventures.GOES_ON
    assert model.organisations.alive[venture]


def test_hazard_of_the_end() -> None:
    """Protects the formula: e (1 + s (1 - T)), and the rate of losses besides; nothing at rates of zero."""
    rates = joint_ventures.PARAMETERS.values({"ending": 0.02, "strain": 2.0, "losses": 0.05})
    assert joint_ventures.end_hazard(1.0, True, rates) == pytest.approx(0.02)
    assert joint_ventures.end_hazard(0.5, True, rates) == pytest.approx(0.04)
    assert joint_ventures.end_hazard(0.0, False, rates) == pytest.approx(0.11)
    assert joint_ventures.end_hazard(0.0, False, NO_END) == 0.0


def test_whole_lives_balance_and_the_switch_ends_births() -> None:
    """Protects whole runs: with many ventures every quarter's audit holds; without the rule none is born."""
    often = {"joint_ventures.birth_rate": 1.0, "joint_ventures.ending": 0.05, "joint_ventures.losses": 1.0}
    happened: set[str] = set()
    for seed in range(6):
        model = Ecosystem("classroom", seed, history=False, audit=True, **often).run()
        happened |= set(model.happened["event"])
    assert {"joint venture born", "joint venture sold", "joint venture dissolved"} <= happened
    off = Ecosystem("classroom", 0, history=False, **often, **{"rules.joint_ventures": False}).run()
    assert "joint venture born" not in set(off.happened["event"])
    assert off.metrics["joint_ventures"].max() == 0.0


def test_ventures_take_nobodys_luck() -> None:
    """Protects the control: ventures count by themselves, so the next firm to enter is the same with them and without."""
    model, _, _, venture = with_venture()
    firms = int(model.serials[FIRM])
    assert model.organisations.uid[venture] // 64 == joint_ventures.FIRST_SERIAL
    model.enter(FIRM, 1)
    assert model.serials[FIRM] == firms + 1
    assert model.serials[-1] == 1
    assert firms in model.organisations.uid[model.members(FIRM)] // 64
    assert model.view(venture).name == "joint venture 1"


def test_ventures_have_draws_of_their_own() -> None:
    """Protects luck: 64 times the uid of any of 65 536 ventures still tells it apart as the number of a draw."""
    last = 64 * (joint_ventures.FIRST_SERIAL + 2**16 - 1) + 63
    assert 64 * last + 63 < 2**32


def test_what_a_stranger_leaves_goes_to_households() -> None:
    """Protects other exits: a supplier that leaves has no parents, and nobody but households gets what it held."""
    model = Ecosystem("classroom", 1, history=False).run(2)
    row = model.members(SUPPLIER)[:1]
    held = float(model.organisations.capital[row[0]])
    before = float(model.books.outside[0])
    ledger.open_quarter(model.books)
    debts = float(np.abs(model.ties.loan[model.tie_rows]).sum())
    model.remove_organisation(int(row[0]))
    assert model.books.outside[0] - before <= held + 1e-9
    assert model.books.outside[0] - before >= held - debts - 1e-9
