"""Product generations (S001 1, 4 and 5.3): after integration, each success brings out a product, against a moving frontier.

Outside, products move on at a steady rate. Who is behind follows more easily than who leads (S001 1: follow, keep pace,
lead, P48): the hazard of the next generation rises with the distance to the frontier.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.columns import members_of
from ecosim.compilation import allocation_free, compiled
from ecosim.ledger import note_event
from ecosim.mechanisms.components import INTEGRATION, count_usable, usable
from ecosim.outcomes import COUNT, Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import FIRM, GENERATION, Column, Environment, Events, Organisations, State, Technology

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("product_generations", __name__, {
    "difficulty": Parameter(3.0, 0.01, 1000.0, "firm-years of median R&D", "Difficulty of the first product generation after integration.", "chip releases 2009-2020 about a year apart"),
    "harder": Parameter(0.08, 0.0, 10.0, "1/generation", "How much more difficult each generation is than the one before.", "research needed for a given advance rises: Bloom, Jones, Van Reenen & Webb 2020, American Economic Review 110(4)"),
    "catch_up": Parameter(0.1, 0.0, 10.0, "1/generation", "How much each generation behind the frontier raises the hazard of the next.", "S001 1: following is easier than leading (P48); " + _ASSUMED),
    "frontier": Parameter(0.0, 0.0, 1000.0, "generations", "Product generation of the frontier outside at the start.", "scenario"),
    "frontier_growth": Parameter(0.3, 0.0, 100.0, "generations/year", "How fast the frontier outside moves on.", "S001 1, 3.2: 2G to 5G in three decades (P48, P49)"),
})  # fmt: skip

OUTCOMES = (
    Outcome("product_frontier", "generations", "Product generation of the frontier outside."),
    Outcome("frontier_gap", "generations", "The core firm's product generation less that of the frontier; below 0 it follows."),
    Outcome("release_age", "quarters", "Quarters since the core firm's last product, the integration counted; 0 before it."),
    Outcome("components_usable", COUNT, "Components that the core firm can use: mastered or licensed."),
)  # fmt: skip


@compiled
def outcomes(state: State, numbers: Any, step: int, out: Column) -> None:
    """Write the values of `OUTCOMES` into `out`, (outcomes,); of several core firms the one furthest on counts."""
    organisations, technology, firms = state.organisations, state.technology, members_of(state.members, FIRM)
    focal = firms[organisations.focal[firms]]
    out[0] = state.environment.product_frontier[0]
    out[1] = -out[0]
    if focal.size == 0 or technology.difficulty.size == 0:
        return
    first = focal[np.argmax(organisations.generation[focal])]
    out[1] += organisations.generation[first]
    if technology.released[first] >= 0:
        out[2] = step - technology.released[first]
    for i in focal:
        out[3] = max(out[3], count_usable(technology, i))


@allocation_free
def move_frontier(environment: Environment, p: Any) -> None:
    """The frontier outside moves on by a quarter of its yearly rate."""
    environment.product_frontier[0] += 0.25 * p.frontier_growth


@allocation_free
def can_release(technology: Technology, i: int) -> bool:
    """Whether firm i has mastered integration and can still use all that it requires."""
    integrated = False
    for c in range(technology.difficulty.size):
        if technology.tier[c] == INTEGRATION:
            if not technology.mastered[i, c] or not usable(technology, i, c):
                return False
            integrated = True
    return integrated


@allocation_free
def generation_difficulty(first: float, generation: int, harder: float) -> float:
    """Difficulty of the next generation: that of the first * (1 + harder)^generation."""
    return first * (1.0 + harder) ** generation


@allocation_free
def following(frontier: float, generation: int, catch_up: float) -> float:
    """How much easier the next generation is for who is behind: 1 + catch_up * max(0, frontier - generation)."""
    return 1.0 + catch_up * max(0.0, frontier - generation)


@allocation_free
def release(organisations: Organisations, technology: Technology, events: Events, i: int, step: int) -> None:
    """Bring out the next generation."""
    organisations.generation[i] += 1
    technology.released[i] = step
    note_event(events, GENERATION, organisations.uid[i], -1, organisations.generation[i])


@compiled
def technology_offered(organisations: Organisations, technology: Technology, firms: Column) -> Column:
    """Components that each firm can use, plus its product generations while it can make them, (rows up to the last firm's,).

    A product that lacks a component that it needs cannot be made, whoever refused it (S003 1: the neck that is stuck).
    """
    offered = np.zeros(firms.max() + 1 if firms.size > 0 else 0)
    for i in firms:
        offered[i] = count_usable(technology, i)
        if organisations.generation[i] > 0 and can_release(technology, i):
            offered[i] += organisations.generation[i]
    return offered
