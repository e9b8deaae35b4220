"""Sweeps that are killed, interrupted, or lose their workers: nothing is lost, nothing is there twice, nobody lives on.

A longer look takes ``KILLS=20 pytest tests/studies/test_sweep_killed.py``.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import psutil
import pytest

import ecosim
from ecosim.studies import store
from ecosim.studies.batch_files import run_files

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the signals are those of POSIX")

Start = Callable[..., contextlib.AbstractContextManager[subprocess.Popen[bytes]]]
Call = Callable[..., subprocess.CompletedProcess[str]]

Cluster = tuple[str, subprocess.Popen[bytes], list[subprocess.Popen[bytes]]]

KILLS = int(os.environ.get("KILLS", "6"))
PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


def _workers(process: psutil.Process) -> list[psutil.Process]:
    """Return the processes that run batches for another."""
    found = []
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if any("spawn_main" in word for word in child.cmdline()):
                found.append(child)
    return found


def _wait_until(what: Callable[[], object], seconds: float) -> bool:
    """Return whether something came true in so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.02)
    return bool(what())


def _finished(out: Path) -> int:
    """Return how many batches are finished."""
    return len(run_files(out)) if (out / "runs").exists() else 0


def _check_files(out: Path) -> None:
    """Check that every run is in exactly one file, and that the directory holds nothing that is half-written."""
    runs = pd.concat([pd.read_parquet(path, columns=["run"]) for path in run_files(out)])["run"]
    assert sorted(runs) == list(range(120))
    assert not [path for path in out.rglob(".*") if path.name != ".lock"]


# A role that waits in each run for as long as the environment says, so that a small study lasts.
WAITER = '''
import os, time

from ecosim import Organisation


def wait(model, rows, parameters):
    if model.step_number == 0:
        time.sleep(float(os.environ.get("SECONDS_TO_WAIT", "0")))


class Waiter(Organisation):
    """Waits."""

    defaults = {"initial": 1}
    rules = {"turn_over": wait}
'''


@pytest.fixture
def lasting_study(tmp_path: Path, small_study_text: str) -> Path:
    """Return a study of 120 runs of which each takes as long as the environment says."""
    (tmp_path / "roles").mkdir()
    (tmp_path / "roles" / "waiter.py").write_text(WAITER, encoding="utf-8")
    text = small_study_text.replace("steps = 6", 'steps = 4\nagents = ["roles"]')
    (tmp_path / "lasting.toml").write_text(text, encoding="utf-8")
    return tmp_path / "lasting.toml"


