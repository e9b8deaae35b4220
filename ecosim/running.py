"""Running: how quarters follow one another, in compiled code as long as nothing happens in between."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ecosim import ledger
from ecosim.compilation import is_compiled
from ecosim.futures import Futures
from ecosim.mechanisms.environment import strike
from ecosim.parameters import ScenarioError, nearest
from ecosim.quarter import NO_ROLE, CompiledQuarter
from ecosim.schedule import BEGIN, END, IN_PARTS, QUARTER, Phase
from ecosim.state import INDICES, POLICY, SHOCK

if TYPE_CHECKING:
    from ecosim.model import Ecosystem
    from ecosim.roles import Role

# Organisations times quarters without a return to Python, about a second, so that Ctrl-C is heard.
STRETCH = 100_000


class Running(Futures):
    """Runs quarters: many at once in compiled code, or piece by piece where Python has its say."""

    audit: bool
    profile: bool
    threads: int
    quarter: CompiledQuarter
    _compiled: bool
    embargo: Callable[[float, int], None]
    set_many: Callable[..., None]

    def step(self) -> None:
        """Run one quarter."""
        self._advance(1, counted=True)

    def run(self, steps: int | None = None, progress: Callable[[int, int], None] | None = None) -> Ecosystem:
        """Run some quarters, by default to the end of the scenario; return the model.

        Parameters
        ----------
        steps : quarters to run.
        progress : called after each quarter with the number done and the number in all.
        """
        count = max(0, self.scenario.steps - self.step_number) if steps is None else steps
        own_step = type(self).step is not Running.step  # somebody's subclass does something in each quarter
        done = 0
        while done < count:
            if own_step:
                self.step()
                ran = 1
            else:
                ran = self._advance(1 if progress is not None else count - done, counted=False)
            done += ran
            if progress is not None:
                progress(done, count)
        return cast("Ecosystem", self)

    def _advance(self, most: int, counted: bool) -> int:
        """Run a quarter, or several at once up to `most` if nothing happens in between; return how many.

        Parameters
        ----------
        counted : whether Mesa has counted the step, as it does when `step` is called.
        """
        changed = self.scenario is not self._left_as
        if self.history and self._history.wants(self.step_number, changed):
            self._history.keep(self.step_number, self.snapshot(), changed)
        alone = self._undisturbed()
        quarters = max(1, min(most, alone, STRETCH // max(1, len(self.rows))))
        self.recorder.room_for(quarters)
        if not counted:
            self.steps += quarters
        if alone > 0:
            self._run_compiled(0, len(self.quarter.compiled), quarters)
        else:
            self._run_piece_by_piece()
        self.step_number += quarters
        self.running = self.step_number < self.scenario.steps
        self._end_quarter()
        return quarters

    def _undisturbed(self) -> int:
        """How many quarters from the present one on can run without a word from Python."""
        if self.audit or self.profile or self.threads > 1 or not self._compiled or self.schedule != list(QUARTER):
            return 0
        quarters = self._history.spacing - self.step_number % self._history.spacing if self.history else sys.maxsize
        for number, event in enumerate(self.scenario.events):
            if number not in self.fired:
                due = event.step if event.step is not None else event.earliest or 0
                if event.step is None or due >= self.step_number:
                    quarters = min(quarters, max(0, due - self.step_number))
        return quarters

    def _run_compiled(self, first: int, last: int, quarters: int = 1) -> None:
        """Run a stretch of compiled pieces, or whole quarters, and enlarge the tables that turn out too small."""
        step, piece = self.step_number, first
        own = self._own_numbers()
        while step < self.step_number + quarters and piece < last:
            left, before = self.step_number + quarters - step, (step, piece)
            step, piece = self.quarter.advance(self.state, self.numbers, own, self.seed, step, piece, last, left)
            if not self.enlarge() and (step, piece) == before:
                raise RuntimeError("a rule stopped without being short of anything")
            self.report_ceilings()  # of a quarter that ended, since the run stops there

    def _own_numbers(self) -> tuple[Any, ...]:
        """The parameters that only each role has, by role."""
        return tuple(self.role_parameters.values())

    def _run_piece_by_piece(self) -> None:
        """Run one quarter in which Python has its say: events, phases, rules and methods of a user's own, the audit, the clock."""
        seekers = self.environment.seekers
        opening = ledger.opening(self.organisations, self.books, seekers[0]) if self.audit else None
        waiting: list[int] = []  # compiled pieces that follow one another
        # Before the clock of the first phase runs: machine code that is read, or made, is no time of a phase.
        self.quarter.find_rules(self.state, self.numbers, self._own_numbers(), self.seed, self.step_number)

        def run_waiting() -> None:
            if waiting:
                self._run_compiled(waiting[0], waiting[-1] + 1)
            waiting.clear()

        for phase in (BEGIN, *self.schedule, END):
            begun = time.perf_counter()
            for piece in self._pieces(phase):
                if not isinstance(piece, int) or (waiting and piece != waiting[-1] + 1):
                    run_waiting()
                if isinstance(piece, int):
                    waiting.append(piece)
                else:
                    piece()
            if self.profile:
                run_waiting()
                self.seconds[phase.name] = self.seconds.get(phase.name, 0.0) + time.perf_counter() - begun
        run_waiting()
        if opening is not None:
            ledger.audit(opening, self.organisations, self.books, self.environment.seekers[0], self.step_number)

    def _pieces(self, phase: Phase) -> Iterator[int | Callable[[], None]]:
        """Yield what a phase is made of: numbers of compiled pieces, and functions for all else."""
        on = phase.switch is None or self.rules[phase.switch]
        pieces = self.quarter.of(phase)
        if not pieces:
            yield functools.partial(self._run, phase.rules[0])
        for piece in pieces:
            if piece.role == NO_ROLE and piece.rule in phase.rules:
                part = IN_PARTS.get(piece.rule) if self.threads > 1 else None
                if part is None:
                    yield piece.number
                elif on:
                    yield functools.partial(self._run_in_parts, part)
        for role in self.roles.values():
            for piece in pieces:
                if piece.role == role.index and piece.number >= 0:
                    yield piece.number
                elif piece.role == role.index and on:
                    yield functools.partial(self._act_by_rule, role, piece.rule)
            if on and role.acts_in(phase.name):
                yield functools.partial(self._act_by_member, role, phase.name)
        yield from (piece.number for piece in pieces if piece.role == NO_ROLE and piece.rule in phase.then)
        if phase is BEGIN:
            yield self._happen

    def _run_in_parts(self, rule: Callable[..., None]) -> None:
        """Run a rule on as many parts of the organisations as there are threads, all at the same time."""
        state, parts = self.state, np.array_split(self.rows, self.threads)
        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(lambda rows: rule(state, self.numbers, rows, self.seed, self.step_number), parts))

    def _run(self, rule: Callable[..., Any]) -> None:
        """Run a user's own phase."""
        if is_compiled(rule):
            self.follow(rule)
        else:
            rule(self)

    def _act_by_rule(self, role: Role, rule: Callable[..., Any]) -> None:
        """Let a role follow a rule of its own that is a function of the model."""
        rule(self, self.order_of(role.index), self.role_parameters[role.name])

    def _act_by_member(self, role: Role, phase: str) -> None:
        """Let each member of a role do what its method for a phase says."""
        for member in [self.view(int(row)) for row in self.order_of(role.index)]:
            if member.alive:  # another may have removed it
                getattr(member, phase)()

    def insert_phase(
        self, rule: Callable[[Ecosystem], None], after: str | None = None, name: str | None = None
    ) -> None:
        """Put a phase of your own, a function of the model, behind a phase of the schedule, or in front of all.

        Raises
        ------
        ScenarioError : there is no phase of the name given by `after`, or there is one of the same name.
        """
        names = [phase.name for phase in self.schedule]
        own = name or str(getattr(rule, "__name__", type(rule).__name__))
        if after is not None and after not in names:
            raise ScenarioError(f"insert_phase: there is no phase '{after}'; {nearest(after, names)}")
        if own in names:
            raise ScenarioError(f"insert_phase: there is a phase '{own}' already; give another name")
        phase = Phase(own, (rule,), None, "what its author chose", "user")
        self.schedule.insert(names.index(after) + 1 if after is not None else 0, phase)

    def _happen(self) -> None:
        """Let the events of the scenario happen whose date has come or whose condition holds."""
        for number, event in enumerate(self.scenario.events):
            due = event.step == self.step_number
            if event.when is not None and self.step_number > 0 and self.step_number >= event.earliest:
                due = event.when.holds(self.recorder.last[event.when.metric])
            if not due or number in self.fired:
                continue
            self.fired.add(number)
            self.recorder.room_for_events(1)
            if event.set:
                self.set_many(event.set)
                ledger.note_event(self.events, POLICY, -1, -1, float(number))
            if event.shock is not None:
                strike(self.environment, INDICES.index(event.shock.index), event.shock.size, event.shock.quarters)
                ledger.note_event(self.events, SHOCK, -1, -1, event.shock.size)
            if event.embargo is not None:
                self.embargo(event.embargo.depth, event.embargo.quarters)
            if event.enter is not None:
                self.enter(self.roles[event.enter.role].index, event.enter.count, event.enter.kind)
