"""Merging of ecologies (S002 4(3)): a finished project joins the partners' surroundings, each gains the other's members (P97).

Who rebuilds the ecology of knowledge introduces own partners to the other side. The limits on ties are those of symbiosis.
"""

from __future__ import annotations

from typing import Any

from ecosim.compilation import allocation_free
from ecosim.draws import PROJECT_MERGING, uniform
from ecosim.ledger import note_event
from ecosim.mechanisms.knowledge_components import REBUILD, component
from ecosim.mechanisms.partner_search import most_ties
from ecosim.mechanisms.project_teams import end_project
from ecosim.mechanisms.ties import new_tie, other_end
from ecosim.state import ECOLOGIES_MERGED, NO_PROJECT, TIE_FORMED, Column, Events, Organisations, Projects, Slots, Ties


@allocation_free
def merge_ecologies(
    organisations: Organisations,
    ties: Ties,
    tie_slots: Slots,
    projects: Projects,
    slots: Slots,
    events: Events,
    project_rows: Column,
    starts: Column,
    tie_lists: Column,
    interfaces: Column,
    on: Column,
    p: Any,
    limits: Any,
    seed: int,
    step: int,
) -> int:
    """Join the surroundings of lead and partners of each project that was finished, and end it; return the ties that came of it.

    Each of the two introduces up to `introductions` of its partners to the other; a pair that can tie does so with chance
    rebuild.
    """
    first_new = tie_slots.state[2] + 1
    for r in project_rows:
        if not projects.alive[r] or projects.phase[r] != NO_PROJECT:
            continue
        rebuild = component(organisations, projects, r, REBUILD, on)
        for n in range(projects.size[r]):
            merged = 0
            for side in range(2):
                host, guest = projects.lead[r], projects.partners[r, n]
                if side == 1:
                    host, guest = guest, host
                for k in range(p.introductions):
                    merged += _introduce(organisations, ties, tie_slots, events, host, guest, k, rebuild, starts, tie_lists,
                                         interfaces, limits, first_new, seed, step)  # fmt: skip
            if merged > 0:
                note_event(events, ECOLOGIES_MERGED, projects.lead_uid[r], projects.partner_uids[r, n], merged)
        end_project(projects, slots, r)
    return tie_slots.state[2] + 1 - first_new


@allocation_free
def _introduce(
    organisations: Organisations,
    ties: Ties,
    tie_slots: Slots,
    events: Events,
    host: int,
    guest: int,
    k: int,
    rebuild: float,
    starts: Column,
    tie_lists: Column,
    interfaces: Column,
    limits: Any,
    first_new: int,
    seed: int,
    step: int,
) -> int:
    """The host introduces one of its partners to the guest; return 1 if they tie."""
    known = starts[host + 1] - starts[host]
    uid, other = organisations.uid[guest], organisations.uid[host]
    if known == 0 or uniform(seed, PROJECT_MERGING, step, uid, 64 * other + 2 * k) >= rebuild:
        return 0
    position = starts[host] + int(uniform(seed, PROJECT_MERGING, step, uid, 64 * other + 2 * k + 1) * known)
    j = other_end(ties, tie_lists[position], host)
    if j == guest or organisations.degree[guest] >= most_ties(organisations, guest, limits):
        return 0
    if organisations.degree[j] >= most_ties(organisations, j, limits):
        return 0
    interface = interfaces[organisations.role[guest], organisations.role[j]]
    if interface < 0 or _acquainted(ties, tie_slots, guest, j, starts, tie_lists, first_new):
        return 0
    new_tie(organisations, ties, tie_slots, guest, j, interface, limits.initial_trust, step)
    note_event(events, TIE_FORMED, uid, organisations.uid[j], 0.0)
    return 1


@allocation_free
def _acquainted(
    ties: Ties, tie_slots: Slots, i: int, j: int, starts: Column, tie_lists: Column, first_new: int
) -> bool:
    """Whether the two are tied, from before or since this quarter's merging."""
    for position in range(starts[i], starts[i + 1]):
        if other_end(ties, tie_lists[position], i) == j:
            return True
    if tie_slots.state[2] >= first_new:
        for t in range(tie_slots.state[1]):
            if (
                ties.alive[t]
                and ties.uid[t] >= first_new
                and ((ties.a[t] == i and ties.b[t] == j) or (ties.a[t] == j and ties.b[t] == i))
            ):
                return True
    return False
