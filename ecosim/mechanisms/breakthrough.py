"""Breakthrough (S001 sections 2.2 and 4-6; S003 section 3): core technology is mastered component by component.

For a component whose prerequisites are mastered: P(success in a quarter) = 1 - exp(-h), h = h0 / difficulty *
effort^b * L, with L the CES aggregate of five sufficiencies (the fishbone of S003), strongly complementary. When the
last component, the integration, is mastered, each further success is a product generation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ecosim import draws
from ecosim.compilation import allocation_free, compiled
from ecosim.draws import uniform
from ecosim.ledger import note_event
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    BREAKTHROUGH,
    FIRM,
    GENERATION,
    SUPPLIER,
    TALENT_INDEX,
    UNIVERSITY,
    USER,
    Column,
    Environment,
    Events,
    Organisations,
    Ties,
)

if TYPE_CHECKING:
    from ecosim.model import Ecosystem
    from ecosim.scenario import Component

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("breakthrough", __name__, {
    "hazard": Parameter(0.4, 0.0, 10.0, "1/quarter", "Hazard of mastering a component of difficulty 1 with one research unit of effort and full sufficiency.", "S001 3.2: first chip after three years, frontier after twelve (P49)"),
    "effort_elasticity": Parameter(0.5, 0.05, 1.0, "1", "Elasticity of the hazard to research effort.", "returns to R&D diminish"),
    "complementarity": Parameter(-4.0, -50.0, 0.99, "1", "Exponent of the CES aggregate of the five sufficiencies; its limit is the minimum.", "S003 3: a fishbone, each constraint binds (P53)"),
    "crossing": Parameter(1.0, 0.0, 10.0, "1", "How much crossing with existing business raises the hazard.", "S001 6.3 (P47)"),
    "collaboration": Parameter(3.0, 0.01, 100.0, "ties", "Ties to universities at which industry-university collaboration is half sufficient.", "S003 3(1)"),
    "talent": Parameter(3000.0, 0.1, 1e7, "person-years", "Talent at which it is half sufficient.", "S003 3(2)"),
    "basic_research": Parameter(3.0, 0.01, 1e6, "firm-years of median R&D", "Knowledge of tied universities in a domain at which basic research is half sufficient.", "S003 3(3)"),
    "common_technology": Parameter(3.0, 0.01, 1e6, "firm-years of median R&D", "Own knowledge in the component's domain at which common technology is half sufficient.", "S003 3(4)"),
    "carriers": Parameter(5.0, 0.01, 1000.0, "ties", "Ties to suppliers and users at which carriers are half sufficient.", "S003 3(5)"),
    "generation_difficulty": Parameter(3.0, 0.01, 1000.0, "1", "Difficulty of each product generation after integration.", "chip releases 2009-2020 about a year apart"),
})  # fmt: skip


class Technology(NamedTuple):
    """The component graph, and who has mastered what."""

    difficulty: Column  # (components,)
    domain: Column  # (components,)
    crossing: Column  # (components,)
    requires: Column  # (components, components) true where the row needs the column
    mastered: Column  # (organisations, components)


def make_technology(components: tuple[Component, ...], rows: int) -> Technology:
    """Return the graph of a scenario's components, mastered by nobody."""
    names = [component.name for component in components]
    requires = np.array([[name in component.requires for name in names] for component in components], bool)
    return Technology(
        np.array([component.difficulty for component in components], float),
        np.array([component.domain - 1 for component in components], np.int64),
        np.array([component.crossing for component in components], float),
        requires.reshape(len(names), len(names)),
        np.zeros((rows, len(names)), bool),
    )


def break_through(model: Ecosystem) -> None:
    """Firms work on every component within reach; after integration they bring out generations."""
    if model.technology.difficulty.size == 0:
        return
    support = partner_support(model.organisations, model.ties, model.tie_rows)
    attempt(model.organisations, model.environment, model.events, model.technology, support, model.rows,
            model.parameters["breakthrough"], model.parameters["orchestration"].research_unit, model.seed, model.step_number)  # fmt: skip


