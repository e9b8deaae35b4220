"""A run gives the same tables for the same seed, and its result directory is complete or not there at all."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

import ecosim
from ecosim import runs
from ecosim.model import Ecosystem
from ecosim.parameters import ScenarioError
from ecosim.runs import RESULT_FILES, TABLES, OutputError, Run, checked_directory, run
from ecosim.scenario import Scenario, load_scenario


@pytest.fixture(scope="module")
def small(write_world: Callable[..., Path], small_text: str) -> Scenario:
    """Return a world of few organisations."""
    return load_scenario(write_world(small_text, "small"))


@pytest.fixture(scope="module")
def result(small: Scenario) -> Run:
    """Return a run of the small world."""
    return run(small, seed=1, profile=True)


def handmade(small: Scenario, **tables: pd.DataFrame) -> Run:
    """Return a run whose tables are given, empty ones for the rest."""
    empty = {name: pd.DataFrame({"step": np.zeros(0, np.int64)}) for name in TABLES}
    return Run(
        scenario=small, seed=1, steps=2, agents=(), **{**empty, **tables},
        seconds=1.0, phase_seconds={}, warnings=(),
    )  # fmt: skip


TABLE = pd.DataFrame({"step": [0, 1], "event": ["entry", "été"], "value": [0.5, -1.0]})


# -- the run ----------------------------------------------------------------------------------------------------------


def test_tables_are_those_of_the_model(small: Scenario, result: Run) -> None:
    """One call gives what a model of the same seed gives, table by table."""
    model = Ecosystem(small, seed=1).run()
    mine = (model.metrics, model.value, model.by_role, model.flows, model.happened)
    for (name, table), other in zip(result.tables.items(), mine, strict=True):
        pd.testing.assert_frame_equal(table, other, obj=name)
    pd.testing.assert_frame_equal(result.value_shares(), model.value_shares())
    pd.testing.assert_frame_equal(result.value_shares("step"), model.value_shares("step"))


def test_shares_add_to_one(result: Run) -> None:
    """The value of each stage goes to its beneficiaries whole."""
    np.testing.assert_allclose(result.value_shares().sum(axis=1), 1.0, rtol=1e-12)


def test_same_seed_same_hash(small: Scenario, result: Run) -> None:
    """Seeds decide, 0 as well as any other, and None takes one that the result tells."""
    assert run(small, seed=1).hash == result.hash
    assert len({result.hash, run(small, seed=0).hash, run(small, seed=2).hash}) == 3
    drawn = run(small)
    assert run(small, seed=drawn.seed).hash == drawn.hash


def test_run_can_be_repeated_from_its_record(result: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line of Python in run.json, run where run.json lies, gives the same tables."""
    result.write(tmp_path / "first")
    monkeypatch.chdir(tmp_path / "first")
    saved = json.loads(Path("run.json").read_text(encoding="utf-8"))
    scope: dict[str, Any] = {}
    exec(saved["repeat"]["python"], scope)
    assert scope["run"].hash == saved["hash"] == result.hash


@pytest.mark.parametrize("steps", [2, 4, 5, 9])
def test_steps_are_what_is_run(small: Scenario, steps: int) -> None:
    """The given number of quarters is run, be it before an event of the scenario or after its end."""
    other = run(small, seed=1, steps=steps)
    assert other.steps == steps
    assert other.metrics.step.tolist() == list(range(steps))
    late = other.events[(other.events.step == 4) & (other.events.event == "entry")]
    assert (len(late) >= 2) is (steps > 4)


