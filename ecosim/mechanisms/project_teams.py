"""Teams of co-creation projects (S002 4): who starts one, leads it, takes part, leaves it, and takes another's place.

A tie without a project starts one; the side with more capital leads. With teams, the lead asks further partners over its
other free ties. A tie carries one project at a time. The parameters are those of co-creation.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.columns import claim, release
from ecosim.compilation import allocation_free, compiled
from ecosim.draws import PROJECT_START, PROJECT_TEAM, uniform
from ecosim.ledger import note_event
from ecosim.measures import pianka_overlap
from ecosim.mechanisms.ties import other_end
from ecosim.state import (
    ASSESSMENT,
    CO_CREATION,
    NO_PROJECT,
    PROJECT_FAILED,
    Column,
    Events,
    Organisations,
    Projects,
    Slots,
    Ties,
)


@compiled
def engaged_ties(projects: Projects, project_rows: Column, ties: int) -> Column:
    """Return which of so many rows of ties carry a project, (ties,)."""
    engaged = np.zeros(ties, np.bool_)
    for r in project_rows:
        for n in range(projects.size[r]):
            engaged[projects.ties[r, n]] = True
    return engaged


@allocation_free
def end_project(projects: Projects, slots: Slots, r: int) -> None:
    """Give the row of a project back."""
    projects.alive[r] = False
    projects.phase[r] = NO_PROJECT
    release(slots, r)


@allocation_free
def fail_project(projects: Projects, slots: Slots, events: Events, r: int) -> None:
    """Note that a project came to nothing, and end it."""
    note_event(events, PROJECT_FAILED, projects.lead_uid[r], projects.partner_uids[r, 0], projects.rounds[r])
    end_project(projects, slots, r)


@allocation_free
def drop_departed(ties: Ties, projects: Projects, slots: Slots, events: Events, project_rows: Column) -> int:
    """Take partners whose tie has ended out of projects; return how many projects failed because nobody was left."""
    failed = 0
    for r in project_rows:
        size = projects.size[r]
        first = projects.partner_uids[r, 0]
        projects.size[r] = 0
        for n in range(size):
            t = projects.ties[r, n]
            if ties.alive[t] and ties.uid[t] == projects.tie_uids[r, n]:
                seat = projects.size[r]
                projects.ties[r, seat], projects.tie_uids[r, seat] = t, ties.uid[t]
                projects.partners[r, seat] = projects.partners[r, n]
                projects.partner_uids[r, seat] = projects.partner_uids[r, n]
                projects.size[r] += 1
        if projects.size[r] == 0:
            projects.partner_uids[r, 0] = first
            fail_project(projects, slots, events, r)
            failed += 1
    return failed


@allocation_free
def start_chance(skill: float, trust: float, p: Any) -> float:
    """Chance that a tie without a project starts one: start_rate * (unskilled + (1 - unskilled) * skill) * (1 + T) / 2."""
    return p.start_rate * (p.unskilled + (1.0 - p.unskilled) * skill) * 0.5 * (1.0 + trust)


@allocation_free
def wish_projects(
    organisations: Organisations,
    ties: Ties,
    tie_rows: Column,
    engaged: Column,
    starting: Column,
    skilled: float,
    p: Any,
    seed: int,
    step: int,
) -> int:
    """Decide on the state at the start which free ties start a project; return how many do.

    Both sides can pay for four quarters more of all their projects.

    Parameters
    ----------
    starting : (ties,) False; is written.
    skilled : 1, or 0 if the capability of co-creation is switched off.
    """
    wishes = 0
    for t in tie_rows:
        a, b = ties.a[t], ties.b[t]
        if engaged[t]:
            continue
        if organisations.capital[a] <= 4.0 * p.cost * (1.0 + organisations.active[a]):
            continue
        if organisations.capital[b] <= 4.0 * p.cost * (1.0 + organisations.active[b]):
            continue
        skill = skilled * np.sqrt(
            organisations.capabilities[a, CO_CREATION] * organisations.capabilities[b, CO_CREATION]
        )
        chance = start_chance(skill, ties.trust[t], p)
        starting[t] = uniform(seed, PROJECT_START, step, organisations.uid[a], 16 * organisations.uid[b]) < chance
        wishes += 1 if starting[t] else 0
    return wishes


@allocation_free
def open_project(organisations: Organisations, ties: Ties, projects: Projects, slots: Slots, t: int) -> int:
    """Write a project of a tie's two ends down: the one with more capital leads, of equals the older; return its row."""
    a, b = ties.a[t], ties.b[t]
    more = organisations.capital[a] - organisations.capital[b]
    lead = a if more > 0.0 or (more == 0.0 and organisations.uid[a] < organisations.uid[b]) else b
    r = claim(slots)
    projects.uid[r] = slots.state[2]
    projects.alive[r] = True
    projects.lead[r], projects.lead_uid[r] = lead, organisations.uid[lead]
    projects.size[r] = 0
    seat_partner(organisations, ties, projects, r, 0, t)
    projects.size[r] = 1
    projects.phase[r] = ASSESSMENT
    projects.rounds[r] = projects.domain[r] = 0
    projects.quality[r] = projects.set_aside[r] = projects.modules[r] = 0.0
    return r


