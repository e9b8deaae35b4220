"""Ties: how one is written down and how one ends."""

from __future__ import annotations

import numpy as np

from ecosim.columns import claim, release
from ecosim.compilation import allocation_free, compiled
from ecosim.ledger import REPAYMENT, note_event, pay
from ecosim.state import (
    DEFAULT,
    JOINT_RESEARCH,
    SEPARATION,
    SUPPLY,
    TIE_BROKEN,
    TRAINING,
    Books,
    Column,
    Events,
    Organisations,
    Slots,
    Ties,
)


@allocation_free
def new_tie(
    organisations: Organisations, ties: Ties, slots: Slots, a: int, b: int, interface: int, trust: float, step: int
) -> int:
    """Write a new tie down and return its row."""
    t = claim(slots)
    ties.uid[t] = slots.state[2]
    ties.alive[t] = True
    ties.a[t], ties.b[t] = a, b
    ties.interface[t] = interface
    ties.mode[t] = SEPARATION
    ties.trust[t] = trust
    ties.born[t] = step
    ties.promised[t] = ties.kept[t] = ties.order[t] = ties.owed[t] = 0.0
    ties.gave_a[t] = ties.gave_b[t] = ties.got_a[t] = ties.got_b[t] = ties.gain_a[t] = ties.gain_b[t] = 0.0
    ties.loan[t] = ties.volume[t] = ties.contributed_a[t] = ties.contributed_b[t] = 0.0
    ties.identity[t] = ties.norms[t] = ties.dialogue[t] = ties.learning[t] = ties.alliance[t] = 0.0
    ties.finished[t] = 0
    organisations.degree[a] += 1
    organisations.degree[b] += 1
    return t


@allocation_free
def cut_tie(
    organisations: Organisations, ties: Ties, slots: Slots, books: Books, events: Events, t: int, step: int
) -> None:
    """End a tie: a loan is paid back as far as the borrower can, and the row is given back."""
    a, b = ties.a[t], ties.b[t]
    if ties.loan[t] != 0.0:
        lender, borrower = (a, b) if ties.loan[t] > 0.0 else (b, a)
        missing = abs(ties.loan[t]) - pay(organisations, books, borrower, lender, abs(ties.loan[t]), REPAYMENT)
        if missing > 0.0:
            note_event(events, DEFAULT, organisations.uid[borrower], organisations.uid[lender], missing)
    note_event(events, TIE_BROKEN, organisations.uid[a], organisations.uid[b], step - ties.born[t])
    organisations.degree[a] -= 1
    organisations.degree[b] -= 1
    ties.alive[t] = False
    release(slots, t)


@allocation_free
def carries(interface: int, ordered: int) -> bool:
    """Whether orders of one interface can be placed over another: a closer one that grew out of it carries them too.

    Supply goes on in a joint research centre with the supplier, research contracts go on beside training agreements.
    """
    if interface == ordered:
        return True
    return (ordered == SUPPLY and interface == JOINT_RESEARCH) or (ordered == JOINT_RESEARCH and interface == TRAINING)


@allocation_free
def other_end(ties: Ties, t: int, i: int) -> int:
    """The partner of i on a tie."""
    return ties.b[t] if ties.a[t] == i else ties.a[t]


@compiled
def ties_of_each(ties: Ties, tie_rows: Column, organisations: int) -> tuple[Column, Column]:
    """Return the rows of each organisation's ties as compressed rows ``(starts, rows)``, those it sought first.

    The ties of i are ``rows[starts[i]:starts[i + 1]]``.

    Parameters
    ----------
    organisations : rows of organisations in use; no tie ends at a later one.
    """
    starts = np.zeros(organisations + 1, np.int64)
    for t in tie_rows:
        starts[ties.a[t] + 1] += 1
        starts[ties.b[t] + 1] += 1
    for i in range(organisations):
        starts[i + 1] += starts[i]
    filled = starts.copy()
    rows = np.empty(2 * tie_rows.size, np.int64)
    for ends in (ties.a, ties.b):
        for t in tie_rows:
            rows[filled[ends[t]]] = t
            filled[ends[t]] += 1
    return starts, rows
