"""What an analysis may say: how far a sweep is, what its failures leave out, and what its design cannot tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ecosim.analysis.comparison import contrasts, levers
from ecosim.analysis.experiment import Codes, Experiment
from ecosim.analysis.sensitivity import whole_blocks
from ecosim.studies.stopping import Precision
from ecosim.studies.store import design_points, read_failures
from ecosim.studies.study import Study

if TYPE_CHECKING:
    import pandas as pd

# What the points of a design cannot tell.
CANNOT = {
    "factorial": "Sobol indices, elementary effects and regional sensitivity take points drawn from ranges, which a factorial "
                 "design has not; parts of variance by level stand for them.",
    "one-at-a-time": "Interactions, parts of variance, sensitivity indices and boxes cannot be told from a one-at-a-time "
                     "design, in which no two factors change together.",
    "latin-hypercube": "Sobol indices and elementary effects take the points of their own designs, sobol and morris; parts of "
                       "variance by bin stand for first-order indices.",
    "sobol": "Elementary effects take trajectories, which a morris design has.",
    "morris": "Sobol and regional indices and boxes take points drawn independently, which the trajectories of a morris "
              "design are not; mu* says which factors matter, sigma whether they interact or bend.",
    "list": "Interactions, parts of variance and sensitivity indices cannot be told from a list, in which factors change "
            "together as they please.",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Progress:
    """How far a sweep is.

    Attributes
    ----------
    points : all points of the design, in its order.
    done, failed : runs that went well, and that did not.
    attempted : (points,), runs of each point so far.
    runs_to_go : runs that are still to come; with a stopping rule, of the first round.
    points_to_go : points that still need runs.
    """

    points: pd.DataFrame
    done: int
    failed: int
    attempted: Codes
    runs_to_go: int
    points_to_go: int


def progress_of(directory: Path, study: Study, runs: pd.DataFrame) -> Progress:
    """Return how far a sweep is.

    Parameters
    ----------
    runs : those that went well, with the outcome of the stopping rule if there is one.
    """
    points = design_points(directory)
    failures = read_failures(directory)
    attempted = sum(
        table["point"].value_counts().reindex(points.index, fill_value=0).to_numpy(np.int64)
        for table in (runs, failures)
    )
    assert not isinstance(attempted, int)
    lacking = np.maximum(study.replicates.count - attempted, 0)
    wanting = lacking > 0
    until = study.replicates.until
    if until is not None:
        precision = Precision(until, len(points))
        precision.take(runs["point"].tolist(), runs[until.outcome].tolist())
        wide = np.isin(points.index, list(precision.unfinished()))
        wanting = wanting | (wide & (attempted < until.most))
    return Progress(points, len(runs), len(failures), attempted, int(lacking.sum()), int(wanting.sum()))


def unread(study: Study, progress: Progress) -> str:
    """Return why an unfinished design cannot be read yet, or nothing.

    The first points of a sampled design are a sample too; those of another are a part that says nothing of the whole.
    """
    kind, missing = study.design.kind, int((progress.attempted == 0).sum())
    if kind in ("latin-hypercube", "sobol", "morris") or not missing:
        return ""
    total = progress.done + progress.failed + progress.runs_to_go
    article = "an" if kind.startswith("o") else "a"
    what = f"{article} {kind} design is read when every point has a run"
    return f"{progress.done + progress.failed:,} of {total:,} runs are done, and {what}"


def limits_of(study: Study, experiment: Experiment, outcomes: Sequence[str], progress: Progress) -> Iterator[str]:
    """Yield a sentence on each thing that the analysis leaves out or cannot tell."""
    yield from _unfinished(study, progress)
    yield from _failed(experiment, progress)
    for outcome in outcomes:
        yield from _missing(experiment, outcome)
    yield CANNOT[experiment.kind]
    yield from _luck(study, experiment)
    yield from _comparison(experiment)


def _unfinished(study: Study, progress: Progress) -> Iterator[str]:
    if not progress.points_to_go:
        return
    ran = progress.done + progress.failed
    if study.replicates.until is not None and not progress.runs_to_go:
        yield (f"The sweep is unfinished: {progress.points_to_go:,} of {len(progress.points):,} points still wait for the "
               "replicates that the stopping rule asks for.")  # fmt: skip
    else:
        yield f"The sweep is unfinished: {ran:,} of {ran + progress.runs_to_go:,} runs are done, and this is what they tell."


def _failed(experiment: Experiment, progress: Progress) -> Iterator[str]:
    if not progress.failed:
        return
    ran = progress.done + progress.failed
    empty = int((progress.attempted > 0).sum()) - experiment.runs["point"].nunique()
    rest = f"{empty:,} of {len(experiment.points):,} points have no run that went well" if empty else "every point that was run has others"  # fmt: skip
    yield f"{progress.failed:,} of {ran:,} runs failed and are left out; {rest}. ecosim.read_failures tells why."


def _missing(experiment: Experiment, outcome: str) -> Iterator[str]:
    """Yield what is left out of an outcome: runs in which it is no number, and blocks with a point that has none."""
    lost = int(experiment.runs[outcome].isna().sum())
    if lost:
        yield f"{outcome} is not a number in {lost:,} runs, which are left out of what is said of it."
    values = experiment.means(outcome)
    if values.notna().any() and values.max() == values.min():
        yield f"{outcome} is the same at all points: nothing that varies here moves it."
    reached = values.notna().to_numpy()
    if experiment.kind in ("sobol", "morris"):
        size, last = experiment.block_size, int(np.flatnonzero(reached)[-1]) if reached.any() else 0
        begun = last // size + 1
        whole = int(whole_blocks(experiment, outcome).sum()) // size
        if whole < begun:
            holes = int((~reached[: begun * size]).sum())
            blocks = "blocks of Saltelli's scheme" if experiment.kind == "sobol" else "trajectories"
            yield (f"{outcome}: {holes:,} points are missing, so that {begun - whole:,} of {begun:,} {blocks} are left out "
                   "whole; what is missing is hardly a random part.")  # fmt: skip


def _luck(study: Study, experiment: Experiment) -> Iterator[str]:
    if experiment.replicates > 1:
        return
    if not experiment.common:
        yield ("How much of the variance is luck cannot be told from one run a point; each has luck of its own, which adds to "
               "every spread here, and to every total index.")  # fmt: skip
    elif experiment.sampled:
        yield (f"How much of the variance is luck cannot be told: every point has the luck of seed "
               f"{study.replicates.first_seed} alone; two or more [replicates] would tell.")  # fmt: skip
    else:
        yield "With one run a point means have no interval, and nothing tells luck; two or more [replicates] would."


def _comparison(experiment: Experiment) -> Iterator[str]:
    """Yield why levers, or some of them, are not compared."""
    given = [factor.name for factor in experiment.factors if factor.role == "lever"]
    compared = {contrast.factor for contrast in contrasts(experiment)}
    levelled = [factor.name for factor in levers(experiment)]
    ranges = [name for name in given if name not in levelled]
    if not given and not compared:
        yield 'No policies are compared: no factor has the role "lever".'
    if ranges and experiment.kind != "one-at-a-time":
        yield f"Levels of {_listed(ranges)} are not compared: a lever that is drawn from a range has none."
    alone = [name for name in levelled if name not in compared and experiment.kind != "list"]
    if alone:
        yield f"Levels of {_listed(alone)} are not compared: no two points differ in nothing else."
    if compared and not experiment.common:
        yield "The seeds are not common, so that no luck is shared and differences are not paired by it."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
