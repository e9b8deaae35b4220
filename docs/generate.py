"""Rewrites the generated parts of the documentation from the code; with ``--check`` only tells which are stale.

A generated part stands between ``<!-- generated: NAME ARGUMENT -->`` and ``<!-- end -->``; what each name gives is one
function in `PARTS`. Everything else on a page is written by hand.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import rulebook
import typer

import ecosim
from ecosim import cli, ledger, state
from ecosim import roles as role_files
from ecosim.analysis.calibration_file import SHAPE as CALIBRATION
from ecosim.draws import STREAMS
from ecosim.grammar import CONDITIONS, RULES, parameter_groups, scenario_grammar
from ecosim.laboratory.proposition_shape import proposition_table
from ecosim.outcome_table import OUTCOMES
from ecosim.parameters import Parameter
from ecosim.record import Recorder
from ecosim.roles import read_roles
from ecosim.scenario_file import read_document, shipped_scenarios
from ecosim.schedule import QUARTER
from ecosim.shapes import Rows, Shape, Table, Text

DOCS = Path(__file__).resolve().parent
PAGES = (*sorted(DOCS.rglob("*.md")), DOCS.parent / "README.md")
MARKED = re.compile(r"(<!-- generated: (.+?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
MOST_TESTS = 4

# What the number or word in the column `detail` of an event is.
DETAILS = {
    "entry": "capital at entry, million CNY",
    "exit": "capital at exit, paid out to the owners, million CNY",
    "bankruptcy": "capital left, million CNY",
    "tie formed": "always 0",
    "tie upgraded": "the new mode",
    "tie downgraded": "the new mode",
    "tie broken": "age of the tie, quarters",
    "project finished": "knowledge made for each side, firm-years of median R&D",
    "project failed": "failed tests",
    "breakthrough": "the component mastered",
    "generation": "number of the product generation",
    "stage": "the new stage",
    "shock": "size of the shock on the index",
    "policy": "number of the scenario's event that changed parameters, the first being 0",
    "reform started": "progress of the reform so far",
    "reform abandoned": "progress of the reform so far",
    "regime": "the core firm's new regime",
    "default": "what of the loan was not paid back, million CNY",
    "unbounded growth": "number of the role that was stopped",
    "joint venture born": "capital it was given, million CNY",
    "joint venture sold": "age, quarters",
    "joint venture dissolved": "age, quarters",
    "interface changed": "the new interface",
    "platform founded": "kind of the platform",
    "platform joined": "kind of the platform",
    "platform left": "kind of the platform",
    "licence granted": "the component",
    "licence refused": "the component",
    "supply cut": "part of the supply that is cut",
    "ecologies merged": "ties that followed",
}


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


# -- parameters -------------------------------------------------------------------------------------------------------


def _number(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:,.0f}" if abs(value) >= 10_000 and value == int(value) else f"{value:g}"
    return str(value)


def _range(record: Parameter) -> str:
    if record.choices:
        return ", ".join(record.choices)
    return "true, false" if record.low is None else f"{_number(record.low)} to {_number(record.high)}"


def parameter_table(records: Mapping[str, Parameter], prefix: str = "") -> str:
    """Return name, default, range, unit, meaning and source of parameters."""
    return table(
        ("parameter", "default", "range", "unit", "meaning", "source"),
        (
            (f"`{prefix}{name}`", _number(record.default), _range(record), record.unit, record.meaning, record.source)
            for name, record in records.items()
        ),
    )


def parameters(group: str) -> str:
    """Return the parameters of a mechanism, or those that every role has ("roles")."""
    return parameter_table(role_files.PARAMETERS.records if group == "roles" else parameter_groups()[group].records)


def all_parameters(_: str) -> str:
    """Return every parameter of every mechanism with the path by which it is set."""
    parts = [f"## {name}\n\n{parameter_table(group.records, f'{name}.')}" for name, group in parameter_groups().items()]
    common = parameter_table(role_files.PARAMETERS.records, "roles.ROLE.")
    return "\n\n".join(
        [*parts, f"## Every role\n\n{common}", *(f"## roles.{name}\n\n{role(name)}" for name in read_roles())]
    )


def role(name: str) -> str:
    """Return what a role declares: kinds, ties, its own parameters and its own defaults."""
    declared = read_roles()[name]
    agent = declared.agent
    ties = ", ".join(f"{other} ({interface})" for other, interface in agent.interfaces.items())
    facts = [
        f"Kinds: {', '.join(declared.kinds)}. Community: {declared.community}. Position on the innovation chain: {declared.chain:g}.",
        f"Brings {agent.brings}. Ties with: {ties}.",
    ]
    own = (
        parameter_table(declared.own.records, f"roles.{name}.")
        if declared.own.records
        else "It has no parameters of its own."
    )
    common = role_files.PARAMETERS.records
    defaults = table(
        ("default of its own", "value", "otherwise", "unit"),
        (
            (
                f"`roles.{name}.{key}`",
                _number(declared.records[key].default),
                _number(common[key].default),
                common[key].unit,
            )
            for key in agent.defaults
        ),
    )
    return "\n\n".join(["\n".join(facts), own, defaults])


# -- rules ------------------------------------------------------------------------------------------------------------


def rules(path: str) -> str:
    """Return the public rules of a file: what each says, what it writes, which tests call it."""
    phases = {id(rule): phase.name for phase in QUARTER for rule in phase.rules}
    own = {phase: function for each in read_roles().values() if each.path.name == Path(path).name and path.startswith("agents")
           for phase, function in each.rules.items()}  # fmt: skip
    module = path.removesuffix(".py").replace("/", ".")
    parts = []
    for rule in rulebook.rules(path):
        kind = "compiled" if rule.compiled else "plain Python"
        function = getattr(sys.modules.get(module), rule.name, None)
        if id(function) in phases:
            kind = f"the phase `{phases[id(function)]}`"
        if rule.name in own:
            kind = f"what the role does in the phase `{rule.name}`"
        writes = ", ".join(filter(None, [_written(rule.writes), *rule.leaves]))
        writes = writes or ("nothing itself" if rule.calls else "nothing")
        calls = f" Calls: {', '.join(f'`{name}`' for name in rule.calls)}." if rule.calls else ""
        parts.append(
            f"**`{rule.name}`** ({kind}). Writes: {writes}.{calls}{_tests(rule.tests)}\n\n```text\n{_wrapped(rule.text)}\n```"
        )
    about = f"[`{path}`](../{path}) says of itself:\n\n```text\n{_wrapped(rulebook.about(path))}\n```"
    return "\n\n".join([about, *parts])


def _written(columns: Iterable[str]) -> str:
    by_table: dict[str, list[str]] = {}
    for column in columns:
        name, _, rest = column.partition(".")
        by_table.setdefault(name, []).append(rest)
    return "; ".join(f"`{name}`: {', '.join(rest)}" for name, rest in by_table.items())


def _tests(tests: tuple[str, ...]) -> str:
    more = f", and {len(tests) - MOST_TESTS} more" if len(tests) > MOST_TESTS else ""
    return f" Tests: {', '.join(f'`{test}`' for test in tests[:MOST_TESTS])}{more}." if tests else ""


def _wrapped(text: str) -> str:
    """Return a text with its own lines, or filled anew where one is too long for a page."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(
        textwrap.fill(part, 110) if max(map(len, part.splitlines())) > 120 else part for part in paragraphs
    )


