"""The university: brings basic knowledge and talent (S001 research community; S003 4.2(1)).

It teaches, so that talent looks for work; it does research with grants and contracts, in all domains it serves; and
its staff delivers the research that firms contract out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecosim.compilation import allocation_free
from ecosim.mechanisms.orchestration import do_research, make_services
from ecosim.organisation import Organisation
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import TALENT_INDEX, Books, Column, Environment, Organisations

if TYPE_CHECKING:
    from ecosim.model import Ecosystem

PARAMETERS = ParameterGroup("university", __name__, {
    "teaching": Parameter(0.12, 0.0, 2.0, "graduates a person-year and quarter", "Graduates that a person-year of staff teaches at a talent index of 0.5.", "assumption"),
    "research_share": Parameter(0.4, 0.0, 1.0, "share of funds", "What of its funds a university spends on research.", "assumption"),
    "wage_share": Parameter(0.5, 0.0, 1.0, "share of funds", "What of its funds a university plans to spend on its staff.", "assumption"),
})  # fmt: skip


@allocation_free
def teach_and_research(
    organisations: Organisations, environment: Environment, books: Books, rows: Column, p: Any, common: Any
) -> None:
    """Teach, do research, make research services, open vacancies."""
    for i in rows:
        graduates = p.teaching * organisations.talent[i] * (0.5 + environment.level[TALENT_INDEX])
        books.made[0] += graduates
        environment.seekers[0] += graduates
        make_services(organisations, environment, books, i, common)
        funds = 0.15 * organisations.capital[i] + organisations.revenue_trend[i]
        research = min(p.research_share * funds, organisations.capital[i])
        do_research(organisations, environment, books, i, research, common)
        organisations.vacancies[i] = p.wage_share * funds / (0.25 * environment.wage[0]) - organisations.talent[i]
        organisations.wages_due[i] = research + 0.25 * environment.wage[0] * organisations.talent[i]


def orchestrate(model: Ecosystem, rows: Column, parameters: Any) -> None:
    """What universities do with their resources in a quarter."""
    teach_and_research(
        model.organisations, model.environment, model.books, rows, parameters, model.parameters["orchestration"]
    )


class University(Organisation):
    """Universities and research institutes."""

    kinds = ("university", "research institute")
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
