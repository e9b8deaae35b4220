"""Another future: snapshot, restore, rewind and branch give back the past bit for bit, and share the luck after it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mesa
import numpy as np
import pandas as pd
import pytest

from ecosim import Ecosystem
from ecosim.history import History
from ecosim.outcome_table import OUTCOMES

LIVELY = Path(__file__).with_name("lively.toml")

EVENTFUL = """
steps = 16
[[organisations]]
name = "Core"
role = "firm"
kind = "focal"
focal = true
[[organisations]]
name = "Late"
role = "supplier"
year = 2001
[[events]]
name = "early tax"
step = 2
[events.set]
"policy.tax_rate" = 0.4
[[events]]
name = "slump"
step = 5
[events.shock]
index = "economy"
size = -0.4
quarters = 4
[[events]]
name = "wave"
when = "organisations > 5"
after = 2001
[events.enter]
role = "user"
count = 7
[[events]]
name = "late tax"
step = 9
[events.set]
"policy.tax_rate" = 0.05
"""

COUNTING_ROLE = """
from ecosim import Organisation

class Bank(Organisation):
    kinds = ("savings", "trade")
    defaults = {"initial": 4, "capital": 500.0, "breadth": 0.9}
    interfaces = {"firm": "funding", "supplier": "funding"}
    paid = 0.0
    last = None

    def orchestrate(self):
        for partner in self.partners:
            self.paid += self.pay(partner, 0.02 * self.capital, "grants")
            self.last = partner
        if self.last is not None and self.last.alive and self.paid > 20.0:
            self.pay(self.last, 1.0, "grants")
