"""The dashboard as a person meets it: a real server, a real browser, no network, two languages, a projector and a phone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import ecosim
from ecosim.scenario import shipped_scenarios
from pages import study
from parts.paired import differences, run_pairs
from parts.session import Order, future_of
from parts.texts import text

SCREENS = {"projector": (1440, 900), "phone": (390, 844)}
LANGUAGES = ("en", "zh")
PAGES = ("", "info", "compare", "study", "lessons", "propositions")
AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
# A first run after a change compiles the rules.
PATIENCE = 300_000


class Visit:
    """A page opened by one visitor, and what went wrong in it."""

    def __init__(self, browser: Browser, address: str, screen: str = "projector", language: str = "en") -> None:
        width, height = SCREENS[screen]
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, has_touch=screen == "phone", accept_downloads=True
        )
        self.page: Page = self.context.new_page()
        self.address, self.language = address, language
        self.wrong: list[str] = []
        self.page.on("console", lambda message: self.note(message.type == "error", message.text))
        self.page.on("pageerror", lambda error: self.note(True, str(error)))
        self.page.on("response", lambda response: self.note(response.status >= 400, response.url))
        ours = (address, "data:", "blob:", "about:")
        self.page.on("request", lambda asked: self.note(not asked.url.startswith(ours), asked.url))
        self.page.on("websocket", lambda asked: self.note(not asked.url.startswith(f"ws{address[4:]}"), asked.url))

    def note(self, wrong: bool, what: str) -> None:
        """Keep what went wrong."""
        if wrong:
            self.wrong.append(what)

    def go(self, path: str = "", query: str = "") -> Page:
        """Open a page and wait until it shows what it is for."""
        self.page.goto(f"{self.address}{path}?{query + '&' if query else ''}lang={self.language}")
        expect(self.page.locator(".page-head")).to_be_visible()
        if not path:
            drawn(self.page)
        return self.page

    def turn(self, path: str) -> Page:
        """Go on to another page by the links of the head, which loads nothing anew."""
        link = self.page.get_by_role("navigation").locator(f"a[href='/{path}']")
        link.click()
        expect(link).to_have_attribute("aria-current", "page")
        self.page.wait_for_timeout(500)  # what is drawn after a page is there, such as charts
        return self.page

    def end(self) -> None:
        """Leave, and complain about what went wrong."""
        self.page.goto("about:blank")
        self.context.close()
        assert not self.wrong


def drawn(page: Page) -> None:
    """Wait until the chart and the table of shares are on the screen; panels below the edge are drawn when one comes there."""
    expect(page.locator(".page-player .panel.shares :is(canvas, svg)").first).to_be_visible(timeout=PATIENCE)
    table(page).scroll_into_view_if_needed(timeout=60_000)
    expect(table(page).locator("tr")).not_to_have_count(0)


def table(page: Page) -> Locator:
    """Return the table of shares by stage."""
    return page.locator(".page-player .panel.table table.shares")


@pytest.fixture
def visit(request: pytest.FixtureRequest, browser: Browser, dashboard: Any) -> Iterator[Visit]:
    """Let somebody come, with a screen and a language if the test asks for them."""
    screen, language = getattr(request, "param", ("projector", "en"))
    visitor = Visit(browser, dashboard.address, screen, language)
    yield visitor
    visitor.end()


ALL_SCREENS = pytest.mark.parametrize(
    "visit", [(screen, language) for screen in SCREENS for language in LANGUAGES], indirect=True, ids="-".join
)


def shares(page: Page) -> str:
    """Return the table of shares as it is written."""
    return table(page).inner_text()


def moved(page: Page, before: str) -> str:
    """Wait until the table of shares, which is drawn where it is in sight, says something else, and return what."""
    page.wait_for_function(
        "before => { const table = document.querySelector('.page-player .panel.table table.shares');"
        " table?.scrollIntoView({ block: 'nearest' }); return table && table.innerText !== before && table.rows.length; }",
        arg=before,
        timeout=60_000,
    )
    return shares(page)


def becomes(page: Page, wanted: str) -> None:
    """Wait until the table of shares says what it is to say."""
    page.wait_for_function(
        "wanted => { const table = document.querySelector('.page-player .panel.table table.shares');"
        " table.scrollIntoView({ block: 'nearest' }); return table.innerText === wanted; }",
        arg=wanted,
        timeout=60_000,
    )


# -- every page on every screen --------------------------------------------------------------------------------------


@ALL_SCREENS
def test_pages_fit_and_axe_finds_nothing_critical(visit: Visit) -> None:
    """Each page fits the screen, says all in one language, shows no key of a text, and can be used by keys or by ear alone.

    A Chinese page has no English headings. axe-core finds nothing critical or serious.
    """
    visit.go().evaluate(AXE.read_text(encoding="utf-8"))
    for path in PAGES:
        page = visit.turn(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], path  # type: ignore[index]
        body = page.locator("body").inner_text()
        assert not re.findall(r"\b(?:pages|live|compare|study|info|controls|player|lesson)\.[a-z_]+\b", body), path
        assert page.evaluate("document.documentElement.lang").startswith(visit.language)
        if visit.language == "zh":
            headings = page.locator(":is(h1, h2, h3):visible").all_inner_texts()  # a closed part of a page has none
            assert headings, path
            assert [heading for heading in headings if not re.search(r"[\u4e00-\u9fff]|^[AB]$", heading)] == [], path
        found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        bad = [
            (problem["id"], problem["impact"], [node["html"][:120] for node in problem["nodes"][:3]])
            for problem in found["violations"]
            if problem["impact"] in ("critical", "serious")
        ]
        assert bad == [], path


def test_pages_are_reached_from_each_other(visit: Visit) -> None:
    """The links of the head lead to the pages, by mouse and by key, and take along what was asked for."""
    page = visit.go(query="seed=5")
    for name, path in (
        ("Info", "info"),
        ("Compare", "compare"),
        ("Study", "study"),
        ("Propositions", "propositions"),
        ("Lessons", "lessons"),
        ("Live", ""),
    ):
        page.get_by_role("navigation").get_by_role("link", name=name).focus()
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(rf"/{path}\?.*seed=5"))
        expect(page.get_by_role("navigation").get_by_role("link", name=name)).to_have_attribute("aria-current", "page")


def test_language_switches_in_place(visit: Visit) -> None:
    """The switch changes every word and keeps the run; the address remembers it."""
    page = visit.go(query="seed=5")
    page.get_by_label("Language").select_option("zh")
    expect(page.get_by_text(text("live.new_luck", "zh"))).to_be_visible()
    expect(page).to_have_url(re.compile("lang=zh"))
    expect(page.get_by_label(text("live.seed", "zh"))).to_have_value("5")


# -- live -------------------------------------------------------------------------------------------------------------


def test_shows_what_the_model_says(visit: Visit) -> None:
    """The numbers on the page are those of the engine: shares by stage of the classroom under seed 1."""
    page = visit.go()
    expected = ecosim.Ecosystem("classroom", seed=1).run().value_shares()
    written = shares(page)
    for beneficiary in ("firm", "supplier", "employees"):
        for share in expected[beneficiary]:
            assert f"{100 * share:.1f}" in written.replace("\u202f", ""), (beneficiary, share)


@pytest.mark.parametrize("visit", [(screen, "en") for screen in SCREENS], indirect=True, ids="-".join)
def test_moving_a_slider_changes_the_shares(visit: Visit) -> None:
    """A key on a slider runs the world again; the mark of the change, the count and the address follow; Reset undoes all."""
    page = visit.go()
    before = shares(page)
    if page.get_by_role("button", name="Change something").is_visible():
        page.get_by_role("button", name="Change something").click()
    slider = page.locator(".controls-list input[type=range]").first
    expect(slider).to_be_visible()
    slider.focus()
    slider.press("Home")
    after = moved(page, before)
    expect(page).to_have_url(re.compile("roles.firm.openness_target=0"))
    expect(page.locator(".controls-changed").first).to_be_visible()
    assert after != before
    page.get_by_role("button", name="Reset (1)").click()
    becomes(page, before)
    expect(page.get_by_role("button", name="Reset")).to_be_disabled()


def test_same_luck_and_new_luck(visit: Visit) -> None:
    """A seed gives its run each time; new luck gives another seed and another run, with the same settings."""
    page = visit.go(query="rules.trust=false")
    first = shares(page)
    seed = page.get_by_label("Luck (seed)")
    seed.fill("2")
    seed.press("Enter")
    second = moved(page, first)
    page.get_by_role("button", name="New luck").click()
    moved(page, second)
    assert seed.input_value() not in ("1", "2")
    expect(page).to_have_url(re.compile("rules.trust=false"))
    seed.fill("1")
    seed.press("Enter")
    becomes(page, first)


def test_bad_seed_is_told(visit: Visit) -> None:
    """A seed that is none gets one sentence that names it; the run that is shown stays."""
    page = visit.go()
    before = shares(page)
    for bad in ("-1", "1.5", "ten", "99999999999999999999", "<b>"):
        page.get_by_label("Luck (seed)").fill(bad)
        page.get_by_label("Luck (seed)").press("Enter")
        complaint = page.get_by_role("alert").first
        expect(complaint).to_contain_text("give a whole number")
        expect(complaint).to_contain_text(bad[:16])
        assert shares(page) == before


def test_typing_is_left_alone(visit: Visit) -> None:
    """What is being typed stays as it is while answers of the server arrive, and counts when it is finished."""
    page = visit.go()
    seen = shares(page)
    for field, written, address in (
        (page.get_by_label("Luck (seed)"), "4711", "seed=4711"),
        (page.locator(".controls-list .controls-number").first, "0.123", "=0.123"),
    ):
        field.select_text()
        page.keyboard.type(written)
        # Pressed by script, so that the field keeps the keys.
        page.get_by_role("button", name="New luck").evaluate("button => button.click()")
        seen = moved(page, seen)
        expect(field).to_have_value(written)
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(re.escape(address)))
        seen = moved(page, seen)


@pytest.mark.parametrize("name", ["embargo", "huawei-ecosystem", "limit-symbiosis"])
def test_other_scenarios(visit: Visit, name: str) -> None:
    """Another scenario runs, under its own question."""
    page = visit.go()
    before = shares(page)
    page.get_by_role("combobox", name="Scenario").select_option(name)
    expect(page.get_by_role("heading", name=ecosim.load_scenario(name).question)).to_be_visible(timeout=PATIENCE)
    moved(page, before)
    expect(page).to_have_url(re.compile(f"scenario={name}"))
    assert len(page.get_by_role("combobox", name="Scenario").locator("option").all()) == len(shipped_scenarios())


def test_branch_keeps_the_past(visit: Visit) -> None:
    """A branch changes nothing by itself; then a control changes the future alone, and the old future stays as a ghost."""
    page = visit.go()
    at_the_end = shares(page)
    page.locator(".page-player input[type=range]").first.fill("19")
    before = moved(page, at_the_end)
    page.get_by_role("button", name="Branch here").click()
    expect(page.get_by_text(re.compile("Changes count from 200[45] Q[1-4] on"))).to_be_visible()
    slider = page.get_by_role("slider", name="surplus").first
    expect(slider).to_be_visible()
    slider.focus()
    slider.press("Home")
    expect(page).to_have_url(re.compile(r"at\.\d+\.adoption\.surplus=0"))
    after = moved(page, before)
    step = int(re.findall(r"at\.(\d+)\.", page.url)[0])
    assert 18 <= step <= 21
    expect(page.get_by_role("checkbox", name="Keep this run for comparison")).to_be_checked()
    page.get_by_role("button", name="Forget this branch").click()
    becomes(page, before)
    assert after != before


def test_band_over_seeds_can_be_cancelled(visit: Visit) -> None:
    """The range over other seeds is computed in the background, tells how far it is and can be called off."""
    page = visit.go(query="scenario=huawei-ecosystem")
    box = page.get_by_role("checkbox", name="Range over 20 seeds")
    box.check()
    expect(page.get_by_role("progressbar", name="Running other seeds")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("progressbar", name="Running other seeds")).to_have_count(0)
    expect(box).not_to_be_checked()
    page.get_by_role("combobox", name="Scenario").select_option("classroom")
    box.check()
    expect(page.get_by_role("progressbar", name="Running other seeds")).to_have_count(0)
    expect(box).to_be_checked()


def test_link_gives_the_same_run_to_somebody_else(visit: Visit, browser: Browser, dashboard: Any) -> None:
    """Whoever opens the address of a page sees the same numbers."""
    page = visit.go(query="seed=7&policy.subsidy=0.3&at.20.rules.trust=false")
    other = Visit(browser, dashboard.address)
    other.page.goto(page.url)
    drawn(other.page)
    assert shares(other.page) == shares(page)
    other.end()


def saved(page: Page, button: str) -> Path:
    """Press a button of the menu that saves a file, and return the file."""
    page.get_by_text("Share", exact=True).click()
    with page.expect_download(timeout=60_000) as waiting:
        page.get_by_role("button", name=button).click()
    waiting.value.save_as(target := Path(waiting.value.path()).with_name(waiting.value.suggested_filename))
    return target


def test_download_and_upload_give_the_same_run(visit: Visit) -> None:
    """The downloaded scenario holds the changes, is valid to the command line, and uploaded again gives the same run."""
    page = visit.go(query="policy.subsidy=0.3")
    before = shares(page)
    file = saved(page, "Download scenario")
    assert ecosim.load_scenario(file).get("policy.subsidy") == 0.3
    page.get_by_role("button", name="Reset (1)").click()
    moved(page, before)
    page.get_by_text("Share", exact=True).click()
    page.get_by_label("Upload scenario").set_input_files(file)
    expect(page.get_by_role("combobox", name="Scenario")).to_have_value(file.stem)
    becomes(page, before)


def test_exported_page_opens_from_disk(visit: Visit, browser: Browser) -> None:
    """The exported page plays without a server and carries its seed in its name."""
    file = saved(visit.go(query="seed=3"), "Export this run as a page")
    assert file.name == "classroom-seed-3.html"
    alone = browser.new_page()
    wrong: list[str] = []
    alone.on("pageerror", lambda error: wrong.append(str(error)))
    alone.on("request", lambda asked: wrong.append(asked.url) if asked.url.startswith("http") else None)
    alone.goto(file.as_uri())
    expect(alone.locator("canvas, svg").first).to_be_visible()
    alone.close()
    assert not wrong


def test_click_on_an_organisation_tells_its_story(visit: Visit) -> None:
    """Choosing an organisation shows its numbers."""
    page = visit.go()
    page.get_by_label("Choose an organisation").scroll_into_view_if_needed()
    page.get_by_label("Choose an organisation").select_option(label="Core")
    network = page.locator(".page-player .panel.network")
    expect(network).to_contain_text(re.compile("capital", re.IGNORECASE))


# -- compare ----------------------------------------------------------------------------------------------------------


def test_compare_runs_pairs(visit: Visit) -> None:
    """Compare shows what the engine gives for the same pairs: shares, difference and interval."""
    page = visit.go("compare")
    page.get_by_label("Pairs of runs").select_option("10")
    page.get_by_role("button", name="Run the pairs").click()
    table = page.locator(".page-differences table")
    expect(table).to_be_visible(timeout=PATIENCE)
    changed = (("roles.firm.openness_target", 0.1),)
    pairs = run_pairs(Order(), Order(changes=changed), range(1, 11), lambda: False)
    for row in differences(pairs, 0.5):
        cells = table.locator("tr", has_text=row.beneficiary).first.inner_text()
        assert f"{100 * row.first:.1f} %" in cells
        assert f"{100 * abs(row.mean):.1f} ± {100 * row.half:.1f}" in cells


def test_compare_can_be_cancelled(visit: Visit) -> None:
    """The pairs tell how far they are and can be called off; other settings start anew."""
    page = visit.go("compare")
    page.get_by_role("combobox", name="Scenario").select_option("huawei-ecosystem")
    expect(page.get_by_text("A and B are the same")).to_be_visible()
    expect(page.get_by_role("button", name="Run the pairs")).to_be_disabled()
    page.goto(f"{visit.address}compare?scenario=huawei-ecosystem&rules.trust=false")
    page.get_by_label("Pairs of runs").select_option("40")
    page.get_by_role("button", name="Run the pairs").click()
    expect(page.get_by_role("progressbar", name="Running pairs")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("progressbar", name="Running pairs")).to_have_count(0)


def test_pairs_have_the_same_luck() -> None:
    """Two equal settings differ by nothing at all, and a share's differences sum to nothing over the beneficiaries."""
    order = Order()
    same = differences(run_pairs(order, order, range(10), lambda: False), 0.5)
    assert all(row.mean == 0.0 == row.half for row in same)
    other = differences(run_pairs(order, order.changed("rules.trust", False), range(10), lambda: False), 0.0)
    assert sum(row.mean for row in other) == pytest.approx(0.0, abs=1e-12)
    assert any(row.clear for row in other)


