"""JSON Schema of a scenario file, from which editors complete and check TOML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ecosim.grammar import CONDITION_PATTERN, CONDITIONS, scenario_grammar
from ecosim.parameters import Parameter
from ecosim.roles import Role
from ecosim.shapes import Keys, Rows, Shape, Text

_TYPES = {float: "number", int: "integer", bool: "boolean", str: "string"}


def scenario_schema(roles: Mapping[str, Role]) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a scenario file in which these roles play.

    It knows all names, types, ranges and choices; what concerns several values at once (dates within the run, components
    that exist, names given once) only `load_scenario` checks.
    """
    grammar = scenario_grammar(roles)
    schema = _schema(grammar.top)
    rows: dict[str, Any] = schema["properties"]
    rules = [_kind_rule(name, kinds) for name, kinds in grammar.kinds.items()]
    event = rows["events"]["items"]["properties"]
    rows["organisations"]["items"]["allOf"] = rules
    event["enter"]["allOf"] = rules
    # A reference, instead of some hundred records a second time.
    event["set"]["properties"] = {path: {"$ref": _pointer(grammar.keys[path])} for path in event["set"]["properties"]}
    event["set"]["minProperties"] = 1
    event["when"]["pattern"] = CONDITION_PATTERN.replace("[a-z_]+", "|".join(CONDITIONS))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "ecosim scenario", **schema}


def _schema(shape: Shape) -> dict[str, Any]:
    if isinstance(shape, Parameter):
        return _parameter(shape)
    if isinstance(shape, Text):
        return {"type": "string", "description": shape.meaning, **({"pattern": shape.pattern} if shape.pattern else {})}
    if isinstance(shape, Rows):
        return {"type": "array", "description": shape.meaning, "items": _schema(shape.item)}
    properties = {name: _schema(entry) for name, entry in shape.entries.items()}
    for name in shape.unset:
        properties[name].pop("default", None)
    schema: dict[str, Any] = {
        "type": "object", "description": shape.meaning, "properties": properties, "additionalProperties": False,
    }  # fmt: skip
    if shape.required:
        schema["required"] = list(shape.required)
    if shape.exactly_one:
        schema["oneOf"] = [{"required": [name]} for name in shape.exactly_one]
    if shape.at_least_one:
        schema["anyOf"] = [{"required": [name]} for name in shape.at_least_one]
    if shape.needs:
        schema["dependentRequired"] = {name: [other] for name, other in shape.needs.items()}
    return schema


def _parameter(record: Parameter) -> dict[str, Any]:
    unit = "" if record.unit == "1" else f" Unit: {record.unit}."
    schema: dict[str, Any] = {
        "type": _TYPES[type(record.default)],
        "description": f"{record.meaning}{unit} Source: {record.source}.",
        "default": record.default,
    }
    if record.choices:
        schema["enum"] = list(record.choices)
    if record.low is not None:
        schema["minimum"] = record.low
    if record.high is not None:
        schema["maximum"] = record.high
    return schema


def _kind_rule(role: str, kinds: tuple[str, ...]) -> dict[str, Any]:
    known = {"properties": {"role": {"const": role}}, "required": ["role"]}
    return {"if": known, "then": {"properties": {"kind": {"enum": list(kinds)}}}}


def _pointer(keys: Keys) -> str:
    parts = (quote(str(key).replace("~", "~0").replace("/", "~1")) for key in keys)
    return "#" + "".join(f"/properties/{part}" for part in parts)
