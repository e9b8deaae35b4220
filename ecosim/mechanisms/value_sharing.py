"""Value sharing (S000, value co-sharing): how what was earned is divided, and what is given beyond obligations.

First obligations: wages, contracts, loans, taxes. What is left of revenue is the surplus. A rule (equal, by
contribution, Nash bargaining, Shapley) says what each partner of a firm is entitled to of it; the firm's sharing
ratio s, by the strategy chosen, says what part of that it gives, and how much goes to society, nature and partners'
capability. The regime is read off: passive (obligations only), proactive (programmes), leading (also capability).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.columns import living, members_of
from ecosim.compilation import allocation_free, compiled
from ecosim.ledger import (
    CAPABILITY_TRANSFER,
    DIVIDENDS,
    GREEN_PROGRAMME,
    PARTNER_PROGRAMME,
    SOCIAL_PROGRAMME,
    close_pots,
    note_event,
    note_flow,
    note_gain,
    pay,
    room_for_events,
)
from ecosim.mechanisms.division import DIVISION_RULES, divide
from ecosim.mechanisms.foreign_supply import pay_abroad
from ecosim.mechanisms.obligations import pay_partners, pay_taxes, pay_wages
from ecosim.mechanisms.ties import other_end
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    CAPITAL,
    CO_SHARING,
    EMPOWERMENT,
    FIRM,
    GENEROSITY,
    GOVERNMENT,
    HOUSEHOLDS,
    KNOWLEDGE,
    LEADING,
    NATURE,
    PASSIVE,
    PROACTIVE,
    REGIME,
    SEPARATION,
    SERVICES,
    SOCIETY,
    USER,
    Books,
    Column,
    Events,
    Organisations,
    State,
    Ties,
)

STRATEGIES = ("fixed", "dependence", "adaptive", "regulated")
(FIXED, DEPENDENCE, ADAPTIVE, REGULATED) = range(4)

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("value_sharing", __name__, {
    "division": Parameter("contribution", None, None, "choice", "Rule by which partners are entitled to a firm's surplus.", "G10: the papers give none", DIVISION_RULES),
    "strategy": Parameter("dependence", None, None, "choice", "What moves a firm's sharing ratio: nothing, its dependence on partners, trial and error, or a regulator.", "S000 4: passive, proactive, leading", STRATEGIES),
    "ratio": Parameter(0.1, 0.0, 1.0, "share", "Sharing ratio at the start, and for good under the strategy 'fixed'.", "platform cuts of 12 to 50 %"),
    "adjustment": Parameter(0.05, 0.0, 1.0, "1/quarter", "Part of the way to its goal that the ratio covers in a quarter.", _ASSUMED),
    "trial": Parameter(0.03, 0.0, 0.5, "share", "Size of a step under the strategy 'adaptive'.", _ASSUMED),
    "review": Parameter(4, 1, 100, "quarters", "How often the strategy 'adaptive' compares its payoff.", _ASSUMED),
    "social_share": Parameter(0.10, 0.0, 1.0, "share of surplus at ratio 1", "Part of surplus that goes to society.", "S000 4.2.4, 4.3.4"),
    "green_share": Parameter(0.08, 0.0, 1.0, "share of surplus at ratio 1", "Part of surplus that goes to the natural environment.", "S000 4.1.4, 4.2.4"),
    "transfer_share": Parameter(0.8, 0.0, 1.0, "share of surplus at ratio 1 and full co-sharing capability", "Part of surplus that is spent on giving members of the platform capability.", "S000 4.3: eco-partner university"),
    "transfer_rate": Parameter(0.20, 0.0, 1.0, "1/quarter", "Part of a partner's gap to the firm that a well-funded transfer closes in a quarter.", "S000 4.3 (P77)"),
    "teaching_cost": Parameter(0.15, 0.01, 10.0, "share of replacement cost", "What teaching knowledge costs against making it.", "S000 4.3: partner university, certification"),
    "transfer_unit": Parameter(5.0, 0.001, 1e5, "million CNY a quarter", "Spending on one partner at which a transfer has half its full effect.", _ASSUMED),
    "substitution": Parameter(0.5, -50.0, 1.0, "1", "How well contributions of different roles replace each other in a coalition's worth: 1 wholly, -50 not at all.", "S003 2.1 (P42)"),
    "samples": Parameter(64, 2, 100_000, "permutations", "Orders sampled for Shapley values of large coalitions.", "standard error stated with the result"),
    "power": Parameter(2.0, 0.0, 100.0, "1", "Bargaining power of the firm against 1 of each partner.", _ASSUMED),
    "outside_option": Parameter(0.3, 0.0, 1.0, "share", "What a member would earn of its contribution elsewhere.", _ASSUMED),
    "reserve": Parameter(4.0, 0.0, 100.0, "quarters of cost", "Capital above this is paid out.", _ASSUMED),
    "payout": Parameter(0.10, 0.0, 1.0, "1/quarter", "Part of the capital above the reserve that goes to employees who own the firm.", "S000 4.1.4: employee shareholding"),
    "interest": Parameter(0.015, 0.0, 0.5, "1/quarter", "Interest on loans between members.", _ASSUMED),
    "repayment": Parameter(0.10, 0.0, 1.0, "1/quarter", "Part of a loan paid back in a quarter.", _ASSUMED),
    "regime_threshold": Parameter(0.02, 0.0, 1.0, "share of surplus", "Programmes, or transfer, above this make the reading proactive, or leading.", "S000 4: classes differ by initiative"),
    "capability_effect": Parameter(1.0, 0.0, 1.0, "1", "How much the capability of co-sharing counts; 0 as if nobody had any.", "S000 4.x.4"),
})  # fmt: skip


@compiled
def share_value(state: State, numbers: Any, seed: int, step: int) -> bool:
    """Pay what is due, divide surplus, give; then governments spend taxes, so that their value reaches whom they pay."""
    organisations, ties, books, rate = state.organisations, state.ties, state.books, numbers.policy.tax_rate
    firms, governments = members_of(state.members, FIRM), members_of(state.members, GOVERNMENT)
    rows, tie_rows = living(organisations.alive, state.slots), living(ties.alive, state.tie_slots)
    others = rows[(organisations.role[rows] != FIRM) & (organisations.role[rows] != GOVERNMENT)]
    organisations.net[: state.slots.state[1]] = 0.0
    pay_abroad(state, numbers, firms)  # first: what was made abroad is no value of this ecosystem to pass on
    # Firms first, so that what they pay has arrived when their partners pay; government last, it gets everybody's taxes.
    pay_wages(organisations, books, firms)
    pay_partners(organisations, ties, books, tie_rows, numbers.value_sharing)
    pay_taxes(organisations, books, firms, governments, rate)
    if numbers.rules.value_sharing:
        starts, incident = incident_ties(ties, tie_rows, state.slots.state[1])
        move_ratios(organisations, firms, numbers.value_sharing, numbers.policy.sharing_floor, step)
        divide_surplus(organisations, ties, books, firms, starts, incident, numbers.value_sharing,
                       state.environment.knowledge_cost[0], numbers.open_sharing.usefulness, seed, step)  # fmt: skip
    pay_wages(organisations, books, others)
    pay_taxes(organisations, books, others, governments, rate)
    pay_wages(organisations, books, governments)
    return True


@compiled
def close_accounts(state: State, numbers: Any, seed: int, step: int) -> bool:
    """When governments have spent: pay out what is left over, read regimes, book to each role the value it kept."""
    rows = living(state.organisations.alive, state.slots)
    if not room_for_events(state.events, members_of(state.members, FIRM).size, state.short):
        return False
    finish(state.organisations, state.books, state.events, rows, numbers.value_sharing, numbers.orchestration.memory)
    close_pots(state.organisations, state.books, state.slots.state[1])
    return True


@compiled
def incident_ties(ties: Ties, tie_rows: Column, nodes: int) -> tuple[Column, Column]:
    """The ties of each organisation: ``incident[starts[i]:starts[i + 1]]``."""
    starts = np.zeros(nodes + 1, np.int64)
    for t in tie_rows:
        starts[ties.a[t] + 1] += 1
        starts[ties.b[t] + 1] += 1
    starts = np.cumsum(starts)
    filled = starts[:-1].copy()
    incident = np.empty(2 * tie_rows.size, np.int64)
    for t in tie_rows:
        for i in (ties.a[t], ties.b[t]):
            incident[filled[i]] = t
            filled[i] += 1
    return starts, incident


@allocation_free
def dependence(organisations: Organisations, i: int) -> float:
    """How much a firm depends on partners, in [0, 1]: 1 - (1 - k)(1 - s)(1 - c).

    k: knowledge from others over all its new knowledge; s: services delivered over all it spends on making; c: part of
    its offer's quality that members of its platform add.
    """
    new = organisations.inflow[i] + organisations.created[i]
    making = organisations.bought[i] + organisations.wages_due[i]
    knowledge = organisations.inflow[i] / new if new > 0.0 else 0.0
    services = organisations.bought[i] / making if making > 0.0 else 0.0
    complements = organisations.complement[i] / organisations.quality[i] if organisations.quality[i] > 0.0 else 0.0
    return 1.0 - (1.0 - knowledge) * (1.0 - services) * (1.0 - complements)


@allocation_free
def ratio_goal(depends: float, generosity: float, co_sharing: float) -> float:
    """Goal of the sharing ratio under 'dependence': dependence * (g + (1 - g) * co-sharing capability)."""
    return depends * (generosity + (1.0 - generosity) * co_sharing)


@allocation_free
def move_ratios(organisations: Organisations, firms: Column, p: Any, floor: float, step: int) -> None:
    """Move each firm's sharing ratio by the strategy."""
    for i in firms:
        s = organisations.sharing[i]
        if p.strategy == FIXED:
            s = p.ratio
        elif p.strategy == ADAPTIVE:
            if step % p.review == 0:
                worse = organisations.payoff[i] < organisations.sharing_result[i]
                move = organisations.sharing_step[i] if organisations.sharing_step[i] != 0.0 else p.trial
                organisations.sharing_step[i] = -move if worse else move
                organisations.sharing_result[i] = organisations.payoff[i]
                s += organisations.sharing_step[i]
        else:
            goal = ratio_goal(dependence(organisations, i),
                              organisations.routines[i, GENEROSITY], p.capability_effect * organisations.capabilities[i, CO_SHARING])  # fmt: skip
            s += p.adjustment * (goal - s)
            if p.strategy == REGULATED:
                s = max(s, floor)
        organisations.sharing[i] = min(1.0, max(0.0, s))


