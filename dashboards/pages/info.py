"""The info page: what the model is, how it works, what to notice and to try, and where it comes from."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import solara

from ecosim.parameters import ScenarioError, Value
from ecosim.scenario import Scenario
from ecosim.schedule import QUARTER
from pages.choices import Choices
from pages.frame import Complaint
from pages.live import scenario_choices, uploads
from parts import session
from parts.session import Order
from parts.texts import of_scenario, text

# What to try in a scenario: the key of the question, and the changes.
TRIES: dict[str, dict[str, dict[str, Value]]] = {
    "classroom": {
        "closed": {"roles.firm.openness_target": 0.1},
        "trust": {"rules.trust": False},
        "nash": {"value_sharing.division": "nash"},
        "purchase": {"roles.firm.purchase_share": 0.5},
    },
    "huawei-ecosystem": {
        "closed": {"rules.open_sharing": False},
        "trust": {"rules.trust": False},
        "value_sharing": {"rules.value_sharing": False},
    },
    "embargo": {"home": {"foreign_supply.tradable": 0.3}},
    "core-technology": {"licensing": {"rules.licensing": False}, "grants": {"policy.grants": 0.6}},
    "cloud-platforms": {"modules": {"rules.extract_modules": False}},
    "huawei-baseband": {"prerequisites": {"rules.prerequisites": False}, "crossover": {"rules.crossover": False}},
}
SOURCES = ("S000", "S001", "S002", "S003")


@solara.component
def Page() -> None:
    """Tell about the scenario of the live page."""
    language, order = session.language.value, session.order.value
    router = solara.use_router()
    Choices(
        fields=[
            {"name": "scenario", "label": text("live.scenario", language), "value": order.scenario,
             "options": scenario_choices(language)},
        ],
        buttons=[],
        event_choose=lambda chosen: session.order.set(
            Order(chosen["value"], order.seed, text=uploads.value.get(chosen["value"], ""))
        ),
        event_press=lambda _: None,
    )  # fmt: skip
    try:
        world = session.start_of(order)
    except ScenarioError as error:
        Complaint(session.sentence_of(error))
        return

    def attempt(changes: dict[str, Value]) -> None:
        session.order.value = Order(order.scenario, order.seed, tuple(sorted(changes.items())), text=order.text)
        router.push("/")

    with solara.Div(classes=["page-text"]):
        solara.HTML(tag="div", unsafe_innerHTML=_about(world, language))
        if TRIES.get(order.scenario):
            solara.HTML(tag="h2", unsafe_innerHTML=text("info.try", language))
        for key, changes in TRIES.get(order.scenario, {}).items():
            with solara.Div(classes=["page-try"]):
                solara.Text(text(f"info.tries.{order.scenario}.{key}", language))
                Choices(
                    fields=[],
                    buttons=[
                        {"name": key, "label": text("info.try_it", language), "primary": False, "disabled": False}
                    ],
                    event_choose=lambda _: None,
                    event_press=lambda _, changes=changes: attempt(changes),
                )
        solara.HTML(tag="div", unsafe_innerHTML=_origins(world, language))


def _about(world: Scenario, language: str) -> str:
    """Return what it is, how it works, how to use it and what to notice, as HTML."""
    title, question = (of_scenario(world.name, part, getattr(world, part), language) for part in ("title", "question"))
    begin, end = world.start_year, world.start_year + (world.steps - 1) // 4
    size = text("info.size", language, steps=world.steps, begin=begin, end=end)
    phases = [_phase(world, phase, language) for phase in QUARTER]
    notice = [text(f"info.{name}", language) for name in ("notice_stage", "notice_luck", "notice_share")]
    return "".join(
        [
            f"<h1>{html.escape(title or world.name)}</h1><p class='page-lead'>{html.escape(question)}</p>",
            _section("what", language, f"<p>{_told('what_text', language)}</p><p>{html.escape(size)}</p>"),
            _section("how", language, f"<p>{_told('how_text', language)}</p>{_list('ol', phases)}"),
            _section("use", language, f"<p>{_told('use_text', language)}</p>"),
            _section("notice", language, _list("ul", [html.escape(one) for one in notice])),
        ]
    )


def _origins(world: Scenario, language: str) -> str:
    """Return where the scenario comes from and what it is not, as HTML."""
    named = html.escape(text("info.sources_of", language, sources="; ".join(world.sources)))
    papers = [f"{source}: {_told(f'source.{source}', language)}" for source in SOURCES]
    lead = f"<p>{named}</p>" if world.sources else ""
    return _section("sources", language, lead + _list("ul", papers)) + _section(
        "not", language, f"<p>{_told('not_text', language)}</p>"
    )


def _phase(world: Scenario, phase: Any, language: str) -> str:
    told = _told(f"phase.{phase.name}", language)
    off = phase.switch is not None and not world.rules.get(phase.switch, True)
    source = f" <small>{html.escape(phase.source)}</small>"
    return f"<s>{told}</s>{source}" if off else told + source


def _told(key: str, language: str) -> str:
    return html.escape(text(f"info.{key}", language))


def _section(key: str, language: str, content: str) -> str:
    return f"<h2>{_told(key, language)}</h2>{content}"


def _list(tag: str, items: Sequence[str]) -> str:
    return f"<{tag}>" + "".join(f"<li>{item}</li>" for item in items) + f"</{tag}>"
