"""Running a lesson: its futures under the same twenty seeds, and what is read from them."""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from ecosim import Ecosystem
from ecosim.outcome_table import NAMES
from ecosim.scenario import Scenario
from parts.lesson import DIRECTIONS, Future, Lesson, Measure
from parts.paired import QUANTILES
from parts.trajectory import Stopped, Traced, run_and_trace

SEEDS = tuple(range(1, 21))
_found: dict[str, Found] = {}
_tracing = threading.Lock()
_working: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


@dataclass(frozen=True, eq=False)
class Found:
    """What came out of a lesson's runs.

    Attributes
    ----------
    values : (measures, futures, seeds); not a number where a year was never reached.
    number : the statistic that the prediction is about.
    half : half its 95 % interval over the seeds, None where there is none.
    reading : a direction, a shape, the choice that is right, or "number".
    """

    values: Any
    number: float
    half: float | None
    reading: str


def run(lesson: Lesson, progress: Callable[[int, int], None], stopped: Callable[[], bool]) -> Found:
    """Run all futures of a lesson under all seeds, once for everybody who asks for it.

    Parameters
    ----------
    progress : called with the number of runs done, and of all.
    stopped : asked before each run.

    Raises
    ------
    Stopped : `stopped` said so.
    """
    with _working[lesson.key]:
        if lesson.key not in _found:
            _found[lesson.key] = judged(lesson, values_of(lesson, SEEDS, progress, stopped))
        return _found[lesson.key]


def values_of(
    lesson: Lesson, seeds: Sequence[int], progress: Callable[[int, int], None], stopped: Callable[[], bool]
) -> Any:
    """Return what is measured in each run, (measures, futures, seeds); parameters and errors are those of `run`."""
    values = np.zeros((len(lesson.measures), len(lesson.futures), len(seeds)))
    done, total = 0, len(lesson.futures) * len(seeds)
    for position, future in enumerate(lesson.futures):
        world = future.world(lesson.scenario)
        for column, seed in enumerate(seeds):
            if stopped():
                raise Stopped
            model = run_future(world, future, seed)
            values[:, position, column] = [measured(measure, model) for measure in lesson.measures]
            done += 1
            progress(done, total)
    return values


def run_future(world: Scenario, future: Future, seed: int) -> Ecosystem:
    """Return a future that has run to its end."""
    start = world if future.step else world.with_settings(future.changes, "change") if future.changes else world
    model = Ecosystem(start, seed=seed, history=False)
    if future.step:
        model.run(future.step)
        model.set_many(future.changes)
    return model.run(world.steps - model.step_number)


