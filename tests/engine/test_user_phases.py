"""A user's own phases: plain functions of the model, put anywhere into the quarter, over Mesa agents or over columns."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ecosim import Ecosystem, ScenarioError
from ecosim.schedule import QUARTER

LIVELY = Path(__file__).with_name("lively.toml")
PHASES = [phase.name for phase in QUARTER]


def _lively(**more: Any) -> Ecosystem:
    return Ecosystem(LIVELY, **{"seed": 7, "audit": True, **more})


def test_phase_at_each_place() -> None:
    """A phase runs once a quarter, exactly behind the one it was put after, before the first, or at the end."""
    model = _lively()
    order: list[str] = []
    model.insert_phase(lambda _: order.append("first"), name="first")
    for phase in PHASES:
        model.insert_phase(lambda _, phase=phase: order.append(f"after {phase}"), after=phase, name=f"after {phase}")
    model.profile = True
    names = [phase.name for phase in model.schedule]
    assert names == ["first", *(name for phase in PHASES for name in (phase, f"after {phase}"))]
    model.run(2)
    assert order == ["first", *(f"after {phase}" for phase in PHASES)] * 2
    assert set(model.seconds) == {"begin", *names, "record"}


def test_phase_sees_what_was_done_before_it() -> None:
    """A phase sees the state of its place: before orders there is no revenue of the quarter, before turnover nobody has left."""
    model = _lively()
    seen: dict[str, list[Any]] = {"start": [], "ordered": [], "adopted": [], "end": []}

    def note(place: str, model: Ecosystem) -> None:
        firms = model.agents_by_type[model.roles["firm"].agent]
        seen[place].append((sum(firms.get("revenue")), set(model.agents.get("unique_id"))))

    model.insert_phase(functools.partial(note, "start"), name="start")
    model.insert_phase(functools.partial(note, "ordered"), after="orchestrate", name="ordered")
    model.insert_phase(functools.partial(note, "adopted"), after="adopt", name="adopted")
    model.insert_phase(functools.partial(note, "end"), after="read_stage", name="end")
    model.run(10)
    revenue = {place: [each[0] for each in notes] for place, notes in seen.items()}
    living = {place: [each[1] for each in notes] for place, notes in seen.items()}
    assert revenue["ordered"] == [0.0] * 10
    assert max(revenue["adopted"]) > 0.0
    assert revenue["start"][1:] == revenue["end"][:-1]
    assert [sum(pair) for pair in zip(revenue["end"], strict=True)] == model.metrics["revenue_firms"].tolist()
    assert living["start"] == living["adopted"]
    assert living["start"][1:] == living["end"][:-1]
    assert any(one != other for one, other in zip(living["adopted"], living["end"], strict=True))


def test_phase_over_agents_acts_on_the_quarter() -> None:
    """What a phase does to agents counts from its place on: here a fund pays firms, in balance, and later phases spend it."""

    def fund(model: Ecosystem) -> None:
        (state,) = model.agents_by_type[model.roles["government"].agent]
        for firm in model.agents_by_type[model.roles["firm"].agent].select(lambda agent: agent.capital < 1e4):
            state.pay(firm, 5.0, "subsidies")

    model, plain = _lively(), _lively()
    model.insert_phase(fund, after="perceive")
    model.run(4)  # audited
    plain.run(4)
    flows = model.flows.query("source == 'government' and target == 'firm' and element == 'capital'")
    others = plain.flows.query("source == 'government' and target == 'firm' and element == 'capital'")
    assert flows["volume"].sum() > others["volume"].sum() + 15.0
    assert model.metrics["research_firms"].iloc[-1] > plain.metrics["research_firms"].iloc[-1]


def test_phase_lets_enter_and_leave() -> None:
    """A phase can let organisations enter and leave; they are on record in the quarter in which it does."""

    def merge(model: Ecosystem) -> None:
        if model.step_number == 2:
            suppliers = model.agents_by_type[model.roles["supplier"].agent]
            suppliers.sort("capital", ascending=True)[0].remove()
            model.enter(model.roles["university"].index, 2)

    model = _lively(**{"rules.turnover": False})
    model.insert_phase(merge, after="break_through")
    model.run(5)
    happened = model.happened[model.happened["event"].isin(["entry", "exit"])]
    assert happened["step"].tolist() == [2, 2, 2]
    assert sorted(happened["subject"].str.split().str[0]) == ["supplier", "university", "university"]
    counts = model.by_role.pivot_table(index="step", columns="role", values="count")
    assert counts["university"].tolist() == [3, 3, 5, 5, 5]
    assert counts["supplier"].tolist() == [6, 6, 5, 5, 5]


def test_phase_over_columns() -> None:
    """A phase can write whole columns; without effect it leaves every bit of the run as it was."""
    model, idle, plain = _lively(), _lively(), _lively()

    def close(model: Ecosystem) -> None:
        model.organisations.openness[model.rows] = 0.0

    model.insert_phase(close, after="turn_over")
    idle.insert_phase(lambda model: model.agents.get("capital"), after="learn", name="idle")
    assert (model.run(3).metrics["mean_openness"] == 0.0).all()
    pd.testing.assert_frame_equal(idle.run(3).metrics, plain.run(3).metrics, check_exact=True)


def test_role_follows_a_user_phase(tmp_path: Path) -> None:
    """A role's method of the name of a user's phase is called for each member, after the phase itself."""
    (tmp_path / "guild.py").write_text("""
