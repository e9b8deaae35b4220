"""What the page on a study draws of an outcome: charts as plain data, each with a table of the same numbers.

A section is ``{id, title, note, kind, table, ...}``; assets/study.js draws each kind. A table is ``{head, rows, picks}``:
cells as text, and for each row what a click on it asks the runs of, or None. What is asked for is ``{"at": {factor: level}}``
or ``{"point": number}``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.analysis.analyse import Analysis
from ecosim.analysis.findings import chance
from ecosim.colours import BLUE, GREY, ORANGE
from parts.study_words import Wording, plain
from parts.texts import text

if TYPE_CHECKING:
    import pandas as pd

Section = dict[str, Any]
MOST_POINTS = 400  # dots of a cloud, and of points chosen one by one in a table
MOST_ROWS = 24  # of a chart of bars or intervals


def sections_of(analysis: Analysis, outcome: str, language: str) -> list[Section]:
    """Return all that the design allows to draw of an outcome, in the order in which a reader asks."""
    words = Wording(analysis.study, language)
    makers: tuple[Callable[[Analysis, str, Wording], Section | None], ...] = (
        effects, comparison, heat_map, sensitivity, regional, points,
    )  # fmt: skip
    made = (make(analysis, outcome, words) for make in makers)
    return [{"percent": words.in_percent(outcome), **section} for section in made if section is not None]


def rows_on(analysis: Analysis, table: str, outcome: str) -> pd.DataFrame | None:
    """Return the rows on an outcome of a table; None if there are none."""
    found = analysis.tables.get(table)
    found = None if found is None else found[found["outcome"] == outcome]
    return None if found is None or found.empty else found


def finite(value: Any) -> float | None:
    """Return a number as JSON takes it: what is none becomes null."""
    return float(value) if value is not None and math.isfinite(value) else None


def table_of(head: list[str], rows: list[list[str]], picks: list[Any] | None = None) -> dict[str, Any]:
    """Return a table."""
    return {"head": head, "rows": rows, "picks": picks or [None] * len(rows)}


def effects(analysis: Analysis, outcome: str, words: Wording) -> Section | None:
    """Return the mean at each level of each factor; the factor whose means lie furthest apart comes first."""
    found = rows_on(analysis, "means", outcome)
    if found is None:
        return None
    spread = found.groupby("factor")["mean"].agg(lambda means: means.max() - means.min())
    order = spread.sort_values(ascending=False, kind="stable").index
    factors, rows, picks = [], [], []
    for factor in order:
        levels = found[found["factor"] == factor]
        records = levels.to_dict("records")
        factors.append({
            "label": words.factors[factor], "numeric": bool(levels["place"].notna().all()),
            "levels": [[words.level(row["level"]), *map(finite, (row["place"], row["mean"], row["low"], row["high"]))]
                       for row in records],
            "picks": [{"at": {factor: row["level"]}} for row in records],
        })  # fmt: skip
        rows += [[f"{words.factors[factor]}: {words.level(row['level'])}", words.number(outcome, row["mean"]),
                  words.interval(outcome, row["low"], row["high"]), f"{row['points']:,}"] for row in records]  # fmt: skip
        picks += factors[-1]["picks"]
    over = "study.effects_points" if (found["interval"] == "over points").any() else "study.effects_luck"
    return {
        "id": "effects", "kind": "effects", "title": text("study.effects", words.language),
        "note": text(over, words.language), "axis": words.short(outcome), "factors": factors,
        "table": table_of(_head(words, "level", "mean", "interval", "points"), rows, picks),
    }  # fmt: skip


def heat_map(analysis: Analysis, outcome: str, words: Wording) -> Section | None:
    """Return the means at each pair of levels, of every two factors; the pair whose means lie furthest apart comes first."""
    found = rows_on(analysis, "means-by-two", outcome)
    if found is None:
        return None
    pairs = []
    for (one, other), cells in found.groupby(["factor", "other_factor"], sort=False):
        pairs.append({
            "names": [one, other], "labels": [words.factors[one], words.factors[other]],
            "levels": [list(dict.fromkeys(cells[key])) for key in ("level", "other_level")],
            "cells": [[*map(str, (row["level"], row["other_level"])), finite(row["mean"]),
                       words.number(outcome, row["mean"]), words.interval(outcome, row["low"], row["high"]), row["points"]]
                      for row in cells.to_dict("records")],
        })  # fmt: skip
    pairs.sort(key=lambda pair: -np.ptp([cell[2] for cell in pair["cells"]]))
    shown = {label: words.level(label) for pair in pairs for labels in pair["levels"] for label in labels}
    return {
        "id": "heat", "kind": "heat", "title": text("study.heat", words.language), "note": text("study.heat_note", words.language),
        "axis": words.short(outcome), "pairs": pairs, "shown": shown,
        "selects": [text(f"study.{key}", words.language) for key in ("across", "upward")],
        "table": {"head": _head(words, "level", "mean", "interval", "points"), "rows": [], "picks": []},
    }  # fmt: skip


def sensitivity(analysis: Analysis, outcome: str, words: Wording) -> Section | None:
    """Return Sobol indices, elementary effects or parts of variance: what the design allows, in this order."""
    for table, draw in (("sobol", _sobol), ("morris", _morris), ("parts-of-variance", _parts)):
        found = rows_on(analysis, table, outcome)
        if found is not None:
            return {"id": "sensitivity", **draw(found, outcome, words)}
    return None


def _sobol(found: pd.DataFrame, outcome: str, words: Wording) -> Section:
    found = found.sort_values("total", ascending=False, kind="stable")
    rows, bars = [], []
    for row in found.to_dict("records"):
        values = [[finite(row[f"{kind}{end}"]) for end in ("", "_low", "_high")] for kind in ("first", "total")]
        bars.append({"label": words.factors[row["factor"]], "values": values})
        rows.append([words.factors[row["factor"]], *(cell for kind in ("first", "total") for cell in (
            plain(row[kind]), words_of_ends(words, row[f"{kind}_low"], row[f"{kind}_high"])))])  # fmt: skip
    names = [text("study.sobol_first", words.language), text("study.sobol_total", words.language)]
    interval = text("study.interval", words.language)
    return {
        **_bars(words, "study.sobol", "study.sobol_note", bars, names), "axis": text("study.part", words.language),
        "table": table_of([text("study.factor", words.language), names[0], interval, names[1], interval], rows),
    }  # fmt: skip


def _morris(found: pd.DataFrame, outcome: str, words: Wording) -> Section:
    found = found.sort_values("mu_star", ascending=False, kind="stable")
    shown = found.to_dict("records")
    rows = [[words.factors[row["factor"]], words.number(outcome, row["mu_star"]),
             words.interval(outcome, row["mu_star_low"], row["mu_star_high"]), words.number(outcome, row["mu"], True),
             words.number(outcome, row["sigma"])] for row in shown]  # fmt: skip
    head = [text("study.factor", words.language), "μ*", text("study.interval", words.language), "μ", "σ"]
    return {
        "kind": "scatter", "title": text("study.morris", words.language), "note": text("study.morris_note", words.language),
        "colour": BLUE, "axes": [text("study.morris_across", words.language), text("study.morris_upward", words.language)],
        "dots": [[words.factors[row["factor"]], *map(finite, (row["mu_star"], row["sigma"], row["mu_star_low"], row["mu_star_high"]))]
                 for row in shown],
        "table": table_of(head, rows),
    }  # fmt: skip


def _parts(found: pd.DataFrame, outcome: str, words: Wording) -> Section:
    found = found.sort_values("part", ascending=False, kind="stable", na_position="last")
    bars, rows = [], []
    for row in found.to_dict("records"):
        label = " × ".join(words.factors[key] for key in (row["factor"], row["other_factor"]) if key)
        bars.append({"label": label, "values": [[finite(row["part"]), None, None]]})
        rows.append([label, f"{plain(100.0 * row['part'])} %" if finite(row["part"]) is not None else "–",
                     words.level(row["lowest"]) if row["lowest"] else "–", words.level(row["highest"]) if row["highest"] else "–",
                     words.number(outcome, row["difference"])])  # fmt: skip
    head = _head(words, "factor", "part", "lowest_at", "highest_at", "difference")
    name = text("study.part", words.language)
    return {**_bars(words, "study.parts", "study.parts_note", bars, [name]), "axis": name, "table": table_of(head, rows)}


def regional(analysis: Analysis, outcome: str, words: Wording) -> Section | None:
    """Return how far apart each factor is distributed where the outcome is highest, or lowest, and elsewhere."""
    found = rows_on(analysis, "regional", outcome)
    if found is None:
        return None
    regions = list(dict.fromkeys(found["region"]))
    names = [text(f"study.{region.replace(' ', '_')}", words.language) for region in regions]
    apart = found.pivot(index="factor", columns="region", values="distance")
    bars = [{"label": words.factors[factor], "values": [[finite(apart.loc[factor, region]), None, None] for region in regions]}
            for factor in apart.max(axis=1).sort_values(ascending=False, kind="stable").index]  # fmt: skip
    rows = [[words.factors[row["factor"]], names[regions.index(row["region"])], plain(row["distance"]), words.level(row["middle_inside"]),
             words.level(row["middle_outside"]), chance(row["p_holm"])] for row in found.to_dict("records")]  # fmt: skip
    head = _head(words, "factor", "region", "distance", "middle_inside", "middle_outside", "p")
    return {"id": "regional", "percent": False, **_bars(words, "study.regional", "study.regional_note", bars, names),
            "axis": text("study.distance", words.language), "table": table_of(head, rows)}  # fmt: skip


def comparison(analysis: Analysis, outcome: str, words: Wording) -> Section | None:
    """Return what each level of a lever changes against its base, in pairs of runs with the same luck."""
    found = rows_on(analysis, "comparison", outcome)
    if found is None:
        return None
    lines, rows = [], []
    several = found["factor"].nunique() > 1
    scale = 100.0 if words.in_percent(outcome) else 1.0  # differences of parts are told in points
    for row in found.to_dict("records"):
        against = text("study.against", words.language, level=words.level(row["level"]), base=words.level(row["base"]))
        label = f"{words.factors[row['factor']]}: {against}" if several and row["factor"] in words.factors else against
        lines.append({"label": label, "value": [finite(scale * row[key]) for key in ("difference", "low", "high")],
                      "behind": [finite(scale * row[key]) for key in ("unpaired_low", "unpaired_high")]})  # fmt: skip
        rows.append([label, words.number(outcome, row["difference"], True), words.interval(outcome, row["low"], row["high"], True),
                     words.interval(outcome, row["unpaired_low"], row["unpaired_high"], True), chance(row["p_holm"]), f"{row['pairs']:,}"])  # fmt: skip
    head = _head(words, "compared", "difference", "interval", "unpaired", "p", "pairs")
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
    for row in found.head(MOST_POINTS).to_dict("records"):
        settings = [words.level(shown_value(row[name])) for name in names]
        pick = {"point": int(row["point"])}
        lines.append({"label": ", ".join(settings), "value": [finite(row[key]) for key in ("mean", "low", "high")], "pick": pick})
        rows.append([str(row["point"]), *settings, words.number(outcome, row["mean"]),
                     words.interval(outcome, row["low"], row["high"]), str(row["runs"])])  # fmt: skip
        picks.append(pick)
    head = [text("study.point", words.language), *(words.factors[name] for name in names), *_head(words, "mean", "interval", "runs")]
    note = text("study.points_note", words.language, factors=text("compare.comma", words.language).join(words.factors[name] for name in names))
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
            levels = [shown_value(value) for value in dict.fromkeys(experiment.points[name].tolist())]
            column = column.map(lambda value, levels=levels: levels.index(shown_value(value)))
        factors.append({"label": words.factors[name], "levels": [words.level(level) for level in levels],
                        "values": [float(f"{value:.5g}") for value in column.astype(float)]})  # fmt: skip
    note = text("study.cloud_note", words.language, shown=f"{len(chosen):,}", points=f"{len(means):,}")
    rows = [[str(number), *(words.level(shown_value(value)) for value in point), words.number(outcome, means[number])]
            for number, point in zip(chosen[:50], there.head(50).itertuples(index=False), strict=True)]  # fmt: skip
    head = [text("study.point", words.language), *(words.factors[name] for name in experiment.names), words.short(outcome)]
    return {
        "id": "points", "kind": "cloud", "title": text("study.each_point", words.language), "note": note, "axis": words.short(outcome),
        "select": text("study.across", words.language), "colour": BLUE, "factors": factors,
        "values": [float(f"{value:.6g}") for value in means[chosen]], "picks": [{"point": int(number)} for number in chosen],
        "table": table_of(head, rows, [{"point": int(number)} for number in chosen[:50]]),
    }  # fmt: skip


def shown_value(value: Any) -> str:
    """Return a value of a factor as tables have it."""
    from ecosim.analysis.experiment import shown

    return shown(value)


def words_of_ends(words: Wording, low: float, high: float) -> str:
    """Return the ends of an interval of a plain number."""
    if math.isnan(low):
        return "–"
    return text("study.from_to", words.language, low=plain(low), high=plain(high))


def _bars(words: Wording, title: str, note: str, bars: list[Any], names: list[str]) -> Section:
    series = [{"name": name, "colour": colour, "striped": striped}
              for name, colour, striped in zip(names, (BLUE, ORANGE), (False, True), strict=False)]  # fmt: skip
    return {"kind": "bars", "title": text(title, words.language), "note": text(note, words.language),
            "bars": bars[:MOST_ROWS], "series": series}  # fmt: skip


def _head(words: Wording, *keys: str) -> list[str]:
    return list(_heads(words, keys))


def _heads(words: Wording, keys: tuple[str, ...]) -> Iterator[str]:
    for key in keys:
        yield text(f"study.{key}", words.language)
