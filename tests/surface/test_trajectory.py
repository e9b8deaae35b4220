"""The trajectory of a run: what the player shows is what the model did, and a branch differs from its quarter on alone."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecosim
from ecosim import Ecosystem, ScenarioError, load_scenario
from ecosim.colours import PATTERNS
from ecosim.state import MODES
from parts.capture import MOST_KEPT, capture
from parts.network import SHOWN
from parts.story import story_of_chosen
from parts.trajectory import (
    Stopped,
    Traced,
    band,
    branch,
    changeable,
    run_and_trace,
    stories,
    story,
    trajectory,
)
from parts.tree import EVENTS_SHOWN

DRAWN = st.sampled_from(
    [("policy.subsidy", 0.4), ("rules.trust", False), ("adoption.markup", 1.0), ("roles.firm.openness_target", 0.1)]
)


@pytest.fixture(scope="module")
def traced() -> Traced:
    """Return the classroom, run and traced."""
    return run_and_trace("classroom", 1)


@pytest.fixture(scope="module")
def model() -> Ecosystem:
    """Return the same run, made the usual way."""
    return Ecosystem("classroom", seed=1).run()


@pytest.fixture(scope="module")
def components() -> Traced:
    """Return a run with component technologies, long enough that much happens."""
    return run_and_trace("core-technology", 1)


def test_shares_are_those_of_the_model(traced: Traced, model: Ecosystem) -> None:
    """Protects the chart: shares made of the trajectory's value are, to the last bit, what `value_shares` says."""
    tree = traced.trajectory
    value = np.array(tree["value"])
    expected = model.value_shares("step")
    assert [entry["name"] for entry in tree["beneficiaries"]] == list(expected.columns)
    np.testing.assert_allclose(value / value.sum(axis=1, keepdims=True), expected.to_numpy(), rtol=1e-12)
    by_stage = model.value_shares("stage")
    assert [row["stage"] for row in tree["shares_by_stage"]] == list(by_stage.index)
    np.testing.assert_allclose([row["shares"] for row in tree["shares_by_stage"]], by_stage.to_numpy(), rtol=1e-12)
    assert sum(row["quarters"] for row in tree["shares_by_stage"]) == len(tree["labels"])


def test_hash_is_that_of_a_run(traced: Traced) -> None:
    """Protects repetition: the page shows the hash that ``ecosim run`` prints, though it ran quarter by quarter."""
    assert traced.trajectory["hash"] == ecosim.run("classroom", seed=1).hash


def test_tree_is_json_and_complete(components: Traced) -> None:
    """Protects the player: plain JSON, every list one entry a quarter, every index inside its list."""
    tree = json.loads(json.dumps(components.trajectory, allow_nan=False))
    steps = tree["scenario"]["steps"]
    by_quarter = [tree["labels"], tree["stage"], tree["value"], tree["flows"], tree["network"]["ties"]]
    by_quarter += [tree["symbiosis"]["effects"], tree["symbiosis"]["readings"], tree["environment"]["levels"]]
    by_quarter += [*(role["count"] for role in tree["roles"]), *tree["outcomes"].values()]
    by_quarter += [tree["ladder"][name] for name in ("generation", "frontier", "mastered")]
    assert {len(rows) for rows in by_quarter} == {steps}
    assert tree["outcomes"].keys() == tree["outcome_units"].keys()
    assert {entry["pattern"] for entry in tree["beneficiaries"]} <= set(PATTERNS)
    roles, nodes = len(tree["roles"]), tree["network"]["nodes"]
    for rows in tree["flows"]:
        for element, channel, source, target, volume in rows:
            assert element < len(tree["elements"])
            assert channel < len(tree["channels"])
            assert max(source, target) < roles
            assert volume > 0.0
    for step, ties in enumerate(tree["network"]["ties"]):
        for a, b, mode, trust in ties:
            assert 0 <= mode < len(MODES)
            assert 0.0 <= trust <= 1.0
            for node in (nodes[a], nodes[b]):
                assert node["born"] <= step < (node["gone"] or math.inf)
    assert all(-1.0 <= node[axis] <= 1.0 for node in nodes for axis in ("x", "y"))
    assert all(row[position] is None for rows in tree["symbiosis"]["readings"] for position, row in enumerate(rows))


