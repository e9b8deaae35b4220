"""Talent that partners share (S001 5.1-5.3: talent training agreements; S003 4.2(1)): rival, so what one gets another loses.

Over ties of training or joint research in the mode of sharing or overlap, graduates go first to a university's partners, and
staff that one side would let go move to the other if that one looks for staff, without a search on the market for talent.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.compilation import allocation_free, compiled
from ecosim.ledger import note_flow
from ecosim.outcomes import Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    JOINT_RESEARCH,
    POOL,
    SHARING,
    TALENT,
    TRAINING,
    Books,
    Column,
    Environment,
    Organisations,
    State,
    Ties,
)

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("secondment", __name__, {
    "placed": Parameter(0.5, 0.0, 1.0, "share", "Part of a university's graduates that its partners may take first; an academy's partners may take all.", "S001 5.1: talent training agreements (P27, P28)"),
    "move": Parameter(0.3, 0.0, 1.0, "1/quarter", "Part of what one side would let go and the other looks for that moves between them in a quarter.", _ASSUMED),
})  # fmt: skip

OUTCOMES = (Outcome("talent_moved", "person-years", "Talent that moved between partners in the quarter."),)


@compiled
def outcomes(state: State, numbers: Any, step: int, out: Column) -> None:
    """Write the talent that moved into `out`, (outcomes,)."""
    out[0] = state.books.flows[TALENT].sum()


@allocation_free
def trains(ties: Ties, t: int) -> bool:
    """Whether talent is shared over a tie."""
    interface = ties.interface[t]
    return ties.mode[t] >= SHARING and interface in (TRAINING, JOINT_RESEARCH)


@compiled
def place_graduates(
    organisations: Organisations,
    ties: Ties,
    environment: Environment,
    books: Books,
    graduates: Column,
    tie_rows: Column,
    hiring_speed: float,
) -> None:
    """Offer graduates to partners in proportion to their vacancies; each takes at most what it would hire in a quarter.

    Parameters
    ----------
    graduates : (rows,) who of those that look for work may be placed by each organisation, person-years.
    """
    if hiring_speed > 0.0:
        wanted, offered = np.zeros(graduates.size), np.zeros(graduates.size)
        _place(organisations, ties, environment, books, graduates, wanted, offered, tie_rows, hiring_speed)


@allocation_free
def _place(
    organisations: Organisations,
    ties: Ties,
    environment: Environment,
    books: Books,
    graduates: Column,
    wanted: Column,
    offered: Column,
    tie_rows: Column,
    hiring_speed: float,
) -> None:
    """Add up what each giver is asked for and each taker is offered, (rows,), then move what is taken."""
    for t in tie_rows:
        if trains(ties, t):
            for giver, taker in ((ties.a[t], ties.b[t]), (ties.b[t], ties.a[t])):
                if graduates[giver] > 0.0:
                    wanted[giver] += max(0.0, organisations.vacancies[taker])
    for t in tie_rows:
        if trains(ties, t):
            for giver, taker in ((ties.a[t], ties.b[t]), (ties.b[t], ties.a[t])):
                offered[taker] += _offer(organisations, graduates, wanted, giver, taker)
    for t in tie_rows:
        if trains(ties, t):
            for giver, taker in ((ties.a[t], ties.b[t]), (ties.b[t], ties.a[t])):
                volume = _offer(organisations, graduates, wanted, giver, taker)
                if volume > 0.0:
                    places = hiring_speed * max(0.0, organisations.vacancies[taker])
                    volume = min(volume * min(1.0, places / offered[taker]), environment.seekers[0])
                    environment.seekers[0] -= volume
                    organisations.talent[taker] += volume
                    note_flow(organisations, books, TALENT, POOL, giver, taker, volume)
    for i in range(graduates.size):
        if offered[i] > 0.0:  # what was filled is looked for no more
            places = hiring_speed * max(0.0, organisations.vacancies[i])
            organisations.vacancies[i] -= min(offered[i], places) / hiring_speed


@allocation_free
def _offer(organisations: Organisations, graduates: Column, wanted: Column, giver: int, taker: int) -> float:
    if wanted[giver] <= 0.0:
        return 0.0
    return graduates[giver] * max(0.0, organisations.vacancies[taker]) / wanted[giver]


@compiled
def move_staff(
    organisations: Organisations, ties: Ties, books: Books, tie_rows: Column, used: int, hiring_speed: float, p: Any
) -> None:
    """Move staff from a partner that lets people go to one that looks for some: move * min(surplus, vacancies), shared out.

    Both are what the market for talent left over this quarter, and each is split evenly over an organisation's ties.

    Parameters
    ----------
    used : rows of organisations in use.
    """
    movers = np.empty(tie_rows.size, np.int64)
    count = _find_movers(organisations, ties, tie_rows, hiring_speed, movers)
    if count > 0:
        _move_over(organisations, ties, books, movers[:count], np.zeros(used), hiring_speed, p)


@allocation_free
def _find_movers(
    organisations: Organisations, ties: Ties, tie_rows: Column, hiring_speed: float, movers: Column
) -> int:
    """Write the ties over which staff move into `movers`, (ties,), and return how many they are."""
    count = 0
    for t in tie_rows:
        if trains(ties, t):
            left_a, left_b = (
                _left(organisations, ties.a[t], hiring_speed),
                _left(organisations, ties.b[t], hiring_speed),
            )
            if left_a * left_b < 0.0:
                movers[count] = t
                count += 1
    return count


@allocation_free
def _left(organisations: Organisations, i: int, hiring_speed: float) -> float:
    """Vacancies that the market for talent left open, or staff that it left too many (negative), person-years."""
    return (1.0 - hiring_speed) * organisations.vacancies[i]


@allocation_free
def _move_over(
    organisations: Organisations,
    ties: Ties,
    books: Books,
    movers: Column,
    partners: Column,
    hiring_speed: float,
    p: Any,
) -> None:
    """Move staff over these ties; `partners`, (organisations,), counts those of each organisation."""
    for t in movers:
        partners[ties.a[t]] += 1.0
        partners[ties.b[t]] += 1.0
    for t in movers:
        giver, taker = (ties.a[t], ties.b[t]) if organisations.vacancies[ties.a[t]] < 0.0 else (ties.b[t], ties.a[t])
        surplus = -_left(organisations, giver, hiring_speed) / partners[giver]
        volume = p.move * min(surplus, _left(organisations, taker, hiring_speed) / partners[taker])
        volume = min(volume, organisations.talent[giver])
        organisations.talent[giver] -= volume
        organisations.talent[taker] += volume
        note_flow(organisations, books, TALENT, POOL, giver, taker, volume)
