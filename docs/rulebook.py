"""Reads the rules out of the source: what each says of itself, what it writes, and which tests call it."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RULE_FILES = tuple(
    sorted([*ROOT.glob("ecosim/mechanisms/[!_]*.py"), *ROOT.glob("agents/[!_]*.py"), ROOT / "ecosim/ledger.py"])
)
COMPILED = frozenset({"compiled", "allocation_free", "inlined"})
# What a ledger call leaves behind, by function: the position of the argument that tells which.
LEDGER = {
    "pay": ("pays", 5), "pay_each": ("pays", 5), "pay_together": ("pays", 7), "note_event": ("notes", 1),
    "create_value": ("creates value of", 2), "make_element": ("makes", 2), "use_element": ("uses up", 2),
}  # fmt: skip
TABLES = (
    "organisations",
    "ties",
    "environment",
    "books",
    "events",
    "technology",
    "reading",
    "slots",
    "tie_slots",
    "projects",
)

Function = ast.FunctionDef


@dataclass(frozen=True)
class Rule:
    """One public function of a rule file.

    Attributes
    ----------
    name, path : where it is; the path is relative to the project.
    compiled : whether it runs as machine code.
    text : its docstring up to the list of parameters.
    writes : columns that it assigns to, directly or in private functions of its file.
    leaves : what it does through the ledger, such as "pays wages".
    calls : public rules that it calls, in its own file or another.
    tests : tests that call it by name, as ``path::name``.
    """

    name: str
    path: str
    compiled: bool
    text: str
    writes: tuple[str, ...]
    leaves: tuple[str, ...]
    calls: tuple[str, ...]
    tests: tuple[str, ...] = field(repr=False)


def rules(path: str) -> list[Rule]:
    """Return the public functions of a rule file, in the order of the file."""
    tree = _tree(ROOT / path)
    functions = {node.name: node for node in tree.body if isinstance(node, Function)}
    found = []
    for name, node in functions.items():
        if not name.startswith("_"):
            bodies = list(_with_private(node, functions, set()))
            found.append(Rule(
                name, path, is_compiled(node), _text(node), tuple(_unique(_written(bodies))),
                tuple(_unique(_left(bodies))), tuple(_unique(_calls(bodies, tree))), tuple(tests_of(_module(path), name)),
            ))  # fmt: skip
    return found


def is_compiled(node: Function) -> bool:
    """Return whether a function has one of the engine's decorators."""
    return any(isinstance(mark, ast.Name) and mark.id in COMPILED for mark in node.decorator_list)


def about(path: str) -> str:
    """Return what a rule file says of itself."""
    return ast.get_docstring(_tree(ROOT / path)) or ""


def places_of(constant: str, *calls: str) -> list[str]:
    """Return where a constant of the vocabulary is used beside one of these functions of the ledger.

    In a rule file that is ``module.function``, in any other file of the engine its path.
    """
    places = []
    for path in RULE_FILES:
        tree = _tree(path)
        # Two constants can have one name: a file that needs both imports one under another.
        names = {constant} | {alias.asname for alias in _imports(tree) if alias.name == constant}
        for node in tree.body:
            used = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
            if isinstance(node, Function) and used & {*calls} and used & names:
                places.append(f"{path.stem}.{node.name.lstrip('_')}")
    for path in sorted((ROOT / "ecosim").glob("*.py")):
        words = {word for node in ast.walk(_tree(path)) for word in _words(node)}
        if path not in RULE_FILES and constant in words and words & {*calls}:
            places.append(path.relative_to(ROOT).as_posix())
    return places


def _imports(tree: ast.Module) -> list[ast.alias]:
    return [alias for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]


def _words(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Name):
        return [node.id]
    return [node.attr] if isinstance(node, ast.Attribute) else []