def schedule(_: str) -> str:
    """Return the phases of the quarter in order."""
    rows = (
        (
            number, f"`{phase.name}`", _files(phase.rules + phase.then), phase.writes,
            f"`rules.{phase.switch}`" if phase.switch else "always runs", "yes" if phase.in_sequence else "", phase.source,
        )
        for number, phase in enumerate(QUARTER, start=1)
    )  # fmt: skip
    return table(("", "phase", "file", "may change", "switch", "in sequence if random", "source"), rows)


def _files(phase_rules: Iterable[Callable[..., object]]) -> str:
    paths = [Path(rule.__code__.co_filename).resolve().relative_to(DOCS.parent) for rule in phase_rules]
    return ", ".join(dict.fromkeys(f"`{path.as_posix()}`" for path in paths))


def switches(_: str) -> str:
    """Return the entries of ``[rules]``."""
    return table(("switch", "what it turns off"), ((f"`rules.{name}`", meaning) for name, meaning in RULES.items()))


# -- state, ledger, outcomes ------------------------------------------------------------------------------------------


def columns(name: str) -> str:
    """Return the columns of a table of the state with the comments that stand beside them."""
    source = (DOCS.parent / "ecosim/state.py").read_text(encoding="utf-8")
    lines = source.splitlines()
    kind = next(node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == name)
    rows = []
    for node in kind.body:
        if isinstance(node, ast.AnnAssign):
            _, _, comment = lines[node.lineno - 1].partition("#")
            rows.append((f"`{ast.unparse(node.target)}`", ast.unparse(node.annotation), comment.strip()))
    return table(("column", "type", "meaning"), rows)


