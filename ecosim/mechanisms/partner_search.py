"""Search for partners (S001 2.1.2; S003 4.2(2)): limited by search capability, helped by intermediaries, costly.

The parameters are those of symbiosis. Nobody looks at all others: candidates are partners' partners, the ends of random
ties, or anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.columns import ensure_room
from ecosim.compilation import allocation_free, compiled
from ecosim.draws import ACTIVATION, PARTNER_SEARCH, TIE_ACCEPTANCE, shuffled, uniform
from ecosim.ledger import UPKEEP, note_event, pay
from ecosim.measures import neighbours, pianka_overlap
from ecosim.mechanisms.ties import new_tie
from ecosim.state import (
    BREADTH,
    FIRM,
    HOUSEHOLDS,
    INTERMEDIARY,
    SUPPLIER,
    TIE_FORMED,
    UNIVERSITY,
    Books,
    Column,
    Events,
    Organisations,
    Slots,
    Ties,
)

if TYPE_CHECKING:
    from ecosim.model import Ecosystem

_PAST = 2**31  # rounds before the start draw as if in steps that no run reaches


def begin(model: Ecosystem) -> None:
    """Give those that are there at the start the ties that a few rounds of search would have given them."""
    for past in range(model.parameters["symbiosis"].past_rounds):
        seek_partners(model, _PAST + past)


def search_settings(model: Ecosystem) -> Any:
    """Return the parameters of symbiosis with the weights at zero that belong to rules which are off."""
    settings = model.parameters["symbiosis"]
    competes, divides, mediates = model.switched("competition", "division_of_labour", "intermediation")
    return settings._replace(
        competition=settings.competition * competes,
        labour_division=settings.labour_division * divides,
        help=settings.help * mediates,
    )


def seek_partners(model: Ecosystem, draw_step: int) -> None:
    """One round of search by everybody with room."""
    settings = search_settings(model)
    model.ties, model.tie_slots = ensure_room(model.ties, model.tie_slots, len(model.rows))
    rows = model.rows
    order = shuffled(rows, model.organisations.uid[rows], model.seed, ACTIVATION, draw_step)
    living = model.tie_rows
    starts, targets = neighbours(model.ties.a[living], model.ties.b[living], len(model.organisations.uid))
    form_ties(model.organisations, model.ties, model.tie_slots, model.books, model.events, order, living, starts, targets,
              model.numbers.roles.interface, settings, model.sequential, model.seed, draw_step, model.step_number)  # fmt: skip


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
def worth(organisations: Organisations, i: int, j: int, p: Any) -> float:
    """What a partner promises: nov * 4 d (1 - d) + lab * |chain difference| + need + rep * log(1 + ties) - comp * overlap.

    d = 1 - overlap of the two knowledge profiles; niche overlap (Pianka 1973) counts against the same role and segment.
    """
    distance = 1.0 - pianka_overlap(organisations.knowledge[i], organisations.knowledge[j])
    value = p.novelty * 4.0 * distance * (1.0 - distance)
    value += p.labour_division * abs(organisations.chain[i] - organisations.chain[j])
    value += p.need * 0.5 * (organisations.need[i] + organisations.need[j]) if _trade(organisations, i, j) else 0.0
    value += p.reputation * np.log(1.0 + organisations.degree[j])
    if organisations.role[i] == organisations.role[j] and organisations.segment[i] == organisations.segment[j]:
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
    living: Column,
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
    if route < p.closure + p.attachment and living.size > 0:
        end = int(2.0 * pick * living.size)
        return ties.a[living[end // 2]] if end % 2 == 0 else ties.b[living[end // 2]]
    return order[int(pick * order.size)]


@allocation_free
def wish(
    i: int,
    organisations: Organisations,
    order: Column,
    living: Column,
    ties: Ties,
    starts: Column,
    targets: Column,
    interfaces: Column,
    p: Any,
    seed: int,
    step: int,
) -> int:
    """The best of the few candidates that i looks at if it has room: search capability and intermediaries widen the look.

    Returns
    -------
    The row of the organisation that i wants to tie with, -1 for none.
    """
    uid = organisations.uid[i]
    search = organisations.knowledge_capabilities[i, 0:3].mean()
    if organisations.degree[i] >= p.enough * most_ties(organisations, i, p):
        return -1
    if uniform(seed, PARTNER_SEARCH, step, uid, 0) >= p.search_rate * (0.25 + 0.75 * search):
        return -1
    helped = 0.0
    for position in range(starts[i], starts[i + 1]):
        if organisations.role[targets[position]] == INTERMEDIARY:
            helped = p.help
    best, chosen = -1e300, -1
    for draw in range(1 + int(p.candidates * search * (1.0 + helped))):
        j = _candidate(i, uid, draw, order, living, ties, starts, targets, p, seed, step)
        if j == i or interfaces[organisations.role[i], organisations.role[j]] < 0 or _tied(starts, targets, i, j):
            continue
        value = worth(organisations, i, j, p)
        if value > best:
            best, chosen = value, j
    return chosen


@compiled
def form_ties(
    organisations: Organisations,
    ties: Ties,
    slots: Slots,
    books: Books,
    events: Events,
    order: Column,
    living: Column,
    starts: Column,
    targets: Column,
    interfaces: Column,
    p: Any,
    sequential: bool,
    seed: int,
    draw_step: int,
    step: int,
) -> None:
    """Everybody wishes, on the state at the start or in turn; then wishes are heard in the order of activation.

    The other side accepts with chance (0.5 + 0.5 openness) / (1 + exp(-(worth - reluctance) / 0.25)): an open culture
    is readier to accept (S001 5.1, P23).
    """
    wishes = np.full(order.size, -1, np.int64)
    if not sequential:
        for position in range(order.size):
            wishes[position] = wish(
                order[position], organisations, order, living, ties, starts, targets, interfaces, p, seed, draw_step
            )
    met = np.full(organisations.uid.size, -1, np.int64)  # whom each one tied with by its own wish this quarter
    for position in range(order.size):
        i = order[position]
        if sequential:
            wishes[position] = wish(
                i, organisations, order, living, ties, starts, targets, interfaces, p, seed, draw_step
            )
        j = wishes[position]
        if j < 0 or organisations.degree[j] >= most_ties(organisations, j, p) or met[i] == j or met[j] == i:
            continue
        ready = (0.5 + 0.5 * organisations.openness[j]) / (
            1.0 + np.exp(-(worth(organisations, j, i, p) - p.reluctance) / 0.25)
        )
        if uniform(seed, TIE_ACCEPTANCE, draw_step, organisations.uid[i], organisations.uid[j]) >= ready:
            continue
        met[i] = j
        pay(organisations, books, i, HOUSEHOLDS, p.search_cost, UPKEEP)
        new_tie(
            organisations,
            ties,
            slots,
            i,
            j,
            interfaces[organisations.role[i], organisations.role[j]],
            p.initial_trust,
            step,
        )
        note_event(events, TIE_FORMED, organisations.uid[i], organisations.uid[j], 0.0)
