"""What a run was, as data for the player: one JSON-ready tree, computed once; the player moves along it by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd

import ecosim
from ecosim import Ecosystem
from ecosim.colours import BENEFICIARIES, PATTERNS
from ecosim.mechanisms.components import TIERS
from ecosim.mechanisms.readings import RELATIONS, relation
from ecosim.outcome_table import NAMES, OUTCOMES
from ecosim.parameters import Value
from ecosim.runs import Run
from ecosim.scenario import Scenario, load_scenario
from ecosim.shapes import sentence
from ecosim.state import BREAKTHROUGH, CHANNELS, ELEMENTS, EVENTS, INDICES, LICENCE_GRANTED, STAGES
from parts.capture import Quarter, brief, capture, captured_from_history
from parts.network import network
from parts.story import stories, story

__all__ = [
    "Stopped", "Traced", "band", "branch", "changeable", "check_branch", "check_size", "run_and_trace", "stories", "story", "trajectory",
]  # fmt: skip

FORMAT = 1
STEPS_LIMIT = 1_000
ORGANISATIONS_LIMIT = 20_000
EVENTS_SHOWN = 4_000
# Of what flows and is kept, in its own unit.
UNITS = {
    "capital": "million CNY", "talent": "person-years", "services": "million CNY at cost",
    "knowledge": "firm-years of median R&D", "technology": "firm-years of median R&D", "information": "units of information",
}  # fmt: skip
Changes = Mapping[str, Value] | Sequence[tuple[str, Value]]
Branches = Sequence[tuple[int, Changes]]


class Stopped(Exception):  # noqa: N818
    """Nobody waits for the run any more."""


@dataclass(frozen=True)
class Traced:
    """A run with all that the player shows of it, and what it takes to run it again.

    Attributes
    ----------
    model : as it stands after the last quarter.
    trajectory : what the player takes.
    quarters : what was kept of each quarter's organisations and ties.
    scenario : the world before any change.
    changes : what was changed before the first quarter, by dotted path.
    branches : what was changed later: the quarter before which, and values by dotted path.
    """

    model: Ecosystem
    trajectory: dict[str, Any]
    quarters: tuple[Quarter, ...]
    scenario: Scenario
    changes: Mapping[str, Value]
    branches: tuple[tuple[int, Mapping[str, Value]], ...]


def run_and_trace(
    scenario: str | Scenario,
    seed: int | None = 1,
    changes: Changes = (),
    branches: Branches = (),
    steps_limit: int = STEPS_LIMIT,
    organisations_limit: int = ORGANISATIONS_LIMIT,
    stopped: Callable[[], bool] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Traced:
    """Run a scenario to its end, quarter by quarter, and return the run with its trajectory.

    Parameters
    ----------
    scenario : name of a shipped scenario, or a `Scenario`.
    changes : values by dotted path that hold from the start.
    branches : further changes, each with the quarter before which it is made.
    steps_limit, organisations_limit : more is refused.
    stopped : asked after each quarter; once it says True, the run is given up.
    progress : called after each quarter with the number done and the number in all.

    Raises
    ------
    ScenarioError : anything that is not as it should be, or larger than the limits.
    Stopped : `stopped` said so.
    """
    start = load_scenario(scenario) if isinstance(scenario, str) else scenario
    changes, later = dict(changes), _in_order(branches)
    world = start.with_settings(changes, "change") if changes else start
    check_size(world, steps_limit, organisations_limit)
    for step, values in later:
        check_branch(world, step, values)
    model = Ecosystem(world, seed=seed, history=False)
    quarters: list[Quarter] = []

    def after_quarter(done: int, total: int) -> None:
        quarters.append(capture(model))
        if stopped is not None and stopped():
            raise Stopped
        if len(model.rows) > organisations_limit:
            found = f"has grown to {len(model.rows):_} organisations by quarter {len(quarters)}"
            raise sentence(start.name, (), found, f"lower capacities or growth, {organisations_limit:_} are the most")
        if progress is not None:
            progress(len(quarters), world.steps)

    for step, values in later:
        model.run(step - model.step_number, progress=after_quarter)
        model.set_many(values)
    model.run(world.steps - model.step_number, progress=after_quarter)
    tree = _trajectory(model, quarters, start, changes) | {"branches": [[step, dict(values)] for step, values in later]}
    return Traced(model, tree, tuple(quarters), start, changes, later)


def branch(
    traced: Traced, step: int, changes: Changes, label: str = "", stopped: Callable[[], bool] | None = None
) -> Traced:
    """Return another future: the same past up to a quarter, the same luck after it, other parameters; the old one is its ghost.

    Changes of earlier branches before that quarter stay, later ones are dropped.

    Raises
    ------
    ScenarioError : a quarter that there is not, or changes that are not as they should be.
    """
    kept = tuple(turn for turn in traced.branches if turn[0] <= step)
    other = run_and_trace(
        traced.scenario, traced.model.seed, traced.changes, (*kept, (step, changes)), stopped=stopped
    )  # fmt: skip
    ghost = {"label": label, "from": step, "value": traced.trajectory["value"]}
    return replace(other, trajectory=other.trajectory | {"ghost": ghost})


def trajectory(model: Ecosystem) -> dict[str, Any]:
    """Return what the player shows of a model that has run, JSON-ready.

    Networks of quarters of which a long run has thinned out the snapshots are those of the last one that is kept. A
    model without history shows its network in the last quarter alone; `run_and_trace` looks at each while it runs.
    """
    return _trajectory(model, captured_from_history(model), model.scenario, {})


def band(
    scenario: str | Scenario,
    changes: Changes = (),
    seeds: Sequence[int] = range(1, 21),
    branches: Branches = (),
    stopped: Callable[[], bool] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Return between which shares of value the middle four fifths of runs with other luck lie, by quarter and beneficiary.

    Returns
    -------
    seeds : how many runs; low, high : quantiles 0.1 and 0.9 of each beneficiary's value in million CNY; share_low,
    share_median, share_high : quantiles 0.1, 0.5 and 0.9 of its share, 0 to 1.
    """
    start = load_scenario(scenario) if isinstance(scenario, str) else scenario
    world = start.with_settings(dict(changes), "change") if changes else start
    check_size(world, STEPS_LIMIT, ORGANISATIONS_LIMIT)
    later = _in_order(branches)
    runs: list[Any] = []
    for done, seed in enumerate(seeds, start=1):
        if stopped is not None and stopped():
            raise Stopped
        model = Ecosystem(world, seed=seed, history=False, outcomes=())
        for step, values in later:
            model.run(step - model.step_number)
            model.set_many(values)
        model.run(world.steps - model.step_number)
        runs.append(_value(model))
        if progress is not None:
            progress(done, len(seeds))
    low, high = np.quantile(np.array(runs), (0.1, 0.9), axis=0)
    share_low, share_median, share_high = np.quantile(
        np.array([_shares(value) for value in runs]), (0.1, 0.5, 0.9), axis=0
    )
    return {
        "seeds": len(seeds), "range": [0.1, 0.9], "low": brief(low), "high": brief(high),
        "share_low": brief(share_low), "share_median": brief(share_median), "share_high": brief(share_high),
    }  # fmt: skip


