"""Analysing a sweep: reads its directory, computes what its design allows, says in a sentence what it does not."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.analysis import comparison, effects, sensitivity
from ecosim.analysis.discovery import Condition, discover, read_condition
from ecosim.analysis.experiment import Experiment, Mask, Values, experiment_of
from ecosim.analysis.libraries import library
from ecosim.analysis.soundness import Progress, limits_of, progress_of, unread
from ecosim.parameters import ScenarioError, nearest
from ecosim.runs import OutputError
from ecosim.studies.store import read_sweep, study_of
from ecosim.studies.study import Study

if TYPE_CHECKING:
    import pandas as pd

REGIONAL = ("latin-hypercube", "sobol")  # designs with points that are drawn independently
BOXED = (*REGIONAL, "factorial", "list")
FEWEST_POINTS = 20  # for boxes and regions


@dataclass(frozen=True, eq=False)
class Analysis:
    """What a sweep found.

    Attributes
    ----------
    study : what was asked.
    experiment : points and runs.
    outcomes : names of the outcomes that were looked at.
    condition : the region that boxes were looked for, if one was given.
    tables : name to table, of those that the design allows: ``outcomes``, ``means``, ``points``, ``means-by-two``, ``parts-of-variance``,
        ``sobol``, ``sobol-pairs``, ``morris``, ``comparison``, ``regional``, ``boxes``, ``box-limits``, ``box-trajectory``.
    notes : sentences on what was left out, what cannot be computed, and why.
    progress : how much of the sweep is done.
    """

    study: Study
    experiment: Experiment
    outcomes: tuple[str, ...]
    condition: Condition | None
    tables: Mapping[str, pd.DataFrame]
    notes: tuple[str, ...]
    progress: Progress

    def drawn(self, outcome: str) -> tuple[pd.DataFrame, Values]:
        """Return the points that were drawn independently and have the outcome, and the outcome there."""
        return drawn_points(self.experiment, outcome)

    def regions(self, values: Values) -> dict[str, Mask]:
        """Return which of some values of an outcome lie in which region that is looked at."""
        return regions_of(values, self.condition)

    def write(self, directory: str | Path) -> None:
        """Write the tables as CSV and the figures as PNG and SVG: all of them into a new or an earlier analysis, or nothing.

        Raises
        ------
        OutputError : the directory holds something else, or cannot be written.
        ScenarioError : Matplotlib is not installed.
        """
        from ecosim.analysis.writing import write_analysis

        write_analysis(self, Path(directory))


def analyse(directory: str | Path, outcomes: Sequence[str] | None = None, box: str | None = None) -> Analysis:
    """Return what a sweep found so far.

    Parameters
    ----------
    directory : of a sweep.
    outcomes : which outcomes of the study to look at; all unless given.
    box : a region of an outcome, such as ``incubation > 0.9``, to look for boxes of factors that lead to it.

    Raises
    ------
    ScenarioError : an unknown outcome, a box that is no condition, or a library of the extra ``analysis`` is missing.
    OutputError : the directory holds no sweep, no run of it went well, or its design is read only when it is finished.
    """
    for name, taker in (("SALib", "an analysis"), ("scipy", "an analysis")):
        library(name, taker)
    place = Path(directory)
    study = study_of(place)
    known = [wanted.name for wanted in study.outcomes]
    for name in outcomes or ():
        if name not in known:
            raise ScenarioError(f"outcome: '{name}' is no outcome of the study; {nearest(name, known)}")
    condition = read_condition(box, known) if box is not None else None
    chosen = list(dict.fromkeys([*(outcomes or known), *([condition.outcome] if condition else [])]))
    until = study.replicates.until
    with warnings.catch_warnings(record=True) as damaged:
        warnings.simplefilter("always", UserWarning)
        runs = read_sweep(place, list(dict.fromkeys([*chosen, *([until.outcome] if until else [])])))
        progress = progress_of(place, study, runs)
    told = tuple(dict.fromkeys(f"{warning.message}." for warning in damaged))
    if not progress.done:
        reason = "all of its runs failed" if progress.failed else "none of its runs is done"
        raise OutputError(f"{directory}: {reason}; " + _remedy(progress, place))
    finding = unread(study, progress)
    if finding:
        raise OutputError(f"{directory}: {finding}; give `ecosim sweep` again, which runs the rest")
    experiment = experiment_of(study, progress.points, runs)
    found = analysis_of(study, experiment, tuple(chosen), condition, progress)
    return replace(found, notes=(*told, *found.notes))


def analysis_of(
    study: Study, experiment: Experiment, outcomes: tuple[str, ...], condition: Condition | None, progress: Progress
) -> Analysis:
    """Return what an experiment found: every table that its design allows, and sentences on the others."""
    import pandas as pd

    notes = list(limits_of(study, experiment, outcomes, progress))
    parts: dict[str, list[pd.DataFrame]] = {}
    for outcome in outcomes:
        for name, table in tables_of(experiment, outcome, notes):
            parts.setdefault(name, []).append(table)
    for name, table in regions_found(experiment, outcomes, condition, notes):
        parts.setdefault(name, []).append(table)
    tables = {name: pd.concat(tables, ignore_index=True) for name, tables in parts.items()}
    if "comparison" in tables:
        tables["comparison"] = comparison.corrected(tables["comparison"])
    return Analysis(study, experiment, outcomes, condition, tables, tuple(notes), progress)


def _remedy(progress: Progress, directory: Path) -> str:
    if progress.failed:
        return "ecosim.read_failures tells why"
    return f"give `ecosim sweep STUDY --out {directory}` first"


def tables_of(experiment: Experiment, outcome: str, notes: list[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the tables on an outcome, in the order in which they are written."""
    yield "outcomes", effects.summary(experiment, outcome)
    yield "means", effects.means_by_level(experiment, outcome)
    for name, table in (
        ("points", effects.means_by_point(experiment, outcome)),
        ("means-by-two", effects.means_by_two(experiment, outcome)),
        ("parts-of-variance", effects.parts_of_variance(experiment, outcome)),
        ("comparison", comparison.differences(experiment, outcome)),
    ):
        if len(table):
            yield name, table
    try:
        if experiment.kind == "sobol":
            indices, pairs = sensitivity.sobol_indices(experiment, outcome)
            yield "sobol", indices
            if pairs is not None:
                yield "sobol-pairs", pairs
        if experiment.kind == "morris":
            yield "morris", sensitivity.elementary_effects(experiment, outcome)
    except ValueError as error:
        what = "Sobol indices" if experiment.kind == "sobol" else "elementary effects"
        notes.append(f"There are no {what} of {outcome}: {error}.")


