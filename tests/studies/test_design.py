"""Designs: the structure that each kind promises, values within bounds, and the same points from the same seed."""

from __future__ import annotations

import itertools
import math
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from SALib.util import scale_samples
from scipy import stats

from ecosim.parameters import ScenarioError, Value
from ecosim.studies.design import number_of_points, physical, points, settings_at, unit_sample
from ecosim.studies.study import Study, study_from_dict
from ecosim.studies.study_parts import DesignSettings, Factor

SPEED: dict[str, Any] = {"path": "open_sharing.opening_speed", "name": "speed", "low": 0.0, "high": 0.1}
SUPPLIERS: dict[str, Any] = {"path": "roles.supplier.initial", "name": "suppliers", "low": 3, "high": 6}
TRUST: dict[str, Any] = {"path": "rules.trust", "name": "trust", "levels": [True, False]}
ORDER: dict[str, Any] = {
    "path": "schedule.activation", "name": "order", "levels": ["random", "simultaneous"], "role": "lever"
}  # fmt: skip


def study(*factors: dict[str, Any], scenarios: tuple[str, ...] = ("classroom",), **design: Any) -> Study:
    """Return a study of some factors by a design."""
    return study_from_dict(
        {"scenarios": list(scenarios), "design": design, "factors": list(factors), "outcomes": {"stage": {}}}
    )


# -- grids and lists --------------------------------------------------------------------------------------------------


def test_a_factorial_has_every_combination_once() -> None:
    """Protects comparisons: every combination of levels is there once, ranges take evenly spread values, ends included."""
    made = study(SPEED, SUPPLIERS, TRUST, kind="factorial", levels=3)
    table = points(made)
    speeds, suppliers = [0.0, 0.05, 0.1], [3, 4, 6]
    assert sorted(map(tuple, table.to_numpy().tolist())) == sorted(itertools.product(speeds, suppliers, [True, False]))
    assert len(table) == number_of_points(made) == 3 * 3 * 2
    assert table.index.tolist() == list(range(18))


def test_a_study_without_factors_is_one_point() -> None:
    """Protects studies of luck alone: no factor is a design of one point, which replicates repeat."""
    made = study(kind="factorial")
    assert points(made).shape == (1, 0)
    assert number_of_points(made) == 1
    assert settings_at(made, points(made).iloc[0]) == (made.scenarios[0], {})


def test_one_at_a_time_changes_one_factor_of_each_scenario() -> None:
    """Protects the reading of such a design: first the scenario as it is, then points that differ from it in one value."""
    worlds = ("classroom", "embargo")
    made = study(SPEED, TRUST, ORDER, scenarios=worlds, kind="one-at-a-time", levels=3)
    table = points(made)
    assert len(table) == number_of_points(made)
    for name, part in table.groupby("scenario", sort=False):
        scenario = made.scenarios[worlds.index(str(name))]
        base = part.iloc[0]
        assert [base[factor.name] for factor in made.factors] == [scenario.get(factor.path) for factor in made.factors]
        differing = (part.iloc[1:] != base).sum(axis=1)
        assert (differing == 1).all()
        assert set(part["speed"]) == {scenario.get("open_sharing.opening_speed"), 0.0, 0.05, 0.1}


def test_a_list_is_its_file(tmp_path: Path) -> None:
    """Protects designs from elsewhere: the points are the rows of the CSV file, with the types of the parameters."""
    table = pd.DataFrame({"speed": [0.1, 0.025], "suppliers": [4, 5], "trust": [False, True], "order": ["random"] * 2})
    table.to_csv(tmp_path / "points.csv", index=False)
    bare = [{key: factor[key] for key in ("path", "name")} for factor in (SPEED, SUPPLIERS, TRUST, ORDER)]
    made = study(*bare, kind="list", file=str(tmp_path / "points.csv"))
    pd.testing.assert_frame_equal(points(made), table)


def test_several_scenarios_are_a_column() -> None:
    """Protects comparisons of worlds: each scenario meets every combination, and a row leads back to its scenario."""
    made = study(TRUST, scenarios=("classroom", "embargo"), kind="factorial")
    table = points(made)
    assert table["scenario"].tolist() == ["classroom"] * 2 + ["embargo"] * 2
    assert settings_at(made, table.iloc[2]) == (made.scenarios[1], {"rules.trust": True})


