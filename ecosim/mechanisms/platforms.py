"""Platforms (S001 2.1.2, 5.1-5.3): who hosts one, who joins, who leaves.

A core firm hosts an open platform; a standards body, an industrial alliance and an open-source community are platforms of
intermediaries, an academy is one of a university. A platform comes into being when somebody could take part in it and
ends with its host. An organisation joins for what it could draw, and stays away for what rivals could draw of it and
for the dues. What members put in and get out stands in `pooling`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.columns import claim, ensure_room, release
from ecosim.compilation import allocation_free, compiled
from ecosim.draws import PLATFORM_JOINING, PLATFORM_LEAVING, uniform
from ecosim.ledger import UPKEEP, note_event, pay
from ecosim.mechanisms.reach import advantages, platform_reach
from ecosim.outcomes import COUNT, Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    ACADEMY,
    HOUSEHOLDS,
    INDUSTRIAL_ALLIANCE,
    OPEN_PLATFORM,
    OPEN_SOURCE_COMMUNITY,
    PLATFORM_FOUNDED,
    PLATFORM_JOINED,
    PLATFORM_LEFT,
    SHARING,
    STANDARDS_BODY,
    Books,
    Column,
    Events,
    Memberships,
    Organisations,
    Platforms,
    Slots,
    Ties,
)

if TYPE_CHECKING:
    from ecosim.model import Ecosystem

_ASSUMED = "assumption, varied in the sensitivity analysis"

# A kind of organisation that hosts a platform, by its name in a role file, and the kind of platform.
HOSTS = {
    "standards body": STANDARDS_BODY, "industrial alliance": INDUSTRIAL_ALLIANCE,
    "open-source community": OPEN_SOURCE_COMMUNITY, "ICT academy": ACADEMY,
}  # fmt: skip

PARAMETERS = ParameterGroup("platforms", __name__, {
    "founding": Parameter(2.0, 0.0, 1e6, "million CNY", "What a host pays to open a platform.", _ASSUMED),
    "dues": Parameter(0.1, 0.0, 1e5, "million CNY a quarter", "What a member pays its host.", _ASSUMED),
    "joining": Parameter(0.5, 0.0, 1.0, "1/quarter", "Chance that an organisation that could join, and would only gain by it, does so in a quarter.", _ASSUMED),
    "leaving": Parameter(0.25, 0.0, 1.0, "1/quarter", "Chance that a member that only loses leaves in a quarter.", _ASSUMED),
    "sharpness": Parameter(4.0, 0.0, 100.0, "1", "How sharply joining and leaving follow the balance of gain and loss: 0 not at all.", _ASSUMED),
    "inertia": Parameter(0.5, 0.0, 2.0, "1", "How much worse the balance of a member must be than that of a candidate: what was built up is left unwillingly.", "switching costs: Klemperer 1995"),
    "exposure": Parameter(1.0, 0.0, 10.0, "1", "Weight of what rivals could draw against what can be drawn.", "S001 5.1; selective revealing: Henkel 2006"),
})  # fmt: skip

OUTCOMES = (
    Outcome("platforms", COUNT, "Platforms that are open."),
    Outcome("memberships", COUNT, "Memberships of platforms, those of hosts included."),
)


def outcomes(model: Ecosystem) -> tuple[float, ...]:
    """Return the number of platforms and of memberships."""
    return float(len(model.platform_rows)), float(len(model.membership_rows))


def attend(model: Ecosystem, usable: Column, opened: Column) -> None:
    """Close platforms without a host, found new ones, let organisations leave and join; all decide on the same state.

    Parameters
    ----------
    usable, opened : (rows,) usable absorptive capacity, and the part of its knowledge that each passes on.
    """
    rows = model.members_of_roles()[1]  # by role and uid, so that nothing hangs on the order of rows
    model._room_for_events(2 * len(model.memberships.uid) + 2 * len(rows))
    model.platforms, model.platform_slots = ensure_room(model.platforms, model.platform_slots, len(rows))
    model.memberships, model.membership_slots = ensure_room(model.memberships, model.membership_slots, 2 * len(rows))
    hosting = model._kept("hosting", model.rules["intermediation"], lambda: hosting_kinds(model))
    attend_platforms(
        model.organisations, model.ties, model.platforms, model.platform_slots, model.memberships, model.membership_slots,
        model.books, model.events, rows, model.tie_rows, hosting, usable, opened, copy_prices(model),
        model.parameters["platforms"], model.rules["platforms"], model.switched("protection")[0], model.seed,
        model.step_number,
    )  # fmt: skip


@compiled
def attend_platforms(
    organisations: Organisations,
    ties: Ties,
    platforms: Platforms,
    platform_slots: Slots,
    memberships: Memberships,
    membership_slots: Slots,
    books: Books,
    events: Events,
    rows: Column,
    tie_rows: Column,
    hosting: Column,
    usable: Column,
    opened: Column,
    prices: Column,
    p: Any,
    switched_on: bool,
    managed: float,
    seed: int,
    step: int,
) -> None:
    """Close, found, leave and join, pay dues, mark the members of core firms' platforms; switched off, close all."""
    platform_rows = np.flatnonzero(platforms.alive[: platform_slots.state[1]])
    membership_rows = np.flatnonzero(memberships.alive[: membership_slots.state[1]])
    _close(organisations, platforms, platform_slots, memberships, membership_slots, events, platform_rows,
           membership_rows, hosting, switched_on)  # fmt: skip
    if switched_on:
        platform_rows = np.flatnonzero(platforms.alive[: platform_slots.state[1]])
        _found(organisations, ties, platforms, platform_slots, memberships, membership_slots, books, events,
               platform_rows, rows, tie_rows, hosting, p)  # fmt: skip
        platform_rows = np.flatnonzero(platforms.alive[: platform_slots.state[1]])
        membership_rows = np.flatnonzero(memberships.alive[: membership_slots.state[1]])
        reach = platform_reach(
            organisations, platforms, memberships, platform_rows, membership_rows, opened, hosting.shape[0]
        )
        _leave_and_join(organisations, ties, platforms, memberships, membership_slots, events, platform_rows,
                        membership_rows, rows, tie_rows, reach, usable, opened, managed, prices, p, seed, step)  # fmt: skip
    for i in rows:
        organisations.member[i] = False
    for m in np.flatnonzero(memberships.alive[: membership_slots.state[1]]):
        i, q = memberships.organisation[m], memberships.platform[m]
        pay(organisations, books, i, platforms.host[q], p.dues, UPKEEP)
        if platforms.kind[q] == OPEN_PLATFORM:
            organisations.member[i] = True


