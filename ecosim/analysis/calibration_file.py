"""Calibration files: which numbers of a scenario are to be fitted to which data; validated whole before any run starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ecosim.analysis.target_series import MOST_VALUE, SCALES, SUMMARIES, Target, read_rows
from ecosim.content import content_directory
from ecosim.outcome_table import NAMES
from ecosim.parameters import Parameter, ScenarioError, nearest
from ecosim.roles import read_roles
from ecosim.scenario import Scenario, load_scenario, scenario_from_dict
from ecosim.scenario_file import other_scenario, read_document, shipped_scenarios
from ecosim.shapes import Failure, Keys, Rows, Table, Text, checked, completed, described, sentence, shortened
from ecosim.studies.factor_reading import read_factors
from ecosim.studies.measures import wrong_measure
from ecosim.studies.study import shipped_studies
from ecosim.studies.study_parts import DesignSettings, Factor

_CALIBRATION = "calibration"


@dataclass(frozen=True)
class Settings:
    """How the fit goes about it.

    Attributes
    ----------
    until : last year that the fit looks at; data of later years are held out. None for the last year there is.
    population : accepted parameter values in a generation.
    generations : how many there are at most.
    runs : how many runs there are at most, those for the predictions not counted.
    quantile : the distance below which this part of a generation lies is the most that the next one accepts.
    predictions : runs from the prior, and as many from the posterior, with seeds of their own.
    seed : of everything that is drawn.
    """

    until: int | None = None
    population: int = 100
    generations: int = 6
    runs: int = 3000
    quantile: float = 0.5
    predictions: int = 100
    seed: int = 1


@dataclass(frozen=True)
class Calibration:
    """A validated calibration, complete: equal ones give equal posteriors.

    Attributes
    ----------
    name : the stem of the file's name.
    scenario : what runs start from, resolved.
    scenario_source : how it is given to the command line: shipped name, or full path.
    agents : directories of further role files.
    factors : the parameters to fit, each with its prior.
    targets : the data.
    """

    name: str
    title: str
    question: str
    scenario: Scenario
    scenario_source: str
    agents: tuple[str, ...]
    settings: Settings
    factors: tuple[Factor, ...]
    targets: tuple[Target, ...]

    @property
    def until(self) -> int:
        """The last year that the fit looks at."""
        last = max(max(target.years) for target in self.targets)
        return last if self.settings.until is None else min(last, self.settings.until)

    @property
    def years(self) -> tuple[int, ...]:
        """The whole years of the scenario."""
        return tuple(range(self.scenario.start_year, self.scenario.start_year + self.scenario.steps // 4))

    def as_dict(self) -> dict[str, Any]:
        """Return the calibration in the form of its file, ready for JSON, with all that other files gave to it."""
        fit = {key: value for key, value in asdict(self.settings).items() if value is not None}
        return {
            "name": self.name,
            "title": self.title,
            "question": self.question,
            "scenario": self.scenario_source,
            "world": self.scenario.as_dict(),
            "agents": list(self.agents),
            "fit": fit,
            "factors": [factor.as_dict() for factor in self.factors],
            "series": [target.as_dict() for target in self.targets],
        }


def shipped_calibrations() -> dict[str, Path]:
    """Return the calibrations that come with the package, by name."""
    return {path.stem: path for path in sorted((content_directory("scenarios") / "calibration").glob("*.toml"))}


def is_calibration(source: str) -> bool:
    """Return whether a name or a path is a calibration's, rather than a study's or a scenario's."""
    if source in shipped_calibrations():
        return source not in shipped_scenarios() and source not in shipped_studies()
    try:
        return "series" in read_document(Path(source)).tree
    except ScenarioError:
        return False


def load_calibration(source: str | Path) -> Calibration:
    """Return a calibration by the name of a shipped one or the path of a file.

    Raises
    ------
    ScenarioError : anything that is not as it should be, in the file or in what it names.
    """
    shipped = shipped_calibrations() if isinstance(source, str) else {}
    path = shipped[str(source)] if source in shipped else Path(source)
    if not os.path.lexists(path):
        remedy = f"give the path of a .toml file or a shipped calibration, {nearest(shortened(path.stem), shipped_calibrations())}"
        raise ScenarioError(f"{shortened(str(path))}: there is no such file; {remedy}")
    document = read_document(path)
    return _read(document.tree, document.failure, path.parent, path.stem)


