"""Recording: declared outcomes of each quarter become columns, tables, Parquet files."""

from __future__ import annotations

import importlib
import pkgutil
from collections import namedtuple
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import ecosim.mechanisms
from ecosim.columns import living, members_of
from ecosim.compilation import allocation_free, compiled, is_compiled
from ecosim.measures import gini, herfindahl
from ecosim.mechanisms import breakthrough, internal_reform, licensing, product_generations
from ecosim.mechanisms.components import count_mastered
from ecosim.mechanisms.stages import channel_volumes, element_prices
from ecosim.mechanisms.value_sharing import dependence
from ecosim.outcomes import COUNT, LEVEL, MONEY, SHARE, Outcome
from ecosim.state import (
    CHANNELS,
    ELEMENTS,
    EVENTS,
    FIRM,
    INDICES,
    INTERFACES,
    MODES,
    PLATFORM_KINDS,
    REGIMES,
    STAGES,
    USER,
    VALUE_KINDS,
    Column,
    Organisations,
    State,
    Technology,
    Ties,
)

if TYPE_CHECKING:
    import pandas as pd

    from ecosim.model import Ecosystem

_OWN = (
    Outcome("value_created", MONEY, "Value created in the quarter: sales, users' surplus, finished projects, sales of platforms' services."),
    Outcome("organisations", COUNT, "Organisations, users included."),
    Outcome("ties", COUNT, "Ties between them."),
    Outcome("mean_trust", LEVEL, "Mean trust over ties."),
    Outcome("mean_openness", LEVEL, "Mean openness over organisations."),
    Outcome("adopted_share", SHARE, "Share of users that have adopted an offer."),
    Outcome("knowledge_total", "firm-years of median R&D", "Knowledge of all organisations."),
    Outcome("talent_total", "person-years", "Talent of all organisations and of those looking for work."),
    Outcome("capital_total", MONEY, "Capital of all organisations."),
    *(Outcome(f"environment_{index}", LEVEL, f"Index of the {index} environment.") for index in INDICES),
    *(Outcome(f"channel_{channel}", MONEY, f"Resources moved through {channel}, at replacement cost.") for channel in CHANNELS),
    *(Outcome(f"mode_{mode}", SHARE, f"Share of ties in the mode of {mode}.") for mode in MODES),
    Outcome("members", COUNT, "Members of core firms' platforms."),
    Outcome("revenue_firms", MONEY, "Revenue of all firms."),
    Outcome("revenue_focal", MONEY, "Revenue of the core firm."),
    Outcome("research_firms", MONEY, "Research spending of all firms."),
    Outcome("research_intensity", "share of revenue", "Research spending over revenue of the core firm."),
    Outcome("sharing_ratio", SHARE, "The core firm's sharing ratio."),
    Outcome("dependence", SHARE, "How much the core firm depends on partners for knowledge, services and complements."),
    Outcome("regime", "0 passive, 1 proactive, 2 leading", "The core firm's sharing regime as read off."),
    Outcome("generation", COUNT, "Product generations of the core firm since integration."),
    Outcome("mastered", COUNT, "Components that the core firm has mastered."),
    Outcome("projects_active", COUNT, "Projects under way."),
    Outcome("division_error", "share of the pot", "Largest standard error of a core firm's shares, when Shapley values are sampled."),
    Outcome("concentration", "1", "Herfindahl index of firms' revenue."),
    Outcome("gini_capital", "1", "Gini coefficient of capital, users left out."),
)  # fmt: skip
_MECHANISMS = tuple(
    mechanism
    for found in pkgutil.iter_modules(ecosim.mechanisms.__path__)
    if hasattr(mechanism := importlib.import_module(f"{ecosim.mechanisms.__name__}.{found.name}"), "OUTCOMES")
)
OUTCOMES: tuple[Outcome, ...] = (*_OWN, *(outcome for mechanism in _MECHANISMS for outcome in mechanism.OUTCOMES))

_namedtuple: Any = namedtuple  # its fields are known when the mechanisms are
_names = [mechanism.__name__.rpartition(".")[2] for mechanism in _MECHANISMS]
_Own = _namedtuple("_Own", [outcome.name for outcome in _OWN], module=__name__)
_Mechanisms = _namedtuple("_Mechanisms", _names, module=__name__)
# Where outcomes stand among all: those that belong to no mechanism, the first of each mechanism, what follows its last.
_AT = _Own._make(range(len(_OWN)))
_ENDS = tuple(accumulate((len(mechanism.OUTCOMES) for mechanism in _MECHANISMS), initial=len(_OWN)))
_FIRST, _END = _Mechanisms._make(_ENDS[:-1]), _Mechanisms._make(_ENDS[1:])


