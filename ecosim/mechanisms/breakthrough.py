"""Breakthrough (S001 sections 2.2 and 4-6; S003 section 3): core technology is mastered component by component.

For a component within reach: P(success in a quarter) = 1 - exp(-h), h = h0 f / difficulty * effort^b * L, with L the CES
aggregate of five sufficiencies (the fishbone of S003), strongly complementary, and f what crossing with existing
business adds. Effort is split over the components within reach. When integration is mastered, each further success is
a product generation.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim import draws
from ecosim.columns import living, members_of, positions_of
from ecosim.compilation import allocation_free, compiled
from ecosim.draws import uniform
from ecosim.ledger import note_event, room_for_events
from ecosim.mechanisms.components import CORE, INTEGRATION, NON_CORE, count_of_tier, find_reach
from ecosim.mechanisms.constraints import binding, ces, partner_support, read_sufficiencies, sufficiency
from ecosim.mechanisms.joint_development import develop_jointly
from ecosim.mechanisms.licensing import license_in
from ecosim.mechanisms.product_generations import can_release, following, generation_difficulty, move_frontier, release
from ecosim.outcomes import COUNT, LEVEL, Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    BREAKTHROUGH,
    CONSTRAINTS,
    FIRM,
    RESEARCH_INTENSITY,
    Column,
    Environment,
    Events,
    Organisations,
    State,
    Technology,
    Ties,
)

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("breakthrough", __name__, {
    "hazard": Parameter(0.4, 0.0, 10.0, "1/quarter", "Hazard of mastering a component of difficulty 1 with one research unit of effort and full sufficiency.", "S001 3.2: first chip after three years, frontier after twelve (P49)"),
    "effort_elasticity": Parameter(0.5, 0.05, 1.0, "1", "Elasticity of the hazard to research effort.", "returns to R&D diminish"),
    "constant_effort": Parameter(0.0, 0.0, 1e6, "research units a year", "Effort of a firm of full research intensity whatever it spends, in proportion to research intensity; 0: effort follows spending.", "for worlds without a budget, such as races at constant effort"),
    "complementarity": Parameter(-4.0, -50.0, 0.99, "1", "Exponent of the CES aggregate of the five sufficiencies; its limit is the minimum.", "S003 3: a fishbone, each constraint binds (P53)"),
    "crossing": Parameter(1.0, 0.0, 10.0, "1", "How much full crossing with existing business raises the hazard and the share of effort.", "S001 6.3 (P47)"),
    "business": Parameter(1.0, 0.01, 1e6, "firm-years of median R&D", "Knowledge used in business in a component's domain at which crossing is half effective.", "S001 6.3 (P47); " + _ASSUMED),
    "mastery": Parameter(1.0, 0.0, 1e6, "firm-years of median R&D", "Knowledge in its domain that a mastered component counts for in crossing; a licensed one counts for none.", "S001 6.1(2): knowledge needed to learn other technologies; " + _ASSUMED),
    "collaboration": Parameter(1.0, 0.01, 100.0, "fully absorbed and trusted ties", "Ties to universities at which collaboration of industry, university and research is half sufficient.", "S003 3(1); " + _ASSUMED),
    "talent": Parameter(3000.0, 0.1, 1e7, "person-years", "Talent at which it is half sufficient.", "S003 3(2); " + _ASSUMED),
    "basic_research": Parameter(3.0, 0.01, 1e6, "firm-years of median R&D", "Knowledge of tied universities in a domain at which basic research is half sufficient.", "S003 3(3); " + _ASSUMED),
    "common_technology": Parameter(3.0, 0.01, 1e6, "firm-years of median R&D", "Knowledge of the firm and its partners in a domain at which common technology is half sufficient.", "S003 3(4); " + _ASSUMED),
    "carriers": Parameter(5.0, 0.01, 1000.0, "ties", "Ties to suppliers and users at which carriers are half sufficient.", "S003 3(5); " + _ASSUMED),
    "in_house": Parameter(0.05, 0.0, 10.0, "1", "What a research unit of its own replaces of a tie to a university or a carrier, and a unit of its own knowledge of basic research: how far money stands for partners.", "S001 1, 6.3: hardly (P46); " + _ASSUMED),
    "joint_rate": Parameter(0.5, 0.0, 10.0, "1/quarter", "Hazard of learning a component from a fully open, fully trusted partner in overlap at full absorption.", "S001 5.3; " + _ASSUMED),
})  # fmt: skip

OUTCOMES = (
    Outcome("mastered_non_core", COUNT, "General non-core components that the core firm has mastered."),
    Outcome("mastered_core", COUNT, "General core components that the core firm has mastered."),
    *(Outcome(f"sufficiency_{name}", LEVEL, f"Sufficiency of {name.replace('_', ' ')} for what the core firm works on; 1 where it does not bind.") for name in CONSTRAINTS),
    Outcome("components_worked_on", COUNT, "Components that the core firm works on, product generations left out."),
    Outcome("breakthrough_hazard", "1/quarter", "Hazard of all that the core firm works on together."),
    Outcome("binding_constraint", "0 to 4 in the order of the sufficiencies", "The core firm's scarcest one; -1 if it works on nothing."),
)  # fmt: skip


@compiled
def outcomes(state: State, numbers: Any, step: int, out: Column) -> None:
    """Write the values of `OUTCOMES` into `out`, (outcomes,): of several core firms the most, of sufficiencies the mean."""
    technology, firms = state.technology, members_of(state.members, FIRM)
    focal = firms[state.organisations.focal[firms]]
    means = np.zeros(technology.sufficiency.shape[1])
    worked_on, together = 0.0, 0.0
    for i in focal:
        out[0] = max(out[0], count_of_tier(technology, i, NON_CORE))
        out[1] = max(out[1], count_of_tier(technology, i, CORE))
        worked_on, together = max(worked_on, technology.worked_on[i]), max(together, technology.hazard[i])
        for k in range(means.size):
            means[k] += technology.sufficiency[i, k]
    if means.max() > 0.0:
        for k in range(means.size):
            means[k] /= focal.size
            out[2 + k] = means[k]
        out[2 + means.size], out[3 + means.size] = worked_on, together
        out[4 + means.size] = np.argmin(means)
    else:
        out[4 + means.size] = -1.0


@compiled
def break_through(state: State, numbers: Any, seed: int, step: int) -> bool:
    """The frontier moves; firms work on every component within reach, license, learn from partners, bring out generations."""
    organisations, technology, firms = state.organisations, state.technology, members_of(state.members, FIRM)
    if technology.difficulty.size == 0 or firms.size == 0:
        move_frontier(state.environment, numbers.product_generations)
        return True
    reach = find_reach(technology, firms, numbers.rules.prerequisites)
    if not room_for_events(state.events, possible_events(technology, firms, reach), state.short):
        return False
    move_frontier(state.environment, numbers.product_generations)
    positions, tie_rows = positions_of(firms, state.slots), living(state.ties.alive, state.tie_slots)
    support = partner_support(organisations, state.ties, tie_rows, firms, positions)
    hazards = find_hazards(
        organisations, state.environment, technology, support, firms, reach, binding(numbers.rules),
        numbers.rules.crossover, numbers.breakthrough, numbers.product_generations, numbers.licensing.own_development,
        numbers.orchestration.research_unit,
    )  # fmt: skip
    seen, among_firms = technology.mastered[firms], ties_among(state.ties, tie_rows, positions)
    attempt(organisations, state.events, technology, firms, hazards, seed, step)
    if numbers.rules.open_sharing:
        develop_jointly(state, numbers, firms, positions, among_firms, seen, reach, seed, step)
    license_in(state, numbers, firms, positions, among_firms, reach, hazards, seed, step)
    return True


@compiled
def ties_among(ties: Ties, tie_rows: Column, positions: Column) -> Column:
    """The rows of those ties both ends of which have a position, in their order."""
    among = np.zeros(tie_rows.size, np.bool_)
    for place in range(tie_rows.size):
        t = tie_rows[place]
        among[place] = positions[ties.a[t]] >= 0 and positions[ties.b[t]] >= 0
    return tie_rows[among]


@allocation_free
def possible_events(technology: Technology, firms: Column, reach: Column) -> int:
    """Most events of the phase: one of each component in reach, one of each licence, one generation of each who can make it."""
    count = 0
    for position in range(firms.size):
        i = firms[position]
        for c in range(technology.difficulty.size):
            count += 1 if reach[position, c] else 0
            count += 1 if technology.licensed[i, c] else 0
        count += 1 if can_release(technology, i) else 0
    return count


@allocation_free
def hazard(base: float, difficulty: float, effort: float, elasticity: float, level: float) -> float:
    """Hazard h = h0 / difficulty * effort^b * L, a quarter."""
    return base / difficulty * effort**elasticity * level


@allocation_free
def crossing_boost(crossing: float, business: float, strength: float, half: float) -> float:
    """What crossing adds: f = 1 + strength * crossing * B / (B + half), B the knowledge used in business in the domain."""
    return 1.0 + strength * crossing * sufficiency(business, half)


@allocation_free
def business_knowledge(organisations: Organisations, technology: Technology, i: int, d: int, mastery: float) -> float:
    """Knowledge in a domain from business that firm i does: K_d * niche_d / max niche + mastery * components mastered in d."""
    largest = 0.0
    for other in range(organisations.niche.shape[1]):
        largest = max(largest, organisations.niche[i, other])
    known = organisations.knowledge[i, d] * organisations.niche[i, d] / largest if largest > 0.0 else 0.0
    for c in range(technology.difficulty.size):
        if technology.mastered[i, c] and technology.domain[c] == d:
            known += mastery
    return known


@compiled
def find_hazards(
    organisations: Organisations,
    environment: Environment,
    technology: Technology,
    support: Column,
    firms: Column,
    reach: Column,
    binds: Column,
    crossover: bool,
    p: Any,
    generations: Any,
    own_development: float,
    unit: float,
) -> Column:
    """Hazard of each component and, last, of the next product generation, (firms, components + 1); 0 out of reach.

    Effort is split in proportion to f, what crossing adds: what crosses with the business is worth more (S001 6.3); a
    component that is licensed gets `own_development` of that. Also writes what is worked on, its mean sufficiencies and its hazard.
    """
    components = technology.difficulty.size
    hazards = np.zeros((firms.size, components + 1))
    weights, boosts, difficulties = np.zeros(components + 1), np.ones(components + 1), np.ones(components + 1)
    domains = np.zeros(components + 1, np.int64)
    levels = np.empty(binds.size)
    for c in range(components):
        difficulties[c], domains[c] = technology.difficulty[c], technology.domain[c]
        if technology.tier[c] == INTEGRATION:
            domains[components] = technology.domain[c]  # a product generation is integration over again
    for position in range(firms.size):
        i = firms[position]
        if p.constant_effort > 0.0:
            effort = p.constant_effort * organisations.routines[i, RESEARCH_INTENSITY]
        else:
            effort = 4.0 * organisations.research[i] / unit
        for c in range(components):
            weights[c] = 0.0
            if reach[position, c]:
                boosts[c] = 1.0
                if crossover:
                    business = business_knowledge(organisations, technology, i, domains[c], p.mastery)
                    boosts[c] = crossing_boost(technology.crossing[c], business, p.crossing, p.business)
                weights[c] = boosts[c] * (own_development if technology.licensed[i, c] else 1.0)
        generation = organisations.generation[i]
        weights[components] = 1.0 if can_release(technology, i) else 0.0
        boosts[components] = following(environment.product_frontier[0], generation, generations.catch_up)
        difficulties[components] = generation_difficulty(generations.difficulty, generation, generations.harder)
        for k in range(levels.size):
            technology.sufficiency[i, k] = 0.0
        technology.worked_on[i] = 0.0
        total = weights.sum()
        for c in range(components + 1):
            if weights[c] > 0.0:
                share = weights[c] / total
                technology.worked_on[i] += 1.0 if c < components else 0.0
                read_sufficiencies(
                    levels, organisations, environment, support[position], i, domains[c], effort, binds, p
                )
                for k in range(levels.size):
                    technology.sufficiency[i, k] += share * levels[k]
                hazards[position, c] = hazard(p.hazard * boosts[c], difficulties[c], share * effort, p.effort_elasticity,
                                              ces(levels, p.complementarity))  # fmt: skip
        technology.hazard[i] = hazards[position].sum()
    return hazards


@allocation_free
def attempt(
    organisations: Organisations,
    events: Events,
    technology: Technology,
    firms: Column,
    hazards: Column,
    seed: int,
    step: int,
) -> None:
    """Try everything that is worked on: P(success) = 1 - exp(-h)."""
    components = technology.difficulty.size
    for position in range(firms.size):
        i = firms[position]
        for c in range(components + 1):
            h = hazards[position, c]
            if h > 0.0 and uniform(seed, draws.BREAKTHROUGH, step, organisations.uid[i], c) < 1.0 - np.exp(-h):
                if c == components:
                    release(organisations, technology, events, i, step)
                    continue
                technology.mastered[i, c] = True
                note_event(events, BREAKTHROUGH, organisations.uid[i], -1, c)
                if technology.tier[c] == INTEGRATION:
                    technology.released[i] = step
