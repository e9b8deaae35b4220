"""The report of a study: what was asked, how far it is, what moves each outcome, and what it cannot tell."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ecosim.analysis.analyse import Analysis, analyse
from ecosim.analysis.drawing import svg_of
from ecosim.analysis.experiment import rows_of
from ecosim.analysis.figures import style
from ecosim.analysis.findings import box_sentences, number, summary_of, tables_of
from ecosim.analysis.labels import readable
from ecosim.analysis.libraries import library
from ecosim.analysis.report_page import Chart, Grid, ReportPage, Section
from ecosim.analysis.writing import figures_of, slugs_of
from ecosim.runs import OutputError
from ecosim.scenario_text import difference_rows
from ecosim.studies.store import read_failures, read_sweep
from ecosim.studies.study import shipped_studies
from ecosim.studies.study_parts import SAMPLED
from ecosim.studies.study_record import StudyRecord, read_record

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

    from ecosim.studies.study import Study
    from ecosim.studies.study_parts import Factor

MOST_FAILURES = 20  # rows of the table; failures.parquet has all
TITLES = {
    "main-effects": "Mean by level", "interactions": "Means by levels of two", "sobol-pairs": "Together: second-order indices",
    "sobol": "Sobol indices", "morris": "Elementary effects", "comparison": "Differences to the base",
    "regional": "What separates the highest and the lowest quarter", "boxes": "Boxes",
}  # fmt: skip


# What tells which factor moves an outcome most: table, column, words; the first that the design allows.
MEASURES = (
    ("sobol", "total", "total Sobol index"),
    ("morris", "mu_star", "mean size of its effects (mu*)"),
    ("parts-of-variance", "part", "part of the variance over the points"),
)


def study_page(directory: Path) -> ReportPage:
    """Return the page on the study in a directory, finished or not.

    Raises
    ------
    OutputError : the directory does not hold a study that can be read.
    ScenarioError : a library of the extra ``analysis`` is missing.
    """
    library("matplotlib", "a report")
    record = read_record(directory)
    study = record.load()
    try:
        analysis: Analysis | None = analyse(directory, box=_condition(directory))
        unread: tuple[str, ...] = ()
    except OutputError as error:
        analysis, unread = None, (str(error),)
    done, failures = len(read_sweep(directory, [study.outcomes[0].name])), read_failures(directory)
    figures = _charts(analysis) if analysis is not None else {}
    outcomes = [_outcome(analysis, name, figures) for name in analysis.outcomes] if analysis is not None else []
    return ReportPage(
        kind="Study",
        title=study.title or study.name,
        question=study.question,
        lead=[*_lead(study, record, done, len(failures)), *(_most(analysis) if analysis is not None else ())],
        facts=[*_facts(study, record)],
        commands=[("The command that repeats the study; in this directory it runs only what is missing.",
                   _command(study))],
        sections=[*outcomes, *_boxes(analysis, figures), *_limits(analysis), _asked(study), *_failed(directory), *_base(study), _without_file(directory)],
        warnings=unread,
    )  # fmt: skip


def _condition(directory: Path) -> str | None:
    """Return the region for which `ecosim analyse --box` last looked for boxes in the analysis beside the runs."""
    import csv

    path = directory / "analysis" / "boxes.csv"
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", newline="") as file:
        return next((row.get("condition") for row in csv.DictReader(file)), None)


def _lead(study: Study, record: StudyRecord, done: int, failed: int) -> Iterator[str]:
    most = "at most " if study.replicates.until is not None else ""
    yield (
        f"A {study.design.kind} design of {len(study.varied)} {'factor' if len(study.varied) == 1 else 'factors'}: {record.points:,} points, "
        f"{most}{record.runs:,} runs. {done:,} runs went well, {failed:,} failed."
    )


def _most(analysis: Analysis) -> Iterator[str]:
    """Yield for each outcome which factor moves it most, by what its design can tell."""
    for outcome in analysis.outcomes:
        for name, column, told in MEASURES:
            table = analysis.tables.get(name)
            if table is None:
                continue
            rows = table[table["outcome"] == outcome]
            if "other_factor" in rows:
                rows = rows[rows["other_factor"] == ""]
            rows = rows[rows[column] > 0.0]
            if len(rows):
                place = int(rows[column].to_numpy(float).argmax())
                factor, most = rows["factor"].tolist()[place], float(rows[column].to_numpy(float)[place])
                value = f"{most:.1%}" if name == "parts-of-variance" else number(most)
                yield f"{_capital(readable(outcome))} is moved most by {factor}: {told} {value}."
                break


def _command(study: Study) -> str:
    name = study.name if study.name in shipped_studies() else f"{study.name}.toml"
    return shlex.join(
        ["ecosim", "sweep", name, "--out", "DIR", *(word for path in study.agents for word in ("--agents", path))]
    )


def _without_file(directory: Path) -> Section:
    code = f'import ecosim\nfrom ecosim.studies.store import study_of\necosim.sweep(study_of("{directory.resolve().name}"), out="NEW")'
    text = "study.json holds the whole study, its scenarios included: what follows does not hang on the study file."
    return Section("The same study without its file", [text], commands=[("Python, from the directory above:", code)])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _facts(study: Study, record: StudyRecord) -> Iterator[tuple[str, str]]:
    replicates = study.replicates
    yield "Scenarios", ", ".join(study.scenario_names)
    yield "Quarters of a run", ", ".join(dict.fromkeys(str(study.quarters(scenario)) for scenario in study.scenarios))
    yield (
        "Design",
        study.design.kind + (f", seed of the sampling {study.design.seed}" if study.design.kind in SAMPLED else ""),
    )
    seeds = "the same seeds at every point" if replicates.common else "seeds of its own at each point"
    yield "Replicates", f"{replicates.count} of each point, {seeds}, the first {replicates.first_seed}"
    if replicates.until is not None:
        until = replicates.until
        yield (
            "Stopping rule",
            f"until the 95% interval of {until.outcome} is narrower than {until.width:g}, or {until.most} replicates",
        )
    if study.agents:
        yield "Role files", ", ".join(study.agents)
    yield "Versions", ", ".join(f"{name} {version}" for name, version in record.versions.items())
    yield "Digest", f"{record.digest} of the study"


def _charts(analysis: Analysis) -> dict[str, Chart]:
    """Return the figures of an analysis by their names, as charts of a page."""
    charts = {}
    with style():
        for name, figure in figures_of(analysis):
            charts[name] = _chart(name, figure)
    return charts


def _chart(name: str, figure: Figure) -> Chart:
    title = next(title for prefix, title in TITLES.items() if name.startswith(prefix))
    return Chart(svg_of(figure, name), title, f"{title}. The tables on this page have the numbers.", wide=True)


def _outcome(analysis: Analysis, name: str, charts: dict[str, Chart]) -> Section:
    """Return what moves an outcome."""
    own = [chart for key, chart in charts.items() if key in _names_of(analysis, name)]
    grids = [_grid(title, table) for title, table in tables_of(analysis, name)]
    return Section(f"What moves {readable(name)}", [f"{_capital(summary_of(analysis, name))}."], own, grids)


def _names_of(analysis: Analysis, outcome: str) -> set[str]:
    """Return the names of the figures on an outcome."""
    slug = slugs_of(analysis.outcomes)[outcome]
    return {f"{prefix}-{slug}" for prefix in TITLES}


def _grid(title: str, table: Table) -> Grid:
    """Return a table of the terminal as one of a page."""
    head = [str(column.header) for column in table.columns]
    cells = [[str(cell) for cell in column.cells] for column in table.columns]
    return Grid(title, head, [list(row) for row in zip(*cells, strict=True)])


def _boxes(analysis: Analysis | None, charts: dict[str, Chart]) -> Iterator[Section]:
    sentences = list(box_sentences(analysis)) if analysis is not None else []
    if sentences:
        yield Section(
            "Boxes of factors",
            [sentence.strip() for sentence in sentences],
            [chart for name, chart in charts.items() if name == "boxes"],
        )


def _limits(analysis: Analysis | None) -> Iterator[Section]:
    if analysis is not None and analysis.notes:
        yield Section("What this study cannot tell", list(analysis.notes))


def _asked(study: Study) -> Section:
    factors = [[factor.name, factor.path, _values(factor), factor.role] for factor in study.varied]
    outcomes = [
        [wanted.name, wanted.measure, wanted.summary, "all" if wanted.quarters is None else f"last {wanted.quarters}"]
        for wanted in study.outcomes
    ]
    grids = [Grid("Factors", ["name", "parameter", "values", "role"], factors, left=4)] if factors else []
    return Section(
        "What was asked", grids=[*grids, Grid("Outcomes", ["name", "measure", "summary", "quarters"], outcomes, left=4)]
    )


def _values(factor: Factor) -> str:
    if factor.levels:
        return ", ".join(str(level).lower() if isinstance(level, bool) else str(level) for level in factor.levels)
    if factor.low is None or factor.high is None:
        return "as the points of the list have it"
    return f"{factor.low:g} to {factor.high:g}, {factor.distribution}"


def _failed(directory: Path) -> Iterator[Section]:
    failures = read_failures(directory)
    if failures.empty:
        return
    rows = [
        [str(row.run), str(row.seed), str(row.error), str(row.command)] for row in rows_of(failures.head(MOST_FAILURES))
    ]
    more = len(failures) - len(rows)
    note = f"{more:,} more are in failures.parquet." if more else ""
    yield Section(
        "Runs that failed",
        grids=[Grid("Failures", ["run", "seed", "error", "command that repeats it"], rows, note, left=4)],
    )


def _base(study: Study) -> Iterator[Section]:
    """Yield what differs from the defaults in each scenario, before factors are set."""
    head = ["parameter", "value", "default", "unit"]
    grids = [
        Grid(scenario.title or name, head, rows)
        for name, scenario in zip(study.scenario_names, study.scenarios, strict=True)
        if (rows := difference_rows(scenario))
    ]
    if grids:
        yield Section("What differs from the defaults", ["What is not listed here has its default."], grids=grids)