def test_last_quarter_is_that_of_the_model(traced: Traced, model: Ecosystem) -> None:
    """Protects network, symbiosis, environment and events: at the end they are what the model's own tables say."""
    tree = traced.trajectory
    assert len(tree["network"]["ties"][-1]) == len(model.tie_rows)
    alive = [node for node in tree["network"]["nodes"] if node["gone"] is None]
    assert Counter(node["role"] for node in alive) == Counter(
        model.role_names[role] for role in model.organisations.role[model.rows]
    )
    np.testing.assert_allclose(tree["symbiosis"]["effects"][-1], model.effects(), rtol=1e-5)
    names = tree["symbiosis"]["roles"]
    for row in model.symbiosis().itertuples():
        assert tree["symbiosis"]["readings"][-1][names.index(row.role)][names.index(row.other)] == row.reading
    np.testing.assert_allclose(tree["environment"]["levels"][-1], model.environment.level, rtol=1e-5)
    happened = model.happened
    assert tree["events_of"] == len(happened) == len(tree["events"])
    assert [event["code"] for event in tree["events"]] == happened["event"].tolist()
    assert [event["subject_name"] for event in tree["events"]] == happened["subject"].tolist()
    assert any(node["name"] == "Core" and node["focal"] for node in alive)
    assert any(node["name"].startswith("supplier ") for node in alive)


def test_history_gives_the_same(traced: Traced, model: Ecosystem) -> None:
    """Protects `trajectory(model)`: snapshots of a model that has run give what is caught while it runs; the model stays."""
    before = model.recorder.last
    assert trajectory(model) == traced.trajectory
    assert model.recorder.last == before
    assert model.step_number == 40


def test_model_without_history() -> None:
    """A model that keeps no snapshots shows its run, with the network as it is at the end."""
    tree = trajectory(Ecosystem("classroom", seed=1, history=False).run(12))
    assert len(tree["value"]) == 12
    assert tree["network"]["ties"][0] == tree["network"]["ties"][-1]


def test_same_seed_same_picture(traced: Traced) -> None:
    """Protects determinism: places, communities and all else are the same each time, and others under another seed."""
    assert run_and_trace("classroom", 1).trajectory == traced.trajectory
    assert run_and_trace("classroom", 2).trajectory["hash"] != traced.trajectory["hash"]


def test_communities_hold_together(traced: Traced) -> None:
    """Protects the colouring by community: ties within are more than chance would have, by Newman's modularity."""
    nodes, ties = traced.trajectory["network"]["nodes"], traced.trajectory["network"]["ties"][-1]
    community = np.array([node["community"] for node in nodes])
    degree = np.bincount([end for a, b, _, _ in ties for end in (a, b)], minlength=len(nodes))
    inside = np.mean([community[a] == community[b] for a, b, _, _ in ties])
    expected = sum((degree[community == number].sum() / degree.sum()) ** 2 for number in set(community.tolist()))
    assert inside > expected
    sizes = np.bincount(community)
    assert sizes[0] == sizes.max()


def test_ladder_follows_the_core_firm(components: Traced) -> None:
    """Protects the ladder: as many components are mastered by a quarter as the outcome `mastered` says; licences precede."""
    ladder = components.trajectory["ladder"]
    for step, count in enumerate(ladder["mastered"]):
        known = [part for part in ladder["components"] if part["mastered"] is not None and part["mastered"] <= step]
        assert len(known) == count
    assert any(part["licensed"] is not None and part["licensed"] < part["mastered"] for part in ladder["components"])
    assert ladder["frontier"] == sorted(ladder["frontier"])


