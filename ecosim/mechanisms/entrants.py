"""Entrants: who enters, and what an organisation has when it does.

Sizes are lognormal around the role's median, levels vary by a tenth, profiles over domains are uneven. Organisations that
a scenario names enter on their date, or are the first that their role draws in; they have what the scenario gives them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.columns import claim, count_members, has_room
from ecosim.compilation import allocation_free, compiled
from ecosim.draws import ENTRANT_ENDOWMENT, integer_below, normal, uniform
from ecosim.ledger import ENDOWMENT, note_event, pay, room_for_events
from ecosim.mechanisms.components import forget
from ecosim.mechanisms.foreign_supply import first_shares
from ecosim.outcomes import COUNT, Outcome
from ecosim.state import (
    DOMAINS,
    FIRM,
    ORGANISATION_TABLE,
    WORLD,
    Books,
    Column,
    Events,
    Named,
    Organisations,
    Slots,
    State,
)
from ecosim.state import ENTRY as ENTRY_EVENT

if TYPE_CHECKING:
    from ecosim.roles import Role
    from ecosim.scenario import Scenario

OUTCOMES = (
    Outcome("dated_entered", COUNT, "Organisations that the scenario dates and that have entered so far."),
    Outcome(
        "entry_off_date", "quarters", "How far from their date they entered, mean of those that entered or are overdue."
    ),
)

# What an entrant is endowed with, in the order of the columns of `numbers.roles.endowment`.
ENDOWMENTS = (
    "capital", "talent", "knowledge", "spread", "openness", "protection", "absorptive", "persistence", "capability",
    "research_intensity", "openness_target", "generosity", "breadth", "risk", "imitation",
)  # fmt: skip
(
    CAPITAL_GIVEN, TALENT_GIVEN, KNOWLEDGE_GIVEN, SPREAD, OPENNESS_GIVEN, PROTECTION_GIVEN, ABSORPTIVE_GIVEN,
    PERSISTENCE_GIVEN, CAPABILITY_GIVEN, FIRST_ROUTINE,
) = range(10)  # fmt: skip

ANY_KIND = -1  # drawn by the weights of the role's kinds


def make_named(scenario: Scenario, roles: Mapping[str, Role]) -> Named:
    """Return the organisations that a scenario names, of which nobody has entered."""
    each = [(position, named) for position, named in enumerate(scenario.organisations) for _ in range(named.count)]
    endowment = np.full((len(each), len(ENDOWMENTS)), np.nan)
    for row, (_, named) in enumerate(each):
        for key, value in named.endowment.items():
            endowment[row, ENDOWMENTS.index(key)] = value
    endowment[:, SPREAD] = 0.0
    kinds = [ANY_KIND if named.kind is None else roles[named.role].kinds.index(named.kind) for _, named in each]
    return Named(
        position=np.array([position for position, _ in each], np.int64),
        role=np.array([roles[named.role].index for _, named in each], np.int64),
        kind=np.array(kinds, np.int64),
        focal=np.array([named.focal for _, named in each], bool),
        due=np.array([named.step for _, named in each], np.int64),
        endowment=endowment,
        uid=np.full(len(each), -1, np.int64),
        entered=np.full(len(each), -1, np.int64),
    )


@compiled
def outcomes(state: State, numbers: Any, step: int, out: Column) -> None:
    """Write into `out`, (outcomes,), how many that a scenario dates have entered, and how far from their date."""
    named, concerned, quarters = state.named, 0, 0
    for n in range(named.uid.size):
        if named.due[n] > 0 and named.uid[n] >= 0:
            out[0] += 1.0
            concerned += 1
            quarters += abs(named.entered[n] - named.due[n])
        elif 0 < named.due[n] < step:
            concerned += 1
            quarters += step - named.due[n]
    out[1] = quarters / concerned if concerned > 0 else 0.0


@compiled
def enter_dated(state: State, numbers: Any, seed: int, step: int) -> bool:
    """Let the named organisations enter whose date has come and that nothing else will bring in."""
    due = who_is_due(state.named, np.diff(state.members.starts), numbers, step)
    if not has_room(state.slots, due.size, state.short, ORGANISATION_TABLE):
        return False
    if not room_for_events(state.events, due.size, state.short):
        return False
    for n in due:
        enter_named(state, numbers, n, seed, step)
    if due.size > 0:
        count_members(state.organisations, state.slots, state.members)
    return True


@compiled
def who_is_due(named: Named, counts: Column, numbers: Any, step: int) -> Column:
    """Rows of the named organisations that enter by their date: at the start all, later those that their role does not draw in.

    A role draws organisations in by itself with turnover, a growth rate, and a member that can bring one.

    Parameters
    ----------
    counts : (roles,) members of each role; those that are found due are added.
    """
    due = np.zeros(named.uid.size, np.bool_)
    position, by_date = -1, False
    for n in range(named.uid.size):
        if named.uid[n] >= 0 or named.due[n] > step:
            continue
        role = named.role[n]
        if named.position[n] != position:  # those of one entry come together
            position = named.position[n]
            draws_in = numbers.rules.turnover and numbers.roles.growth_rate[role] > 0.0 and counts[role] > 0
            by_date = named.due[n] == 0 or numbers.rules.dated_entry or not draws_in
        if by_date:
            due[n] = True
            counts[role] += 1
    return np.flatnonzero(due)


@compiled
def let_in(state: State, numbers: Any, roles: Column, seed: int, step: int) -> tuple[Column, Column]:
    """Let an organisation of each of these roles enter, first the named that do not enter by date, then any.

    Parameters
    ----------
    roles : (entrants,) sorted.

    Returns
    -------
    rows : (entrants,) in the order of the roles.
    by_name : (entrants,) whether the scenario names it.
    """
    rows, by_name = np.empty(roles.size, np.int64), np.zeros(roles.size, np.bool_)
    waiting = who_waits(state.named, numbers.rules.dated_entry)
    first = 0
    while first < roles.size:
        role, end = roles[first], first
        while end < roles.size and roles[end] == role:
            end += 1
        for n in waiting:
            if first < end and state.named.role[n] == role:
                rows[first] = enter_named(state, numbers, n, seed, step)
                by_name[first] = True
                first += 1
        rows[first:end] = enter(state, numbers, role, ANY_KIND, end - first, seed, step)
        first = end
    return rows, by_name


@compiled
def who_waits(named: Named, dated_entry: bool) -> Column:
    """Rows of the named organisations that wait to be drawn in, by date and place in the scenario."""
    if dated_entry:
        return np.zeros(0, np.int64)
    waiting = np.flatnonzero(named.uid < 0)
    return waiting[np.argsort(named.due[waiting] * named.uid.size + waiting)]


@compiled
def enter_named(state: State, numbers: Any, n: int, seed: int, step: int) -> int:
    """Let a named organisation enter, endowed as the scenario says; return its row."""
    named = state.named
    role = named.role[n]
    endowment = np.where(np.isnan(named.endowment[n]), numbers.roles.endowment[role], named.endowment[n])
    row = place_many(state, numbers, role, named.kind[n], endowment, state.serials[role], 1, seed, step)[0]
    state.serials[role] += 1
    state.organisations.focal[row] = named.focal[n]
    named.uid[n], named.entered[n] = state.organisations.uid[row], step
    return row


@compiled
def enter(state: State, numbers: Any, role: int, kind: int, count: int, seed: int, step: int) -> Column:
    """Let organisations of a role enter, endowed by its parameters; return their rows, (count,)."""
    rows = place_many(state, numbers, role, kind, numbers.roles.endowment[role], state.serials[role], count, seed, step)
    state.serials[role] += count
    return rows


@compiled
def place_many(
    state: State,
    numbers: Any,
    role: int,
    kind: int,
    endowment: Column,
    first_serial: int,
    count: int,
    seed: int,
    step: int,
) -> Column:
    """Let organisations of a role enter and return their rows, (count,); there must be room for them and as many events.

    Parameters
    ----------
    kind : of all of them; `ANY_KIND` for one drawn for each by the weights of the role's kinds.
    endowment : (endowments,) medians and levels.
    """
    weights = numbers.roles.kind_weight[role, : numbers.roles.kinds[role]]
    rows = np.empty(count, np.int64)
    _place_each(
        state.organisations, state.slots, state.books, state.events, rows, role, kind, weights, first_serial,
        numbers.roles.chain[role], endowment, numbers.roles.budget[role], numbers.adoption.segments,
        numbers.value_sharing.ratio, seed, step,
    )  # fmt: skip
    forget(state.technology, rows)
    if role == FIRM and numbers.rules.imports:
        first_shares(state.organisations, rows, numbers.foreign_supply, seed)
    return rows


@allocation_free
def _place_each(
    organisations: Organisations,
    slots: Slots,
    books: Books,
    events: Events,
    rows: Column,
    role: int,
    kind: int,
    weights: Column,
    first_serial: int,
    chain: float,
    endowment: Column,
    budget: float,
    segments: int,
    sharing: float,
    seed: int,
    step: int,
) -> None:
    """Let one organisation enter for each of `rows`, (count,), and write down there which row it has."""
    for number in range(rows.size):
        serial = first_serial + number
        of_kind = kind_of(weights, serial * 64 + role, seed) if kind == ANY_KIND else kind
        rows[number] = place(organisations, slots, books, events, role, of_kind, serial, chain, endowment, budget, segments,
                             sharing, seed, step)  # fmt: skip


@allocation_free
def kind_of(weights: Column, uid: int, seed: int) -> int:
    """The kind of an entrant, drawn by the weights, (kinds,)."""
    point = uniform(seed, ENTRANT_ENDOWMENT, 0, uid, 4) * weights.sum()
    kind = 0
    while kind < weights.size - 1 and point >= weights[kind]:
        point -= weights[kind]
        kind += 1
    return kind


@allocation_free
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
    endowment : (endowments,) medians and levels of the role, or of a named organisation.
    """
    i = claim(slots)  # an empty row: all columns are 0
    uid = serial * 64 + role
    size = np.exp(endowment[SPREAD] * normal(seed, ENTRANT_ENDOWMENT, 0, uid, 0))
    organisations.uid[i] = uid
    organisations.role[i] = role
    organisations.kind[i] = kind
    organisations.alive[i] = True
    organisations.born[i] = step
    organisations.parent_a[i] = organisations.parent_b[i] = -1
    organisations.chain[i] = min(1.0, max(0.0, chain + 0.05 * normal(seed, ENTRANT_ENDOWMENT, 0, uid, 1)))
    organisations.segment[i] = integer_below(segments, seed, ENTRANT_ENDOWMENT, 0, uid, 2)
    pay(organisations, books, WORLD, i, endowment[CAPITAL_GIVEN] * size, ENDOWMENT)
    organisations.talent[i] = endowment[TALENT_GIVEN] * size
    books.made[0] += organisations.talent[i]
    _give_profile(organisations, i, endowment[KNOWLEDGE_GIVEN] * size**0.3, seed)
    _give_abilities(organisations, i, endowment, seed)
    organisations.sharing[i] = sharing
    organisations.price[i] = 1.0
    organisations.need[i] = 1.0  # whoever is new has neither bought nor sold yet
    organisations.budget[i] = budget * np.exp(endowment[SPREAD] * normal(seed, ENTRANT_ENDOWMENT, 0, uid, 3))
    organisations.provider[i] = -1
    note_event(events, ENTRY_EVENT, uid, -1, organisations.capital[i])
    return i


