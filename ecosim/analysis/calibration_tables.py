"""What a finished calibration says: how much the data tell about each parameter, and how well the model meets the data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ecosim.analysis.calibration import CalibrationResult
from ecosim.analysis.posterior_sampling import prior_of
from ecosim.analysis.target_series import Target, distance_of

if TYPE_CHECKING:
    import pandas as pd

Numbers = NDArray[np.float64]
# Kolmogorov's critical value at the 1 % level, times the square root of the effective sample size.
KOLMOGOROV = 1.63
LOW, HIGH = 0.05, 0.95  # ends of the intervals that are told
INNER = (0.25, 0.75)


def last_generation(result: CalibrationResult) -> pd.DataFrame:
    """Return the sample of the posterior."""
    return result.posterior[result.posterior.generation == result.posterior.generation.max()]


def weighted_quantiles(values: Numbers, weights: Numbers, chances: Numbers | tuple[float, ...]) -> Numbers:
    """Return quantiles of a weighted sample: values where the weight up to them, half of their own included, is so large.

    Parameters
    ----------
    values, weights : (sample,).
    chances : (quantiles,), 0 to 1.
    """
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order]
    return np.interp(np.asarray(chances), (np.cumsum(weights) - weights / 2) / weights.sum(), values)


def effective_size(weights: Numbers) -> float:
    """Return the effective sample size (sum w)^2 / sum w^2 (Kish 1965)."""
    return float(weights.sum() ** 2 / (weights**2).sum())


class ParameterFinding(NamedTuple):
    """What the data tell of a parameter.

    Attributes
    ----------
    prior_low, prior_high : ends of the prior's middle 90 %.
    low, median, high : quantiles 5, 50 and 95 % of the posterior; `mean` is its mean.
    difference : largest distance of the distribution functions of prior and posterior.
    threshold : what it must exceed to be told from chance at the 1 % level in a sample of this effective size.
    """

    name: str
    prior_low: float
    prior_high: float
    mean: float
    low: float
    median: float
    high: float
    difference: float
    threshold: float

    @property
    def width(self) -> float:
        """The posterior's interval over the prior's."""
        return (self.high - self.low) / (self.prior_high - self.prior_low)

    @property
    def informed(self) -> bool:
        """Whether the data tell of it."""
        return self.difference > self.threshold


def parameter_findings(result: CalibrationResult) -> list[ParameterFinding]:
    """Return what the data tell of each parameter."""
    sample = last_generation(result)
    weights = sample.weight.to_numpy(float)
    found = []
    for factor in result.calibration.factors:
        prior, values = prior_of(factor), sample[factor.name].to_numpy(float)
        low, median, high = weighted_quantiles(values, weights, (LOW, 0.5, HIGH)).tolist()
        found.append(
            ParameterFinding(
                name=factor.name, prior_low=float(prior.ppf(LOW)), prior_high=float(prior.ppf(HIGH)),
                mean=float(np.average(values, weights=weights)), low=low, median=median, high=high,
                difference=_largest_difference(values, weights, prior.cdf),
                threshold=KOLMOGOROV / math.sqrt(effective_size(weights)),
            )
        )  # fmt: skip
    return found


def _largest_difference(values: Numbers, weights: Numbers, cumulative: Any) -> float:
    """Return Kolmogorov's distance of a weighted sample from a distribution function."""
    order = np.argsort(values, kind="stable")
    below = cumulative(values[order])
    steps = np.cumsum(weights[order]) / weights.sum()
    before = np.concatenate(([0.0], steps[:-1]))
    return float(np.maximum(np.abs(steps - below), np.abs(before - below)).max())


def correlations(result: CalibrationResult) -> Numbers:
    """Return the correlations of the parameters in the posterior, (parameters, parameters)."""
    sample = last_generation(result)
    names = [factor.name for factor in result.calibration.factors]
    covariance = np.atleast_2d(np.cov(sample[names].to_numpy(float).T, aweights=sample.weight.to_numpy(float)))
    deviations = np.sqrt(np.diag(covariance))
    return np.asarray(covariance / np.outer(deviations, deviations), float)


