"""The live page: turn a knob, and see who gets the value."""

from __future__ import annotations

import html
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import solara

from ecosim.parameters import ScenarioError, Value
from ecosim.scenario import Scenario
from ecosim.scenario_file import shipped_scenarios
from ecosim.serving import limits
from pages.download import Download
from pages.frame import Complaint, address
from parts import session
from parts.controls import Controls
from parts.exchange import download, plain_name
from parts.export import export_html
from parts.link import seed_of, shipped
from parts.player import Player
from parts.session import Future, Order
from parts.story import stories, story_of_chosen
from parts.texts import of_scenario, text
from parts.trajectory import Stopped, Traced, band, changeable

SEEDS = range(1, 21)
WORDS = (
    "scenario", "seed", "seed_meaning", "new_luck", "new_luck_meaning", "reset", "reset_meaning", "ghost", "ghost_meaning",
    "band", "band_meaning", "more", "link", "link_meaning", "copied", "export", "download", "upload",
)  # fmt: skip

# Scenarios that this visitor has uploaded, name to TOML.
uploads: solara.Reactive[dict[str, str]] = solara.reactive({})


@solara.component_vue("toolbar.vue", vuetify=False)
def Toolbar(
    words: dict[str, str],
    scenarios: list[dict[str, str]],
    scenario: str,
    seed: int,
    changed: int,
    ghost: bool,
    band: bool,
    link: str,
    most: int,
    event_pick: Callable[[str], None],
    event_sow: Callable[[str], None],
    event_new_luck: Callable[[Any], None],
    event_reset: Callable[[Any], None],
    event_keep: Callable[[bool], None],
    event_spread: Callable[[bool], None],
    event_download: Callable[[Any], None],
    event_export_page: Callable[[Any], None],
    event_upload: Callable[[dict[str, Any]], None],
) -> None:
    """Choose the world and the luck, and take them along."""


@solara.component_vue("progress.vue", vuetify=False)
def Progress(label: str, done: int, total: int, stop: str, event_cancel: Callable[[Any], None]) -> None:
    """Show how far something in the background is."""


@solara.component
def Page() -> None:
    """Run what is asked for and show it; what changes is run again in the background while the old stays on the screen."""
    order, language = session.order.value, session.language.value
    wrong, set_wrong = solara.use_state("")
    ghost, set_ghost = solara.use_state(None)
    wants_band, set_wants_band = solara.use_state(False)
    selected, set_selected = solara.use_state(None)
    task = session.use_trajectory(order)
    spread, spread_done = _use_band(order if wants_band else None)
    future: Future | None = task.value or task.latest
    kept = solara.use_ref(None)
    if future is not None and future.traced is not None:
        kept.current = future.traced
    traced: Traced | None = kept.current
    told = solara.use_memo(lambda: story_of_chosen(traced, selected), [traced, selected])

    # What answers a visitor asks the session for the order, which may have changed since the page was last drawn.
    def ask(changed: Order) -> None:
        set_wrong("")
        session.order.value = changed

    def pick(name: str) -> None:
        set_ghost(None)
        set_selected(None)
        ask(Order(name, session.order.value.seed, text=uploads.value.get(name, "")))

    def branch(step: int) -> None:
        if traced is not None:
            set_ghost(_ghost(traced, language, step))
        ask(session.order.value.branched(int(step)))

    _Tools(order, traced, ghost, set_ghost, wants_band, set_wants_band, ask, pick, set_wrong)
    # Messages come and go in a place of their own: what stands after them would be made anew if it moved up or down.
    with solara.Div(classes=["page-messages"]):
        complaint = wrong or session.trouble_of(task) or (future.wrong if future is not None else "")
        complaint = complaint or (session.trouble_of(spread) if wants_band else "")
        if complaint:
            Complaint(complaint)
        if wants_band and spread.pending:
            Progress(
                label=text("live.band_running", language),
                done=spread_done,
                total=len(SEEDS),
                stop=text("live.cancel", language),
                event_cancel=lambda _: set_wants_band(False),
            )
    if traced is None:
        solara.Div(classes=["page-wait"], attributes={"role": "status"}, children=[text("live.wait", language)])
        return
    with solara.Div(classes=["page-live"]):
        _Settings(order, traced, ask)
        with solara.Div(classes=["page-player"]):
            world = traced.scenario
            question = of_scenario(world.name, "question", world.question, language) or world.title or world.name
            solara.HTML(tag="h1", unsafe_innerHTML=html.escape(question), classes=["page-question"])
            with solara.Div():
                for warning in traced.model.warnings:
                    solara.HTML(tag="p", unsafe_innerHTML=html.escape(warning), classes=["page-quiet"])
            Player(
                traced, language, {"ghost": ghost, "band": spread.value if isinstance(spread.value, dict) else None},
                on_branch=branch, on_select=set_selected,
                story=told,
            )  # fmt: skip


