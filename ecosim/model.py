"""The model: builds the state of a scenario, runs the schedule, hands out agents, keeps and restores snapshots."""

from __future__ import annotations

import copy
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import mesa
import numpy as np

from ecosim import ledger
from ecosim.collector import Collector
from ecosim.columns import copy_table, ensure_room, make_slots, make_table
from ecosim.draws import ACTIVATION, shuffled
from ecosim.history import History, bytes_of, same_quarter
from ecosim.mechanisms.breakthrough import make_technology
from ecosim.mechanisms.environment import make_environment, observe, strike
from ecosim.mechanisms.orchestration import open_accounts
from ecosim.mechanisms.stages import make_reading
from ecosim.mechanisms.symbiosis import begin, new_tie
from ecosim.mechanisms.turnover import ENDOWMENTS, place_many, remove
from ecosim.organisation import INTO
from ecosim.parameters import ScenarioError, Value, nearest
from ecosim.record import Recorder
from ecosim.roles import Role, read_roles
from ecosim.scenario import Scenario, load_scenario, scenario_from_dict
from ecosim.schedule import QUARTER, Phase
from ecosim.state import (
    INDICES,
    INTERFACES,
    MODES,
    POLICY,
    SHOCK,
    UNBOUNDED_GROWTH,
    Events,
    Organisations,
    Ties,
)

if TYPE_CHECKING:
    import pandas as pd
    from mesa.agent import AgentSet

    from ecosim.organisation import Organisation

Rows = np.ndarray[Any, Any]


