"""Adoption (Bass 1969; S003 4.2(3)): users take up an offer, choose among offers, buy, and tell what they need.

A user that has not adopted does so with hazard p + q F, F the share that has; the choice among offers is a logit of
quality, price and installed base. Each sale creates value: what is paid, and the surplus imputed to the user.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.columns import living, members_of
from ecosim.compilation import allocation_free, compiled
from ecosim.draws import ADOPTION, ADOPTION_CHOICE, ADOPTION_SWITCH, in_turn, uniform
from ecosim.ledger import SALE_SOURCE, SALES, SURPLUS_SOURCE, create_value, note_flow, note_gain, pay
from ecosim.measures import total_overlap
from ecosim.mechanisms.competition import rivalry
from ecosim.mechanisms.foreign_supply import assemble
from ecosim.mechanisms.product_generations import technology_offered
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    ECONOMY_INDEX,
    EXCHANGE,
    FIRM,
    INFORMATION,
    USER,
    Books,
    Column,
    Environment,
    Organisations,
    State,
    Ties,
)

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("adoption", __name__, {
    "initial": Parameter(0.0, 0.0, 1.0, "share", "Share of users that have adopted when the run starts.", "scenario"),
    "innovation": Parameter(0.03, 0.0, 1.0, "1/year", "Bass coefficient p: adoption without imitation.", "Bass p 0.03 on average, often below 0.01"),
    "imitation": Parameter(0.38, 0.0, 5.0, "1/year", "Bass coefficient q: adoption by word of mouth.", "Bass q 0.38 on average, 0.3-0.5"),
    "attraction": Parameter(0.15, 0.0, 5.0, "1", "How much quality behind the outside frontier slows adoption.", _ASSUMED),
    "quality_weight": Parameter(2.0, 0.0, 20.0, "1", "Weight of quality in the choice among offers.", _ASSUMED),
    "price_weight": Parameter(2.0, 0.0, 20.0, "1", "Weight of the logarithm of price in the choice among offers.", _ASSUMED),
    "network_weight": Parameter(0.25, 0.0, 5.0, "1", "Weight of the logarithm of the installed base.", "network effects"),
    "segment_weight": Parameter(0.7, 0.0, 20.0, "1", "Advantage of an offer made for the user's market segment.", _ASSUMED),
    "segments": Parameter(3, 1, 64, "segments", "Market segments.", "operators, enterprises, consumers"),
    "loyalty": Parameter(1.5, 0.0, 20.0, "1", "Advantage of the present provider when a user reconsiders.", _ASSUMED),
    "reconsider": Parameter(0.15, 0.0, 1.0, "1/quarter", "Chance that a user reconsiders its provider in a quarter.", _ASSUMED),
    "markup": Parameter(0.5, 0.0, 10.0, "share", "Mark-up on price of a firm without any rival; competition takes it away in proportion to mean niche overlap.", "S001 2.1.2 (P34)"),
    "complement": Parameter(0.15, 0.0, 5.0, "1", "Quality that a core firm's offer gains with the logarithm of the members of its platform.", "complementors: S000 4.3 (P76)"),
    "generation_quality": Parameter(0.5, 0.0, 10.0, "1", "Quality gained with the logarithm of the components that a firm can use and its product generations.", "S001 5.3 (P45)"),
    "surplus": Parameter(0.06, 0.0, 10.0, "share of price and unit of quality", "Surplus imputed to the user.", _ASSUMED),
    "margin": Parameter(0.1, 0.0, 1.0, "share of price", "What a sale is worth to the firm beyond its cost.", "operating margin 9-14 %"),
    "bottleneck": Parameter(1.0, 0.0, 10.0, "1", "Part of its sales that a firm cannot make for each part of its supplies that it lacks.", "fixed proportions: Santos & Haimes 2004"),
    "information": Parameter(0.02, 0.0, 10.0, "1/quarter", "Market information that a served user gives its provider.", "S003 4.2(3)"),
})  # fmt: skip


@compiled
def adopt(state: State, numbers: Any, seed: int, step: int) -> bool:
    """Firms set quality and price; users adopt, reconsider, buy, tell."""
    organisations, environment, p, rivals = state.organisations, state.environment, numbers.adoption, rivalry(numbers)
    firms = members_of(state.members, FIRM)
    users = in_turn(members_of(state.members, USER), organisations.uid, numbers.sequential, seed, step)
    overlap = total_overlap(organisations.niche[firms], np.ones(firms.size))
    make_offers(organisations, environment, firms, living(organisations.alive, state.slots),
                technology_offered(organisations, state.technology, firms), p, rivals.price_pressure * overlap)  # fmt: skip
    assemble(state, numbers, firms)
    take_up(organisations, environment, firms, users, state.slots.state[1], p, rivals.crowding * np.log1p(overlap),
            numbers.sequential, seed, step)  # fmt: skip
    buy(organisations, environment, state.books, firms, users, p)
    credit_customers(organisations, environment, state.ties, living(state.ties.alive, state.tie_slots), p)
    return True


@allocation_free
def survival(adopted: float, innovation: float, imitation: float, years: float) -> float:
    """Chance of not adopting within a time: exact along the Bass curve that starts at share F.

    (1 - F(t + y)) / (1 - F(t)) = 1 / (x + (1 - x) e^(s y)), s = p + q, x = (1 - F) q / s; so a step of a quarter adds
    no error of discretisation to dF/dt = (p + q F)(1 - F).
    """
    rate = innovation + imitation
    if rate <= 0.0:
        return 1.0
    waiting = (1.0 - adopted) * (imitation / rate)
    return 1.0 / (waiting + (1.0 - waiting) * np.exp(rate * years))


@allocation_free
def make_offers(
    organisations: Organisations,
    environment: Environment,
    firms: Column,
    rows: Column,
    offered: Column,
    p: Any,
    pressure: Column,
) -> None:
    """Quality = log(1 + sum_d demand_d K_d D) + g log(1 + components usable + generations) + c log(1 + members) for a host; price = 1 + markup (1 - pressure / rivals).

    Parameters
    ----------
    offered : (rows,) components usable and product generations.
    pressure : (firms,) niche overlap with all rivals together, as far as they compete.
    """
    members = 0.0
    for i in rows:
        members += 1.0 if organisations.member[i] else 0.0
    for position in range(firms.size):
        i = firms[position]
        known = 0.0
        for d in range(environment.demand.size):
            known += environment.demand[d] * organisations.knowledge[i, d]
        organisations.quality[i] = np.log(1.0 + environment.demand.size * known) + p.generation_quality * np.log(
            1.0 + offered[i]
        )
        organisations.complement[i] = p.complement * np.log(1.0 + members) if organisations.focal[i] else 0.0
        organisations.quality[i] += organisations.complement[i]
        lost = pressure[position] / (firms.size - 1) if firms.size > 1 else 0.0
        organisations.price[i] = 1.0 + p.markup * (1.0 - lost)


@compiled
def utilities(organisations: Organisations, firms: Column, segment: int, p: Any) -> Column:
    """Utility of each offer in a segment: wq quality - wp log price + wn log(1 + installed) + ws [same segment]."""
    values = np.empty(firms.size)
    for position in range(firms.size):
        i = firms[position]
        values[position] = (
            p.quality_weight * organisations.quality[i]
            - p.price_weight * np.log(organisations.price[i])
            + p.network_weight * np.log(1.0 + organisations.installed[i])
            + (p.segment_weight if organisations.segment[i] == segment else 0.0)
        )
    return values


@compiled
def weigh(values: Column) -> tuple[Column, Column]:
    """Return the weights of offers of these utilities, e^(u - max u), and their running sums, (firms,) each."""
    weights = np.exp(values - values.max())
    return weights, np.cumsum(weights)


@allocation_free
def choose(weights: Column, sums: Column, present: int, loyalty: float, draw: float) -> int:
    """Logit choice among weighed offers, the utility of the one at `present` (-1 for none) raised by loyalty, by one uniform draw.

    Offers lie side by side on a line, each as long as its weight: the draw is a point on it, found in log(firms) steps.
    """
    last = weights.size - 1
    if present < 0:
        return _offer_at(sums, 0, last, draw * sums[last])
    before = sums[present - 1] if present > 0 else 0.0
    added = weights[present] * np.expm1(loyalty)
    point = draw * (sums[last] + added)
    if point < before:
        return _offer_at(sums, 0, present, point)
    if present == last or point < sums[present] + added:
        return present
    return _offer_at(sums, present + 1, last, point - added)


@allocation_free
def _offer_at(sums: Column, low: int, high: int, point: float) -> int:
    """The first offer from low to high whose running sum is above a point; high if none is."""
    while low < high:
        middle = (low + high) // 2
        if sums[middle] > point:
            high = middle
        else:
            low = middle + 1
    return low


@compiled
def take_up(
    organisations: Organisations,
    environment: Environment,
    firms: Column,
    users: Column,
    used: int,
    p: Any,
    crowding: Column,
    sequential: bool,
    seed: int,
    step: int,
) -> None:
    """Users that have not adopted may, others may reconsider; in sequence each sees those before it, else nobody does.

    Parameters
    ----------
    used : rows of organisations in use.
    crowding : (firms,) what similar offers take from the utility of each: c log(1 + sum_j w_ij).
    """
    if firms.size == 0 or users.size == 0:
        environment.adopted[0] = 0.0
        return
    adopted = 0
    for u in users:
        adopted += 1 if organisations.provider[u] >= 0 else 0
    position_of = np.full(used, -1, np.int64)
    weights, sums = np.empty((p.segments, firms.size)), np.empty((p.segments, firms.size))
    best = 0.0
    for position in range(firms.size):
        position_of[firms[position]] = position
        best = max(best, organisations.quality[firms[position]])
    for segment in range(p.segments):
        weights[segment], sums[segment] = weigh(utilities(organisations, firms, segment, p) - crowding)
    frontier = np.log(1.0 + (environment.demand * environment.frontier).sum() * environment.demand.size)
    years = 0.25 * np.exp(p.attraction * min(0.0, best - frontier))
    share = adopted / users.size if step > 0 else p.initial
    for u in users:
        uid = organisations.uid[u]
        present = organisations.provider[u]
        if present < 0:
            chance = 1.0 - survival(share, p.innovation, p.imitation, years)
            if step == 0:
                chance = p.initial + (1.0 - p.initial) * chance
            if uniform(seed, ADOPTION, step, uid, 0) >= chance:
                continue
            adopted += 1
            if sequential:
                share = adopted / users.size
        elif uniform(seed, ADOPTION_SWITCH, step, uid, 0) >= p.reconsider:
            continue
        position = position_of[present] if present >= 0 else -1
        segment = organisations.segment[u]
        draw = uniform(seed, ADOPTION_CHOICE, step, uid, 0)
        organisations.provider[u] = firms[choose(weights[segment], sums[segment], position, p.loyalty, draw)]
    environment.adopted[0] = adopted / users.size


@allocation_free
def spending_power(budget: float, market: float, economy: float) -> float:
    """What a user can spend in a quarter: budget * market size * (0.5 + economy)."""
    return budget * market * (0.5 + economy)


@allocation_free
def surplus_rate(quality: float, price: float, share: float) -> float:
    """Surplus imputed to a user per unit of money paid: s * quality / price."""
    return share * quality / price


@allocation_free
def deliverable(shortfall: float, bottleneck: float) -> float:
    """Part of its sales that a firm can deliver: max(0, 1 - bottleneck * shortfall)."""
    return max(0.0, 1.0 - bottleneck * shortfall)


@allocation_free
def credit_customers(
    organisations: Organisations, environment: Environment, ties: Ties, tie_rows: Column, p: Any
) -> None:
    """A tie between a firm and a user that buys from it is worth margin and surplus to the two sides."""
    for t in tie_rows:
        for u, i in ((ties.a[t], ties.b[t]), (ties.b[t], ties.a[t])):
            if organisations.role[u] == USER and organisations.provider[u] == i:
                means = spending_power(organisations.budget[u], environment.market[0], environment.level[ECONOMY_INDEX])
                paid = means * deliverable(organisations.shortfall[i], p.bottleneck)
                surplus = paid * surplus_rate(organisations.quality[i], organisations.price[i], p.surplus)
                ties.got_a[t] += surplus if u == ties.a[t] else p.margin * paid
                ties.got_b[t] += surplus if u == ties.b[t] else p.margin * paid


@allocation_free
def buy(
    organisations: Organisations, environment: Environment, books: Books, firms: Column, users: Column, p: Any
) -> None:
    """Each adopted user spends its means with its provider, as far as that can deliver; surplus = s * quality / price of it."""
    for i in firms:
        organisations.installed[i] = 0.0
    for u in users:
        i = organisations.provider[u]
        if i < 0:
            continue
        organisations.installed[i] += 1.0
        means = spending_power(organisations.budget[u], environment.market[0], environment.level[ECONOMY_INDEX])
        sold = means * deliverable(organisations.shortfall[i], p.bottleneck)
        paid = pay(organisations, books, u, i, sold, SALES)
        if paid > 0.0:
            organisations.revenue[i] += paid
            surplus = paid * surplus_rate(organisations.quality[i], organisations.price[i], p.surplus)
            create_value(organisations, books, SALE_SOURCE, i, paid)
            create_value(organisations, books, SURPLUS_SOURCE, u, surplus)
            note_gain(organisations, books, i, u, p.margin * paid)
            note_gain(organisations, books, u, i, surplus)
        organisations.information[i] += p.information
        note_flow(organisations, books, INFORMATION, EXCHANGE, u, i, p.information)
