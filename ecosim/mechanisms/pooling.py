"""Pooling (S001 2.1.2, 5.1-5.3; S003 4.2(2)): what members put on a platform, and what they draw.

Subjects, resources and a platform are all needed (P13): a platform without a second member pools nothing, nor do members
that know or open nothing. The pool is a taker like any other: each member closes a part of its gap to what that member
opens, so it never knows more than the best contributor. What was contributed stays and goes out of date. Members
of a standards body also watch the outside frontier, and their interfaces fit, which makes drawing easier on every platform.
In a standards body and an industrial alliance members tell each other about the market. An academy trains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.compilation import allocation_free, compiled
from ecosim.ledger import note_flow, note_gain
from ecosim.mechanisms.reach import shares_information
from ecosim.outcomes import Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    ACADEMY,
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
)

if TYPE_CHECKING:
    from ecosim.model import Ecosystem

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


def outcomes(model: Ecosystem) -> tuple[float, ...]:
    """Return what lies on platforms and what is drawn from them."""
    pooled = model.platforms.pool[model.platform_rows].sum()
    return float(pooled), float(model.memberships.drawn[model.membership_rows].sum())


def pool(
    model: Ecosystem, gains: tuple[Column, Column, Column, Column], usable: Column, opened: Column, price: float
) -> None:
    """Members contribute, draw, inform each other and are trained.

    Parameters
    ----------
    gains : best source and sum of gains of knowledge, (rows, domains) each, and of information, (rows,) each.
    """
    common = model.parameters["orchestration"]
    pool_and_draw(
        model.organisations, model.platforms, model.memberships, model.environment, model.books, model.platform_rows,
        model.membership_rows, gains, usable, opened, model.parameters["pooling"], price,
        (1.0 - common.depreciation) ** 0.25, common.memory,
    )  # fmt: skip


@compiled
def pool_and_draw(
    organisations: Organisations,
    platforms: Platforms,
    memberships: Memberships,
    environment: Environment,
    books: Books,
    platform_rows: Column,
    membership_rows: Column,
    gains: tuple[Column, Column, Column, Column],
    usable: Column,
    opened: Column,
    p: Any,
    price: float,
    kept: float,
    memory: float,
) -> None:
    """What was pooled goes out of date, members contribute, and draw what the pool then holds; they inform and are trained."""
    best, gained, best_told, told = gains
    _contribute(organisations, platforms, memberships, environment, platform_rows, membership_rows, usable, opened, p,
                kept, memory)  # fmt: skip
    compatible = members_of(platforms, memberships, membership_rows, STANDARDS_BODY, usable.size)
    _draw(organisations, platforms, memberships, books, membership_rows, usable, opened, compatible, best, gained, p,
          price, memory)  # fmt: skip
    _inform(organisations, platforms, memberships, books, membership_rows, opened, best_told, told, p)
    _train(organisations, platforms, memberships, membership_rows, p.training)
    environment.pool[:] = 0.0
    for q in platform_rows:
        environment.pool[:] = np.maximum(environment.pool, platforms.pool[q])


@compiled
def members_of(
    platforms: Platforms, memberships: Memberships, membership_rows: Column, kind: int, size: int
) -> Column:  # fmt: skip
    """Whether each organisation is a member of a platform of a kind, (size,)."""
    found = np.zeros(size, np.bool_)
    for m in membership_rows:
        if platforms.kind[memberships.platform[m]] == kind:
            found[memberships.organisation[m]] = True
    return found


@compiled
def _contribute(
    organisations: Organisations,
    platforms: Platforms,
    memberships: Memberships,
    environment: Environment,
    platform_rows: Column,
    membership_rows: Column,
    usable: Column,
    opened: Column,
    p: Any,
    kept: float,
    memory: float,
) -> None:
    """Pool_d <- min(kept * pool_d + sum over members of c * (o' K_d - kept * pool_d), best source), gaps below 0 left out.

    In a standards body each member also adds tracking * a * o' * (frontier_d - kept * pool_d).
    """
    domains = platforms.pool.shape[1]
    filled = np.zeros(platforms.pool.shape)
    top = np.zeros(platforms.pool.shape)
    for q in platform_rows:
        platforms.pool[q] *= kept
    for m in membership_rows:
        i, q = memberships.organisation[m], memberships.platform[m]
        rate = min(1.0, p.contribution * (p.community if platforms.kind[q] == OPEN_SOURCE_COMMUNITY else 1.0))
        tracks = p.tracking * usable[i] * opened[i] if platforms.kind[q] == STANDARDS_BODY else 0.0
        given = 0.0
        for d in range(domains):
            exposed = opened[i] * organisations.knowledge[i, d]
            gap = exposed - platforms.pool[q, d]
            ahead = environment.frontier[d] - platforms.pool[q, d]
            if platforms.members[q] > 1 and gap > 0.0:
                given += rate * gap
                filled[q, d] += rate * gap
                top[q, d] = max(top[q, d], exposed)
            if platforms.members[q] > 1 and ahead > 0.0 and tracks > 0.0:
                filled[q, d] += tracks * ahead
                top[q, d] = max(top[q, d], environment.frontier[d])
        memberships.contributed[m] += memory * (given - memberships.contributed[m])
    for q in platform_rows:
        for d in range(domains):
            platforms.pool[q, d] = max(platforms.pool[q, d], min(platforms.pool[q, d] + filled[q, d], top[q, d]))


@compiled
def _draw(
    organisations: Organisations,
    platforms: Platforms,
    memberships: Memberships,
    books: Books,
    membership_rows: Column,
    usable: Column,
    opened: Column,
    compatible: Column,
    best: Column,
    gained: Column,
    p: Any,
    price: float,
    memory: float,
) -> None:
    """Members close pool_rate * a of their gap to the pool, more if their interfaces fit, never above the pool.

    What is drawn counts as got from the member that opens most in the domain.
    """
    domains = platforms.pool.shape[1]
    source = np.full(platforms.pool.shape, -1, np.int64)
    most = np.zeros(platforms.pool.shape)
    for m in membership_rows:
        i, q = memberships.organisation[m], memberships.platform[m]
        for d in range(domains):
            if opened[i] * organisations.knowledge[i, d] > most[q, d]:
                most[q, d] = opened[i] * organisations.knowledge[i, d]
                source[q, d] = i
    for m in membership_rows:
        i, q = memberships.organisation[m], memberships.platform[m]
        rate = min(1.0, p.pool_rate * usable[i] * (1.0 + (p.compatibility if compatible[i] else 0.0)))
        drawn = 0.0
        for d in range(domains):
            volume = rate * (platforms.pool[q, d] - organisations.knowledge[i, d])
            if volume <= 0.0 or platforms.members[q] < 2:
                continue
            drawn += volume
            gained[i, d] += volume
            best[i, d] = max(best[i, d], platforms.pool[q, d])
            giver = source[q, d] if source[q, d] >= 0 and source[q, d] != i else platforms.host[q]
            note_flow(organisations, books, KNOWLEDGE, POOL, giver, i, volume)
            note_gain(organisations, books, i, giver, price * volume)
        memberships.drawn[m] += memory * (drawn - memberships.drawn[m])


@compiled
def _inform(
    organisations: Organisations,
    platforms: Platforms,
    memberships: Memberships,
    books: Books,
    membership_rows: Column,
    opened: Column,
    best: Column,
    told: Column,
    p: Any,
) -> None:
    """Members of a standards body or an alliance close a part of their gap to what the best informed one passes on."""
    level = np.zeros(platforms.uid.size)
    source = np.full(platforms.uid.size, -1, np.int64)
    for m in membership_rows:
        i, q = memberships.organisation[m], memberships.platform[m]
        passed = opened[i] * organisations.information[i]
        if shares_information(platforms.kind[q]) and passed > level[q]:
            level[q], source[q] = passed, i
    for m in membership_rows:
        i, q = memberships.organisation[m], memberships.platform[m]
        volume = p.information_rate * (level[q] - organisations.information[i])
        if volume > 0.0:
            told[i] += volume
            best[i] = max(best[i], level[q])
            note_flow(organisations, books, INFORMATION, POOL, source[q], i, volume)


@allocation_free
def _train(
    organisations: Organisations, platforms: Platforms, memberships: Memberships, membership_rows: Column, rate: float
) -> None:
    """Members of an academy but its host gain capabilities of search, fusion and development: c <- c + training * (1 - c)."""
    for m in membership_rows:
        i, q = memberships.organisation[m], memberships.platform[m]
        if platforms.kind[q] == ACADEMY and platforms.host[q] != i:
            for k in range(organisations.knowledge_capabilities.shape[1]):
                organisations.knowledge_capabilities[i, k] += rate * (1.0 - organisations.knowledge_capabilities[i, k])
