"""Means, intervals, parts of the variance and luck, on outcomes whose truth is known."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosim.analysis.effects import means_by_level, means_by_point, means_by_two, parts_of_variance, summary
from ecosim.analysis.experiment import Experiment, levels_of
from ecosim.analysis.intervals import over_luck, over_points, parts_of_luck
from ecosim.studies.design import physical, unit_sample
from ecosim.studies.study_parts import DesignSettings, Factor

A = Factor("a", "a", levels=(0.0, 1.0, 2.0))
B = Factor("b", "b", levels=(True, False))


def factorial(value: Any, replicates: int = 1, common: bool = True) -> Experiment:
    """Return a factorial experiment on a and b; `value` is called with a, b and the replicate."""
    points = pd.DataFrame(list(itertools.product(A.levels, B.levels)), columns=["a", "b"])
    rows = [
        (point, replicate, value(row.a, row.b, replicate))
        for point, row in enumerate(points.itertuples())
        for replicate in range(replicates)
    ]
    runs = pd.DataFrame(rows, columns=["point", "replicate", "y"])
    return Experiment(points, runs, (A, B), "factorial", common)


def without(experiment: Experiment, points: list[int]) -> Experiment:
    """Return an experiment of which all runs of some points failed."""
    runs = experiment.runs[~experiment.runs["point"].isin(points)]
    return Experiment(experiment.points, runs, experiment.factors, experiment.kind, experiment.common)


# -- intervals --------------------------------------------------------------------------------------------------------


def test_interval_over_points_is_students() -> None:
    """Protects the plain case: with one point a cluster it is the textbook interval, mean 3, s = sqrt 2.5, t = 2.776."""
    estimate = over_points(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.arange(5))
    assert estimate.mean == 3.0
    assert estimate.half == pytest.approx(2.7764451 * np.sqrt(2.5 / 5.0))


def test_points_drawn_together_count_once() -> None:
    """Protects against intervals too narrow by the size of a block: each point said three times tells no more than once."""
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    once, thrice = over_points(values, np.arange(5)), over_points(np.repeat(values, 3), np.repeat(np.arange(5), 3))
    assert thrice.half == pytest.approx(once.half)


@pytest.mark.parametrize("common", [True, False])
def test_interval_over_luck_holds_the_truth_as_often_as_it_says(common: bool) -> None:
    """Protects the 95 %: of 400 small experiments whose luck is shared, or is not, 95 % of the intervals hold the truth."""
    generator = np.random.default_rng(5)
    points, replicates = np.repeat(np.arange(4), 6), np.tile(np.arange(6), 4)
    level = np.array([0.0, 10.0, 20.0, 30.0])
    held = []
    for _ in range(400):
        luck = generator.normal(size=6)[replicates] if common else generator.normal(size=24)
        estimate = over_luck(points, replicates, level[points] + luck, common)
        held.append(estimate.low <= 15.0 <= estimate.high)
    assert 0.92 <= np.mean(held) <= 0.98


def test_points_with_unequal_numbers_of_runs_weigh_the_same() -> None:
    """Protects a stopping rule's results: a point with many replicates pulls the mean no more than one with few."""
    points, replicates = np.array([0, 0, 1, 1, 1, 1]), np.array([0, 1, 0, 1, 2, 3])
    for common in (True, False):
        estimate = over_luck(points, replicates, np.array([1.0, 3.0, 10.0, 10.0, 10.0, 10.0]), common)
        assert estimate.mean == 6.0
        assert estimate.half > 0.0


# -- luck -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("common", [True, False])
def test_parts_of_luck_are_found(common: bool) -> None:
    """Protects the division of a run's variance: parts 4 : 3 : 2 put in come out again; without common luck 4 : 5."""
    own = np.sqrt(2.0 if common else 5.0) * np.random.default_rng(1).normal(size=(400, 400))
    even = np.linspace(-1.0, 1.0, 400)
    even /= even.std(ddof=1)
    table = pd.DataFrame(2.0 * even[:, None] + (np.sqrt(3.0) * even if common else 0.0) + own)
    luck = parts_of_luck(table, common)
    expected = (4.0 / 9.0, 3.0 / 9.0, 2.0 / 9.0) if common else (4.0 / 9.0, 0.0, 5.0 / 9.0)
    assert (luck.factors, luck.shared, luck.own) == pytest.approx(expected, abs=0.01)
    assert luck.factors + luck.shared + luck.own == pytest.approx(1.0)


