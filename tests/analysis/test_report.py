"""Reports: one file that opens anywhere, says what there is to say, and is honest about what is damaged."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

import ecosim
from ecosim import cli
from ecosim.analysis.event_sentences import SENTENCES, TURNING_POINTS, sentence_of
from ecosim.analysis.report import page_of, write_report
from ecosim.analysis.run_directory import read_run
from ecosim.parameters import ScenarioError
from ecosim.runs import REPORT_FILE, OutputError
from ecosim.scenario import load_scenario
from ecosim.state import EVENTS
from ecosim.studies.study import study_from_dict

SCREENS = {"desktop": (1440, 900), "phone": (390, 844)}
EVIL = '<script>alert(1)</script> & $co\\st$ "quoted" <img src=http://example.com/x.png>'
MORE = """
[[organisations]]
name = 'NAME'
role = "firm"
focal = true
capital = 3000.0
[[events]]
name = "Thunder & lightning"
step = 3
shock = { index = "economy", size = -0.2, quarters = 2 }
[[events]]
name = "Closed border"
step = 5
embargo = { depth = 0.9, quarters = 2 }
"""


# Four points with eight seeds each; the role raises with seed 7.
STUDY = """
title = 'TITLE'
question = "Does it matter how many suppliers begin?"
scenarios = ["limit-turnover"]
steps = 4
agents = ["roles"]
[design]
kind = "factorial"
[replicates]
count = 8
[[factors]]
path = "roles.supplier.initial"
name = "suppliers at the start"
role = "lever"
levels = [10, 40]
[[factors]]
path = "roles.supplier.growth_rate"
levels = [0.01, 0.2]
[outcomes]
members = { measure = "organisations" }
"""
TROUBLE = '''
from ecosim import Organisation


def stumble(model, rows, parameters):
    if model.seed == 7 and model.step_number == 2:
        raise ValueError("no luck with <seven>")


class Trouble(Organisation):
    """Stumbles in some runs."""

    defaults = {"initial": 1}
    rules = {"turn_over": stumble}
'''


class Outline(HTMLParser):
    """What a page holds: tags with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data

    def attributes(self, name: str) -> list[str]:
        """Return all values of an attribute."""
        return [value for _, attributes in self.tags for key, value in attributes.items() if key == name and value]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, write_world: Callable[..., Path], small_text: str) -> Path:
    """Return the results of a run of a small world with names that no page should take for its own words."""
    directory = tmp_path_factory.mktemp("report")
    world = small_text.replace('title = "Small world"', f"title = '{EVIL}'\nquestion = 'Who & why?'")
    write_world(world + MORE.replace("NAME", EVIL), "evil", directory)
    run = ecosim.run(directory / "evil.toml", seed=3, parameters={"adoption.initial": 0.7})
    run.write(directory / "results", "ecosim run evil.toml --seed 3 --set adoption.initial=0.7")
    write_report(directory / "results")
    return directory / "results"


@pytest.fixture(scope="module")
def outline(results: Path) -> Outline:
    """Return what its report holds."""
    return Outline((results / REPORT_FILE).read_text(encoding="utf-8"))


