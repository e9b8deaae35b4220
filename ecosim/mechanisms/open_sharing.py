"""Open sharing (S001, sections 2.1.2 and 5): non-rival elements are pooled on a platform and copied over ties.

Three things are needed (P13): subjects that take part, resources that they expose, and a platform, hosted by a core
firm. A member exposes its knowledge in proportion to its openness and draws in proportion to its absorptive capacity,
which internal reform conditions (P21). Copying never lowers the giver and never lifts the taker above the best giver.
Openness also leaks to rivals; protection cuts leakage and flow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.compilation import allocation_free, compiled
from ecosim.draws import LEAKAGE, uniform
from ecosim.ledger import note_flow, note_gain
from ecosim.measures import pianka_overlap
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    EXCHANGE,
    KNOWLEDGE,
    OPENNESS_TARGET,
    OVERLAP,
    POOL,
    SEPARATION,
    SHARING,
    Books,
    Column,
    Environment,
    Organisations,
    Ties,
)

if TYPE_CHECKING:
    from ecosim.model import Ecosystem

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("open_sharing", __name__, {
    "opening_speed": Parameter(0.02, 0.0, 1.0, "1/quarter", "Part of the way to its openness target that an organisation covers in a quarter.", _ASSUMED),
    "caution": Parameter(0.3, 0.0, 1.0, "1", "How much an unprotected organisation lowers its openness target.", "S001 5.1: protection makes willing to share (P22)"),
    "pool_rate": Parameter(0.2, 0.0, 1.0, "1/quarter", "Part of its gap to the pool that a member with full absorption closes in a quarter.", _ASSUMED),
    "tie_rate": Parameter(0.2, 0.0, 1.0, "1/quarter", "Part of its gap to a fully open, fully trusted partner that sharing closes in a quarter; overlap doubles it.", _ASSUMED),
    "contract_rate": Parameter(0.006, 0.0, 1.0, "1/quarter", "The same for a tie in the mode of separation: what a contract teaches.", _ASSUMED),
    "leak_rate": Parameter(0.04, 0.0, 1.0, "1/quarter", "Part of its gap to an open, unprotected rival of the same niche that an organisation closes in a quarter.", "S001 5.1; leakage"),
    "unreformed": Parameter(0.4, 0.0, 1.0, "share", "Part of its absorptive capacity that an organisation without internal reform can use.", "S001 5.2: the reform of processes is needed to absorb (P21)"),
    "usefulness": Parameter(0.3, 0.0, 1.0, "share of replacement cost", "What copied knowledge is worth to the taker: much of it would not have been made.", _ASSUMED),
})  # fmt: skip


def share(model: Ecosystem) -> None:
    """Open up, join the platform, draw from the pool, copy over ties, leak to rivals."""
    organisations, ties = model.organisations, model.ties
    settings = model.parameters["open_sharing"]
    open_up(organisations, model.rows, settings)
    join_platform(organisations, ties, model.rows, model.tie_rows)
    seen = organisations.knowledge  # nobody's knowledge changes before `absorb`, so all act on the same state
    best = np.zeros(seen.shape)
    gained = np.zeros(seen.shape)
    price = settings.usefulness * float(model.environment.knowledge_cost[0])
    draw_from_pool(organisations, model.environment, model.books, seen, best, gained, model.rows, settings, price)
    copy_over_ties(organisations, ties, model.books, seen, best, gained, model.tie_rows, settings, price)
    leak(organisations, seen, best, gained, model.members_of_roles(), model.rows, settings, model.rules["leakage"],
         model.seed, model.step_number)  # fmt: skip
    absorb(organisations, best, gained, model.rows, model.parameters["orchestration"].memory)


@allocation_free
def absorption(absorptive: float, reform: float, unreformed: float) -> float:
    """Usable absorptive capacity: a * (u + (1 - u) * reform)."""
    return absorptive * (unreformed + (1.0 - unreformed) * reform)


@allocation_free
def open_up(organisations: Organisations, rows: Column, p: Any) -> None:
    """Openness moves to its target, which caution lowers where protection is missing."""
    for i in rows:
        goal = organisations.routines[i, OPENNESS_TARGET] * (1.0 - p.caution * (1.0 - organisations.protection[i]))
        organisations.openness[i] += p.opening_speed * (goal - organisations.openness[i])


@allocation_free
def join_platform(organisations: Organisations, ties: Ties, rows: Column, tie_rows: Column) -> None:
    """A core firm hosts; who is tied to it in the mode of sharing or overlap takes part."""
    for i in rows:
        organisations.member[i] = organisations.focal[i]
    for t in tie_rows:
        if ties.mode[t] >= SHARING:
            a, b = ties.a[t], ties.b[t]
            if organisations.focal[a]:
                organisations.member[b] = True
            if organisations.focal[b]:
                organisations.member[a] = True


@allocation_free
def _copy(
    organisations: Organisations,
    books: Books,
    seen: Column,
    best: Column,
    gained: Column,
    giver: int,
    taker: int,
    d: int,
    level: float,
    rate: float,
    channel: int,
    price: float,
) -> float:
    """Copy a part of the gap to a level into the taker's gains; return what it is worth to the taker."""
    gap = level - seen[taker, d]
    if gap <= 0.0 or rate <= 0.0:
        return 0.0
    volume = rate * gap
    gained[taker, d] += volume
    best[taker, d] = max(best[taker, d], level)
    if channel >= 0:
        note_flow(organisations, books, KNOWLEDGE, channel, giver, taker, volume)
        note_gain(organisations, books, taker, giver, price * volume)
    return price * volume


