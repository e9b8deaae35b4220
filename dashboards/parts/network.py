"""The network of ties as it is drawn: who is shown, where each stands, which community each belongs to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np

from ecosim import Ecosystem
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
    weights = Counter((min(a, b), max(a, b)) for quarter in ties for a, b, _, _ in quarter)
    graph = nx.Graph()
    graph.add_nodes_from(range(len(uids)))
    graph.add_weighted_edges_from((a, b, count) for (a, b), count in sorted(weights.items()))
    positions, communities = _layout(graph, model.seed), _communities(graph, model.seed)
    names, focal = model.names, {uid for quarter in quarters for uid in quarter.focal}
    nodes = [
        {
            "uid": uid, "name": model.recorder.label(uid, names), "role": model.role_names[uid % MOST_ROLES],
            "born": lives[uid][0], "gone": lives[uid][1] + 1 if lives[uid][1] + 1 < len(quarters) else None,
            "x": round(float(positions[position][0]), 4), "y": round(float(positions[position][1]), 4),
            "community": communities[position], "focal": uid in focal,
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


def _ties(quarter: Quarter, place: dict[int, int]) -> list[list[float]]:
    shown = np.array([place.get(uid, -1) for uid in quarter.uids.tolist()], int)
    a, b = shown[quarter.a], shown[quarter.b]
    both = (a >= 0) & (b >= 0)
    trust = (quarter.trust[both].astype(float) * 1000.0).round() / 1000.0
    return [
        list(tie)
        for tie in zip(a[both].tolist(), b[both].tolist(), quarter.mode[both].tolist(), trust.tolist(), strict=True)
    ]


def _layout(graph: Any, seed: int) -> dict[int, Any]:
    if not graph:
        return {}
    return dict(nx.spring_layout(graph, seed=seed % 2**32, weight=None, iterations=60))


def _communities(graph: Any, seed: int) -> dict[int, int]:
    """Return the community of each node, the largest being 0 (Louvain: Blondel et al. 2008)."""
    found = nx.community.louvain_communities(graph, weight="weight", seed=seed % 2**32)
    ordered = sorted(found, key=lambda members: (-len(members), min(members)))
    return {node: number for number, members in enumerate(ordered) for node in members}
