"""The outcomes of a quarter: all that are declared, in their order, and the compiled rule that writes them."""

from __future__ import annotations

import importlib
import pkgutil
from collections import namedtuple
from itertools import accumulate
from typing import Any

import numpy as np

import ecosim.mechanisms
from ecosim.columns import living, members_of
from ecosim.compilation import allocation_free, compiled
from ecosim.measures import gini, herfindahl
from ecosim.mechanisms import (
    breakthrough,
    co_creation,
    dynamic_capabilities,
    entrants,
    foreign_supply,
    governance,
    internal_reform,
    licensing,
    novelty,
    open_sharing,
    platforms,
    pooling,
    product_generations,
    protection,
    public_goods,
    readings,
    secondment,
    turnover,
)
from ecosim.mechanisms.components import count_mastered
from ecosim.mechanisms.stages import channel_volumes, element_prices
from ecosim.mechanisms.value_sharing import dependence
from ecosim.outcomes import COUNT, LEVEL, MONEY, SHARE, Outcome
from ecosim.state import CHANNELS, FIRM, INDICES, MODES, USER, Column, Organisations, State, Technology, Ties

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

NAMES = tuple(outcome.name for outcome in OUTCOMES)

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
def own_outcomes(state: State, numbers: Any, wanted: Column, out: Column) -> None:
    """Write the outcomes that belong to no mechanism into `out`, (outcomes,); those that take a pass or a sort only if wanted."""
    organisations, environment, firms = state.organisations, state.environment, members_of(state.members, FIRM)
    rows, tie_rows = living(organisations.alive, state.slots), living(state.ties.alive, state.tie_slots)
    prices = element_prices(numbers.stages, environment.knowledge_cost[0])
    out[_AT.value_created] = state.books.created.sum()
    out[_AT.organisations] = rows.size
    out[_AT.ties] = tie_rows.size
    out[_AT.adopted_share] = environment.adopted[0]
    if wanted[_AT.knowledge_total] or wanted[_AT.talent_total] or wanted[_AT.capital_total] or wanted[_AT.mean_openness] or wanted[_AT.members]:  # fmt: skip
        knowledge, talent, capital, openness, members = organisation_totals(organisations, rows)
        out[_AT.mean_openness] = openness / max(1, rows.size)
        out[_AT.knowledge_total] = knowledge
        out[_AT.talent_total] = talent + environment.seekers[0]
        out[_AT.capital_total] = capital
        out[_AT.members] = members
    if wanted[_AT.mean_trust] or wanted[_AT.mode_separation : _AT.mode_overlap + 1].any():
        trust, modes = tie_totals(state.ties, tie_rows)
        out[_AT.mean_trust] = trust
        out[_AT.mode_separation : _AT.mode_overlap + 1] = modes
    if wanted[_AT.gini_capital]:
        out[_AT.gini_capital] = gini(organisations.capital[rows[organisations.role[rows] != USER]])
    out[_AT.environment_talent : _AT.environment_policy + 1] = environment.level
    out[_AT.channel_exchange : _AT.channel_empowerment + 1] = channel_volumes(state.books.flows, prices)
    out[_AT.revenue_firms] = organisations.revenue[firms].sum()
    out[_AT.research_firms] = organisations.research[firms].sum()
    out[_AT.projects_active] = living(state.projects.alive, state.project_slots).size
    out[_AT.concentration] = herfindahl(organisations.revenue[firms])
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


@compiled
def write_outcomes(state: State, numbers: Any, step: int, out: Column) -> None:
    """Write the outcomes of the quarter that ended into `out`, zeros, (outcomes,), in the order of `OUTCOMES`.

    Those that are not wanted are not a number.
    """
    wanted = state.record.wanted
    own_outcomes(state, numbers, wanted, out[: len(_AT)])
    if wanted[_FIRST.breakthrough : _END.breakthrough].any():
        breakthrough.outcomes(state, numbers, step, out[_FIRST.breakthrough : _END.breakthrough])
    if wanted[_FIRST.co_creation : _END.co_creation].any():
        co_creation.outcomes(state, numbers, step, out[_FIRST.co_creation : _END.co_creation])
    if wanted[_FIRST.dynamic_capabilities : _END.dynamic_capabilities].any():
        dynamic_capabilities.outcomes(
            state, numbers, step, out[_FIRST.dynamic_capabilities : _END.dynamic_capabilities]
        )
    if wanted[_FIRST.entrants : _END.entrants].any():
        entrants.outcomes(state, numbers, step, out[_FIRST.entrants : _END.entrants])
    if wanted[_FIRST.foreign_supply : _END.foreign_supply].any():
        foreign_supply.outcomes(state, numbers, step, out[_FIRST.foreign_supply : _END.foreign_supply])
    if wanted[_FIRST.governance : _END.governance].any():
        governance.outcomes(state, numbers, step, out[_FIRST.governance : _END.governance])
    if wanted[_FIRST.internal_reform : _END.internal_reform].any():
        internal_reform.outcomes(state, numbers, step, out[_FIRST.internal_reform : _END.internal_reform])
    if wanted[_FIRST.licensing : _END.licensing].any():
        licensing.outcomes(state, numbers, step, out[_FIRST.licensing : _END.licensing])
    if wanted[_FIRST.novelty : _END.novelty].any():
        novelty.outcomes(state, numbers, step, out[_FIRST.novelty : _END.novelty])
    if wanted[_FIRST.open_sharing : _END.open_sharing].any():
        open_sharing.outcomes(state, numbers, step, out[_FIRST.open_sharing : _END.open_sharing])
    if wanted[_FIRST.platforms : _END.platforms].any():
        platforms.outcomes(state, numbers, step, out[_FIRST.platforms : _END.platforms])
    if wanted[_FIRST.pooling : _END.pooling].any():
        pooling.outcomes(state, numbers, step, out[_FIRST.pooling : _END.pooling])
    if wanted[_FIRST.product_generations : _END.product_generations].any():
        product_generations.outcomes(state, numbers, step, out[_FIRST.product_generations : _END.product_generations])
    if wanted[_FIRST.protection : _END.protection].any():
        protection.outcomes(state, numbers, step, out[_FIRST.protection : _END.protection])
    if wanted[_FIRST.public_goods : _END.public_goods].any():
        public_goods.outcomes(state, numbers, step, out[_FIRST.public_goods : _END.public_goods])
    if wanted[_FIRST.readings : _END.readings].any():
        readings.outcomes(state, numbers, step, out[_FIRST.readings : _END.readings])
    if wanted[_FIRST.secondment : _END.secondment].any():
        secondment.outcomes(state, numbers, step, out[_FIRST.secondment : _END.secondment])
    if wanted[_FIRST.turnover : _END.turnover].any():
        turnover.outcomes(state, numbers, step, out[_FIRST.turnover : _END.turnover])
    for position in range(wanted.size):
        if not wanted[position]:
            out[position] = np.nan
