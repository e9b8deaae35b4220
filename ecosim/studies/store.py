"""Reading a study's directory, at any time, also while it runs: its study, its results, its failures."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecosim.parameters import ScenarioError, nearest
from ecosim.runs import OutputError
from ecosim.studies.batch_files import RUNS, SERIES, ForeignFileError, failed_runs, read_columns, run_files
from ecosim.studies.study import Study
from ecosim.studies.study_record import StudyRecord, read_record
from ecosim.studies.whole_files import whole_file
from ecosim.studies.worker import DESIGN

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow
    from pyarrow.compute import Expression

FAILURES = "failures.parquet"
NUMBERS = ("run", "point", "replicate", "seed")
_FAULT = ("error", "traceback", "command")


def study_of(directory: str | Path) -> Study:
    """Return the study that a directory belongs to.

    Raises
    ------
    OutputError : the directory holds no study.
    """
    return read_record(Path(directory)).load()


def read_sweep(
    directory: str | Path, outcomes: Sequence[str] | str | None = None,
    where: Mapping[str, Any] | Expression | None = None, series: bool = False,
) -> pd.DataFrame:  # fmt: skip
    """Return the runs that went well so far, tidy; only the columns that are asked for are read.

    Parameters
    ----------
    directory : of a sweep; it may be under way.
    outcomes : names of outcomes of the study, or with `series` of its measures; all unless given.
    where : which runs: a mapping from a factor, or from run, point, replicate or seed, to its value, to a list of values, or
        to a pair ``(low, high)``, both included; or an expression of `pyarrow.compute` over these columns.
    series : a row a kept quarter of each run, with its measures, instead of a row a run.

    Returns
    -------
    Table sorted by run (and step): run, point, replicate, seed, with `series` step, then scenario if there are several,
    the factors, and the outcomes or measures.

    Raises
    ------
    ScenarioError : there is no outcome, measure or factor of a name.
    OutputError : the directory holds no study, or the study keeps no series.

    Warns
    -----
    UserWarning : a file is damaged; its runs are left out, and `sweep` runs them again.
    """
    place = Path(directory)
    record = read_record(place)
    study = record.load()
    folder = SERIES if series else RUNS
    if series and study.keep.series is None:
        raise OutputError(f"{directory}: its study keeps no series; give `series` in [keep] of the study file")
    known = [wanted.measure if series else wanted.name for wanted in study.outcomes]
    names = _chosen(outcomes, list(dict.fromkeys(known)), "measure" if series else "outcome")
    design = _design(place, _condition(where, [*NUMBERS, *(factor.name for factor in study.varied)]))
    own = ["run", "step"] if series else ["run", "error"]
    results = _results(place, folder, record, [*own, *names])
    if not series:
        results = results.filter(results["error"].is_null()).drop_columns("error")
    table = design.join(results, "run", join_type="inner")
    ordered = [*NUMBERS, *(["step"] if series else []), *design.column_names[len(NUMBERS) :], *names]
    keys = [(name, "ascending") for name in own if name != "error"]
    found: pd.DataFrame = table.select(ordered).sort_by(keys).to_pandas()
    return found


def read_failures(directory: str | Path) -> pd.DataFrame:
    """Return the runs that failed so far: run, point, replicate, seed, the factors, error, traceback, and command.

    ``command`` repeats the run alone, so that its fault can be looked at.

    Raises
    ------
    OutputError : the directory holds no study.
    """
    place = Path(directory)
    record = read_record(place)
    tables = list(_failures(place, record))
    if not tables:
        schema = _design(place, None).schema
        return _with_fault(schema.empty_table(), None).to_pandas()
    import pyarrow

    found: pd.DataFrame = pyarrow.concat_tables(tables).sort_by("run").to_pandas()
    return found


def design_points(directory: str | Path) -> pd.DataFrame:
    """Return all points of the design, run or not: a row each, its number as index, a column a factor.

    Raises
    ------
    OutputError : the directory holds no study, or not its design yet.
    """
    from pyarrow import compute

    table: pd.DataFrame = _design(Path(directory), compute.field("replicate") == 0).to_pandas()
    return table.drop(columns=["run", "replicate", "seed"]).set_index("point").sort_index()


def write_failures(directory: Path, record: StudyRecord) -> None:
    """Write failures.parquet, batch by batch; if no run failed there is none."""
    from pyarrow import parquet

    path = directory / FAILURES
    tables = _failures(directory, record)
    first = next(tables, None)
    if first is None:
        path.unlink(missing_ok=True)
        return
    with whole_file(path) as file, parquet.ParquetWriter(file, first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)


def _failures(directory: Path, record: StudyRecord) -> Iterator[pyarrow.Table]:
    """Yield the failed runs of each batch that has some."""
    from pyarrow import compute

    for path in run_files(directory):
        try:
            if failed_runs(path, record.digest):
                table = read_columns(path, record.digest, ["run", *_FAULT])
                table = table.filter(table["error"].is_valid())
                design = _design(directory, compute.field("run").isin(table["run"].to_pylist()))
                yield _with_fault(design, table)
        except ForeignFileError as error:
            _warn(error)


def _with_fault(design: pyarrow.Table, table: pyarrow.Table | None) -> pyarrow.Table:
    """Return rows of the design with what went wrong in them; the rows of both are in the order of the runs."""
    import pyarrow

    for name in _FAULT:
        column = pyarrow.array([], pyarrow.string()) if table is None else table[name]
        design = design.append_column(name, column)
    return design


def _design(directory: Path, condition: Expression | None) -> pyarrow.Table:
    """Return the rows of the design that meet a condition: the numbers of the runs and the factors."""
    from pyarrow import parquet

    path = directory / DESIGN
    try:
        columns = [name for name in parquet.read_schema(path).names if name not in ("round", "batch")]
        return parquet.read_table(path, columns=columns, filters=condition, partitioning=None)
    except FileNotFoundError:
        raise OutputError(f"{path}: is not there yet; wait until the sweep has begun its runs") from None
    except (OSError, ValueError) as error:
        raise OutputError(f"{path}: cannot be read: {str(error).splitlines()[0]}; give `ecosim sweep` again, which mends it") from None  # fmt: skip


def _results(directory: Path, folder: str, record: StudyRecord, columns: Sequence[str]) -> pyarrow.Table:
    """Return some columns of all files of a folder that are there and sound."""
    import pyarrow

    tables = []
    for path in run_files(directory, folder):
        try:
            tables.append(read_columns(path, record.digest, columns))
        except ForeignFileError as error:
            _warn(error)
    if not tables:
        whole, text = pyarrow.int64(), pyarrow.string()
        types = {"run": whole, "step": whole, "error": text}
        return pyarrow.schema([(name, types.get(name, pyarrow.float64())) for name in columns]).empty_table()
    return pyarrow.concat_tables(tables)


def _chosen(wanted: Sequence[str] | str | None, known: list[str], what: str) -> list[str]:
    names = known if wanted is None else [wanted] if isinstance(wanted, str) else list(wanted)
    for name in names:
        if name not in known:
            raise ScenarioError(f"outcomes: the study has no {what} '{name}'; {nearest(str(name), known)}")
    return names


def _condition(where: Mapping[str, Any] | Expression | None, known: list[str]) -> Expression | None:
    """Return a condition on the design as pyarrow takes it."""
    if where is None or not isinstance(where, Mapping):
        return where
    from pyarrow import compute

    condition = None
    for name, value in where.items():
        if name not in known:
            raise ScenarioError(f"where: the study has no factor '{name}'; {nearest(str(name), known)}")
        column = compute.field(name)
        if isinstance(value, tuple) and len(value) == 2:
            part = (column >= value[0]) & (column <= value[1])
        elif isinstance(value, Collection) and not isinstance(value, str):
            part = column.isin(list(value))
        else:
            part = column == value
        condition = part if condition is None else condition & part
    return condition


def _warn(error: ForeignFileError) -> None:
    warnings.warn(f"{error}; its runs are left out, and `ecosim sweep` runs them again", UserWarning, stacklevel=3)
