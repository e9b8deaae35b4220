"""Internal culture and process reform (S001 5.1-5.3; S000 4.1.2): what an organisation can open, and what it can absorb.

Culture follows what openness brought, and belief of the leaders decides how fast: it quickens the way up and slows the
way down. So culture, sharing and platform promote each other (P20): an open culture opens more, what is opened fills the
platform, what the platform brings opens the culture. Reform itself is started and carried on in perception.
"""

from __future__ import annotations

from typing import Any

from ecosim.columns import living
from ecosim.compilation import allocation_free, compiled
from ecosim.outcomes import LEVEL, Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import Column, Organisations, State

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("internal_reform", __name__, {
    "closed": Parameter(0.6, 0.0, 1.0, "share", "Part of its openness target that an organisation without an open culture opens.", "S001 5.1: an open culture makes openness work (P23)"),
    "culture_speed": Parameter(0.2, 0.0, 1.0, "1/quarter", "Part of its distance to what openness brought that culture covers in a quarter under full belief.", _ASSUMED),
})  # fmt: skip

OUTCOMES = (
    Outcome("mean_culture", LEVEL, "Mean openness of the internal culture over organisations."),
    Outcome("mean_reform", LEVEL, "Mean progress of the internal reform over organisations."),
)


@compiled
def outcomes(state: State, numbers: Any, step: int, out: Column) -> None:
    """Write mean culture and mean reform into `out`, (outcomes,)."""
    rows = living(state.organisations.alive, state.slots)
    for i in rows:
        out[0] += state.organisations.culture[i] / rows.size
        out[1] += state.organisations.reform[i] / rows.size


@allocation_free
def absorption(absorptive: float, reform: float, unreformed: float) -> float:
    """Usable absorptive capacity: a * (u + (1 - u) * reform)."""
    return absorptive * (unreformed + (1.0 - unreformed) * reform)


@allocation_free
def opening(culture: float, closed: float) -> float:
    """Part of the openness target that culture lets an organisation open: c + (1 - c) * culture."""
    return closed + (1.0 - closed) * culture


@allocation_free
def next_culture(culture: float, brought: float, belief: float, speed: float) -> float:
    """Culture after a quarter: C + speed * b * (x - C) upwards, C - speed * (1 - b) * (C - x) downwards; x what openness brought."""
    return culture + speed * (belief if brought > culture else 1.0 - belief) * (brought - culture)


@allocation_free
def change_culture(organisations: Organisations, i: int, p: Any) -> None:
    """What openness brought is the part of new knowledge that came from others: inflow / (inflow + created)."""
    new = organisations.inflow[i] + organisations.created[i]
    brought = organisations.inflow[i] / new if new > 0.0 else 0.0
    organisations.culture[i] = next_culture(
        organisations.culture[i], brought, organisations.persistence[i], p.culture_speed
    )