def _in_order(branches: Branches) -> tuple[tuple[int, dict[str, Value]], ...]:
    return tuple(sorted(((step, dict(values)) for step, values in branches), key=lambda turn: turn[0]))


def check_size(world: Scenario, steps: int, organisations: int) -> None:
    """Refuse a scenario of more quarters, or more organisations at the start, than this.

    Raises
    ------
    ScenarioError : in a sentence, what there is and what is the most.
    """
    if world.steps > steps:
        raise sentence(world.name, ("steps",), f"is {world.steps:_}", f"{steps:_} are the most here")
    there = sum(int(role["initial"]) for role in world.roles.values())
    there += sum(named.count for named in world.organisations)
    if there > organisations:
        raise sentence(world.name, (), f"starts with {there:_} organisations", f"{organisations:_} are the most here")


def check_branch(world: Scenario, step: int, values: Mapping[str, Value]) -> None:
    """Refuse a change before a quarter that there is not, and values that cannot be changed in a run.

    Raises
    ------
    ScenarioError : in a sentence, what and why.
    """
    if not 0 <= step < world.steps:
        raise sentence("branch", (), f"quarter {step} is not in the run", f"give a quarter from 0 to {world.steps - 1}")
    for path in values:
        if path not in changeable(world) and path in world.grammar.parameters:
            raise sentence("branch", (path,), "counts only at the start", "change it before the first quarter")
    world.with_settings(values, "branch")


