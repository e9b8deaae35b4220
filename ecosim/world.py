"""The world of a scenario: its numbers, its tables, and who is there."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import mesa
import numpy as np

from ecosim import ledger
from ecosim.collector import Collector
from ecosim.columns import count_members, ensure_room, make_slots, make_table, row_of_uid
from ecosim.draws import ACTIVATION, shuffled
from ecosim.grammar import parameter_groups
from ecosim.mechanisms import readings
from ecosim.mechanisms.co_creation import make_project_counts
from ecosim.mechanisms.components import make_technology, with_room
from ecosim.mechanisms.entrants import ANY_KIND, enter, enter_dated, make_named
from ecosim.mechanisms.environment import make_environment
from ecosim.mechanisms.governance import found_agreed
from ecosim.mechanisms.stages import make_reading
from ecosim.mechanisms.ties import new_tie
from ecosim.mechanisms.turnover import rest_density
from ecosim.numbers import make_numbers
from ecosim.record import Recorder
from ecosim.roles import Role
from ecosim.scenario import Scenario
from ecosim.state import (
    MODES,
    TABLES,
    Events,
    Members,
    Memberships,
    Organisations,
    Platforms,
    Projects,
    State,
    Ties,
)

Rows = np.ndarray[Any, Any]


MOST_KEPT = 31 * 2**20  # bytes; the C library of Linux heeds nothing above 32 MiB


def keep_freed_memory() -> None:
    """Let arrays that rules make and drop each quarter use the same memory again.

    The C library of Linux hands large blocks back to the system as soon as they are free, and each page of the next one has to
    be cleared by the system first, which took a quarter of the time of a large ecosystem. The size from which it does so grows
    with the largest block that was ever freed: mallopt(3), M_MMAP_THRESHOLD. Elsewhere nothing changes.
    """
    np.empty(MOST_KEPT, np.uint8)


class World(mesa.Model):
    """State and population, without time; `ecosim.model.Ecosystem` lets it run."""

    seed: int
    roles: dict[str, Role]
    role_names: tuple[str, ...]
    warnings: list[str]
    _wanted: Collection[str]

    def _apply(self, scenario: Scenario) -> None:
        """Take over the numbers of a scenario; the state stays as it is."""
        self.scenario = scenario
        self.rules = dict(scenario.rules)
        self.sequential = scenario.activation == "random"
        self.numbers = make_numbers(scenario, self.roles)
        self.parameters = {name: getattr(self.numbers, name) for name in parameter_groups()}
        self.role_parameters = {name: role.own.values(scenario.roles[name]) for name, role in self.roles.items()}

    def _build(self) -> None:
        """Make the state at the start and let the first organisations enter."""
        scenario, count = self.scenario, len(self.role_names)
        self.step_number = 0
        keep_freed_memory()
        rows = self._rows_at_first()
        self.organisations = make_table(Organisations, rows)
        self.slots = make_slots(rows)
        self.ties = make_table(Ties, 64)
        self.tie_slots = make_slots(64)
        self.projects, self.project_slots = make_table(Projects, 16), make_slots(16)
        self.project_counts = make_project_counts()
        self.platforms, self.platform_slots = make_table(Platforms, 16), make_slots(16)
        self.memberships, self.membership_slots = make_table(Memberships, 64), make_slots(64)
        self.environment = make_environment(self.parameters["environment"])
        self.environment.product_frontier[0] = self.parameters["product_generations"].frontier
        self.books = ledger.make_books(count)
        self.technology = make_technology(scenario.components, rows)
        self.reading = make_reading()
        self.serials = np.zeros(count + 1, np.int64)  # by role; the last counts joint ventures
        self.ranked = Members(np.zeros(rows, np.int64), np.zeros(count + 1, np.int64))
        self.short = np.zeros(len(TABLES), np.int64)
        self.named = make_named(scenario, self.roles)
        self.stopped = np.zeros(count, np.bool_)  # by role
        self.fired: set[int] = set()
        self.recorder = Recorder(self.role_names, scenario.start_year, self._wanted)
        self.books.counts_novelty[0] = any(name.startswith("novelty_") for name in self.recorder.outcomes)
        self.datacollector = Collector(self.recorder)
        self._cached: dict[str, tuple[Any, Any]] = {}
        self.follow(enter_dated)
        for role, name in enumerate(self.role_names):
            self.enter(role, int(scenario.roles[name]["initial"]))
        self._tie_named()
        self._found_named()

    def _rows_at_first(self) -> int:
        """Rows for those who are there at the start, and half as many for who comes: a large table takes long to enlarge."""
        there = sum(int(role["initial"]) for role in self.scenario.roles.values())
        return max(64, (there + sum(named.count for named in self.scenario.organisations)) * 3 // 2)

    def _tie_named(self) -> None:
        """Make the ties that the scenario names."""
        rows = {name: self.row_of(uid) for uid, name in self.names.items()}
        for tie in self.scenario.ties:
            a, b = rows[tie.between[0]], rows[tie.between[1]]
            interface = self.numbers.roles.interface[self.organisations.role[a], self.organisations.role[b]]
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
        kinds = self.roles[self.role_names[role]].kinds
        self.make_room(organisations=count, events=count)
        rows: Rows = enter(self.state, self.numbers, role, ANY_KIND if kind is None else kinds.index(kind), count,
                           self.seed, self.step_number)  # fmt: skip
        return rows

    @property
    def names(self) -> dict[int, str]:
        """What organisations are called that have a name, by uid, in the order in which they entered."""
        kept: dict[int, str] = self._kept("names", tuple(self.serials), self._names_now)
        return kept

    def _names_now(self) -> dict[int, str]:
        position, uid = self.named.position, self.named.uid
        number = np.arange(len(position)) - np.searchsorted(position, position) + 1  # within its entry in the scenario
        names = {}
        for row in np.argsort(self.named.entered, kind="stable")[(self.named.entered < 0).sum() :]:
            entry = self.scenario.organisations[position[row]]
            names[int(uid[row])] = entry.name if entry.count == 1 else f"{entry.name} {number[row]}"
        return names

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
            self.events, self.technology, self.reading, self.recorder.record, self._members_now(), self.serials, self.named, self.stopped,
            self.short,
        )  # fmt: skip

    def follow(self, rule: Callable[..., bool], *arguments: Any) -> None:
        """Run a compiled rule; whenever a table is too small for it to go on, enlarge the table and let it go on."""
        while not rule(self.state, self.numbers, *arguments, self.seed, self.step_number):
            if not self.enlarge():
                raise RuntimeError("a rule stopped without being short of anything")

    def enlarge(self) -> bool:
        """Make the room that a rule was short of; return whether it was short of any."""
        short = dict(zip(TABLES, self.short.tolist(), strict=True))
        self.make_room(**short)
        self.short[:] = 0
        return any(short.values())

    def make_room(
        self, organisations: int = 0, ties: int = 0, projects: int = 0, platforms: int = 0, memberships: int = 0, events: int = 0
    ) -> None:  # fmt: skip
        """Make room for at least so many more rows in each table."""
        self.organisations, self.slots = ensure_room(self.organisations, self.slots, organisations)
        self.technology = with_room(self.technology, len(self.slots.free))
        self.ties, self.tie_slots = ensure_room(self.ties, self.tie_slots, ties)
        self.projects, self.project_slots = ensure_room(self.projects, self.project_slots, projects)
        self.platforms, self.platform_slots = ensure_room(self.platforms, self.platform_slots, platforms)
        self.memberships, self.membership_slots = ensure_room(self.memberships, self.membership_slots, memberships)
        self.recorder.room_for_events(events)

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
        row = int(row_of_uid(self.organisations, self._members_now(), uid))
        if row < 0:
            raise KeyError(f"no living organisation has uid {uid}")
        return row

    def effects(self) -> Rows:
        """Return what each role does to the growth of each, (roles, roles): as the scenario fixes it, else measured."""
        measured: Rows = readings.effects(self.state, self.numbers)
        return measured

    def coefficients(self) -> Rows:
        """Return the symbiosis coefficients a_rs that act on entry and exit, (roles, roles)."""
        acting: Rows = readings.coefficients(self.state, self.numbers)
        return acting

    @property
    def events(self) -> Events:
        """What has happened since the start."""
        return self.recorder.events

    def report_ceilings(self) -> None:
        """Warn of each role that was stopped at its ceiling: symbiosis has no rest point, or one that lies higher."""
        of_roles, ceiling = self.numbers.roles, self.parameters["turnover"].ceiling
        for role in np.flatnonzero(self.stopped):
            name, density = self.role_names[role], self.counts() / of_roles.capacity
            sentence = (
                f"{name} grows without bound: the symbiosis coefficients have no stable rest point; growth was stopped"
                if rest_density(density, of_roles.growth_rate, self.coefficients()) is None
                else f"{name} was stopped at turnover.ceiling = {ceiling:g} times its capacity; "
                "the symbiosis coefficients have a stable rest point above it"
            )
            if sentence not in self.warnings:
                self.warnings.append(sentence)
        self.stopped[:] = False
