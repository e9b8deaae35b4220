"""What the page on a study draws of sensitivity: Sobol indices, elementary effects, parts of variance, and regions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ecosim.analysis.analyse import Analysis
from ecosim.analysis.findings import chance
from ecosim.colours import BLUE, ORANGE
from parts.study_tables import Section, finite, heads, records, rows_on, table_of
from parts.study_words import Wording, plain
from parts.texts import text

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 24  # of a chart of bars
MOST_PARTS, LEAST_TOGETHER = 12, 0.005  # of a chart of parts; interactions below the second stand in the table alone


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
    for row in records(found):
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
    shown = records(found)
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
    for row in records(found):
        label = " × ".join(words.factors[key] for key in (row["factor"], row["other_factor"]) if key)
        if not row["other_factor"] or row["part"] >= LEAST_TOGETHER:
            bars.append({"label": label, "values": [[finite(row["part"]), None, None]]})
        rows.append([label, f"{plain(100.0 * row['part'])}\u00a0%" if finite(row["part"]) is not None else "–",
                     words.level(row["lowest"]) if row["lowest"] else "–", words.level(row["highest"]) if row["highest"] else "–",
                     words.number(outcome, row["difference"])])  # fmt: skip
    head = heads(words, "factor", "part", "lowest_at", "highest_at", "difference")
    name = text("study.part", words.language)
    return {
        **_bars(words, "study.parts", "study.parts_note", bars[:MOST_PARTS], [name]),
        "axis": name,
        "table": table_of(head, rows),
    }


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
             words.level(row["middle_outside"]), chance(row["p_holm"])] for row in records(found)]  # fmt: skip
    head = heads(words, "factor", "region", "distance", "middle_inside", "middle_outside", "p")
    return {"id": "regional", "percent": False, **_bars(words, "study.regional", "study.regional_note", bars, names),
            "axis": text("study.distance", words.language), "table": table_of(head, rows)}  # fmt: skip


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
