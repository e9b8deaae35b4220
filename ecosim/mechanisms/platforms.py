"""Platforms (S001 2.1.2, 5.1-5.3): who hosts one, who joins, who leaves.

A core firm hosts an open platform; a standards body, an industrial alliance and an open-source community are platforms of
intermediaries, an academy is one of a university. A platform comes into being when somebody could take part in it and
ends with its host. An organisation joins for what it could draw, and stays away for what rivals could draw of it and
for the dues. What members put in and get out stands in `pooling`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ecosim.columns import claim, everybody, has_room, living, release
from ecosim.compilation import allocation_free, compiled
from ecosim.draws import PLATFORM_JOINING, PLATFORM_LEAVING, uniform
from ecosim.ledger import UPKEEP, note_event, pay, room_for_events
from ecosim.mechanisms.reach import Outlook, advantages, platform_outlook
from ecosim.outcomes import COUNT, Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    ACADEMY,
    HOUSEHOLDS,
    INDUSTRIAL_ALLIANCE,
    MEMBERSHIP_TABLE,
    OPEN_PLATFORM,
    OPEN_SOURCE_COMMUNITY,
    PLATFORM_FOUNDED,
    PLATFORM_JOINED,
    PLATFORM_LEFT,
    PLATFORM_TABLE,
    SHARING,
    STANDARDS_BODY,
    Books,
    Column,
    Events,
    Memberships,
    Organisations,
    Platforms,
    Slots,
    State,
    Ties,
)

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


@compiled
def outcomes(state: State, numbers: Any, step: int, out: Column) -> None:
    """Write the number of platforms and of memberships into `out`, (outcomes,)."""
    out[0] = living(state.platforms.alive, state.platform_slots).size
    out[1] = living(state.memberships.alive, state.membership_slots).size


@allocation_free
def mark_offers(organisations: Organisations, rows: Column, hosting: Column, offers: Column) -> None:
    """Write the kind of platform that each organisation hosts or could host into `offers`, (organisations,).

    Parameters
    ----------
    hosting : the kind that each kind of each role hosts, (roles, kinds), -1 for none.
    """
    for i in rows:
        offers[i] = host_kind(organisations, i, hosting)


@allocation_free
def open_doors(ties: Ties, tie_rows: Column, offers: Column, doors: Column) -> int:
    """Write host and partner of each tie that opens the host's platform to the partner into `doors`; return how many.

    Parameters
    ----------
    offers : kind of platform that each organisation hosts or could host, (organisations,), -1 for none.
    doors : room for two a tie, (2 ties, 2).
    """
    count = 0
    for t in tie_rows:
        for host, partner in ((ties.a[t], ties.b[t]), (ties.b[t], ties.a[t])):
            if admits(offers[host], ties.mode[t]):
                doors[count, 0], doors[count, 1] = host, partner
                count += 1
    return count


@allocation_free
def room_to_attend(
    organisations: Organisations,
    platform_slots: Slots,
    membership_slots: Slots,
    events: Events,
    rows: Column,
    offers: Column,
    doors: Column,
    short: Column,
) -> bool:
    """Return whether there is room for all platforms that could be founded, all who could join and what is told of it."""
    hosts, makers, community = 0, 0, False
    for i in rows:
        if offers[i] >= 0:
            hosts += 1
        if offers[i] == OPEN_SOURCE_COMMUNITY:
            community = True
        if organisations.created[i] > 0.0:
            makers += 1
    joining = min(rows.size, len(doors) + (makers if community else 0))
    there = membership_slots.state[1] - membership_slots.state[0]
    told = room_for_events(events, there + hosts + joining, short)
    founded = has_room(platform_slots, hosts, short, PLATFORM_TABLE)
    joined = has_room(membership_slots, hosts + joining, short, MEMBERSHIP_TABLE)
    return told and founded and joined


@compiled
def attend(
    state: State,
    numbers: Any,
    offers: Column,
    doors: Column,
    usable: Column,
    opened: Column,
    managed: float,
    price: float,
    information_price: float,
    seed: int,
    step: int,
) -> None:
    """Close platforms without a host, found new ones, let organisations leave and join; members pay dues.

    Parameters
    ----------
    usable, opened : (rows,) usable absorptive capacity, and the part of its knowledge that each passes on.
    price, information_price : worth of a unit of knowledge and of information to who copies it, million CNY.
    """
    organisations, platforms, memberships = state.organisations, state.platforms, state.memberships
    slots, membership_slots, books, events = state.platform_slots, state.membership_slots, state.books, state.events
    p = numbers.platforms
    _close(organisations, platforms, slots, memberships, membership_slots, events, living(platforms.alive, slots),
           living(memberships.alive, membership_slots), offers)  # fmt: skip
    rows = everybody(state.members)  # by role and uid, so that nothing hangs on the order of rows
    hosted = _found(
        organisations, platforms, slots, memberships, membership_slots, books, events, rows, offers, doors, p
    )
    platform_rows, membership_rows = living(platforms.alive, slots), living(memberships.alive, membership_slots)
    outlook = platform_outlook(
        organisations, platforms, memberships, platform_rows, membership_rows, slots.state[1],
        numbers.roles.hosting.shape[0], usable, opened, managed,
        price * numbers.pooling.pool_rate, information_price * numbers.pooling.information_rate,
    )  # fmt: skip
    bound, chosen = _choose(organisations, platforms, memberships, membership_slots, platform_rows, membership_rows, rows,
                            hosted, doors, outlook, p, seed, step)  # fmt: skip
    _leave(
        organisations, platforms, memberships, membership_slots, events, membership_rows, bound, outlook, p, seed, step
    )
    _join(organisations, platforms, memberships, membership_slots, events, rows, chosen)
    _pay_dues(organisations, platforms, memberships, books, rows, living(memberships.alive, membership_slots), p.dues)


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
    offers: Column,
) -> None:
    """A platform ends when its host is gone or hosts no more, a membership with its platform or its member."""
    for q in platform_rows:
        host = platforms.host[q]
        present = organisations.alive[host] and organisations.uid[host] == platforms.host_uid[q]
        if not (present and offers[host] == platforms.kind[q]):
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
    platforms: Platforms,
    platform_slots: Slots,
    memberships: Memberships,
    membership_slots: Slots,
    books: Books,
    events: Events,
    rows: Column,
    offers: Column,
    doors: Column,
    p: Any,
) -> Column:
    """Who can host a platform and hosts none founds one as soon as somebody could take part; its first member is the host.

    Returns
    -------
    The platform that each organisation hosts, (organisations,), -1 for none.
    """
    hosted = np.full(offers.size, -1, np.int64)
    asked = np.zeros(offers.size, np.bool_)
    platform_rows = living(platforms.alive, platform_slots)
    _open_platforms(organisations, platforms, platform_slots, memberships, membership_slots, books, events, platform_rows,
                    rows, offers, doors, hosted, asked, p)  # fmt: skip
    return hosted


@allocation_free
def _open_platforms(
    organisations: Organisations,
    platforms: Platforms,
    platform_slots: Slots,
    memberships: Memberships,
    membership_slots: Slots,
    books: Books,
    events: Events,
    platform_rows: Column,
    rows: Column,
    offers: Column,
    doors: Column,
    hosted: Column,
    asked: Column,
    p: Any,
) -> None:
    """Mark who hosts and who is asked to host, (organisations,), and found what is asked for and can be paid."""
    for q in platform_rows:
        hosted[platforms.host[q]] = q
    for k in range(len(doors)):
        asked[doors[k, 0]] = True
    for i in rows:
        if asked[i] and hosted[i] < 0 and organisations.capital[i] >= p.founding:
            pay(organisations, books, i, HOUSEHOLDS, p.founding, UPKEEP)
            hosted[i] = new_platform(organisations, platforms, platform_slots, i, offers[i])
            note_event(events, PLATFORM_FOUNDED, organisations.uid[i], -1, offers[i])
            new_membership(organisations, platforms, memberships, membership_slots, hosted[i], i)


class Choices(NamedTuple):
    """What organisations have and decide while they look at platforms."""

    first: Column  # (organisations,) a membership of each, -1 for none
    following: Column  # (memberships,) another one of the same organisation, -1 for none
    bound: Column  # (memberships,) whether what opened the platform to it is still there
    chosen: Column  # (organisations,) the platform that each joins, -1 for none
    balance: Column  # (organisations,) of gain and loss there


@compiled
def _choose(
    organisations: Organisations,
    platforms: Platforms,
    memberships: Memberships,
    membership_slots: Slots,
    platform_rows: Column,
    membership_rows: Column,
    rows: Column,
    hosted: Column,
    doors: Column,
    outlook: Outlook,
    p: Any,
    seed: int,
    step: int,
) -> tuple[Column, Column]:
    """Organisations look at the platforms that they could join, over a tie or, at a community, by coming upon it.

    Returns
    -------
    Whether each membership is still open, (memberships,), and the platform that each organisation joins, (organisations,).
    """
    used = membership_slots.state[1]
    choices = Choices(
        np.full(hosted.size, -1, np.int64), np.full(used, -1, np.int64), np.zeros(used, np.bool_),
        np.full(hosted.size, -1, np.int64), np.full(hosted.size, -2.0),
    )  # fmt: skip
    communities = platform_rows[platforms.kind[platform_rows] == OPEN_SOURCE_COMMUNITY]
    _look(organisations, platforms, memberships, membership_rows, rows, hosted, communities, doors, choices, outlook, p,
          seed, step)  # fmt: skip
    return choices.bound, choices.chosen


@allocation_free
def _look(
    organisations: Organisations,
    platforms: Platforms,
    memberships: Memberships,
    membership_rows: Column,
    rows: Column,
    hosted: Column,
    communities: Column,
    doors: Column,
    choices: Choices,
    outlook: Outlook,
    p: Any,
    seed: int,
    step: int,
) -> None:
    """Consider each platform whose door is open; a community is open to whoever makes knowledge and comes upon it."""
    for m in membership_rows:
        i = memberships.organisation[m]
        choices.following[m], choices.first[i] = choices.first[i], m
    for k in range(len(doors)):
        q = hosted[doors[k, 0]]
        if q >= 0:
            _consider(organisations, platforms, memberships, choices, outlook, q, doors[k, 1], p, seed, step)
    for i in rows:
        if communities.size == 0 or organisations.created[i] <= 0.0:
            continue
        capabilities = organisations.knowledge_capabilities
        search = (capabilities[i, 0] + capabilities[i, 1] + capabilities[i, 2]) / 3.0
        draw = uniform(seed, PLATFORM_JOINING, step, organisations.uid[i], 0)
        if draw < search:
            q = communities[int(draw / search * communities.size)]
            _consider(organisations, platforms, memberships, choices, outlook, q, i, p, seed, step)


@allocation_free
def _consider(
    organisations: Organisations,
    platforms: Platforms,
    memberships: Memberships,
    choices: Choices,
    outlook: Outlook,
    q: int,
    i: int,
    p: Any,
    seed: int,
    step: int,
) -> None:
    """Who could join does so with chance joining / (1 + exp(-s x)), one platform a quarter, the best of those.

    The balance is x = (gain - loss - dues) / (gain + loss + dues), in [-1, 1].
    """
    m = choices.first[i]
    while m >= 0 and memberships.platform[m] != q:
        m = choices.following[m]
    if m >= 0:
        choices.bound[m] = True
        return
    x = advantages(organisations, platforms, outlook, q, i, False, p)
    chance = p.joining / (1.0 + np.exp(-p.sharpness * x))
    if uniform(seed, PLATFORM_JOINING, step, organisations.uid[i], platforms.uid[q]) >= chance:
        return
    # Of two equal ones the older, so that nothing hangs on the order of ties.
    before = choices.balance[i]
    if x > before or (x == before and platforms.uid[q] < platforms.uid[choices.chosen[i]]):
        choices.balance[i], choices.chosen[i] = x, q


@allocation_free
def _leave(
    organisations: Organisations,
    platforms: Platforms,
    memberships: Memberships,
    membership_slots: Slots,
    events: Events,
    membership_rows: Column,
    bound: Column,
    outlook: Outlook,
    p: Any,
    seed: int,
    step: int,
) -> None:
    """Members leave, at once without the tie that opened the platform, else with chance leaving / (1 + exp(s (x + inertia)))."""
    for m in membership_rows:
        i, q = memberships.organisation[m], memberships.platform[m]
        if platforms.host[q] == i:
            continue
        leaves = not bound[m] and platforms.kind[q] != OPEN_SOURCE_COMMUNITY
        if not leaves:
            x = advantages(organisations, platforms, outlook, q, i, True, p)
            chance = p.leaving / (1.0 + np.exp(p.sharpness * (x + p.inertia)))
            leaves = uniform(seed, PLATFORM_LEAVING, step, organisations.uid[i], platforms.uid[q]) < chance
        if leaves:
            _end_membership(platforms, memberships, membership_slots, events, m)


@allocation_free
def _join(
    organisations: Organisations,
    platforms: Platforms,
    memberships: Memberships,
    membership_slots: Slots,
    events: Events,
    rows: Column,
    chosen: Column,
) -> None:
    """Write down who joins which platform."""
    for i in rows:
        q = chosen[i]
        if q >= 0:
            new_membership(organisations, platforms, memberships, membership_slots, q, i)
            note_event(events, PLATFORM_JOINED, organisations.uid[i], platforms.host_uid[q], platforms.kind[q])


@allocation_free
def _pay_dues(
    organisations: Organisations,
    platforms: Platforms,
    memberships: Memberships,
    books: Books,
    rows: Column,
    membership_rows: Column,
    dues: float,
) -> None:
    """Members pay their host; mark those of core firms' platforms."""
    for i in rows:
        organisations.member[i] = False
    for m in membership_rows:
        i, q = memberships.organisation[m], memberships.platform[m]
        pay(organisations, books, i, platforms.host[q], dues, UPKEEP)
        if platforms.kind[q] == OPEN_PLATFORM:
            organisations.member[i] = True
