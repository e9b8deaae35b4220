"""Orchestration (S000, digital resource orchestration): money becomes research, talent, services and knowledge.

What each role wants stands in its own file in agents/. What is the same for all stands here: research makes
knowledge with diminishing returns, knowledge goes out of date, vacancies are filled from those who look for work, and
orders for services are delivered as far as there is capacity.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.columns import living
from ecosim.compilation import allocation_free, compiled
from ecosim.ledger import make_element, note_flow, note_gain, open_quarter, use_element
from ecosim.mechanisms.competition import (
    DELIVERED,
    DELIVERIES_MOVED,
    GAIN,
    HIRED,
    HIRES_MOVED,
    VACANCIES,
    rivalry,
    share_components,
    share_seekers,
)
from ecosim.mechanisms.ties import carries
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    EXCHANGE,
    ORCHESTRATION,
    SERVICES,
    TALENT,
    TALENT_INDEX,
    TECHNOLOGY_INDEX,
    Books,
    Column,
    Environment,
    Organisations,
    State,
    Ties,
)

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("orchestration", __name__, {
    "elasticity": Parameter(0.35, 0.05, 0.95, "1", "Elasticity of new knowledge to research spending: returns diminish.", "positive and well below 1: Ugur et al. 2016, 1,253 estimates"),
    "productivity": Parameter(1.0, 0.0, 20.0, "firm-years of median R&D", "Knowledge that one research unit a year makes in a year.", "definition of the unit"),
    "research_unit": Parameter(40.0, 0.01, 1e5, "million CNY a year", "Research spending of the median firm.", "definition of the unit"),
    "depreciation": Parameter(0.15, 0.0, 0.9, "1/year", "Part of knowledge that is out of date after a year.", "15 % by convention (Hall 2007); 18-29 % by industry"),
    "retirement": Parameter(0.01, 0.0, 0.5, "1/quarter", "Part of talent that retires in a quarter.", _ASSUMED),
    "hiring_speed": Parameter(0.3, 0.0, 1.0, "1/quarter", "Part of its vacancies that an organisation tries to fill in a quarter.", _ASSUMED),
    "outside_hiring": Parameter(0.5, 0.0, 1.0, "share", "Part of the vacancies left over that people from other industries fill in a quarter, at a talent index of 1.", _ASSUMED),
    "service_output": Parameter(1.6, 0.0, 20.0, "price over wage", "What the services of a person-year are sold for, over its wage.", _ASSUMED),
    "gain_from_trade": Parameter(0.2, 0.0, 2.0, "share of price", "What each side of an exchange gains beyond the price.", _ASSUMED),
    "specialisation": Parameter(2.0, 0.0, 10.0, "1", "How much more an exchange gains from one end of the innovation chain to the other.", "S001 2.1.2: division of labour between different units (P34, P42)"),
    "affordable": Parameter(0.15, 0.0, 1.0, "share of capital", "Most that may be committed in a quarter beyond expected revenue.", _ASSUMED),
    "memory": Parameter(0.2, 0.01, 1.0, "1/quarter", "Weight of the newest quarter in trends.", _ASSUMED),
    "capability_effect": Parameter(1.0, 0.0, 1.0, "1", "How much the capability of orchestration counts in research and services; 0 as if nobody had any.", "S000 4.x.2"),
})  # fmt: skip


@compiled
def orchestrate(state: State, numbers: Any, seed: int, step: int) -> bool:
    """Let resources age; then every role commits its money, by the rule in its own file."""
    age(state.organisations, state.books, living(state.organisations.alive, state.slots), numbers.orchestration)
    return True


@compiled
def hire_and_deliver(state: State, numbers: Any, seed: int, step: int) -> bool:
    """When all roles have committed their money: knowledge gets its price, vacancies are filled, orders delivered."""
    rows, tie_rows = living(state.organisations.alive, state.slots), living(state.ties.alive, state.tie_slots)
    rivals, p = rivalry(numbers), numbers.orchestration
    price_knowledge(state.organisations, state.environment, state.books, rows, p)
    fill_vacancies(
        state.organisations, state.environment, state.books, rows, p, rivals.specialists, state.reading.markets
    )
    specialisation = p.specialisation if numbers.rules.division_of_labour else 0.0
    deliver(state.organisations, state.ties, state.books, rows, tie_rows, state.slots.state[1], p.gain_from_trade,
            specialisation, rivals.contention, state.reading.markets)  # fmt: skip
    return True


@compiled
def begin_quarter(state: State, numbers: Any, seed: int, step: int) -> bool:
    """Open the books and everybody's accounts."""
    open_quarter(state.books)
    open_accounts(state.organisations, state.ties, living(state.organisations.alive, state.slots),
                  living(state.ties.alive, state.tie_slots), numbers.orchestration.memory)  # fmt: skip
    return True


