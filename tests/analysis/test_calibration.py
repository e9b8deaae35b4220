"""Calibration: known answers, resuming to the same numbers, and what is refused."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from html import unescape
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from ecosim import cli
from ecosim.analysis.calibration import (
    CalibrationResult,
    Fit,
    calibrate,
    command_of,
    read_calibration,
    settings_of,
)
from ecosim.analysis.calibration_file import (
    Calibration,
    Settings,
    calibration_from_dict,
    load_calibration,
    shipped_calibrations,
)
from ecosim.analysis.calibration_store import FAILURES, RESULT, CalibrationStore
from ecosim.analysis.calibration_tables import (
    closeness,
    correlations,
    effective_size,
    last_generation,
    parameter_findings,
    predicted,
    prediction_distances,
    weighted_quantiles,
)
from ecosim.analysis.calibration_words import endings, findings
from ecosim.analysis.posterior_sampling import (
    finished_generations,
    generations_of,
    particles_of,
    prior_of,
    sample_posterior,
)
from ecosim.analysis.report import write_report
from ecosim.analysis.target_series import Target, distance_of, read_rows
from ecosim.parameters import ScenarioError
from ecosim.runs import OutputError
from ecosim.shapes import sentence
from ecosim.studies.study_parts import Factor

TRUE_GROWTH, TRUE_SEED = 0.25, 12345
FIT = """
title = "Growth of a small world"
scenario = "small.toml"
[fit]
until = 2005
population = 60
generations = 4
runs = 900
predictions = 20
[[factors]]
path = "environment.market_growth"
name = "growth"
low = 0.0
high = 0.5
[[factors]]
path = "licensing.fee"        # there are no components to license
low = 0.0
high = 10.0
[[series]]
name = "revenue"
unit = "million CNY"
file = "revenue.csv"
measure = "revenue_firms"
summary = "sum"
scale = "index"
tolerance = 0.1
"""


class Place(NamedTuple):
    """A directory with a small world, data made by it with known parameters, and a calibration to them."""

    directory: Path

    @property
    def fit(self) -> Path:
        """The calibration."""
        return self.directory / "fit.toml"

    def write(self, text: str, name: str = "other") -> Path:
        """Write a calibration beside it."""
        path = self.directory / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, write_world: Callable[..., Path], small_text: str) -> Place:
    """Return a small world of eight years, its revenue under known parameters, and the calibration that looks for them."""
    directory = tmp_path_factory.mktemp("calibration")
    write_world(small_text.replace("steps = 8", "steps = 32"), "small", directory)
    here = Place(directory)
    (directory / "revenue.csv").write_text("year,value,source\n2000,1,made up\n2001,1,made up\n", encoding="utf-8")
    here.fit.write_text(FIT, encoding="utf-8")
    fit = Fit(load_calibration(here.fit), [])
    (revenue,) = fit.run({"growth": TRUE_GROWTH, "licensing.fee": 1.0}, TRUE_SEED, 8)
    rows = "".join(f"{2000 + year},{value!r},known run\n" for year, value in enumerate(revenue.tolist()))
    (directory / "revenue.csv").write_text(f"year,value,source\n{rows}", encoding="utf-8")
    return here


@pytest.fixture(scope="module")
def fitted(place: Place, tmp_path_factory: pytest.TempPathFactory) -> tuple[CalibrationResult, Path]:
    """Return what the calibration to the known run found, and where."""
    directory = tmp_path_factory.mktemp("fitted") / "results"
    return calibrate(place.fit, directory), directory


# -- known answers ----------------------------------------------------------------------------------------------------


def test_posterior_of_a_normal_mean(tmp_path: Path) -> None:
    """With a flat prior and data within epsilon the posterior of a mean is N(data, s) plus U(-epsilon, epsilon), exactly."""
    deviation, data = 0.5, 1.0
    factor = Factor("mean", "mean", low=-5.0, high=5.0)

    def simulate(values: Mapping[str, float], seed: int) -> np.ndarray:
        return np.array([values["mean"] + deviation * np.random.default_rng(seed).normal()])

    settings = Settings(population=150, generations=4, runs=3000, seed=3)
    database = tmp_path / "generations.db"
    ended = sample_posterior(simulate, lambda numbers: abs(numbers[0] - data), [factor], settings, database)
    assert ended == "generations"
    last = generations_of(database)[-1]
    particles, numbers = particles_of(database, last.number, ["mean"])
    assert np.abs(numbers[:, 0] - data).max() <= last.epsilon
    mean = np.average(particles["mean"], weights=particles.weight)
    spread = np.sqrt(np.average((particles["mean"] - mean) ** 2, weights=particles.weight))
    expected = np.sqrt(deviation**2 + last.epsilon**2 / 3.0)
    assert abs(mean - data) < 4.0 * expected / np.sqrt(last.effective)
    assert abs(spread / expected - 1.0) < 4.0 / np.sqrt(2.0 * last.effective)
    assert spread < 0.25 * prior_of(factor).std(), "the data told something"


def test_posterior_of_two_from_their_sum(tmp_path: Path) -> None:
    """Data on a sum alone leave each part unknown and tie them together: correlation -1 but for the noise."""
    factors = [Factor(name, name, low=0.0, high=1.0) for name in ("one", "other")]

    def simulate(values: Mapping[str, float], seed: int) -> np.ndarray:
        return np.array([values["one"] + values["other"] + 0.02 * np.random.default_rng(seed).normal()])

    database = tmp_path / "generations.db"
    settings = Settings(population=120, generations=5, runs=4000)
    sample_posterior(simulate, lambda numbers: abs(numbers[0] - 1.0), factors, settings, database)
    particles, _ = particles_of(database, 4, ["one", "other"])
    covariance = np.cov(particles[["one", "other"]].to_numpy().T, aweights=particles.weight)
    assert covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]) < -0.8
    assert np.sqrt(covariance[0, 0]) > 0.7 * prior_of(factors[0]).std(), "of one alone the data do not tell"


def test_known_parameters_are_found_again(fitted: tuple[CalibrationResult, Path]) -> None:
    """Data that the model made with a known value: the posterior covers it, and is much narrower than the prior."""
    growth = parameter_findings(fitted[0])[0]
    assert growth.low < TRUE_GROWTH < growth.high
    assert growth.informed
    assert growth.width < 0.7


def test_what_the_data_do_not_tell_is_said(fitted: tuple[CalibrationResult, Path]) -> None:
    """A parameter without any effect keeps its prior, and the findings say so."""
    fee = parameter_findings(fitted[0])[1]
    assert not fee.informed
    assert fee.width > 0.7
    assert any("licensing.fee the data do not tell" in sentence for sentence in findings(fitted[0]))


def test_epsilon_falls_and_is_kept(fitted: tuple[CalibrationResult, Path]) -> None:
    """Each generation accepts only what is nearer than the one before; weights add to 1; generation 0 is the prior."""
    result = fitted[0]
    epsilons = [generation.epsilon for generation in result.generations]
    assert np.isinf(epsilons[0])
    assert (np.diff(epsilons[1:]) < 0.0).all()
    for generation, rows in result.posterior.groupby("generation"):
        assert len(rows) == result.calibration.settings.population
        assert rows.weight.sum() == pytest.approx(1.0)
        assert rows.distance.max() <= epsilons[int(str(generation))]
    assert sum(each.runs for each in result.generations) <= result.calibration.settings.runs


def test_an_accepted_run_can_be_repeated(fitted: tuple[CalibrationResult, Path]) -> None:
    """Values and seed of an accepted run give its distance again, and its command line is one that `ecosim run` takes."""
    result = fitted[0]
    fit = Fit(result.calibration, [])
    row = last_generation(result).iloc[7]
    values = {factor.name: float(row[factor.name]) for factor in result.calibration.factors}
    assert fit.distance(fit.simulate(values, int(row.seed))) == row.distance
    assert command_of(result.calibration, values, 5).startswith(
        f"ecosim run {result.calibration.scenario_source} --seed 5"
    )


def test_predictions_meet_the_data_better_than_the_prior(fitted: tuple[CalibrationResult, Path]) -> None:
    """New runs from the posterior are nearer to the data than those from the prior; held-out years are told apart."""
    result = fitted[0]
    prior, posterior = (np.median(prediction_distances(result, sample)) for sample in ("prior", "posterior"))
    assert posterior < prior
    parts = {(each.sample, each.part): each for each in closeness(result)}
    assert parts["posterior", "fitted"].years == 6
    assert parts["posterior", "held out"].years == 2
    years, values = predicted(result, result.calibration.targets[0], "posterior")
    assert years.tolist() == list(range(2000, 2008))
    assert values.shape == (20, 8)


def test_held_out_data_do_not_count(place: Place, tmp_path: Path) -> None:
    """Data after `until` change no distance, and with it nothing of the fit."""
    calibration = load_calibration(place.fit)
    target = calibration.targets[0]
    changed = replace(target, values=(*target.values[:6], 1.0, 1e9))
    numbers = np.linspace(1.0, 2.0, 6)
    distances = [Fit(replace(calibration, targets=(each,)), []).distance(numbers) for each in (target, changed)]
    assert distances[0] == distances[1]
    fitted_too = replace(target, values=(1.0, *target.values[1:]))
    assert Fit(replace(calibration, targets=(fitted_too,)), []).distance(numbers) != distances[0]


# -- distance ---------------------------------------------------------------------------------------------------------


def _target(**given: object) -> Target:
    entries = {
        "name": "x",
        "measure": "revenue_firms",
        "tolerance": 0.5,
        "years": (2000,),
        "values": (1.0,),
        "sources": ("s",),
    }
    return Target(**{**entries, **given})  # type: ignore[arg-type]


@given(
    some.lists(some.floats(0.1, 1e6), min_size=3, max_size=8),
    some.floats(1e-6, 1e6),
)
def test_an_index_knows_no_unit(values: list[float], factor: float) -> None:
    """Whatever the unit of model or data, an index compares the same: a common factor drops out."""
    target, fitted = _target(scale="index"), np.ones(len(values), bool)
    numbers = np.array(values)
    assert target.scaled(numbers * factor, fitted) == pytest.approx(target.scaled(numbers, fitted), abs=1e-9)
    assert target.readable(numbers * factor, fitted, numbers) == pytest.approx(numbers)


def test_distance_by_hand() -> None:
    """Root of the mean over series of the mean squared difference: series count alike however many years they have."""
    assert distance_of([np.array([3.0]), np.array([0.0, 0.0, 4.0, 0.0])]) == pytest.approx(np.sqrt((9.0 + 4.0) / 2.0))
    assert distance_of([np.array([np.nan]), np.array([0.0])]) == np.inf


def test_a_year_by_hand() -> None:
    """Sums, means, last quarters and weighted means of the quarters of a year; a last year that is not whole is left out."""
    quarters = {"revenue_firms": np.array([1.0, 2.0, 3.0, 6.0, 9.0]), "ties": np.array([1.0, 0.0, 0.0, 3.0, 1.0])}
    assert _target(summary="sum").yearly(quarters).tolist() == [12.0]
    assert _target(summary="mean", multiplier=2.0).yearly(quarters).tolist() == [6.0]
    assert _target(summary="last").yearly(quarters).tolist() == [6.0]
    assert _target(weight="ties").yearly(quarters).tolist() == [(1.0 + 18.0) / 4.0]
    assert np.isnan(_target(weight="ties").yearly({**quarters, "ties": np.zeros(5)})).all()


def test_weighted_quantiles_by_hand() -> None:
    """Equal weights give the usual median; a heavy value draws it; the effective size is Kish's."""
    values = np.array([3.0, 1.0, 2.0])
    assert weighted_quantiles(values, np.ones(3), (0.5,)).tolist() == [2.0]
    assert weighted_quantiles(values, np.array([8.0, 1.0, 1.0]), (0.6,)).tolist() == [3.0]
    assert effective_size(np.array([1.0, 1.0, 0.0])) == 2.0


