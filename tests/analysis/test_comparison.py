"""Comparisons of policies: known differences, with luck that pairs share and luck that they do not."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosim.analysis.comparison import clearest, contrasts, corrected, differences, holm
from ecosim.analysis.experiment import Experiment
from ecosim.studies.design import physical, unit_sample
from ecosim.studies.study_parts import DesignSettings, Factor

LEVER = Factor("subsidy", "subsidy", role="lever", levels=(0.0, 0.2, 0.4))
WORLD = Factor("imports", "imports", levels=(True, False))


def experiment(shared: float, own: float, replicates: int = 40, common: bool = True, seed: int = 1) -> Experiment:
    """Return a factorial experiment in which the subsidy adds ten times itself to luck of these standard deviations."""
    generator = np.random.default_rng(seed)
    points = pd.DataFrame(list(itertools.product(LEVER.levels, WORLD.levels)), columns=["subsidy", "imports"])
    of_seed = shared * generator.normal(size=(len(points) if not common else 1, replicates))
    values = (
        10.0 * points["subsidy"].to_numpy()[:, None] + of_seed + own * generator.normal(size=(len(points), replicates))
    )
    rows = [(p, r, values[p, r]) for p in range(len(points)) for r in range(replicates)]
    runs = pd.DataFrame(rows, columns=["point", "replicate", "y"])
    return Experiment(points, runs, (LEVER, WORLD), "factorial", common)


def test_shared_luck_drops_out_of_pairs() -> None:
    """Protects the use of common random numbers: luck that is the same in both runs of a pair leaves no width at all."""
    table = differences(experiment(shared=5.0, own=0.0), "y")
    assert table["level"].tolist() == ["0.2", "0.4"]
    assert table["base"].tolist() == ["0", "0"]
    assert table["difference"].tolist() == pytest.approx([2.0, 4.0])
    assert (table["high"] - table["low"]).max() == pytest.approx(0.0, abs=1e-12)
    assert (table["unpaired_high"] - table["unpaired_low"]).min() > 2.0
    assert (table["pairs"] == 80).all()
    assert (table["settings"] == 2).all()


def test_pairs_save_what_they_should() -> None:
    """Protects the number of runs saved: shared luck of variance 9 beside own luck of variance 1 saves ten times the runs.

    The mean over two settings halves the own luck, and the unpaired all of it: (9 + 1) / 1.
    """
    saved = [differences(experiment(3.0, 1.0, 200, seed=seed), "y")["times_runs_unpaired"] for seed in range(10)]
    assert np.mean(saved) == pytest.approx(10.0, rel=0.1)


def test_paired_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Protects the 95 %: of 120 experiments with both kinds of luck, 95 % of the intervals hold the difference put in."""
    held = []
    for seed in range(120):
        row = differences(experiment(2.0, 1.0, 8, seed=seed), "y").iloc[0]
        held.append(row["low"] <= 2.0 <= row["high"])
    assert 0.91 <= np.mean(held) <= 0.99


def test_without_common_seeds_nothing_is_paired() -> None:
    """Protects honesty: seeds of their own share no luck, so that the interval is the unpaired one and saves nothing."""
    table = differences(experiment(3.0, 1.0, common=False), "y")
    assert (table["pairs"] == 0).all()
    assert table["low"].tolist() == table["unpaired_low"].tolist()
    assert table["times_runs_unpaired"].isna().all()


def test_pair_with_a_failed_run_is_left_out() -> None:
    """Protects pairs against holes: a run without its twin counts in no pair, and the difference is still the one put in."""
    whole = experiment(5.0, 0.0)
    runs = whole.runs.drop(index=[3, 50, 90])
    table = differences(Experiment(whole.points, runs, whole.factors, "factorial"), "y")
    assert table["difference"].tolist() == pytest.approx([2.0, 4.0])
    assert table["pairs"].tolist() == [77, 78], "two runs of the base have failed, and one of the first level"


def test_one_run_a_point_is_compared_over_settings() -> None:
    """Protects studies without replicates: the interval is over what else varies, and says so."""
    table = differences(experiment(0.0, 1.0, replicates=1), "y")
    assert set(table["interval"]) == {"over settings"}
    assert table["low"].notna().all()


def test_points_of_saltelli_pair_by_themselves() -> None:
    """Protects levers in a sobol design: points of a block that differ in the lever alone are pairs, and find its effect."""
    factors = (Factor("switch", "switch", role="lever", levels=(False, True)), Factor("x", "x", low=0.0, high=1.0))
    unit = unit_sample(DesignSettings("sobol", 64, second_order=False), 2)
    points = pd.DataFrame({factor.name: physical(factor, unit[:, k]) for k, factor in enumerate(factors)})
    runs = pd.DataFrame({"point": points.index, "replicate": 0, "y": 50.0 * points["x"] + 3.0 * points["switch"]})
    row = differences(Experiment(points, runs, factors, "sobol"), "y").iloc[0]
    assert row["difference"] == pytest.approx(3.0)
    assert row["settings"] >= 16
    assert row["high"] - row["low"] < 1e-9 < row["unpaired_high"] - row["unpaired_low"]
    assert row["interval"] == "over points"


