"""Pooling (S001 2.1.2, 5.1-5.3; S003 4.2(2)): what members put on a platform, and what they draw.

Subjects, resources and a platform are all needed (P13): a platform without a second member pools nothing, nor do members
that know or open nothing. The pool is a taker like any other: each member closes a part of its gap to what that member
opens, so it never knows more than the best contributor. What was contributed stays and goes out of date. Members
of a standards body also watch the outside frontier, and their interfaces fit, which makes drawing easier on every platform.
In a standards body and an industrial alliance members tell each other about the market. An academy trains.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ecosim.columns import living
from ecosim.compilation import allocation_free, compiled
from ecosim.ledger import note_flow, note_gain
from ecosim.mechanisms.reach import shares_information
from ecosim.outcomes import Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    ACADEMY,
    DOMAINS,
    INFORMATION,
    KNOWLEDGE,
    OPEN_SOURCE_COMMUNITY,
    POOL,
    STANDARDS_BODY,
    Books,
    Column,
    Environment,
    Memberships,
    Organisations,
    Platforms,
    Slots,
    State,
)

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("pooling", __name__, {
    "contribution": Parameter(0.25, 0.0, 1.0, "1/quarter", "Part of the pool's gap to what a member opens that the member closes in a quarter.", _ASSUMED),
    "community": Parameter(2.0, 0.0, 10.0, "1", "How much faster what is opened gets into an open-source community.", "S001 5.3: a wider range of subjects, ties without contracts"),
    "pool_rate": Parameter(0.2, 0.0, 1.0, "1/quarter", "Part of its gap to the pool that a member with full absorption closes in a quarter.", _ASSUMED),
    "compatibility": Parameter(0.5, 0.0, 5.0, "1", "How much more of a gap members of a standards body close, since their interfaces fit.", "S001 5.3 (P26); compatibility: Katz and Shapiro 1985"),
    "tracking": Parameter(0.005, 0.0, 1.0, "1/quarter", "Part of a standards body's gap to the outside frontier that a fully open member with full absorption closes in a quarter.", "S001 5.3: standards bodies track the frontier (P26)"),
    "information_rate": Parameter(0.2, 0.0, 1.0, "1/quarter", "Part of its gap to the best informed member that a member closes in a quarter.", _ASSUMED),
    "training": Parameter(0.01, 0.0, 1.0, "1/quarter", "Part of what is missing that a quarter in an academy adds to the capabilities of search, fusion and development.", "S001 5.2-5.3: ICT academies (P27, P28)"),
})  # fmt: skip

OUTCOMES = (
    Outcome("pooled_knowledge", "firm-years of median R&D", "Knowledge on all platforms."),
    Outcome("drawn_knowledge", "firm-years of median R&D", "Knowledge that members drew from platforms in a quarter, smoothed."),
)  # fmt: skip


@compiled
def outcomes(state: State, numbers: Any, step: int, out: Column) -> None:
    """Write what lies on platforms and what is drawn from them into `out`, (outcomes,)."""
    for q in living(state.platforms.alive, state.platform_slots):
        for d in range(DOMAINS):
            out[0] += state.platforms.pool[q, d]
    for m in living(state.memberships.alive, state.membership_slots):
        out[1] += state.memberships.drawn[m]


class Gains(NamedTuple):
    """What organisations get by copying in a quarter, until it is written into what they have."""

    knowledge: Column  # (organisations, domains)
    best: Column  # (organisations, domains) knowledge of the best source
    information: Column  # (organisations,)
    best_informed: Column  # (organisations,) information of the best source


@compiled
def no_gains(used: int) -> Gains:
    """Return gains of nothing; `used` is the number of rows of organisations in use."""
    return Gains(np.zeros((used, DOMAINS)), np.zeros((used, DOMAINS)), np.zeros(used), np.zeros(used))


@compiled
def members_of_kind(
    platforms: Platforms, memberships: Memberships, membership_slots: Slots, kind: int, used: int
) -> Column:  # fmt: skip
    """Whether each organisation is a member of a platform of a kind, (organisations,)."""
    found = np.zeros(used, np.bool_)
    _mark_members(platforms, memberships, living(memberships.alive, membership_slots), kind, found)
    return found


@allocation_free
def _mark_members(
    platforms: Platforms, memberships: Memberships, membership_rows: Column, kind: int, found: Column
) -> None:  # fmt: skip
    for m in membership_rows:
        if platforms.kind[memberships.platform[m]] == kind:
            found[memberships.organisation[m]] = True


class Shelves(NamedTuple):
    """What members put on platforms in a quarter, and who opens most there."""

    filled: Column  # (platforms, domains)
    top: Column  # (platforms, domains) best of what was put there
    most: Column  # (platforms, domains) most that a member opens
    source: Column  # (platforms, domains) that member, -1 for none
    told: Column  # (platforms,) most information that a member passes on
    informant: Column  # (platforms,) that member, -1 for none


@compiled
def pool(
    state: State, numbers: Any, gains: Gains, usable: Column, opened: Column, price: float
) -> None:  # fmt: skip
    """What was pooled goes out of date, members contribute, and draw what the pool then holds; they inform and are trained.

    Parameters
    ----------
    usable, opened : (rows,) usable absorptive capacity, and the part of its knowledge that each passes on.
    price : worth of a unit of knowledge to who copies it, million CNY.
    """
    organisations, platforms, memberships = state.organisations, state.platforms, state.memberships
    platform_rows = living(platforms.alive, state.platform_slots)
    membership_rows = living(memberships.alive, state.membership_slots)
    places, p, common = state.platform_slots.state[1], numbers.pooling, numbers.orchestration
    shelves = Shelves(
        np.zeros((places, DOMAINS)), np.zeros((places, DOMAINS)), np.zeros((places, DOMAINS)),
        np.full((places, DOMAINS), -1, np.int64), np.zeros(places), np.full(places, -1, np.int64),
    )  # fmt: skip
    compatible = members_of_kind(platforms, memberships, state.membership_slots, STANDARDS_BODY, usable.size)
    kept = (1.0 - common.depreciation) ** 0.25
    _contribute(organisations, platforms, memberships, state.environment, platform_rows, membership_rows, shelves, usable,
                opened, p, kept, common.memory)  # fmt: skip
    _draw(organisations, platforms, memberships, state.books, membership_rows, shelves, gains, usable, compatible, p,
          price, common.memory)  # fmt: skip
    _note_best(platforms, state.environment, platform_rows)


@allocation_free
def _contribute(
    organisations: Organisations,
    platforms: Platforms,
    memberships: Memberships,
    environment: Environment,
    platform_rows: Column,
    membership_rows: Column,
    shelves: Shelves,
    usable: Column,
    opened: Column,
    p: Any,
    kept: float,
    memory: float,
) -> None:
    """Pool_d <- min(kept * pool_d + sum over members of c * (o' K_d - kept * pool_d), best source), gaps below 0 left out.

    In a standards body each member also adds tracking * a * o' * (frontier_d - kept * pool_d).
    """
    for q in platform_rows:
        for d in range(DOMAINS):
            platforms.pool[q, d] *= kept
    for m in membership_rows:
        i, q = memberships.organisation[m], memberships.platform[m]
        given = 0.0
        if platforms.members[q] > 1:
            given = _put_on(organisations, platforms, environment, shelves, i, q, usable[i], opened[i], p)
        memberships.contributed[m] += memory * (given - memberships.contributed[m])
        _compare(organisations, platforms, shelves, i, q, opened[i])
    for q in platform_rows:
        for d in range(DOMAINS):
            held = platforms.pool[q, d]
            platforms.pool[q, d] = max(held, min(held + shelves.filled[q, d], shelves.top[q, d]))


@allocation_free
def _put_on(
    organisations: Organisations,
    platforms: Platforms,
    environment: Environment,
    shelves: Shelves,
    i: int,
    q: int,
    usable: float,
    opened: float,
    p: Any,
) -> float:
    """Put a member's part on its platform's shelf; return how much knowledge of its own that is."""
    rate = min(1.0, p.contribution * (p.community if platforms.kind[q] == OPEN_SOURCE_COMMUNITY else 1.0))
    tracks = p.tracking * usable * opened if platforms.kind[q] == STANDARDS_BODY else 0.0
    given = 0.0
    for d in range(DOMAINS):
        exposed = opened * organisations.knowledge[i, d]
        gap = exposed - platforms.pool[q, d]
        ahead = environment.frontier[d] - platforms.pool[q, d]
        if gap > 0.0:
            given += rate * gap
            shelves.filled[q, d] += rate * gap
            shelves.top[q, d] = max(shelves.top[q, d], exposed)
        if ahead > 0.0 and tracks > 0.0:
            shelves.filled[q, d] += tracks * ahead
            shelves.top[q, d] = max(shelves.top[q, d], environment.frontier[d])
    return given


@allocation_free
def _compare(
    organisations: Organisations, platforms: Platforms, shelves: Shelves, i: int, q: int, opened: float
) -> None:  # fmt: skip
    """Write a member down where it opens most, and where it passes on most information."""
    for d in range(DOMAINS):
        exposed = opened * organisations.knowledge[i, d]
        if exposed > shelves.most[q, d]:
            shelves.most[q, d], shelves.source[q, d] = exposed, i
    passed = opened * organisations.information[i]
    if shares_information(platforms.kind[q]) and passed > shelves.told[q]:
        shelves.told[q], shelves.informant[q] = passed, i


@allocation_free
def _draw(
    organisations: Organisations,
    platforms: Platforms,
    memberships: Memberships,
    books: Books,
    membership_rows: Column,
    shelves: Shelves,
    gains: Gains,
    usable: Column,
    compatible: Column,
    p: Any,
    price: float,
    memory: float,
) -> None:
    """Members draw knowledge, at an easier rate if their interfaces fit, are told of the market and trained."""
    for m in membership_rows:
        i, q = memberships.organisation[m], memberships.platform[m]
        drawn = 0.0
        if platforms.members[q] > 1:
            rate = min(1.0, p.pool_rate * usable[i] * (1.0 + (p.compatibility if compatible[i] else 0.0)))
            drawn = _draw_knowledge(organisations, platforms, books, shelves, gains, i, q, rate, price)
        memberships.drawn[m] += memory * (drawn - memberships.drawn[m])
        _inform(organisations, books, shelves, gains, i, q, p.information_rate)
        if platforms.kind[q] == ACADEMY and platforms.host[q] != i:
            _train(organisations, i, p.training)


@allocation_free
def _draw_knowledge(
    organisations: Organisations,
    platforms: Platforms,
    books: Books,
    shelves: Shelves,
    gains: Gains,
    i: int,
    q: int,
    rate: float,
    price: float,
) -> float:
    """Close a part of a member's gap to the pool, never above the pool; return how much was drawn.

    What is drawn counts as got from the member that opens most in the domain.
    """
    drawn = 0.0
    for d in range(DOMAINS):
        volume = rate * (platforms.pool[q, d] - organisations.knowledge[i, d])
        if volume > 0.0:
            drawn += volume
            gains.knowledge[i, d] += volume
            gains.best[i, d] = max(gains.best[i, d], platforms.pool[q, d])
            source = shelves.source[q, d]
            giver = source if source >= 0 and source != i else platforms.host[q]
            note_flow(organisations, books, KNOWLEDGE, POOL, giver, i, volume)
            note_gain(organisations, books, i, giver, price * volume)
    return drawn


@allocation_free
def _inform(
    organisations: Organisations, books: Books, shelves: Shelves, gains: Gains, i: int, q: int, rate: float
) -> None:  # fmt: skip
    """Members of a standards body or an alliance close a part of their gap to what the best informed one passes on."""
    volume = rate * (shelves.told[q] - organisations.information[i])
    if volume > 0.0:
        gains.information[i] += volume
        gains.best_informed[i] = max(gains.best_informed[i], shelves.told[q])
        note_flow(organisations, books, INFORMATION, POOL, shelves.informant[q], i, volume)


@allocation_free
def _train(organisations: Organisations, i: int, rate: float) -> None:
    """Members of an academy but its host gain capabilities of search, fusion and development: c <- c + training * (1 - c)."""
    for k in range(organisations.knowledge_capabilities.shape[1]):
        organisations.knowledge_capabilities[i, k] += rate * (1.0 - organisations.knowledge_capabilities[i, k])


@allocation_free
def _note_best(platforms: Platforms, environment: Environment, platform_rows: Column) -> None:
    """Write down the best knowledge that lies on any platform."""
    for d in range(DOMAINS):
        environment.pool[d] = 0.0
    for q in platform_rows:
        for d in range(DOMAINS):
            environment.pool[d] = max(environment.pool[d], platforms.pool[q, d])
