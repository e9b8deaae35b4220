"""Joint ventures (S000 4.1.2; S001 5.1, 5.2): two firms found a third, own it in equal parts, and part again.

Firms that share, trust each other and know different things found a venture with hazard rate * T * 4 d (1 - d). Both pay
capital in, send staff, and let it copy what they know; each of its routines comes from one of the two. What it earns it
pays out to them. It ends with a hazard that rises with distrust between the parents and with losses: sold to one of
them if it earns, else dissolved. When a parent leaves, the venture stands alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.columns import count_members, everybody, has_room, living, members_of, row_of_uid
from ecosim.compilation import allocation_free, compiled
from ecosim.draws import VENTURE_BIRTH, VENTURE_END, uniform
from ecosim.ledger import DIVIDENDS, JOINT_VENTURES, note_event, note_flow, note_gain, pay, room_for_events
from ecosim.measures import pianka_overlap
from ecosim.mechanisms.entrants import place_many
from ecosim.mechanisms.ties import new_tie
from ecosim.mechanisms.turnover import depart
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    CAPITAL,
    EXCHANGE,
    FIRM,
    JOINT_VENTURE,
    KNOWLEDGE,
    ORGANISATION_TABLE,
    SHARING,
    TALENT,
    TIE_TABLE,
    VENTURE_BORN,
    VENTURE_DISSOLVED,
    VENTURE_SOLD,
    Books,
    Column,
    Members,
    Organisations,
    State,
    Ties,
)

KIND = "joint venture"
# Ventures count their serials from here, so that with or without them the other firms have the same luck: beyond those of
# a million firms, and so low that 64 uids of each of 65 536 ventures, the largest multiple by which a rule numbers its
# draws, fit the 32 bits of a draw's number.
FIRST_SERIAL = 2**20 - 2**16

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("joint_ventures", __name__, {
    "birth_rate": Parameter(0.2, 0.0, 1.0, "1/quarter", "Chance that two firms which share found a joint venture in a quarter, at full trust and the best distance of what they know.", _ASSUMED),
    "stake": Parameter(0.1, 0.0, 0.5, "share of capital", "What each parent pays in, of the poorer one's capital.", _ASSUMED),
    "staff": Parameter(0.05, 0.0, 0.5, "share of talent", "Part of its staff that each parent sends.", _ASSUMED),
    "copied": Parameter(0.7, 0.0, 1.0, "share", "Part of the better parent's knowledge that the venture starts with, per domain.", _ASSUMED),
    "dividend": Parameter(0.5, 0.0, 1.0, "share of surplus", "What it pays out to its parents.", _ASSUMED),
    "ending": Parameter(0.02, 0.0, 1.0, "1/quarter", "Rate at which parents in full trust end a venture that earns.", _ASSUMED),
    "strain": Parameter(2.0, 0.0, 20.0, "1", "How much more often parents without any trust end it.", "alliances end by distrust: Meier et al. 2016"),
    "losses": Parameter(0.05, 0.0, 1.0, "1/quarter", "Rate at which a venture that loses money is ended besides.", _ASSUMED),
    "multiple": Parameter(8.0, 0.0, 100.0, "quarters", "Quarters of earnings that the price of a venture adds to its capital.", _ASSUMED),
})  # fmt: skip

_PAIR = 2**32  # above all uids: one uid times this, and another, are a number of the two

(GOES_ON, DISSOLVED, SOLD_TO_A, SOLD_TO_B) = range(4)


@compiled
def run_ventures(state: State, numbers: Any, seed: int, step: int) -> bool:
    """Ventures pay out, are sold or dissolved."""
    organisations, members = state.organisations, state.members
    if not numbers.rules.joint_ventures:
        return True
    ventures = ventures_among(organisations, members_of(members, FIRM))
    # Of each that ends: the sale or dissolution, the exit, and for each tie its end and a loan that is not paid back.
    if not room_for_events(state.events, 2 * (ventures.size + organisations.degree[ventures].sum()), state.short):
        return False
    tie_rows = living(state.ties.alive, state.tie_slots)
    pay_out(organisations, state.ties, state.books, ventures, members, tie_rows, numbers.joint_ventures)
    fates = decide_ends(organisations, state.ties, ventures, members, tie_rows, numbers.joint_ventures, seed, step)
    end(state, numbers, ventures[fates != GOES_ON], fates[fates != GOES_ON], step)
    return True


@compiled
def found_ventures(state: State, numbers: Any, seed: int, step: int) -> bool:
    """Firms found ventures, if firms can be of that kind; by the uids of the founders, so that which venture gets which serial hangs on nothing else."""
    organisations, ties = state.organisations, state.ties
    if not numbers.rules.joint_ventures or numbers.venture < 0:
        return True
    firms, tie_rows = members_of(state.members, FIRM), living(ties.alive, state.tie_slots)
    tying = founding_ties(organisations, ties, firms, tie_rows, numbers.joint_ventures, seed, step)
    order = np.argsort(organisations.uid[ties.a[tying]] * _PAIR + organisations.uid[ties.b[tying]])
    return found(state, numbers, tying[order], seed, step)


@compiled
def found(state: State, numbers: Any, tying: Column, seed: int, step: int) -> bool:
    """Let the firms on each of some ties found a joint venture, and tie it to both."""
    if tying.size == 0:
        return True
    if not has_room(state.slots, tying.size, state.short, ORGANISATION_TABLE):
        return False
    if not has_room(state.tie_slots, 2 * tying.size, state.short, TIE_TABLE):
        return False
    if not room_for_events(state.events, 2 * tying.size, state.short):
        return False
    organisations, ties = state.organisations, state.ties
    endowment = np.zeros(numbers.roles.endowment.shape[1])  # it has what its parents give it
    for position in range(tying.size):
        t = tying[position]
        serial = FIRST_SERIAL + state.serials[-1]
        i = place_many(state, numbers, FIRM, numbers.venture, endowment, serial, 1, seed, step)[0]
        state.serials[-1] += 1
        endow(organisations, state.books, i, ties.a[t], ties.b[t], numbers.joint_ventures, seed, step)
        note_event(state.events, VENTURE_BORN, organisations.uid[i], organisations.uid[ties.a[t]],
                   organisations.capital[i])  # fmt: skip
        for parent in (ties.a[t], ties.b[t]):
            row = new_tie(organisations, ties, state.tie_slots, parent, i, JOINT_VENTURE, ties.trust[t], step)
            ties.mode[row] = ties.mode[t]
    count_members(organisations, state.slots, state.members)
    return True


@compiled
def end(state: State, numbers: Any, ventures: Column, fates: Column, step: int) -> None:
    """Let ventures be sold to one of their parents, who gets the users too, or be dissolved, and leave.

    The caller has made room for the events.
    """
    if ventures.size == 0:
        return
    organisations, members = state.organisations, state.members
    heirs = np.full(state.slots.state[1], -1)  # who takes over the users of each venture that is sold
    for position in range(ventures.size):
        i, fate = ventures[position], fates[position]
        age = step - organisations.born[i]
        if fate == DISSOLVED:
            note_event(state.events, VENTURE_DISSOLVED, organisations.uid[i], organisations.parent_a[i], age)
        else:
            a = row_of_uid(organisations, members, organisations.parent_a[i])
            b = row_of_uid(organisations, members, organisations.parent_b[i])
            buyer, seller = (a, b) if fate == SOLD_TO_A else (b, a)
            take_over(organisations, state.books, i, buyer, seller, numbers.joint_ventures)
            heirs[i] = buyer
            note_event(state.events, VENTURE_SOLD, organisations.uid[i], organisations.uid[buyer], age)
    for u in everybody(members):
        if organisations.provider[u] >= 0 and heirs[organisations.provider[u]] >= 0:
            organisations.provider[u] = heirs[organisations.provider[u]]
    depart(state, ventures, numbers.turnover.patience, step)


@compiled
def ventures_among(organisations: Organisations, firms: Column) -> Column:
    """Those of some firms that are joint ventures, in their order."""
    return firms[organisations.parent_a[firms] >= 0]


@allocation_free
def _pair(uid: int, other: int) -> int:
    """One number for two organisations, whichever comes first."""
    return min(uid, other) * _PAIR + max(uid, other)


@compiled
def parents_of(organisations: Organisations, ventures: Column) -> Column:
    """The pair of parents of each venture as one number, (ventures,)."""
    pairs = np.empty(ventures.size, np.int64)
    for position in range(ventures.size):
        i = ventures[position]
        pairs[position] = _pair(organisations.parent_a[i], organisations.parent_b[i])
    return pairs


@compiled
def ties_to_parents(organisations: Organisations, ties: Ties, ventures: Column, tie_rows: Column) -> Column:
    """The ties of each venture to its two parents, (ventures, 2), -1 for none."""
    found_ties = np.full((ventures.size, 2), -1)
    position_of = np.full(ventures.max() + 1 if ventures.size else 0, -1)
    position_of[ventures] = np.arange(ventures.size)
    for t in tie_rows:
        for i, other in ((ties.a[t], ties.b[t]), (ties.b[t], ties.a[t])):
            if i < position_of.size and position_of[i] >= 0:
                if organisations.uid[other] == organisations.parent_a[i]:
                    found_ties[position_of[i], 0] = t
                elif organisations.uid[other] == organisations.parent_b[i]:
                    found_ties[position_of[i], 1] = t
    return found_ties


@compiled
def ties_of_parents(organisations: Organisations, ties: Ties, ventures: Column, tie_rows: Column) -> Column:
    """The tie between the parents of each venture, (ventures,), -1 for none."""
    pairs = parents_of(organisations, ventures)
    known = np.sort(pairs)
    found_ties = np.full(ventures.size, -1)
    for t in tie_rows:
        a, b = ties.a[t], ties.b[t]
        firms = organisations.role[a] == FIRM and organisations.role[b] == FIRM
        if firms and organisations.parent_a[a] < 0 and organisations.parent_a[b] < 0:  # no venture is a parent
            pair = _pair(organisations.uid[a], organisations.uid[b])
            place_of = np.searchsorted(known, pair)
            if place_of < known.size and known[place_of] == pair:
                found_ties[place_of] = t
    return found_ties[np.searchsorted(known, pairs)]


@compiled
def pay_out(
    organisations: Organisations,
    ties: Ties,
    books: Books,
    ventures: Column,
    members: Members,
    tie_rows: Column,
    p: Any,
) -> None:
    """Each venture pays part of last quarter's surplus to its parents, half to each."""
    found_ties = ties_to_parents(organisations, ties, ventures, tie_rows)
    for position in range(ventures.size):
        i = ventures[position]
        for side in range(2):
            uid = organisations.parent_a[i] if side == 0 else organisations.parent_b[i]
            parent, t = row_of_uid(organisations, members, uid), found_ties[position, side]
            if parent >= 0:
                paid = pay(organisations, books, i, parent, 0.5 * p.dividend * organisations.surplus[i], DIVIDENDS)
                note_gain(organisations, books, parent, i, paid)
                if t >= 0:
                    ties.volume[t] += paid
                    if ties.a[t] == parent:
                        ties.got_a[t] += paid
                    else:
                        ties.got_b[t] += paid


