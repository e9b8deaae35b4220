"""The five constraints on a breakthrough (S003 section 3, the fishbone of Figure 1), each read as a sufficiency.

Collaboration of industry, university and research; talent; basic research; common technology; carriers of innovation.
Each is x / (x + half), and they are put together by a CES function in which none can well stand for another, so that
the scarcest binds. The parameters are those of breakthrough.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.compilation import allocation_free, compiled
from ecosim.state import (
    FIRM,
    INTERMEDIARY,
    SUPPLIER,
    TALENT_INDEX,
    UNIVERSITY,
    USER,
    Column,
    Environment,
    Organisations,
    Ties,
)


@allocation_free
def sufficiency(have: float, half: float) -> float:
    """How sufficient a stock is, in [0, 1): x / (x + half)."""
    return have / (have + half)


@allocation_free
def ces(levels: Column, exponent: float) -> float:
    """Aggregate (mean of x^rho)^(1 / rho): the mean at 1, the geometric mean at 0, the minimum as rho falls without bound."""
    least, most = levels[0], levels[0]
    for level in levels:
        least, most = min(least, level), max(most, level)
    if least <= 0.0 and (exponent <= 0.0 or most <= 0.0):
        return 0.0
    total = 0.0
    if abs(exponent) < 1e-9:
        for level in levels:
            total += np.log(level)
        return np.exp(total / levels.size)
    scale = most if exponent > 0.0 else least  # keeps powers finite
    for level in levels:
        total += (level / scale) ** exponent
    return scale * (total / levels.size) ** (1.0 / exponent)


@compiled
def binding(rules: Any) -> Column:
    """Whether each constraint binds by the scenario's switches, (constraints,)."""
    return np.array([
        rules.constraint_collaboration, rules.constraint_talent, rules.constraint_basic_research,
        rules.constraint_common_technology, rules.constraint_carriers,
    ])  # fmt: skip


@compiled
def partner_support(
    organisations: Organisations, ties: Ties, tie_rows: Column, firms: Column, positions: Column
) -> Column:
    """What partners bring to each firm, (firms, 2 + 2 domains).

    Trust over ties to universities; ties to suppliers and users; per domain, what tied universities open of their
    knowledge, openness * knowledge; per domain, what tied firms, suppliers and intermediaries open of theirs.

    Parameters
    ----------
    positions : (rows in use,) where each row stands among the firms, -1 for who is none.
    """
    domains = organisations.knowledge.shape[1]
    support = np.zeros((firms.size, 2 + 2 * domains))
    for t in tie_rows:
        for i, j in ((ties.a[t], ties.b[t]), (ties.b[t], ties.a[t])):
            position = positions[i]
            if position < 0:
                continue
            role = organisations.role[j]
            first = 2 if role == UNIVERSITY else 2 + domains
            if role == UNIVERSITY:
                support[position, 0] += ties.trust[t]
            if role in (SUPPLIER, USER):
                support[position, 1] += 1.0
            if role in (UNIVERSITY, FIRM, SUPPLIER, INTERMEDIARY):
                for d in range(domains):
                    support[position, first + d] += organisations.openness[j] * organisations.knowledge[j, d]
    return support


@allocation_free
def read_sufficiencies(
    levels: Column,
    organisations: Organisations,
    environment: Environment,
    support: Column,
    i: int,
    d: int,
    effort: float,
    binds: Column,
    p: Any,
) -> None:
    """Write the five sufficiencies of firm i for a component of domain d into `levels`, (constraints,).

    Collaboration: absorptive capacity * trust over ties to universities + own share. Talent: own talent * (0.5 + index).
    Basic research: knowledge that tied universities open in d + in_house * own knowledge in d. Common technology: own
    knowledge in d + what tied firms, suppliers and intermediaries open. Carriers: ties to suppliers and users + own
    share. Own share = in_house * yearly research effort: a firm alone can build laboratories and works of its own.

    Parameters
    ----------
    support : (2 + 2 domains,) what its partners bring, see `partner_support`.
    binds : (constraints,) whether a constraint binds; one that does not counts as fully sufficient.
    """
    domains = organisations.knowledge.shape[1]
    own = p.in_house * effort
    known = organisations.knowledge[i, d]
    levels[0] = sufficiency(organisations.absorptive[i] * support[0] + own, p.collaboration)
    levels[1] = sufficiency(organisations.talent[i] * (0.5 + environment.level[TALENT_INDEX]), p.talent)
    levels[2] = sufficiency(support[2 + d] + p.in_house * known, p.basic_research)
    levels[3] = sufficiency(known + support[2 + domains + d], p.common_technology)
    levels[4] = sufficiency(support[1] + own, p.carriers)
    for k in range(levels.size):
        if not binds[k]:
            levels[k] = 1.0
