"""Whether the implementations of the sub-model do the same: to rounding where draws are the same, else in distribution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from submodel.by_ecosim import InEcosim
from submodel.start import RECORDED, start_of

SIZE, QUARTERS, SEEDS = 1000, 20, 30
TOLERANCE = 1e-9  # relative, of one trajectory
ERRORS = 4.0  # standard errors between two means over seeds
STATISTICS = (*RECORDED, "concentration")

Maker = Callable[..., Any]


def same_trajectory(maker: Maker, size: int = SIZE, quarters: int = QUARTERS, seed: int = 1) -> float:
    """Return the largest relative difference to ecosim of anything recorded, firms' customers included, on the same draws."""
    start = start_of(size, seed)
    ours, theirs = InEcosim(start, seed), maker(start, seed)
    ours.run(quarters)
    theirs.run(quarters)
    return max(_apart(ours.records(), theirs.records()), _apart(ours.installed(), theirs.installed()))


def same_spreading(maker: Maker, size: int = SIZE, quarters: int = QUARTERS, seed: int = 1) -> float:
    """Return the largest relative difference to ecosim of what anybody knows without turnover, where nothing is drawn."""
    start = start_of(size, seed)
    ours = InEcosim(start, seed, growth_rate=0.0)
    theirs = maker(start, seed, growth_rate=0.0, knowledge=ours.knowledge(), absorptive=ours.absorptive())
    ours.run(quarters)
    theirs.run(quarters)
    moved = RECORDED.index("moved")
    return max(
        _apart(ours.knowledge(), theirs.knowledge()), _apart(ours.records()[:, moved], theirs.records()[:, moved])
    )


def _apart(ours: Any, theirs: Any) -> float:
    return float((np.abs(ours - theirs) / np.maximum(np.abs(ours), 1e-12)).max())


def sample(maker: Maker, size: int, quarters: int, seeds: int) -> Any:
    """Return what is compared of some runs, (seeds, a third, two thirds and all of the quarters, statistics)."""
    runs, looks = [], [quarters // 3 - 1, 2 * quarters // 3 - 1, quarters - 1]
    for seed in range(seeds):
        model = maker(start_of(size, seed), seed)
        rows = []
        for look, before in zip(looks, [-1, *looks]):
            model.run(look - before)
            installed = model.installed()
            rows.append([*model.records()[look], ((installed / max(1.0, installed.sum())) ** 2).sum()])
        runs.append(rows)
        if hasattr(model, "forget"):
            model.forget()
    return np.array(runs)


def errors_apart(ours: Any, theirs: Any) -> float:
    """Return the largest difference of two samples' means, in standard errors; 0 where neither varies and both are the same."""
    difference = np.abs(ours.mean(axis=0) - theirs.mean(axis=0))
    error = np.sqrt(ours.var(axis=0, ddof=1) / len(ours) + theirs.var(axis=0, ddof=1) / len(theirs))
    apart = np.divide(difference, error, out=np.where(difference > 0.0, np.inf, 0.0), where=error > 0.0)
    return float(apart.max())
