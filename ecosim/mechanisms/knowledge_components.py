"""The nine components of knowledge-based dynamic capability (S002 4), each with a causal path of its own.

Search finds: *recognise limits* sees which domain lacks knowledge, *acquire* sets how many solutions are found, *discover*
how good the best can be. Fusion connects: *extract modules* cuts knowledge into parts that others understand, *empower*
raises the partner, *integrate* keeps novelty when knowledge is put together. Development makes: *create* turns what was
put together into new knowledge, *customise* fits a solution to whom it is for, *rebuild* joins the partners'
surroundings. Beside that, the mean of a phase's three components drives the project through the phase. A component that
is switched off counts as 0, where each path keeps a least effect.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.compilation import allocation_free, compiled
from ecosim.draws import PROJECT_SOLUTION, PROJECT_START, uniform
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import Column, Organisations, Projects

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("knowledge_components", __name__, {
    "breadth": Parameter(4.0, 0.0, 100.0, "solutions", "Solutions that a project of two finds beside the first at full capability to acquire; others look as well.", "S002 4(1)1: breadth of search (P82)"),
    "known": Parameter(0.4, 0.0, 1.0, "level", "Quality that solutions can have without the capability to discover.", "S002 4(1)1: depth of search (P82)"),
    "extraction": Parameter(0.3, 0.0, 1.0, "1/quarter", "Part of what is not yet in modules that a quarter of bridging cuts, at full capability to extract.", "S002 4(2)1 (P92, P93)"),
    "modularity": Parameter(0.6, 0.0, 1.0, "share", "How much of the misunderstanding that distance brings complete modules do away with.", "S002 4(2)1 (P92)"),
    "empowerment": Parameter(0.05, 0.0, 1.0, "1/quarter", "Part of the partners' gap in the project's domain, and in capability, that a quarter of bridging closes, at full capability to empower.", "S002 4(2)1 (P94)"),
    "levelling": Parameter(0.5, 0.0, 1.0, "share", "Part of novelty that is lost for each partner whose knowledge is put in, without the capability to integrate.", "S002 4(2)1: knowledge from many sources"),
    "gain": Parameter(2.5, 0.0, 100.0, "firm-years of median R&D", "Knowledge that a finished project makes for each member at the best distance and full capability, without modules.", _ASSUMED),
    "unaided": Parameter(0.25, 0.0, 1.0, "share", "Part of it that is made without the capability to create.", _ASSUMED),
})  # fmt: skip

(RECOGNISE, ACQUIRE, DISCOVER, EXTRACT, EMPOWER, INTEGRATE, CREATE, CUSTOMISE, REBUILD) = range(9)


@compiled
def switched_components(rules: Any) -> Column:
    """Return 1 for each of the nine components that is on and 0 for each that is off, (components,)."""
    on = np.zeros(9)
    on[RECOGNISE], on[ACQUIRE], on[DISCOVER] = rules.recognise_limits, rules.acquire, rules.discover
    on[EXTRACT], on[EMPOWER], on[INTEGRATE] = rules.extract_modules, rules.empower, rules.integrate
    on[CREATE], on[CUSTOMISE], on[REBUILD] = rules.create, rules.customise, rules.rebuild
    return on


@allocation_free
def team_member(projects: Projects, r: int, n: int) -> int:
    """Row of the n-th member of a project: the lead is number 0, the partners follow."""
    return projects.lead[r] if n == 0 else projects.partners[r, n - 1]


@allocation_free
def component(organisations: Organisations, projects: Projects, r: int, k: int, on: Column) -> float:
    """The k-th component of a project: mean over its members; 0 if it is switched off."""
    total = 0.0
    for n in range(1 + projects.size[r]):
        total += organisations.knowledge_capabilities[team_member(projects, r, n), k]
    return on[k] * total / (1.0 + projects.size[r])


@allocation_free
def phase_capability(organisations: Organisations, projects: Projects, r: int, on: Column) -> float:
    """Capability of the phase that a project is in: mean of the phase's three components.

    A mean, not a product: that each of the three is necessary (P81) would else be written in, and one component could
    not be told from the others by taking it out.
    """
    first = 3 * (projects.phase[r] - 1)
    total = 0.0
    for k in range(first, first + 3):
        total += component(organisations, projects, r, k, on)
    return total / 3.0


# --- search ----------------------------------------------------------------------------------------------------------


@allocation_free
def lack(organisations: Organisations, projects: Projects, r: int, demand: Column, d: int) -> float:
    """How far a team's knowledge falls short of demand in a domain: max(0, demand_d - share of d in what the team knows)."""
    here = everywhere = 0.0
    for n in range(1 + projects.size[r]):
        i = team_member(projects, r, n)
        here += organisations.knowledge[i, d]
        everywhere += organisations.knowledge[i].sum()
    return max(0.0, demand[d] - (here / everywhere if everywhere > 0.0 else 0.0))