def measured(measure: Measure, model: Ecosystem) -> float:
    """Return one number of a run."""
    recorder = model.recorder
    window = slice(measure.begin, measure.end)
    if measure.kind == "share":
        value = recorder.record.value[: len(recorder)][window].sum(axis=(0, 2))
        return float(100.0 * value[recorder.beneficiaries.index(measure.of)] / value.sum())
    outcome = recorder.record.metrics[: len(recorder), NAMES.index(measure.of)][window]
    if measure.kind == "mean":
        return float(measure.times * outcome.mean())
    reached = np.flatnonzero(outcome >= measure.level)
    if measure.kind == "reached":
        return float(len(reached) > 0)
    return float(recorder.start_year + (measure.begin + reached[0]) // 4) if len(reached) else math.nan


def judged(lesson: Lesson, values: Any) -> Found:
    """Return what is read from the values of `values_of`."""
    asked = values[0]
    half: float | None = None
    if lesson.statistic == "shape":
        number, reading = float(asked.mean(axis=1).argmax()), shape(asked)
        return Found(values, number, None, reading)
    if lesson.statistic == "difference":
        number, half = paired(asked[1] - asked[0])
    elif lesson.statistic == "relative":
        number, half = paired(100.0 * (asked[1] / asked[0] - 1.0))
    elif lesson.statistic == "luck":
        number = luck(asked)
    elif lesson.statistic == "median":
        reached = asked[lesson.future][~np.isnan(asked[lesson.future])]
        number = float(np.median(reached)) if len(reached) else math.nan
    else:
        number = float(asked[lesson.future].sum())
    return Found(values, number, half, _reading(lesson, number, half))


def _reading(lesson: Lesson, number: float, half: float | None) -> str:
    if not lesson.choices:
        return "number"
    if {choice.name for choice in lesson.choices} == set(DIRECTIONS):
        return _direction(number, half or 0.0)
    return next(choice.name for choice in lesson.choices if choice.low <= number < choice.high)


def _direction(mean: float, half: float) -> str:
    if abs(mean) <= half:
        return "same"
    return "more" if mean > 0.0 else "less"


def against_paper(lesson: Lesson, found: Found) -> str:
    """Return "agrees", "contradicts" or "not shown": what came out, against what the paper says."""
    if lesson.paper_measure is None:
        return lesson.against_paper(found.reading, found.number)
    first, second = found.values[lesson.paper_measure, :2]
    mean, half = paired(second - first)
    return lesson.against_paper(_direction(mean, half), mean)


def paired(differences: Any) -> tuple[float, float]:
    """Return the mean of paired differences, and half its 95 % interval by Student's t."""
    count = len(differences)
    return float(differences.mean()), float(QUANTILES[count] * differences.std(ddof=1) / math.sqrt(count))


def luck(pair: Any) -> float:
    """Return how many times more a difference of two futures scatters when each has luck of its own.

    Parameters
    ----------
    pair : (2, seeds), one number of each run.
    """
    first, second = pair
    own = (second[None, :] - first[:, None])[~np.eye(len(first), dtype=bool)]
    return float(own.std(ddof=1) / (second - first).std(ddof=1))


def shape(levels: Any) -> str:
    """Return how a number goes with the level of a knob, (levels, seeds): what cannot be told from luck counts as alike.

    An inverted U needs a level that beats both ends of the range by more than the 95 % interval of the paired difference.
    """
    best = int(levels.mean(axis=1).argmax())
    above_first, above_last = (_beats(levels[best], levels[end]) for end in (0, -1))
    if above_first and above_last:
        return "inverted U"
    if above_first:
        return "rises" if _beats(levels[-1], levels[len(levels) // 2]) else "levels off"
    return "falls" if above_last else "flat"


def _beats(one: Any, other: Any) -> bool:
    mean, half = paired(one - other)
    return mean > half


def verdict(lesson: Lesson, found: Found, prediction: Any) -> str:
    """Return "right" or "wrong" for a choice, "near", "low" or "high" for a number, "never" if there is none."""
    if lesson.choices:
        return "right" if prediction == found.reading else "wrong"
    if math.isnan(found.number):
        return "never"
    distance = float(prediction) - found.number
    if abs(distance) <= lesson.tolerance:
        return "near"
    return "high" if distance > 0.0 else "low"


def traced(lesson: Lesson, position: int, seed: int) -> Traced:
    """Return one future of a lesson under one seed, for the player; a class that asks for the same has it run once."""
    with _tracing:
        return _traced(lesson, position, seed)


@lru_cache(maxsize=12)
def _traced(lesson: Lesson, position: int, seed: int) -> Traced:
    future = lesson.futures[position]
    world = future.world(lesson.scenario)
    if future.step:
        return run_and_trace(world, seed, {}, [(future.step, future.changes)])
    return run_and_trace(world, seed, future.changes)


def shown(lesson: Lesson, position: int, seed: int, label: str) -> Traced:
    """Return a future with the first one behind it as a ghost."""
    run = traced(lesson, position, seed)
    if not position:
        return run
    ghost = {
        "label": label,
        "from": lesson.futures[position].step,
        "value": traced(lesson, 0, seed).trajectory["value"],
    }
    return replace(run, trajectory=run.trajectory | {"ghost": ghost})
