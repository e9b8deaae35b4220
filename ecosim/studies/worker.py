"""What a worker does: runs a batch and writes its files. It keeps the study in memory from one batch to the next."""

from __future__ import annotations

import contextlib
import functools
import gc
import multiprocessing
import socket
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ecosim.parameters import ScenarioError
from ecosim.runs import OutputError
from ecosim.studies.batch_files import EVENTS, RUNS, SERIES, BatchRows, bytes_of, write_batch
from ecosim.studies.compiling import compile_in_turn
from ecosim.studies.design import settings_at
from ecosim.studies.measuring import command_of, measure_run
from ecosim.studies.model_code import check_code
from ecosim.studies.study import Study, study_from_dict
from ecosim.studies.study_record import FILE, StudyRecord, read_record

DESIGN = "design.parquet"
UNDER_WAY = ".under-way"  # ends the name of a careful worker's note
TRIAL_SECONDS = 1.0
_LONGEST_TRACEBACK = 20_000  # characters, from its end


class BatchDone(NamedTuple):
    """What a worker tells of a batch: its number, its runs, and how many of them failed."""

    batch: int
    runs: int
    failed: int


class Trial(NamedTuple):
    """What a run costs, about.

    Attributes
    ----------
    seconds : of one worker.
    bytes : on the disk.
    """

    seconds: float
    bytes: float


def run_batch(
    directory: str, digest: str, batch: int, runs: Sequence[int] | None = None,
    given_up: Mapping[int, str] | None = None, careful: bool = False,
) -> BatchDone:  # fmt: skip
    """Run a batch of a study and write its files.

    Parameters
    ----------
    directory : of the study; the worker sees it by this path.
    digest : of the study.
    runs : those of the batch that are wanted; all unless given.
    given_up : runs that are not to be run, each with what is to stand as their error.
    careful : note each run before it starts, so that one that ends the process can be found.

    Raises
    ------
    OutputError : the disk does not take the files, or the worker does not see the directory.
    ScenarioError : the worker has other model code than the study began with.
    """
    place, study, record = Path(directory), *_loaded(directory, digest)
    check_code(record.code, study.agents, directory)
    rows = BatchRows()
    for row in _design_rows(place / DESIGN, batch):
        if runs is None or row["run"] in runs:
            if careful:
                run_under_way(place, batch).write_text(str(row["run"]), encoding="ascii")
            _run(study, row, rows, (given_up or {}).get(row["run"]))
    write_batch(place, digest, batch, rows, study.outcomes, kept(study))
    if careful:
        run_under_way(place, batch).unlink(missing_ok=True)
    if multiprocessing.parent_process() is not None:
        _let_go()
    return BatchDone(batch, len(rows.runs), rows.failed)


def trial(tree: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], most: int) -> Trial:
    """Return what a run costs, of some runs that take about a second after a first one that does not count.

    Parameters
    ----------
    tree : the study.
    rows : of the design, spread over it; they are run with one seed after the other.
    most : runs to try at most.
    """
    from ecosim.terminal import RunWatch

    study = study_from_dict(tree)
    with RunWatch():  # says that rules are compiled
        _run(study, {**rows[0], "run": 0}, BatchRows())
    measured, begun, count = BatchRows(), time.perf_counter(), 0
    while count < most and time.perf_counter() - begun < TRIAL_SECONDS:
        row = rows[count % len(rows)]
        _run(study, {**row, "run": count, "seed": row["seed"] + count // len(rows)}, measured)
        count += 1
    seconds = time.perf_counter() - begun
    return Trial(seconds / count, bytes_of(measured, study.outcomes, kept(study)) / count)


def get_ready(tree: Mapping[str, Any]) -> None:
    """Load what the runs of a study take, so that the first of them need not."""
    study_from_dict(tree)


def run_under_way(directory: Path, batch: int) -> Path:
    """Return the file that names the run of a batch that a careful worker is at."""
    return directory / RUNS / f".batch-{batch:06}{UNDER_WAY}"


def kept(study: Study) -> tuple[str, ...]:
    """Return which tables a study keeps besides that of its runs."""
    return (*([SERIES] if study.keep.series is not None else ()), *([EVENTS] if study.keep.events else ()))


def _let_go() -> None:
    """Free the models of a batch, which refer to themselves in circles; else the memory of a worker grows with its runs.

    What is there after its first batch stays, and need not be looked at again each time.
    """
    gc.collect()
    _keep_the_rest()


@functools.cache
def _keep_the_rest() -> None:
    gc.freeze()


@functools.lru_cache(maxsize=2)
def _loaded(directory: str, digest: str) -> tuple[Study, StudyRecord]:
    """Return the study of a directory, read once a process."""
    place = Path(directory)
    if not (place / FILE).exists():
        raise OutputError(
            f"{directory}: the worker on {socket.gethostname()} does not see this directory; all workers and whoever "
            "starts the study must see the same file system by the same paths"
        )
    record = read_record(place)
    if record.digest != digest:
        raise OutputError(
            f"{directory}: the worker on {socket.gethostname()} sees another study there; see what is mounted"
        )
    return record.load(), record


def _design_rows(path: Path, batch: int) -> list[dict[str, Any]]:
    """Return the rows of a batch; of the rest of the design only what lies in the same row group is read."""
    from pyarrow import parquet

    rows: list[dict[str, Any]] = parquet.read_table(path, filters=[("batch", "==", batch)]).to_pylist()
    return rows


def _run(study: Study, row: Mapping[str, Any], rows: BatchRows, given_up: str | None = None) -> None:
    """Run one run, or give it up, and add what came of it to the rows."""
    own = {name: row[name] for name in ("run", "point", "replicate", "seed")}
    begun = time.perf_counter()
    fault: dict[str, Any] = {"error": None}
    values: Mapping[str, float] = {}
    if given_up is not None:
        fault = {"error": given_up, "traceback": ""}
    else:
        try:
            with compile_in_turn():
                scenario, settings = settings_at(study, row)
                measured = measure_run(scenario, settings, row["seed"], study)
        except (Exception, SystemExit) as error:  # whatever a role's code does, the other runs go on
            fault = {"error": _named(error), "traceback": traceback.format_exc()[-_LONGEST_TRACEBACK:]}
        else:
            values = measured.final
            for kind, tables in ((measured.series, rows.series), (measured.events, rows.events)):
                if kind is not None:
                    tables.append((row["run"], kind))
    seconds = time.perf_counter() - begun
    if fault["error"] is not None:
        fault["command"] = _told(lambda: command_of(study, row, row["seed"]))
    rows.runs.append({**own, **fault, "seconds": seconds, **values})


def _named(error: BaseException) -> str:
    """Return an error in one line."""
    if isinstance(error, ScenarioError):
        return str(error)
    text = " ".join(_told(lambda: str(error)).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _told(text: Callable[[], str]) -> str:
    """Return a text, or why there is none; a fault must not hide the fault that is told."""
    with contextlib.suppress(Exception):
        return text()
    return "(cannot be told)"
