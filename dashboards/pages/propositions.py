"""The page on propositions: which claims of the papers follow from their mechanisms, filtered, with the effect as a picture."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import solara

from pages.choices import Choices
from parts import session
from parts.texts import of_proposition, text

FINDINGS = Path(__file__).parents[1] / "assets" / "propositions.json"
FILTERS = ("paper", "mechanism", "verdict")
WIDEST = 3.0  # standard deviations that a picture shows to either side
Finding = dict[str, Any]


@cache
def findings() -> tuple[Finding, ...]:
    """Return what the laboratory found, as `docs/proposition_tables.py` wrote it."""
    return tuple(json.loads(FINDINGS.read_text(encoding="utf-8"))["findings"])


@cache
def seeds_at_most() -> int:
    """Return the budget of the findings in paired seeds."""
    return int(json.loads(FINDINGS.read_text(encoding="utf-8"))["settings"]["seeds"])


def _values(finding: Finding, name: str) -> Sequence[str]:
    return finding["papers"] if name == "paper" else (finding[name],)


@solara.component
def Page() -> None:
    """Show the table, and fields that filter it."""
    language = session.language.value
    chosen, set_chosen = solara.use_state(dict.fromkeys(FILTERS, ""))
    everything = {"value": "", "label": text("propositions.all", language)}
    fields = []
    for name in FILTERS:
        values = sorted({value for each in findings() for value in _values(each, name)})
        labels = [
            text(f"propositions.verdicts.{value.replace(' ', '_')}", language) if name == "verdict" else value
            for value in values
        ]
        options = [{"value": value, "label": label} for value, label in zip(values, labels, strict=True)]
        fields.append({"name": name, "label": text(f"propositions.{name}", language), "value": chosen[name],
                       "options": [everything, *options]})  # fmt: skip
    solara.HTML(tag="h1", unsafe_innerHTML=text("propositions.title", language))
    solara.HTML(tag="p", unsafe_innerHTML=text("propositions.lead", language), classes=["page-lead"])
    Choices(
        fields=fields,
        buttons=[],
        event_choose=lambda field: set_chosen({**chosen, field["name"]: field["value"]}),
        event_press=lambda _: None,
    )
    kept = [
        each for each in findings() if all(not value or value in _values(each, name) for name, value in chosen.items())
    ]
    count = text("propositions.count", language, shown=len(kept), total=len(findings()))
    solara.HTML(tag="p", unsafe_innerHTML=html.escape(count), attributes={"role": "status"})
    # Tables wider than a phone scroll by themselves, by key too.
    attributes = {"tabindex": "0", "role": "region", "aria-label": text("propositions.title", language)}
    solara.HTML(tag="div", unsafe_innerHTML=_table(kept, language), classes=["page-scroll"], attributes=attributes)


def _table(kept: Sequence[Finding], language: str) -> str:
    names = ("number", "claim", "picture", "verdict", "effect", "command")
    head = "".join(f"<th scope='col'>{html.escape(text(f'propositions.{name}', language))}</th>" for name in names)
    return f"<table class='page-table page-claims'><thead><tr>{head}</tr></thead><tbody>{''.join(_row(each, language) for each in kept)}</tbody></table>"


def _row(finding: Finding, language: str) -> str:
    verdict = text(f"propositions.verdicts.{finding['verdict'].replace(' ', '_')}", language)
    effect = finding["effect"]
    numbers = "" if effect is None else f"{effect['mean']:.3g} [{effect['low']:.3g}, {effect['high']:.3g}]"
    reading = finding["reading"] or ""
    command = f"ecosim propositions {finding['number']} --seeds {seeds_at_most()}" if effect else ""
    cells = (
        finding["number"], f"{of_proposition(finding['number'], finding['statement'], language)} ({finding['place']})", None, f"{verdict}: {finding['reason']}",
        f"{numbers} {reading}".strip(), command,
    )  # fmt: skip
    return (
        "<tr>"
        + "".join(f"<td>{_pictures(finding, language) if cell is None else html.escape(cell)}</td>" for cell in cells)
        + "</tr>"
    )


def _pictures(finding: Finding, language: str) -> str:
    """Return the effect as a drawing and, folded, what each world's runs came to."""
    return _picture(finding, language) + (_distribution(finding, language) if finding["values"] else "")


