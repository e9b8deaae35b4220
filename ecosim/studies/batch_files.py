"""The files of a batch: its runs, and what else is kept of them; how they are written, recognised and set aside."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecosim.studies.plan import DIGEST
from ecosim.studies.study_parts import Wanted
from ecosim.studies.whole_files import whole_file

if TYPE_CHECKING:
    import numpy as np
    import pyarrow

RUNS, SERIES, EVENTS = "runs", "series", "events"  # folders; a batch is done once its file of runs is there
ASIDE = "set-aside"
# Columns of a file of runs besides the outcomes.
OWN = ("run", "point", "replicate", "seed", "error", "traceback", "command", "seconds")

_NAME = re.compile(r"batch-(\d{6,})\.parquet")
_BATCH, _FAILED = b"ecosim_batch", b"ecosim_failed"


class ForeignFileError(ValueError):
    """A file that is not what this study wrote under its name: damaged, or of something else."""


@dataclass
class BatchRows:
    """What the runs of a batch gave, in the order of the runs.

    Attributes
    ----------
    runs : a mapping a run, with `OWN` and each outcome; the outcomes of a failed run are None.
    series, events : of the runs that went well: number of the run, and its columns.
    """

    runs: list[dict[str, Any]] = field(default_factory=list)
    series: list[tuple[int, Mapping[str, np.ndarray[Any, Any]]]] = field(default_factory=list)
    events: list[tuple[int, Mapping[str, np.ndarray[Any, Any]]]] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """How many runs failed."""
        return sum(row["error"] is not None for row in self.runs)


def batch_file(directory: Path, folder: str, batch: int) -> Path:
    """Return where a file of a batch is."""
    return directory / folder / f"batch-{batch:06}.parquet"


def batch_of(path: Path) -> int | None:
    """Return the batch that a file is named after, None if it is named otherwise."""
    match = _NAME.fullmatch(path.name)
    return int(match[1]) if match else None


def run_files(directory: Path, folder: str = RUNS) -> list[Path]:
    """Return the files of a folder that are named after batches, in the order of the batches."""
    named = [(batch_of(path), path) for path in (directory / folder).glob("batch-*.parquet")]
    return [path for batch, path in sorted((batch, path) for batch, path in named if batch is not None)]


def write_batch(directory: Path, digest: str, batch: int, rows: BatchRows, outcomes: Sequence[Wanted], kept: Collection[str]) -> None:  # fmt: skip
    """Write the files of a batch, the file of its runs last.

    Parameters
    ----------
    digest : of the study.
    outcomes : of the study.
    kept : those of `SERIES` and `EVENTS` that the study keeps.
    """
    mark = {DIGEST: digest.encode(), _BATCH: str(batch).encode(), _FAILED: str(rows.failed).encode()}
    for folder, table in (*_kept_tables(rows, outcomes, kept), (RUNS, _runs_table(rows, outcomes))):
        _write(table.replace_schema_metadata(mark), batch_file(directory, folder, batch))


def bytes_of(rows: BatchRows, outcomes: Sequence[Wanted], kept: Collection[str]) -> int:
    """Return how large the files of a batch would be."""
    import pyarrow
    from pyarrow import parquet

    size = 0
    for _, table in (*_kept_tables(rows, outcomes, kept), (RUNS, _runs_table(rows, outcomes))):
        buffer = pyarrow.BufferOutputStream()
        parquet.write_table(table, buffer)
        size += buffer.tell()
    return size


def failed_runs(path: Path, digest: str) -> int:
    """Return how many runs of a file of runs failed; reads nothing but its end.

    Raises
    ------
    ForeignFileError : it is not what this study wrote under this name.
    """
    from pyarrow import ArrowException, parquet

    try:
        mark = parquet.read_schema(path).metadata or {}
        if mark[DIGEST] == digest.encode() and int(mark[_BATCH]) == batch_of(path):
            return int(mark[_FAILED])
    except (ArrowException, OSError, KeyError, ValueError):
        pass
    raise ForeignFileError(f"{path}: is damaged, or not of this study")


def read_columns(path: Path, digest: str, columns: Sequence[str]) -> pyarrow.Table:
    """Return some columns of a file of this study; nothing else of it is read.

    Raises
    ------
    ForeignFileError : it is not what this study wrote under this name, or is damaged in these columns.
    """
    from pyarrow import ArrowException, parquet

    failed_runs(path, digest)
    try:
        # A checksum over each page tells a changed bit from a result.
        return parquet.read_table(path, columns=list(columns), page_checksum_verification=True, partitioning=None)
    except (ArrowException, OSError, KeyError, ValueError) as error:
        raise ForeignFileError(f"{path}: is damaged: {str(error).splitlines()[0]}") from error


def check_whole(path: Path, digest: str) -> int:
    """Return how many runs of a file failed, once all of it has been read and found sound.

    Raises
    ------
    ForeignFileError : it is not what this study wrote under this name, or is damaged.
    """
    from pyarrow import parquet

    failed = failed_runs(path, digest)
    read_columns(path, digest, parquet.read_schema(path).names)
    return failed


def set_aside(directory: Path, path: Path) -> Path:
    """Move what does not belong where it is to a place where it is in nobody's way; return its new path."""
    aside = directory / ASIDE
    aside.mkdir(exist_ok=True)
    name, number = f"{path.parent.name}-{path.name}", 1
    while os.path.lexists(aside / name):
        number += 1
        name = f"{path.parent.name}-{path.name}.{number}"
    os.replace(path, aside / name)
    return aside / name


def _runs_table(rows: BatchRows, outcomes: Sequence[Wanted]) -> pyarrow.Table:
    import pyarrow

    texts = ("error", "traceback", "command")
    types = {name: pyarrow.string() if name in texts else pyarrow.int64() for name in OWN}
    types |= {"seconds": pyarrow.float64(), **{wanted.name: pyarrow.float64() for wanted in outcomes}}
    return pyarrow.table(
        {name: pyarrow.array([row.get(name) for row in rows.runs], kind) for name, kind in types.items()}
    )


def _kept_tables(rows: BatchRows, outcomes: Sequence[Wanted], kept: Collection[str]) -> list[tuple[str, pyarrow.Table]]:
    """Return the tables of series and events: run, step, and either the measures or what happened."""
    import pyarrow

    measures = dict.fromkeys(wanted.measure for wanted in outcomes)
    whole = {"run": pyarrow.int64(), "step": pyarrow.int64()}
    text = {name: pyarrow.string() for name in ("event", "subject", "object", "detail")}
    schemas = {SERIES: {**whole, **dict.fromkeys(measures, pyarrow.float64())}, EVENTS: {**whole, **text}}
    tables = []
    for folder, parts in ((SERIES, rows.series), (EVENTS, rows.events)):
        if folder in kept:
            schema = pyarrow.schema(schemas[folder])
            made = [
                pyarrow.table({"run": [run] * len(part["step"]), **part}, schema=schema) for run, part in parts
            ] or [schema.empty_table()]
            tables.append((folder, pyarrow.concat_tables(made).combine_chunks()))
    return tables


def _write(table: pyarrow.Table, path: Path) -> None:
    from pyarrow import parquet

    with whole_file(path) as file:
        parquet.write_table(table, file, write_page_checksum=True)
