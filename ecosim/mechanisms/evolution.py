"""Evolution of routines (S003 Table 1): heredity, imitation, mutation, crossbreeding; selection stands in `turnover`.

Routines are what an organisation is wont to do: research intensity, openness target, generosity, breadth, risk, imitation.

Heredity: an entrant has the routines of the member of its role that brings it (spin-offs: Klepper & Sleeper 2005), copied
with small errors. Imitation: i looks at one other of its role and takes over all its routines with chance

    (payoff_j - payoff_i) / R   if that is positive                                    (Schlag 1998)

R the same for all of a role. With rho the chance of looking, x_s the share of those with routines s and P_s their payoff,
the expected change is then dx_s/dt = (rho / R) x_s (P_s - mean P), the replicator equation up to its time scale rho / R
(Taylor & Jonker 1978; Helbing 1992). Crossbreeding: partners that share recombine routines, whatever they earn (uniform
crossover: Syswerda 1989). Mutation: a routine changes by itself, up as much as down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.compilation import allocation_free, compiled
from ecosim.draws import CROSSBREEDING, HEREDITY, IMITATION_CHOICE, IMITATION_PARTNER, MUTATION, normal, uniform
from ecosim.mechanisms.novelty import note_within, role_means
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import IMITATION, OPERATORS, SHARING, Column, Organisations, Ties

if TYPE_CHECKING:
    from ecosim.model import Ecosystem

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("evolution", __name__, {
    "imitation_rate": Parameter(0.10, 0.0, 1.0, "1/quarter", "Chance to look at another's routines in a quarter, at full readiness.", "S003 Table 1"),
    "payoff_range": Parameter(0.0, 0.0, 1e9, "million CNY a quarter", "Lead in payoff at which a better one is surely followed (R); 0: the widest lead in the role this quarter.", "Schlag 1998"),
    "mutation_rate": Parameter(0.02, 0.0, 1.0, "1/quarter", "Chance that a routine changes by itself in a quarter.", "S003 Table 1: mutation"),
    "mutation_size": Parameter(0.2, 0.0, 2.0, "1", "Standard deviation of the logarithm of such a change.", _ASSUMED),
    "copying_error": Parameter(0.05, 0.0, 2.0, "1", "Standard deviation of the logarithm of the error with which an entrant takes over a routine.", _ASSUMED),
    "crossing_rate": Parameter(0.02, 0.0, 1.0, "1/quarter", "Chance that an organisation with partners in sharing or overlap takes routines from one of them.", "S003 Table 1: crossbreeding"),
    "crossing_share": Parameter(0.5, 0.0, 1.0, "1", "Chance that each single routine is taken then.", "uniform crossover: Syswerda 1989"),
})  # fmt: skip

# The number of the draw is the uid of the other for a tie; an organisation's own draws lie above all uids but those of
# joint ventures, with some of which they share a number.
_OWN = 2**31


def evolve(model: Ecosystem) -> Column:
    """Let members imitate, cross and mutate; return the change of each role's mean routines by operator, (operators, roles, routines)."""
    organisations, settings = model.organisations, model.parameters["evolution"]
    members, roles = model.members_of_roles(), len(model.roles)
    changes = np.zeros((len(OPERATORS), roles, organisations.routines.shape[1]))
    for operator in ("imitation", "crossbreeding", "mutation"):
        if not model.rules[operator]:
            continue
        before = organisations.routines.copy()
        seen = organisations.routines if model.sequential else before
        if operator == "imitation":
            imitate(organisations, seen, members, model.order, settings, model.seed, model.step_number)
        elif operator == "crossbreeding":
            means = role_means(before, organisations.role, members[1], roles)
            crossbreed(organisations, seen, means, model.ties, model.order, model.tie_rows, settings, model.seed,
                       model.step_number)  # fmt: skip
        else:
            mutate(organisations, members[1], settings, model.seed, model.step_number)
        code = OPERATORS.index(operator)
        changes[code] = note_within(organisations, before, members[1], model.books, code)
    return changes


@compiled
def payoff_ranges(payoff: Column, members: tuple[Column, Column], fixed: float) -> Column:
    """The lead in payoff that is surely followed in each role, (roles,): the fixed one, or if that is 0 the widest there is."""
    starts, sorted_rows = members
    ranges = np.full(starts.size - 1, fixed)
    if fixed <= 0.0:
        for role in range(ranges.size):
            if starts[role + 1] > starts[role]:
                of_role = payoff[sorted_rows[starts[role] : starts[role + 1]]]
                ranges[role] = of_role.max() - of_role.min()
    return ranges