@allocation_free
def open_accounts(organisations: Organisations, ties: Ties, rows: Column, tie_rows: Column, memory: float) -> None:
    """Start a quarter: trends take in the last one, and what is counted by the quarter is cleared."""
    for i in rows:
        organisations.slump[i] = organisations.revenue_trend[i] - organisations.revenue[i]
        organisations.revenue_trend[i] += memory * (organisations.revenue[i] - organisations.revenue_trend[i])
        organisations.revenue[i] = 0.0
        organisations.research[i] = 0.0
        organisations.bought[i] = 0.0
        organisations.wages_due[i] = 0.0
        organisations.purchases[i] = 0.0
        organisations.contracts[i] = 0.0
        organisations.vacancies[i] = 0.0
    for t in tie_rows:
        ties.order[t] = 0.0
        ties.owed[t] = 0.0


@allocation_free
def age(organisations: Organisations, books: Books, rows: Column, p: Any) -> None:
    """Services that nobody used are lost, knowledge goes out of date, talent retires."""
    kept = (1.0 - p.depreciation) ** 0.25
    for i in rows:
        for d in range(organisations.knowledge.shape[1]):
            organisations.knowledge[i, d] *= kept
        use_element(organisations.services, books, SERVICES, i, organisations.services[i])
        use_element(organisations.talent, books, TALENT, i, p.retirement * organisations.talent[i])


@allocation_free
def new_knowledge(
    spending: float,
    technology: float,
    reform: float,
    orchestration: float,
    productivity: float,
    unit: float,
    elasticity: float,
) -> float:
    """Knowledge made in a quarter: (A / 4) (4 R / u)^e (0.5 + E_technology) (1 + reform) (0.5 + orchestration)."""
    support = (0.5 + technology) * (1.0 + reform) * (0.5 + orchestration)
    return 0.25 * productivity * (4.0 * spending / unit) ** elasticity * support


@allocation_free
def do_research(
    organisations: Organisations, environment: Environment, books: Books, i: int, spending: float, p: Any
) -> float:
    """Turn spending into knowledge along the organisation's direction; return the knowledge made."""
    organisations.research[i] += spending
    made = new_knowledge(spending, environment.level[TECHNOLOGY_INDEX], organisations.reform[i],
                         p.capability_effect * organisations.capabilities[i, ORCHESTRATION], p.productivity, p.research_unit, p.elasticity)  # fmt: skip
    books.made[2] += made
    organisations.created[i] += p.memory * (made - organisations.created[i])
    for d in range(organisations.direction.shape[1]):
        organisations.knowledge[i, d] += made * organisations.direction[i, d]
    return made


@allocation_free
def price_knowledge(organisations: Organisations, environment: Environment, books: Books, rows: Column, p: Any) -> None:
    """Replacement cost of knowledge: what the ecosystem's research cost over what it made, smoothed."""
    spent = 0.0
    for i in rows:
        spent += organisations.research[i]
    if books.made[2] > 0.0:
        cost = spent / books.made[2]
        weight = p.memory if environment.knowledge_cost[0] > 0.0 else 1.0
        environment.knowledge_cost[0] += weight * (cost - environment.knowledge_cost[0])


@allocation_free
def service_rate(wage: float, orchestration: float, output: float) -> float:
    """Services that a person-year makes in a quarter, million CNY: (wage / 4) * output * (0.75 + 0.5 orchestration)."""
    return 0.25 * wage * output * (0.75 + 0.5 * orchestration)


@allocation_free
def make_services(organisations: Organisations, environment: Environment, books: Books, i: int, p: Any) -> None:
    """Make services with the talent there is."""
    orchestration = p.capability_effect * organisations.capabilities[i, ORCHESTRATION]
    rate = service_rate(environment.wage[0], orchestration, p.service_output)
    make_element(organisations.services, books, SERVICES, i, organisations.talent[i] * rate)


@compiled
def fill_vacancies(
    organisations: Organisations,
    environment: Environment,
    books: Books,
    rows: Column,
    p: Any,
    specialists: float,
    markets: Column,
) -> None:
    """Those let go look for work; those who look are shared out among vacancies, by domain; others come from outside."""
    wanted = np.zeros(rows.size)
    for position in range(rows.size):
        i = rows[position]
        change = p.hiring_speed * organisations.vacancies[i]
        if change < 0.0:
            leaving = min(-change, organisations.talent[i])
            organisations.talent[i] -= leaving
            environment.seekers[0] += leaving
        else:
            wanted[position] = change
    talent_index = environment.level[TALENT_INDEX]
    people = environment.seekers[0] * min(1.0, 0.5 + talent_index)
    hired = share_seekers(organisations, rows, wanted, people, environment.demand, specialists)
    vacancies = wanted.sum()
    alike = min(1.0, people / vacancies) if vacancies > 0.0 else 0.0
    markets[VACANCIES], markets[HIRED], markets[HIRES_MOVED] = vacancies, 0.0, 0.0
    for position in range(rows.size):
        i = rows[position]
        joining = min(hired[position], environment.seekers[0])
        environment.seekers[0] -= joining
        organisations.talent[i] += joining
        others = p.outside_hiring * talent_index * (wanted[position] - joining)
        make_element(organisations.talent, books, TALENT, i, others)
        markets[HIRED] += joining + others
        markets[HIRES_MOVED] += 0.5 * abs(joining - alike * wanted[position])


