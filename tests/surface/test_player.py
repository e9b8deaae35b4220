"""The player as a person meets it: an exported file, opened from disk in a real browser that reaches nothing."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from ecosim.state import EVENTS
from parts.export import export_html, json_for_script
from parts.player import packed
from parts.texts import TEXTS
from parts.trajectory import band, branch, run_and_trace

AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
SCREENS = {"desktop": (1440, 900), "phone": (390, 844)}
PANELS = ("shares", "table", "flows", "network", "events", "ladder", "symbiosis", "environment")
HOSTILE = "</script><img src=x onerror=\"window.hurt='name'\"><b>{who}</b>"


@pytest.fixture(scope="module")
def runs() -> dict[str, dict[str, Any]]:
    """Return a run of each kind that the player has to show: plain, with an old future and a band, with components."""
    plain = run_and_trace("classroom", 1)
    other = branch(plain, 20, {"policy.subsidy": 0.4}, "no subsidy").trajectory
    spread = band("classroom", seeds=range(1, 4))
    technology = run_and_trace("core-technology", 1).trajectory
    return {"plain": plain.trajectory, "branched": other | {"band": spread}, "technology": technology}


class Opened:
    """An exported file in the browser, with what went wrong in it."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page, self.wrong = page, list[str]()
        page.on("console", lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on(
            "request", lambda asked: None if asked.url.startswith(("file:", "data:")) else self.wrong.append(asked.url)
        )
        page.goto(path.as_uri())
        expect(page.locator(".panel.table tbody tr").first).to_be_visible()

    @property
    def slider(self) -> Locator:
        """The control of time."""
        return self.page.locator("input.time")

    @property
    def step(self) -> int:
        """The quarter at which the cursor stands."""
        return int(self.slider.input_value())

    def settle(self) -> None:
        """Wait until all that is on the screen is drawn."""
        self.page.wait_for_function(
            "() => ecosimPlayers.every(one => Object.values(one.statistics()).every(panel => !panel.behind))"
        )

    def shares_now(self) -> list[str]:
        """Return the column of the cursor's quarter, from the bottom of the chart up."""
        self.settle()
        return list(reversed(self.page.locator(".panel.table tbody td.present").all_inner_texts()))


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Any]:
    """Return what exports runs and opens the file, offline; at the end nothing may have gone wrong or been asked for."""
    opened: list[Opened] = []

    def open_file(trajectories: Any, screen: str = "desktop", language: str = "en", extra: str = "") -> Opened:
        path = tmp_path / f"run {len(opened)}.html"
        path.write_text(export_html(trajectories, extra, language), encoding="utf-8")
        width, height = SCREENS[screen]
        context = browser.new_context(viewport={"width": width, "height": height}, offline=True)
        opened.append(Opened(context.new_page(), path))
        return opened[-1]

    yield open_file
    for one in opened:
        one.page.context.close()
        assert one.wrong == []


def _percent(run: dict[str, Any], step: int) -> list[str]:
    total = sum(run["value"][step])
    return [f"{value / total:.1%}" for value in run["value"][step]]


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("kind", ["plain", "branched", "technology"])
def test_file_opens_offline_and_shows_all(show: Any, runs: dict[str, dict[str, Any]], kind: str, screen: str) -> None:
    """Opened from disk, the file shows each panel drawn, within the width of the screen, and the shares of the last quarter."""
    run = runs[kind]
    opened = show(run, screen)
    for name in PANELS:
        panel = opened.page.locator(f".panel.{name}")
        panel.scroll_into_view_if_needed()
        expect(panel).to_be_visible()
        opened.page.wait_for_function("name => ecosimPlayers[0].statistics()[name].updates > 0", arg=name)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= SCREENS[screen][0]
    assert opened.step == len(run["labels"]) - 1
    assert opened.shares_now() == _percent(run, opened.step)
    drawn = "one => one.getContext('2d').getImageData(0, 0, one.width, one.height).data.some(Boolean)"
    charts = opened.page.locator(".canvas").all()
    assert len(charts) == 5
    for chart in charts:
        assert any(canvas.evaluate(drawn) for canvas in chart.locator("canvas").all())


