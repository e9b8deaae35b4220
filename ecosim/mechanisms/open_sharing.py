"""Open sharing (S001, sections 2.1.2 and 5): elements are pooled on platforms and copied over ties.

Three things are needed (P13): subjects that take part, resources that they open, and a platform. Who takes part stands in
`platforms`, what members pool and draw in `pooling`. Here organisations open up, as far as their culture lets them and
caution allows; partners copy knowledge and market information from each other; what is open leaks to rivals.
Copying never lowers the giver and never lifts the taker above the best giver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.compilation import allocation_free, compiled
from ecosim.draws import LEAKAGE, uniform
from ecosim.ledger import LOANS, note_flow, note_gain
from ecosim.measures import pianka_overlap
from ecosim.mechanisms.internal_reform import _change_culture, absorption, opening
from ecosim.mechanisms.platforms import attend
from ecosim.mechanisms.pooling import members_of, pool
from ecosim.mechanisms.protection import _protect, passed_on
from ecosim.mechanisms.secondment import _move_staff
from ecosim.outcomes import MONEY, Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
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
    Memberships,
    Organisations,
    Platforms,
    Ties,
)

if TYPE_CHECKING:
    from ecosim.model import Ecosystem

_ASSUMED = "assumption, varied in the sensitivity analysis"

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


def outcomes(model: Ecosystem) -> tuple[float, ...]:
    """Return what leaked, what was lent and what was told."""
    return (
        float(model.books.leaked[0]),
        float(model.books.paid[LOANS].sum()),
        float(model.books.flows[INFORMATION, POOL].sum()),
    )


def share(model: Ecosystem) -> None:
    """Protect, open up, join platforms; pool and draw, copy over ties, leak to rivals; share staff; let culture follow."""
    organisations, settings = model.organisations, model.parameters["open_sharing"]
    culture, ip = model.parameters["internal_reform"], model.parameters["protection"]
    common, knowledge_cost = model.parameters["orchestration"], float(model.environment.knowledge_cost[0])
    switches = model.switched("internal_reform", "protection", "leakage")
    usable, opened = prepare(organisations, model.platforms, model.memberships, model.books, model.rows,
                             model.membership_rows, knowledge_cost, switches, settings, culture, ip)  # fmt: skip
    attend(model, usable, opened)
    # Nobody's knowledge or information changes before `absorb`, so all act on the same state.
    gains = (np.zeros(organisations.knowledge.shape), np.zeros(organisations.knowledge.shape), np.zeros(len(usable)),
             np.zeros(len(usable)))  # fmt: skip
    price = settings.usefulness * knowledge_cost
    pool(model, gains, usable, opened, price)
    model.books.leaked[0] = copy_and_absorb(
        organisations, model.ties, model.books, gains, usable, opened, model.members_of_roles(), model.rows, model.tie_rows,
        price, settings.usefulness * model.parameters["stages"].information_price, switches, settings, culture,
        model.parameters["secondment"], common.hiring_speed, common.memory, model.seed, model.step_number,
    )  # fmt: skip


@compiled
def prepare(
    organisations: Organisations,
    platforms: Platforms,
    memberships: Memberships,
    books: Books,
    rows: Column,
    membership_rows: Column,
    knowledge_cost: float,
    switches: Column,
    p: Any,
    culture: Any,
    ip: Any,
) -> tuple[Column, Column]:
    """Protect and open up; return usable absorptive capacity and the part of its knowledge that each passes on, (rows,)."""
    reforms, managed = switches[0], switches[1]
    if managed > 0.0:
        eased = members_of(platforms, memberships, membership_rows, STANDARDS_BODY, organisations.uid.size)
        _protect(organisations, books, rows, eased, knowledge_cost, ip)
    _open_up(organisations, rows, p, culture.closed, managed)
    usable = np.zeros(organisations.uid.size)
    opened = np.zeros(organisations.uid.size)
    for i in rows:
        usable[i] = absorption(organisations.absorptive[i], reforms * organisations.reform[i], p.unreformed)
        opened[i] = passed_on(organisations.openness[i], managed * organisations.protection[i], ip.flow_cut)
    return usable, opened


@compiled
def copy_and_absorb(
    organisations: Organisations,
    ties: Ties,
    books: Books,
    gains: tuple[Column, Column, Column, Column],
    usable: Column,
    opened: Column,
    members: tuple[Column, Column],
    rows: Column,
    tie_rows: Column,
    price: float,
    information_price: float,
    switches: Column,
    p: Any,
    culture: Any,
    staff: Any,
    hiring_speed: float,
    memory: float,
    seed: int,
    step: int,
) -> float:
    """Copy over ties, leak, write all gains, move staff, let culture follow; return the knowledge that leaked."""
    best, gained, best_told, told = gains
    _copy_over_ties(organisations, ties, books, best, gained, usable, opened, tie_rows, p, price)
    _tell_over_ties(organisations, ties, books, best_told, told, opened, tie_rows, p, information_price)
    leaked = _leak(organisations, best, gained, usable, members, rows, p, switches[2] > 0.0, switches[1], seed, step)
    _absorb(organisations, best, gained, best_told, told, rows, memory)
    _move_staff(organisations, ties, books, tie_rows, hiring_speed, staff)
    if switches[0] > 0.0:
        _change_culture(organisations, rows, culture)
    return leaked


@allocation_free
def _open_up(organisations: Organisations, rows: Column, p: Any, closed: float, managed: float) -> None:
    """Openness moves to its target, of which culture opens a part, and which caution lowers where protection is missing.

    goal = openness_target * (closed + (1 - closed) * culture) * (1 - caution * (1 - protection)).
    """
    for i in rows:
        goal = organisations.routines[i, OPENNESS_TARGET] * opening(organisations.culture[i], closed)
        goal *= 1.0 - p.caution * (1.0 - managed * organisations.protection[i])
        organisations.openness[i] += p.opening_speed * (goal - organisations.openness[i])


@allocation_free
def _copy(
    organisations: Organisations,
    books: Books,
    best: Column,
    gained: Column,
    giver: int,
    taker: int,
    rate: float,
    channel: int,
    price: float,
) -> float:
    """Copy a part of each gap to the giver's knowledge into the taker's gains; return what it is worth to the taker."""
    total = 0.0
    for d in range(gained.shape[1]):
        volume = rate * (organisations.knowledge[giver, d] - organisations.knowledge[taker, d])
        if volume > 0.0:
            gained[taker, d] += volume
            best[taker, d] = max(best[taker, d], organisations.knowledge[giver, d])
            total += volume
    note_flow(organisations, books, KNOWLEDGE, channel, giver, taker, total)
    note_gain(organisations, books, taker, giver, price * total)
    return price * total


@allocation_free
def tie_rate(mode: int, trust: float, opened: float, p: Any) -> float:
    """What part of a gap a tie closes at full absorption: separation c; sharing r T o'; overlap 2 r T o'."""
    if mode == SEPARATION:
        return p.contract_rate
    return (2.0 if mode == OVERLAP else 1.0) * p.tie_rate * trust * opened


@allocation_free
def _copy_over_ties(
    organisations: Organisations,
    ties: Ties,
    books: Books,
    best: Column,
    gained: Column,
    usable: Column,
    opened: Column,
    tie_rows: Column,
    p: Any,
    price: float,
) -> None:
    """Both ends of a tie copy from each other; separation counts as exchange, sharing and overlap as shared pools."""
    for t in tie_rows:
        a, b = ties.a[t], ties.b[t]
        channel = EXCHANGE if ties.mode[t] == SEPARATION else POOL
        to_a = tie_rate(ties.mode[t], ties.trust[t], opened[b], p) * usable[a]
        to_b = tie_rate(ties.mode[t], ties.trust[t], opened[a], p) * usable[b]
        worth_a = _copy(organisations, books, best, gained, b, a, to_a, channel, price)
        worth_b = _copy(organisations, books, best, gained, a, b, to_b, channel, price)
        _credit(ties, t, worth_a, worth_b)


@allocation_free
def _credit(ties: Ties, t: int, worth_a: float, worth_b: float) -> None:
    ties.got_a[t] += worth_a
    ties.got_b[t] += worth_b
    ties.volume[t] += worth_a + worth_b
    ties.gave_a[t] += worth_b
    ties.gave_b[t] += worth_a


@allocation_free
def _tell_over_ties(
    organisations: Organisations,
    ties: Ties,
    books: Books,
    best: Column,
    told: Column,
    opened: Column,
    tie_rows: Column,
    p: Any,
    price: float,
) -> None:
    """Partners who share tell each other of the market: sharing closes r T o' of a gap of information, overlap twice that."""
    for t in tie_rows:
        if ties.mode[t] < SHARING:
            continue
        a, b = ties.a[t], ties.b[t]
        giver, taker = (a, b) if organisations.information[a] > organisations.information[b] else (b, a)
        gap = organisations.information[giver] - organisations.information[taker]
        rate = (2.0 if ties.mode[t] == OVERLAP else 1.0) * p.information_rate * ties.trust[t] * opened[giver]
        volume = min(1.0, rate) * gap
        if volume > 0.0:
            told[taker] += volume
            best[taker] = max(best[taker], organisations.information[giver])
            note_flow(organisations, books, INFORMATION, POOL, giver, taker, volume)
            note_gain(organisations, books, taker, giver, price * volume)
            _credit(ties, t, price * volume if taker == a else 0.0, price * volume if taker == b else 0.0)


