"""The page on a study: its numbers are those of the analysis, and behind each of them stand its runs, which can be run again."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

import ecosim
from ecosim import serving
from ecosim.analysis.analyse import Analysis, analysis_of
from ecosim.analysis.experiment import Experiment
from ecosim.analysis.soundness import Progress
from ecosim.cli import main
from ecosim.parameters import ScenarioError
from ecosim.studies import plan
from ecosim.studies.batch_files import BatchRows, write_batch
from ecosim.studies.design import points
from ecosim.studies.study import study_from_dict
from ecosim.studies.study_record import read_record
from parts import study_files
from parts.link import read_query, shipped
from parts.player import packed
from parts.study_charts import sections_of
from parts.study_files import read, studies
from parts.study_runs import chosen_runs, command_for, link_of, runs_behind
from parts.study_words import Wording
from parts.texts import of_study, text

PROJECT = Path(__file__).parents[2]
EXAMPLES = PROJECT / "dashboards" / "studies"
NAMES = sorted(path.name for path in EXAMPLES.iterdir())
AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
# Four points, six runs of each, a hundredth of a second a run.
SMALL = {
    "title": "Room <b>&</b> growth",
    "question": "Does room matter?",
    "scenarios": ["limit-turnover"],
    "steps": 6,
    "design": {"kind": "factorial"},
    "replicates": {"count": 6},
    "factors": [
        {"path": "roles.firm.capacity", "name": "room", "levels": [20.0, 60.0], "role": "lever"},
        {"path": "roles.firm.growth_rate", "levels": [0.01, 0.2]},
    ],
    "outcomes": {"members": {"measure": "organisations"}, "mean_members": {"measure": "organisations", "summary": "mean"}},
    "keep": {"series": 1},
}  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a small sweep, in a few batches."""
    place = tmp_path_factory.mktemp("studies") / "small"
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as executor:
        patch.setattr(plan, "MOST_IN_BATCH", 8)
        ecosim.sweep(study_from_dict({"name": "small", **SMALL}), out=place, executor=executor)
    return place


@pytest.fixture
def copy(small: Path, tmp_path: Path) -> Path:
    """Return a copy of the sweep, to be damaged."""
    return Path(shutil.copytree(small, tmp_path / "small"))


def _found(place: Path, outcome: str = "") -> Analysis:
    found = read(place, outcome)
    assert isinstance(found, Analysis), found
    return found


def _section(analysis: Analysis, name: str, language: str = "en") -> dict[str, Any]:
    sections = {section["id"]: section for section in sections_of(analysis, analysis.outcomes[0], language)}
    assert name in sections
    return sections[name]


# -- the examples -----------------------------------------------------------------------------------------------------


