"""Effects: means by level of each factor, by levels of two, and what part of the variance goes with them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.analysis.experiment import Experiment, Levels, Mask, levels_of
from ecosim.analysis.intervals import NAN, Estimate, over_luck, over_points, parts_of_luck
from ecosim.parameters import ScenarioError, nearest

if TYPE_CHECKING:
    import pandas as pd

_MEAN = ("points", "mean", "low", "high", "interval")
# Designs whose points fill the space of the factors, so that what two of them do together is told from the rest.
FILLING = ("factorial", "latin-hypercube", "sobol")
BINS, BINS_OF_TWO = 5, 3  # of a range, alone and beside another
Numbers = np.ndarray[Any, np.dtype[np.float64]]


def summary(experiment: Experiment, outcome: str) -> pd.DataFrame:
    """Return one row on an outcome: its mean and spread over the points, and what part of a run's variance is luck."""
    import pandas as pd

    means = experiment.means(outcome).dropna()
    luck = parts_of_luck(experiment.table(outcome), experiment.common)
    row = {
        "outcome": outcome, "points": len(means), "runs": int(experiment.runs[outcome].notna().sum()), "mean": means.mean(),
        "deviation": means.std() if len(means) > 1 else NAN, "lowest": means.min(), "highest": means.max(), "part_of_factors": luck.factors,
        "part_of_shared_luck": luck.shared if experiment.common else NAN, "part_of_own_luck": luck.own,
        "luck_left_in_means": luck.in_means,
    }  # fmt: skip
    return pd.DataFrame([row])


def means_by_point(experiment: Experiment, outcome: str) -> pd.DataFrame:
    """Return the mean of an outcome at each point that was chosen one by one, with its 95 % interval over luck.

    Returns
    -------
    Columns outcome, point, the factors, runs, mean, low, high; empty for points that were drawn.
    """
    import pandas as pd

    rows = []
    points, replicates, values = experiment.each_run(outcome)
    if not experiment.sampled:
        order = np.argsort(points, kind="stable")
        edges = np.searchsorted(points[order], np.arange(len(experiment.points) + 1))
        settings = experiment.points.to_dict("records")
        for place, number in enumerate(experiment.points.index):
            own = order[edges[place] : edges[place + 1]]
            estimate = over_luck(points[own], replicates[own], values[own], common=False)
            rows.append({"outcome": outcome, "point": number, **settings[place], "runs": own.size,
                         "mean": estimate.mean, "low": estimate.low, "high": estimate.high})  # fmt: skip
    return pd.DataFrame(rows, columns=["outcome", "point", *experiment.names, "runs", "mean", "low", "high"])


def means_by_level(experiment: Experiment, outcome: str) -> pd.DataFrame:
    """Return the mean of an outcome at each level of each factor, or in each bin of a range, with its 95 % interval.

    Points are a sample in designs that draw them: the interval is over points, blocks and trajectories counting once.
    Elsewhere the points are what was asked for, and the interval is over luck; with one run a point there is none.

    Returns
    -------
    Columns outcome, factor, level, place (its mean on an axis of numbers), points, mean, low, high, interval ("over points"
    or "over luck").
    """
    import pandas as pd

    rows = []
    for factor in experiment.factors:
        levels = levels_of(experiment.points, factor, BINS)
        counted = experiment.comparable([factor.name], outcome)
        for code, label in enumerate(levels.labels):
            chosen = counted & (levels.codes == code)
            place = NAN if levels.places is None else levels.places[code]
            rows.append({"outcome": outcome, "factor": factor.name, "level": label, "place": place}
                        | _mean(experiment, outcome, chosen))  # fmt: skip
    return pd.DataFrame(rows, columns=["outcome", "factor", "level", "place", *_MEAN])


