"""Competition-cooperation symbiosis (S001, sections 2.1.2 and 5): trust, modes, upkeep, and the search for partners.

Ties are kept while they are worth it. Trust rises on kept promises and finished projects and falls on broken ones,
failure, free riding and leakage; it fades when a tie is idle and never grows with time alone. Mode follows trust and
openness: resource separation, then sharing, then overlap, with hysteresis. Similar organisations compete in
proportion to the overlap of their niches; different ones divide labour.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.columns import living
from ecosim.compilation import allocation_free, compiled
from ecosim.draws import TIE_HAZARD, uniform
from ecosim.ledger import UPKEEP, note_event, note_gain, pay, room_for_events
from ecosim.mechanisms.interfaces import lighter, use_interfaces
from ecosim.mechanisms.ties import cut_tie
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    HOUSEHOLDS,
    OVERLAP,
    SEPARATION,
    TIE_DOWNGRADED,
    TIE_UPGRADED,
    Books,
    Column,
    Events,
    Organisations,
    Slots,
    State,
    Ties,
)

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("symbiosis", __name__, {
    "initial_trust": Parameter(0.25, 0.0, 1.0, "level", "Trust at the start of a tie.", "S001 5.1: trust is low at first (P35)"),
    "trust_gain": Parameter(0.03, 0.0, 1.0, "1/quarter", "Part of missing trust that a quarter of kept promises restores.", "trust follows process and outcomes: Meier et al. 2016"),
    "trust_loss": Parameter(0.15, 0.0, 1.0, "1/quarter", "Part of trust that a wholly broken promise destroys.", _ASSUMED),
    "tolerance": Parameter(0.9, 0.0, 1.0, "share", "Part of a promise that must be done for it to count as kept.", _ASSUMED),
    "project_trust": Parameter(0.15, 0.0, 1.0, "1", "Part of missing trust that a finished project restores; a failed one destroys as large a part of trust.", _ASSUMED),
    "free_riding": Parameter(0.04, 0.0, 1.0, "1/quarter", "Part of trust lost in a quarter in which one side gets all.", _ASSUMED),
    "leak_distrust": Parameter(0.10, 0.0, 1.0, "1/quarter", "Part of trust lost when a partner's openness lets everything of its own leak to rivals.", "S002: trust cuts leakage risk (P87)"),
    "fading": Parameter(0.06, 0.0, 1.0, "1/quarter", "Part of trust that an idle quarter takes.", "bridges decay: Burt 2001"),
    "sharing_trust": Parameter(0.45, 0.0, 1.0, "level", "Trust from which partners share.", "S001 5.1-5.3 (P35, P36)"),
    "sharing_openness": Parameter(0.25, 0.0, 1.0, "level", "Openness that both need to share.", "S001 2.1.2"),
    "overlap_trust": Parameter(0.6, 0.0, 1.0, "level", "Trust from which partners' resources overlap.", "S001 5.3"),
    "overlap_openness": Parameter(0.32, 0.0, 1.0, "level", "Openness that both need for overlap.", "S001 5.3"),
    "hysteresis": Parameter(0.12, 0.0, 0.5, "level", "How far below a threshold trust must fall before the mode falls back.", _ASSUMED),
    "upkeep": Parameter(0.05, 0.0, 100.0, "million CNY a quarter", "What each side pays for a tie.", _ASSUMED),
    "search_cost": Parameter(0.3, 0.0, 100.0, "million CNY", "What the seeker pays for a new tie.", _ASSUMED),
    "past_rounds": Parameter(6, 0, 100, "rounds", "Rounds of search for partners before the run starts.", _ASSUMED),
    "search_rate": Parameter(0.9, 0.0, 1.0, "1/quarter", "Chance that an organisation with room looks for a partner in a quarter, at full search capability.", _ASSUMED),
    "candidates": Parameter(6, 0, 64, "organisations", "How many it looks at beside the first one, at full search capability.", _ASSUMED),
    "help": Parameter(0.5, 0.0, 5.0, "1", "How much more it looks at when tied to an intermediary.", "S003 4.2(2) (P105); Colombian firms 2022"),
    "closure": Parameter(0.3, 0.0, 1.0, "share", "Candidates found among partners' partners.", "triadic closure in R&D networks"),
    "attachment": Parameter(0.3, 0.0, 1.0, "share", "Candidates found in proportion to their ties.", "newcomers prefer established partners: Tomasello et al."),
    "most_ties": Parameter(10.0, 0.0, 1000.0, "ties", "Ties that an organisation of 100 million CNY with full breadth can look after; grows with the square root of capital.", _ASSUMED),
    "enough": Parameter(1.0, 0.0, 1.0, "share", "Part of the ties that it can look after from which an organisation no longer seeks, and is only sought.", _ASSUMED),
    "novelty": Parameter(2.0, 0.0, 20.0, "1", "Weight of complementary knowledge, 4 d (1 - d), in choosing partners.", "Nooteboom et al. 2007"),
    "reputation": Parameter(0.15, 0.0, 5.0, "1", "Weight of the logarithm of a partner's ties.", "newcomers prefer established partners: Tomasello et al."),
    "labour_division": Parameter(1.0, 0.0, 20.0, "1", "Weight of distance on the innovation chain in choosing partners.", "S001 2.1.2 (P34)"),
    "need": Parameter(1.5, 0.0, 20.0, "1", "Weight of unmet orders and idle capacity in choosing partners who buy and sell services.", "S001 2.1.2: division of labour"),
    "competition": Parameter(2.0, 0.0, 20.0, "1", "Weight of niche overlap against a partner of the same role.", "S001 2.1.2 (P34)"),
    "reluctance": Parameter(0.5, -10.0, 20.0, "1", "What a partner must be worth to be accepted with a chance of one half.", _ASSUMED),
    "dissolution": Parameter(0.04, 0.0, 1.0, "1/quarter", "Rate at which a tie without trust is given up; falls with the square of trust.", "over half of alliances fail within five years"),
    "loss_patience": Parameter(0.08, 0.0, 1.0, "1/quarter", "Rate at which a tie that costs one side more than it gets is given up.", _ASSUMED),
    "callable": Parameter(0.05, 0.0, 1.0, "share of capital", "A tie is given up only if the loan on it is at most so large against the borrower's capital; else it is paid down first.", _ASSUMED),
    "coupling": Parameter(0.5, 0.0, 5.0, "1", "How strongly measured net benefits between roles act on entry and exit.", "S001 2.1.2; Lotka-Volterra symbiosis"),
})  # fmt: skip


@compiled
def review(state: State, numbers: Any, seed: int, step: int) -> bool:
    """Review trust, modes and upkeep, change interfaces and use them, give ties up."""
    organisations, ties, books, events = state.organisations, state.ties, state.books, state.events
    tie_rows = living(ties.alive, state.tie_slots)
    # On each tie: the mode, the interface, the end, and a loan that is not paid back.
    if not room_for_events(events, 4 * tie_rows.size, state.short):
        return False
    review_ties(organisations, ties, books, events, tie_rows, numbers.symbiosis, numbers.interfaces,
                numbers.rules.trust, numbers.orchestration.memory)  # fmt: skip
    use_interfaces(state, numbers, tie_rows, seed, step)
    give_up_ties(organisations, ties, state.tie_slots, books, events, tie_rows, numbers.symbiosis, seed, step)
    return True


@allocation_free
def reviewed_trust(
    trust: float, promised: float, kept: float, imbalance: float, leaked: float, idle: bool, p: Any
) -> float:
    """Trust after a quarter's outcomes.

    Promises kept (k = kept / promised >= tolerance): T + gain k (1 - T); broken: T - loss (1 - k) T. Then free riding
    takes a part f * imbalance of it, leakage a part l * leaked, an idle quarter a part `fading`. Nothing else moves it.
    """
    if promised > 0.0:
        part = min(1.0, kept / promised)
        trust += p.trust_gain * part * (1.0 - trust) if part >= p.tolerance else -p.trust_loss * (1.0 - part) * trust
    trust *= 1.0 - p.free_riding * imbalance
    trust *= 1.0 - p.leak_distrust * leaked
    if idle:
        trust *= 1.0 - p.fading
    return min(1.0, max(0.0, trust))


@allocation_free
def next_mode(mode: int, trust: float, openness: float, p: Any) -> int:
    """The mode that trust and the lesser openness of both sides allow; one step at a time, with hysteresis downwards."""
    if mode < OVERLAP:
        needed_trust = p.sharing_trust if mode == SEPARATION else p.overlap_trust
        needed_openness = p.sharing_openness if mode == SEPARATION else p.overlap_openness
        if trust >= needed_trust and openness >= needed_openness:
            return mode + 1
    if mode > SEPARATION:
        held_trust = p.overlap_trust if mode == OVERLAP else p.sharing_trust
        held_openness = p.overlap_openness if mode == OVERLAP else p.sharing_openness
        if trust < held_trust - p.hysteresis or openness < held_openness - p.hysteresis:
            return mode - 1
    return mode


@allocation_free
def review_ties(
    organisations: Organisations,
    ties: Ties,
    books: Books,
    events: Events,
    tie_rows: Column,
    p: Any,
    on_interfaces: Any,
    trust_moves: bool,
    memory: float,
) -> None:
    """Pay upkeep, smooth gains, review trust by outcomes, follow with the mode."""
    for t in tie_rows:
        a, b = ties.a[t], ties.b[t]
        upkeep, riding, leaking = lighter(ties.interface[t], on_interfaces)
        paid_a = pay(organisations, books, a, HOUSEHOLDS, upkeep * p.upkeep, UPKEEP)
        paid_b = pay(organisations, books, b, HOUSEHOLDS, upkeep * p.upkeep, UPKEEP)
        note_gain(organisations, books, a, b, -paid_a)
        note_gain(organisations, books, b, a, -paid_b)
        ties.gain_a[t] += memory * (ties.got_a[t] - paid_a - ties.gain_a[t])
        ties.gain_b[t] += memory * (ties.got_b[t] - paid_b - ties.gain_b[t])
        ties.contributed_a[t] += memory * (ties.gave_a[t] - ties.contributed_a[t])
        ties.contributed_b[t] += memory * (ties.gave_b[t] - ties.contributed_b[t])
        idle = ties.volume[t] <= 0.0
        # A tie promises at least what it costs; that one side gets all of it is free riding, not a broken promise.
        ties.promised[t] += paid_a + paid_b
        ties.kept[t] += min(max(0.0, ties.got_a[t] + ties.got_b[t]), paid_a + paid_b)
        if trust_moves:
            # What is paid for is no free riding: it counts on both sides.
            given = ties.contributed_a[t] + ties.contributed_b[t] + 2.0 * abs(ties.owed[t])
            imbalance = abs(ties.contributed_a[t] - ties.contributed_b[t]) / given if given > 0.0 else 0.0
            leaked = max(organisations.leaked[a], organisations.leaked[b]) if ties.mode[t] > SEPARATION else 0.0
            ties.trust[t] = reviewed_trust(
                ties.trust[t], ties.promised[t], ties.kept[t], riding * imbalance, leaking * leaked, idle, p
            )
        ties.promised[t] = ties.kept[t] = ties.volume[t] = ties.got_a[t] = ties.got_b[t] = 0.0
        ties.gave_a[t] = ties.gave_b[t] = 0.0
        mode = next_mode(ties.mode[t], ties.trust[t], min(organisations.openness[a], organisations.openness[b]), p)
        if mode != ties.mode[t]:
            code = TIE_UPGRADED if mode > ties.mode[t] else TIE_DOWNGRADED
            note_event(events, code, organisations.uid[a], organisations.uid[b], mode)
            ties.mode[t] = mode


@allocation_free
def give_up_ties(
    organisations: Organisations,
    ties: Ties,
    slots: Slots,
    books: Books,
    events: Events,
    tie_rows: Column,
    p: Any,
    seed: int,
    step: int,
) -> None:
    """Give a tie up with hazard dissolution * (1 - T)^2, and loss_patience more if one side has lost on it for a while.

    Nobody calls in a loan that the borrower could hardly repay at once: such a tie is kept until it is paid down.
    """
    for t in tie_rows:
        borrower = ties.b[t] if ties.loan[t] > 0.0 else ties.a[t]
        if abs(ties.loan[t]) > p.callable * organisations.capital[borrower]:
            continue
        hazard = p.dissolution * (1.0 - ties.trust[t]) ** 2
        if step - ties.born[t] >= 4 and min(ties.gain_a[t], ties.gain_b[t]) < 0.0 and ties.loan[t] == 0.0:
            hazard += p.loss_patience * (1.0 - ties.trust[t])
        if uniform(seed, TIE_HAZARD, step, organisations.uid[ties.a[t]], organisations.uid[ties.b[t]]) < 1.0 - np.exp(
            -hazard
        ):
            cut_tie(organisations, ties, slots, books, events, t, step)
