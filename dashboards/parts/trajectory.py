"""Runs for the player: each is computed once, as one JSON-ready tree, along which the player moves by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ecosim import Ecosystem
from ecosim.parameters import Value
from ecosim.scenario import Scenario, load_scenario
from ecosim.serving import limits
from ecosim.shapes import sentence
from parts.capture import Quarter, brief, capture, captured_from_history
from parts.story import stories, story
from parts.tree import UNITS, shares_of, tree_of, value_by_quarter

__all__ = [
    "UNITS", "Stopped", "Traced", "band", "branch", "changeable", "check_branch", "check_size", "prepared", "run_alone", "run_and_trace", "stories", "story", "trajectory",
]  # fmt: skip

STEPS_LIMIT, ORGANISATIONS_LIMIT = limits.steps, limits.organisations
AT_ONCE = 8  # quarters of a run of which nothing is caught; stopping waits for them
Changes = Mapping[str, Value] | Sequence[tuple[str, Value]]
Branches = Sequence[tuple[int, Changes]]
Later = tuple[tuple[int, dict[str, Value]], ...]


class Stopped(Exception):  # noqa: N818
    """Nobody waits for the run any more."""


@dataclass(frozen=True)
class Traced:
    """A run with all that the player shows of it, and what it takes to run it again.

    Attributes
    ----------
    model : as it stands after the last quarter.
    trajectory : what the player takes.
    quarters : what was kept of each quarter's organisations and ties.
    scenario : the world before any change.
    changes : what was changed before the first quarter, by dotted path.
    branches : what was changed later: the quarter before which, and values by dotted path.
    """

    model: Ecosystem
    trajectory: dict[str, Any]
    quarters: tuple[Quarter, ...]
    scenario: Scenario
    changes: Mapping[str, Value]
    branches: tuple[tuple[int, Mapping[str, Value]], ...]


def run_and_trace(
    scenario: str | Scenario,
    seed: int | None = 1,
    changes: Changes = (),
    branches: Branches = (),
    steps_limit: int = STEPS_LIMIT,
    organisations_limit: int = ORGANISATIONS_LIMIT,
    stopped: Callable[[], bool] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Traced:
    """Run a scenario to its end, quarter by quarter, and return the run with its trajectory.

    Parameters
    ----------
    scenario : name of a shipped scenario, or a `Scenario`.
    changes : values by dotted path that hold from the start.
    branches : further changes, each with the quarter before which it is made.
    steps_limit, organisations_limit : more is refused.
    stopped : asked after each quarter; once it says True, the run is given up.
    progress : called after each quarter with the number done and the number in all.

    Raises
    ------
    ScenarioError : anything that is not as it should be, or larger than the limits.
    Stopped : `stopped` said so.
    """
    start, world, later = prepared(scenario, changes, branches, steps_limit, organisations_limit)
    model = Ecosystem(world, seed=seed, history=False)
    quarters: list[Quarter] = []
    for done in _quarters(model, later, organisations_limit):
        quarters.append(capture(model))
        if stopped is not None and stopped():
            raise Stopped
        if progress is not None:
            progress(done, world.steps)
    tree = tree_of(model, quarters, start, dict(changes))
    tree["branches"] = [[step, dict(values)] for step, values in later]
    return Traced(model, tree, tuple(quarters), start, dict(changes), later)


def branch(
    traced: Traced, step: int, changes: Changes, label: str = "", stopped: Callable[[], bool] | None = None
) -> Traced:
    """Return another future: the same past up to a quarter, the same luck after it, other parameters; the old one is its ghost.

    Changes of earlier branches before that quarter stay, later ones are dropped.

    Raises
    ------
    ScenarioError : a quarter that there is not, or changes that are not as they should be.
    """
    kept = tuple(turn for turn in traced.branches if turn[0] <= step)
    other = run_and_trace(
        traced.scenario, traced.model.seed, traced.changes, (*kept, (step, changes)), stopped=stopped
    )  # fmt: skip
    ghost = {"label": label, "from": step, "value": traced.trajectory["value"]}
    return replace(other, trajectory=other.trajectory | {"ghost": ghost})


def trajectory(model: Ecosystem) -> dict[str, Any]:
    """Return what the player shows of a model that has run, JSON-ready.

    It goes back through the quarters on a branch. A model without history shows its network as it is at the end in all of them;
    `run_and_trace` looks at each while it runs.
    """
    return tree_of(model, captured_from_history(model), model.scenario, {})


def band(
    scenario: str | Scenario,
    changes: Changes = (),
    seeds: Sequence[int] = range(1, 21),
    branches: Branches = (),
    stopped: Callable[[], bool] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Return between which shares of value the middle four fifths of runs with other luck lie, by quarter and beneficiary.

    Returns
    -------
    seeds : how many runs; low, high : quantiles 0.1 and 0.9 of each beneficiary's value in million CNY; share_low,
    share_median, share_high : quantiles 0.1, 0.5 and 0.9 of its share, 0 to 1.

    Raises
    ------
    ScenarioError, Stopped : as in `run_and_trace`.
    """
    _, world, later = prepared(scenario, changes, branches)
    runs: list[Any] = []
    for seed in seeds:
        runs.append(value_by_quarter(run_alone(world, seed, later, stopped)))
        if progress is not None:
            progress(len(runs), len(seeds))
    low, high = np.quantile(np.array(runs), (0.1, 0.9), axis=0)
    share_low, share_median, share_high = np.quantile(
        np.array([shares_of(value) for value in runs]), (0.1, 0.5, 0.9), axis=0
    )
    return {
        "seeds": len(seeds), "range": [0.1, 0.9], "low": brief(low), "high": brief(high),
        "share_low": brief(share_low), "share_median": brief(share_median), "share_high": brief(share_high),
    }  # fmt: skip