def purposes(_: str) -> str:
    """Return the purposes for which money moves, and where."""
    rows = (
        (word, _places(word, "pay", "pay_each", "pay_together") or "no rule so far; free for roles of your own")
        for word in ledger.PURPOSES
    )
    return table(("purpose", "paid in"), rows)


def _places(word: str, *calls: str) -> str:
    return ", ".join(f"`{place}`" for place in rulebook.places_of(word.replace(" ", "_").upper(), *calls))


def streams(_: str) -> str:
    """Return the named streams of random numbers."""
    return ", ".join(f"`{name}`" for name in STREAMS) + "."


def outcomes(_: str) -> str:
    """Return the declared outcomes."""
    return table(("outcome", "unit", "meaning"), ((f"`{each.name}`", each.unit, each.meaning) for each in OUTCOMES))


def events(_: str) -> str:
    """Return the events, where each is noted, and what its detail is."""
    rows = ((name, DETAILS[name], _places(name, "note_event")) for name in state.EVENTS)
    return table(("event", "detail", "noted in"), rows)


def result_columns(_: str) -> str:
    """Return the columns of each result file."""
    recorder = Recorder(tuple(read_roles()), 2000)
    tables = {
        "metrics": recorder.metrics(), "value": recorder.value(), "roles": recorder.roles(), "flows": recorder.flows(),
        "events": recorder.happened({}, ()),
    }  # fmt: skip
    rows = (
        (f"`{name}.parquet`", ", ".join(f"`{column}`" for column in frame.columns)) for name, frame in tables.items()
    )
    return table(("file", "columns"), rows)


# -- scenario files and commands --------------------------------------------------------------------------------------


def scenarios(_: str) -> str:
    """Return the shipped scenarios."""
    trees = {name: read_document(path).tree for name, path in shipped_scenarios().items()}
    rows = ((f"`{name}`", tree.get("title", ""), tree.get("question", "")) for name, tree in trees.items())
    return table(("name", "title", "question"), rows)


def grammar(_: str) -> str:
    """Return what a scenario file may hold, but for the parameters of mechanisms and roles."""
    top = scenario_grammar(read_roles()).top
    parts = _tables_of(top, {*parameter_groups(), "roles", "rules"})
    conditions = ", ".join(f"`{name}`" for name in CONDITIONS)
    return "\n\n".join([*parts, f"## What a condition can look at\n\n{conditions}."])


def calibration_keys(_: str) -> str:
    """Return what a calibration file may hold, but for its factors, which are those of studies."""
    return "\n\n".join(_tables_of(CALIBRATION, {"factors"}))


def proposition_keys(_: str) -> str:
    """Return what a proposition file may hold."""
    return "\n\n".join(_tables_of(proposition_table({}), set()))


def _tables_of(top: Table, left_out: set[str]) -> list[str]:
    """Return a section on the top of a file, and one on each of its tables."""
    parts = [
        f"## At the top\n\n{_shapes({name: shape for name, shape in top.entries.items() if not _inner(shape)}, top)}"
    ]
    for name, shape in top.entries.items():
        inner = _inner(shape)
        if inner is not None and name not in left_out:
            heading = f"[[{name}]]" if isinstance(shape, Rows) else f"[{name}]"
            parts += [f"## `{heading}`\n\n{shape.meaning}{_demands(inner)}\n\n{_shapes(inner.entries, inner)}"]
    return parts


def _inner(shape: Shape) -> Table | None:
    inside = shape.item if isinstance(shape, Rows) else shape
    return inside if isinstance(inside, Table) else None


def _demands(shape: Table) -> str:
    said = [f"Needed: {', '.join(f'`{name}`' for name in shape.required)}."] if shape.required else []
    if shape.exactly_one:
        said.append(f"Exactly one of {', '.join(f'`{name}`' for name in shape.exactly_one)}.")
    if shape.at_least_one:
        said.append(f"At least one of {', '.join(f'`{name}`' for name in shape.at_least_one)}.")
    said += [f"`{name}` only together with `{other}`." for name, other in shape.needs.items()]
    return "".join(f" {sentence}" for sentence in said)