def test_settings_and_rules_left_out_are_in_the_scenario(small: Scenario) -> None:
    """What was changed for a run is part of its scenario, so that the record repeats it."""
    changed = run(small, seed=1, steps=2, parameters={"roles.firm.initial": 5}, without=["turnover", "adoption"])
    assert changed.roles["count"][0] == 5
    assert changed.scenario.get("roles.firm.initial") == 5
    assert [rule for rule, on in changed.scenario.rules.items() if not on] == ["adoption", "turnover"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"steps": 0}, "run: steps is 0, which is too low; give a whole number from 1 to 100_000 (quarters)"),
        ({"steps": 2.5}, "run: steps is 2.5 (a decimal number); give a whole number from 1 to 100_000 (quarters)"),
        ({"without": ["trsut"]}, "without: there is no rule 'trsut'; did you mean 'trust'?"),
        ({"parameters": {"environment.drift": 9.0}}, "parameters: environment.drift is 9.0, which is too high"),
        ({"seed": -1}, "seed is -1; valid is a whole number from 0 to 2**63 - 1"),
    ],
)
def test_wrong_arguments_give_one_sentence(small: Scenario, arguments: dict[str, Any], sentence: str) -> None:
    """Nothing is run on arguments that are not as they should be."""
    with pytest.raises(ScenarioError) as error:
        run(small, **{"seed": 1, **arguments})
    assert str(error.value).startswith(sentence)


