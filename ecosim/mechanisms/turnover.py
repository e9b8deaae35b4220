"""Turnover: entry and exit by density dependence and symbiosis (S001 2.1.2; Hannan & Freeman 1989; Lotka-Volterra).

For role r with N_r members, capacity K_r, rate g_r and coefficients a_rs, each member brings an entrant at rate
b = g_r (1 + sum_{a_rs > 0} a_rs N_s / K_s) and leaves at rate d = g_r (N_r / K_r - sum_{a_rs < 0} a_rs N_s / K_s).
In a quarter both happen with probability 1 - exp(-rate), so that entry and exit balance exactly where the rates do,
and the mean field is dN_r/dt = g_r N_r (1 - N_r / K_r + sum_s a_rs N_s / K_s). Selection (S003 Table 1, P110) moves exit
from the strong to the weak and leaves the mean chance as it is. An entrant inherits the routines of who brings it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim import draws
from ecosim.columns import (
    add_members,
    clear_rows,
    drop_departed,
    everybody,
    has_room,
    living,
    members_of,
    release,
    row_of_uid,
)
from ecosim.compilation import allocation_free, compiled
from ecosim.draws import ENTRY, uniform
from ecosim.ledger import SETTLEMENT, note_event, pay, room_for_events, use_element
from ecosim.mechanisms.entrants import let_in
from ecosim.mechanisms.evolution import inherit
from ecosim.mechanisms.novelty import note_entries, note_exits
from ecosim.mechanisms.readings import coefficients
from ecosim.mechanisms.ties import cut_tie
from ecosim.outcomes import COUNT, Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    BANKRUPTCY,
    GOVERNMENT,
    HOUSEHOLDS,
    ORGANISATION_TABLE,
    SERVICES,
    UNBOUNDED_GROWTH,
    USER,
    WORLD,
    Books,
    Column,
    Members,
    Organisations,
    Slots,
    State,
)
from ecosim.state import EXIT as EXIT_EVENT

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("turnover", __name__, {
    "selection": Parameter(1.0, 0.0, 1.0, "1", "How much exit falls on the weak: 0 on all alike, 1 in proportion to rank from the largest (never) to the smallest (twice the mean).", "S003 Table 1: selection (P110)"),
    "patience": Parameter(4, 1, 1000, "quarters", "Quarters in distress after which an organisation is bankrupt.", _ASSUMED),
    "ceiling": Parameter(10.0, 1.0, 1000.0, "1", "Multiple of its capacity at which a role stops growing; reached only when symbiosis is unstable or rests higher, and then reported.", "a12 a21 >= 1 has no rest point"),
})  # fmt: skip

OUTCOMES = (
    Outcome("exits_weakness", COUNT, "Sum over those crowded out this quarter of 1 - 2 rank by capital in the role: 1 the smallest, -1 the largest, users left out."),
)  # fmt: skip


@compiled
def turn_over(state: State, numbers: Any, seed: int, step: int) -> bool:
    """The bankrupt and the crowded out leave, their accounts are settled; then entrants arrive, and inherit."""
    return replace_members(state, numbers, seed, step)[0]


@compiled
def replace_members(state: State, numbers: Any, seed: int, step: int) -> tuple[bool, Column]:
    """Let members leave and others enter.

    Returns
    -------
    done : whether there was room; if not, nothing was changed.
    change : (causes, roles, routines) change of each role's mean routines by cause.
    """
    organisations, p = state.organisations, numbers.turnover
    before = np.diff(state.members.starts)
    # Both are drawn from those there at the start of the phase, or the survivors' fewer entrants would bias the rest point.
    bringing, chances, leaves = draw_turnover(state, numbers, seed, step)
    leaving = everybody(state.members)[leaves]
    if not room_to_turn_over(state, leaving, bringing.size):
        return False, np.zeros((0, 0, 0))
    change, stayers = note_exits(organisations, everybody(state.members), chances, leaves, state.books)
    roles, routines = organisations.role[bringing], organisations.routines[bringing]
    if leaving.size > 0:
        depart(state, leaving, p.patience, step)
    admitted = admit(state, numbers, roles)
    rows, by_name = let_in(state, numbers, roles[admitted], seed, step)
    add_members(organisations, state.members, rows)
    inherited = organisations.routines[rows]
    if numbers.rules.heredity:
        heirs = np.flatnonzero(~by_name)  # whom a scenario names has its own
        inherited[heirs] = routines[admitted[heirs]]
        mutates = numbers.rules.mutation and numbers.rules.learning
        error = numbers.evolution.copying_error if mutates else 0.0
        inherit(organisations, rows[heirs], inherited[heirs], error, seed, step)
    counts = (before, np.diff(state.members.starts))
    note_entries(organisations, rows, inherited, numbers.rules.heredity, stayers, counts, state.books, change)
    return True, change


@compiled
def draw_turnover(state: State, numbers: Any, seed: int, step: int) -> tuple[Column, Column, Column]:
    """Return the rows of those that bring an entrant, and the chance of each member to leave and whether it does, (members,)."""
    organisations, rows, p = state.organisations, everybody(state.members), numbers.turnover
    counts = np.diff(state.members.starts).astype(np.float64)
    acting = coefficients(state, numbers)
    mean = in_a_quarter(turnover_rates(counts, numbers.roles.capacity, numbers.roles.growth_rate, acting))
    selection = p.selection if numbers.rules.selection else 0.0
    ranks = strength_ranks(organisations, state.members) if selection > 0.0 else np.full(rows.size, 0.5)
    chances = exit_chances(organisations, rows, ranks, mean[:, 1], selection, p.patience)
    leaves = who_leaves(organisations, rows, chances, seed, step)
    return who_brings(organisations, rows, mean[:, 0], seed, step), chances, leaves


@compiled
def room_to_turn_over(state: State, leaving: Column, entrants: int) -> bool:
    """Return whether there is room for entrants in place of those that leave, and for all that is noted."""
    # Each tie of those that leave ends, and may leave a loan unpaid.
    noted = leaving.size + 2 * state.organisations.degree[leaving].sum() + entrants + state.stopped.size
    extra = max(0, entrants - leaving.size)
    if not has_room(state.slots, extra, state.short, ORGANISATION_TABLE):
        return False
    return room_for_events(state.events, noted, state.short)


@compiled
def admit(state: State, numbers: Any, roles: Column) -> Column:
    """Which entrants find room, positions among their roles, (entrants,): a role that would grow without bound is stopped.

    Parameters
    ----------
    roles : (entrants,) sorted.
    """
    room = numbers.turnover.ceiling * numbers.roles.capacity - np.diff(state.members.starts)
    admitted = np.ones(roles.size, np.bool_)
    taken = np.zeros(room.size, np.int64)
    for position in range(roles.size):
        role = roles[position]
        admitted[position] = taken[role] < int(room[role])
        if not admitted[position] and (position == 0 or roles[position - 1] != role or admitted[position - 1]):
            state.stopped[role] = True  # the first of its role that is refused
            note_event(state.events, UNBOUNDED_GROWTH, -1, -1, float(role))
        taken[role] += 1
    return np.flatnonzero(admitted)


@compiled
def depart(state: State, leaving: Column, patience: int, step: int) -> None:
    """Let organisations leave: settle them, clear their rows, and let users forget a provider that left."""
    settle(state, leaving, patience, step)
    clear_rows(state.organisations, leaving)
    release_rows(state.slots, leaving)
    drop_departed(state.organisations, state.members)
    forget_providers(state.organisations, members_of(state.members, USER))


@compiled
def turnover_rates(counts: Column, capacities: Column, growth: Column, coefficients: Column) -> Column:
    """Entry and exit rate per member and quarter of each role, (roles, 2)."""
    density = counts / capacities
    rates = np.empty((counts.size, 2))
    for r in range(counts.size):
        helped, harmed = 0.0, 0.0
        for s in range(counts.size):
            if coefficients[r, s] > 0.0:
                helped += coefficients[r, s] * density[s]
            else:
                harmed -= coefficients[r, s] * density[s]
        rates[r, 0] = growth[r] * (1.0 + helped)
        rates[r, 1] = growth[r] * (density[r] + harmed)
    return rates


@compiled
def in_a_quarter(rates: Column) -> Column:
    """Chance 1 - exp(-rate) that an event of each rate a quarter, (roles, 2), happens within one."""
    chances = np.empty_like(rates)
    for r in range(rates.shape[0]):
        for k in range(rates.shape[1]):
            chances[r, k] = 1.0 - np.exp(-rates[r, k])
    return chances


def rest_density(density: Column, growth: Column, coefficients: Column) -> Column | None:
    """Return where x = N / K comes to rest, (roles,), None if there is no stable rest point: (I - A) x = 1 for roles that grow.

    Roles without members or growth stay as they are. Stable is a rest point at which all eigenvalues of diag(g x) (A - I)
    have a negative real part.
    """
    moves = (growth > 0.0) & (density > 0.0)
    rest = density.copy()
    matrix = np.eye(int(moves.sum())) - coefficients[np.ix_(moves, moves)]
    try:
        rest[moves] = np.linalg.solve(matrix, 1.0 + coefficients[np.ix_(moves, ~moves)] @ density[~moves])
    except np.linalg.LinAlgError:
        return None
    speeds = np.linalg.eigvals(-(growth[moves] * rest[moves])[:, None] * matrix).real
    return rest if (rest[moves] > 0.0).all() and (speeds < 0.0).all() else None


@compiled
def strength_ranks(organisations: Organisations, members: Members) -> Column:
    """Rank by capital inside the role, (members,): 0 the smallest, 1 the largest; equals share theirs; alone 1/2."""
    ranks = np.empty(members.starts[-1])
    for role in range(members.starts.size - 1):
        ranks[members.starts[role] : members.starts[role + 1]] = ranks_of(
            organisations.capital[members_of(members, role)]
        )
    return ranks


@compiled
def ranks_of(values: Column) -> Column:
    """Rank each value: 0 the smallest, 1 the largest; equals share the mean of theirs; one alone has 1/2."""
    ranks = np.full(values.size, 0.5)
    if values.size < 2:
        return ranks
    order = np.argsort(values)
    first = 0
    while first < values.size:
        end = first + 1
        while end < values.size and values[order[end]] == values[order[first]]:
            end += 1
        for place in range(first, end):
            ranks[order[place]] = (first + 0.5 * (end - first - 1)) / (values.size - 1)
        first = end
    return ranks


@allocation_free
def exit_chance(mean: float, rank: float, selection: float) -> float:
    """Chance to leave, c + min(s c, 1 - c)(1 - 2 rank) with mean c: ranks mean 1/2, so chances mean c at any selection s."""
    return mean + min(selection * mean, 1.0 - mean) * (1.0 - 2.0 * rank)


@compiled
def exit_chances(
    organisations: Organisations, rows: Column, ranks: Column, mean: Column, selection: float, patience: int
) -> Column:
    """Chance of each to leave, (rows,), by the mean of its role, (roles,), and its rank, (rows,): 1 for the bankrupt."""
    chances = np.ones(rows.size)
    for position in range(rows.size):
        i = rows[position]
        if organisations.distress[i] < patience:
            chances[position] = exit_chance(mean[organisations.role[i]], ranks[position], selection)
    return chances


@compiled
def who_leaves(organisations: Organisations, rows: Column, chances: Column, seed: int, step: int) -> Column:
    """Whether each leaves, (rows,)."""
    leaves = np.zeros(rows.size, np.bool_)
    for position in range(rows.size):
        leaves[position] = uniform(seed, draws.EXIT, step, organisations.uid[rows[position]], 0) < chances[position]
    return leaves


@compiled
def settle(state: State, leaving: Column, patience: int, step: int) -> None:
    """End the ties of those that leave, pay out what they hold, let their staff look for work."""
    organisations, ties, books = state.organisations, state.ties, state.books
    gone = np.zeros(state.slots.state[1], np.bool_)
    for i in leaving:
        gone[i] = True
    for t in living(ties.alive, state.tie_slots):
        if gone[ties.a[t]] or gone[ties.b[t]]:
            cut_tie(organisations, ties, state.tie_slots, books, state.events, t, step)
    for i in leaving:
        owner = WORLD if organisations.role[i] == USER or organisations.role[i] == GOVERNMENT else HOUSEHOLDS
        code = BANKRUPTCY if organisations.distress[i] >= patience else EXIT_EVENT
        note_event(state.events, code, organisations.uid[i], -1, organisations.capital[i])
        _return_to_parents(organisations, state.members, books, i, gone)
        pay(organisations, books, i, owner, organisations.capital[i], SETTLEMENT)
        state.environment.seekers[0] += organisations.talent[i]
        use_element(organisations.services, books, SERVICES, i, organisations.services[i])


@allocation_free
def _return_to_parents(organisations: Organisations, members: Members, books: Books, i: int, gone: Column) -> None:
    """What a joint venture leaves goes to its parents in equal parts; if one has left before, it goes where anybody's goes."""
    a = row_of_uid(organisations, members, organisations.parent_a[i])
    b = row_of_uid(organisations, members, organisations.parent_b[i])
    if a < 0 or b < 0 or gone[a] or gone[b]:
        return
    capital, talent = organisations.capital[i], organisations.talent[i]
    for parent in (a, b):
        pay(organisations, books, i, parent, 0.5 * capital, SETTLEMENT)
        organisations.talent[i] -= 0.5 * talent
        organisations.talent[parent] += 0.5 * talent


