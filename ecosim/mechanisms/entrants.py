"""Entrants: what an organisation has when it enters.

Sizes are lognormal around the role's median, levels vary by a tenth, profiles over domains are uneven.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecosim.columns import claim
from ecosim.compilation import compiled
from ecosim.draws import ENTRANT_ENDOWMENT, integer_below, normal, uniform
from ecosim.ledger import ENDOWMENT, note_event, pay
from ecosim.outcomes import COUNT, Outcome
from ecosim.state import (
    DOMAINS,
    WORLD,
    Books,
    Column,
    Events,
    Organisations,
    Slots,
)
from ecosim.state import ENTRY as ENTRY_EVENT

if TYPE_CHECKING:
    from ecosim.model import Ecosystem

OUTCOMES = (
    Outcome("dated_entered", COUNT, "Organisations that the scenario dates and that have entered so far."),
    Outcome(
        "entry_off_date", "quarters", "How far from their date they entered, mean of those that entered or are overdue."
    ),
)

# What an entrant is endowed with, in the order of the columns of `model.endowments`.
ENDOWMENTS = (
    "capital", "talent", "knowledge", "spread", "openness", "protection", "absorptive", "persistence", "capability",
    "research_intensity", "openness_target", "generosity", "breadth", "risk", "imitation",
)  # fmt: skip


def outcomes(model: Ecosystem) -> tuple[float, ...]:
    """How many that a scenario dates have entered, and how far from their date."""
    came, concerned, quarters = 0, 0, 0.0
    for position, named in enumerate(model.scenario.organisations):
        if named.step > 0:
            entered, late = int(model.entered[position]), max(0, model.step_number - named.step)
            overdue = named.count - entered if late > 0 else 0
            came += entered
            concerned += entered + overdue
            quarters += float(model.off_date[position]) + overdue * late
    return float(came), quarters / concerned if concerned > 0 else 0.0


@compiled
def place_many(
    organisations: Organisations,
    slots: Slots,
    books: Books,
    events: Events,
    role: int,
    kind_weights: Column,
    first_serial: int,
    count: int,
    chain: float,
    endowment: Column,
    budget: float,
    segments: int,
    sharing: float,
    seed: int,
    step: int,
) -> Column:
    """Let organisations of a role enter, each of a kind drawn by the weights; return their rows, (count,)."""
    rows = np.empty(count, np.int64)
    for number in range(count):
        serial = first_serial + number
        point = uniform(seed, ENTRANT_ENDOWMENT, 0, serial * 64 + role, 4) * kind_weights.sum()
        kind = 0
        while kind < kind_weights.size - 1 and point >= kind_weights[kind]:
            point -= kind_weights[kind]
            kind += 1
        rows[number] = place(
            organisations,
            slots,
            books,
            events,
            role,
            kind,
            serial,
            chain,
            endowment,
            budget,
            segments,
            sharing,
            seed,
            step,
        )
    return rows


@compiled
def place(
    organisations: Organisations,
    slots: Slots,
    books: Books,
    events: Events,
    role: int,
    kind: int,
    serial: int,
    chain: float,
    endowment: Column,
    budget: float,
    segments: int,
    sharing: float,
    seed: int,
    step: int,
) -> int:
    """Let one organisation enter: sizes are lognormal around the median, levels vary by a tenth; return its row.

    Parameters
    ----------
    endowment : (len(ENDOWMENTS),) medians and levels of the role, or of a named organisation.
    """
    i = claim(slots)  # an empty row: all columns are 0
    uid = serial * 64 + role
    spread = endowment[3]
    size = np.exp(spread * normal(seed, ENTRANT_ENDOWMENT, 0, uid, 0))
    organisations.uid[i] = uid
    organisations.role[i] = role
    organisations.kind[i] = kind
    organisations.alive[i] = True
    organisations.born[i] = step
    organisations.parent_a[i] = organisations.parent_b[i] = -1
    organisations.chain[i] = min(1.0, max(0.0, chain + 0.05 * normal(seed, ENTRANT_ENDOWMENT, 0, uid, 1)))
    organisations.segment[i] = integer_below(segments, seed, ENTRANT_ENDOWMENT, 0, uid, 2)
    pay(organisations, books, WORLD, i, endowment[0] * size, ENDOWMENT)
    organisations.talent[i] = endowment[1] * size
    books.made[0] += organisations.talent[i]
    total = 0.0
    for d in range(DOMAINS):
        # A gamma variate of shape 1/2, so that profiles are uneven: some domains are known, most hardly.
        organisations.niche[i, d] = 0.5 * normal(seed, ENTRANT_ENDOWMENT, 0, uid, 10 + d) ** 2 + 1e-6
        total += organisations.niche[i, d]
    for d in range(DOMAINS):
        organisations.niche[i, d] /= total
        organisations.direction[i, d] = organisations.niche[i, d]
        organisations.knowledge[i, d] = endowment[2] * size**0.3 * organisations.niche[i, d]
    _give_abilities(organisations, i, endowment, seed)
    organisations.sharing[i] = sharing
    organisations.price[i] = 1.0
    organisations.need[i] = 1.0  # whoever is new has neither bought nor sold yet
    organisations.budget[i] = budget * np.exp(spread * normal(seed, ENTRANT_ENDOWMENT, 0, uid, 3))
    organisations.provider[i] = -1
    note_event(events, ENTRY_EVENT, uid, -1, organisations.capital[i])
    return i


@compiled
def _give_abilities(organisations: Organisations, i: int, endowment: Column, seed: int) -> None:
    """Openness, protection, absorption, persistence, capabilities and routines of an entrant."""
    uid = organisations.uid[i]
    spread = endowment[3]
    levels = np.empty(12)
    for k in range(4, 15):
        jitter = 0.1 * normal(seed, ENTRANT_ENDOWMENT, 0, uid, 20 + k) if spread > 0.0 else 0.0
        levels[k - 4] = min(1.0, max(0.0, endowment[k] * (1.0 + jitter)))
    organisations.openness[i] = organisations.culture[i] = levels[0]  # who is open at first has a culture as open
    organisations.protection[i] = levels[1]
    organisations.absorptive[i] = levels[2]
    organisations.persistence[i] = levels[3]
    for k in range(4):
        organisations.capabilities[i, k] = min(
            1.0, max(0.0, levels[4] + 0.05 * normal(seed, ENTRANT_ENDOWMENT, 0, uid, 40 + k))
        )
    for k in range(9):
        organisations.knowledge_capabilities[i, k] = min(
            1.0, max(0.0, levels[4] + 0.05 * normal(seed, ENTRANT_ENDOWMENT, 0, uid, 50 + k))
        )
    for k in range(6):
        organisations.routines[i, k] = levels[5 + k]
