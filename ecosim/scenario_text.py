"""A resolved scenario as text: for people, what differs first; and as a scenario file that gives the same scenario."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from ecosim import shapes
from ecosim.parameters import Value
from ecosim.scenario import Scenario


def print_scenario(console: Console, scenario: Scenario) -> None:
    """Print a scenario: what it asks, what differs from the defaults, then all parameters with unit and meaning."""
    console.print(scenario.title or scenario.name, style="bold")
    if scenario.question:
        console.print(scenario.question)
    years, quarter = divmod(scenario.steps - 1, 4)
    end = f"{scenario.start_year + years} Q{quarter + 1}"
    console.print(f"{scenario.steps} quarters, {scenario.start_year} Q1 to {end}")
    if scenario.sources:
        console.print(f"Sources: {'; '.join(scenario.sources)}")
    console.print("\nWhat differs from the defaults", style="bold")
    _print_differences(console, scenario)
    console.print("All parameters", style="bold")
    for path, names in _groups(scenario).items():
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column(f"[{path}]" if path else "", no_wrap=True)
        table.add_column("value", justify="right", no_wrap=True)
        table.add_column("meaning (unit)")
        for name in names:
            full = f"{path}.{name}" if path else name
            record = scenario.grammar.parameters[full]
            unit = "" if record.unit == "1" else f" ({record.unit})"
            table.add_row(name, _written(scenario.get(full)), f"{record.meaning.rstrip('.')}{unit}")
        console.print(table)


def differences(scenario: Scenario) -> dict[str, tuple[Value, Value]]:
    """Return the parameters that differ from their defaults: dotted path to value and default."""
    values = {path: (scenario.get(path), record.default) for path, record in scenario.grammar.parameters.items()}
    return {path: both for path, both in values.items() if both[0] != both[1]}


def difference_rows(scenario: Scenario) -> list[list[str]]:
    """Return the parameters that differ from their defaults as a reader takes them: path, value, default, unit."""
    units = {path: record.unit for path, record in scenario.grammar.parameters.items()}
    return [
        [path, _written(value), _written(default), "" if units[path] == "1" else units[path]]
        for path, (value, default) in differences(scenario).items()
    ]


def list_rows(scenario: Scenario) -> list[tuple[str, list[list[str]]]]:
    """Return the lists of a scenario that hold anything, such as events: of each row its name, and what it gives."""
    return [
        (name, [[str(row.get("name", "")), _row_text(scenario, name, row)] for row in rows])
        for name, rows in _lists(scenario.as_dict())
    ]


def _print_differences(console: Console, scenario: Scenario) -> None:
    different = difference_rows(scenario)
    if different:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("parameter", no_wrap=True)
        for heading in ("value", "default"):
            table.add_column(heading, justify="right")
        table.add_column("unit")
        for row in different:
            table.add_row(*row)
        console.print(table)
    lists = list_rows(scenario)
    for name, rows in lists:
        table = Table(name, "", box=box.SIMPLE_HEAD, pad_edge=False)
        for row in rows:
            table.add_row(*row)
        console.print(table)
    if not different and not lists:
        console.print(" nothing\n")


def _row_text(scenario: Scenario, name: str, row: Mapping[str, Any]) -> str:
    """Return what a row of a list gives, its name and what is as in any such row left out."""
    shape = scenario.grammar.top.entries[name]
    assert isinstance(shape, shapes.Rows)
    assert isinstance(shape.item, shapes.Table)
    defaults = shapes.completed(shape.item, {})
    needed = set(shape.item.required) - {"name"}
    given = {key: value for key, value in row.items() if key in needed or value != defaults.get(key)}
    return ", ".join(f"{key} {_written(value)}" for key, value in given.items() if key != "name")


def _lists(tree: Mapping[str, Any]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Return the lists of tables of a scenario that hold anything."""
    lists = ((key, value) for key, value in tree.items() if isinstance(value, list))
    return [(key, rows) for key, rows in lists if rows and isinstance(rows[0], Mapping)]


def _groups(scenario: Scenario) -> dict[str, list[str]]:
    """Return the names of all parameters by table; symbiosis coefficients that are not given are measured, so left out."""
    groups: dict[str, list[str]] = {}
    for keys in scenario.grammar.keys.values():
        match keys:
            case ("symbiosis", "coefficients", role, other) if other not in scenario.coefficients.get(role, {}):
                continue
        groups.setdefault(".".join(keys[:-1]), []).append(keys[-1])
    return groups


def _written(value: Any) -> str:
    """Return a value as a reader takes it: no quotes, no braces."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} {_written(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return ", ".join(_written(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


# -- TOML -------------------------------------------------------------------------------------------------------------


def as_toml(scenario: Scenario) -> str:
    """Return the text of a scenario file that gives this scenario, complete, whatever the defaults become."""
    tree = {key: value for key, value in scenario.as_dict().items() if key != "name" and value != []}
    return "\n".join(_table_lines(tree, ())).strip() + "\n"


def _table_lines(table: Mapping[str, Any], keys: tuple[str, ...], brackets: str = "[]") -> Iterator[str]:
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping) and not _lists({key: value})}
    if keys and (plain or brackets == "[[]]"):
        half = len(brackets) // 2
        yield f"\n{brackets[:half]}{'.'.join(map(_key, keys))}{brackets[half:]}"
    for key, value in plain.items():
        yield f"{_key(key)} = {_toml(value)}"
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _table_lines(value, (*keys, key))
    for key, rows in _lists(table):
        for row in rows:
            yield from _table_lines(row, (*keys, key), "[[]]")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _toml(key)


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return (
            f"[{', '.join(map(_toml, value))}]"
            if len(value) < 2
            else "[\n" + "".join(f"    {_toml(item)},\n" for item in value) + "]"
        )
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # all but the last as JSON has it
    return repr(value).lower() if isinstance(value, bool) else repr(value)
