"""Orchestration (S000, digital resource orchestration): money becomes research, talent, services and knowledge.

What each role wants stands in its own file in agents/. What is the same for all stands here: research makes
knowledge with diminishing returns, knowledge goes out of date, vacancies are filled from those who look for work, and
orders for services are delivered as far as there is capacity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.compilation import compiled
from ecosim.ledger import make_element, note_flow, note_gain, use_element
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
    Ties,
)

if TYPE_CHECKING:
    from ecosim.model import Ecosystem

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("orchestration", __name__, {
    "elasticity": Parameter(0.35, 0.05, 0.95, "1", "Elasticity of new knowledge to research spending: returns diminish.", "positive and well below 1: Ugur et al. 2016, 1,253 estimates"),
    "productivity": Parameter(1.0, 0.0, 20.0, "firm-years of median R&D", "Knowledge that one research unit a year makes in a year.", "definition of the unit"),
    "research_unit": Parameter(40.0, 0.01, 1e5, "million CNY a year", "Research spending of the median firm.", "definition of the unit"),
    "depreciation": Parameter(0.15, 0.0, 0.9, "1/year", "Part of knowledge that is out of date after a year.", "15 % by convention (Hall 2007); 18-29 % by industry"),
    "retirement": Parameter(0.01, 0.0, 0.5, "1/quarter", "Part of talent that retires in a quarter.", _ASSUMED),
    "hiring_speed": Parameter(0.3, 0.0, 1.0, "1/quarter", "Part of its vacancies that an organisation tries to fill in a quarter.", _ASSUMED),
    "service_output": Parameter(0.09, 0.0, 10.0, "million CNY a person-year and quarter", "Services that a person-year of a supplier makes.", _ASSUMED),
    "gain_from_trade": Parameter(0.2, 0.0, 2.0, "share of price", "What each side of an exchange gains beyond the price.", _ASSUMED),
    "affordable": Parameter(0.15, 0.0, 1.0, "share of capital", "Most that may be committed in a quarter beyond expected revenue.", _ASSUMED),
    "memory": Parameter(0.2, 0.01, 1.0, "1/quarter", "Weight of the newest quarter in trends.", _ASSUMED),
})  # fmt: skip


def orchestrate(model: Ecosystem) -> None:
    """Every role commits its money; then vacancies are filled and orders delivered."""
    settings = model.parameters["orchestration"]
    open_accounts(model.organisations, model.books, model.ties, model.rows, model.tie_rows, settings)
    model.roles_act("orchestrate")
    fill_vacancies(model.organisations, model.environment, model.books, model.rows, settings)
    deliver(model.organisations, model.ties, model.books, model.tie_rows, settings.gain_from_trade)


@compiled
def open_accounts(
    organisations: Organisations, books: Books, ties: Ties, rows: Column, tie_rows: Column, p: Any
) -> None:
    """Start the quarter: unused services are lost, knowledge and talent age, the quarter's accounts are cleared."""
    kept = (1.0 - p.depreciation) ** 0.25
    for i in rows:
        organisations.revenue_trend[i] += p.memory * (organisations.revenue[i] - organisations.revenue_trend[i])
        organisations.revenue[i] = 0.0
        organisations.research[i] = 0.0
        organisations.wages_due[i] = 0.0
        organisations.purchases[i] = 0.0
        organisations.contracts[i] = 0.0
        organisations.vacancies[i] = 0.0
        organisations.knowledge[i] *= kept
        use_element(organisations.services, books, SERVICES, i, organisations.services[i])
        use_element(organisations.talent, books, TALENT, i, p.retirement * organisations.talent[i])
    for t in tie_rows:
        ties.order[t] = 0.0
        ties.owed[t] = 0.0


@compiled
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


