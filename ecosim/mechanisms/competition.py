"""Competition (S001, section 2.1.2): organisations of similar niches compete for users, talent and components.

Overlap is Pianka's w_ij (1973) of two niches p_i, p_j over the domains. It enters in proportion: for users through the
mark-up and the choice among offers, for talent through the domains in which people are at home, for components
through the share of a supplier's scarce capacity. Without the switch everybody is served alike. Partner search, which
shuns rivals, stands in its own file.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ecosim.compilation import allocation_free, compiled
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import Column, Organisations, Ties

# What is counted of the quarter's markets for talent and components, in the order of `Reading.markets`.
MARKETS = ("vacancies", "hired", "hires moved", "delivered", "deliveries moved", "gain")
(VACANCIES, HIRED, HIRES_MOVED, DELIVERED, DELIVERIES_MOVED, GAIN) = range(6)

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("competition", __name__, {
    "price_pressure": Parameter(1.0, 0.0, 1.0, "1", "Part of its mark-up that a firm loses to rivals of wholly the same niche.", "S001 2.1.2 (P34)"),
    "crowding": Parameter(0.5, 0.0, 10.0, "1", "Weight against an offer of the logarithm of 1 and the niche overlaps with all rivals: similar offers share users.", "Cascetta et al. 1996: C-logit"),
    "specialists": Parameter(0.6, 0.0, 1.0, "share", "Part of those who look for work that is at home in one domain, as demand is spread over domains; the others can do anything.", _ASSUMED),
    "contention": Parameter(2.0, 0.0, 10.0, "1", "How strongly a buyer's share of scarce components falls with the orders of buyers of overlapping niches.", "S001 2.1.2 (P34)"),
})  # fmt: skip


class Rivalry(NamedTuple):
    """The strengths of competition: those of the parameters, or all zero."""

    price_pressure: float
    crowding: float
    specialists: float
    contention: float


@allocation_free
def rivalry(numbers: Any) -> Rivalry:
    """Return the strengths of competition, all zero when the rule is off."""
    p = numbers.competition
    if not numbers.rules.competition:
        return Rivalry(0.0, 0.0, 0.0, 0.0)
    return Rivalry(p.price_pressure, p.crowding, p.specialists, p.contention)


@compiled
def share_seekers(organisations: Organisations, rows: Column, wanted: Column, people: float, demand: Column, specialists: float) -> Column:  # fmt: skip
    """How many people each organisation finds, (rows,), of those who look for work.

    In domain d, V_d = sum_i v_i p_id are wanted and s * people * demand_d are at home, so part f_d = min(1, s people
    demand_d / V_d) is found; i finds v_i sum_d p_id f_d. The others, who can do anything, are shared out in proportion
    to what is still vacant. So what i finds falls with the vacancies of others by the overlap sum_d p_id p_jd.

    Parameters
    ----------
    wanted : (rows,) person-years v_i >= 0, niches p_i sum to 1.
    """
    domains = demand.size
    vacant = np.zeros(domains)
    for position in range(rows.size):
        for d in range(domains):
            vacant[d] += wanted[position] * organisations.niche[rows[position], d]
    found = np.zeros(domains)
    for d in range(domains):
        found[d] = min(1.0, specialists * people * demand[d] / vacant[d]) if vacant[d] > 0.0 else 0.0
    hired = np.empty(rows.size)
    left = 0.0
    for position in range(rows.size):
        part = 0.0
        for d in range(domains):
            part += organisations.niche[rows[position], d] * found[d]
        hired[position] = wanted[position] * min(1.0, part)
        left += wanted[position] - hired[position]
    rest = min(1.0, (1.0 - specialists) * people / left) if left > 0.0 else 0.0
    for position in range(rows.size):
        hired[position] += rest * (wanted[position] - hired[position])
    return hired


@compiled
def share_components(
    organisations: Organisations, ties: Ties, tie_rows: Column, used: int, contention: float
) -> Column:
    """What is delivered over each tie, (ties,) million CNY: a provider's scarce stock goes to buyers by o_b exp(-c L_b / O).

    L_b = sum_b' w_bb' o_b' are the orders of the same provider weighted by niche overlap with the buyer, itself included,
    O all orders. Nobody gets more than ordered; what that leaves is shared in proportion to what is still unmet. With
    c = 0 each order is met in the same proportion.

    Parameters
    ----------
    used : rows of organisations in use.
    """
    domains = organisations.niche.shape[1]
    orders, load = np.zeros(used), np.zeros((used, domains))
    weights, spent = np.zeros(used), np.zeros(used)
    for t in tie_rows:
        if ties.order[t] != 0.0:
            buyer, provider = (ties.a[t], ties.b[t]) if ties.order[t] > 0.0 else (ties.b[t], ties.a[t])
            orders[provider] += abs(ties.order[t])
            length = _length(organisations, buyer)
            for d in range(domains):
                load[provider, d] += abs(ties.order[t]) * organisations.niche[buyer, d] / length
    given = np.zeros(tie_rows.size)
    for position in range(tie_rows.size):
        t = tie_rows[position]
        if ties.order[t] != 0.0:
            buyer, provider = (ties.a[t], ties.b[t]) if ties.order[t] > 0.0 else (ties.b[t], ties.a[t])
            length = _length(organisations, buyer)
            rivals = 0.0
            for d in range(domains):
                rivals += load[provider, d] * organisations.niche[buyer, d] / length
            given[position] = abs(ties.order[t]) * np.exp(-contention * rivals / orders[provider])
            weights[provider] += given[position]
    for position in range(tie_rows.size):
        t = tie_rows[position]
        if ties.order[t] != 0.0:
            provider = ties.b[t] if ties.order[t] > 0.0 else ties.a[t]
            stock = min(organisations.services[provider], orders[provider])
            given[position] = min(abs(ties.order[t]), given[position] * stock / weights[provider])
            spent[provider] += given[position]
    for position in range(tie_rows.size):
        t = tie_rows[position]
        if ties.order[t] != 0.0:
            provider = ties.b[t] if ties.order[t] > 0.0 else ties.a[t]
            left = min(organisations.services[provider], orders[provider]) - spent[provider]
            if left > 0.0 and orders[provider] > spent[provider]:
                missing = abs(ties.order[t]) - given[position]
                given[position] += missing * left / (orders[provider] - spent[provider])
    return given


@allocation_free
def _length(organisations: Organisations, i: int) -> float:
    """Length of i's niche; the product of two niches over their lengths is their overlap. Of an empty niche 1, so that it overlaps with none."""
    square = 0.0
    for d in range(organisations.niche.shape[1]):
        square += organisations.niche[i, d] ** 2
    return np.sqrt(square) if square > 0.0 else 1.0
