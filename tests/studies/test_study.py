"""Study files: what they mean, that they survive without their files, and one clear sentence for every fault."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecosim.parameters import Parameter, ScenarioError
from ecosim.scenario_file import shipped_scenarios
from ecosim.shapes import Table
from ecosim.studies.design import number_of_points
from ecosim.studies.study import Study, load_study, shipped_studies, study_from_dict
from ecosim.studies.study_parts import DISTRIBUTIONS, KINDS, ROLES, SUMMARIES, Factor, Until, Wanted
from ecosim.studies.study_shape import factor_table, study_table

DESIGN = '[design]\nkind = "sobol"\nsamples = 8\n'
OPENING = '[[factors]]\npath = "open_sharing.opening_speed"\nlow = 0.0\nhigh = 0.1\n'
TRUST = '[[factors]]\npath = "rules.trust"\nlevels = [true, false]\n'
OUTCOMES = (
    '[outcomes]\nvalue_created = { summary = "sum" }\n'
    'part = { measure = "share.supplier", summary = "mean", quarters = 8 }\n'
)
TOP = 'title = "T"\nscenarios = ["classroom"]\nsteps = 40\n'
GOOD = TOP + DESIGN + OPENING + TRUST + OUTCOMES
LIST = TOP + '[design]\nkind = "list"\nfile = "points.csv"\n' + OPENING + TRUST + OUTCOMES
HEADER = "open_sharing.opening_speed,rules.trust\n"


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Study]:
    """Return a function that writes a study's text, and a list of points if there is one, and loads it."""

    def loaded(text: str, csv: str | bytes | None = None) -> Study:
        (tmp_path / "study.toml").write_text(text, encoding="utf-8")
        if csv is not None:
            (tmp_path / "points.csv").write_bytes(csv if isinstance(csv, bytes) else csv.encode())
        return load_study(tmp_path / "study.toml")

    return loaded


def sentence_of(load: Callable[..., Study], text: str, csv: str | bytes | None = None) -> str:
    """Return the sentence with which a study is refused, without the directory it is in."""
    with pytest.raises(ScenarioError) as refused:
        load(text, csv)
    line = str(refused.value)
    assert "\n" not in line
    return re.sub(r"^\S*/(?=[^/\s]+:\d+: )", "", line)


# -- what a study file means ------------------------------------------------------------------------------------------


def test_a_study_is_read_as_written(load: Callable[..., Study]) -> None:
    """Protects the meaning of a study file: factors, outcomes, seeds, horizon, and the defaults of what it leaves out."""
    study = load(GOOD.replace("[design]", "[keep]\nseries = 4\n[design]"))
    assert study.factors == (
        Factor("open_sharing.opening_speed", "open_sharing.opening_speed", low=0.0, high=0.1),
        Factor("rules.trust", "rules.trust", levels=(True, False)),
    )
    assert study.outcomes == (
        Wanted("value_created", "value_created", "sum"),
        Wanted("part", "share.supplier", "mean", 8),
    )
    assert (study.name, study.title, study.scenario_names, study.steps) == ("study", "T", ("classroom",), 40)
    assert (study.keep.series, study.keep.events) == (4, False)
    assert (study.replicates.count, study.replicates.common, study.replicates.seed(7, 2)) == (1, True, 3)


def test_seeds_are_common_or_all_different(load: Callable[..., Study]) -> None:
    """Protects the pairing of runs: common seeds depend on the replicate alone, independent ones never meet."""
    text = "[replicates]\ncount = 3\nfirst_seed = 10\n"
    common = load(GOOD.replace("[design]", f"{text}[design]")).replicates
    assert [[common.seed(point, replicate) for replicate in range(3)] for point in range(2)] == [[10, 11, 12]] * 2
    until = 'until = { outcome = "part", width = 0.1, most = 5 }\n'
    independent = load(GOOD.replace("[design]", f"{text}common = false\n{until}[design]")).replicates
    assert independent.until == Until("part", 0.1, 5)
    seeds = [independent.seed(point, replicate) for point in range(4) for replicate in range(independent.most)]
    assert len(set(seeds)) == 4 * 5
    assert min(seeds) == 10


def test_several_scenarios_make_a_factor(load: Callable[..., Study]) -> None:
    """Protects the comparison of worlds: they vary as a factor of their own, the first column of the design."""
    study = load(GOOD.replace('["classroom"]', '["classroom", "embargo"]').replace("steps = 40\n", ""))
    assert study.varied[0] == Factor("scenario", "scenario", levels=("classroom", "embargo"))
    assert [study.quarters(scenario) for scenario in study.scenarios] == [40, 100]
    assert study.problem()["names"] == ["scenario", "open_sharing.opening_speed", "rules.trust"]
    assert study.problem()["bounds"][0] == [0.0, 2.0]


