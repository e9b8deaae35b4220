"""What a platform offers whom, and what it costs them: the balance that joining and leaving follow.

The parameters are those of platforms. A candidate sees per domain the best that the platform holds or a member passes on,
the best informed member, and how much the members of its own role overlap with its niche.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ecosim.compilation import allocation_free, compiled
from ecosim.state import (
    DOMAINS,
    GOVERNMENT,
    INDUSTRIAL_ALLIANCE,
    OPEN_PLATFORM,
    STANDARDS_BODY,
    USER,
    Column,
    Memberships,
    Organisations,
    Platforms,
)


class Outlook(NamedTuple):
    """What organisations see of platforms, and what they make of it."""

    best: Column  # (platforms, domains) best knowledge in reach
    informed: Column  # (platforms,) best information that members pass on
    company: Column  # (platforms, roles, domains) sum of the members' niches, each of length one
    usable: Column  # (organisations,) usable absorptive capacity
    opened: Column  # (organisations,) part of its knowledge that each passes on
    managed: float  # 1 where intellectual property is managed, else 0
    price: float  # worth of what a unit of gap of knowledge lets draw in a quarter at full absorption, million CNY
    information_price: float  # the same of information


@compiled
def platform_outlook(
    organisations: Organisations,
    platforms: Platforms,
    memberships: Memberships,
    platform_rows: Column,
    membership_rows: Column,
    used: int,
    roles: int,
    usable: Column,
    opened: Column,
    managed: float,
    price: float,
    information_price: float,
) -> Outlook:
    """Return what members and candidates see of each platform.

    Parameters
    ----------
    used : rows of platforms in use.
    """
    best, company = np.zeros((used, DOMAINS)), np.zeros((used, roles, DOMAINS))
    outlook = Outlook(best, np.zeros(used), company, usable, opened, managed, price, information_price)
    _see_platforms(organisations, platforms, memberships, platform_rows, membership_rows, outlook)
    return outlook


@allocation_free
def _see_platforms(
    organisations: Organisations,
    platforms: Platforms,
    memberships: Memberships,
    platform_rows: Column,
    membership_rows: Column,
    outlook: Outlook,
) -> None:
    """Write down the best in reach, the best information and the company on each platform."""
    best, informed, opened = outlook.best, outlook.informed, outlook.opened
    for q in platform_rows:
        for d in range(DOMAINS):
            best[q, d] = platforms.pool[q, d]
    for m in membership_rows:
        i, q = memberships.organisation[m], memberships.platform[m]
        length = niche_length(organisations, i)
        for d in range(DOMAINS):
            best[q, d] = max(best[q, d], opened[i] * organisations.knowledge[i, d])
            if length > 0.0:
                outlook.company[q, organisations.role[i], d] += organisations.niche[i, d] / length
        if shares_information(platforms.kind[q]):
            informed[q] = max(informed[q], opened[i] * organisations.information[i])


@allocation_free
def shares_information(kind: int) -> bool:
    """Whether members of a platform of this kind tell each other what they know of the market."""
    return kind in (STANDARDS_BODY, INDUSTRIAL_ALLIANCE)


@allocation_free
def niche_length(organisations: Organisations, i: int) -> float:
    """Length of the niche as a vector."""
    square = 0.0
    for d in range(DOMAINS):
        square += organisations.niche[i, d] ** 2
    return math.sqrt(square)


@allocation_free
def niche_overlap(organisations: Organisations, i: int, j: int) -> float:
    """Overlap of the niches of two organisations (Pianka 1973), in [0, 1]; 0 if one of them is empty."""
    lengths, product = niche_length(organisations, i) * niche_length(organisations, j), 0.0
    for d in range(DOMAINS):
        product += organisations.niche[i, d] * organisations.niche[j, d]
    return min(product / lengths, 1.0) if lengths > 0.0 else 0.0


@allocation_free
def balance(gain: float, loss: float) -> float:
    """Balance of gain and loss, in [-1, 1]: (gain - loss) / (gain + loss); 0 if there is neither."""
    return (gain - loss) / (gain + loss) if gain + loss > 0.0 else 0.0


@allocation_free
def advantages(
    organisations: Organisations, platforms: Platforms, outlook: Outlook, q: int, i: int, is_member: bool, p: Any
) -> float:
    """Balance of what organisation i draws from platform q against what it would give rivals there, and its dues.

    gain = price * a * sum_d of gaps to the best in reach, + price of information * gap, + an equal part of what a core firm
    spent on its members' capability last quarter; loss = exposure * price * a *
    (1 - P) * min(1, sum of niche overlaps with members of its role) * sum_d of what it opens above the pool. What lies in
    the pool already is given away and no reason to leave.
    """
    gap, new, overlap = 0.0, 0.0, 0.0
    length, role, opened = niche_length(organisations, i), organisations.role[i], outlook.opened[i]
    for d in range(DOMAINS):
        gap += max(0.0, outlook.best[q, d] - organisations.knowledge[i, d])
        new += max(0.0, opened * organisations.knowledge[i, d] - platforms.pool[q, d])
        overlap += outlook.company[q, role, d] * organisations.niche[i, d]
    overlap = overlap / length if length > 0.0 else 0.0
    rivals = min(1.0, max(0.0, overlap - (1.0 if is_member else 0.0)))
    worth = outlook.price * outlook.usable[i]
    gain = worth * gap + outlook.information_price * max(0.0, outlook.informed[q] - organisations.information[i])
    if platforms.kind[q] == OPEN_PLATFORM and role != USER and role != GOVERNMENT:
        gain += organisations.transfer[platforms.host[q]] / platforms.members[q]
    exposed = p.exposure * (1.0 - outlook.managed * organisations.protection[i]) * rivals
    return balance(gain, exposed * outlook.price * outlook.usable[i] * new + p.dues)
