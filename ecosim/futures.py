"""Other futures: snapshots of the whole state, going back, and branching with the same luck."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

import mesa

from ecosim.collector import Collector
from ecosim.columns import copy_table
from ecosim.history import History, bytes_of, same_quarter
from ecosim.organisation import INTO
from ecosim.scenario import Scenario
from ecosim.views import Views

if TYPE_CHECKING:
    from ecosim.model import Ecosystem
    from ecosim.schedule import Phase


class Futures(Views):
    """Keeps snapshots of the quarters that were run and makes other futures of them."""

    HISTORY_BYTES: ClassVar[int] = 200_000_000

    history: bool
    schedule: list[Phase]
    seconds: dict[str, float]
    step_number: int
    steps: int
    run: Callable[..., Ecosystem]
    _history: History
    _left_as: Scenario
    _ours: frozenset[str]

    _TABLES = (
        "organisations", "slots", "ties", "tie_slots", "projects", "project_slots", "project_counts", "platforms", "platform_slots",
        "memberships", "membership_slots", "environment", "books", "technology", "reading", "named",
    )  # fmt: skip

    def snapshot(self) -> dict[str, Any]:
        """Return a copy of the whole state between two quarters."""
        self._forget_departed()
        tables: dict[str, Any] = {name: copy_table(getattr(self, name)) for name in self._TABLES}
        tables["untold"] = self.recorder.untold()
        remembered = {uid: own for uid, view in self._views.items() if (own := view.remembered())}
        return tables | {
            "bytes": sum(map(bytes_of, tables.values())),
            "serials": self.serials.copy(), "stopped": self.stopped.copy(), "fired": set(self.fired),
            "scenario": self.scenario,
            "left_as": self._left_as, "step_number": self.step_number, "warnings": list(self.warnings),
            "random": (self.random.getstate(), self.rng.bit_generator.state),
            "remembered": copy.deepcopy(remembered, {INTO: self}),
        }  # fmt: skip

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Put a snapshot's state in place of the present one; quarters recorded after it are forgotten."""
        for name in self._TABLES:
            setattr(self, name, copy_table(snapshot[name]))
        self.serials, self.stopped = snapshot["serials"].copy(), snapshot["stopped"].copy()
        self.fired = set(snapshot["fired"])
        self.warnings = list(snapshot["warnings"])
        self.steps = self.step_number = snapshot["step_number"]
        self._apply(snapshot["scenario"])
        self._left_as = snapshot["left_as"]
        self.recorder.truncate(self.step_number)
        self.recorder.tell(snapshot["untold"])
        self._history.forget_after(self.step_number)
        self._cached.clear()
        self.running = self.step_number < self.scenario.steps
        self.random.setstate(snapshot["random"][0])
        self.rng.bit_generator.state = snapshot["random"][1]
        self._views_key = None
        self._forget_departed()
        for view in self._views.values():
            view.forget()
        for uid, own in copy.deepcopy(snapshot["remembered"], {INTO: self}).items():
            vars(self.view(self.row_of(uid))).update(own)

    def rewind(self, step: int) -> None:
        """Go back to the start of a quarter that was run; what comes after it is forgotten.

        Of a long run only every second, fourth, ... snapshot is kept (`HISTORY_BYTES`). Then a branch runs the quarters
        from the nearest kept one on again, and they are compared with what was recorded: the state is the one that was.
        Restored are the model, what members remember and Mesa's two generators, not what you keep elsewhere: attributes
        of your own, a data collector of your own, the schedule.

        Raises
        ------
        ValueError : a quarter that was not run, or of which no snapshot is kept; the model stays as it is.
        """
        if step == self.step_number:
            return
        kept = self._history.nearest(step) if 0 <= step < self.step_number else None
        if kept is None:
            reach = (
                f"steps 0 to {self.step_number} can be reached" if self.history else "history=False keeps no snapshots"
            )
            raise ValueError(f"cannot rewind to step {step}: {reach}")
        if kept == step:
            self.restore(self._history.kept[step])
            return
        again = self.branch()
        again.restore(self._history.kept[kept])
        again.run(step - kept)
        if not all(map(same_quarter, again.recorder.quarters[kept:], self.recorder.quarters[kept:step])):
            raise ValueError(
                f"cannot rewind to step {step}: the model was changed by hand after step {kept}, which cannot be "
                f"played again; kept are the steps {', '.join(map(str, sorted(self._history.kept)))}"
            )
        self.restore(again.snapshot())

    def branch(self, step: int | None = None) -> Ecosystem:
        """Return another future: a model of its own with the same past up to a quarter, and the same luck after it.

        Attributes of your own, a data collector of your own and phases of your own come along as copies.

        Parameters
        ----------
        step : the quarter to branch at; the present one unless given.

        Raises
        ------
        ValueError : a quarter that was not run, or of which no snapshot is kept.
        """
        other = cast("Ecosystem", copy.copy(self))
        vars(other).pop("step")  # Mesa's wrapper around this model's step
        mesa.Model.__init__(other, seed=self.seed)
        other.seconds = {}
        other.recorder = self.recorder.copied()
        other._history = self._history.copied()
        other._cached, other._views = {}, {}
        # What rules write into and no snapshot needs; all else that they write into is made anew from the snapshot.
        other.ranked, other.short = copy_table(self.ranked), self.short.copy()
        other.restore(self.snapshot())
        ours: dict[int, Any] = {id(self): other, id(self.random): other.random, id(self.rng): other.rng, INTO: other}
        built_in = isinstance(self.datacollector, Collector)
        other.datacollector = Collector(other.recorder) if built_in else copy.deepcopy(self.datacollector, ours)
        other.schedule = copy.deepcopy(self.schedule, ours)
        for name in vars(self).keys() - self._ours:
            setattr(other, name, copy.deepcopy(vars(self)[name], ours))
        if step is not None:
            other.rewind(step)
        return other

    def __deepcopy__(self, memo: dict[Any, Any]) -> Ecosystem:
        return self.branch()

    def _end_quarter(self) -> None:
        """Remember where the quarter ended, so that what is done by hand before the next one can be told apart."""
        self._left_as = self.scenario
        if len(self._views) > len(self.rows):
            self._forget_departed()