@compiled
def divide_surplus(
    organisations: Organisations,
    ties: Ties,
    books: Books,
    firms: Column,
    starts: Column,
    incident: Column,
    p: Any,
    cost: float,
    usefulness: float,
    seed: int,
    step: int,
) -> None:
    """Give partners part s of what the rule entitles them to, then programmes for society and nature, then capability."""
    for i in firms:
        pot = min(organisations.surplus[i], organisations.capital[i])
        s = organisations.sharing[i]
        organisations.programme[i] = 0.0
        organisations.transfer[i] = 0.0
        if pot <= 0.0:
            continue
        partners, members = _partners(organisations, ties, i, incident[starts[i] : starts[i + 1]])
        entitled = _entitlements(organisations, ties, i, partners, pot, p, seed, step)
        _give(organisations, ties, books, i, partners, s * entitled)
        left = s * min(max(0.0, pot - organisations.programme[i]), organisations.capital[i])
        social = pay(organisations, books, i, SOCIETY, p.social_share * left, SOCIAL_PROGRAMME)
        green = pay(organisations, books, i, NATURE, p.green_share * left, GREEN_PROGRAMME)
        organisations.programme[i] += social + green
        organisations.net[i] -= social + green
        budget = p.transfer_share * p.capability_effect * organisations.capabilities[i, CO_SHARING] * left
        if members.size > 0 and budget > 0.0:
            _transfer(organisations, ties, books, i, members, budget, p, cost, usefulness)


