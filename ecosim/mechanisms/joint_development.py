"""Joint development: technology moves between firms that work together closely (S001 2.1.2, 5.3: mode of overlap).

What a partner has mastered can be learned with time over a tie whose resources overlap. A copy never lowers the giver,
and only what is within the taker's reach can be copied. The parameters are those of breakthrough.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.compilation import compiled
from ecosim.draws import BREAKTHROUGH, uniform
from ecosim.ledger import note_event, note_flow, note_gain
from ecosim.mechanisms.components import INTEGRATION
from ecosim.state import BREAKTHROUGH as BREAKTHROUGH_EVENT
from ecosim.state import OVERLAP, POOL, TECHNOLOGY, Books, Column, Events, Organisations, State, Technology, Ties


@compiled
def develop_jointly(
    state: State,
    numbers: Any,
    firms: Column,
    positions: Column,
    tie_rows: Column,
    seen: Column,
    reach: Column,
    seed: int,
    step: int,
) -> None:
    """Let firms learn over ties of overlap.

    Parameters
    ----------
    positions : (rows in use,) where each row stands among the firms, -1 for who is none.
    tie_rows : ties between firms.
    seen, reach : (firms, components) who had mastered what, and what was within reach, at the start of the phase.
    """
    worth = numbers.open_sharing.usefulness * numbers.stages.technology_price * state.environment.knowledge_cost[0]
    copy_technology(state.organisations, state.ties, state.books, state.events, state.technology, seen, reach, tie_rows,
                    firms, positions, numbers.breakthrough.joint_rate, worth, seed, step)  # fmt: skip


@compiled
def copy_technology(
    organisations: Organisations,
    ties: Ties,
    books: Books,
    events: Events,
    technology: Technology,
    seen: Column,
    reach: Column,
    tie_rows: Column,
    firms: Column,
    positions: Column,
    rate: float,
    worth: float,
    seed: int,
    step: int,
) -> None:
    """Learn a component with chance 1 - exp(-sum over partners who have it of rate * absorption * trust * openness).

    It counts as learned from the partner with the highest rate, the first by uid of equals.
    """
    components = technology.difficulty.size
    hazard, best = np.zeros((firms.size, components)), np.zeros((firms.size, components))
    teacher = np.full((firms.size, components), -1, np.int64)
    for t in tie_rows:
        if ties.mode[t] != OVERLAP:
            continue
        for i, j in ((ties.a[t], ties.b[t]), (ties.b[t], ties.a[t])):
            taker, giver = positions[i], positions[j]
            speed = rate * organisations.absorptive[i] * ties.trust[t] * organisations.openness[j]
            for c in range(components):
                if seen[giver, c] and technology.tier[c] != INTEGRATION:
                    hazard[taker, c] += speed
                    former = teacher[taker, c]
                    if speed > best[taker, c] or (
                        speed == best[taker, c] and former >= 0 and organisations.uid[j] < organisations.uid[former]
                    ):
                        best[taker, c] = speed
                        teacher[taker, c] = j
    for position in range(firms.size):
        i = firms[position]
        for c in range(components):
            j = teacher[position, c]
            if j < 0 or not reach[position, c] or technology.mastered[i, c]:
                continue
            chance = 1.0 - np.exp(-hazard[position, c])
            if uniform(seed, BREAKTHROUGH, step, organisations.uid[i], components + 1 + c) < chance:
                technology.mastered[i, c] = True
                note_event(events, BREAKTHROUGH_EVENT, organisations.uid[i], organisations.uid[j], c)
                note_flow(organisations, books, TECHNOLOGY, POOL, j, i, 1.0)
                note_gain(organisations, books, i, j, worth)