def fitted_years(result: CalibrationResult, target: Target) -> list[int]:
    """Return the years of a series that the fit looked at."""
    return [year for year in target.years if year <= result.calibration.until]


def predicted(result: CalibrationResult, target: Target, sample: str) -> tuple[NDArray[np.int64], Numbers]:
    """Return what runs with values from the prior or the posterior have for a series, as a chart shows it beside the data.

    Returns
    -------
    Years, and values (runs, years); an index is brought to the data's mean over the fitted years.
    """
    table = result.predictions[(result.predictions["sample"] == sample) & (result.predictions.series == target.name)]
    wide = table.pivot(index="draw", columns="year", values="value").sort_index()
    years = wide.columns.to_numpy(np.int64)
    fitted = fitted_years(result, target)
    data = np.array(target.values[: len(fitted)])
    return years, target.readable(wide.to_numpy(float), np.isin(years, fitted), data)


def prediction_distances(result: CalibrationResult, sample: str) -> Numbers:
    """Return how far each run of the predictions is from the data of the fitted years, (runs,), in tolerances."""
    differences = []
    for target in result.calibration.targets:
        years, values = predicted(result, target, sample)
        fitted = np.array(fitted_years(result, target))
        everywhere = np.ones(len(fitted), bool)
        model = target.scaled(values[:, np.isin(years, fitted)], everywhere)
        data = target.scaled(np.array(target.values[: len(fitted)]), everywhere)
        differences.append((model - data) / target.tolerance)
    return np.array([distance_of([series[run] for series in differences]) for run in range(len(differences[0]))])


def quantiles_by_year(values: Numbers) -> Numbers:
    """Return the quantiles 5, 25, 50, 75 and 95 % of runs, (runs, years), as (5, years); not a number where no run has a value."""
    known = ~np.isnan(values).all(axis=0)
    quantiles = np.full((5, values.shape[1]), np.nan)
    if known.any():
        quantiles[:, known] = np.nanquantile(values[:, known], (LOW, INNER[0], 0.5, INNER[1], HIGH), axis=0)
    return quantiles


class Closeness(NamedTuple):
    """How close runs with new seeds are to a part of the data.

    Attributes
    ----------
    sample : where their values come from, "prior" or "posterior".
    part : "fitted" or "held out".
    years : how many years of data.
    off : root mean square of the median run less the data, in tolerances.
    half, most : which part of the data lies inside the middle 50 % and 90 % of the runs.
    """

    series: str
    sample: str
    part: str
    years: int
    off: float
    half: float
    most: float


def closeness(result: CalibrationResult) -> list[Closeness]:
    """Return how close runs are to the data: of each series, from prior and posterior, to what was fitted and what was held out."""
    found = []
    for target in result.calibration.targets:
        fitted = fitted_years(result, target)
        parts = {"fitted": fitted, "held out": [year for year in target.years if year not in fitted]}
        for sample in ("prior", "posterior"):
            years, values = predicted(result, target, sample)
            for part, wanted in parts.items():
                if wanted:
                    data = np.array([target.values[target.years.index(year)] for year in wanted])
                    inside = values[:, np.isin(years, wanted)]
                    found.append(Closeness(target.name, sample, part, len(wanted), *_closeness(target, inside, data)))
    return found


def _closeness(target: Target, values: Numbers, data: Numbers) -> tuple[float, float, float]:
    """Return how close runs, (runs, years), are to data, (years,), both in the data's unit: off, half, most."""
    low, first, median, third, high = quantiles_by_year(values)
    difference = median - data if target.scale == "level" else np.log(median / data)
    off = difference / target.tolerance
    return (
        float(np.sqrt(np.mean(off**2))), float(np.mean((first <= data) & (data <= third))),
        float(np.mean((low <= data) & (data <= high))),
    )  # fmt: skip
