"""What one visitor looks at: the language, the order of the live page, and the run that it asks for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import solara
import solara.lab

from ecosim import ScenarioError
from ecosim.parameters import Value
from ecosim.runs import OutputError
from ecosim.scenario import Scenario
from ecosim.scenario_file import shipped_scenarios
from ecosim.serving import limits
from parts.exchange import read_upload
from parts.link import shipped
from parts.trajectory import Stopped, Traced, run_and_trace

Changes = tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class Order:
    """A future that a visitor asks for; equal orders give equal runs.

    Attributes
    ----------
    scenario : name of a shipped scenario, or of an upload.
    seed : the luck.
    changes : path and value of each parameter that differs from the scenario from the start.
    branches : step, and the changes that hold from that step on, in order of the steps.
    text : the TOML of an upload; empty for a shipped scenario.
    """

    scenario: str = "classroom"
    seed: int = 1
    changes: Changes = ()
    branches: tuple[tuple[int, Changes], ...] = ()
    text: str = ""

    def changed(self, path: str, value: Value | None) -> Order:
        """Return the order with a parameter at another value, from the last branch on if there is one; None undoes it."""
        if not self.branches:
            return replace(self, changes=_with(self.changes, path, value))
        *earlier, (step, changes) = self.branches
        return replace(self, branches=(*earlier, (step, _with(changes, path, value))))

    def branched(self, step: int) -> Order:
        """Return the order with a branch at a step; branches at it or after it are forgotten."""
        return replace(self, branches=(*(branch for branch in self.branches if branch[0] < step), (step, ())))


def _with(changes: Changes, path: str, value: Value | None) -> Changes:
    values: dict[str, Value | None] = {**dict(changes), path: value}
    return tuple(sorted((name, kept) for name, kept in values.items() if kept is not None))


language: solara.Reactive[str] = solara.reactive("en")
order: solara.Reactive[Order] = solara.reactive(Order())


def start_of(wanted: Order) -> Scenario:
    """Return the scenario of an order before any change.

    Raises
    ------
    ScenarioError : an unknown scenario, or an upload that is not as it should be.
    """
    if wanted.text:
        return read_upload(wanted.scenario, wanted.text.encode())
    if wanted.scenario in shipped_scenarios():
        return shipped(wanted.scenario)
    names = ", ".join(shipped_scenarios())
    raise ScenarioError(f"there is no scenario '{wanted.scenario[:60]}' here; there are {names}")


def sentence_of(exception: BaseException) -> str:
    """Return what went wrong in one sentence that a visitor can use."""
    if isinstance(exception, (ScenarioError, ValueError, OutputError)):
        return " ".join(str(exception).split())
    return f"{type(exception).__name__}: this should not have happened; the server's log says more"


def trouble_of(task: Any) -> str:
    """Return what went wrong in a task: its value, if that is a sentence, or what its error says; empty if nothing did."""
    if task.error:
        return sentence_of(task.exception)
    return task.value if isinstance(task.value, str) else ""


@dataclass(frozen=True, eq=False)
class Future:
    """What came of an order: the traced run, or a sentence about what is wrong with the order."""

    order: Order
    traced: Traced | None
    wrong: str = ""


def future_of(wanted: Order, stopped: Callable[[], bool] = lambda: False) -> Future | None:
    """Return what comes of an order, or None if it was stopped."""
    try:
        return Future(wanted, traced_of(wanted, stopped))
    except Stopped:
        return None
    except (ScenarioError, ValueError) as error:
        return Future(wanted, None, sentence_of(error))


def traced_of(wanted: Order, stopped: Callable[[], bool] = lambda: False) -> Traced:
    """Return the run that an order asks for, within the limits of this server.

    Raises
    ------
    ScenarioError : anything wrong in the order.
    Stopped : nobody waits any more.
    """
    return run_and_trace(
        start_of(wanted), wanted.seed, wanted.changes, wanted.branches, stopped=limits.watched(stopped)
    )


def use_background(work: Callable[[Callable[[], bool]], Any], dependencies: list[Any]) -> Any:
    """Run `work(stopped)` in a thread and return its task; `stopped()` turns true when nobody waits for it any more.

    That is so when the dependencies change, when the page is left and when the tab is closed.
    """
    stop = solara.use_memo(threading.Event, dependencies)

    def leave() -> Callable[[], None]:
        return stop.set

    solara.use_effect(leave, dependencies)
    return solara.lab.use_task(lambda: work(stop.is_set), dependencies=dependencies, raise_error=False)


def use_trajectory(wanted: Order) -> Any:
    """Return the task whose value is the `Future` of an order, computed in the background; a newer order cancels it."""
    return use_background(lambda stopped: future_of(wanted, stopped), [wanted])
