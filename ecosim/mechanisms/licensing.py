"""Licensing-in (S003 sections 1 and 3; S001 5.2): a component can be used for a fee, from abroad or from another firm.

A licensed component counts for what requires it and for the quality of the offer, but it is not understood: it helps
nothing else along, is hardly worked on any more, and is gone when its owner refuses. So a firm that licenses what it
could develop is quicker at first and depends on the owner later (P51, P52).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.columns import members_of, row_of_uid
from ecosim.compilation import allocation_free, compiled
from ecosim.draws import LICENSING, uniform
from ecosim.ledger import LICENCE_FEES, note_event, note_flow, note_gain, pay
from ecosim.mechanisms.components import INTEGRATION
from ecosim.outcomes import COUNT, MONEY, Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    EXCHANGE,
    FIRM,
    LICENCE_GRANTED,
    LICENCE_REFUSED,
    TECHNOLOGY,
    WORLD,
    Books,
    Column,
    Events,
    Members,
    Organisations,
    State,
    Technology,
    Ties,
)

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("licensing", __name__, {
    "fee": Parameter(1.0, 0.0, 1e5, "million CNY a quarter", "Fee for a component of difficulty 1, in proportion to difficulty.", _ASSUMED),
    "refusal": Parameter(0.0, 0.0, 1.0, "1/quarter", "Chance that an owner abroad refuses a licence when asked, and that it withdraws one in a quarter.", "S003 1: the stuck neck (P51, P52)"),
    "horizon": Parameter(12, 1, 400, "quarters", "How far ahead a firm looks when it weighs a licence against developing.", _ASSUMED),
    "worth": Parameter(0.01, 0.0, 1.0, "share of expected revenue", "What a firm thinks that it earns with one component more.", _ASSUMED),
    "own_development": Parameter(0.1, 0.0, 1.0, "1", "Effort on a component that is licensed, against one that is not.", "S003 3(1): focus on output rather than R&D; " + _ASSUMED),
    "gain": Parameter(0.2, 0.0, 2.0, "share of fee", "What each side of a licence between members gains beyond the fee.", _ASSUMED),
})  # fmt: skip

OUTCOMES = (
    Outcome("components_licensed", COUNT, "Components that the core firm uses under licence."),
    Outcome("licence_fees", MONEY, "Licence fees that all firms paid in the quarter."),
)


@compiled
def outcomes(state: State, numbers: Any, step: int, out: Column) -> None:
    """Write the values of `OUTCOMES` into `out`, (outcomes,); of several core firms the one with most licences counts."""
    firms = members_of(state.members, FIRM)
    for i in firms:
        if state.organisations.focal[i]:
            licensed = 0
            for c in range(state.technology.difficulty.size):
                licensed += 1 if state.technology.licensed[i, c] else 0
            out[0] = max(out[0], licensed)
    out[1] = state.books.paid[LICENCE_FEES].sum()


@compiled
def license_in(
    state: State,
    numbers: Any,
    firms: Column,
    positions: Column,
    tie_rows: Column,
    reach: Column,
    hazards: Column,
    seed: int,
    step: int,
) -> None:
    """Pay for licences, lose those that are refused or not paid for, and ask for new ones.

    Parameters
    ----------
    positions : (rows in use,) where each row stands among the firms, -1 for who is none.
    tie_rows : ties between firms.
    reach : (firms, components) what was within reach at the start of the phase.
    hazards : (firms, components + 1) at which they master it themselves.
    """
    organisations, technology = state.organisations, state.technology
    if not numbers.rules.licensing:
        end_licences(technology, firms)
        return
    keep_licences(
        organisations, state.members, state.books, state.events, technology, firms, numbers.licensing, seed, step
    )
    owners, trust = find_owners(organisations, state.ties, technology, tie_rows, firms, positions)
    ask_for_licences(organisations, state.books, state.events, technology, firms, reach, hazards, owners, trust,
                     numbers.licensing, seed, step)  # fmt: skip


@allocation_free
def end_licences(technology: Technology, firms: Column) -> None:
    """Nobody uses what is not mastered."""
    for i in firms:
        for c in range(technology.difficulty.size):
            technology.licensed[i, c] = False


@allocation_free
def _pay_fee(organisations: Organisations, books: Books, i: int, owner: int, fee: float, gain: float) -> bool:
    """Pay a quarter's fee, to a firm or abroad; return whether there was enough for it."""
    if organisations.capital[i] < fee:
        return False
    paid = pay(organisations, books, i, owner if owner >= 0 else WORLD, fee, LICENCE_FEES)
    if owner >= 0:
        organisations.revenue[owner] += paid
        note_gain(organisations, books, i, owner, gain * paid)
        note_gain(organisations, books, owner, i, gain * paid)
    return True