def changeable(world: Scenario) -> frozenset[str]:
    """Return the paths of the parameters that can be changed while a run goes on."""
    events: Any = world.grammar.top.entries["events"]
    return frozenset(events.item.entries["set"].entries)


def _value(model: Ecosystem) -> Any:
    """Return million CNY by quarter and beneficiary, (quarters, beneficiaries)."""
    recorder = model.recorder
    return recorder.record.value[: len(recorder)].sum(axis=2)


def _shares(value: Any) -> Any:
    total = value.sum(axis=1, keepdims=True)
    return np.divide(value, total, out=np.zeros_like(value), where=total > 0.0)


def _trajectory(
    model: Ecosystem, quarters: Sequence[Quarter], start: Scenario, changes: Mapping[str, Value]
) -> dict[str, Any]:
    recorder, count = model.recorder, len(model.recorder)
    value, stage = _value(model), recorder.record.stage[:count]
    happened = model.happened
    focal = {uid for quarter in quarters for uid in quarter.focal}
    effects = [quarter.effects for quarter in quarters]
    return {
        "format": FORMAT,
        "scenario": {
            "name": start.name, "title": start.title, "question": start.question, "start_year": model.scenario.start_year,
            "steps": model.scenario.steps,
        },
        "seed": model.seed, "changes": dict(changes), "hash": _hash(model, happened), "version": ecosim.__version__,
        "labels": [f"{recorder.start_year + step // 4} Q{step % 4 + 1}" for step in range(count)],
        "stage": stage.tolist(), "stages": list(STAGES),
        "roles": [
            {"name": name, "colour": colour, "count": recorder.record.roles[:count, position, 0].astype(int).tolist()}
            for position, (name, colour) in enumerate(zip(model.role_names, cycle(BENEFICIARIES), strict=False))
        ],
        "beneficiaries": [
            {"name": name, "colour": colour, "pattern": pattern}
            for name, colour, pattern in zip(recorder.beneficiaries, cycle(BENEFICIARIES), cycle(PATTERNS), strict=False)
        ],
        "value": value.tolist(),
        "shares_by_stage": _shares_by_stage(value, stage),
        "flows": [_flows(quarter.flows) for quarter in recorder.quarters],
        "elements": list(ELEMENTS), "channels": list(CHANNELS), "units": UNITS,
        "network": network(model, quarters),
        "ladder": _ladder(model, quarters, focal),
        "symbiosis": {
            "roles": list(model.role_names),
            "effects": [brief(effect) for effect in effects],
            "readings": [_readings(quarter.effects, quarter.threshold) for quarter in quarters],
        },
        "environment": {
            "names": list(INDICES), "levels": brief(np.array([quarter.levels for quarter in quarters])),
        },
        "outcomes": _outcomes(model, recorder.outcomes),
        "outcome_units": {outcome.name: outcome.unit for outcome in OUTCOMES if outcome.name in recorder.outcomes},
        **_events(model, focal, happened),
        "branches": [], "ghost": None, "band": None,
    }  # fmt: skip


def _hash(model: Ecosystem, happened: pd.DataFrame) -> str:
    """Return the hash of the results, the same that ``ecosim run`` prints."""
    return Run(
        model.scenario, model.seed, model.step_number, (), model.metrics, model.value, model.by_role, model.flows, happened,
        0.0, {}, (),
    ).hash  # fmt: skip


