"""Designs: from the settings of a study to its points; values in the unit cube come first, physical ones from them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.parameters import ScenarioError, Value
from ecosim.scenario import Scenario
from ecosim.studies.study_parts import SAMPLED, SCENARIO, DesignSettings, Factor

if TYPE_CHECKING:
    import pandas as pd

    from ecosim.studies.study import Study

Sample = np.ndarray[Any, np.dtype[np.float64]]


def points(study: Study) -> pd.DataFrame:
    """Return the design points, a row each, in the units of the parameters; the same study gives the same points.

    Returns
    -------
    Table with index 0, 1, ... and a column for each of ``study.varied``: int64, float64, bool or text.

    Raises
    ------
    ScenarioError : the design takes SALib, which is not installed.
    """
    import pandas as pd

    columns = _columns(study)
    count = len(next(iter(columns.values()))) if columns else 1
    return pd.DataFrame({name: _typed(values) for name, values in columns.items()}, index=pd.RangeIndex(count))


def number_of_points(study: Study) -> int:
    """Return how many points the design has, without making them."""
    design, count = study.design, len(study.varied)
    if design.kind == "sobol":
        return (design.samples or 0) * (2 * count + 2 if design.second_order else count + 2)
    if design.kind == "morris":
        return (design.samples or 0) * (count + 1)
    if design.kind == "latin-hypercube":
        return design.samples or 0
    if design.kind == "list":
        return len(design.points)
    sizes = [len(values_taken(factor, design)) for factor in study.factors]
    if design.kind == "factorial":
        return math.prod(sizes) * len(study.scenarios)
    return sum(len(_one_at_a_time(study, scenario)) for scenario in study.scenarios)


def settings_at(study: Study, row: Mapping[str, Any] | pd.Series) -> tuple[Scenario, dict[str, Value]]:
    """Return the scenario of a design point, and the values that it sets by dotted path.

    Parameters
    ----------
    row : a value for each column of the design.
    """
    place = study.scenario_names.index(str(row[SCENARIO])) if len(study.scenarios) > 1 else 0
    settings = {factor.path: _plain(factor, row[factor.name]) for factor in study.factors}
    return study.scenarios[place], settings


def unit_sample(design: DesignSettings, count: int) -> Sample:
    """Return the sample of a design that varies all factors at once, in the unit cube.

    It is what SALib's samplers give for any problem of that many factors whose bounds are 0 and 1.

    Parameters
    ----------
    design : of the kind ``latin-hypercube``, ``sobol`` or ``morris``.
    count : of factors.

    Returns
    -------
    Array (points, factors), values 0 to 1.

    Raises
    ------
    ScenarioError : SALib is not installed.
    """
    try:
        from SALib.sample import latin, sobol
        from SALib.sample.morris import sample as morris_sample
    except ImportError:
        raise ScenarioError(
            f'a {design.kind} design takes SALib, which is not installed; run pip install "ecosim[analysis]"'
        ) from None
    problem = {"num_vars": count, "names": [f"x{k}" for k in range(count)], "bounds": [[0.0, 1.0]] * count}
    generator = np.random.default_rng(design.seed)
    samples = design.samples or 0
    if design.kind == "sobol":
        sample = sobol.sample(problem, samples, calc_second_order=design.second_order, seed=generator)
    elif design.kind == "morris":
        sample = morris_sample(problem, samples, num_levels=design.levels or 4, seed=generator)
    else:
        sample = latin.sample(problem, samples, seed=generator)
    return np.asarray(sample, np.float64)


def physical(factor: Factor, unit: Sample) -> Sequence[Value]:
    """Return the values of a factor at places in the unit interval: its quantiles, so that equal parts are equally likely.

    A factor with levels has bins of equal width; a range of whole numbers makes each of them equally likely if it is
    uniform, and rounds to the nearest otherwise.

    Parameters
    ----------
    unit : (points,), values 0 to 1.
    """
    if factor.levels:
        count = len(factor.levels)
        return [factor.levels[min(int(place * count), count - 1)] for place in unit.tolist()]
    low, high = float(factor.low or 0.0), float(factor.high or 0.0)
    if factor.whole and factor.distribution == "uniform":
        return [min(int(low) + int(place * (high - low + 1)), int(high)) for place in unit.tolist()]
    values = np.clip(_quantiles(factor, unit, low, high), low, high).tolist()
    return [round(value) for value in values] if factor.whole else values


def _quantiles(factor: Factor, unit: Sample, low: float, high: float) -> Sample:
    if factor.distribution == "log-uniform":
        return np.exp(math.log(low) + unit * (math.log(high) - math.log(low)))
    if factor.distribution == "triangular":
        mode = float(factor.mode if factor.mode is not None else (low + high) / 2)
        rising = np.sqrt(unit * (high - low) * (mode - low))
        falling = np.sqrt((1.0 - unit) * (high - low) * (high - mode))
        return np.where(unit * (high - low) < mode - low, low + rising, high - falling)
    if factor.distribution == "normal":
        return _cut_normal(factor, unit, low, high)
    return low + unit * (high - low)


def _cut_normal(factor: Factor, unit: Sample, low: float, high: float) -> Sample:
    """Return quantiles of a normal distribution cut off at both ends."""
    normal = NormalDist(float(factor.mean or 0.0), float(factor.deviation or 1.0))
    below, above = normal.cdf(low), normal.cdf(high)
    chances = below + unit * (above - below)
    # The quantiles at 0 and 1 are infinite; the caller clips to the ends.
    return np.array([
        low if chance <= 0.0 else high if chance >= 1.0 else normal.inv_cdf(chance) for chance in chances.tolist()
    ])  # fmt: skip


def values_taken(factor: Factor, design: DesignSettings) -> list[Value]:
    """Return the values that a factor takes in a factorial or one-at-a-time design: its levels, or evenly spread ones.

    A normal or triangular range is divided into equally likely parts, of which the middles are taken.
    """
    if factor.levels:
        return list(factor.levels)
    count = design.levels or 2
    ends = np.linspace(0.0, 1.0, count)
    middles = (np.arange(count) + 0.5) / count
    if factor.whole and factor.distribution == "uniform":
        spread = np.linspace(float(factor.low or 0), float(factor.high or 0), count)
        return list(dict.fromkeys(round(value) for value in spread.tolist()))
    unit = middles if factor.distribution in ("normal", "triangular") else ends
    return list(dict.fromkeys(physical(factor, unit)))


def bounds_and_distribution(factor: Factor) -> tuple[tuple[float, ...], str]:
    """Return what SALib's problem says of a factor."""
    if factor.levels or factor.low is None or factor.high is None:
        return (0.0, float(max(1, len(factor.levels)))), "unif"
    low, high = float(factor.low), float(factor.high)
    if factor.distribution == "log-uniform":
        return (low, high), "logunif"
    if factor.distribution == "triangular":
        return (low, high, (float(factor.mode or 0.0) - low) / (high - low)), "triang"
    if factor.distribution == "normal":
        return (low, high, float(factor.mean or 0.0), float(factor.deviation or 1.0)), "truncnorm"
    return (low, high), "unif"


