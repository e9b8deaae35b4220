"""What is kept of each quarter while a run goes on: who is there, what each has, who is tied to whom."""

from __future__ import annotations

import contextlib
from typing import Any, NamedTuple

import numpy as np

from ecosim import Ecosystem

# Organisations of which stories and ties are kept; in a larger ecosystem the core firms and those that came first.
MOST_KEPT = 1_000

Column = np.ndarray[Any, Any]


class Quarter(NamedTuple):
    """The end of one quarter.

    Attributes
    ----------
    uids, capital, talent, knowledge : of the organisations that are kept, by uid.
    focal : uids of core firms.
    a, b : positions among these of the ends of each tie between two of them.
    mode, trust : of each tie.
    got, gave : of each tie, (ties, 2): what its ends got over it in the quarter, net, and gave without being paid, million CNY.
    effects : of each role on the growth of each, (roles, roles).
    threshold : effect below which there is none.
    levels : of the four indices of the environment.
    frontier : product generations outside.
    """

    uids: Column
    capital: Column
    talent: Column
    knowledge: Column
    focal: tuple[int, ...]
    a: Column
    b: Column
    mode: Column
    trust: Column
    got: Column
    gave: Column
    effects: Column
    threshold: float
    levels: Column
    frontier: float


def capture(model: Ecosystem) -> Quarter:
    """Return what is kept of the quarter that has just ended."""
    organisations, ties = model.organisations, model.ties
    rows = model.rows
    rows = rows[np.argsort(organisations.uid[rows], kind="stable")]
    core = rows[organisations.focal[rows]]
    if len(rows) > MOST_KEPT:
        first = rows[: MOST_KEPT - len(core)]
        rows = np.unique(np.concatenate([first, core]))
        rows = rows[np.argsort(organisations.uid[rows], kind="stable")]
    place = np.full(len(organisations.uid), -1, np.int32)
    place[rows] = np.arange(len(rows), dtype=np.int32)
    living = model.tie_rows
    living = living[(place[ties.a[living]] >= 0) & (place[ties.b[living]] >= 0)]
    return Quarter(
        uids=organisations.uid[rows],
        capital=organisations.capital[rows].astype(np.float32),
        talent=organisations.talent[rows].astype(np.float32),
        knowledge=organisations.knowledge[rows].sum(axis=1).astype(np.float32),
        focal=tuple(organisations.uid[core].tolist()),
        a=place[ties.a[living]],
        b=place[ties.b[living]],
        mode=ties.mode[living].astype(np.int8),
        trust=ties.trust[living].astype(np.float32),
        got=np.stack([ties.got_a[living], ties.got_b[living]], axis=1).astype(np.float32),
        gave=np.stack([ties.gave_a[living], ties.gave_b[living]], axis=1).astype(np.float32),
        effects=model.effects(),
        threshold=float(model.parameters["readings"].threshold),
        levels=model.environment.level.copy(),
        frontier=float(model.environment.product_frontier[0]),
    )


def captured_from_history(model: Ecosystem) -> list[Quarter]:
    """Return what there was at the end of each quarter that a model can go back to; of another, what there was at the next."""
    last, other = model.step_number, model.branch()
    caught = [capture(model)]
    for step in range(last - 1, 0, -1):
        with contextlib.suppress(ValueError):  # no snapshots, or something was done by hand since the nearest
            other.rewind(step)
        caught.append(capture(other) if other.step_number == step else caught[-1])
    return caught[::-1] if last else []


def brief(numbers: Any) -> Any:
    """Return numbers of any shape as lists, with six digits, which is more than a person reads off."""
    values = np.asarray(numbers, float)
    if values.ndim > 1:
        return [brief(row) for row in values]
    return [float(f"{number:.6g}") if number == number else None for number in values.tolist()]
