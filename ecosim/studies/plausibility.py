"""What can be told of a whole study beforehand: how many runs it has, and whether its settings fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ecosim.parameters import Value
from ecosim.scenario import Scenario
from ecosim.shapes import Failure
from ecosim.studies.design import number_of_points, values_taken
from ecosim.studies.study import Study
from ecosim.studies.study_parts import SAMPLED, DesignSettings, Factor


def check_study(study: Study, failure: Failure) -> None:
    """Raise at the first thing that would fail in every run, or in many.

    Raises
    ------
    ScenarioError : nothing varies where the design needs it, names that stand for two columns, a window longer than a
        run, more runs than the study allows, or settings that do not fit together at a corner of the design.
    """
    _check_factors(study, failure)
    _check_windows(study, failure)
    _check_runs(study, failure)
    _check_corners(study)


def _check_factors(study: Study, failure: Failure) -> None:
    if study.design.kind != "factorial" and not study.varied:
        raise failure(("design",), f"is {study.design.kind}, and nothing varies", "give at least one [[factors]]")
    names = [factor.name for factor in study.factors]
    for wanted in study.outcomes:
        if wanted.name in names:
            raise failure(("outcomes", wanted.name), "is the name of a factor too", "give one of them another name")


def _check_windows(study: Study, failure: Failure) -> None:
    shortest = min(study.quarters(scenario) for scenario in study.scenarios)
    for wanted in study.outcomes:
        if wanted.quarters is not None and wanted.quarters > shortest:
            finding = f"is {wanted.quarters}, and a run has {shortest} quarters"
            raise failure(("outcomes", wanted.name, "quarters"), finding, "give fewer, or more steps")


def number_of_runs(study: Study) -> str:
    """Return in words how many runs a study has."""
    count, most = number_of_points(study), study.replicates.most
    until = "" if study.replicates.until is None else "up to "
    product = f" ({_counted(count, 'point')} of {until}{_counted(most, 'replicate')})" if most > 1 else ""
    return f"{until}{_counted(count * most, 'run')}{product}"


def _check_runs(study: Study, failure: Failure) -> None:
    runs, allowed = number_of_points(study) * study.replicates.most, study.design.most_runs
    if runs > allowed:
        from ecosim.studies.measuring import seconds_of_run
        from ecosim.studies.progress import duration

        time = duration(runs * seconds_of_run(study))
        finding = f"has {number_of_runs(study)}, about {time} on one core, and {allowed:_} are allowed"
        raise failure(("design",), finding, f"make it smaller, or allow them with most_runs = {runs:_} in [design]")


def _counted(number: int, word: str) -> str:
    return f"{number:_} {word}" + ("" if number == 1 else "s")


def _check_corners(study: Study) -> None:
    """Try the settings of the corners that matter: all factors at one end, and each by itself at every end or level."""
    for scenario in study.scenarios:
        for settings in _corners(study, scenario):
            names = {factor.path: factor.name for factor in study.factors}
            point = ", ".join(f"{names[path]} = {value!r}" for path, value in settings.items())
            scenario.with_settings(settings, f"{study.source or study.name}: at the design point {point}")


def _corners(study: Study, scenario: Scenario) -> Iterator[Mapping[str, Value]]:
    if study.design.kind == "list":
        for point in study.design.points[:100]:
            yield {factor.path: point[factor.name] for factor in study.factors}
        return
    ends = {factor.path: _ends(factor, study.design) for factor in study.factors}
    alone = study.design.kind == "one-at-a-time"
    if ends and not alone:
        yield {path: values[0] for path, values in ends.items()}
        yield {path: values[-1] for path, values in ends.items()}
    base = {path: scenario.get(path) for path in ends}
    for path, values in ends.items():
        for value in values:
            yield {**base, path: value} if alone else {path: value}


def _ends(factor: Factor, design: DesignSettings) -> list[Value]:
    if not factor.levels and design.kind not in SAMPLED:
        return values_taken(factor, design)
    if factor.levels or factor.low is None or factor.high is None:
        return list(factor.levels)
    return [int(end) if factor.whole else float(end) for end in (factor.low, factor.high)]
