"""The intermediary: brings matching, services, pooled knowledge and capital (S003 4.2(2); S001 5.3).

Its kinds do different things: a technology intermediary matches and lends, finance lends; a standards body, an industrial
alliance and an open-source community each are a platform on which members pool what they know (`platforms`, `pooling`).
"""

from __future__ import annotations

from typing import Any

from ecosim.columns import living
from ecosim.compilation import allocation_free, compiled
from ecosim.ledger import LOANS, note_flow, pay
from ecosim.organisation import Organisation
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import CAPITAL, EXCHANGE, INTERMEDIARY, Books, Column, Environment, Organisations, State, Ties

PARAMETERS = ParameterGroup("intermediary", __name__, {
    "lending": Parameter(0.10, 0.0, 1.0, "share of capital", "What an intermediary lends to one partner at most.", "assumption"),
    "shortage": Parameter(2.0, 0.0, 40.0, "quarters of cost", "A partner with less capital than so many quarters of wages can borrow.", "assumption"),
})  # fmt: skip


KINDS = ("technology intermediary", "standards body", "industrial alliance", "open-source community", "finance")
TECHNOLOGY_INTERMEDIARY, FINANCE = 0, 4


@allocation_free
def plan_wages(organisations: Organisations, environment: Environment, rows: Column) -> None:
    """Staff costs its wage."""
    for i in rows:
        organisations.wages_due[i] = 0.25 * environment.wage[0] * organisations.talent[i]


@allocation_free
def lends(organisations: Organisations, i: int) -> bool:
    """Whether an organisation lends: finance and technology intermediaries do."""
    kind = organisations.kind[i]
    return organisations.role[i] == INTERMEDIARY and kind in (FINANCE, TECHNOLOGY_INTERMEDIARY)


@allocation_free
def lend(organisations: Organisations, ties: Ties, books: Books, tie_rows: Column, p: Any) -> None:
    """Lend over ties to partners that are short of capital, one loan a tie at a time."""
    for t in tie_rows:
        lender, borrower = ties.a[t], ties.b[t]
        sign = 1.0
        if not lends(organisations, lender):
            lender, borrower, sign = borrower, lender, -1.0
        if not lends(organisations, lender) or organisations.role[borrower] == INTERMEDIARY or ties.loan[t] != 0.0:
            continue
        need = p.shortage * organisations.wages_due[borrower] - organisations.capital[borrower]
        if need > 0.0:
            lent = pay(
                organisations, books, lender, borrower, min(need, p.lending * organisations.capital[lender]), LOANS
            )
            ties.loan[t] = sign * lent
            ties.volume[t] += lent
            note_flow(organisations, books, CAPITAL, EXCHANGE, lender, borrower, lent)


@compiled
def orchestrate(state: State, numbers: Any, rows: Column, parameters: Any, seed: int, step: int) -> bool:
    """What intermediaries do with their resources in a quarter."""
    plan_wages(state.organisations, state.environment, rows)
    if numbers.rules.intermediation:
        lend(state.organisations, state.ties, state.books, living(state.ties.alive, state.tie_slots), parameters)
    return True


class Intermediary(Organisation):
    """Technology intermediaries, standards bodies, alliances, open-source communities, finance."""

    kinds = KINDS
    community = "environment"
    chain_position = 0.5
    brings = "matching, services, pooled knowledge, capital"
    parameters = PARAMETERS
    interfaces = {
        "firm": "standards",
        "supplier": "funding",
        "university": "standards",
        "government": "funding",
        "user": "standards",
    }
    defaults = {
        "initial": 5, "capacity": 16.0, "growth_rate": 0.015, "capital": 100.0, "talent": 40.0, "knowledge": 4.0, "spread": 0.4, "openness": 0.7,
        "openness_target": 0.8, "breadth": 0.8, "research_intensity": 0.02,
    }  # fmt: skip
    rules = {"orchestrate": orchestrate}
