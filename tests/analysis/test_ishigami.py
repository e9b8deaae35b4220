"""Ishigami's function, whose Sobol indices are known, through the same design and analysis code as any study."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from ecosim.analysis.experiment import Experiment
from ecosim.analysis.sensitivity import regional, sobol_indices
from ecosim.studies.design import physical, unit_sample
from ecosim.studies.study_parts import DesignSettings, Factor

# Saltelli et al. 2008, Global Sensitivity Analysis: The Primer, for a = 7 and b = 0.1; also in SALib's documentation.
FIRST = {"x1": 0.3139, "x2": 0.4424, "x3": 0.0}
TOTAL = {"x1": 0.5576, "x2": 0.4424, "x3": 0.2437}
SECOND = {("x1", "x2"): 0.0, ("x1", "x3"): 0.2437, ("x2", "x3"): 0.0}
FACTORS = tuple(Factor(name, name, low=-math.pi, high=math.pi) for name in FIRST)


def ishigami(points: pd.DataFrame) -> pd.Series:
    """Return sin x1 + 7 sin^2 x2 + 0.1 x3^4 sin x1 (Ishigami & Homma 1990)."""
    x1, x2, x3 = (points[name] for name in FIRST)
    return np.sin(x1) + 7.0 * np.sin(x2) ** 2 + 0.1 * x3**4 * np.sin(x1)


def experiment(samples: int, second_order: bool, kind: str = "sobol") -> Experiment:
    """Return the function at the points of a design, as a study of it would be read back."""
    unit = unit_sample(DesignSettings(kind, samples, second_order), len(FACTORS))
    points = pd.DataFrame({factor.name: physical(factor, unit[:, k]) for k, factor in enumerate(FACTORS)})
    runs = pd.DataFrame({"point": points.index, "replicate": 0, "y": ishigami(points)})
    return Experiment(points, runs, FACTORS, kind, second_order=second_order)


@pytest.mark.parametrize("second_order", [True, False])
def test_published_sobol_indices_are_found(second_order: bool) -> None:
    """Protects design and analysis together: the published indices lie in the intervals, and the intervals are narrow."""
    indices, pairs = sobol_indices(experiment(2048, second_order), "y")
    table = indices.set_index("factor")
    for name in FIRST:
        for column, truth in (("first", FIRST[name]), ("total", TOTAL[name])):
            low, high = table.loc[name, f"{column}_low"], table.loc[name, f"{column}_high"]
            assert low <= truth <= high
            assert high - low < 0.15
    assert (pairs is not None) == second_order
    if pairs is not None:
        for row in pairs.itertuples():
            assert row.second_low <= SECOND[row.factor, row.other_factor] <= row.second_high


def test_blocks_with_failed_runs_are_left_out_whole() -> None:
    """Protects the indices against holes: with a tenth of the blocks broken they are still found, from the others alone."""
    whole = experiment(2048, False)
    failed = np.arange(3, len(whole.points), 10 * whole.block_size)
    runs = whole.runs[~whole.runs["point"].isin(failed)]
    broken = Experiment(whole.points, runs, FACTORS, "sobol")
    indices, _ = sobol_indices(broken, "y")
    table = indices.set_index("factor")
    for name in FIRST:
        assert table.loc[name, "first_low"] <= FIRST[name] <= table.loc[name, "first_high"]
        assert table.loc[name, "total_low"] <= TOTAL[name] <= table.loc[name, "total_high"]
    kept = np.delete(np.arange(2048), np.arange(0, 2048, 10))
    again = Experiment(
        whole.points.iloc[(kept[:, None] * 5 + np.arange(5)).ravel()].reset_index(drop=True),
        runs.drop(columns="point")[runs["point"].isin((kept[:, None] * 5 + np.arange(5)).ravel())]
        .assign(point=np.arange(kept.size * 5)), FACTORS, "sobol",
    )  # fmt: skip
    pd.testing.assert_frame_equal(indices, sobol_indices(again, "y")[0])


def test_regions_show_what_first_order_indices_miss() -> None:
    """Protects regional sensitivity: x3 has no first-order effect, yet it decides where the function is largest."""
    sample = experiment(4096, False, "latin-hypercube")
    values = sample.means("y").to_numpy()
    table = regional(sample.points, FACTORS, values > np.quantile(values, 0.9)).set_index("factor")
    assert table.loc["x3", "p_holm"] < 1e-6
    assert table.loc["x3", "distance"] > 0.2
