"""The studies that a visitor may open, and what each of them found, analysed once for all visitors."""

from __future__ import annotations

import functools
import json
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import ecosim
from ecosim import serving
from ecosim.content import content_directory
from ecosim.parameters import ScenarioError
from ecosim.studies.batch_files import RUNS
from ecosim.studies.store import study_of
from ecosim.studies.study_record import FILE
from parts import session

if TYPE_CHECKING:
    from ecosim.analysis.analyse import Analysis

MOST_STUDIES = 200
# An absolute path in a sentence; what is kept of it is its last part.
_PATH = re.compile(r"(?<![\w./])/(?:[^\s/:;,'\"]+/)*([^\s/:;,'\"]+)")
# Analyses take the whole machine for seconds: of a class that opens the same study one waits for the other.
_one_at_a_time = threading.Lock()


def studies() -> dict[str, Path]:
    """Return the studies that may be opened, by name: those below the directory of the server, and those that ship."""
    found: dict[str, Path] = {}
    own, examples = serving.serving.studies, content_directory("dashboards") / "studies"
    for root in (own, examples):
        if root is not None and root.is_dir():
            # Of the examples the simpler one is the last in the alphabet.
            for record in sorted(root.rglob(FILE), reverse=root == examples)[:MOST_STUDIES]:
                place = record.parent
                found.setdefault(place.relative_to(root).as_posix() if place != root else root.resolve().name, place)
    return found


def title_of(place: Path) -> str:
    """Return the title of a study; empty if it has none, or its record cannot be read."""
    try:
        title = json.loads((place / FILE).read_text(encoding="utf-8"))["study"]["title"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return title if isinstance(title, str) else ""


def read(place: Path, outcome: str = "") -> Analysis | str:
    """Return what a study found so far of an outcome, or a sentence on why there is nothing to show.

    Parameters
    ----------
    outcome : one of the study's; the first unless given. Each is analysed when somebody asks for it, since of ten thousand
        runs in a Sobol design each takes more than a second.
    """
    try:
        with _one_at_a_time:
            return _analysed(place, outcome, _stamp(place))
    except (OSError, ScenarioError, ValueError) as error:
        return told(place, error)


def told(place: Path, error: BaseException) -> str:
    """Return in a sentence what is wrong with a study, without a path of this machine."""
    return without_paths(place, session.sentence_of(error))


def without_paths(place: Path, sentence: str) -> str:
    """Return a sentence with the names of directories and files in place of their paths."""
    return _PATH.sub(r"\1", sentence.replace(str(place), place.name))


@functools.lru_cache(maxsize=24)
def _analysed(place: Path, outcome: str, stamp: tuple[int, ...]) -> Analysis:
    """Analyse an outcome of a study, anew whenever the stamp of its files is another."""
    return ecosim.analyse(place, outcomes=[outcome or study_of(place).outcomes[0].name])


def _stamp(place: Path) -> tuple[int, ...]:
    """Return numbers that change when the files of a study do."""
    files = [file.stat() for file in (place / FILE, *sorted((place / RUNS).glob("*.parquet"))) if file.exists()]
    return (len(files), *(number for file in files[:1] for number in (file.st_mtime_ns, file.st_size)),
            max((file.st_mtime_ns for file in files), default=0), sum(file.st_size for file in files))  # fmt: skip
