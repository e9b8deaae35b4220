"""Roles: reads agents/ by path, checks what each file declares, and keeps the records that every role has."""

from __future__ import annotations

import difflib
import functools
import hashlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from ecosim.content import content_directory
from ecosim.organisation import PARAMETERS as NO_PARAMETERS
from ecosim.organisation import Organisation
from ecosim.parameters import Parameter, ParameterGroup, ScenarioError, Value, nearest
from ecosim.schedule import QUARTER
from ecosim.state import CAPABILITIES, INTERFACES, KNOWLEDGE_CAPABILITIES, MOST_ROLES, ROUTINES, Organisations

CANONICAL = ("firm", "supplier", "university", "government", "intermediary", "user")
# Who gets value beside the roles, so that no role can have these names.
BENEFICIARIES = ("employees", "society", "environment")

Failure = Callable[[str], ScenarioError]

_ASSUMED = "assumption, varied in the sensitivity analysis"

# What every role has; a role file gives its own defaults for any of them.
PARAMETERS = ParameterGroup("roles", __name__, {
    "initial": Parameter(10, 0, 2_000_000, "organisations", "How many there are at the start, beside those named.", "scenario"),
    "capacity": Parameter(20.0, 1.0, 4_000_000.0, "organisations", "Carrying capacity: how many the ecosystem can feed.", "S001 2.1.2; logistic growth"),
    "growth_rate": Parameter(0.03, 0.0, 1.0, "1/quarter", "Rate at which entrants arrive per member while there is room.", "logistic growth"),
    "capital": Parameter(100.0, 0.0, 1e7, "million CNY", "Median capital of an entrant.", _ASSUMED),
    "talent": Parameter(100.0, 0.0, 1e7, "person-years", "Median talent of an entrant.", _ASSUMED),
    "knowledge": Parameter(4.0, 0.0, 1e6, "firm-years of median R&D", "Median knowledge of an entrant, over all domains.", _ASSUMED),
    "spread": Parameter(0.6, 0.0, 3.0, "1", "Standard deviation of the logarithm of size among entrants.", "firm sizes are skewed: Axtell 2001"),
    "openness": Parameter(0.2, 0.0, 1.0, "share", "Share of its knowledge that an entrant exposes.", _ASSUMED),
    "protection": Parameter(0.4, 0.0, 1.0, "share", "Intellectual property protection of an entrant.", "S001 5.1"),
    "absorptive": Parameter(0.4, 0.0, 1.0, "share", "Absorptive capacity of an entrant.", "S001 2.1.2; Cohen & Levinthal 1990"),
    "persistence": Parameter(0.85, 0.0, 1.0, "1/quarter", "Chance that a started reform goes on for another quarter.", "S000 4.1.1"),
    "capability": Parameter(0.3, 0.0, 1.0, "level", "Mean level of an entrant's dynamic capabilities.", "S000 5; S002 4"),
    "research_intensity": Parameter(0.08, 0.0, 1.0, "share of revenue", "Part of revenue that an entrant spends on research.", "S000 3.2"),
    "openness_target": Parameter(0.5, 0.0, 1.0, "share", "Openness that an entrant moves to.", _ASSUMED),
    "generosity": Parameter(0.3, 0.0, 1.0, "level", "How much of its surplus an entrant is willing to give.", _ASSUMED),
    "breadth": Parameter(0.4, 0.0, 1.0, "level", "Appetite for partners: 1 seeks the most ties allowed.", "Laursen & Salter 2006"),
    "risk": Parameter(0.3, 0.0, 1.0, "level", "Appetite for uncertain projects.", _ASSUMED),
    "imitation": Parameter(0.3, 0.0, 1.0, "level", "Readiness to copy better performers.", _ASSUMED),
})  # fmt: skip


@dataclass(frozen=True)
class Role:
    """One role as its file declares it.

    `index` is its number in the state, `records` its parameters (those every role has, with the role's own
    defaults, and those only it has), `rules` what it does in which phase.
    """

    name: str
    index: int
    agent: type[Organisation]
    path: Path
    kinds: tuple[str, ...]
    community: str
    chain: float
    own: ParameterGroup
    records: Mapping[str, Parameter]
    rules: Mapping[str, Callable[..., Any]] = field(repr=False)

    def acts_in(self, phase: str) -> bool:
        """Return whether its members have a method of their own for a phase."""
        return callable(getattr(self.agent, phase, None)) and not hasattr(Organisation, phase)


def read_roles(*directories: Path | str) -> dict[str, Role]:
    """Return all roles by name: the shipped ones in their order, then those of other directories by file name.

    A file of a later directory with the name of a shipped role takes its place; files whose names begin with an
    underscore are left alone.

    Raises
    ------
    ScenarioError : a directory or a file that is not as it should be.
    """
    files: dict[str, Path] = {}
    for directory in (content_directory("agents"), *map(Path, directories)):
        if not directory.is_dir():
            raise ScenarioError(
                f"{directory}: is not a directory of role files; give a folder with one .py file a role"
            )
        files.update({path.stem: path for path in sorted(directory.glob("[!_]*.py"))})
    names = [*CANONICAL, *(name for name in files if name not in CANONICAL)]
    if len(names) > MOST_ROLES:
        raise ScenarioError(f"{len(names)} roles were found; at most {MOST_ROLES} can play")
    return {
        name: _declared(name, index, files[name], tuple(names), _load(name, files[name]))
        for index, name in enumerate(names)
    }


