"""Learning (S000 5; S003 Table 1): what organisations can do follows use, what they are wont to do evolves.

Capabilities stand in `dynamic_capabilities`, routines and the operators that change them in `evolution`.
"""

from __future__ import annotations

from typing import Any

from ecosim.columns import living
from ecosim.compilation import compiled
from ecosim.mechanisms.co_creation import used_capabilities
from ecosim.mechanisms.dynamic_capabilities import exercise
from ecosim.mechanisms.evolution import evolve
from ecosim.mechanisms.public_goods import play
from ecosim.state import State


@compiled
def learn(state: State, numbers: Any, seed: int, step: int) -> bool:
    """Capabilities follow use; routines are imitated from better performers, cross between partners, and mutate."""
    organisations = state.organisations
    rows, project_rows = living(organisations.alive, state.slots), living(state.projects.alive, state.project_slots)
    used = used_capabilities(state.projects, project_rows, state.slots.state[1])
    exercise(organisations, rows, used, numbers.dynamic_capabilities, numbers.value_sharing.regime_threshold)
    if numbers.public_goods.cost > 0.0:
        play(organisations, state.members, numbers.public_goods)
    evolve(state, numbers, seed, step)
    return True