# -- info, study ------------------------------------------------------------------------------------------------------


def test_info_tells_of_every_scenario(visit: Visit) -> None:
    """Info shows question and sources of each scenario as its file has them."""
    for name in shipped_scenarios():
        page = visit.go("info", f"scenario={name}")
        world = ecosim.load_scenario(name)
        expect(page.get_by_role("heading", level=1)).to_have_text(world.title)
        body = page.locator(".page-text").inner_text()
        assert world.question in body
        for source in world.sources:
            assert source in body


def test_things_to_try_lead_to_the_live_page(visit: Visit) -> None:
    """Try it takes the change along to the live page."""
    page = visit.go("info")
    page.get_by_role("button", name="Try it").nth(1).click()
    expect(page).to_have_url(re.compile(r"/\?.*rules.trust=false"))
    drawn(page)


def test_propositions_are_filtered(visit: Visit) -> None:
    """The table holds all propositions, a filter leaves those that fit, each with its picture and its command."""
    page = visit.go("propositions")
    rows = page.locator("table.page-table tbody tr")
    expect(rows).to_have_count(120)
    page.get_by_label("Paper").select_option("S002")
    page.get_by_label("Verdict").select_option("shown")
    found = json.loads(
        (Path(__file__).parents[2] / "dashboards" / "assets" / "propositions.json").read_text(encoding="utf-8")
    )["findings"]
    kept = [each for each in found if "S002" in each["papers"] and each["verdict"] == "shown"]
    assert kept
    expect(rows).to_have_count(len(kept))
    expect(rows.first.locator("svg").first).to_be_visible()
    expect(rows.first).to_contain_text(f"ecosim propositions {kept[0]['number']} --seeds 24")
    rows.first.locator("summary").click()
    dots = [path.get_attribute("d").count("h0") for path in rows.first.locator("details path").all()]
    assert dots == list(map(len, kept[0]["values"]))
    expect(rows.first.locator("details")).to_contain_text(f"1 treatment: {mean(kept[0]['values'][0]):.3g}")