def test_luck_is_told_of_unequal_and_broken_replicates() -> None:
    """Protects studies with a stopping rule and failed runs: what is left still tells luck, and one run a point tells none."""
    generator = np.random.default_rng(2)
    table = pd.DataFrame(generator.normal(size=(300, 1)) + generator.normal(size=(300, 8)))
    whole = parts_of_luck(table, True)
    table.iloc[::3, 5:] = np.nan
    table.iloc[7, 0] = np.nan
    for common in (True, False):
        assert parts_of_luck(table, common).own == pytest.approx(whole.own, abs=0.06)
    assert np.isnan(parts_of_luck(table[[0]], True).own)


def test_summary_of_an_outcome_without_luck() -> None:
    """Protects the row on an outcome: where replicates agree all the variance is the factors'."""
    row = summary(factorial(lambda a, b, replicate: a, 3), "y").iloc[0]
    assert (row["points"], row["runs"], row["mean"], row["lowest"], row["highest"]) == (6, 18, 1.0, 0.0, 2.0)
    assert (row["part_of_factors"], row["part_of_shared_luck"], row["part_of_own_luck"]) == (1.0, 0.0, 0.0)


# -- means ------------------------------------------------------------------------------------------------------------


def test_means_by_level_are_exact() -> None:
    """Protects main effects: an additive outcome without luck has the means that one writes down, and no width."""
    table = means_by_level(factorial(lambda a, b, replicate: 10.0 * a + b, 2), "y").set_index(["factor", "level"])
    assert table["mean"].to_dict() == {
        ("a", "0"): 0.5, ("a", "1"): 10.5, ("a", "2"): 20.5, ("b", "true"): 11.0, ("b", "false"): 10.0,
    }  # fmt: skip
    assert (table["high"] - table["low"]).max() == 0.0
    assert set(table["interval"]) == {"over luck"}
    assert table.loc["a", "place"].tolist() == [0.0, 1.0, 2.0]


def test_missing_point_makes_no_level_look_better() -> None:
    """Protects against failures that are not random: if the best point of a = 2 failed, a = 2 is compared without b there."""
    broken = without(factorial(lambda a, b, replicate: a + 100.0 * b, 2), [4])
    table = means_by_level(broken, "y").set_index(["factor", "level"])
    assert table.loc["a", "mean"].tolist() == [0.0, 1.0, 2.0], "only b = false has all levels of a"
    assert table.loc["b", "mean"].tolist() == [100.5, 0.5], "only a = 0 and a = 1 have all levels of b"


def test_one_run_a_point_has_no_interval() -> None:
    """Protects against an invented spread: chosen points with one run each have means, and nothing around them."""
    table = means_by_level(factorial(lambda a, b, replicate: a * b), "y")
    assert table["mean"].notna().all()
    assert table[["low", "high"]].isna().all(axis=None)


def test_means_by_two_and_their_interaction() -> None:
    """Protects interactions: of y = a b the cells are the products, and the parts of the variance are those of the algebra.

    With a in 0, 1, 2 and b in 0, 1 the sums of squares over the six points are 1 for a, 1.5 for b and 1 for both together.
    """
    experiment = factorial(lambda a, b, replicate: a * b)
    cells = means_by_two(experiment, "y").set_index(["level", "other_level"])["mean"]
    assert cells.to_dict() == {
        (str(a), name): float(a * b) for a in range(3) for name, b in (("true", 1), ("false", 0))
    }
    parts = parts_of_variance(experiment, "y")
    assert parts["part"].tolist() == pytest.approx([1.0 / 3.5, 1.5 / 3.5, 1.0 / 3.5])
    first = parts.iloc[0]
    assert (first["lowest"], first["highest"], first["difference"]) == ("0", "2", 1.0)


