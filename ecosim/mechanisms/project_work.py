"""The work on co-creation projects (S002 4): a quarter of assessment, bridging or aggregation, the test, and what comes of it.

Hazards of moving on: search x (identity, dialogue), fusion x (trust, learning), development x (norms, alliance). The
group multiplies capability, so that with zero capability it has no effect (P91). The parameters are those of co-creation.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.compilation import allocation_free
from ecosim.draws import PROJECT_ADVANCE, PROJECT_TEST, uniform
from ecosim.ledger import PROJECT_SOURCE, PROJECTS, create_value, note_event, note_flow, note_gain, pay
from ecosim.mechanisms.group_dynamics import FAILED, KEPT, PASSED, SIGNING, TESTED, WORKED, support
from ecosim.mechanisms.knowledge_components import (
    ACQUIRE,
    CREATE,
    CUSTOMISE,
    DISCOVER,
    EMPOWER,
    EXTRACT,
    INTEGRATE,
    RECOGNISE,
    choose_domain,
    component,
    expected_quality,
    find_solution,
    fit,
    knowledge_made,
    phase_capability,
    potential,
    reach,
    solutions_found,
    team_member,
)
from ecosim.mechanisms.project_teams import (
    ask_further_partners,
    change_partner,
    fail_project,
    open_project,
    team_distance,
)
from ecosim.state import (
    AGGREGATION,
    ASSESSMENT,
    BRIDGING,
    EMPOWERMENT,
    EXCHANGE,
    HOUSEHOLDS,
    KNOWLEDGE,
    NO_PROJECT,
    PROJECT_FINISHED,
    RISK,
    SERVICES,
    Books,
    Column,
    Events,
    Organisations,
    Projects,
    Slots,
    Ties,
)

# What is counted in a quarter; three phases follow one another where a name ends in ASSESSMENT.
(STARTED, FINISHED, GIVEN_UP, TESTS, PASSES, MADE, VALUE, LACK, MODULES_TESTED, MOVED, RECALLED, REPLACED, MERGED) = (
    range(13)
)
(ADVANCED, AT_RISK, HAZARD, SUPPORT) = (13, 16, 19, 22)
COUNTS = 25


@allocation_free
def advance_hazard(capability: float, group: float, partners: int, p: Any) -> float:
    """Hazard of moving on: advance * c * (1 + group_support * g) / (1 + coordination * (partners - 1))."""
    return p.advance * capability * (1.0 + p.group_support * group) / (1.0 + p.coordination * (partners - 1))


@allocation_free
def advance_chance(hazard: float) -> float:
    """Chance of moving on in a quarter: 1 - exp(-h)."""
    return 1.0 - np.exp(-hazard)


@allocation_free
def pass_chance(quality: float, customise: float, p: Any) -> float:
    """Chance that a test passes: (1 - difficulty) * fit."""
    return (1.0 - p.difficulty) * fit(quality, customise)


@allocation_free
def start_projects(
    organisations: Organisations,
    ties: Ties,
    projects: Projects,
    slots: Slots,
    tie_rows: Column,
    engaged: Column,
    starting: Column,
    starts: Column,
    tie_lists: Column,
    demand: Column,
    on: Column,
    teams: bool,
    recall: bool,
    p: Any,
    components: Any,
    counts: Column,
    seed: int,
    step: int,
) -> None:
    """Begin a project on each tie that wants one: find its target, gather the team, look for a first solution."""
    for t in tie_rows:
        if starting[t]:
            engaged[t] = True
    for t in tie_rows:
        if not starting[t]:
            continue
        r = open_project(organisations, ties, projects, slots, t)
        recognise = component(organisations, projects, r, RECOGNISE, on)
        counts[STARTED] += 1.0
        counts[LACK] += choose_domain(organisations, projects, r, demand, recognise, seed, step)
        if teams:
            ask_further_partners(organisations, ties, projects, r, engaged, starts, tie_lists, p, seed, step)
        projects.distance[r] = team_distance(organisations, projects, r)
        find_solution(organisations, projects, r, on, recall, components, seed, step)


@allocation_free
def work_on_projects(
    organisations: Organisations,
    ties: Ties,
    projects: Projects,
    slots: Slots,
    books: Books,
    events: Events,
    project_rows: Column,
    engaged: Column,
    starts: Column,
    tie_lists: Column,
    deeds: Column,
    demand: Column,
    on: Column,
    group_on: Column,
    recall: bool,
    p: Any,
    components: Any,
    price: float,
    trust_step: float,
    memory: float,
    counts: Column,
    seed: int,
    step: int,
) -> None:
    """One quarter of every project: pay, bridge, move on or not, test."""
    for r in project_rows:
        _pay_for(organisations, ties, projects, books, r, deeds, p)
        phase = projects.phase[r]
        group = support(ties, projects, r, group_on)
        h = advance_hazard(phase_capability(organisations, projects, r, on), group, projects.size[r], p)
        counts[AT_RISK + phase - ASSESSMENT] += 1.0
        counts[HAZARD + phase - ASSESSMENT] += h
        counts[SUPPORT + phase - ASSESSMENT] += group
        if phase == BRIDGING:
            _bridge(organisations, ties, projects, books, r, on, components, price, counts)
        uid, other = projects.lead_uid[r], projects.partner_uids[r, 0]
        if uniform(seed, PROJECT_ADVANCE, step, uid, 2 * other) >= advance_chance(h):
            if uniform(seed, PROJECT_ADVANCE, step, uid, 2 * other + 1) < p.giving_up:
                counts[GIVEN_UP] += 1.0
                fail_project(projects, slots, events, r)
            continue
        counts[ADVANCED + phase - ASSESSMENT] += 1.0
        if phase == ASSESSMENT:
            projects.phase[r] = BRIDGING
        elif phase == BRIDGING:
            projects.phase[r] = AGGREGATION
            for n in range(projects.size[r]):
                deeds[projects.ties[r, n], SIGNING] = 1.0
        else:
            passes = pass_chance(
                projects.quality[r], component(organisations, projects, r, CUSTOMISE, on), p
            ) > uniform(seed, PROJECT_TEST, step, uid, other)
            counts[TESTS] += 1.0
            counts[MODULES_TESTED] += projects.modules[r]
            for n in range(projects.size[r]):
                t = projects.ties[r, n]
                deeds[t, TESTED] = 1.0
                deeds[t, PASSED if passes else FAILED] = 1.0
                ties.trust[t] += trust_step * (1.0 - ties.trust[t]) if passes else -trust_step * ties.trust[t]
            if passes:
                _book(organisations, ties, projects, books, events, r, demand, on, components, price, memory, counts)
                projects.phase[r] = NO_PROJECT  # done; the row is given back when the ecologies have been joined
            else:
                _try_again(organisations, ties, projects, slots, events, r, engaged, starts, tie_lists, on, recall, p,
                           components, counts, seed, step)  # fmt: skip


@allocation_free
def _pay_for(
    organisations: Organisations, ties: Ties, projects: Projects, books: Books, r: int, deeds: Column, p: Any
) -> None:
    """Lead and partners each put the cost of a quarter in; the lead's is promised in equal parts to all partners."""
    lead, size = projects.lead[r], projects.size[r]
    organisations.active[lead] += 1.0
    paid_lead = pay(organisations, books, lead, HOUSEHOLDS, p.cost, PROJECTS) / size
    for n in range(size):
        j, t = projects.partners[r, n], projects.ties[r, n]
        organisations.active[j] += 1.0
        paid = pay(organisations, books, j, HOUSEHOLDS, p.cost, PROJECTS)
        promised = p.cost + p.cost / size
        ties.promised[t] += promised
        ties.kept[t] += paid + paid_lead
        ties.volume[t] += paid + paid_lead
        deeds[t, WORKED] = 1.0
        deeds[t, KEPT] = 1.0 if paid + paid_lead >= promised * (1.0 - 1e-12) else (paid + paid_lead) / promised
        note_flow(organisations, books, SERVICES, EXCHANGE, lead, j, paid_lead)
        note_flow(organisations, books, SERVICES, EXCHANGE, j, lead, paid)


