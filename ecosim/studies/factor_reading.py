"""Reading factors: each is checked against the record of the parameter that it varies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecosim.grammar import Grammar
from ecosim.parameters import Parameter, Value
from ecosim.shapes import Failure, Keys, Table, accepted, belonging, checked, completed, described, found, wanted
from ecosim.studies.point_list import PointList
from ecosim.studies.study_parts import SAMPLED, SCENARIO, DesignSettings, Factor
from ecosim.studies.study_shape import factor_table

# Columns that tables of a study have of their own.
OWN_COLUMNS = (
    "run", "point", "replicate", "seed", "round", "batch", "step", "error", "traceback", "command", "seconds", SCENARIO,
)  # fmt: skip
HORIZON = "steps"


def read_factors(
    given: Any, grammar: Grammar, design: DesignSettings, points: PointList | None, failure: Failure
) -> tuple[Factor, ...]:
    """Return the factors of a study; columns of a list that name parameters are factors without a word.

    Raises
    ------
    ScenarioError : a factor that is not as it should be, or two that vary the same.
    """
    if not isinstance(given, (list, tuple)):
        raise failure(("factors",), f"is {described(given)}", "write [[factors]] with double brackets, once for each")
    factors = [_factor(("factors", place), item, grammar, design, failure) for place, item in enumerate(given)]
    if points is not None:
        known = {factor.name for factor in factors} | {SCENARIO}
        paths = [name for name in points.columns if name not in known and name in grammar.parameters]
        factors += [Factor(path, path, whole=_is_whole(grammar.parameters[path])) for path in paths]
    for place, factor in enumerate(factors):
        for key in ("path", "name"):
            earlier = [getattr(other, key) for other in factors[:place]]
            if getattr(factor, key) in earlier:
                twin = earlier.index(getattr(factor, key)) + 1
                raise failure(
                    ("factors", place, key), f'is "{getattr(factor, key)}", as in factors[{twin}]', "keep one of them"
                )
    return tuple(factors)


def _factor(keys: Keys, given: Any, grammar: Grammar, design: DesignSettings, failure: Failure) -> Factor:
    record = grammar.parameters[_path(keys, given, grammar, failure)]
    table = factor_table(record)
    rest = {key: value for key, value in given.items() if key != "levels"}
    tree = completed(table, checked(table, table, rest, keys, failure))
    path, name = tree["path"], tree.get("name", tree["path"])
    if name in OWN_COLUMNS:
        raise failure((*keys, "name"), f'is "{name}", a column that every table has', "give another name")
    whole = _is_whole(record)
    if "levels" in given:
        beside = next(
            (key for key in ("low", "high", "mean", "deviation", "mode", "distribution") if key in rest), None
        )
        if beside is not None:
            raise failure((*keys, beside), "stands beside levels", "give levels or a range, not both")
        levels = _levels((*keys, "levels"), given["levels"], record, failure)
        if len(levels) == 1 and design.kind in SAMPLED:
            finding = "has one value, which varies nothing"
            raise failure((*keys, "levels"), finding, "give two or more, or set the value in a scenario of your own")
        return Factor(name, path, tree["role"], levels, whole=whole)
    if isinstance(record.default, (bool, str)) and design.kind != "list":
        raise failure(keys, f'varies "{path}" and has no levels', f"add levels, {wanted(record)}")
    if design.kind == "list" and not {"low", "high", "mean", "distribution"} & set(rest):
        return Factor(name, path, tree["role"], whole=whole)
    factor = Factor(name, path, tree["role"], whole=whole, **_range(keys, tree, rest, record, failure))
    if design.kind in ("factorial", "one-at-a-time") and design.levels is None:
        remedy = "give it levels, or say how many values each range takes with levels in [design]"
        raise failure(keys, f'varies "{path}" over a range, of which a {design.kind} design takes a few values', remedy)
    return factor


def _is_whole(record: Parameter) -> bool:
    return isinstance(record.default, int) and not isinstance(record.default, bool)


def _path(keys: Keys, given: Any, grammar: Grammar, failure: Failure) -> str:
    """Return the path of a factor, once it is known to lead to a parameter."""
    if not isinstance(given, Mapping):
        raise failure(keys, f"is {described(given)}", "give a table with path, and levels or low and high")
    path = given.get("path")
    if path is None:
        raise failure(keys, "has no path", "give path: the dotted path of a parameter or a switch")
    if not isinstance(path, str):
        raise failure((*keys, "path"), f"is {described(path)}", "give a path such as rules.trust in quotes")
    if path == HORIZON:
        raise failure((*keys, "path"), "is the horizon, which is no factor", "give steps at the top of the study")
    if path not in grammar.parameters:
        paths = Table("", grammar.parameters)
        finding = f"is {described(path)}, which is the path of no parameter"
        raise failure((*keys, "path"), finding, belonging(paths, paths, path))
    return path


def _levels(keys: Keys, given: Any, record: Parameter, failure: Failure) -> tuple[Value, ...]:
    if not isinstance(given, (list, tuple)):
        raise failure(keys, f"is {described(given)}", f"give a list of values; of each: {wanted(record)}")
    if not given:
        raise failure(keys, "is empty", f"give a list of values; of each: {wanted(record)}")
    levels: list[Value] = []
    for place, value in enumerate(given):
        level = accepted(record, value)
        if level is None:
            raise failure((*keys, place), found(record, value), wanted(record))
        if level in levels:
            raise failure((*keys, place), f"is {described(value)}, given before", "give each level once")
        levels.append(level)
    return tuple(levels)


def _range(
    keys: Keys, tree: Mapping[str, Any], given: Mapping[str, Any], record: Parameter, failure: Failure
) -> dict[str, Any]:
    """Return the numbers of a range, once they fit together."""
    distribution = tree["distribution"]
    takes = {"normal": ("mean", "deviation"), "triangular": ("low", "high", "mode")}.get(distribution, ("low", "high"))
    for key in ("mean", "deviation", "mode"):
        if key in given and key not in takes:
            owner = "triangular" if key == "mode" else "normal"
            raise failure((*keys, key), f"is no part of a {distribution} distribution", f'leave it out, or give distribution = "{owner}"')  # fmt: skip
    for key in takes:
        if key not in given:
            what = f"a {distribution} distribution" if distribution != "uniform" else "levels, or a range"
            raise failure(keys, f"has no {key}", f"give {what}, which takes {' and '.join(takes)}")
    low, high = tree.get("low", record.low), tree.get("high", record.high)
    if low >= high:
        raise failure((*keys, "low"), f"is {low!r}, which is not below high, {high!r}", "give low below high")
    if distribution == "log-uniform" and low <= 0:
        raise failure(
            (*keys, "low"), f"is {low!r}, and has no logarithm", "give low above 0, or a uniform distribution"
        )
    for key in ("mean", "mode"):
        if key in takes and not low <= tree[key] <= high:
            raise failure(
                (*keys, key), f"is {tree[key]!r}, outside {low!r} to {high!r}", f"give {key} within the range"
            )
    middles = {key: tree.get(key) for key in ("mean", "deviation", "mode")}
    return {"low": low, "high": high, "distribution": distribution, **middles}