def test_plays_to_the_end_and_pauses(show: Any, runs: dict[str, dict[str, Any]]) -> None:
    """Play begins anew at the end, moves on by itself and stops at the last quarter; pause holds the cursor."""
    opened = show(runs["plain"])
    opened.page.get_by_label("Speed").select_option("1")
    opened.page.get_by_role("button", name="Play", exact=True).click()
    opened.page.get_by_role("button", name="Pause", exact=True).click()
    held = opened.step
    assert held < len(runs["plain"]["labels"]) - 1
    opened.page.wait_for_timeout(1200)
    assert opened.step == held
    opened.page.get_by_label("Speed").select_option("32")
    opened.page.get_by_role("button", name="Play", exact=True).click()
    expect(opened.slider).to_have_value(str(len(runs["plain"]["labels"]) - 1))
    expect(opened.page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    assert opened.shares_now() == _percent(runs["plain"], opened.step)


def test_scrubs_by_keyboard(show: Any, runs: dict[str, dict[str, Any]]) -> None:
    """Tab reaches the controls, arrows move a quarter, Home and End go to the ends; the slider says the quarter in words."""
    opened, run = show(runs["plain"]), runs["plain"]
    reached = set()
    for _ in range(12):
        opened.page.keyboard.press("Tab")
        reached.add(opened.page.evaluate("document.activeElement.getAttribute('aria-label')"))
    assert {"To the start", "One quarter back", "Play", "One quarter on", "Quarter"} <= reached
    opened.slider.focus()
    for key, step in (("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 39)):
        opened.page.keyboard.press(key)
        assert opened.step == step, key
        assert opened.shares_now() == _percent(run, step)
        expect(opened.slider).to_have_attribute("aria-valuetext", re.compile(re.escape(run["labels"][step])))
    opened.page.get_by_role("button", name="One quarter back").click()
    assert opened.step == 38


def test_scrubs_by_drag(show: Any, runs: dict[str, dict[str, Any]]) -> None:
    """Dragging along the chart moves the cursor to the quarter beneath the pointer, and every number with it."""
    opened, run = show(runs["plain"]), runs["plain"]
    plot = opened.page.locator(".panel.shares .plot").bounding_box()
    left, right = plot["x"] + 64, plot["x"] + plot["width"] - 20
    for part, step in ((0.25, 10), (0.75, 29), (0.5, 20)):
        opened.page.mouse.move(right - 3, plot["y"] + 100)
        opened.page.mouse.down()
        opened.page.mouse.move(left + part * (right - left), plot["y"] + 120, steps=5)
        opened.page.mouse.up()
        assert opened.step == step
        assert opened.shares_now() == _percent(run, step)
        cursor = opened.page.locator(".panel.shares .cursor").bounding_box()
        assert cursor["x"] + 1.5 == pytest.approx(left + step / 39 * (right - left), abs=1.5)


def test_tooltip_tells_the_data(show: Any, runs: dict[str, dict[str, Any]]) -> None:
    """Pointing at a quarter tells each beneficiary's share and value as they are in the run."""
    opened, run = show(runs["plain"]), runs["plain"]
    plot = opened.page.locator(".panel.shares .plot").bounding_box()
    step = 13
    opened.page.mouse.move(plot["x"] + 64 + step / 39 * (plot["width"] - 84), plot["y"] + 150, steps=3)
    facts = opened.page.locator(".panel.shares .facts")
    expect(facts.locator("b")).to_contain_text(run["labels"][step])
    rows = [row.split("\t") for row in facts.locator("tr").all_inner_texts()]
    told = {row[1].strip(): (row[2].strip(), float(row[3].split()[0].replace(",", ""))) for row in rows}
    for position, beneficiary in enumerate(run["beneficiaries"]):
        share, value = told[beneficiary["name"]]
        assert share == _percent(run, step)[position]
        assert value == pytest.approx(run["value"][step][position], rel=0.001, abs=1e-4)
    assert told["all"][1] == pytest.approx(sum(run["value"][step]), rel=0.001)


def test_flows_tell_the_data(show: Any, runs: dict[str, dict[str, Any]]) -> None:
    """Beneath the diagram stands how much of the chosen resource moved in the quarter, by the chosen channel."""
    opened, run = show(runs["plain"]), runs["plain"]
    opened.slider.fill("25")
    for element, channel in (("knowledge", ""), ("capital", ""), ("knowledge", "pool")):
        opened.page.get_by_label("Resource").select_option(element)
        opened.page.get_by_label("Channel").select_option(channel)
        moved = sum(
            volume
            for of, way, _, _, volume in run["flows"][25]
            if run["elements"][of] == element and channel in ("", run["channels"][way])
        )
        # The note follows the choice when the diagram is drawn.
        opened.page.wait_for_function(
            """([element, moved]) => {
              const note = document.querySelector(".panel.flows .note").innerText;
              const told = Number((note.match(/[\\d,.]+\\d/) || ["nothing"])[0].replaceAll(",", ""));
              return note.includes(element) && Math.abs(told - moved) <= 0.001 * moved;
            }""",
            arg=[element, moved],
        )


def test_focus_puts_a_beneficiary_at_the_bottom(show: Any, runs: dict[str, dict[str, Any]]) -> None:
    """A chosen beneficiary lies at the bottom of the chart, in its colour, where ghost and band are its own."""
    opened, run = show(runs["branched"]), runs["branched"]
    note = opened.page.locator(".panel.shares .note")
    expect(note).to_contain_text("firm before the change (no subsidy)")
    expect(note).to_contain_text("firm lies in the middle four fifths of 3 runs")
    opened.page.get_by_role("button", name="employees").click()
    expect(note).to_contain_text("employees before the change (no subsidy)")
    opened.settle()
    colour = next(one["colour"] for one in run["beneficiaries"] if one["name"] == "employees")
    pixel = opened.page.locator(".panel.shares canvas").first.evaluate(
        "one => { const scale = one.width / one.clientWidth; return [...one.getContext('2d')"
        ".getImageData(70 * scale, (one.clientHeight - 45) * scale, 24, 1).data] }"
    )
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    assert any(pixel[at : at + 3] == [red, green, blue] for at in range(0, len(pixel), 4)), (pixel, colour)


def test_choosing_an_organisation_tells_of_it(show: Any, runs: dict[str, dict[str, Any]]) -> None:
    """The list of organisations selects by keyboard what a click does in the chart, and its partners are those of the quarter."""
    opened, run = show(runs["plain"]), runs["plain"]
    opened.page.locator(".panel.network").scroll_into_view_if_needed()
    core = next(place for place, node in enumerate(run["network"]["nodes"]) if node["focal"])
    opened.page.get_by_label("Choose an organisation").select_option(str(run["network"]["nodes"][core]["uid"]))
    partners = sum(core in tie[:2] for tie in run["network"]["ties"][-1])
    expect(opened.page.locator(".card h4")).to_have_text(run["network"]["nodes"][core]["name"])
    expect(opened.page.locator(".card")).to_contain_text(f"{run['labels'][-1]}: {partners}.")


def test_communities_are_numbered_when_asked(show: Any, runs: dict[str, dict[str, Any]]) -> None:
    """A press writes its community beside each organisation that is there, another takes the numbers away."""
    opened, network = show(runs["plain"]), runs["plain"]["network"]
    opened.page.locator(".panel.network").scroll_into_view_if_needed()
    there = [node for node in network["nodes"] if node["gone"] is None]
    labels = (
        "() => echarts.getInstanceByDom(document.querySelector('.panel.network .canvas')).getOption().series"
        ".find((one) => one.id === 'nodes').data.filter((node) => node.label.show).map((node) => node.label.formatter)"
    )
    assert opened.page.evaluate(labels) == []
    button = opened.page.get_by_role("button", name="Communities")
    button.click()
    opened.settle()
    assert opened.page.evaluate(labels) == [str(node["community"] + 1) for node in there]
    assert len({node["community"] for node in there}) > 1
    button.press("Enter")
    opened.settle()
    assert opened.page.evaluate(labels) == []


def test_ties_are_drawn_where_they_are(show: Any, runs: dict[str, dict[str, Any]]) -> None:
    """Pointing at the middle of a tie of the chosen organisation tells whom it ties, in which mode and with what trust."""
    opened, network = show(runs["plain"]), runs["plain"]["network"]
    opened.page.locator(".panel.network").scroll_into_view_if_needed()
    ends = [[node[axis] for node in network["nodes"]] for axis in "xy"]
    places = [[(value - min(values)) / (max(values) - min(values)) for value in values] for values in ends]
    # The longest tie of an organisation that has that one alone, so that no other line lies in the way.
    tied = [node for tie in network["ties"][-1] for node in tie[:2]]
    lonely = [tie for tie in network["ties"][-1] if min(tied.count(tie[0]), tied.count(tie[1])) == 1]
    first, second, mode, trust = max(lonely, key=lambda tie: sum(abs(axis[tie[0]] - axis[tie[1]]) for axis in places))
    chosen = min(first, second, key=tied.count)
    opened.page.get_by_label("Choose an organisation").select_option(str(network["nodes"][chosen]["uid"]))
    opened.settle()
    box = opened.page.locator(".panel.network .canvas").bounding_box()
    across, up = (
        [0.04 + axis[first] * part + axis[second] * (1 - part) for part in (0.5, 0.4, 0.6, 0.3, 0.7)] for axis in places
    )
    facts = opened.page.locator(".panel.network .facts")
    told = []
    for x, y in zip(across, up, strict=True):
        opened.page.mouse.move(
            box["x"] + 4 + x / 1.08 * (box["width"] - 8), box["y"] + 4 + (1.08 - y) / 1.08 * (box["height"] - 8)
        )
        opened.page.wait_for_timeout(60)
        told += facts.all_inner_texts()
    names = [network["nodes"][node]["name"] for node in (first, second)]
    said = next(one for one in told if " – " in one)
    assert all(name in said for name in names)
    assert network["modes"][mode] in said
    assert f"{trust:.3g}" in said


def test_events_up_to_the_cursor(show: Any, runs: dict[str, dict[str, Any]]) -> None:
    """The log tells what happened up to the cursor, latest first; a quarter in it is gone to by a press."""
    opened, run = show(runs["technology"]), runs["technology"]
    opened.page.locator(".panel.events").scroll_into_view_if_needed()
    first = next(event for event in run["events"] if event["code"] == "breakthrough")
    opened.slider.fill(str(first["step"]))
    log = opened.page.locator(".panel.events .log")
    expect(log).to_contain_text(f"{first['subject_name']} masters {first['detail']}.")
    opened.slider.fill("60")
    opened.settle()
    quarters = log.locator(".quarter").all_inner_texts()
    steps = [run["labels"].index(label) for label in quarters]
    assert steps == sorted(steps, reverse=True)
    assert max(steps) <= 60
    log.locator(".quarter button").last.click()
    expect(opened.slider).to_have_value(str(steps[-1]))


def test_languages_switch(show: Any, runs: dict[str, dict[str, Any]]) -> None:
    """One press turns the whole file Chinese, and another back; no text is missing, none of the other language is left."""
    opened = show(runs["technology"])
    opened.settle()
    english = opened.page.locator("main").inner_text()
    assert "player." not in english
    opened.page.get_by_role("button", name="中文").click()
    expect(opened.page.get_by_role("heading", name="谁获得价值")).to_be_visible()
    expect(opened.page.locator(".panel.table tbody")).to_contain_text("企业")
    assert opened.page.evaluate("document.documentElement.lang") == "zh"
    opened.settle()
    chinese = opened.page.locator("main").inner_text()
    assert re.findall(r"(?<![\w-])(?:firm|supplier|growth|Play|share|masters|licence)(?![\w-])", chinese) == []
    opened.page.get_by_role("button", name="English").click()
    expect(opened.page.get_by_role("heading", name="Who gets the value")).to_be_visible()
    opened.settle()
    assert opened.page.locator("main").inner_text() == english


def test_hostile_names_are_shown_and_do_nothing(show: Any, runs: dict[str, dict[str, Any]]) -> None:
    """A name full of HTML is read as it is written, wherever it stands, and neither runs nor ends the data."""
    run = copy.deepcopy(runs["technology"])
    run["scenario"] |= {"title": HOSTILE, "question": HOSTILE}
    run["ghost"] = {"label": HOSTILE, "from": 5, "value": run["value"]}
    run["changes"] = {HOSTILE: HOSTILE}
    for node in run["network"]["nodes"]:
        node["name"] = HOSTILE
    for role in (*run["roles"], *run["beneficiaries"]):
        role["colour"] = 'red" onload="window.hurt=1'
    run["beneficiaries"][0]["name"] = run["ladder"]["components"][0]["name"] = HOSTILE
    for event in run["events"]:
        event |= {"subject_name": HOSTILE, "object_name": HOSTILE, "detail": HOSTILE}
    opened = show(run)
    page = opened.page
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    plot = page.locator(".panel.shares .plot").bounding_box()
    page.mouse.move(plot["x"] + 200, plot["y"] + 150, steps=3)
    expect(page.locator(".panel.shares .facts")).to_contain_text(HOSTILE)
    for name in PANELS:
        page.locator(f".panel.{name}").scroll_into_view_if_needed()
        page.wait_for_function("name => ecosimPlayers[0].statistics()[name].updates > 0", arg=name)
    box = page.locator(".panel.network .canvas").bounding_box()
    for across in range(10, 100, 15):
        page.mouse.move(box["x"] + box["width"] * across / 100, box["y"] + box["height"] * across / 100)
    page.get_by_label("Choose an organisation").select_option(index=1)
    expect(page.locator(".card h4")).to_have_text(HOSTILE)
    assert page.locator("img, main b b, iframe").count() == 0
    assert page.evaluate("window.hurt") is None


def test_data_cannot_leave_its_element() -> None:
    """JSON for a page has no character that could end its element, and reads back the same."""
    value = {HOSTILE: ["<!--", "]]>", "&amp;", "\u2028"]}
    written = json_for_script(value)
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == value


def test_several_runs_and_answers_in_one_file(show: Any, runs: dict[str, dict[str, Any]]) -> None:
    """A worksheet has what a student wrote above the runs, each played by itself."""
    opened = show([runs["plain"], runs["branched"]], extra='<p id="answer">Because of trust.</p>')
    expect(opened.page.locator("#answer")).to_have_text("Because of trust.")
    assert opened.page.locator(".ecosim-player").count() == 2
    opened.page.locator("input.time").nth(1).fill("3")
    assert opened.page.locator("input.time").first.input_value() == "39"
    expect(opened.page.locator("p.from").nth(1)).to_contain_text("policy.subsidy = 0.4")


def test_prints_as_a_worksheet(show: Any, runs: dict[str, dict[str, Any]]) -> None:
    """On paper are the charts and numbers, without what only a screen can do."""
    opened = show(runs["plain"])
    opened.page.emulate_media(media="print")
    expect(opened.page.locator(".controls")).to_be_hidden()
    expect(opened.page.locator(".panel.shares .tools")).to_be_hidden()
    expect(opened.page.locator(".panel.table")).to_be_visible()
    assert opened.page.pdf().startswith(b"%PDF")
    for event, columns in (("beforeprint", 2), ("afterprint", 12)):
        opened.page.evaluate("event => window.dispatchEvent(new Event(event))", event)
        grid = opened.page.locator(".panels").evaluate("one => getComputedStyle(one).gridTemplateColumns")
        assert len(grid.split()) == columns


@pytest.mark.parametrize("steps", [1, 2])
def test_a_run_of_few_quarters_is_shown(show: Any, runs: dict[str, dict[str, Any]], steps: int) -> None:
    """A run of one quarter has a chart, numbers and a cursor, and nothing to play."""
    run = run_and_trace("classroom", 1, {"steps": steps}).trajectory
    opened = show(run)
    assert opened.shares_now() == _percent(run, steps - 1)
    opened.page.get_by_role("button", name="One quarter on").click()
    assert opened.step == steps - 1


def test_calm_where_motion_is_unwanted(browser: Browser, runs: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """Who asks for less motion gets a slower default and no transitions."""
    path = tmp_path / "run.html"
    path.write_text(export_html(runs["plain"]), encoding="utf-8")
    page = browser.new_page(reduced_motion="reduce")
    page.goto(path.as_uri())
    assert page.get_by_label("Speed").input_value() == "2"
    page.close()


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_grave(show: Any, runs: dict[str, dict[str, Any]], screen: str) -> None:
    """An automatic check of accessibility finds nothing critical or serious on the page."""
    opened = show(runs["technology"], screen)
    for name in PANELS:
        opened.page.locator(f".panel.{name}").scroll_into_view_if_needed()
    # The page's own policy lets no script in, so the check comes in through the debugger.
    opened.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = opened.page.evaluate("axe.run({resultTypes: ['violations']})")
    assert [
        (one["id"], one["nodes"][0]["html"][:200])
        for one in found["violations"]
        if one["impact"] in ("critical", "serious")
    ] == []


def test_playing_costs_the_server_nothing(browser: Browser, dashboard: Any) -> None:
    """In a served page the run is sent once: playing and scrubbing send and receive nothing, a branch does."""
    page = browser.new_page()
    frames: list[object] = []

    def listen(socket: Any) -> None:
        for kind in ("framesent", "framereceived"):
            socket.on(kind, lambda frame: frames.append(frame))

    page.on("websocket", listen)
    page.goto(dashboard.address)
    expect(page.locator(".panel.table tbody tr").first).to_be_visible(timeout=300_000)
    page.get_by_role("button", name="To the start").click()
    page.wait_for_timeout(1500)
    frames.clear()
    page.get_by_label("Speed").select_option("32")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.locator("input.time")).to_have_value("39")
    page.locator("input.time").press("Home")
    assert frames == []
    page.locator("input.time").fill("12")
    page.get_by_role("button", name="Branch here").click()
    expect(page.locator(".panel.shares .note")).to_contain_text("2003 Q1")
    assert page.locator("input.time").input_value() == "12"
    assert frames
    page.close()


def test_hides_the_future(show: Any, runs: dict[str, dict[str, Any]]) -> None:
    """A class that is to guess sees nothing to the right of the cursor, and no sum over quarters to come."""
    opened = show(runs["plain"])
    opened.page.get_by_role("button", name="Hide the future").click()
    opened.slider.fill("10")
    opened.settle()
    growth = opened.page.get_by_role("columnheader", name="growth", include_hidden=True)
    expect(growth).to_be_hidden()
    expect(opened.page.get_by_role("columnheader", name="incubation", include_hidden=True)).to_be_hidden()
    veil, plot = (opened.page.locator(f".panel.shares .{name}").bounding_box() for name in ("veil", "plot"))
    assert veil["x"] == pytest.approx(plot["x"] + 64 + 10 / 39 * (plot["width"] - 84), abs=1.5)
    colour = opened.page.locator(".panel.shares .veil").evaluate("one => getComputedStyle(one).backgroundColor")
    assert colour == "rgb(255, 255, 255)"
    opened.slider.fill("39")
    expect(growth).to_be_visible()


def test_each_kind_of_event_has_a_sentence() -> None:
    """Whatever the engine notes is told in a sentence of its own, in both languages."""
    told = tomllib.loads((TEXTS / "player.toml").read_text(encoding="utf-8"))["player"]["event"]
    assert {code.replace(" ", "_").replace("-", "_") for code in EVENTS} | {"other"} == set(told)


def test_what_is_sent_is_small(runs: dict[str, dict[str, Any]]) -> None:
    """A run goes to thirty screens at once, so it is sent compressed."""
    assert len(packed(runs["plain"])) < 0.25 * len(json.dumps(runs["plain"]))