def test_luck_is_taken_off_the_parts() -> None:
    """Protects parts of the variance against luck: where nothing matters and runs scatter, the factors get next to nothing."""
    generator = np.random.default_rng(3)
    parts = [
        parts_of_variance(factorial(lambda a, b, replicate: generator.normal(), 10, False), "y")["part"].sum()
        for _ in range(50)
    ]
    assert np.mean(parts) < 0.5, "six points of pure luck would give parts that add up to 1"


def test_bins_tell_the_share_of_a_sampled_factor() -> None:
    """Protects parts of sampled points: of y = 3 x1 + x2 they are 0.9 and 0.1, and nothing goes to x3 or to pairs."""
    factors = tuple(Factor(name, name, low=0.0, high=1.0) for name in ("x1", "x2", "x3"))
    unit = unit_sample(DesignSettings("latin-hypercube", 2000), 3)
    points = pd.DataFrame({factor.name: physical(factor, unit[:, k]) for k, factor in enumerate(factors)})
    runs = pd.DataFrame({"point": points.index, "replicate": 0, "y": 3.0 * points["x1"] + points["x2"]})
    parts = parts_of_variance(Experiment(points, runs, factors, "latin-hypercube"), "y")["part"].tolist()
    # Five bins hold 1 - 1/25 of a uniform factor's variance.
    assert parts == pytest.approx([0.9 * 0.96, 0.1 * 0.96, 0.0, 0.0, 0.0, 0.0], abs=0.02)


def test_one_at_a_time_looks_at_one_factor_alone() -> None:
    """Protects a one-at-a-time design: the mean of the scenario's own level is the scenario's, whatever else was tried."""
    rows = [(1.0, False), (0.0, False), (2.0, False), (1.0, True)]
    points = pd.DataFrame(rows, columns=["a", "b"])
    values = [5.0, 4.0, 7.0, 100.0]
    runs = pd.DataFrame([(p, r, values[p]) for p in range(4) for r in range(2)], columns=["point", "replicate", "y"])
    experiment = Experiment(points, runs, (A, B), "one-at-a-time")
    table = means_by_level(experiment, "y").set_index(["factor", "level"])["mean"]
    assert table.to_dict() == {
        ("a", "0"): 4.0,
        ("a", "1"): 5.0,
        ("a", "2"): 7.0,
        ("b", "true"): 100.0,
        ("b", "false"): 5.0,
    }
    assert means_by_two(experiment, "y").empty
    assert parts_of_variance(experiment, "y").empty


def test_means_by_point() -> None:
    """Protects the table of chosen points: each with its settings in their own types, its runs, mean and interval."""
    table = means_by_point(factorial(lambda a, b, replicate: a + replicate, 3), "y")
    assert list(table) == ["outcome", "point", "a", "b", "runs", "mean", "low", "high"]
    assert table["mean"].tolist() == [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]
    assert table["b"].tolist() == [True, False] * 3
    assert table["high"].iloc[0] == pytest.approx(1.0 + 4.3026527 / np.sqrt(3.0))


# -- levels -----------------------------------------------------------------------------------------------------------


@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60),
    bins=st.integers(1, 6),
)
def test_every_point_has_a_level(values: list[float], bins: int) -> None:
    """Protects the grouping: whatever the values, each point has one of the labels, and larger values no earlier one."""
    points = pd.DataFrame({"x": values})
    levels = levels_of(points, Factor("x", "x"), bins)
    assert levels.codes.min() >= 0
    assert levels.codes.max() < len(levels.labels)
    assert (np.diff(levels.codes[np.argsort(values, kind="stable")]) >= 0).all()
    assert len(set(levels.labels)) == len(levels.labels)


def test_bins_of_whole_numbers_do_not_overlap() -> None:
    """Protects labels of whole numbers: 4 to 24 in five bins, each number in the bin that names it."""
    factor = Factor("n", "n", low=4, high=24, whole=True)
    points = pd.DataFrame({"n": np.arange(4, 25)})
    levels = levels_of(points, factor, 5)
    assert levels.labels == ("4 to 7", "8 to 11", "12 to 15", "16 to 19", "20 to 24")
    for label, number in zip(np.array(levels.labels)[levels.codes], points["n"], strict=True):
        low, high = label.split(" to ")
        assert int(low) <= number <= int(high)
