"""The house keeps its layers: arrows point down only, content is never imported by name, nothing happens at import."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import ecosim
from ecosim.compilation import is_compiled
from ecosim.outcome_table import write_outcomes

PROJECT = Path(__file__).parents[2]
CONTENT = ("agents", "scenarios", "dashboards")

# The engine's floors, bottom up; a module that is not named here is on the ground: state, ledger, draws, parameters.
FLOORS = (
    ("mechanisms",),
    ("outcome_table",),
    ("record",),
    ("schedule",),
    ("collector", "history", "quarter", "roles"),
    ("grammar", "scenario", "scenario_file", "scenario_agreements", "scenario_rows", "schema"),
    ("numbers",),
    ("world",),
    ("views",),
    ("futures",),
    ("running",),
    ("model",),
    ("series", "serving"),
    ("runs",),
    ("terminal",),
    ("studies",),
    ("last_run", "scenario_text", "summary"),
    ("analysis",),
    ("laboratory",),
    ("cli_studies", "cli_dashboard", "cli_propositions"),
    ("cli",),
    ("__main__",),
)
HEIGHTS = {module: height for height, floor in enumerate(FLOORS, start=1) for module in floor}


def _files(folder: str) -> list[Path]:
    files = sorted((PROJECT / folder).rglob("*.py"))
    assert files, f"{folder}/ holds no Python file"
    return files


def _imports(tree: ast.AST, typing_too: bool = True) -> Iterator[str]:
    """Yield the full name of everything imported anywhere in a file; ``from a import b`` gives ``a.b``."""
    if not typing_too and isinstance(tree, ast.If) and ast.unparse(tree.test).endswith("TYPE_CHECKING"):
        return
    if isinstance(tree, ast.Import):
        yield from (name.name for name in tree.names)
    if isinstance(tree, ast.ImportFrom):
        yield from ("." * tree.level + f"{tree.module or ''}.{name.name}" for name in tree.names)
    for child in ast.iter_child_nodes(tree):
        yield from _imports(child, typing_too)


def _imported(path: Path, typing_too: bool = True) -> set[str]:
    return set(_imports(ast.parse(path.read_text(encoding="utf-8")), typing_too))


def _roots(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in _imported(path)}


def _in_fresh_process(code: str) -> object:
    """Run code that prints one JSON value in a new interpreter and return the value."""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _offenders(folder: str, forbidden: Callable[[Path], set[str]]) -> dict[str, set[str]]:
    """Name the files of a folder for which something forbidden is found, and what it is."""
    found = {path.relative_to(PROJECT).as_posix(): forbidden(path) for path in _files(folder)}
    return {path: names for path, names in found.items() if names}


@pytest.mark.parametrize("folder", ["ecosim", "dashboards"])
def test_no_content_is_imported_by_name(folder: str) -> None:
    """Neither the engine nor a page knows a role, a scenario or a page by name: any can be replaced or added."""
    content = {*CONTENT, *(path.stem for path in _files("agents")), "benchmarks", "tests"}
    assert not _offenders(folder, lambda path: _roots(path) & content)


def test_role_stands_alone() -> None:
    """A role file can be read, changed and dropped in alone: it imports the engine and NumPy, never another role."""
    allowed = {"ecosim", "numpy", *sys.stdlib_module_names}
    assert not _offenders("agents", lambda path: _roots(path) - allowed)


def test_engine_arrows_point_down() -> None:
    """A module of the engine imports those on its own floor and below; a new one that needs more gets its floor above."""

    def above(path: Path) -> set[str]:
        own = path.relative_to(PROJECT / "ecosim").with_suffix("").parts[0]
        imported = {name.split(".")[1] for name in _imported(path, typing_too=False) if name.startswith("ecosim.")}
        return {name for name in imported if HEIGHTS.get(name, 0) > HEIGHTS.get(own, 0)}

    assert not _offenders("ecosim", above)


def test_every_mechanism_writes_its_outcomes() -> None:
    """Protects the results against columns that stay zero: `write_outcomes` calls each compiled rule of that name."""
    names = {path.stem for path in _files("ecosim/mechanisms") if path.stem != "__init__"}
    rules = {name: getattr(importlib.import_module(f"ecosim.mechanisms.{name}"), "outcomes", None) for name in names}
    assert {name for name, rule in rules.items() if is_compiled(rule)} == names & set(write_outcomes.__code__.co_names)


def test_content_has_no_package_files() -> None:
    """Content is read by path and cannot be mistaken for a package."""
    assert not [path for folder in CONTENT for path in (PROJECT / folder).rglob("__init__.py")]


def test_no_room_for_odds_and_ends() -> None:
    """Each module is named after what it does; a drawer for leftovers never opens."""
    drawers = {"common", "core", "helpers", "misc", "utils"}
    paths = [path for folder in ("ecosim", *CONTENT, "tests") for path in (PROJECT / folder).rglob("*")]
    assert not [path for path in paths if path.stem.strip("_") in drawers]


def test_import_is_light() -> None:
    """``import ecosim`` loads no heavy library and leaves the way processes start as it was."""
    heavy = ["matplotlib", "mesa", "networkx", "numba", "numpy", "pandas", "pyarrow", "pydantic", "solara", "typer"]
    code = (
        "import json, multiprocessing, sys\n"
        "before = multiprocessing.get_start_method(allow_none=True)\n"
        "import ecosim\n"
        "same = multiprocessing.get_start_method(allow_none=True) == before\n"
        f"print(json.dumps([same, sorted(set({heavy}) & set(sys.modules))]))"
    )
    assert _in_fresh_process(code) == [True, []]


def test_public_names_are_there() -> None:
    """Each public name loads on first use in a fresh process, whichever is used first, is listed, and is what its module has."""
    code = (
        "import json, ecosim\n"
        "listed = sorted(set(ecosim.__all__) - set(dir(ecosim)))\n"
        "print(json.dumps([listed, {name: [getattr(ecosim, name).__module__, getattr(ecosim, name).__name__] for name in NAMES}]))"
    )
    for names in (ecosim.__all__, ecosim.__all__[::-1]):
        missing, found = _in_fresh_process(code.replace("NAMES", repr(list(names))))
        assert missing == []
        assert found == {name: [ecosim._HOMES[name], name] for name in names}


def test_public_names_are_declared_once() -> None:
    """The names that type checkers see, that ``__all__`` lists and that load lazily are the same, each with its module."""
    names = {name for name in _imported(PROJECT / "ecosim" / "__init__.py") if name.startswith("ecosim.")}
    assert names == {f"{module}.{name}" for name, module in ecosim._HOMES.items()}
    assert sorted(ecosim.__all__) == sorted(ecosim._HOMES)


def test_unknown_name_raises() -> None:
    """A misspelt public name is an AttributeError, as with any module."""
    with pytest.raises(AttributeError, match="'Ecosistem'"):
        ecosim.__getattr__("Ecosistem")


def test_public_name_is_no_module() -> None:
    """A public name is not a module's name too, or what ``ecosim.name`` means would depend on what was imported before."""
    assert not {path.stem for path in (PROJECT / "ecosim").iterdir()} & set(ecosim.__all__)


def test_no_private_paths() -> None:
    """No file of the project names a directory of somebody's machine."""
    if not (PROJECT / ".git").exists():
        pytest.skip("which files belong to the project is known to git alone")
    listing = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=PROJECT, check=True, capture_output=True, text=True).stdout.split("\0")
    private = re.compile(r"(?<![\w.])/(?:work|root|home|Users)/\w|shared[/]seeds|\b[A-Z]:\\+Users\\")
    found = []
    for name in filter(None, listed):
        content = (PROJECT / name).read_bytes() if (PROJECT / name).is_file() else b""
        if b"\0" not in content:
            found += [f"{name}: {match}" for match in private.findall(content.decode("utf-8", errors="replace"))]
    assert not found