@pytest.mark.slow
def test_killed_anywhere_it_ends_the_same(
    lasting_study: Path,
    tmp_path: Path,
    start: Start,
    call: Call,
    one: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Twenty times a worker or the whole sweep is killed at a random moment: the end is that of an undisturbed study.

    After the sweep itself was killed, its workers are gone within a few seconds.
    """
    ecosim.sweep(lasting_study, tmp_path / "undisturbed", executor=one)
    monkeypatch.setenv("SECONDS_TO_WAIT", "0.2")
    chance, killed, out, progress = random.Random(7), {"worker": 0, "sweep": 0}, tmp_path / "out", [0]
    while sum(killed.values()) < KILLS:
        workers = chance.choice([1, 2])
        with start(
            "sweep", lasting_study, "--out", out, "--workers", workers, batch=1, stderr=subprocess.DEVNULL
        ) as process:
            sweep = psutil.Process(process.pid)
            if chance.random() < 0.7:  # or it is killed before it has begun
                for _ in range(chance.choice([1, 2, 3])):
                    count = _finished(out) + chance.randint(1, 3)
                    assert _wait_until(lambda count=count: _finished(out) >= count, 60.0)
                    time.sleep(chance.uniform(0.0, 0.05))
                    assert _wait_until(
                        lambda sweep=sweep: _workers(sweep), 60.0
                    )  # one that was killed may not be replaced yet
                    chance.choice(_workers(sweep)).kill()
                    killed["worker"] += 1
            time.sleep(chance.uniform(0.0, 1.5))
            orphans = _workers(sweep)
            process.kill()
            process.wait()
            killed["sweep"] += 1
        assert _wait_until(lambda orphans=orphans: not any(orphan.is_running() for orphan in orphans), 5.0), (
            "one lives on"
        )
        progress.append(_finished(out))
    assert min(killed.values()) >= KILLS // 4
    assert progress == sorted(progress), "what was finished is kept"
    assert 0 < progress[-1] < 120, "it was killed in the middle"
    monkeypatch.setenv("SECONDS_TO_WAIT", "0")
    done = call("sweep", lasting_study, "--out", out, "--workers", 1)
    assert (done.returncode, done.stderr) == (0, "")
    _check_files(out)
    pd.testing.assert_frame_equal(ecosim.read_sweep(out), ecosim.read_sweep(tmp_path / "undisturbed"))


def test_interrupt_finishes_what_is_in_flight(
    study_file: Path, tmp_path: Path, start: Start, call: Call, expected: pd.DataFrame
) -> None:
    """Ctrl-C, which reaches the workers too: status 130, what was begun is there, a sentence says how to go on."""
    out = tmp_path / "out"
    with start("sweep", study_file, "--out", out, "--workers", 2, batch=1, **PIPES, start_new_session=True) as process:
        assert _wait_until(lambda: (out / "runs").exists() and len(run_files(out)) > 2, 60.0)
        os.killpg(process.pid, signal.SIGINT)
        printed, told = process.communicate(timeout=60)
    lines = told.decode().splitlines()
    assert process.returncode == 130
    assert printed == b""
    assert lines[0] == "ecosim: finishing the batches in flight; Ctrl-C again ends at once"
    assert re.fullmatch(r"ecosim: interrupted after \d+ of 120 runs; the same command goes on from there", lines[1])
    count = int(re.findall(r"after (\d+)", lines[1])[0])
    assert 2 < count < 120
    assert len(ecosim.read_sweep(out)) == count
    assert not list((out / "runs").glob(".*"))
    done = call("sweep", study_file, "--out", out, "--workers", 1)
    assert (done.returncode, done.stderr) == (0, "")
    pd.testing.assert_frame_equal(ecosim.read_sweep(out), expected)


# A run that takes a long time, so that a second Ctrl-C comes while it is under way.
SLEEPER = '''
import pathlib, time

from ecosim import Organisation


def sleep(model, rows, parameters):
    pathlib.Path({note!r}).touch()
    time.sleep(60)


class Sleeper(Organisation):
    """Takes its time."""

    defaults = {{"initial": 1}}
    rules = {{"turn_over": sleep}}
'''


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM], ids=["second Ctrl-C", "terminated"])
def test_impatience_ends_it_at_once(
    ending: signal.Signals, small_study_text: str, tmp_path: Path, start: Start
) -> None:
    """A second Ctrl-C, or a request to end, waits for no run, however long: at once the sweep and its workers are gone."""
    (tmp_path / "roles").mkdir()
    note, out = tmp_path / "asleep", tmp_path / "out"
    (tmp_path / "roles" / "sleeper.py").write_text(SLEEPER.format(note=str(note)), encoding="utf-8")
    study = tmp_path / "study.toml"
    study.write_text(small_study_text.replace("steps = 6", 'steps = 1\nagents = ["roles"]'), encoding="utf-8")
    with start("sweep", study, "--out", out, "--workers", 1, **PIPES, start_new_session=True) as process:
        # The trial would sleep too: it is ended by killing its worker, which batches of one run follow.
        assert _wait_until(note.exists, 60.0)
        for worker in _workers(psutil.Process(process.pid)):
            worker.kill()
        note.unlink()
        assert _wait_until(note.exists, 60.0)
        workers = _workers(psutil.Process(process.pid))
        os.killpg(process.pid, signal.SIGINT)
        assert process.stderr is not None
        assert select.select([process.stderr], [], [], 60.0)[0], "it says nothing"
        assert process.stderr.readline().startswith(b"ecosim: finishing the batches in flight")
        begun = time.monotonic()
        os.killpg(process.pid, ending)
        assert process.wait(20) == {signal.SIGINT: 130, signal.SIGTERM: 143}[ending]
        assert time.monotonic() - begun < 10.0
        assert workers
        assert _wait_until(lambda: not any(worker.is_running() for worker in workers), 5.0)
        last = process.stderr.read().decode().splitlines()  # to its end, as nobody is left to write there
    told = ["ecosim: interrupted at once; the same command goes on with what is not finished"]
    assert last == (told if ending == signal.SIGINT else [])
    assert run_files(out) == []


# -- Dask ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Yield the address of a real scheduler, itself, and the keepers of two real workers, all of them processes of their own."""
    pytest.importorskip("distributed")
    note = tmp_path / "scheduler.json"
    place = {"cwd": tmp_path, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    with contextlib.ExitStack() as stack:

        def begin(*arguments: object) -> subprocess.Popen[bytes]:
            process = stack.enter_context(subprocess.Popen([sys.executable, "-m", "dask", *arguments], **place))
            stack.callback(_end, process)
            return process

        scheduler = begin("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", note)
        assert _wait_until(lambda: note.exists() and note.stat().st_size > 0, 60.0)
        address = json.loads(note.read_text(encoding="utf-8"))["address"]
        alone = ("--nworkers", "1", "--nthreads", "1", "--no-dashboard", "--memory-limit", "0")
        yield address, scheduler, [begin("worker", address, *alone) for _ in range(2)]


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.slow
def test_dask_gives_the_same_though_a_worker_is_killed(
    cluster: Cluster, study_file: Path, tmp_path: Path, start: Start, expected: pd.DataFrame
) -> None:
    """On two Dask workers, of which one is killed in the middle, the results are those of this machine's processes."""
    address, _, keepers = cluster
    out = tmp_path / "out"
    with start("sweep", study_file, "--out", out, "--scheduler", address, batch=1, **PIPES) as process:
        assert _wait_until(lambda: (out / "runs").exists() and len(run_files(out)) > 5, 60.0)
        victim = psutil.Process(keepers[0].pid).children()[-1]
        victim.kill()
        at_kill = len(run_files(out))
        printed, told = process.communicate(timeout=120)
    assert at_kill < 120
    assert (process.returncode, told.decode()) == (0, "")
    assert b"120 of 120 done" in printed
    _check_files(out)
    pd.testing.assert_frame_equal(ecosim.read_sweep(out), expected)
    assert store.study_of(out).name == "small"


@pytest.mark.slow
def test_dask_that_goes_away_is_one_sentence(cluster: Cluster, study_file: Path, tmp_path: Path, start: Start) -> None:
    """When scheduler and workers go, status 2 and a sentence; what was finished is kept."""
    address, scheduler, keepers = cluster
    out = tmp_path / "out"
    with start("sweep", study_file, "--out", out, "--scheduler", address, batch=1, **PIPES) as process:
        assert _wait_until(lambda: (out / "runs").exists() and len(run_files(out)) > 2, 60.0)
        for each in (*keepers, scheduler):
            _end(each)
        told = process.communicate(timeout=120)[1]
    assert process.returncode == 2
    lines = told.decode().splitlines()
    assert lines[-1].startswith("ecosim: the workers cannot be reached any more; what was finished is kept")
    assert 2 < len(ecosim.read_sweep(out)) < 120