@compiled
def do_research(organisations: Organisations, environment: Environment, i: int, spending: float, p: Any) -> float:
    """Turn spending into knowledge along the organisation's direction; return the knowledge made."""
    organisations.research[i] += spending
    made = new_knowledge(spending, environment.level[TECHNOLOGY_INDEX], organisations.reform[i],
                         organisations.capabilities[i, ORCHESTRATION], p.productivity, p.research_unit, p.elasticity)  # fmt: skip
    organisations.created[i] += p.memory * (made - organisations.created[i])
    for d in range(organisations.direction.shape[1]):
        organisations.knowledge[i, d] += made * organisations.direction[i, d]
    return made


@compiled
def make_services(organisations: Organisations, books: Books, i: int, p: Any) -> None:
    """Make services with the talent there is: output = talent * rate * (0.75 + 0.5 orchestration)."""
    skill = 0.75 + 0.5 * organisations.capabilities[i, ORCHESTRATION]
    make_element(organisations.services, books, SERVICES, i, organisations.talent[i] * p.service_output * skill)


@compiled
def fill_vacancies(organisations: Organisations, environment: Environment, books: Books, rows: Column, p: Any) -> None:
    """Those let go look for work; those who look for work are shared out in proportion to vacancies."""
    wanted = 0.0
    for i in rows:
        change = p.hiring_speed * organisations.vacancies[i]
        if change < 0.0:
            leaving = min(-change, organisations.talent[i])
            organisations.talent[i] -= leaving
            environment.seekers[0] += leaving
        else:
            wanted += change
    found = min(1.0, environment.seekers[0] * (0.5 + environment.level[TALENT_INDEX]) / wanted) if wanted > 0.0 else 0.0
    hired = 0.0
    for i in rows:
        if organisations.vacancies[i] > 0.0:
            joining = min(found * p.hiring_speed * organisations.vacancies[i], environment.seekers[0])
            organisations.talent[i] += joining
            environment.seekers[0] -= joining
            hired += joining


@compiled
def place_orders(
    organisations: Organisations, ties: Ties, tie_rows: Column, interface: int, provider: int, budgets: Column
) -> None:
    """Split each buyer's budget over its ties of one interface to one role, in proportion to trust.

    Parameters
    ----------
    budgets : (rows,) million CNY; what cannot be ordered for want of a tie is left in it.
    """
    weight = np.zeros(budgets.size)
    for t in tie_rows:
        if ties.interface[t] == interface:
            a, b = ties.a[t], ties.b[t]
            if organisations.role[b] == provider and budgets[a] > 0.0:
                weight[a] += 0.05 + ties.trust[t]
            elif organisations.role[a] == provider and budgets[b] > 0.0:
                weight[b] += 0.05 + ties.trust[t]
    ordered = np.zeros(budgets.size)
    for t in tie_rows:
        if ties.interface[t] == interface:
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
def deliver(organisations: Organisations, ties: Ties, books: Books, tie_rows: Column, gain: float) -> None:
    """Deliver what was ordered; a provider with too many orders serves each in the same proportion."""
    ordered = np.zeros(organisations.uid.size)
    for t in tie_rows:
        if ties.order[t] != 0.0:
            ordered[ties.b[t] if ties.order[t] > 0.0 else ties.a[t]] += abs(ties.order[t])
    stock = organisations.services.copy()
    for t in tie_rows:
        if ties.order[t] == 0.0:
            continue
        buyer, provider = (ties.a[t], ties.b[t]) if ties.order[t] > 0.0 else (ties.b[t], ties.a[t])
        volume = abs(ties.order[t]) * min(1.0, stock[provider] / ordered[provider])
        volume = min(volume, organisations.services[provider])
        organisations.services[provider] -= volume
        organisations.services[buyer] += volume
        ties.promised[t] += abs(ties.order[t])
        ties.kept[t] += volume
        ties.owed[t] = volume if ties.order[t] > 0.0 else -volume
        ties.volume[t] += volume
        ties.got_a[t] += gain * volume
        ties.got_b[t] += gain * volume
        note_flow(organisations, books, SERVICES, EXCHANGE, provider, buyer, volume)
        note_gain(organisations, books, buyer, provider, gain * volume)
        note_gain(organisations, books, provider, buyer, gain * volume)
