"""Parameters: every number of the model is one record, and unknown names or values out of range raise.

Sliders, command-line help, the JSON Schema, sweep bounds and the tables in the docs are generated from these records.
"""

from __future__ import annotations

import difflib
from collections import namedtuple
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Value = float | int | bool | str


class ScenarioError(ValueError):
    """Bad input in a scenario, a parameter or an option: one sentence that names place, finding and remedy."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number (or switch, or choice) of the model.

    The type of `default` is the type of the parameter: float, int, bool, or str (one of `choices`).

    Attributes
    ----------
    default : the value when a scenario says nothing.
    low, high : the inclusive range; None for switches and choices.
    unit : "1/quarter", "million CNY", "1" for a pure number.
    meaning : one sentence a newcomer understands.
    source : where the number or the mechanism comes from.
    choices : the valid words of a choice, in the order in which kernels count them.
    """

    default: Value
    low: float | None
    high: float | None
    unit: str
    meaning: str
    source: str
    choices: tuple[str, ...] = ()


class ParameterGroup:
    """The parameters of one mechanism, and the named tuple in which compiled rules receive their values.

    Parameters
    ----------
    name : the table's name in a scenario file.
    module : ``__name__`` of the declaring module; a module binds its group to the name ``PARAMETERS``, so that
        the tuple's type can be found again by name, which kept machine code relies on.
    records : one `Parameter` a name.
    """

    def __init__(self, name: str, module: str, records: Mapping[str, Parameter]) -> None:
        self.name = name
        self.records = dict(records)
        self.values_type: Any = namedtuple(f"{name}_parameters", list(records))  # type: ignore[misc]
        self.values_type.__module__ = module
        self.values_type.__qualname__ = "PARAMETERS.values_type"
        from ecosim.native import native_table  # loads Numba, which a command that only helps can do without

        native_table(self.values_type)

    def values(self, settings: Mapping[str, Value]) -> Any:
        """Return the named tuple for kernels: floats, ints and bools as they are, a choice as its position."""
        numbers = [_as_number(record, settings.get(name, record.default)) for name, record in self.records.items()]
        return self.values_type(*numbers)


def _as_number(record: Parameter, value: Value) -> float | int | bool:
    if record.choices:
        return record.choices.index(str(value))
    return type(record.default)(value)  # type: ignore[return-value]


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the valid name nearest to a misspelt one, else the valid names."""
    names = sorted(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return "valid are " + ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