def _distribution(finding: Finding, language: str) -> str:
    """Return a column of dots a world, one a seed, with their mean as a bar."""
    worlds, values = finding["worlds"], finding["values"]
    low, high = min(map(min, values)), max(map(max, values))
    names = [_world(name, language) for name in worlds]
    means = [sum(readings) / len(readings) for readings in values]

    def height(value: float) -> float:
        return 90.0 - 80.0 * ((value - low) / (high - low) if high > low else 0.5)

    drawn = []
    for place, (readings, mean) in enumerate(zip(values, means, strict=True)):
        left, colour = 62 + 46 * place, "#0072b2" if place == 0 else "#666666"
        # One path of lines without length instead of a circle a dot: there are ten thousand of them.
        dots = "".join(
            f"M{left + 30 * rank / max(1, len(readings) - 1):.0f} {height(value):.0f}h0"
            for rank, value in enumerate(readings)
        )
        drawn.append(
            f"<path d='{dots}' stroke='{colour}' stroke-opacity='0.6' stroke-width='4' stroke-linecap='round'/>"
        )
        drawn.append(
            f"<line x1='{left - 3}' x2='{left + 33}' y1='{height(mean):.1f}' y2='{height(mean):.1f}' stroke='#d55e00' stroke-width='2'/>"
        )
        drawn.append(f"<text x='{left + 15}' y='108' text-anchor='middle'>{place + 1}</text>")
    for value in {low, high}:
        drawn.append(f"<text x='52' y='{height(value) + 4:.1f}' text-anchor='end'>{value:.3g}</text>")
    told = "; ".join(
        f"{number} {name}: {mean:.3g}" for number, (name, mean) in enumerate(zip(names, means, strict=True), start=1)
    )
    label = html.escape(f"{text('propositions.readings', language)}, {finding['reading']}. {told}", quote=True)
    width = 62 + 46 * len(worlds)
    return (
        f"<details><summary>{html.escape(text('propositions.readings', language))}</summary>"
        f"<svg role='img' aria-label='{label}' width='{width}' height='114' viewBox='0 0 {width} 114' font-size='11'>{''.join(drawn)}</svg>"
        f"<p>{html.escape(text('propositions.means', language))} {html.escape(told)}</p></details>"
    )


def _world(name: str, language: str) -> str:
    """Return what a world of an experiment is called."""
    kind, _, control = name.partition(" under ")
    word, _, number = kind.partition(" ")
    called = text(f"propositions.worlds.{word}", language) + (f" {number}" if number else "")
    return called + (text("propositions.worlds.under_control", language) if control else "")


def _picture(finding: Finding, language: str) -> str:
    """Return the effect and that under the control, in standard deviations, as a drawing around zero."""
    lines = [(finding["effect"], "#0072b2", 10), (finding["under_control"], "#666666", 22)]
    drawn = "".join(_interval(effect, colour, height) for effect, colour, height in lines if effect is not None)
    if not drawn:
        return ""
    label = html.escape(text("propositions.picture_of", language, number=finding["number"]), quote=True)
    zero = "<line x1='75' x2='75' y1='0' y2='30' stroke='#999' stroke-dasharray='3 2'/>"
    return f"<svg role='img' aria-label='{label}' width='150' height='30' viewBox='0 0 150 30'>{zero}{drawn}</svg>"


def _interval(effect: dict[str, float | None], colour: str, height: int) -> str:
    mean, low, high, size = (effect[name] for name in ("mean", "low", "high", "standardised"))
    assert mean is not None
    assert low is not None
    assert high is not None
    spread = abs(mean / size) if size else 0.0

    def across(value: float) -> float:
        wide = value / spread if spread else WIDEST * ((value > 0.0) - (value < 0.0))
        return 75.0 + 70.0 * max(-WIDEST, min(WIDEST, wide)) / WIDEST

    return (
        f"<line x1='{across(low):.1f}' x2='{across(high):.1f}' y1='{height}' y2='{height}' stroke='{colour}' stroke-width='3'/>"
        f"<circle cx='{across(mean):.1f}' cy='{height}' r='4' fill='{colour}'/>"
    )
