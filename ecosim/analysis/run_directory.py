"""A run's directory read back: the same `Run` that wrote it, checked against the hash that it carries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecosim.parameters import ScenarioError
from ecosim.roles import read_roles
from ecosim.runs import TABLES, OutputError, Run
from ecosim.scenario import scenario_from_dict

if TYPE_CHECKING:
    import pandas as pd

RECORD = "run.json"


def read_run(directory: Path) -> tuple[Run, dict[str, Any]]:
    """Return a run from its directory, and what run.json says of it besides: versions, and how to repeat it.

    Raises
    ------
    OutputError : a file is missing, damaged, or not of this run.
    """
    record = read_record(directory / RECORD)
    tables = {name: _table(directory / f"{name}.parquet") for name in TABLES}
    try:
        agents = tuple(map(str, record["agents"]))
        run = Run(
            scenario=scenario_from_dict(record["scenario"], read_roles(*agents), RECORD), seed=int(record["seed"]),
            steps=int(record["steps"]), agents=agents, **tables, seconds=float(record["seconds"]),
            phase_seconds=dict(record["phase_seconds"]), warnings=tuple(map(str, record["warnings"])),
        )  # fmt: skip
        kept = {"versions": dict(record["versions"]), "repeat": dict(record["repeat"]), "hash": str(record["hash"])}
    except ScenarioError as error:
        raise OutputError(f"{directory / RECORD}: its scenario cannot be read: {error}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise OutputError(f"{directory / RECORD}: is damaged: {_reason(error)}; run the scenario again") from None
    if run.hash != kept["hash"]:
        raise OutputError(
            f"{directory}: its tables are not those that {RECORD} tells of, their hashes differ; run the scenario again"
        )
    return run, kept


def read_record(path: Path) -> dict[str, Any]:
    """Return what a JSON file of a result directory holds.

    Raises
    ------
    OutputError : it cannot be read, or is no JSON object.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OutputError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    except ValueError as error:
        raise OutputError(f"{path}: is damaged: {_reason(error)}; run the scenario again") from None
    if not isinstance(record, dict):
        raise OutputError(f"{path}: is damaged: it holds no table of names and values; run the scenario again")
    return record


def _table(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise OutputError(f"{path}: there is no such file; run the scenario again") from None
    except (OSError, ValueError) as error:  # pyarrow's own errors are of these
        raise OutputError(f"{path}: is damaged: {_reason(error)}; run the scenario again") from None


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]}"
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".").lower()
