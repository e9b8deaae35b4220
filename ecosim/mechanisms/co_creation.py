"""Co-creation projects (S002): a tie's partners go through assessment, bridging and aggregation.

Hazards of moving on: search x (identity, dialogue), fusion x (trust, learning), development x (norms, alliance). Here
one state of the tie, its trust, stands for the group's cognition and action: it multiplies the capability, so that
with zero capability it has no effect (P91). A finished project makes knowledge in proportion to novelty times
understanding, d (1 - d), an inverted U (Nooteboom et al. 2007); a failed one returns to assessment (P86).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.compilation import allocation_free, compiled
from ecosim.draws import PROJECT_ADVANCE, PROJECT_START, PROJECT_TEST, uniform
from ecosim.ledger import PROJECT_SOURCE, PROJECTS, create_value, note_event, note_flow, note_gain, pay
from ecosim.measures import pianka_overlap
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    AGGREGATION,
    ASSESSMENT,
    BRIDGING,
    CO_CREATION,
    EXCHANGE,
    HOUSEHOLDS,
    NO_PROJECT,
    PROJECT_FAILED,
    PROJECT_FINISHED,
    RISK,
    SERVICES,
    Books,
    Column,
    Events,
    Organisations,
    Ties,
)

if TYPE_CHECKING:
    from ecosim.model import Ecosystem

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("co_creation", __name__, {
    "start_rate": Parameter(0.35, 0.0, 1.0, "1/quarter", "Chance that a tie without a project starts one, at full trust and co-creation capability.", _ASSUMED),
    "cost": Parameter(0.5, 0.0, 1e4, "million CNY a quarter", "What each side puts into a project under way.", _ASSUMED),
    "advance": Parameter(1.2, 0.0, 20.0, "1/quarter", "Hazard of moving to the next phase at full capability and without support by the group.", "S002 J_DY1: a new product in under three months at best"),
    "group_support": Parameter(1.0, 0.0, 10.0, "1", "How much full trust multiplies the effect of capability.", "S002 4: group dynamics moderates (P84, P87, P91)"),
    "most_rounds": Parameter(3, 1, 100, "rounds", "Failed tests after which a project is given up.", "S002 T11 (P86, P93)"),
    "gain": Parameter(2.0, 0.0, 100.0, "firm-years of median R&D", "Knowledge that a finished project makes for each side at the best distance.", _ASSUMED),
    "difficulty": Parameter(0.45, 0.0, 1.0, "1", "Chance that a test fails even with the best capability and match.", "61 % of alliances failed or limping (Accenture 1999)"),
})  # fmt: skip


def co_create(model: Ecosystem) -> None:
    """Start projects, move them on, test them, book what they make."""
    price = model.parameters["open_sharing"].usefulness * float(model.environment.knowledge_cost[0])
    trust = model.parameters["symbiosis"].project_trust if model.rules["trust"] else 0.0
    run_projects(model.organisations, model.ties, model.books, model.events, model.tie_rows,
                 model.parameters["co_creation"], price, trust, model.seed, model.step_number)  # fmt: skip


@allocation_free
def advance_chance(capability: float, support: float, p: Any) -> float:
    """Chance of moving on in a quarter: 1 - exp(-h), h = advance * capability * (1 + group_support * support)."""
    return 1.0 - np.exp(-p.advance * capability * (1.0 + p.group_support * support))


@allocation_free
def project_knowledge(distance: float, gain: float) -> float:
    """Knowledge that each side makes: gain * 4 d (1 - d); best at d = 1/2."""
    return gain * 4.0 * distance * (1.0 - distance)


@allocation_free
def _capability(organisations: Organisations, a: int, b: int, phase: int) -> float:
    """Geometric mean of the phase's three components, averaged over both sides: each is necessary (P81)."""
    mean = 0.0
    for i in (a, b):
        product = 1.0
        for k in range(3):
            product *= organisations.knowledge_capabilities[i, 3 * (phase - 1) + k]
        mean += 0.5 * product ** (1.0 / 3.0)
    return mean


