"""Turnover: entry and exit by density dependence and symbiosis (S001 2.1.2; Hannan & Freeman 1989; Lotka-Volterra).

For role r with N_r members, capacity K_r, rate g_r and coefficients a_rs, each member brings an entrant at rate
b = g_r (1 + sum_{a_rs > 0} a_rs N_s / K_s) and leaves at rate d = g_r (N_r / K_r - sum_{a_rs < 0} a_rs N_s / K_s).
In a quarter both happen with probability 1 - exp(-rate), so that entry and exit balance exactly where the rates do,
and the mean field is dN_r/dt = g_r N_r (1 - N_r / K_r + sum_s a_rs N_s / K_s).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim import draws
from ecosim.columns import release
from ecosim.compilation import allocation_free, compiled
from ecosim.draws import ENTRY, uniform
from ecosim.ledger import SETTLEMENT, note_event, pay, use_element
from ecosim.mechanisms.ties import cut_tie
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


def turn_over(model: Ecosystem) -> None:
    """The bankrupt and the crowded out leave, their accounts are settled; then entrants arrive."""
    organisations, settings = model.organisations, model.parameters["turnover"]
    rates = turnover_rates(model.counts(), model.capacities, model.growth_rates, model.coefficients())
    # Both are drawn from those there at the start of the phase, or the survivors' fewer entrants would bias the rest point.
    arrivals = count_arrivals(organisations, model.rows, rates, model.seed, model.step_number)
    leave(model, settings, rates)
    room = settings.ceiling * model.capacities - model.counts()
    for role in range(len(arrivals)):
        admitted = int(min(arrivals[role], max(0.0, room[role])))
        if admitted < arrivals[role]:
            model.report_ceiling(role)
        model.enter(role, admitted)


def leave(model: Ecosystem, settings: Any, rates: Column) -> None:
    """Find who leaves and settle them: ties, debts, stocks; users of a firm that left have no provider."""
    ranks = strength_ranks(model.organisations, model.rows, len(model.roles))
    leaving = who_leaves(model.organisations, model.rows, ranks, rates, settings, model.seed, model.step_number)
    if leaving.size:
        remove(model, leaving, settings.patience)


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


@compiled
def who_leaves(
    organisations: Organisations, rows: Column, ranks: Column, rates: Column, p: Any, seed: int, step: int
) -> Column:
    """Rows of those that leave: the bankrupt, and each other with probability 1 - exp(-d w), w = 1 + selection (1 - 2 rank)."""
    leaving = np.zeros(rows.size, np.bool_)
    for position in range(rows.size):
        i = rows[position]
        weight = 1.0 + p.selection * (1.0 - 2.0 * ranks[i])
        chance = 1.0 - np.exp(-rates[organisations.role[i], 1] * weight)
        bankrupt = organisations.distress[i] >= p.patience
        leaving[position] = bankrupt or uniform(seed, draws.EXIT, step, organisations.uid[i], 0) < chance
    return rows[leaving]


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
def count_arrivals(organisations: Organisations, rows: Column, rates: Column, seed: int, step: int) -> Column:
    """Entrants by role: each member brings one with probability 1 - exp(-b), the same map as on the side of exit."""
    arrivals = np.zeros(rates.shape[0])
    for i in rows:
        role = organisations.role[i]
        if uniform(seed, ENTRY, step, organisations.uid[i], 0) < 1.0 - np.exp(-rates[role, 0]):
            arrivals[role] += 1.0
    return arrivals
