"""Group dynamics (S002 4): six variables of a tie that support what capability does in the projects on it.

Group cognition is identity, trust and norms, group action dialogue, learning and alliance. Identity and dialogue support
assessment, trust and learning bridging, norms and alliance aggregation. Trust is that of symbiosis. Each of the other five
moves by a cause of its own and fades in a quarter without a project; none grows with time alone. They multiply capability:
where there is none they do nothing (P91). That parallel pairs in a team can breed mistrust (Davis 2016) is left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.compilation import allocation_free, compiled
from ecosim.ledger import PROJECTS, pay
from ecosim.measures import pianka_overlap
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import ASSESSMENT, BRIDGING, HOUSEHOLDS, OVERLAP, Books, Column, Organisations, Projects, Ties

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("group_dynamics", __name__, {
    "identification": Parameter(0.15, 0.0, 1.0, "1/quarter", "Part of missing identity that a quarter of joint work adds between partners of the same niche.", "S002 4(1)2 (P84)"),
    "success": Parameter(0.2, 0.0, 1.0, "1", "Part of missing identity that a passed test adds; a failed one takes as large a part of identity.", _ASSUMED),
    "talking": Parameter(0.25, 0.0, 1.0, "1/quarter", "Part of missing dialogue that a quarter of joint work adds between neighbours on the innovation chain.", "S002 4(1)2 (P85)"),
    "learning": Parameter(0.25, 0.0, 1.0, "1/quarter", "Part of missing learning that a quarter adds in which much knowledge flows over the tie.", "S002 4(2)2 (P88)"),
    "learning_flow": Parameter(1.0, 0.001, 1e6, "million CNY", "Worth of the knowledge flowing over a tie in a quarter at which half of that is added.", _ASSUMED),
    "signing_trust": Parameter(0.3, 0.0, 1.0, "level", "Trust from which partners sign an agreement when a project enters aggregation.", "S002 4(3)2: strategic agreements (P89)"),
    "signing_cost": Parameter(0.3, 0.0, 1000.0, "million CNY", "What an agreement costs each side.", "S002 4(3)2"),
    "signing": Parameter(0.3, 0.0, 1.0, "1", "Part of missing norms that a signed agreement adds.", _ASSUMED),
    "keeping": Parameter(0.2, 0.0, 1.0, "1/quarter", "How fast norms that are there grow in a quarter of joint work in which both sides keep their promises; broken ones take as large a part.", _ASSUMED),
    "allying": Parameter(0.15, 0.0, 1.0, "1/quarter", "Part of missing alliance that a quarter of joint work adds when the partners' resources overlap.", "S002 4(3)2 (P90)"),
    "repeating": Parameter(0.25, 0.0, 1.0, "1", "Part of missing alliance that a project brought to its test adds if the partners had finished another before.", "S002 4(3)2"),
    "fading": Parameter(0.06, 0.0, 1.0, "1/quarter", "Part of each variable but trust that a quarter without a joint project takes.", "bridges decay: Burt 2001"),
})  # fmt: skip

# What a project did on a tie in the quarter; columns of the record that `move_group` reads.
(WORKED, KEPT, PASSED, FAILED, SIGNING, TESTED) = range(6)
DEEDS = 6


@compiled
def switched_group(rules: Any) -> Column:
    """Return 1 or 0 for identity, trust, norms, dialogue, learning and alliance, whether each is on or off, (6,)."""
    on = np.zeros(6)
    on[0], on[1], on[2] = rules.group_identity, rules.group_trust, rules.group_norms
    on[3], on[4], on[5] = rules.group_dialogue, rules.group_learning, rules.group_alliance
    return on


@allocation_free
def support(ties: Ties, projects: Projects, r: int, on: Column) -> float:
    """Support of the phase by the group, in [0, 1]: mean over the project's ties of the mean of its two variables.

    Parameters
    ----------
    on : 1 or 0 for identity, trust, norms, dialogue, learning, alliance; one that is switched off counts as 0.
    """
    total = 0.0
    for n in range(projects.size[r]):
        t = projects.ties[r, n]
        if projects.phase[r] == ASSESSMENT:
            total += 0.5 * (on[0] * ties.identity[t] + on[3] * ties.dialogue[t])
        elif projects.phase[r] == BRIDGING:
            total += 0.5 * (on[1] * ties.trust[t] + on[4] * ties.learning[t])
        else:
            total += 0.5 * (on[2] * ties.norms[t] + on[5] * ties.alliance[t])
    return total / projects.size[r]


@allocation_free
def towards_one(level: float, rate: float) -> float:
    """Level after a part of what is missing is added: x + rate * (1 - x)."""
    return level + rate * (1.0 - level)


@allocation_free
def kept_norms(norms: float, kept: float, rate: float) -> float:
    """Norms after a quarter of joint work: kept promises let existing ones grow, n + rate * n (1 - n), broken ones take n * rate."""
    return norms + rate * norms * (1.0 - norms) if kept >= 1.0 else norms - rate * (1.0 - kept) * norms


@allocation_free
def move_group(
    organisations: Organisations, ties: Ties, books: Books, tie_rows: Column, deeds: Column, signed: Column, p: Any
) -> None:
    """Let what projects did in the quarter move the five variables of each tie.

    Parameters
    ----------
    deeds : (ties, DEEDS) whether they worked together, what part of their promises they kept, whether a test was passed,
        failed, a project entered aggregation, or came to its test.
    signed : (1,) counts the agreements signed.
    """
    for t in tie_rows:
        if deeds[t, WORKED] == 0.0:
            ties.identity[t] *= 1.0 - p.fading
            ties.norms[t] *= 1.0 - p.fading
            ties.dialogue[t] *= 1.0 - p.fading
            ties.learning[t] *= 1.0 - p.fading
            ties.alliance[t] *= 1.0 - p.fading
            continue
        a, b = ties.a[t], ties.b[t]
        alike = pianka_overlap(organisations.niche[a], organisations.niche[b])
        ties.identity[t] = towards_one(ties.identity[t], p.identification * alike)
        ties.identity[t] = towards_one(ties.identity[t], p.success * deeds[t, PASSED])
        ties.identity[t] *= 1.0 - p.success * deeds[t, FAILED]
        near = 1.0 - abs(organisations.chain[a] - organisations.chain[b])
        ties.dialogue[t] = towards_one(ties.dialogue[t], p.talking * near)
        flow = ties.gave_a[t] + ties.gave_b[t]
        ties.learning[t] = towards_one(ties.learning[t], p.learning * flow / (flow + p.learning_flow))
        ties.norms[t] = kept_norms(ties.norms[t], deeds[t, KEPT], p.keeping)
        willing = deeds[t, SIGNING] > 0.0 and ties.trust[t] >= p.signing_trust
        if willing and min(organisations.capital[a], organisations.capital[b]) > p.signing_cost:
            pay(organisations, books, a, HOUSEHOLDS, p.signing_cost, PROJECTS)
            pay(organisations, books, b, HOUSEHOLDS, p.signing_cost, PROJECTS)
            ties.norms[t] = towards_one(ties.norms[t], p.signing)
            signed[0] += 1.0
        if ties.mode[t] == OVERLAP:
            ties.alliance[t] = towards_one(ties.alliance[t], p.allying)
        earlier = ties.finished[t] - int(deeds[t, PASSED])
        if deeds[t, TESTED] > 0.0 and earlier > 0:
            ties.alliance[t] = towards_one(ties.alliance[t], p.repeating)
