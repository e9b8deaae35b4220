"""Shapes: what a scenario may hold, as data; it is checked, completed and described to editors from them.

A shape is a `Parameter` (one number, switch or choice), a `Text`, a `Table` of named shapes, or `Rows` of one shape.
"""

from __future__ import annotations

import datetime
import difflib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ecosim.parameters import Parameter, ScenarioError, Value, nearest

Keys = tuple[str | int, ...]  # the way to a value: names, and positions in lists
Failure = Callable[[Keys, str, str], ScenarioError]  # keys, what was found, what is right -> the error with its place
_SHOWN = 60  # characters of a wrong name or value that a sentence repeats


@dataclass(frozen=True, slots=True)
class Text:
    """Free text in which `pattern` must be found; `remedy` says what to write instead."""

    meaning: str
    pattern: str = ""
    remedy: str = "give text in quotes"


@dataclass(frozen=True, slots=True)
class Rows:
    """A list: of tables, each written under ``[[name]]``, or of texts."""

    item: Table | Text
    meaning: str


@dataclass(frozen=True, slots=True)
class Table:
    """Named shapes.

    Attributes
    ----------
    required : names that must be given.
    exactly_one, at_least_one : names of which exactly one, or at least one, must be given; empty for no such rule.
    needs : name to the name that must be given with it.
    unset : names that have no default: they are absent unless given.
    refused : names that someone may expect here, each with what to do instead.
    """

    meaning: str
    entries: Mapping[str, Shape]
    required: tuple[str, ...] = ()
    exactly_one: tuple[str, ...] = ()
    at_least_one: tuple[str, ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)


Shape = Parameter | Text | Table | Rows


def sentence(place: str, keys: Keys, finding: str, remedy: str) -> ScenarioError:
    """Return the error that says in one line where, what was found and what is right."""
    line = f"{place}: {dotted(keys)} {finding}; {remedy}" if keys else f"{place}: {finding}; {remedy}"
    return ScenarioError("".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line))


def dotted(keys: Keys) -> str:
    """Return keys as a reader writes them; rows are counted from 1: ``events[2].set."environment.drift"``."""
    written = ""
    for key in keys:
        if isinstance(key, int):
            written += f"[{key + 1}]"
        else:
            bare = shortened(key) if re.fullmatch(r"[\w-]+", key) else json.dumps(shortened(key), ensure_ascii=False)
            written += f".{bare}" if written else bare
    return written


def shortened(text: str) -> str:
    """Return a text of any length as one that fits in a sentence."""
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def described(value: object) -> str:
    """Return a value and its type in plain words."""
    if isinstance(value, bool):
        return f"{str(value).lower()} (a switch)"
    if isinstance(value, int):
        return f"{_digits(value)} (a whole number)"
    if isinstance(value, float):
        meaning = "not a number" if math.isnan(value) else "infinite" if math.isinf(value) else "a decimal number"
        return f"{value!r} ({meaning})"
    if isinstance(value, str):
        return f"{json.dumps(shortened(value), ensure_ascii=False)} (text)"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, (list, tuple)):
        return "a list of tables" if value and all(isinstance(item, Mapping) for item in value) else "a list"
    if isinstance(value, (datetime.date, datetime.time)):
        return f"{value} (a date or time)"
    return f"a Python {type(value).__name__}"


def _digits(value: int) -> str:
    # Python refuses to write out integers of thousands of digits, and nobody could read them.
    return str(value) if value.bit_length() <= 128 else f"a number of about {int(value.bit_length() * 0.30103)} digits"


def wanted(record: Parameter) -> str:
    """Return what a parameter takes: its range with its unit, or its choices."""
    if isinstance(record.default, bool):
        return "give true or false"
    if record.choices:
        return "give one of " + ", ".join(json.dumps(choice, ensure_ascii=False) for choice in record.choices)
    number = "a whole number" if isinstance(record.default, int) else "a number"
    unit = "" if record.unit == "1" else f" ({record.unit})"
    return f"give {number} from {_round(record.low)} to {_round(record.high)}{unit}"


def _round(number: float | None) -> str:
    if number is None:
        return "any"
    return f"{int(number):_}" if number == int(number) else repr(number)


def accepted(record: Parameter, value: object) -> Value | None:
    """Return a value in the parameter's own type, or None when the parameter does not take it."""
    if not _fits(record, value):
        return None
    if isinstance(value, str):
        return value if value in record.choices else None
    return type(record.default)(value) if isinstance(value, (int, float)) and not _side(record, value) else None


def _fits(record: Parameter, value: object) -> bool:
    """Return whether a value is of the parameter's type, whatever its size."""
    kind = type(record.default)
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    if kind is float:
        return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    return isinstance(value, kind)


def _side(record: Parameter, number: float) -> str:
    if record.low is not None and number < record.low:
        return "low"
    return "high" if record.high is not None and number > record.high else ""


def found(record: Parameter, value: object) -> str:
    """Return what is wrong with a value that the parameter does not take."""
    if isinstance(value, (int, float)) and _fits(record, value):
        return f"is {_digits(value) if isinstance(value, int) else repr(value)}, which is too {_side(record, value)}"
    return f"is {described(value)}"


