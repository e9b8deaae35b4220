"""The command analyse on real sweeps: what it writes, what it prints, what it leaves out, and what it refuses."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

import ecosim
from ecosim import cli
from ecosim.analysis import figures
from ecosim.analysis.analyse import analyse, regions_found, tables_of
from ecosim.analysis.discovery import Condition
from ecosim.analysis.experiment import Experiment
from ecosim.analysis.labels import factor_labels, outcome_labels, wrapped
from ecosim.parameters import ScenarioError
from ecosim.runs import OutputError
from ecosim.studies import plan
from ecosim.studies.batch_files import run_files
from ecosim.studies.design import physical, unit_sample
from ecosim.studies.study_parts import SAMPLED as SAMPLED_KINDS
from ecosim.studies.study_parts import DesignSettings, Factor

# What every study of this file has; a run takes a few thousandths of a second.
SMALL = """
title = "Small study"
scenarios = ["limit-turnover"]
steps = 6
[outcomes]
members = { measure = "organisations" }
most = { measure = "organisations", summary = "highest" }
"""
CAPACITY = '[[factors]]\npath = "roles.firm.capacity"\nname = "room"\n'
GROWTH = '[[factors]]\npath = "roles.firm.growth_rate"\nname = "growth rate"\n'
FACTORIAL = SMALL + (
    '[design]\nkind = "factorial"\n[replicates]\ncount = 6\n'
    f'{CAPACITY}role = "lever"\nlevels = [100.0, 500.0, 1000.0]\n{GROWTH}levels = [0.01, 0.2]\n'
)
SAMPLED = (
    SMALL
    + f'[design]\nkind = "KIND"\nsamples = COUNT\n{CAPACITY}low = 100.0\nhigh = 1000.0\n{GROWTH}low = 0.0\nhigh = 0.2\n'
)
STOPPING = SMALL + (
    '[design]\nkind = "factorial"\n[replicates]\ncount = 4\ncommon = false\n'
    "until = { outcome = 'members', width = 12.0, most = 18 }\n"
    f"{CAPACITY}levels = [20.0, 60.0]\n{GROWTH}levels = [0.01, 0.2]\n"
)
# A role with which no run goes well in which firms have much room.
CROWDED = '''
from ecosim import Organisation


def crowd(model, rows, parameters):
    if model.scenario.get("roles.firm.capacity") > LIMIT:
        raise ValueError("too crowded")


class Crowd(Organisation):
    """Stumbles over crowds."""

    defaults = {"initial": 1}
    rules = {"turn_over": crowd}
'''


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that runs a study in this process and returns the directory of its results."""

    def run(text: str, name: str = "study", crowded: float | None = None, largest_batch: int = 4096) -> Path:
        place = tmp_path_factory.mktemp(name)
        if crowded is not None:
            (place / "roles").mkdir()
            (place / "roles" / "crowd.py").write_text(CROWDED.replace("LIMIT", str(crowded)), encoding="utf-8")
            text = f'agents = ["roles"]\n{text}'
        (place / f"{name}.toml").write_text(text, encoding="utf-8")
        with ThreadPoolExecutor(1) as one, pytest.MonkeyPatch.context() as patch:
            patch.setattr(plan, "MOST_IN_BATCH", largest_batch)
            ecosim.sweep(place / f"{name}.toml", place / "out", executor=one)
        return place / "out"

    return run


@pytest.fixture(scope="module")
def whole(swept: Callable[..., Path]) -> Path:
    """Return the results of a factorial study with a lever, in batches of five runs."""
    return swept(FACTORIAL, "whole", largest_batch=5)


@pytest.fixture
def factorial(whole: Path, tmp_path: Path) -> Path:
    """Return a copy of these results."""
    return Path(shutil.copytree(whole, tmp_path / "factorial"))


@pytest.fixture(scope="module")
def cube(swept: Callable[..., Path]) -> Path:
    """Return the results of a study of sixty points of a Latin hypercube."""
    return swept(SAMPLED.replace("KIND", "latin-hypercube").replace("COUNT", "60"), "cube")


