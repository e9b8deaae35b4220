"""The compiled quarter: however a run is cut into pieces, its numbers are the same bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecosim.model import Ecosystem
from ecosim.parameters import ScenarioError
from ecosim.quarter import NO_ROLE
from ecosim.scenario import load_scenario, scenario_from_dict
from ecosim.schedule import BEGIN, END, QUARTER

STEPS = 16


def numbers(model: Ecosystem) -> bytes:
    """Return all that was recorded, and the state at the end, as bytes."""
    record, rows = model.recorder.record, model.rows
    events = tuple(column[: model.events.used[0]].tobytes() for column in model.events[:4])
    columns = tuple(column[rows].tobytes() for column in model.organisations)
    return b"".join((*(column[:STEPS].tobytes() for column in record[:-2]), *events, *columns))


def world(**options: Any) -> Ecosystem:
    """Return a small ecosystem in which joint ventures, projects and platforms come about."""
    return Ecosystem("classroom", 3, history=False, **options)


@pytest.fixture(scope="module")
def at_once() -> bytes:
    """Return the numbers of a run that enters compiled code once."""
    return numbers(world().run(STEPS))


def test_quarter_by_quarter_is_the_same(at_once: bytes) -> None:
    """Runs of one quarter each give what a run of all gives."""
    model = world()
    for _ in range(STEPS):
        model.step()
    assert model.steps == STEPS
    assert numbers(model) == at_once


def test_piece_by_piece_is_the_same(at_once: bytes) -> None:
    """A clock between phases, the audit, and a phase of one's own that does nothing change no bit."""
    assert numbers(world(profile=True).run(STEPS)) == at_once
    assert numbers(world(audit=True).run(STEPS)) == at_once
    model = world()
    model.insert_phase(lambda _: None, after="share", name="idle")
    assert numbers(model.run(STEPS)) == at_once


@pytest.mark.parametrize("threads", [2, 8])
def test_threads_are_the_same(threads: int, at_once: bytes) -> None:
    """How many threads share a quarter changes no bit."""
    assert numbers(world(threads=threads).run(STEPS)) == at_once


def test_threads_are_at_least_one() -> None:
    """No thread at all cannot run anything."""
    with pytest.raises(ScenarioError, match="threads is 0"):
        world(threads=0)


def test_room_is_made_without_a_trace(at_once: bytes) -> None:
    """A run that has to stop for larger tables gives what one with all the room from the start gives."""
    model = world()
    capacity = len(model.ties.uid)
    model.make_room(organisations=5000, ties=20_000, projects=5000, platforms=500, memberships=5000, events=100_000)
    assert numbers(model.run(STEPS)) == at_once
    assert len(world().run(STEPS).ties.uid) > capacity, "no table had to grow: the test would miss what it is for"


def test_every_rule_of_the_schedule_is_a_piece_once() -> None:
    """The compiled pieces are the rules of the schedule in their order, with the roles' own rules where they act."""
    quarter = world().quarter
    phases = (BEGIN, *QUARTER, END)
    rules = [piece.rule for piece in quarter.pieces if piece.role == NO_ROLE]
    assert rules == [rule for phase in phases for rule in phase.rules + phase.then]
    assert [piece.number for piece in quarter.pieces] == list(range(len(quarter.pieces))), (
        "a shipped rule is not compiled"
    )
    orchestrating = [piece.role for piece in quarter.pieces if piece.phase.name == "orchestrate"]
    assert orchestrating == [NO_ROLE, 0, 1, 2, 3, 4, 5, NO_ROLE]


def test_only_wanted_outcomes_are_measured() -> None:
    """Outcomes that are left out cost nothing and are in no table; those that are measured have the same values."""
    wanted = ("value_created", "gini_capital", "novelty_mutation", "clustering", "projects_finished")
    whole, part = world().run(STEPS), world(outcomes=wanted).run(STEPS)
    for name in wanted:
        np.testing.assert_array_equal(part.metrics[name], whole.metrics[name])
    assert "mean_trust" not in part.metrics
    assert set(part.recorder.last) == set(wanted) == set(part.datacollector.model_vars)
    np.testing.assert_array_equal(part.organisations.capital[part.rows], whole.organisations.capital[whole.rows])


def test_without_novelty_nothing_else_changes() -> None:
    """Novelty that nobody wants is not counted, and the run goes the same way."""
    whole, part = world().run(STEPS), world(outcomes=("value_created",)).run(STEPS)
    assert whole.books.novelty.any()
    assert not part.books.novelty.any()
    np.testing.assert_array_equal(part.metrics["value_created"], whole.metrics["value_created"])


def test_events_measure_what_they_wait_for() -> None:
    """A conditional event of the scenario waits for an outcome, which is measured though nobody asked for it."""
    tree = load_scenario("classroom").as_dict()
    shock = {"index": "economy", "size": -0.2, "quarters": 4}
    tree["events"] = [{"name": "boom", "when": "value_created > 0.001", "shock": shock}]
    model = Ecosystem(scenario_from_dict(tree), 1, history=False, outcomes=()).run(6)
    assert model.recorder.outcomes == ("value_created",)
    assert (model.happened["event"] == "shock").sum() == 1


def test_unknown_outcome_is_told() -> None:
    """An outcome that does not exist is named, with the nearest one that does."""
    with pytest.raises(ScenarioError, match="no outcome 'value_creatd'; did you mean 'value_created'"):
        world(outcomes=("value_creatd",))
