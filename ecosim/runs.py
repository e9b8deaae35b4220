"""Runs without a screen: one call, five tables, a directory of result files."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import platform
import secrets
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import ecosim
from ecosim.model import Ecosystem
from ecosim.parameters import ScenarioError, Value, nearest
from ecosim.roles import read_roles
from ecosim.scenario import Scenario, load_scenario
from ecosim.series import OrganisationSeries
from ecosim.shapes import accepted, found, sentence, wanted

if TYPE_CHECKING:
    import pandas as pd

TABLES = ("metrics", "value", "roles", "flows", "events")
SERIES_FILE = "organisations.parquet"  # there if series were asked for
REPORT_FILE = "report.html"  # there if somebody asked for a report of the results
RESULT_FILES = (*(f"{name}.parquet" for name in TABLES), "run.json")
_OURS = (*RESULT_FILES, SERIES_FILE, REPORT_FILE)  # what goes when another result takes the place of one
# Rests of an unfinished result carry this prefix; they go away with the process that made them.
_UNFINISHED = ".ecosim-"


class OutputError(OSError):
    """Results cannot be written where they should: one sentence that names place, finding and remedy."""


@dataclass(frozen=True, eq=False)
class Run:
    """What one run gave: the tables of the result files, as pandas, and what it takes to repeat it.

    Attributes
    ----------
    scenario : the world at the start, with all settings of the run.
    seed : the seed; the same scenario and seed give the same tables.
    steps : quarters run.
    agents : directories of further role files.
    metrics : a row a step: step, year, quarter, stage, then one column an outcome.
    value : step, stage, beneficiary, kind, value in million CNY.
    roles : a row a step and role.
    flows : step, element, channel, source, target, volume.
    events : step, event, subject, object, detail.
    seconds : wall time.
    phase_seconds : the part of it that each phase of the quarter took, if that was measured.
    warnings : sentences about what the run met.
    """

    scenario: Scenario
    seed: int
    steps: int
    agents: tuple[str, ...]
    metrics: pd.DataFrame
    value: pd.DataFrame
    roles: pd.DataFrame
    flows: pd.DataFrame
    events: pd.DataFrame
    seconds: float
    phase_seconds: Mapping[str, float]
    warnings: tuple[str, ...]

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The five tables by the names of their files."""
        return {name: getattr(self, name) for name in TABLES}

    def value_shares(self, by: str = "stage") -> pd.DataFrame:
        """Return each beneficiary's share of value, a row a stage (in order of appearance) or a row a step; rows sum to 1.

        Parameters
        ----------
        by : "stage" or "step".
        """
        table = self.value.pivot_table(index=by, columns="beneficiary", values="value", aggfunc="sum", sort=False)
        return table.div(table.sum(axis=1), axis=0).fillna(0.0)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the content of the five tables: names, types and values, in their order.

        It is taken from the values, not from the files, so that no version of a library enters it.
        """
        digest = hashlib.sha256()
        for table in TABLES:
            for name, kind, values in _columns(getattr(self, table)):
                if kind == "text":
                    content = np.array([len(text) for text in values], "<i8").tobytes() + "".join(values).encode()
                else:
                    content = np.ascontiguousarray(values).tobytes()
                digest.update(json.dumps([table, name, kind, len(values)]).encode())
                digest.update(content)
        return digest.hexdigest()

    def as_dict(self, command: str | None = None) -> dict[str, Any]:
        """Return what run.json holds; `command` is the command line that made the run."""
        return {
            "scenario": self.scenario.as_dict(),
            "seed": self.seed,
            "steps": self.steps,
            "agents": list(self.agents),
            "hash": self.hash,
            "warnings": list(self.warnings),
            "seconds": self.seconds,
            "phase_seconds": dict(self.phase_seconds),
            "versions": library_versions(),
            "repeat": {
                **({"command": command} if command else {}),
                "python": (
                    "import ecosim, json, pathlib; from ecosim.scenario import scenario_from_dict; "
                    "saved = json.loads(pathlib.Path('run.json').read_text(encoding='utf-8')); "
                    "run = ecosim.run(scenario_from_dict(saved['scenario'], ecosim.read_roles(*saved['agents'])), "
                    "seed=saved['seed'], steps=saved['steps'], agents=saved['agents'])"
                ),
            },
        }

    def write(self, directory: str | Path, command: str | None = None, series: Path | None = None) -> None:
        """Write the five tables and run.json: all of them into a new or an earlier result directory, or nothing.

        Ctrl-C and a request to end wait for a moment at which they leave nothing half done.

        Parameters
        ----------
        directory : a new directory, or one that holds nothing but result files, which are replaced.
        command : the command line that made the run.
        series : a finished file of organisations' series, which is moved there too.

        Raises
        ------
        OutputError : a directory with other files in it, or one that cannot be written.
        """
        target = checked_directory(directory)
        with _signals_held() as held:
            written = _written(self, target, command, held, series)
        if not written:
            raise KeyboardInterrupt


def run(
    scenario: str | Path | Scenario,
    seed: int | None = None,
    steps: int | None = None,
    parameters: Mapping[str, Value] | None = None,
    agents: Sequence[str | Path] = (),
    audit: bool = False,
    progress: Callable[[int, int], None] | None = None,
    without: Sequence[str] = (),
    profile: bool = False,
    series: OrganisationSeries | None = None,
    outcomes: Collection[str] | None = None,
) -> Run:
    """Run a scenario to its end and return its tables.

    Parameters
    ----------
    scenario : name of a shipped scenario, path of a file, or a `Scenario`.
    seed : 0 <= seed < 2**63; None takes a new one, which the result tells.
    steps : quarters to run; those of the scenario unless given.
    parameters : values by dotted path, such as ``{"roles.firm.capacity": 30}``.
    agents : directories of further role files.
    audit : check every invariant of the ledger after each quarter.
    progress : called after each quarter with the number done and the number in all.
    without : rules to turn off, entries of ``[rules]``.
    profile : measure how long each phase of the quarter takes.
    series : where to write each organisation of the quarters that it wants.
    outcomes : names of the outcomes to measure, all unless given.

    Raises
    ------
    ScenarioError : anything in the arguments that is not as it should be.
    AuditError : an invariant of the ledger is broken.
    """
    begun = time.perf_counter()
    world = scenario if isinstance(scenario, Scenario) else load_scenario(scenario, read_roles(*agents))
    world = _with_settings(world, parameters or {}, without, steps)
    count = world.steps if steps is None else steps
    model = Ecosystem(world, seed, agents=agents, history=False, audit=audit, profile=profile, outcomes=outcomes)
    world = model.scenario  # with the roles of `agents` in it

    def after_quarter(done: int, total: int) -> None:
        if series is not None:
            series.quarter(model)
        if progress is not None:
            progress(done, total)

    model.run(count, None if series is None and progress is None else after_quarter)
    if series is not None:
        series.close()
    return Run(
        scenario=world, seed=model.seed, steps=count, agents=tuple(str(path) for path in agents),
        metrics=model.metrics, value=model.value, roles=model.by_role, flows=model.flows, events=model.happened,
        seconds=time.perf_counter() - begun, phase_seconds=dict(model.seconds), warnings=tuple(model.warnings),
    )  # fmt: skip


def _with_settings(
    world: Scenario, parameters: Mapping[str, Value], without: Sequence[str], steps: int | None
) -> Scenario:
    for rule in without:
        if rule not in world.rules:
            raise sentence("without", (), f"there is no rule '{rule}'", nearest(rule, world.rules))
    if parameters:
        world = world.with_settings(parameters, "parameters")
    if without:
        world = world.with_settings({f"rules.{rule}": False for rule in without}, "without")
    if steps is not None:
        record = world.grammar.parameters["steps"]
        if accepted(record, steps) is None:
            raise sentence("run", ("steps",), found(record, steps), wanted(record))
        # Events dated after the last quarter to run keep the scenario's own end; they do not happen.
        with contextlib.suppress(ScenarioError):
            world = world.with_settings({"steps": steps})
    return world


def _columns(table: pd.DataFrame) -> Iterator[tuple[str, str, Any]]:
    """Yield name, type and values of each column, in the few types that result files have."""
    for name in table.columns:
        column = table[name]
        if column.dtype.kind in "iu":
            yield name, "int64", column.to_numpy("<i8")
        elif column.dtype.kind == "f":
            yield name, "float64", column.to_numpy("<f8")
        else:
            yield name, "text", [str(text) for text in column.tolist()]  # a column of texts is slow to iterate over


def library_versions() -> dict[str, str]:
    """Return the versions of ecosim, of Python and of the libraries that numbers depend on."""
    libraries = ("numpy", "numba", "mesa", "pandas", "pyarrow")
    versions = {name: importlib.metadata.version(name) for name in libraries}
    return {"ecosim": ecosim.__version__, "python": platform.python_version(), **versions}


# -- writing ----------------------------------------------------------------------------------------------------------


def checked_directory(directory: str | Path) -> Path:
    """Return the full path of a directory to which results can be written; nothing is left behind.

    Raises
    ------
    OutputError : it holds files that are no results, it is no directory, or nothing can be written there.
    """
    try:
        target = Path(directory).resolve()
        if target == Path.cwd() or target in Path.cwd().parents:
            raise OutputError(f"{directory}: is the directory you are in; give one of its own, such as results/first")
        if target.exists():
            _check_replaceable(directory, target)
        existing = next(path for path in target.parents if path.exists())
        with _signals_held(), tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=existing):
            pass
    except OutputError:
        raise
    except (OSError, ValueError) as error:
        raise _output_error(directory, error) from None
    return target


def _check_replaceable(directory: str | Path, target: Path) -> None:
    """Refuse a path that is no directory, or one with anything in it that no run has written."""
    if not target.is_dir():
        raise OutputError(f"{directory}: is a file; give the name of a directory")
    if target.is_mount():
        raise OutputError(
            f"{directory}: is where a disk is mounted; give a directory in it, such as {target / 'first'}"
        )
    foreign = sorted(path.name for path in target.iterdir() if path.name not in _OURS or not path.is_file())
    if foreign:
        raise OutputError(
            f"{directory}: holds {foreign[0]!r}, which is no result of a run; give a new or an empty directory"
        )


def _output_error(directory: str | Path, error: Exception) -> OutputError:
    number = getattr(error, "errno", None)
    reason = str(error) if number is None else os.strerror(number)
    return OutputError(f"{directory}: cannot be written: {reason.lower()}; give a directory that can")


@contextlib.contextmanager
def _signals_held() -> Iterator[list[int]]:
    """Hold back requests to end, and deliver them at the close; the list has those that came so far."""
    held: list[int] = []
    handlers: dict[int, Any] = {}
    try:
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
                number = getattr(signal, name, None)
                if number is not None and signal.getsignal(number) not in (None, signal.SIG_IGN):
                    handlers[number] = signal.signal(number, lambda number, frame: held.append(number))
        yield held
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in held:
            signal.raise_signal(number)


@contextlib.contextmanager
def streamed(directory: Path | None, every: int | None) -> Iterator[OrganisationSeries | None]:
    """Yield a series that is written beside a result directory while a run goes on, or None; at the close nothing is left of it."""
    if directory is None or every is None:
        yield None
        return
    existing = next(path for path in directory.resolve().parents if path.exists())
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(tempfile.TemporaryDirectory(prefix=_UNFINISHED, dir=existing))
        yield stack.enter_context(OrganisationSeries(Path(place) / SERIES_FILE, every=every))


def _written(results: Run, target: Path, command: str | None, held: Sequence[int], series: Path | None) -> bool:
    """Write a result directory and return True, or return False and leave nothing if a signal came before the end."""
    new_parents = [path for path in target.parents if not path.exists()]
    staging = target.parent / f"{_UNFINISHED}{secrets.token_hex(8)}"
    complete = False
    try:
        staging.mkdir(parents=True)
        for name, table in results.tables.items():
            if held:
                return False
            _write_table(table, staging / f"{name}.parquet")
        text = json.dumps(results.as_dict(command), ensure_ascii=False, indent=2, allow_nan=False)
        if series is not None and series.exists():
            series.rename(staging / SERIES_FILE)
        (staging / "run.json").write_text(text + "\n", encoding="utf-8")
        if held:
            return False
        _put_in_place(staging, target)
        complete = True
    except OSError as error:
        raise _output_error(target, error) from error
    finally:
        if not complete:
            _remove(staging)
            for path in new_parents:
                with contextlib.suppress(OSError):
                    path.rmdir()
    return True


def _write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table to a Parquet file that holds nothing but the table: no index, no versions, no time."""
    import pyarrow
    from pyarrow import parquet

    types = {"int64": pyarrow.int64(), "float64": pyarrow.float64(), "text": pyarrow.string()}
    columns = {name: pyarrow.array(values, types[kind]) for name, kind, values in _columns(table)}
    parquet.write_table(pyarrow.table(columns), path)


def _put_in_place(staging: Path, target: Path) -> None:
    """Rename a finished directory to its final name, in place of the result of an earlier run."""
    earlier = put_in_place(staging, target)
    if earlier is not None:
        _remove(earlier)


def put_in_place(staging: Path, target: Path) -> Path | None:
    """Rename a finished directory to its final name; return where what had the name before is now, if there was any."""
    if not target.exists():
        staging.rename(target)
        return None
    earlier = staging.with_name(f"{staging.name}-earlier")
    target.rename(earlier)
    try:
        staging.rename(target)
    except BaseException:
        earlier.rename(target)
        raise
    return earlier


def _remove(directory: Path) -> None:
    """Remove a directory of result files, and nothing that somebody else may have put there."""
    for name in _OURS:
        with contextlib.suppress(OSError):
            (directory / name).unlink()
    with contextlib.suppress(OSError):
        directory.rmdir()
