"""Merging of ecologies (S002 4(3)): a finished project joins the partners' surroundings, each gains the other's members (P97).

Who rebuilds the ecology of knowledge introduces own partners to the other side. The limits on ties are those of symbiosis.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ecosim.compilation import allocation_free, compiled
from ecosim.draws import PROJECT_MERGING, uniform
from ecosim.ledger import note_event
from ecosim.mechanisms.knowledge_components import REBUILD, component
from ecosim.mechanisms.partner_search import most_ties
from ecosim.mechanisms.project_teams import end_project
from ecosim.mechanisms.ties import new_tie, other_end
from ecosim.state import (
    AGGREGATION,
    ECOLOGIES_MERGED,
    NO_PROJECT,
    TIE_FORMED,
    Column,
    Events,
    Organisations,
    Projects,
    Slots,
    Ties,
)


class Introduced(NamedTuple):
    """Who was tied by this quarter's merging: a chain of others for each organisation."""

    latest: Column  # (organisations,) the end of an organisation's chain, -1 for none
    earlier: Column  # (links,) the link before, -1 for none
    other: Column  # (links,) row of who it was tied to
    used: Column  # (1,) links; two a tie


@compiled
def nobody_introduced(organisations: int, most: int) -> Introduced:
    """Return chains without a link, with room for `most` ties."""
    links = np.empty(2 * most, np.int64)
    return Introduced(np.full(organisations, -1), links, links.copy(), np.zeros(1, np.int64))


@allocation_free
def seats_before_test(projects: Projects, project_rows: Column) -> int:
    """How many partners take part in projects in aggregation: only these can finish in the quarter."""
    seats = 0
    for r in project_rows:
        seats += projects.size[r] if projects.phase[r] == AGGREGATION else 0
    return seats


@allocation_free
def most_introduced(seats: int, p: Any) -> int:
    """How many ties merging can form at most: 2 * introductions for each partner of a project that finishes."""
    return 2 * p.introductions * seats


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
    introduced: Introduced,
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
                                         introduced, interfaces, limits, seed, step)  # fmt: skip
            if merged > 0:
                note_event(events, ECOLOGIES_MERGED, projects.lead_uid[r], projects.partner_uids[r, n], merged)
        end_project(projects, slots, r)
    return introduced.used[0] // 2


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
    introduced: Introduced,
    interfaces: Column,
    limits: Any,
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
    if interface < 0 or _acquainted(ties, guest, j, starts, tie_lists, introduced):
        return 0
    new_tie(organisations, ties, tie_slots, guest, j, interface, limits.initial_trust, step)
    _link(introduced, guest, j)
    _link(introduced, j, guest)
    note_event(events, TIE_FORMED, uid, organisations.uid[j], 0.0)
    return 1


@allocation_free
def _link(introduced: Introduced, i: int, j: int) -> None:
    """Put j at the end of i's chain."""
    link = introduced.used[0]
    introduced.earlier[link], introduced.other[link] = introduced.latest[i], j
    introduced.latest[i] = link
    introduced.used[0] += 1


@allocation_free
def _acquainted(ties: Ties, i: int, j: int, starts: Column, tie_lists: Column, introduced: Introduced) -> bool:
    """Whether the two are tied, from before or since this quarter's merging: looked up with the one who had fewer ties."""
    if starts[j + 1] - starts[j] < starts[i + 1] - starts[i]:
        i, j = j, i
    for position in range(starts[i], starts[i + 1]):
        if other_end(ties, tie_lists[position], i) == j:
            return True
    link = introduced.latest[i]
    while link >= 0:
        if introduced.other[link] == j:
            return True
        link = introduced.earlier[link]
    return False
