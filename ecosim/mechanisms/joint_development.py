"""Joint development: technology moves between firms that work together closely (S001 2.1.2, 5.3: mode of overlap).

What a partner has mastered can be learned with time over a tie whose resources overlap. A copy never lowers the giver,
and only what is within the taker's reach can be copied. The parameters are those of breakthrough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecosim.compilation import compiled
from ecosim.draws import BREAKTHROUGH, uniform
from ecosim.ledger import note_event, note_flow, note_gain
from ecosim.mechanisms.components import INTEGRATION
from ecosim.state import BREAKTHROUGH as BREAKTHROUGH_EVENT
from ecosim.state import FIRM, OVERLAP, POOL, TECHNOLOGY, Books, Column, Events, Organisations, Technology, Ties

if TYPE_CHECKING:
    from ecosim.model import Ecosystem


def develop_jointly(model: Ecosystem, seen: Column, reach: Column) -> None:
    """Let firms learn over ties of overlap.

    Parameters
    ----------
    seen, reach : (organisations, components) who had mastered what, and what was within reach, at the start of the phase.
    """
    stages = model.parameters["stages"]
    worth = model.parameters["open_sharing"].usefulness * stages.technology_price * model.environment.knowledge_cost[0]
    if len(model.tie_rows):
        copy_technology(model.organisations, model.ties, model.books, model.events, model.technology, seen, reach, model.tie_rows,
                        model.members(FIRM), model.parameters["breakthrough"].joint_rate, float(worth), model.seed,
                        model.step_number)  # fmt: skip


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
    rate: float,
    worth: float,
    seed: int,
    step: int,
) -> None:
    """Learn a component with chance 1 - exp(-sum over partners who have it of rate * absorption * trust * openness).

    It counts as learned from the partner with the highest rate, the first by uid of equals.
    """
    components = technology.difficulty.size
    hazard = np.zeros((organisations.uid.size, components))
    best = np.zeros((organisations.uid.size, components))
    teacher = np.full((organisations.uid.size, components), -1, np.int64)
    for t in tie_rows:
        if ties.mode[t] != OVERLAP:
            continue
        for i, j in ((ties.a[t], ties.b[t]), (ties.b[t], ties.a[t])):
            if organisations.role[i] != FIRM or organisations.role[j] != FIRM:
                continue
            speed = rate * organisations.absorptive[i] * ties.trust[t] * organisations.openness[j]
            for c in range(components):
                if seen[j, c] and technology.tier[c] != INTEGRATION:
                    hazard[i, c] += speed
                    former = teacher[i, c]
                    if speed > best[i, c] or (
                        speed == best[i, c] and former >= 0 and organisations.uid[j] < organisations.uid[former]
                    ):
                        best[i, c] = speed
                        teacher[i, c] = j
    for i in firms:
        for c in range(components):
            if teacher[i, c] < 0 or not reach[i, c] or technology.mastered[i, c]:
                continue
            if uniform(seed, BREAKTHROUGH, step, organisations.uid[i], components + 1 + c) < 1.0 - np.exp(
                -hazard[i, c]
            ):
                j = teacher[i, c]
                technology.mastered[i, c] = True
                note_event(events, BREAKTHROUGH_EVENT, organisations.uid[i], organisations.uid[j], c)
                note_flow(organisations, books, TECHNOLOGY, POOL, j, i, 1.0)
                note_gain(organisations, books, i, j, worth)