@allocation_free
def seat_partner(organisations: Organisations, ties: Ties, projects: Projects, r: int, seat: int, t: int) -> None:
    """Write the other end of one of the lead's ties down as a project's partner."""
    j = other_end(ties, t, projects.lead[r])
    projects.partners[r, seat], projects.partner_uids[r, seat] = j, organisations.uid[j]
    projects.ties[r, seat], projects.tie_uids[r, seat] = t, ties.uid[t]


@allocation_free
def promise(organisations: Organisations, ties: Ties, t: int, lead: int, d: int) -> float:
    """What the lead's partner on a tie would bring to a project: trust * knowledge of its domain * 4 delta (1 - delta), delta their distance."""
    j = other_end(ties, t, lead)
    distance = 1.0 - pianka_overlap(organisations.knowledge[lead], organisations.knowledge[j])
    return ties.trust[t] * organisations.knowledge[j, d] * 4.0 * distance * (1.0 - distance)


@allocation_free
def best_free_tie(
    organisations: Organisations,
    ties: Ties,
    projects: Projects,
    r: int,
    engaged: Column,
    starts: Column,
    tie_lists: Column,
    p: Any,
) -> int:
    """The lead's free tie whose other end promises most for the project's domain and can pay; -1 for none."""
    lead = projects.lead[r]
    best, chosen = 0.0, -1
    for position in range(starts[lead], starts[lead + 1]):
        t = tie_lists[position]
        j = other_end(ties, t, lead)
        if engaged[t] or organisations.capital[j] <= 4.0 * p.cost * (1.0 + organisations.active[j]):
            continue
        value = promise(organisations, ties, t, lead, projects.domain[r])
        if value > best:
            best, chosen = value, t
    return chosen


@allocation_free
def ask_further_partners(
    organisations: Organisations,
    ties: Ties,
    projects: Projects,
    r: int,
    engaged: Column,
    starts: Column,
    tie_lists: Column,
    p: Any,
    seed: int,
    step: int,
) -> None:
    """Ask the best free partner after the other; each joins with chance invitation * trust, and who declines ends the search."""
    while projects.size[r] < projects.ties.shape[1]:
        t = best_free_tie(organisations, ties, projects, r, engaged, starts, tie_lists, p)
        if t < 0:
            return
        other = organisations.uid[other_end(ties, t, projects.lead[r])]
        if uniform(seed, PROJECT_TEAM, step, projects.lead_uid[r], other) >= p.invitation * ties.trust[t]:
            return
        seat_partner(organisations, ties, projects, r, projects.size[r], t)
        projects.size[r] += 1
        engaged[t] = True


@allocation_free
def change_partner(
    organisations: Organisations,
    ties: Ties,
    projects: Projects,
    r: int,
    engaged: Column,
    starts: Column,
    tie_lists: Column,
    p: Any,
) -> bool:
    """Let the lead give the seat of the partner who promises least to a free one who promises more (P86)."""
    worst, seat = 1e300, 0
    for n in range(projects.size[r]):
        value = promise(organisations, ties, projects.ties[r, n], projects.lead[r], projects.domain[r])
        if value < worst:
            worst, seat = value, n
    t = best_free_tie(organisations, ties, projects, r, engaged, starts, tie_lists, p)
    if t < 0:
        return False
    if promise(organisations, ties, t, projects.lead[r], projects.domain[r]) <= worst:
        return False
    engaged[projects.ties[r, seat]] = False
    engaged[t] = True
    seat_partner(organisations, ties, projects, r, seat, t)
    return True


@allocation_free
def team_distance(organisations: Organisations, projects: Projects, r: int) -> float:
    """Mean distance of the partners' knowledge from the lead's, in [0, 1]: 1 - overlap of the two profiles (Pianka 1973)."""
    total = 0.0
    for n in range(projects.size[r]):
        total += 1.0 - pianka_overlap(
            organisations.knowledge[projects.lead[r]], organisations.knowledge[projects.partners[r, n]]
        )
    return total / projects.size[r]
