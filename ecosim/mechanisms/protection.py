"""Management of intellectual property (S001 5.1): organisations protect what leaks.

Protection makes willing to share, since what is protected leaks less (P22), but also cuts what passes to partners: a
protected element needs a licence to be used. It costs money to build and lapses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecosim.compilation import allocation_free
from ecosim.ledger import UPKEEP, pay
from ecosim.outcomes import LEVEL, Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import HOUSEHOLDS, Books, Column, Organisations

if TYPE_CHECKING:
    from ecosim.model import Ecosystem

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("protection", __name__, {
    "response": Parameter(0.2, 0.0, 1.0, "1/quarter", "Part of what is unprotected that an organisation protects in a quarter in which everything leaks.", "S001 5.1: IP management answers leakage (P22)"),
    "lapse": Parameter(0.01, 0.0, 1.0, "1/quarter", "Part of protection that lapses in a quarter.", "patents last 20 years at most, most are given up earlier"),
    "cost": Parameter(0.02, 0.0, 1.0, "share of replacement cost", "What it costs to protect all that is known.", _ASSUMED),
    "flow_cut": Parameter(0.3, 0.0, 1.0, "share", "Part of what an organisation opens that full protection keeps from partners and members.", "S001 5.1; patents slow the use by others: Murray and Stern 2007"),
    "standards_ease": Parameter(0.5, 0.0, 5.0, "1", "How much faster members of a standards body protect what they know.", "S001 5.3: membership eases patenting and standardisation (P26)"),
})  # fmt: skip

OUTCOMES = (Outcome("mean_protection", LEVEL, "Mean protection of intellectual property over organisations."),)


def outcomes(model: Ecosystem) -> tuple[float, ...]:
    """Return the mean of protection as it counts: 0 where intellectual property is not managed."""
    rows = model.rows
    managed = model.rules["protection"] and len(rows) > 0
    return (float(model.organisations.protection[rows].mean()) if managed else 0.0,)


@allocation_free
def passed_on(openness: float, protection: float, flow_cut: float) -> float:
    """Part of what it knows that reaches partners and members: o * (1 - cut * P)."""
    return openness * (1.0 - flow_cut * protection)


@allocation_free
def _protect(
    organisations: Organisations, books: Books, rows: Column, eased: Column, knowledge_cost: float, p: Any
) -> None:
    """Answer last quarter's leakage: P <- P + r * (1 + ease) * leaked * (1 - P) * paid / cost - lapse * P.

    Parameters
    ----------
    eased : (rows,) whether an organisation is a member of a standards body.
    """
    for i in rows:
        ease = 1.0 + (p.standards_ease if eased[i] else 0.0)
        wanted = min(1.0, p.response * ease * organisations.leaked[i]) * (1.0 - organisations.protection[i])
        cost = p.cost * wanted * knowledge_cost * organisations.knowledge[i].sum()
        paid = pay(organisations, books, i, HOUSEHOLDS, cost, UPKEEP)
        afforded = paid / cost if cost > 0.0 else 1.0
        organisations.protection[i] += wanted * afforded - p.lapse * organisations.protection[i]