def means_by_two(experiment: Experiment, outcome: str) -> pd.DataFrame:
    """Return the mean of an outcome at each pair of levels of each two factors, with its 95 % interval.

    Returns
    -------
    Columns outcome, factor, level, other_factor, other_level, points, mean, low, high, interval; no row for a pair of
    levels without points, and none at all in a design that does not fill the space of the factors.
    """
    import pandas as pd

    rows = []
    for pair in _pairs(experiment):
        for one, other, chosen in _cells(experiment, outcome, *pair):
            names = {"factor": pair[0], "level": one, "other_factor": pair[2], "other_level": other}
            rows.append({"outcome": outcome, **names, **_mean(experiment, outcome, chosen)})
    return pd.DataFrame(rows, columns=["outcome", "factor", "level", "other_factor", "other_level", *_MEAN])


def parts_of_variance(experiment: Experiment, outcome: str) -> pd.DataFrame:
    """Return what part of the variance over points goes with the levels of each factor, and with how each two interact.

    Of Saltelli's blocks only the two points count that are drawn independently. In a full factorial design sums of squares divide exactly; the luck that is left in the means is taken off. Of sampled
    points it is omega squared (Hays 1963), which takes off what as many bins would tell of an outcome that does not
    depend on them.

    Returns
    -------
    Columns outcome, factor, other_factor (empty for a factor alone), lowest, highest (the levels with the lowest and the
    highest mean), difference (between these means), part.
    """
    import pandas as pd

    columns = ["outcome", "factor", "other_factor", "lowest", "highest", "difference", "part"]
    if experiment.kind not in FILLING:
        return pd.DataFrame([], columns=columns)
    means = experiment.means(outcome).to_numpy(float)
    noise = _noise(experiment, outcome)
    rows = []
    for factor in experiment.factors:
        levels = levels_of(experiment.points, factor, BINS)
        counted = _drawn(experiment) & experiment.comparable([factor.name], outcome)
        values, codes = means[counted], levels.codes[counted]
        if np.unique(codes).size < 2:
            continue
        counts = np.bincount(codes, minlength=len(levels.labels))
        of_level = np.divide(np.bincount(codes, values, minlength=counts.size), counts, out=np.full(counts.size, NAN),
                             where=counts > 0)  # fmt: skip
        low, high = int(np.nanargmin(of_level)), int(np.nanargmax(of_level))
        rows.append({
            "outcome": outcome, "factor": factor.name, "other_factor": "", "lowest": levels.labels[low],
            "highest": levels.labels[high], "difference": of_level[high] - of_level[low],
            "part": _part(values, of_level[codes], of_level[codes], np.unique(codes).size - 1, noise),
        })  # fmt: skip
    rows += [_interaction(experiment, outcome, means, noise, *pair) for pair in _pairs(experiment)]
    return pd.DataFrame(rows, columns=columns)


def points_behind(experiment: Experiment, outcome: str, at: Mapping[str, str]) -> Mask:
    """Return which points a row of `means_by_level`, or of `means_by_two`, is the mean of, (points,).

    Parameters
    ----------
    at : label of a level by the name of its factor: of one factor, or of two.

    Raises
    ------
    ScenarioError : there is no such factor, or no such level of it.
    """
    known = {factor.name: factor for factor in experiment.factors}
    chosen = experiment.comparable(list(at), outcome)
    if len(at) > 1:
        chosen = chosen & _drawn(experiment)
    for name, label in at.items():
        if name not in known:
            raise ScenarioError(f"factor: the study has no factor '{name}'; {nearest(name, known)}")
        levels = levels_of(experiment.points, known[name], BINS if len(at) == 1 else BINS_OF_TWO)
        if label not in levels.labels:
            raise ScenarioError(f"{name}: has no level '{label}'; {nearest(label, levels.labels)}")
        chosen = chosen & (levels.codes == levels.labels.index(label))
    return chosen


def _mean(experiment: Experiment, outcome: str, chosen: Any) -> dict[str, Any]:
    estimate, interval = estimate_of(experiment, outcome, chosen)
    return {"points": int(chosen.sum()), "mean": estimate.mean, "low": estimate.low, "high": estimate.high,
            "interval": interval}  # fmt: skip


