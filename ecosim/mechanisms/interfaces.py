"""Interfaces (S001, sections 2.1.2, 5.1 to 5.3): what a pair has agreed on, and how it grows with mode and need.

A tie begins with the interface that the two roles declare. Partners who share (mode of sharing or overlap) can move on,
a decision that costs both: rivals from contract to cross-licence, from there to a joint research centre; a firm and its
supplier to a joint centre; a university and an enterprise from joint research to a training agreement; anybody but a government and an
intermediary to what that one is there for: a standards body, an alliance, an open-source community, finance. When the
mode falls back to separation, the interface falls back to the first one.
"""

from __future__ import annotations

from typing import Any

from ecosim.compilation import allocation_free, compiled
from ecosim.draws import INTERFACE_CHANGE, uniform
from ecosim.ledger import CONTRACTS, PROJECTS, UPKEEP, make_element, note_event, note_flow, note_gain, pay
from ecosim.measures import pianka_overlap
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    ALLIANCE,
    CONTRACT,
    EXCHANGE,
    FIRM,
    FUNDING,
    GOVERNMENT,
    HOUSEHOLDS,
    INTERFACE_CHANGED,
    INTERMEDIARY,
    JOINT_RESEARCH,
    JOINT_VENTURE,
    KNOWLEDGE,
    LICENCE,
    OPEN_SOURCE,
    SEPARATION,
    STANDARDS,
    SUPPLIER,
    SUPPLY,
    TALENT,
    TRAINING,
    UNIVERSITY,
    Books,
    Column,
    Events,
    Organisations,
    State,
    Ties,
)

# What a tie with an intermediary becomes, by the kind of the intermediary; others keep what their roles declare.
OF_KIND = {"standards body": STANDARDS, "industrial alliance": ALLIANCE, "open-source community": OPEN_SOURCE, "finance": FUNDING}  # fmt: skip

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("interfaces", __name__, {
    "change_rate": Parameter(0.3, 0.0, 1.0, "1/quarter", "Chance that partners who share move on to the next interface in a quarter, at full trust and need.", "S001 5.2, 5.3 (P40)"),
    "setup": Parameter(1.0, 0.0, 1e4, "million CNY", "What each side pays for a new interface.", _ASSUMED),
    "afford": Parameter(0.05, 0.0, 1.0, "share of capital", "Most of its capital that a side puts into a new interface, or into a quarter of a joint centre.", _ASSUMED),
    "centre_trust": Parameter(0.5, 0.0, 1.0, "level", "Trust from which enterprises found a joint research centre.", "S001 5.2, 5.3"),
    "licence_shield": Parameter(0.7, 0.0, 1.0, "share", "Part of the distrust by leakage that a cross-licence, or open source, takes away: what leaks was granted.", "S001 5.2: patent cross-licence (P41)"),
    "alliance_discipline": Parameter(0.5, 0.0, 1.0, "share", "Part of the distrust by free riding that the rules of an alliance take away.", "S001 5.2"),
    "standards_saving": Parameter(0.5, 0.0, 1.0, "share", "Part of a tie's upkeep that common standards save.", "S001 5.2"),
    "centre_cost": Parameter(1.0, 0.0, 1e4, "million CNY a quarter", "What each side pays for a joint research centre.", _ASSUMED),
    "centre_gain": Parameter(0.15, 0.0, 100.0, "firm-years of median R&D a quarter", "Knowledge that a joint research centre makes, and both sides have, at the best distance.", _ASSUMED),
    "training": Parameter(0.02, 0.0, 1.0, "graduates a person-year and quarter", "Graduates that a university's staff teaches for one partner with a training agreement, if it has vacancies.", "S001 5.2, 5.3: network colleges, ICT academy"),
    "fee": Parameter(0.02, 0.0, 10.0, "million CNY a graduate", "What the partner pays for one.", _ASSUMED),
})  # fmt: skip


@compiled
def use_interfaces(state: State, numbers: Any, tie_rows: Column, seed: int, step: int) -> None:
    """Partners move on to closer interfaces, or fall back; joint centres do research, training agreements train."""
    organisations, ties, books, p = state.organisations, state.ties, state.books, numbers.interfaces
    change_interfaces(organisations, ties, books, state.events, tie_rows, numbers.roles.interface,
                      numbers.roles.kind_interface, p, seed, step)  # fmt: skip
    run_centres(
        organisations, ties, books, tie_rows, p, numbers.open_sharing.usefulness * state.environment.knowledge_cost[0]
    )
    train(organisations, ties, books, tie_rows, p)


@allocation_free
def lighter(interface: int, p: Any) -> tuple[float, float, float]:
    """What an interface leaves of a tie's upkeep, of distrust by free riding, and of distrust by leakage."""
    upkeep = 1.0 - p.standards_saving if interface == STANDARDS else 1.0
    riding = 1.0 - p.alliance_discipline if interface == ALLIANCE else 1.0
    leaking = 1.0 - p.licence_shield if interface in (LICENCE, OPEN_SOURCE) else 1.0
    return upkeep, riding, leaking


@allocation_free
def _enterprise(role: int) -> bool:
    return role in (FIRM, SUPPLIER)


@allocation_free
def is_centre(organisations: Organisations, ties: Ties, t: int) -> bool:
    """Whether a tie is a joint research centre of two enterprises (with a university, joint research is by contract)."""
    return (
        ties.interface[t] == JOINT_RESEARCH
        and _enterprise(organisations.role[ties.a[t]])
        and _enterprise(organisations.role[ties.b[t]])
    )