@allocation_free
def end_hazard(trust: float, earns: bool, p: Any) -> float:
    """Rate at which a venture ends: ending * (1 + strain * (1 - T)), and `losses` more if it loses money."""
    return p.ending * (1.0 + p.strain * (1.0 - trust)) + (0.0 if earns else p.losses)


@allocation_free
def price_of_half(capital: float, earnings: float, multiple: float) -> float:
    """What one parent pays the other for its half: (capital + multiple * earnings of a quarter) / 2."""
    return 0.5 * (capital + multiple * max(0.0, earnings))


@compiled
def decide_ends(
    organisations: Organisations, ties: Ties, ventures: Column, members: Members, tie_rows: Column, p: Any, seed: int, step: int
) -> Column:  # fmt: skip
    """The fate of each venture, (ventures,): one that earns goes to the parent whose niche it shares more, if that one can pay, else to the other."""
    fates = np.full(ventures.size, GOES_ON)
    between = ties_of_parents(organisations, ties, ventures, tie_rows)
    for position in range(ventures.size):
        i, t = ventures[position], between[position]
        a = row_of_uid(organisations, members, organisations.parent_a[i])
        b = row_of_uid(organisations, members, organisations.parent_b[i])
        if a < 0 or b < 0:
            continue  # it stands alone
        trust = ties.trust[t] if t >= 0 else 0.0
        earns = organisations.payoff[i] >= 0.0
        if uniform(seed, VENTURE_END, step, organisations.uid[i], 0) >= 1.0 - np.exp(-end_hazard(trust, earns, p)):
            continue
        fates[position] = DISSOLVED
        if earns:
            price = price_of_half(organisations.capital[i], organisations.payoff[i], p.multiple)
            closer_a = pianka_overlap(organisations.niche[i], organisations.niche[a])
            closer_b = pianka_overlap(organisations.niche[i], organisations.niche[b])
            can_a, can_b = organisations.capital[a] >= price, organisations.capital[b] >= price
            if can_a and (closer_a >= closer_b or not can_b):
                fates[position] = SOLD_TO_A
            elif can_b:
                fates[position] = SOLD_TO_B
    return fates