def estimate_of(experiment: Experiment, outcome: str, chosen: Any) -> tuple[Estimate, str]:
    """Return the mean over some points, and what its interval is over.

    Parameters
    ----------
    chosen : (points,), which points; each has the outcome.
    """
    if experiment.sampled:
        values = experiment.means(outcome).to_numpy(float)[chosen]
        return over_points(values, experiment.blocks[chosen]), "over points"
    points, replicates, values = experiment.each_run(outcome)
    kept = chosen[points]
    return over_luck(points[kept], replicates[kept], values[kept], experiment.common), "over luck"


def _pairs(experiment: Experiment) -> list[tuple[str, Levels, str, Levels]]:
    if experiment.kind not in FILLING:
        return []
    levels = [(factor.name, levels_of(experiment.points, factor, BINS_OF_TWO)) for factor in experiment.factors]
    return [(*one, *other) for one, other in itertools.combinations(levels, 2)]


def _drawn(experiment: Experiment) -> Any:
    """Return which points tell of what two factors do together: of drawn ones those that are drawn independently."""
    return experiment.independent() if experiment.sampled else np.ones(len(experiment.points), bool)


def _cells(experiment: Experiment, outcome: str, name: str, levels: Levels, other: str, others: Levels) -> Any:
    counted = _drawn(experiment) & experiment.comparable([name, other], outcome)
    for one, two in itertools.product(range(len(levels.labels)), range(len(others.labels))):
        chosen = counted & (levels.codes == one) & (others.codes == two)
        if chosen.any():
            yield levels.labels[one], others.labels[two], chosen


def _noise(experiment: Experiment, outcome: str) -> float | None:
    """Return the variance of luck in a point's mean where sums of squares divide exactly; None where points are a sample."""
    if experiment.kind != "factorial":
        return None
    luck = parts_of_luck(experiment.table(outcome), experiment.common)
    spread = float(experiment.means(outcome).var())
    return luck.in_means * spread if luck.in_means == luck.in_means else 0.0


def _interaction(
    experiment: Experiment, outcome: str, means: Numbers, noise: float | None, name: str, levels: Levels, other: str,
    others: Levels,
) -> dict[str, Any]:  # fmt: skip
    """Return what part of the variance over points two factors have together, beyond what each has alone."""
    counted = _drawn(experiment) & experiment.comparable([name, other], outcome)
    values, one, two = means[counted], levels.codes[counted], others.codes[counted]
    row = {"outcome": outcome, "factor": name, "other_factor": other, "lowest": "", "highest": "", "difference": NAN}
    if not values.size:
        return {**row, "part": NAN}
    cell = np.unique(one * len(others.labels) + two, return_inverse=True)[1]
    together = (np.bincount(cell, values) / np.bincount(cell))[cell]
    dummies = np.column_stack([np.eye(len(levels.labels))[one], np.eye(len(others.labels))[two]])
    coefficients, _, rank, _ = np.linalg.lstsq(dummies, values, rcond=None)
    beyond = values.mean() + together - dummies @ coefficients
    return {**row, "part": _part(values, beyond, together, int(cell.max()) + 1 - int(rank), noise)}


def _part(values: Numbers, effect: Numbers, cells: Numbers, freedom: int, noise: float | None) -> float:
    """Return the part of the sum of squares of `values` that an effect has, without what chance alone would give it.

    Parameters
    ----------
    effect : (points,), the mean with what the effect adds to it at each point.
    cells : (points,), the mean of the cell that each point is in; what is left around it is chance.
    freedom : degrees of freedom of the effect.
    noise : variance of luck in a value, if that alone is chance.
    """
    mean = values.mean()
    total, taken = float(((values - mean) ** 2).sum()), float(((effect - mean) ** 2).sum())
    if total <= 1e-24 * float((values**2).sum()) or freedom < 1:
        return NAN
    if noise is not None:
        return max(0.0, taken - freedom * noise) / total
    left = values.size - np.unique(cells).size
    if left < 1:
        return NAN
    error = float(((values - cells) ** 2).sum()) / left
    return max(0.0, (taken - freedom * error) / (total + error))