@pytest.mark.parametrize(
    "factor",
    [
        Factor("a", "a", low=1.0, high=3.0),
        Factor("a", "a", low=0.01, high=10.0, distribution="log-uniform"),
        Factor("a", "a", low=0.0, high=4.0, distribution="normal", mean=1.0, deviation=2.0),
        Factor("a", "a", low=0.0, high=4.0, distribution="triangular", mode=1.0),
        Factor("a", "a", low=2, high=5, whole=True),
    ],
    ids=["uniform", "log-uniform", "normal", "triangular", "whole"],
)
def test_prior_is_the_distribution_of_studies(factor: Factor) -> None:
    """Fits and studies mean the same by a distribution: quantiles agree, whole numbers are equally likely."""
    from ecosim.studies.design import physical

    unit = np.linspace(0.013, 0.987, 40)  # on no edge between whole numbers
    values = [settings_of((factor,), {"a": float(value)})["a"] for value in prior_of(factor).ppf(unit)]
    assert values == pytest.approx(list(physical(factor, unit)))


# -- crashes and resuming ---------------------------------------------------------------------------------------------


def _small(place: Place, seed: int = 1, generations: int = 5) -> Path:
    text = FIT.replace("population = 60", "population = 12").replace("predictions = 20", "predictions = 10")
    text = text.replace("generations = 4", f"generations = {generations}\nseed = {seed}")
    return place.write(text, f"small-fit-{seed}-{generations}")