@allocation_free
def forget_providers(organisations: Organisations, users: Column) -> None:
    """A user whose provider has left has none."""
    for u in users:
        if organisations.provider[u] >= 0 and not organisations.alive[organisations.provider[u]]:
            organisations.provider[u] = -1


@allocation_free
def release_rows(slots: Slots, leaving: Column) -> None:
    """Give the rows of those that left back."""
    for i in leaving:
        release(slots, i)


@compiled
def who_brings(organisations: Organisations, rows: Column, mean: Column, seed: int, step: int) -> Column:
    """Rows of those that bring an entrant: each with the chance of its role, (roles,), the same map of rates as on the side of exit."""
    brings = np.zeros(rows.size, np.bool_)
    for position in range(rows.size):
        i = rows[position]
        brings[position] = uniform(seed, ENTRY, step, organisations.uid[i], 0) < mean[organisations.role[i]]
    return rows[brings]


@compiled
def outcomes(state: State, numbers: Any, step: int, out: Column) -> None:
    """Write into `out`, (1,), how weak those were that were crowded out this quarter, against all that were there."""
    events, roles = state.events, state.members.starts.size - 1
    exits = events.used[1] + np.flatnonzero(events.code[events.used[1] : events.used[0]] == EXIT_EVENT)
    for role in range(roles):
        of_role = exits[events.subject[exits] % 64 == role]
        if role != USER and of_role.size > 0:
            present = state.organisations.capital[members_of(state.members, role)]
            there = np.concatenate((events.detail[of_role], present))
            for rank in ranks_of(there)[: of_role.size]:
                out[0] += 1.0 - 2.0 * rank
