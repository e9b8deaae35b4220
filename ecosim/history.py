"""History: the snapshots of one run, thinned so that a long one does not fill the memory."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from ecosim.record import Quarter

Snapshot = Mapping[str, Any]


class History:
    """Snapshots of the starts of quarters, by step.

    At first each quarter is kept. Whenever all together grow past `most_bytes`, only those of steps 0, 2, 4, ... stay,
    then 0, 4, 8, ..., and new ones are kept as sparsely. The start of a quarter before which a parameter was set by
    hand always stays, since it cannot be reached by playing what came before again.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.spacing = 1
        self.kept: dict[int, Snapshot] = {}
        self._changed: set[int] = set()

    def wants(self, step: int, changed: bool) -> bool:
        """Return whether the start of a quarter is to be kept; `changed` tells that a parameter was set before it."""
        return changed or step % self.spacing == 0

    def keep(self, step: int, snapshot: Snapshot, changed: bool) -> None:
        """Keep a snapshot, and let others go if there are too many."""
        self.kept[step] = snapshot
        if changed:
            self._changed.add(step)
        while self.bytes > self.most_bytes and any(number not in self._changed for number in self.kept if number):
            self.spacing *= 2
            self.kept = {
                number: kept for number, kept in self.kept.items() if self.wants(number, number in self._changed)
            }

    @property
    def bytes(self) -> int:
        """What the arrays of all snapshots take."""
        return sum(kept["bytes"] for kept in self.kept.values())

    def nearest(self, step: int) -> int | None:
        """Return the last step up to this one whose start is kept."""
        return max((number for number in self.kept if number <= step), default=None)

    def forget_after(self, step: int) -> None:
        """Forget what came after the start of a quarter."""
        self.kept = {number: kept for number, kept in self.kept.items() if number <= step}
        self._changed = {number for number in self._changed if number <= step}

    def copied(self) -> History:
        """Return a history of its own; the snapshots, which nobody changes, are shared."""
        other = copy.copy(self)
        other.kept, other._changed = dict(self.kept), set(self._changed)
        return other


def bytes_of(table: tuple[Any, ...]) -> int:
    """Return what the columns of a table take."""
    return sum(column.nbytes for column in table)


def same_quarter(one: Quarter, other: Quarter) -> bool:
    """Return whether two records of a quarter are the same, bit for bit."""
    arrays = [(one.value, other.value), (one.roles, other.roles), *zip(one.flows, other.flows, strict=True)]
    arrays += zip(one.events, other.events, strict=True)
    alike = all(np.array_equal(left, right) for left, right in arrays)
    return alike and one.stage == other.stage and one.metrics == other.metrics
