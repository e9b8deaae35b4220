"""Governance of a platform: what its members put into their joint capital, and who bears the cost.

Member i makes an effort e_i at the cost m_i e_i^2 / 2. Efforts build joint capital K (reputation, interfaces, common
tools), which wears out, and the platform's services sell for theta K, which is divided by shares l_i:

    dK/dt = sum a_i e_i - d K,    J_i = integral exp(-r t) (l_i theta K - m_i e_i^2 / 2) dt

This is a differential game that is linear in its state (Nerlove & Arrow 1962; Dockner et al. 2000, chapter 7), of the
class with which Ji et al. 2023 compare forms of governance. A unit of joint capital is worth Q = theta / (r + d) over
its life, whatever there is of it, so efforts do not change with time:

    non-cooperative  each looks at its own share          e_i = l_i Q a_i / m_i
    cost sharing     the host L bears a part x_j of j's cost, the part that serves the host best,
                     x_j = max(0, (2 l_L - l_j) / (2 l_L + l_j)), and e_j = l_j Q a_j / (m_j (1 - x_j))
    cooperative      all look at the whole revenue        e_i = Q a_i / m_i

What efforts then build, sell and cost in a quarter stands in `joint_capital`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.columns import ensure_room, living
from ecosim.compilation import allocation_free, compiled
from ecosim.ledger import PLATFORM_SALES
from ecosim.mechanisms.joint_capital import afford, pay_efforts, sell
from ecosim.mechanisms.platforms import new_membership, new_platform
from ecosim.outcomes import MONEY, Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import PLATFORM_KINDS, Column, Memberships, Organisations, Platforms, Slots, State

if TYPE_CHECKING:
    from ecosim.scenario_agreements import Agreement

FORMS = ("non-cooperative", "cost sharing", "cooperative")
(NON_COOPERATIVE, COST_SHARING, COOPERATIVE) = range(3)
TERMS = ("contribution", "equal", "agreed")
(BY_CONTRIBUTION, EQUALLY, AGREED) = range(3)

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("governance", __name__, {
    "form": Parameter("cost sharing", None, None, "choice", "How a platform's members decide on their efforts: each for itself, with the host bearing a part of the others' costs, or as one.", "Ji et al. 2023, cited by S000 2; P66", FORMS),
    "terms": Parameter("contribution", None, None, "choice", "How the others divide what the host leaves them of the revenue: by what they put into the pool, equally, or as a scenario's [[agreements]] say.", _ASSUMED, TERMS),
    "host_cut": Parameter(0.3, 0.0, 1.0, "share", "Share of the platform's revenue that its host keeps, unless terms are agreed.", "platform cuts of 12 to 50 %"),
    "revenue_rate": Parameter(0.2, 0.0, 100.0, "million CNY a year and unit of joint capital", "What a platform's services sell for.", _ASSUMED),
    "decay": Parameter(0.2, 0.01, 10.0, "1/year", "Part of joint capital that wears out.", "Nerlove & Arrow 1962: goodwill wears out"),
    "discount": Parameter(0.1, 0.0, 10.0, "1/year", "Rate at which members discount what is to come.", _ASSUMED),
    "effectiveness": Parameter(1.0, 0.0, 1000.0, "units of joint capital a year and unit of effort", "What an effort adds to joint capital, unless terms are agreed.", _ASSUMED),
    "cost": Parameter(0.02, 0.0001, 1e6, "million CNY a year and unit of effort squared", "Coefficient m in the cost of effort, m e^2 / 2, unless terms are agreed.", _ASSUMED),
    "spending_limit": Parameter(0.02, 0.0, 1.0, "share of capital a quarter", "Most that a member spends on efforts, its own and those it bears a part of.", _ASSUMED),
})  # fmt: skip

OUTCOMES = (
    Outcome("platform_capital", "units of joint capital", "Joint capital that members' efforts built, of all platforms."),
    Outcome("platform_revenue", MONEY, "Sold of platforms' services."),
    Outcome("governance_effort", "units of effort", "Efforts for platforms, of all members, at the rate of a year."),
    Outcome("platform_gain_hosts", MONEY, "What hosts got of platforms' revenue less what efforts cost them."),
    Outcome("platform_gain_members", MONEY, "What the other members got of it less what efforts cost them."),
)  # fmt: skip


@compiled
def outcomes(state: State, numbers: Any, step: int, out: Column) -> None:
    """Write joint capital, revenue, effort, and the gains of hosts and of other members into `out`, (outcomes,)."""
    platforms, memberships = state.platforms, state.memberships
    for k in living(platforms.alive, state.platform_slots):
        out[0] += platforms.capital[k]
    if numbers.rules.governance:
        out[1] = state.books.paid[PLATFORM_SALES].sum()
        _add_up(platforms, memberships, living(memberships.alive, state.membership_slots), out)


@allocation_free
def _add_up(platforms: Platforms, memberships: Memberships, rows: Column, out: Column) -> None:
    for s in rows:
        hosts = memberships.organisation_uid[s] == platforms.host_uid[memberships.platform[s]]
        out[2] += memberships.effort[s]
        out[3 if hosts else 4] += memberships.gain[s]


@compiled
def govern(state: State, numbers: Any, seed: int, step: int) -> bool:
    """Members choose efforts for their platform; its joint capital grows, sells and pays."""
    organisations, platforms, memberships, p = (
        state.organisations,
        state.platforms,
        state.memberships,
        numbers.governance,
    )
    rows, platform_rows = (
        _present(organisations, memberships, state.membership_slots),
        living(platforms.alive, state.platform_slots),
    )
    places = state.platform_slots.state[1]
    set_terms(platforms, memberships, rows, places, p)
    hosts = host_memberships(platforms, memberships, rows, places)
    borne = choose_efforts(memberships, rows, hosts, state.membership_slots.state[1], p)
    own, given = afford(organisations, memberships, rows, hosts, borne, state.slots.state[1], p.spending_limit)
    sell(organisations, platforms, memberships, state.books, rows, platform_rows, places, p.revenue_rate, p.decay)
    pay_efforts(organisations, memberships, state.books, rows, hosts, own, given)
    return True


@compiled
def _present(organisations: Organisations, memberships: Memberships, slots: Slots) -> Column:
    """Clear last quarter's efforts and gains; return the memberships whose member is there, by uid: sums do not hang on places."""
    rows = living(memberships.alive, slots)
    rows = rows[: _keep_present(organisations, memberships, rows)]
    return rows[np.argsort(memberships.uid[rows])]