def called(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """Call the command line in this process, 80 columns wide; return its status and what it printed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "80")
        with pytest.raises(SystemExit) as end:
            cli.main(["analyse", *map(str, arguments)])
    printed = capsys.readouterr()
    return int(end.value.code or 0), printed.out, printed.err


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """Return the one sentence with which the command refused what it was given."""
    status, out, err = called(capsys, *arguments)
    assert (status, out) == (2, "")
    assert re.fullmatch(r"ecosim: [^\n]+\n", err)
    return err.removeprefix("ecosim: ").rstrip("\n")


def content(directory: Path) -> dict[str, bytes]:
    """Return the files of a directory."""
    return {path.name: path.read_bytes() for path in directory.iterdir()}


# -- what is written --------------------------------------------------------------------------------------------------


def test_files_are_written_and_named(factorial: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Protects what a researcher takes away: tables as CSV, each figure as PNG and SVG, and a list of them all."""
    status, out, err = called(capsys, factorial)
    assert (status, err) == (0, "")
    written = content(factorial / "analysis")
    tree = json.loads(written["analysis.json"])
    assert sorted([*tree["files"], "analysis.json"]) == sorted(written)
    tables = {"outcomes", "points", "means", "means-by-two", "parts-of-variance", "comparison"}
    assert {name.removesuffix(".csv") for name in written if name.endswith(".csv")} == tables
    figures = {name.removesuffix(".svg") for name in written if name.endswith(".svg")}
    assert figures == {
        f"{kind}-{name}" for kind in ("main-effects", "interactions", "comparison") for name in ("members", "most")
    }
    assert {f"{name}.png" for name in figures} <= set(written)
    assert (tree["runs"], tree["failed"], tree["outcomes"]) == (36, 0, ["members", "most"])
    assert str(factorial / "analysis") in out.replace("\n", "")
    assert not [path for path in factorial.iterdir() if path.name.startswith(".") and path.name != ".lock"]


def test_numbers_are_those_of_the_runs(whole: Path) -> None:
    """Protects the way from directory to table: a mean of a level and a paired difference, counted anew from the runs."""
    runs = ecosim.read_sweep(whole)
    tables = ecosim.analyse(whole).tables
    means = tables["means"].set_index(["outcome", "factor", "level"])["mean"]
    assert means["members", "room", "500"] == pytest.approx(runs[runs["room"] == 500.0]["members"].mean())
    pairs = runs.pivot(index=["growth rate", "replicate"], columns="room", values="most")
    row = tables["comparison"].set_index(["outcome", "level"]).loc[("most", "1000")]
    assert row["difference"] == pytest.approx((pairs[1000.0] - pairs[100.0]).mean())
    assert (row["base"], row["pairs"], row["settings"], row["interval"]) == ("100", 12, 2, "over luck")


def test_same_results_give_the_same_files(factorial: Path) -> None:
    """Protects determinism: tables and pictures of the same results are the same bytes, whoever draws them and when."""
    analysis = analyse(factorial, ["members"])
    analysis.write(factorial / "analysis")
    before = content(factorial / "analysis")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules["matplotlib"].rcParams, "font.size", 20.0)
        analyse(factorial, ["members"]).write(factorial / "analysis")
    assert content(factorial / "analysis") == before
    assert not any(b"<dc:date>" in data for name, data in before.items() if name.endswith(".svg"))


def test_earlier_analysis_is_replaced_whole(factorial: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Protects against a mixture: of an analysis of all outcomes nothing is left beside that of one."""
    assert called(capsys, factorial)[0] == 0
    assert called(capsys, factorial, "--outcome", "most")[0] == 0
    names = set(content(factorial / "analysis"))
    assert "main-effects-most.svg" in names
    assert not [name for name in names if "members" in name]


def test_failed_writing_leaves_the_earlier_analysis(factorial: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects against losing results: if the disk fills in the middle, the earlier analysis is there, and nothing else."""
    analysis = analyse(factorial, ["members"])
    analysis.write(factorial / "analysis")
    before = content(factorial / "analysis")

    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OutputError, match="cannot be written: no space left on device"):
        analysis.write(factorial / "analysis")
    assert content(factorial / "analysis") == before
    assert not list(factorial.glob(".*unfinished*"))


