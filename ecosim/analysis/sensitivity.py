"""Sensitivity: Sobol indices, Morris' elementary effects, and regional sensitivity, by SALib and SciPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.analysis.comparison import holm
from ecosim.analysis.experiment import Experiment, levels_of, shown, takes_many
from ecosim.analysis.intervals import CONFIDENCE
from ecosim.studies.study_parts import Factor

if TYPE_CHECKING:
    import pandas as pd

SEED = 1  # of the bootstrap: the same results give the same intervals
FEWEST_BLOCKS = 2
Mask = np.ndarray[Any, np.dtype[np.bool_]]
Numbers = np.ndarray[Any, np.dtype[np.float64]]


def whole_blocks(experiment: Experiment, outcome: str) -> Mask:
    """Return which points belong to a block of Saltelli's scheme, or a trajectory, that has the outcome at all its points."""
    size = experiment.block_size
    there = experiment.means(outcome).notna().to_numpy()
    count = len(there) // size
    whole = np.zeros(len(there), bool)
    whole[: count * size] = np.repeat(there[: count * size].reshape(count, size).all(axis=1), size)
    return whole


def sobol_indices(experiment: Experiment, outcome: str) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Return first-order and total Sobol indices with 95 % bootstrap intervals, and those of pairs if they were sampled.

    The estimators are SALib's (Saltelli et al. 2010; pairs: Saltelli 2002). Blocks with a point that has no outcome are left
    out whole.

    Returns
    -------
    outcome, factor, first, first_low, first_high, total, total_low, total_high: parts of the variance over the points; and
    outcome, factor, other_factor, second, second_low, second_high, or None.

    Raises
    ------
    ValueError : less than two whole blocks, or an outcome that is the same at all points.
    """
    import pandas as pd
    from SALib.analyze import sobol

    values = _whole(experiment, outcome)
    found = sobol.analyze(
        _problem(experiment.names), values, calc_second_order=experiment.second_order, num_resamples=_resamples(values.size // experiment.block_size, experiment.second_order),
        conf_level=CONFIDENCE, seed=SEED,
    )  # fmt: skip
    columns: dict[str, Any] = {"outcome": outcome, "factor": experiment.names}
    for name, key in (("first", "S1"), ("total", "ST")):
        columns |= _interval(name, found[key], found[f"{key}_conf"])
    indices = pd.DataFrame(columns)
    if not experiment.second_order:
        return indices, None
    one, other = np.triu_indices(len(experiment.names), 1)
    names = np.array(experiment.names, object)
    pairs = {"outcome": outcome, "factor": names[one], "other_factor": names[other]}
    pairs |= _interval("second", found["S2"][one, other], found["S2_conf"][one, other])
    return indices, pd.DataFrame(pairs)


def elementary_effects(experiment: Experiment, outcome: str) -> pd.DataFrame:
    """Return mu, mu* and sigma of Morris' elementary effects, mu* with a 95 % bootstrap interval, by SALib.

    An effect is the change of the outcome over a factor's whole range (or all its levels), as one step of the trajectory
    extrapolates it; it is in the outcome's unit. Trajectories with a point that has no outcome are left out whole.

    Returns
    -------
    outcome, factor, mu, mu_star, mu_star_low, mu_star_high, sigma.

    Raises
    ------
    ValueError : less than two whole trajectories, or an outcome that is the same at all points.
    """
    import pandas as pd
    from SALib.analyze import morris

    values = _whole(experiment, outcome)
    codes = _numbered(experiment.points, experiment.factors)[whole_blocks(experiment, outcome)]
    found = morris.analyze(
        _problem(experiment.names), codes, values, num_resamples=_resamples(values.size // experiment.block_size, experiment.second_order), conf_level=CONFIDENCE,
        num_levels=experiment.grid, seed=SEED,
    )  # fmt: skip
    columns: dict[str, Any] = {"outcome": outcome, "factor": experiment.names, "mu": np.asarray(found["mu"], float)}
    columns |= _interval("mu_star", np.asarray(found["mu_star"], float), np.asarray(found["mu_star_conf"], float))
    return pd.DataFrame({**columns, "sigma": np.asarray(found["sigma"], float)})


def regional(points: pd.DataFrame, factors: Sequence[Factor], inside: Mask) -> pd.DataFrame:
    """Return how differently each factor is distributed where the outcome lies in a region and where it does not.

    Hornberger & Spear 1981: the largest distance of the two cumulative distributions (Kolmogorov-Smirnov); of switches and
    words half the sum of the differences of their shares. Chances are of a distance as large if the factor did not matter:
    the two-sample Kolmogorov-Smirnov test, or chi squared for a factor with levels, corrected over the factors by Holm.

    Parameters
    ----------
    points : a row a point, a column a factor; points that were drawn independently.
    inside : (points,), whether the outcome lies in the region.

    Returns
    -------
    factor, distance (0 to 1), middle_inside, middle_outside (medians, or the most frequent words), p, p_holm.
    """
    import pandas as pd

    rows = []
    for factor in factors:
        distance, chance = _distance(points, factor, inside)
        column = points[factor.name]
        rows.append({
            "factor": factor.name, "distance": distance, "middle_inside": _middle(column[inside]),
            "middle_outside": _middle(column[~inside]), "p": chance,
        })  # fmt: skip
    table = pd.DataFrame(rows, columns=["factor", "distance", "middle_inside", "middle_outside", "p"])
    table["p_holm"] = holm(table["p"].to_numpy(float))
    return table


def _distance(points: pd.DataFrame, factor: Factor, inside: Mask) -> tuple[float, float]:
    from scipy.stats import chi2_contingency, ks_2samp

    if takes_many(points, factor):
        values = points[factor.name].to_numpy(float)
        test = ks_2samp(values[inside], values[~inside], method="asymp")
        return float(test.statistic), float(test.pvalue)
    levels = levels_of(points, factor, 1)
    counts = np.array([np.bincount(levels.codes[part], minlength=len(levels.labels)) for part in (inside, ~inside)])
    counts = counts[:, counts.sum(axis=0) > 0]
    if counts.shape[1] < 2:
        return 0.0, 1.0
    shares = counts / counts.sum(axis=1, keepdims=True)
    apart = shares[0] - shares[1]
    distance = np.abs(apart.cumsum()).max() if levels.places is not None else np.abs(apart).sum() / 2.0
    return float(distance), float(chi2_contingency(counts, correction=False).pvalue)


def _middle(column: pd.Series) -> str:
    return shown(float(column.median()) if column.dtype.kind in "iuf" else column.mode().iloc[0])


def _whole(experiment: Experiment, outcome: str) -> Numbers:
    """Return the outcome at the points of whole blocks, once there are enough of them and it varies."""
    values = experiment.means(outcome).to_numpy(float)[whole_blocks(experiment, outcome)]
    if values.size < FEWEST_BLOCKS * experiment.block_size:
        blocks = "trajectories" if experiment.kind == "morris" else "blocks of Saltelli's scheme"
        raise ValueError(f"it has {values.size // experiment.block_size} whole {blocks}, and it takes {FEWEST_BLOCKS}")
    if np.ptp(values) <= 1e-12 * np.abs(values).max():
        raise ValueError("it is the same at all points")
    return values


def _resamples(blocks: int, pairs: bool = False) -> int:
    """Return how often blocks are drawn anew for the bootstrap: SALib holds all draws at once, and pairs take it longest."""
    return int(np.clip((1_000_000 if pairs else 4_000_000) // blocks, 100, 1000))


def _problem(names: Sequence[str]) -> dict[str, Any]:
    """Return SALib's description of factors by names; its analysis looks at no bounds."""
    return {"num_vars": len(names), "names": list(names), "bounds": [[0.0, 1.0]] * len(names)}


def _numbered(points: pd.DataFrame, factors: Sequence[Factor]) -> Numbers:
    """Return the values of factors as numbers in their order: those of ranges as they are, levels by their place."""
    columns = []
    for factor in factors:
        if factor.levels:
            places = {level: place for place, level in enumerate(factor.levels)}
            columns.append(points[factor.name].map(places).to_numpy(float))
        else:
            columns.append(points[factor.name].to_numpy(float))
    return np.column_stack(columns)


def _interval(name: str, value: Numbers, half: Numbers) -> dict[str, Numbers]:
    return {name: value, f"{name}_low": value - half, f"{name}_high": value + half}