@pytest.fixture
def copied(results: Path, tmp_path: Path) -> Path:
    """Return a copy of the results that a test may damage."""
    return Path(shutil.copytree(results, tmp_path / "results"))


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a small study of which one run in eight failed, and its report."""
    place = tmp_path_factory.mktemp("study")
    (place / "roles").mkdir()
    (place / "roles" / "trouble.py").write_text(TROUBLE, encoding="utf-8")
    (place / "begin.toml").write_text(STUDY.replace("TITLE", EVIL), encoding="utf-8")
    with ThreadPoolExecutor(1) as one:
        result = ecosim.sweep(place / "begin.toml", place / "out", executor=one)
    assert (result.done, result.failed) == (28, 4)
    write_report(place / "out")
    return place / "out"


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """Open a report without a network; it may ask for nothing, and nothing may go wrong in the browser."""
    screen, which = getattr(request, "param", ("desktop", "results"))
    width, height = SCREENS[screen]
    results: Path = request.getfixturevalue(which)
    context = browser.new_context(viewport={"width": width, "height": height}, offline=True)
    opened = context.new_page()
    address = (results / REPORT_FILE).as_uri()
    wrong: list[str] = []
    opened.on("console", lambda message: wrong.append(message.text))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("request", lambda asked: None if asked.url in (address, "data:,") else wrong.append(asked.url))
    opened.on("dialog", lambda dialog: wrong.append(dialog.message))
    opened.goto(address)
    yield opened
    context.close()
    assert not wrong


# -- what it says -----------------------------------------------------------------------------------------------------


def test_report_says_what_it_takes_to_repeat_the_run(results: Path, outline: Outline) -> None:
    """Scenario, seed, versions, hash, command and what differs from the defaults are on the page."""
    record = json.loads((results / "run.json").read_text(encoding="utf-8"))
    for text in (
        record["hash"], f"ecosim {ecosim.__version__}", f"numpy {record['versions']['numpy']}", record["repeat"]["command"],
        "adoption.initial", "0.7", "Who & why?", "8 quarters", "2000 Q1 to 2001 Q4",
    ):  # fmt: skip
        assert text in outline.text, text
    assert re.search(r"Seed\s*3\b", outline.text)


def test_report_shows_who_got_the_value(results: Path, outline: Outline) -> None:
    """Shares of every beneficiary by stage, as in the tables, and they add to 100."""
    run, _ = read_run(results)
    names = [name.removeprefix("share_") for name in run.metrics.columns if name.startswith("share_")]
    (grid,) = (
        grid for section in page_of(results).sections for grid in section.grids if grid.title.startswith("Shares")
    )
    assert [row[0] for row in grid.rows[:-1]] == names
    for column in range(1, len(grid.head)):
        assert sum(float(row[column]) for row in grid.rows[:-1]) == pytest.approx(100.0)
    assert all(f">{name}<" in (results / REPORT_FILE).read_text(encoding="utf-8") for name in names)
    assert len([tag for tag, _ in outline.tags if tag == "svg"]) >= 6


def test_events_are_told_in_sentences(outline: Outline) -> None:
    """What the scenario dates appears with its own name and what it does."""
    assert "Thunder & lightning: the economy index moves by -0.2 for 2 quarters." in outline.text
    assert "Closed border: 90% of supplies from abroad are cut for 2 quarters." in outline.text
    assert "tie formed" in outline.text


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_has_a_sentence(event: str, small_text: str, write_world: Callable[..., Path]) -> None:
    """Protects readers from codes: each kind of event is a sentence with who did what, whether or not there are two of them."""
    world = load_scenario(write_world(small_text))
    for other in ("supplier 2", ""):
        text = sentence_of(event, "firm 1", other, "7", world, 0)
        assert text.endswith(".")
        assert text[0].isupper()
        assert not re.search(r"[{}]|  | \.", text)
    assert set(TURNING_POINTS) <= set(SENTENCES) == set(EVENTS)


def test_report_is_the_same_each_time(results: Path, tmp_path: Path) -> None:
    """The same results give the same bytes, wherever they are written; a report that is there is replaced."""
    first = (results / REPORT_FILE).read_bytes()
    assert write_report(results, tmp_path / "other.html").read_bytes() == first
    assert write_report(results).read_bytes() == first


def test_texts_of_others_are_escaped(results: Path, outline: Outline) -> None:
    """A title or a name with tags in it stays text: the page has no script, no picture and no link of anybody's."""
    assert not [tag for tag, _ in outline.tags if tag in ("script", "img", "iframe", "object", "a", "form")]
    assert outline.text.count(EVIL) >= 3
    assert not outline.attributes("onclick") + outline.attributes("src")


def test_everything_is_inside(outline: Outline) -> None:
    """No style sheet, font or picture is fetched; what SVG refers to is in the page, and every name in it is its own."""
    html = "".join(f"{key}={value} " for _, attributes in outline.tags for key, value in attributes.items())
    assert [(tag, attributes["href"]) for tag, attributes in outline.tags if tag == "link"] == [("link", "data:,")]
    assert "@import" not in outline.text
    names = Counter(outline.attributes("id"))
    assert names
    assert max(names.values()) == 1
    for target in re.findall(r"url\(#([^)]+)\)", html) + re.findall(r"href=#(\S+)", html):
        assert target in names, target
    assert not re.search(r"url\((?!#)", html + outline.text)


@pytest.mark.parametrize(("steps", "outcomes"), [(1, None), (12, None), (4, ["ties"])], ids=["quarter", "long", "few"])
def test_any_run_is_reported(steps: int, outcomes: list[str] | None, tmp_path: Path) -> None:
    """A single quarter, a longer run, and one that measured a single outcome each have their page."""
    ecosim.run("classroom", seed=1, steps=steps, outcomes=outcomes).write(tmp_path / "run")
    outline = Outline(write_report(tmp_path / "run").read_text(encoding="utf-8"))
    assert "1 quarter" in outline.text if steps == 1 else f"{steps} quarters" in outline.text
    assert len([tag for tag, _ in outline.tags if tag == "svg"]) >= 3