def test_foreign_files_are_left_alone(factorial: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Protects what somebody else keeps: a directory with anything in it that no analysis wrote is refused."""
    assert called(capsys, factorial, "--outcome", "most")[0] == 0
    (factorial / "analysis" / "my notes.txt").write_text("dear diary", encoding="utf-8")
    said = refused(capsys, factorial)
    assert said == (
        f"{factorial / 'analysis'}: holds 'my notes.txt', which no analysis has written; "
        "give a new or an empty directory with --out DIR"
    )
    assert "which no analysis has written" in refused(capsys, factorial, "--out", factorial)
    assert "is a file" in refused(capsys, factorial, "--out", factorial / "study.json")
    assert called(capsys, factorial, "--outcome", "most", "--out", factorial / "deep" / "elsewhere")[0] == 0
    assert (factorial / "deep" / "elsewhere" / "means.csv").exists()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_directory_is_named(factorial: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Protects those who read a colleague's results: one sentence says that nothing can be written there, and what to do."""
    factorial.chmod(0o500)
    try:
        assert "cannot be written" in refused(capsys, factorial)
    finally:
        factorial.chmod(0o700)


# -- what is said -----------------------------------------------------------------------------------------------------


def test_terminal_says_the_findings(factorial: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Protects the reader of a terminal: findings by outcome in 80 columns, and a sentence on what cannot be told."""
    _, out, _ = called(capsys, factorial)
    assert max(map(len, out.splitlines())) <= max(80, len(f"Tables and figures are in {factorial / 'analysis'}"))
    flat = " ".join(out.split())
    assert "factorial design, 6 points, 36 runs" in flat
    assert "members mean" in flat
    assert "% luck" in flat
    for word in ("room: 500 against 100", "p (Holm)", "runs saved", "part of variance", "growth rate"):
        assert word in flat
    assert "Sobol indices, elementary effects and regional sensitivity take points drawn from ranges" in flat


@pytest.mark.parametrize(
    ("kind", "count", "tables", "figures"),
    [
        ("sobol", 16, {"sobol", "sobol-pairs"}, {"sobol-members", "sobol-pairs-members"}),
        ("morris", 12, {"morris"}, {"morris-members"}),
    ],
)
def test_each_design_gets_its_indices(
    swept: Callable[..., Path],
    kind: str,
    count: int,
    tables: set[str],
    figures: set[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Protects the choice of method: the design decides which indices there are; each has its table, figure and lines."""
    out = swept(SAMPLED.replace("KIND", kind).replace("COUNT", str(count)), kind)
    status, printed, _ = called(capsys, out, "--outcome", "members")
    assert status == 0
    names = set(content(out / "analysis"))
    assert {f"{name}.csv" for name in tables} | {f"{name}.png" for name in figures} <= names
    assert ("mu*" in printed) == (kind == "morris")
    assert ("with interactions" in printed) == (kind == "sobol")
    assert "every point has the luck of seed 1 alone" in " ".join(printed.split())


def test_boxes_are_looked_for_when_asked(cube: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Protects scenario discovery from end to end: a condition gives boxes, their limits, the way there and a picture."""
    status, printed, _ = called(capsys, cube, "--box", "members > 130", "--out", tmp_path / "found")
    assert status == 0
    names = set(content(tmp_path / "found"))
    assert {"boxes.csv", "box-limits.csv", "box-trajectory.csv", "regional.csv"} <= names
    assert "Box 1 for members > 130: " in " ".join(printed.split())
    assert {"boxes.png", "boxes.svg"} <= names
    regional = pd.read_csv(tmp_path / "found" / "regional.csv")
    assert set(regional["region"]) == {"members > 130"}
    limits = pd.read_csv(tmp_path / "found" / "box-limits.csv")
    assert set(limits["factor"]) <= {"room", "growth rate"}


@pytest.mark.parametrize("condition", ["members > 1e9", "members > -1"])
def test_region_of_all_or_nothing_has_no_box(cube: Path, condition: str) -> None:
    """Protects against a search for nothing: if all points or none are cases, a sentence says so, and there are no boxes."""
    found = analyse(cube, ["members"], condition)
    assert "boxes" not in found.tables
    assert [note for note in found.notes if note.startswith("No boxes are looked for: members >")]


def test_labels_have_units() -> None:
    """Protects axes: factors have the unit of their parameter, outcomes their summary and unit, long names break at dots."""
    study = ecosim.load_study("stays-in-incubation")
    assert factor_labels(study)["opening speed"] == "opening speed (1/quarter)"
    assert factor_labels(study)["intermediaries"] == "intermediaries"
    assert outcome_labels(study)["value_created"] == "value created\nsum, million CNY"
    assert outcome_labels(study)["quarters_in_incubation"] == "quarters in incubation\nsum, quarters in it"
    assert (
        wrapped("roles.firm.research_intensity (share of revenue)", 20)
        == "roles.firm.\nresearch_intensity\n(share of revenue)"
    )


@pytest.mark.slow
def test_page_shows_what_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects the page on analysis: run anew, the study that it shows gives the numbers that it shows."""
    docs = Path(ecosim.__file__).parents[1] / "docs"
    monkeypatch.syspath_prepend(str(docs))
    shown = importlib.import_module("study_findings")
    with ThreadPoolExecutor(1) as one:
        parts = shown.opening_parts(shown.found("opening-the-platform", executor=one))
    page = (docs / "how-to" / "analyse-a-study.md").read_text(encoding="utf-8")
    assert [name for name, text in parts.items() if text not in page] == []


# -- what is not whole ------------------------------------------------------------------------------------------------


def test_unfinished_factorial_is_refused(factorial: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Protects against half a factorial design: what is missing is no random part, so that nothing is said of the rest."""
    for path in sorted((factorial / "runs").iterdir())[3:]:
        path.unlink()
    said = refused(capsys, factorial)
    assert said == (
        f"{factorial}: 15 of 36 runs are done, and a factorial design is read when every point has a run; "
        "give `ecosim sweep` again, which runs the rest"
    )
    assert not (factorial / "analysis").exists()


def test_last_replicates_may_be_missing(factorial: Path) -> None:
    """Protects a look before the end: once every point has a run, what is there is read, and how far it is is said."""
    sorted((factorial / "runs").iterdir())[-1].unlink()
    found = analyse(factorial, ["members"])
    assert found.notes[0].startswith("The sweep is unfinished: 35 of 36 runs are done")


def test_unfinished_sample_is_read(swept: Callable[..., Path]) -> None:
    """Protects a look at a long study: the first points of a sample are a sample too."""
    out = swept(SAMPLED.replace("KIND", "sobol").replace("COUNT", "16"), "part", largest_batch=10)
    for path in sorted((out / "runs").iterdir())[6:]:
        path.unlink()
    found = analyse(out, ["members"])
    assert found.notes[0] == "The sweep is unfinished: 60 of 96 runs are done, and this is what they tell."
    assert "sobol" in found.tables
    assert not [note for note in found.notes if "blocks" in note], "ten whole blocks of six points, none broken"


def test_blocks_with_failures_are_left_out_and_told(swept: Callable[..., Path]) -> None:
    """Protects indices against failed runs: whole blocks are dropped, and how many points and blocks is said."""
    out = swept(SAMPLED.replace("KIND", "sobol").replace("COUNT", "32"), "crowded", crowded=880.0)
    failed = ecosim.read_failures(out)
    assert 0 < len(failed) < 96
    found = analyse(out, ["members"])
    lost = failed["point"] // 6
    told = f"members: {len(failed)} points are missing, so that {lost.nunique()} of 32 blocks of Saltelli's scheme"
    assert [note for note in found.notes if note.startswith(told)]
    assert [note for note in found.notes if note.startswith(f"{len(failed)} of 192 runs failed")]
    assert found.tables["sobol"]["total"].notna().all()


def test_nothing_but_failures_is_refused(swept: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Protects against an analysis of nothing: if every run failed, one sentence says so and where the reasons are."""
    out = swept(FACTORIAL.replace("count = 6", "count = 1"), "failed", crowded=0.0)
    assert refused(capsys, out) == f"{out}: all of its runs failed; ecosim.read_failures tells why"


def test_damaged_file_is_told(factorial: Path) -> None:
    """Protects against silent holes: a damaged file is named, and the rest is read."""
    path = sorted((factorial / "runs").iterdir())[-1]
    path.write_bytes(path.read_bytes()[:-20])
    found = analyse(factorial, ["members"])
    assert str(path) in found.notes[0]
    assert found.progress.done == 35


def test_study_without_factors_is_described(swept: Callable[..., Path]) -> None:
    """Protects the smallest study: one point, many seeds; there is a mean with its interval, and nothing that varies it."""
    out = swept(SMALL + '[design]\nkind = "factorial"\n[replicates]\ncount = 8\n', "alone")
    found = analyse(out)
    found.write(out / "analysis")
    assert found.tables["points"]["runs"].tolist() == [8, 8]
    assert found.tables["points"]["high"].notna().all()


@pytest.mark.parametrize("kind", ["factorial", "one-at-a-time", "latin-hypercube", "sobol", "morris", "list"])
@pytest.mark.parametrize("values", ["none", "all the same", "one point"])
def test_every_design_bears_holes(kind: str, values: str) -> None:
    """Protects against a crash at the end of a long study: no outcome, one value or one point left is told, not stumbled over."""
    factors = (Factor("x", "x", "lever", low=0.0, high=1.0), Factor("on", "on", "lever", levels=(True, False)))
    if kind in SAMPLED_KINDS:
        unit = unit_sample(DesignSettings(kind, 16, second_order=False), 2)
        points = pd.DataFrame({factor.name: physical(factor, unit[:, k]) for k, factor in enumerate(factors)})
    else:
        points = pd.DataFrame({"x": [0.0, 0.0, 1.0], "on": [True, False, True]})
    runs = pd.DataFrame(
        [(point, replicate) for point in points.index for replicate in range(3)], columns=["point", "replicate"]
    )
    runs["y"] = float("nan") if values == "none" else 1.0
    if values == "one point":
        runs = runs[runs["point"] == 0]
    notes: list[str] = []
    experiment = Experiment(points, runs, factors, kind)
    found = dict(tables_of(experiment, "y", notes))
    assert len(found["means"]) >= 2
    assert not {"sobol", "morris"} & set(found)
    with figures.style():
        for name, draw in (("means", figures.main_effects), ("comparison", figures.comparison)):
            if name in found:
                draw(found[name], "y", *([{}] if name == "means" else [])).draw_without_rendering()
    assert not list(regions_found(experiment, ["y"], Condition("y", ">", 0.5), notes))
    assert notes[-1].startswith("No boxes are looked for: ")


# -- what is refused --------------------------------------------------------------------------------------------------


def test_directory_without_a_sweep_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Protects against a wrong directory: one sentence, and nothing is written."""
    assert (
        refused(capsys, tmp_path)
        == f"{tmp_path}: holds no study, there is no study.json; give the directory of a sweep"
    )
    assert not list(tmp_path.iterdir())
    assert "holds no study" in refused(capsys, tmp_path / "nowhere")


def test_misspelt_outcome_is_refused(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Protects against a misspelt name: the nearest is offered, on the command line and in Python."""
    said = "outcome: 'member' is no outcome of the study; did you mean 'members'?"
    assert refused(capsys, whole, "--outcome", "member") == said
    with pytest.raises(ScenarioError, match="did you mean 'members'"):
        ecosim.analyse(whole, ["member"])
    assert refused(capsys, whole, "--box", "member > 3").startswith("box: 'member' is no outcome of the study")


@pytest.mark.parametrize(("library", "extra"), [("SALib", "analysis"), ("matplotlib", "analysis")])
def test_missing_extra_is_named(
    factorial: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, library: str, extra: str
) -> None:
    """Protects those who installed the engine alone: the extra that brings what is missing is named."""
    monkeypatch.setitem(sys.modules, library, None)
    assert f'pip install "ecosim[{extra}]"' in refused(capsys, factorial)
    assert not (factorial / "analysis").exists()


def test_missing_library_of_boxes_is_named(
    cube: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects those without the library of boxes: they are told what brings it, and all else works."""
    monkeypatch.setitem(sys.modules, "ema_workbench", None)
    assert 'pip install "ecosim[discovery]"' in refused(
        capsys, cube, "--box", "members > 130", "--out", tmp_path / "out"
    )
    assert called(capsys, cube, "--outcome", "most", "--out", tmp_path / "out")[0] == 0


def test_points_that_the_stopping_rule_is_not_done_with_are_told(swept: Callable[..., Path]) -> None:
    """What still waits for replicates is what the sweep itself runs: nothing at its end; after its first round the points of the later ones."""
    out = swept(STOPPING, "stopping", largest_batch=3)
    done = analyse(out)
    assert (done.progress.runs_to_go, done.progress.points_to_go) == (0, 0)
    assert not any("unfinished" in note for note in done.notes)
    for path in run_files(out):
        if pd.read_parquet(path)["replicate"].max() >= 4:
            path.unlink()
    part = analyse(out)
    assert part.progress.attempted.tolist() == [4, 4, 4, 4]
    assert part.progress.runs_to_go == 0
    assert 0 < part.progress.points_to_go == (done.progress.attempted > 4).sum() < 4
    assert "still wait for the replicates that the stopping rule asks for" in part.notes[0]
