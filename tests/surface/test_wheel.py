"""The wheel: one top-level name, all content inside, and a run from wherever it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ecosim
from ecosim.compilation import cache_directory

PROJECT = Path(__file__).parents[2]
CONTENT = ("agents", "scenarios", "dashboards")


def _call(*command: str | Path, **options: Any) -> str:
    """Run a command that must succeed and return what it prints."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the sdist of this checkout and the wheel built from that sdist."""
    directory = tmp_path_factory.mktemp("distributions")
    _call(sys.executable, "-m", "build", "--no-isolation", "--outdir", directory, PROJECT)
    return directory


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> Path:
    """Return the one wheel."""
    (path,) = distributions.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a read-only directory into which the wheel was installed, without its dependencies."""
    directory = tmp_path_factory.mktemp("installed")
    _call(sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", directory, wheel)
    folders = [directory, *(path for path in directory.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    yield directory
    for folder in folders:
        folder.chmod(0o755)


def _content(folder: str) -> set[str]:
    """Name all files of a folder of content, relative to the project."""
    paths = (path for path in (PROJECT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    names = {path.relative_to(PROJECT).as_posix() for path in paths}
    assert names, f"{folder}/ is empty"
    return names


def _run(installed: Path, elsewhere: Path, **environment: str) -> Path:
    """Run four steps of a small scenario with the installed copy, look at the tables and return its compile cache."""
    options = {"cwd": elsewhere, "env": {**os.environ, "PYTHONPATH": str(installed), **environment}}
    names = "import ecosim, ecosim.compilation as c; print(ecosim.__file__, c.cache_directory(), sep='|')"
    imported, cache = _call(sys.executable, "-c", names, **options).strip().split("|")
    assert Path(imported).is_relative_to(installed)
    _call(sys.executable, "-m", "ecosim", "run", "limit-turnover", "--steps", "4", "--out", "tables", **options)
    assert (elsewhere / "tables" / "run.json").is_file()
    assert (elsewhere / "tables" / "metrics.parquet").is_file()
    return Path(cache)


def test_wheel_has_one_top_level_name(wheel: Path) -> None:
    """Installing ecosim can overwrite no other distribution's files: it owns `ecosim` and its metadata, nothing else."""
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"ecosim", f"ecosim-{ecosim.__version__}.dist-info"}


@pytest.mark.parametrize("folder", CONTENT)
def test_wheel_carries_content(wheel: Path, folder: str) -> None:
    """Every role, scenario and page travels inside the package, and no file that is not in the checkout."""
    inside = {name.removeprefix("ecosim/") for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in inside if name.startswith(f"{folder}/")} == _content(folder)


def test_wheel_carries_the_page_of_reports(wheel: Path) -> None:
    """What is no Python in the package travels too: without its template there is no report."""
    assert "ecosim/analysis/templates/report.html" in zipfile.ZipFile(wheel).namelist()


@pytest.mark.parametrize("folder", ["tests", "docs"])
def test_sdist_carries_tests_and_docs(distributions: Path, folder: str) -> None:
    """Who builds from the sdist can run the tests and read the docs."""
    (path,) = distributions.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert _content(folder) <= inside


def test_installed_package_runs_read_only(installed: Path, tmp_path: Path) -> None:
    """An installed copy runs from another directory and writes nothing where it is installed."""
    cache = cache_directory()
    assert cache is not None
    before = {path: path.stat().st_mtime_ns for path in installed.rglob("*")}
    _run(installed, tmp_path, ECOSIM_CACHE_DIR=str(cache))
    assert {path: path.stat().st_mtime_ns for path in installed.rglob("*")} == before


def test_runs_without_a_home(installed: Path, tmp_path: Path) -> None:
    """A user without a writable home can run: the compile cache falls back to the temporary directory."""
    cache = cache_directory()
    assert cache is not None
    # The fallback leads to what other tests have compiled: all of it anew takes a minute.
    fallback = tmp_path / f"ecosim-{os.getuid()}"
    fallback.symlink_to(cache)
    nowhere = dict.fromkeys(("ECOSIM_CACHE_DIR", "HOME", "XDG_CACHE_HOME"), "/proc/nonexistent")
    assert _run(installed, tmp_path, TMPDIR=str(tmp_path), **nowhere) == fallback


def test_command_is_installed() -> None:
    """Installing puts the command `ecosim` beside the interpreter; it starts and lists the shipped scenarios."""
    command = shutil.which("ecosim", path=str(Path(sys.executable).parent))
    assert command is not None
    assert "huawei-ecosystem" in _call(command, "scenarios")