"""


LIVING = {
    "organisations": "rows", "ties": "tie_rows", "projects": "project_rows", "platforms": "platform_rows",
    "memberships": "membership_rows",
}  # fmt: skip


def _lively(**more: Any) -> Ecosystem:
    return Ecosystem(LIVELY, **{"seed": 7, **more})


def _tables(model: Ecosystem) -> dict[str, pd.DataFrame]:
    return {name: getattr(model, name) for name in ("metrics", "value", "by_role", "flows", "happened")}


def _assert_same(one: Ecosystem, other: Ecosystem) -> None:
    """Check that two models agree in every table and every column of the living, bit for bit."""
    for name, table in _tables(one).items():
        pd.testing.assert_frame_equal(table, getattr(other, name), check_exact=True, obj=name)
    assert one.step_number == other.step_number == one.steps == other.steps
    assert one.scenario == other.scenario
    for table, living in LIVING.items():
        rows, other_rows = getattr(one, living), getattr(other, living)
        assert rows.tolist() == other_rows.tolist()
        for name in getattr(one, table)._fields:
            left, right = getattr(getattr(one, table), name), getattr(getattr(other, table), name)
            assert np.array_equal(left[rows], right[other_rows]), f"{table}.{name}"
    for name in ("environment", "books", "reading", "project_counts"):
        for left, right in zip(getattr(one, name), getattr(other, name), strict=True):
            assert np.array_equal(left, right), name
    for name in ("mastered", "licensed", "licensor", "released", "sufficiency", "worked_on", "hazard"):
        left, right = getattr(one.technology, name), getattr(other.technology, name)
        assert np.array_equal(left[one.rows], right[other.rows]), f"technology.{name}"


def _state(model: Ecosystem) -> dict[str, bytes]:
    names = (*Ecosystem._TABLES, "events")
    return {
        f"{name}.{column}": getattr(getattr(model, name), column).tobytes()
        for name in names
        for column in getattr(model, name)._fields
    }


# -- the branch without a change --------------------------------------------------------------------------------


@pytest.fixture
def with_bank(tmp_path: Path) -> Ecosystem:
    """Return a model with a seventh role, whose members remember a number and a partner."""
    (tmp_path / "bank.py").write_text(COUNTING_ROLE)
    return _lively(agents=[tmp_path])


@pytest.fixture
def eventful(tmp_path: Path) -> Ecosystem:
    """Return a model in which dated, conditional and late things happen."""
    (tmp_path / "eventful.toml").write_text(EVENTFUL)
    return Ecosystem(tmp_path / "eventful.toml", seed=3)


@pytest.mark.parametrize("past", [0, 1, 6])
def test_branch_of_the_present(past: int) -> None:
    """A branch that nobody changes equals the original, also from before the first quarter."""
    model = _lively().run(past)
    branch = model.branch()
    _assert_same(branch, model)
    _assert_same(branch.run(6), model.run(6))
    assert model.by_role["entries"].sum() > 5


def test_branch_of_the_past() -> None:
    """A branch from an earlier quarter equals the original that far, and again after the same quarters."""
    model = _lively().run(10)
    branch = model.branch(4)
    assert (branch.step_number, len(branch.metrics)) == (4, 4)
    _assert_same(branch.run(6), model)


@pytest.mark.parametrize("scenario", ["classroom", "cloud-platforms", "core-technology", "embargo", "huawei-baseband"])
def test_branch_in_shipped_worlds(scenario: str) -> None:
    """Protects the state of every mechanism: ventures, projects, platforms, licences, an embargo; all come back as they were."""
    settings = {"foreign_supply__tradable": 0.5, "joint_ventures__birth_rate": 1.0, "licensing__refusal": 0.1}
    model = Ecosystem(scenario, seed=5, **settings).run(3)
    model.embargo(0.5, 3)
    model.run(5)
    other = model.branch(5).run(3)
    _assert_same(model, other)
    model.rewind(4)
    _assert_same(model.run(4), other)


def test_nothing_is_kept_beside_the_snapshot() -> None:
    """Protects against state that no snapshot has: back at the start, the plain values of a model are those of a new one."""
    model, fresh = Ecosystem("classroom", seed=5).run(4), Ecosystem("classroom", seed=5)
    model.rewind(0)
    assert vars(model).keys() == vars(fresh).keys()
    follows = {"seconds", "parameters", "role_parameters", "schedule", "roles", "_cached", "_views", "_acted", "_told"}
    plain = (bool, int, float, str, tuple, list, set, dict, np.ndarray)
    kept = {name for name, value in vars(fresh).items() if type(value) in plain} - follows
    assert {"serials", "stopped", "fired", "warnings"} <= kept
    for name in kept:
        np.testing.assert_equal(vars(model)[name], vars(fresh)[name], name)


def test_what_leaked_ends_with_the_phase() -> None:
    """Protects outcomes of a quarter: nothing leaks any more once nobody shares."""
    model = Ecosystem("classroom", seed=5).run(3)
    assert model.metrics["leaked_knowledge"].iloc[-1] > 0.0
    model.set("rules.open_sharing", False)
    assert model.run(1).metrics["leaked_knowledge"].iloc[-1] == 0.0


def test_branch_in_random_order() -> None:
    """The same holds when organisations act one by one in random order."""
    model = _lively(**{"schedule.activation": "random"}).run(12)
    _assert_same(model.branch(3).run(9), model)
    assert not model.metrics.equals(_lively().run(12).metrics)


def test_branch_with_further_roles(with_bank: Ecosystem) -> None:
    """A role from another folder comes along, with what its members remember: numbers, and other organisations."""
    with_bank.run(4)
    early = with_bank.branch()
    with_bank.run(6)
    bank = with_bank.roles["bank"].agent
    remembered = with_bank.agents_by_type[bank].get(["paid"])
    assert sum(map(sum, remembered)) > 0.0
    for branch in (with_bank.branch(4), early):
        held = [agent.last for agent in branch.agents_by_type[bank] if agent.last is not None]
        assert held
        assert all(partner.model is branch for partner in held)
        _assert_same(branch.run(6), with_bank)
        assert branch.agents_by_type[bank].get(["paid"]) == remembered


@pytest.mark.parametrize("step", [0, 1, 3, 6, 11])
def test_branch_around_events(eventful: Ecosystem, step: int) -> None:
    """Dated, conditional and late events happen once, wherever the branch begins."""
    eventful.run(12)
    happened = eventful.happened
    assert (happened["event"] == "policy").sum() == 2
    assert (happened["event"] == "shock").sum() == 1
    assert len(eventful.fired) == 4
    _assert_same(eventful.branch(step).run(12 - step), eventful)


def test_branch_after_a_set() -> None:
    """A parameter set by hand counts in branches from later on, and not in those from before."""
    model = _lively().run(4)
    model.set("policy.spending", 0.05)
    model.run(6)
    _assert_same(model.branch(7).run(3), model)
    _assert_same(model.branch(4).run(6), model)
    before = model.branch(3)
    assert before.scenario.get("policy.spending") == 0.5
    assert not before.run(7).metrics.equals(model.metrics)


def test_branch_with_user_phase_and_mesas_generators() -> None:
    """A user's phase comes along, and meets Mesa's generators in the state they were in, and agents in the same order."""

    def lottery(model: Ecosystem) -> None:
        givers = [agent for agent in model.agents if agent.capital > 1.0]
        giver, taker = model.random.choice(givers), givers[int(model.rng.integers(len(givers)))]
        giver.pay(taker, 1.0, "grants")
        model.agents.shuffle_do(lambda agent: setattr(agent, "risk", model.random.random()))

    model = _lively()
    model.insert_phase(lottery, after="orchestrate")
    model.run(3)
    early = model.branch()
    model.run(5)
    assert [phase.name for phase in early.schedule] == [phase.name for phase in model.schedule]
    _assert_same(early.run(5), model)
    _assert_same(model.branch(5).run(3), model)
    _assert_same(early.branch(2).run(6), model)


def test_branch_of_a_branch() -> None:
    """A branch branches in turn, from its own past and from the one it shares."""
    model = _lively().run(3)
    first = model.branch()
    first.set("policy.tax_rate", 0.5)
    first.run(3)
    second = first.branch(4)
    _assert_same(second.run(2), first)
    _assert_same(first.branch(1).run(2), model)


def test_deepcopy_is_a_branch() -> None:
    """``copy.deepcopy`` of a model gives a branch; the two share no array."""
    model = _lively().run(3)
    other = copy.deepcopy(model)
    _assert_same(other.run(2), model.branch().run(2))
    assert model.step_number == 3


# -- the branch with a change ---------------------------------------------------------------------------------------


def test_change_keeps_the_past_and_leaves_the_original() -> None:
    """A change in a branch alters what comes after it, not what came before, and nothing in the original."""
    model, alone = _lively().run(6), _lively().run(6)
    before = _state(model)
    branch = model.branch(4)
    branch.set("policy.tax_rate", 0.6)
    branch.roles_changed = True
    branch.agents[0].remove()
    branch.run(6)
    assert _state(model) == before
    assert not hasattr(model, "roles_changed")
    assert model.scenario.get("policy.tax_rate") != 0.6
    for name, table in _tables(model).items():
        pd.testing.assert_frame_equal(getattr(branch, name).query("step < 4"), table.query("step < 4"), obj=name)
    assert not branch.metrics["capital_total"][4:].equals(model.metrics["capital_total"][4:])
    _assert_same(model.run(4), alone.run(4))
    _assert_same(model.branch(5).run(5), alone)


def test_original_leaves_the_branch() -> None:
    """What is done to the original later does not reach a branch."""
    model = _lively().run(3)
    branch = model.branch()
    kept, before = model.branch(), _state(branch)
    model.set("policy.tax_rate", 0.6)
    model.insert_phase(lambda _: None, name="idle")
    model.agents.set("capital", 1.0)
    model.run(4)
    model.rewind(1)
    assert _state(branch) == before
    assert "idle" not in [phase.name for phase in branch.schedule]
    _assert_same(branch.run(3), kept.run(3))


def test_luck_is_shared() -> None:
    """A parameter that decides nothing yet changes nothing; one that moves money leaves who enters and leaves by chance alone."""
    model = _lively(**{"adoption.initial": 0.6}).run(3)
    idle, taxed = model.branch(), model.branch()
    idle.set("value_sharing.trial", 0.2)  # counts under the strategy 'adaptive' alone
    taxed.set("policy.tax_rate", 0.5)
    chance = {"turnover.selection": 0.0, "turnover.patience": 1000, "rules.symbiosis": False}
    for each in (model, idle, taxed):
        each.set_many(chance)
        each.run(8)
    for name, table in _tables(model).items():
        pd.testing.assert_frame_equal(getattr(idle, name), table, check_exact=True)
    assert not taxed.metrics["capital_total"].equals(model.metrics["capital_total"])
    pd.testing.assert_frame_equal(
        taxed.by_role[["count", "entries", "exits"]], model.by_role[["count", "entries", "exits"]]
    )
    assert model.by_role["exits"].sum() > 5


def test_own_things_come_along_as_copies() -> None:
    """Attributes and a data collector of a user's own are copied into a branch, and organisations in them are the branch's."""
    model = _lively().run(2)
    model.chosen = {"richest": model.agents.sort("capital")[0], "notes": [1]}
    model.datacollector = mesa.DataCollector({"capital": lambda m: sum(m.agents.get("capital"))})
    model.datacollector.collect(model)
    branch = model.branch()
    branch.chosen["notes"].append(2)
    branch.datacollector.collect(branch.run(1))
    assert model.chosen["notes"] == [1]
    twin = branch.chosen["richest"]
    assert (twin.model, twin.unique_id) == (branch, model.chosen["richest"].unique_id)
    assert len(model.datacollector.model_vars["capital"]) == 1
    assert len(branch.datacollector.model_vars["capital"]) == 2


def test_phase_that_remembers_is_copied() -> None:
    """A phase that counts goes on counting apart in a branch, and a method of the model becomes one of the branch."""

    class Counter:
        def __init__(self) -> None:
            self.count = 0

        def __call__(self, model: Ecosystem) -> None:
            self.count += 1
            model.agents[0].risk = self.count / 64

    class Own(Ecosystem):
        calls = 0

        def note(self, model: Ecosystem) -> None:
            assert model is self
            self.calls += 1

    model, counter = Own(LIVELY, seed=7), Counter()
    model.insert_phase(counter)
    model.insert_phase(model.note)
    model.run(2)
    branch = model.branch()
    _assert_same(branch.run(3), model.run(3))
    branch.run(1)
    assert (counter.count, model.calls) == (5, 5)
    assert isinstance(branch, Own)
    assert branch.calls == 6


# -- rewind -------------------------------------------------------------------------------------------------------


def test_rewind_and_run_again() -> None:
    """After a rewind, running again gives the same bits; Mesa's counter of steps goes back too."""
    model, straight = _lively().run(9), _lively().run(9)
    agent = next(agent for agent in model.agents if agent.born == 0)
    for step in (5, 0, 3):
        model.rewind(step)
        assert (model.steps, model.step_number, len(model.metrics)) == (step, step, step)
        _assert_same(model.run(9 - step), straight)
    assert agent in model.agents
    assert agent.alive