@pytest.mark.skipif(os.name != "posix", reason="kills a process the way POSIX does")
def test_a_killed_fit_goes_on_to_the_same_numbers(place: Place, tmp_path: Path) -> None:
    """SIGKILL between generations loses no finished one, and the same command ends with the same files, bit for bit."""
    file = _small(place)
    calibrate(file, tmp_path / "whole")
    command = [sys.executable, "-m", "ecosim", "calibrate", str(file), "--out", str(tmp_path / "killed")]
    database = tmp_path / "killed" / "generations.db"
    deadline = time.monotonic() + 300.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            while finished_generations(database) < 2:
                assert process.poll() is None, process.stderr and process.stderr.read()
                assert time.monotonic() < deadline
                time.sleep(0.02)
        finally:
            process.kill()
    assert not (tmp_path / "killed" / RESULT).exists()
    kept = generations_of(database)
    assert len(kept) >= 2
    told = []
    calibrate(file, tmp_path / "killed", told.append)
    assert [generation.number for generation in told] == list(range(len(kept), 5))
    for name in ("generations", "posterior", "predictions"):
        left, right = ((tmp_path / each / f"{name}.parquet").read_bytes() for each in ("whole", "killed"))
        assert left == right, name


def test_a_finished_fit_only_shows_what_is_there(
    fitted: tuple[CalibrationResult, Path], place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same command on a finished fit runs nothing, prints its findings on 80 columns, and ends with 0."""
    result, directory = fitted
    before = {path.name: path.stat().st_mtime_ns for path in directory.iterdir()}
    with pytest.raises(SystemExit) as end:
        cli.main(["calibrate", str(place.fit), "--out", str(directory)])
    assert end.value.code == 0
    printed = capsys.readouterr().out
    assert "Growth of a small world" in printed
    assert "licensing.fee" in printed
    assert {path.name: path.stat().st_mtime_ns for path in directory.iterdir()} == {
        **before,
        ".lock": (directory / ".lock").stat().st_mtime_ns,
    }
    again = read_calibration(directory)
    assert again.posterior.equals(result.posterior)
    assert again.calibration.as_dict() == result.calibration.as_dict()


def test_seed_decides(place: Place, tmp_path: Path) -> None:
    """Another seed gives another sample, and NumPy's global random state stays what it was."""
    np.random.seed(7)
    expected = np.random.random()
    np.random.seed(7)
    first, second = (calibrate(_small(place, seed, 2), tmp_path / str(seed)) for seed in (1, 2))
    assert np.random.random() == expected
    assert not np.array_equal(first.posterior.growth, second.posterior.growth)


def test_runs_are_limited(place: Place, tmp_path: Path) -> None:
    """A generation that would take more runs than there may be is given up, and the result says why it ended."""
    text = (
        FIT.replace("population = 60", "population = 12")
        .replace("runs = 900", "runs = 30")
        .replace("predictions = 20", "predictions = 10")
    )
    result = calibrate(place.write(text, "few"), tmp_path / "few")
    assert result.ended == "runs"
    assert sum(each.runs for each in result.generations) <= 30
    assert any("more than the 30 runs" in sentence for sentence in endings(result))


def test_a_run_that_breaks_off_does_not_end_the_fit(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run with an error is never accepted; it is kept with the command that repeats it."""
    whole = Fit.run

    def broken(self: Fit, values: Mapping[str, float], seed: int, years: int) -> list[np.ndarray]:
        if values["growth"] > 0.25:
            raise ZeroDivisionError("on purpose")
        return whole(self, values, seed, years)

    monkeypatch.setattr(Fit, "run", broken)
    result = calibrate(_small(place, generations=3), tmp_path / "broken")
    assert (result.posterior.growth <= 0.25).all()
    lines = [json.loads(line) for line in (tmp_path / "broken" / FAILURES).read_text(encoding="utf-8").splitlines()]
    assert result.failed == len(lines) > 0
    assert all("on purpose" in line["error"] and line["command"].startswith("ecosim run ") for line in lines)
    assert any("broke off" in sentence for sentence in endings(result))


def test_a_fit_none_of_whose_runs_can_be_compared_says_so(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If all runs break off there is no posterior, and one sentence says what the first of them said."""

    def broken(self: Fit, values: Mapping[str, float], seed: int, years: int) -> list[np.ndarray]:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(Fit, "run", broken)
    file = place.write(FIT.replace("runs = 900", "runs = 70"), "hopeless")
    said = _refused(["calibrate", str(file), "--out", str(tmp_path / "hopeless")], capsys)
    assert "of 70 runs fewer than 60" in said
    assert "ZeroDivisionError: on purpose" in said


def test_correlations_are_a_matrix(fitted: tuple[CalibrationResult, Path]) -> None:
    """Symmetric, 1 on the diagonal, nothing beyond 1."""
    table = correlations(fitted[0])
    assert table == pytest.approx(table.T)
    assert np.diag(table) == pytest.approx([1.0, 1.0])
    assert np.abs(table).max() <= 1.0 + 1e-12


# -- what is refused --------------------------------------------------------------------------------------------------


def _refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one sentence with which the command line refuses what it was given."""
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    printed = capsys.readouterr()
    assert end.value.code == 2
    assert printed.out == ""
    assert printed.err.startswith("ecosim: ")
    assert printed.err.count("\n") == 1
    return printed.err


ROWS = {
    "2000,twelve,s": (':3: has the value "twelve"', "give a number"),
    "2000,inf,s": (':3: has the value "inf"', "give a number"),
    "20x0,1,s": (':3: has the year "20x0"', "give a whole year"),
    "2000,1,": (":3: has no source", "say where"),
    "2000,1": (":3: has 2 cells, and the first line has 3", "give each column one"),
    "2001,1,s": (":3: has the year 2001 a second time", "give each year once"),
}


@pytest.mark.parametrize("row", ROWS)
def test_a_broken_row_is_named(row: str, place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A row of data that is not as it should be is refused with its file and line, before anything runs or is written."""
    (place.directory / "broken.csv").write_text(f"year,value,source\n2001,1,s\n{row}\n", encoding="utf-8")
    file = place.write(FIT.replace("revenue.csv", "broken.csv"))
    said = _refused(["calibrate", str(file), "--out", str(tmp_path / "out")], capsys)
    finding, remedy = ROWS[row]
    assert f"broken.csv{finding}" in said
    assert remedy in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        (b"", "has no column 'year'"),
        (b"year,number\n", "has no column 'value'"),
        (b"year,value,source\n", "holds no row of data"),
        (b'year,value,source\n2000,1,"open\n', "is not CSV"),
        (b"year,value,source\n2000,1,\xff\xfe\n", "is not UTF-8"),
    ],
)
def test_a_file_that_is_no_data_is_refused(content: bytes, finding: str, tmp_path: Path) -> None:
    """A file without the columns, without rows, or that is no CSV in UTF-8 gets a sentence."""
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    with pytest.raises(ScenarioError, match=finding):
        read_rows(path, lambda found, remedy: sentence("fit.toml:1", ("series", 0, "file"), found, remedy))


