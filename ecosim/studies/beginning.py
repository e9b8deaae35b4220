"""How a study begins: a trial tells what a run costs, a plan follows from it, and both record and design are written."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecosim.parameters import ScenarioError
from ecosim.runs import OutputError
from ecosim.studies.design import number_of_points, points
from ecosim.studies.executors import GONE, PULSE, Workers, lost, workers_for
from ecosim.studies.plan import MOST_IN_BATCH, Plan, batch_size, is_design, write_design
from ecosim.studies.study import Study, load_study
from ecosim.studies.study_record import FILE, StudyRecord, read_record, record_of
from ecosim.studies.worker import DESIGN, Trial, get_ready, trial

TRIAL_POINTS = 8
MOST_AT_ONCE = 64  # workers that load what they need while the trial runs


@dataclass(frozen=True)
class Estimate:
    """What a study would take.

    Attributes
    ----------
    points, replicates, runs, batches : how many there are; with a stopping rule, at most.
    workers : how many runs would be under way at the same time.
    seconds : on so many workers, about.
    bytes : on the disk, about.
    """

    points: int
    replicates: int
    runs: int
    batches: int
    workers: int
    seconds: float
    bytes: float


def estimate(
    study: Study | str | Path,
    workers: int | None = None,
    executor: Executor | None = None,
    scheduler: str | None = None,
) -> Estimate:
    """Return what a study would take, by some runs of it; nothing is written.

    Parameters
    ----------
    study, workers, executor, scheduler : as for `sweep`.
    """
    given = study if isinstance(study, Study) else load_study(study)
    with workers_for(workers, executor, scheduler) as crew:
        plan, cost = _planned(given, crew)
        count = crew.count()
    return Estimate(
        plan.points, plan.replicates.most, plan.runs, plan.batches, count, plan.runs * cost.seconds / count,
        plan.runs * cost.bytes,
    )  # fmt: skip


def record_in(directory: Path, study: Study, crew: Workers, place: str, told: Callable[[str], None]) -> StudyRecord:
    """Return the record of the study a directory belongs to, which this study must be, or make it and the design."""
    if (directory / FILE).exists():
        record = read_record(directory)
        record.check_same(study, place)
        if others := record.other_versions():
            told(f"{place}: goes on with {others}; the last digits of results may differ from those so far")
    else:
        plan, _ = _planned(study, crew)
        record = record_of(study, plan)
        record.write(directory)
    if not is_design(directory / DESIGN, record.digest):
        plan = Plan(record.points, study.replicates, record.size)
        write_design(directory / DESIGN, plan, points(study), record.digest)
    return record


def _planned(study: Study, crew: Workers) -> tuple[Plan, Trial]:
    """Return the plan of a study, and what a run costs, by a trial on one worker while the others load what they need."""
    count = number_of_points(study)
    if count == 0:
        raise ScenarioError(
            f"{study.name}: its design has no points, so that there is nothing to run; give it at least one"
        )
    table = points(study)
    some = sorted({round(place) for place in np.linspace(0, count - 1, TRIAL_POINTS)})
    rows = [
        {**row, "point": point, "replicate": 0, "seed": study.replicates.seed(point, 0)}
        for point, row in zip(some, table.iloc[some].to_dict("records"), strict=True)
    ]
    most = min(MOST_IN_BATCH, count * study.replicates.most)
    tree = study.as_dict()
    try:
        tried = crew.submit(trial, tree, rows, most)
        for _ in range(min(crew.count() - 1, most - 1, MOST_AT_ONCE)):
            crew.submit(get_ready, tree)
        cost = _answer(tried, crew)
    except Exception as error:
        if sentence := lost(error, crew):
            raise sentence from error
        if not crew.deaths(error):
            raise
        crew.renew()
        cost = Trial(1.0, 0.0)  # a run that ends its process is found, and told of, in its turn
    size = batch_size(cost.seconds, count, study.replicates, crew.count())
    return Plan(count, study.replicates, size), cost


def _answer(tried: Future[Trial], crew: Workers) -> Trial:
    """Return what a trial gave; of workers that are gone no future tells, so that they are looked at meanwhile."""
    while not wait([tried], PULSE).done:
        if not crew.reachable():
            raise OutputError(GONE)
    return tried.result()