@compiled
def tie_totals(ties: Ties, tie_rows: Column) -> tuple[float, Column]:
    """Mean trust, share of ties by mode."""
    modes = np.zeros(3)
    trust = 0.0
    for t in tie_rows:
        trust += ties.trust[t]
        modes[ties.mode[t]] += 1.0
    count = max(1, tie_rows.size)
    return trust / count, modes / count


@allocation_free
def organisation_totals(organisations: Organisations, rows: Column) -> tuple[float, float, float, float, float]:
    """Knowledge, talent, capital, openness summed, and members of core firms' platforms."""
    knowledge, talent, capital, openness, members = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in rows:
        knowledge += organisations.knowledge[i].sum()
        talent += organisations.talent[i]
        capital += organisations.capital[i]
        openness += organisations.openness[i]
        members += 1.0 if organisations.member[i] else 0.0
    return knowledge, talent, capital, openness, members


@compiled
def own_outcomes(state: State, numbers: Any, step: int, out: Column) -> None:
    """Write the outcomes that belong to no mechanism into `out`, (outcomes,)."""
    organisations, environment, firms = state.organisations, state.environment, members_of(state.members, FIRM)
    rows, tie_rows = living(organisations.alive, state.slots), living(state.ties.alive, state.tie_slots)
    trust, modes = tie_totals(state.ties, tie_rows)
    knowledge, talent, capital, openness, members = organisation_totals(organisations, rows)
    prices = element_prices(numbers.stages, environment.knowledge_cost[0])
    out[_AT.value_created] = state.books.created.sum()
    out[_AT.organisations] = rows.size
    out[_AT.ties] = tie_rows.size
    out[_AT.mean_trust] = trust
    out[_AT.mean_openness] = openness / max(1, rows.size)
    out[_AT.adopted_share] = environment.adopted[0]
    out[_AT.knowledge_total] = knowledge
    out[_AT.talent_total] = talent + environment.seekers[0]
    out[_AT.capital_total] = capital
    out[_AT.environment_talent : _AT.environment_policy + 1] = environment.level
    out[_AT.channel_exchange : _AT.channel_empowerment + 1] = channel_volumes(state.books.flows, prices)
    out[_AT.mode_separation : _AT.mode_overlap + 1] = modes
    out[_AT.members] = members
    out[_AT.revenue_firms] = organisations.revenue[firms].sum()
    out[_AT.research_firms] = organisations.research[firms].sum()
    out[_AT.projects_active] = living(state.projects.alive, state.project_slots).size
    out[_AT.concentration] = herfindahl(organisations.revenue[firms])
    out[_AT.gini_capital] = gini(organisations.capital[rows[organisations.role[rows] != USER]])
    core_outcomes(organisations, state.technology, firms[organisations.focal[firms]], out)


@allocation_free
def core_outcomes(organisations: Organisations, technology: Technology, focal: Column, out: Column) -> None:
    """Write those of the core firm: of several the total of money, the mean of shares, else the most."""
    research = 0.0
    for i in focal:
        out[_AT.revenue_focal] += organisations.revenue[i]
        research += organisations.research[i]
        out[_AT.sharing_ratio] += organisations.sharing[i]
        out[_AT.dependence] += dependence(organisations, i)
        out[_AT.regime] = max(out[_AT.regime], organisations.regime[i])
        out[_AT.generation] = max(out[_AT.generation], organisations.generation[i])
        out[_AT.division_error] = max(out[_AT.division_error], organisations.division_error[i])
        out[_AT.mastered] = max(out[_AT.mastered], count_mastered(technology, i))
    if focal.size > 0:
        out[_AT.sharing_ratio] /= focal.size
        out[_AT.dependence] /= focal.size
    if out[_AT.revenue_focal] > 0.0:
        out[_AT.research_intensity] = research / out[_AT.revenue_focal]


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


@compiled
def role_totals(organisations: Organisations, rows: Column, roles: int) -> Column:
    """Totals by role, (roles, 10): count, stocks, mean openness, revenue, research, mean degree."""
    totals = np.zeros((roles, 10))
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
    for r in range(roles):
        if totals[r, 0] > 0.0:
            totals[r, 6] /= totals[r, 0]
            totals[r, 9] /= totals[r, 0]
    return totals