def copy_prices(model: Ecosystem) -> Column:
    """Worth to the taker, million CNY, of what it could draw in a quarter at full absorption per unit of gap.

    Of knowledge and of information, (2,).
    """
    sharing, pooling = model.parameters["open_sharing"], model.parameters["pooling"]
    knowledge = sharing.usefulness * float(model.environment.knowledge_cost[0])
    information = sharing.usefulness * model.parameters["stages"].information_price
    return np.array([knowledge * pooling.pool_rate, information * pooling.information_rate])


def hosting_kinds(model: Ecosystem) -> Column:
    """Return the kind of platform that each kind of each role hosts, (roles, kinds), -1 for none."""
    kinds = [role.kinds for role in model.roles.values()]
    hosting = np.full((len(kinds), max(1, *map(len, kinds))), -1, np.int64)
    if model.rules["intermediation"]:
        for role, names in enumerate(kinds):
            for kind, name in enumerate(names):
                hosting[role, kind] = HOSTS.get(name, -1)
    return hosting


@allocation_free
def host_kind(organisations: Organisations, i: int, hosting: Column) -> int:
    """The kind of platform that an organisation hosts, -1 for none: a core firm hosts an open platform."""
    return OPEN_PLATFORM if organisations.focal[i] else hosting[organisations.role[i], organisations.kind[i]]


@allocation_free
def admits(kind: int, mode: int) -> bool:
    """Whether a tie to the host of this mode opens a platform: that of a core firm to partners who share only."""
    return kind >= 0 and (kind != OPEN_PLATFORM or mode >= SHARING)


