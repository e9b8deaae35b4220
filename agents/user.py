"""The user: brings demand, revenue, information and scenario data (S003 4.2(3): start and end of innovation).

Consumer groups, operators, enterprise users, developers. Its income comes from outside; what it buys, from whom, and
what it tells stands in the mechanism of adoption.
"""

from __future__ import annotations

from typing import Any

from ecosim.compilation import allocation_free
from ecosim.ledger import INCOME, pay
from ecosim.mechanisms.adoption import spending_power
from ecosim.organisation import Organisation
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import ECONOMY_INDEX, WORLD, Books, Column, Environment, Organisations, State

PARAMETERS = ParameterGroup("user", __name__, {
    "budget": Parameter(100.0, 0.0, 1e5, "million CNY a quarter", "What the median user spends once it has adopted, at the market size of the start and an economy of 0.5.", "about 14 bn CNY a year in all: an industry of Huawei's size in 1998 with its rivals"),
})  # fmt: skip


@allocation_free
def earn(organisations: Organisations, environment: Environment, books: Books, rows: Column) -> None:
    """Receive from outside what the quarter's purchases cost, up to two quarters' worth."""
    for i in rows:
        means = spending_power(organisations.budget[i], environment.market[0], environment.level[ECONOMY_INDEX])
        pay(organisations, books, WORLD, i, max(0.0, 2.0 * means - organisations.capital[i]), INCOME)


@allocation_free
def orchestrate(state: State, numbers: Any, rows: Column, parameters: Any, seed: int, step: int) -> bool:
    """What users do with their resources in a quarter."""
    earn(state.organisations, state.environment, state.books, rows)
    return True


class User(Organisation):
    """Consumer groups, operators, enterprise users, developers."""

    kinds = ("consumer group", "operator", "enterprise user", "developer")
    community = "application"
    chain_position = 0.95
    brings = "demand, revenue, information, scenario data"
    parameters = PARAMETERS
    interfaces = {"firm": "subscription", "intermediary": "standards"}
    defaults = {
        "initial": 60, "capacity": 130.0, "growth_rate": 0.012, "capital": 60.0, "talent": 10.0, "knowledge": 2.0, "openness": 0.3,
        "research_intensity": 0.0, "breadth": 0.15,
    }  # fmt: skip
    rules = {"orchestrate": orchestrate}