@compiled
def _leak(
    organisations: Organisations,
    best: Column,
    gained: Column,
    usable: Column,
    members: tuple[Column, Column],
    rows: Column,
    p: Any,
    leaks: bool,
    managed: float,
    seed: int,
    step: int,
) -> float:
    """Each organisation watches one other of its role; it copies in proportion to that one's openness, lack of protection and niche overlap.

    Parameters
    ----------
    members : start of each role's part, and all rows sorted by role.

    Returns
    -------
    Knowledge that was got in this way.
    """
    starts, sorted_rows = members
    total = 0.0
    for i in rows:
        organisations.leaked[i] = 0.0
    if not leaks:
        return total
    for i in rows:
        role = organisations.role[i]
        peers = starts[role + 1] - starts[role]
        j = sorted_rows[starts[role] + int(uniform(seed, LEAKAGE, step, organisations.uid[i], 0) * peers)]
        if j == i:
            continue
        exposed = (
            organisations.openness[j]
            * (1.0 - managed * organisations.protection[j])
            * pianka_overlap(organisations.niche[i], organisations.niche[j])
        )
        rate = p.leak_rate * exposed * usable[i]
        for d in range(gained.shape[1]):
            gap = organisations.knowledge[j, d] - organisations.knowledge[i, d]
            if gap > 0.0:
                total += rate * gap
                gained[i, d] += rate * gap
                best[i, d] = max(best[i, d], organisations.knowledge[j, d])
        organisations.leaked[j] = max(organisations.leaked[j], exposed)
    return total


@allocation_free
def _absorb(
    organisations: Organisations, best: Column, gained: Column, best_told: Column, told: Column, rows: Column, memory: float
) -> None:  # fmt: skip
    """Write the quarter's gains, never above the best source."""
    for i in rows:
        total = 0.0
        for d in range(best.shape[1]):
            after = raised(organisations.knowledge[i, d], gained[i, d], best[i, d])
            total += after - organisations.knowledge[i, d]
            organisations.knowledge[i, d] = after
        organisations.information[i] = raised(organisations.information[i], told[i], best_told[i])
        organisations.inflow[i] += memory * (total - organisations.inflow[i])


@allocation_free
def raised(level: float, gain: float, best: float) -> float:
    """A level after a gain by copying: it never falls and never ends above the best source."""
    return max(level, min(level + gain, best))
