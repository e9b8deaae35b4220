"""Running a study: all its runs, on however many workers, into one directory; what is there already is not run again."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecosim.studies.batch_files import RUNS, batch_file, read_columns
from ecosim.studies.beginning import record_in
from ecosim.studies.design import number_of_points
from ecosim.studies.directory import finished_batches, locked, make_folders, tidied
from ecosim.studies.dispatch import Dispatch, Task
from ecosim.studies.executors import Workers, workers_for
from ecosim.studies.interrupts import Interrupts, SweepInterrupted
from ecosim.studies.plan import Plan
from ecosim.studies.stopping import Precision
from ecosim.studies.store import write_failures
from ecosim.studies.study import Study, load_study
from ecosim.studies.study_record import StudyRecord
from ecosim.studies.worker import BatchDone, kept

Progress = Callable[[int, int, int], None]


@dataclass(frozen=True)
class SweepResult:
    """What became of a study.

    Attributes
    ----------
    done : runs that went well, whenever they were run.
    failed : runs that failed; `ecosim.read_failures` tells why.
    total : runs of the study, of those that a stopping rule found necessary.
    seconds : that this call took.
    """

    done: int
    failed: int
    total: int
    seconds: float


def sweep(
    study: Study | str | Path, out: str | Path, workers: int | None = None, executor: Executor | None = None,
    scheduler: str | None = None, progress: Progress | None = None,
) -> SweepResult:  # fmt: skip
    """Run a study into a directory; if the directory holds a part of it already, run the rest.

    The results depend on the study alone, not on who runs it, how many do, or how often it was interrupted.

    Parameters
    ----------
    study : a study, the name of a shipped one, or the path of a study file.
    out : directory of the study; a new or empty one, or one that this study began.
    workers : processes of this machine, as many as it has processors unless given; with `executor`, how many calls it can
        run at the same time.
    executor : a `concurrent.futures.Executor` that runs batches instead; it stays open.
    scheduler : address of a Dask scheduler whose workers run batches instead; they see `out` by the same path.
    progress : called every now and then with the numbers of runs that are done, that failed, and that there are.

    Raises
    ------
    ScenarioError : a study that is not as it should be, or that is not the one the directory belongs to.
    OutputError : the directory cannot be written, or the workers are gone; what was finished is kept.
    SweepInterrupted : Ctrl-C; what was in flight is finished first. A second Ctrl-C ends at once.
    """
    begun = time.perf_counter()
    plan = study if isinstance(study, Study) else load_study(study)
    until = plan.replicates.until
    precision = None if until is None else Precision(until, number_of_points(plan))
    with locked(out) as directory, tidied(directory), workers_for(workers, executor, scheduler) as crew:
        record = record_in(directory, plan, crew, str(out), _warn)
        folders = kept(plan)
        make_folders(directory, folders)
        finished = finished_batches(directory, record, folders, _warn)
        under_way = _Sweep(directory, plan, record, crew, finished, precision, progress)
        try:
            under_way.run()
        finally:
            with contextlib.suppress(OSError):  # of a full disk, which is told of anyway
                write_failures(directory, record)
        if under_way.interrupted:
            raise SweepInterrupted(
                f"interrupted after {under_way.done:,} of {under_way.total:,} runs; the same command goes on from there"
            )
    return SweepResult(
        under_way.done - under_way.failed, under_way.failed, under_way.total, time.perf_counter() - begun
    )  # fmt: skip


class _Sweep:
    """One call of `sweep`: what is done so far and what is to be done next; a number a batch, and nothing of the results."""

    def __init__(
        self, directory: Path, study: Study, record: StudyRecord, crew: Workers, finished: dict[int, int],
        precision: Precision | None, progress: Progress | None,
    ) -> None:  # fmt: skip
        self._directory, self._record, self._crew = directory, record, crew
        self._plan = Plan(record.points, study.replicates, record.size)
        self._finished, self._precision, self._progress = finished, precision, progress
        self._interrupts = Interrupts()
        self.done = self.failed = self.total = 0
        self.interrupted = False

    def run(self) -> None:
        """Run rounds until the last, or until no point needs another."""
        precision = self._precision
        with self._interrupts:
            dispatch = Dispatch(self._directory, self._record.digest, self._crew, self._hear, self._asked_to_end)
            for number in range(self._plan.rounds):
                wanted = None if precision is None or number == 0 else precision.unfinished()
                if wanted is not None and not wanted:
                    break
                dispatch.run(self._tasks(number, wanted))
                if self.interrupted:
                    break
                if precision is not None and number + 1 < self._plan.rounds:
                    self._take_in(number, precision)

    def _tasks(self, number: int, wanted: set[int] | None) -> Iterator[Task]:
        """Return the batches of a round that are still to be run.

        Parameters
        ----------
        wanted : the points that need another round; None for all.
        """
        missing = []
        for batch in self._plan.batches_of(number):
            runs = self._runs_of(batch, wanted)
            count = len(self._plan.runs_of(batch)) if runs is None else len(runs)
            self.total += count
            if count and not self._holds(batch, runs):
                missing.append((batch, runs))
            elif count:
                self.done += count
                self.failed += self._finished[batch]
        self._hear(None)
        return (Task(batch, runs) for batch, runs in missing)

    def _runs_of(self, batch: int, wanted: set[int] | None) -> tuple[int, ...] | None:
        if wanted is None:
            return None
        runs = np.array(self._plan.runs_of(batch))
        return tuple(run for run, point in zip(runs.tolist(), self._plan.point_of(runs).tolist()) if point in wanted)

    def _holds(self, batch: int, runs: tuple[int, ...] | None) -> bool:
        """Return whether a batch is done, and was so for the same runs."""
        if batch not in self._finished or runs is None:
            return batch in self._finished
        return self._column(batch, "run") == list(runs)

    def _take_in(self, number: int, precision: Precision) -> None:
        """Take in what a round has found, batch by batch in their order."""
        for batch in self._plan.batches_of(number):
            path = batch_file(self._directory, RUNS, batch)
            if path.exists():
                table = read_columns(path, self._record.digest, ["point", "error", precision.until.outcome])
                table = table.filter(table["error"].is_null())
                precision.take(table["point"].to_pylist(), table[precision.until.outcome].to_pylist())

    def _column(self, batch: int, name: str) -> list[Any]:
        path = batch_file(self._directory, RUNS, batch)
        column: list[Any] = read_columns(path, self._record.digest, [name])[name].to_pylist()
        return column

    def _asked_to_end(self) -> bool:
        if self._interrupts.heard and not self.interrupted:
            self.interrupted = True
            _warn("finishing the batches in flight; Ctrl-C again ends at once")
        return self.interrupted

    def _hear(self, batch: BatchDone | None) -> None:
        if batch is not None:
            self.done += batch.runs
            self.failed += batch.failed
        if self._progress is not None:
            self._progress(self.done, self.failed, self.total)


def _warn(line: str) -> None:
    print(f"ecosim: {line}", file=sys.stderr)
