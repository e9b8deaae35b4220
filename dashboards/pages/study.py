"""The page on a study: what a sweep of many runs found, read from a directory that the server was given."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

import solara

import ecosim
from ecosim import serving
from ecosim.studies.study_record import FILE, read_record
from pages.choices import Choices
from pages.frame import Complaint
from parts import session
from parts.texts import text

if TYPE_CHECKING:
    from ecosim.studies.study import Study

MOST_STUDIES = 200
MOST_LEVELS = 6


@solara.component
def Page() -> None:
    """Choose a study, a factor and an outcome, and see the mean of one over the other with its error."""
    language = session.language.value
    found = solara.use_memo(studies, [])
    chosen, set_chosen = solara.use_state("")
    name = chosen if chosen in found else next(iter(found), "")
    solara.HTML(tag="h1", unsafe_innerHTML=text("study.title", language))
    solara.HTML(tag="p", unsafe_innerHTML=text("study.lead", language), classes=["page-lead"])
    if not found:
        solara.HTML(tag="p", unsafe_innerHTML=html.escape(text("study.none", language)), classes=["page-quiet"])
        return
    options = [{"value": key, "label": key} for key in found]
    Choices(
        fields=[{"name": "study", "label": text("study.study", language), "value": name, "options": options}],
        buttons=[],
        event_choose=lambda field: set_chosen(field["value"]),
        event_press=lambda _: None,
    )
    _Study(found[name]).key(name)


@solara.component
def _Study(place: Path) -> None:
    """Read a study in the background and show what it found."""
    language = session.language.value
    factor, set_factor = solara.use_state("")
    outcome, set_outcome = solara.use_state("")
    task = session.use_background(lambda _: read(place), [place])
    wrong = session.trouble_of(task)
    if wrong:
        Complaint(wrong)
        return
    if task.value is None:
        solara.Div(classes=["page-wait"], attributes={"role": "status"}, children=[text("study.reading", language)])
        return
    study, runs = task.value
    factors, outcomes = ([each.name for each in named] for named in (study.varied, study.outcomes))
    if not factors or not len(runs):
        Complaint(text("study.empty", language))
        return
    factor, outcome = factor if factor in factors else factors[0], outcome if outcome in outcomes else outcomes[0]
    setters = {"factor": set_factor, "outcome": set_outcome}
    fields = [
        {"name": name, "label": text(f"study.{name}", language), "value": value,
         "options": [{"value": each, "label": each} for each in names]}
        for name, value, names in (("factor", factor, factors), ("outcome", outcome, outcomes))
    ]  # fmt: skip
    solara.HTML(tag="h2", unsafe_innerHTML=html.escape(study.title))
    solara.HTML(tag="p", unsafe_innerHTML=html.escape(study.question))
    Choices(fields=fields, buttons=[], event_choose=lambda field: setters[field["name"]](field["value"]),
            event_press=lambda _: None)  # fmt: skip
    solara.HTML(tag="div", unsafe_innerHTML=table_of(runs, factor, outcome, language), classes=["page-scroll"])


def studies() -> dict[str, Path]:
    """Return the studies that may be opened, by their path below the directory that the server was given."""
    root = serving.serving.studies
    if root is None:
        return {}
    places = [record.parent for record in sorted(root.rglob(FILE))[:MOST_STUDIES]]
    return {place.relative_to(root).as_posix() if place != root else root.resolve().name: place for place in places}


def read(place: Path) -> tuple[Study, Any] | str:
    """Return a study and a row for each of its runs that went well; a sentence if it cannot be read."""
    try:
        return read_record(place).load(), ecosim.read_sweep(place)
    except (OSError, ValueError) as error:
        return session.sentence_of(error).replace(str(place), place.name)


def table_of(runs: Any, factor: str, outcome: str, language: str) -> str:
    """Return the HTML of an outcome's mean and two standard errors at each level of a factor, or in equal parts of its range."""
    import pandas as pd

    levels = runs[factor]
    if levels.nunique() > MOST_LEVELS and pd.api.types.is_numeric_dtype(levels):
        levels = pd.qcut(levels, MOST_LEVELS, duplicates="drop")
    grouped = runs.groupby(levels, observed=True)[outcome]
    heads = "".join(
        f"<th scope='col'>{html.escape(head)}</th>"
        for head in (factor, outcome, text("study.error", language), text("study.runs", language))
    )
    rows = "".join(
        f"<tr><th scope='row'>{html.escape(str(level))}</th><td>{values.mean():.4g}</td>"
        f"<td>{_error(values)}</td><td>{len(values)}</td></tr>"
        for level, values in grouped
    )
    return f"<table class='page-table'><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _error(values: Any) -> str:
    """Return two standard errors of the mean, which one run alone does not have."""
    return f"{2.0 * values.sem():.2g}" if len(values) > 1 else "–"
