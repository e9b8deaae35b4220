"""The network of ties as it is drawn: who is shown, where each stands, which community each belongs to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from ecosim import Ecosystem
from ecosim.layout import communities, graph_of, places
from ecosim.state import MODES, MOST_ROLES
from parts.capture import Quarter

SHOWN = 200


def network(model: Ecosystem, quarters: Sequence[Quarter]) -> dict[str, Any]:
    """Return nodes with their place, and the ties of each quarter between them.

    Shown are at most `SHOWN` organisations: the core firms, those that were tied to one of them longest, then those that held
    most capital. All quarters together make one layout, so that nobody moves when time does.
    """
    lives = _lives(quarters)
    uids = _chosen(quarters, lives)
    place = {uid: position for position, uid in enumerate(uids)}
    ties = [_ties(quarter, place) for quarter in quarters]
    graph = graph_of(_together(quarters, place), len(uids))
    positions, community = places(graph, model.seed), communities(graph, model.seed)
    names, focal = model.names, {uid for quarter in quarters for uid in quarter.focal}
    nodes = [
        {
            "uid": uid, "name": model.recorder.label(uid, names), "role": model.role_names[uid % MOST_ROLES],
            "born": lives[uid][0], "gone": lives[uid][1] + 1 if lives[uid][1] + 1 < len(quarters) else None,
            "x": round(float(positions[position][0]), 4), "y": round(float(positions[position][1]), 4),
            "community": community[position], "focal": uid in focal,
        }
        for uid, position in place.items()
    ]  # fmt: skip
    return {"nodes": nodes, "ties": ties, "modes": list(MODES), "shown": len(nodes), "of": _ever(model)}


def _ever(model: Ecosystem) -> int:
    """Return how many organisations there ever were."""
    return int(model.serials.sum())


def _lives(quarters: Sequence[Quarter]) -> dict[int, tuple[int, int]]:
    """Return the first and the last quarter at whose end each was there, by uid."""
    lives: dict[int, tuple[int, int]] = {}
    for step, quarter in enumerate(quarters):
        for uid in quarter.uids.tolist():
            lives[uid] = (lives[uid][0] if uid in lives else step, step)
    return lives


def _chosen(quarters: Sequence[Quarter], lives: dict[int, tuple[int, int]]) -> list[int]:
    partners: Counter[int] = Counter()
    capital: dict[int, float] = {}
    for quarter in quarters:
        core = np.isin(quarter.uids, quarter.focal)
        beside = np.concatenate([quarter.b[core[quarter.a]], quarter.a[core[quarter.b]]])
        partners.update(quarter.uids[beside].tolist())
        for uid, held in zip(quarter.uids.tolist(), quarter.capital.tolist(), strict=True):
            capital[uid] = max(held, capital.get(uid, 0.0))
    focal = {uid for quarter in quarters for uid in quarter.focal}
    ranked = sorted(lives, key=lambda uid: (uid not in focal, -partners[uid], -capital[uid], uid))
    return sorted(ranked[:SHOWN])


def _ends(quarter: Quarter, place: dict[int, int]) -> tuple[Any, Any, Any]:
    """Return the nodes at the ends of each tie between two that are shown, and which ties these are."""
    shown = np.array([place.get(uid, -1) for uid in quarter.uids.tolist()], int)
    a, b = shown[quarter.a], shown[quarter.b]
    both = (a >= 0) & (b >= 0)
    return a[both], b[both], both


def _ties(quarter: Quarter, place: dict[int, int]) -> list[tuple[int, int, int, float]]:
    a, b, both = _ends(quarter, place)
    trust = quarter.trust[both].astype(float).round(3)
    return list(zip(a.tolist(), b.tolist(), quarter.mode[both].tolist(), trust.tolist(), strict=True))


def _together(quarters: Sequence[Quarter], place: dict[int, int]) -> list[tuple[int, int, int]]:
    """Return each pair of nodes that was ever tied, and for how many quarters."""
    count = len(place)
    pairs = [np.minimum(a, b) * count + np.maximum(a, b) for a, b, _ in (_ends(quarter, place) for quarter in quarters)]
    codes, quarters_tied = np.unique(np.concatenate([np.zeros(0, int), *pairs]), return_counts=True)
    return list(
        zip((codes // max(1, count)).tolist(), (codes % max(1, count)).tolist(), quarters_tied.tolist(), strict=True)
    )
