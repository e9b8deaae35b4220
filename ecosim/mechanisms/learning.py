"""Learning (S000 5; S003 Table 1): what organisations can do follows use, what they are wont to do evolves.

Capabilities stand in `dynamic_capabilities`, routines and the operators that change them in `evolution`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecosim.mechanisms.co_creation import used_capabilities
from ecosim.mechanisms.dynamic_capabilities import exercise
from ecosim.mechanisms.evolution import evolve
from ecosim.mechanisms.public_goods import play

if TYPE_CHECKING:
    from ecosim.model import Ecosystem


def learn(model: Ecosystem) -> None:
    """Capabilities follow use; routines are imitated from better performers, cross between partners, and mutate."""
    used = used_capabilities(model.projects, model.project_rows, len(model.organisations.uid))
    exercise(model.organisations, model.rows, used, model.parameters["dynamic_capabilities"],
             model.parameters["value_sharing"].regime_threshold)  # fmt: skip
    if model.parameters["public_goods"].cost > 0.0:
        play(model.organisations, model.members_of_roles(), model.parameters["public_goods"])
    evolve(model)
