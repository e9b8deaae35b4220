"""What the page on a study draws of an outcome: charts as plain data, each with a table of the same numbers.

A section is ``{id, title, note, kind, table, ...}``; assets/study.js draws each kind. A table is ``{head, rows, picks}``:
cells as text, and for each row what a click on it asks the runs of, or None. What is asked for is ``{"at": {factor: level}}``
or ``{"point": number}``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.analysis.analyse import Analysis
from ecosim.analysis.experiment import shown
from ecosim.analysis.findings import chance
from ecosim.colours import BLUE, GREY
from parts.study_sensitivity import MOST_ROWS, regional, sensitivity
from parts.study_tables import Section, finite, heads, records, rows_on, table_of
from parts.study_words import Wording
from parts.texts import text

if TYPE_CHECKING:
    import pandas as pd

MOST_POINTS = 400  # dots of a cloud, and of points chosen one by one in a table


def sections_of(analysis: Analysis, outcome: str, language: str) -> list[Section]:
    """Return all that the design allows to draw of an outcome, in the order in which a reader asks."""
    words = Wording(analysis.study, language)
    makers: tuple[Callable[[Analysis, str, Wording], Section | None], ...] = (
        effects, comparison, heat_map, sensitivity, regional, points,
    )  # fmt: skip
    made = (make(analysis, outcome, words) for make in makers)
    return [{"percent": words.in_percent(outcome), **section} for section in made if section is not None]


def effects(analysis: Analysis, outcome: str, words: Wording) -> Section | None:
    """Return the mean at each level of each factor; the factor whose means lie furthest apart comes first."""
    found = rows_on(analysis, "means", outcome)
    if found is None:
        return None
    spread = found.groupby("factor")["mean"].agg(lambda means: means.max() - means.min())
    order = spread.sort_values(ascending=False, kind="stable").index
    factors, rows = [], []
    picks: list[Any] = []
    for factor in map(str, order):
        levels = found[found["factor"] == factor]
        at_levels = records(levels)
        factors.append({
            "label": words.factors[factor], "numeric": bool(levels["place"].notna().all()),
            "levels": [[words.level(row["level"]), *map(finite, (row["place"], row["mean"], row["low"], row["high"]))]
                       for row in at_levels],
            "picks": [{"at": {factor: row["level"]}} for row in at_levels],
        })  # fmt: skip
        rows += [[f"{words.factors[factor]}: {words.level(row['level'])}", words.number(outcome, row["mean"]),
                  words.interval(outcome, row["low"], row["high"]), f"{row['points']:,}"] for row in at_levels]  # fmt: skip
        picks += [{"at": {factor: row["level"]}} for row in at_levels]
    over = "study.effects_points" if (found["interval"] == "over points").any() else "study.effects_luck"
    return {
        "id": "effects", "kind": "effects", "title": text("study.effects", words.language),
        "note": text(over, words.language), "axis": words.short(outcome), "factors": factors,
        "table": table_of(heads(words, "level", "mean", "interval", "points"), rows, picks),
    }  # fmt: skip


def heat_map(analysis: Analysis, outcome: str, words: Wording) -> Section | None:
    """Return the means at each pair of levels, of every two factors; the pair whose means lie furthest apart comes first."""
    found = rows_on(analysis, "means-by-two", outcome)
    if found is None:
        return None
    pairs: list[dict[str, Any]] = []
    for (one, other), cells in found.groupby(["factor", "other_factor"], sort=False):
        pairs.append({
            "names": [one, other], "labels": [words.factors[str(name)] for name in (one, other)],
            "levels": [list(dict.fromkeys(cells[key])) for key in ("level", "other_level")],
            "cells": [[*map(str, (row["level"], row["other_level"])), finite(row["mean"]),
                       words.number(outcome, row["mean"]), words.interval(outcome, row["low"], row["high"]), row["points"]]
                      for row in records(cells)],
        })  # fmt: skip
    pairs.sort(key=lambda pair: -np.ptp([cell[2] for cell in pair["cells"]]))
    shown = {label: words.level(label) for pair in pairs for labels in pair["levels"] for label in labels}
    return {
        "id": "heat", "kind": "heat", "title": text("study.heat", words.language), "note": text("study.heat_note", words.language),
        "axis": words.short(outcome), "pairs": pairs, "shown": shown,
        "selects": [text(f"study.{key}", words.language) for key in ("across", "upward")],
        "table": {"head": heads(words, "level", "mean", "interval", "points"), "rows": [], "picks": []},
    }  # fmt: skip


def comparison(analysis: Analysis, outcome: str, words: Wording) -> Section | None:
    """Return what each level of a lever changes against its base, in pairs of runs with the same luck."""
    found = rows_on(analysis, "comparison", outcome)
    if found is None:
        return None
    lines, rows = [], []
    several = found["factor"].nunique() > 1
    scale = 100.0 if words.in_percent(outcome) else 1.0  # differences of parts are told in points
    for row in records(found):
        against = text(
            "study.against",
            words.language,
            level=words.policy(words.level(row["level"])),
            base=words.level(row["base"]),
        )
        label = f"{words.factors[row['factor']]}: {against}" if several and row["factor"] in words.factors else against
        lines.append({"label": label, "value": [finite(scale * row[key]) for key in ("difference", "low", "high")],
                      "behind": [finite(scale * row[key]) for key in ("unpaired_low", "unpaired_high")]})  # fmt: skip
        rows.append([label, words.number(outcome, row["difference"], True), words.interval(outcome, row["low"], row["high"], True),
                     words.interval(outcome, row["unpaired_low"], row["unpaired_high"], True), chance(row["p_holm"]), f"{row['pairs']:,}"])  # fmt: skip
    head = heads(words, "compared", "difference", "interval", "unpaired", "p", "pairs")
    if words.in_percent(outcome):
        head[1] = text("study.difference_points", words.language)
    only = words.factors.get(found["factor"].iloc[0], "")
    title = text("study.comparison", words.language) + (f": {only}" if only and not several else "")
    return {
        "id": "comparison", "kind": "forest", "percent": False, "zero": True, "title": title,
        "note": text("study.comparison_note", words.language), "axis": head[1],
        "lines": lines[:MOST_ROWS], "colours": [BLUE, GREY], "names": [text("study.paired", words.language), text("study.unpaired", words.language)],
        "table": table_of(head, rows),
    }  # fmt: skip


def points(analysis: Analysis, outcome: str, words: Wording) -> Section | None:
    """Return each point of the design: those chosen one by one with their intervals, drawn ones as dots over a factor."""
    found = rows_on(analysis, "points", outcome)
    return _drawn(analysis, outcome, words) if found is None else _chosen(analysis, found, outcome, words)


def _chosen(analysis: Analysis, found: pd.DataFrame, outcome: str, words: Wording) -> Section:
    names = analysis.experiment.names
    lines, rows, picks = [], [], []
    for row in records(found.head(MOST_POINTS)):
        settings = [words.level(shown(row[name])) for name in names]
        pick = {"point": int(row["point"])}
        lines.append(
            {"label": ", ".join(settings), "value": [finite(row[key]) for key in ("mean", "low", "high")], "pick": pick}
        )
        rows.append([str(row["point"]), *settings, words.number(outcome, row["mean"]),
                     words.interval(outcome, row["low"], row["high"]), str(row["runs"])])  # fmt: skip
        picks.append(pick)
    head = [
        text("study.point", words.language),
        *(words.factors[name] for name in names),
        *heads(words, "mean", "interval", "runs"),
    ]
    note = text(
        "study.points_note",
        words.language,
        factors=text("compare.comma", words.language).join(words.factors[name] for name in names),
    )
    return {
        "id": "points", "kind": "forest", "zero": False, "title": text("study.each_point", words.language), "note": note,
        "axis": words.short(outcome), "lines": lines[:MOST_ROWS], "colours": [BLUE, GREY], "names": [],
        "table": table_of(head, rows, picks),
    }  # fmt: skip


def _drawn(analysis: Analysis, outcome: str, words: Wording) -> Section | None:
    experiment = analysis.experiment
    means = experiment.means(outcome).dropna()
    if not experiment.sampled or means.empty:
        return None
    chosen = means.index[np.unique(np.linspace(0, len(means) - 1, min(len(means), MOST_POINTS)).astype(int))]
    there = experiment.points.loc[chosen]
    factors = []
    for name in experiment.names:
        column, levels = there[name], []
        if column.dtype.kind not in "iuf":
            levels = [shown(value) for value in dict.fromkeys(experiment.points[name].tolist())]
            column = column.map(lambda value, levels=levels: levels.index(shown(value)))
        factors.append({"label": words.factors[name], "levels": [words.level(level) for level in levels],
                        "values": [float(f"{value:.5g}") for value in column.astype(float)]})  # fmt: skip
    note = text("study.cloud_note", words.language, shown=f"{len(chosen):,}", points=f"{len(means):,}")
    rows = [[str(number), *(words.level(shown(value)) for value in point), words.number(outcome, means[number])]
            for number, point in zip(chosen[:50], there.head(50).itertuples(index=False), strict=True)]  # fmt: skip
    head = [
        text("study.point", words.language),
        *(words.factors[name] for name in experiment.names),
        words.short(outcome),
    ]
    return {
        "id": "points", "kind": "cloud", "title": text("study.each_point", words.language), "note": note, "axis": words.short(outcome),
        "select": text("study.across", words.language), "colour": BLUE, "factors": factors,
        "values": [float(f"{value:.6g}") for value in means[chosen]], "picks": [{"point": int(number)} for number in chosen],
        "table": table_of(head, rows, [{"point": int(number)} for number in chosen[:50]]),
    }  # fmt: skip
