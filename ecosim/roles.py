"""Roles: reads agents/ by path, checks what each file declares, and keeps the records that every role has."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from ecosim.content import content_directory
from ecosim.organisation import Organisation
from ecosim.parameters import Parameter, ParameterGroup, ScenarioError, Value, nearest

CANONICAL = ("firm", "supplier", "university", "government", "intermediary", "user")
MOST_ROLES = 64

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


def read_roles(*directories: Path | str) -> dict[str, Role]:
    """Return all roles by name: the shipped ones in their order, then those of other directories by file name.

    A file of a later directory with the name of a shipped role takes its place.

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
        files.update({path.stem: path for path in sorted(directory.glob("*.py"))})
    names = [*CANONICAL, *(name for name in files if name not in CANONICAL)]
    if len(names) > MOST_ROLES:
        raise ScenarioError(f"{len(names)} roles were found; at most {MOST_ROLES} can play")
    return {name: _declared(_load(name, files[name]), name, index, files[name]) for index, name in enumerate(names)}


def _load(name: str, path: Path) -> ModuleType:
    module_name = f"ecosim_role_{name}"
    loaded = sys.modules.get(module_name)
    if loaded is not None and loaded.__file__ == str(path):
        return loaded
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


def _declared(module: ModuleType, name: str, index: int, path: Path) -> Role:
    classes = [
        thing
        for thing in vars(module).values()
        if inspect.isclass(thing) and issubclass(thing, Organisation) and thing.__module__ == module.__name__
    ]
    if len(classes) != 1:
        raise ScenarioError(
            f"{path}: declares {len(classes)} subclasses of Organisation; a role file declares exactly one"
        )
    agent = classes[0]
    own = agent.parameters or ParameterGroup(name, __name__, {})
    unknown = set(agent.defaults) - set(PARAMETERS.records)
    if unknown:
        wrong = sorted(unknown)[0]
        raise ScenarioError(f"{path}: defaults name '{wrong}', which no role has; {nearest(wrong, PARAMETERS.records)}")
    records = {key: _with_default(record, agent.defaults.get(key)) for key, record in PARAMETERS.records.items()}
    return Role(
        name,
        index,
        agent,
        path,
        tuple(agent.kinds),
        agent.community,
        agent.chain_position,
        own,
        {**records, **own.records},
        dict(agent.rules),
    )


def _with_default(record: Parameter, default: Value | None) -> Parameter:
    if default is None:
        return record
    kind = type(record.default)
    return Parameter(kind(default), record.low, record.high, record.unit, record.meaning, record.source, record.choices)  # type: ignore[arg-type]