@compiled
def draw_from_pool(
    organisations: Organisations,
    environment: Environment,
    books: Books,
    seen: Column,
    best: Column,
    gained: Column,
    rows: Column,
    p: Any,
    price: float,
) -> None:
    """The pool holds per domain the best that a member exposes, openness * knowledge; members close part of the gap to it."""
    domains = seen.shape[1]
    source = np.full(domains, -1, np.int64)
    environment.pool[:] = 0.0
    for i in rows:
        if organisations.member[i]:
            for d in range(domains):
                exposed = organisations.openness[i] * seen[i, d]
                if exposed > environment.pool[d]:
                    environment.pool[d] = exposed
                    source[d] = i
    for i in rows:
        if organisations.member[i]:
            rate = p.pool_rate * absorption(organisations.absorptive[i], organisations.reform[i], p.unreformed)
            for d in range(domains):
                if source[d] >= 0 and source[d] != i:
                    _copy(
                        organisations,
                        books,
                        seen,
                        best,
                        gained,
                        source[d],
                        i,
                        d,
                        environment.pool[d],
                        rate,
                        POOL,
                        price,
                    )


@allocation_free
def tie_rate(mode: int, trust: float, openness: float, p: Any) -> float:
    """What part of a gap a tie closes at full absorption: separation c; sharing r T o; overlap 2 r T o."""
    if mode == SEPARATION:
        return p.contract_rate
    return (2.0 if mode == OVERLAP else 1.0) * p.tie_rate * trust * openness


@allocation_free
def copy_over_ties(
    organisations: Organisations,
    ties: Ties,
    books: Books,
    seen: Column,
    best: Column,
    gained: Column,
    tie_rows: Column,
    p: Any,
    price: float,
) -> None:
    """Both ends of a tie copy from each other; separation counts as exchange, sharing and overlap as shared pools."""
    for t in tie_rows:
        a, b = ties.a[t], ties.b[t]
        channel = EXCHANGE if ties.mode[t] == SEPARATION else POOL
        to_a = tie_rate(ties.mode[t], ties.trust[t], organisations.openness[b], p) * absorption(
            organisations.absorptive[a], organisations.reform[a], p.unreformed
        )
        to_b = tie_rate(ties.mode[t], ties.trust[t], organisations.openness[a], p) * absorption(
            organisations.absorptive[b], organisations.reform[b], p.unreformed
        )
        worth_a = 0.0
        worth_b = 0.0
        for d in range(seen.shape[1]):
            worth_a += _copy(organisations, books, seen, best, gained, b, a, d, seen[b, d], to_a, channel, price)
            worth_b += _copy(organisations, books, seen, best, gained, a, b, d, seen[a, d], to_b, channel, price)
        ties.got_a[t] += worth_a
        ties.got_b[t] += worth_b
        ties.volume[t] += worth_a + worth_b
        ties.gave_a[t] += worth_b
        ties.gave_b[t] += worth_a


@compiled
def leak(
    organisations: Organisations,
    seen: Column,
    best: Column,
    gained: Column,
    members: tuple[Column, Column],
    rows: Column,
    p: Any,
    leaks: bool,
    seed: int,
    step: int,
) -> None:
    """Each organisation watches one other of its role; it copies in proportion to that one's openness, lack of protection and niche overlap.

    Parameters
    ----------
    members : start of each role's part, and all rows sorted by role.
    """
    starts, sorted_rows = members
    for i in rows:
        organisations.leaked[i] = 0.0
    if not leaks:
        return
    for i in rows:
        role = organisations.role[i]
        peers = starts[role + 1] - starts[role]
        j = sorted_rows[starts[role] + int(uniform(seed, LEAKAGE, step, organisations.uid[i], 0) * peers)]
        if j == i:
            continue
        exposed = (
            organisations.openness[j]
            * (1.0 - organisations.protection[j])
            * pianka_overlap(organisations.niche[i], organisations.niche[j])
        )
        rate = p.leak_rate * exposed * absorption(organisations.absorptive[i], organisations.reform[i], p.unreformed)
        for d in range(seen.shape[1]):
            gap = seen[j, d] - seen[i, d]
            if gap > 0.0:
                gained[i, d] += rate * gap
                best[i, d] = max(best[i, d], seen[j, d])
        organisations.leaked[j] = max(organisations.leaked[j], exposed)


@allocation_free
def absorb(organisations: Organisations, best: Column, gained: Column, rows: Column, memory: float) -> None:
    """Write the quarter's gains, never above the best source."""
    for i in rows:
        total = 0.0
        for d in range(best.shape[1]):
            if gained[i, d] > 0.0:
                after = max(
                    organisations.knowledge[i, d], min(organisations.knowledge[i, d] + gained[i, d], best[i, d])
                )
                total += after - organisations.knowledge[i, d]
                organisations.knowledge[i, d] = after
        organisations.inflow[i] += memory * (total - organisations.inflow[i])
