"""Lists of design points: from a CSV file, or written in the study; read as text, typed by the factors."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecosim.grammar import Grammar
from ecosim.parameters import Parameter, ScenarioError, Value, nearest
from ecosim.shapes import Failure, accepted, described, found, sentence, shortened, wanted
from ecosim.studies.study_parts import SCENARIO, Factor

Row = tuple[str, int, Mapping[str, Any]]


@dataclass(frozen=True)
class PointList:
    """Points as they were given.

    Attributes
    ----------
    columns : names, in their order.
    rows : a mapping from column to value, or to text in a CSV file.
    failure : makes the error of a row (from 0) and a column, with its place.
    text : whether values are text that is still to be read.
    """

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    failure: Any
    text: bool


def list_points(design: Mapping[str, Any], points: Any, base: Path, failure: Failure) -> PointList | None:
    """Return the points that a list design names, or None for a design of another kind.

    Raises
    ------
    ScenarioError : no points, or a file that is no CSV with one value a column in each row.
    """
    listed = design["kind"] == "list"
    for key, given in (("file", design.get("file")), ("points", points)):
        if given is not None and not listed:
            raise failure(
                ("design", key), f"stands in a {design['kind']} design", 'leave it out, or give kind = "list"'
            )
    if not listed:
        return None
    if (points is None) == ("file" not in design):
        finding = "has no points" if points is None else "has both file and points"
        raise failure(("design",), finding, "give file, the path of a CSV file, or points, a list of tables")
    if points is None:
        return _from_csv(base / design["file"], failure)
    return _from_tables(points, failure)


def _from_tables(points: Any, failure: Failure) -> PointList:
    keys = ("design", "points")
    if not isinstance(points, (list, tuple)) or not points:
        finding = "is empty" if isinstance(points, (list, tuple)) else f"is {described(points)}"
        raise failure(keys, finding, 'give a list of tables such as { "rules.trust" = true }')
    for place, point in enumerate(points):
        if not isinstance(point, Mapping):
            raise failure((*keys, place), f"is {described(point)}", "give a table of factor names and values")
    columns = tuple(points[0])

    def failed(row: int, column: str, finding: str, remedy: str) -> ScenarioError:
        return failure((*keys, row, column) if column else (*keys, row), finding, remedy)

    for place, point in enumerate(points):
        for column in (*columns, *point):
            if column not in point or column not in columns:
                raise failed(place, "", f"has {'a' if column in point else 'no'} value of {shortened(column)}", "give each point the same factors")  # fmt: skip
    return PointList(columns, tuple(points), failed, text=False)


def _from_csv(path: Path, failure: Failure) -> PointList:
    lines = _lines(path, failure)
    if not lines:
        raise failure(("design", "file"), f"is {described(str(path))}, which is empty", "give a row of factor names, then a row a point")  # fmt: skip
    first, header = lines[0]
    columns = tuple(name.strip() for name in header)

    for place, name in enumerate(columns):
        if not name:
            raise sentence(f"{path}:{first}", (), f"column {place + 1} has no name", "give the name of a factor")
        if name in columns[:place]:
            raise sentence(f"{path}:{first}", (), f"column {place + 1} is {shortened(name)} again", "give each factor one column")  # fmt: skip
    if len(lines) == 1:
        raise sentence(f"{path}:{first}", (), "there is no row below the names of the columns", "give a row a point")
    for number, (line, cells) in enumerate(lines[1:], start=1):
        if len(cells) != len(columns):
            found_cells = (
                f"row {number} has {_counted(len(cells), 'value')}, and there are {_counted(len(columns), 'column')}"
            )
            raise sentence(f"{path}:{line}", (), found_cells, "give one value a column")

    def failed(row: int, column: str, finding: str, remedy: str) -> ScenarioError:
        keys = (column,) if column else ()
        return sentence(f"{path}:{lines[row + 1][0] if row >= 0 else first}", keys, finding, remedy)

    return PointList(
        columns, tuple(dict(zip(columns, cells, strict=True)) for _, cells in lines[1:]), failed, text=True
    )


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def _lines(path: Path, failure: Failure) -> list[tuple[int, list[str]]]:
    """Return line number and cells of each row that is not blank."""
    try:
        content = path.read_bytes()
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        return [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        finding = f"byte 0x{content[error.start]:02x} is not UTF-8"
        raise sentence(f"{path}:{line}", (), finding, "save the file as UTF-8") from None
    except csv.Error as error:
        raise sentence(f"{path}:{reader.line_num}", (), f"is not CSV: {error}", "give one line a point, values between commas") from None  # fmt: skip
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise failure(("design", "file"), f"is {described(str(path))}, which cannot be read: {reason}", "give the path of a CSV file") from None  # fmt: skip


def typed_points(
    points: PointList, factors: Sequence[Factor], scenario_names: Sequence[str], grammar: Grammar
) -> tuple[dict[str, Value], ...]:
    """Return the points with values in the types of the parameters, columns in the order of the factors.

    Raises
    ------
    ScenarioError : an unknown or a missing column, or a value that a parameter does not take.
    """
    records = {factor.name: grammar.parameters[factor.path] for factor in factors}
    if len(scenario_names) > 1:
        choice = Parameter(scenario_names[0], None, None, "1", "Scenario.", "study", tuple(scenario_names))
        records = {SCENARIO: choice, **records}
    for column in points.columns:
        if column not in records:
            raise points.failure(-1 if points.text else 0, column, "is no factor of the study", nearest(shortened(column), records))  # fmt: skip
    for name in records:
        if name not in points.columns:
            raise points.failure(-1 if points.text else 0, "", f"has no {shortened(name)}, a factor", "give a value of each factor")  # fmt: skip
    ranges = {factor.name: factor for factor in factors}
    result = []
    for row, point in enumerate(points.rows):
        values: dict[str, Value] = {}
        for name, record in records.items():
            given = _read(point[name], record) if points.text else point[name]
            value = accepted(record, given)
            if value is None:
                raise points.failure(row, name, found(record, given), wanted(record))
            outside = _outside(ranges.get(name), value)
            if outside:
                raise points.failure(row, name, f"is {value!r}, which {outside}", "give a value that the factor has")
            values[name] = value
        result.append(values)
    return tuple(result)


def _outside(factor: Factor | None, value: Value) -> str:
    """Return what is wrong with a value that the factor itself leaves out, or nothing."""
    if factor is None:
        return ""
    if factor.levels and value not in factor.levels:
        return "is none of the factor's levels"
    if factor.low is not None and factor.high is not None and not factor.low <= float(value) <= factor.high:
        return f"is not within the factor's range, {factor.low!r} to {factor.high!r}"
    return ""


def _read(text: str, record: Parameter) -> object:
    """Return a cell as what the parameter takes, or as it stands if it is nothing of the kind."""
    cell = text.strip()
    if isinstance(record.default, bool):
        return {"true": True, "false": False}.get(cell.lower(), cell)
    if isinstance(record.default, str):
        return cell
    try:
        number = float(cell)
    except ValueError:
        return cell
    return int(number) if isinstance(record.default, int) and number.is_integer() else number