def test_study_of_an_arbitrary_path_cannot_be_opened(visit: Visit) -> None:
    """Without a directory of studies only those that ship can be opened."""
    page = visit.go("study")
    offered = page.locator(".page-study option")
    shipped_ones = {path.parent.name for path in Path(study.__file__).parents[1].glob("studies/*/study.json")}
    expect(offered).to_have_count(len(shipped_ones))
    assert {option.get_attribute("value") for option in offered.all()} == shipped_ones


def test_studies_are_found_below_their_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only directories with a study below the root are offered, by their path below it."""
    from ecosim import serving
    from parts.study_files import studies

    for name in ("one", "deep/two"):
        (tmp_path / "root" / name).mkdir(parents=True)
        (tmp_path / "root" / name / "study.json").write_text(json.dumps({"title": name}))
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "study.json").write_text("{}")
    monkeypatch.setattr(serving, "serving", serving.Serving(studies=tmp_path / "root"))
    assert set(studies()) >= {"one", "deep/two"}
    assert not any("outside" in str(place) for place in studies().values())


# -- what one order gives -------------------------------------------------------------------------------------------


def test_order_is_refused_in_a_sentence() -> None:
    """What cannot be run is told in a sentence, without a path of this machine."""
    future = future_of(Order("nowhere"))
    assert future is not None
    assert "there is no scenario 'nowhere'" in future.wrong
    future = future_of(Order(changes=(("steps", 5_000),)))
    assert future is not None
    assert "1_000" in future.wrong
    assert future_of(Order(), stopped=lambda: True) is None


def test_changes_in_a_branch_stay_in_it() -> None:
    """A change after a branch leaves the past alone; undoing it leaves the branch."""
    order = Order().changed("policy.subsidy", 0.2).branched(8).changed("policy.subsidy", 0.4)
    assert order.changes == (("policy.subsidy", 0.2),)
    assert order.branches == ((8, (("policy.subsidy", 0.4),)),)
    assert order.changed("policy.subsidy", None).branches == ((8, ()),)
    assert order.branched(4).branches == ((4, ()),)
