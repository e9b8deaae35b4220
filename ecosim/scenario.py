"""Scenarios: the world that a run starts from, validated whole before anything starts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ecosim.grammar import Grammar, scenario_grammar
from ecosim.parameters import ScenarioError, Value
from ecosim.roles import Role, read_roles
from ecosim.scenario_agreements import Agreement
from ecosim.scenario_file import (
    Document,
    document_of,
    other_scenario,
    other_shipped,
    parse_setting,
    read_document,
    shipped_scenarios,
)
from ecosim.scenario_rows import (
    Component,
    Condition,
    Embargo,
    Entry,
    Event,
    Frozen,
    NamedOrganisation,
    NamedTie,
    Reader,
    Shock,
)
from ecosim.shapes import Failure, Keys, Table, accepted, belonging, checked, completed, described, sentence

__all__ = [
    "Agreement", "Component", "Condition", "Embargo", "Entry", "Event", "Frozen", "NamedOrganisation", "NamedTie", "Scenario",
    "ScenarioError", "Shock", "load_scenario", "parse_setting", "scenario_from_content", "scenario_from_dict", "shipped_scenarios",
]  # fmt: skip


@dataclass(frozen=True)
class Scenario:
    """A validated scenario, complete with all defaults; equal scenarios give equal runs for equal seeds.

    Attributes
    ----------
    name : the stem of the file's name.
    activation : "simultaneous" or "random".
    rules : rule to whether it is on.
    settings : mechanism to parameter to value.
    roles : role to parameter to value.
    kinds : role to kind to weight among entrants.
    coefficients : role to other role to effect of the other on it, only those given; empty means measured.
    grammar : what it was checked against.
    """

    name: str
    title: str
    question: str
    sources: tuple[str, ...]
    start_year: int
    steps: int
    activation: str
    rules: Mapping[str, bool]
    settings: Mapping[str, Mapping[str, Value]]
    roles: Mapping[str, Mapping[str, Value]]
    kinds: Mapping[str, Mapping[str, float]]
    coefficients: Mapping[str, Mapping[str, float]]
    organisations: tuple[NamedOrganisation, ...]
    ties: tuple[NamedTie, ...]
    agreements: tuple[Agreement, ...]
    components: tuple[Component, ...]
    events: tuple[Event, ...]
    grammar: Grammar = field(repr=False, compare=False)

    def get(self, path: str) -> Value:
        """Return the value of a parameter by its dotted path, such as ``roles.firm.capacity``.

        Raises
        ------
        ScenarioError : a path that leads to no parameter.
        """
        keys = self._keys(path, "scenario")
        value: Any
        match keys:
            case ("roles", role, "kinds", kind):
                value = self.kinds[role][kind]
            case ("roles", role, name):
                value = self.roles[role][name]
            case ("symbiosis", "coefficients", role, other):
                default = self.grammar.parameters[path].default
                value = self.coefficients.get(role, {}).get(other, default)
            case ("rules", name):
                value = self.rules[name]
            case ("schedule", name) | (name,):
                value = getattr(self, name)
            case _:
                value = self.settings[keys[0]][keys[1]]
        valid: Value = value
        return valid

    def with_settings(self, settings: Mapping[str, Value], place: str = "keyword argument") -> Scenario:
        """Return the scenario with other values of parameters, given by dotted path; `place` stands in errors.

        A weight of a kind changes that weight alone.

        Raises
        ------
        ScenarioError : an unknown path, a value out of range, or values that do not fit together.
        """
        alone = self._with_values(settings)
        if alone is not None:
            return alone
        tree = self.as_dict()
        for path, value in settings.items():
            *tables, name = self._keys(path, place)
            inner = tree
            for key in tables:
                inner = inner.setdefault(key, {})
            inner[name] = value.item() if isinstance(value, np.generic) else value
        return _scenario(tree, self.grammar, partial(sentence, place))

    def _with_values(self, settings: Mapping[str, Value]) -> Scenario | None:
        """Return the scenario with other values of parameters on which nothing else in it depends, or None for any others.

        It is the way of the thousands of runs of a study: checking the whole scenario again takes ten times as long.
        """
        changed: dict[str, dict[str, dict[str, Value]]] = {"settings": {}, "roles": {}, "rules": {}}
        for path, value in settings.items():
            keys = self.grammar.keys.get(path, ())
            match keys:
                case ("roles", table, name):
                    field_name = "roles"
                case ("rules", name):
                    field_name, table = "rules", ""
                case (table, name) if table in self.settings:
                    field_name = "settings"
                case _:
                    return None
            plain = accepted(self.grammar.parameters[path], value.item() if isinstance(value, np.generic) else value)
            if plain is None:
                return None
            changed[field_name].setdefault(table, {})[name] = plain
        rules = {**self.rules, **changed["rules"].get("", {})}
        return replace(
            self, settings=_replaced(self.settings, changed["settings"]), roles=_replaced(self.roles, changed["roles"]),
            rules=Frozen(rules),  # type: ignore[arg-type]
        )  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """Return the scenario in the form of a scenario file, complete, with its name, ready for JSON."""
        tables = {name: dict(values) for name, values in self.settings.items()}
        coefficients = {name: dict(row) for name, row in self.coefficients.items() if row}
        return {
            "name": self.name,
            "title": self.title,
            "question": self.question,
            "sources": list(self.sources),
            "start_year": self.start_year,
            "steps": self.steps,
            "schedule": {"activation": self.activation},
            "rules": dict(self.rules),
            **tables,
            "symbiosis": {**tables["symbiosis"], "coefficients": coefficients},
            "roles": {name: {**values, "kinds": dict(self.kinds[name])} for name, values in self.roles.items()},
            "organisations": [organisation.as_dict() for organisation in self.organisations],
            "ties": [tie.as_dict() for tie in self.ties],
            "agreements": [agreement.as_dict() for agreement in self.agreements],
            "components": [component.as_dict() for component in self.components],
            "events": [event.as_dict() for event in self.events],
        }

    def _keys(self, path: str, place: str) -> tuple[str, ...]:
        if path in self.grammar.keys:
            return self.grammar.keys[path]
        paths = Table("", self.grammar.parameters)
        raise sentence(place, (str(path),), "is not the path of a parameter", belonging(paths, paths, str(path)))


def load_scenario(
    source: str | Path,
    roles: Mapping[str, Role] | None = None,
    settings: Mapping[str, Value] | Sequence[str] = (),
) -> Scenario:
    """Return a scenario by the name of a shipped one or the path of a file, with settings changed if wanted.

    Parameters
    ----------
    source : shipped name, or path of a TOML file.
    roles : the roles that play; the shipped ones unless given.
    settings : values by dotted path, or texts of the form ``path=value``.

    Raises
    ------
    ScenarioError : anything that is not as it should be: in the file, in those it extends, or in the settings.
    """
    grammar = scenario_grammar(read_roles() if roles is None else roles)
    scenario = _of_chain(_read_chain(_read(_path_of(source, Path()), grammar), grammar), grammar)
    if isinstance(settings, Mapping):
        return scenario.with_settings(settings) if settings else scenario
    texts = (settings,) if isinstance(settings, str) else tuple(settings)
    return scenario.with_settings(dict(map(parse_setting, texts)), "--set") if texts else scenario


def scenario_from_content(name: str, content: bytes, roles: Mapping[str, Role] | None = None) -> Scenario:
    """Return the scenario of a file that somebody sent: it may extend shipped scenarios alone, so no other file is looked at.

    Parameters
    ----------
    name : the file's name, which errors repeat and of which the scenario takes the stem.
    content : at most `ecosim.scenario_file.MOST_BYTES`.

    Raises
    ------
    ScenarioError : anything that is not as it should be.
    """
    grammar = scenario_grammar(read_roles() if roles is None else roles)
    document = _checked_document(document_of(Path(name), content), grammar)
    base = document.tree.get("extends")
    if base is not None and base not in shipped_scenarios():
        raise document.failure(("extends",), f"is {described(base)}", other_shipped(base))
    return _of_chain(_read_chain(document, grammar), grammar)


def scenario_from_dict(
    tree: Mapping[str, Any], roles: Mapping[str, Role] | None = None, place: str = "scenario"
) -> Scenario:
    """Return the scenario that `Scenario.as_dict` gave; `place` stands in errors.

    Raises
    ------
    ScenarioError : anything that is not as it should be.
    """
    return _scenario(tree, scenario_grammar(read_roles() if roles is None else roles), partial(sentence, place))


def _path_of(source: str | Path, base: Path) -> Path:
    shipped = shipped_scenarios() if isinstance(source, str) else {}
    return shipped[str(source)] if source in shipped else base / source


def _of_chain(chain: Sequence[Document], grammar: Grammar) -> Scenario:
    """Return the scenario of a document and those that it extends, child first."""
    tree: dict[str, Any] = {}
    for document in reversed(chain):
        tree = _merged(tree, document.tree)
    return _resolved(chain[0].path.stem, tree, grammar, partial(_failure_in, chain))


def _read_chain(child: Document, grammar: Grammar) -> list[Document]:
    """Return the document and those that it extends, child first, each valid by itself."""
    chain = [child]
    seen = [os.path.realpath(child.path)]
    while "extends" in chain[-1].tree:
        last = chain[-1]
        target = last.tree["extends"]
        path = _path_of(target, last.path.parent)
        if not os.path.exists(path):
            raise last.failure(("extends",), f"is {described(target)}, which is no file", other_scenario(path.stem))
        if os.path.realpath(path) in seen:
            first = seen.index(os.path.realpath(path))
            cycle = " extends ".join([*(document.path.name for document in chain[first:]), path.name])
            raise last.failure(
                ("extends",), f"is {described(target)}, which closes a cycle: {cycle}", "take one of them out"
            )
        chain.append(_read(path, grammar))
        seen.append(os.path.realpath(path))
    return chain


def _read(path: Path, grammar: Grammar) -> Document:
    return _checked_document(read_document(path), grammar)


def _checked_document(document: Document, grammar: Grammar) -> Document:
    return replace(document, tree=checked(grammar.top, grammar.top, document.tree, (), document.failure))


def _merged(tree: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tree with changes: tables key by key, anything else as a whole."""
    result = dict(tree)
    for key, value in changes.items():
        result[key] = _merged(result.get(key, {}), value) if isinstance(value, Mapping) else value
    return result


