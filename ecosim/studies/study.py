"""Studies: which scenarios, which factors, which design, which outcomes; validated whole before any run starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ecosim.parameters import ScenarioError
from ecosim.scenario import Scenario
from ecosim.shapes import described, sentence
from ecosim.studies.study_parts import SCENARIO, DesignSettings, Factor, Keep, Replicates, Until, Wanted

__all__ = [
    "DesignSettings", "Factor", "Keep", "Replicates", "Study", "Until", "Wanted", "load_study", "shipped_studies",
    "study_from_dict",
]  # fmt: skip


@dataclass(frozen=True)
class Study:
    """A validated study, complete: equal studies give equal results.

    Attributes
    ----------
    name : the stem of the file's name.
    scenarios : what runs start from, resolved, with the horizon of the study.
    scenario_names : what each is called in tables.
    scenario_sources : how each is given to the command line: shipped name, or full path.
    steps : quarters of every run; None leaves each scenario its own.
    agents : directories of further role files.
    factors : what varies, without the choice among several scenarios.
    source : the study file, if it came from one.
    """

    name: str
    title: str
    question: str
    scenarios: tuple[Scenario, ...]
    scenario_names: tuple[str, ...]
    scenario_sources: tuple[str, ...]
    steps: int | None
    agents: tuple[str, ...]
    design: DesignSettings
    replicates: Replicates
    factors: tuple[Factor, ...]
    outcomes: tuple[Wanted, ...]
    keep: Keep
    source: Path | None = field(default=None, compare=False)

    @property
    def varied(self) -> tuple[Factor, ...]:
        """All that varies, in the order of the columns of the design: the scenario first if there are several."""
        if len(self.scenarios) == 1:
            return self.factors
        return (Factor(SCENARIO, SCENARIO, levels=self.scenario_names), *self.factors)

    def quarters(self, scenario: Scenario) -> int:
        """Return how many quarters a run of a scenario lasts."""
        return scenario.steps if self.steps is None else self.steps

    def problem(self) -> dict[str, Any]:
        """Return SALib's description of what varies; a factor with levels counts them from 0, each a bin of width 1."""
        from ecosim.studies.design import bounds_and_distribution

        pairs = [bounds_and_distribution(factor) for factor in self.varied]
        return {
            "num_vars": len(pairs),
            "names": [factor.name for factor in self.varied],
            "bounds": [list(bounds) for bounds, _ in pairs],
            "dists": [distribution for _, distribution in pairs],
        }

    def as_dict(self) -> dict[str, Any]:
        """Return the study in the form of a study file, ready for JSON, with all that other files gave to it."""
        return {
            "name": self.name,
            "title": self.title,
            "question": self.question,
            "scenarios": list(self.scenario_sources),
            "worlds": [scenario.as_dict() for scenario in self.scenarios],
            **({} if self.steps is None else {"steps": self.steps}),
            "agents": list(self.agents),
            "design": self.design.as_dict(),
            "replicates": self.replicates.as_dict(),
            "factors": [factor.as_dict() for factor in self.factors],
            "outcomes": {wanted.name: wanted.as_dict() for wanted in self.outcomes},
            "keep": self.keep.as_dict(),
        }


def shipped_studies() -> dict[str, Path]:
    """Return the studies that come with the package, by name."""
    from ecosim.content import content_directory

    return {path.stem: path for path in sorted((content_directory("scenarios") / "studies").glob("*.toml"))}


def is_study(source: str) -> bool:
    """Return whether a name or a path is a study's rather than a scenario's; a file that cannot be read is neither."""
    from ecosim.grammar import OF_A_STUDY
    from ecosim.scenario_file import read_document, shipped_scenarios

    if source in shipped_scenarios() or source in shipped_studies():
        return source not in shipped_scenarios()
    try:
        tree = read_document(Path(source)).tree
    except ScenarioError:
        return False
    return any(key in tree for key in OF_A_STUDY)


def load_study(source: str | Path, agents: Sequence[str | Path] = ()) -> Study:
    """Return a study by the name of a shipped one or the path of a file.

    Parameters
    ----------
    source : shipped name, or path of a TOML file.
    agents : directories of further role files, after those that the study names.

    Raises
    ------
    ScenarioError : anything that is not as it should be, in the file or in what it names.
    """
    from ecosim.studies.study_reading import read_study, study_document

    shipped = shipped_studies() if isinstance(source, str) else {}
    path = shipped[str(source)] if source in shipped else Path(source)
    document = study_document(path)
    return read_study(document.tree, document.failure, path.parent, path.stem, path, agents)


def study_from_dict(tree: Mapping[str, Any], place: str = "study") -> Study:
    """Return the study that `Study.as_dict` gave, or that someone wrote in the form of a study file.

    Parameters
    ----------
    tree : what a study file holds; scenarios by path are relative to the directory the process is in.
    place : stands in errors.

    Raises
    ------
    ScenarioError : anything that is not as it should be.
    """
    from ecosim.studies.study_reading import read_study

    failure = partial(sentence, place)
    if not isinstance(tree, Mapping):
        raise failure((), f"is {described(tree)}", "give a table of keys and values")
    rest = {key: value for key, value in tree.items() if key not in ("name", "worlds")}
    return read_study(rest, failure, Path(), str(tree.get("name", "study")), None, (), tree.get("worlds"))