@allocation_free
def _bridge(
    organisations: Organisations,
    ties: Ties,
    projects: Projects,
    books: Books,
    r: int,
    on: Column,
    components: Any,
    price: float,
    counts: Column,
) -> None:
    """A quarter of bridging: cut knowledge into modules; lead and partners raise each other where one is ahead."""
    extract = component(organisations, projects, r, EXTRACT, on)
    projects.modules[r] += components.extraction * extract * (1.0 - projects.modules[r])
    rate = components.empowerment * component(organisations, projects, r, EMPOWER, on)
    for n in range(projects.size[r]):
        t, lead, partner = projects.ties[r, n], projects.lead[r], projects.partners[r, n]
        ahead = (
            organisations.knowledge[lead, projects.domain[r]] >= organisations.knowledge[partner, projects.domain[r]]
        )
        giver, taker = (lead, partner) if ahead else (partner, lead)
        moved = raise_partner(organisations, giver, taker, projects.domain[r], rate)
        counts[MOVED] += moved
        # The lead raises what its partner can do; what it learns from a partner is exchange.
        note_flow(organisations, books, KNOWLEDGE, EMPOWERMENT if ahead else EXCHANGE, giver, taker, moved)
        note_gain(organisations, books, taker, giver, price * moved)
        ties.volume[t] += price * moved
        if taker == ties.a[t]:
            ties.got_a[t] += price * moved
            ties.gave_b[t] += price * moved
        else:
            ties.got_b[t] += price * moved
            ties.gave_a[t] += price * moved