@allocation_free
def next_interface(
    organisations: Organisations, ties: Ties, t: int, of_kind: Column, centre_trust: float
) -> tuple[int, float]:
    """The interface that partners who share can move on to, and how much they need it, in [0, 1].

    A cross-licence is needed as far as niches overlap, a joint centre by 4 d (1 - d) of the distance d between the two
    knowledge profiles, a training agreement by the partner's vacancies against its staff, an intermediary always.
    """
    a, b, present = ties.a[t], ties.b[t], ties.interface[t]
    role_a, role_b = organisations.role[a], organisations.role[b]
    if (role_a == INTERMEDIARY) != (role_b == INTERMEDIARY) and role_a != GOVERNMENT and role_b != GOVERNMENT:
        kind = organisations.kind[a] if role_a == INTERMEDIARY else organisations.kind[b]
        return (of_kind[kind], 1.0) if of_kind[kind] >= 0 else (present, 0.0)
    if _enterprise(role_a) and _enterprise(role_b):
        if present == CONTRACT:
            return LICENCE, pianka_overlap(organisations.niche[a], organisations.niche[b])
        if (present in (LICENCE, SUPPLY)) and ties.trust[t] >= centre_trust:
            distance = 1.0 - pianka_overlap(organisations.knowledge[a], organisations.knowledge[b])
            return JOINT_RESEARCH, 4.0 * distance * (1.0 - distance)
    if present == JOINT_RESEARCH and (role_a == UNIVERSITY) != (role_b == UNIVERSITY):
        enterprise = b if role_a == UNIVERSITY else a
        vacant = max(0.0, organisations.vacancies[enterprise])
        staff = organisations.talent[enterprise] + vacant
        return TRAINING, vacant / staff if staff > 0.0 else 0.0
    return present, 0.0


@allocation_free
def change_interfaces(
    organisations: Organisations,
    ties: Ties,
    books: Books,
    events: Events,
    tie_rows: Column,
    declared: Column,
    of_kind: Column,
    p: Any,
    seed: int,
    step: int,
) -> None:
    """Move on with chance change_rate * T * need if both can pay for it; fall back with the mode."""
    for t in tie_rows:
        a, b = ties.a[t], ties.b[t]
        present = ties.interface[t]
        if present == JOINT_VENTURE:
            continue
        chosen = present
        if ties.mode[t] == SEPARATION:
            chosen = max(0, declared[organisations.role[a], organisations.role[b]])
        else:
            offered, need = next_interface(organisations, ties, t, of_kind, p.centre_trust)
            affordable = p.setup <= p.afford * min(organisations.capital[a], organisations.capital[b])
            chance = p.change_rate * ties.trust[t] * need
            drawn = uniform(seed, INTERFACE_CHANGE, step, organisations.uid[a], organisations.uid[b])
            if offered != present and affordable and drawn < chance:
                chosen = offered
                for i in (a, b):
                    pay(organisations, books, i, HOUSEHOLDS, p.setup, UPKEEP)
        if chosen != present:
            ties.interface[t] = chosen
            note_event(events, INTERFACE_CHANGED, organisations.uid[a], organisations.uid[b], chosen)


@allocation_free
def run_centres(organisations: Organisations, ties: Ties, books: Books, tie_rows: Column, p: Any, price: float) -> None:
    """Both sides of a joint centre pay for it and have what it makes: gain * 4 d (1 - d), where both do research."""
    for t in tie_rows:
        a, b = ties.a[t], ties.b[t]
        afford = p.afford * min(organisations.capital[a], organisations.capital[b])
        if not is_centre(organisations, ties, t) or p.centre_cost > afford:
            continue
        for i in (a, b):
            pay(organisations, books, i, HOUSEHOLDS, p.centre_cost, PROJECTS)
        distance = 1.0 - pianka_overlap(organisations.knowledge[a], organisations.knowledge[b])
        made = p.centre_gain * 4.0 * distance * (1.0 - distance)
        books.made[2] += made
        for d in range(organisations.direction.shape[1]):
            share = 0.5 * (organisations.direction[a, d] + organisations.direction[b, d])
            organisations.knowledge[a, d] += made * share
            organisations.knowledge[b, d] += made * share
        for i, j in ((a, b), (b, a)):
            note_flow(organisations, books, KNOWLEDGE, EXCHANGE, j, i, 0.5 * made)
            note_gain(organisations, books, i, j, price * made - p.centre_cost)
        ties.promised[t] += 2.0 * p.centre_cost
        ties.kept[t] += 2.0 * p.centre_cost
        ties.volume[t] += price * made
        ties.got_a[t] += price * made - p.centre_cost
        ties.got_b[t] += price * made - p.centre_cost


@allocation_free
def train(organisations: Organisations, ties: Ties, books: Books, tie_rows: Column, p: Any) -> None:
    """A university teaches for a partner with a training agreement, at a fee, up to the partner's vacancies and means."""
    for t in tie_rows:
        if ties.interface[t] != TRAINING:
            continue
        university, partner = ties.a[t], ties.b[t]
        if organisations.role[university] != UNIVERSITY:
            university, partner = partner, university
        graduates = min(p.training * organisations.talent[university], max(0.0, organisations.vacancies[partner]))
        if p.fee > 0.0:
            graduates = min(graduates, p.afford * organisations.capital[partner] / p.fee)
        if graduates <= 0.0:
            continue
        paid = pay(organisations, books, partner, university, p.fee * graduates, CONTRACTS)
        organisations.revenue[university] += paid
        organisations.vacancies[partner] -= graduates
        make_element(organisations.talent, books, TALENT, partner, graduates)
        note_flow(organisations, books, TALENT, EXCHANGE, university, partner, graduates)
        note_gain(organisations, books, university, partner, paid)
        ties.promised[t] += paid
        ties.kept[t] += paid
        ties.volume[t] += paid
