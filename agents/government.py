"""The government: brings policy, funds, co-ordination and public demand (S003 4.2(2); S000 4.1.3).

It spends part of what it holds, never more: grants to universities, subsidies to those who do research, support to
intermediaries, and public services for society with the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.compilation import allocation_free, compiled
from ecosim.ledger import GRANTS, INCOME, PUBLIC_SERVICES, SUBSIDIES, note_flow, note_gain, pay
from ecosim.organisation import Organisation
from ecosim.state import (
    CAPITAL,
    EXCHANGE,
    FIRM,
    INTERMEDIARY,
    POLICY_INDEX,
    SOCIETY,
    SUPPLIER,
    UNIVERSITY,
    WORLD,
    Books,
    Column,
    Environment,
    Organisations,
)

if TYPE_CHECKING:
    from ecosim.model import Ecosystem


@allocation_free
def _claim(organisations: Organisations, i: int) -> tuple[int, float]:
    """What kind of support organisation i can claim (0 grant, 1 subsidy, 2 support, -1 none), and with what weight."""
    role = organisations.role[i]
    if role == UNIVERSITY:
        return 0, organisations.talent[i]
    if role in (FIRM, SUPPLIER):
        return 1, organisations.research[i]
    if role == INTERMEDIARY:
        return 2, 1.0
    return -1, 0.0


@allocation_free
def earn(organisations: Organisations, environment: Environment, books: Books, rows: Column, p: Any) -> None:
    """Receive taxes from outside the ecosystem."""
    for i in rows:
        income = 0.25 * p.outside_revenue * organisations.talent[i] * environment.market[0]
        pay(organisations, books, WORLD, i, income, INCOME)


@allocation_free
def pay_part(
    organisations: Organisations, books: Books, i: int, j: int, amount: float, purpose: int, rate: float
) -> float:
    """Pay with `rate` of value on each unit of money, whatever of the pot the ledger would let go with it; return what was paid."""
    along = min(rate * amount, organisations.pot[i])
    kept = organisations.pot[i] - along
    organisations.pot[i] = along
    paid = pay(organisations, books, i, j, amount, purpose)
    organisations.pot[i] += kept
    return paid


@compiled
def spend(
    organisations: Organisations, environment: Environment, books: Books, rows: Column, everybody: Column, p: Any
) -> None:
    """Spend part of what it holds: by claims to members (universities by staff, others by research), the rest on society.

    All are paid in one proportion, in money and in the value that goes with it, so that no place in the order pays.
    """
    total = np.zeros(3)
    for j in everybody:
        claim, weight = _claim(organisations, j)
        if claim >= 0:
            total[claim] += weight
    shares = np.array([p.grants, p.subsidy, p.support])
    claimed = shares[total > 0.0].sum()
    left = max(0.0, 1.0 - shares.sum())
    for i in rows:
        held = organisations.capital[i]
        budget = p.spending * (0.5 + environment.level[POLICY_INDEX]) * held
        if budget * (claimed + left) > held:
            budget = held / (claimed + left)
        spent = budget * (claimed + left)
        rate = min(1.0, organisations.pot[i] / spent) if spent > 0.0 else 0.0
        for j in everybody:
            claim, weight = _claim(organisations, j)
            if claim >= 0 and total[claim] > 0.0:
                purpose = SUBSIDIES if claim == 1 else GRANTS
                part = budget * shares[claim] * weight / total[claim]
                paid = pay_part(organisations, books, i, j, part, purpose, rate)
                note_flow(organisations, books, CAPITAL, EXCHANGE, i, j, paid)
                note_gain(organisations, books, j, i, paid)
        pay_part(organisations, books, i, SOCIETY, budget * left, PUBLIC_SERVICES, rate)


def orchestrate(model: Ecosystem, rows: Column, parameters: Any) -> None:
    """What governments do when resources are committed."""
    earn(model.organisations, model.environment, model.books, rows, model.parameters["policy"])


def share_value(model: Ecosystem, rows: Column, parameters: Any) -> None:
    """What governments do with the taxes when value is shared."""
    # By role and uid, since sums must not hang on the order of rows.
    everybody = model.members_of_roles()[1]
    spend(model.organisations, model.environment, model.books, rows, everybody, model.parameters["policy"])


class Government(Organisation):
    """National and local government."""

    kinds = ("local", "national")
    community = "environment"
    chain_position = 0.5
    brings = "policy, funds, coordination, public demand"
    interfaces = {"firm": "funding", "supplier": "funding", "university": "funding", "intermediary": "funding"}
    defaults = {
        "initial": 4, "capacity": 5.0, "growth_rate": 0.0, "capital": 400.0, "talent": 400.0, "knowledge": 2.0, "spread": 0.3, "openness": 0.4,
        "research_intensity": 0.0, "breadth": 0.4,
    }  # fmt: skip
    rules = {"orchestrate": orchestrate, "share_value": share_value}
