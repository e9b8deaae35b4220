"""A run as one JSON-ready tree: what `parts.trajectory` says, made of the model's record and of what was caught of each quarter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from ecosim.scenario import Scenario
from ecosim.state import BREAKTHROUGH, CHANNELS, ELEMENTS, EVENTS, INDICES, LICENCE_GRANTED, STAGES
from parts.capture import Quarter, brief
from parts.network import network

FORMAT = 1
EVENTS_SHOWN = 4_000
# Of what flows and is kept, in its own unit.
UNITS = {
    "capital": "million CNY", "talent": "person-years", "services": "million CNY at cost",
    "knowledge": "firm-years of median R&D", "technology": "firm-years of median R&D", "information": "units of information",
}  # fmt: skip


def tree_of(
    model: Ecosystem, quarters: Sequence[Quarter], start: Scenario, changes: Mapping[str, Value]
) -> dict[str, Any]:
    """Return the tree of a run.

    Parameters
    ----------
    quarters : what was caught at the end of each.
    start : the scenario before any change.
    changes : what was changed before the first quarter, by dotted path.
    """
    recorder, count = model.recorder, len(model.recorder)
    value, stage = value_by_quarter(model), recorder.record.stage[:count]
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
        shares = shares_of(value[steps].sum(axis=0, keepdims=True))[0]
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


def value_by_quarter(model: Ecosystem) -> Any:
    """Return million CNY by quarter and beneficiary, (quarters, beneficiaries)."""
    recorder = model.recorder
    return recorder.record.value[: len(recorder)].sum(axis=2)


def shares_of(value: Any) -> Any:
    """Return each row as parts of its sum, (quarters, beneficiaries); zeros where nothing was booked."""
    total = value.sum(axis=1, keepdims=True)
    return np.divide(value, total, out=np.zeros_like(value), where=total > 0.0)
