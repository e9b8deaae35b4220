"""Two settings under the same luck, again and again: what differs between them beyond chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecosim.serving import limits
from parts.session import Order, start_of
from parts.trajectory import prepared, run_alone
from parts.tree import shares_of, value_by_quarter

# 97.5 % quantile of Student's t by number of pairs, which has one degree of freedom less.
QUANTILES = {10: 2.262157, 20: 2.093024, 40: 2.022691}


@dataclass(frozen=True, eq=False)
class Pairs:
    """What pairs of runs booked.

    Attributes
    ----------
    seeds : the luck of each pair.
    beneficiaries : their names.
    first, second : million CNY, (pairs, quarters, beneficiaries).
    """

    seeds: tuple[int, ...]
    beneficiaries: tuple[str, ...]
    first: Any
    second: Any


@dataclass(frozen=True)
class Difference:
    """One beneficiary: mean share under either setting, and the paired difference with half its 95 % interval, 0 to 1."""

    beneficiary: str
    first: float
    second: float
    mean: float
    half: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves zero out."""
        return abs(self.mean) > self.half


def run_pairs(
    first: Order,
    second: Order,
    seeds: Sequence[int],
    stopped: Callable[[], bool],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Pairs:
    """Run both orders under each seed in place of their own.

    Raises
    ------
    ScenarioError : anything wrong in an order, or runs that take too long.
    Stopped : `stopped` said so.
    """
    runs = [prepared(start_of(order), order.changes, order.branches)[1:] for order in (first, second)]
    values: tuple[list[Any], list[Any]] = ([], [])
    for done, seed in enumerate(seeds, start=1):
        for (world, later), found in zip(runs, values):
            model = run_alone(world, seed, later, limits.watched(stopped))
            found.append(value_by_quarter(model))
        progress(done, len(seeds))
    quarters = min(len(value) for found in values for value in found)
    one, two = (np.array([value[:quarters] for value in found]) for found in values)
    return Pairs(tuple(seeds), tuple(model.recorder.beneficiaries), one, two)


def differences(pairs: Pairs, begin: float) -> list[Difference]:
    """Return by beneficiary how its share differs from the part `begin` (0 to 1) of the run on.

    A share is what a beneficiary got over all these quarters, of what all got; the interval is Student's t over the pairs.
    """
    quarters = pairs.first.shape[1]
    window = slice(min(quarters - 1, int(begin * quarters)), quarters)
    first, second = (shares_of(value[:, window].sum(axis=1)) for value in (pairs.first, pairs.second))
    difference = second - first
    count = len(pairs.seeds)
    half = QUANTILES[count] * difference.std(axis=0, ddof=1) / math.sqrt(count)
    return [
        Difference(name, *map(float, numbers))
        for name, *numbers in zip(
            pairs.beneficiaries, first.mean(axis=0), second.mean(axis=0), difference.mean(axis=0), half
        )
    ]
