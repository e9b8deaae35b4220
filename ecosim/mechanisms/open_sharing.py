"""Open sharing (S001, sections 2.1.2 and 5): elements are pooled on platforms and copied over ties.

Three things are needed (P13): subjects that take part, resources that they open, and a platform. Who takes part stands in
`platforms`, what members pool and draw in `pooling`. Here organisations open up, as far as their culture lets them and
caution allows; partners copy knowledge and market information from each other; what is open leaks to rivals.
Copying never lowers the giver and never lifts the taker above the best giver.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.columns import living
from ecosim.compilation import allocation_free, compiled, inlined
from ecosim.draws import LEAKAGE, uniform
from ecosim.ledger import LOANS, note_flow, note_gain
from ecosim.mechanisms.internal_reform import absorption, change_culture, opening
from ecosim.mechanisms.platforms import attend, mark_offers, open_doors, room_to_attend
from ecosim.mechanisms.pooling import Gains, members_of_kind, no_gains, pool
from ecosim.mechanisms.protection import passed_on, protect
from ecosim.mechanisms.reach import niche_overlap
from ecosim.mechanisms.secondment import move_staff
from ecosim.native import fetch
from ecosim.outcomes import MONEY, Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    DOMAINS,
    EXCHANGE,
    INFORMATION,
    KNOWLEDGE,
    OPENNESS_TARGET,
    OVERLAP,
    POOL,
    SEPARATION,
    SHARING,
    STANDARDS_BODY,
    Books,
    Column,
    Members,
    Organisations,
    State,
    Ties,
)

_ASSUMED = "assumption, varied in the sensitivity analysis"
AHEAD = 8  # ties between asking for what two partners know and needing it

PARAMETERS = ParameterGroup("open_sharing", __name__, {
    "opening_speed": Parameter(0.02, 0.0, 1.0, "1/quarter", "Part of the way to its openness target that an organisation covers in a quarter.", _ASSUMED),
    "caution": Parameter(0.3, 0.0, 1.0, "1", "How much an unprotected organisation lowers its openness target.", "S001 5.1: protection makes willing to share (P22)"),
    "tie_rate": Parameter(0.2, 0.0, 1.0, "1/quarter", "Part of its gap to a fully open, fully trusted partner that sharing closes in a quarter; overlap doubles it.", _ASSUMED),
    "contract_rate": Parameter(0.006, 0.0, 1.0, "1/quarter", "The same for a tie in the mode of separation: what a contract teaches.", _ASSUMED),
    "information_rate": Parameter(0.2, 0.0, 1.0, "1/quarter", "The same for market information, which is told in the modes of sharing and overlap only.", "S003 4.2: information moves between subjects"),
    "leak_rate": Parameter(0.04, 0.0, 1.0, "1/quarter", "Part of its gap to an open, unprotected rival of the same niche that an organisation closes in a quarter.", "S001 5.1; leakage"),
    "unreformed": Parameter(0.4, 0.0, 1.0, "share", "Part of its absorptive capacity that an organisation without internal reform can use.", "S001 5.2: the reform of processes is needed to absorb (P21)"),
    "usefulness": Parameter(0.3, 0.0, 1.0, "share of replacement cost", "What copied knowledge is worth to the taker: much of it would not have been made.", _ASSUMED),
})  # fmt: skip

OUTCOMES = (
    Outcome("leaked_knowledge", "firm-years of median R&D", "Knowledge that rivals got in the quarter without being given it."),
    Outcome("capital_lent", MONEY, "Capital lent in the quarter."),
    Outcome("information_copied", "units", "Market information that partners and members told each other in the quarter."),
)  # fmt: skip


@compiled
def outcomes(state: State, numbers: Any, step: int, out: Column) -> None:
    """Write what leaked, what was lent and what was told into `out`, (outcomes,)."""
    out[0] = state.books.leaked[0]
    out[1] = state.books.paid[LOANS].sum()
    out[2] = state.books.flows[INFORMATION, POOL].sum()


@compiled
def share(state: State, numbers: Any, seed: int, step: int) -> bool:
    """Protect, open up, join platforms; pool and draw, copy over ties, leak to rivals; share staff; let culture follow."""
    organisations, books, rules, p = state.organisations, state.books, numbers.rules, numbers.open_sharing
    rows, tie_rows = living(organisations.alive, state.slots), living(state.ties.alive, state.tie_slots)
    used, managed = state.slots.state[1], 1.0 if rules.protection else 0.0
    offers, doors = np.full(used, -1, np.int64), np.empty((2 * tie_rows.size, 2), np.int64)
    if rules.platforms:
        mark_offers(organisations, rows, numbers.roles.hosting, offers)
    doors = doors[: open_doors(state.ties, tie_rows, offers, doors)]
    if not room_to_attend(organisations, state.platform_slots, state.membership_slots, state.events, rows, offers, doors,
                          state.short):  # fmt: skip
        return False
    price = p.usefulness * state.environment.knowledge_cost[0]
    information_price = p.usefulness * numbers.stages.information_price
    usable, opened = np.zeros(used), np.zeros(used)
    eased = members_of_kind(state.platforms, state.memberships, state.membership_slots, STANDARDS_BODY, used)
    open_up(organisations, books, rows, eased, usable, opened, state.environment.knowledge_cost[0], managed,
            rules.internal_reform, numbers.internal_reform.closed, p, numbers.protection)  # fmt: skip
    attend(state, numbers, offers, doors, usable, opened, managed, price, information_price, seed, step)
    # Nobody's knowledge or information changes before `absorb`, so all act on the same state.
    gains = no_gains(used)
    pool(state, numbers, gains, usable, opened, price)
    share_over_ties(organisations, state.ties, books, gains, usable, opened, tie_rows, p, price, information_price)
    books.leaked[0] = leak(organisations, state.members, gains, usable, rows, rules.leakage, managed, p, seed, step)
    absorb(organisations, gains, rows, numbers.orchestration.memory, rules.internal_reform, numbers.internal_reform)
    move_staff(organisations, state.ties, books, tie_rows, used, numbers.orchestration.hiring_speed, numbers.secondment)
    return True


@allocation_free
def open_up(
    organisations: Organisations,
    books: Books,
    rows: Column,
    eased: Column,
    usable: Column,
    opened: Column,
    knowledge_cost: float,
    managed: float,
    reforms: bool,
    closed: float,
    p: Any,
    ip: Any,
) -> None:
    """Openness moves to its target, of which culture opens a part, and which caution lowers where protection is missing.

    goal = openness_target * (closed + (1 - closed) * culture) * (1 - caution * (1 - protection)).

    Parameters
    ----------
    usable, opened : (rows,) to write usable absorptive capacity and the part of its knowledge that each passes on into.
    managed : 1 where intellectual property is managed, else 0.
    """
    for i in rows:
        if managed > 0.0:
            protect(organisations, books, i, eased[i], knowledge_cost, ip)
        goal = organisations.routines[i, OPENNESS_TARGET] * opening(organisations.culture[i], closed)
        goal *= 1.0 - p.caution * (1.0 - managed * organisations.protection[i])
        organisations.openness[i] += p.opening_speed * (goal - organisations.openness[i])
        usable[i] = absorption(organisations.absorptive[i], organisations.reform[i] if reforms else 0.0, p.unreformed)
        opened[i] = passed_on(organisations.openness[i], managed * organisations.protection[i], ip.flow_cut)


@allocation_free
def share_over_ties(
    organisations: Organisations,
    ties: Ties,
    books: Books,
    gains: Gains,
    usable: Column,
    opened: Column,
    tie_rows: Column,
    p: Any,
    price: float,
    information_price: float,
) -> None:
    """Both ends of a tie copy from each other; who share tell each other of the market.

    Copies in separation count as exchange, in sharing and overlap as shared pools.
    """
    for position in range(tie_rows.size):
        t, soon = tie_rows[position], tie_rows[min(position + AHEAD, tie_rows.size - 1)]
        for i in (ties.a[soon], ties.b[soon]):
            fetch(organisations.knowledge, i)
            fetch(gains.knowledge, i)
            fetch(gains.best, i)
            fetch(organisations.role, i)
            fetch(usable, i)
            fetch(opened, i)
        a, b = ties.a[t], ties.b[t]
        channel = EXCHANGE if ties.mode[t] == SEPARATION else POOL
        to_a = tie_rate(ties.mode[t], ties.trust[t], opened[b], p) * usable[a]
        to_b = tie_rate(ties.mode[t], ties.trust[t], opened[a], p) * usable[b]
        to_a, to_b = _copy(organisations, gains, a, b, to_a, to_b)
        note_flow(organisations, books, KNOWLEDGE, channel, b, a, to_a)
        note_flow(organisations, books, KNOWLEDGE, channel, a, b, to_b)
        note_gain(organisations, books, a, b, price * to_a)
        note_gain(organisations, books, b, a, price * to_b)
        _credit(ties, t, price * to_a, price * to_b)
        if ties.mode[t] >= SHARING:
            giver, taker = (a, b) if organisations.information[a] > organisations.information[b] else (b, a)
            worth = _tell(organisations, ties, books, gains, opened, t, giver, taker, p, information_price)
            _credit(ties, t, worth if taker == a else 0.0, worth if taker == b else 0.0)


@inlined
def _copy(
    organisations: Organisations, gains: Gains, a: int, b: int, rate_a: float, rate_b: float
) -> tuple[float, float]:
    """Copy a part of each gap to the other's knowledge into the gains of a and of b; return how much each got.

    Both ways at once and without a branch, so that the domains run side by side on the processor's vector units: who is
    ahead gets nothing, and a source that is behind sets no bound that `raised` would heed.
    """
    got_a, got_b = 0.0, 0.0
    for d in range(DOMAINS):
        known_a, known_b = organisations.knowledge[a, d], organisations.knowledge[b, d]
        volume_a, volume_b = rate_a * max(known_b - known_a, 0.0), rate_b * max(known_a - known_b, 0.0)
        gains.knowledge[a, d] += volume_a
        gains.knowledge[b, d] += volume_b
        gains.best[a, d] = max(gains.best[a, d], known_b)
        gains.best[b, d] = max(gains.best[b, d], known_a)
        got_a += volume_a
        got_b += volume_b
    return got_a, got_b


@allocation_free
def _tell(
    organisations: Organisations,
    ties: Ties,
    books: Books,
    gains: Gains,
    opened: Column,
    t: int,
    giver: int,
    taker: int,
    p: Any,
    price: float,
) -> float:
    """Close r T o' of a gap of information in sharing, twice that in overlap; return what it is worth to the taker."""
    gap = organisations.information[giver] - organisations.information[taker]
    rate = (2.0 if ties.mode[t] == OVERLAP else 1.0) * p.information_rate * ties.trust[t] * opened[giver]
    volume = min(1.0, rate) * gap
    if not volume > 0.0:
        return 0.0
    gains.information[taker] += volume
    gains.best_informed[taker] = max(gains.best_informed[taker], organisations.information[giver])
    note_flow(organisations, books, INFORMATION, POOL, giver, taker, volume)
    note_gain(organisations, books, taker, giver, price * volume)
    return price * volume