@allocation_free
def take_over(organisations: Organisations, books: Books, i: int, buyer: int, seller: int, p: Any) -> None:
    """The buyer pays for the seller's half, and gets capital, staff, and what the venture knows."""
    price = price_of_half(organisations.capital[i], organisations.payoff[i], p.multiple)
    paid = pay(organisations, books, buyer, seller, price, JOINT_VENTURES)
    note_gain(organisations, books, seller, buyer, paid)
    moved = pay(organisations, books, i, buyer, organisations.capital[i], JOINT_VENTURES)
    note_flow(organisations, books, CAPITAL, EXCHANGE, i, buyer, moved)
    _send_staff(organisations, books, i, buyer, organisations.talent[i])
    for d in range(organisations.knowledge.shape[1]):
        learnt = max(0.0, organisations.knowledge[i, d] - organisations.knowledge[buyer, d])
        organisations.knowledge[buyer, d] = max(organisations.knowledge[buyer, d], organisations.knowledge[i, d])
        note_flow(organisations, books, KNOWLEDGE, EXCHANGE, i, buyer, learnt)


@allocation_free
def _send_staff(organisations: Organisations, books: Books, giver: int, taker: int, amount: float) -> None:
    organisations.talent[giver] -= amount
    organisations.talent[taker] += amount
    note_flow(organisations, books, TALENT, EXCHANGE, giver, taker, amount)


