"""Morris' method and regional sensitivity, on outcomes whose truth is known; Sobol indices are in test_ishigami.py."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ecosim.analysis.experiment import Experiment
from ecosim.analysis.sensitivity import elementary_effects, regional, sobol_indices
from ecosim.studies.design import physical, unit_sample
from ecosim.studies.study_parts import DesignSettings, Factor

RANGES = tuple(
    Factor(name, name, low=low, high=high) for name, low, high in (("x1", 0, 1), ("x2", -5, 5), ("x3", 10, 12))
)
LEVELS = (*RANGES, Factor("on", "on", levels=(True, False)), Factor("word", "word", levels=("v", "u", "w")))


def design(kind: str, samples: int, factors: tuple[Factor, ...]) -> pd.DataFrame:
    """Return the points of a design."""
    unit = unit_sample(DesignSettings(kind, samples, second_order=False, levels=4), len(factors))
    return pd.DataFrame({factor.name: physical(factor, unit[:, k]) for k, factor in enumerate(factors)})


def experiment(kind: str, points: pd.DataFrame, values: pd.Series, factors: tuple[Factor, ...]) -> Experiment:
    """Return one run a point; a value that is not a number stands for a run that failed."""
    runs = pd.DataFrame({"point": points.index, "replicate": 0, "y": values}).dropna()
    return Experiment(points, runs, factors, kind)


def test_linear_function_has_its_slopes_for_effects() -> None:
    """Protects Morris' method: of 3 x1 - 2 x2 the effects over the ranges are 3, -20 and 0, mu* their size, sigma none."""
    points = design("morris", 20, RANGES)
    found = elementary_effects(experiment("morris", points, 3.0 * points["x1"] - 2.0 * points["x2"], RANGES), "y")
    assert found["mu"].tolist() == pytest.approx([3.0, -20.0, 0.0])
    assert found["mu_star"].tolist() == pytest.approx([3.0, 20.0, 0.0])
    assert found["sigma"].tolist() == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)
    assert (found["mu_star_high"] - found["mu_star_low"]).max() == pytest.approx(0.0, abs=1e-9)


def test_product_shows_in_sigma() -> None:
    """Protects what sigma is for: of x1 x3 the effect of x1 depends on x3, and sigma says so; that of x2 is none."""
    points = design("morris", 50, RANGES)
    values = (points["x1"] - 0.5) * (points["x3"] - 11.0)
    found = elementary_effects(experiment("morris", points, values, RANGES), "y").set_index("factor")
    assert found.loc["x1", "sigma"] > 0.5 * found.loc["x1", "mu_star"]
    assert found.loc["x2", "mu_star"] == pytest.approx(0.0, abs=1e-12)


def test_switches_and_words_have_effects() -> None:
    """Protects factors with levels: a switch that subtracts 4 when it is off is found, and so is a word that adds."""
    points = design("morris", 60, LEVELS)
    values = points["x1"] - 4.0 * ~points["on"] + 2.0 * (points["word"] == "w")
    found = elementary_effects(experiment("morris", points, values, LEVELS), "y").set_index("factor")
    # A step of Morris' grid is two thirds of the range, and turns a switch whole.
    assert found.loc["on", "mu"] == pytest.approx(-4.0 * 1.5)
    assert found.loc["x1", "mu_star"] == pytest.approx(1.0)
    assert found.loc["word", "mu_star"] > 0.5
    assert found.loc["x2", "mu_star"] == pytest.approx(0.0, abs=1e-12)


def test_broken_trajectories_are_left_out_whole() -> None:
    """Protects effects against failed runs: slopes are exact from the trajectories that are whole, none is made up."""
    points = design("morris", 20, RANGES)
    values = 3.0 * points["x1"] - 2.0 * points["x2"]
    values.iloc[[0, 5, 41]] = np.nan
    found = elementary_effects(experiment("morris", points, values, RANGES), "y")
    assert found["mu"].tolist() == pytest.approx([3.0, -20.0, 0.0])


@pytest.mark.parametrize("kind", ["sobol", "morris"])
def test_what_cannot_be_told_is_said(kind: str) -> None:
    """Protects against indices of nothing: too few whole blocks, or an outcome that never changes, is refused in words."""
    points = design(kind, 4, RANGES)
    tell = {"sobol": sobol_indices, "morris": elementary_effects}[kind]
    broken = points["x1"].astype(float)
    broken.iloc[:: 4 if kind == "morris" else 5] = np.nan
    with pytest.raises(ValueError, match="it has 0 whole"):
        tell(experiment(kind, points, broken, RANGES), "y")
    with pytest.raises(ValueError, match="the same at all points"):
        tell(experiment(kind, points, 0.0 * points["x1"] + 0.3, RANGES), "y")


def test_factor_that_decides_a_region_is_told_from_those_that_do_not() -> None:
    """Protects regional sensitivity: where y is x1 above 0.7, x1's distributions are as far apart as can be, others are not."""
    points = design("latin-hypercube", 1000, LEVELS)
    found = regional(points, LEVELS, (points["x1"] > 0.7).to_numpy()).set_index("factor")
    assert found.loc["x1", "distance"] == 1.0
    assert found.loc["x1", "p_holm"] < 1e-12
    for name in ("x2", "x3", "on", "word"):
        assert found.loc[name, "distance"] < 0.12
        assert found.loc[name, "p_holm"] > 0.01


def test_region_of_levels() -> None:
    """Protects switches and words in regional sensitivity: the distance is half the sum of differences of their shares."""
    points = pd.DataFrame({"on": [True] * 60 + [False] * 40, "word": pd.array(["u", "v"] * 50, dtype="str")})
    factors = (Factor("on", "on", levels=(True, False)), Factor("word", "word", levels=("u", "v", "w")))
    inside = np.zeros(100, bool)
    inside[:30] = True
    found = regional(points, factors, inside).set_index("factor")
    assert found.loc["on", "distance"] == pytest.approx(1.0 - 30.0 / 70.0)
    assert (found.loc["on", "middle_inside"], found.loc["on", "middle_outside"]) == ("true", "false")
    assert found.loc["word", "distance"] == 0.0
    assert found.loc["word", "p"] == 1.0


def test_region_finds_nothing_in_noise() -> None:
    """Protects the p values: of 200 regions that have nothing to do with the factors, few are found to have."""
    generator = np.random.default_rng(4)
    points = design("latin-hypercube", 200, LEVELS)
    found = [
        (regional(points, LEVELS, generator.random(200) < 0.3)["p_holm"] < 0.05).any() for _ in range(200)
    ]  # fmt: skip
    assert np.mean(found) < 0.09