@allocation_free
def sufficiency(have: float, half: float) -> float:
    """How sufficient a stock is, in [0, 1): x / (x + half)."""
    return have / (have + half)


@compiled
def ces(levels: Column, exponent: float) -> float:
    """Aggregate (mean of x^rho)^(1 / rho): the mean at 1, the geometric mean at 0, the minimum as rho falls without bound."""
    if levels.min() <= 0.0 and exponent <= 0.0:
        return 0.0
    if abs(exponent) < 1e-9:
        return np.exp(np.log(levels).mean())
    largest = levels.max() if exponent > 0.0 else levels.min()
    return largest * ((levels / largest) ** exponent).mean() ** (1.0 / exponent)


@allocation_free
def hazard(base: float, difficulty: float, effort: float, elasticity: float, level: float) -> float:
    """Hazard h = h0 / difficulty * effort^b * L, a quarter."""
    return base / difficulty * effort**elasticity * level


@compiled
def partner_support(organisations: Organisations, ties: Ties, tie_rows: Column) -> Column:
    """What partners contribute to each organisation: ties to universities, ties to carriers, universities' knowledge by domain."""
    domains = organisations.knowledge.shape[1]
    support = np.zeros((organisations.uid.size, 2 + domains))
    for t in tie_rows:
        for i, j in ((ties.a[t], ties.b[t]), (ties.b[t], ties.a[t])):
            if organisations.role[j] == UNIVERSITY:
                support[i, 0] += 1.0
                for d in range(domains):
                    support[i, 2 + d] += organisations.openness[j] * organisations.knowledge[j, d]
            elif organisations.role[j] == SUPPLIER or organisations.role[j] == USER:
                support[i, 1] += 1.0
    return support


@compiled
def attempt(
    organisations: Organisations,
    environment: Environment,
    events: Events,
    technology: Technology,
    support: Column,
    rows: Column,
    p: Any,
    unit: float,
    seed: int,
    step: int,
) -> None:
    """Try every component whose prerequisites are met; effort is split over them."""
    components = technology.difficulty.size
    levels = np.empty(5)
    for i in rows:
        if organisations.role[i] != FIRM or organisations.research[i] <= 0.0:
            continue
        open_now = np.zeros(components, np.bool_)
        for c in range(components):
            ready = not technology.mastered[i, c]
            for other in range(components):
                ready = ready and (technology.mastered[i, other] or not technology.requires[c, other])
            open_now[c] = ready
        count = open_now.sum()
        effort = 4.0 * organisations.research[i] / unit / max(1, count)
        levels[0] = sufficiency(support[i, 0], p.collaboration)
        levels[1] = sufficiency(organisations.talent[i] * (0.5 + environment.level[TALENT_INDEX]), p.talent)
        levels[4] = sufficiency(support[i, 1], p.carriers)
        last = technology.domain[components - 1]
        for c in range(components):
            if open_now[c] or (count == 0 and c == components - 1):
                d = technology.domain[c] if count > 0 else last
                levels[2] = sufficiency(support[i, 2 + d], p.basic_research)
                levels[3] = sufficiency(organisations.knowledge[i, d], p.common_technology)
                base = p.hazard * (1.0 + p.crossing * technology.crossing[c])
                difficulty = technology.difficulty[c] if count > 0 else p.generation_difficulty
                h = hazard(base, difficulty, effort, p.effort_elasticity, ces(levels, p.complementarity))
                if uniform(seed, draws.BREAKTHROUGH, step, organisations.uid[i], c) < 1.0 - np.exp(-h):
                    if count > 0:
                        technology.mastered[i, c] = True
                        note_event(events, BREAKTHROUGH, organisations.uid[i], -1, c)
                    else:
                        organisations.generation[i] += 1
                        note_event(events, GENERATION, organisations.uid[i], -1, organisations.generation[i])
