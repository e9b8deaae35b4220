"""Reading proposition files: from TOML to validated propositions; each fault is one sentence with its place."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from ecosim.laboratory.proposition import OF_TWO, WITH_LEVEL, Experiment, Proposition, Reading
from ecosim.laboratory.proposition_shape import proposition_table
from ecosim.parameters import ScenarioError, nearest
from ecosim.roles import read_roles
from ecosim.scenario import Scenario, load_scenario
from ecosim.scenario_file import read_document, shipped_scenarios
from ecosim.shapes import Failure, Keys, checked, completed, described, shortened
from ecosim.studies.measures import wrong_measure

SECTIONS = (
    "composition", "open-sharing", "symbiosis", "breakthrough", "digital-capabilities", "provider-user", "elements",
    "across-papers",
)  # fmt: skip


def shipped_files() -> tuple[Path, ...]:
    """Return the proposition files that come with the package, section by section."""
    from ecosim.content import content_directory

    folder = content_directory("scenarios") / "propositions"
    return tuple(folder / f"{section}.toml" for section in SECTIONS)


def load_propositions(files: Iterable[str | Path] | None = None) -> tuple[Proposition, ...]:
    """Return the propositions of some files, those of the package unless given.

    Raises
    ------
    ScenarioError : anything that is not as it should be, or a number that stands twice.
    """
    worlds: dict[str, Scenario] = {}
    roles = read_roles()
    found: dict[str, Proposition] = {}
    for path in shipped_files() if files is None else map(Path, files):
        document = read_document(path)
        table = proposition_table(_world("classroom", worlds, roles).grammar.parameters)
        given = completed(table, checked(table, table, document.tree, (), document.failure))
        raw = document.tree["propositions"]
        for place, (row, written) in enumerate(zip(given["propositions"], raw, strict=True)):
            keys: Keys = ("propositions", place)
            if row["number"] in found:
                raise document.failure(
                    (*keys, "number"), f"is {row['number']}, as one before it", "give each number once"
                )
            experiment = _experiment(row, written, keys, document.failure, worlds, roles)
            found[row["number"]] = Proposition(
                row["number"], path.stem, row["statement"], row["place"], row["mechanism"], row["standing"],
                row["reason"], experiment,
            )  # fmt: skip
    return tuple(found.values())


def chosen(propositions: Collection[Proposition], numbers: Collection[str]) -> tuple[Proposition, ...]:
    """Return the propositions of these numbers, all of them if there are none.

    Raises
    ------
    ScenarioError : there is no proposition of a number.
    """
    by_number = {each.number: each for each in propositions}
    for number in numbers:
        if number.upper() not in by_number:
            first, *_, last = [*by_number, *by_number]
            raise ScenarioError(f"there is no proposition '{shortened(number)}'; they go from {first} to {last}")
    wanted = {number.upper() for number in numbers} or set(by_number)
    return tuple(each for each in propositions if each.number in wanted)


def _world(name: str, worlds: dict[str, Scenario], roles: Any) -> Scenario:
    if name not in worlds:
        worlds[name] = load_scenario(name, roles)
    return worlds[name]


def _experiment(
    row: Mapping[str, Any], written: Mapping[str, Any], keys: Keys, failure: Failure, worlds: dict[str, Scenario], roles: Any
) -> Experiment | None:  # fmt: skip
    if row["standing"] == "out of scope" or (row["standing"] == "by construction" and "reading" not in row):
        if "reading" in row:
            raise failure((*keys, "reading"), "stands in what is out of scope", "leave it out, or change the standing")
        return None
    for name in ("scenario", "reading"):
        if name not in row:
            raise failure(keys, f"has no {name}, and is an experiment", f"give {name}, or another standing")
    if row["scenario"] not in shipped_scenarios():
        finding = f"is {described(row['scenario'])}, which is no scenario"
        raise failure((*keys, "scenario"), finding, nearest(row["scenario"], shipped_scenarios()))
    if ("null" in row) == bool(row["baselines"]):
        raise failure(
            keys, "has " + ("both" if "null" in row else "neither") + " null and baselines", "give one of them"
        )
    if row["asks"] == "interaction" and not written.get("control"):
        raise failure(
            (*keys, "control"), "is not there, and the claim is an interaction", "give the settings of a control"
        )
    _check_reading(row["reading"], (*keys, "reading"), failure, roles)
    world = _world(row["scenario"], worlds, roles)
    # Completed settings hold the default of every parameter; only what is written differs from the scenario.
    treatment, control = dict(written.get("treatment", {})), dict(written.get("control", {}))
    baselines = tuple(dict(each) for each in written.get("baselines", ()))
    for settings in (treatment, *baselines, control):
        world.with_settings(settings, f"{row['number']}")
    return Experiment(
        row["scenario"], Reading(**row["reading"]), row["side"], treatment, baselines, row.get("null", 0.0), control,
        row["asks"], row["smallest"], row.get("steps"),
    )  # fmt: skip


def _check_reading(reading: Mapping[str, Any], keys: Keys, failure: Failure, roles: Any) -> None:
    statistic = reading["statistic"]
    for name in ("measure", "other"):
        if name in reading:
            finding, remedy = wrong_measure(reading[name], tuple(roles))
            if finding:
                raise failure((*keys, name), finding, remedy)
    if (statistic in OF_TWO) != ("other" in reading):
        finding = "has no other measure" if statistic in OF_TWO else "has another measure"
        raise failure(keys, f"{finding}, and is {statistic}", "give other with " + ", ".join(OF_TWO) + " alone")
    if statistic not in WITH_LEVEL and (reading["level"] or reading["other_level"]):
        raise failure(
            (*keys, "level"), f"stands with {statistic}", "give it with " + " or ".join(WITH_LEVEL) + " alone"
        )