class Quarter(NamedTuple):
    """What is kept of one quarter."""

    stage: int
    metrics: dict[str, float]
    value: Column  # (beneficiaries, kinds)
    roles: Column  # (roles, len(ROLE_COLUMNS))
    flows: tuple[Column, Column]  # positions (4, n) and volumes (n,) of what moved
    events: tuple[Column, ...]  # code, subject, object, detail


class Recorder:
    """The quarters of one run, and the tables they make; the same tables as the result files."""

    def __init__(self, role_names: tuple[str, ...], start_year: int) -> None:
        self.role_names = role_names
        self.start_year = start_year
        self.quarters: list[Quarter] = []

    @property
    def beneficiaries(self) -> tuple[str, ...]:
        """Who value is booked to: the roles, employees, society, environment."""
        return (*self.role_names, "employees", "society", "environment")

    def record(self, model: Ecosystem) -> None:
        """Keep the quarter that ended."""
        roles = len(self.role_names)
        positions = np.array(np.nonzero(model.books.flows))
        count = int(model.events.used[0])
        events = tuple(column[:count].copy() for column in model.events[:4])
        totals = np.zeros((roles, len(ROLE_COLUMNS)))
        totals[:, :10] = role_totals(model.organisations, model.rows, roles)
        role_of = events[1] % 64
        for column, codes in ((10, ("entry",)), (11, ("exit", "bankruptcy"))):
            chosen = np.isin(events[0], [EVENTS.index(code) for code in codes])
            totals[:, column] = np.bincount(role_of[chosen], minlength=roles)[:roles]
        self.quarters.append(Quarter(
            int(model.reading.state[0]), make_metrics(model), model.books.value.copy(), totals,
            (positions, model.books.flows[tuple(positions)]), events,
        ))  # fmt: skip

    def truncate(self, steps: int) -> None:
        """Forget all but the first quarters."""
        del self.quarters[steps:]

    @property
    def last(self) -> dict[str, float]:
        """The outcomes of the last quarter; all 0 before the first."""
        return self.quarters[-1].metrics if self.quarters else {outcome.name: 0.0 for outcome in OUTCOMES}

    def metrics(self) -> pd.DataFrame:
        """Return a row a step: step, year, quarter, stage, then one column an outcome and one a beneficiary's share of value."""
        import pandas as pd

        steps = np.arange(len(self.quarters))
        frame: dict[str, Any] = {"step": steps, "year": self.start_year + steps // 4, "quarter": steps % 4 + 1}
        frame["stage"] = self._stages()
        for outcome in OUTCOMES:
            frame[outcome.name] = np.array([quarter.metrics[outcome.name] for quarter in self.quarters], float)
        value = np.array([quarter.value.sum(axis=1) for quarter in self.quarters]).reshape(-1, len(self.beneficiaries))
        total = value.sum(axis=1)
        for position, name in enumerate(self.beneficiaries):
            frame[f"share_{name}"] = np.divide(value[:, position], total, out=np.zeros(len(total)), where=total > 0.0)
        return pd.DataFrame(frame)

    def value(self) -> pd.DataFrame:
        """Return value booked, tidy: step, stage, beneficiary, kind, value (million CNY)."""
        import pandas as pd

        count, kinds = len(self.quarters), len(VALUE_KINDS)
        rows = len(self.beneficiaries) * kinds
        return pd.DataFrame({
            "step": np.repeat(np.arange(count), rows),
            "stage": np.repeat(self._stages(), rows),
            "beneficiary": np.tile(np.repeat(self.beneficiaries, kinds), count),
            "kind": np.tile(VALUE_KINDS, count * len(self.beneficiaries)),
            "value": np.array([quarter.value for quarter in self.quarters], float).reshape(-1),
        })  # fmt: skip

    def roles(self) -> pd.DataFrame:
        """Return a row a step and role: count, totals of stocks, means of openness and degree, entries, exits."""
        import pandas as pd

        count, roles = len(self.quarters), len(self.role_names)
        totals = np.array([quarter.roles for quarter in self.quarters], float).reshape(-1, len(ROLE_COLUMNS))
        frame: dict[str, Any] = {"step": np.repeat(np.arange(count), roles), "role": np.tile(self.role_names, count)}
        for position, name in enumerate(ROLE_COLUMNS):
            whole = name in ("count", "entries", "exits")
            frame[name] = totals[:, position].astype(np.int64) if whole else totals[:, position]
        return pd.DataFrame(frame)

    def flows(self) -> pd.DataFrame:
        """Return what moved: step, element, channel, source and target role, volume in the element's own unit."""
        import pandas as pd

        steps = np.repeat(np.arange(len(self.quarters)), [len(quarter.flows[1]) for quarter in self.quarters])
        positions = np.concatenate(
            [np.zeros((4, 0), np.int64), *(quarter.flows[0] for quarter in self.quarters)], axis=1
        )
        volumes = np.concatenate([np.zeros(0), *(quarter.flows[1] for quarter in self.quarters)])
        names = np.array(self.role_names)
        return pd.DataFrame({
            "step": steps,
            "element": np.array(ELEMENTS)[positions[0]],
            "channel": np.array(CHANNELS)[positions[1]],
            "source": names[positions[2]],
            "target": names[positions[3]],
            "volume": volumes,
        })  # fmt: skip

    def events(self, names: dict[int, str], components: tuple[str, ...]) -> pd.DataFrame:
        """Return what happened: step, event, subject, object (names), detail.

        Parameters
        ----------
        names : names of organisations that a scenario names, by uid; others are called by role and serial number.
        components : names of component technologies.
        """
        import pandas as pd

        steps = np.repeat(np.arange(len(self.quarters)), [len(quarter.events[0]) for quarter in self.quarters])
        columns = [
            np.concatenate([np.zeros(0, kind), *(quarter.events[position] for quarter in self.quarters)])
            for position, kind in enumerate((np.int64, np.int64, np.int64, float))
        ]
        codes = np.array(EVENTS, object)[columns[0].astype(np.int64)]
        return pd.DataFrame({
            "step": steps,
            "event": codes.astype(str),
            "subject": self._labels(columns[1].astype(np.int64), names),
            "object": self._labels(columns[2].astype(np.int64), names),
            "detail": [_detail(code, number, components) for code, number in zip(codes, columns[3], strict=True)],
        }).astype({"subject": str, "object": str, "detail": str})  # fmt: skip

    def label(self, uid: int, names: dict[int, str]) -> str:
        """Return the name of an organisation, or its role and serial number."""
        if uid < 0:
            return ""
        return names.get(uid, f"{self.role_names[uid % 64]} {uid // 64 + 1}")

    def _labels(self, uids: Column, names: dict[int, str]) -> list[str]:
        return [self.label(int(uid), names) for uid in uids]

    def _stages(self) -> Column:
        return np.array([STAGES[quarter.stage] for quarter in self.quarters], dtype="U10")


def _detail(code: str, number: float, components: tuple[str, ...]) -> str:
    words = {
        "tie upgraded": MODES, "tie downgraded": MODES, "stage": STAGES, "regime": REGIMES, "breakthrough": components,
        "licence granted": components, "licence refused": components,
        "platform founded": PLATFORM_KINDS, "platform joined": PLATFORM_KINDS, "platform left": PLATFORM_KINDS,
        "interface changed": INTERFACES,
    }.get(code)  # fmt: skip
    return words[int(number)] if words else f"{number:.6g}"


@compiled
def write_outcomes(state: State, numbers: Any, step: int, out: Column) -> None:
    """Write the outcomes of the quarter that ended into `out`, zeros, (outcomes,), in the order of `OUTCOMES`."""
    own_outcomes(state, numbers, step, out[: len(_AT)])
    breakthrough.outcomes(state, numbers, step, out[_FIRST.breakthrough : _END.breakthrough])
    internal_reform.outcomes(state, numbers, step, out[_FIRST.internal_reform : _END.internal_reform])
    licensing.outcomes(state, numbers, step, out[_FIRST.licensing : _END.licensing])
    product_generations.outcomes(state, numbers, step, out[_FIRST.product_generations : _END.product_generations])


def make_metrics(model: Ecosystem) -> dict[str, float]:
    """Return the outcomes of the quarter that ended, by name."""
    out = np.zeros(len(OUTCOMES))
    write_outcomes(model.state, model.numbers, model.step_number, out)
    for mechanism, first, end in zip(_MECHANISMS, _FIRST, _END, strict=True):
        if not is_compiled(mechanism.outcomes):
            out[first:end] = mechanism.outcomes(model)
    return {outcome.name: value for outcome, value in zip(OUTCOMES, out.tolist(), strict=True)}
