"""Learning (S000 5; S003 Table 1): capabilities grow by use and fade unused; routines are imitated and mutate.

Imitation is pairwise proportional: i looks at one other of its role and takes over its routines with a chance
proportional to how much better that one does, so that the mean field is the replicator equation (Schlag 1998).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.compilation import allocation_free, compiled
from ecosim.draws import IMITATION_CHOICE, IMITATION_PARTNER, MUTATION, normal, uniform
from ecosim.mechanisms.co_creation import used_capabilities
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    CO_CREATION,
    CO_SHARING,
    IMITATION,
    ORCHESTRATION,
    PERCEPTION,
    Column,
    Organisations,
)

if TYPE_CHECKING:
    from ecosim.model import Ecosystem

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("learning", __name__, {
    "gain": Parameter(0.02, 0.0, 1.0, "1/quarter", "Part of what is missing that a quarter of full use adds to a capability.", _ASSUMED),
    "fading": Parameter(0.01, 0.0, 1.0, "1/quarter", "Part of a capability that a quarter without use takes.", _ASSUMED),
    "imitation_rate": Parameter(0.10, 0.0, 1.0, "1/quarter", "Chance to look at another's routines in a quarter, at full readiness.", "S003 Table 1"),
    "mutation_rate": Parameter(0.02, 0.0, 1.0, "1/quarter", "Chance that a routine changes by itself in a quarter.", "S003 Table 1: mutation"),
    "mutation_size": Parameter(0.2, 0.0, 2.0, "1", "Standard deviation of the logarithm of such a change.", _ASSUMED),
})  # fmt: skip


def learn(model: Ecosystem) -> None:
    """Capabilities follow use; routines are imitated from better performers and mutate."""
    organisations, settings = model.organisations, model.parameters["learning"]
    used = used_capabilities(model.projects, model.project_rows, len(organisations.uid))
    exercise(organisations, model.rows, used, settings)
    seen = organisations.routines if model.sequential else organisations.routines.copy()
    imitate(organisations, seen, model.members_of_roles(), model.order, settings, model.seed, model.step_number)
    mutate(organisations, model.rows, settings, model.seed, model.step_number)


@allocation_free
def exercised(level: float, use: float, gain: float, fading: float) -> float:
    """Level after a quarter: c + gain * use * (1 - c) - fading * (1 - use) * c."""
    return level + gain * use * (1.0 - level) - fading * (1.0 - use) * level


@compiled
def exercise(organisations: Organisations, rows: Column, used: Column, p: Any) -> None:
    """Perception is used by who gets information, orchestration by who does research, co-creation by projects, co-sharing by giving.

    The capabilities of search, fusion and development are used in the phase of a project that needs them.
    """
    use = np.empty(4)
    for i in rows:
        use[PERCEPTION] = organisations.information[i] / (1.0 + organisations.information[i])
        use[ORCHESTRATION] = 1.0 if organisations.research[i] > 0.0 else 0.0
        use[CO_CREATION] = organisations.active[i] / (1.0 + organisations.active[i])
        use[CO_SHARING] = 1.0 if organisations.programme[i] > 0.02 * organisations.surplus[i] else 0.0
        for k in range(4):
            organisations.capabilities[i, k] = exercised(organisations.capabilities[i, k], use[k], p.gain, p.fading)
        for k in range(9):
            organisations.knowledge_capabilities[i, k] = exercised(
                organisations.knowledge_capabilities[i, k], used[i, k // 3], p.gain, p.fading
            )


@compiled
def imitate(
    organisations: Organisations,
    seen: Column,
    members: tuple[Column, Column],
    order: Column,
    p: Any,
    seed: int,
    step: int,
) -> None:
    """Take over all routines of one other of the role with chance (payoff difference) / (sum of sizes), if that is positive."""
    starts, sorted_rows = members
    for i in order:
        uid = organisations.uid[i]
        role = organisations.role[i]
        peers = starts[role + 1] - starts[role]
        if uniform(seed, IMITATION_PARTNER, step, uid, 0) >= p.imitation_rate * seen[i, IMITATION]:
            continue
        j = sorted_rows[starts[role] + int(uniform(seed, IMITATION_PARTNER, step, uid, 1) * peers)]
        size = abs(organisations.payoff[i]) + abs(organisations.payoff[j])
        if (
            size > 0.0
            and uniform(seed, IMITATION_CHOICE, step, uid, 0)
            < (organisations.payoff[j] - organisations.payoff[i]) / size
        ):
            organisations.routines[i] = seen[j]


@allocation_free
def mutate(organisations: Organisations, rows: Column, p: Any, seed: int, step: int) -> None:
    """Multiply each routine by a lognormal factor with the mutation rate, up to 1: what is small changes by little."""
    for i in rows:
        uid = organisations.uid[i]
        for k in range(organisations.routines.shape[1]):
            if uniform(seed, MUTATION, step, uid, 2 * k) < p.mutation_rate:
                moved = organisations.routines[i, k] * np.exp(
                    p.mutation_size * normal(seed, MUTATION, step, uid, 2 * k + 1)
                )
                organisations.routines[i, k] = min(1.0, moved)