@allocation_free
def _keep_present(organisations: Organisations, memberships: Memberships, rows: Column) -> int:
    """Clear efforts and gains, move the memberships whose member is there to the front and return how many they are."""
    count = 0
    for s in rows:
        i = memberships.organisation[s]
        memberships.effort[s] = memberships.gain[s] = 0.0
        if organisations.alive[i] and organisations.uid[i] == memberships.organisation_uid[s]:
            rows[count] = s
            count += 1
    return count


def found_agreed(model: Any, named: Agreement, row_of: dict[str, int]) -> None:
    """Found a platform that a scenario names, with its members on the terms it gives."""
    model.platforms, model.platform_slots = ensure_room(model.platforms, model.platform_slots, 1)
    model.memberships, model.membership_slots = ensure_room(
        model.memberships, model.membership_slots, len(named.members)
    )
    organisations, platforms, memberships = model.organisations, model.platforms, model.memberships
    kind = PLATFORM_KINDS.index(named.kind)
    platform = new_platform(organisations, platforms, model.platform_slots, row_of[named.host], kind)
    platforms.capital[platform] = named.capital
    for member in named.members:
        row = row_of[member.name]
        slot = new_membership(organisations, platforms, memberships, model.membership_slots, platform, row)
        memberships.effectiveness[slot], memberships.cost[slot] = member.effectiveness, member.cost
        memberships.share[slot] = member.share


# --- terms and efforts -----------------------------------------------------------------------------------------------


@compiled
def set_terms(platforms: Platforms, memberships: Memberships, rows: Column, places: int, p: Any) -> None:
    """The host keeps its cut; the rest goes to the others by what they put into the pool, or equally; agreed terms stay.

    Where nobody has put anything in yet the rest is divided equally; a host alone keeps all, and members without one
    divide all. Effectiveness and cost of effort are the same for all.

    Parameters
    ----------
    places : rows of platforms in use.
    """
    if p.terms != AGREED:
        _divide(platforms, memberships, rows, np.zeros(places), np.zeros(places), np.zeros(places), p)


