"""The story of one organisation: what it had, whom it was tied to, what it got and gave, quarter by quarter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.parameters import ScenarioError
from ecosim.state import MODES, MOST_ROLES
from parts.capture import Quarter, brief

if TYPE_CHECKING:
    from parts.trajectory import Traced

# What a story counts by quarter, and the unit.
UNITS = {
    "capital": "million CNY", "talent": "person-years", "knowledge": "firm-years of median R&D", "partners": "organisations",
    "trust": "level", "got": "million CNY", "gave": "million CNY",
}  # fmt: skip


def story(traced: Traced, uid: int) -> dict[str, Any]:
    """Return what became of an organisation, JSON-ready.

    Returns
    -------
    uid, name, role, kind, focal : who it is; kind is "" for one that has left.
    capital, talent, knowledge, partners, trust, got, gave : a number a quarter, null while it is not there: what it has, how
        many partners, mean trust of its ties, what it got over them in the quarter, net, and what it gave without being paid.
    ties : by quarter, partner's uid, mode and trust of each tie.
    partners_called : name and role of each partner, by uid.
    events : what happened to it, as in the trajectory.
    units : the units of the numbers.

    Raises
    ------
    ScenarioError : no organisation of the run has this uid, or a crowded one has kept nothing of it.
    """
    model = traced.model
    if not any(uid in quarter.uids for quarter in traced.quarters):
        raise ScenarioError(f"organisation {uid}: nothing is kept of it; choose one that the network shows")
    told = [_quarter(quarter, uid) for quarter in traced.quarters]
    partners = sorted({tie[0] for _, ties in told for tie in ties})
    names = model.names
    return {
        "uid": uid, "name": model.recorder.label(uid, names), "role": model.role_names[uid % MOST_ROLES], "kind": _kind(traced, uid),
        "focal": any(uid in quarter.focal for quarter in traced.quarters),
        **{name: brief([numbers.get(name) for numbers, _ in told]) for name in UNITS},
        "ties": [ties for _, ties in told],
        "partners_called": {
            partner: {"name": model.recorder.label(partner, names), "role": model.role_names[partner % MOST_ROLES]}
            for partner in partners
        },
        "events": [event for event in traced.trajectory["events"] if uid in (event["subject"], event["object"])],
        "units": UNITS,
    }  # fmt: skip


def story_of_chosen(traced: Traced | None, uid: int | None) -> dict[str, Any] | None:
    """Return the story of the organisation that a visitor chose; None if nobody is, or it does not occur in this run."""
    if traced is None or uid is None:
        return None
    try:
        return story(traced, uid)
    except ScenarioError:
        return None


def stories(traced: Traced) -> dict[int, dict[str, Any]]:
    """Return the numbers of the stories of all organisations that the network shows, by uid, for a file without a server."""
    steps = len(traced.quarters)
    told: dict[int, dict[str, Any]] = {
        node["uid"]: {name: [None] * steps for name in UNITS} for node in traced.trajectory["network"]["nodes"]
    }
    for step, quarter in enumerate(traced.quarters):
        columns = {name: brief(values) for name, values in _numbers(quarter).items()}
        for position, uid in enumerate(quarter.uids.tolist()):
            if uid in told:
                for name, values in columns.items():
                    told[uid][name][step] = values[position]
    return told


def _numbers(quarter: Quarter) -> dict[str, Any]:
    """Return the numbers of all that a quarter keeps, by what they are."""
    count, ends = len(quarter.uids), np.concatenate([quarter.a, quarter.b])
    partners = np.bincount(ends, minlength=count)
    trust = np.bincount(ends, np.tile(quarter.trust, 2), minlength=count)
    return {
        "capital": quarter.capital, "talent": quarter.talent, "knowledge": quarter.knowledge, "partners": partners,
        "trust": np.divide(trust, partners, out=np.full(count, np.nan), where=partners > 0),
        "got": np.bincount(ends, quarter.got.T.reshape(-1), minlength=count),
        "gave": np.bincount(ends, quarter.gave.T.reshape(-1), minlength=count),
    }  # fmt: skip


def _quarter(quarter: Quarter, uid: int) -> tuple[dict[str, float], list[list[Any]]]:
    """Return the numbers and the ties of one organisation; nothing if it is not there."""
    place = np.flatnonzero(quarter.uids == uid)
    if not len(place):
        return {}, []
    position = int(place[0])
    numbers = {name: float(values[position]) for name, values in _numbers(quarter).items()}
    own = np.flatnonzero((quarter.a == position) | (quarter.b == position))
    others = quarter.uids[np.where(quarter.a[own] == position, quarter.b[own], quarter.a[own])]
    rows = zip(others.tolist(), quarter.mode[own].tolist(), brief(quarter.trust[own]), strict=True)
    return numbers, [[other, MODES[mode], round(trust, 3)] for other, mode, trust in rows]


def _kind(traced: Traced, uid: int) -> str:
    try:
        return traced.model.view(traced.model.row_of(uid)).kind
    except KeyError:
        return ""
