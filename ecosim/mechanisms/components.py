"""Component technologies: the graph that a scenario gives, and who has mastered or licensed what (S001 2.2, 4).

A core technology consists of many component technologies: general non-core, general core, and their integration into a
product. What a component requires is data of the scenario, not code (P58).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecosim.compilation import allocation_free, compiled
from ecosim.state import CONSTRAINTS, Column, Technology

if TYPE_CHECKING:
    from ecosim.scenario import Component

TIERS = ("non-core", "core", "integration")
(NON_CORE, CORE, INTEGRATION) = range(3)

_OF_ORGANISATIONS = ("mastered", "licensed", "licensor", "released", "sufficiency", "worked_on", "hazard")


def make_technology(components: tuple[Component, ...], rows: int) -> Technology:
    """Return the graph of a scenario's components, mastered by nobody."""
    names = [component.name for component in components]
    requires = np.array([[name in component.requires for name in names] for component in components], bool)
    return Technology(
        tier=np.array([TIERS.index(component.tier) for component in components], np.int64),
        difficulty=np.array([component.difficulty for component in components], float),
        domain=np.array([component.domain - 1 for component in components], np.int64),
        crossing=np.array([component.crossing for component in components], float),
        requires=requires.reshape(len(names), len(names)),
        mastered=np.zeros((rows, len(names)), bool),
        licensed=np.zeros((rows, len(names)), bool),
        licensor=np.full((rows, len(names)), -1, np.int64),
        released=np.full(rows, -1, np.int64),
        sufficiency=np.zeros((rows, len(CONSTRAINTS))),
        worked_on=np.zeros(rows),
        hazard=np.zeros(rows),
    )


def with_room(technology: Technology, rows: int) -> Technology:
    """Return technology with at least this many rows for organisations: the same one, or a larger copy."""
    missing = rows - len(technology.mastered)
    if missing <= 0:
        return technology
    larger = {}
    for name in _OF_ORGANISATIONS:
        column = getattr(technology, name)
        larger[name] = np.concatenate([column, np.zeros((missing, *column.shape[1:]), column.dtype)])
    return technology._replace(**larger)


@allocation_free
def forget(technology: Technology, rows: Column) -> None:
    """Clear the rows of organisations that enter: they have mastered and licensed nothing."""
    for i in rows:
        technology.mastered[i] = technology.licensed[i] = False
        technology.licensor[i] = technology.released[i] = -1
        technology.sufficiency[i] = 0.0
        technology.worked_on[i] = technology.hazard[i] = 0.0


@allocation_free
def in_reach(technology: Technology, i: int, c: int, prerequisites: bool) -> bool:
    """Whether organisation i can work on component c: not mastered yet, and all that it requires is mastered or licensed.

    Without prerequisites every component is in reach but for integration, which means putting the others together.
    """
    if technology.mastered[i, c]:
        return False
    if not prerequisites and technology.tier[c] != INTEGRATION:
        return True
    return usable(technology, i, c)


@allocation_free
def usable(technology: Technology, i: int, c: int) -> bool:
    """Whether organisation i can use all that component c requires."""
    for other in range(technology.difficulty.size):
        if technology.requires[c, other] and not (technology.mastered[i, other] or technology.licensed[i, other]):
            return False
    return True


@compiled
def find_reach(technology: Technology, firms: Column, prerequisites: bool) -> Column:
    """Which components are within each firm's reach, (organisations, components)."""
    components = technology.difficulty.size
    reach = np.zeros((technology.mastered.shape[0], components), np.bool_)
    for i in firms:
        for c in range(components):
            reach[i, c] = in_reach(technology, i, c, prerequisites)
    return reach
