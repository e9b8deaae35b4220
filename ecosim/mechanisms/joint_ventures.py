"""Joint ventures (S000 4.1.2; S001 5.1, 5.2): two firms found a third, own it in equal parts, and part again.

Firms that share, trust each other and know different things found a venture with hazard rate * T * 4 d (1 - d). Both pay
capital in, send staff, and let it copy what they know; each of its routines comes from one of the two. What it earns it
pays out to them. It ends with a hazard that rises with distrust between the parents and with losses: sold to one of
them if it earns, else dissolved. When a parent leaves, the venture stands alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.columns import ensure_room
from ecosim.compilation import allocation_free, compiled
from ecosim.draws import VENTURE_BIRTH, VENTURE_END, uniform
from ecosim.ledger import DIVIDENDS, JOINT_VENTURES, note_event, note_flow, note_gain, pay
from ecosim.measures import pianka_overlap
from ecosim.mechanisms.entrants import ENDOWMENTS, place_many
from ecosim.mechanisms.ties import new_tie, tie_between
from ecosim.mechanisms.turnover import member_of_uid
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    CAPITAL,
    EXCHANGE,
    FIRM,
    JOINT_VENTURE,
    KNOWLEDGE,
    SHARING,
    TALENT,
    VENTURE_BORN,
    VENTURE_DISSOLVED,
    VENTURE_SOLD,
    Books,
    Column,
    Organisations,
    Ties,
)

if TYPE_CHECKING:
    from ecosim.model import Ecosystem

KIND = "joint venture"
# Ventures count their serials from here, so that with or without them the other firms have the same luck: beyond any
# entrant's, and low enough that the uid fits the 32 bits of a draw's number (multiples of it do not: where a rule numbers
# its draws by them, a venture as the other side has the number of an ordinary firm).
FIRST_SERIAL = 2**25

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

(GOES_ON, DISSOLVED, SOLD_TO_A, SOLD_TO_B) = range(4)


def run_ventures(model: Ecosystem) -> None:
    """Ventures pay out, are sold or dissolved; then new ones are founded."""
    settings, organisations = model.parameters["joint_ventures"], model.organisations
    firms = model.members(FIRM)
    ventures = firms[organisations.parent_a[firms] >= 0]
    if ventures.size:
        pay_out(organisations, model.ties, model.books, ventures, firms, model.tie_rows, settings)
        fates = decide_ends(organisations, model.ties, ventures, firms, model.tie_rows, settings, model.seed,
                            model.step_number)  # fmt: skip
        for venture, fate in zip(ventures, fates, strict=True):
            if fate != GOES_ON:
                end(model, int(venture), int(fate), settings)
    if KIND in model.roles[model.role_names[FIRM]].kinds:
        ties = founding_ties(organisations, model.ties, model.members(FIRM), model.tie_rows, settings, model.seed,
                             model.step_number)  # fmt: skip
        # By the uids of the founders, so that which venture gets which serial hangs on nothing else.
        ends = organisations.uid[model.ties.b[ties]], organisations.uid[model.ties.a[ties]]
        for tie in ties[np.lexsort(ends)]:
            found(model, int(tie), settings)


def found(model: Ecosystem, tie: int, settings: Any) -> int:
    """Let the firms on a tie found a joint venture, and tie it to both; return its row."""
    a, b = int(model.ties.a[tie]), int(model.ties.b[tie])
    founded = int(model.serials[-1])
    endowment = np.zeros(len(ENDOWMENTS))  # it has what its parents give it
    model.make_room(organisations=1, events=2)
    venture = int(place_many(model.state, model.numbers, FIRM, model.numbers.venture, endowment, FIRST_SERIAL + founded, 1,
                             model.seed, model.step_number)[0])  # fmt: skip
    organisations = model.organisations
    model.serials[-1] += 1
    model.venture_names[int(organisations.uid[venture])] = f"{KIND} {founded + 1}"
    endow(organisations, model.books, venture, a, b, settings, model.seed, model.step_number)
    note_event(model.events, VENTURE_BORN, organisations.uid[venture], organisations.uid[a],
               float(organisations.capital[venture]))  # fmt: skip
    model.ties, model.tie_slots = ensure_room(model.ties, model.tie_slots, 2)
    for parent in (a, b):
        row = new_tie(organisations, model.ties, model.tie_slots, parent, venture, JOINT_VENTURE,
                      float(model.ties.trust[tie]), model.step_number)  # fmt: skip
        model.ties.mode[row] = model.ties.mode[tie]
    return venture


def end(model: Ecosystem, venture: int, fate: int, settings: Any) -> None:
    """Let a venture be sold to one of its parents, or be dissolved, and leave."""
    organisations, firms = model.organisations, model.members(FIRM)
    a = member_of_uid(organisations, firms, int(organisations.parent_a[venture]))
    b = member_of_uid(organisations, firms, int(organisations.parent_b[venture]))
    age = float(model.step_number - organisations.born[venture])
    if fate == DISSOLVED:
        note_event(model.events, VENTURE_DISSOLVED, organisations.uid[venture], organisations.uid[a], age)
    else:
        buyer, seller = (a, b) if fate == SOLD_TO_A else (b, a)
        take_over(organisations, model.books, venture, buyer, seller, model.rows, settings)
        note_event(model.events, VENTURE_SOLD, organisations.uid[venture], organisations.uid[buyer], age)
    model.remove_organisation(venture)


@allocation_free
def pay_out(
    organisations: Organisations, ties: Ties, books: Books, ventures: Column, firms: Column, tie_rows: Column, p: Any
) -> None:
    """Each venture pays part of last quarter's surplus to its parents, half to each."""
    for i in ventures:
        for uid in (organisations.parent_a[i], organisations.parent_b[i]):
            parent = member_of_uid(organisations, firms, uid)
            if parent >= 0:
                paid = pay(organisations, books, i, parent, 0.5 * p.dividend * organisations.surplus[i], DIVIDENDS)
                note_gain(organisations, books, parent, i, paid)
                t = tie_between(ties, tie_rows, parent, i)
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
    organisations: Organisations, ties: Ties, ventures: Column, firms: Column, tie_rows: Column, p: Any, seed: int, step: int
) -> Column:  # fmt: skip
    """The fate of each venture, (ventures,): one that earns goes to the parent whose niche it shares more, if that one can pay, else to the other."""
    fates = np.full(ventures.size, GOES_ON)
    for position in range(ventures.size):
        i = ventures[position]
        a = member_of_uid(organisations, firms, organisations.parent_a[i])
        b = member_of_uid(organisations, firms, organisations.parent_b[i])
        if a < 0 or b < 0:
            continue  # it stands alone
        t = tie_between(ties, tie_rows, a, b)
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
def take_over(
    organisations: Organisations, books: Books, i: int, buyer: int, seller: int, rows: Column, p: Any
) -> None:
    """The buyer pays for the seller's half, and gets capital, staff, users, and what the venture knows."""
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
    for u in rows:
        if organisations.provider[u] == i:
            organisations.provider[u] = buyer


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
    for position in range(tie_rows.size):
        t = tie_rows[position]
        a, b = ties.a[t], ties.b[t]
        if (
            not ties.alive[t]
            or ties.mode[t] < SHARING
            or organisations.role[a] != FIRM
            or organisations.role[b] != FIRM
        ):
            continue
        if organisations.parent_a[a] >= 0 or organisations.parent_a[b] >= 0:
            continue
        if organisations.distress[a] > 0 or organisations.distress[b] > 0 or _have_one(organisations, firms, a, b):
            continue
        distance = 1.0 - pianka_overlap(organisations.knowledge[a], organisations.knowledge[b])
        chance = p.birth_rate * ties.trust[t] * 4.0 * distance * (1.0 - distance)
        chosen[position] = uniform(seed, VENTURE_BIRTH, step, organisations.uid[a], organisations.uid[b]) < chance
    return tie_rows[chosen]


@allocation_free
def _have_one(organisations: Organisations, firms: Column, a: int, b: int) -> bool:
    """Whether two firms have a joint venture."""
    uid_a, uid_b = organisations.uid[a], organisations.uid[b]
    for i in firms:
        first, second = organisations.parent_a[i], organisations.parent_b[i]
        if (first == uid_a and second == uid_b) or (first == uid_b and second == uid_a):
            return True
    return False


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
