"""The directory of a calibration: what it fits, the database of its generations, and its tables when it is finished."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecosim.analysis.calibration_file import Calibration, calibration_from_dict
from ecosim.runs import OutputError, library_versions
from ecosim.studies.model_code import check_code, model_code
from ecosim.studies.study_record import check_same_tree, digest_of, plain
from ecosim.studies.whole_files import UNFINISHED, whole_file

if TYPE_CHECKING:
    import pandas as pd

FILE, RESULT, DATABASE, FAILURES, LOCK = "calibration.json", "result.json", "generations.db", "failures.jsonl", ".lock"
_FORMAT = 1  # of calibration.json and of the files beside it


@dataclass(frozen=True)
class CalibrationStore:
    """The files of one calibration."""

    directory: Path

    @classmethod
    @contextlib.contextmanager
    def opened(cls, directory: Path, calibration: Calibration) -> Iterator[CalibrationStore]:
        """Yield the store of a calibration, new or begun before, for this process alone.

        Raises
        ------
        OutputError : the directory holds something else, cannot be written, or another process works in it.
        ScenarioError : another calibration, or other model code, began in it.
        """
        from filelock import FileLock, Timeout

        store = cls(directory)
        try:
            store._check_replaceable()
            directory.mkdir(parents=True, exist_ok=True)
            lock = FileLock(directory / LOCK, timeout=0)
            lock.acquire()
        except Timeout:
            raise OutputError(
                f"{directory}: another process calibrates there; wait for it, or give a new directory"
            ) from None
        except OutputError:
            raise
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise OutputError(f"{directory}: cannot be written: {reason}; give a directory that can") from None
        try:
            for path in directory.glob(f".*{UNFINISHED}"):  # of processes that were killed while they wrote
                path.unlink()
            store._begin(calibration)
            yield store
        finally:
            lock.release()

    @classmethod
    def found(cls, directory: Path) -> CalibrationStore:
        """Return the store of a directory in which a calibration was begun.

        Raises
        ------
        OutputError : there is none.
        """
        if not (directory / FILE).is_file():
            raise OutputError(f"{directory}: holds no calibration, there is no {FILE}; give the directory of one")
        return cls(directory)

    @property
    def database(self) -> Path:
        """The file in which the generations are kept."""
        return self.directory / DATABASE

    def calibration(self) -> Calibration:
        """Return the calibration that the directory belongs to."""
        return calibration_from_dict(self.record()["calibration"], str(self.directory / FILE))

    def record(self) -> dict[str, Any]:
        """Return what calibration.json holds: format, digest, versions, code, calibration."""
        record = self._json(FILE)
        if record.get("format") != _FORMAT or digest_of(record.get("calibration", {})) != record.get("digest"):
            raise OutputError(
                f"{self.directory / FILE}: is damaged, or of another version of ecosim; give a new directory to begin anew"
            )
        return record

    def ended(self) -> str | None:
        """Return why the fit ended, None if it has not."""
        return str(self.result()["ended"]) if (self.directory / RESULT).exists() else None

    def result(self) -> dict[str, Any]:
        """Return how the fit ended: why, how many runs failed, and the versions that it ended with."""
        if not (self.directory / RESULT).exists():
            raise OutputError(
                f"{self.directory}: its calibration is not finished; give the same 'ecosim calibrate' command to go on"
            )
        return self._json(RESULT)

    def end(self, ended: str) -> None:
        """Write that the fit has ended; the last file to be written."""
        tree = {"ended": ended, "failed": len(self.failures()), "versions": library_versions()}
        self._write(RESULT, json.dumps(tree, indent=1) + "\n")

    def table(self, name: str) -> pd.DataFrame:
        """Return one of the tables of a finished fit."""
        import pandas as pd

        path = self.directory / f"{name}.parquet"
        try:
            return pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise OutputError(
                f"{path}: cannot be read: {_first_line(error)}; delete {RESULT} to have it written again"
            ) from None

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """Write one of the tables."""
        import pyarrow
        from pyarrow import parquet

        with whole_file(self.directory / f"{name}.parquet") as file:
            parquet.write_table(pyarrow.Table.from_pandas(table, preserve_index=False), file)

    def failures(self) -> list[dict[str, Any]]:
        """Return the runs that broke off: generation (-1 for predictions), seed, error, and the command that repeats it."""
        path = self.directory / FAILURES
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def add_failures(self, generation: int, failures: Sequence[Mapping[str, Any]]) -> None:
        """Add the runs of a generation that broke off, in place of those of an attempt at it that was not finished."""
        kept = [row for row in self.failures() if row["generation"] != generation]
        rows = [*kept, *({"generation": generation, **failure} for failure in failures)]
        if rows != self.failures():
            self._write(FAILURES, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))

    def _check_replaceable(self) -> None:
        if self.directory.exists() and not self.directory.is_dir():
            raise OutputError(f"{self.directory}: is a file; give the name of a directory")
        names = sorted(os.listdir(self.directory)) if self.directory.exists() else []
        foreign = [name for name in names if name != LOCK]
        if foreign and FILE not in names:
            raise OutputError(
                f"{self.directory}: holds {foreign[0]!r}, and is no directory of a calibration; give a new or an empty directory"
            )

    def _begin(self, calibration: Calibration) -> None:
        """Write what the directory belongs to, or check that it is this calibration."""
        tree = plain(calibration.as_dict())
        if not (self.directory / FILE).exists():
            begun = {
                "format": _FORMAT, "digest": digest_of(tree), "versions": library_versions(),
                "code": model_code(calibration.agents), "calibration": tree,
            }  # fmt: skip
            self._write(FILE, json.dumps(begun, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
            return
        record = self.record()
        check_same_tree(record["calibration"], tree, str(self.directory), "calibration", "file")
        if self.ended() is None:
            check_code(record["code"], calibration.agents, str(self.directory))

    def _json(self, name: str) -> dict[str, Any]:
        path = self.directory / name
        try:
            tree = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise OutputError(f"{path}: cannot be read: {_first_line(error)}") from None
        if not isinstance(tree, dict):
            raise OutputError(f"{path}: is damaged: it holds no table")
        return tree

    def _write(self, name: str, text: str) -> None:
        with whole_file(self.directory / name) as file:
            file.write(text.encode())


def _first_line(error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error)
    return reason.splitlines()[0].lower() if reason else type(error).__name__
