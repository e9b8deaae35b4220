"""The player where the cursor has come to rest: what is read and heard is of the quarter that is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from ecosim.colours import BENEFICIARIES, PATTERNS, STAGES
from parts.export import ASSETS, PLAYER, export_html
from parts.trajectory import run_and_trace

PICTURES = ("shares", "flows", "network", "ladder", "environment")


@pytest.fixture(scope="module")
def run() -> dict[str, Any]:
    """Return the classroom, run and traced."""
    return run_and_trace("classroom", 1).trajectory


@pytest.fixture
def page(browser: Browser, run: dict[str, Any], tmp_path: Path) -> Iterator[Page]:
    """Open the run as a file, on a screen that has room for all panels."""
    file = tmp_path / "run.html"
    file.write_text(export_html(run), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1440, "height": 2600})
    page.goto(file.as_uri())
    yield page
    page.close()


def test_pause_brings_words_up_to_date(page: Page, run: dict[str, Any]) -> None:
    """Paused in mid-run, the names of the pictures and the card of an organisation say the quarter at which the cursor stands."""
    page.get_by_label("Choose an organisation").select_option(label="Core")
    page.get_by_role("button", name="To the start").click()
    page.get_by_label("Speed").select_option("2")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("() => Number(document.querySelector('input.time').value) > 2")
    page.get_by_role("button", name="Pause", exact=True).click()
    step = int(page.locator("input.time").input_value())
    assert 2 < step < len(run["labels"]) - 1
    for name in PICTURES:
        picture = page.locator(f".panel.{name} [role=img]").first
        expect(picture).to_have_attribute("aria-label", re.compile(re.escape(f", {run['labels'][step]}: ")))
    expect(page.locator(".card")).to_contain_text(run["labels"][step])


def test_items_of_a_legend_are_heard_apart(page: Page, run: dict[str, Any]) -> None:
    """A picture's name tells the levels of the environment one by one."""
    levels = [
        f"{name} {level:.3g}" for name, level in zip(run["environment"]["names"], run["environment"]["levels"][-1])
    ]
    picture = page.locator(".panel.environment [role=img]")
    expect(picture).to_have_attribute("aria-label", re.compile(", ".join(map(re.escape, levels)) + "$"))


def test_colours_are_those_of_the_figures() -> None:
    """Colours and patterns stand in the same order in the browser and in Python: a role looks alike in every panel and figure."""
    script = (ASSETS / PLAYER).read_text(encoding="utf-8")
    for name, expected in (("OKABE_ITO", BENEFICIARIES), ("PATTERNS", PATTERNS)):
        found = re.search(rf"const {name} = (\[.*?\]);", script, re.DOTALL)
        assert found is not None
        assert json.loads(found[1]) == list(expected)
    stages = re.search(r"const STAGE_COLOURS = \{(.*?)\};", script, re.DOTALL)
    assert stages is not None
    assert dict(re.findall(r'(\w+): "(#\w+)"', stages[1])) == STAGES


def test_chosen_again_an_organisation_has_its_story(browser: Browser, dashboard: Any) -> None:
    """Whoever puts an organisation away and chooses it again gets its numbers again."""
    page = browser.new_page()
    page.goto(dashboard.address)
    choice = page.get_by_label("Choose an organisation")
    capital = page.locator(".panel.network .card figcaption", has_text="Capital")
    choice.scroll_into_view_if_needed(timeout=120_000)
    for _ in range(2):
        choice.select_option(label="Core")
        expect(capital).to_be_visible()
        choice.select_option("")
        expect(capital).to_be_hidden()
    page.close()
