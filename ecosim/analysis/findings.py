"""What the terminal says of an analysis: the main findings, outcome by outcome, and what could not be told."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

from ecosim.analysis.analyse import Analysis
from ecosim.analysis.comparison import clearest
from ecosim.analysis.experiment import rows_of

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 8


def print_findings(console: Console, analysis: Analysis, directory: Path) -> None:
    """Print what an analysis found, in 80 columns if need be."""
    study, progress = analysis.study, analysis.progress
    console.print(study.title or study.name, style="bold")
    failed = f", {progress.failed:,} failed" if progress.failed else ""
    console.print(f"{study.design.kind} design, {len(progress.points):,} points, {progress.done:,} runs{failed}\n")
    for outcome in analysis.outcomes:
        console.print(outcome, style="bold")
        console.print(summary_of(analysis, outcome))
        for _, table in tables_of(analysis, outcome):
            console.print(table)
        console.print()
    for line in box_sentences(analysis):
        console.print(line)
    for note in analysis.notes:
        console.print(f"- {note}")
    console.print(f"\nTables and figures are in {directory}", soft_wrap=True)


def summary_of(analysis: Analysis, outcome: str) -> str:
    """Return in a sentence what values an outcome has, and how much of their spread is luck."""
    row = _of(analysis, "outcomes", outcome).iloc[0]
    text = f"mean {number(row['mean'])} over {row['points']:,} points, from {number(row['lowest'])} to {number(row['highest'])}"
    if math.isnan(row["part_of_factors"]):
        return text
    shared = row["part_of_shared_luck"]
    luck = f"{1.0 - row['part_of_factors']:.0%} luck"
    luck += "" if math.isnan(shared) else f" ({shared:.0%} the same at all points)"
    return f"{text}; the variance of one run is {row['part_of_factors']:.0%} due to what varies, {luck}"


def tables_of(analysis: Analysis, outcome: str) -> Iterator[tuple[str, Table]]:
    """Yield the tables that say most of an outcome, each with its title."""
    indices, effects = _of(analysis, "sobol", outcome), _of(analysis, "morris", outcome)
    if len(indices):
        yield "Sobol indices", _indices(indices)
    elif len(effects):
        yield "Elementary effects", _effects(effects)
    elif len(parts := _of(analysis, "parts-of-variance", outcome)):
        yield "Highest, lowest, and part of the variance", _parts(parts)
    if len(compared := _of(analysis, "comparison", outcome)):
        yield "Differences to the base", _compared(compared)


def _indices(indices: pd.DataFrame) -> Table:
    table = _table("part of variance", "by itself", "with interactions")
    for row in rows_of(indices.sort_values("total", ascending=False, kind="stable").head(MOST_ROWS)):
        table.add_row(row.factor, f"{row.first:.3f} ± {row.first_high - row.first:.3f}",
                      f"{row.total:.3f} ± {row.total_high - row.total:.3f}")  # fmt: skip
    return _ended(table, len(indices))


def _effects(effects: pd.DataFrame) -> Table:
    table = _table("effect over the range", "mu*", "95 % interval", "mu", "sigma")
    for row in rows_of(effects.sort_values("mu_star", ascending=False, kind="stable").head(MOST_ROWS)):
        interval = f"{number(row.mu_star_low)} to {number(row.mu_star_high)}"
        table.add_row(row.factor, number(row.mu_star), interval, number(row.mu), number(row.sigma))
    return _ended(table, len(effects))


def _parts(parts: pd.DataFrame) -> Table:
    table = _table("part of variance", "lowest at", "highest at", "difference", "part")
    alone = parts[parts["other_factor"] == ""].sort_values("part", ascending=False, kind="stable")
    for row in rows_of(alone.head(MOST_ROWS)):
        table.add_row(row.factor, row.lowest, row.highest, number(row.difference), percent(row.part))
    together = parts[parts["other_factor"] != ""].sort_values("part", ascending=False, kind="stable").head(1)
    for row in rows_of(together):
        if row.part >= 0.005:
            table.add_row(f"{row.factor} with {row.other_factor}", "", "", "", percent(row.part))
    return _ended(table, len(alone))


def _compared(compared: pd.DataFrame) -> Table:
    table = _table("level against base", "difference", "95 % interval", "p (Holm)", "runs saved")
    for row in rows_of(clearest(compared, MOST_ROWS)):
        what = f"{row.level} against {row.base}"
        what = what if row.factor == "policy" else f"{row.factor}: {what}"
        known = not math.isnan(row.low)
        interval = f"{number(row.low)} to {number(row.high)}" if known else "-"
        saved = row.times_runs_unpaired if row.interval == "over luck" else math.nan
        table.add_row(what, number(row.difference), interval, chance(row.p_holm), _times(saved))
    return _ended(table, len(compared))


def box_sentences(analysis: Analysis) -> Iterator[str]:
    """Yield a sentence on each box."""
    if "boxes" not in analysis.tables:
        return
    limits = analysis.tables["box-limits"]
    for row in rows_of(analysis.tables["boxes"]):
        own = [_limit(limit) for limit in limits[limits["box"] == row.box].to_dict("records")]
        yield (f"Box {row.box} for {row.condition}: {', '.join(own)}. It holds {row.coverage:.0%} of the {row.cases_in_all:,} "
               f"cases; {row.density:.0%} of its {row.points:,} points are cases, and {row.cases_in_all / row.points_in_all:.0%} "
               "of all points.\n")  # fmt: skip


def _limit(limit: dict[str, object]) -> str:
    name, low, high = limit["factor"], limit["low"], limit["high"]
    assert isinstance(low, float)
    assert isinstance(high, float)
    if limit["levels"]:
        return f"{name} {limit['levels']}"
    if math.isnan(low) or math.isnan(high):
        return f"{name} below {high:.3g}" if math.isnan(low) else f"{name} above {low:.3g}"
    return f"{name} from {low:.3g} to {high:.3g}"


def _of(analysis: Analysis, name: str, outcome: str) -> pd.DataFrame:
    """Return the rows on an outcome of a table; none if there is no such table."""
    table = analysis.tables.get(name)
    if table is None:
        return analysis.tables["outcomes"].iloc[:0]
    return table[table["outcome"] == outcome]


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, overflow="fold")
    for name in others:
        table.add_column(name, justify="right", no_wrap=name not in ("lowest at", "highest at"))
    return table


def _ended(table: Table, count: int) -> Table:
    if count > MOST_ROWS:
        table.add_row(f"... and {count - MOST_ROWS} more")
    return table


def chance(p: float) -> str:
    """Return a p value in three digits after the point; a line if it is not known."""
    if math.isnan(p):
        return "-"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _times(factor: float) -> str:
    if math.isnan(factor):
        return "-"
    return f"x {factor:.1f}" if factor < 100.0 else f"x {factor:,.0f}"


def percent(part: float) -> str:
    """Return a part of 1 in percent; a line if it is not known."""
    return "-" if math.isnan(part) else f"{part:.1%}"


def number(value: float) -> str:
    """Return a number in three digits, whole ones above a thousand; a line if it is not known."""
    if math.isnan(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000.0 else f"{value:.3g}"