@compiled
def _partners(organisations: Organisations, ties: Ties, i: int, own: Column) -> tuple[Column, Column]:
    """Of a firm's own ties those to partners that surplus is shared with, and of these those to members of its platform."""
    partners, members = np.empty(own.size, np.int64), np.empty(own.size, np.int64)
    shared, joined = 0, 0
    for t in own:
        if _may_share(organisations, ties, t, i):
            partners[shared] = t
            shared += 1
            if _is_member(organisations, ties, t, i):
                members[joined] = t
                joined += 1
    return partners[:shared], members[:joined]


@compiled
def _entitlements(
    organisations: Organisations, ties: Ties, i: int, partners: Column, pot: float, p: Any, seed: int, step: int
) -> Column:
    """What the rule of division entitles each partner to, (partners,) million CNY; the firm itself is in the coalition.

    A partner contributes what it gave unpaid, the firm its research and what it gave unpaid; types are roles.
    """
    count = partners.size + 1
    contributions = np.zeros(count)
    types = np.empty(count, np.int64)
    power = np.ones(count)
    contributions[0], types[0], power[0] = organisations.research[i], FIRM, p.power
    for position in range(partners.size):
        t = partners[position]
        first = ties.a[t] == i
        contributions[0] += ties.contributed_a[t] if first else ties.contributed_b[t]
        contributions[position + 1] = ties.contributed_b[t] if first else ties.contributed_a[t]
        types[position + 1] = organisations.role[ties.b[t] if first else ties.a[t]]
    total = contributions.sum()
    outside = p.outside_option * pot * contributions / total if total > 0.0 else np.zeros(count)
    shares, errors = np.zeros(count), np.zeros(count)
    divide(
        p.division, pot, contributions, types, outside, power, p.substitution, p.samples, seed, step,
        organisations.uid[i], shares, errors,
    )  # fmt: skip
    organisations.division_error[i] = errors.max() / pot
    return shares[1:]