def test_rewind_meets_other_rows() -> None:
    """An agent known from a future that was given up is, where it enters anew, the agent of its new row."""
    model = _lively().run(6)
    known = {agent.unique_id: agent for agent in model.agents}
    rows = {uid: agent.row for uid, agent in known.items()}
    model.rewind(1)
    model.enter(model.roles["user"].index, 5)  # takes rows that others had
    model.enter(model.roles["supplier"].index, 1)
    model.run(5)
    moved = 0
    for agent in model.agents:
        assert model.organisations.uid[agent.row] == agent.unique_id
        moved += agent.row != rows.get(agent.unique_id, agent.row)
    assert moved > 0
    for agent in known.values():
        assert not agent.alive or model.organisations.uid[agent.row] == agent.unique_id


def test_rewind_forgets_what_members_remember(with_bank: Ecosystem) -> None:
    """What members of a role remember goes back as well."""
    with_bank.run(5)
    bank = with_bank.roles["bank"].agent
    paid = with_bank.agents_by_type[bank].get("paid")
    with_bank.run(3)
    assert with_bank.agents_by_type[bank].get("paid") != paid
    with_bank.rewind(5)
    assert with_bank.agents_by_type[bank].get("paid") == paid
    with_bank.rewind(0)
    assert with_bank.agents_by_type[bank].get("paid") == [0.0] * 4