def calibration_from_dict(tree: Mapping[str, Any], place: str = _CALIBRATION) -> Calibration:
    """Return the calibration that `Calibration.as_dict` gave.

    Raises
    ------
    ScenarioError : anything that is not as it should be; `place` stands in its sentence.
    """
    rest = {key: value for key, value in tree.items() if key not in ("name", "world")}
    return _read(rest, partial(sentence, place), Path(), str(tree.get("name", _CALIBRATION)), tree.get("world"))


def _read(
    tree: Mapping[str, Any], failure: Failure, base: Path, name: str, world: Mapping[str, Any] | None = None
) -> Calibration:
    """Return the calibration of a tree that nobody has checked yet; `base` is what its paths are relative to."""
    rest = {key: value for key, value in tree.items() if key != "factors"} if isinstance(tree, Mapping) else tree
    given = completed(SHAPE, checked(SHAPE, SHAPE, rest, (), failure))
    agents = tuple(str((base / directory).resolve()) for directory in given["agents"])
    roles = read_roles(*agents)
    source = _source(given["scenario"], base, failure)
    scenario = load_scenario(source, roles) if world is None else scenario_from_dict(world, roles, "world")
    factors = _factors(tree.get("factors", []), scenario, failure)
    if not given["series"]:
        raise failure(("series",), "is missing", "give at least one [[series]] with name, file, measure and tolerance")
    targets: list[Target] = []
    for place, row in enumerate(given["series"]):
        keys: Keys = ("series", place)
        _check_series(row, keys, [target.name for target in targets], tuple(roles), failure)
        targets.append(_target(row, base, keys, failure))
    calibration = Calibration(
        name=name, title=given["title"] or name, question=given["question"], scenario=scenario, scenario_source=source,
        agents=agents, settings=Settings(**given["fit"]), factors=factors, targets=tuple(targets),
    )  # fmt: skip
    for place, target in enumerate(targets):
        _check_years(calibration, target, ("series", place), failure)
    return calibration


def _source(given: str, base: Path, failure: Failure) -> str:
    if given in shipped_scenarios():
        return given
    if not (base / given).exists():
        finding = f"is {described(given)}, which is no scenario"
        raise failure(("scenario",), finding, other_scenario(Path(given).stem))
    return str((base / given).resolve())


def _factors(given: Any, scenario: Scenario, failure: Failure) -> tuple[Factor, ...]:
    """Return the parameters to fit: numbers with a prior over a range."""
    factors = read_factors(given, scenario.grammar, DesignSettings("latin-hypercube", 1), None, failure)
    if not factors:
        raise failure(("factors",), "is missing", "give at least one [[factors]] with path, low and high")
    for place, factor in enumerate(factors):
        if factor.levels:
            finding = f'"{factor.path}" has levels, and a prior spreads over a range'
            raise failure(("factors", place), finding, "give low and high, or compare the levels in a study")
    return factors


def _check_series(
    row: Mapping[str, Any], keys: Keys, earlier: list[str], roles: tuple[str, ...], failure: Failure
) -> None:
    if row["name"] in earlier:
        raise failure((*keys, "name"), f"is {described(row['name'])}, as in a series before it", "give it another name")
    measure, weight = row["measure"], row["weight"]
    finding, remedy = wrong_measure(measure, roles)
    if finding:
        raise failure((*keys, "measure"), finding, remedy)
    if weight and weight not in NAMES:
        finding = f"is {described(weight)}, which is no outcome"
        raise failure((*keys, "weight"), finding, nearest(shortened(weight), NAMES))
    if weight and row["summary"] != "mean":
        raise failure((*keys, "weight"), f"stands beside summary {described(row['summary'])}", 'give summary = "mean"')


def _target(row: Mapping[str, Any], base: Path, keys: Keys, failure: Failure) -> Target:
    """Return a series with its data: those of its CSV file, or the rows that an earlier reading kept."""
    if "rows" in row:
        rows = [(item["year"], item["value"], item["source"]) for item in row["rows"]]
    else:
        rows = read_rows(base / row["file"], partial(failure, (*keys, "file")))
    rows.sort()
    years, values, sources = zip(*rows, strict=True)
    entries = {key: value for key, value in row.items() if key != "rows"}
    return Target(**entries, years=years, values=values, sources=sources)


