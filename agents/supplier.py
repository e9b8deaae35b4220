"""The supplier: brings components, services and process knowledge (S001 5.1: component suppliers, processing enterprises).

It makes services with its talent, delivers what firms ordered, and puts part of what it earns into research.
"""

from __future__ import annotations

from typing import Any

from ecosim.compilation import allocation_free
from ecosim.mechanisms.orchestration import do_research, make_services, service_rate
from ecosim.organisation import Organisation
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import ORCHESTRATION, RESEARCH_INTENSITY, Books, Column, Environment, Organisations, State

PARAMETERS = ParameterGroup("supplier", __name__, {
    "wage_share": Parameter(0.6, 0.0, 0.95, "share of expected revenue", "What a supplier plans to spend on its staff.", "assumption"),
    "ahead": Parameter(1.1, 0.5, 3.0, "1", "Capacity that a supplier builds, over what was ordered of it last quarter.", "assumption"),
    "stretch": Parameter(3.0, 1.0, 10.0, "1", "How far beyond its plan a supplier staffs up for orders it has.", "assumption"),
})  # fmt: skip


@allocation_free
def produce(
    organisations: Organisations, environment: Environment, books: Books, rows: Column, p: Any, common: Any
) -> None:
    """Make services, do research, open vacancies."""
    for i in rows:
        make_services(organisations, environment, books, i, common)
        budget = organisations.revenue_trend[i] + 0.25 * common.affordable * organisations.capital[i]
        research = organisations.routines[i, RESEARCH_INTENSITY] * budget
        do_research(organisations, environment, books, i, research, common)
        orchestration = common.capability_effect * organisations.capabilities[i, ORCHESTRATION]
        rate = service_rate(environment.wage[0], orchestration, common.service_output)
        affordable = p.wage_share * budget / (0.25 * environment.wage[0])
        wanted = p.ahead * organisations.ordered[i] / rate
        organisations.vacancies[i] = max(affordable, min(wanted, p.stretch * affordable)) - organisations.talent[i]
        organisations.wages_due[i] = research + 0.25 * environment.wage[0] * organisations.talent[i]


@allocation_free
def orchestrate(state: State, numbers: Any, rows: Column, parameters: Any, seed: int, step: int) -> bool:
    """What suppliers do with their resources in a quarter."""
    produce(state.organisations, state.environment, state.books, rows, parameters, numbers.orchestration)
    return True


class Supplier(Organisation):
    """Component suppliers and processing enterprises."""

    kinds = ("component supplier", "processing enterprise")
    community = "development"
    chain_position = 0.35
    brings = "components, services, process knowledge"
    parameters = PARAMETERS
    interfaces = {
        "firm": "supply",
        "supplier": "contract",
        "university": "joint_research",
        "government": "funding",
        "intermediary": "funding",
    }
    defaults = {
        "initial": 25, "capacity": 70.0, "growth_rate": 0.015, "capital": 60.0, "talent": 300.0, "knowledge": 6.0, "research_intensity": 0.05,
        "openness": 0.15, "breadth": 0.3,
    }  # fmt: skip
    rules = {"orchestrate": orchestrate}
