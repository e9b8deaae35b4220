"""Turnover: entry and exit by density dependence and symbiosis (S001 2.1.2; Hannan & Freeman 1989; Lotka-Volterra).

For role r with N_r members, capacity K_r, rate g_r and coefficients a_rs, each member brings an entrant at rate
b = g_r (1 + sum_{a_rs > 0} a_rs N_s / K_s) and leaves at rate d = g_r (N_r / K_r - sum_{a_rs < 0} a_rs N_s / K_s).
In a quarter both happen with probability 1 - exp(-rate), so that entry and exit balance exactly where the rates do,
and the mean field is dN_r/dt = g_r N_r (1 - N_r / K_r + sum_s a_rs N_s / K_s). Selection (S003 Table 1, P110) moves exit
from the strong to the weak and leaves the mean chance as it is. An entrant inherits the routines of who brings it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecosim import draws
from ecosim.columns import release
from ecosim.compilation import allocation_free, compiled
from ecosim.draws import ENTRY, uniform
from ecosim.ledger import SETTLEMENT, note_event, pay, use_element
from ecosim.mechanisms.evolution import inherit
from ecosim.mechanisms.novelty import note_replacement
from ecosim.mechanisms.ties import cut_tie
from ecosim.outcomes import COUNT, Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    BANKRUPTCY,
    GOVERNMENT,
    HOUSEHOLDS,
    SERVICES,
    USER,
    WORLD,
    Books,
    Column,
    Environment,
    Events,
    Organisations,
    Slots,
    Ties,
)
from ecosim.state import EXIT as EXIT_EVENT

if TYPE_CHECKING:
    from ecosim.model import Ecosystem

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("turnover", __name__, {
    "selection": Parameter(1.0, 0.0, 1.0, "1", "How much exit falls on the weak: 0 on all alike, 1 in proportion to rank from the largest (never) to the smallest (twice the mean).", "S003 Table 1: selection (P110)"),
    "patience": Parameter(4, 1, 1000, "quarters", "Quarters in distress after which an organisation is bankrupt.", _ASSUMED),
    "ceiling": Parameter(10.0, 1.0, 1000.0, "1", "Multiple of its capacity at which a role stops growing; reached only when symbiosis is unstable or rests higher, and then reported.", "a12 a21 >= 1 has no rest point"),
})  # fmt: skip

OUTCOMES = (
    Outcome("exits_weakness", COUNT, "Sum over those crowded out this quarter of 1 - 2 rank by capital in the role: 1 the smallest, -1 the largest, users left out."),
)  # fmt: skip


def turn_over(model: Ecosystem) -> None:
    """The bankrupt and the crowded out leave, their accounts are settled; then entrants arrive, and inherit."""
    replace_members(model)


def replace_members(model: Ecosystem) -> Column:
    """Let members leave and others enter; return the change of each role's mean routines by cause, (causes, roles, routines)."""
    organisations, settings = model.organisations, model.parameters["turnover"]
    members = model.members_of_roles()[1]
    rates = turnover_rates(model.counts(), model.capacities, model.growth_rates, model.coefficients())
    # Both are drawn from those there at the start of the phase, or the survivors' fewer entrants would bias the rest point.
    bringing = who_brings(organisations, members, rates, model.seed, model.step_number)
    ranks = strength_ranks(organisations, members, len(model.roles))
    selection = settings.selection if model.rules["selection"] else 0.0
    chances = exit_chances(organisations, members, ranks, rates, selection, settings.patience)
    leaves = who_leaves(organisations, members, chances, model.seed, model.step_number)
    role, routines = organisations.role[members], organisations.routines[members]
    role_of_parent, of_parent = organisations.role[bringing], organisations.routines[bringing]
    if leaves.any():
        remove(model, members[leaves], settings.patience)
    admitted = admit(model, role_of_parent, settings.ceiling)
    rows = let_in(model, role_of_parent[admitted])
    brought = inherited = model.organisations.routines[rows]
    if model.rules["heredity"]:
        heirs = ~np.isin(model.organisations.uid[rows], list(model.names))  # whom a scenario names has its own
        inherited = np.where(heirs[:, None], of_parent[admitted], brought)
        mutates = model.rules["mutation"] and model.rules["learning"]
        error = model.parameters["evolution"].copying_error if mutates else 0.0
        inherit(model.organisations, rows[heirs], inherited[heirs], error, model.seed, model.step_number)
        brought = model.organisations.routines[rows]
    return note_replacement(role, routines, chances, leaves, role_of_parent[admitted], brought, inherited,
                            model.rules["heredity"], model.books)  # fmt: skip