from ecosim import Organisation

class Guild(Organisation):
    defaults = {"initial": 2, "growth_rate": 0.0}

    def audit_members(self):
        self.model.calls.append(self.name)
""")
    model = _lively(agents=[tmp_path], **{"rules.turnover": False})
    model.calls = []
    model.insert_phase(lambda model: model.calls.append("phase"), after="share", name="audit_members")
    model.run(2)
    assert model.calls == ["phase", "guild 1", "guild 2"] * 2


def test_phase_of_no_plain_function() -> None:
    """A partial function and an object that can be called are phases too, under a name of their own."""

    class Watcher:
        def __init__(self) -> None:
            self.steps: list[int] = []

        def __call__(self, model: Ecosystem) -> None:
            self.steps.append(model.step_number)

    model, watcher, seen = _lively(), Watcher(), []
    model.insert_phase(watcher)
    model.insert_phase(functools.partial(lambda note, model: note(model.steps), seen.append), after="Watcher")
    model.run(2)
    assert [phase.name for phase in model.schedule][:2] == ["Watcher", "partial"]
    assert (watcher.steps, seen) == ([0, 1], [1, 2])


def test_switched_off_rule_is_still_a_place() -> None:
    """A phase behind a rule that is switched off runs all the same."""
    model, calls = _lively(**{"rules.turnover": False}), []
    model.insert_phase(lambda _: calls.append(1), after="turn_over", name="own")
    model.run(3)
    assert len(calls) == 3
    assert "turn_over" not in model.seconds


def test_bad_place_or_name_is_refused() -> None:
    """An unknown place, and a name that is taken, raise one sentence, and the schedule stays as it was."""
    model = _lively()
    with pytest.raises(ScenarioError, match="there is no phase 'lern'; did you mean 'learn'"):
        model.insert_phase(print, after="lern")
    with pytest.raises(ScenarioError, match="there is a phase 'share' already; give another name"):
        model.insert_phase(print, after="learn", name="share")
    assert [phase.name for phase in model.schedule] == PHASES
    model.insert_phase(print, after="learn")
    with pytest.raises(ScenarioError, match="there is a phase 'print' already"):
        model.insert_phase(print)


def test_phases_belong_to_one_model() -> None:
    """A phase put into one model is in no other."""
    model = _lively()
    model.insert_phase(lambda _: None, name="own")
    assert [phase.name for phase in _lively().schedule] == PHASES