@compiled
def imitate(
    organisations: Organisations,
    seen: Column,
    members: tuple[Column, Column],
    order: Column,
    p: Any,
    seed: int,
    step: int,
) -> None:
    """Look at one of the role, all alike, oneself included; take over all its routines with chance (lead in payoff) / R."""
    starts, sorted_rows = members
    ranges = payoff_ranges(organisations.payoff, members, p.payoff_range)
    for i in order:
        uid = organisations.uid[i]
        role = organisations.role[i]
        peers = starts[role + 1] - starts[role]
        if uniform(seed, IMITATION_PARTNER, step, uid, 0) >= p.imitation_rate * seen[i, IMITATION]:
            continue
        j = sorted_rows[starts[role] + int(uniform(seed, IMITATION_PARTNER, step, uid, 1) * peers)]
        lead = organisations.payoff[j] - organisations.payoff[i]
        if lead > 0.0 and uniform(seed, IMITATION_CHOICE, step, uid, 0) < lead / ranges[role]:
            organisations.routines[i] = seen[j]


@compiled
def crossbreed(
    organisations: Organisations,
    seen: Column,
    means: Column,
    ties: Ties,
    order: Column,
    tie_rows: Column,
    p: Any,
    seed: int,
    step: int,
) -> None:
    """Take routines from one partner in sharing or overlap, all alike; of another role, in proportion: z_i = mean_i z_j / mean_j.

    A partner of another role does other work: taken over is by how much it does more or less than is usual in its role.

    Parameters
    ----------
    means : (roles, routines), mean routines of each role.
    """
    partner = np.full(organisations.uid.size, -1, np.int64)
    lowest = np.ones(organisations.uid.size)
    for t in tie_rows:
        if ties.mode[t] >= SHARING:
            a, b = ties.a[t], ties.b[t]
            draw = uniform(seed, CROSSBREEDING, step, organisations.uid[a], organisations.uid[b])
            for i, j in ((a, b), (b, a)):
                if draw < lowest[i]:
                    lowest[i], partner[i] = draw, j
    for i in order:
        uid, j = organisations.uid[i], partner[i]
        if j < 0 or uniform(seed, CROSSBREEDING, step, uid, _OWN) >= p.crossing_rate:
            continue
        own, other = organisations.role[i], organisations.role[j]
        for k in range(seen.shape[1]):
            if uniform(seed, CROSSBREEDING, step, uid, _OWN + 1 + k) >= p.crossing_share:
                continue
            if own == other:
                organisations.routines[i, k] = seen[j, k]
            elif means[other, k] > 0.0:
                organisations.routines[i, k] = min(1.0, means[own, k] * seen[j, k] / means[other, k])


@allocation_free
def moved(level: float, size: float, shock: float) -> float:
    """A routine multiplied by exp(size * shock - size^2 / 2), whose mean is 1 for a normal shock; up to 1."""
    return min(1.0, level * np.exp(size * shock - 0.5 * size * size))


@allocation_free
def mutate(organisations: Organisations, rows: Column, p: Any, seed: int, step: int) -> None:
    """Each routine moves by itself with the mutation rate: what is small changes by little."""
    for i in rows:
        uid = organisations.uid[i]
        for k in range(organisations.routines.shape[1]):
            if uniform(seed, MUTATION, step, uid, 2 * k) < p.mutation_rate:
                organisations.routines[i, k] = moved(
                    organisations.routines[i, k], p.mutation_size, normal(seed, MUTATION, step, uid, 2 * k + 1)
                )


@allocation_free
def inherit(organisations: Organisations, rows: Column, inherited: Column, error: float, seed: int, step: int) -> None:
    """Give entrants the routines of who brought them, (entrants, routines), copied with an error."""
    for position in range(rows.size):
        i = rows[position]
        for k in range(inherited.shape[1]):
            organisations.routines[i, k] = inherited[position, k]
            if error > 0.0:
                shock = normal(seed, HEREDITY, step, organisations.uid[i], k)
                organisations.routines[i, k] = moved(inherited[position, k], error, shock)
