"""How long each phase took in the last run from the command line, for `ecosim where`; kept beside the compiled rules."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

from ecosim.compilation import cache_directory
from ecosim.runs import Run


class LastRun(NamedTuple):
    """The times of one run.

    Attributes
    ----------
    scenario, seed, steps : which run it was.
    compiled : whether rules were compiled in it, which the times then contain.
    seconds : phase to seconds.
    """

    scenario: str
    seed: int
    steps: int
    compiled: bool
    seconds: dict[str, float]


def keep_times(run: Run, compiled: bool) -> None:
    """Keep the times of a run in place of those of the one before; without a place to keep them, do nothing."""
    path = _path()
    if path is None:
        return
    times = LastRun(run.scenario.name, run.seed, run.steps, compiled, dict(run.phase_seconds))
    with contextlib.suppress(OSError):
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(times._asdict(), file)
        os.replace(temporary, path)


def kept_times() -> LastRun | None:
    """Return the times of the last run, or None if none are kept."""
    path = _path()
    try:
        return None if path is None else LastRun(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _path() -> Path | None:
    directory = cache_directory()
    return None if directory is None else directory / "last-run.json"
