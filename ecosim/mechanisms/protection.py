"""Management of intellectual property (S001 5.1): organisations protect what leaks.

Protection makes willing to share, since what is protected leaks less (P22), but also cuts what passes to partners: a
protected element needs a licence to be used. It costs money to build and lapses.
"""

from __future__ import annotations

from typing import Any

from ecosim.columns import living
from ecosim.compilation import allocation_free, compiled
from ecosim.ledger import UPKEEP, pay
from ecosim.outcomes import LEVEL, Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import HOUSEHOLDS, Books, Column, Organisations, State

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("protection", __name__, {
    "response": Parameter(0.2, 0.0, 1.0, "1/quarter", "Part of what is unprotected that an organisation protects in a quarter in which everything leaks.", "S001 5.1: IP management answers leakage (P22)"),
    "lapse": Parameter(0.01, 0.0, 1.0, "1/quarter", "Part of protection that lapses in a quarter.", "patents last 20 years at most, most are given up earlier"),
    "cost": Parameter(0.02, 0.0, 1.0, "share of replacement cost", "What it costs to protect all that is known.", _ASSUMED),
    "flow_cut": Parameter(0.3, 0.0, 1.0, "share", "Part of what an organisation opens that full protection keeps from partners and members.", "S001 5.1; patents slow the use by others: Murray and Stern 2007"),
    "standards_ease": Parameter(0.5, 0.0, 5.0, "1", "How much faster members of a standards body protect what they know.", "S001 5.3: membership eases patenting and standardisation (P26)"),
})  # fmt: skip

OUTCOMES = (Outcome("mean_protection", LEVEL, "Mean protection of intellectual property over organisations."),)


@compiled
def outcomes(state: State, numbers: Any, step: int, out: Column) -> None:
    """Write the mean of protection as it counts, 0 where intellectual property is not managed, into `out`, (outcomes,)."""
    if numbers.rules.protection:
        rows = living(state.organisations.alive, state.slots)
        for i in rows:
            out[0] += state.organisations.protection[i] / rows.size


@allocation_free
def passed_on(openness: float, protection: float, flow_cut: float) -> float:
    """Part of what it knows that reaches partners and members: o * (1 - cut * P)."""
    return openness * (1.0 - flow_cut * protection)


@allocation_free
def protect(organisations: Organisations, books: Books, i: int, eased: bool, knowledge_cost: float, p: Any) -> None:
    """Answer last quarter's leakage: P <- P + r * (1 + ease) * leaked * (1 - P) * paid / cost - lapse * P.

    Parameters
    ----------
    eased : whether the organisation is a member of a standards body.
    """
    ease = 1.0 + (p.standards_ease if eased else 0.0)
    wanted = min(1.0, p.response * ease * organisations.leaked[i]) * (1.0 - organisations.protection[i])
    cost = p.cost * wanted * knowledge_cost * organisations.knowledge[i].sum()
    paid = pay(organisations, books, i, HOUSEHOLDS, cost, UPKEEP)
    afforded = paid / cost if cost > 0.0 else 1.0
    organisations.protection[i] += wanted * afforded - p.lapse * organisations.protection[i]
