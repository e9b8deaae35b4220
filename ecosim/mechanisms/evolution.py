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

from typing import Any

import numpy as np

from ecosim.columns import everybody, living, members_of
from ecosim.compilation import allocation_free, compiled
from ecosim.draws import (
    CROSSBREEDING,
    HEREDITY,
    IMITATION_CHOICE,
    IMITATION_PARTNER,
    MUTATION,
    in_turn,
    normal,
    uniform,
)
from ecosim.mechanisms.novelty import (
    CROSSBREEDING_CAUSE,
    IMITATION_CAUSE,
    MUTATION_CAUSE,
    note_within,
    role_means,
)
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import IMITATION, SHARING, Column, Members, Organisations, State, Ties

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

# The number of the draw is the uid of the other for a tie; an organisation's own draws lie above all uids.
_OWN = 2**31


@compiled
def evolve(state: State, numbers: Any, seed: int, step: int) -> Column:
    """Let members imitate, cross and mutate; return the change of each role's mean routines by operator, (operators, roles, routines)."""
    organisations, books, p = state.organisations, state.books, numbers.evolution
    rows = everybody(state.members)
    order = in_turn(rows, organisations.uid, numbers.sequential, seed, step)
    routines = organisations.routines[: state.slots.state[1]]
    before = routines.copy()
    seen = routines if numbers.sequential else before
    changes = np.zeros((books.novelty.size, books.gained.shape[0], routines.shape[1]))
    if numbers.rules.imitation:
        imitate(organisations, seen, state.members, order, p, seed, step)
        if books.counts_novelty[0]:
            changes[IMITATION_CAUSE] = note_within(organisations, before, rows, books, IMITATION_CAUSE)
    if numbers.rules.crossbreeding:
        before[:] = routines
        means = role_means(before, organisations.role, rows, books.gained.shape[0])
        tie_rows = living(state.ties.alive, state.tie_slots)
        crossbreed(organisations, seen, means, state.ties, order, tie_rows, p, seed, step)
        if books.counts_novelty[0]:
            changes[CROSSBREEDING_CAUSE] = note_within(organisations, before, rows, books, CROSSBREEDING_CAUSE)
    if numbers.rules.mutation:
        before[:] = routines
        mutate(organisations, rows, p, seed, step)
        if books.counts_novelty[0]:
            changes[MUTATION_CAUSE] = note_within(organisations, before, rows, books, MUTATION_CAUSE)
    return changes


@compiled
def payoff_ranges(payoff: Column, members: Members, fixed: float) -> Column:
    """The lead in payoff that is surely followed in each role, (roles,): the fixed one, or if that is 0 the widest there is."""
    ranges = np.full(members.starts.size - 1, fixed)
    if fixed <= 0.0:
        for role in range(ranges.size):
            of_role = payoff[members_of(members, role)]
            ranges[role] = of_role.max() - of_role.min() if of_role.size else 0.0
    return ranges


@compiled
def imitate(
    organisations: Organisations,
    seen: Column,
    members: Members,
    order: Column,
    p: Any,
    seed: int,
    step: int,
) -> None:
    """Look at one of the role, all alike, oneself included; take over all its routines with chance (lead in payoff) / R."""
    starts = members.starts
    ranges = payoff_ranges(organisations.payoff, members, p.payoff_range)
    for i in order:
        uid = organisations.uid[i]
        role = organisations.role[i]
        peers = starts[role + 1] - starts[role]
        if uniform(seed, IMITATION_PARTNER, step, uid, 0) >= p.imitation_rate * seen[i, IMITATION]:
            continue
        j = members.order[starts[role] + int(uniform(seed, IMITATION_PARTNER, step, uid, 1) * peers)]
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
    seen : (organisations, routines), as others are seen; as many rows as are in use.
    means : (roles, routines), mean routines of each role.
    """
    partner = np.full(seen.shape[0], -1, np.int64)
    lowest = np.ones(seen.shape[0])
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
