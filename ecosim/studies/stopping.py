"""The stopping rule: how well the mean of an outcome is known at each point, and which points need more replicates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ecosim.parameters import ScenarioError
from ecosim.studies.study_parts import Until

CONFIDENCE = 0.95


class Precision:
    """Mean and spread of an outcome at each point, taken in value by value (Welford 1962): memory for points, not for runs.

    Values of one point are taken in by the order of the runs, so that no bit depends on batches or workers.

    Raises
    ------
    ScenarioError : quantiles of Student's t take SciPy, which is not installed.
    """

    def __init__(self, until: Until, points: int) -> None:
        try:
            from scipy.special import stdtrit
        except ImportError:
            raise ScenarioError(
                'a stopping rule takes SciPy, which is not installed; run pip install "ecosim[analysis]"'
            ) from None
        self._quantile = stdtrit
        self.until = until
        self.count = np.zeros(points, np.int64)
        self._mean = np.zeros(points)
        self._squares = np.zeros(points)

    def take(self, points: Iterable[int], values: Iterable[float]) -> None:
        """Take in the outcome of some runs, given with their points."""
        for point, value in zip(points, values, strict=True):
            self.count[point] += 1
            step = value - self._mean[point]
            self._mean[point] += step / self.count[point]
            self._squares[point] += step * (value - self._mean[point])

    def widths(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return the width of each point's confidence interval of the mean, from lower to upper end; infinite below two values."""
        known = self.count > 1
        freedom = np.where(known, self.count - 1, 1)
        error = np.sqrt(self._squares / freedom / np.maximum(self.count, 1))
        return np.where(known, 2.0 * self._quantile(freedom, 0.5 + CONFIDENCE / 2.0) * error, np.inf)

    def unfinished(self) -> set[int]:
        """Return the points whose interval is not narrow enough yet."""
        return set(np.flatnonzero(~(self.widths() < self.until.width)).tolist())
