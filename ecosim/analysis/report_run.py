"""The report of a run: who got the value, what became of the ecosystem, what happened, and how to repeat it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecosim.analysis.event_sentences import counted, sentence_of, turning_points
from ecosim.analysis.report_page import Grid, Listing, ReportPage, Section
from ecosim.analysis.run_charts import beneficiaries, outcome_charts, stage_chart, year_chart
from ecosim.analysis.run_directory import read_run
from ecosim.outcome_table import OUTCOMES
from ecosim.scenario_text import difference_rows, list_rows
from ecosim.summary import percentages

if TYPE_CHECKING:
    import pandas as pd

    from ecosim.runs import Run

MOST_EVENTS = 60  # sentences; the rest is counted
# Outcomes in the table of first, last and extreme values.
KEY_OUTCOMES = (
    "value_created", "organisations", "ties", "members", "mean_trust", "mean_openness", "adopted_share", "knowledge_total",
    "revenue_focal", "research_intensity", "sharing_ratio", "dependence", "mastered", "concentration", "gini_capital",
)  # fmt: skip


def run_page(directory: Path) -> ReportPage:
    """Return the page on the run in a directory.

    Raises
    ------
    OutputError : the directory does not hold a whole run.
    """
    run, kept = read_run(directory)
    return ReportPage(
        kind="Run",
        title=run.scenario.title or run.scenario.name,
        question=run.scenario.question,
        lead=[*_lead(run)],
        facts=[*_facts(run, kept)],
        commands=[*_command(kept["repeat"], directory)],
        sections=[_value(run), _outcomes(run), _events(run), _settings(run), *_python(kept["repeat"], directory)],
        warnings=run.warnings,
    )


def _lead(run: Run) -> Iterator[str]:
    metrics = run.metrics
    if run.value.value.sum() <= 0.0:
        yield "No value was created."
        return
    shares = run.value.groupby("beneficiary", sort=False).value.sum().sort_values(ascending=False)
    written = percentages(shares.tolist())
    total = f"{shares.sum() / 1000.0:,.1f}"
    first = ", ".join(f"{name} {share}%" for name, share in zip(shares.index[:3], written, strict=False))
    yield f"Of the value of {total} billion CNY that was booked in {_quarters(run)}, the largest shares went to: {first}."
    stages = metrics.stage[metrics.stage.ne(metrics.stage.shift())]
    path = ", ".join(
        f"{stage} from {_date(metrics, step)}" for step, stage in zip(stages.index.tolist(), stages, strict=True)
    )
    yield f"The ecosystem is read as {path}. This is one run with one seed: one history of many that the scenario can take."


def _facts(run: Run, kept: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    metrics = run.metrics
    yield "Scenario", run.scenario.name
    yield "Time", f"{_date(metrics, 0)} to {_date(metrics, -1)}, {_quarters(run)}"
    yield "Seed", str(run.seed)
    if run.scenario.sources:
        yield "Sources", "; ".join(run.scenario.sources)
    if run.agents:
        yield "Role files", ", ".join(run.agents)
    yield "Versions", ", ".join(f"{name} {version}" for name, version in kept["versions"].items())
    yield "Hash", kept["hash"]


def _command(repeat: Mapping[str, Any], directory: Path) -> Iterator[tuple[str, str]]:
    """Yield what repeats the run: its command line, or Python if it was made by Python."""
    if repeat.get("command"):
        yield "The command that repeats the run; equal hashes tell that it is the same.", str(repeat["command"])
    else:
        yield from _snippet(repeat, directory)


def _snippet(repeat: Mapping[str, Any], directory: Path) -> Iterator[tuple[str, str]]:
    if repeat.get("python"):
        what = f"Python that repeats the run from run.json, in the directory {directory.resolve().name}:"
        yield what, str(repeat["python"]).replace("; ", "\n")


def _python(repeat: Mapping[str, Any], directory: Path) -> Iterator[Section]:
    snippet = [*_snippet(repeat, directory)]
    if snippet and repeat.get("command"):
        text = "run.json holds the whole scenario: what follows does not hang on the scenario file."
        yield Section("The same run without its scenario file", [text], commands=snippet)


def _quarters(run: Run) -> str:
    return "1 quarter" if run.steps == 1 else f"{run.steps:,} quarters"


def _value(run: Run) -> Section:
    if run.value.value.sum() <= 0.0:
        return Section("Who got the value", ["No value was created."])
    value = run.value.pivot_table(index="beneficiary", columns="stage", values="value", aggfunc="sum", sort=False)
    value = value.loc[beneficiaries(run)]
    columns = {**{str(stage): value[stage] for stage in value}, "all": value.sum(axis=1)}
    shares = [percentages(column.tolist()) for column in columns.values()]
    rows = [[name, *cells] for name, cells in zip(map(str, value.index), zip(*shares, strict=True), strict=True)]
    rows.append(["billion CNY", *(f"{column.sum() / 1000.0:,.1f}" for column in columns.values())])
    grid = Grid("Shares of value, in percent", ["", *columns], rows, "Employees are those of all organisations; society and "
                "environment get what organisations give beyond obligations.", last_is_total=True)  # fmt: skip
    return Section("Who got the value", charts=[stage_chart(run), year_chart(run)], grids=[grid])


def _outcomes(run: Run) -> Section:
    rows = []
    for outcome in OUTCOMES:
        if outcome.name in KEY_OUTCOMES and outcome.name in run.metrics:
            column = run.metrics[outcome.name]
            numbers = (column.iloc[0], column.iloc[-1], column.min(), column.max(), column.mean())
            if any(numbers):
                rows.append([outcome.meaning.rstrip("."), outcome.unit.removeprefix("1"), *map(_number, numbers)])
    grid = Grid(
        "Key outcomes", ["", "unit", "first quarter", "last quarter", "lowest", "highest", "mean"], rows, left=2
    )
    return Section("What became of the ecosystem", charts=outcome_charts(run), grids=[grid, _roles(run)])


def _roles(run: Run) -> Grid:
    rows = []
    for role, table in run.roles.groupby("role", sort=False):
        counts = (table["count"].iloc[0], table["count"].iloc[-1], table.entries.sum(), table.exits.sum())
        if any(counts):
            rows.append([str(role), *(f"{count:,}" for count in counts)])
    return Grid("Organisations", ["", "first quarter", "last quarter", "entered", "left"], rows)


def _events(run: Run) -> Section:
    chosen = turning_points(run.events, run.scenario)
    told = chosen.head(MOST_EVENTS)
    rows = []
    columns = (told[name].tolist() for name in ("step", "event", "subject", "object", "detail"))
    for step, event, subject, other, detail in zip(*columns, strict=True):
        rows.append((_date(run.metrics, step), sentence_of(event, subject, other, detail, run.scenario, step)))
    left = len(chosen) - len(rows)
    note = f"{left} more such events are in events.parquet." if left > 0 else ""
    listings = [Listing("Turning points", rows, note)] if rows else []
    counts = ", ".join(f"{name} {count:,}" for name, count in counted(run.events))
    paragraph = (
        f"All events, each a row of events.parquet: {counts}."
        if counts
        else "Nothing that the model notes as an event."
    )
    return Section("What happened", [paragraph], listings=listings)


def _settings(run: Run) -> Section:
    differences = difference_rows(run.scenario)
    grids = (
        [Grid("Parameters that differ from their defaults", ["parameter", "value", "default", "unit"], differences)]
        if differences
        else []
    )
    grids += [
        Grid(name.capitalize(), ["name", "what it has of its own"], rows, left=2)
        for name, rows in list_rows(run.scenario)
    ]
    text = ["What is not listed here has its default."] if grids else ["Nothing: every parameter has its default."]
    return Section("What differs from the defaults", text, grids=grids)


def _date(metrics: pd.DataFrame, step: int) -> str:
    row = metrics.iloc[step]
    return f"{row.year} Q{row.quarter}"


def _number(number: float) -> str:
    if number == round(number) and abs(number) < 1e7:
        return f"{number:,.0f}"
    return f"{number:,.0f}" if 1000.0 <= abs(number) < 1e7 else f"{number:.3g}"