# -- how it looks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", list(itertools.product(SCREENS, ("results", "swept"))), indirect=True, ids="-".join)
def test_it_opens_without_a_network_and_fits_the_screen(page: Page) -> None:
    """Charts are there, the page is no wider than the screen, and letters in charts are large enough to be read."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("figure svg").count() >= 3
    for drawing in page.locator("figure svg").all():
        box = drawing.bounding_box()
        assert box is not None
        assert box["width"] >= 300
        assert box["height"] >= 150
    letters = page.evaluate(
        "[...document.querySelectorAll('figure svg')].map(svg => [svg.getBoundingClientRect().width / svg.viewBox.baseVal.width,"
        " ...[...svg.querySelectorAll('text')].map(text => parseFloat(getComputedStyle(text).fontSize))])"
    )
    assert min(scale * min(fonts) for scale, *fonts in letters) >= 8.0, "CSS pixels"


def test_it_prints_on_a4(page: Page, tmp_path: Path) -> None:
    """Printed, it is a PDF of a few A4 pages."""
    content = page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", content)
    assert boxes
    for width, height in boxes:
        assert (float(width), float(height)) == pytest.approx((595.0, 842.0), abs=1.0)
    assert 2 <= len(boxes) <= 10


# -- directories ------------------------------------------------------------------------------------------------------


def test_the_command_writes_into_the_results(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`ecosim report DIR` prints where the page is; the directory is still one of results, and a new run takes it away."""
    (copied / REPORT_FILE).unlink()
    with pytest.raises(SystemExit) as end:
        cli.main(["report", str(copied)])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"{copied / REPORT_FILE}\n"
    ecosim.run("classroom", seed=1, steps=1).write(copied)
    assert not (copied / REPORT_FILE).exists()
    assert (copied / "run.json").exists()


