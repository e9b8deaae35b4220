"""Novelty by evolutionary operator (P110): the Price equation for the mean routines of each role (Price 1970).

Within a role of N members with routines z_i, of which those that stay number S and E enter (M = S + E), the mean changes by

    imitation, crossbreeding, mutation   sum_i (change of z_i by the operator) / N
    selection                            sum_i (s_i - s)(z_i - z) / (N s),  s_i the chance to stay, s its mean
    drift                                mean of those that stay - z - selection: luck in who leaves
    heredity                             sum over entrants of (what was inherited - mean of those that stay) / M
    mutation, too                        sum over entrants of (what they have - what was inherited) / M
    outside                              the same for entrants that inherit nothing: what they have - mean of those that stay

which add up to it exactly. Selection by expected, and drift by realised exits: Rice & Papadopoulos 2009. What an operator
does is measured by the same sums with each term taken without its sign: the means over all organisations but users, and
over routines, are the outcomes `novelty_...`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.compilation import allocation_free, compiled
from ecosim.outcomes import LEVEL, Outcome
from ecosim.state import OPERATORS, USER, Books, Column, Members, Organisations, State

# What changes mean routines: the operators, luck in who leaves, entrants that inherit nothing.
CAUSES = (*OPERATORS, "drift", "outside")
(HEREDITY_CAUSE, IMITATION_CAUSE, MUTATION_CAUSE, CROSSBREEDING_CAUSE, SELECTION_CAUSE, DRIFT, OUTSIDE_CAUSE) = range(7)

OUTCOMES = (
    *(Outcome(f"novelty_{name}", LEVEL, f"Change of routines by {name}, without regard to sign; mean over routines and organisations, users left out.") for name in OPERATORS),
    Outcome("routine_diversity", LEVEL, "Standard deviation of routines within roles; mean over routines and organisations, users left out."),
    Outcome("entrant_distance", LEVEL, "How far this quarter's entrants' routines are from the nearest in their role, mean over routines and entrants; 0 if nobody entered, users left out."),
)  # fmt: skip

MOST_ENTRANTS = 32  # of a role that are looked at for their distance, lest a large role take long


@compiled
def role_means(routines: Column, role: Column, rows: Column, roles: int) -> Column:
    """Mean routines of each role over some rows, (roles, routines); 0 where there is nobody."""
    means = np.zeros((roles, routines.shape[1]))
    counts = np.zeros(roles)
    for i in rows:
        counts[role[i]] += 1.0
        for k in range(routines.shape[1]):
            means[role[i], k] += routines[i, k]
    for r in range(roles):
        if counts[r] > 0.0:
            means[r] /= counts[r]
    return means


@compiled
def note_within(organisations: Organisations, before: Column, rows: Column, books: Books, cause: int) -> Column:
    """Book what an operator changed within members; return the change of each role's mean, (roles, routines)."""
    roles, routines = books.gained.shape[0], before.shape[1]
    change, counts, working = np.zeros((roles, routines)), np.zeros(roles), 0
    for i in rows:
        counts[organisations.role[i]] += 1.0
        working += 1 if organisations.role[i] != USER else 0
    for i in rows:
        r = organisations.role[i]
        for k in range(routines):
            term = organisations.routines[i, k] - before[i, k]
            change[r, k] += term / counts[r]
            if r != USER:
                books.novelty[cause] += abs(term) / (working * routines)
    return change


@compiled
def note_exits(
    organisations: Organisations, rows: Column, chances: Column, leaves: Column, books: Books
) -> tuple[Column, Column]:
    """Book what exit changes, before anybody leaves; return the change of each role's mean by cause, and the mean of those that stay.

    Parameters
    ----------
    rows, chances, leaves : (members,) who is there, the chance of each to leave, and who does.

    Returns
    -------
    change : (causes, roles, routines).
    means : (roles, routines) of those that stay; of all where nobody does.
    """
    roles, width = books.gained.shape[0], organisations.routines.shape[1]
    change = np.zeros((len(CAUSES), roles, width))
    if not books.counts_novelty[0]:
        return change, np.zeros((roles, width))
    members, staying, working = np.zeros(roles), np.zeros(roles), 0.0
    for position in range(rows.size):
        r = organisations.role[rows[position]]
        members[r] += 1.0
        staying[r] += 1.0 - chances[position]
        working += 1.0 if r != USER else 0.0
    mean = role_means(organisations.routines, organisations.role, rows, roles)
    means = _means_of_stayers(organisations, rows, leaves, mean)
    change[DRIFT] = means - mean
    for position in range(rows.size):
        i = rows[position]
        r = organisations.role[i]
        if staying[r] > 0.0:
            for k in range(width):
                # (s_i - s) / (N s), s = sum of s_i / N
                term = ((1.0 - chances[position]) / staying[r] - 1.0 / members[r]) * (
                    organisations.routines[i, k] - mean[r, k]
                )
                change[SELECTION_CAUSE, r, k] += term
                change[DRIFT, r, k] -= term
                if r != USER:
                    books.novelty[SELECTION_CAUSE] += abs(term) * members[r] / (working * width)
    return change, means


