"""Readings of symbiosis (S001, section 2.1.2): what relation roles are in, and how far the ecosystem has climbed.

Nothing here acts on the model. The matrix of effects between roles is read as mutualism, commensalism, parasitism,
competition or independence; the rung unit, platform, interface, network from counts, interfaces and the shape of the
network of ties.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

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
from ecosim.state import FIRM, INTERFACES, Column, Ties

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


def outcomes(model: Ecosystem) -> tuple[float, ...]:
    """Return the values of `OUTCOMES` at the end of a quarter."""
    settings, markets = model.parameters["readings"], model.reading.markets
    firms, count = model.members(FIRM), len(model.rows)
    nodes = np.zeros(len(model.organisations.uid), np.int64)
    nodes[model.rows] = np.arange(count)
    ends = model.ties.a[model.tie_rows], model.ties.b[model.tie_rows]
    a, b = nodes[ends[0]], nodes[ends[1]]
    apart = np.abs(model.organisations.chain[ends[0]] - model.organisations.chain[ends[1]])
    degree = 2.0 * len(a) / count if count else 0.0
    density = degree / (count - 1) if count > 1 else 0.0
    closed = float(clustering(a, b, count)[0])
    kinds = interface_kinds(model.ties, model.tie_rows, len(INTERFACES), settings.interface_share)
    members = float(model.organisations.member[model.rows].sum()) / max(1, count)
    overlap = total_overlap(model.organisations.niche[firms], np.ones(len(firms)))
    relations = relation_matrix(model.effects(), float(settings.threshold))[np.triu_indices(len(model.roles), 1)]
    return (
        read_rung(members, kinds, degree, density, closed, settings), degree, density, closed, kinds,
        float((model.organisations.parent_a[firms] >= 0).sum()),
        apart.mean() if len(apart) else 0.0,
        overlap.mean() / (len(firms) - 1) if len(firms) > 1 else 0.0,
        _part(markets[HIRED], markets[VACANCIES]), _part(markets[HIRES_MOVED], markets[HIRED]),
        _part(markets[DELIVERIES_MOVED], markets[DELIVERED]), _part(markets[GAIN], markets[DELIVERED]), *np.bincount(relations, minlength=len(RELATIONS)),
    )  # fmt: skip


def _part(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0.0 else 0.0


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


def relation_matrix(effects: Column, threshold: float) -> Column:
    """Return the reading of each pair of roles from what one does to the other, (roles, roles).

    (+, +) mutualism, (+, 0) commensalism, (+, -) parasitism, (0, 0) independence; harm without a gain to anybody, (-, -)
    or (-, 0), is competition.
    """
    gains, harms = effects > threshold, effects < -threshold
    either, both, harmed = gains | gains.T, gains & gains.T, harms | harms.T
    without = np.where(harmed, COMPETITION, INDEPENDENCE)
    return np.where(both, MUTUALISM, np.where(either, np.where(harmed, PARASITISM, COMMENSALISM), without))


def symbiosis_table(model: Ecosystem) -> pd.DataFrame:
    """Return a row a pair of roles: role, other, effect of the other on it and of it on the other, reading."""
    import pandas as pd

    effects = model.effects()
    relations = relation_matrix(effects, float(model.parameters["readings"].threshold))
    names = np.array(model.role_names)
    first, second = np.triu_indices(len(names), 1)
    return pd.DataFrame({
        "role": names[first],
        "other": names[second],
        "effect_on_role": effects[first, second],
        "effect_on_other": effects[second, first],
        "reading": np.array(RELATIONS)[relations[first, second]],
    })  # fmt: skip