@allocation_free
def _give(organisations: Organisations, ties: Ties, books: Books, i: int, partners: Column, amounts: Column) -> None:
    """Give each partner its amount."""
    for position in range(partners.size):
        t = partners[position]
        j = other_end(ties, t, i)
        given = pay(organisations, books, i, j, amounts[position], PARTNER_PROGRAMME)
        organisations.programme[i] += given
        organisations.net[i] -= given
        organisations.net[j] += given
        if ties.a[t] == j:
            ties.got_a[t] += given
        else:
            ties.got_b[t] += given
        ties.volume[t] += given
        note_flow(organisations, books, CAPITAL, EMPOWERMENT, i, j, given)
        note_gain(organisations, books, j, i, given)


@allocation_free
def _is_member(organisations: Organisations, ties: Ties, t: int, i: int) -> bool:
    """Whether the partner over tie t takes part in the platform that i hosts."""
    partner = other_end(ties, t, i)
    return organisations.focal[i] and organisations.member[partner] and ties.mode[t] > SEPARATION


@allocation_free
def _may_share(organisations: Organisations, ties: Ties, t: int, i: int) -> bool:
    role = organisations.role[other_end(ties, t, i)]
    return role != GOVERNMENT and role != USER


@allocation_free
def _transfer(
    organisations: Organisations,
    ties: Ties,
    books: Books,
    i: int,
    members: Column,
    budget: float,
    p: Any,
    cost: float,
    usefulness: float,
) -> None:
    """Spend a budget on giving members of the platform capability and knowledge, each the same; trainers are paid wages."""
    each = budget / members.size
    effect = p.transfer_rate * each / (each + p.transfer_unit)
    for t in members:
        j = other_end(ties, t, i)
        spent = pay(organisations, books, i, HOUSEHOLDS, each, CAPABILITY_TRANSFER)
        if spent <= 0.0:
            continue
        organisations.transfer[i] += spent
        organisations.net[i] -= spent
        note_flow(organisations, books, SERVICES, EMPOWERMENT, i, j, spent)
        worth, gap = 0.0, 0.0
        for d in range(organisations.knowledge.shape[1]):
            gap += max(0.0, organisations.knowledge[i, d] - organisations.knowledge[j, d])
        taught = effect * gap
        if taught > 0.0:
            taught = min(taught, spent / (p.teaching_cost * cost)) if cost > 0.0 else taught
            for d in range(organisations.knowledge.shape[1]):
                ahead = max(0.0, organisations.knowledge[i, d] - organisations.knowledge[j, d])
                organisations.knowledge[j, d] += taught * ahead / gap
            worth = usefulness * cost * taught
            note_flow(organisations, books, KNOWLEDGE, EMPOWERMENT, i, j, taught)
        for k in range(organisations.capabilities.shape[1]):
            organisations.capabilities[j, k] += effect * max(
                0.0, organisations.capabilities[i, k] - organisations.capabilities[j, k]
            )
        for k in range(organisations.knowledge_capabilities.shape[1]):
            organisations.knowledge_capabilities[j, k] += effect * max(
                0.0, organisations.knowledge_capabilities[i, k] - organisations.knowledge_capabilities[j, k]
            )
        ties.volume[t] += spent + worth
        note_gain(organisations, books, j, i, spent + worth)


@allocation_free
def read_regime(surplus: float, programme: float, transfer: float, threshold: float) -> int:
    """Passive below the threshold; proactive with programmes; leading if capability is transferred too."""
    if surplus <= 0.0 or programme + transfer < threshold * surplus:
        return PASSIVE
    return LEADING if transfer >= threshold * surplus else PROACTIVE


@allocation_free
def finish(organisations: Organisations, books: Books, events: Events, rows: Column, p: Any, memory: float) -> None:
    """Pay out capital above the reserve, smooth payoffs, read regimes."""
    for i in rows:
        cost = organisations.wages_due[i] + max(0.0, organisations.revenue_trend[i])
        if organisations.role[i] != GOVERNMENT and organisations.role[i] != USER:
            excess = organisations.capital[i] - p.reserve * cost
            if excess > 0.0 and organisations.revenue[i] > 0.0:
                pay(organisations, books, i, HOUSEHOLDS, min(p.payout * excess, organisations.surplus[i]), DIVIDENDS)
        gain = organisations.net[i] + (organisations.revenue[i] if organisations.role[i] == FIRM else 0.0)
        organisations.payoff[i] += memory * (gain - organisations.payoff[i])
        regime = read_regime(
            organisations.surplus[i], organisations.programme[i], organisations.transfer[i], p.regime_threshold
        )
        if organisations.role[i] == FIRM and regime != organisations.regime[i]:
            organisations.regime[i] = regime
            if organisations.focal[i]:
                note_event(events, REGIME, organisations.uid[i], -1, regime)
