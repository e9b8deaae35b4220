"""What study.json holds: the study a directory belongs to, the code and the libraries it began with, and its batches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ecosim.parameters import ScenarioError
from ecosim.runs import OutputError, library_versions
from ecosim.shapes import described, dotted
from ecosim.studies.model_code import check_code, model_code
from ecosim.studies.plan import Plan
from ecosim.studies.study import Study, study_from_dict
from ecosim.studies.whole_files import whole_file

FILE = "study.json"
_LABELS = ("name", "title", "question")  # of a study or a calibration; they may change without making it another one
_FORMAT = 1  # of study.json and of the tables beside it


@dataclass(frozen=True)
class StudyRecord:
    """A study as its directory keeps it.

    Attributes
    ----------
    format : number of the form of the directory's files.
    digest : of the study; every file of results carries it.
    points, runs, batches : how many there can be.
    size : runs of a batch.
    versions : of the libraries that it began with.
    code : file of the model to the digest of its text.
    study : as `Study.as_dict` gives it.
    """

    format: int
    digest: str
    points: int
    runs: int
    batches: int
    size: int
    versions: Mapping[str, str]
    code: Mapping[str, str]
    study: Mapping[str, Any]

    def load(self) -> Study:
        """Return the study."""
        return study_from_dict(self.study)

    def write(self, directory: Path) -> None:
        """Write study.json."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1, allow_nan=False)
        with whole_file(directory / FILE) as file:
            file.write(text.encode() + b"\n")

    def check_same(self, study: Study, place: str) -> None:
        """Refuse a study, or model code, other than what the directory began with.

        Raises
        ------
        ScenarioError : with the first setting that differs and both values, or the file of code that changed.
        """
        check_same_tree(self.study, plain(study.as_dict()), place, "study", "study")
        check_code(self.code, study.agents, place)

    def other_versions(self) -> str:
        """Return which libraries are others than those the study began with, as a part of a sentence; empty if none."""
        now = library_versions()
        return ", ".join(
            f"{name} {now.get(name)} instead of {version}" for name, version in self.versions.items() if now.get(name) != version
        )  # fmt: skip


_MISSING = object()


def record_of(study: Study, plan: Plan) -> StudyRecord:
    """Return the record of a study that is to begin."""
    tree = plain(study.as_dict())
    return StudyRecord(
        format=_FORMAT, digest=digest_of(tree), points=plan.points, runs=plan.runs, batches=plan.batches, size=plan.size,
        versions=library_versions(), code=model_code(study.agents), study=tree,
    )  # fmt: skip


def read_record(directory: Path) -> StudyRecord:
    """Return what study.json of a directory holds.

    Raises
    ------
    OutputError : there is none, or it cannot be read.
    """
    path = directory / FILE
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        record = StudyRecord(**tree)
        if record.format != _FORMAT or digest_of(record.study) != record.digest:
            raise ValueError
    except FileNotFoundError:
        raise OutputError(f"{directory}: holds no study, there is no {FILE}; give the directory of a sweep") from None
    except OSError as error:
        raise OutputError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    except (ValueError, TypeError):
        raise OutputError(
            f"{path}: is damaged, or of another version of ecosim; give a new directory to begin anew"
        ) from None
    return record


def digest_of(tree: Mapping[str, Any]) -> str:
    """Return the digest of a study in the form of a tree, without its labels."""
    text = json.dumps(_substance(tree), sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def plain(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study or a calibration in the form of a tree as it comes back from JSON."""
    again: dict[str, Any] = json.loads(json.dumps(tree, allow_nan=False))
    return again


def check_same_tree(before: Mapping[str, Any], now: Mapping[str, Any], place: str, kind: str, given: str) -> None:
    """Refuse a study or a calibration that is not what a directory began with; labels may differ.

    Parameters
    ----------
    place : stands in the error.
    kind : what it is.
    given : what is to be given again.

    Raises
    ------
    ScenarioError : with the first setting that differs and both values.
    """
    found = _difference(_substance(before), _substance(now))
    if found is not None:
        keys, was, is_now = found
        raise ScenarioError(
            f"{place}: belongs to another {kind}: {dotted(keys)} was {_shown(was)} and is {_shown(is_now)} now; "
            f"give the same {given}, or a new directory"
        )


def _substance(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in tree.items() if key not in _LABELS}


def _difference(
    before: Any, now: Any, keys: tuple[str | int, ...] = ()
) -> tuple[tuple[str | int, ...], Any, Any] | None:
    """Return where two trees first differ, and what either has there."""
    pairs: list[tuple[str | int, Any, Any]]
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        pairs = [(key, before.get(key, _MISSING), now.get(key, _MISSING)) for key in dict.fromkeys([*before, *now])]
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = [(place, one, other) for place, (one, other) in enumerate(zip(before, now, strict=True))]
    else:
        return None if before == now and type(before) is type(now) else (keys, before, now)
    return next(filter(None, (_difference(one, other, (*keys, key)) for key, one, other in pairs)), None)


def _shown(value: Any) -> str:
    """Return a value of such a tree in plain words."""
    if value is _MISSING:
        return "not there"
    return f"a list of {len(value)}" if isinstance(value, list) else described(value)
