"""The world of a scenario: its numbers, its tables, and who is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mesa
import numpy as np

from ecosim import ledger
from ecosim.collector import Collector
from ecosim.columns import count_members, ensure_room, make_slots, make_table
from ecosim.draws import ACTIVATION, shuffled
from ecosim.grammar import parameter_groups
from ecosim.mechanisms.co_creation import make_project_counts
from ecosim.mechanisms.components import forget, make_technology, with_room
from ecosim.mechanisms.entrants import ENDOWMENTS, place_many
from ecosim.mechanisms.environment import make_environment
from ecosim.mechanisms.foreign_supply import first_shares
from ecosim.mechanisms.governance import found_agreed
from ecosim.mechanisms.stages import make_reading
from ecosim.mechanisms.ties import new_tie
from ecosim.mechanisms.turnover import rest_density
from ecosim.numbers import make_numbers
from ecosim.record import Recorder
from ecosim.roles import Role
from ecosim.scenario import NamedOrganisation, Scenario
from ecosim.state import (
    FIRM,
    INTERFACES,
    MODES,
    TABLES,
    UNBOUNDED_GROWTH,
    Members,
    Memberships,
    Organisations,
    Platforms,
    Projects,
    State,
    Ties,
)

Rows = np.ndarray[Any, Any]


class World(mesa.Model):
    """State and population, without time; `ecosim.model.Ecosystem` lets it run."""

    seed: int
    roles: dict[str, Role]
    role_names: tuple[str, ...]
    warnings: list[str]

    def _apply(self, scenario: Scenario) -> None:
        """Take over the numbers of a scenario; the state stays as it is."""
        self.scenario = scenario
        self.rules = dict(scenario.rules)
        self.sequential = scenario.activation == "random"
        self.numbers = make_numbers(scenario, self.roles)
        self.parameters = {name: getattr(self.numbers, name) for name in parameter_groups()}
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
        self.projects, self.project_slots = make_table(Projects, 16), make_slots(16)
        self.project_counts = make_project_counts()
        self.platforms, self.platform_slots = make_table(Platforms, 16), make_slots(16)
        self.memberships, self.membership_slots = make_table(Memberships, 64), make_slots(64)
        self.environment = make_environment(self.parameters["environment"])
        self.environment.product_frontier[0] = self.parameters["product_generations"].frontier
        self.books = ledger.make_books(count)
        self.technology = make_technology(scenario.components, 64)
        self.reading = make_reading()
        self.serials = np.zeros(count + 1, np.int64)  # by role; the last counts joint ventures
        self.ranked = Members(np.zeros(64, np.int64), np.zeros(count + 1, np.int64))
        self.short = np.zeros(len(TABLES), np.int64)
        self.recorder = Recorder(self.role_names, scenario.start_year)
        self.stopped = np.zeros(count, np.bool_)
        self.names: dict[int, str] = {}
        self.fired: set[int] = set()
        self.entered = np.zeros(len(scenario.organisations), np.int64)  # how many of each row of the scenario
        self.off_date = np.zeros(len(scenario.organisations))  # by how many quarters they missed their date, summed
        self.interfaces = self._interfaces()
        self.datacollector = Collector(self.recorder)
        self._cached: dict[str, tuple[Any, Any]] = {}
        self._enter_dated()
        for role, name in enumerate(self.role_names):
            self.enter(role, int(scenario.roles[name]["initial"]))
        self._tie_named()
        self._found_named()

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

    def _enter_dated(self) -> None:
        """Let the named organisations enter whose date has come and that nothing else will bring in."""
        for position, named in enumerate(self.scenario.organisations):
            due = named.step <= self.step_number and self.entered[position] < named.count
            if due and (named.step == 0 or self.rules["dated_entry"] or not self._draws_in(named.role)):
                self._enter_named(position, named.count - int(self.entered[position]))

    def _draws_in(self, role: str) -> bool:
        """Whether a role has entrants by itself: turnover, a growth rate, and a member that can bring one."""
        index = self.roles[role].index
        return self.rules["turnover"] and self.growth_rates[index] > 0.0 and len(self.members(index)) > 0

    def draw_in(self, role: int, count: int) -> Rows:
        """Let as many organisations of a role enter as were drawn in: first the named that do not enter by date, then any; return their rows."""
        entered = []
        if not self.rules["dated_entry"]:
            for position in self._waiting(role):
                admitted = min(count, self.scenario.organisations[position].count - int(self.entered[position]))
                entered.append(self._enter_named(position, admitted))
                count -= admitted
        return np.concatenate([*entered, self.enter(role, count)])

    def _waiting(self, role: int) -> list[int]:
        """Positions of the named organisations of a role that have not all entered, by date and place in the scenario."""
        named = self.scenario.organisations
        waiting = [
            position
            for position in np.flatnonzero(self.entered < [each.count for each in named]).tolist()
            if self.roles[named[position].role].index == role
        ]
        return sorted(waiting, key=lambda position: named[position].step)

    def _enter_named(self, position: int, count: int) -> Rows:
        """Let organisations of one row of the scenario enter, endowed as it says; return their rows, (count,)."""
        named: NamedOrganisation = self.scenario.organisations[position]
        role, already = self.roles[named.role], int(self.entered[position])
        endowment = self.endowments[role.index].copy()
        for key, value in named.endowment.items():
            endowment[ENDOWMENTS.index(key)] = value
        endowment[ENDOWMENTS.index("spread")] = 0.0
        rows = self._place(role.index, count, named.kind, endowment)
        self.entered[position] += count
        self.off_date[position] += count * abs(self.step_number - named.step)
        self.organisations.focal[rows] = named.focal
        for number, uid in enumerate(self.organisations.uid[rows], start=already + 1):
            self.names[int(uid)] = named.name if named.count == 1 else f"{named.name} {number}"
        return rows

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

    def _found_named(self) -> None:
        """Found the platforms that are there at the start by agreement."""
        rows = {name: self.row_of(uid) for uid, name in self.names.items()}
        for agreement in self.scenario.agreements:
            found_agreed(self, agreement, rows)

    def enter(self, role: int, count: int, kind: str | None = None) -> Rows:
        """Let organisations of a role enter, endowed by its parameters; return their rows, (count,)."""
        return self._place(role, count, kind, self.endowments[role])

    def _place(self, role: int, count: int, kind: str | None, endowment: Rows, serial: int | None = None) -> Rows:
        """Let organisations enter and return their rows, (count,); `serial` is for one outside of the role's own count."""
        self.organisations, self.slots = ensure_room(self.organisations, self.slots, count)
        self.technology = with_room(self.technology, len(self.slots.free))
        self.recorder.room_for_events(count)
        declared = self.roles[self.role_names[role]]
        weights = self.kind_weights[role] if kind is None else np.eye(len(declared.kinds))[declared.kinds.index(kind)]
        rows: Rows = place_many(
            self.organisations, self.slots, self.books, self.events, role, weights,
            int(self.serials[role]) if serial is None else serial, count,
            declared.chain, endowment, float(self.scenario.roles[declared.name].get("budget", 0.0)),
            self.parameters["adoption"].segments, self.parameters["value_sharing"].ratio, self.seed, self.step_number,
        )  # fmt: skip
        if serial is None:
            self.serials[role] += count
        forget(self.technology, rows)
        if role == FIRM and self.rules["imports"]:
            first_shares(self.organisations, rows, self.parameters["foreign_supply"], self.seed)
        return rows

    def switched(self, *rules: str) -> Rows:
        """Return 1 for each of these rules that is on and 0 for each that is off, (rules,), for kernels to multiply with."""
        return np.array([float(self.rules[rule]) for rule in rules])

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

    @property
    def project_rows(self) -> Rows:
        """Rows of projects under way, (projects,)."""
        return np.flatnonzero(self.projects.alive[: int(self.project_slots.state[1])])

    @property
    def platform_rows(self) -> Rows:
        """Rows of platforms, (platforms,)."""
        return np.flatnonzero(self.platforms.alive[: int(self.platform_slots.state[1])])

    @property
    def membership_rows(self) -> Rows:
        """Rows of memberships, (memberships,)."""
        return np.flatnonzero(self.memberships.alive[: int(self.membership_slots.state[1])])

    @property
    def state(self) -> State:
        """All that changes, as compiled rules take it."""
        return State(
            self.organisations, self.slots, self.ties, self.tie_slots, self.projects, self.project_slots, self.project_counts,
            self.platforms, self.platform_slots, self.memberships, self.membership_slots, self.environment, self.books,
            self.events, self.technology, self.reading, self.recorder.record, self._members_now(), self.serials, self.short,
        )  # fmt: skip

    def follow(self, rule: Callable[..., bool], *arguments: Any) -> None:
        """Run a compiled rule; whenever a table is too small for it to go on, enlarge the table and let it go on."""
        while not rule(self.state, self.numbers, *arguments, self.seed, self.step_number):
            self._enlarge()

    def _enlarge(self) -> None:
        """Make the room that a rule was short of."""
        short = dict(zip(TABLES, self.short.tolist(), strict=True))
        if not any(short.values()):
            raise RuntimeError("a rule stopped without being short of anything")
        self.organisations, self.slots = ensure_room(self.organisations, self.slots, short["organisations"])
        self.technology = with_room(self.technology, len(self.slots.free))
        self.ties, self.tie_slots = ensure_room(self.ties, self.tie_slots, short["ties"])
        self.projects, self.project_slots = ensure_room(self.projects, self.project_slots, short["projects"])
        self.platforms, self.platform_slots = ensure_room(self.platforms, self.platform_slots, short["platforms"])
        self.memberships, self.membership_slots = ensure_room(
            self.memberships, self.membership_slots, short["memberships"]
        )
        self.recorder.room_for_events(short["events"])
        self.short[:] = 0

    def _members_now(self) -> Members:
        """The living by role and uid, counted again if somebody came or went."""
        if len(self.ranked.order) < len(self.slots.free):
            self.ranked = Members(np.zeros(len(self.slots.free), np.int64), self.ranked.starts)
            self._cached.pop("members", None)
        self._kept(
            "members", tuple(self.slots.state), lambda: count_members(self.organisations, self.slots, self.ranked)
        )
        return self.ranked

    def members_of_roles(self) -> tuple[Rows, Rows]:
        """Return the start of each role's part, (roles + 1,), and all rows sorted by role and uid, (organisations,)."""
        members = self._members_now()
        return members.starts, members.order[: members.starts[-1]]

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

    def effects(self) -> Rows:
        """Return what each role does to the growth of each, (roles, roles): as the scenario fixes it, else measured.

        Measured are net benefits over the last year, as parts of all that a role has of others.
        """
        fixed = np.zeros((len(self.roles), len(self.roles)))
        if self.scenario.coefficients:
            for target, row in self.scenario.coefficients.items():
                for source, value in row.items():
                    fixed[self.roles[target].index, self.roles[source].index] = value
            return fixed
        scale = np.abs(self.books.benefit).sum(axis=1, keepdims=True)
        measured: Rows = np.divide(self.books.benefit, scale, out=fixed, where=scale > 0.0)
        return measured

    def coefficients(self) -> Rows:
        """Return the symbiosis coefficients a_rs that act on entry and exit, (roles, roles)."""
        if self.scenario.coefficients:
            return self.effects()
        return self.effects() * (float(self.parameters["symbiosis"].coupling) if self.rules["symbiosis"] else 0.0)

    @property
    def events(self) -> Events:
        """What has happened since the start."""
        return self.recorder.events

    def report_ceiling(self, role: int) -> None:
        """Note that a role was stopped at its ceiling: symbiosis has no rest point, or one that lies higher."""
        ledger.note_event(self.events, UNBOUNDED_GROWTH, -1, -1, float(role))
        name = self.role_names[role]
        density = rest_density(self.counts() / self.capacities, self.growth_rates, self.coefficients())
        sentence = (
            f"{name} grows without bound: the symbiosis coefficients have no stable rest point; growth was stopped"
            if density is None
            else f"{name} was stopped at turnover.ceiling = {self.parameters['turnover'].ceiling:g} times its capacity; "
            "the symbiosis coefficients have a stable rest point above it"
        )
        if sentence not in self.warnings:
            self.warnings.append(sentence)