@compiled
def founding_ties(
    organisations: Organisations, ties: Ties, firms: Column, tie_rows: Column, p: Any, seed: int, step: int
) -> Column:
    """Ties whose firms found a venture this quarter: both independent, without one in common, and with something to pay in."""
    chosen = np.zeros(tie_rows.size, np.bool_)
    parents = np.sort(parents_of(organisations, ventures_among(organisations, firms)))
    for position in range(tie_rows.size):
        t = tie_rows[position]
        a, b = ties.a[t], ties.b[t]
        if ties.mode[t] < SHARING or organisations.role[a] != FIRM or organisations.role[b] != FIRM:
            continue
        if organisations.parent_a[a] >= 0 or organisations.parent_a[b] >= 0:
            continue
        pair = _pair(organisations.uid[a], organisations.uid[b])
        taken = np.searchsorted(parents, pair)
        if (
            organisations.distress[a] > 0
            or organisations.distress[b] > 0
            or (taken < parents.size and parents[taken] == pair)
        ):
            continue
        distance = 1.0 - pianka_overlap(organisations.knowledge[a], organisations.knowledge[b])
        chance = p.birth_rate * ties.trust[t] * 4.0 * distance * (1.0 - distance)
        chosen[position] = uniform(seed, VENTURE_BIRTH, step, organisations.uid[a], organisations.uid[b]) < chance
    return tie_rows[chosen]


@allocation_free
def endow(organisations: Organisations, books: Books, i: int, a: int, b: int, p: Any, seed: int, step: int) -> None:
    """Parents pay in, send staff, pass on knowledge; levels are their mean, each routine comes from one of the two."""
    uid = organisations.uid[i]
    organisations.parent_a[i], organisations.parent_b[i] = organisations.uid[a], organisations.uid[b]
    stake = p.stake * min(organisations.capital[a], organisations.capital[b])
    for parent in (a, b):
        paid = pay(organisations, books, parent, i, stake, JOINT_VENTURES)
        note_flow(organisations, books, CAPITAL, EXCHANGE, parent, i, paid)
        _send_staff(organisations, books, parent, i, p.staff * organisations.talent[parent])
    for d in range(organisations.knowledge.shape[1]):
        better = a if organisations.knowledge[a, d] >= organisations.knowledge[b, d] else b
        organisations.knowledge[i, d] = p.copied * organisations.knowledge[better, d]
        note_flow(organisations, books, KNOWLEDGE, EXCHANGE, better, i, organisations.knowledge[i, d])
        organisations.niche[i, d] = 0.5 * (organisations.niche[a, d] + organisations.niche[b, d])
        organisations.direction[i, d] = 0.5 * (organisations.direction[a, d] + organisations.direction[b, d])
    organisations.chain[i] = 0.5 * (organisations.chain[a] + organisations.chain[b])
    organisations.openness[i] = 0.5 * (organisations.openness[a] + organisations.openness[b])
    organisations.protection[i] = 0.5 * (organisations.protection[a] + organisations.protection[b])
    organisations.absorptive[i] = 0.5 * (organisations.absorptive[a] + organisations.absorptive[b])
    organisations.persistence[i] = 0.5 * (organisations.persistence[a] + organisations.persistence[b])
    organisations.culture[i] = 0.5 * (organisations.culture[a] + organisations.culture[b])
    for k in range(organisations.capabilities.shape[1]):
        organisations.capabilities[i, k] = 0.5 * (organisations.capabilities[a, k] + organisations.capabilities[b, k])
    for k in range(organisations.knowledge_capabilities.shape[1]):
        organisations.knowledge_capabilities[i, k] = 0.5 * (
            organisations.knowledge_capabilities[a, k] + organisations.knowledge_capabilities[b, k]
        )
    for k in range(organisations.routines.shape[1]):
        parent = a if uniform(seed, VENTURE_BIRTH, step, uid, k) < 0.5 else b
        organisations.routines[i, k] = organisations.routines[parent, k]
