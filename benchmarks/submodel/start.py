"""What all implementations of the sub-model start from: its numbers, how many there are, the graph, what is recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

SCENARIO = Path(__file__).with_name("submodel.toml")
FIRMS = 4
MEAN_DEGREE = 8
# Of each quarter; knowledge is the mean over firms and suppliers, of all domains together.
RECORDED = ("mean_knowledge", "adopted_share", "firms", "suppliers", "users", "moved")


class Start(NamedTuple):
    """A population at the start: how many there are, and who is tied to whom, (ties,) places among firms and suppliers."""

    firms: int
    suppliers: int
    users: int
    a: Any
    b: Any


def start_of(size: int, seed: int) -> Start:
    """Return a start with `size` agents, half of them users, the others on a random graph of mean degree 8.

    All graphs with so many edges, without loops and parallel edges, are equally likely; with less than ten nodes that is
    the complete one.
    """
    nodes, users = size - size // 2, size // 2
    ties, generator = min(MEAN_DEGREE * nodes, nodes * (nodes - 1)) // 2, np.random.default_rng(seed)
    pairs = np.zeros(0, np.int64)
    while len(pairs) < ties:
        first, second = generator.integers(0, nodes, (2, ties))
        drawn = np.minimum(first, second) * nodes + np.maximum(first, second)
        pairs = np.unique(np.concatenate([pairs, drawn[first != second]]))
    pairs = generator.permutation(pairs)[:ties]
    return Start(FIRMS, nodes - FIRMS, users, (pairs // nodes).astype(np.int32), (pairs % nodes).astype(np.int32))