@compiled
def place_orders(
    organisations: Organisations, ties: Ties, tie_rows: Column, interface: int, provider: int, budgets: Column
) -> None:
    """Split each buyer's budget over its ties of one interface to one role, in proportion to trust.

    Parameters
    ----------
    budgets : (rows in use,) million CNY; what cannot be ordered for want of a tie is left in it.
    """
    weight = np.zeros(budgets.size)
    for t in tie_rows:
        if carries(ties.interface[t], interface):
            a, b = ties.a[t], ties.b[t]
            if organisations.role[b] == provider and budgets[a] > 0.0:
                weight[a] += 0.05 + ties.trust[t]
            elif organisations.role[a] == provider and budgets[b] > 0.0:
                weight[b] += 0.05 + ties.trust[t]
    ordered = np.zeros(budgets.size)
    for t in tie_rows:
        if carries(ties.interface[t], interface):
            a, b = ties.a[t], ties.b[t]
            if organisations.role[b] == provider and weight[a] > 0.0:
                ties.order[t] = budgets[a] * (0.05 + ties.trust[t]) / weight[a]
                ordered[a] += ties.order[t]
            elif organisations.role[a] == provider and weight[b] > 0.0:
                ties.order[t] = -budgets[b] * (0.05 + ties.trust[t]) / weight[b]
                ordered[b] -= ties.order[t]
    for i in range(budgets.size):
        budgets[i] = max(0.0, budgets[i] - ordered[i])


@compiled
def deliver(
    organisations: Organisations,
    ties: Ties,
    books: Books,
    rows: Column,
    tie_rows: Column,
    used: int,
    gain: float,
    specialisation: float,
    contention: float,
    markets: Column,
) -> None:
    """Deliver what was ordered, as far as there is stock; what a specialist delivers saves the buyer work of its own.

    Each side gains g (1 + s |chain_a - chain_b|) of the price, more the further apart the two stand on the innovation
    chain (division of labour); the part s of the buyer's is wages that it does not have to pay.

    Parameters
    ----------
    used : rows of organisations in use.
    """
    given = share_components(organisations, ties, tie_rows, used, contention)
    ordered = np.zeros(used)
    for t in tie_rows:
        if ties.order[t] != 0.0:
            ordered[ties.b[t] if ties.order[t] > 0.0 else ties.a[t]] += abs(ties.order[t])
    stock = organisations.services[:used].copy()
    delivered = np.zeros(used)
    missing = organisations.purchases[:used] + organisations.contracts[:used]
    markets[DELIVERED], markets[DELIVERIES_MOVED], markets[GAIN] = 0.0, 0.0, 0.0
    for position in range(tie_rows.size):
        t = tie_rows[position]
        if ties.order[t] == 0.0:
            continue
        buyer, provider = (ties.a[t], ties.b[t]) if ties.order[t] > 0.0 else (ties.b[t], ties.a[t])
        volume = min(given[position], organisations.services[provider])
        alike = abs(ties.order[t]) * min(1.0, stock[provider] / ordered[provider])
        organisations.services[provider] -= volume
        organisations.services[buyer] += volume
        delivered[provider] += volume
        delivered[buyer] += volume
        organisations.bought[buyer] += volume
        # What does not come is made in house at the same cost.
        organisations.wages_due[buyer] += abs(ties.order[t]) - volume
        missing[buyer] += abs(ties.order[t]) - volume
        saved = gain * specialisation * abs(organisations.chain[buyer] - organisations.chain[provider]) * volume
        organisations.wages_due[buyer] -= min(saved, organisations.wages_due[buyer])
        worth = gain * volume + saved
        ties.promised[t] += volume  # a provider accepts what it can make, the rest was never promised
        ties.kept[t] += volume
        ties.owed[t] = volume if ties.order[t] > 0.0 else -volume
        ties.volume[t] += volume
        ties.got_a[t] += worth
        ties.got_b[t] += worth
        note_flow(organisations, books, SERVICES, EXCHANGE, provider, buyer, volume)
        note_gain(organisations, books, buyer, provider, worth)
        note_gain(organisations, books, provider, buyer, worth)
        markets[DELIVERED] += volume
        markets[DELIVERIES_MOVED] += 0.5 * abs(volume - alike)
        markets[GAIN] += worth
    for i in rows:
        wanted = stock[i] if stock[i] > 0.0 else delivered[i] + missing[i]
        lacking = stock[i] - delivered[i] if stock[i] > 0.0 else missing[i]
        organisations.ordered[i] = ordered[i]
        organisations.need[i] = max(0.0, lacking) / wanted if wanted > 0.0 else 0.0
