"""The manual as a site: it builds without a warning, leads nowhere that is not there, and asks the internet for nothing."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, expect

import ecosim
from ecosim.laboratory.declarations import load_propositions
from ecosim.laboratory.verdict import VERDICTS

PROJECT = Path(__file__).resolve().parents[2]


class Page(HTMLParser):
    """What a page leads to, what it loads, and which places in it have a name."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.links: list[str] = []
        self.loads: list[str] = []
        self.names: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Sort a tag's addresses."""
        given = {name: value or "" for name, value in attributes}
        self.names |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag in ("script", "img", "iframe", "source") and "src" in given:
            self.loads.append(given["src"])
        elif tag == "link" and given.get("rel") in ("stylesheet", "preconnect", "icon"):
            self.loads.append(given["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Page]:
    """Return the pages of the site, built as `make site` builds it: any warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(PROJECT), "PYTHONWARNINGS": "ignore"}
    built = subprocess.run(command, cwd=PROJECT, env=environment, check=False, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return {path.resolve(): Page(path.resolve()) for path in folder.rglob("*.html")}


def test_every_page_is_built(site: dict[Path, Page]) -> None:
    """Protects pages from being left out: each Markdown file of docs/ and of the project's root is one of the site."""
    written = {path.stem for path in (*(PROJECT / "docs").rglob("*.md"), *PROJECT.glob("*.md"))}
    assert {stem.lower() for stem in written} <= {path.stem for path in site}


def test_no_link_is_dead(site: dict[Path, Page]) -> None:
    """Protects readers: each link inside the site leads to a file, and to a place on it if it names one."""
    dead, inside = [], 0
    for page in site.values():
        for address in page.links + page.loads:
            parts = urlsplit(address)
            if parts.scheme or page.path.name == "404.html":
                continue
            target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
            inside += 1
            named = unquote(parts.fragment)
            if not target.is_file() or (named and target in site and named not in site[target].names):
                dead.append(f"{page.path.name}: {address}")
    assert inside > 1000
    assert not dead


def test_no_page_asks_the_internet(site: dict[Path, Page]) -> None:
    """Protects classrooms without a network, and readers' privacy: scripts, styles, fonts and pictures come with the site."""
    assert not [address for page in site.values() for address in page.loads if re.match(r"(https?:)?//", address)]
    root = next(path.parent for path in site if path.name == "404.html")
    styles = [path.read_text(encoding="utf-8") for path in root.rglob("*.css")]
    assert styles
    assert not [found for text in styles for found in re.findall(r"(?:url\(|@import\s*)[\"']?https?://[^)\"']+", text)]


def test_claims_are_filtered(site: dict[Path, Page], browser: Browser) -> None:
    """Protects the table of claims from being a wall: paper, mechanism and verdict each keep their rows, and the count says how many."""
    path = next(path for path in site if path.name == "propositions.html")
    claims = load_propositions()
    page = browser.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(path.as_uri())
    tables = page.locator("table").filter(has=page.get_by_role("columnheader", name="mechanism", exact=True))
    rows = tables.locator("tbody tr").filter(visible=True)
    status = page.get_by_role("status").filter(has_text="claims")
    expect(status).to_have_text(f"{len(claims)} of {len(claims)} claims")
    page.get_by_label("paper", exact=True).select_option("S003")
    wanted = [each for each in claims if "S003" in each.papers]
    expect(status).to_have_text(f"{len(wanted)} of {len(claims)} claims")
    page.get_by_label("mechanism", exact=True).select_option("element flow")
    wanted = [each for each in wanted if each.mechanism == "element flow"]
    assert 1 < len(wanted) < 10
    assert page.get_by_label("verdict", exact=True).locator("option").all_inner_texts()[1:] == sorted(VERDICTS)
    shown = [row.locator("td").first.inner_text() for row in rows.all()]
    assert shown == [each.number for each in wanted]
    page.context.close()
    assert not wrong


def test_docstrings_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects entries from showing a meaning as a type: "name : meaning" becomes two lines, and only in its section."""
    monkeypatch.syspath_prepend(str(PROJECT / "docs"))
    numpydoc = importlib.import_module("docstrings").numpydoc
    text = "Run: a : b\n\nParameters\n----------\nsteps, seed : quarters : to run,\n    and luck.\n\nRaises\n------\nOSError : no disk."
    assert numpydoc(text) == (
        "Run: a : b\n\nParameters\n----------\nsteps, seed\n    quarters : to run,\n    and luck.\n\n"
        "Raises\n------\nOSError\n    no disk."
    )


def test_public_names_have_entries(site: dict[Path, Page]) -> None:
    """Protects the reference of Python: each public name has its entry, with what a model inherits."""
    page = next(page for path, page in site.items() if path.name == "python.html")
    wanted = {f"ecosim.{name}" for name in ecosim.__all__}
    wanted |= {
        f"ecosim.Ecosystem.{name}" for name in ("run", "step", "branch", "rewind", "insert_phase", "value_shares")
    }
    assert not wanted - page.names
