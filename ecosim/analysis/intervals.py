"""Means and their 95 % intervals: over design points, or over the luck that replicates show; and what part is luck."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.95
NAN = float("nan")
Numbers = np.ndarray[Any, np.dtype[np.float64]]
Counts = np.ndarray[Any, np.dtype[np.integer[Any]]]


class Estimate(NamedTuple):
    """A mean, the variance of that mean, and the degrees of freedom with which the variance is known."""

    mean: float
    variance: float
    freedom: float

    @property
    def half(self) -> float:
        """Half the width of the 95 % interval by Student's t; not a number if the variance is not known."""
        from scipy.stats import t

        if not self.freedom > 0.0:
            return NAN
        return float(t.ppf(0.5 + CONFIDENCE / 2.0, self.freedom)) * math.sqrt(self.variance)

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.mean - self.half

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.mean + self.half

    @property
    def chance(self) -> float:
        """Two-sided p value of a mean of zero."""
        from scipy.stats import t

        if not self.freedom > 0.0:
            return NAN
        if self.variance <= 0.0:
            return 0.0 if self.mean else 1.0
        return float(2.0 * t.sf(abs(self.mean) / math.sqrt(self.variance), self.freedom))


def over_points(values: Numbers, clusters: Counts) -> Estimate:
    """Return the mean of points that are a sample, with the variance between clusters of points that were drawn together.

    With one point a cluster it is the ordinary standard error. Blocks of Saltelli's scheme and trajectories of Morris'
    method share coordinates, so that each of them counts once (Liang & Zeger 1986).

    Parameters
    ----------
    values : (points,), outcome of each point.
    clusters : (points,), which block each belongs to.
    """
    if not values.size:
        return Estimate(NAN, NAN, 0.0)
    mean = float(values.mean())
    _, cluster = np.unique(clusters, return_inverse=True)
    shifts = np.bincount(cluster, values - mean) / values.size
    count = shifts.size
    variance = float(shifts @ shifts) * count / (count - 1) if count > 1 else NAN
    return Estimate(mean, variance, count - 1.0)


def over_luck(points: Counts, replicates: Counts, values: Numbers, common: bool) -> Estimate:
    """Return the mean of the points' means, with the variance that comes of luck alone: the points stay as they are.

    With common random numbers a replicate's luck is the same at all points: what it shifts is added up over the points
    before it is squared. Otherwise each run's luck is its own.

    Parameters
    ----------
    points, replicates, values : (runs,), design point, replicate and outcome of each run.
    common : whether replicate r has the same seed at every point.
    """
    if not values.size:
        return Estimate(NAN, NAN, 0.0)
    _, point = np.unique(points, return_inverse=True)
    runs = np.bincount(point)
    means = np.bincount(point, values) / runs
    mean, count = float(means.mean()), means.size
    shifts = (values - means[point]) / (runs[point] * count)
    if common:
        _, replicate = np.unique(replicates, return_inverse=True)
        shared = np.bincount(replicate, shifts)
        seeds = shared.size
        variance = float(shared @ shared) * seeds / (seeds - 1) if seeds > 1 else NAN
        return Estimate(mean, variance, seeds - 1.0)
    return Estimate(mean, *_own_luck(runs, np.bincount(point, shifts**2).astype(np.float64)))


def _own_luck(runs: Counts, squares: Numbers) -> tuple[float, float]:
    """Return variance and degrees of freedom (Satterthwaite 1946); a point of one run gets the variance of the others."""
    several = runs > 1
    if not several.any():
        return NAN, 0.0
    freedom = runs[several] - 1.0
    parts = squares[several] * runs[several] / freedom
    pooled = float(squares[several] @ runs[several] ** 2 / freedom.sum())  # of one run, times 1 / points squared
    variance = float(parts.sum()) + pooled * int((~several).sum())
    spread = float((parts**2 / freedom).sum())
    if spread <= 0.0:
        return variance, float(freedom.sum())
    return variance, float(parts.sum()) ** 2 / spread


def difference(one: Estimate, other: Estimate) -> Estimate:
    """Return the difference of two means of independent samples (Welch 1947)."""
    variance = one.variance + other.variance
    if not (one.freedom > 0.0 and other.freedom > 0.0):
        return Estimate(one.mean - other.mean, NAN, 0.0)
    spread = one.variance**2 / one.freedom + other.variance**2 / other.freedom
    freedom = variance**2 / spread if spread > 0.0 else one.freedom + other.freedom
    return Estimate(one.mean - other.mean, variance, freedom)


class Luck(NamedTuple):
    """How the variance of a single run divides, in parts of 1, and how much luck is left in the points' means."""

    factors: float
    shared: float
    own: float
    in_means: float
    runs: int


def parts_of_luck(table: pd.DataFrame, common: bool) -> Luck:
    """Return the parts of the variance of one run that are due to the factors, to luck shared by all points, and to the rest.

    They are the components of variance of points x replicates (two ways with common random numbers, one way without;
    Searle, Casella & McCulloch 1992); one that comes out negative counts as none.

    Parameters
    ----------
    table : (points, replicates), outcome of each run, not a number where it failed.
    common : whether replicate r has the same seed at every point.
    """
    if common:
        values = _full_rectangle(table.to_numpy(float))
        points, runs = values.shape
        if points < 2 or runs < 2:
            return Luck(NAN, NAN, NAN, NAN, runs)
        means, seeds, mean = values.mean(axis=1), values.mean(axis=0), values.mean()
        rest = values - means[:, None] - seeds[None, :] + mean
        own = float((rest**2).sum()) / ((points - 1) * (runs - 1))
        shared = max(0.0, float(seeds.var(ddof=1)) - own / points)
        factors = max(0.0, float(means.var(ddof=1)) - own / runs)
        return _luck(factors, shared, own, runs)
    values = table.to_numpy(float)
    counts = (~np.isnan(values)).sum(axis=1)
    values, counts = values[counts > 0], counts[counts > 0]
    points, total = counts.size, int(counts.sum())
    if points < 2 or total <= points:
        return Luck(NAN, NAN, NAN, NAN, 1)
    means = np.nanmean(values, axis=1)
    own = float(np.nansum((values - means[:, None]) ** 2)) / (total - points)
    mean = float(counts @ means) / total
    between = float(counts @ (means - mean) ** 2) / (points - 1)
    runs_of_a_point = (total - float(counts @ counts) / total) / (points - 1)
    return _luck(max(0.0, (between - own) / runs_of_a_point), 0.0, own, round(runs_of_a_point))


def _luck(factors: float, shared: float, own: float, runs: int) -> Luck:
    total = factors + shared + own
    if total <= 0.0:
        return Luck(NAN, NAN, NAN, NAN, runs)
    means = factors + own / runs
    return Luck(factors / total, shared / total, own / total, own / runs / means if means > 0.0 else NAN, runs)


def _full_rectangle(values: Numbers) -> Numbers:
    """Return the largest part of a table, some points by the first replicates, in which no run is missing."""
    unbroken = np.cumprod(~np.isnan(values), axis=1).sum(axis=1)
    lengths = np.arange(1, values.shape[1] + 1)
    sizes = lengths * (unbroken[:, None] >= lengths).sum(axis=0)
    sizes[0] = 1  # one replicate tells nothing of luck
    best = int(lengths[np.argmax(sizes)])
    return values[unbroken >= best, :best]
