"""Perception (S000, digital environment perception): organisations read demand through noise and choose directions.

What is perceived of demand is theta_d * exp(sigma * (1 - perception) * z); research goes to each domain in proportion
to perceived demand times what the organisation is near to. A crisis can start a reform, belief keeps it going (P60).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.columns import living
from ecosim.compilation import allocation_free, compiled
from ecosim.draws import PERCEPTION_NOISE, REFORM_PERSISTENCE, REFORM_START, normal, uniform
from ecosim.ledger import note_event, room_for_events
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    ECONOMY_INDEX,
    PERCEPTION,
    REFORM_ABANDONED,
    REFORM_STARTED,
    Column,
    Environment,
    Events,
    Organisations,
    State,
)

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("perception", __name__, {
    "noise": Parameter(1.0, 0.0, 5.0, "1", "Standard deviation of the logarithm of perceived demand at zero perception.", _ASSUMED),
    "speed": Parameter(0.2, 0.0, 1.0, "1/quarter", "Part of the way to the perceived best direction covered in a quarter.", _ASSUMED),
    "focus": Parameter(2.0, 0.0, 10.0, "1", "How sharply research follows perceived demand: 0 not at all, large only the best.", _ASSUMED),
    "familiarity": Parameter(0.3, 0.0, 1.0, "share", "How little an organisation needs to know of a domain to work in it: 1 needs nothing.", "S001 6.3 (P47)"),
    "forgetting": Parameter(0.2, 0.0, 1.0, "1/quarter", "Part of market information that is out of date after a quarter.", _ASSUMED),
    "crisis": Parameter(0.10, 0.0, 1.0, "share", "Fall of revenue below its trend, or of the economy below its rest, that counts as a crisis.", "S000 4.1.1: the recession of 2002 (P60)"),
    "reform_speed": Parameter(0.08, 0.0, 1.0, "1/quarter", "Part of what is left to reform that a quarter of persistence does.", "S000 4.1: the reform of 1998 succeeded in 2008"),
    "capability_effect": Parameter(1.0, 0.0, 1.0, "1", "How much the capability of perception counts; 0 as if nobody had any.", "S000 4.x.1"),
})  # fmt: skip


@compiled
def perceive(state: State, numbers: Any, seed: int, step: int) -> bool:
    """Every organisation reads demand and turns its research."""
    perceive_part(state, numbers, living(state.organisations.alive, state.slots), seed, step)
    return True


@compiled
def perceive_part(state: State, numbers: Any, rows: Column, seed: int, step: int) -> None:
    """Some organisations read demand. Each changes nothing but itself, so that several parts of them can do so at once."""
    choose_directions(state.organisations, state.environment, rows, numbers.perception, seed, step)


@compiled
def carry_reforms(state: State, numbers: Any, seed: int, step: int) -> bool:
    """A crisis can start a reform of internal processes, and belief keeps it going."""
    rows = living(state.organisations.alive, state.slots)
    if not room_for_events(state.events, rows.size, state.short):
        return False
    if numbers.rules.internal_reform:
        reform(state.organisations, state.environment, state.events, rows, numbers.perception,
               numbers.environment.baseline, seed, step)  # fmt: skip
    return True


@allocation_free
def clarity(perception: float, information: float) -> float:
    """How much of demand is seen: 1 - (1 - perception) / (1 + information), in [0, 1]."""
    return 1.0 - (1.0 - perception) / (1.0 + information)


@compiled
def choose_directions(
    organisations: Organisations, environment: Environment, rows: Column, p: Any, seed: int, step: int
) -> None:
    """Turn research towards perceived demand in familiar domains: weight_d = (demand_d * (f + (1 - f) niche_d / max niche))^focus."""
    domains = environment.demand.size
    wanted = np.empty(domains)
    for i in rows:
        perception = p.capability_effect * organisations.capabilities[i, PERCEPTION]
        blur = p.noise * (1.0 - clarity(perception, organisations.information[i]))
        near = organisations.niche[i].max()
        for d in range(domains):
            seen = environment.demand[d] * np.exp(blur * normal(seed, PERCEPTION_NOISE, step, organisations.uid[i], d))
            known = organisations.niche[i, d] / near if near > 0.0 else 1.0
            wanted[d] = (seen * (p.familiarity + (1.0 - p.familiarity) * known) + 1e-12) ** p.focus
        total = wanted.sum()
        for d in range(domains):
            organisations.direction[i, d] += p.speed * (wanted[d] / total - organisations.direction[i, d])
            organisations.niche[i, d] += 0.25 * p.speed * (organisations.direction[i, d] - organisations.niche[i, d])
        organisations.information[i] *= 1.0 - p.forgetting


@allocation_free
def reform(
    organisations: Organisations,
    environment: Environment,
    events: Events,
    rows: Column,
    p: Any,
    baseline: float,
    seed: int,
    step: int,
) -> None:
    """Start a reform in a crisis with the chance that perception gives; go on each quarter with the chance of persistence."""
    slump = environment.level[ECONOMY_INDEX] < baseline * (1.0 - p.crisis)
    for i in rows:
        uid = organisations.uid[i]
        if organisations.reforming[i]:
            if uniform(seed, REFORM_PERSISTENCE, step, uid, 0) < organisations.persistence[i]:
                organisations.reform[i] += p.reform_speed * (1.0 - organisations.reform[i])
            else:
                organisations.reforming[i] = False
                note_event(events, REFORM_ABANDONED, uid, -1, organisations.reform[i])
        else:
            fall = organisations.slump[i] > p.crisis * organisations.revenue_trend[i]
            perception = p.capability_effect * organisations.capabilities[i, PERCEPTION]
            alarmed = uniform(seed, REFORM_START, step, uid, 0) < perception
            if (fall or slump) and alarmed and organisations.reform[i] < 0.95:
                organisations.reforming[i] = True
                note_event(events, REFORM_STARTED, uid, -1, organisations.reform[i])