@allocation_free
def _divide(
    platforms: Platforms,
    memberships: Memberships,
    rows: Column,
    hosted: Column,
    others: Column,
    contributed: Column,
    p: Any,
) -> None:
    """Set shares by whether the host is there, how many others are and what they put in, (platforms,) each."""
    for s in rows:
        k = memberships.platform[s]
        if memberships.organisation_uid[s] == platforms.host_uid[k]:
            hosted[k] = 1.0
        else:
            others[k] += 1.0
            contributed[k] += memberships.contributed[s]
    for s in rows:
        k = memberships.platform[s]
        cut = p.host_cut * hosted[k] if others[k] > 0.0 else 1.0
        if memberships.organisation_uid[s] == platforms.host_uid[k]:
            memberships.share[s] = cut
        elif p.terms == BY_CONTRIBUTION and contributed[k] > 0.0:
            memberships.share[s] = (1.0 - cut) * memberships.contributed[s] / contributed[k]
        else:
            memberships.share[s] = (1.0 - cut) / others[k]
        memberships.effectiveness[s] = p.effectiveness
        memberships.cost[s] = p.cost


@compiled
def host_memberships(platforms: Platforms, memberships: Memberships, rows: Column, places: int) -> Column:
    """The membership of each platform's host by row of the platform, (platforms,); -1 where the host is no member."""
    hosts = np.full(places, -1, np.int64)
    _mark_hosts(platforms, memberships, rows, hosts)
    return hosts


@allocation_free
def _mark_hosts(platforms: Platforms, memberships: Memberships, rows: Column, hosts: Column) -> None:
    for s in rows:
        k = memberships.platform[s]
        if memberships.organisation_uid[s] == platforms.host_uid[k]:
            hosts[k] = s


@allocation_free
def part_borne(form: int, host_share: float, share: float) -> float:
    """Part of a member's cost that the host bears: x = max(0, (2 l_L - l) / (2 l_L + l)) under cost sharing, else 0.

    It maximises what the host has of the member's effort less what it bears, l_L l / (1 - x) - x l^2 / (2 (1 - x)^2),
    in units of (Q a)^2 / m. Of a member that gets nothing of the revenue it bears all.
    """
    if form != COST_SHARING or 2.0 * host_share <= share:
        return 0.0
    return (2.0 * host_share - share) / (2.0 * host_share + share)


@allocation_free
def share_regarded(form: int, host_share: float, share: float) -> float:
    """The part of the revenue that an effort is chosen by: all if cooperative, else l / (1 - x).

    With x > 0 this is l_L + l / 2, which has no division by a small 1 - x.
    """
    if form == COOPERATIVE:
        return 1.0
    return host_share + share / 2.0 if form == COST_SHARING and 2.0 * host_share > share else share


@allocation_free
def best_effort(regarded: float, worth: float, effectiveness: float, cost: float) -> float:
    """Effort of which one more unit costs what it brings: e = regarded share * Q a / m."""
    return regarded * worth * effectiveness / cost if cost > 0.0 else 0.0


@compiled
def choose_efforts(memberships: Memberships, rows: Column, hosts: Column, used: int, p: Any) -> Column:
    """Each member chooses its effort by the form of governance, with Q = theta / (r + d).

    Parameters
    ----------
    used : rows of memberships in use.

    Returns
    -------
    borne : (memberships,) part of each member's cost that its host bears; none of the host's own.
    """
    borne = np.zeros(used)
    _set_efforts(memberships, rows, hosts, borne, p)
    return borne


@allocation_free
def _set_efforts(memberships: Memberships, rows: Column, hosts: Column, borne: Column, p: Any) -> None:
    worth = p.revenue_rate / (p.discount + p.decay)
    for s in rows:
        host = hosts[memberships.platform[s]]
        share = memberships.share[s]
        regarded = 1.0 if p.form == COOPERATIVE else share
        if host >= 0 and host != s:
            borne[s] = part_borne(p.form, memberships.share[host], share)
            regarded = share_regarded(p.form, memberships.share[host], share)
        memberships.effort[s] = best_effort(regarded, worth, memberships.effectiveness[s], memberships.cost[s])
