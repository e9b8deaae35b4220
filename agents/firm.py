"""The firm: brings technology and capital, hosts the platform if it is the core firm, integrates components.

Each quarter it commits part of what it expects to earn: research by its research intensity, services ordered from
suppliers and abroad, research contracted out to universities, talent for the rest (S000 4.1.2; S001 5.1). A firm that
lacked supplies does more research and orders more at home.
"""

from __future__ import annotations

from typing import Any

from ecosim.columns import living
from ecosim.compilation import compiled
from ecosim.mechanisms.foreign_supply import at_home, cut_depth, seek_sources
from ecosim.mechanisms.orchestration import do_research, place_orders
from ecosim.organisation import Organisation
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    JOINT_RESEARCH,
    RESEARCH_INTENSITY,
    SUPPLIER,
    SUPPLY,
    UNIVERSITY,
    Books,
    Column,
    Environment,
    Organisations,
    State,
    Ties,
)

PARAMETERS = ParameterGroup("firm", __name__, {
    "purchase_share": Parameter(0.33, 0.0, 0.9, "share of expected revenue", "What a firm orders from suppliers.", "assumption; Huawei's purchases were nearer two thirds of revenue in 2018"),
    "wage_share": Parameter(0.27, 0.0, 0.9, "share of expected revenue", "What a firm plans to spend on its own staff beside research.", "assumption"),
    "contracted_share": Parameter(0.15, 0.0, 1.0, "share of research", "Research that a firm contracts out to universities it is tied to.", "S001 5.1: co-operative research with universities"),
})  # fmt: skip


@compiled
def commit(
    organisations: Organisations,
    ties: Ties,
    environment: Environment,
    books: Books,
    rows: Column,
    tie_rows: Column,
    used: int,
    p: Any,
    common: Any,
    effort: float,
) -> None:
    """Plan the quarter on expected revenue and capital, place orders, do research in house, open vacancies.

    Parameters
    ----------
    used : rows of organisations in use.
    """
    for i in rows:
        expected = organisations.revenue_trend[i]
        affordable = common.affordable * organisations.capital[i]
        research = organisations.routines[i, RESEARCH_INTENSITY] * (expected + 0.25 * affordable)
        research *= 1.0 + effort * organisations.shortfall[i]
        organisations.contracts[i] = p.contracted_share * research
        organisations.purchases[i] = (
            p.purchase_share * expected * at_home(organisations.imports[i], organisations.shortfall[i])
        )
        organisations.wages_due[i] = research - organisations.contracts[i]
        plan = p.wage_share * (expected + 0.25 * affordable) / (0.25 * environment.wage[0])
        organisations.vacancies[i] = plan - organisations.talent[i]
    place_orders(organisations, ties, tie_rows, SUPPLY, SUPPLIER, organisations.purchases[:used])
    place_orders(organisations, ties, tie_rows, JOINT_RESEARCH, UNIVERSITY, organisations.contracts[:used])
    for i in rows:
        # What found no partner or is cut off is made in house, as far as that can be: the same money, paid as wages.
        organisations.purchases[i] += (
            p.purchase_share * organisations.revenue_trend[i] * organisations.imports[i] * cut_depth(environment)
        )
        in_house = organisations.wages_due[i] + organisations.contracts[i]
        do_research(organisations, environment, books, i, in_house, common)
        organisations.wages_due[i] = (
            in_house + organisations.purchases[i] + 0.25 * environment.wage[0] * organisations.talent[i]
        )


@compiled
def orchestrate(state: State, numbers: Any, rows: Column, parameters: Any, seed: int, step: int) -> bool:
    """What firms do with their resources in a quarter."""
    seek_sources(state, numbers, rows)
    commit(state.organisations, state.ties, state.environment, state.books, rows, living(state.ties.alive, state.tie_slots),
           state.slots.state[1], parameters, numbers.orchestration, numbers.foreign_supply.effort)  # fmt: skip
    return True


class Firm(Organisation):
    """The core firm, its rivals, joint ventures and co-operative enterprises."""

    kinds = ("competitor", "focal", "joint venture", "cooperative enterprise")
    community = "development"
    chain_position = 0.5
    brings = "technology and capital; the platform; integration"
    parameters = PARAMETERS
    interfaces = {
        "firm": "contract", "supplier": "supply", "university": "joint_research", "government": "funding",
        "intermediary": "standards", "user": "subscription",
    }  # fmt: skip
    defaults = {
        "initial": 6, "capacity": 12.0, "growth_rate": 0.008, "capital": 800.0, "talent": 2000.0, "knowledge": 24.0, "spread": 0.8,
        "openness": 0.15, "openness_target": 0.5, "absorptive": 0.45, "capability": 0.3, "research_intensity": 0.12, "breadth": 0.6,
    }  # fmt: skip
    rules = {"orchestrate": orchestrate}