@allocation_free
def _close(
    organisations: Organisations,
    platforms: Platforms,
    platform_slots: Slots,
    memberships: Memberships,
    membership_slots: Slots,
    events: Events,
    platform_rows: Column,
    membership_rows: Column,
    hosting: Column,
    switched_on: bool,
) -> None:
    """A platform ends when its host is gone or hosts no more, a membership with its platform or its member."""
    for q in platform_rows:
        host = platforms.host[q]
        present = organisations.alive[host] and organisations.uid[host] == platforms.host_uid[q]
        if not (switched_on and present and host_kind(organisations, host, hosting) == platforms.kind[q]):
            platforms.alive[q] = False
            release(platform_slots, q)
    for m in membership_rows:
        i = memberships.organisation[m]
        present = organisations.alive[i] and organisations.uid[i] == memberships.organisation_uid[m]
        if not present or not platforms.alive[memberships.platform[m]]:
            _end_membership(platforms, memberships, membership_slots, events, m)


@allocation_free
def _end_membership(
    platforms: Platforms, memberships: Memberships, membership_slots: Slots, events: Events, m: int
) -> None:
    """End a membership and give its row back."""
    q = memberships.platform[m]
    platforms.members[q] -= 1
    memberships.alive[m] = False
    release(membership_slots, m)
    note_event(events, PLATFORM_LEFT, memberships.organisation_uid[m], platforms.host_uid[q], platforms.kind[q])


@allocation_free
def new_platform(organisations: Organisations, platforms: Platforms, slots: Slots, host: int, kind: int) -> int:
    """Write a new platform down, without members yet, and return its row."""
    q = claim(slots)
    platforms.uid[q] = slots.state[2]
    platforms.alive[q] = True
    platforms.host[q], platforms.host_uid[q] = host, organisations.uid[host]
    platforms.kind[q] = kind
    platforms.members[q] = 0
    platforms.pool[q] = 0.0
    platforms.capital[q] = 0.0
    return q


@allocation_free
def new_membership(
    organisations: Organisations, platforms: Platforms, memberships: Memberships, slots: Slots, q: int, i: int
) -> int:
    """Write a new membership down and return its row."""
    m = claim(slots)
    memberships.uid[m] = slots.state[2]
    memberships.alive[m] = True
    memberships.platform[m] = q
    memberships.organisation[m], memberships.organisation_uid[m] = i, organisations.uid[i]
    memberships.contributed[m] = memberships.drawn[m] = 0.0
    memberships.effort[m] = memberships.effectiveness[m] = memberships.share[m] = 0.0
    memberships.cost[m] = memberships.gain[m] = 0.0
    platforms.members[q] += 1
    return m


@compiled
def _found(
    organisations: Organisations,
    ties: Ties,
    platforms: Platforms,
    platform_slots: Slots,
    memberships: Memberships,
    membership_slots: Slots,
    books: Books,
    events: Events,
    platform_rows: Column,
    rows: Column,
    tie_rows: Column,
    hosting: Column,
    p: Any,
) -> None:
    """Who can host a platform and hosts none founds one as soon as somebody could take part; its first member is the host."""
    asked = np.zeros(organisations.uid.size, np.bool_)
    for t in tie_rows:
        for host in (ties.a[t], ties.b[t]):
            asked[host] |= admits(host_kind(organisations, host, hosting), ties.mode[t])
    for q in platform_rows:
        asked[platforms.host[q]] = False
    for i in rows:
        if not asked[i] or organisations.capital[i] < p.founding:
            continue
        pay(organisations, books, i, HOUSEHOLDS, p.founding, UPKEEP)
        q = new_platform(organisations, platforms, platform_slots, i, host_kind(organisations, i, hosting))
        note_event(events, PLATFORM_FOUNDED, organisations.uid[i], -1, platforms.kind[q])
        new_membership(organisations, platforms, memberships, membership_slots, q, i)


