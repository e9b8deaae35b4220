"""The runs behind a level, a cell or a point of a study: their numbers, their luck, their way there, and how to repeat them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import ecosim
from ecosim.analysis.analyse import Analysis
from ecosim.analysis.effects import points_behind
from ecosim.analysis.experiment import shown
from ecosim.parameters import ScenarioError, Value
from ecosim.scenario_file import shipped_scenarios
from ecosim.serving import limits
from ecosim.studies.design import settings_at
from ecosim.studies.measuring import command_of
from ecosim.studies.study import Study
from parts.link import query, read_query, shipped
from parts.study_tables import Section, finite, heads, records, table_of
from parts.study_words import Wording, plain
from parts.texts import text
from parts.trajectory import check_size

if TYPE_CHECKING:
    import pandas as pd

    from ecosim.scenario import Scenario

PAGE = 25  # runs of a table at once
MOST_LINES = 20
BINS = 24


def runs_behind(
    analysis: Analysis, place: Path, outcome: str, pick: Mapping[str, Any], page: int, language: str
) -> dict[str, Any]:
    """Return what the page shows of the runs behind a pick.

    Parameters
    ----------
    place : directory of the study.
    pick : ``{"at": {factor: level}}`` of one factor or two, or ``{"point": number}``.
    page : which part of the table, from 0.

    Raises
    ------
    ScenarioError : there is no such level or point.
    """
    words = Wording(analysis.study, language)
    runs = chosen_runs(analysis, outcome, pick)
    if runs.empty:
        raise ScenarioError(text("study.no_runs", language))
    where = text("study.point_number", language, number=pick["point"]) if "point" in pick else words.at(pick["at"])
    last = (len(runs) - 1) // PAGE
    page = min(max(page, 0), last)
    # Of many points a spread is not of luck alone.
    spread = "study.spread_luck" if runs["point"].nunique() == 1 else "study.spread_both"
    sections = [
        _histogram(analysis, outcome, runs, words, text(spread, language)),
        _lines(analysis, place, outcome, runs, words),
    ]
    values = runs[outcome]
    note = text(
        "study.runs_of", language, runs=f"{len(runs):,}", points=f"{runs['point'].nunique():,}", mean=words.number(outcome, values.mean()),
        low=words.number(outcome, values.min()), high=words.number(outcome, values.max()),
    )  # fmt: skip
    return {
        "title": text("study.runs_behind", language, where=where), "note": note,
        "sections": [section for section in sections if section is not None],
        "runs": _table(analysis.study, runs.iloc[page * PAGE : (page + 1) * PAGE], outcome, words),
        "page": page, "last": last, "pages": text("study.page_of", language, page=page + 1, last=last + 1),
    }  # fmt: skip


def chosen_runs(analysis: Analysis, outcome: str, pick: Mapping[str, Any]) -> pd.DataFrame:
    """Return the runs behind a pick that have the outcome: a row a run, in the order of the runs.

    Raises
    ------
    ScenarioError : there is no such level or point.
    """
    experiment = analysis.experiment
    if "point" in pick:
        numbers = experiment.points.index[experiment.points.index == pick["point"]]
    else:
        numbers = experiment.points.index[points_behind(experiment, outcome, pick.get("at") or {})]
    runs = experiment.runs
    return runs[runs["point"].isin(numbers) & runs[outcome].notna()]


def link_of(study: Study, row: Mapping[str, Any], seed: int) -> str | None:
    """Return the query of a link that opens a run on the live page; None if no link can say what the run was.

    Parameters
    ----------
    row : a value for each column of the design.
    """
    scenario, settings = settings_at(study, row)
    name = study.scenario_sources[study.scenarios.index(scenario)]
    if study.agents or name not in shipped_scenarios() or not _as_shipped(scenario, name):
        return None
    changes: dict[str, Value] = dict(settings)
    if study.quarters(scenario) != shipped(name).steps:
        changes["steps"] = study.quarters(scenario)
    try:
        asked = query(name, seed, changes)
        if dict(read_query(asked).changes) != changes:
            return None
        check_size(shipped(name).with_settings(changes, "link"), limits.steps, limits.organisations)
    except ScenarioError:
        return None
    return asked


def _as_shipped(scenario: Scenario, name: str) -> bool:
    """Return whether a study began from the scenario that ships today, whatever its horizon."""
    own, today = scenario.as_dict(), shipped(name).as_dict()
    return {**own, "steps": 0} == {**today, "steps": 0}


def command_for(study: Study, row: Mapping[str, Any], seed: int) -> str:
    """Return the command that repeats a run, with the names of files in place of their paths on the server."""
    bare = tuple(source if source in shipped_scenarios() else Path(source).name for source in study.scenario_sources)
    return command_of(
        replace(study, scenario_sources=bare, agents=tuple(Path(each).name for each in study.agents)), row, seed
    )


def _table(study: Study, runs: pd.DataFrame, outcome: str, words: Wording) -> dict[str, Any]:
    """Return a row a run: numbers, the outcome, then what was varied; and for each run its link and its command."""
    names = [factor.name for factor in study.varied]
    rows, links, commands = [], [], []
    for row in records(runs):
        seed = int(row["seed"])
        asked = link_of(study, row, seed)
        links.append(None if asked is None else f"{asked}&lang={words.language}")
        commands.append(command_for(study, row, seed))
        own = [str(row["run"]), str(seed), str(row["replicate"] + 1), words.number(outcome, row[outcome])]
        rows.append([*own, *(words.level(shown(row[name])) for name in names)])
    lead = [*heads(words, "run", "seed", "replicate"), words.short(outcome)]
    table = table_of([*lead, *(words.factors[name] for name in names)], rows)
    return {**table, "lead": len(lead), "links": links, "commands": commands}


def _histogram(analysis: Analysis, outcome: str, runs: pd.DataFrame, words: Wording, title: str) -> Section:
    """Return how many of the runs lie where, and the same of all runs of the study."""
    every = analysis.experiment.runs[outcome].dropna().to_numpy(float)
    low, high = float(every.min()), float(every.max())
    edges = np.linspace(low, high if high > low else low + 1.0, BINS + 1)
    counts = [np.histogram(values, edges)[0] for values in (runs[outcome].to_numpy(float), every)]
    shares = [count / max(1, count.sum()) for count in counts]
    names = [text("study.these_runs", words.language), text("study.all_runs", words.language)]
    rows = [[words.interval(outcome, edges[place], edges[place + 1]), str(counts[0][place]), str(counts[1][place])]
            for place in range(BINS) if counts[1][place]]  # fmt: skip
    return {
        "id": "spread", "kind": "histogram", "percent": words.in_percent(outcome), "title": title, "note": text("study.spread_note", words.language), "names": names,
        "axis": words.short(outcome), "edges": edges.tolist(), "shares": [share.tolist() for share in shares],
        "table": table_of([words.short(outcome), *names], rows),
    }  # fmt: skip


def _lines(analysis: Analysis, place: Path, outcome: str, runs: pd.DataFrame, words: Wording) -> Section | None:
    """Return the way of an outcome's measure through time: its mean, the middle 80 % of the runs, and some runs; None if none was kept."""
    study = analysis.study
    if study.keep.series is None:
        return None
    measure = next(wanted.measure for wanted in study.outcomes if wanted.name == outcome)
    kept = ecosim.read_sweep(place, outcomes=[measure], where={"run": runs["run"].tolist()}, series=True)
    if kept.empty:
        return None
    wide = kept.pivot(index="step", columns="run", values=measure)
    start = study.scenarios[0].start_year
    labels = [f"{start + step // 4} Q{step % 4 + 1}" for step in wide.index]
    band = wide.quantile([0.1, 0.9], axis=1).to_numpy(float)
    mean = wide.mean(axis=1).to_numpy(float)
    percent = measure.startswith(("share.", "stage."))
    shown = [_amount(percent, value) for value in mean]
    rows = [
        [label, shown[at], f"{_amount(percent, band[0, at])} – {_amount(percent, band[1, at])}"]
        for at, label in enumerate(labels)
    ]
    names = [text(f"study.{key}", words.language) for key in ("mean", "middle", "single")]
    return {
        "id": "way", "kind": "lines", "title": text("study.way", words.language, measure=words.measure(measure)), "percent": percent,
        "note": text("study.way_note", words.language, shown=min(MOST_LINES, wide.shape[1]), runs=f"{wide.shape[1]:,}"),
        "labels": labels, "mean": list(map(finite, mean)), "band": [list(map(finite, ends)) for ends in band], "names": names,
        "runs": [list(map(finite, wide[run].to_numpy(float))) for run in wide.columns[:MOST_LINES]],
        "table": table_of([text("study.quarter", words.language), names[0], names[1]], rows),
    }  # fmt: skip


def _amount(percent: bool, value: float) -> str:
    return f"{plain(100.0 * value)}\u00a0%" if percent else plain(value)
