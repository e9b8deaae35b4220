"""Readings: one number from the quarters of a run, by the statistic that a proposition names."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.laboratory.proposition import Reading

Series = np.ndarray[Any, np.dtype[np.float64]]


def read(reading: Reading, series: Series, other: Series | None = None) -> float:
    """Return the reading of a run.

    Parameters
    ----------
    series, other : (quarters,), the measure and, of statistics of two, the second one.

    Notes
    -----
    What is not reached before the horizon counts as reached at the horizon: times are censored from above, so that their
    means are too low and differences between them too small, never too large. A correlation with what does not move is 0;
    so is a ratio to nothing.
    """
    own = series[reading.first :]
    second = None if other is None else other[reading.first :]
    match reading.statistic:
        case "mean" | "sum":
            return float(getattr(own, reading.statistic)())
        case "last":
            return float(own[-1])
        case "lowest" | "highest":
            return float(own.min() if reading.statistic == "lowest" else own.max())
        case "slope":
            return float(np.polyfit(np.arange(own.size), own, 1)[0])
        case "change":
            return _change(own)
        case "deviation":
            return float(own.std())
        case "crossing":
            return float(first_at(own, reading.level))
        case "halfway":
            return float(first_at(own, own[-1] / 2.0))
        case "fall" | "recovery":
            return _after_blow(series, reading)
    assert second is not None
    if reading.statistic == "order":
        mine, theirs = first_at(own, reading.level), first_at(second, reading.other_level)
        return 0.5 if mine == theirs else float(mine < theirs)
    if reading.statistic == "correlation":
        moving = own.std() > 1e-12 and second.std() > 1e-12
        return float(np.corrcoef(own, second)[0, 1]) if moving else 0.0
    return float(own.sum() / second.sum()) if second.sum() else 0.0


def first_at(series: Series, level: float) -> int:
    """Return the first quarter in which a series is at a level or above it; their number if there is none."""
    reached = np.flatnonzero(series >= level)
    return int(reached[0]) if reached.size else series.size


def _change(series: Series) -> float:
    """Return the mean of the last fifth of the quarters less that of the first fifth."""
    part = max(1, series.size // 5)
    return float(series[-part:].mean() - series[:part].mean())


def _after_blow(series: Series, reading: Reading) -> float:
    """Return what part of its mean over the four quarters before a blow is lost at worst, or the quarters until it is regained."""
    before = float(series[max(0, reading.at - 4) : reading.at].mean())
    after = series[reading.at :]
    if reading.statistic == "fall":
        return float(1.0 - after.min() / before) if before else 0.0
    below = np.flatnonzero(after < before)
    if not below.size:
        return 0.0
    return float(below[0] + first_at(after[below[0] :], before))