def checked(top: Table, shape: Shape, value: Any, keys: Keys, failure: Failure) -> Any:
    """Return a value of the given shape with its numbers in the right types, or raise at the first fault.

    `top` is the shape of the whole scenario, searched for the place where a misplaced name belongs.
    """
    if isinstance(shape, Table):
        return _checked_table(top, shape, value, keys, failure)
    if isinstance(shape, Rows):
        if not isinstance(value, (list, tuple)):
            raise failure(keys, f"is {described(value)}", _rows_remedy(shape, value, keys))
        return [checked(top, shape.item, item, (*keys, position), failure) for position, item in enumerate(value)]
    if isinstance(shape, Text):
        if not isinstance(value, str) or not re.search(shape.pattern, value):
            raise failure(keys, f"is {described(value)}", shape.remedy)
        return value
    valid = accepted(shape, value)
    if valid is None:
        raise failure(keys, found(shape, value), wanted(shape))
    return valid


def _rows_remedy(shape: Rows, value: object, keys: Keys) -> str:
    if isinstance(shape.item, Text):
        return 'give a list of texts such as ["one", "two"]'
    brackets = "write [[" + dotted(keys) + "]] with double brackets"
    return f"{brackets}, once for each" if isinstance(value, Mapping) else f"{brackets}, and its keys below it"


def _checked_table(top: Table, shape: Table, value: Any, keys: Keys, failure: Failure) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise failure(keys, f"is {described(value)}", _table_remedy(shape, value, keys))
    for key in value:
        if key not in shape.entries:
            finding = "cannot stand here" if key in shape.refused else "is unknown here"
            raise failure((*keys, str(key)), finding, belonging(top, shape, str(key)))
    result = {key: checked(top, shape.entries[key], item, (*keys, key), failure) for key, item in value.items()}
    for key in shape.required:
        if key not in value:
            raise failure(keys, f"has no {key}", f"give {key}: {_meaning(shape.entries[key])}")
    given = [key for key in shape.exactly_one if key in value]
    if shape.exactly_one and len(given) != 1:
        names = ", ".join(shape.exactly_one)
        where, finding = ((*keys, given[1]), f"stands beside {given[0]}") if given else (keys, f"has none of {names}")
        raise failure(where, finding, f"give exactly one of {names}")
    if shape.at_least_one and not any(key in value for key in shape.at_least_one):
        names = ", ".join(shape.at_least_one)
        raise failure(keys, f"has none of {names}", f"give at least one of {names}")
    for key, other in shape.needs.items():
        if key in value and other not in value:
            raise failure((*keys, key), f"stands without {other}", f"give {other} too, or leave {key} out")
    return result


def _meaning(shape: Shape) -> str:
    if isinstance(shape, Parameter) and shape.choices:
        return "one of " + ", ".join(shape.choices)
    return shape.meaning[0].lower() + shape.meaning[1:].rstrip(".")


def _table_remedy(shape: Table, value: object, keys: Keys) -> str:
    if any(isinstance(key, int) for key in keys):
        return "give a table in braces, with some of " + ", ".join(list(shape.entries)[:6])
    if isinstance(value, (list, tuple)):
        return f"write [{dotted(keys)}] with single brackets"
    return f"write [{dotted(keys)}], and its keys below it" if keys else "give a table of keys and values"


def completed(table: Table, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a checked table with the defaults of all that it leaves out."""
    names = (name for name in table.entries if name in given or name not in table.unset)
    return {name: _completed(table.entries[name], given.get(name)) for name in names}


def _completed(shape: Shape, given: Any) -> Any:
    if isinstance(shape, Table):
        return completed(shape, given or {})
    if isinstance(shape, Rows):
        return [_completed(shape.item, item) for item in given or ()]
    if given is not None:
        return given
    return shape.default if isinstance(shape, Parameter) else ""


def belonging(top: Table, shape: Table, key: str) -> str:
    """Return what to write instead of a name that a table does not have."""
    if key in shape.refused:
        return shape.refused[key]
    if not shape.entries:
        return "leave it out, nothing can be given here"
    if difflib.get_close_matches(shortened(key), shape.entries, n=1, cutoff=0.85):
        return nearest(shortened(key), shape.entries)
    longer = [name for name in shape.entries if name.startswith(f"{key}.")]
    if longer:
        return f"write the whole path as one text, such as {json.dumps(longer[0])}"
    ending = [name for name in shape.entries if name.endswith(f".{key}")]
    if ending:
        return f"write {json.dumps(ending[0])}"
    if key in top.entries:
        return _at_top(top.entries[key], key)
    labels = [label for label, table in _labelled(top) if key in table.entries]
    if labels:
        tables = [label for label in labels if _remoteness(label) == min(map(_remoteness, labels))]
        more = {1: "", 2: f" or {tables[-1]}"}.get(len(tables), f" or one of {len(tables) - 1} more tables")
        return f"{shortened(key)} belongs in {tables[0]}{more}"
    return nearest(shortened(key), shape.entries)


def _remoteness(label: str) -> tuple[bool, int]:
    return label.startswith("[["), label.count(".")


def _at_top(shape: Shape, key: str) -> str:
    if isinstance(shape, Rows) and isinstance(shape.item, Table):
        return f"it is a list of its own: write [[{key}]]"
    if isinstance(shape, Table):
        return f"it is a table of its own: write [{key}]"
    return f"{key} belongs at the top of the file, above the first [table]"


def _labelled(table: Table, label: str = "") -> Iterator[tuple[str, Table]]:
    for name, shape in table.entries.items():
        path = f"{label}.{name}" if label else name
        inside = shape.item if isinstance(shape, Rows) else shape
        if isinstance(inside, Table):
            yield (f"[[{path}]]" if isinstance(shape, Rows) else f"[{path}]"), inside
            yield from _labelled(inside, path)