def regions_found(
    experiment: Experiment, outcomes: Sequence[str], condition: Condition | None, notes: list[str]
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield what separates the points of a region of an outcome from the others: one factor at a time, and in boxes."""
    if experiment.kind in REGIONAL:
        for outcome in [condition.outcome] if condition else outcomes:
            points, values = drawn_points(experiment, outcome)
            for name, inside in regions_of(values, condition).items():
                if len(points) >= FEWEST_POINTS and 0 < inside.sum() < inside.size:
                    table = sensitivity.regional(points, experiment.factors, inside)
                    yield "regional", table.assign(outcome=outcome, region=name)[["outcome", "region", *table.columns]]
    if condition is None:
        return
    if experiment.kind not in BOXED:
        notes.append(
            f"No boxes are looked for: the points of a {experiment.kind} design do not fill the space of the factors."
        )
        return
    points, values = drawn_points(experiment, condition.outcome)
    cases = condition.holds(values)
    if len(points) < FEWEST_POINTS or not 0 < cases.sum() < cases.size:
        where = f"{int(cases.sum()):,} of {cases.size:,} points"
        notes.append(f"No boxes are looked for: {condition} holds at {where}; it takes {FEWEST_POINTS} points, some with it and some without.")  # fmt: skip
        return
    found = discover(points, experiment.factors, cases)
    if found.boxes.empty:
        notes.append(f"No box was found: no limit of a factor makes {condition} clearly more frequent.")
    share: dict[str, Any] = {"condition": str(condition), "points_in_all": cases.size, "cases_in_all": int(cases.sum())}
    yield "boxes", found.boxes.assign(**share)[[*share, *found.boxes.columns]]
    yield "box-limits", found.limits
    yield "box-trajectory", found.trajectory


def drawn_points(experiment: Experiment, outcome: str) -> tuple[pd.DataFrame, Values]:
    """Return the points that were drawn independently and have the outcome, and the outcome there."""
    values = experiment.means(outcome)
    points = experiment.points[experiment.independent() & values.notna().to_numpy()]
    return points, values[points.index].to_numpy(float)


def regions_of(values: Values, condition: Condition | None) -> dict[str, Mask]:
    """Return which points lie in which region of an outcome: that of the condition, or else its two ends."""
    if condition is not None:
        return {str(condition): condition.holds(values)}
    if not values.size:
        return {}
    low, high = np.quantile(values, [0.25, 0.75])
    return {"highest quarter": values >= high, "lowest quarter": values <= low}
