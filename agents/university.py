"""The university: brings basic knowledge and talent (S001 research community; S003 4.2(1)).

It teaches, so that talent looks for work, and lets partners with whom it shares take graduates first; it does research with grants and contracts, in all domains it serves; and
its staff delivers the research that firms contract out. An ICT academy is a platform too: it trains its members
(`pooling`), and all its graduates may go to its partners.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.columns import living
from ecosim.compilation import allocation_free, compiled
from ecosim.mechanisms.orchestration import do_research, make_services
from ecosim.mechanisms.secondment import place_graduates
from ecosim.organisation import Organisation
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import TALENT_INDEX, Books, Column, Environment, Organisations, State

PARAMETERS = ParameterGroup("university", __name__, {
    "teaching": Parameter(0.12, 0.0, 2.0, "graduates a person-year and quarter", "Graduates that a person-year of staff teaches at a talent index of 0.5.", "assumption"),
    "research_share": Parameter(0.4, 0.0, 1.0, "share of funds", "What of its funds a university spends on research.", "assumption"),
    "wage_share": Parameter(0.5, 0.0, 1.0, "share of funds", "What of its funds a university plans to spend on its staff.", "assumption"),
})  # fmt: skip


KINDS = ("university", "research institute", "ICT academy")
ICT_ACADEMY = 2


@allocation_free
def teach_and_research(
    organisations: Organisations,
    environment: Environment,
    books: Books,
    rows: Column,
    graduates: Column,
    p: Any,
    common: Any,
) -> None:
    """Teach, do research, make research services, open vacancies."""
    for i in rows:
        graduates[i] = p.teaching * organisations.talent[i] * (0.5 + environment.level[TALENT_INDEX])
        books.made[0] += graduates[i]
        environment.seekers[0] += graduates[i]
        make_services(organisations, environment, books, i, common)
        funds = 0.15 * organisations.capital[i] + organisations.revenue_trend[i]
        research = min(p.research_share * funds, organisations.capital[i])
        do_research(organisations, environment, books, i, research, common)
        organisations.vacancies[i] = p.wage_share * funds / (0.25 * environment.wage[0]) - organisations.talent[i]
        organisations.wages_due[i] = research + 0.25 * environment.wage[0] * organisations.talent[i]


@allocation_free
def reserve(organisations: Organisations, graduates: Column, rows: Column, placed: float, academies: bool) -> None:
    """Keep of the graduates those that partners may take first: a part, of an academy all."""
    for i in rows:
        if not (academies and organisations.kind[i] == ICT_ACADEMY):
            graduates[i] *= placed


@compiled
def orchestrate(state: State, numbers: Any, rows: Column, parameters: Any, seed: int, step: int) -> bool:
    """What universities do with their resources in a quarter."""
    organisations, common = state.organisations, numbers.orchestration
    graduates = np.zeros(state.slots.state[1])
    teach_and_research(organisations, state.environment, state.books, rows, graduates, parameters, common)
    if numbers.rules.open_sharing:
        reserve(organisations, graduates, rows, numbers.secondment.placed, numbers.rules.intermediation)
        place_graduates(organisations, state.ties, state.environment, state.books, graduates,
                        living(state.ties.alive, state.tie_slots), common.hiring_speed)  # fmt: skip
    return True


class University(Organisation):
    """Universities, research institutes, ICT academies."""

    kinds = KINDS
    community = "research"
    chain_position = 0.05
    brings = "basic knowledge, talent"
    parameters = PARAMETERS
    interfaces = {
        "firm": "joint_research", "supplier": "joint_research", "university": "joint_research", "government": "funding",
        "intermediary": "standards",
    }  # fmt: skip
    defaults = {
        "initial": 10, "capacity": 18.0, "growth_rate": 0.005, "capital": 80.0, "talent": 300.0, "knowledge": 16.0, "spread": 0.4,
        "openness": 0.6, "openness_target": 0.8, "protection": 0.2, "breadth": 0.4, "research_intensity": 0.3,
    }  # fmt: skip
    rules = {"orchestrate": orchestrate}
