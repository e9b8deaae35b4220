"""Obligations: what is due before anything is shared: wages, contracts, loans, taxes (the parameters are those of value sharing)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.compilation import allocation_free, compiled
from ecosim.ledger import CONTRACTS, REPAYMENT, TAXES, WAGES, hand_over, note_gain, pay, pay_each
from ecosim.state import FIRM, GOVERNMENT, HOUSEHOLDS, Books, Column, Organisations, Ties


@allocation_free
def pay_wages(organisations: Organisations, books: Books, rows: Column) -> None:
    """Pay wages as far as there is capital; who cannot is in distress."""
    for i in rows:
        paid = pay(organisations, books, i, HOUSEHOLDS, organisations.wages_due[i], WAGES)
        organisations.distress[i] = organisations.distress[i] + 1 if paid < 0.999 * organisations.wages_due[i] else 0
        organisations.net[i] -= paid


@allocation_free
def pay_partners(organisations: Organisations, ties: Ties, books: Books, tie_rows: Column, p: Any) -> None:
    """Pay for what was delivered, and interest and repayment on loans; what is not paid is a promise broken."""
    for t in tie_rows:
        if ties.owed[t] != 0.0:
            buyer, seller = (ties.a[t], ties.b[t]) if ties.owed[t] > 0.0 else (ties.b[t], ties.a[t])
            paid = pay(organisations, books, buyer, seller, abs(ties.owed[t]), CONTRACTS)
            ties.promised[t] += abs(ties.owed[t])
            ties.kept[t] += paid
            organisations.revenue[seller] += paid
            organisations.net[buyer] -= paid
            organisations.net[seller] += paid
        if ties.loan[t] != 0.0:
            lender, borrower = (ties.a[t], ties.b[t]) if ties.loan[t] > 0.0 else (ties.b[t], ties.a[t])
            debt = abs(ties.loan[t])
            due = (p.interest + p.repayment) * debt
            paid = pay(organisations, books, borrower, lender, due, REPAYMENT)
            back = min(debt, max(0.0, paid - p.interest * debt))
            left = debt - back if debt - back > 1e-6 else 0.0
            ties.loan[t] = left if ties.loan[t] > 0.0 else -left
            ties.promised[t] += due
            ties.kept[t] += paid
            ties.volume[t] += paid
            note_gain(organisations, books, lender, borrower, min(paid, p.interest * debt))


@compiled
def pay_taxes(organisations: Organisations, books: Books, rows: Column, governments: Column, rate: float) -> None:
    """Tax on revenue less wages and contracts, the same part to each government; what is left is the surplus."""
    held = np.zeros((4, governments.size + 1))
    for i in rows:
        if organisations.role[i] == GOVERNMENT:
            continue
        left = max(0.0, organisations.revenue[i] + min(0.0, organisations.net[i]))
        if organisations.role[i] != FIRM:
            left = max(0.0, organisations.net[i])
        organisations.surplus[i] = left
        if governments.size > 0:
            paid = pay_each(organisations, books, i, governments, rate * left / governments.size, TAXES, held)
            organisations.net[i] -= paid
            note_gain(organisations, books, governments[0], i, paid)
            organisations.surplus[i] = left * (1.0 - rate)
    hand_over(organisations, governments, held)