@allocation_free
def tie_rate(mode: int, trust: float, opened: float, p: Any) -> float:
    """What part of a gap a tie closes at full absorption: separation c; sharing r T o'; overlap 2 r T o'."""
    if mode == SEPARATION:
        return p.contract_rate
    return (2.0 if mode == OVERLAP else 1.0) * p.tie_rate * trust * opened


@allocation_free
def _credit(ties: Ties, t: int, worth_a: float, worth_b: float) -> None:
    ties.got_a[t] += worth_a
    ties.got_b[t] += worth_b
    ties.volume[t] += worth_a + worth_b
    ties.gave_a[t] += worth_b
    ties.gave_b[t] += worth_a


@allocation_free
def leak(
    organisations: Organisations,
    members: Members,
    gains: Gains,
    usable: Column,
    rows: Column,
    leaks: bool,
    managed: float,
    p: Any,
    seed: int,
    step: int,
) -> float:
    """Each organisation watches one other of its role; it copies in proportion to that one's openness, lack of protection and niche overlap.

    Returns
    -------
    Knowledge that was got in this way.
    """
    total = 0.0
    for i in rows:
        organisations.leaked[i] = 0.0
    if not leaks:
        return total
    for i in rows:
        first, end = members.starts[organisations.role[i]], members.starts[organisations.role[i] + 1]
        j = members.order[first + int(uniform(seed, LEAKAGE, step, organisations.uid[i], 0) * (end - first))]
        if j == i:
            continue
        exposed = (
            organisations.openness[j]
            * (1.0 - managed * organisations.protection[j])
            * niche_overlap(organisations, i, j)
        )
        rate = p.leak_rate * exposed * usable[i]
        for d in range(DOMAINS):
            gap = organisations.knowledge[j, d] - organisations.knowledge[i, d]
            if gap > 0.0:
                total += rate * gap
                gains.knowledge[i, d] += rate * gap
                gains.best[i, d] = max(gains.best[i, d], organisations.knowledge[j, d])
        organisations.leaked[j] = max(organisations.leaked[j], exposed)
    return total


@allocation_free
def absorb(
    organisations: Organisations, gains: Gains, rows: Column, memory: float, reforms: bool, culture: Any
) -> None:  # fmt: skip
    """Write the quarter's gains, never above the best source; culture follows."""
    for i in rows:
        total = 0.0
        for d in range(DOMAINS):
            after = raised(organisations.knowledge[i, d], gains.knowledge[i, d], gains.best[i, d])
            total += after - organisations.knowledge[i, d]
            organisations.knowledge[i, d] = after
        organisations.information[i] = raised(
            organisations.information[i], gains.information[i], gains.best_informed[i]
        )
        organisations.inflow[i] += memory * (total - organisations.inflow[i])
        if reforms:
            change_culture(organisations, i, culture)


@allocation_free
def raised(level: float, gain: float, best: float) -> float:
    """A level after a gain by copying: it never falls and never ends above the best source."""
    return max(level, min(level + gain, best))