@allocation_free
def _give_profile(organisations: Organisations, i: int, knowledge: float, seed: int) -> None:
    """Niche, direction and knowledge of an entrant over the domains."""
    uid, total = organisations.uid[i], 0.0
    for d in range(DOMAINS):
        # A gamma variate of shape 1/2, so that profiles are uneven: some domains are known, most hardly.
        organisations.niche[i, d] = 0.5 * normal(seed, ENTRANT_ENDOWMENT, 0, uid, 10 + d) ** 2 + 1e-6
        total += organisations.niche[i, d]
    for d in range(DOMAINS):
        organisations.niche[i, d] /= total
        organisations.direction[i, d] = organisations.niche[i, d]
        organisations.knowledge[i, d] = knowledge * organisations.niche[i, d]


@allocation_free
def _give_abilities(organisations: Organisations, i: int, endowment: Column, seed: int) -> None:
    """Openness, protection, absorption, persistence, capabilities and routines of an entrant."""
    uid = organisations.uid[i]
    openness = _level(endowment, OPENNESS_GIVEN, uid, seed)
    organisations.openness[i] = organisations.culture[i] = openness  # who is open at first has a culture as open
    organisations.protection[i] = _level(endowment, PROTECTION_GIVEN, uid, seed)
    organisations.absorptive[i] = _level(endowment, ABSORPTIVE_GIVEN, uid, seed)
    organisations.persistence[i] = _level(endowment, PERSISTENCE_GIVEN, uid, seed)
    capability = _level(endowment, CAPABILITY_GIVEN, uid, seed)
    for k in range(organisations.capabilities.shape[1]):
        organisations.capabilities[i, k] = _near(capability, uid, 40 + k, seed)
    for k in range(organisations.knowledge_capabilities.shape[1]):
        organisations.knowledge_capabilities[i, k] = _near(capability, uid, 50 + k, seed)
    for k in range(organisations.routines.shape[1]):
        organisations.routines[i, k] = _level(endowment, FIRST_ROUTINE + k, uid, seed)


@allocation_free
def _level(endowment: Column, given: int, uid: int, seed: int) -> float:
    """A level in [0, 1]: as endowed, but for a tenth where entrants differ."""
    differs = 0.1 * normal(seed, ENTRANT_ENDOWMENT, 0, uid, 20 + given) if endowment[SPREAD] > 0.0 else 0.0
    return min(1.0, max(0.0, endowment[given] * (1.0 + differs)))


@allocation_free
def _near(level: float, uid: int, number: int, seed: int) -> float:
    """A level in [0, 1] around another one."""
    return min(1.0, max(0.0, level + 0.05 * normal(seed, ENTRANT_ENDOWMENT, 0, uid, number)))