def admit(model: Ecosystem, roles: Column, ceiling: float) -> Column:
    """Which entrants find room, (entrants,): a role that would grow without bound is stopped, and that is reported."""
    room = ceiling * model.capacities - model.counts()
    admitted = np.ones(len(roles), bool)
    for role in np.unique(roles):
        arriving = np.flatnonzero(roles == role)
        refused = arriving[int(max(0.0, room[role])) :]
        if refused.size:
            admitted[refused] = False
            model.report_ceiling(int(role))
    return admitted


def let_in(model: Ecosystem, roles: Column) -> Column:
    """Let an organisation of each of these roles enter, sorted by role; return their rows, (entrants,)."""
    present, counts = np.unique(roles, return_counts=True)
    entered = [model.draw_in(int(role), int(count)) for role, count in zip(present, counts, strict=True)]
    return np.concatenate([np.zeros(0, np.int64), *entered])


def remove(model: Ecosystem, leaving: Column, patience: int) -> None:
    """Let organisations leave: settle them, clear their rows, and let users forget a provider that left."""
    settle(model.organisations, model.ties, model.tie_slots, model.books, model.environment, model.events, leaving,
           model.rows, model.tie_rows, patience, model.step_number)  # fmt: skip
    for column in model.organisations:
        column[leaving] = 0  # who comes into the row later starts from nothing
    forget_providers(model.organisations, int(model.slots.state[1]))
    release_rows(model.slots, leaving)


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


def strength_ranks(organisations: Organisations, rows: Column, roles: int) -> Column:
    """Rank by capital inside the role: 0 the smallest, 1 the largest; equals share theirs; alone 1/2."""
    ranks = np.full(organisations.uid.size, 0.5)
    for role in range(roles):
        members = rows[organisations.role[rows] == role]
        if members.size > 1:
            _, place_of, counts = np.unique(organisations.capital[members], return_inverse=True, return_counts=True)
            smaller = np.cumsum(counts) - counts
            ranks[members] = (smaller[place_of] + 0.5 * (counts[place_of] - 1)) / (members.size - 1)
    return ranks


@allocation_free
def exit_chance(rate: float, rank: float, selection: float) -> float:
    """Chance to leave, c + min(s c, 1 - c)(1 - 2 rank) with c = 1 - exp(-d): ranks mean 1/2, so chances mean c at any selection s."""
    mean = 1.0 - np.exp(-rate)
    return mean + min(selection * mean, 1.0 - mean) * (1.0 - 2.0 * rank)


@compiled
def exit_chances(
    organisations: Organisations, rows: Column, ranks: Column, rates: Column, selection: float, patience: int
) -> Column:
    """Chance of each to leave, (rows,): 1 for the bankrupt."""
    chances = np.ones(rows.size)
    for position in range(rows.size):
        i = rows[position]
        if organisations.distress[i] < patience:
            chances[position] = exit_chance(rates[organisations.role[i], 1], ranks[i], selection)
    return chances


@compiled
def who_leaves(organisations: Organisations, rows: Column, chances: Column, seed: int, step: int) -> Column:
    """Whether each leaves, (rows,)."""
    leaves = np.zeros(rows.size, np.bool_)
    for position in range(rows.size):
        leaves[position] = uniform(seed, draws.EXIT, step, organisations.uid[rows[position]], 0) < chances[position]
    return leaves


