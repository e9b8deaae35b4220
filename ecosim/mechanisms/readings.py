"""Readings of symbiosis (S001, section 2.1.2): what relation roles are in, and how far the ecosystem has climbed.

Nothing here acts on the model. The matrix of effects between roles is read as mutualism, commensalism, parasitism,
competition or independence; the rung unit, platform, interface, network from counts, interfaces and the shape of the
network of ties.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.columns import living, members_of
from ecosim.compilation import allocation_free, compiled
from ecosim.measures import clustering, total_overlap
from ecosim.mechanisms.competition import (
    DELIVERED,
    DELIVERIES_MOVED,
    GAIN,
    HIRED,
    HIRES_MOVED,
    VACANCIES,
)
from ecosim.outcomes import COUNT, LEVEL, SHARE, Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import FIRM, INTERFACES, Column, State, Ties

if TYPE_CHECKING:
    import pandas as pd

    from ecosim.model import Ecosystem

RELATIONS = ("mutualism", "commensalism", "parasitism", "competition", "independence")
(MUTUALISM, COMMENSALISM, PARASITISM, COMPETITION, INDEPENDENCE) = range(5)
RUNGS = ("unit", "platform", "interface", "network")

_READ = "assumption; a reading, which acts on nothing"

PARAMETERS = ParameterGroup("readings", __name__, {
    "threshold": Parameter(0.01, 0.0, 1.0, "share of a role's net benefits", "Effect of one role on another below which it counts as none.", _READ),
    "platform_share": Parameter(0.1, 0.0, 1.0, "share", "Part of the organisations that are members of a platform from which the rung is platform.", _READ),
    "interface_share": Parameter(0.01, 0.0, 1.0, "share", "Part of the ties from which an interface counts as in use.", _READ),
    "interface_kinds": Parameter(8, 1, 11, "interfaces", "Kinds of interface in use from which the rung is interface.", _READ),
    "network_degree": Parameter(5.0, 0.0, 1000.0, "ties", "Mean number of partners that a network has at least.", _READ),
    "network_clustering": Parameter(2.0, 0.0, 1000.0, "1", "How many times its density the clustering of a network is at least.", "small world: Watts & Strogatz 1998"),
})  # fmt: skip

OUTCOMES = (
    Outcome("rung", "0 unit, 1 platform, 2 interface, 3 network", "The highest rung of S001 2.1.2 whose own mark the ecosystem reaches."),
    Outcome("mean_degree", "partners", "Mean number of partners."),
    Outcome("density", SHARE, "Part of all possible pairs that is tied."),
    Outcome("clustering", LEVEL, "Part of the pairs of partners of one organisation that are partners themselves."),
    Outcome("interface_kinds", COUNT, "Kinds of interface in use."),
    Outcome("joint_ventures", COUNT, "Joint ventures that are there."),
    Outcome("partner_distance", LEVEL, "Mean distance of partners on the innovation chain."),
    Outcome("niche_overlap", LEVEL, "Mean niche overlap of two firms."),
    Outcome("vacancy_fill_rate", SHARE, "Part of the person-years sought in the quarter that were found."),
    Outcome("hires_moved", SHARE, "Part of them that went to another organisation because of niche overlap."),
    Outcome("deliveries_moved", SHARE, "Part of the services delivered that went to another buyer because of niche overlap."),
    Outcome("gain_from_trade", "share of price", "What each side gained from an exchange of services beyond the price, on average."),
    *(Outcome(f"pairs_{relation}", COUNT, f"Pairs of roles in {relation}.") for relation in RELATIONS),
)  # fmt: skip


@compiled
def outcomes(state: State, numbers: Any, step: int, out: Column) -> None:
    """Write the values of `OUTCOMES` at the end of a quarter into `out`, (outcomes,)."""
    organisations, ties, markets, p = state.organisations, state.ties, state.reading.markets, numbers.readings
    rows, tie_rows = living(organisations.alive, state.slots), living(ties.alive, state.tie_slots)
    firms, count = members_of(state.members, FIRM), rows.size
    degree = 2.0 * tie_rows.size / count if count else 0.0
    density = degree / (count - 1) if count > 1 else 0.0
    closed = clustering(ties.a[tie_rows], ties.b[tie_rows], state.slots.state[1])[0]
    kinds = interface_kinds(ties, tie_rows, len(INTERFACES), p.interface_share)
    members = 0.0
    for i in rows:
        members += 1.0 if organisations.member[i] else 0.0
    out[0] = read_rung(members / max(1, count), kinds, degree, density, closed, p)
    out[1], out[2], out[3], out[4] = degree, density, closed, kinds
    for i in firms:
        out[5] += 1.0 if organisations.parent_a[i] >= 0 else 0.0
    for t in tie_rows:
        out[6] += abs(organisations.chain[ties.a[t]] - organisations.chain[ties.b[t]]) / tie_rows.size
    if firms.size > 1:
        overlaps = total_overlap(organisations.niche[firms], np.ones(firms.size))
        out[7] = overlaps.sum() / firms.size / (firms.size - 1)
    out[8] = _part(markets[HIRED], markets[VACANCIES])
    out[9] = _part(markets[HIRES_MOVED], markets[HIRED])
    out[10] = _part(markets[DELIVERIES_MOVED], markets[DELIVERED])
    out[11] = _part(markets[GAIN], markets[DELIVERED])
    on_each = effects(state, numbers)
    for first in range(on_each.shape[0]):
        for second in range(first + 1, on_each.shape[0]):
            out[12 + relation(on_each[first, second], on_each[second, first], p.threshold)] += 1.0


@allocation_free
def _part(part: float, whole: float) -> float:
    return part / whole if whole > 0.0 else 0.0


@compiled
def effects(state: State, numbers: Any) -> Column:
    """What each role does to the growth of each, (roles, roles): as the scenario fixes it, else measured.

    Measured are net benefits over the last year, as parts of all that a role has of others.
    """
    if numbers.fixed:
        return numbers.roles.coefficients.copy()
    measured = state.books.benefit.copy()
    for role in range(measured.shape[0]):
        scale = np.abs(measured[role]).sum()
        if scale > 0.0:
            measured[role] /= scale
    return measured


@compiled
def coefficients(state: State, numbers: Any) -> Column:
    """The symbiosis coefficients a_rs that act on entry and exit, (roles, roles)."""
    if numbers.fixed:
        return effects(state, numbers)
    return effects(state, numbers) * (numbers.symbiosis.coupling if numbers.rules.symbiosis else 0.0)


@allocation_free
def read_rung(members: float, kinds: int, degree: float, density: float, closed: float, p: Any) -> int:
    """The highest rung whose own mark is reached, whatever the others say, so that a skipped rung can be seen.

    3 network: mean degree and clustering over density above their marks; 2 interface: enough kinds of interface in
    use; 1 platform: enough of the organisations are members; 0 unit.
    """
    if degree >= p.network_degree and closed >= p.network_clustering * density:
        return 3
    if kinds >= p.interface_kinds:
        return 2
    return 1 if members >= p.platform_share else 0


@compiled
def interface_kinds(ties: Ties, tie_rows: Column, kinds: int, share: float) -> int:
    """How many kinds of interface at least this part of the ties has."""
    counts = np.zeros(kinds)
    for t in tie_rows:
        counts[ties.interface[t]] += 1.0
    used = 0
    for count in counts:
        used += 1 if count > 0.0 and count >= share * tie_rows.size else 0
    return used


@allocation_free
def relation(one_way: float, other_way: float, threshold: float) -> int:
    """The reading of a pair of roles from what each does to the other.

    (+, +) mutualism, (+, 0) commensalism, (+, -) parasitism, (0, 0) independence; harm without a gain to anybody, (-, -)
    or (-, 0), is competition.
    """
    harmed = one_way < -threshold or other_way < -threshold
    if one_way > threshold and other_way > threshold:
        return MUTUALISM
    if one_way > threshold or other_way > threshold:
        return PARASITISM if harmed else COMMENSALISM
    return COMPETITION if harmed else INDEPENDENCE


def symbiosis_table(model: Ecosystem) -> pd.DataFrame:
    """Return a row a pair of roles: role, other, effect of the other on it and of it on the other, reading."""
    import pandas as pd

    names, on_each = np.array(model.role_names), model.effects()
    first, second = np.triu_indices(len(names), 1)
    one_way, other_way = on_each[first, second], on_each[second, first]
    threshold = model.parameters["readings"].threshold
    return pd.DataFrame({
        "role": names[first],
        "other": names[second],
        "effect_on_role": one_way,
        "effect_on_other": other_way,
        "reading": [RELATIONS[relation(*pair, threshold)] for pair in zip(one_way, other_way, strict=True)],
    })  # fmt: skip
