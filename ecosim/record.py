"""Recording: what is kept of each quarter, and the tables that it makes; the same tables as the result files."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ecosim.columns import copy_table, living
from ecosim.compilation import allocation_free, compiled
from ecosim.ledger import make_events
from ecosim.mechanisms.environment import observe
from ecosim.mechanisms.joint_ventures import FIRST_SERIAL
from ecosim.mechanisms.joint_ventures import KIND as JOINT_VENTURE
from ecosim.outcome_table import NAMES, OUTCOMES, write_outcomes
from ecosim.state import (
    BANKRUPTCY,
    CHANNELS,
    ELEMENTS,
    ENTRY,
    EVENTS,
    EXIT,
    FIRM,
    INTERFACES,
    MODES,
    MOST_ROLES,
    PLATFORM_KINDS,
    REGIMES,
    STAGES,
    VALUE_KINDS,
    Column,
    Organisations,
    Record,
    State,
)

if TYPE_CHECKING:
    import pandas as pd

ROLE_COLUMNS = (
    "count",
    "capital",
    "talent",
    "knowledge",
    "services",
    "information",
    "openness",
    "revenue",
    "research",
    "degree",
    "entries",
    "exits",
)
ENTRIES, EXITS = 10, 11


@allocation_free
def role_totals(organisations: Organisations, rows: Column, totals: Column) -> None:
    """Write totals by role into `totals`, (roles, columns): count, stocks, mean openness, revenue, research, mean degree."""
    totals[:] = 0.0
    for i in rows:
        r = organisations.role[i]
        totals[r, 0] += 1.0
        totals[r, 1] += organisations.capital[i]
        totals[r, 2] += organisations.talent[i]
        totals[r, 3] += organisations.knowledge[i].sum()
        totals[r, 4] += organisations.services[i]
        totals[r, 5] += organisations.information[i]
        totals[r, 6] += organisations.openness[i]
        totals[r, 7] += organisations.revenue[i]
        totals[r, 8] += organisations.research[i]
        totals[r, 9] += organisations.degree[i]
    for r in range(totals.shape[0]):
        if totals[r, 0] > 0.0:
            totals[r, 6] /= totals[r, 0]
            totals[r, 9] /= totals[r, 0]


@compiled
def close_quarter(state: State, numbers: Any, seed: int, step: int) -> bool:
    """Read what the ecosystem did for its environment, and keep the quarter in the next row of the record."""
    observe(state, numbers)
    record, events = state.record, state.events
    row = record.used[0]
    record.stage[row] = state.reading.state[0]
    record.metrics[row] = 0.0
    write_outcomes(state, numbers, step, record.metrics[row])
    record.value[row] = state.books.value
    record.flows[row] = state.books.flows
    totals = record.roles[row]
    role_totals(state.organisations, living(state.organisations.alive, state.slots), totals)
    for position in range(events.used[1], events.used[0]):
        role = events.subject[position] % MOST_ROLES
        if events.code[position] == ENTRY:
            totals[role, ENTRIES] += 1.0
        elif events.code[position] == EXIT or events.code[position] == BANKRUPTCY:
            totals[role, EXITS] += 1.0
    record.events[row] = events.used[1] = events.used[0]
    record.used[0] += 1
    return True


class Quarter(NamedTuple):
    """What is kept of one quarter."""

    stage: int
    metrics: dict[str, float]
    value: Column  # (beneficiaries, kinds)
    roles: Column  # (roles, len(ROLE_COLUMNS))
    flows: tuple[Column, Column]  # positions (4, n) and volumes (n,) of what moved
    events: tuple[Column, ...]  # code, subject, object, detail


class Recorder:
    """The quarters of one run, and the tables they make; the same tables as the result files.

    Attributes
    ----------
    outcomes : the outcomes that are measured.
    record, events : what compiled code writes, see `ecosim.state`.
    """

    def __init__(self, role_names: tuple[str, ...], start_year: int, wanted: Collection[str] = NAMES) -> None:
        self.role_names = role_names
        self.start_year = start_year
        self.outcomes = tuple(name for name in NAMES if name in wanted)
        self.record = self._table(64)
        self.events = make_events(1024)
        self._told: list[Quarter] = []

    def _table(self, quarters: int) -> Record:
        roles = len(self.role_names)
        return Record(
            stage=np.zeros(quarters, np.int64), metrics=np.zeros((quarters, len(OUTCOMES))),
            value=np.zeros((quarters, roles + 3, len(VALUE_KINDS))), roles=np.zeros((quarters, roles, len(ROLE_COLUMNS))),
            flows=np.zeros((quarters, len(ELEMENTS), len(CHANNELS), roles, roles)), events=np.zeros(quarters, np.int64),
            wanted=np.array([name in self.outcomes for name in NAMES]), used=np.zeros(1, np.int64),
        )  # fmt: skip

    @property
    def beneficiaries(self) -> tuple[str, ...]:
        """Who value is booked to: the roles, employees, society, environment."""
        return (*self.role_names, "employees", "society", "environment")

    def __len__(self) -> int:
        """Return how many quarters are recorded."""
        return int(self.record.used[0])

    def room_for(self, quarters: int) -> None:
        """Make room for so many more quarters."""
        needed = len(self) + quarters
        if needed > len(self.record.stage):
            larger = self._table(max(needed, 2 * len(self.record.stage)))
            for old, new in zip(self.record[:-2], larger[:-2], strict=True):
                new[: len(self)] = old[: len(self)]
            larger.used[:] = self.record.used
            self.record = larger

    def room_for_events(self, extra: int) -> None:
        """Make room for so many more events."""
        used = int(self.events.used[0])
        if used + extra > len(self.events.code):
            larger = make_events(2 * (used + extra))
            for old, new in zip(self.events[:-1], larger[:-1], strict=True):
                new[:used] = old[:used]
            larger.used[:] = self.events.used
            self.events = larger

    def truncate(self, steps: int) -> None:
        """Forget all but the first quarters, and what has happened since."""
        self.record.used[0] = steps
        self.events.used[:] = self.record.events[steps - 1] if steps else 0
        del self._told[steps:]

    def untold(self) -> tuple[Column, ...]:
        """Return what has happened since the last recorded quarter: code, subject, object, detail."""
        return tuple(column[self.events.used[1] : self.events.used[0]].copy() for column in self.events[:4])

    def forget_untold(self) -> None:
        """Forget what has happened since the last recorded quarter."""
        self.events.used[0] = self.events.used[1]

    def tell(self, happened: tuple[Column, ...]) -> None:
        """Note what has happened since the last recorded quarter."""
        first, extra = int(self.events.used[1]), len(happened[0])
        self.events.used[0] = first
        self.room_for_events(extra)
        for column, values in zip(self.events[:4], happened, strict=True):
            column[first : first + extra] = values
        self.events.used[0] = first + extra

    def copied(self) -> Recorder:
        """Return a recorder of its own with the same quarters."""
        other = Recorder(self.role_names, self.start_year, self.outcomes)
        other.record, other.events = copy_table(self.record), copy_table(self.events)
        return other

    @property
    def quarters(self) -> list[Quarter]:
        """The recorded quarters."""
        for row in range(len(self._told), len(self)):
            flows = self.record.flows[row]
            positions = np.array(np.nonzero(flows))
            start = int(self.record.events[row - 1]) if row else 0
            self._told.append(Quarter(
                int(self.record.stage[row]), self._metrics(row),
                self.record.value[row], self.record.roles[row], (positions, flows[tuple(positions)]),
                tuple(column[start : int(self.record.events[row])] for column in self.events[:4]),
            ))  # fmt: skip
        return self._told

    @property
    def last(self) -> dict[str, float]:
        """The outcomes of the last quarter; all 0 before the first."""
        return self._metrics(len(self) - 1) if len(self) else dict.fromkeys(self.outcomes, 0.0)

    def _metrics(self, row: int) -> dict[str, float]:
        values = self.record.metrics[row].tolist()
        return {name: value for name, value, wanted in zip(NAMES, values, self.record.wanted, strict=True) if wanted}

    def metrics(self) -> pd.DataFrame:
        """Return a row a step: step, year, quarter, stage, then one column an outcome and one a beneficiary's share of value."""
        import pandas as pd

        count = len(self)
        steps = np.arange(count)
        frame: dict[str, Any] = {"step": steps, "year": self.start_year + steps // 4, "quarter": steps % 4 + 1}
        frame["stage"] = self._stages()
        frame |= {name: self.record.metrics[:count, NAMES.index(name)].copy() for name in self.outcomes}
        value = self.record.value[:count].sum(axis=2)
        total = value.sum(axis=1)
        for position, name in enumerate(self.beneficiaries):
            frame[f"share_{name}"] = np.divide(value[:, position], total, out=np.zeros(count), where=total > 0.0)
        return pd.DataFrame(frame)

    def value(self) -> pd.DataFrame:
        """Return value booked, tidy: step, stage, beneficiary, kind, value (million CNY)."""
        import pandas as pd

        count, kinds = len(self), len(VALUE_KINDS)
        rows = len(self.beneficiaries) * kinds
        return pd.DataFrame({
            "step": np.repeat(np.arange(count), rows),
            "stage": np.repeat(self._stages(), rows),
            "beneficiary": np.tile(np.repeat(self.beneficiaries, kinds), count),
            "kind": np.tile(VALUE_KINDS, count * len(self.beneficiaries)),
            "value": self.record.value[:count].reshape(-1),
        })  # fmt: skip

    def roles(self) -> pd.DataFrame:
        """Return a row a step and role: count, totals of stocks, means of openness and degree, entries, exits."""
        import pandas as pd

        count, roles = len(self), len(self.role_names)
        totals = self.record.roles[:count].reshape(-1, len(ROLE_COLUMNS))
        frame: dict[str, Any] = {"step": np.repeat(np.arange(count), roles), "role": np.tile(self.role_names, count)}
        for position, name in enumerate(ROLE_COLUMNS):
            whole = name in ("count", "entries", "exits")
            frame[name] = totals[:, position].astype(np.int64) if whole else totals[:, position].copy()
        return pd.DataFrame(frame)

    def flows(self) -> pd.DataFrame:
        """Return what moved: step, element, channel, source and target role, volume in the element's own unit."""
        import pandas as pd

        flows = self.record.flows[: len(self)]
        steps, elements, channels, sources, targets = np.nonzero(flows)
        names = np.array(self.role_names)
        return pd.DataFrame({
            "step": steps,
            "element": np.array(ELEMENTS)[elements],
            "channel": np.array(CHANNELS)[channels],
            "source": names[sources],
            "target": names[targets],
            "volume": flows[steps, elements, channels, sources, targets],
        })  # fmt: skip

    def happened(self, names: dict[int, str], components: tuple[str, ...]) -> pd.DataFrame:
        """Return what happened: step, event, subject, object (names), detail.

        Parameters
        ----------
        names : names of organisations that a scenario names, by uid; others are called by role and serial number.
        components : names of component technologies.
        """
        import pandas as pd

        ends = self.record.events[: len(self)]
        last = int(ends[-1]) if len(ends) else 0
        code, subject, other, detail = (column[:last] for column in self.events[:4])
        codes = np.array(EVENTS, object)[code]
        return pd.DataFrame({
            "step": np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0)),
            "event": codes.astype(str),
            "subject": self._labels(subject, names),
            "object": self._labels(other, names),
            "detail": [_detail(word, number, components) for word, number in zip(codes, detail, strict=True)],
        }).astype({"subject": str, "object": str, "detail": str})  # fmt: skip

    def label(self, uid: int, names: dict[int, str]) -> str:
        """Return the name of an organisation, or its role and serial number; joint ventures are numbered by themselves."""
        if uid < 0:
            return ""
        if uid % MOST_ROLES == FIRM and uid // MOST_ROLES >= FIRST_SERIAL:
            return f"{JOINT_VENTURE} {uid // MOST_ROLES - FIRST_SERIAL + 1}"
        return names.get(uid, f"{self.role_names[uid % MOST_ROLES]} {uid // MOST_ROLES + 1}")

    def _labels(self, uids: Column, names: dict[int, str]) -> list[str]:
        return [self.label(int(uid), names) for uid in uids]

    def _stages(self) -> Column:
        return np.array(STAGES, dtype="U10")[self.record.stage[: len(self)]]


def _detail(code: str, number: float, components: tuple[str, ...]) -> str:
    words = {
        "tie upgraded": MODES, "tie downgraded": MODES, "stage": STAGES, "regime": REGIMES, "breakthrough": components,
        "licence granted": components, "licence refused": components,
        "platform founded": PLATFORM_KINDS, "platform joined": PLATFORM_KINDS, "platform left": PLATFORM_KINDS,
        "interface changed": INTERFACES,
    }.get(code)  # fmt: skip
    return words[int(number)] if words else f"{number:.6g}"