@compiled
def _leave_and_join(
    organisations: Organisations,
    ties: Ties,
    platforms: Platforms,
    memberships: Memberships,
    membership_slots: Slots,
    events: Events,
    platform_rows: Column,
    membership_rows: Column,
    rows: Column,
    tie_rows: Column,
    reach: tuple[Column, Column, Column],
    usable: Column,
    opened: Column,
    managed: float,
    prices: Column,
    p: Any,
    seed: int,
    step: int,
) -> None:
    """Members leave, at once without the tie that opened the platform, else with chance leaving / (1 + exp(s (x + inertia))).

    Who could join does so with chance joining / (1 + exp(-s x)), one platform a quarter, the best of those. The balance
    is x = (gain - loss - dues) / (gain + loss + dues), in [-1, 1].
    """
    hosted, communities = _hosted(organisations, platforms, platform_rows)
    starts, sorted_memberships = _by_organisation(memberships, membership_rows, organisations.uid.size)
    bound = np.zeros(memberships.uid.size, np.bool_)
    chosen = np.full(organisations.uid.size, -1, np.int64)
    best = np.full(organisations.uid.size, -2.0)
    for look in range(2 * tie_rows.size + (rows.size if communities.size > 0 else 0)):
        if look < 2 * tie_rows.size:
            t = tie_rows[look // 2]
            host, i = (ties.a[t], ties.b[t]) if look % 2 == 0 else (ties.b[t], ties.a[t])
            q = hosted[host]
            if q < 0 or not admits(platforms.kind[q], ties.mode[t]):
                continue
        else:  # an open-source community is open to whoever makes knowledge and comes upon it
            i = rows[look - 2 * tie_rows.size]
            if organisations.created[i] <= 0.0:
                continue
            search = organisations.knowledge_capabilities[i, 0:3].mean()
            draw = uniform(seed, PLATFORM_JOINING, step, organisations.uid[i], 0)
            if draw >= search:
                continue
            q = communities[int(draw / search * communities.size)]
        m = _membership_of(memberships, starts, sorted_memberships, i, q)
        if m >= 0:
            bound[m] = True
            continue
        x = advantages(organisations, platforms, q, i, False, reach, usable, opened, managed, prices, p)
        chance = p.joining / (1.0 + np.exp(-p.sharpness * x))
        if uniform(seed, PLATFORM_JOINING, step, organisations.uid[i], platforms.uid[q]) >= chance:
            continue
        # Of two equal ones the older, so that nothing hangs on the order of ties.
        if x > best[i] or (x == best[i] and platforms.uid[q] < platforms.uid[chosen[i]]):
            best[i], chosen[i] = x, q
    for m in membership_rows:
        i, q = memberships.organisation[m], memberships.platform[m]
        if platforms.host[q] == i:
            continue
        leaves = not bound[m] and platforms.kind[q] != OPEN_SOURCE_COMMUNITY
        if not leaves:
            x = advantages(organisations, platforms, q, i, True, reach, usable, opened, managed, prices, p)
            chance = p.leaving / (1.0 + np.exp(p.sharpness * (x + p.inertia)))
            leaves = uniform(seed, PLATFORM_LEAVING, step, organisations.uid[i], platforms.uid[q]) < chance
        if leaves:
            _end_membership(platforms, memberships, membership_slots, events, m)
    for i in rows:
        if chosen[i] >= 0:
            new_membership(organisations, platforms, memberships, membership_slots, chosen[i], i)
            note_event(events, PLATFORM_JOINED, organisations.uid[i], platforms.host_uid[chosen[i]],
                       platforms.kind[chosen[i]])  # fmt: skip


@compiled
def _hosted(organisations: Organisations, platforms: Platforms, platform_rows: Column) -> tuple[Column, Column]:
    """The platform that each organisation hosts, (rows,), -1 for none; and the open-source communities."""
    hosted = np.full(organisations.uid.size, -1, np.int64)
    communities = np.empty(platform_rows.size, np.int64)
    count = 0
    for q in platform_rows:
        hosted[platforms.host[q]] = q
        if platforms.kind[q] == OPEN_SOURCE_COMMUNITY:
            communities[count] = q
            count += 1
    return hosted, communities[:count]


@compiled
def _by_organisation(memberships: Memberships, membership_rows: Column, size: int) -> tuple[Column, Column]:
    """Start of each organisation's part, (size + 1,), and all memberships sorted by organisation."""
    starts = np.zeros(size + 1, np.int64)
    for m in membership_rows:
        starts[memberships.organisation[m] + 1] += 1
    starts = np.cumsum(starts)
    cursor = starts.copy()
    ordered = np.empty(membership_rows.size, np.int64)
    for m in membership_rows:
        i = memberships.organisation[m]
        ordered[cursor[i]] = m
        cursor[i] += 1
    return starts, ordered


@allocation_free
def _membership_of(memberships: Memberships, starts: Column, ordered: Column, i: int, q: int) -> int:
    for position in range(starts[i], starts[i + 1]):
        if memberships.platform[ordered[position]] == q:
            return ordered[position]
    return -1