def test_comments_in_more_columns_are_fine(tmp_path: Path) -> None:
    """Further columns, a byte order mark, empty lines and quoted commas are taken as they come; rows keep their order."""
    path = tmp_path / "data.csv"
    path.write_text('\ufeffyear,unit,value,source\n2001,x,2.5,"a, b"\n\n2000,x,1,c\n', encoding="utf-8")
    assert read_rows(path, lambda found, remedy: ScenarioError(found)) == [(2001, 2.5, "a, b"), (2000, 1.0, "c")]


CHANGES = {
    'measure = "revenue_firms"|measure = "revenue_firm"': ("series[1].measure", "did you mean 'revenue_firms'?"),
    'measure = "revenue_firms"|measure = "share.firms"': ("names no beneficiary", "did you mean 'firm'?"),
    'summary = "sum"|summary = "median"': ("series[1].summary", 'give one of "mean", "sum", "last"'),
    'summary = "sum"|summary = "sum"\nweight = "ties"': ("stands beside summary", 'give summary = "mean"'),
    'summary = "sum"|weight = "tie"': ("is no outcome", "ties"),
    'scenario = "small.toml"|scenario = "tiny.toml"': ("which is no scenario", "shipped scenario"),
    'file = "revenue.csv"|file = "none.csv"': ("cannot be read: no such file", "give a CSV file"),
    "tolerance = 0.1|tolerance = 0": ("tolerance is 0", "give a number from"),
    "until = 2005|until = 2000": ("has 1 of its years to 2000", "give more rows"),
    "high = 0.5|high = 5.0": ("factors[1].high is 5.0, which is too high", "give a number from -0.2 to 0.5"),
    "low = 0.0\nhigh = 0.5|levels = [0.1, 0.2]": ("has levels", "give low and high"),
    'path = "licensing.fee"|path = "licencing.fee"': ("is the path of no parameter", "licensing.fee"),
    "population = 60|population = 6": ("fit.population is 6, which is too low", "10 to 100_000"),
    "[fit]|[fits]": ("fits is unknown here", "did you mean 'fit'?"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_wrong_file_is_refused(change: str, place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each fault of a calibration file is one sentence with its file, what was found and what is right; nothing is written."""
    before, after = change.split("|")
    assert before in FIT
    file = place.write(FIT.replace(before, after, 1))
    said = _refused(["calibrate", str(file), "--out", str(tmp_path / "out")], capsys)
    assert str(file) in said
    for part in CHANGES[change]:
        assert part in said
    assert not (tmp_path / "out").exists()


def test_years_outside_the_scenario_are_refused(place: Place) -> None:
    """Data of a year that the scenario does not reach, or has no whole of, are refused with the years it has."""
    rows = "year,value,source\n2006,1,s\n2007,1,s\n2008,1,s\n"
    (place.directory / "late.csv").write_text(rows, encoding="utf-8")
    file = place.write(FIT.replace("revenue.csv", "late.csv").replace("until = 2005\n", ""))
    with pytest.raises(ScenarioError, match="has a value of 2008, and the scenario's whole years are 2000 to 2007"):
        load_calibration(file)


def test_no_logarithm_is_refused(place: Place) -> None:
    """An index of data that are not above 0 is refused."""
    (place.directory / "zero.csv").write_text("year,value,source\n2000,1,s\n2001,0,s\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match="has the value 0, which has no logarithm"):
        load_calibration(place.write(FIT.replace("revenue.csv", "zero.csv")))


def test_another_calibration_in_the_directory_is_refused(
    fitted: tuple[CalibrationResult, Path], place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """A directory belongs to one calibration: another is refused with the first thing that differs."""
    file = place.write(FIT.replace("tolerance = 0.1", "tolerance = 0.2"), "fit")
    try:
        said = _refused(["calibrate", str(file), "--out", str(fitted[1])], capsys)
    finally:
        place.write(FIT, "fit")
    assert "series[1].tolerance was 0.1" in said
    assert "is 0.2" in said


def test_a_foreign_directory_is_left_alone(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A directory with other files is refused, and nothing in it is touched; so is a file."""
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    assert "holds 'notes.txt'" in _refused(["calibrate", str(place.fit), "--out", str(tmp_path)], capsys)
    assert "is a file" in _refused(["calibrate", str(place.fit), "--out", str(tmp_path / "notes.txt")], capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_two_at_once_are_refused(place: Place, tmp_path: Path) -> None:
    """A directory in which a calibration is under way takes no second one."""
    calibration = load_calibration(place.fit)
    busy = CalibrationStore.opened(tmp_path / "busy", calibration)
    with busy, pytest.raises(OutputError, match="another process calibrates there"):
        calibrate(calibration, tmp_path / "busy")
    with pytest.raises(OutputError, match="is not finished"):
        read_calibration(tmp_path / "busy")


def test_a_damaged_database_is_said(place: Place, tmp_path: Path) -> None:
    """A database that is none gets a sentence instead of being written over."""
    calibration = load_calibration(place.fit)
    with CalibrationStore.opened(tmp_path / "damaged", calibration) as store:
        store.database.write_bytes(b"not a database, but long enough to look like one" * 20)
    with pytest.raises(OutputError, match="is damaged; delete it"):
        calibrate(calibration, tmp_path / "damaged")


@pytest.mark.skipif(os.name != "posix", reason="limits files the way POSIX does")
def test_a_full_disk_is_said(place: Place, tmp_path: Path) -> None:
    """When no more can be written one sentence says so, with status 2, and the same command goes on once it can."""
    import resource

    file = _small(place, generations=3)
    command = [sys.executable, "-m", "ecosim", "calibrate", str(file), "--out", str(tmp_path / "full")]
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (45_000, 45_000))
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300, preexec_fn=limit)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "generations.db: cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert calibrate(file, tmp_path / "full").ended == "generations"


def test_a_missing_library_is_named(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without pyABC one sentence says what to install, and nothing is left behind."""
    monkeypatch.setitem(sys.modules, "pyabc", None)
    said = _refused(["calibrate", str(place.fit), "--out", str(tmp_path / "out")], capsys)
    assert 'pip install "ecosim[calibration]"' in said
    assert not (tmp_path / "out").exists()


# -- what is shipped --------------------------------------------------------------------------------------------------


def test_a_calibration_repeats_without_its_files(place: Place) -> None:
    """What the directory keeps holds scenario and data: it gives the same calibration without any other file."""
    calibration = load_calibration(place.fit)
    tree = json.loads(json.dumps(calibration.as_dict()))
    again = calibration_from_dict(tree)
    assert isinstance(again, Calibration)
    assert json.loads(json.dumps(again.as_dict())) == tree


@pytest.mark.parametrize("name", shipped_calibrations())
def test_shipped_calibrations_are_sound(name: str) -> None:
    """Each is valid, every value has a source, priors hold the scenario's own values, and nothing after 2018 is fitted."""
    calibration = load_calibration(name)
    assert calibration.until <= 2018
    for factor in calibration.factors:
        assert factor.low is not None
        assert factor.high is not None
        assert factor.low <= float(calibration.scenario.get(factor.path)) <= factor.high
    for target in calibration.targets:
        assert all("http" in source for source in target.sources)
    run = Fit(calibration, []).run(
        {factor.name: float(calibration.scenario.get(factor.path)) for factor in calibration.factors}, 1, 3
    )
    assert all(np.isfinite(series).all() for series in run)


def test_a_report_of_it_says_what_was_found(fitted: tuple[CalibrationResult, Path]) -> None:
    """The page has the findings, every parameter, the data with their sources, predictions, and how to repeat the fit."""
    result, directory = fitted
    path = write_report(directory)
    html = path.read_text(encoding="utf-8")
    text = unescape(re.sub(r"<[^>]+>", " ", html))
    for wanted in (
        *findings(result),
        "growth",
        "licensing.fee",
        "known run",
        "held out",
        "ecosim calibrate fit.toml --out DIR",
    ):
        assert wanted in text, wanted
    assert "Predicted for the years after 2005" in text
    assert html.count("<svg") == 5  # the series, two parameters, correlations, the course
    assert write_report(directory).read_bytes() == html.encode()
    assert calibrate(result.calibration, directory).posterior.equals(result.posterior), "the report is no foreign file"


def test_an_unfinished_fit_is_not_reported(place: Place, tmp_path: Path) -> None:
    """There is nothing to report before the fit has ended, and the sentence says how to go on."""
    with CalibrationStore.opened(tmp_path / "begun", load_calibration(place.fit)):
        pass
    with pytest.raises(OutputError, match="is not finished; give the same 'ecosim calibrate' command"):
        write_report(tmp_path / "begun")


def test_tables_can_be_read_by_others(fitted: tuple[CalibrationResult, Path]) -> None:
    """The files are plain Parquet with the documented columns."""
    directory = fitted[1]
    columns = {
        name: list(pd.read_parquet(directory / f"{name}.parquet"))
        for name in ("generations", "posterior", "predictions")
    }
    assert columns["generations"] == ["generation", "epsilon", "runs", "accepted", "effective"]
    assert columns["posterior"] == ["generation", "weight", "distance", "seed", "growth", "licensing.fee"]
    assert columns["predictions"] == ["sample", "draw", "seed", "series", "year", "value"]
