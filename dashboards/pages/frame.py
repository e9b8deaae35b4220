"""What stands around each page: its navigation, the language switch, and the address that says what is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import solara
import solara.lab

from ecosim.parameters import ScenarioError
from parts import session
from parts.export import ASSETS
from parts.link import query, read_query
from parts.texts import LANGUAGES, text

PAGES = ("/", "/lessons", "/compare", "/study", "/propositions", "/info")


@solara.component_vue("frame.vue", vuetify=False)
def Head(
    pages: list[dict[str, str]],
    current: str,
    words: dict[str, str],
    languages: dict[str, str],
    language: str,
    title: str,
    address: str,
    event_go: Callable[[str], None],
    event_choose: Callable[[str], None],
) -> None:
    """Draw the head of a page and keep the browser's address up to date."""


@solara.component
def Layout(children: Any = ()) -> None:
    """Draw the head of a page, and the page; what the address asks for is read once, when the page is opened."""
    router = solara.use_router()
    wrong = solara.use_memo(lambda: _follow(router.search or ""), [])
    language = session.language.value
    current = "/" + router.parts[0]
    for name in ("pages.css", "controls.css", "lessons.css"):
        solara.Style(ASSETS / name)

    def choose(code: str) -> None:
        session.language.value = code if code in LANGUAGES else "en"

    labels = {path: text(f"pages.{path.strip('/') or 'live'}", language) for path in PAGES}
    with solara.Div(classes=["page-all"]):
        Head(
            pages=[{"path": path, "label": label} for path, label in labels.items()],
            current=current,
            words={name: text(f"pages.{name}", language) for name in ("pages", "language")},
            languages=LANGUAGES,
            language=language,
            title=f"{labels.get(current, '')} · ecosim",
            address=address(),
            event_go=router.push,
            event_choose=choose,
        )
        if wrong:
            Complaint(wrong)
        with solara.Div(classes=["page-body"], attributes={"role": "main"}):
            solara.Column(children=list(children), gap="0px")


@solara.component
def Complaint(sentence: str) -> None:
    """Say what is wrong in one sentence."""
    solara.Div(classes=["page-wrong"], attributes={"role": "alert"}, children=[sentence])


def address() -> str:
    """Return the query that gives back what is asked for; an upload is only known to its session."""
    order = session.order.value
    if order.text:
        return f"lang={session.language.value}"
    return query(order.scenario, order.seed, order.changes, order.branches, session.language.value)


def _follow(search: str) -> str:
    """Take over what an address asks for, and return what is wrong with it; what it leaves out is as the browser likes it."""
    session.language.value = _preferred()
    if not search:
        return ""
    try:
        asked = read_query(search)
    except ScenarioError as error:
        return session.sentence_of(error)
    session.order.value = session.Order(asked.scenario, asked.seed, asked.changes, asked.branches)
    session.language.value = asked.language or session.language.value
    return ""


def _preferred() -> str:
    """Return the first language that the browser asks for, of those that there are."""
    asked = (solara.lab.headers.value or {}).get("accept-language", [""])[0].lower().split(",")
    known = (code for language in asked for code in LANGUAGES if language.strip().startswith(code))
    return next(known, next(iter(LANGUAGES)))