def _failure_in(chain: Sequence[Document], keys: Keys, finding: str, remedy: str) -> ScenarioError:
    """Return the error that names the file of the chain from which the value at these keys was taken."""
    for length in range(len(keys), 0, -1):
        for document in chain:
            if _holds(document.tree, keys[:length]):
                return document.failure(keys, finding, remedy)
    return chain[0].failure(keys, finding, remedy)


def _holds(tree: Any, keys: Keys) -> bool:
    for key in keys:
        inside = 0 <= key < len(tree) if isinstance(key, int) and isinstance(tree, list) else key in tree
        if not inside:
            return False
        tree = tree[key]
    return True


def _scenario(tree: Mapping[str, Any], grammar: Grammar, failure: Failure) -> Scenario:
    """Return the scenario of a whole tree that nobody has checked yet."""
    if not isinstance(tree, Mapping):
        raise failure((), f"is {described(tree)}", "give a table of keys and values")
    rest = {key: value for key, value in tree.items() if key != "name"}
    if "extends" in rest:
        raise failure(("extends",), "stands in a resolved scenario", "load the file that has it instead")
    return _resolved(
        str(tree.get("name", "scenario")), checked(grammar.top, grammar.top, rest, (), failure), grammar, failure
    )


def _resolved(name: str, tree: Mapping[str, Any], grammar: Grammar, failure: Failure) -> Scenario:
    """Return the scenario of a tree whose values are valid one by one; checks that they fit together."""
    whole = completed(grammar.top, tree)
    tables = [key for key, shape in grammar.top.entries.items() if isinstance(shape, Table)]
    coefficients = whole["symbiosis"].pop("coefficients")
    kinds = {role: _weights(role, table.pop("kinds"), tree, failure) for role, table in whole["roles"].items()}
    reader = Reader(grammar, failure, whole["start_year"], whole["steps"])
    organisations = reader.organisations(whole["organisations"])
    return Scenario(
        name=name,
        title=whole["title"],
        question=whole["question"],
        sources=tuple(whole["sources"]),
        start_year=whole["start_year"],
        steps=whole["steps"],
        activation=whole["schedule"]["activation"],
        rules=Frozen(whole["rules"]),
        settings=_frozen_tables({key: whole[key] for key in tables if key not in ("schedule", "rules", "roles")}),
        roles=_frozen_tables(whole["roles"]),
        kinds=_frozen_tables(kinds),
        coefficients=_frozen_tables({role: row for role, row in coefficients.items() if row}),
        organisations=organisations,
        ties=reader.ties(whole["ties"], organisations),
        agreements=reader.agreements(whole["agreements"], organisations),
        components=reader.components(whole["components"]),
        events=reader.events(whole["events"]),
        grammar=grammar,
    )


def _replaced(
    tables: Mapping[str, Mapping[str, Value]], changes: Mapping[str, Mapping[str, Value]]
) -> Mapping[str, Mapping[str, Value]]:
    """Return tables with other values in some of them."""
    return Frozen({**tables, **{name: Frozen({**tables[name], **values}) for name, values in changes.items()}})


def _frozen_tables(tables: Mapping[str, Mapping[str, Any]]) -> Frozen[Frozen[Any]]:
    return Frozen({name: Frozen(table) for name, table in tables.items()})


def _weights(role: str, weights: dict[str, float], tree: Mapping[str, Any], failure: Failure) -> dict[str, float]:
    """Return the weights of a role's kinds: those not given are 0 as soon as one is given."""
    given = tree.get("roles", {}).get(role, {}).get("kinds")
    if given is not None:
        weights = {kind: given.get(kind, 0.0) for kind in weights}
    if weights and not sum(weights.values()):
        raise failure(
            ("roles", role, "kinds"),
            "has no weight above 0",
            f"give at least one of {', '.join(weights)} a weight above 0",
        )
    return weights