def test_a_scenario_can_stand_beside_the_study(
    load: Callable[..., Study], write_world: Callable[..., Path], small_text: str, tmp_path: Path
) -> None:
    """Protects studies of one's own worlds: a path is relative to the study file, and the command has it in full."""
    write_world(small_text, "small", tmp_path)
    study = load(GOOD.replace('"classroom"', '"small.toml"').replace("steps = 40", "steps = 12"))
    assert study.scenario_names == ("small",)
    assert study.scenario_sources == (str(tmp_path / "small.toml"),)
    assert study.scenarios[0].steps == 12


def test_a_study_survives_without_its_files(
    load: Callable[..., Study], write_world: Callable[..., Path], small_text: str, tmp_path: Path
) -> None:
    """Protects the repetition of a study: what `as_dict` gives goes through JSON, and needs neither world nor list."""
    world = write_world(small_text, "small", tmp_path)
    text = LIST.replace('"classroom"', '"small.toml"').replace("steps = 40", "steps = 12")
    study = load(text.replace("[design]", "[replicates]\ncount = 2\n[design]"), HEADER + "0.05,true\n0.1,FALSE\n")
    tree = json.loads(json.dumps(study.as_dict()))
    for file in (world, tmp_path / "points.csv", tmp_path / "study.toml"):
        file.unlink()
    again = study_from_dict(tree)
    assert again == study
    assert again.design.points == (
        {"open_sharing.opening_speed": 0.05, "rules.trust": True},
        {"open_sharing.opening_speed": 0.1, "rules.trust": False},
    )
    assert again != replace(study, design=replace(study.design, points=study.design.points[:1]))


def test_columns_of_a_list_are_factors_by_themselves(load: Callable[..., Study]) -> None:
    """Protects the shortest study: a CSV file whose columns are paths of parameters needs no word on factors."""
    text = TOP + '[design]\nkind = "list"\nfile = "points.csv"\n' + OUTCOMES
    study = load(text, b"\xef\xbb\xbf roles.supplier.initial , rules.trust\r\n3,true\r\n\r\n7,false\r\n")
    assert [factor.path for factor in study.factors] == ["roles.supplier.initial", "rules.trust"]
    assert [list(point.values()) for point in study.design.points] == [[3, True], [7, False]]
    assert [type(value) for value in study.design.points[0].values()] == [int, bool]


@pytest.mark.parametrize("name", shipped_studies())
def test_every_shipped_study_is_valid_and_says_why(name: str) -> None:
    """Protects what comes with the package: each study loads, says what it asks, and why each factor is in it."""
    study = load_study(name)
    assert study.question.endswith("?")
    assert study.source is not None
    text = study.source.read_text(encoding="utf-8")
    blocks = text.split("[[factors]]")[1:] if study.design.kind != "list" else [text]
    assert all("#" in block for block in blocks), "a line of why for each factor"
    assert len(blocks) == len(study.factors) or study.design.kind == "list"
    assert study_from_dict(study.as_dict()) == study


def test_studies_are_no_scenarios() -> None:
    """Protects the list of scenarios: a study is never offered as a world to run."""
    assert not set(shipped_scenarios()) & set(shipped_studies())
    assert {"classroom-sensitivity", "opening-the-platform", "screening", "stays-in-incubation"} <= set(
        shipped_studies()
    )