@compiled
def settle(
    organisations: Organisations,
    ties: Ties,
    tie_slots: Slots,
    books: Books,
    environment: Environment,
    events: Events,
    leaving: Column,
    rows: Column,
    tie_rows: Column,
    patience: int,
    step: int,
) -> None:
    """End the ties of those that leave, pay out what they hold, let their staff look for work."""
    gone = np.zeros(organisations.uid.size, np.bool_)
    for i in leaving:
        gone[i] = True
    for t in tie_rows:
        if gone[ties.a[t]] or gone[ties.b[t]]:
            cut_tie(organisations, ties, tie_slots, books, events, t, step)
    for i in leaving:
        owner = WORLD if organisations.role[i] == USER or organisations.role[i] == GOVERNMENT else HOUSEHOLDS
        code = BANKRUPTCY if organisations.distress[i] >= patience else EXIT_EVENT
        note_event(events, code, organisations.uid[i], -1, organisations.capital[i])
        _return_to_parents(organisations, books, i, rows, gone)
        pay(organisations, books, i, owner, organisations.capital[i], SETTLEMENT)
        environment.seekers[0] += organisations.talent[i]
        use_element(organisations.services, books, SERVICES, i, organisations.services[i])


@allocation_free
def member_of_uid(organisations: Organisations, rows: Column, uid: int) -> int:
    """The row among some that has this uid, -1 for none."""
    for i in rows:
        if organisations.alive[i] and organisations.uid[i] == uid:
            return i
    return -1


@allocation_free
def _return_to_parents(organisations: Organisations, books: Books, i: int, rows: Column, gone: Column) -> None:
    """What a joint venture leaves goes to its parents in equal parts; if one has left before, it goes where anybody's goes."""
    if organisations.parent_a[i] < 0:
        return
    a = member_of_uid(organisations, rows, organisations.parent_a[i])
    b = member_of_uid(organisations, rows, organisations.parent_b[i])
    if a < 0 or b < 0 or gone[a] or gone[b]:
        return
    capital, talent = organisations.capital[i], organisations.talent[i]
    for parent in (a, b):
        pay(organisations, books, i, parent, 0.5 * capital, SETTLEMENT)
        organisations.talent[i] -= 0.5 * talent
        organisations.talent[parent] += 0.5 * talent


@allocation_free
def forget_providers(organisations: Organisations, rows: int) -> None:
    """A user whose provider has left has none."""
    for u in range(rows):
        if (
            organisations.alive[u]
            and organisations.provider[u] >= 0
            and not organisations.alive[organisations.provider[u]]
        ):
            organisations.provider[u] = -1


@allocation_free
def release_rows(slots: Slots, leaving: Column) -> None:
    """Give the rows of those that left back."""
    for i in leaving:
        release(slots, i)


@compiled
def who_brings(organisations: Organisations, rows: Column, rates: Column, seed: int, step: int) -> Column:
    """Rows of those that bring an entrant: each with probability 1 - exp(-b), the same map as on the side of exit."""
    brings = np.zeros(rows.size, np.bool_)
    for position in range(rows.size):
        i = rows[position]
        chance = 1.0 - np.exp(-rates[organisations.role[i], 0])
        brings[position] = uniform(seed, ENTRY, step, organisations.uid[i], 0) < chance
    return rows[brings]


def outcomes(model: Ecosystem) -> tuple[float, ...]:
    """How weak those were that were crowded out this quarter, against all that were there."""
    used = int(model.events.used[0])
    crowded_out = model.events.code[:used] == EXIT_EVENT
    if not crowded_out.any():
        return (0.0,)
    table, weakness = model.organisations, 0.0
    uids, capital = model.events.subject[:used][crowded_out], model.events.detail[:used][crowded_out]
    for role in np.unique(uids % 64):
        if role == USER:
            continue
        left = capital[uids % 64 == role]
        there = np.sort(np.concatenate([left, table.capital[model.members(int(role))]]))
        if there.size > 1:
            lower, upper = np.searchsorted(there, left, "left"), np.searchsorted(there, left, "right")
            weakness += float((1.0 - (lower + upper - 1.0) / (there.size - 1)).sum())
    return (weakness,)
