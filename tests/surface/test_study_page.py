"""The page on a study, of a study that was really run: its factors, its outcomes, and their means with errors."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

import ecosim
from pages.study import read

STUDY = """
title = "Opening <b>up</b>"
question = "Do suppliers gain?"
scenarios = ["limit-turnover"]
steps = 4
replicates = { count = 3 }
[design]
kind = "factorial"
[[factors]]
path = "roles.supplier.capacity"
name = "room"
levels = [20.0, 60.0]
[[factors]]
path = "rules.turnover"
name = "turnover"
levels = [true, false]
[outcomes]
members = { measure = "organisations" }
most = { measure = "organisations", summary = "highest" }
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a study that was run, and one whose record is damaged."""
    root = tmp_path_factory.mktemp("studies")
    (root / "opening.toml").write_text(STUDY, encoding="utf-8")
    with ThreadPoolExecutor(1) as one:
        ecosim.sweep(root / "opening.toml", root / "done" / "opening", executor=one)
    (root / "damaged").mkdir()
    (root / "damaged" / "study.json").write_text("[]", encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def server(root: Path, tmp_path_factory: pytest.TempPathFactory, new_server: Any) -> Iterator[Any]:
    """Serve these studies."""
    server = new_server(tmp_path_factory.mktemp("server"), "--studies", str(root))
    server.start()
    yield server
    server.stop()


def test_page_shows_the_means_of_a_study(server: Any, root: Path, browser: Browser) -> None:
    """Protects `ecosim dashboard --studies`: factors and outcomes can be chosen, and the means are those of the runs."""
    runs = ecosim.read_sweep(root / "done" / "opening")
    page = browser.new_page()
    page.goto(f"{server.address}study?lang=en")
    page.get_by_role("combobox", name="Study").select_option("done/opening", timeout=60_000)
    expect(page.get_by_role("heading", name="Opening <b>up</b>")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Do suppliers gain?")).to_be_visible()
    rows = page.locator(".page-table tbody tr")
    for factor, outcome in (("room", "members"), ("turnover", "most")):
        page.get_by_label("What was varied").select_option(factor)
        page.get_by_label("Outcome").select_option(outcome)
        expect(page.locator(".page-table thead th").nth(1)).to_have_text(outcome)
        expect(page.locator(".page-table thead th").first).to_have_text(factor)
        means = runs.groupby(factor)[outcome].mean()
        assert [row.split("\t")[0] for row in rows.all_inner_texts()] == [str(level) for level in means.index]
        assert [row.split("\t")[1] for row in rows.all_inner_texts()] == [f"{mean:.4g}" for mean in means]
        assert [row.split("\t")[3] for row in rows.all_inner_texts()] == ["6", "6"]
    page.close()


def test_damaged_study_is_told(server: Any, root: Path, browser: Browser) -> None:
    """A study that cannot be read gets the sentence of `read_sweep`, without the path of the server."""
    assert read(root / "damaged") == (
        "damaged/study.json: is damaged, or of another version of ecosim; give a new directory to begin anew"
    )
    page = browser.new_page()
    page.goto(f"{server.address}study?lang=en")
    page.get_by_role("combobox", name="Study").select_option("damaged", timeout=60_000)
    expect(page.get_by_role("alert")).to_contain_text("damaged/study.json: is damaged")
    page.close()