def test_busy_run_shows_what_is_rare() -> None:
    """Protects the event log of a long run: few enough to send, rare kinds whole, frequent ones of the core firm."""
    tree = run_and_trace("huawei-ecosystem", 1).trajectory
    shown = Counter(event["code"] for event in tree["events"])
    assert tree["events_of"] > EVENTS_SHOWN
    assert len(tree["events"]) < 1.5 * EVENTS_SHOWN
    assert shown["stage"] >= 1
    assert shown["joint venture born"] >= 1
    core = {node["uid"] for node in tree["network"]["nodes"] if node["focal"]}
    formed = [event for event in tree["events"] if event["code"] == "tie formed"]
    assert formed
    assert all(core & {event["subject"], event["object"]} for event in formed)
    assert tree["network"]["shown"] == SHOWN < tree["network"]["of"]
    assert [node["name"] for node in tree["network"]["nodes"] if node["focal"]] == ["Huawei"]


# -- branches ---------------------------------------------------------------------------------------------------------


@settings(max_examples=6)
@given(step=st.integers(1, 39), change=DRAWN)
def test_branch_is_the_models_own(traced: Traced, step: int, change: tuple[str, Any]) -> None:
    """Protects the slider of time: a branch is what `Ecosystem.branch` gives, with the same past and the old future as ghost."""
    other = branch(traced, step, [change], "before")
    plain = Ecosystem("classroom", seed=1).run(step).branch()
    plain.set(*change)
    plain.run()
    assert other.model.value.equals(plain.value)
    assert other.trajectory["value"][:step] == traced.trajectory["value"][:step]
    assert other.trajectory["ghost"] == {"label": "before", "from": step, "value": traced.trajectory["value"]}
    assert other.trajectory["branches"] == [[step, dict([change])]]


def test_branch_of_a_branch(traced: Traced) -> None:
    """An earlier branch stays, a later one is dropped, and a change before the first quarter is allowed."""
    first = branch(traced, 20, {"policy.subsidy": 0.4})
    second = branch(first, 30, {"rules.trust": False})
    assert second.branches == ((20, {"policy.subsidy": 0.4}), (30, {"rules.trust": False}))
    assert second.trajectory["value"][:30] == first.trajectory["value"][:30]
    assert branch(second, 10, {"rules.trust": False}).branches == ((10, {"rules.trust": False}),)
    same = run_and_trace("classroom", 1, branches=second.branches)
    assert same.trajectory["hash"] == second.trajectory["hash"]


@pytest.mark.parametrize(
    ("step", "changes", "complaint"),
    [
        (40, {"policy.subsidy": 0.1}, "quarter 40 is not in the run; give a quarter from 0 to 39"),
        (-1, {"policy.subsidy": 0.1}, "quarter -1 is not in the run"),
        (5, {"roles.firm.initial": 9}, "counts only at the start"),
        (5, {"steps": 9}, "counts only at the start"),
        (5, {"policy.subsidy": 9.0}, "too high"),
        (5, {"policy.subsidise": 0.1}, "is not the path of a parameter"),
    ],
)
def test_wrong_branches_are_refused(traced: Traced, step: int, changes: dict[str, Any], complaint: str) -> None:
    """A branch that cannot be is refused in a sentence."""
    with pytest.raises(ScenarioError, match=complaint):
        branch(traced, step, changes)


def test_what_can_change_is_what_events_can_set() -> None:
    """Protects the greying of controls in a branch: numbers of the start are not among what can change."""
    world = load_scenario("classroom")
    paths = changeable(world)
    assert "policy.subsidy" in paths
    assert not {"steps", "start_year", "roles.firm.initial", "schedule.activation"} & paths


# -- limits -----------------------------------------------------------------------------------------------------------


def test_limits() -> None:
    """Protects the server: too long, too large, or growing too large is refused in a sentence, and a closed page stops a run."""
    with pytest.raises(ScenarioError, match="steps is 500; 100 are the most here"):
        run_and_trace("classroom", changes={"steps": 500}, steps_limit=100)
    with pytest.raises(ScenarioError, match="starts with 10_001 organisations; 500 are the most here"):
        run_and_trace("limit-diffusion", organisations_limit=500)
    with pytest.raises(ScenarioError, match=r"has grown to \S+ organisations by quarter"):
        run_and_trace(
            "classroom", changes={"roles.user.capacity": 4e6, "roles.user.growth_rate": 1.0}, organisations_limit=500
        )
    asked = []
    with pytest.raises(Stopped):
        run_and_trace(
            "classroom", stopped=lambda: len(asked) == 7, progress=lambda done, total: asked.append((done, total))
        )
    assert asked == [(done, 40) for done in range(1, 8)]