def _columns(study: Study) -> dict[str, Sequence[Value]]:
    varied, design = study.varied, study.design
    if design.kind in SAMPLED:
        unit = unit_sample(design, len(varied))
        return {factor.name: physical(factor, unit[:, place]) for place, factor in enumerate(varied)}
    rows: list[Mapping[str, Value]]
    if design.kind == "list":
        rows = list(design.points)
    elif design.kind == "factorial":
        grid = itertools.product(*(values_taken(factor, design) for factor in varied))
        rows = [dict(zip((factor.name for factor in varied), row, strict=True)) for row in grid]
    else:
        rows = [row for scenario in study.scenarios for row in _one_at_a_time(study, scenario)]
    return {factor.name: [row[factor.name] for row in rows] for factor in varied}


def _one_at_a_time(study: Study, scenario: Scenario) -> list[dict[str, Value]]:
    """Return the scenario as it is, and then with one factor changed at a time to each other value that it takes."""
    base: dict[str, Value] = {SCENARIO: scenario.name} if len(study.scenarios) > 1 else {}
    base |= {factor.name: scenario.get(factor.path) for factor in study.factors}
    changed = [
        {**base, factor.name: value}
        for factor in study.factors
        for value in values_taken(factor, study.design)
        if value != base[factor.name]
    ]
    return [base, *changed]


def _typed(values: Sequence[Value]) -> Any:
    if isinstance(values[0], str):
        return list(values)
    return np.array(values, {bool: np.bool_, int: np.int64}.get(type(values[0]), np.float64))


def _plain(factor: Factor, value: Any) -> Value:
    plain: Value = value.item() if isinstance(value, np.generic) else value
    # A row of a table of numbers has one type for all of them.
    return int(plain) if factor.whole else plain
