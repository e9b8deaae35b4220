"""The page on a study: what many runs found of an outcome, and the runs behind each number."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import solara

from ecosim.parameters import ScenarioError
from ecosim.runs import OutputError
from pages.choices import Choices
from pages.frame import Complaint
from parts import session
from parts.player import packed
from parts.study_charts import sections_of
from parts.study_drawing import Drawing
from parts.study_files import read, studies, title_of, told, without_paths
from parts.study_runs import runs_behind
from parts.study_words import Wording, plain
from parts.texts import of_study, text

if TYPE_CHECKING:
    from ecosim.analysis.analyse import Analysis

# What each kind of design is called.
DESIGNS = {
    "factorial": "study.design_factorial", "one-at-a-time": "study.design_one_at_a_time", "list": "study.design_list",
    "latin-hypercube": "study.design_latin_hypercube", "sobol": "study.design_sobol", "morris": "study.design_morris",
}  # fmt: skip


@solara.component
def Page() -> None:
    """Choose a study and see what it found."""
    language = session.language.value
    found = solara.use_memo(studies, [])
    titles = solara.use_memo(lambda: {name: title_of(place) for name, place in found.items()}, [])
    chosen, set_chosen = solara.use_state("")
    name = chosen if chosen in found else next(iter(found), "")
    solara.HTML(tag="h1", unsafe_innerHTML=text("study.title", language))
    solara.HTML(tag="p", unsafe_innerHTML=text("study.lead", language), classes=["page-lead"])
    if not found:
        solara.HTML(tag="p", unsafe_innerHTML=html.escape(text("study.none", language)), classes=["page-quiet"])
        return
    options = [{"value": key, "label": _label(key, titles[key], language)} for key in found]
    _Choice("study", name, options, set_chosen)
    _Study(name, found[name]).key(name)


@solara.component
def _Study(name: str, place: Path) -> None:
    """Analyse an outcome of a study in the background and show what was found."""
    language = session.language.value
    outcome, set_outcome = solara.use_state("")
    task = session.use_background(lambda _: read(place, outcome), [place, outcome])
    found = task.value or task.latest
    if wrong := session.trouble_of(task):
        Complaint(wrong)
    elif found is None or isinstance(found, str):
        _Wait(text("study.reading", language))
    else:
        _Findings(name, place, found, outcome or found.outcomes[0], set_outcome)


@solara.component
def _Wait(sentence: str) -> None:
    """Say what a visitor waits for."""
    solara.Div(classes=["page-wait"], attributes={"role": "status"}, children=[sentence])


@solara.component
def _Findings(name: str, place: Path, analysis: Analysis, asked: str, set_outcome: Callable[[str], None]) -> None:
    """Show what a study asked, how far it is, and its findings on one outcome; another may be asked for and not be there yet."""
    language = session.language.value
    outcome = analysis.outcomes[0]
    picked, set_picked = solara.use_state(None)
    page, set_page = solara.use_state(0)
    words = solara.use_memo(lambda: Wording(analysis.study, language), [language])
    task = session.use_background(
        lambda _: packed({"sections": sections_of(analysis, outcome, language), "words": _words(language)}),
        [outcome, language],
    )

    def pick(what: dict[str, Any]) -> None:
        set_page(0)
        set_picked(what)

    study = analysis.study
    outcomes = [{"value": wanted.name, "label": words.outcomes[wanted.name]} for wanted in study.outcomes]
    with solara.Div(classes=["page-findings"]):
        solara.HTML(
            tag="h2", unsafe_innerHTML=html.escape(of_study(name, "title", study.title or study.name, language))
        )
        question = of_study(name, "question", study.question, language)
        solara.HTML(tag="p", unsafe_innerHTML=html.escape(question), classes=["page-lead"])
        solara.HTML(tag="p", unsafe_innerHTML=html.escape(_progress(analysis, language)))
        _Notes(place, analysis)
        _Choice("outcome", asked, outcomes, set_outcome)
        if asked != outcome:
            _Wait(text("study.reading", language))
        solara.HTML(tag="p", unsafe_innerHTML=html.escape(summary_of(analysis, outcome, words)))
    if wrong := session.trouble_of(task):
        Complaint(wrong)
    shown = task.value or task.latest
    if shown:
        Drawing(shown, language, on_pick=pick)
    else:
        _Wait(text("study.drawing", language))
    with solara.Div():
        if picked is not None:
            _Runs(place, analysis, outcome, picked, page, set_page)


@solara.component
def _Runs(
    place: Path, analysis: Analysis, outcome: str, picked: dict[str, Any], page: int, set_page: Callable[[int], None]
) -> None:
    """Show the runs behind what was picked."""
    language = session.language.value

    def work(_: Callable[[], bool]) -> bytes | str:
        try:
            shown = runs_behind(analysis, place, outcome, picked, page, language)
        except (OutputError, ScenarioError, ValueError) as error:
            return told(place, error)
        return packed({**shown, "words": _words(language), "arrived": [outcome, picked]})

    task = session.use_background(work, [outcome, picked, page, language])
    shown = task.value or task.latest
    if wrong := session.trouble_of(task):
        Complaint(wrong)
    elif shown is None or isinstance(shown, str):
        _Wait(text("study.reading", language))
    else:
        Drawing(shown, language, on_turn=lambda asked: set_page(int(asked)))


@solara.component
def _Notes(place: Path, analysis: Analysis) -> None:
    """Say what was left out and what cannot be told; the analysis says it in English."""
    language = session.language.value
    items = "".join(f"<li>{html.escape(without_paths(place, note))}</li>" for note in analysis.notes)
    heading = html.escape(text("study.notes", language, count=len(analysis.notes)))
    if items:
        inner = f"<summary>{heading}</summary><ul lang='en'>{items}</ul>"
        opened = {"open": True} if _has_gaps(analysis) else {}
        solara.HTML(tag="details", unsafe_innerHTML=inner, classes=["page-text", "page-notes"], attributes=opened)


@solara.component
def _Choice(field: str, value: str, options: list[dict[str, str]], choose: Callable[[str], None]) -> None:
    """Offer a choice, of which nothing else can be chosen."""
    known = {option["value"] for option in options}
    label = text(f"study.{field}", session.language.value)
    Choices(
        fields=[{"name": field, "label": label, "value": value, "options": options}],
        buttons=[],
        event_choose=lambda chosen: choose(chosen["value"]) if chosen["value"] in known else None,
        event_press=lambda _: None,
    )


def summary_of(analysis: Analysis, outcome: str, words: Wording) -> str:
    """Return in a sentence or two what values an outcome has, and how much of their spread is luck."""
    table = analysis.tables["outcomes"]
    row = table[table["outcome"] == outcome].iloc[0]
    values = {key: words.number(outcome, row[key]) for key in ("mean", "lowest", "highest")}
    said = text("study.summary", words.language, outcome=words.short(outcome), points=f"{row['points']:,}", **values)
    if row["part_of_factors"] == row["part_of_factors"]:
        parts = {"varied": row["part_of_factors"], "luck": 1.0 - row["part_of_factors"]}
        said += text(
            "study.luck", words.language, **{key: f"{plain(100.0 * part)}\u00a0%" for key, part in parts.items()}
        )
    return said


def _progress(analysis: Analysis, language: str) -> str:
    progress, design = analysis.progress, text(DESIGNS[analysis.experiment.kind], language)
    total = progress.done + progress.failed + progress.runs_to_go
    return text(
        "study.progress", language, design=design, points=f"{len(progress.points):,}", done=f"{progress.done:,}",
        total=f"{total:,}", failed=f"{progress.failed:,}",
    )  # fmt: skip


def _has_gaps(analysis: Analysis) -> bool:
    """Tell whether runs failed, are missing or to come: then what the notes say comes before the charts."""
    progress = analysis.progress
    return bool(progress.failed or progress.points_to_go or progress.runs_to_go)


def _label(name: str, title: str, language: str) -> str:
    own = of_study(name, "title", title, language)
    return f"{own} ({name})" if own else name


def _words(language: str) -> dict[str, str]:
    names = (
        "table", "show_all", "open_live", "live_link", "command", "earlier", "later", "click", "no_link",
    )  # fmt: skip
    return {name: text(f"study.{name}", language) for name in names}
