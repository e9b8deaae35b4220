"""The four dynamic capabilities (S000 5: perception, orchestration, co-creation, co-sharing): they grow by use and fade unused.

What each changes stands where it acts: perception, how clearly demand is read and whether a crisis is noticed;
orchestration, what research and services make of money and talent; co-creation, how often partners start a project;
co-sharing, the goal of the sharing ratio and how much is spent on partners' capability. There a capability counts with
the weight `capability_effect` of the mechanism; its switch in ``[rules]`` sets that weight to 0 and leaves the
capability itself as it is, so that it acts again when the switch is set again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ecosim.columns import living
from ecosim.compilation import allocation_free, compiled
from ecosim.ledger import CAPABILITY_TRANSFER
from ecosim.outcomes import LEVEL, MONEY, SHARE, Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    CAPABILITIES,
    CO_CREATION,
    CO_SHARING,
    ORCHESTRATION,
    PERCEPTION,
    USER,
    Column,
    Organisations,
    State,
)

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("dynamic_capabilities", __name__, {
    "gain": Parameter(0.02, 0.0, 1.0, "1/quarter", "Part of what is missing that a quarter of full use adds to a capability.", _ASSUMED),
    "fading": Parameter(0.01, 0.0, 1.0, "1/quarter", "Part of a capability that a quarter without use takes.", _ASSUMED),
})  # fmt: skip

OUTCOMES = (
    *(Outcome(f"capability_{name}", LEVEL, f"Mean capability of {name.replace('_', '-')}, users left out.") for name in CAPABILITIES),
    Outcome("direction_error", SHARE, "Part of research that clear sight of demand would put into other domains; mean, users left out."),
    Outcome("research_yield", "firm-years of median R&D per million CNY", "Knowledge made per money spent on research."),
    Outcome("capability_transfer", MONEY, "Spent by firms on giving partners capability."),
)  # fmt: skip

# The mechanism in whose parameters the weight of a capability stands.
_ACTS_IN = {"perception": "perception", "orchestration": "orchestration", "co_sharing": "value_sharing"}


def switched_capabilities(parameters: Mapping[str, Any], rules: Mapping[str, bool]) -> dict[str, Any]:
    """Return the parameters of all mechanisms, in which a dynamic capability that is switched off has no weight."""
    switched = dict(parameters)
    for capability, mechanism in _ACTS_IN.items():
        if not rules[f"{capability}_capability"]:
            switched[mechanism] = parameters[mechanism]._replace(capability_effect=0.0)
    return switched


@allocation_free
def exercised(level: float, use: float, gain: float, fading: float) -> float:
    """Level after a quarter: c + gain * use * (1 - c) - fading * (1 - use) * c."""
    return level + gain * use * (1.0 - level) - fading * (1.0 - use) * level


@compiled
def exercise(organisations: Organisations, rows: Column, used: Column, p: Any, programme_share: float) -> None:
    """Perception is used by who gets information, orchestration by who does research, co-creation by projects, co-sharing by giving.

    The capabilities of search, fusion and development are used in the phase of a project that needs them.

    Parameters
    ----------
    used : (rows, 3) how much each used the capabilities of search, fusion and development this quarter.
    programme_share : part of surplus above which what is given counts as use of co-sharing.
    """
    use = np.empty(4)
    for i in rows:
        use[PERCEPTION] = organisations.information[i] / (1.0 + organisations.information[i])
        use[ORCHESTRATION] = 1.0 if organisations.research[i] > 0.0 else 0.0
        use[CO_CREATION] = organisations.active[i] / (1.0 + organisations.active[i])
        use[CO_SHARING] = 1.0 if organisations.programme[i] > programme_share * organisations.surplus[i] else 0.0
        for k in range(organisations.capabilities.shape[1]):
            organisations.capabilities[i, k] = exercised(organisations.capabilities[i, k], use[k], p.gain, p.fading)
        for k in range(organisations.knowledge_capabilities.shape[1]):
            organisations.knowledge_capabilities[i, k] = exercised(
                organisations.knowledge_capabilities[i, k], used[i, k // 3], p.gain, p.fading
            )


@compiled
def outcomes(state: State, numbers: Any, step: int, out: Column) -> None:
    """Write the mean levels of the four capabilities, and what perception, orchestration and co-sharing did, into `out`, (outcomes,)."""
    organisations, books = state.organisations, state.books
    working, spent = 0, 0.0
    capabilities = organisations.capabilities.shape[1]
    for i in living(organisations.alive, state.slots):
        if organisations.role[i] == USER:
            continue
        working += 1
        spent += organisations.research[i]
        for k in range(capabilities):
            out[k] += organisations.capabilities[i, k]
        out[capabilities] += direction_error(
            organisations.direction[i], organisations.niche[i], state.environment.demand, numbers.perception
        )
    out[: capabilities + 1] /= max(1, working)
    out[capabilities + 1] = books.made[2] / spent if spent > 0.0 else 0.0
    out[capabilities + 2] = books.paid[CAPABILITY_TRANSFER].sum()


@compiled
def direction_error(direction: Column, niche: Column, demand: Column, p: Any) -> float:
    """Half of sum_d |direction_d - clear_d|; clear is what an organisation would want if it saw demand as it is.

    Parameters
    ----------
    direction, niche : (domains,), each sums to 1.
    demand : (domains,)
    p : the parameters of perception.
    """
    clear, near = np.empty(demand.size), max(niche.max(), 1e-300)
    for d in range(demand.size):
        clear[d] = (demand[d] * (p.familiarity + (1.0 - p.familiarity) * niche[d] / near)) ** p.focus
    total, error = clear.sum(), 0.0
    for d in range(demand.size):
        error += 0.5 * abs(direction[d] - clear[d] / total)
    return error