@pytest.fixture
def examples(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the script that makes the examples."""
    monkeypatch.syspath_prepend(str(PROJECT / "docs"))
    return importlib.import_module("example_studies")


def test_examples_are_what_the_model_gives_today(examples: ModuleType) -> None:
    """Results that ship must not outlive the rules that gave them: some runs are run again and give the same numbers."""
    assert examples.stale() == [], "give python docs/example_studies.py"
    for name, study in examples.examples().items():
        assert read_record(EXAMPLES / name).load() == study, "give python docs/example_studies.py"


def test_a_stale_example_is_noticed(examples: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of the examples can fail: a kept number that no run gives is named."""
    kept = ecosim.read_sweep(EXAMPLES / "opening-the-platform")
    kept.loc[0, "members"] += 1.0
    monkeypatch.setattr(examples.ecosim, "read_sweep", lambda place: kept)
    monkeypatch.setattr(examples, "OUTCOMES", {"opening-the-platform": examples.OUTCOMES["opening-the-platform"]})
    (sentence,) = examples.stale(runs=1)
    assert sentence.startswith("opening-the-platform, run 0: members is")


def test_examples_are_small_and_whole() -> None:
    """The wheel carries both kinds of design in well under 300 kB, with every run done, and nothing of a sweep under way."""
    assert sum(path.stat().st_size for path in EXAMPLES.rglob("*") if path.is_file()) < 250_000
    assert not list(EXAMPLES.rglob(".*"))
    kinds = {_found(EXAMPLES / name).experiment.kind for name in NAMES}
    assert kinds == {"factorial", "sobol"}
    assert all(_found(EXAMPLES / name).progress.runs_to_go == 0 for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_translated(name: str) -> None:
    """Title and question of an example have Chinese, made from the English that it has today."""
    study = _found(EXAMPLES / name).study
    for part, english in (("title", study.title), ("question", study.question)):
        assert of_study(name, part, english) == english
        assert re.search("[\u4e00-\u9fff]", of_study(name, part, english, "zh")), part
    file = PROJECT / "dashboards" / "texts" / "studies.zh.toml"
    assert set(tomllib.loads(file.read_text(encoding="utf-8"))) == set(NAMES)


def test_examples_are_offered_without_a_directory(monkeypatch: pytest.MonkeyPatch, small: Path) -> None:
    """Whoever names no directory finds the examples; whoever does finds the own studies first."""
    monkeypatch.setattr(serving, "serving", serving.Serving())
    assert set(studies()) == set(NAMES)
    monkeypatch.setattr(serving, "serving", serving.Serving(studies=small.parent))
    names = list(studies())
    assert "small" in names[: -len(NAMES)]
    assert set(names[-len(NAMES) :]) == set(NAMES)


# -- what is drawn ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_each_design_shows_what_it_allows(name: str) -> None:
    """Effects, heat map, sensitivity and points in either design; pairs where luck is shared, regions where points are drawn."""
    analysis = _found(EXAMPLES / name)
    kinds = [section["id"] for section in sections_of(analysis, analysis.outcomes[0], "en")]
    extra = "comparison" if analysis.experiment.kind == "factorial" else "regional"
    assert sorted(kinds) == sorted(["effects", "heat", "sensitivity", "points", extra])


def test_tables_say_what_the_analysis_found() -> None:
    """Protects the numbers on the page: Sobol indices, differences of pairs and means are those of `ecosim.analyse`."""
    sobol = _found(EXAMPLES / "classroom-sensitivity")
    best = sobol.tables["sobol"].sort_values("total", ascending=False).iloc[0]
    row = _section(sobol, "sensitivity")["table"]["rows"][0]
    assert row[1] == f"{best['first']:.3g}"
    assert row[3] == f"{best['total']:.3g}"
    opening = _found(EXAMPLES / "opening-the-platform")
    compared = opening.tables["comparison"].iloc[-1]
    shown = _section(opening, "comparison")["table"]["rows"][-1]
    assert shown[1] == f"{100.0 * compared['difference']:.3g}".replace("-", "\u2212"), "shares differ by points"
    means = opening.tables["means"].set_index(["factor", "level"])["mean"]
    effects = _section(opening, "effects")
    for row, pick in zip(effects["table"]["rows"], effects["table"]["picks"], strict=True):
        ((factor, level),) = pick["at"].items()
        assert row[1] == f"{100.0 * means[factor, level]:.3g}\u00a0%"


@pytest.mark.parametrize("name", NAMES)
def test_the_runs_behind_a_number_average_to_it(name: str) -> None:
    """Behind each level, cell and point stand those runs and no others: the mean of their points is the number shown."""
    analysis = _found(EXAMPLES / name)
    outcome = analysis.outcomes[0]
    asked = [({row["factor"]: row["level"]}, row["mean"]) for row in analysis.tables["means"].to_dict("records")]
    asked += [({row["factor"]: row["level"], row["other_factor"]: row["other_level"]}, row["mean"])
              for row in analysis.tables["means-by-two"].to_dict("records")]  # fmt: skip
    for at, mean in asked:
        runs = chosen_runs(analysis, outcome, {"at": at})
        assert runs.groupby("point")[outcome].mean().mean() == pytest.approx(mean), at
    section = _section(analysis, "points")
    pick = section["table"]["picks"][-1]
    assert set(chosen_runs(analysis, outcome, pick)["point"]) == {pick["point"]}


@pytest.mark.parametrize("bad", [{"at": {"nothing": "0.2"}}, {"at": {"openness": "17"}}, {"point": 4711}])
def test_a_pick_of_nothing_is_told(bad: dict[str, Any]) -> None:
    """A level that a study does not have, or no longer has, gets a sentence."""
    place = EXAMPLES / "opening-the-platform"
    with pytest.raises(ScenarioError, match=r"no factor|no level|No run"):
        runs_behind(_found(place), place, "supplier_share", bad, 0, "en")


def test_series_and_spread_are_those_of_the_runs(small: Path) -> None:
    """The way of the runs ends at their outcome, and the bars of the spread are all of the runs."""
    analysis = _found(small)
    shown = runs_behind(analysis, small, "members", {"at": {"room": "60"}}, 0, "en")
    spread, way = shown["sections"]
    runs = chosen_runs(analysis, "members", {"at": {"room": "60"}})
    assert len(runs) == 12
    assert way["mean"][-1] == pytest.approx(runs["members"].mean())
    assert len(way["labels"]) == 6
    assert [run[-1] for run in way["runs"]] == runs["members"].tolist()
    assert sum(spread["shares"][0]) == pytest.approx(1.0)
    assert sum(int(row[1]) for row in spread["table"]["rows"]) == 12


def test_pages_of_runs_hold_each_run_once() -> None:
    """A table of many runs is turned page by page; a page beyond the last is the last."""
    place, pick = EXAMPLES / "opening-the-platform", {"at": {"protection": "true"}}
    analysis = _found(place)
    shown = [runs_behind(analysis, place, "supplier_share", pick, page, "en") for page in range(5)]
    last = shown[0]["last"]
    numbers = [row[0] for part in shown[: last + 1] for row in part["runs"]["rows"]]
    assert len(numbers) == len(set(numbers)) == len(chosen_runs(analysis, "supplier_share", pick))
    assert shown[4]["runs"]["rows"] == shown[last]["runs"]["rows"]


def test_words_of_both_languages(small: Path) -> None:
    """English calls things as the study does; Chinese calls parameters as the controls do, and keeps a name in Chinese."""
    study = _found(EXAMPLES / "opening-the-platform").study
    assert Wording(study).factors["openness"] == "openness (share)"
    chinese = Wording(study, "zh")
    assert chinese.factors["openness"] == "开放目标"
    assert chinese.outcomes["supplier_share"] == "供应商的份额，最后 8 季度均值"
    named = replace(study, factors=(replace(study.factors[0], name="开放"), *study.factors[1:]))
    assert Wording(named, "zh").factors["开放"] == "开放"
    for section in sections_of(_found(small), "members", "zh"):
        assert re.search("[\u4e00-\u9fff]", section["title"] + section["note"])


def test_ten_thousand_runs_send_little() -> None:
    """A large sweep comes to the page as summaries: well under 100 kB, whatever the number of its runs."""
    study = ecosim.load_study("stays-in-incubation")
    study = replace(study, design=replace(study.design, samples=10_000), outcomes=study.outcomes[1:2])
    table = points(study)
    values = table["trust gain"] + 0.1 * table["opening speed"]
    runs = table.assign(point=table.index, replicate=0, seed=1, run=table.index, quarters_in_incubation=values)
    experiment = Experiment(table, runs, study.varied, study.design.kind)
    progress = Progress(table, len(table), 0, (values * 0 + 1).to_numpy(int), 0, 0)
    analysis = analysis_of(study, experiment, ("quarters_in_incubation",), None, progress)
    assert len(packed({"sections": sections_of(analysis, "quarters_in_incubation", "en")})) < 100_000


# -- running a run again ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_link_and_command_repeat_the_run(name: str, tmp_path: Path) -> None:
    """Protects the way from a number to its run: the link's world and the command give the value that the study kept."""
    study = _found(EXAMPLES / name).study
    wanted = next(wanted for wanted in study.outcomes if wanted.name == "value_created")
    row = ecosim.read_sweep(EXAMPLES / name).to_dict("records")[7]
    asked = link_of(study, row, row["seed"])
    assert asked is not None
    link = read_query(asked)
    model = ecosim.Ecosystem(shipped(link.scenario).with_settings(dict(link.changes), "link"), seed=link.seed)
    by_link = model.run().metrics
    command = shlex.split(command_for(study, row, row["seed"]))
    assert command[0] == "ecosim"
    with pytest.raises(SystemExit, match="0"):
        main([*command[1:], "--out", str(tmp_path / "run")])
    by_command = pd.read_parquet(tmp_path / "run" / "metrics.parquet")
    for metrics in (by_link, by_command):
        values = metrics["value_created"].tail(wanted.quarters or len(metrics))
        assert values.sum() == pytest.approx(row["value_created"], rel=1e-12)


def test_no_link_where_it_would_give_another_run(small: Path) -> None:
    """A study of other roles, of a scenario of its own or of one that has changed since cannot stand in a link."""
    study = _found(small).study
    row = ecosim.read_sweep(small).to_dict("records")[0]
    asked = link_of(study, row, 1)
    assert asked is not None
    assert dict(read_query(asked).changes)["steps"] == 6
    assert link_of(replace(study, agents=("roles",)), row, 1) is None
    assert link_of(replace(study, scenario_sources=("/somewhere/mine.toml",)), row, 1) is None
    other = study.scenarios[0].with_settings({"environment.market_growth": 0.17}, "test")
    assert link_of(replace(study, scenarios=(other,)), row, 1) is None
    assert link_of(study, row, 2**60) is None, "a browser holds no such seed"


def test_a_command_holds_no_path_of_the_server(small: Path) -> None:
    """Visitors see the names of files, not where the server keeps them."""
    study = _found(small).study
    row = ecosim.read_sweep(small).to_dict("records")[0]
    elsewhere = replace(study, scenario_sources=("/somewhere/secret/mine.toml",), agents=("/somewhere/secret/roles",))
    command = command_for(elsewhere, row, 1)
    assert "secret" not in command
    assert "ecosim run mine.toml" in command
    assert command.endswith("--agents roles")


# -- what is wrong with a study ---------------------------------------------------------------------------------------


def _sentence(place: Path) -> str:
    """Return what is said of a study that cannot be shown; it names nothing above its directory."""
    said = read(place)
    assert isinstance(said, str)
    assert str(place.parent) not in said
    assert said.count("\n") == 0
    return said


def test_each_fault_has_its_sentence(copy: Path) -> None:
    """No record, a damaged one, no design, no runs, some runs: each is told in a sentence without a path of the server."""
    record = (copy / "study.json").read_text(encoding="utf-8")
    for file in (copy / "runs").glob("*.parquet"):
        if file.name != "batch-000000.parquet":
            file.rename(file.with_suffix(".later"))
    assert f"{json.loads(record)['size']} of 24 runs are done" in _sentence(copy)
    (copy / "runs" / "batch-000000.parquet").unlink()
    assert "none of its runs is done" in _sentence(copy)
    (copy / "design.parquet").unlink()
    assert "design.parquet: is not there yet" in _sentence(copy)
    (copy / "study.json").write_text(record[:200], encoding="utf-8")
    assert "is damaged" in _sentence(copy)
    (copy / "study.json").unlink()
    assert "holds no study" in _sentence(copy)


def test_failed_and_damaged_runs_are_told(copy: Path) -> None:
    """Failures and a damaged file are left out and told in the notes, and the rest is shown."""
    record = read_record(copy)
    rows = BatchRows()
    kept = ecosim.read_sweep(copy).to_dict("records")[2 * record.size : 3 * record.size]
    fine = {"error": None, "traceback": None, "command": None, "seconds": 0.1}
    rows.runs = [{**fine, **{name: row[name] for name in ("run", "point", "replicate", "seed", "members", "mean_members")}} for row in kept]  # fmt: skip
    rows.runs[-1] |= {"error": "it broke", "traceback": "", "command": "", "members": None, "mean_members": None}
    write_batch(copy, record.digest, 2, rows, record.load().outcomes, ())
    analysis = _found(copy)
    assert analysis.progress.failed == 1
    assert any("1 of 24 runs failed" in note for note in analysis.notes)
    (copy / "runs" / "batch-000001.parquet").write_bytes(b"damaged")
    said = read(copy)
    notes = [said] if isinstance(said, str) else [study_files.without_paths(copy, note) for note in said.notes]
    assert not any(str(copy.parent) in note for note in notes)
    assert any("batch-000001.parquet: is damaged" in note or "of 24 runs" in note for note in notes)


def test_a_sweep_that_goes_on_is_read_anew(copy: Path) -> None:
    """What is remembered of a study holds as long as its files do."""
    assert _found(copy).progress.done == 24
    assert _found(copy) is _found(copy)
    file = copy / "study.json"
    tree = json.loads(file.read_text(encoding="utf-8"))
    tree["study"]["title"] = "Another title"
    file.write_text(json.dumps(tree), encoding="utf-8")
    assert _found(copy).study.title == "Another title"


def test_missing_libraries_are_asked_for(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra for analysis the page says what to install."""
    monkeypatch.setitem(sys.modules, "SALib", None)
    (copy / "study.json").touch()
    assert 'pip install "ecosim[analysis]"' in _sentence(copy)


# -- in a browser -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(new_server: Callable[..., Any], small: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Serve the small sweep, and beside it a directory that holds a damaged one."""
    damaged = small.parent / "damaged"
    damaged.mkdir(exist_ok=True)
    (damaged / "study.json").write_text("[]", encoding="utf-8")
    server = new_server(tmp_path_factory.mktemp("served"), "--studies", str(small.parent))
    server.start()
    yield server
    server.stop()


class Visit:
    """A page opened by a visitor, and what went wrong in it."""

    def __init__(self, browser: Browser, address: str, language: str, width: int = 1440) -> None:
        self.page: Page = browser.new_page(viewport={"width": width, "height": 900})
        self.wrong: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.goto(f"{address}study?lang={language}")

    def choose(self, name: str) -> Page:
        """Open a study and wait until it is drawn."""
        self.page.locator(".page-study select").select_option(name, timeout=60_000)
        expect(self.page.locator(".ecosim-study canvas").first).to_be_visible()
        return self.page

    def end(self) -> None:
        """Leave; axe finds nothing critical or serious, nothing is wider than the screen, and nothing went wrong."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        bad = [(problem["id"], [node["html"][:120] for node in problem["nodes"][:3]])
               for problem in found["violations"] if problem["impact"] in ("critical", "serious")]  # fmt: skip
        wide = self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        self.page.close()
        assert (bad, wide, self.wrong) == ([], False, [])


@pytest.mark.parametrize(("language", "width"), [("en", 1440), ("zh", 390)])
def test_a_sweep_is_opened_and_its_runs_are_reached_by_key(
    browser: Browser, served: Any, small: Path, language: str, width: int
) -> None:
    """From the list of studies to the runs behind a level: by keys alone, in either language, on a projector and a phone."""
    visit = Visit(browser, served.address, language, width)
    page = visit.choose("small")
    expect(page.get_by_role("heading", name="Room <b>&</b> growth")).to_be_visible()
    effects = page.locator(".study-effects")
    effects.locator("summary").focus()
    page.keyboard.press("Enter")
    analysis = _found(small)
    expected = _section(analysis, "effects", language)["table"]
    assert effects.locator("tbody tr").count() == len(expected["rows"])
    assert effects.locator("tbody tr").first.inner_text().split("\t")[1] == expected["rows"][0][1]
    effects.locator("tbody button").first.focus()
    page.keyboard.press("Enter")
    where = Wording(analysis.study, language).at(expected["picks"][0]["at"])
    heading = page.get_by_role("heading", name=text("study.runs_behind", language, where=where))
    expect(heading).to_be_focused()
    expect(page.locator(".study-runs tbody tr:visible")).to_have_count(12)
    expect(page.locator(".study-histogram canvas, .study-lines canvas")).to_have_count(2)
    page.locator(".study-runs button").first.click()
    expect(page.locator(".study-command:visible")).to_contain_text("ecosim run limit-turnover --seed 1 --steps 6")
    visit.end()


def test_another_outcome_keeps_the_pick(browser: Browser, served: Any, small: Path) -> None:
    """The outcome is changed under the same pick: charts and runs are of the other one."""
    visit = Visit(browser, served.address, "en")
    page = visit.choose("small")
    page.locator(".study-effects summary").click()
    page.locator(".study-effects tbody button").first.click()
    expect(page.locator(".study-runs")).to_be_visible()
    page.locator(".page-outcome select").select_option("mean_members")
    expect(page.locator(".study-runs thead")).to_contain_text("mean members")
    expected = _section(_found(small, "mean_members"), "effects")["table"]["rows"][0][1]
    expect(page.locator(".study-effects tbody tr").first).to_contain_text(expected)
    visit.end()


def test_damaged_study_is_told_in_the_page(browser: Browser, served: Any, small: Path) -> None:
    """A damaged directory gives a sentence, and the next study opens."""
    visit = Visit(browser, served.address, "en")
    visit.page.locator(".page-study select").select_option("damaged", timeout=60_000)
    expect(visit.page.get_by_role("alert")).to_contain_text("is damaged")
    assert str(small.parent) not in visit.page.content()
    visit.choose("classroom-sensitivity")
    visit.end()


def test_a_cell_leads_to_its_runs_and_a_run_to_the_live_page(browser: Browser, dashboard: Any) -> None:
    """In the shipped example a click on a cell of the heat map shows its runs, and the link of a run opens it."""
    visit = Visit(browser, dashboard.address, "en")
    page = visit.choose("opening-the-platform")
    chart = page.locator(".study-heat .study-chart")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    chart.click(position={"x": 0.25 * box["width"], "y": 60})
    expect(page.get_by_role("heading", name=re.compile(r"The runs behind openness.*0\.2.*protection"))).to_be_visible()  # fmt: skip
    expect(page.locator(".study-runs tbody tr:visible")).to_have_count(20)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open: run 0").or_(page.locator(".study-runs a").first).first.click()
    live = opened.value
    expect(live.locator(".page-player .panel.shares :is(canvas, svg)").first).to_be_visible(timeout=300_000)
    assert "roles.firm.openness_target=0.2" in live.url
    expect(live.get_by_label("Luck (seed)")).to_have_value("1")
    live.close()
    visit.end()