def _shares_by_stage(value: Any, stage: Any) -> list[dict[str, Any]]:
    """Return a row a stage, in order of appearance."""
    rows = []
    for code in dict.fromkeys(stage.tolist()):
        steps = np.flatnonzero(stage == code)
        shares = _shares(value[steps].sum(axis=0, keepdims=True))[0]
        rows.append({
            "stage": STAGES[code], "from": int(steps[0]), "to": int(steps[-1]), "quarters": len(steps), "shares": shares.tolist(),
        })  # fmt: skip
    return rows


def _flows(flows: tuple[Any, Any]) -> list[list[float]]:
    positions, volumes = flows
    return [[*where, volume] for where, volume in zip(positions.T.tolist(), brief(volumes), strict=True)]


def _readings(effects: Any, threshold: float) -> list[list[str | None]]:
    """Return the relation of each pair of roles; there is none of a role with itself."""
    one_way = effects.tolist()
    return [
        [
            RELATIONS[relation(effect, one_way[other][role], threshold)] if role != other else None
            for other, effect in enumerate(row)
        ]
        for role, row in enumerate(one_way)
    ]


def _outcomes(model: Ecosystem, names: Iterable[str]) -> dict[str, list[float | None]]:
    table = model.recorder.record.metrics[: len(model.recorder)]
    return {name: brief(table[:, NAMES.index(name)]) for name in names}


def _ladder(model: Ecosystem, quarters: Sequence[Quarter], focal: set[int]) -> dict[str, Any]:
    """Return the components and when a core firm first had them; any organisation, where there is no core firm."""
    code, subject, _, detail, steps = _event_columns(model)
    own = np.isin(subject, list(focal)) if focal else np.ones(len(code), bool)
    first: dict[int, dict[int, int]] = {BREAKTHROUGH: {}, LICENCE_GRANTED: {}}
    for kind, when in first.items():
        for position in np.flatnonzero(own & (code == kind)).tolist():
            when.setdefault(int(detail[position]), int(steps[position]))
    numbers = _outcomes(model, ("generation", "mastered"))
    return {
        "components": [
            {
                "name": component.name, "tier": component.tier, "domain": component.domain,
                "mastered": first[BREAKTHROUGH].get(position), "licensed": first[LICENCE_GRANTED].get(position),
            }
            for position, component in enumerate(model.scenario.components)
        ],
        "tiers": list(TIERS), **numbers, "frontier": brief([quarter.frontier for quarter in quarters]),
    }  # fmt: skip


def _event_columns(model: Ecosystem) -> tuple[Any, ...]:
    """Return code, subject, object, detail and step of all that has happened in recorded quarters."""
    recorder = model.recorder
    ends = recorder.record.events[: len(recorder)]
    last = int(ends[-1]) if len(ends) else 0
    columns = tuple(column[:last] for column in recorder.events[:4])
    return (*columns, np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0)))


def _events(model: Ecosystem, focal: set[int], happened: pd.DataFrame) -> dict[str, Any]:
    """Return what happened: all of it, or in a busy run the rare kinds, and of the frequent ones what concerns a core firm."""
    code, subject, other, _, steps = _event_columns(model)
    shown = np.zeros(len(code), bool)
    concerns = np.isin(subject, list(focal)) | np.isin(other, list(focal))
    for kind in np.argsort(np.bincount(code, minlength=len(EVENTS)), kind="stable").tolist():
        of_kind = code == kind
        shown |= of_kind if shown.sum() + of_kind.sum() <= EVENTS_SHOWN else of_kind & concerns
    names = ("step", "code", "subject", "object", "detail", "subject_name", "object_name")
    told = happened[shown]
    columns = (
        steps[shown], told["event"], subject[shown], other[shown], told["detail"], told["subject"], told["object"],
    )  # fmt: skip
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return {"events": [dict(zip(names, row, strict=True)) for row in rows], "events_of": len(code)}