def _load(name: str, path: Path) -> ModuleType:
    """Import a role file under a name that follows from its content.

    So an edited file is read again, and kept machine code, which imports its module by name, fits a copy elsewhere.
    """
    module_name = f"ecosim_role_{name}_{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise ScenarioError(f"{path}: cannot be read as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise ScenarioError(f"{path}: cannot be loaded as a role: {type(error).__name__}: {error}") from error
    return module


@functools.cache
def _declared(name: str, index: int, path: Path, names: tuple[str, ...], module: ModuleType) -> Role:
    """Return the role that a file declares, checked; `names` are those of all roles, `module` what was imported of the file."""

    def failure(finding: str) -> ScenarioError:
        return ScenarioError(f"{path}: {finding}")

    if not re.fullmatch("[a-z]+(_[a-z0-9]+)*", name) or name in BENEFICIARIES:
        raise failure(
            "the file's name cannot name a role; take lower-case letters, other than " + ", ".join(BENEFICIARIES)
        )
    classes = [
        thing
        for thing in vars(module).values()
        if inspect.isclass(thing) and issubclass(thing, Organisation) and thing.__module__ == module.__name__
    ]
    if len(classes) != 1:
        raise failure(f"declares {len(classes)} subclasses of Organisation; a role file declares exactly one")
    agent = classes[0]
    _check_attributes(agent, failure)
    _check_phases(agent, failure)
    for other, interface in agent.interfaces.items():
        if other not in names:
            raise failure(f"interfaces name '{other}', which is no role; {nearest(other, names)}")
        if interface not in INTERFACES:
            raise failure(f"interface with '{other}' is '{interface}'; {nearest(interface, INTERFACES)}")
    own = agent.parameters or NO_PARAMETERS
    records = _records(agent.defaults, own, failure)
    return Role(
        name, index, agent, path, tuple(agent.kinds), agent.community, agent.chain_position, own, records, dict(agent.rules)
    )  # fmt: skip


def _check_attributes(agent: type[Organisation], failure: Failure) -> None:
    """Check the type of what a role declares, and that what its members remember is one value each."""
    valid = {"kinds": tuple, "defaults": Mapping, "interfaces": Mapping, "rules": Mapping}
    for name, kind in valid.items():
        if not isinstance(getattr(agent, name), kind):
            raise failure(f"{name} is {getattr(agent, name)!r}; give a {'tuple' if kind is tuple else 'dictionary'}")
    if not 0.0 <= agent.chain_position <= 1.0:
        raise failure(f"chain_position is {agent.chain_position!r}; valid is 0 to 1")
    columns = {*Organisations._fields, *CAPABILITIES, *KNOWLEDGE_CAPABILITIES, *ROUTINES}
    for name, value in vars(agent).items():
        if name in columns:
            raise failure(f"declares '{name}', which every organisation has; give its start in defaults")
        shared = isinstance(value, (list, dict, set)) and name not in {*valid, "parameters"}
        if shared and not name.isupper() and not name.startswith("_"):
            raise failure(
                f"declares '{name}' as a {type(value).__name__}, which all members would share; give None or ()"
            )


def _check_phases(agent: type[Organisation], failure: Failure) -> None:
    """Check that rules name phases, and that no method has a name that is almost that of a phase."""
    phases = [phase.name for phase in QUARTER]
    for name, rule in agent.rules.items():
        if name not in phases:
            raise failure(f"rules name '{name}', which is no phase; {nearest(name, phases)}")
        if not callable(rule):
            raise failure(f"the rule of '{name}' is {rule!r}; give a function of model, rows and parameters")
    for name, value in vars(agent).items():
        meant = difflib.get_close_matches(name, phases, n=1, cutoff=0.82)
        if inspect.isfunction(value) and not name.startswith("_") and name not in phases and meant:
            raise failure(
                f"method '{name}' is no phase; did you mean '{meant[0]}'? If not, put an underscore before it"
            )


def _records(defaults: Mapping[str, Value], own: ParameterGroup, failure: Failure) -> dict[str, Parameter]:
    """Return the records of what every role has, with a role's own defaults, and of what only it has."""
    if not isinstance(own, ParameterGroup):
        raise failure(f"parameters is {own!r}; give a ParameterGroup")
    records = dict(PARAMETERS.records)
    for name, default in defaults.items():
        if name not in records:
            raise failure(f"defaults name '{name}', which no role has; {nearest(name, records)}")
        records[name] = replace(records[name], default=_checked_default(name, records[name], default, failure))
    for name, record in own.records.items():
        if name in records or name == "kinds":
            raise failure(f"parameters name '{name}', which every role has; give another name, or a default")
        records[name] = replace(record, default=_checked_default(name, record, record.default, failure))
    return records


def _checked_default(name: str, record: Parameter, default: Value, failure: Failure) -> Value:
    if isinstance(record.default, (bool, str)):
        return default
    kind = type(record.default)
    if isinstance(default, (bool, str)) or kind(default) != default:
        raise failure(f"default of '{name}' is {default!r}; give a {'whole ' if kind is int else ''}number")
    if record.low is None or record.high is None or not record.low <= default <= record.high:
        raise failure(f"default of '{name}' is {default!r}; valid is {record.low} to {record.high} {record.unit}")
    return kind(default)