# -- samples ----------------------------------------------------------------------------------------------------------


def test_a_latin_hypercube_has_one_point_in_each_slice() -> None:
    """Protects even coverage: each of N slices of every range holds one of N points, and levels come equally often."""
    table = points(study(SPEED, SUPPLIERS, TRUST, kind="latin-hypercube", samples=40))
    assert sorted((table["speed"] / 0.1 * 40).astype(int)) == list(range(40))
    assert Counter(table["suppliers"]) == dict.fromkeys((3, 4, 5, 6), 10)
    assert Counter(table["trust"]) == {True: 20, False: 20}


@pytest.mark.parametrize("second_order", [True, False])
def test_saltelli_blocks_mix_two_samples_column_by_column(second_order: bool) -> None:
    """Protects the Sobol indices, whose estimators count on the order of rows: A, A with one column of B each, (B with one of A,) B."""
    count, samples = 4, 8
    sample = unit_sample(DesignSettings("sobol", samples, second_order), count)
    size = 2 * count + 2 if second_order else count + 2
    assert len(sample) == samples * size
    for block in sample.reshape(samples, size, count):
        first, last = block[0], block[-1]
        assert (first != last).all()
        for place in range(count):
            swapped = np.where(np.arange(count) == place, last, first)
            assert (block[1 + place] == swapped).all()
            if second_order:
                assert (block[1 + count + place] == np.where(np.arange(count) == place, first, last)).all()


def test_morris_trajectories_change_each_factor_once_by_one_step() -> None:
    """Protects the elementary effects: from row to row one factor moves by the grid's step, each once, and so does its value."""
    factors = (SPEED, SUPPLIERS, TRUST, ORDER)
    made = study(*factors, kind="morris", samples=12)
    sample, table = unit_sample(made.design, len(factors)), points(made)
    assert len(table) == number_of_points(made) == 12 * 5
    assert set(np.round(sample * 3).ravel()) == {0, 1, 2, 3}
    for start in range(0, len(table), 5):
        moves = np.diff(sample[start : start + 5], axis=0)
        assert np.allclose(np.abs(moves).sum(axis=1), 2 / 3)
        assert ((moves != 0).sum(axis=0) == 1).all()
        values = table.iloc[start : start + 5]
        assert ((values != values.shift()).iloc[1:].sum(axis=1) == 1).all()


@pytest.mark.parametrize("kind", ["latin-hypercube", "sobol", "morris"])
def test_the_seed_of_the_sampling_decides_the_points(kind: str) -> None:
    """Protects repetition: the same seed gives the same points, another one others, and 0 is a seed like any."""
    tables = [points(study(SPEED, SUPPLIERS, TRUST, kind=kind, samples=8, seed=seed)) for seed in (0, 0, 1)]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    assert not tables[0].equals(tables[2])


