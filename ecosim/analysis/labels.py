"""Labels of axes: what factors and outcomes are called, with the units that the records of the model have."""

from __future__ import annotations

import textwrap

from ecosim.outcome_table import OUTCOMES
from ecosim.studies.study import Study
from ecosim.studies.study_parts import SCENARIO, Wanted

_PURE = ("1", "level", "number", "choice")  # units that say nothing to a reader
_UNITS = {outcome.name: outcome.unit for outcome in OUTCOMES}
_SUMMARIES = {
    "last": "at the end", "mean": "mean", "sum": "sum", "lowest": "lowest", "highest": "highest", "first": "in the first quarter",
}  # fmt: skip


def factor_labels(study: Study) -> dict[str, str]:
    """Return what each factor is called on an axis: its name, and the unit of the parameter that it varies."""
    records = study.scenarios[0].grammar.parameters
    labels = {}
    for factor in study.varied:
        unit = "1" if factor.path == SCENARIO else records[factor.path].unit
        labels[factor.name] = factor.name if unit in _PURE else f"{factor.name} ({unit})"
    return labels


def outcome_labels(study: Study) -> dict[str, str]:
    """Return what each outcome is called on an axis: its name, how the quarters are summarised, and its unit."""
    return {wanted.name: f"{readable(wanted.name)}\n{_summary(wanted)}{_unit(wanted)}" for wanted in study.outcomes}


def readable(name: str) -> str:
    """Return a name of code as words."""
    return name.replace("_", " ")


def wrapped(label: str, width: int) -> str:
    """Return a label on as many lines as it takes; a path breaks at its dots."""
    lines = []
    for line in label.split("\n"):
        parts = textwrap.wrap(line.replace(".", ".\u200b"), width, break_long_words=False) or [""]
        lines += [piece for part in parts for piece in _at_dots(part, width)]
    return "\n".join(lines).replace("\u200b", "")


def _at_dots(part: str, width: int) -> list[str]:
    if len(part.replace("\u200b", "")) <= width:
        return [part]
    lines = [""]
    for piece in part.split("\u200b"):
        if lines[-1] and len(lines[-1] + piece) > width:
            lines.append("")
        lines[-1] += piece
    return lines


def _summary(wanted: Wanted) -> str:
    text = _SUMMARIES[wanted.summary]
    if wanted.quarters is None or wanted.summary == "last":
        return text
    span = "quarter" if wanted.quarters == 1 else f"{wanted.quarters} quarters"
    return f"at the start of the last {span}" if wanted.summary == "first" else f"{text} of the last {span}"


def _unit(wanted: Wanted) -> str:
    group, _, name = wanted.measure.partition(".")
    if wanted.measure in _UNITS:
        unit = _UNITS[wanted.measure]
    elif group == "share":
        unit = "share of value"
    elif group == "value":
        unit = "million CNY"
    else:
        unit = _of_stages(name, wanted.summary)
    return "" if unit in _PURE else f", {unit}"


def _of_stages(name: str, summary: str) -> str:
    if not name:
        return "0 incubation, 1 growth, 2 maturity"
    return {"sum": "quarters in it", "mean": "part of the quarters in it"}.get(summary, "1 in it, 0 not")
