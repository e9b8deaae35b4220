"""The lists of a scenario, organisations, ties, components and events: frozen records, checked against each other."""

from __future__ import annotations

import graphlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ecosim.grammar import CONDITION_PATTERN, CONDITIONS, ENDOWMENT, Grammar
from ecosim.parameters import Value, nearest
from ecosim.scenario_agreements import Agreement, agreements_of
from ecosim.shapes import Failure, Keys, described, shortened

Item = TypeVar("Item")


class Frozen(Mapping[str, Item]):
    """A mapping that nobody can change; unlike the standard library's read-only view it can be pickled."""

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, Item]) -> None:
        self._items = dict(items)

    def __getitem__(self, key: str) -> Item:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return repr(self._items)


@dataclass(frozen=True)
class NamedOrganisation:
    """Organisations that a scenario names; `step` is the step of entry, `endowment` what they have of their own."""

    name: str
    role: str
    kind: str | None
    count: int
    focal: bool
    year: int | None
    quarter: int
    step: int
    endowment: Mapping[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Return the row of a scenario file."""
        kind = {} if self.kind is None else {"kind": self.kind}
        date = {} if self.year is None else {"year": self.year, "quarter": self.quarter}
        rest = {"count": self.count, "focal": self.focal}
        return {"name": self.name, "role": self.role, **kind, **rest, **date, **self.endowment}


@dataclass(frozen=True)
class NamedTie:
    """A tie that is there at the start between two organisations, given by name."""

    between: tuple[str, str]
    trust: float
    mode: str
    first_gives: float
    second_gives: float

    def as_dict(self) -> dict[str, Any]:
        """Return the row of a scenario file."""
        return {**vars(self), "between": list(self.between)}


@dataclass(frozen=True)
class Component:
    """A component technology, the components it requires given by name."""

    name: str
    tier: str
    difficulty: float
    domain: int
    requires: tuple[str, ...]
    crossing: float

    def as_dict(self) -> dict[str, Any]:
        """Return the row of a scenario file."""
        return {**vars(self), "requires": list(self.requires)}


@dataclass(frozen=True)
class Condition:
    """A metric above or below a level."""

    metric: str
    above: bool
    level: float

    def __str__(self) -> str:
        return f"{self.metric} {'>' if self.above else '<'} {self.level!r}"

    def holds(self, value: float) -> bool:
        """Return whether the metric's value meets the condition."""
        return value > self.level if self.above else value < self.level


@dataclass(frozen=True)
class Shock:
    """A shock of some size on an index of the environment, for some quarters."""

    index: str
    size: float
    quarters: int


@dataclass(frozen=True)
class Embargo:
    """A cut of part of what comes from abroad, for some quarters."""

    depth: float
    quarters: int


@dataclass(frozen=True)
class Entry:
    """Organisations of a role, and a kind unless it is drawn, that enter."""

    role: str
    kind: str | None
    count: int


@dataclass(frozen=True)
class Event:
    """Something that happens once: in step `step`, or when a condition holds in step `earliest` or later."""

    name: str
    year: int | None
    quarter: int
    step: int | None
    when: Condition | None
    after: int | None
    earliest: int
    set: Mapping[str, Value]
    shock: Shock | None
    enter: Entry | None
    embargo: Embargo | None

    def as_dict(self) -> dict[str, Any]:
        """Return the row of a scenario file."""
        if self.when is not None:
            date = {"when": str(self.when), **({} if self.after is None else {"after": self.after})}
        else:
            date = {"step": self.step} if self.year is None else {"year": self.year, "quarter": self.quarter}
        actions: dict[str, Any] = {"set": dict(self.set)} if self.set else {}
        if self.shock is not None:
            actions["shock"] = dict(vars(self.shock))
        if self.embargo is not None:
            actions["embargo"] = dict(vars(self.embargo))
        if self.enter is not None:
            actions["enter"] = {name: value for name, value in vars(self.enter).items() if value is not None}
        return {"name": self.name, **date, **actions}


def _single(organisations: Sequence[NamedOrganisation]) -> list[str]:
    """Return the names of organisations that are there at the start, one of each."""
    return [each.name for each in organisations if each.count == 1 and each.step == 0]


@dataclass(frozen=True)
class Reader:
    """Makes records of checked rows, for a run of some steps; step 0 is the first quarter of the start year."""

    grammar: Grammar
    failure: Failure
    start_year: int
    steps: int

    def organisations(self, rows: Sequence[Mapping[str, Any]]) -> tuple[NamedOrganisation, ...]:
        """Return the named organisations."""
        self._check_names("organisations", rows)
        return tuple(self._organisation(row, ("organisations", position)) for position, row in enumerate(rows))

    def ties(
        self, rows: Sequence[Mapping[str, Any]], organisations: Sequence[NamedOrganisation]
    ) -> tuple[NamedTie, ...]:
        """Return the ties between organisations that are there by name, one of each, at the start."""
        known = _single(organisations)
        seen: set[frozenset[str]] = set()
        for position, row in enumerate(rows):
            keys = ("ties", position, "between")
            pair = row["between"]
            if len(pair) != 2 or pair[0] == pair[1]:
                raise self.failure(keys, f"is {described(pair)}", "give the names of two different organisations")
            for place, name in enumerate(pair):
                if name not in known:
                    finding = f"is {described(name)}, which is no single organisation there at the start"
                    raise self.failure((*keys, place), finding, nearest(shortened(name), known))
            if frozenset(pair) in seen:
                raise self.failure(keys, f"ties {pair[0]} and {pair[1]} a second time", "give each pair one tie")
            seen.add(frozenset(pair))
        return tuple(NamedTie(**{**row, "between": tuple(row["between"])}) for row in rows)

    def agreements(
        self, rows: Sequence[Mapping[str, Any]], organisations: Sequence[NamedOrganisation]
    ) -> tuple[Agreement, ...]:
        """Return the platforms that are there at the start by agreement."""
        return agreements_of(rows, _single(organisations), self.failure)

    def components(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Component, ...]:
        """Return the component technologies."""
        self._check_names("components", rows)
        self._check_requirements(rows)
        return tuple(Component(**{**row, "requires": tuple(row["requires"])}) for row in rows)

    def events(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Event, ...]:
        """Return the events."""
        return tuple(self._event(row, ("events", position)) for position, row in enumerate(rows))

    def _check_names(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        seen: dict[str, int] = {}
        for position, row in enumerate(rows):
            first = seen.setdefault(row["name"], position)
            if first != position:
                finding = f"is {described(row['name'])}, as is the name of {table}[{first + 1}]"
                raise self.failure((table, position, "name"), finding, "give each its own name")

    def _check_requirements(self, rows: Sequence[Mapping[str, Any]]) -> None:
        positions = {row["name"]: position for position, row in enumerate(rows)}
        for row in rows:
            for place, required in enumerate(row["requires"]):
                if required not in positions:
                    keys = ("components", positions[row["name"]], "requires", place)
                    remedy = nearest(shortened(required), positions)
                    raise self.failure(keys, f"is {described(required)}, which is no component", remedy)
        try:
            graphlib.TopologicalSorter({row["name"]: row["requires"] for row in rows}).prepare()
        except graphlib.CycleError as error:
            # graphlib lists a cycle from what is required to what requires it.
            cycle = [str(name) for name in reversed(error.args[1])]
            finding = f"closes a cycle: {shortened(' requires '.join(cycle))}"
            raise self.failure(
                ("components", positions[cycle[0]], "requires"), finding, "take one of them out"
            ) from None

    def _organisation(self, row: Mapping[str, Any], keys: Keys) -> NamedOrganisation:
        return NamedOrganisation(
            name=row["name"],
            role=row["role"],
            kind=self._kind(row, keys),
            count=row["count"],
            focal=row["focal"],
            year=row.get("year"),
            quarter=row["quarter"],
            step=self._step(row, "year", keys) if "year" in row else 0,
            endowment=Frozen({name: row[name] for name in ENDOWMENT if name in row}),
        )

    def _event(self, row: Mapping[str, Any], keys: Keys) -> Event:
        changes = row.get("set", {})
        self._check_changes(row, (*keys, "set"))
        date = "year" if "year" in row else "step"
        enter = row.get("enter")
        return Event(
            name=row["name"],
            year=row.get("year"),
            quarter=row["quarter"],
            step=self._step(row, date, keys) if date in row else None,
            when=self._condition(row["when"], keys) if "when" in row else None,
            after=row.get("after"),
            earliest=self._step(row, "after", keys) if "after" in row else 0,
            set=Frozen(changes),
            shock=Shock(**row["shock"]) if "shock" in row else None,
            enter=None if enter is None else Entry(enter["role"], self._kind(enter, (*keys, "enter")), enter["count"]),
            embargo=Embargo(**row["embargo"]) if "embargo" in row else None,
        )

    def _check_changes(self, row: Mapping[str, Any], keys: Keys) -> None:
        if "set" in row and not row["set"]:
            raise self.failure(keys, "is empty", 'give a change such as { "environment.drift" = 0.2 }')
        weights: dict[str, list[float]] = {}
        for path, value in row.get("set", {}).items():
            match self.grammar.keys[path]:
                case ("roles", role, "kinds", _):
                    weights.setdefault(role, []).append(value)
        # Required of each event by itself, so that whatever happens before it, a kind can be drawn afterwards.
        for role, given in weights.items():
            if not any(given):
                remedy = "give one of its kinds a weight above 0 in the same event"
                raise self.failure(keys, f"changes weights of {role}, none of them to above 0", remedy)

    def _kind(self, row: Mapping[str, Any], keys: Keys) -> str | None:
        kind: str | None = row.get("kind")
        kinds = self.grammar.kinds[row["role"]]
        if kind is not None and kind not in kinds:
            remedy = nearest(shortened(kind), kinds) if kinds else "leave it out, the role has no kinds"
            raise self.failure((*keys, "kind"), f"is {described(kind)}, which is no kind of {row['role']}", remedy)
        return kind

    def _condition(self, text: str, keys: Keys) -> Condition:
        match = re.search(CONDITION_PATTERN, text)
        assert match is not None, "the grammar has checked the form"
        metric, sign, level = match.groups()
        if metric not in CONDITIONS:
            finding = f"waits for {shortened(metric)}, which is no metric"
            raise self.failure((*keys, "when"), finding, nearest(shortened(metric), CONDITIONS))
        return Condition(metric, sign == ">", float(level))

    def _step(self, row: Mapping[str, Any], name: str, keys: Keys) -> int:
        """Return the step of a row's date, which stands under `name`, "step" or a year."""
        value: int = row[name]
        quarter = row["quarter"] if name == "year" else 1
        step = value if name == "step" else (value - self.start_year) * 4 + quarter - 1
        if 0 <= step < self.steps:
            return step
        date = f"{value} (quarter {quarter})" if name == "year" else str(value)
        side = "before the start" if step < 0 else "after the end"
        years, last = divmod(self.steps - 1, 4)
        end = f"{self.start_year + years} quarter {last + 1} (step {self.steps - 1})"
        remedy = f"give one from {self.start_year} quarter 1 (step 0) to {end}, or change start_year or steps"
        raise self.failure((*keys, name), f"is {date}, {side} of the run", remedy)
