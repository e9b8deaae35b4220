"""Where the nodes of a network stand when it is drawn, and which communities they form; the same each time for a seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import networkx

Pair = tuple[int, int, float]


def graph_of(pairs: Iterable[Pair], nodes: int) -> networkx.Graph:
    """Return the graph of nodes 0, 1, ... and weighted pairs of them.

    Raises
    ------
    ImportError : networkx is missing.
    """
    try:
        import networkx
    except ImportError:
        raise ImportError('networks need networkx; pip install "ecosim[analysis]"') from None
    graph = networkx.Graph()
    graph.add_nodes_from(range(nodes))
    graph.add_weighted_edges_from(pairs)
    return graph


def places(graph: networkx.Graph, seed: int) -> np.ndarray[Any, Any]:
    """Return the place of each node, (nodes, 2) within -1 to 1: those with ties by their ties, the others on a ring.

    Fruchterman & Reingold 1991, Software: Practice and Experience 21: 1129. Those whom no tie holds would drift away and leave
    no room for the rest.
    """
    import networkx

    found = np.zeros((len(graph), 2))
    tied = [node for node in graph if graph.degree(node)]
    if tied:
        inside = networkx.spring_layout(graph.subgraph(tied), seed=seed % 2**32, weight=None, iterations=40)
        found[tied] = 0.9 * _spread(np.array([inside[node] for node in tied]))
    loose = [node for node in graph if not graph.degree(node)]
    angles = np.linspace(0.0, 2.0 * np.pi, len(loose), endpoint=False)
    found[loose] = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return found


def _spread(inside: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Move nodes outwards or inwards, mostly by the rank of their distance, so that a few who hang on by one tie leave room."""
    inside = inside - np.median(inside, axis=0)
    distance = np.hypot(*inside.T)
    rank = np.argsort(np.argsort(distance, kind="stable"), kind="stable")
    wanted = 0.7 * np.sqrt((rank + 0.5) / len(inside)) + 0.3 * distance / max(distance.max(), 1e-9)
    spread: np.ndarray[Any, Any] = inside * (wanted / np.maximum(distance, 1e-9))[:, None]
    return spread


def communities(graph: networkx.Graph, seed: int) -> Sequence[int]:
    """Return the community of each node, 0 for the largest (Louvain: Blondel et al. 2008, J. Stat. Mech. P10008)."""
    import networkx

    found = networkx.community.louvain_communities(graph, weight="weight", seed=seed % 2**32)
    ordered = sorted(found, key=lambda members: (-len(members), min(members)))
    numbers = {node: number for number, members in enumerate(ordered) for node in members}
    return [numbers[node] for node in graph]