@compiled
def _means_of_stayers(organisations: Organisations, rows: Column, leaves: Column, mean: Column) -> Column:
    """Mean routines of those of each role that stay, (roles, routines); of all, `mean`, where nobody does."""
    means = role_means(organisations.routines, organisations.role, rows[~leaves], mean.shape[0])
    stayers = np.zeros(mean.shape[0])
    for i in rows[~leaves]:
        stayers[organisations.role[i]] += 1.0
    for r in range(stayers.size):
        if stayers[r] == 0.0:
            means[r] = mean[r]
    return means


@allocation_free
def note_entries(
    organisations: Organisations,
    rows: Column,
    inherited: Column,
    inherits: bool,
    stayers: Column,
    counts: tuple[Column, Column],
    books: Books,
    change: Column,
) -> None:
    """Book what entry changed; add it to the change of each role's mean by cause, (causes, roles, routines).

    Parameters
    ----------
    rows, inherited, inherits : of the entrants: (entrants,), what was inherited, (entrants, routines), and whether they inherit.
    stayers : (roles, routines) mean routines of those that were there before and stayed.
    counts : (roles,) members before anybody left, and when all have entered.
    """
    if not books.counts_novelty[0]:
        return
    before, after = counts
    width, working = inherited.shape[1], before.sum() - before[USER]
    for e in range(rows.size):
        r = organisations.role[rows[e]]
        for k in range(width):
            kept = (inherited[e, k] - stayers[r, k]) / after[r]
            error = (organisations.routines[rows[e], k] - inherited[e, k]) / after[r]
            change[HEREDITY_CAUSE if inherits else OUTSIDE_CAUSE, r, k] += kept
            change[MUTATION_CAUSE, r, k] += error
            if r != USER and inherits:
                books.novelty[HEREDITY_CAUSE] += abs(kept) * before[r] / (working * width)
                books.novelty[MUTATION_CAUSE] += abs(error) * before[r] / (working * width)


@compiled
def outcomes(state: State, numbers: Any, step: int, out: Column) -> None:
    """Write what each operator did, how different routines are, and how new those of entrants into `out`, (outcomes,)."""
    operators = state.books.novelty.size
    out[:operators] = state.books.novelty
    out[operators] = diversity(state.organisations.routines, state.members)
    out[operators + 1] = entrant_distance(
        state.organisations.routines, state.organisations.born, state.members, step, MOST_ENTRANTS
    )


@compiled
def diversity(routines: Column, members: Members) -> float:
    """Standard deviation of routines within roles, mean over routines and organisations."""
    starts, sorted_rows = members.starts, members.order
    spread, count = 0.0, 0
    for role in range(starts.size - 1):
        size = starts[role + 1] - starts[role]
        if role == USER or size == 0:
            continue
        count += size
        for k in range(routines.shape[1]):
            mean, square = 0.0, 0.0
            for position in range(starts[role], starts[role + 1]):
                mean += routines[sorted_rows[position], k] / size
            for position in range(starts[role], starts[role + 1]):
                square += (routines[sorted_rows[position], k] - mean) ** 2
            spread += size * np.sqrt(square / size)
    return spread / (routines.shape[1] * max(1, count))


@compiled
def entrant_distance(routines: Column, born: Column, members: Members, step: int, most: int) -> float:
    """Distance of this quarter's entrants, at most so many a role, to the nearest who was there before; mean over entrants."""
    starts, sorted_rows = members.starts, members.order
    width = routines.shape[1]
    total, entrants = 0.0, 0
    for role in range(starts.size - 1):
        if role == USER:
            continue
        # Uids grow, so entrants come last in their role.
        first = starts[role + 1]
        while first > starts[role] and born[sorted_rows[first - 1]] == step:
            first -= 1
        if first == starts[role]:
            continue
        for position in range(first, min(first + most, starts[role + 1])):
            i, nearest = sorted_rows[position], np.inf
            for other in range(starts[role], first):
                j, distance = sorted_rows[other], 0.0
                for k in range(width):
                    distance += abs(routines[i, k] - routines[j, k])
                    if distance >= nearest:
                        break
                nearest = min(nearest, distance)
            total += nearest / width
            entrants += 1
    return total / max(1, entrants)
