"""What tests of sweeps share: a small study, and the command line as real processes."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import ecosim
from ecosim import cli
from ecosim.studies import plan
from ecosim.terminal import COMPILING

# Four points, thirty runs of each, a hundredth of a second a run.
SMALL_STUDY = """
title = "Small study"
scenarios = ["limit-turnover"]
steps = 6
[design]
kind = "factorial"
[replicates]
count = 30
[[factors]]
path = "roles.firm.capacity"
name = "room"
levels = [20.0, 60.0]
[[factors]]
path = "roles.firm.growth_rate"
levels = [0.01, 0.2]
[outcomes]
members = { measure = "organisations" }
most = { measure = "organisations", summary = "highest" }
"""

# The command line with batches of a few runs each, so that a small study has many.
SHORT_BATCHES = "from ecosim.studies import plan; plan.MOST_IN_BATCH = {size}; from ecosim.cli import main; main()"

Call = Callable[..., subprocess.CompletedProcess[str]]
Called = Callable[..., tuple[int, str, str]]
Start = Callable[..., contextlib.AbstractContextManager[subprocess.Popen[bytes]]]


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    """Return the file of the small study."""
    path = tmp_path / "small.toml"
    path.write_text(SMALL_STUDY, encoding="utf-8")
    return path


@pytest.fixture
def write_study(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that writes a study's text into a file and returns its path."""

    def write(text: str, name: str = "study") -> Path:
        path = tmp_path / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def small_study_text() -> str:
    """Return the text of the small study."""
    return SMALL_STUDY


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of the small study, run undisturbed in this process; copy it before you change it."""
    place = tmp_path_factory.mktemp("finished")
    (place / "small.toml").write_text(SMALL_STUDY, encoding="utf-8")
    with ThreadPoolExecutor(1) as one, pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "MOST_IN_BATCH", 7)
        result = ecosim.sweep(place / "small.toml", place / "out", executor=one)
    assert (result.done, result.failed, result.total) == (120, 0, 120)
    return place / "out"


@pytest.fixture(scope="session")
def expected(finished: Path) -> pd.DataFrame:
    """Return the results of the small study, run undisturbed."""
    return ecosim.read_sweep(finished)


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """Return a copy of the directory of the small study, all of it run."""
    return Path(shutil.copytree(finished, tmp_path / "copied"))


@pytest.fixture(scope="session")
def one() -> Iterator[ThreadPoolExecutor]:
    """Return an executor of one thread, which takes no time to start."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


def _command(arguments: tuple[Any, ...], batch: int | None) -> list[str]:
    start = ["-m", "ecosim"] if batch is None else ["-c", SHORT_BATCHES.format(size=batch)]
    return [sys.executable, *start, *map(str, arguments)]


def _environment() -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "CLICOLOR_FORCE")}
    return {**ours, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="session")
def call() -> Call:
    """Return a function that runs the command line to its end; `batch` is the most runs that a batch may have."""

    def run(*arguments: Any, batch: int | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            _command(arguments, batch),
            check=False,
            capture_output=True,
            encoding="utf-8",
            env=_environment(),
            timeout=300,
            **options,
        )
        done.stderr = done.stderr.replace(f"{COMPILING}\n", "")
        return done

    return run


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Called:
    """Return a function that runs the command line in this process and returns its status, what it printed and what it said on stderr."""

    def run(*arguments: Any) -> tuple[int, str, str]:
        monkeypatch.chdir(tmp_path)
        printed, told = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(told), pytest.raises(SystemExit) as end:
            cli.main([str(argument) for argument in arguments])
        printed.seek(0)
        told.seek(0)
        return int(end.value.code or 0), printed.read(), told.read()

    return run


@pytest.fixture(scope="session")
def start() -> Start:
    """Return a function that starts the command line as a process; it is killed at the end if it is still there."""

    @contextlib.contextmanager
    def begin(*arguments: Any, batch: int | None = None, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
        with subprocess.Popen(_command(arguments, batch), env=_environment(), **options) as process:
            try:
                yield process
            finally:
                process.kill()

    return begin