class Ecosystem(mesa.Model):
    """An innovation ecosystem: a Mesa model whose state is columns.

    Parameters
    ----------
    scenario : name of a shipped scenario, path of a file, or a `Scenario`.
    seed : 0 <= seed < 2**63; None takes a new one, which `model.seed` tells.
    rng : the same, by the name that newer versions of Mesa use.
    agents : directories of further role files.
    history : keep snapshots of the quarters, so that `rewind` and `branch` reach back; at most `HISTORY_BYTES` of them.
    audit : check every invariant of the ledger after each quarter.
    kwargs : values of parameters by dotted path, such as ``**{"roles.firm.capacity": 30}``; a double underscore
        stands for a dot where Python wants a plain name: ``roles__firm__capacity=30``.

    Raises
    ------
    ScenarioError : anything in scenario or parameters that is not as it should be.
    """

    HISTORY_BYTES: ClassVar[int] = 200_000_000

    def __init__(
        self,
        scenario: str | Path | Scenario = "classroom",
        seed: int | None = None,
        *,
        rng: int | None = None,
        agents: Sequence[str | Path] = (),
        history: bool = True,
        audit: bool = False,
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
        self.seconds: dict[str, float] = {}
        self._apply(world)
        self._build()
        self._ours = frozenset(vars(self)) - authored

    # -- building -----------------------------------------------------------------------------------------------

    def _apply(self, scenario: Scenario) -> None:
        """Take over the numbers of a scenario; the state stays as it is."""
        from ecosim.grammar import parameter_groups

        self.scenario = scenario
        self.rules = dict(scenario.rules)
        self.sequential = scenario.activation == "random"
        self.parameters = {name: group.values(scenario.settings[name]) for name, group in parameter_groups().items()}
        self.role_parameters = {name: role.own.values(scenario.roles[name]) for name, role in self.roles.items()}
        of_roles = [scenario.roles[name] for name in self.role_names]
        self.capacities = np.array([float(values["capacity"]) for values in of_roles])
        self.growth_rates = np.array([float(values["growth_rate"]) for values in of_roles])
        self.endowments = np.array([[float(values[key]) for key in ENDOWMENTS] for values in of_roles])
        self.kind_weights = [np.array(list(scenario.kinds[name].values()) or [1.0]) for name in self.role_names]

    def _build(self) -> None:
        """Make the state at the start and let the first organisations enter."""
        scenario, count = self.scenario, len(self.role_names)
        self.step_number = 0
        self.organisations = make_table(Organisations, 64)
        self.slots = make_slots(64)
        self.ties = make_table(Ties, 64)
        self.tie_slots = make_slots(64)
        self.environment = make_environment(self.parameters["environment"])
        self.books = ledger.make_books(count)
        self.events = ledger.make_events(1024)
        self.technology = make_technology(scenario.components, 64)
        self.reading = make_reading()
        self.serials = np.zeros(count, np.int64)
        self.names: dict[int, str] = {}
        self.fired: set[int] = set()
        self.interfaces = self._interfaces()
        self.recorder = Recorder(self.role_names, scenario.start_year)
        self.datacollector = Collector(self.recorder)
        self._history = History(self.HISTORY_BYTES)
        self._acted: set[str] = set()
        self._cached: dict[str, tuple[Any, Any]] = {}
        self._views: dict[int, Organisation] = {}
        self._views_key: Any = None
        self._enter_named(0)
        for role, name in enumerate(self.role_names):
            self.enter(role, int(scenario.roles[name]["initial"]))
        self._tie_named()
        if self.rules["symbiosis"]:
            begin(self)
        self._end_quarter()

    def _interfaces(self) -> Rows:
        """Interface of a tie between two roles, (roles, roles), -1 for none: what either of them declares."""
        matrix = np.full((len(self.roles), len(self.roles)), -1, np.int64)
        for name, role in self.roles.items():
            for other, interface in role.agent.interfaces.items():
                if other in self.roles:
                    matrix[role.index, self.roles[other].index] = INTERFACES.index(interface)
                    if name not in self.roles[other].agent.interfaces:
                        matrix[self.roles[other].index, role.index] = INTERFACES.index(interface)
        return matrix

    def _enter_named(self, step: int) -> None:
        """Let the organisations enter that the scenario names for a step."""
        for named in self.scenario.organisations:
            if named.step == step:
                role = self.roles[named.role]
                endowment = self.endowments[role.index].copy()
                for key, value in named.endowment.items():
                    endowment[ENDOWMENTS.index(key)] = value
                endowment[ENDOWMENTS.index("spread")] = 0.0
                rows = self._place(role.index, named.count, named.kind, endowment)
                self.organisations.focal[rows] = named.focal
                for number, uid in enumerate(self.organisations.uid[rows]):
                    self.names[int(uid)] = named.name if named.count == 1 else f"{named.name} {number + 1}"

    def _tie_named(self) -> None:
        """Make the ties that the scenario names."""
        rows = {name: self.row_of(uid) for uid, name in self.names.items()}
        for tie in self.scenario.ties:
            a, b = rows[tie.between[0]], rows[tie.between[1]]
            interface = self.interfaces[self.organisations.role[a], self.organisations.role[b]]
            self.ties, self.tie_slots = ensure_room(self.ties, self.tie_slots, 1)
            row = new_tie(self.organisations, self.ties, self.tie_slots, a, b, max(0, interface), tie.trust, 0)
            self.ties.mode[row] = MODES.index(tie.mode)
            self.ties.contributed_a[row], self.ties.contributed_b[row] = tie.first_gives, tie.second_gives

    def enter(self, role: int, count: int, kind: str | None = None) -> None:
        """Let organisations of a role enter, endowed by its parameters."""
        self._place(role, count, kind, self.endowments[role])

    def _place(self, role: int, count: int, kind: str | None, endowment: Rows) -> Rows:
        """Let organisations enter and return their rows, (count,)."""
        self.organisations, self.slots = ensure_room(self.organisations, self.slots, count)
        if len(self.technology.mastered) < len(self.slots.free):
            larger = np.zeros((len(self.slots.free), self.technology.mastered.shape[1]), bool)
            larger[: len(self.technology.mastered)] = self.technology.mastered
            self.technology = self.technology._replace(mastered=larger)
        self._room_for_events(count)
        declared = self.roles[self.role_names[role]]
        weights = self.kind_weights[role] if kind is None else np.eye(len(declared.kinds))[declared.kinds.index(kind)]
        rows: Rows = place_many(
            self.organisations, self.slots, self.books, self.events, role, weights, int(self.serials[role]), count,
            declared.chain, endowment, float(self.scenario.roles[declared.name].get("budget", 0.0)),
            self.parameters["adoption"].segments, self.parameters["value_sharing"].ratio, self.seed, self.step_number,
        )  # fmt: skip
        self.serials[role] += count
        self.technology.mastered[rows] = False
        return rows

    # -- running ------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Run one quarter."""
        changed = self.scenario is not self._left_as
        if self.history and self._history.wants(self.step_number, changed):
            self._history.keep(self.step_number, self.snapshot(), changed)
        ledger.open_quarter(self.books)
        self.events = self._untold_events()
        opening = ledger.opening(self.organisations, self.books, self.environment.seekers[0]) if self.audit else None
        open_accounts(self.organisations, self.ties, self.rows, self.tie_rows, self.parameters["orchestration"].memory)
        self._happen()
        self._acted = set()
        for phase in self.schedule:
            if phase.switch is None or self.rules[phase.switch]:
                begun = time.perf_counter()
                self._room_for_events(2 * len(self.rows) + 2 * len(self.tie_rows) + 16)
                phase.rule(self)
                self.roles_act(phase.name)
                self.seconds[phase.name] = self.seconds.get(phase.name, 0.0) + time.perf_counter() - begun
        observe(self)
        if opening is not None:
            ledger.audit(opening, self.organisations, self.books, self.environment.seekers[0], self.step_number)
        self.recorder.record(self)
        self.step_number += 1
        self.running = self.step_number < self.scenario.steps
        self._end_quarter()

    def _end_quarter(self) -> None:
        """Remember where the quarter ended, so that what is done by hand before the next one can be told apart."""
        self._told = int(self.events.used[0])
        self._left_as = self.scenario
        if len(self._views) > len(self.rows):
            self._forget_departed()

    def _untold_events(self) -> Events:
        """Return the events since the end of the last quarter: what was done by hand."""
        used = int(self.events.used[0])
        code, subject, other, detail = (column[self._told : used].copy() for column in self.events[:4])
        return Events(code, subject, other, detail, np.array([used - self._told]))

    def run(self, steps: int | None = None, progress: Callable[[int, int], None] | None = None) -> Ecosystem:
        """Run some quarters, by default to the end of the scenario; return the model.

        Parameters
        ----------
        steps : quarters to run.
        progress : called after each quarter with the number done and the number in all.
        """
        count = max(0, self.scenario.steps - self.step_number) if steps is None else steps
        for done in range(count):
            self.step()
            if progress is not None:
                progress(done + 1, count)
        return self

    def roles_act(self, phase: str) -> None:
        """Let each role follow its own rule for a phase, then each member its own method; once a quarter."""
        if phase in self._acted:
            return
        self._acted.add(phase)
        for role in self.roles.values():
            rule = role.rules.get(phase)
            if rule is not None:
                rule(self, self.order_of(role.index), self.role_parameters[role.name])
            if role.acts_in(phase):
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
        phase = Phase(own, rule, None, "what its author chose", "user")
        self.schedule.insert(names.index(after) + 1 if after is not None else 0, phase)

    def _happen(self) -> None:
        """Let what the scenario dates, or makes conditional, happen at the start of a quarter."""
        if self.step_number > 0:
            self._enter_named(self.step_number)
        for number, event in enumerate(self.scenario.events):
            due = event.step == self.step_number
            if event.when is not None and self.step_number > 0 and self.step_number >= event.earliest:
                due = event.when.holds(self.recorder.last[event.when.metric])
            if not due or number in self.fired:
                continue
            self.fired.add(number)
            self._room_for_events(1)
            if event.set:
                self.set_many(event.set)
                ledger.note_event(self.events, POLICY, -1, -1, float(number))
            if event.shock is not None:
                strike(self.environment, INDICES.index(event.shock.index), event.shock.size, event.shock.quarters)
                ledger.note_event(self.events, SHOCK, -1, -1, event.shock.size)
            if event.enter is not None:
                self.enter(self.roles[event.enter.role].index, event.enter.count, event.enter.kind)

    def _room_for_events(self, extra: int) -> None:
        used = int(self.events.used[0])
        if used + extra > len(self.events.code):
            larger = ledger.make_events(2 * (used + extra))
            for old, new in zip(self.events, larger, strict=True):
                new[: len(old)] = old
            self.events = larger

    def report_unbounded(self, role: int) -> None:
        """Note that a role would grow without bound: symbiosis that has no rest point."""
        ledger.note_event(self.events, UNBOUNDED_GROWTH, -1, -1, float(role))
        name = self.role_names[role]
        sentence = (
            f"{name} grows without bound: the symbiosis coefficients have no stable rest point; growth was stopped"
        )
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    # -- who is there -------------------------------------------------------------------------------------------

    def _kept(self, name: str, key: Any, make: Callable[[], Any]) -> Any:
        if name not in self._cached or self._cached[name][0] != key:
            self._cached[name] = (key, make())
        return self._cached[name][1]

    @property
    def rows(self) -> Rows:
        """Rows of living organisations, (organisations,)."""
        end = int(self.slots.state[1])
        kept: Rows = self._kept("rows", tuple(self.slots.state), lambda: np.flatnonzero(self.organisations.alive[:end]))
        return kept

    @property
    def tie_rows(self) -> Rows:
        """Rows of living ties, (ties,)."""
        end = int(self.tie_slots.state[1])
        kept: Rows = self._kept("ties", tuple(self.tie_slots.state), lambda: np.flatnonzero(self.ties.alive[:end]))
        return kept

    def members_of_roles(self) -> tuple[Rows, Rows]:
        """Return the start of each role's part, (roles + 1,), and all rows sorted by role and uid, (organisations,)."""
        kept: tuple[Rows, Rows] = self._kept("members", tuple(self.slots.state), self._sort_members)
        return kept

    def _sort_members(self) -> tuple[Rows, Rows]:
        rows, table = self.rows, self.organisations
        ordered = rows[np.lexsort((table.uid[rows], table.role[rows]))]
        return np.searchsorted(table.role[ordered], np.arange(len(self.roles) + 1)), ordered

    def members(self, role: int) -> Rows:
        """Return the rows of a role's living members, by uid."""
        starts, ordered = self.members_of_roles()
        return ordered[starts[role] : starts[role + 1]]

    def order_of(self, role: int) -> Rows:
        """Return the rows of a role's living members in the order in which they act."""
        return self._in_order(self.members(role))

    @property
    def order(self) -> Rows:
        """Rows of all living organisations in the order in which they act."""
        return self._in_order(self.members_of_roles()[1])

    def _in_order(self, rows: Rows) -> Rows:
        if not self.sequential:
            return rows
        result: Rows = shuffled(rows, self.organisations.uid[rows], self.seed, ACTIVATION, self.step_number)
        return result

    def counts(self) -> Rows:
        """Return how many living members each role has, (roles,) float."""
        return np.diff(self.members_of_roles()[0]).astype(float)

    def row_of(self, uid: int) -> int:
        """Return the row of a living organisation.

        Raises
        ------
        KeyError : no living organisation has this uid.
        """
        rows = self.rows[self.organisations.uid[self.rows] == uid]
        if not len(rows):
            raise KeyError(f"no living organisation has uid {uid}")
        return int(rows[0])

    def coefficients(self) -> Rows:
        """Return the symbiosis coefficients a_rs, (roles, roles): those the scenario fixes, else measured from net benefits."""
        fixed = np.zeros((len(self.roles), len(self.roles)))
        if self.scenario.coefficients:
            for target, row in self.scenario.coefficients.items():
                for source, value in row.items():
                    fixed[self.roles[target].index, self.roles[source].index] = value
            return fixed
        if not self.rules["symbiosis"]:
            return fixed
        scale = np.abs(self.books.benefit).sum(axis=1, keepdims=True)
        measured = np.divide(self.books.benefit, scale, out=fixed, where=scale > 0.0)
        return measured * float(self.parameters["symbiosis"].coupling)

    # -- Mesa ---------------------------------------------------------------------------------------------------

    def view(self, row: int) -> Organisation:
        """Return the agent of a row, the same object as long as the organisation lives."""
        uid = int(self.organisations.uid[row])
        if uid not in self._views:
            agent = self.roles[self.role_names[int(self.organisations.role[row])]].agent
            self._views[uid] = agent.of(self, row, uid)
        return self._views[uid]

    def twin(self, agent: Organisation) -> Organisation:
        """Return this model's agent of the organisation that is an agent of a branch, or of what this is a branch of."""
        rows = self.rows[self.organisations.uid[self.rows] == agent.unique_id]
        return self.view(int(rows[0])) if len(rows) else type(agent).of(self, agent._row, agent.unique_id)

    def _forget_departed(self) -> None:
        living = set(self.organisations.uid[self.rows].tolist())
        self._views = {uid: view for uid, view in self._views.items() if uid in living}

    def _sync_agents(self) -> None:
        """Give each living organisation an agent and let the agents of others go; always in the order of role and uid."""
        key = tuple(self.slots.state)
        if self._views_key == key:
            return
        self._views_key = key
        self._forget_departed()
        for agent in [agent for agent in self._agents if self._views.get(agent.unique_id) is not agent]:
            self.deregister_agent(agent)  # type: ignore[no-untyped-call]
        views = [self.view(int(row)) for row in self.members_of_roles()[1]]
        entrants = [view for view in views if view not in self._agents]
        for view in entrants:
            self.register_agent(view)  # type: ignore[no-untyped-call]
        if entrants:
            place: dict[mesa.Agent, int] = {view: number for number, view in enumerate(views)}
            self._all_agents.sort(place.__getitem__, ascending=True, inplace=True)

    def remove_all_agents(self) -> None:
        """Let all organisations leave."""
        self._sync_agents()
        super().remove_all_agents()  # type: ignore[no-untyped-call]

    @property  # type: ignore[misc]
    def agents(self) -> AgentSet:
        """All living organisations as Mesa agents, made on demand."""
        self._sync_agents()
        return super().agents

    @property
    def agents_by_type(self) -> dict[type[mesa.Agent], AgentSet]:
        """Living organisations by class: one class a role."""
        self._sync_agents()
        return {kind: members for kind, members in super().agents_by_type.items() if len(members)}

    @property
    def agent_types(self) -> list[type]:
        """The classes that have living members."""
        return list(self.agents_by_type)

    def remove_organisation(self, row: int) -> None:
        """Let an organisation leave now: its ties end and its accounts are settled through the ledger."""
        self._room_for_events(2 + len(self.tie_rows))
        remove(self, np.array([row]), self.parameters["turnover"].patience)

    # -- another future -----------------------------------------------------------------------------------------

    _TABLES = ("organisations", "slots", "ties", "tie_slots", "environment", "books", "technology", "reading")

    def snapshot(self) -> dict[str, Any]:
        """Return a copy of the whole state between two quarters."""
        self._forget_departed()
        tables: dict[str, Any] = {name: copy_table(getattr(self, name)) for name in self._TABLES}
        tables["events"] = self._untold_events()
        remembered = {uid: own for uid, view in self._views.items() if (own := view.remembered())}
        return tables | {
            "bytes": sum(map(bytes_of, tables.values())),
            "serials": self.serials.copy(), "names": dict(self.names), "fired": set(self.fired), "scenario": self.scenario,
            "left_as": self._left_as, "step_number": self.step_number, "warnings": list(self.warnings),
            "random": (self.random.getstate(), self.rng.bit_generator.state),
            "remembered": copy.deepcopy(remembered, {INTO: self}),
        }  # fmt: skip

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Put a snapshot's state in place of the present one; quarters recorded after it are forgotten."""
        for name in (*self._TABLES, "events"):
            setattr(self, name, copy_table(snapshot[name]))
        self._told = 0
        self.serials = snapshot["serials"].copy()
        self.names, self.fired = dict(snapshot["names"]), set(snapshot["fired"])
        self.warnings = list(snapshot["warnings"])
        self.steps = self.step_number = snapshot["step_number"]
        self._apply(snapshot["scenario"])
        self._left_as = snapshot["left_as"]
        self.recorder.truncate(self.step_number)
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
        other = copy.copy(self)
        vars(other).pop("step")  # Mesa's wrapper around this model's step
        mesa.Model.__init__(other, seed=self.seed)
        other.seconds = {}
        other.recorder = Recorder(self.role_names, self.scenario.start_year)
        other.recorder.quarters = list(self.recorder.quarters)
        other._history = self._history.copied()
        other._cached, other._views = {}, {}
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

    # -- results ------------------------------------------------------------------------------------------------

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
        return self.recorder.events(self.names, tuple(component.name for component in self.scenario.components))

    def value_shares(self, by: str = "stage") -> pd.DataFrame:
        """Return each beneficiary's share of value, a row a stage (in order of appearance) or a row a step; rows sum to 1.

        Parameters
        ----------
        by : "stage" or "step".
        """
        table = self.value.pivot_table(index=by, columns="beneficiary", values="value", aggfunc="sum", sort=False)
        shares = table[list(self.recorder.beneficiaries)]
        return shares.div(shares.sum(axis=1), axis=0).fillna(0.0)


def _checked_seed(seed: int | None) -> int:
    if seed is None:
        return secrets.randbits(31)
    whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    if not whole or not 0 <= int(seed) < 2**63:
        raise ScenarioError(f"seed is {seed!r}; valid is a whole number from 0 to 2**63 - 1")
    return int(seed)
