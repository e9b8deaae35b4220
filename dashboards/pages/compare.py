"""The page that compares: two settings, the same luck, and what differs beyond chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import cycle
from typing import Any

import reacton.ipyvuetify as rv
import solara

from ecosim.colours import BENEFICIARIES
from ecosim.parameters import ScenarioError
from pages.choices import Choices
from pages.frame import Complaint
from pages.live import Progress, scenario_choices, uploads, values_of
from parts import session
from parts.controls import Controls
from parts.link import seed_of
from parts.paired import QUANTILES, Pairs, differences, run_pairs
from parts.player import Player
from parts.session import Order
from parts.texts import name as short_name
from parts.texts import text, word
from parts.trajectory import Stopped

# What is compared as long as nobody has changed anything: the question of the classroom.
EXAMPLE = (("roles.firm.openness_target", 0.1),)
# From which part of the run on shares are taken.
PERIODS = {"all": 0.0, "half": 0.5, "last": 0.9}

sides: solara.Reactive[tuple[Order, Order] | None] = solara.reactive(None)


@solara.component_vue("compare.vue", vuetify=False)
def Table(words: dict[str, str], rows: list[dict[str, Any]]) -> None:
    """Show shares under A and B, and their difference with its interval."""


@solara.component
def Page() -> None:
    """Set two worlds side by side, run both with the same luck, and take the difference."""
    language = session.language.value
    first, second = both()
    count = solara.use_reactive(20)
    period, set_period = solara.use_state("half")
    asked, set_asked = solara.use_state(None)
    wrong, set_wrong = solara.use_state("")
    task, done = _use_pairs(asked)
    current = asked == (first, second, count.value)

    def choose(chosen: dict[str, str]) -> None:
        name, value = chosen["name"], chosen["value"]
        set_wrong("")
        now = both()
        if name == "scenario":
            fresh = Order(value, now[0].seed, text=uploads.value.get(value, ""))
            sides.value = (fresh, fresh)
        elif name == "seed" and (seed := seed_of(value)) is not None:
            sides.value = (replace(now[0], seed=seed), replace(now[1], seed=seed))
        elif name == "seed":
            set_wrong(text("live.bad_seed", language, seed=value[:20]))
        elif name == "pairs" and value.isdigit() and int(value) in QUANTILES:
            count.value = int(value)
        elif name == "period" and value in PERIODS:
            set_period(value)

    solara.HTML(tag="h1", unsafe_innerHTML=text("compare.title", language))
    solara.HTML(tag="p", unsafe_innerHTML=text("compare.lead", language), classes=["page-lead"])
    Choices(
        fields=[
            _field("scenario", first.scenario, language, scenario_choices(language)),
            {"name": "seed", "label": text("live.seed", language), "value": first.seed, "options": None},
            _field("pairs", count.value, language, [{"value": str(pairs), "label": str(pairs)} for pairs in QUANTILES]),
            _field("period", period, language,
                   [{"value": name, "label": text(f"compare.period_{name}", language)} for name in PERIODS]),
        ],
        buttons=[{"name": "run", "label": text("compare.run", language), "primary": True,
                  "disabled": first == second or (current and not task.error)}],
        event_choose=choose,
        event_press=lambda _: set_asked((*both(), count.value)),
    )  # fmt: skip
    # In a place of its own, so that the two sides below are not made anew when it changes.
    with solara.Div():
        if wrong:
            Complaint(wrong)
        if first == second:
            solara.HTML(tag="p", unsafe_innerHTML=text("compare.same", language), classes=["page-quiet"])
        if current and task.pending:
            Progress(
                label=text("compare.running", language),
                done=done,
                total=count.value,
                stop=text("live.cancel", language),
                event_cancel=lambda _: set_asked(None),
            )
        if current and session.trouble_of(task):
            Complaint(session.trouble_of(task))
        if current and isinstance(task.value, Pairs):
            _Result(task.value, period, first.seed)
    with solara.Div(classes=["page-sides"]):
        for position, order in enumerate((first, second)):
            _Side("AB"[position], order, position)


@solara.component
def _Side(letter: str, order: Order, position: int) -> None:
    """Show one of the two: its changes, its run under the seed of the page, its controls."""
    language = session.language.value
    task = session.use_trajectory(order)
    future = task.value or task.latest

    def change(path: str, value: Any) -> None:
        changed = list(both())
        changed[position] = changed[position].changed(path, value)
        sides.value = (changed[0], changed[1])

    with solara.Div(classes=["page-side"], attributes={"role": "group", "aria-label": letter}):
        solara.HTML(tag="h2", unsafe_innerHTML=letter)
        solara.Text(_described(order, language), classes=["page-quiet"])
        with solara.Div():
            wrong = session.trouble_of(task) or (future.wrong if future is not None else "")
            if wrong:
                Complaint(wrong)
        if future is not None and future.traced is not None:
            Player(future.traced, language, panels=["shares"])
            with rv.Html(tag="details"):
                rv.Html(tag="summary", children=[text("compare.settings", language)])
                Controls(future.traced.scenario, values_of(order), None, language, on_change=change)


@solara.component
def _Result(pairs: Pairs, period: str, seed: int) -> None:
    """Show the differences."""
    language = session.language.value
    words = {name: text(f"compare.{name}", language) for name in ("beneficiary", "difference", "interval", "note")}
    caption = text("compare.caption", language, pairs=len(pairs.seeds), first=pairs.seeds[0], last=pairs.seeds[-1])
    colours = dict(zip(pairs.beneficiaries, cycle(BENEFICIARIES)))
    Table(
        words=words | {"caption": caption},
        rows=[
            {"name": row.beneficiary, "label": word(row.beneficiary, language), "colour": colours[row.beneficiary],
             "first": row.first, "second": row.second, "mean": row.mean, "half": row.half, "clear": row.clear}
            for row in differences(pairs, PERIODS[period])
        ],
    )  # fmt: skip


def _use_pairs(asked: tuple[Order, Order, int] | None) -> tuple[Any, int]:
    """Return the task that runs the pairs, whose value is a sentence if something is wrong, and how many are done."""
    done, set_done = solara.use_state(0)

    def work(stopped: Callable[[], bool]) -> Pairs | str | None:
        if asked is None:
            return None
        first, second, count = asked
        set_done(0)
        try:
            return run_pairs(
                first, second, range(first.seed, first.seed + count), stopped, lambda so_far, _: set_done(so_far)
            )
        except Stopped:
            return None
        except ScenarioError as error:
            return session.sentence_of(error)

    return session.use_background(work, [asked]), done


def both() -> tuple[Order, Order]:
    """Return what is compared now: at first the scenario as it ships, and as the live page has it.

    What answers a visitor asks for it, and does not hold on to what was so when the page was drawn: a second click may come
    before the page is drawn again after the first.
    """
    if sides.value is not None:
        return sides.value
    order = session.order.value
    start = replace(order, changes=(), branches=())
    return start, order if values_of(order) else replace(start, changes=EXAMPLE)


def _described(order: Order, language: str) -> str:
    """Return in words what an order changes."""
    changes = [(0, order.changes), *order.branches]
    parts = [
        text("compare.change", language, name=short_name(path, language), value=value)
        + (text("compare.from", language, quarter=step) if step else "")
        for step, values in changes
        for path, value in values
    ]
    return text("compare.comma", language).join(parts) or text("compare.unchanged", language)


def _field(name: str, value: Any, language: str, options: list[dict[str, str]]) -> dict[str, Any]:
    return {"name": name, "label": text(f"compare.{name}", language), "value": str(value), "options": options}