def _refused(copied: Path, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    """Return the one sentence with which the command refuses a directory, and leaves no page in it."""
    with pytest.raises(SystemExit) as end:
        cli.main(["report", str(copied), *more])
    printed = capsys.readouterr()
    assert end.value.code == 2
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    return printed.err


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def _without(path: Path, key: str) -> None:
    record = json.loads(path.read_text(encoding="utf-8"))
    del record[key]
    path.write_text(json.dumps(record), encoding="utf-8")


def _with_typo(path: Path) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace('"market_growth"', '"market_growht"'), encoding="utf-8")


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "run.json cut off": (lambda place: _cut(place / "run.json"), "run.json: is damaged"),
    "run.json not text": (lambda place: (place / "run.json").write_bytes(b"\xff\xfe"), "run.json: is damaged"),
    "run.json a list": (lambda place: (place / "run.json").write_text("[]", encoding="utf-8"), "holds no table"),
    "run.json without seed": (lambda place: _without(place / "run.json", "seed"), "it has no seed"),
    "run.json with a typo": (lambda place: _with_typo(place / "run.json"), "its scenario cannot be read"),
    "table cut off": (lambda place: _cut(place / "metrics.parquet"), "metrics.parquet: is damaged"),
    "table missing": (lambda place: (place / "flows.parquet").unlink(), "flows.parquet: there is no such file"),
    "table of another run": (
        lambda place: shutil.copy(place / "events.parquet", place / "roles.parquet"),
        "its tables are not those that run.json tells of",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_results_are_said(damage: str, copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be trusted is not reported: one sentence names the file, and the report that was there stays."""
    before = (copied / REPORT_FILE).read_bytes()
    break_it, finding = DAMAGES[damage]
    break_it(copied)
    assert finding in _refused(copied, capsys)
    assert (copied / REPORT_FILE).read_bytes() == before


def test_what_is_no_result_is_said(tmp_path: Path, copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A directory without results, a file, nothing at all, and a place that cannot be written each get a sentence."""
    assert "holds no results" in _refused(tmp_path, capsys)
    assert "there is no such directory" in _refused(tmp_path / "nothing", capsys)
    assert "is a file" in _refused(copied / "run.json", capsys)
    assert "is a directory" in _refused(copied, capsys, "--out", str(tmp_path))
    assert "cannot be written" in _refused(copied, capsys, "--out", str(tmp_path / "nowhere" / "page.html"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results"]


@pytest.mark.parametrize("name", ["jinja2", "matplotlib"])
def test_a_missing_library_is_named(
    name: str, copied: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a library one sentence says what to install."""
    monkeypatch.setitem(sys.modules, name, None)
    assert 'pip install "ecosim[analysis]"' in _refused(copied, capsys)
    with pytest.raises(ScenarioError):
        write_report(copied)


def test_a_run_comes_back_from_its_directory(results: Path) -> None:
    """Reading gives the run that was written: settings, seed, tables, hash."""
    run, kept = read_run(results)
    again = ecosim.run(run.scenario, seed=run.seed, steps=run.steps)
    assert again.hash == run.hash == kept["hash"]
    with pytest.raises(OutputError):
        read_run(results.parent)


# -- studies ----------------------------------------------------------------------------------------------------------


def test_a_study_is_reported(swept: Path) -> None:
    """Design, counts, factors, outcomes, effects, comparison, failures with their commands, and how to repeat it."""
    html = (swept / REPORT_FILE).read_text(encoding="utf-8")
    outline = Outline(html)
    for text in (
        "4 points, 32 runs. 28 runs went well, 4 failed.", "Does it matter how many suppliers begin?", "roles.supplier.initial",
        "10, 40", "Members is moved most by suppliers at the start", "Differences to the base", "no luck with <seven>", "--seed 7",
        "ecosim sweep begin.toml --out DIR", "What this study cannot tell", "4 of 32 runs failed",
    ):  # fmt: skip
        assert text in outline.text, text
    assert outline.text.count(EVIL) >= 1
    assert not [tag for tag, _ in outline.tags if tag in ("script", "img", "a")]
    assert max(Counter(outline.attributes("id")).values()) == 1
    assert write_report(swept).read_text(encoding="utf-8") == html


def test_a_sweep_goes_on_with_a_report_in_its_directory(swept: Path) -> None:
    """The report is no foreign file: the same study finds everything done, and its results are as they were."""
    before = ecosim.read_sweep(swept)
    with ThreadPoolExecutor(1) as one:
        result = ecosim.sweep(swept.parent / "begin.toml", swept, executor=one)
    assert (result.done, result.total) == (28, 32)
    assert ecosim.read_sweep(swept).equals(before)
    assert (swept / REPORT_FILE).exists()


@pytest.mark.parametrize(("design", "title"), [
    ({"kind": "sobol", "samples": 4}, "Sobol indices"),
    ({"kind": "morris", "samples": 3}, "Elementary effects"),
    ({"kind": "latin-hypercube", "samples": 8}, "Highest, lowest, and part of the variance"),
    ({"kind": "one-at-a-time", "levels": 3}, "What moves value created"),
], ids=lambda value: value["kind"] if isinstance(value, dict) else "")  # fmt: skip
def test_a_study_of_every_design_is_reported(design: dict[str, Any], title: str, tmp_path: Path) -> None:
    """The page of a study has the table that its design allows, under the right title."""
    factors = [
        {"path": "open_sharing.opening_speed", "low": 0.0, "high": 0.1},
        {"path": "symbiosis.trust_gain", "low": 0.02, "high": 0.1},
    ]
    study = study_from_dict({
        "scenarios": ["classroom"], "steps": 2, "design": design, "factors": factors, "outcomes": {"value_created": {"summary": "sum"}},
    })  # fmt: skip
    with ThreadPoolExecutor(1) as one:
        assert ecosim.sweep(study, tmp_path / "out", executor=one).failed == 0
    write_report(tmp_path / "out")
    assert title in Outline((tmp_path / "out" / REPORT_FILE).read_text(encoding="utf-8")).text


def test_a_study_without_runs_is_reported(swept: Path, tmp_path: Path) -> None:
    """Before anything has run the page says what was asked, and that there is nothing to analyse yet."""
    copied = Path(shutil.copytree(swept, tmp_path / "copied"))
    for folder in ("runs", "series", "events"):
        shutil.rmtree(copied / folder, ignore_errors=True)
    (copied / "failures.parquet").unlink(missing_ok=True)
    page = page_of(copied)
    assert any("none of its runs is done" in warning for warning in page.warnings)
    assert any("0 runs went well, 0 failed" in sentence for sentence in page.lead)
    write_report(copied)


def test_a_damaged_study_is_said(swept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A study.json that cannot be read is refused in one sentence."""
    copied = Path(shutil.copytree(swept, tmp_path / "copied"))
    (copied / REPORT_FILE).unlink()
    _cut(copied / "study.json")
    assert "study.json: is damaged" in _refused(copied, capsys)
    assert not (copied / REPORT_FILE).exists()