# -- what a rule says and does ----------------------------------------------------------------------------------------


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _module(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")


def _text(node: Function) -> str:
    """Return a docstring without its lists of parameters and results."""
    whole = ast.get_docstring(node) or ""
    return re.split(r"\n+(?:Parameters|Returns|Raises|Attributes)\n-+\n", whole)[0].strip()


def _with_private(node: Function, functions: dict[str, Function], seen: set[str]) -> Iterator[Function]:
    """Yield a function and the private ones of its file that it calls."""
    seen.add(node.name)
    yield node
    for name in _called(node):
        if name.startswith("_") and name in functions and name not in seen:
            yield from _with_private(functions[name], functions, seen)


def _called(node: ast.AST) -> list[str]:
    calls = (inner.func for inner in ast.walk(node) if isinstance(inner, ast.Call))
    named = [function for function in calls if isinstance(function, ast.Name)]
    return [function.id for function in sorted(named, key=lambda function: (function.lineno, function.col_offset))]


def _calls(bodies: list[Function], tree: ast.Module) -> Iterator[str]:
    """Yield the public rules that are called; what only writes the ledger is said elsewhere."""
    known = {node.name for node in tree.body if isinstance(node, Function) and not node.name.startswith("_")}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ecosim.mechanisms."):
            known |= {alias.asname or alias.name for alias in node.names if alias.name.islower()}
    for body in bodies:
        yield from (name for name in _called(body) if name in known and name != bodies[0].name)


def _written(bodies: list[Function]) -> Iterator[str]:
    """Yield columns of tables that are assigned to: ``organisations.capital[i] = ...``."""
    for body in bodies:
        for node in ast.walk(body):
            yield from _looped_over(node)
            targets: list[ast.expr] = []
            if isinstance(node, ast.Assign):
                targets = [
                    inner for target in node.targets for inner in ast.walk(target) if isinstance(inner, ast.expr)
                ]
            elif isinstance(node, ast.AugAssign):
                targets = [node.target]
            for target in targets:
                if isinstance(target, ast.Subscript) and isinstance(target.ctx, ast.Store):
                    yield from _column(target)


def _looped_over(node: ast.AST) -> Iterator[str]:
    """Yield the columns of ``for column in (organisations.revenue, organisations.research): column[i] = 0.0``."""
    if not isinstance(node, ast.For) or not isinstance(node.iter, ast.Tuple):
        return
    if ast.unparse(node.body[0]).startswith(f"{ast.unparse(node.target)}["):
        for column in node.iter.elts:
            yield from _column(column)


def _column(target: ast.expr) -> Iterator[str]:
    while isinstance(target, ast.Subscript):
        target = target.value
    parts = ast.unparse(target).split(".")
    parts = parts[1:] if parts[0] == "model" else parts
    if len(parts) == 2 and parts[0] in TABLES:
        yield ".".join(parts)


def _left(bodies: list[Function]) -> Iterator[str]:
    for body in bodies:
        for node in ast.walk(body):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in LEDGER:
                verb, position = LEDGER[node.func.id]
                told = ast.unparse(node.args[position])
                # The code may stand in a variable: ``purpose = SUBSIDIES if claim == 1 else GRANTS``.
                told += "".join(f" {ast.unparse(value)}" for name, value in _assigned(body) if name == told)
                constants = re.findall(r"\b[A-Z][A-Z_]+\b", told)
                for constant in constants:
                    word = constant.removesuffix("_EVENT").removesuffix("_SOURCE").replace("_", " ").lower()
                    yield f"{verb} {word}"


def _assigned(body: Function) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(body):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value


def _unique(items: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(items))


# -- who tests it -----------------------------------------------------------------------------------------------------


def tests_of(module: str, name: str) -> list[str]:
    """Return the tests that use a function of a module, directly or through a function of their own file."""
    return _tested().get((module, name), [])


@functools.cache
def _tested() -> dict[tuple[str, str], list[str]]:
    users: dict[tuple[str, str], list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for test, uses in _uses_of_tests(_tree(path)):
            for used in sorted(uses):
                users.setdefault(used, []).append(f"{path.relative_to(ROOT).as_posix()}::{test}")
    return users


def _uses_of_tests(tree: ast.Module) -> Iterator[tuple[str, set[tuple[str, str]]]]:
    """Yield each test of a file with the functions, as module and name, that it uses."""
    names: dict[str, tuple[str, str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "ecosim":
            names |= {alias.asname or alias.name: (node.module, alias.name) for alias in node.names}
    own = {node.name: node for node in tree.body if isinstance(node, Function)}
    for name, node in own.items():
        if name.startswith("test_"):
            yield name, _uses(node, names, own, set())


def _uses(
    node: Function, names: dict[str, tuple[str, str]], own: dict[str, Function], seen: set[str]
) -> set[tuple[str, str]]:
    seen.add(node.name)
    uses: set[tuple[str, str]] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and inner.id in names:
            uses.add(names[inner.id])
        elif isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name) and inner.value.id in names:
            module, thing = names[inner.value.id]
            uses.add((f"{module}.{thing}", inner.attr))
        if isinstance(inner, (ast.Name, ast.arg)):
            called = own.get(inner.id if isinstance(inner, ast.Name) else inner.arg)  # an argument can be a fixture
            if called is not None and called.name not in seen:
                uses |= _uses(called, names, own, seen)
    return uses