@allocation_free
def choose_domain(
    organisations: Organisations, projects: Projects, r: int, demand: Column, recognise: float, seed: int, step: int
) -> float:
    """Aim a project at the domain of the highest recognise * lack / largest lack + (1 - recognise) * u, u uniform.

    Returns
    -------
    Lack in the chosen domain against the largest, in [0, 1].
    """
    uid, other = organisations.uid[projects.lead[r]], organisations.uid[projects.partners[r, 0]]
    largest = 0.0
    for d in range(demand.size):
        largest = max(largest, lack(organisations, projects, r, demand, d))
    best, seen = -1.0, 0.0
    for d in range(demand.size):
        short = lack(organisations, projects, r, demand, d) / largest if largest > 0.0 else 0.0
        guess = uniform(seed, PROJECT_START, step, uid, 16 * other + 1 + d)
        if recognise * short + (1.0 - recognise) * guess > best:
            best, seen = recognise * short + (1.0 - recognise) * guess, short
            projects.domain[r] = d
    return seen


@allocation_free
def solutions_found(acquire: float, members: int, p: Any) -> float:
    """How many solutions a project finds: 1 + breadth * acquire * members / 2."""
    return 1.0 + p.breadth * acquire * 0.5 * members


@allocation_free
def reach(discover: float, p: Any) -> float:
    """Quality of the best solution that can be found: known + (1 - known) * discover."""
    return p.known + (1.0 - p.known) * discover


@allocation_free
def expected_quality(found: float, top: float) -> float:
    """Mean quality of the best of n solutions that are uniform from 0 to the reach: reach * n / (n + 1)."""
    return top * found / (found + 1.0)


@allocation_free
def find_solution(
    organisations: Organisations, projects: Projects, r: int, on: Column, recall: bool, p: Any, seed: int, step: int
) -> None:
    """Take the best of the solutions found; with recall, the best of those set aside too, and set the next best aside.

    Of n uniform qualities the best is reach * u^(1/n), and the second best v^(1/(n-1)) of it: also for a broken n.
    """
    uid, other = organisations.uid[projects.lead[r]], organisations.uid[projects.partners[r, 0]]
    found = solutions_found(component(organisations, projects, r, ACQUIRE, on), 1 + projects.size[r], p)
    top = reach(component(organisations, projects, r, DISCOVER, on), p)
    best = top * uniform(seed, PROJECT_SOLUTION, step, uid, 2 * other) ** (1.0 / found)
    projects.quality[r] = best
    if not recall:
        return
    second = 0.0
    if found > 1.0:
        second = best * uniform(seed, PROJECT_SOLUTION, step, uid, 2 * other + 1) ** (1.0 / (found - 1.0))
    aside = projects.set_aside[r]
    projects.quality[r] = max(best, aside)
    projects.set_aside[r] = max(second, min(best, aside))


# --- fusion ----------------------------------------------------------------------------------------------------------


@allocation_free
def understanding(distance: float, modules: float, p: Any) -> float:
    """Part of each other's knowledge that partners understand: 1 - d (1 - modularity * modules)."""
    return 1.0 - distance * (1.0 - p.modularity * modules)


@allocation_free
def novelty_kept(distance: float, integrate: float, partners: int, p: Any) -> float:
    """What is new in what is put together: d * (1 - levelling * (1 - integrate))^partners."""
    return distance * (1.0 - p.levelling * (1.0 - integrate)) ** partners


@allocation_free
def potential(distance: float, modules: float, integrate: float, partners: int, p: Any) -> float:
    """Novelty times understanding (Nooteboom et al. 2007), 1 at best without modules and without loss: 4 * novelty * understanding.

    Without modules it is proportional to d (1 - d), best at 1/2; modules move the best distance to
    min(1, 1 / (2 (1 - modularity * modules))), integration lifts the whole curve.
    """
    return 4.0 * novelty_kept(distance, integrate, partners, p) * understanding(distance, modules, p)


# --- development -----------------------------------------------------------------------------------------------------


@allocation_free
def knowledge_made(promise: float, create: float, p: Any) -> float:
    """Knowledge that each member gets out of a finished project: gain * (unaided + (1 - unaided) * create) * potential."""
    return p.gain * (p.unaided + (1.0 - p.unaided) * create) * promise


@allocation_free
def fit(quality: float, customise: float) -> float:
    """How well a solution of some quality fits whom it is for: quality^(1 - customise), so customising makes up for quality."""
    return quality ** (1.0 - customise)
