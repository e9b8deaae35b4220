"""The government: brings policy, funds, co-ordination and public demand (S003 4.2(2); S000 4.1.3).

It spends part of what it holds, never more: grants to universities, subsidies to those who do research, support to
intermediaries, and public services for society with the rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.columns import everybody
from ecosim.compilation import allocation_free, compiled
from ecosim.ledger import GRANTS, INCOME, PUBLIC_SERVICES, SUBSIDIES, note_flow, note_gain, pay, pay_together
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
    State,
)


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


@compiled
def _plan(organisations: Organisations, rows: Column, p: Any, policy: float, planned: float) -> tuple[Column, Column]:
    """Budget of each government, of which the part `planned` will be spent, and value that goes with each unit of money.

    The value is the same on each unit, whatever of the pot the ledger would let go with it.
    """
    budgets, rates = np.zeros(rows.size), np.zeros(rows.size)
    for position in range(rows.size):
        held = organisations.capital[rows[position]]
        budget = p.spending * (0.5 + policy) * held
        if budget * planned > held:
            budget = held / planned
        spent = budget * planned
        budgets[position] = budget
        rates[position] = min(1.0, organisations.pot[rows[position]] / spent) if spent > 0.0 else 0.0
    return budgets, rates


@compiled
def spend(
    organisations: Organisations, environment: Environment, books: Books, rows: Column, members: Column, p: Any
) -> None:
    """Spend part of what it holds: by claims to members (universities by staff, others by research), the rest on society.

    All are paid in one proportion, in money and in the value that goes with it, so that no place in the order pays.
    """
    claims, weights, total = np.empty(members.size, np.int64), np.empty(members.size), np.zeros(3)
    for position in range(members.size):
        claims[position], weights[position] = _claim(organisations, members[position])
        if claims[position] >= 0:
            total[claims[position]] += weights[position]
    shares = np.array([p.grants, p.subsidy, p.support])
    left = max(0.0, 1.0 - shares.sum())
    budgets, rates = _plan(organisations, rows, p, environment.level[POLICY_INDEX], shares[total > 0.0].sum() + left)
    for claim in range(3):
        if total[claim] > 0.0 and rows.size > 0:
            takers, parts = members[claims == claim], weights[claims == claim] / total[claim]
            purpose = SUBSIDIES if claim == 1 else GRANTS
            paid = pay_together(organisations, books, rows, shares[claim] * budgets, rates, takers, parts, purpose)
            for position in range(takers.size):
                note_flow(organisations, books, CAPITAL, EXCHANGE, rows[0], takers[position], parts[position] * paid)
                note_gain(organisations, books, takers[position], rows[0], parts[position] * paid)
    for position in range(rows.size):
        i = rows[position]
        amount = budgets[position] * left
        along = min(rates[position] * amount, organisations.pot[i])
        kept = organisations.pot[i] - along
        organisations.pot[i] = along
        pay(organisations, books, i, SOCIETY, amount, PUBLIC_SERVICES)
        organisations.pot[i] += kept


@allocation_free
def orchestrate(state: State, numbers: Any, rows: Column, parameters: Any, seed: int, step: int) -> bool:
    """What governments do when resources are committed."""
    earn(state.organisations, state.environment, state.books, rows, numbers.policy)
    return True


@compiled
def share_value(state: State, numbers: Any, rows: Column, parameters: Any, seed: int, step: int) -> bool:
    """What governments do with the taxes when value is shared."""
    # By role and uid, since sums must not hang on the order of rows.
    members = everybody(state.members)
    spend(state.organisations, state.environment, state.books, rows, members, numbers.policy)
    return True


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
