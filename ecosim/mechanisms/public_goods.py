"""A public-goods game within each role (Cornes & Sandler 1984: impure public goods): what imitation of routines leads to.

Those whose generosity lies above a threshold contribute. With x the share of contributors in the role,

    payoff of who does not contribute   P_D = r c x
    payoff of who contributes           P_C = r c x - c + v + w x

so that P_C - P_D = (v - c) + w x: without a return of one's own (v = w = 0) nobody should contribute; a return that is
crowded out (w < 0) lets both live side by side, one that is reinforced (w > 0) has a threshold. It is there for the known
result that imitation follows the replicator equation; at a cost of 0, the default, it is not played. Payoffs are in kind:
no money moves, and while the game is played they take the place of what was earned.
"""

from __future__ import annotations

from typing import Any

from ecosim.columns import living
from ecosim.compilation import allocation_free, compiled
from ecosim.outcomes import SHARE, Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import GENEROSITY, USER, Column, Members, Organisations, State

_GAME = "game of the known result"

PARAMETERS = ParameterGroup("public_goods", __name__, {
    "cost": Parameter(0.0, 0.0, 1e4, "million CNY", "What contributing costs (c); 0: the game is not played.", _GAME),
    "multiplication": Parameter(2.0, 0.0, 100.0, "1", "What a contribution is worth to all, shared equally (r).", _GAME),
    "own_return": Parameter(0.0, 0.0, 1e4, "million CNY", "What a contributor gets for itself when it is the only one (v).", "Cornes & Sandler 1984"),
    "crowding": Parameter(0.0, -1e4, 1e4, "million CNY", "What that return changes by when all contribute (w): negative crowded out, positive reinforced.", "Cornes & Sandler 1984"),
    "threshold": Parameter(0.5, 0.0, 1.0, "level", "Generosity above which an organisation contributes.", _GAME),
})  # fmt: skip

OUTCOMES = (Outcome("contributors", SHARE, "Organisations whose generosity makes them contributors to a public good, users left out."),)  # fmt: skip


@allocation_free
def contributor_payoff(share: float, p: Any) -> float:
    """Payoff of who contributes: r c x - c + v + w x."""
    return p.multiplication * p.cost * share - p.cost + p.own_return + p.crowding * share


@allocation_free
def defector_payoff(share: float, p: Any) -> float:
    """Payoff of who does not: r c x."""
    return p.multiplication * p.cost * share


@allocation_free
def play(organisations: Organisations, members: Members, p: Any) -> None:
    """One round in each role, everybody with everybody: payoffs follow from the share of contributors."""
    starts, sorted_rows = members.starts, members.order
    for role in range(starts.size - 1):
        contributing = 0
        for position in range(starts[role], starts[role + 1]):
            contributing += 1 if organisations.routines[sorted_rows[position], GENEROSITY] > p.threshold else 0
        share = contributing / max(1, starts[role + 1] - starts[role])
        for position in range(starts[role], starts[role + 1]):
            i = sorted_rows[position]
            gives = organisations.routines[i, GENEROSITY] > p.threshold
            organisations.payoff[i] = contributor_payoff(share, p) if gives else defector_payoff(share, p)


@compiled
def outcomes(state: State, numbers: Any, step: int, out: Column) -> None:
    """Write the share of contributors into `out`, (outcomes,)."""
    organisations, contributing, working = state.organisations, 0, 0
    for i in living(organisations.alive, state.slots):
        if organisations.role[i] != USER:
            working += 1
            contributing += 1 if organisations.routines[i, GENEROSITY] > numbers.public_goods.threshold else 0
    out[0] = contributing / max(1, working)
