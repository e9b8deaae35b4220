"""The directory of a sweep: who may write to it, what it holds already, what does not belong there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from ecosim.runs import OutputError
from ecosim.studies.batch_files import (
    EVENTS,
    RUNS,
    SERIES,
    ForeignFileError,
    batch_file,
    batch_of,
    check_whole,
    set_aside,
)
from ecosim.studies.study_record import FILE, StudyRecord
from ecosim.studies.whole_files import UNFINISHED
from ecosim.studies.worker import UNDER_WAY

LOCK = ".lock"
_SYSTEM = ("lost+found",)  # what an empty disk holds


@contextlib.contextmanager
def locked(out: str | Path) -> Iterator[Path]:
    """Yield the full path of a directory that nobody else writes a sweep to; one that stays empty is removed again.

    Raises
    ------
    OutputError : it holds something else, cannot be written, or another sweep is under way in it.
    """
    try:
        directory = Path(os.path.abspath(out))  # links stay: other machines may see the place by this path only
        check_usable(out, directory)
        new = [path for path in (directory, *directory.parents) if not path.exists()]
    except OutputError:
        raise
    except (OSError, ValueError) as error:
        raise _unwritable(out, error) from None
    try:
        with _lock_held(out, directory):
            yield directory
    finally:
        for path in new:
            with contextlib.suppress(OSError):
                path.rmdir()


@contextlib.contextmanager
def _lock_held(out: str | Path, directory: Path) -> Iterator[None]:
    lock = FileLock(directory / LOCK)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise OutputError(f"{out}: another sweep is writing there; wait for it, or give another directory") from None
    except OSError as error:
        raise _unwritable(out, error) from None
    try:
        yield
    finally:
        lock.release()
        if not (directory / FILE).exists():
            (directory / LOCK).unlink(missing_ok=True)


def check_usable(out: str | Path, directory: Path) -> None:
    """Refuse a path that is no directory, or one with something else than a sweep in it."""
    if not directory.exists():
        return
    if not directory.is_dir():
        raise OutputError(f"{out}: is a file; give the name of a directory")
    if not (directory / FILE).exists():
        foreign = sorted(
            path.name for path in directory.iterdir() if not path.name.startswith(".") and path.name not in _SYSTEM
        )
        if foreign:
            raise OutputError(f"{out}: holds {foreign[0]!r}, which is no sweep; give a new or an empty directory")


def _unwritable(out: str | Path, error: Exception) -> OutputError:
    reason = (getattr(error, "strerror", None) or str(error)).lower()
    return OutputError(f"{out}: cannot be written: {reason}; give a directory that can")


def make_folders(directory: Path, kept: tuple[str, ...]) -> None:
    """Make the folders of results."""
    for folder in (RUNS, *kept):
        (directory / folder).mkdir(exist_ok=True)


@contextlib.contextmanager
def tidied(directory: Path) -> Iterator[None]:
    """Remove, before and after, what killed processes left half-written in a directory of a sweep."""

    def tidy() -> None:
        for place in (directory, *(directory / folder for folder in (RUNS, SERIES, EVENTS))):
            for path in (*place.glob(f".*{UNFINISHED}"), *place.glob(f".*{UNDER_WAY}")):
                with contextlib.suppress(OSError):
                    path.unlink()

    tidy()
    try:
        yield
    finally:
        tidy()


def finished_batches(
    directory: Path, record: StudyRecord, kept: tuple[str, ...], told: Callable[[str], None]
) -> dict[int, int]:
    """Return each batch that is done, with how many of its runs failed; set aside what does not belong there.

    Parameters
    ----------
    kept : those of series and events that the study keeps.
    told : called with a sentence for each file that is set aside.
    """
    done: dict[int, int] = {}
    for path in sorted((directory / RUNS).iterdir()):
        if path.name.startswith("."):
            continue
        batch = batch_of(path)
        try:
            if batch is None or batch >= record.batches:
                raise ForeignFileError(f"{path}: is no file of results")
            done[batch] = check_whole(path, record.digest)
        except ForeignFileError as error:
            told(
                f"{error}; it was moved to {set_aside(directory, path)}{'' if batch is None else ', and its runs are run again'}"
            )
    for folder in kept:
        for batch in list(done):
            path = batch_file(directory, folder, batch)
            try:
                check_whole(path, record.digest)
            except ForeignFileError as error:
                if path.exists():
                    told(f"{error}; it was moved to {set_aside(directory, path)}, and its runs are run again")
                del done[batch]
    return done