@allocation_free
def keep_licences(
    organisations: Organisations,
    members: Members,
    books: Books,
    events: Events,
    technology: Technology,
    firms: Column,
    p: Any,
    seed: int,
    step: int,
) -> None:
    """Go on paying; a licence ends when its component is mastered, its owner refuses or has left, or money is short."""
    for i in firms:
        uid = organisations.uid[i]
        for c in range(technology.difficulty.size):
            if not technology.licensed[i, c]:
                continue
            owner_uid = technology.licensor[i, c]
            owner = -1
            if technology.mastered[i, c]:
                technology.licensed[i, c] = False
            elif owner_uid >= 0:
                owner = row_of_uid(organisations, members, owner_uid)
                technology.licensed[i, c] = owner >= 0
            elif uniform(seed, LICENSING, step, uid, c) < p.refusal:
                technology.licensed[i, c] = False
                note_event(events, LICENCE_REFUSED, uid, -1, c)
            if technology.licensed[i, c]:
                fee = p.fee * technology.difficulty[c]
                technology.licensed[i, c] = _pay_fee(organisations, books, i, owner, fee, p.gain)


@compiled
def find_owners(
    organisations: Organisations,
    ties: Ties,
    technology: Technology,
    tie_rows: Column,
    firms: Column,
    positions: Column,
) -> tuple[Column, Column]:
    """The row of the most trusted tied firm that has mastered each component, -1 for none, and the trust, (firms, components)."""
    shape = (firms.size, technology.difficulty.size)
    owners, trust = np.full(shape, -1, np.int64), np.zeros(shape)
    for t in tie_rows:
        for i, j in ((ties.a[t], ties.b[t]), (ties.b[t], ties.a[t])):
            position = positions[i]
            for c in range(shape[1]):
                if not technology.mastered[j, c]:
                    continue
                former = owners[position, c]
                nearer = former < 0 or ties.trust[t] > trust[position, c]
                if former >= 0 and ties.trust[t] == trust[position, c]:
                    nearer = organisations.uid[j] < organisations.uid[former]
                if nearer:
                    owners[position, c] = j
                    trust[position, c] = ties.trust[t]
    return owners, trust


@allocation_free
def expected_wait(hazard: float, horizon: float) -> float:
    """Quarters out of a horizon that one expects to be without what comes at a hazard: (1 - exp(-h H)) / h, H at h = 0."""
    if hazard * horizon < 1e-9:
        return horizon
    return (1.0 - np.exp(-hazard * horizon)) / hazard


@allocation_free
def prefers_licence(fee: float, worth: float, hazard: float, horizon: float) -> bool:
    """Whether a licence for the horizon costs less than waiting for one's own is expected to: fee * H < worth * wait."""
    return fee * horizon < worth * expected_wait(hazard, horizon)


@allocation_free
def ask_for_licences(
    organisations: Organisations,
    books: Books,
    events: Events,
    technology: Technology,
    firms: Column,
    reach: Column,
    hazards: Column,
    owners: Column,
    trust: Column,
    p: Any,
    seed: int,
    step: int,
) -> None:
    """Ask for what is within reach and worth its fee: a tied firm, which grants it with the chance of trust, else abroad.

    Integration cannot be licensed: it is what a firm makes of the components.
    """
    components = technology.difficulty.size
    for position in range(firms.size):
        i = firms[position]
        uid = organisations.uid[i]
        worth = p.worth * organisations.revenue_trend[i]
        for c in range(components):
            fee = p.fee * technology.difficulty[c]
            if not reach[position, c] or technology.mastered[i, c] or technology.licensed[i, c]:
                continue
            if technology.tier[c] == INTEGRATION or not prefers_licence(fee, worth, hazards[position, c], p.horizon):
                continue
            owner = owners[position, c]
            if owner >= 0 and uniform(seed, LICENSING, step, uid, components + c) >= trust[position, c]:
                owner = -1
            if owner < 0 and uniform(seed, LICENSING, step, uid, 2 * components + c) < p.refusal:
                note_event(events, LICENCE_REFUSED, uid, -1, c)
            elif _pay_fee(organisations, books, i, owner, fee, p.gain):
                technology.licensed[i, c] = True
                technology.licensor[i, c] = organisations.uid[owner] if owner >= 0 else -1
                note_event(events, LICENCE_GRANTED, uid, technology.licensor[i, c], c)
                if owner >= 0:
                    note_flow(organisations, books, TECHNOLOGY, EXCHANGE, owner, i, 1.0)
