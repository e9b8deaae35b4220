"""The model: runs the schedule of a quarter over a world, and hands out the results."""

from __future__ import annotations

import functools
import secrets
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim import ledger
from ecosim.compilation import is_compiled
from ecosim.futures import Futures
from ecosim.grammar import EMBARGO
from ecosim.history import History
from ecosim.mechanisms.entrants import enter_dated
from ecosim.mechanisms.environment import strike
from ecosim.mechanisms.foreign_supply import cut_supply
from ecosim.mechanisms.partner_search import begin
from ecosim.mechanisms.readings import symbiosis_table
from ecosim.mechanisms.turnover import depart
from ecosim.outcome_table import NAMES
from ecosim.parameters import ScenarioError, Value, nearest
from ecosim.quarter import NO_ROLE, compiled_quarter
from ecosim.roles import Role, read_roles
from ecosim.scenario import Scenario, load_scenario, scenario_from_dict
from ecosim.schedule import BEGIN, END, IN_PARTS, QUARTER, Phase
from ecosim.shapes import accepted
from ecosim.state import INDICES, POLICY, SHOCK, SUPPLY_CUT

if TYPE_CHECKING:
    import pandas as pd


class Ecosystem(Futures):
    """An innovation ecosystem: a Mesa model whose state is columns.

    Parameters
    ----------
    scenario : name of a shipped scenario, path of a file, or a `Scenario`.
    seed : 0 <= seed < 2**63; None takes a new one, which `model.seed` tells.
    rng : the same, by the name that newer versions of Mesa use.
    agents : directories of further role files.
    history : keep snapshots of the quarters, so that `rewind` and `branch` reach back; at most `HISTORY_BYTES` of them.
    audit : check every invariant of the ledger after each quarter.
    profile : measure how long each phase takes, in `seconds`; costs a little.
    outcomes : names of the outcomes to measure each quarter, all unless given; few cost less in a large ecosystem.
    threads : how many threads share the work of a quarter where it can be shared; the results are the same. Worth it for
        hundreds of thousands of organisations only; many runs gain more by running side by side.
    kwargs : values of parameters by dotted path, such as ``**{"roles.firm.capacity": 30}``; a double underscore
        stands for a dot where Python wants a plain name: ``roles__firm__capacity=30``.

    Raises
    ------
    ScenarioError : anything in scenario or parameters that is not as it should be.
    """

    def __init__(
        self,
        scenario: str | Path | Scenario = "classroom",
        seed: int | None = None,
        *,
        rng: int | None = None,
        agents: Sequence[str | Path] = (),
        history: bool = True,
        audit: bool = False,
        profile: bool = False,
        outcomes: Collection[str] | None = None,
        threads: int = 1,
        **kwargs: Value,  # under another name, SolaraViz would refuse parameters
    ) -> None:
        authored = set(vars(self))
        if seed is not None and rng is not None:
            raise ScenarioError(f"seed is {seed!r} and rng is {rng!r}; give one of them")
        self.seed = _checked_seed(rng if seed is None else seed)
        super().__init__(seed=self.seed)
        self.roles: dict[str, Role] = dict(read_roles(*agents))
        self.role_names = tuple(self.roles)
        world = scenario if isinstance(scenario, Scenario) else load_scenario(scenario, self.roles)
        if set(world.roles) != set(self.roles):
            world = scenario_from_dict(world.as_dict(), self.roles, world.name)
        if kwargs:
            world = world.with_settings({name.replace("__", "."): value for name, value in kwargs.items()})
        self.schedule: list[Phase] = list(QUARTER)
        self.audit = audit
        self.history = history
        self.warnings: list[str] = []
        if threads < 1:
            raise ScenarioError(f"threads is {threads!r}; give a whole number from 1")
        self.profile, self.threads = profile, threads
        self.seconds: dict[str, float] = {}
        self._history = History(self.HISTORY_BYTES)
        self._views, self._views_key = {}, None
        self.quarter = compiled_quarter(self.roles)
        methods = any(role.acts_in(phase.name) for role in self.roles.values() for phase in QUARTER)
        self._compiled = not methods and all(piece.number >= 0 for piece in self.quarter.pieces)
        self._wanted = _checked_outcomes(outcomes, world)
        self._apply(world)
        self._build()
        if self.rules["symbiosis"]:
            begin(self)
        self.recorder.forget_untold()
        self._end_quarter()
        self._ours = frozenset(vars(self)) - authored

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
        own_step = type(self).step is not Ecosystem.step  # somebody's subclass does something in each quarter
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
        return self

    def _advance(self, most: int, counted: bool) -> int:
        """Run a quarter, or several at once up to `most` if nothing happens in between; return how many.

        Parameters
        ----------
        counted : whether Mesa has counted the step, as it does when `step` is called.
        """
        changed = self.scenario is not self._left_as
        if self.history and self._history.wants(self.step_number, changed):
            self._history.keep(self.step_number, self.snapshot(), changed)
        quarters = max(1, min(most, self._undisturbed()))
        self.recorder.room_for(quarters)
        if not counted:
            self.steps += quarters
        if self._undisturbed() > 0:
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
        own = tuple(self.role_parameters.values())
        while step < self.step_number + quarters and piece < last:
            left = self.step_number + quarters - step
            step, piece = self.quarter.advance(self.state, self.numbers, own, self.seed, step, piece, last, left)
            self.enlarge()
            self.report_ceilings()  # of a quarter that ended, since the run stops there

    def _run_piece_by_piece(self) -> None:
        """Run one quarter in which Python has its say: events, phases, rules and methods of a user's own, the audit, the clock."""
        seekers = self.environment.seekers
        opening = ledger.opening(self.organisations, self.books, seekers[0]) if self.audit else None
        waiting: list[int] = []  # compiled pieces that follow one another

        def run_waiting() -> None:
            if waiting:
                self._run_compiled(waiting[0], waiting[-1] + 1)
            waiting.clear()

        for phase in (BEGIN, *self.schedule, END):
            begun = time.perf_counter()
            for piece in self._pieces(phase):
                if not isinstance(piece, int):
                    run_waiting()
                    piece()
                elif waiting and piece != waiting[-1] + 1:
                    run_waiting()
                    waiting.append(piece)
                else:
                    waiting.append(piece)
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
        """Let what the scenario dates, or makes conditional, happen at the start of a quarter."""
        if self.step_number > 0:
            self.follow(enter_dated)
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

    def embargo(self, depth: float, quarters: int) -> None:
        """Cut supplies from abroad from the next quarter on, in place of any embargo that lasts.

        Parameters
        ----------
        depth : part of what comes from abroad that is cut, 0 to 1; 0 lifts an embargo.
        quarters : how long, a whole number from 1.

        Raises
        ------
        ScenarioError : a depth or a number of quarters that is not so; nothing is changed.
        """
        for name, value in (("depth", depth), ("quarters", quarters)):
            record = EMBARGO[name]
            if accepted(record, value.item() if isinstance(value, np.generic) else value) is None:
                whole = "whole number" if name == "quarters" else "number"
                raise ScenarioError(
                    f"embargo: {name} is {value!r}; give a {whole} from {record.low:g} to {record.high:g}"
                )
        self.recorder.room_for_events(1)
        cut_supply(self.environment, float(depth), int(quarters))
        ledger.note_event(self.events, SUPPLY_CUT, -1, -1, float(depth))

    def set(self, path: str, value: Value) -> None:
        """Change a parameter or a switch from now on.

        Raises
        ------
        ScenarioError : an unknown path or a value out of range; nothing is changed.
        """
        self.set_many({path: value})

    def set_many(self, values: Mapping[str, Value]) -> None:
        """Change several parameters from now on."""
        self._apply(self.scenario.with_settings(values, "set"))

    def remove_organisation(self, row: int) -> None:
        """Let an organisation leave now: its ties end and its accounts are settled through the ledger."""
        self.make_room(events=1 + 2 * int(self.organisations.degree[row]))  # its ties end, and may leave loans unpaid
        depart(self.state, np.array([row]), self.parameters["turnover"].patience, self.step_number)

    @property
    def metrics(self) -> pd.DataFrame:
        """A row a step: step, year, quarter, stage and every outcome."""
        return self.recorder.metrics()

    @property
    def value(self) -> pd.DataFrame:
        """Value booked: step, stage, beneficiary, kind, value in million CNY."""
        return self.recorder.value()

    @property
    def by_role(self) -> pd.DataFrame:
        """A row a step and role."""
        return self.recorder.roles()

    @property
    def flows(self) -> pd.DataFrame:
        """Resources moved: step, element, channel, source, target, volume."""
        return self.recorder.flows()

    @property
    def happened(self) -> pd.DataFrame:
        """Events: step, event, subject, object, detail."""
        return self.recorder.happened(self.names, tuple(component.name for component in self.scenario.components))

    def symbiosis(self) -> pd.DataFrame:
        """Return a row a pair of roles: role, other, effect on either side, and its reading, such as mutualism."""
        return symbiosis_table(self)

    def value_shares(self, by: str = "stage") -> pd.DataFrame:
        """Return each beneficiary's share of value, a row a stage (in order of appearance) or a row a step; rows sum to 1.

        Parameters
        ----------
        by : "stage" or "step".
        """
        table = self.value.pivot_table(index=by, columns="beneficiary", values="value", aggfunc="sum", sort=False)
        shares = table[list(self.recorder.beneficiaries)]
        return shares.div(shares.sum(axis=1), axis=0).fillna(0.0)


def _checked_outcomes(outcomes: Collection[str] | None, world: Scenario) -> Collection[str]:
    """Return the outcomes to measure, with those that events of the scenario wait for."""
    if outcomes is None:
        return NAMES
    for name in outcomes:
        if name not in NAMES:
            raise ScenarioError(f"outcomes: there is no outcome '{name}'; {nearest(name, NAMES)}")
    return {*outcomes, *(event.when.metric for event in world.events if event.when is not None)}


def _checked_seed(seed: int | None) -> int:
    if seed is None:
        return secrets.randbits(31)
    whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    if not whole or not 0 <= int(seed) < 2**63:
        raise ScenarioError(f"seed is {seed!r}; valid is a whole number from 0 to 2**63 - 1")
    return int(seed)