def test_memory_is_bounded(traced: Traced) -> None:
    """Protects thirty sessions at once: a traced classroom keeps less than a megabyte, a crowd only its first members."""
    columns = (column for quarter in traced.quarters for column in quarter if isinstance(column, np.ndarray))
    assert sum(column.nbytes for column in columns) < 1_000_000
    assert not traced.model._history.kept
    crowd = Ecosystem("limit-diffusion", seed=1, history=False).run(1)
    kept = capture(crowd)
    assert len(kept.uids) == MOST_KEPT < len(crowd.rows)


# -- stories and bands ------------------------------------------------------------------------------------------------


def test_story_is_that_of_the_organisation(traced: Traced, model: Ecosystem) -> None:
    """Protects the click on an organisation: its numbers at the end are those of its columns, its ties those of its partners."""
    for member in model.agents:
        told = story(traced, member.uid)
        assert (told["name"], told["role"], told["kind"]) == (member.name, member.role, member.kind)
        assert told["capital"][-1] == pytest.approx(member.capital, rel=1e-5, abs=1e-5)
        assert told["knowledge"][-1] == pytest.approx(member.knowledge.sum(), rel=1e-5, abs=1e-5)
        assert sorted(tie[0] for tie in told["ties"][-1]) == sorted(partner.uid for partner in member.partners)
        assert told["partners"][-1] == len(told["ties"][-1]) == member.degree
        assert all(name in told for name in told["units"])
    json.dumps(story(traced, 0), allow_nan=False)


def test_story_of_one_that_left(traced: Traced) -> None:
    """Who has left has a story as long as it lasted, and nothing after it."""
    node = next(node for node in traced.trajectory["network"]["nodes"] if node["gone"] is not None)
    told = story(traced, node["uid"])
    assert [number is None for number in told["capital"]] == [
        not node["born"] <= step < node["gone"] for step in range(40)
    ]
    assert any(event["code"] in ("exit", "bankruptcy") for event in told["events"])


def test_stories_are_the_stories(traced: Traced) -> None:
    """Protects the file without a server: the numbers of all who are shown are those that a click tells."""
    told = stories(traced)
    assert told.keys() == {node["uid"] for node in traced.trajectory["network"]["nodes"]}
    for uid in list(told)[::9]:
        full = story(traced, uid)
        assert all(told[uid][name] == full[name] for name in told[uid])


def test_unknown_story(traced: Traced) -> None:
    """A number that no organisation has is refused in a sentence."""
    with pytest.raises(ScenarioError, match="organisation 999999"):
        story(traced, 999_999)


def test_chosen_organisation_may_be_missing(traced: Traced) -> None:
    """Protects a page that turns to another future: who was chosen in the one before and is not in this has no story here."""
    assert story_of_chosen(traced, 0) == story(traced, 0)
    assert story_of_chosen(traced, 999_999) is None
    assert story_of_chosen(traced, None) is None
    assert story_of_chosen(None, 0) is None


def test_band_lies_around_the_runs() -> None:
    """Protects the band: quantiles over seeds of what single runs give, low below high, the same each time."""
    seeds = range(1, 12)
    found = band("classroom", {"steps": 8}, seeds)
    assert found == band("classroom", {"steps": 8}, seeds)
    shares = [Ecosystem("classroom", seed=seed, steps=8).run().value_shares("step").to_numpy() for seed in seeds]
    np.testing.assert_allclose(found["share_low"], np.quantile(shares, 0.1, axis=0), rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(found["share_high"], np.quantile(shares, 0.9, axis=0), rtol=1e-5, atol=1e-9)
    assert np.all(np.array(found["low"]) <= np.array(found["high"]))
    assert found["seeds"] == 11


def test_band_stops() -> None:
    """A band nobody waits for any more is given up."""
    done: list[int] = []
    with pytest.raises(Stopped):
        band("classroom", {"steps": 4}, stopped=lambda: len(done) == 3, progress=lambda count, _: done.append(count))
    assert done == [1, 2, 3]