def test_every_key_is_described() -> None:
    """Protects the reference of study files: every key, kind, distribution and summary stands in it."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "study-files.md").read_text(encoding="utf-8")
    number = Parameter(0.0, 0.0, 1.0, "1", "", "")
    top = study_table(["outcome"]).entries
    tables = [
        table
        for table in (*top.values(), top["outcomes"].entries["outcome"], factor_table(number))
        if isinstance(table, Table)
    ]  # type: ignore[union-attr]
    names = {name for table in tables for name in table.entries} - {"outcome"} | set(top)
    assert len(names) > 30
    words = {*names, *KINDS, *DISTRIBUTIONS, *SUMMARIES, *ROLES}
    assert not {word for word in words if f"`{word}`" not in page and f"[{word}]" not in page}


# -- faults -----------------------------------------------------------------------------------------------------------


class Case(NamedTuple):
    """A change of a good study, the line at fault, and parts of the sentence."""

    name: str
    old: str
    new: str
    line: int
    found: str
    remedy: str


NORMAL = 'distribution = "normal"\n'
CASES = [
    Case("unknown outcome", "value_created =", "value_creatd =", 15, "is no measure", "did you mean 'value_created'?"),
    Case("unknown beneficiary", "share.supplier", "share.suplier", 16, "no beneficiary", "did you mean 'supplier'?"),
    Case("unknown stage", "share.supplier", "stage.incubatoin", 16, "no stage", "did you mean 'incubation'?"),
    Case("sum of shares", '"mean"', '"sum"', 16, "shares do not add up", 'give "mean"'),
    Case("unknown summary", '"mean"', '"average"', 16, "average", 'give one of "last", "mean"'),
    Case("too long a window", "quarters = 8", "quarters = 80", 16, "a run has 40 quarters", "give fewer"),
    Case("outcome that is a column", "part =", "seed =", 16, "outcomes.seed", "another name"),
    Case("no outcomes", OUTCOMES, "", 1, "has no outcomes", "give outcomes"),
    Case("empty outcomes", OUTCOMES, "[outcomes]\n", 14, "outcomes is empty", "give at least one"),
    Case("outcome without a table", '{ summary = "sum" }', '"sum"', 15, '"sum"', "write [outcomes.value_created]"),
    Case("misspelt path", "opening_speed", "opening_sped", 8, "the path of no parameter", "did you mean 'open_sharing."),
    Case("half a path", "open_sharing.opening_speed", "opening_speed", 8, "no parameter", 'write "open_sharing.open'),
    Case("path twice", TRUST, OPENING, 12, "as in factors[1]", "keep one of them"),
    Case("name twice", 'st"\n', 'st"\nname = "open_sharing.opening_speed"\n', 13, "as in factors[1]", "keep one"),
    Case("name of an outcome", 'st"\n', 'st"\nname = "part"\n', 17, "is the name of a factor too", "another name"),
    Case("name of a column", 'st"\n', 'st"\nname = "run"\n', 13, "every table has", "give another name"),
    Case("horizon", "open_sharing.opening_speed", "steps", 8, "is no factor", "give steps at the top"),
    Case("no path", 'path = "rules.trust"\n', "", 11, "factors[2] has no path", "dotted path"),
    Case("beyond the bounds", "high = 0.1", "high = 5", 10, "is 5, which is too high", "from 0 to 1 (1/quarter)"),
    Case("low is high", "low = 0.0", "low = 0.1", 9, "not below high", "give low below high"),
    Case("low is text", "low = 0.0", 'low = "a"', 9, '"a" (text)', "give a number from 0 to 1"),
    Case("no high", "high = 0.1\n", "", 7, "has no high", "low and high"),
    Case("level of another type", "true, false", "true, 0.5", 13, "levels[2] is 0.5", "give true or false"),
    Case("levels that are no list", "[true, false]", "true", 13, "true (a switch)", "give a list of values"),
    Case("no level", "[true, false]", "[]", 13, "levels is empty", "give a list of values"),
    Case("level twice", "true, false", "true, true", 13, "given before", "give each level once"),
    Case("one level to sample", "true, false", "true", 13, "varies nothing", "give two or more"),
    Case("range of a switch", "levels = [true, false]", "low = 0", 13, "low cannot stand here", "levels = [true, fal"),
    Case("switch without levels", "levels = [true, false]\n", "", 11, "has no levels", "give true or false"),
    Case("levels beside a range", "high = 0.1", "levels = [0.1]", 9, "stands beside levels", "not both"),
    Case("factorial of a range", 'sobol"\nsamples = 8', 'factorial"', 6, "over a range", "levels in [design]"),
    Case("singly over a range", 'sobol"\nsamples = 8', 'one-at-a-time"', 6, "over a range", "levels in [design]"),
    Case("no samples", "samples = 8\n", "", 4, "has no samples", "a power of two"),
    Case("samples = 0", "samples = 8", "samples = 0", 6, "too low", "from 1"),
    Case("no power of two", "samples = 8", "samples = 100", 6, "no power of two", "give 64 or 128"),
    Case("samples of a factorial", "sobol", "factorial", 6, "stands in a factorial design", "leave it out"),
    Case("unknown design", "sobol", "sobel", 5, "sobel", 'give one of "factorial"'),
    Case("odd levels", 'sobol"', 'morris"\nlevels = 5', 6, "is 5, which is odd", "4 or 6"),
    Case("nothing varies", OPENING + TRUST, "", 4, "nothing varies", "[[factors]]"),
    Case("count = 0", DESIGN, f"[replicates]\ncount = 0\n{DESIGN}", 5, "count is 0, which is too low", "from 1"),
    Case("rule on no outcome", DESIGN, f'[replicates]\ncount = 2\nuntil = {{ outcome = "prt", width = 1, most = 9 }}\n{DESIGN}', 6, "no outcome of the study", "did you mean 'part'?"),
    Case("rule on one run", DESIGN, f'[replicates]\nuntil = {{ outcome = "part", width = 1, most = 9 }}\n{DESIGN}', 4, "an interval takes two", "count = 2"),
    Case("rule without most", DESIGN, f'[replicates]\ncount = 2\nuntil = {{ outcome = "part", width = 1 }}\n{DESIGN}', 6, "has no most", "give most"),
    Case("less than a round", DESIGN, f'[replicates]\ncount = 5\nuntil = {{ outcome = "part", width = 1, most = 4 }}\n{DESIGN}', 6, "less than a round of 5", "at least count"),
    Case("logarithm of 0", "high = 0.1", 'high = 0.1\ndistribution = "log-uniform"', 9, "no logarithm", "low above 0"),
    Case("normal without deviation", "low = 0.0\nhigh = 0.1\n", f"{NORMAL}mean = 0.1\n", 7, "no deviation", "mean and devi"),
    Case("mean out of range", "low = 0.0\n", f"low = 0.05\n{NORMAL}mean = 0.01\ndeviation = 1\n", 11, "outside 0.05", "within"),
    Case("mode out of range", "high = 0.1", 'high = 0.1\ndistribution = "triangular"\nmode = 0.2', 12, "outside 0.0 to 0.1", "within"),
    Case("mode of a uniform", "high = 0.1", "high = 0.1\nmode = 0.05", 11, "no part of a uniform", '"triangular"'),
    Case("unknown scenario", "classroom", "clasroom", 2, "which is no scenario", "did you mean 'classroom'?"),
    Case("no scenario", '"classroom"', "", 2, "scenarios is empty", 'scenarios = ["classroom"]'),
    Case("scenario twice", '"classroom"', '"classroom", "classroom"', 2, "as one before it", "give each once"),
    Case("key of a scenario", "steps = 40", "steps = 40\nstart_year = 2000", 4, "cannot stand here", "belongs to a scenario"),
    Case("misspelt key", "steps", "step", 3, "step is unknown here", "did you mean 'steps'?"),
    Case("factors as one table", OPENING + TRUST, OPENING.replace("[[factors]]", "[factors]"), 7, "is a table", "write [[factors]]"),
    Case("file of no list", "samples = 8", 'samples = 8\nfile = "x.csv"', 7, "stands in a sobol design", 'kind = "list"'),
    Case("broken TOML", "title =", "title", 1, "is not TOML", "write name = value"),
    Case("key twice", "steps = 40", "steps = 40\nsteps = 41", 4, "a second time", "keep one of them"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault_has_one_sentence_with_its_place(case: Case, load: Callable[..., Study]) -> None:
    """Protects whoever writes a study: a fault is named with file, line, finding and remedy before anything runs."""
    assert case.old in GOOD
    line = sentence_of(load, GOOD.replace(case.old, case.new, 1))
    assert line.startswith(f"study.toml:{case.line}: ")
    finding, _, remedy = line.partition("; ")
    assert case.found in finding
    assert case.remedy in remedy


@pytest.mark.parametrize(
    ("csv", "place", "found"),
    [
        ("", "study.toml:6", "which is empty"),
        (HEADER, "points.csv:1", "no row below"),
        (HEADER + "0.05,true\n0.06\n", "points.csv:3", "row 2 has 1 value, and there are 2 columns"),
        (HEADER + "0.05,true\nabc,true\n", "points.csv:3", '"open_sharing.opening_speed" is "abc"'),
        (HEADER + "7,true\n", "points.csv:2", "is 7.0, which is too high"),
        (HEADER + "0.2,true\n", "points.csv:2", "not within the factor's range"),
        (HEADER + "0.05,yes\n", "points.csv:2", '"rules.trust" is "yes"'),
        (HEADER + "nan,true\n", "points.csv:2", "not a number"),
        ("opening,rules.trust\n0.05,true\n", "points.csv:1", "opening is no factor of the study"),
        ("rules.trust\ntrue\n", "points.csv:1", "has no open_sharing.opening_speed"),
        ("rules.trust,rules.trust\ntrue,true\n", "points.csv:1", "column 2 is rules.trust again"),
        ("rules.trust,\ntrue,1\n", "points.csv:1", "column 2 has no name"),
        (HEADER.encode() + b"\xff,true\n", "points.csv:2", "byte 0xff is not UTF-8"),
        (HEADER + '"0.05,true\n', "points.csv:2", "is not CSV"),
        (None, "study.toml:6", "cannot be read: no such file"),
    ],
)
def test_a_fault_of_a_list_names_row_and_column(
    csv: str | bytes | None, place: str, found: str, load: Callable[..., Study]
) -> None:
    """Protects whoever brings points from elsewhere: the sentence leads to the cell."""
    line = sentence_of(load, LIST, csv)
    assert line.startswith(f"{place}: ")
    assert found in line


def test_too_many_runs_are_refused_with_their_number_and_time(load: Callable[..., Study]) -> None:
    """Protects a night: ten million runs by mistake are told with number and time, and how to mean them."""
    text = GOOD.replace("[design]", "[replicates]\ncount = 100_000\n[design]")
    line = sentence_of(load, text)
    assert "4_800_000 runs (48 points of 100_000 replicates), about " in line
    assert " on one core, and 200_000 are allowed; " in line
    assert "most_runs = 4_800_000" in line
    study = load(text.replace("samples = 8", "samples = 8\nmost_runs = 4_800_000"))
    assert number_of_points(study) == 48


def test_settings_that_do_not_fit_are_told_with_the_point(load: Callable[..., Study]) -> None:
    """Protects a night: what fails at a corner of the design is told beforehand, with the values of that corner."""
    kinds = '[[factors]]\npath = "roles.firm.kinds.competitor"\nname = "competitors"\nlow = 0.0\nhigh = 1.0\n'
    line = sentence_of(load, GOOD.replace(TRUST, kinds))
    assert ": at the design point open_sharing.opening_speed = 0.0, competitors = 0.0: roles.firm.kinds " in line
    assert "has no weight above 0" in line


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"title = '\xff'", "byte 0xff is not UTF-8"), (b"", "holds no key"), (b"\0\0", "zero byte"), (None, "no such file")],
)  # fmt: skip
def test_a_file_that_is_no_text_is_refused(content: bytes | None, found: str, tmp_path: Path) -> None:
    """Protects against damaged files: what cannot be read as TOML is told in a sentence."""
    path = tmp_path / "study.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ScenarioError, match=found):
        load_study(path)


def test_a_directory_and_a_misspelt_name_are_refused(tmp_path: Path) -> None:
    """Protects the first argument of a sweep: a directory is told, a misspelt name gets the nearest study."""
    with pytest.raises(ScenarioError, match=r"is a directory; give the path of a \.toml file"):
        load_study(tmp_path)
    with pytest.raises(ScenarioError, match=r"there is no such file; .+ did you mean 'screening'\?"):
        load_study("screenig")


TREES: dict[str, Any] = {
    "scenarios": ["classroom"],
    "steps": 8,
    "design": {"kind": "latin-hypercube", "samples": 3},
    "replicates": {"count": 2, "until": {"outcome": "value_created", "width": 1.0, "most": 4}},
    "factors": [{"path": "environment.drift", "low": 0.1, "high": 0.2}, {"path": "rules.trust", "levels": [True, False]}],
    "outcomes": {"value_created": {"summary": "sum"}, "stage": {}},
    "keep": {"events": True},
}  # fmt: skip
ODD = st.none() | st.booleans() | st.integers(-3, 2**70) | st.floats() | st.text(max_size=4)
ODD |= st.lists(ODD, max_size=2) | st.dictionaries(st.text(max_size=4), ODD, max_size=2)


def _places(tree: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [place, *(deeper for key, value in inner for deeper in _places(value, (*place, key)))]


def _with(tree: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[place[0]] = _with(tree[place[0]], place[1:], value)
    return copy


@settings(max_examples=300)
@given(st.sampled_from(_places(TREES)), ODD)
def test_anything_anywhere_is_a_study_or_a_sentence(place: tuple[Any, ...], odd: Any) -> None:
    """Protects against faults nobody thought of: whatever stands wherever, it is a study or refused in one line."""
    refused = ""
    try:
        study = study_from_dict(_with(TREES, place, odd))
    except ScenarioError as error:
        refused = str(error)
    if refused:
        assert "\n" not in refused
        assert "; " in refused
    else:
        assert study_from_dict(study.as_dict()) == study