def test_a_missing_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects a plain installation: a sampled design says what to install."""
    monkeypatch.setitem(sys.modules, "SALib.sample", None)
    with pytest.raises(ScenarioError, match=r'SALib, which is not installed; run pip install "ecosim\[analysis\]"'):
        points(study(SPEED, kind="sobol", samples=8))


# -- values -----------------------------------------------------------------------------------------------------------

RANGES = [
    Factor("x", "x", low=-2.0, high=5.0),
    Factor("x", "x", low=0.01, high=100.0, distribution="log-uniform"),
    Factor("x", "x", low=1.0, high=4.0, distribution="triangular", mode=1.5),
    Factor("x", "x", low=0.0, high=4.0, distribution="normal", mean=1.0, deviation=2.0),
]


@pytest.mark.parametrize("factor", RANGES, ids=lambda factor: factor.distribution)
def test_distributions_are_those_of_the_textbooks(factor: Factor) -> None:
    """Protects the meaning of a distribution: values are its quantiles, as SciPy has them, and as SALib scales by `problem`."""
    low, high = factor.low or 0.0, factor.high or 0.0
    unit = np.linspace(0.001, 0.999, 101)
    width = high - low
    expected = {
        "uniform": stats.uniform(low, width),
        "log-uniform": stats.loguniform(0.01, 100.0),
        "triangular": stats.triang(((factor.mode or 0.0) - low) / width, low, width),
        "normal": stats.truncnorm((low - 1.0) / 2.0, (high - 1.0) / 2.0, 1.0, 2.0),
    }[factor.distribution].ppf(unit)
    assert physical(factor, unit) == pytest.approx(expected)
    distribution: dict[str, Any] = {"distribution": factor.distribution, "low": 0.1, "high": 0.9}
    distribution |= {"normal": {"mean": 0.4, "deviation": 0.3}, "triangular": {"mode": 0.2}}.get(
        factor.distribution, {}
    )
    made = study({"path": "open_sharing.caution", **distribution}, kind="latin-hypercube", samples=9)
    sample = unit_sample(made.design, 1)
    assert points(made)["open_sharing.caution"].tolist() == pytest.approx(
        scale_samples(sample, made.problem())[:, 0].tolist()
    )


def test_whole_numbers_are_equally_likely() -> None:
    """Protects ranges of counts: the ends are no rarer than what is between them."""
    drawn = physical(Factor("n", "n", low=2, high=6, whole=True), (np.arange(1000) + 0.5) / 1000)
    assert Counter(drawn) == dict.fromkeys(range(2, 7), 200)


@st.composite
def factors(draw: st.DrawFn) -> Factor:
    """Draw a factor of any kind."""
    whole = draw(st.booleans())
    if draw(st.booleans()):
        levels = draw(st.lists(st.integers(-9, 9), min_size=1, max_size=6, unique=True))
        return Factor("x", "x", levels=tuple(levels), whole=True)
    distribution = draw(st.sampled_from(["uniform", "log-uniform", "normal", "triangular"]))
    number = st.integers(1, 1000) if whole else st.floats(1e-3, 1e6)
    low, high = sorted(draw(st.tuples(number, number).filter(lambda ends: ends[0] != ends[1])))
    middle = draw(st.floats(low, high))
    deviation = draw(st.floats(1e-3, 1e6))
    return Factor(
        "x", "x", low=low, high=high, distribution=distribution, mean=middle, deviation=deviation, mode=middle, whole=whole
    )  # fmt: skip


@given(factors(), st.lists(st.floats(0.0, 1.0), min_size=1, max_size=9))
def test_values_keep_within_bounds_in_their_order(factor: Factor, places: list[float]) -> None:
    """Protects every bound: whatever is drawn, ends included, is a value of the factor, and more is never less."""
    values = physical(factor, np.array(sorted([0.0, *places, 1.0])))
    if factor.levels:
        assert set(values) <= set(factor.levels)
        assert (values[0], values[-1]) == (factor.levels[0], factor.levels[-1])
    else:
        numbers = [float(value) for value in values]
        assert factor.low is not None
        assert factor.high is not None
        assert all(factor.low <= number <= factor.high for number in numbers)
        assert numbers == sorted(numbers)
        assert all(isinstance(value, int if factor.whole else float) for value in values)
        assert all(math.isfinite(number) for number in numbers)


@pytest.mark.parametrize("form", ["series", "mapping", "parquet"])
def test_a_row_gives_its_settings_in_any_form(form: str, tmp_path: Path) -> None:
    """Protects whole numbers and switches: a row of numbers of one type still gives each parameter its own."""
    made = study(SPEED, SUPPLIERS, TRUST, kind="factorial", levels=2)
    numbers = study(SPEED, SUPPLIERS, kind="factorial", levels=2)
    expected: dict[str, Value] = {"open_sharing.opening_speed": 0.1, "roles.supplier.initial": 3}
    if form == "series":
        row = points(numbers).iloc[2]
        assert row.dtype == np.float64
        settings = settings_at(numbers, row)[1]
    else:
        table = points(made)
        if form == "parquet":
            table.to_parquet(tmp_path / "design.parquet")
            table = pd.read_parquet(tmp_path / "design.parquet")
        settings = settings_at(made, table.to_dict("records")[4])[1]
        expected["rules.trust"] = True
    assert settings == expected
    assert [type(value) for value in settings.values()] == [type(value) for value in expected.values()]