def test_progress_is_told_quarter_by_quarter(small: Scenario) -> None:
    """Whoever shows progress hears of each quarter, done and in all."""
    told: list[tuple[int, int]] = []
    run(small, seed=1, steps=3, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


# -- the hash ---------------------------------------------------------------------------------------------------------


def test_hash_is_that_of_names_types_and_values(small: Scenario) -> None:
    """The hash is what its docstring says, written out here for one table."""
    content = b""
    for table in TABLES:
        if table != "events":
            content += json.dumps([table, "step", "int64", 0]).encode()
    content += b'["events", "step", "int64", 2]' + np.array([0, 1], "<i8").tobytes()
    content += b'["events", "event", "text", 2]' + np.array([5, 3], "<i8").tobytes() + "entryété".encode()
    content += b'["events", "value", "float64", 2]' + np.array([0.5, -1.0], "<f8").tobytes()
    assert handmade(small, events=TABLE).hash == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    "same",
    [
        lambda table: table.copy(),
        lambda table: table.astype({"step": np.int32}),
        lambda table: table.astype({"event": object}),
        lambda table: table.set_axis([7, 9], axis=0),
    ],
    ids=["copy", "narrow integers", "texts as objects", "other index"],
)
def test_hash_does_not_hang_on_a_library(small: Scenario, same: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """How pandas happens to hold the same values does not change the hash."""
    assert handmade(small, events=same(TABLE)).hash == handmade(small, events=TABLE).hash


@pytest.mark.parametrize(
    "other",
    [
        lambda table: table.assign(value=[0.5, np.nextafter(-1.0, 0.0)]),
        lambda table: table.assign(event=["entryé", "té"]),
        lambda table: table.rename(columns={"value": "volume"}),
        lambda table: table[["event", "step", "value"]],
        lambda table: table.iloc[::-1],
        lambda table: table.astype({"step": float}),
        lambda table: table.iloc[:1],
    ],
    ids=["last bit", "where texts part", "column name", "order of columns", "order of rows", "type", "rows"],
)
def test_any_difference_changes_the_hash(small: Scenario, other: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Equal hashes mean equal tables."""
    assert handmade(small, events=other(TABLE)).hash != handmade(small, events=TABLE).hash


# -- the files --------------------------------------------------------------------------------------------------------


def content_of(directory: Path) -> dict[str, bytes]:
    """Return all files under a directory, hidden ones too."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def test_files_hold_the_tables(result: Run, tmp_path: Path) -> None:
    """Reading the files gives the tables back, and nothing but the tables is in them."""
    result.write(tmp_path / "new" / "first")
    assert set(content_of(tmp_path)) == {f"new/first/{name}" for name in RESULT_FILES}
    for name, table in result.tables.items():
        path = tmp_path / "new" / "first" / f"{name}.parquet"
        pd.testing.assert_frame_equal(pd.read_parquet(path), table, obj=name)
        assert set(parquet.read_metadata(path).metadata or {}) <= {b"ARROW:schema"}


def test_same_run_gives_the_same_bytes(small: Scenario, result: Run, tmp_path: Path) -> None:
    """Identical runs write identical tables, whenever and wherever they do."""
    result.write(tmp_path / "first")
    run(small, seed=1).write(tmp_path / "second")
    first, second = content_of(tmp_path / "first"), content_of(tmp_path / "second")
    differing = {name for name in first if first[name] != second[name]}
    assert differing <= {"run.json"}


def test_record_tells_how_the_run_came_about(result: Run, tmp_path: Path) -> None:
    """run.json holds the resolved scenario, seed, versions, wall time, hash, warnings and the way to repeat the run."""
    result.write(tmp_path / "first", command="ecosim run small.toml --seed 1")
    saved = json.loads((tmp_path / "first" / "run.json").read_text(encoding="utf-8"))
    assert saved["scenario"] == result.scenario.as_dict()
    assert (saved["seed"], saved["steps"], saved["hash"]) == (1, 8, result.hash)
    assert saved["seconds"] == result.seconds > sum(saved["phase_seconds"].values()) > 0.0
    assert set(saved["versions"]) == {"ecosim", "python", "numpy", "numba", "mesa", "pandas", "pyarrow"}
    assert saved["versions"]["ecosim"] == ecosim.__version__
    assert saved["repeat"]["command"] == "ecosim run small.toml --seed 1"
    assert saved["warnings"] == []


def test_earlier_result_is_replaced(result: Run, tmp_path: Path) -> None:
    """A second run into the same directory leaves its own files there and nothing of the first."""
    target = tmp_path / "first"
    result.write(target)
    (target / "flows.parquet").unlink()
    (target / "metrics.parquet").write_text("old")
    result.write(target)
    assert set(content_of(tmp_path)) == {f"first/{name}" for name in RESULT_FILES}
    assert parquet.read_metadata(target / "metrics.parquet").num_rows == 8


def test_link_leads_to_the_directory(result: Run, tmp_path: Path) -> None:
    """Results go where a link leads, and the link stays."""
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "far")
    result.write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert set(content_of(tmp_path / "far")) == set(RESULT_FILES)


def _with_thesis(place: Path) -> Path:
    (place / "first").mkdir()
    (place / "first" / "run.json").write_text("{}")
    (place / "first" / "thesis.doc").write_text("years of work")
    return place / "first"


def _with_folder(place: Path) -> Path:
    (place / "first" / "metrics.parquet").mkdir(parents=True)
    (place / "first" / "metrics.parquet" / "part").write_text("by Spark")
    return place / "first"


def _file(place: Path) -> Path:
    (place / "first").write_text("a file")
    return place / "first"


@pytest.mark.parametrize(
    ("make", "finding"),
    [
        (_with_thesis, "holds 'thesis.doc', which is no result of a run; give a new or an empty directory"),
        (_with_folder, "holds 'metrics.parquet', which is no result of a run; give a new or an empty directory"),
        (_file, "is a file; give the name of a directory"),
        (lambda place: _file(place) / "below", "cannot be written: not a directory; give a directory that can"),
        (lambda place: place / ("x" * 300), "cannot be written: file name too long; give a directory that can"),
        (lambda place: place, "is the directory you are in; give one of its own, such as results/first"),
        (lambda place: place.parent, "is the directory you are in; give one of its own, such as results/first"),
    ],
    ids=["foreign file", "foreign folder", "file", "below a file", "long name", "here", "above"],
)
def test_what_is_not_ours_is_never_touched(
    make: Callable[[Path], Path], finding: str, result: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory that results cannot take the place of is refused in one sentence, and stays as it is."""
    monkeypatch.chdir(tmp_path)
    target = make(tmp_path)
    before = content_of(tmp_path)
    for refuse in (lambda: checked_directory(target), lambda: result.write(target)):
        with pytest.raises(OutputError) as error:
            refuse()
        assert str(error.value) == f"{target}: {finding}"
    assert content_of(tmp_path) == before


# -- what goes wrong while writing ------------------------------------------------------------------------------------


@contextlib.contextmanager
def going_wrong_in(
    monkeypatch: pytest.MonkeyPatch, function: str, call: int, trouble: Callable[[], None]
) -> Iterator[None]:
    """Let something happen after a certain call of a function of `ecosim.runs` has done its work."""
    original, calls = getattr(runs, function), iter(range(100))

    def disturbed(*arguments: Any) -> Any:
        result = original(*arguments)
        if next(calls) == call:
            trouble()
        return result

    with monkeypatch.context() as patch:
        patch.setattr(runs, function, disturbed)
        yield


def full_disk() -> None:
    """Fail as the system does on a full disk."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def request(number: signal.Signals) -> Callable[[], None]:
    """Return what asks this process to end."""
    return lambda: signal.raise_signal(number)


@pytest.fixture
def requests_raise() -> Iterator[None]:
    """Let SIGTERM raise, as the command line lets it, instead of ending the tests."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(143)

    before = signal.signal(signal.SIGTERM, leave)
    yield
    signal.signal(signal.SIGTERM, before)


TROUBLES = [
    (full_disk, OutputError), (request(signal.SIGINT), KeyboardInterrupt), (request(signal.SIGTERM), SystemExit),
]  # fmt: skip


@pytest.mark.usefixtures("requests_raise")
@pytest.mark.parametrize(("trouble", "raised"), TROUBLES, ids=["disk full", "Ctrl-C", "terminated"])
@pytest.mark.parametrize("call", [0, 4])
@pytest.mark.parametrize("earlier", [False, True], ids=["new directory", "over an earlier result"])
def test_unfinished_result_leaves_nothing(
    trouble: Callable[[], None], raised: type[BaseException], call: int, earlier: bool,
    result: Run, small: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Trouble between the first and the last table leaves no file and no directory, and an earlier result as it was."""
    target = tmp_path / "new" / "first"
    if earlier:
        run(small, seed=2).write(target)
    before = content_of(tmp_path)
    with going_wrong_in(monkeypatch, "_write_table", call, trouble), pytest.raises(raised):
        result.write(target)
    assert content_of(tmp_path) == before
    assert sorted(tmp_path.iterdir()) == ([tmp_path / "new"] if earlier else [])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("requests_raise")
@pytest.mark.parametrize(("trouble", "raised"), TROUBLES[1:], ids=["Ctrl-C", "terminated"])
def test_request_after_the_last_file_comes_too_late(
    trouble: Callable[[], None], raised: type[BaseException], result: Run, small: Scenario, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Once the directory is in place it is complete; the request is obeyed after that."""
    run(small, seed=2).write(tmp_path / "first")
    with going_wrong_in(monkeypatch, "_put_in_place", 0, trouble), pytest.raises(raised):
        result.write(tmp_path / "first")
    assert set(content_of(tmp_path)) == {f"first/{name}" for name in RESULT_FILES}
    assert json.loads((tmp_path / "first" / "run.json").read_text(encoding="utf-8"))["hash"] == result.hash


def test_earlier_result_comes_back_when_renaming_fails(
    result: Run, small: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last rename is the moment of change: if it fails, the earlier result is there again."""
    run(small, seed=2).write(tmp_path / "first")
    before = content_of(tmp_path)
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if (self / "run.json").exists() and self.name != "first" and "earlier" not in self.name:
            full_disk()
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OutputError, match="cannot be written: no space left on device"):
        result.write(tmp_path / "first")
    assert content_of(tmp_path) == before


def test_ignored_signal_does_not_stop_the_writing(result: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was told to ignore Ctrl-C, as by nohup for its signal, writes on."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with going_wrong_in(monkeypatch, "_write_table", 0, request(signal.SIGINT)):
            result.write(tmp_path / "first")
    finally:
        signal.signal(signal.SIGINT, before)
    assert set(content_of(tmp_path)) == {f"first/{name}" for name in RESULT_FILES}


def test_writing_works_outside_the_main_thread(result: Run, tmp_path: Path) -> None:
    """A thread, which cannot hold signals, writes too."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        pool.submit(result.write, tmp_path / "first").result()
    assert set(content_of(tmp_path)) == {f"first/{name}" for name in RESULT_FILES}


def test_run_is_frozen(result: Run) -> None:
    """A result cannot be changed by mistake."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.seed = 2  # type: ignore[misc]


def test_hash_is_the_same_in_another_process(
    small_text: str, result: Run, tmp_path: Path, write_world: Callable[..., Path]
) -> None:
    """Nothing of a process, such as the order of its sets, gets into the tables."""
    write_world(small_text, "small", tmp_path)
    code = "import ecosim; print(ecosim.run('small.toml', seed=1).hash)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONHASHSEED": "7"}, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip() == result.hash