@allocation_free
def raise_partner(organisations: Organisations, giver: int, taker: int, d: int, rate: float) -> float:
    """Close a part of the taker's gap in domain d and of both sides' gaps in the nine capabilities; return the knowledge moved."""
    moved = rate * max(0.0, organisations.knowledge[giver, d] - organisations.knowledge[taker, d])
    organisations.knowledge[taker, d] += moved
    for k in range(organisations.knowledge_capabilities.shape[1]):
        gap = organisations.knowledge_capabilities[giver, k] - organisations.knowledge_capabilities[taker, k]
        if gap > 0.0:
            organisations.knowledge_capabilities[taker, k] += rate * gap
        else:
            organisations.knowledge_capabilities[giver, k] -= rate * gap
    return moved


@allocation_free
def _book(
    organisations: Organisations,
    ties: Ties,
    projects: Projects,
    books: Books,
    events: Events,
    r: int,
    demand: Column,
    on: Column,
    components: Any,
    price: float,
    memory: float,
    counts: Column,
) -> None:
    """Give each member the knowledge that a passed test proves, and the value that it has to whom it is for.

    Value = price * knowledge * fit * demand for the domain against the mean over domains.
    """
    d, size = projects.domain[r], projects.size[r]
    promise = potential(
        projects.distance[r],
        projects.modules[r],
        component(organisations, projects, r, INTEGRATE, on),
        size,
        components,
    )
    made = knowledge_made(promise, component(organisations, projects, r, CREATE, on), components)
    fitting = fit(projects.quality[r], component(organisations, projects, r, CUSTOMISE, on))
    worth = price * made * fitting * demand[d] * demand.size
    for n in range(1 + size):
        i = team_member(projects, r, n)
        organisations.knowledge[i, d] += made
        organisations.inflow[i] += memory * made
        create_value(organisations, books, PROJECT_SOURCE, i, worth)
    for n in range(size):
        t, lead, j = projects.ties[r, n], projects.lead[r], projects.partners[r, n]
        note_gain(organisations, books, lead, j, worth / size)
        note_gain(organisations, books, j, lead, worth)
        ties.got_a[t] += worth / size if ties.a[t] == lead else worth
        ties.got_b[t] += worth if ties.a[t] == lead else worth / size
        # Both made it, so neither rides free.
        ties.gave_a[t] += 0.5 * (worth + worth / size)
        ties.gave_b[t] += 0.5 * (worth + worth / size)
        ties.finished[t] += 1
    counts[FINISHED] += 1.0
    counts[PASSES] += 1.0
    counts[MADE] += made * (1 + size)
    counts[VALUE] += worth * (1 + size)
    note_event(events, PROJECT_FINISHED, projects.lead_uid[r], projects.partner_uids[r, 0], made)


@allocation_free
def _try_again(
    organisations: Organisations,
    ties: Ties,
    projects: Projects,
    slots: Slots,
    events: Events,
    r: int,
    engaged: Column,
    starts: Column,
    tie_lists: Column,
    on: Column,
    recall: bool,
    p: Any,
    components: Any,
    counts: Column,
    seed: int,
    step: int,
) -> None:
    """After a failed test: come back to the solution set aside, or assess anew, perhaps with another partner, or give up (P86).

    The solution set aside is worth it from `recall_quality` times what a new search finds on average; it was assessed, so the
    project goes on with bridging. Without recall a project begins from nothing.
    """
    projects.rounds[r] += 1
    risk = 0.0
    for n in range(1 + projects.size[r]):
        risk += organisations.routines[team_member(projects, r, n), RISK]
    if projects.rounds[r] >= p.most_rounds * (0.5 + risk / (1.0 + projects.size[r])):
        counts[GIVEN_UP] += 1.0
        fail_project(projects, slots, events, r)
        return
    found = solutions_found(component(organisations, projects, r, ACQUIRE, on), 1 + projects.size[r], components)
    usual = expected_quality(found, reach(component(organisations, projects, r, DISCOVER, on), components))
    if recall and projects.set_aside[r] >= p.recall_quality * usual:
        projects.quality[r], projects.set_aside[r] = projects.set_aside[r], 0.0
        projects.phase[r] = BRIDGING
        counts[RECALLED] += 1.0
        return
    projects.phase[r] = ASSESSMENT
    if recall:
        if change_partner(organisations, ties, projects, r, engaged, starts, tie_lists, p):
            projects.distance[r] = team_distance(organisations, projects, r)
            projects.modules[r] *= (projects.size[r] - 1.0) / projects.size[r]
            counts[REPLACED] += 1.0
    else:
        projects.modules[r] = 0.0
    find_solution(organisations, projects, r, on, recall, components, seed, step)
