"""Luck: what randomness may depend on in a whole model, and what it may not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import ecosim
from ecosim.columns import make_slots, make_table
from ecosim.grammar import RULES
from ecosim.model import Ecosystem
from ecosim.parameters import Value
from ecosim.scenario import Scenario, load_scenario, scenario_from_dict
from ecosim.state import Organisations

Array = np.ndarray[Any, Any]
SEED = 5
# Drawn when an organisation enters, and never changed after.
ENDOWED = ("role", "kind", "chain", "segment", "budget", "absorptive", "persistence")
LATE_RULES = ("value_sharing", "learning", "turnover")  # those whose phases follow adoption


def lively_world() -> Scenario:
    """Return the classroom with much coming and going, one acting after another, sampled divisions, technologies."""
    settings: dict[str, Value] = {
        "schedule.activation": "random",
        "value_sharing.division": "shapley",
        "roles.supplier.growth_rate": 0.2,
        "roles.user.growth_rate": 0.1,
    }
    tree = load_scenario("classroom").with_settings(settings).as_dict()
    tree["components"] = [
        {"name": "first", "domain": 1, "difficulty": 0.05},
        {"name": "second", "domain": 2, "difficulty": 0.05, "requires": ["first"]},
        {"name": "product", "tier": "integration", "difficulty": 0.05, "requires": ["first", "second"]},
    ]
    tree["events"] = [{"name": "slump", "step": 2, "shock": {"index": "economy", "size": -0.3, "quarters": 3}}]
    return scenario_from_dict(tree)


def outcome(steps: int) -> dict[str, Any]:
    """Return a run of the lively world: its hash, its numbers, and what happened in words."""
    run = ecosim.run(lively_world(), seed=SEED, steps=steps)
    numbers = {name: table.select_dtypes("number").to_numpy(float).tolist() for name, table in run.tables.items()}
    return {"hash": run.hash, "numbers": numbers, "events": run.events.to_numpy().tolist()}


def outcome_elsewhere(steps: int, **environment: str) -> dict[str, Any]:
    """Return the same from another process, with other environment variables and warnings as errors."""
    script = (
        f"import json, sys, warnings; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_luck;"
        f"warnings.simplefilter('error'); print(json.dumps(test_luck.outcome({steps})))"
    )
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment
    done = subprocess.run([sys.executable, "-c", script], env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@cache
def classroom(steps: int, **settings: Any) -> Ecosystem:
    """Return a run of the classroom, which tests must not change; ``__`` stands for a dot."""
    return Ecosystem("classroom", SEED, history=False, **settings).run(steps)


def by_uid(model: Ecosystem, columns: tuple[str, ...] = ENDOWED) -> dict[int, tuple[Any, ...]]:
    """Return columns of the living by uid."""
    table = model.organisations
    return {int(table.uid[row]): tuple(getattr(table, name)[row].tolist() for name in columns) for row in model.rows}


def entrants(model: Ecosystem, step: int) -> list[tuple[int, float]]:
    """Return uid and capital of those that entered in a quarter, sorted."""
    code, subject, _, detail = model.recorder.quarters[step].events
    chosen = code == 0
    return sorted(zip(subject[chosen].tolist(), detail[chosen].tolist(), strict=True))


@pytest.mark.parametrize("threads", [1, 2])
def test_same_seed_same_bits_in_another_process(threads: int) -> None:
    """Protects repeatability: all five tables are the same to the bit, whatever the process, its sets, its threads."""
    elsewhere = outcome_elsewhere(12, NUMBA_NUM_THREADS=str(threads), PYTHONHASHSEED=str(70 + threads))
    assert elsewhere == outcome(12)


def test_plain_python_gives_the_same_numbers() -> None:
    """Protects compiled rules by their own source: uncompiled, 12 quarters give the same numbers to 1e-12.

    To the bit they need not be: compilers may add in another order. What happens, in words, is all the same.
    """
    plain, here = outcome_elsewhere(12, NUMBA_DISABLE_JIT="1"), outcome(12)
    for name, numbers in here["numbers"].items():
        np.testing.assert_allclose(plain["numbers"][name], numbers, rtol=1e-12, atol=1e-12, err_msg=name)
    assert plain["events"] == here["events"]


def test_seeds_differ() -> None:
    """Protects against a seed that counts for nothing, 0 above all."""
    world = lively_world()
    assert len({ecosim.run(world, seed=seed, steps=3).hash for seed in (0, 1, 2, 2**62)}) == 4


def reordered(model: Ecosystem, order: Array) -> None:
    """Put the organisations of a model into other rows: row i moves to ``order[i]``."""
    end = len(order)
    for name in Organisations._fields:
        column = getattr(model.organisations, name)
        column[order] = column[:end].copy()
    for column in (model.ties.a, model.ties.b):
        column[model.tie_rows] = order[column[model.tie_rows]]
    for column in (model.projects.lead, model.projects.partners):
        column[model.project_rows] = order[column[model.project_rows]]
    model.platforms.host[model.platform_rows] = order[model.platforms.host[model.platform_rows]]
    model.memberships.organisation[model.membership_rows] = order[model.memberships.organisation[model.membership_rows]]
    served = np.flatnonzero(model.organisations.provider >= 0)
    model.organisations.provider[served] = order[model.organisations.provider[served]]
    for name in ("mastered", "licensed", "licensor", "released", "sufficiency", "worked_on", "hazard"):
        column = getattr(model.technology, name)
        column[order] = column[:end].copy()
    free = model.slots.free[: model.slots.state[0]]
    free[:] = order[free]
    model._cached.clear()


@pytest.mark.parametrize("activation", ["simultaneous", "random"])
def test_results_do_not_hang_on_the_order_of_rows(activation: str) -> None:
    """Protects against luck by place: organisations in other rows of the table live the same twelve quarters.

    Sums are taken in another order then, which moves their last bits: hence 1e-9.
    """
    world = lively_world().with_settings({"schedule.activation": activation})
    first, second = (Ecosystem(world, SEED, history=False).run(4) for _ in range(2))
    end = int(second.slots.state[1])
    reordered(second, np.random.default_rng(1).permutation(end))
    first.run(12)
    second.run(12)
    left, right = (model.metrics.select_dtypes("number").to_numpy() for model in (first, second))
    np.testing.assert_allclose(right, left, rtol=1e-9, atol=1e-9)
    pd.testing.assert_frame_equal(second.by_role, first.by_role, rtol=1e-9, atol=1e-9)
    happened = [model.happened.drop(columns="detail").value_counts().sort_index() for model in (first, second)]
    pd.testing.assert_series_equal(happened[0], happened[1])
    assert not np.array_equal(first.organisations.uid[:end], second.organisations.uid[:end])


@pytest.mark.parametrize("rule", LATE_RULES)
def test_a_rule_switched_off_leaves_what_comes_before_it(rule: str) -> None:
    """Protects against shared draws: in the first quarter, who adopts what and who ties with whom stays the same."""
    with_it, without_it = classroom(1), classroom(1, **{f"rules__{rule}": False})
    rows = with_it.rows[np.isin(with_it.organisations.uid[with_it.rows], without_it.organisations.uid[without_it.rows])]
    table, other = with_it.organisations, without_it.organisations
    where = {int(uid): row for row, uid in enumerate(other.uid) if other.alive[row]}
    twins = np.array([where[int(uid)] for uid in table.uid[rows]])
    for name in ("direction", "niche", "openness", "quality", "price", "installed", "leaked", "active"):
        np.testing.assert_array_equal(getattr(other, name)[twins], getattr(table, name)[rows], err_msg=name)
    early = ("tie formed", "tie upgraded", "project finished", "reform started", "shock")
    happened = [model.happened[model.happened["event"].isin(early)] for model in (with_it, without_it)]
    pd.testing.assert_frame_equal(happened[0], happened[1])
    assert "tie formed" in set(happened[0]["event"])


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "turnover"])
def test_a_rule_switched_off_leaves_entry_and_endowments(rule: str) -> None:
    """Protects the control of each claim: the same organisations enter in the first quarter, endowed as they would be.

    Later on who enters may differ, for who is there does; but whoever enters is the same organisation.
    """
    with_it, without_it = classroom(8), classroom(8, **{f"rules__{rule}": False})
    assert entrants(with_it, 0) == entrants(without_it, 0)
    here, there = by_uid(with_it), by_uid(without_it)
    both = here.keys() & there.keys()
    assert len(both) > 40
    assert {uid: here[uid] for uid in both} == {uid: there[uid] for uid in both}


@pytest.mark.parametrize(
    ("path", "values"),
    [("policy__tax_rate", (0.05, 0.4)), ("value_sharing__strategy", ("fixed", "adaptive")), ("symbiosis__search_rate", (0.1, 1.0))],
)  # fmt: skip
def test_policies_share_the_luck_of_entrants(path: str, values: tuple[Value, Value]) -> None:
    """Protects paired comparisons: under two policies the n-th entrant of a role is endowed alike, whenever it comes."""
    first, second = (classroom(16, **{path: value}) for value in values)
    capital = [dict(pair for step in range(16) for pair in entrants(model, step)) for model in (first, second)]
    both = capital[0].keys() & capital[1].keys()
    assert len(both) > 5
    assert [capital[0][uid] for uid in both] == [capital[1][uid] for uid in both]
    assert not first.metrics.equals(second.metrics)


def test_one_more_organisation_leaves_the_others_their_luck() -> None:
    """Protects draws keyed by organisation: with one more user, the others' first quarter is drawn as before."""
    alone = {"evolution__imitation_rate": 0.0}  # whom one imitates depends on who is there
    fewer, more = ({**alone, "roles__user__initial": count} for count in (30, 31))
    columns = (*ENDOWED, "direction", "niche", "routines")
    from_the_start = by_uid(classroom(0, **fewer)).keys()
    here, there = by_uid(classroom(1, **fewer), columns), by_uid(classroom(1, **more), columns)
    both = from_the_start & here.keys() & there.keys()
    assert len(both) > 50
    for uid in both:
        assert here[uid] == there[uid], uid
    # Only the newcomer itself may bring one more entrant.
    assert len(entrants(classroom(1, **more), 0)) - len(entrants(classroom(1, **fewer), 0)) in (0, 1)


def test_tables_that_grow_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects against luck by memory: tables with room from the start, and ones that grew, give the same bits."""
    world = lively_world()
    monkeypatch.setattr(Ecosystem, "_rows_at_first", lambda model: 16)
    grown = Ecosystem(world, SEED, history=False).run(8)
    assert len(grown.organisations.uid) > 16
    monkeypatch.setattr(Ecosystem, "_rows_at_first", lambda model: 1024)
    monkeypatch.setattr("ecosim.world.make_table", lambda kind, rows: make_table(kind, max(rows, 1024)))
    monkeypatch.setattr("ecosim.world.make_slots", lambda rows: make_slots(max(rows, 1024)))
    roomy = Ecosystem(world, SEED, history=False).run(8)
    assert len(roomy.organisations.uid) == len(roomy.ties.uid) == 1024
    pd.testing.assert_frame_equal(roomy.metrics, grown.metrics, check_exact=True)
    pd.testing.assert_frame_equal(roomy.happened, grown.happened)
