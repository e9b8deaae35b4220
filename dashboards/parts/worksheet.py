"""What a lesson shows after its runs, as HTML: the same on the page and on the worksheet that a student takes home."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

import ecosim
from ecosim.outcome_table import OUTCOMES
from parts.export import ASSETS, export_html
from parts.lesson import Lesson, Measure, in_language
from parts.lesson_runs import SEEDS, Found, against_paper, paired, shown, verdict
from parts.texts import LANGUAGES, meaning, text, unit, word

STYLES = ASSETS / "lessons.css"
_UNITS = {outcome.name: outcome.unit for outcome in OUTCOMES}
_COUNTS = ("number", "level", "1", "share")


def worksheet(lesson: Lesson, found: Found, answer: Mapping[str, Any], language: str) -> str:
    """Return a student's answers, what came out, and the runs, as one page in both languages that opens without a network.

    Parameters
    ----------
    answer : "prediction", "reason", "conclusion", "who" and "seed", as the page keeps them.
    """
    seed = int(answer["seed"])
    first = in_language(lesson.futures[0].name, language)
    runs = []
    for position in (0, len(lesson.futures) - 1):
        run = shown(lesson, position, seed, first).trajectory
        called = " · ".join(lesson.futures[position].name[code] for code in LANGUAGES)
        runs.append(run | {"scenario": run["scenario"] | {"question": called}})
    sheets = "".join(
        f'<div class="lesson-sheet" lang="{code}">{_sheet(lesson, found, answer, code)}</div>' for code in LANGUAGES
    )
    return export_html(runs, f"<style>{STYLES.read_text(encoding='utf-8')}</style>{sheets}", language)


def _sheet(lesson: Lesson, found: Found, answer: Mapping[str, Any], language: str) -> str:
    title = html.escape(in_language(lesson.title, language))
    who = _written(answer, "who", language) if answer.get("who") else '<span class="lesson-line"></span>'
    parts = [
        f"<h1>{title}</h1>",
        f'<p class="lesson-who">{text("lesson.sheet", language)} · {text("lesson.who", language)}: {who}</p>',
        _section("question", _paragraph(lesson.question, language) + _paragraph(lesson.story, language), language),
        _section("predict", f"<p>{html.escape(in_language(lesson.prompt, language))} "
                 f"<b>{html.escape(said(lesson, answer.get('prediction'), language))}</b></p>", language),
        _section("because", f"<p>{_written(answer, 'reason', language)}</p>", language),
        result(lesson, found, answer.get("prediction"), language),
        _section("conclude", f"<p>{_written(answer, 'conclusion', language)}</p>", language),
    ]  # fmt: skip
    return "".join(parts)


def _written(answer: Mapping[str, Any], key: str, language: str) -> str:
    given = str(answer.get(key) or "").strip()
    if not given:
        return f'<i class="lesson-open">{text("lesson.left_open", language)}</i>'
    return html.escape(given).replace("\n", "<br>")


def said(lesson: Lesson, prediction: Any, language: str) -> str:
    """Return a prediction in words."""
    for choice in lesson.choices:
        if choice.name == prediction:
            return in_language(choice.text, language)
    if prediction is None:
        return text("lesson.left_open", language)
    number = float(prediction)
    written = f"{number:g}" if number == round(number) else ("−" if number < 0 else "") + _plain(abs(number))
    return " ".join(filter(None, (written, in_language(lesson.unit, language))))


def result(lesson: Lesson, found: Found, prediction: Any, language: str) -> str:
    """Return what happened, set against the prediction and the paper, as HTML."""
    explanation = lesson.explanation(found.reading, found.number)
    source = "".join(
        f"<li>{html.escape(text(f'lesson.paper_of.{paper}', language))}: {html.escape(place)}</li>"
        for paper, place in (part.split(" ", 1) for part in lesson.source.split("; "))
    )
    standing = against_paper(lesson, found)
    happened = f'<p class="lesson-verdict">{html.escape(told(lesson, found, prediction, language))}</p>'
    happened += _picture(lesson, found, language) + _table(lesson, found, language)
    why = in_language(explanation, language) if explanation else text("lesson.unexplained", language)
    return (
        _section("happened", happened, language)
        + _section("why", f"<p>{_with_code(why)}</p>", language)
        + _section(
            "paper",
            f"<blockquote>{html.escape(in_language(lesson.claim, language))}</blockquote><ul>{source}</ul>"
            f"<p><b>{text(f'lesson.against.{standing}', language)}</b></p>",
            language,
        )
    )


def told(lesson: Lesson, found: Found, prediction: Any, language: str) -> str:
    """Return in a sentence or two what came out, set against the prediction."""
    never = math.isnan(found.number)
    answer = "" if never else said(lesson, found.reading if lesson.choices else found.number, language)
    sentences = []
    if prediction is not None:
        how = verdict(lesson, found, prediction)
        sentences.append(text(f"lesson.verdict.{how}", language, answer=answer, number=answer))
    if lesson.choices and lesson.statistic != "shape":
        number = _signed(found.number) + (f" ± {_plain(found.half)}" if found.half is not None else "")
        if lesson.statistic == "luck":
            number = _plain(found.number)
        sentences.append(text(f"lesson.statistic.{lesson.statistic}", language, number=number))
    return ("" if language == "zh" else " ").join(sentences)


def _section(key: str, content: str, language: str) -> str:
    return f'<section class="lesson-part"><h2>{text(f"lesson.{key}", language)}</h2>{content}</section>'


def _paragraph(both: Mapping[str, str], language: str) -> str:
    return f"<p>{html.escape(in_language(both, language))}</p>"


def _with_code(sentence: str) -> str:
    """Return a sentence as HTML, with what stands between backticks as code."""
    pieces = html.escape(sentence).split("`")
    return "".join(f"<code>{piece}</code>" if position % 2 else piece for position, piece in enumerate(pieces))


def label(measure: Measure, language: str) -> str:
    """Return what a measure is called."""
    if measure.name:
        return in_language(measure.name, language)
    if measure.kind == "share":
        return text("lesson.share_of", language, who=word(measure.of, language))
    # The first clause of what it means says more than its short name.
    called, of = re.split("[:;.：；。]", meaning(measure.of, language), maxsplit=1)[0], _UNITS[measure.of]
    if of in _COUNTS:
        return called
    return text("lesson.outcome", language, name=called, unit=unit(of, language))


def _table(lesson: Lesson, found: Found, language: str) -> str:
    two = len(lesson.futures) == 2
    head = "".join(
        f'<th scope="col">{html.escape(in_language(future.name, language))}</th>' for future in lesson.futures
    )
    head = f'<th scope="col">{text("lesson.measure", language)}</th>{head}'
    head += f'<th scope="col">{text("lesson.difference", language)}</th>' if two else ""
    rows = ""
    for measure, values in zip(lesson.measures, found.values):
        cells = "".join(f"<td>{_cell(measure, row, language)}</td>" for row in values)
        cells += f"<td>{_difference(measure, values, language)}</td>" if two else ""
        rows += f'<tr><th scope="row">{html.escape(label(measure, language))}</th>{cells}</tr>'
    note = text("lesson.note", language, seeds=len(SEEDS), version=ecosim.__version__)
    caption = text("lesson.happened", language)
    return (
        f'<div class="lesson-scroll" tabindex="0" role="region" aria-label="{caption}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        f'<p class="lesson-note">{html.escape(note)}</p>'
    )


def _cell(measure: Measure, values: Any, language: str) -> str:
    if measure.kind == "reached":
        return text("lesson.some_of", language, count=int(values.sum()), seeds=len(values))
    if measure.kind == "first year":
        reached = values[~np.isnan(values)]
        if not len(reached):
            return text("lesson.never", language)
        return text("lesson.year_of", language, year=f"{np.median(reached):.0f}", count=len(reached), seeds=len(values))
    return _plain(values.mean())


def _difference(measure: Measure, values: Any, language: str) -> str:
    if measure.kind not in ("share", "mean"):
        return ""
    mean, half = paired(values[1] - values[0])
    shown_as = f"{_signed(mean)} ± {_plain(half)}"
    said_as = text("lesson.clear" if abs(mean) > half else "lesson.not_clear", language)
    return f'<b title="{said_as}">{shown_as}</b>' if abs(mean) > half else f'<span title="{said_as}">{shown_as}</span>'


def _plain(number: float) -> str:
    size = abs(number)
    if size >= 1000:
        return f"{number:,.0f}"
    return f"{number:.1f}" if size >= 10 else f"{number:.2f}"


def _signed(number: float) -> str:
    return f"{'−' if number < 0 else '+'}{_plain(abs(number))}"


def _picture(lesson: Lesson, found: Found, language: str) -> str:
    if lesson.statistic in ("difference", "relative", "luck"):
        return _dots(lesson, found, language)
    return _curve(lesson, found, language) if lesson.statistic == "shape" else ""


def _figure(drawing: str, height: int, caption: str) -> str:
    return (
        f'<figure class="lesson-figure"><svg viewBox="0 0 600 {height}" role="img" aria-label="{html.escape(caption)}">{drawing}</svg>'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def _dots(lesson: Lesson, found: Found, language: str) -> str:
    """Draw the difference of each pair of runs, zero and the mean with its interval."""
    first, second = found.values[0][:2]
    pairs = second - first if lesson.statistic != "relative" else 100.0 * (second / first - 1.0)
    strangers = np.roll(second, 7) - first if lesson.statistic == "luck" else np.array([])
    mean, half = paired(pairs)
    every = np.concatenate([pairs, strangers, [0.0, mean - half, mean + half]])
    low, high = float(every.min()), float(every.max())

    def across(value: float) -> float:
        return 20.0 + 560.0 * (value - low) / (high - low or 1.0)

    drawing = f'<line class="lesson-zero" x1="{across(0):.1f}" x2="{across(0):.1f}" y1="6" y2="84"/>'
    drawing += f'<text x="{across(0):.1f}" y="98" text-anchor="middle">0</text>'
    for kind, values, top in (("lesson-dot", pairs, 30), ("lesson-ring", strangers, 58)):
        drawing += "".join(
            f'<circle class="{kind}" cx="{across(value):.1f}" cy="{top + 5 * (place % 3 - 1)}" r="5"><title>{SEEDS[place]}: '
            f"{_signed(value)}</title></circle>" for place, value in enumerate(values)
        )  # fmt: skip
    drawing += (
        f'<line class="lesson-mean" x1="{across(mean - half):.1f}" x2="{across(mean + half):.1f}" y1="74" y2="74"/>'
    )
    drawing += f'<circle class="lesson-mean" cx="{across(mean):.1f}" cy="74" r="4"/>'
    for end, anchor in ((low, "start"), (high, "end")):
        if abs(across(end) - across(0)) > 60:
            drawing += f'<text x="{across(end):.1f}" y="98" text-anchor="{anchor}">{_signed(end)}</text>'
    names = {key: in_language(lesson.futures[place].name, language) for place, key in enumerate(("first", "second"))}
    caption = text("lesson.luck_dots" if lesson.statistic == "luck" else "lesson.dots", language, **names)
    return _figure(drawing, 104, caption)


def _curve(lesson: Lesson, found: Found, language: str) -> str:
    """Draw how the number that was asked for goes with the level."""
    values = found.values[0]
    low, high = (float(end) for end in np.quantile(values, (0.02, 0.98)))
    mean, (below, above) = values.mean(axis=1), np.quantile(values, (0.1, 0.9), axis=1)
    step = 500.0 / (len(values) - 1)

    def at(position: int, value: float) -> str:
        return f"{60 + step * position:.1f},{170 - 150 * (min(max(value, low), high) - low) / (high - low):.1f}"

    band = [at(place, value) for place, value in enumerate(above)]
    band += [at(place, below[place]) for place in reversed(range(len(below)))]
    drawing = f'<polygon class="lesson-band" points="{" ".join(band)}"/>'
    drawing += (
        f'<polyline class="lesson-curve" points="{" ".join(at(place, value) for place, value in enumerate(mean))}"/>'
    )
    for place, value in enumerate(mean):
        x, y = at(place, value).split(",")
        drawing += f'<circle class="lesson-dot" cx="{x}" cy="{y}" r="5"/>'
        drawing += f'<text x="{x}" y="{float(y) - 10:.1f}" text-anchor="middle">{_plain(value)}</text>'
        future = html.escape(in_language(lesson.futures[place].name, language))
        drawing += f'<text x="{x}" y="192" text-anchor="middle">{future}</text>'
    caption = text("lesson.curve", language, name=label(lesson.measures[0], language))
    return _figure(drawing, 200, caption)