def test_restore_forgets_who_was_there() -> None:
    """Lists of who is there, kept since, do not survive a restore, though as many have come and gone."""
    model = _lively()
    start = model.snapshot()
    first, second = model.agents_by_type[model.roles["user"].agent][:2]
    row = first.row
    first.remove()
    assert row not in model.members(5)
    model.restore(start)
    second.remove()
    assert row in model.members(5)
    assert second._row not in model.members(5)


def test_set_counts_after_rewinding_to_it() -> None:
    """A rewind to the quarter in which a parameter was set finds it set; a set after a rewind counts when going back there again."""
    model = _lively().run(4)
    model.set("policy.tax_rate", 0.5)
    model.run(2)
    model.rewind(4)
    assert model.scenario.get("policy.tax_rate") == 0.5
    model.set("policy.tax_rate", 0.3)
    model.run(3)
    model.rewind(4)
    assert model.scenario.get("policy.tax_rate") == 0.3


@pytest.mark.parametrize("act", [Ecosystem.rewind, Ecosystem.branch])
@pytest.mark.parametrize(
    ("history", "step", "sentence"),
    [
        (True, 6, "cannot rewind to step 6: steps 0 to 4 can be reached"),
        (True, -1, "cannot rewind to step -1: steps 0 to 4 can be reached"),
        (False, 2, "cannot rewind to step 2: history=False keeps no snapshots"),
    ],
)
def test_step_out_of_reach(act: Callable[[Ecosystem, int], object], history: bool, step: int, sentence: str) -> None:
    """A quarter that was not run, or is not kept, is refused in one sentence, and the model stays where it is."""
    model = _lively(history=history).run(4)
    before = _state(model)
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        act(model, step)
    assert _state(model) == before
    assert len(model.metrics) == 4