@compiled
def run_projects(
    organisations: Organisations,
    ties: Ties,
    books: Books,
    events: Events,
    tie_rows: Column,
    p: Any,
    price: float,
    trust_step: float,
    seed: int,
    step: int,
) -> None:
    """One quarter of every project."""
    organisations.active[:] = 0.0
    for t in tie_rows:
        a, b = ties.a[t], ties.b[t]
        uid, other = organisations.uid[a], organisations.uid[b]
        if ties.phase[t] == NO_PROJECT:
            skill = np.sqrt(organisations.capabilities[a, CO_CREATION] * organisations.capabilities[b, CO_CREATION])
            ready = skill * (0.5 + 0.5 * ties.trust[t])
            afford = min(organisations.capital[a], organisations.capital[b]) > 4.0 * p.cost
            if afford and uniform(seed, PROJECT_START, step, uid, other) < p.start_rate * ready:
                ties.phase[t] = ASSESSMENT
                ties.rounds[t] = 0
                ties.invested[t] = 0.0
            continue
        paid_a = pay(organisations, books, a, HOUSEHOLDS, p.cost, PROJECTS)
        paid_b = pay(organisations, books, b, HOUSEHOLDS, p.cost, PROJECTS)
        ties.promised[t] += 2.0 * p.cost
        ties.kept[t] += paid_a + paid_b
        ties.invested[t] += paid_a + paid_b
        ties.volume[t] += paid_a + paid_b
        organisations.active[a] += 1.0
        organisations.active[b] += 1.0
        note_flow(organisations, books, SERVICES, EXCHANGE, a, b, paid_a)
        note_flow(organisations, books, SERVICES, EXCHANGE, b, a, paid_b)
        if uniform(seed, PROJECT_ADVANCE, step, uid, other) >= advance_chance(
            _capability(organisations, a, b, ties.phase[t]), ties.trust[t], p
        ):
            continue
        if ties.phase[t] == ASSESSMENT:
            ties.phase[t] = BRIDGING
        elif ties.phase[t] == BRIDGING:
            ties.phase[t] = AGGREGATION
        else:
            _test_project(organisations, ties, books, events, t, p, price, trust_step, seed, step)


@allocation_free
def _test_project(
    organisations: Organisations,
    ties: Ties,
    books: Books,
    events: Events,
    t: int,
    p: Any,
    price: float,
    trust_step: float,
    seed: int,
    step: int,
) -> None:
    """Finish a project with the chance that capability gives; a failure goes back to assessment, or ends it."""
    a, b = ties.a[t], ties.b[t]
    uid, other = organisations.uid[a], organisations.uid[b]
    skill = _capability(organisations, a, b, AGGREGATION)
    if uniform(seed, PROJECT_TEST, step, uid, other) < (1.0 - p.difficulty) * (0.5 + 0.5 * skill):
        distance = 1.0 - pianka_overlap(organisations.knowledge[a], organisations.knowledge[b])
        made = project_knowledge(distance, p.gain)
        for i, j in ((a, b), (b, a)):
            for d in range(organisations.knowledge.shape[1]):
                organisations.knowledge[i, d] += made * organisations.direction[i, d]
            organisations.inflow[i] += 0.2 * made
            create_value(organisations, books, PROJECT_SOURCE, i, price * made)
            note_gain(organisations, books, i, j, price * made)
        ties.gave_a[t] += price * made
        ties.gave_b[t] += price * made
        ties.got_a[t] += price * made
        ties.got_b[t] += price * made
        ties.finished[t] += 1
        ties.phase[t] = NO_PROJECT
        ties.trust[t] += trust_step * (1.0 - ties.trust[t])
        note_event(events, PROJECT_FINISHED, uid, other, made)
        return
    ties.rounds[t] += 1
    ties.trust[t] -= trust_step * ties.trust[t]
    patience = p.most_rounds * 0.5 * (1.0 + organisations.routines[a, RISK] + organisations.routines[b, RISK])
    if ties.rounds[t] >= patience:
        ties.failed[t] += 1
        ties.phase[t] = NO_PROJECT
        note_event(events, PROJECT_FAILED, uid, other, ties.rounds[t])
    else:
        ties.phase[t] = ASSESSMENT