def run_alone(world: Scenario, seed: int, later: Later, stopped: Callable[[], bool] | None = None) -> Ecosystem:
    """Return a run of which nothing but its value is wanted; world and later changes are those of `prepared`.

    Raises
    ------
    ScenarioError, Stopped : as in `run_and_trace`.
    """
    model = Ecosystem(world, seed=seed, history=False, outcomes=())
    for _ in _quarters(model, later, ORGANISATIONS_LIMIT, AT_ONCE):
        if stopped is not None and stopped():
            raise Stopped
    return model


def prepared(
    scenario: str | Scenario, changes: Changes, branches: Branches, steps: int = STEPS_LIMIT,
    organisations: int = ORGANISATIONS_LIMIT,
) -> tuple[Scenario, Scenario, Later]:  # fmt: skip
    """Return the scenario, the same with its changes, and later changes in the order of their quarters; all of it checked.

    Raises
    ------
    ScenarioError : anything that is not as it should be, or larger than the limits.
    """
    start = load_scenario(scenario) if isinstance(scenario, str) else scenario
    world = start.with_settings(dict(changes), "change") if changes else start
    check_size(world, steps, organisations)
    later = tuple(sorted(((step, dict(values)) for step, values in branches), key=lambda turn: turn[0]))
    for step, values in later:
        check_branch(world, step, values)
    return start, world, later


def _quarters(model: Ecosystem, later: Later, organisations: int, at_once: int = 1) -> Iterator[int]:
    """Run a model to the end of its scenario, change it on the way, and yield after each few quarters how many are done."""
    waiting = list(later)
    while model.step_number < model.scenario.steps:
        while waiting and waiting[0][0] == model.step_number:
            model.set_many(waiting.pop(0)[1])
        end = waiting[0][0] if waiting else model.scenario.steps
        model.run(min(at_once, end - model.step_number))
        if len(model.rows) > organisations:
            found = f"has grown to {len(model.rows):_} organisations by quarter {model.step_number}"
            remedy = f"lower capacities or growth, {organisations:_} are the most"
            raise sentence(model.scenario.name, (), found, remedy)
        yield model.step_number


def check_size(world: Scenario, steps: int, organisations: int) -> None:
    """Refuse a scenario of more quarters, or more organisations at the start, than this.

    Raises
    ------
    ScenarioError : in a sentence, what there is and what is the most.
    """
    if world.steps > steps:
        raise sentence(world.name, ("steps",), f"is {world.steps:_}", f"{steps:_} are the most here")
    there = sum(int(role["initial"]) for role in world.roles.values())
    there += sum(named.count for named in world.organisations)
    if there > organisations:
        raise sentence(world.name, (), f"starts with {there:_} organisations", f"{organisations:_} are the most here")


def check_branch(world: Scenario, step: int, values: Mapping[str, Value]) -> None:
    """Refuse a change before a quarter that there is not, and values that cannot be changed in a run.

    Raises
    ------
    ScenarioError : in a sentence, what and why.
    """
    if not 0 <= step < world.steps:
        raise sentence("branch", (), f"quarter {step} is not in the run", f"give a quarter from 0 to {world.steps - 1}")
    for path in values:
        if path not in changeable(world) and path in world.grammar.parameters:
            raise sentence("branch", (path,), "counts only at the start", "change it before the first quarter")
    world.with_settings(values, "branch")


def changeable(world: Scenario) -> frozenset[str]:
    """Return the paths of the parameters that can be changed while a run goes on."""
    events: Any = world.grammar.top.entries["events"]
    return frozenset(events.item.entries["set"].entries)