def _check_years(calibration: Calibration, target: Target, keys: Keys, failure: Failure) -> None:
    first, last = calibration.years[0], calibration.years[-1]
    for year in target.years:
        if not first <= year <= last:
            finding = f"has a value of {year}, and the scenario's whole years are {first} to {last}"
            raise failure((*keys, "file"), finding, "leave the row out, or take a scenario that reaches so far")
    fitted = [value for year, value in zip(target.years, target.values) if year <= calibration.until]
    least = 2 if target.scale == "index" else 1
    if len(fitted) < least:
        finding = f"has {len(fitted)} of its years to {calibration.until}, and its scale takes {least}"
        raise failure((*keys, "file"), finding, "give more rows, or a later [fit] until")
    if target.scale != "level" and min(target.values) <= 0.0:
        finding = f"has the value {min(target.values):g}, which has no logarithm"
        raise failure((*keys, "file"), finding, 'give values above 0, or scale = "level"')


def _number(default: float, low: float, high: float, unit: str, meaning: str) -> Parameter:
    return Parameter(default, low, high, unit, meaning, _CALIBRATION)


def _choice(words: tuple[str, ...], meaning: str) -> Parameter:
    return Parameter(words[0], None, None, "1", meaning, _CALIBRATION, words)


_FIT = Table(
    "How the fit goes about it.",
    {
        "until": _number(2000, 1, 9999, "year", "Last year that the fit looks at; later data are held out."),
        "population": _number(100, 10, 100_000, "1", "Accepted parameter values in a generation."),
        "generations": _number(6, 1, 100, "1", "Generations at most."),
        "runs": _number(3000, 10, 10**9, "runs", "Runs at most, those for the predictions not counted."),
        "quantile": _number(0.5, 0.05, 0.95, "share", "Part of a generation that lies below the next one's distance."),
        "predictions": _number(100, 10, 100_000, "runs", "Runs from the prior, and as many from the posterior."),
        "seed": _number(1, 0, 2**32 - 1, "1", "Seed of everything that is drawn."),
    },
    unset=("until",),
)
_ROW = Table(
    "A row of data.",
    {
        "year": _number(2000, 1, 9999, "year", "The year."),
        "value": _number(0.0, -MOST_VALUE, MOST_VALUE, "1", "What was measured."),
        "source": Text("Where it comes from.", r"\S", "give the source of the value"),
    },
    required=("year", "value", "source"),
)
_SERIES = Table(
    "A series of data, a value a year, and what of the model it is compared with.",
    {
        "name": Text("What tables and charts call it.", r"\S", "give a name in quotes"),
        "unit": Text("Unit of the data."),
        "file": Text("CSV file with the columns year, value, source.", r"\S", "give the path of a CSV file in quotes"),
        "rows": Rows(_ROW, "The data themselves."),
        "measure": Text("Measure of the model.", r"\S", "give the name of an outcome in quotes"),
        "summary": _choice(SUMMARIES, "What a year is of its quarters."),
        "weight": Text("Outcome by which the mean over a year's quarters is weighted."),
        "scale": _choice(SCALES, "On which scale model and data are compared."),
        "multiplier": _number(
            1.0, 1e-12, 1e12, "1", "What the model's numbers are multiplied by to have the data's unit."
        ),
        "tolerance": _number(0.1, 1e-12, 1e12, "1", "Difference on that scale that counts as one unit of distance."),
    },
    required=("name", "measure", "tolerance"),
    exactly_one=("file", "rows"),
    unset=("file", "rows"),
)
SHAPE = Table(
    "A calibration: numbers of a scenario, and the data to fit them to.",
    {
        "title": Text("Title shown above charts and reports."),
        "question": Text("What the calibration asks."),
        "scenario": Text("Scenario to fit: shipped name or path.", r"\S", "give a name or a path in quotes"),
        "agents": Rows(Text("A directory.", r"\S", "give a directory in quotes"), "Directories of further role files."),
        "fit": _FIT,
        "factors": Rows(Table("A parameter to fit, and its prior, as in a study.", {}), "Parameters to fit."),
        "series": Rows(_SERIES, "Data."),
    },
    required=("scenario",),
)