@solara.component
def _Tools(
    order: Order,
    traced: Traced | None,
    ghost: Any,
    set_ghost: Callable[[Any], None],
    wants_band: bool,
    set_wants_band: Callable[[bool], None],
    ask: Callable[[Order], None],
    pick: Callable[[str], None],
    complain: Callable[[str], None],
) -> None:
    """Draw the bar above the page and do what its buttons say."""
    language = session.language.value
    file, set_file = solara.use_state(None)

    def sow(written: str) -> None:
        seed = seed_of(written)
        if seed is None:
            complain(text("live.bad_seed", language, seed=written[:20]))
        else:
            ask(replace(session.order.value, seed=seed))

    def receive(sent: dict[str, Any]) -> None:
        try:
            name = take_upload(sent)
        except ScenarioError as error:
            complain(session.sentence_of(error))
        else:
            pick(name)

    def save_scenario(_: Any) -> None:
        if traced is not None:
            name, content = download(traced.scenario, order.changes)
            set_file({"name": name, "type": "application/toml", "content": content.decode()})

    def save_page(_: Any) -> None:
        if traced is not None:
            name = f"{plain_name(order.scenario)}-seed-{order.seed}.html"
            page = export_html(traced.trajectory | {"ghost": ghost, "stories": stories(traced)}, "", language)
            set_file({"name": name, "type": "text/html", "content": page})

    Toolbar(
        words={name: text(f"live.{name}", language) for name in WORDS},
        scenarios=scenario_choices(language),
        scenario=order.scenario,
        seed=order.seed,
        changed=len(values_of(order)),
        ghost=ghost is not None,
        band=wants_band,
        link="" if order.text else address(),
        most=limits.upload,
        event_pick=pick,
        event_sow=sow,
        event_new_luck=lambda _: ask(replace(session.order.value, seed=1 + secrets.randbelow(9_999))),
        event_reset=lambda _: ask(replace(session.order.value, changes=(), branches=())),
        event_keep=lambda keep: set_ghost(_ghost(traced, language) if keep and traced is not None else None),
        event_spread=set_wants_band,
        event_download=save_scenario,
        event_export_page=save_page,
        event_upload=receive,
    )
    Download(file=file, event_done=lambda _: set_file(None))


@solara.component
def _Settings(order: Order, traced: Traced, ask: Callable[[Order], None]) -> None:
    """Offer all that can be changed from the last branch on."""
    language, world = session.language.value, traced.scenario
    unfolded, set_unfolded = solara.use_state(False)
    with solara.Div(classes=["page-controls", *(["page-unfolded"] if unfolded else [])]):
        # On a phone the controls wait at the lower edge, so that the chart stays in sight while one of them is moved.
        solara.Button(
            text("live.fold" if unfolded else "live.unfold", language), lambda: set_unfolded(not unfolded),
            classes=["page-unfold"], attributes={"aria-expanded": str(unfolded).lower()},
        )  # fmt: skip
        with solara.Div():
            if order.branches:
                _Branch(order, traced, ask)
        Controls(
            world, values_of(order), changeable(world) if order.branches else None, language,
            on_change=lambda path, value: ask(changed(session.order.value, world, path, value)),
        )  # fmt: skip


@solara.component
def _Branch(order: Order, traced: Traced, ask: Callable[[Order], None]) -> None:
    """Say from when on changes count."""
    language = session.language.value
    label = traced.trajectory["labels"][min(order.branches[-1][0], len(traced.trajectory["labels"]) - 1)]

    def unbranch() -> None:
        now = session.order.value
        ask(replace(now, branches=now.branches[:-1]))

    with solara.Div(classes=["page-branch"]):
        solara.Text(text("live.branched", language, quarter=label))
        solara.Button(text("live.unbranch", language), unbranch, text=True)


def _use_band(order: Order | None) -> tuple[Any, int]:
    """Return the task that runs an order under further seeds, whose value is a sentence if that fails, and how many are done."""
    done, set_done = solara.use_state(0)

    def work(stopped: Callable[[], bool]) -> dict[str, Any] | str | None:
        if order is None:
            return None
        try:
            return band(
                session.start_of(order), order.changes, SEEDS, order.branches, stopped=limits.watched(stopped),
                progress=lambda count, _: set_done(count),
            )  # fmt: skip
        except Stopped:
            return None
        except ScenarioError as error:
            return session.sentence_of(error)

    return session.use_background(work, [order]), done


def changed(order: Order, world: Scenario, path: str, value: Value | None) -> Order:
    """Return an order with a parameter at another value, None for what the scenario says, from its last branch on."""
    before = {name for changes in (order.changes, *(later for _, later in order.branches[:-1])) for name, _ in changes}
    back = value is None and order.branches and path in before
    return order.changed(path, world.get(path) if back else value)


def values_of(order: Order) -> dict[str, Any]:
    """Return all changes that hold at the end of an order."""
    return {
        path: value for changes in (order.changes, *(later for _, later in order.branches)) for path, value in changes
    }


def take_upload(sent: dict[str, Any]) -> str:
    """Keep the scenario file that a visitor sent, and return its name.

    Raises
    ------
    ScenarioError : it is too large or not as it should be.
    """
    name, content = plain_name(str(sent.get("name", ""))), str(sent.get("text", ""))
    size = max(len(content.encode()), int(sent.get("size") or 0))
    if size > limits.upload:
        raise ScenarioError(f"{name}.toml: the file has {size:,} bytes; {limits.upload:,} are the most here")
    while name in shipped_scenarios():
        name = f"my-{name}"
    session.start_of(Order(name, text=content or " "))
    uploads.value = {**uploads.value, name: content}
    return name


def scenario_choices(language: str) -> list[dict[str, str]]:
    """Return the scenarios to choose from: the worlds first, then the known results, then what was uploaded."""
    names = sorted(shipped_scenarios(), key=lambda name: (name != "classroom", name.startswith("limit-"), name))
    titles = [of_scenario(name, "title", shipped(name).title, language) or name for name in names]
    return [
        {"value": name, "label": title} for name, title in [*zip(names, titles), *((own, own) for own in uploads.value)]
    ]


def _ghost(traced: Traced, language: str, step: int = 0) -> dict[str, Any]:
    """Return a future as the dashed line behind another one."""
    count = len(traced.changes) + sum(len(values) for _, values in traced.branches)
    label = text("live.ghost_label", language, seed=traced.model.seed, changes=count)
    return {"label": label, "from": step, "value": traced.trajectory["value"]}
