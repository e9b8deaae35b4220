"""Target series: data by year with their sources, and what of a run is compared with them on which scale."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecosim.parameters import ScenarioError
from ecosim.shapes import described, sentence, shortened

SUMMARIES = ("mean", "sum", "last")
SCALES = ("level", "log", "index")
COLUMNS = ("year", "value", "source")
QUARTERS = 4
MOST_VALUE = 1e15  # of data, to either side of 0

Numbers = NDArray[np.float64]
Row = tuple[int, float, str]


@dataclass(frozen=True)
class Target:
    """Data, and what of the model they are compared with.

    Attributes
    ----------
    measure : what is read off each quarter of a run.
    summary : what a year is of its quarters: one of `SUMMARIES`.
    weight : outcome by which the mean over the quarters is weighted, such as revenue for a share of revenue; or "".
    scale : "level" compares the numbers, "log" their logarithms, "index" their logarithms less the mean over the years
        that are fitted, so that a common factor, and with it the unit, drops out.
    multiplier : what the model's numbers are multiplied by to have the data's unit.
    tolerance : the difference on that scale that counts as one unit of distance.
    years, values, sources : the data, (years,), in order of years.
    file : where they were read, as the calibration names it.
    """

    name: str
    measure: str
    tolerance: float
    years: tuple[int, ...]
    values: tuple[float, ...]
    sources: tuple[str, ...]
    summary: str = "mean"
    weight: str = ""
    scale: str = "level"
    multiplier: float = 1.0
    unit: str = ""
    file: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the series as a calibration file has it, with its data."""
        names = ("name", "unit", "measure", "summary", "weight", "scale", "multiplier", "tolerance")
        rows = [dict(zip(COLUMNS, row)) for row in zip(self.years, self.values, self.sources)]
        return {**{name: getattr(self, name) for name in names}, "rows": rows}

    def measures(self) -> tuple[str, ...]:
        """Return the measures that a run has to take for it."""
        return (self.measure, self.weight) if self.weight else (self.measure,)

    def yearly(self, quarters: Mapping[str, Numbers]) -> Numbers:
        """Return what a run has for each of its whole years, (years,), in the data's unit; a year without it is not a number.

        Parameters
        ----------
        quarters : measure to its values, (quarters,).
        """
        values = _by_year(quarters[self.measure])
        if self.summary == "last":
            year = values[:, -1]
        elif self.summary == "sum":
            year = values.sum(axis=1)
        elif self.weight:
            weights = _by_year(quarters[self.weight])
            total = weights.sum(axis=1)
            year = np.divide((values * weights).sum(axis=1), total, out=np.full(len(total), np.nan), where=total > 0.0)
        else:
            year = values.mean(axis=1)
        return np.asarray(year * self.multiplier, float)

    def scaled(self, values: Numbers, fitted: NDArray[np.bool_]) -> Numbers:
        """Return values on the scale of the comparison.

        Parameters
        ----------
        values : by year along the last axis.
        fitted : the years of it over whose mean an index is taken.
        """
        if self.scale == "level":
            return values
        logarithms = np.log(values, out=np.full(values.shape, np.nan), where=values > 0.0)
        if self.scale == "log":
            return logarithms
        return np.asarray(logarithms - logarithms[..., fitted].mean(axis=-1, keepdims=True), float)

    def readable(self, values: Numbers, fitted: NDArray[np.bool_], data: Numbers) -> Numbers:
        """Return values as a chart shows them beside the data: an index is brought to the data's mean over the fitted years."""
        if self.scale != "index":
            return values
        return np.exp(self.scaled(values, fitted) + np.log(data).mean())


def _by_year(quarters: Numbers) -> Numbers:
    whole = len(quarters) // QUARTERS * QUARTERS
    return np.asarray(quarters[:whole], float).reshape(-1, QUARTERS)


def distance_of(differences: Sequence[Numbers]) -> float:
    """Return the distance of a run from the data: the root of the mean, over series, of the mean squared difference.

    Parameters
    ----------
    differences : of each series, model less data in tolerances, (years,).

    Returns
    -------
    The distance in tolerances; infinite if a value is not a number, such as the logarithm of no revenue.
    """
    distance = float(np.sqrt(np.mean([np.mean(each**2) for each in differences])))
    return distance if math.isfinite(distance) else math.inf


def read_rows(path: Path, unreadable: Callable[[str, str], ScenarioError]) -> list[Row]:
    """Return the rows of a CSV file with the columns year, value and source.

    Parameters
    ----------
    unreadable : makes the error, from finding and remedy, of a file that cannot be read at all.

    Raises
    ------
    ScenarioError : a broken row, which it names by its line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            head = next(reader, [])
            _check_head(path, head)
            rows: list[Row] = []
            for cells in reader:
                if cells:
                    rows.append(_row(f"{path}:{reader.line_num}", dict(zip(head, cells)), len(cells), len(head), rows))
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else (error.strerror or str(error)).lower()
        raise unreadable(
            f"is {described(str(path))}, which cannot be read: {reason}", "give a CSV file in UTF-8"
        ) from None
    except csv.Error as error:
        raise sentence(
            f"{path}:{reader.line_num}", (), f"is not CSV: {error}", "quote cells that hold commas"
        ) from None
    if not rows:
        raise sentence(f"{path}:1", (), "holds no row of data", "give rows of year, value and source")
    return rows


def _check_head(path: Path, head: Sequence[str]) -> None:
    for name in COLUMNS:
        if name not in head:
            finding = f"has no column '{name}', its columns are {shortened(', '.join(head)) or 'none'}"
            raise sentence(f"{path}:1", (), finding, "begin the file with the line year,value,source")


def _row(place: str, cells: Mapping[str, str], count: int, wanted: int, rows: Sequence[Row]) -> Row:
    if count != wanted:
        raise sentence(place, (), f"has {count} cells, and the first line has {wanted}", "give each column one, quoted if it holds a comma")  # fmt: skip
    year, value, source = (cells[name].strip() for name in COLUMNS)
    if not (year.isascii() and year.isdecimal() and len(year) <= 4 and int(year)):
        raise sentence(place, (), f"has the year {described(year)}", "give a whole year, such as 2010")
    if int(year) in [row[0] for row in rows]:
        raise sentence(place, (), f"has the year {year} a second time", "give each year once")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not abs(number) <= MOST_VALUE:
        raise sentence(place, (), f"has the value {described(value)}", "give a number, such as 185.2")
    if not source:
        raise sentence(place, (), "has no source", "say where the value comes from")
    return int(year), number, source
