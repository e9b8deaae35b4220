"""Tables on the page of a study: which rows tell of an outcome, and how they come to the browser."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ecosim.analysis.analyse import Analysis
from parts.study_words import Wording
from parts.texts import text

if TYPE_CHECKING:
    import pandas as pd

Section = dict[str, Any]
Row = dict[str, Any]


def rows_on(analysis: Analysis, table: str, outcome: str) -> pd.DataFrame | None:
    """Return the rows on an outcome of a table; None if there are none."""
    found = analysis.tables.get(table)
    found = None if found is None else found[found["outcome"] == outcome]
    return None if found is None or found.empty else found


def records(table: pd.DataFrame) -> list[Row]:
    """Return the rows of a table, each a mapping from its columns."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def finite(value: Any) -> float | None:
    """Return a number as JSON takes it: what is none becomes null."""
    return float(value) if value is not None and math.isfinite(value) else None


def table_of(head: list[str], rows: list[list[str]], picks: list[Any] | None = None) -> dict[str, Any]:
    """Return a table."""
    return {"head": head, "rows": rows, "picks": picks or [None] * len(rows)}


def heads(words: Wording, *keys: str) -> list[str]:
    """Return the heads of columns."""
    return [text(f"study.{key}", words.language) for key in keys]