def test_policies_of_a_list_are_compared_with_its_first() -> None:
    """Protects packages of measures: a row of a list is one policy, named by what it changes, whatever else it shares."""
    factors = (
        Factor("grants", "grants", role="lever"),
        Factor("rule", "rule", role="lever"),
        Factor("imports", "imports"),
    )
    rows = [
        (0.1, "free", 0.0),
        (0.1, "free", 0.5),
        (0.7, "free", 0.0),
        (0.7, "free", 0.5),
        (0.7, "law", 0.0),
        (0.7, "law", 0.5),
    ]
    points = pd.DataFrame(rows, columns=["grants", "rule", "imports"])
    generator = np.random.default_rng(1)
    luck = generator.normal(size=30)
    base = [1.0, 11.0, 2.0, 12.0, 5.0, 15.0]
    runs = pd.DataFrame(
        [(p, r, base[p] + luck[r]) for p in range(6) for r in range(30)], columns=["point", "replicate", "y"]
    )
    table = differences(Experiment(points, runs, factors, "list"), "y")
    assert table["level"].tolist() == ["grants 0.7", "grants 0.7, rule law"]
    assert table["base"].tolist() == ["0.1", "0.1, free"]
    assert table["difference"].tolist() == pytest.approx([1.0, 4.0])


def test_changes_one_at_a_time_are_compared_with_the_scenario() -> None:
    """Protects one-at-a-time designs: each change is compared with the scenario as it is, two scenarios with each other."""
    factors = (Factor("scenario", "scenario", levels=("north", "south")), Factor("x", "x", levels=(0.0, 1.0)))
    points = pd.DataFrame(
        [("north", 0.5), ("north", 0.0), ("north", 1.0), ("south", 0.0), ("south", 1.0)], columns=["scenario", "x"]
    )
    values = [10.0, 8.0, 13.0, 20.0, 26.0]
    runs = pd.DataFrame(
        [(p, r, values[p] + r) for p in range(5) for r in range(3)], columns=["point", "replicate", "y"]
    )
    table = differences(Experiment(points, runs, factors, "one-at-a-time"), "y")
    found = {(row.factor, row.level): row.difference for row in table.itertuples()}
    # x = 1 adds 3 in the north and 6 in the south.
    assert found == {("scenario", "south"): 10.0, ("x", "0"): -2.0, ("x", "1"): 4.5}


def test_levers_without_pairs_are_not_compared() -> None:
    """Protects sampled designs: a lever drawn from a range has no levels, and points of a Latin hypercube make no pairs."""
    factors = (
        Factor("x", "x", role="lever", low=0.0, high=1.0),
        Factor("on", "on", role="lever", levels=(True, False)),
    )
    unit = unit_sample(DesignSettings("latin-hypercube", 50), 2)
    points = pd.DataFrame({factor.name: physical(factor, unit[:, k]) for k, factor in enumerate(factors)})
    runs = pd.DataFrame({"point": points.index, "replicate": 0, "y": points["x"]})
    assert contrasts(Experiment(points, runs, factors, "latin-hypercube")) == []


def closed_testing(chances: list[float]) -> list[float]:
    """Return p values corrected by the principle behind Holm's steps, for every set of hypotheses that holds each one.

    A hypothesis is rejected where Bonferroni's test rejects each set that it belongs to (Marcus, Peritz and Gabriel, 1976).
    """
    sets = [each for size in range(1, len(chances) + 1) for each in itertools.combinations(range(len(chances)), size)]
    of_set = {each: min(1.0, len(each) * min(chances[one] for one in each)) for each in sets}
    return [max(chance for each, chance in of_set.items() if one in each) for one in range(len(chances))]


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=7))
def test_holm_is_holms(chances: list[float]) -> None:
    """Protects the correction: it is the closed test of all sets, whatever the p values; one that is not known does not count."""
    expected = closed_testing(chances)
    assert holm(np.array(chances)) == pytest.approx(expected)
    with_gap = holm(np.array([*chances, np.nan]))
    assert with_gap[:-1] == pytest.approx(expected)
    assert np.isnan(with_gap[-1])


def test_clearest_comparisons_keep_their_order() -> None:
    """Protects long tables: where there is room for two, the two with the lowest p values stand as they stood."""
    table = pd.DataFrame({"level": ["a", "b", "c", "d"], "p": [0.03, np.nan, 0.5, 0.001]})
    assert clearest(table, 2)["level"].tolist() == ["a", "d"]
    assert clearest(table, 4) is table


def test_all_comparisons_are_one_family() -> None:
    """Protects against finding something by asking often: p values are corrected for all rows of the table."""
    table = pd.DataFrame({"p": [0.01, 0.04, 0.03], "p_holm": np.nan})
    assert corrected(table)["p_holm"].tolist() == pytest.approx([0.03, 0.06, 0.06])
