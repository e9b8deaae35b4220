"""Two settings under the same luck, again and again: what differs between them beyond chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ecosim import Ecosystem
from ecosim.serving import limits
from parts.session import Order, start_of
from parts.trajectory import Stopped, check_size
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
    values: tuple[list[Any], list[Any]] = ([], [])
    for done, seed in enumerate(seeds, start=1):
        for order, found in zip((first, second), values):
            names, value = value_of(replace(order, seed=seed), stopped)
            found.append(value)
        progress(done, len(seeds))
    quarters = min(len(value) for found in values for value in found)
    one, two = (np.array([value[:quarters] for value in found]) for found in values)
    return Pairs(tuple(seeds), names, one, two)


def value_of(order: Order, stopped: Callable[[], bool]) -> tuple[tuple[str, ...], Any]:
    """Return the beneficiaries and the million CNY booked to them, (quarters, beneficiaries)."""
    world = start_of(order)
    world = world.with_settings(dict(order.changes), "change") if order.changes else world
    check_size(world, limits.steps, limits.organisations)
    model = Ecosystem(world, seed=order.seed, history=False, outcomes=())
    asked = limits.watched(stopped)
    for step, values in (*order.branches, (world.steps, ())):
        while model.step_number < min(step, world.steps):
            if asked():
                raise Stopped
            model.run(min(8, step - model.step_number))
            limits.check_size(len(model.rows))
        if values:
            model.set_many(dict(values))
    return tuple(model.recorder.beneficiaries), value_by_quarter(model)


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
