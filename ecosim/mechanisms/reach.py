"""What a platform offers whom, and what it costs them: the balance that joining and leaving follow.

The parameters are those of platforms. A candidate sees per domain the best that the platform holds or a member passes on,
the best informed member, and how much the members of its own role overlap with its niche.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ecosim.compilation import allocation_free, compiled
from ecosim.state import (
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


@compiled
def platform_reach(
    organisations: Organisations,
    platforms: Platforms,
    memberships: Memberships,
    platform_rows: Column,
    membership_rows: Column,
    opened: Column,
    roles: int,
) -> tuple[Column, Column, Column]:
    """What members and candidates see of each platform.

    Returns
    -------
    Best knowledge in reach by domain, (platforms, domains); best information that members pass on, (platforms,); sum of
    the members' niches, each of length one, by role, (platforms, roles, domains).
    """
    domains = organisations.knowledge.shape[1]
    best = np.zeros((platforms.uid.size, domains))
    informed = np.zeros(platforms.uid.size)
    company = np.zeros((platforms.uid.size, roles, domains))
    for q in platform_rows:
        best[q] = platforms.pool[q]
    for m in membership_rows:
        i, q = memberships.organisation[m], memberships.platform[m]
        length = niche_length(organisations, i)
        for d in range(domains):
            best[q, d] = max(best[q, d], opened[i] * organisations.knowledge[i, d])
            if length > 0.0:
                company[q, organisations.role[i], d] += organisations.niche[i, d] / length
        if shares_information(platforms.kind[q]):
            informed[q] = max(informed[q], opened[i] * organisations.information[i])
    return best, informed, company


@allocation_free
def shares_information(kind: int) -> bool:
    """Whether members of a platform of this kind tell each other what they know of the market."""
    return kind in (STANDARDS_BODY, INDUSTRIAL_ALLIANCE)


@allocation_free
def niche_length(organisations: Organisations, i: int) -> float:
    """Length of the niche as a vector."""
    square = 0.0
    for d in range(organisations.niche.shape[1]):
        square += organisations.niche[i, d] ** 2
    return math.sqrt(square)


@allocation_free
def balance(gain: float, loss: float) -> float:
    """Balance of gain and loss, in [-1, 1]: (gain - loss) / (gain + loss); 0 if there is neither."""
    return (gain - loss) / (gain + loss) if gain + loss > 0.0 else 0.0


@allocation_free
def advantages(
    organisations: Organisations,
    platforms: Platforms,
    q: int,
    i: int,
    is_member: bool,
    reach: tuple[Column, Column, Column],
    usable: Column,
    opened: Column,
    managed: float,
    prices: Column,
    p: Any,
) -> float:
    """Balance of what organisation i draws from platform q against what it would give rivals there, and its dues.

    gain = price * a * sum_d of gaps to the best in reach, + price of information * gap, + an equal part of what a core firm
    spent on its members' capability last quarter; loss = exposure * price * a *
    (1 - P) * min(1, sum of niche overlaps with members of its role) * sum_d of what it opens above the pool. What lies in
    the pool already is given away and no reason to leave.
    """
    best, informed, company = reach
    gap, new, overlap = 0.0, 0.0, 0.0
    length = niche_length(organisations, i)
    for d in range(best.shape[1]):
        gap += max(0.0, best[q, d] - organisations.knowledge[i, d])
        new += max(0.0, opened[i] * organisations.knowledge[i, d] - platforms.pool[q, d])
        overlap += company[q, organisations.role[i], d] * organisations.niche[i, d]
    overlap = overlap / length if length > 0.0 else 0.0
    rivals = min(1.0, max(0.0, overlap - (1.0 if is_member else 0.0)))
    gain = prices[0] * usable[i] * gap + prices[1] * max(0.0, informed[q] - organisations.information[i])
    if platforms.kind[q] == OPEN_PLATFORM and organisations.role[i] != USER and organisations.role[i] != GOVERNMENT:
        gain += organisations.transfer[platforms.host[q]] / platforms.members[q]
    exposed = p.exposure * (1.0 - managed * organisations.protection[i]) * rivals
    return balance(gain, exposed * prices[0] * usable[i] * new + p.dues)