def _shapes(entries: Mapping[str, Shape], owner: Table) -> str:
    return table(("key", "takes", "default", "meaning"), _shape_rows(entries, owner))


def _shape_rows(entries: Mapping[str, Shape], owner: Table, prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    for name, shape in entries.items():
        if isinstance(shape, Parameter):
            unit = "" if shape.unit in ("1", "choice") else f" {shape.unit}"
            default = "" if name in owner.unset or name in owner.required else _number(shape.default)
            yield f"`{prefix}{name}`", f"{_range(shape)}{unit}", default, shape.meaning
        elif isinstance(shape, Table) and len(shape.entries) > 20:
            yield f"`{prefix}{name}`", "table of dotted paths in quotes", "", shape.meaning
        elif isinstance(shape, Table):
            yield from _shape_rows(shape.entries, shape, f"{prefix}{name}.")
        elif isinstance(shape, Rows) and isinstance(shape.item, Table):
            yield f"`{prefix}{name}`", "list of tables", "", shape.meaning
            yield from _shape_rows(shape.item.entries, shape.item, f"{prefix}{name}.")
        else:
            yield f"`{prefix}{name}`", "text" if isinstance(shape, Text) else "list of texts", "", shape.meaning


def commands(_: str) -> str:
    """Return the commands of the command line with their arguments and options."""
    group: Any = typer.main.get_command(cli.app)
    parts = []
    for name, command in group.commands.items():
        rows = []
        words = []
        for parameter in command.params:
            option = parameter.opts[0].startswith("-")
            takes = f" {parameter.metavar}" if parameter.metavar and option else ""
            shown = f"{parameter.opts[0]}{takes}" if option else parameter.metavar or parameter.name.upper()
            words += [] if option else [str(shown)]
            if parameter.name != "help":
                default = "" if parameter.default in (None, False) or not option else _number(parameter.default)
                rows.append((f"`{shown}`", default, parameter.help or ""))
        usage = " ".join(["ecosim", name, *words, *(["[OPTIONS]"] if rows else [])])
        body = f"\n\n{table(('', 'default', 'meaning'), rows)}" if rows else ""
        parts.append(f"## `{usage}`\n\n{command.help}{body}")
    return "\n\n".join(parts)


def public_names(_: str) -> str:
    """Return each public name of the package, how it is called, and the first sentence of its docstring."""
    rows = []
    for name in ecosim.__all__:
        found = getattr(ecosim, name)
        called = f"{name}{_arguments(found)}" if inspect.isfunction(found) else name
        rows.append((f"`{called}`", (inspect.getdoc(found) or "").partition("\n\n")[0]))
    return table(("name", "what it is"), rows)


def _arguments(function: Callable[..., object]) -> str:
    """Return the names of a function's arguments, those that may be left out with `=...`."""
    given = inspect.signature(function).parameters.values()
    return f"({', '.join(each.name if each.default is each.empty else f'{each.name}=...' for each in given)})"


PARTS: dict[str, Callable[[str], str]] = {
    "parameters": parameters, "all-parameters": all_parameters, "role": role, "rules": rules, "schedule": schedule,
    "switches": switches, "columns": columns, "purposes": purposes, "streams": streams, "outcomes": outcomes,
    "events": events, "result-columns": result_columns, "scenarios": scenarios, "grammar": grammar, "commands": commands,
    "calibration-keys": calibration_keys, "proposition-keys": proposition_keys, "public-names": public_names,
}  # fmt: skip
# Written by other scripts, which take longer.
ELSEWHERE = ("tables",)


def renewed(page: str) -> str:
    """Return the text of a page with its generated parts made anew."""

    def part(match: re.Match[str]) -> str:
        name, _, argument = match[2].partition(" ")
        if name in ELSEWHERE:
            return match[0]
        return f"{match[1]}\n{PARTS[name](argument)}\n\n{match[4]}"

    return MARKED.sub(part, page)


def main(arguments: list[str]) -> int:
    """Renew all pages, or with ``--check`` name those that are stale and return 1 if there are any."""
    stale = 0
    for path in PAGES:
        before = path.read_text(encoding="utf-8")
        after = renewed(before)
        if after != before:
            stale += 1
            print(f"{path.relative_to(DOCS.parent).as_posix()}: {'stale' if '--check' in arguments else 'renewed'}")
            if "--check" not in arguments:
                path.write_text(after, encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