def test_without_history_the_present_branches() -> None:
    """``history=False`` keeps no snapshot, but a branch of the present needs none."""
    model = _lively(history=False).run(4)
    assert model.branch().run(3).metrics.equals(model.run(3).metrics)


# -- the memory of a long run -----------------------------------------------------------------------------------------


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> Ecosystem:
    """Return a model that may keep no more snapshots than a few."""
    one = _lively().run(1)._history.bytes
    monkeypatch.setattr(Ecosystem, "HISTORY_BYTES", 6 * one)
    return _lively(steps=40)


def test_history_is_thinned(forgetful: Ecosystem) -> None:
    """Snapshots stay below the limit, the start is always kept, and any quarter in between can still be reached, the same bits."""
    model, straight = forgetful.run(40), _lively(steps=40).run(40)
    kept = sorted(model._history.kept)
    assert model._history.bytes <= Ecosystem.HISTORY_BYTES
    assert 2 <= len(kept) <= 6
    assert kept == list(range(0, 40, model._history.spacing))
    for step in (39, kept[1] + 1, kept[1] - 1, 1):
        branch = model.branch(step)
        assert branch.step_number == step
        _assert_same(branch, straight.branch(step))
        _assert_same(branch.run(40 - step), straight)


def test_copied_history_is_apart() -> None:
    """What a copy keeps or forgets does not show in the original."""
    history = History(100)
    history.keep(0, {"bytes": 1}, False)
    history.keep(3, {"bytes": 1}, True)
    other = history.copied()
    other.keep(5, {"bytes": 1}, True)
    history.keep(4, {"bytes": 1}, False)
    assert (sorted(history.kept), sorted(other.kept)) == ([0, 3, 4], [0, 3, 5])
    history.keep(5, {"bytes": 1}, False)
    for each in (history, other):
        each.keep(6, {"bytes": 98}, False)  # too many: 0, 4, 8, ... stay, and what was set
    assert (sorted(history.kept), sorted(other.kept)) == ([0, 3, 4], [0, 3, 5])


def test_thinned_history_keeps_a_set(forgetful: Ecosystem) -> None:
    """The quarter in which a parameter was set is kept whatever the spacing, so that what follows can be reached."""
    forgetful.run(21)
    forgetful.set("policy.tax_rate", 0.5)
    forgetful.run(19)
    assert 21 % forgetful._history.spacing != 0
    assert 21 in forgetful._history.kept
    _assert_same(forgetful.branch(22).run(18), forgetful)


def test_thinned_history_keeps_a_set_of_a_branch(forgetful: Ecosystem) -> None:
    """The same holds for a parameter set before the model was branched."""
    forgetful.run(21)
    forgetful.set("policy.tax_rate", 0.5)
    branch = forgetful.branch().run(9)
    assert 21 % branch._history.spacing != 0
    _assert_same(branch.branch(23).run(7), branch)


def test_thinned_history_forgets_an_abandoned_set(forgetful: Ecosystem) -> None:
    """What was kept of a future that was given up is not mistaken for the past."""
    straight = _lively(steps=40).run(24)
    forgetful.run(21)
    forgetful.set("policy.tax_rate", 0.5)
    forgetful.run(3)
    assert 21 in forgetful._history.kept
    forgetful.rewind(10)
    _assert_same(forgetful.run(14), straight)
    assert sorted(forgetful._history.kept) == list(range(0, 24, forgetful._history.spacing)), "a rewind is no set"
    _assert_same(forgetful.branch(21), straight.branch(21))


def test_rewind_through_what_was_done_by_hand_is_refused(forgetful: Ecosystem) -> None:
    """Where the past cannot be played again, a rewind says so and leaves the model, its past and its future as they were."""
    forgetful.run(21)
    assert 21 % forgetful._history.spacing != 0
    forgetful.agents.set("capital", 1.0)  # by hand, where no snapshot is kept
    forgetful.run(2)
    control, before = forgetful.branch(), _state(forgetful)
    kept = ", ".join(map(str, sorted(forgetful._history.kept)))
    with pytest.raises(
        ValueError, match=f"step 22: the model was changed by hand after step .* kept are the steps {kept}$"
    ):
        forgetful.rewind(22)
    assert _state(forgetful) == before
    _assert_same(forgetful, control)
    _assert_same(forgetful.run(2), control.run(2))


def test_outcomes_survive_in_one_list() -> None:
    """A branch has its own list of quarters: what either records never shows in the other."""
    model = _lively().run(2)
    branch = model.branch()
    branch.run(3)
    assert (len(model.metrics), len(branch.metrics)) == (2, 5)
    assert len(model.datacollector.model_vars[OUTCOMES[0].name]) == 2
