"""The documentation tells the truth: what it names exists, what it shows runs, what is generated is fresh."""

from __future__ import annotations

import ast
import importlib
import itertools
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import ecosim
from ecosim import cli
from ecosim.analysis.calibration_file import is_calibration
from ecosim.laboratory.declarations import load_propositions
from ecosim.schedule import QUARTER
from ecosim.studies.study import is_study

PROJECT = Path(__file__).parents[2]
PAGES = (*sorted(PROJECT.glob("*.md")), *sorted((PROJECT / "docs").rglob("*.md")))
ODD = (PROJECT / "docs" / "odd.md").read_text(encoding="utf-8")
RULE_FILES = (
    *sorted((PROJECT / "ecosim" / "mechanisms").glob("[!_]*.py")),
    *sorted((PROJECT / "agents").glob("[!_]*.py")),
)
COMPILED = {"compiled", "allocation_free", "inlined"}
# Selling words, and marks of what is not finished.
FORBIDDEN = re.compile(
    r"\b(powerful|seamless\w*|cutting-edge|state-of-the-art|robust|effortless\w*|blazing|world-class|revolutionary|"
    r"unleash|game-chang\w+|simply|TODO|FIXME|XXX|lorem)\b",
    re.IGNORECASE,
)


def _name(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


class Block(NamedTuple):
    """A fenced block of a page; `saved` is the path that its first line gives it, if it does."""

    page: str
    language: str
    text: str

    @property
    def saved(self) -> str | None:
        """Where a reader is told to save it: ``# roles/bank.py``."""
        found = re.match(r"# ([\w./-]+\.(?:py|toml))\n", self.text)
        return found[1] if found else None


def _blocks(page: Path) -> list[Block]:
    fences = re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [Block(_name(page), language, text) for language, text in fences]


BLOCKS = [block for page in PAGES for block in _blocks(page)]


def _commands(block: Block) -> list[list[str]]:
    """Return the commands of a block, as on Linux whatever the shell."""
    lines = block.text.replace(".venv\\Scripts\\", "").replace("\\", "/").splitlines()
    return [shlex.split(line) for line in lines if line.strip()]


SHELL = [
    (block, command) for block in BLOCKS if block.language in ("bash", "powershell") for command in _commands(block)
]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working directory with nothing but an empty `results`, in which plots open no window."""
    (tmp_path / "results").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    return tmp_path


def _save_blocks(page: str, directory: Path) -> None:
    for block in BLOCKS:
        if block.page == page and block.saved:
            path = directory / block.saved
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")


# -- the ODD names every rule -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", QUARTER, ids=lambda phase: phase.name)
def test_every_phase_is_described(phase: Any) -> None:
    """Protects the schedule in the ODD: a phase that is added or renamed stands in it, and so does its own function."""
    assert re.search(rf"^\| \d+ \| `{phase.name}` \|", ODD, re.MULTILINE)
    for rule in phase.rules:
        assert f"**`{rule.__name__}`** (the phase `{phase.name}`)" in ODD


def _public_rules(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            marks = {mark.id for mark in node.decorator_list if isinstance(mark, ast.Name)}
            if marks & COMPILED or node.name in {phase.name for phase in QUARTER}:
                yield node.name


@pytest.mark.parametrize("path", RULE_FILES, ids=_name)
def test_every_rule_is_described(path: Path) -> None:
    """Protects the ODD against rules nobody described: each public compiled one, and each rule of a role, stands in it."""
    block = re.search(rf"<!-- generated: rules {_name(path)} -->(.*?)<!-- end -->", ODD, re.DOTALL)
    rules = set(_public_rules(path))
    if not rules:
        assert not re.search(r"^@", path.read_text(encoding="utf-8"), re.MULTILINE), "a rule is not recognised as one"
        return
    assert block, f"docs/odd.md has no rules of {_name(path)}"
    assert not {rule for rule in rules if f"**`{rule}`**" not in block[1]}


def test_every_parameter_is_described() -> None:
    """Protects the tables of parameters: each that a scenario can set stands in the reference, by its path."""
    text = (PROJECT / "docs" / "reference" / "parameters.md").read_text(encoding="utf-8")
    grammar = ecosim.load_scenario("classroom").grammar
    roles = ("roles.", "symbiosis.coefficients.", "rules.", "schedule.")
    missing = {
        path for path in grammar.parameters if "." in path and not path.startswith(roles) and f"`{path}`" not in text
    }
    missing |= {path for path in grammar.parameters if path.startswith("rules.") and f"`{path}`" not in text}
    own = {f"`roles.{role.name}.{name}`" for role in ecosim.read_roles().values() for name in role.own.records}
    assert len(own) > 5
    assert not missing | {name for name in own if name not in text}


# -- generated parts --------------------------------------------------------------------------------------------------


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the generator, a script that lies beside the pages."""
    monkeypatch.syspath_prepend(str(PROJECT / "docs"))
    return importlib.import_module("generate")


def test_generated_parts_are_fresh(generate: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Protects tables against code that moved on; the remedy is one command."""
    status = generate.main(["--check"])
    assert status == 0, f"run python docs/generate.py: {capsys.readouterr().out}"


def test_stale_part_is_found(generate: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Protects the check itself: a changed table is renewed, what is written by hand or by other scripts is left alone."""
    page = "by hand 0.5\n<!-- generated: outcomes -->\n| old |\n<!-- end -->\n<!-- generated: tables x -->\n1\n<!-- end -->\n"
    renewed = generate.renewed(page)
    assert "by hand 0.5" in renewed
    assert "`value_created`" in renewed
    assert "| old |" not in renewed
    assert "<!-- generated: tables x -->\n1\n" in renewed
    path = tmp_path / "page.md"
    path.write_text(page, encoding="utf-8")
    monkeypatch.setattr(generate, "PAGES", (path,))
    monkeypatch.setattr(generate, "DOCS", tmp_path / "docs")
    assert (generate.main(["--check"]), path.read_text(encoding="utf-8")) == (1, page)
    assert (generate.main([]), path.read_text(encoding="utf-8")) == (0, renewed)
    assert generate.main(["--check"]) == 0


def test_tables_are_of_this_version() -> None:
    """Protects the tables of runs: they say which seeds, version and result they were made of, and it is this version."""
    for name in ("huawei-ecosystem", "classroom", "cloud-platforms", "huawei-baseband", "core-technology", "embargo"):
        page = (PROJECT / "docs" / "scenarios" / f"{name}.md").read_text(encoding="utf-8")
        made = re.findall(
            r"^Seeds 1 to 30, ecosim ([\d.]+), hash of seed 1 as shipped `([0-9a-f]{12})`\.$", page, re.MULTILINE
        )
        assert len(made) == page.count("<!-- generated: tables")
        assert len(set(made)) == 1
        assert made[0][0] == ecosim.__version__


# -- what pages name exists -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_named_paths_exist(page: Path) -> None:
    """Protects readers from dead ends: files and tests named in the text are there."""
    text = page.read_text(encoding="utf-8")
    missing = []
    for path, test in re.findall(r"`([\w.-]+(?:/[\w.-]+)+\.(?:py|toml|md|png|svg|txt))(?:::(\w+))?`", text):
        file = PROJECT / path
        if not file.is_file() or (test and f"def {test}(" not in file.read_text(encoding="utf-8")):
            missing.append(f"{path}::{test}" if test else path)
    assert not missing


def _anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, made as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    """Protects links and pictures: each leads to a file of the project, and to a heading if it names one."""
    missing = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in _anchors(file)):
            missing.append(target)
    assert not missing


def test_every_page_is_found() -> None:
    """Protects pages from being forgotten: each can be reached from the README by links."""
    found, new = set(), {PROJECT / "README.md"}
    while new:
        page = new.pop()
        found.add(page)
        links = re.findall(r"\]\(([^)\s#]+\.md)", page.read_text(encoding="utf-8"))
        new |= {(page.parent / link).resolve() for link in links} - found
    assert {_name(page) for page in PAGES} == {_name(page) for page in found}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_words(page: Path) -> None:
    """Protects the tone: no selling words, and nothing left unfinished."""
    assert not FORBIDDEN.findall(page.read_text(encoding="utf-8"))


# -- what pages show runs ---------------------------------------------------------------------------------------------


def _numbered(blocks: list[Block]) -> list[Any]:
    counter: dict[str, Iterator[int]] = {}
    return [
        pytest.param(block, id=f"{block.page}-{next(counter.setdefault(block.page, itertools.count(1)))}")
        for block in blocks
    ]


@pytest.mark.parametrize(
    "block", _numbered([block for block in BLOCKS if block.language == "python" and not block.saved])
)
def test_python_runs(block: Block, desk: Path) -> None:
    """Protects examples: each block of Python runs by itself in an empty directory."""
    _save_blocks(block.page, desk)
    exec(compile(block.text, block.page, "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("page", sorted({block.page for block, command in SHELL if command[0] == "ecosim"}))
def test_commands_run(page: str, desk: Path, new_server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Protects commands: each `ecosim` line of a page does what it says; runs are cut to two quarters.

    The dashboard, which serves until it is told to stop, is told so as soon as it answers.
    """
    _save_blocks(page, desk)
    for block, (program, *arguments) in SHELL:
        if block.page == page and program == "ecosim" and arguments[0] == "dashboard":
            server = new_server(desk, *arguments[1:])
            server.start()
            assert server.stop() == 130  # as any program that Ctrl-C ended
        elif block.page == page and program == "ecosim":
            short = ["--steps", "2"] if arguments[0] == "run" else []
            with pytest.raises(SystemExit) as end:
                cli.main([*arguments, *short])
            assert end.value.code == 0, capsys.readouterr().err


@pytest.mark.parametrize("path", sorted({block.saved for block in BLOCKS if block.language == "toml" and block.saved}))
def test_files_are_valid(path: str, desk: Path) -> None:
    """Protects files that readers copy, of scenarios, studies, calibrations and propositions: each is accepted, a scenario runs two quarters."""
    for page in PAGES:
        _save_blocks(_name(page), desk)
    if is_calibration(path):
        assert ecosim.load_calibration(path).targets
        return
    if "propositions" in tomllib.loads(Path(path).read_text(encoding="utf-8")):
        assert load_propositions([path])[0].experiment is not None
        return
    if is_study(path):
        assert ecosim.load_study(path).outcomes
        return
    assert ecosim.run(path, seed=1, steps=2).metrics["organisations"].min() > 0


def test_every_block_is_looked_at() -> None:
    """Protects the tests above: there is no language of blocks, and no program in them, that none of them knows."""
    assert {block.language for block in BLOCKS} <= {"python", "bash", "powershell", "toml", "text", "diff"}
    assert all(block.saved for block in BLOCKS if block.language == "toml")
    assert {command[0] for _, command in SHELL} <= {"ecosim", "make", "pip", "python", "py", "solara", "pytest"}
    assert len([block for block in BLOCKS if block.language == "python"]) > 10


def test_other_commands_name_what_is_there() -> None:
    """Protects commands that are too slow to run here: targets, extras and files that they name exist."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    targets = set(re.findall(r"^(\w+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for _, (program, *arguments) in SHELL:
        if program == "make":
            assert set(arguments) <= targets
        for argument in arguments:
            extras = re.fullmatch(r"\.\[([\w,]+)\]", argument)
            assert not extras or set(extras[1].split(",")) <= set(project["optional-dependencies"])
            if program != "ecosim" and re.search(r"\.(py|txt)$", argument):
                assert (PROJECT / argument).is_file()
    assert "ecosim" in project["scripts"]


def test_quick_start_is_two_commands() -> None:
    """Protects the promise of the README: two make commands, one that runs and one that tests, and no third."""
    readme = [command for block, command in SHELL if block.page == "README.md"]
    assert [command for command in readme if command[0] == "make"] == [["make", "run"], ["make", "test"]]
    assert readme[:2] == [["make", "run"], ["make", "test"]]
