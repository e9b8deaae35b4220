"""Reading a study: from the tree of a study file to a validated `Study`; each fault is one sentence with its place."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ecosim.parameters import ScenarioError, nearest
from ecosim.roles import Role, read_roles
from ecosim.scenario import Scenario, load_scenario, scenario_from_dict
from ecosim.scenario_file import Document, other_scenario, read_document, shipped_scenarios
from ecosim.shapes import Failure, Keys, checked, completed, described, shortened
from ecosim.studies.factor_reading import OWN_COLUMNS, read_factors
from ecosim.studies.measures import wrong_measure
from ecosim.studies.plausibility import check_study
from ecosim.studies.point_list import list_points, typed_points
from ecosim.studies.study import Study, shipped_studies
from ecosim.studies.study_parts import SAMPLED, DesignSettings, Keep, Replicates, Until, Wanted
from ecosim.studies.study_shape import study_table

SAMPLES = {
    "latin-hypercube": "the number of points",
    "sobol": "N of Saltelli's scheme, a power of two",
    "morris": "the number of trajectories",
}


def study_document(path: Path) -> Document:
    """Return the document of a study file.

    Raises
    ------
    ScenarioError : there is no such file, or it cannot be read as TOML.
    """
    if not os.path.lexists(path):
        shipped = shipped_studies()
        remedy = f"give the path of a .toml file or a shipped study, {nearest(shortened(path.stem), shipped)}"
        raise ScenarioError(f"{shortened(str(path))}: there is no such file; {remedy}")
    return read_document(path)


def read_study(
    tree: Mapping[str, Any], failure: Failure, base: Path, name: str, source: Path | None,
    agents: Sequence[str | Path] = (), worlds: Sequence[Mapping[str, Any]] | None = None,
) -> Study:  # fmt: skip
    """Return the study of a tree that nobody has checked yet.

    Parameters
    ----------
    tree : what a study file holds.
    failure : makes the error with the place of a fault.
    base : directory that paths in the study are relative to.
    name : of the study.
    source : its file, if it has one.
    agents : directories of further role files, after those that the study names.
    worlds : the scenarios resolved, if they are not to be read from files.
    """
    given = _checked_tree(tree, failure)
    directories = [*(base / directory for directory in given["agents"]), *map(Path, agents)]
    further = tuple(str(directory.resolve()) for directory in directories)
    roles = read_roles(*further)
    sources = _sources(given["scenarios"], base, failure, resolved=worlds is not None)
    scenarios = _scenarios(sources, roles, given.get("steps"), worlds, failure)
    names = tuple(scenario.name for scenario in scenarios)
    listed = list_points(given["design"], tree.get("design", {}).get("points"), base, failure)
    settings = _design(given["design"], failure)
    factors = read_factors(tree.get("factors", []), scenarios[0].grammar, settings, listed, failure)
    if listed is not None:
        settings = replace(settings, points=typed_points(listed, factors, names, scenarios[0].grammar))
    outcomes = tuple(_wanted(name, outcome, roles, failure) for name, outcome in given["outcomes"].items())
    study = Study(
        name=name, title=given["title"] or name, question=given["question"], scenarios=scenarios, scenario_names=names,
        scenario_sources=sources, steps=given.get("steps"), agents=further, design=settings,
        replicates=_replicates(given["replicates"], given["outcomes"], failure), factors=factors, outcomes=outcomes,
        keep=Keep(given["keep"].get("series"), given["keep"]["events"]), source=source,
    )  # fmt: skip
    check_study(study, failure)
    return study


def _checked_tree(tree: Mapping[str, Any], failure: Failure) -> dict[str, Any]:
    """Return the tree with its defaults; factors and listed points are left to be checked by the parameters they vary."""
    outcomes = tree.get("outcomes")
    table = study_table(outcomes if isinstance(outcomes, Mapping) else ())
    rest = {key: value for key, value in tree.items() if key != "factors"}
    if isinstance(tree.get("design"), Mapping):
        rest["design"] = {key: value for key, value in tree["design"].items() if key != "points"}
    given = completed(table, checked(table, table, rest, (), failure))
    if not given["outcomes"]:
        raise failure(("outcomes",), "is empty", 'give at least one, as in value_created = { summary = "sum" }')
    return given


def _sources(given: Sequence[str], base: Path, failure: Failure, resolved: bool) -> tuple[str, ...]:
    """Return how each scenario is called: a shipped name, or the full path of a file, which has to be there unless it is resolved."""
    if not given:
        raise failure(("scenarios",), "is empty", 'give at least one, as in scenarios = ["classroom"]')
    shipped = shipped_scenarios()
    sources = []
    for place, source in enumerate(given):
        path = base / source
        if source not in shipped and not resolved and not path.exists():
            remedy = other_scenario(Path(source).stem)
            raise failure(("scenarios", place), f"is {described(source)}, which is no scenario", remedy)
        sources.append(source if source in shipped else str(path.resolve()))
    return tuple(sources)


def _scenarios(
    sources: Sequence[str], roles: Mapping[str, Role], steps: int | None, worlds: Sequence[Mapping[str, Any]] | None,
    failure: Failure,
) -> tuple[Scenario, ...]:  # fmt: skip
    """Return the scenarios, resolved, with the horizon of the study."""
    if worlds is None:
        scenarios = [load_scenario(source, roles) for source in sources]
    else:
        scenarios = [
            scenario_from_dict(world, roles, f"worlds[{place}]") for place, world in enumerate(worlds, start=1)
        ]
    for place, scenario in enumerate(scenarios):
        if scenario.name in [other.name for other in scenarios[:place]]:
            finding = f'is called "{scenario.name}", as one before it'
            raise failure(("scenarios", place), finding, "give each once, and files different names")
    return tuple(with_horizon(scenario, steps) for scenario in scenarios)


def with_horizon(scenario: Scenario, steps: int | None) -> Scenario:
    """Return a scenario that lasts so many quarters; one with events after them keeps its own end, as `ecosim.run` has it."""
    if steps is not None:
        with contextlib.suppress(ScenarioError):
            return scenario.with_settings({"steps": steps})
    return scenario


def _design(given: Mapping[str, Any], failure: Failure) -> DesignSettings:
    kind, samples = given["kind"], given.get("samples")
    if kind in SAMPLED and samples is None:
        raise failure(("design",), f"has no samples, and is a {kind} design", "give samples: " + SAMPLES[kind])
    if kind not in SAMPLED and samples is not None:
        raise failure(("design", "samples"), f"stands in a {kind} design", "leave it out, or give a kind that samples")
    if kind == "sobol" and samples is not None and samples & (samples - 1):
        below = 1 << (samples.bit_length() - 1)
        raise failure(("design", "samples"), f"is {samples}, which is no power of two", f"give {below} or {2 * below}")
    levels = given.get("levels")
    if levels is not None and kind in ("latin-hypercube", "sobol", "list"):
        raise failure(
            ("design", "levels"), f"stands in a {kind} design", "leave it out, or give a kind that takes levels"
        )
    if kind == "morris":
        levels = 4 if levels is None else levels
        if levels % 2:
            raise failure(("design", "levels"), f"is {levels}, which is odd", f"give an even number, {levels - 1} or {levels + 1}")  # fmt: skip
    return DesignSettings(kind, samples, given["second_order"], given["seed"], levels, given["most_runs"])


def _replicates(given: Mapping[str, Any], outcomes: Mapping[str, Any], failure: Failure) -> Replicates:
    count, until = given["count"], given.get("until")
    if until is None:
        return Replicates(count, given["common"], given["first_seed"])
    keys = ("replicates", "until")
    if until["outcome"] not in outcomes:
        finding = f"is {described(until['outcome'])}, which is no outcome of the study"
        raise failure((*keys, "outcome"), finding, nearest(shortened(until["outcome"]), outcomes))
    if count < 2:
        raise failure(("replicates", "count"), "is 1, and an interval takes two", "give count = 2 or more with a stopping rule")  # fmt: skip
    if until["most"] < count:
        raise failure(
            (*keys, "most"), f"is {until['most']}, less than a round of {count}", "give most of at least count"
        )
    return Replicates(
        count, given["common"], given["first_seed"], Until(until["outcome"], until["width"], until["most"])
    )


def _wanted(name: str, given: Mapping[str, Any], roles: Mapping[str, Role], failure: Failure) -> Wanted:
    """Return an outcome of the study, once its measure is known to be one."""
    keys: Keys = ("outcomes", name)
    if not name.strip():
        raise failure(("outcomes",), "have one without a name", "give each a name, such as value_created")
    if name in OWN_COLUMNS:
        raise failure(keys, "is the name of a column that every table has", "give it another name, and its measure")
    measure, summary = given.get("measure", name), given["summary"]
    finding, remedy = wrong_measure(measure, tuple(roles))
    if finding:
        raise failure((*keys, "measure") if "measure" in given else keys, finding, remedy)
    if measure.startswith("share.") and summary == "sum":
        raise failure((*keys, "summary"), "is a sum, and shares do not add up", 'give "mean", the share of all value')
    return Wanted(name, measure, summary, given.get("quarters"))
