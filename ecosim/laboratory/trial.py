"""Trials: a proposition's worlds, run by the runner of studies on common luck until its effect is known well enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from ecosim.laboratory.proposition import Experiment, Proposition, Settings
from ecosim.laboratory.readings import read
from ecosim.laboratory.verdict import Finding, Numbers, judged, measured
from ecosim.parameters import Value
from ecosim.scenario import load_scenario
from ecosim.studies.runner import sweep
from ecosim.studies.store import read_sweep
from ecosim.studies.study import Study, study_from_dict

Told = Callable[[Finding], None]


@dataclass(frozen=True)
class Budget:
    """How many paired seeds an experiment may take.

    Attributes
    ----------
    round : seeds of a round, and fewest of all: an interval of a handful of seeds cannot be trusted.
    most : seeds at most.
    width : half the width of the interval that is narrow enough, in standard deviations of the reading over seeds.
    first_seed : seed of the first pair.
    """

    round: int = 12
    most: int = 36
    width: float = 0.25
    first_seed: int = 1


QUICK = Budget(round=8, most=8)


def worlds_of(experiment: Experiment) -> dict[str, Settings]:
    """Return the settings of each world of an experiment by name: what is not set is as the scenario has it."""
    worlds = {"treatment": experiment.treatment}
    worlds |= {f"baseline {number}": base for number, base in enumerate(experiment.baselines, start=1)}
    if experiment.control:
        worlds |= {f"{name} under control": {**own, **experiment.control} for name, own in worlds.items()}
    return worlds


def study_of(proposition: Proposition, budget: Budget, number: int) -> Study:
    """Return the study of one round of a proposition: a list of worlds, each on the same seeds.

    Parameters
    ----------
    number : of the round, the first being 0.
    """
    experiment = proposition.experiment
    assert experiment is not None
    points = _points(experiment)
    seeds = min(budget.round, budget.most - number * budget.round)
    tree: dict[str, Any] = {
        "name": proposition.number,
        "title": f"{proposition.number}: {proposition.statement}",
        "scenarios": [experiment.scenario],
        "design": {"kind": "list", "points": points} if points[0] else {"kind": "factorial"},
        "replicates": {"count": seeds, "common": True, "first_seed": budget.first_seed + number * budget.round},
        "outcomes": {measure: {"summary": "last"} for measure in experiment.reading.measures},
        "keep": {"series": 1},
    }
    if experiment.steps is not None:
        tree["steps"] = experiment.steps
    return study_from_dict(tree, proposition.number)


def _points(experiment: Experiment) -> list[dict[str, Value]]:
    """Return the distinct worlds as points of a design, which all set the same paths."""
    scenario = load_scenario(experiment.scenario)
    worlds = worlds_of(experiment).values()
    paths = list(dict.fromkeys(path for settings in worlds for path in settings))
    own = {path: scenario.get(path) for path in paths}
    points: list[dict[str, Value]] = []
    for settings in worlds:
        point = {**own, **settings}
        if point not in points:
            points.append(point)
    return points


def tried(
    proposition: Proposition, directory: Path, budget: Budget, workers: int | None, executor: Executor | None
) -> Finding:
    """Return what a proposition's experiment finds; rounds that the directory holds are not run again.

    Rounds are added until the interval is narrow enough. That looks at its width alone, never at where it lies: to stop when
    an effect is clear would find effects where there are none.
    """
    experiment = proposition.experiment
    if experiment is None:
        return Finding(proposition)
    found: dict[str, Numbers] = {}
    number = 0
    while True:
        place = directory / f"round-{number + 1}"
        sweep(study_of(proposition, budget, number), place, workers, executor)
        for name, values in _read(experiment, place).items():
            found[name] = np.concatenate([found[name], values]) if name in found else values
        number += 1
        finding = measured(proposition, found)
        assert finding.effect is not None
        if number * budget.round >= budget.most or finding.effect.half <= budget.width:
            return finding


def _read(experiment: Experiment, directory: Path) -> dict[str, Numbers]:
    """Return the readings of each world of a round, (seeds,), in the order of the seeds."""
    table = read_sweep(directory, series=True)
    points, reading = _points(experiment), experiment.reading
    runs: dict[tuple[int, int], float] = {}
    grouped: Any = table.groupby(["point", "replicate"], sort=True)
    for (point, replicate), rows in grouped:
        other = rows[reading.other].to_numpy(float) if reading.other else None
        runs[int(point), int(replicate)] = read(reading, rows[reading.measure].to_numpy(float), other)
    seeds = sorted({replicate for _, replicate in runs})
    scenario = load_scenario(experiment.scenario)
    own = {path: scenario.get(path) for path in points[0]}
    found = {}
    for name, settings in worlds_of(experiment).items():
        number = points.index({**own, **settings})
        # A pair of which one run failed is left out on both sides, as luck has to be the same.
        found[name] = np.array([runs.get((number, seed), np.nan) for seed in seeds])
    whole = ~np.isnan(np.array(list(found.values()))).any(axis=0)
    return {name: values[whole] for name, values in found.items()}


def run_propositions(
    propositions: Sequence[Proposition], directory: Path, budget: Budget, workers: int | None = None, told: Told | None = None
) -> list[Finding]:  # fmt: skip
    """Return what becomes of propositions, their verdicts corrected for the number of experiments among them.

    Parameters
    ----------
    directory : of the runs; finished rounds that it holds are not run again.
    workers : processes, as many as there are processors unless given.
    told : called with each finding once it is there, before the correction.
    """
    findings = []
    with _crew(workers) as (count, executor):
        for proposition in propositions:
            finding = tried(proposition, directory / proposition.number, budget, count, executor)
            findings.append(finding)
            if told is not None:
                told(finding)
    return judged(findings)


@contextmanager
def _crew(workers: int | None) -> Iterator[tuple[int, Executor]]:
    """Return processes that serve all trials: to start them anew for each would take longer than most trials."""
    from ecosim.studies.executors import available_processors

    count = workers or available_processors()
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as executor:
        yield count, executor
