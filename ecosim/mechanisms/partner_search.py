"""Search for partners (S001 2.1.2; S003 4.2(2)): limited by search capability, helped by intermediaries, costly.

The parameters are those of symbiosis. Nobody looks at all others: candidates are partners' partners, the ends of random
ties, or anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.columns import has_room, living
from ecosim.compilation import allocation_free, compiled
from ecosim.draws import ACTIVATION, PARTNER_SEARCH, TIE_ACCEPTANCE, shuffled, uniform
from ecosim.ledger import UPKEEP, note_event, pay, room_for_events
from ecosim.measures import neighbours, pianka_overlap
from ecosim.mechanisms.ties import new_tie
from ecosim.state import (
    BREADTH,
    FIRM,
    HOUSEHOLDS,
    INTERMEDIARY,
    SUPPLIER,
    TIE_FORMED,
    TIE_TABLE,
    UNIVERSITY,
    Column,
    Organisations,
    State,
    Ties,
)

if TYPE_CHECKING:
    from ecosim.model import Ecosystem

_PAST = 2**31  # rounds before the start draw as if in steps that no run reaches


def begin(model: Ecosystem) -> None:
    """Give those that are there at the start the ties that a few rounds of search would have given them."""
    for past in range(model.parameters["symbiosis"].past_rounds):
        model.follow(search, _PAST + past)


@compiled
def seek_partners(state: State, numbers: Any, seed: int, step: int) -> bool:
    """One round of search by everybody with room."""
    return search(state, numbers, step, seed, step)


@compiled
def search(state: State, numbers: Any, draw_step: int, seed: int, step: int) -> bool:
    """One round of search whose luck is that of a step of its own; nobody can make more than one tie."""
    rows = living(state.organisations.alive, state.slots)
    if not has_room(state.tie_slots, rows.size, state.short, TIE_TABLE):
        return False
    if not room_for_events(state.events, rows.size, state.short):
        return False
    order = shuffled(rows, state.organisations.uid[rows], seed, ACTIVATION, draw_step)
    form_ties(state, numbers, order, seed, draw_step, step)
    return True


@allocation_free
def most_ties(organisations: Organisations, i: int, p: Any) -> float:
    """How many ties i can look after: n * breadth * sqrt(1 + capital / 100)."""
    return p.most_ties * organisations.routines[i, BREADTH] * np.sqrt(1.0 + organisations.capital[i] / 100.0)


@allocation_free
def _trade(organisations: Organisations, i: int, j: int) -> bool:
    """Whether one of the two orders services of the other: firms do of suppliers and universities."""
    first, second = min(organisations.role[i], organisations.role[j]), max(organisations.role[i], organisations.role[j])
    return first == FIRM and second in (SUPPLIER, UNIVERSITY)


@allocation_free
def worth(organisations: Organisations, i: int, j: int, p: Any, rules: Any) -> float:
    """What a partner promises: nov * 4 d (1 - d) + lab * |chain difference| + need + rep * log(1 + ties) - comp * overlap.

    d = 1 - overlap of the two knowledge profiles; niche overlap (Pianka 1973) counts against the same role and segment.
    Chain difference counts only with the rule of division of labour, overlap only with that of competition.
    """
    distance = 1.0 - pianka_overlap(organisations.knowledge[i], organisations.knowledge[j])
    value = p.novelty * 4.0 * distance * (1.0 - distance)
    if rules.division_of_labour:
        value += p.labour_division * abs(organisations.chain[i] - organisations.chain[j])
    value += p.need * 0.5 * (organisations.need[i] + organisations.need[j]) if _trade(organisations, i, j) else 0.0
    value += p.reputation * np.log(1.0 + organisations.degree[j])
    alike = organisations.role[i] == organisations.role[j] and organisations.segment[i] == organisations.segment[j]
    if rules.competition and alike:
        value -= p.competition * pianka_overlap(organisations.niche[i], organisations.niche[j])
    return value


@allocation_free
def _tied(starts: Column, targets: Column, i: int, j: int) -> bool:
    for position in range(starts[i], starts[i + 1]):
        if targets[position] == j:
            return True
    return False


@allocation_free
def _candidate(
    i: int,
    uid: int,
    draw: int,
    order: Column,
    living_ties: Column,
    ties: Ties,
    starts: Column,
    targets: Column,
    p: Any,
    seed: int,
    step: int,
) -> int:
    """One candidate: a partner's partner, the end of a random tie (so in proportion to ties), or anybody."""
    route = uniform(seed, PARTNER_SEARCH, step, uid, 3 * draw + 1)
    pick = uniform(seed, PARTNER_SEARCH, step, uid, 3 * draw + 2)
    if route < p.closure and starts[i + 1] > starts[i]:
        partner = targets[starts[i] + int(pick * (starts[i + 1] - starts[i]))]
        again = uniform(seed, PARTNER_SEARCH, step, uid, 3 * draw + 3)
        return targets[starts[partner] + int(again * (starts[partner + 1] - starts[partner]))]
    if route < p.closure + p.attachment and living_ties.size > 0:
        end = int(2.0 * pick * living_ties.size)
        return ties.a[living_ties[end // 2]] if end % 2 == 0 else ties.b[living_ties[end // 2]]
    return order[int(pick * order.size)]


@allocation_free
def wish(
    i: int,
    organisations: Organisations,
    order: Column,
    living_ties: Column,
    ties: Ties,
    starts: Column,
    targets: Column,
    interfaces: Column,
    p: Any,
    rules: Any,
    seed: int,
    step: int,
) -> int:
    """The best of the few candidates that i looks at if it has room: search capability and intermediaries widen the look.

    Returns
    -------
    The row of the organisation that i wants to tie with, -1 for none.
    """
    uid = organisations.uid[i]
    skill = organisations.knowledge_capabilities[i, 0:3].mean()
    if organisations.degree[i] >= p.enough * most_ties(organisations, i, p):
        return -1
    if uniform(seed, PARTNER_SEARCH, step, uid, 0) >= p.search_rate * (0.25 + 0.75 * skill):
        return -1
    helped = 0.0
    for position in range(starts[i], starts[i + 1]):
        if rules.intermediation and organisations.role[targets[position]] == INTERMEDIARY:
            helped = p.help
    best, chosen = -1e300, -1
    for draw in range(1 + int(p.candidates * skill * (1.0 + helped))):
        j = _candidate(i, uid, draw, order, living_ties, ties, starts, targets, p, seed, step)
        if j == i or interfaces[organisations.role[i], organisations.role[j]] < 0 or _tied(starts, targets, i, j):
            continue
        value = worth(organisations, i, j, p, rules)
        if value > best:
            best, chosen = value, j
    return chosen


@compiled
def form_ties(state: State, numbers: Any, order: Column, seed: int, draw_step: int, step: int) -> None:
    """Everybody wishes, on the state at the start or in turn; then wishes are heard in the order of activation.

    The other side accepts with chance (0.5 + 0.5 openness) / (1 + exp(-(worth - reluctance) / 0.25)): an open culture
    is readier to accept (S001 5.1, P23).
    """
    organisations, ties, p, rules = state.organisations, state.ties, numbers.symbiosis, numbers.rules
    interfaces = numbers.roles.interface
    tie_rows = living(ties.alive, state.tie_slots)
    starts, targets = neighbours(ties.a[tie_rows], ties.b[tie_rows], state.slots.state[1])
    wishes = np.full(order.size, -1, np.int64)
    if not numbers.sequential:
        for position in range(order.size):
            wishes[position] = wish(order[position], organisations, order, tie_rows, ties, starts, targets, interfaces,
                                    p, rules, seed, draw_step)  # fmt: skip
    met = np.full(state.slots.state[1], -1, np.int64)  # whom each one tied with by its own wish this quarter
    for position in range(order.size):
        i = order[position]
        if numbers.sequential:
            wishes[position] = wish(i, organisations, order, tie_rows, ties, starts, targets, interfaces,
                                    p, rules, seed, draw_step)  # fmt: skip
        j = wishes[position]
        if j < 0 or organisations.degree[j] >= most_ties(organisations, j, p) or met[i] == j or met[j] == i:
            continue
        ready = (0.5 + 0.5 * organisations.openness[j]) / (
            1.0 + np.exp(-(worth(organisations, j, i, p, rules) - p.reluctance) / 0.25)
        )
        if uniform(seed, TIE_ACCEPTANCE, draw_step, organisations.uid[i], organisations.uid[j]) >= ready:
            continue
        met[i] = j
        pay(organisations, state.books, i, HOUSEHOLDS, p.search_cost, UPKEEP)
        interface = interfaces[organisations.role[i], organisations.role[j]]
        new_tie(organisations, ties, state.tie_slots, i, j, interface, p.initial_trust, step)
        note_event(state.events, TIE_FORMED, organisations.uid[i], organisations.uid[j], 0.0)
