"""Measuring a run: from a design point and a seed to what the study wants to know of it, by the shortest way."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.parameters import Value
from ecosim.scenario import Scenario
from ecosim.studies.design import settings_at
from ecosim.studies.study_parts import Wanted

if TYPE_CHECKING:
    import pandas as pd

    from ecosim.model import Ecosystem
    from ecosim.studies.study import Study

Columns = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Measured:
    """What is kept of one run.

    Attributes
    ----------
    final : outcome of the study to its value at the end.
    series : ``step``, then a column a measure; None unless the study keeps series.
    events : step, event, subject, object, detail, as in ``ecosim.run(...).events``; None unless the study keeps events.
    """

    final: dict[str, float]
    series: Columns | None
    events: Columns | None


def measure_run(scenario: Scenario, settings: Mapping[str, Value], seed: int, study: Study) -> Measured:
    """Run a scenario with settings to the horizon of the study and return what the study wants of it.

    Parameters
    ----------
    scenario : one of the study's.
    settings : values by dotted path.
    seed : the same scenario, settings and seed give the same numbers.

    Raises
    ------
    ScenarioError : settings that the scenario does not take, or that do not fit together.
    """
    from ecosim.model import Ecosystem
    from ecosim.studies.measures import outcomes_for

    world = scenario.with_settings(settings, "settings") if settings else scenario
    measures = [wanted.measure for wanted in study.outcomes]
    model = Ecosystem(world, seed, agents=study.agents, history=False, outcomes=outcomes_for(measures))
    model.run(study.quarters(scenario))
    final = {wanted.name: _summary(model, wanted) for wanted in study.outcomes}
    return Measured(final, _series(model, measures, study.keep.series), _events(model) if study.keep.events else None)


def seconds_of_run(study: Study, quarters: int = 8) -> float:
    """Return about how long a run of the study takes here, from the first quarters of one.

    Parameters
    ----------
    quarters : how many to time; one before them, which may have to read or make machine code, is not counted.
    """
    from ecosim.model import Ecosystem
    from ecosim.studies.measures import outcomes_for

    measures = outcomes_for([wanted.measure for wanted in study.outcomes])
    times = []
    for scenario in study.scenarios:
        Ecosystem(scenario, 1, agents=study.agents, history=False, outcomes=measures).run(1)
        begun = time.perf_counter()
        model = Ecosystem(scenario, 1, agents=study.agents, history=False, outcomes=measures)
        made = time.perf_counter()
        timed = min(quarters, study.quarters(scenario))
        model.run(timed)
        times.append(made - begun + (time.perf_counter() - made) / timed * study.quarters(scenario))
    return sum(times) / len(times)


def _summary(model: Ecosystem, wanted: Wanted) -> float:
    from ecosim.studies.measures import booked, quarterly

    first = 0 if wanted.quarters is None else -wanted.quarters
    if wanted.summary == "mean" and wanted.measure.startswith("share."):
        part, total = (values[first:].sum() for values in booked(model.recorder, wanted.measure.partition(".")[2]))
        return float(part / total) if total > 0.0 else 0.0
    window = quarterly(model.recorder, wanted.measure)[first:]
    match wanted.summary:
        case "mean":
            return float(window.mean())
        case "sum":
            return float(window.sum())
        case "lowest":
            return float(window.min())
        case "highest":
            return float(window.max())
        case "first":
            return float(window[0])
    return float(window[-1])


def _series(model: Ecosystem, measures: list[str], every: int | None) -> Columns | None:
    from ecosim.studies.measures import quarterly

    if every is None:
        return None
    steps = np.arange(0, len(model.recorder), every)
    return {"step": steps, **{name: quarterly(model.recorder, name)[steps] for name in dict.fromkeys(measures)}}


def _events(model: Ecosystem) -> Columns:
    table = model.happened
    return {name: table[name].to_numpy() for name in table.columns}


def command_of(study: Study, point_row: Mapping[str, Any] | pd.Series, seed: int) -> str:
    """Return the command that repeats the run of a design point and a seed, as one types it into a shell.

    Parameters
    ----------
    point_row : a value for each column of the design.
    """
    scenario, settings = settings_at(study, point_row)
    source = study.scenario_sources[study.scenarios.index(scenario)]
    return run_command(source, seed, settings, study.agents, study.quarters(scenario))


def run_command(
    source: str, seed: int, settings: Mapping[str, Value], agents: Sequence[str], steps: int | None = None
) -> str:
    """Return the command that runs a scenario with settings, as one types it into a shell.

    Parameters
    ----------
    source : shipped name or path of the scenario.
    settings : values by dotted path.
    agents : directories of further role files.
    steps : quarters, the scenario's own unless given.
    """
    words = ["ecosim", "run", source, "--seed", str(seed), *(() if steps is None else ("--steps", str(steps)))]
    for path, value in settings.items():
        words += ["--set", f"{path}={written(value)}"]
    for directory in agents:
        words += ["--agents", directory]
    return shlex.join(words)


def written(value: Value) -> str:
    """Return a value in TOML, which the command line reads back to the same value, bit for bit."""
    if isinstance(value, str):
        plain = re.fullmatch(r"[^\W\d][\w -]*", value) and value not in ("true", "false", "inf", "nan")
        return value if plain else json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else repr(value)
