"""The rules of the sub-model alone: plain loops over columns, compiled as ecosim compiles its rules, with its draws and without its books.

It does what `plain.c` does, phase by phase, and copies over ties in the order in which they are given, as `plain.c` and ecosim do.
What ecosim takes longer goes into what it does beside the rules, and into its larger tables. All quarters run in one call of compiled code.

Two choices make the loop over ties fast. `copy` takes the larger of a gap and nothing instead of asking with an `if`: one of
the two gaps of a tie is negative, and a processor cannot guess which. With the `if` of `plain.c`, which gcc turns into masks
of its vector units, Numba's code for a tie takes three times as long; without, it is scalar. And `copy` is compiled into the
loop, since a tuple of columns is handed on column by column: called for each tie, it makes the loop take half as long again.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ecosim.compilation import allocation_free, compiled, inlined
from ecosim.draws import ADOPTION, ADOPTION_CHOICE, ADOPTION_SWITCH, ENTRANT_ENDOWMENT, ENTRY, EXIT, normal, uniform
from ecosim.state import DOMAINS, FIRM, MOST_ROLES, SUPPLIER, USER, Column, Flag, Float, Integer, PerDomain

# Places in `Model.counts`: rows and ties in use, members, serial numbers of the next to enter, quarters run.
ROWS, FREE_ROWS, TIES, SUPPLIERS, USERS, SUPPLIER_SERIAL, USER_SERIAL, QUARTER = range(8)


class Numbers(NamedTuple):
    """The numbers of the rules; see `submodel.toml`."""

    contract_rate: float
    usefulness: float
    knowledge_cost: float
    innovation: float
    imitation: float
    quality_weight: float
    network_weight: float
    loyalty: float
    reconsider: float
    growth_rate: float
    firm_knowledge: float
    supplier_knowledge: float
    absorptive: float
    spread: float


class Organisations(NamedTuple):
    """Firms, which come first, and suppliers; rows of those that left are used again."""

    uid: Integer
    role: Integer
    alive: Flag
    leaves: Flag
    absorptive: Float
    knowledge: PerDomain
    gained: PerDomain  # by copying in this quarter
    best: PerDomain  # the most that somebody knows who was copied from
    free: Integer  # a stack of the rows to use again


class Users(NamedTuple):
    """Users, without gaps."""

    uid: Integer
    provider: Integer  # the row of a firm, -1 for none


class Ties(NamedTuple):
    """Ties, without gaps: the rows of both ends."""

    a: Integer
    b: Integer


class Model(NamedTuple):
    """The whole state; rows of a table beyond those in use are room to grow."""

    organisations: Organisations
    users: Users
    ties: Ties
    installed: Column  # users that each firm served at the end of the last quarter, (firms,)
    moved: Column  # knowledge, by role of giver and taker, (2, 2)
    gained: Column  # what takers gained from it, by role of taker and giver, (2, 2)
    counts: Column
    supplier_capacity: float
    user_capacity: float


@compiled
def run(model: Model, numbers: Numbers, seed: int, records: Column) -> Model:
    """Run as many quarters as `records`, (quarters, recorded), has rows and fill it in; return the model, whose tables may have grown."""
    firms, counts = model.installed.size, model.counts
    for row in range(records.shape[0]):
        share(model, numbers)
        adopted = adopt(model, numbers, seed)
        model = turn_over(model, numbers, seed)
        records[row, 0] = known(model) / (firms + counts[SUPPLIERS])
        records[row, 1] = adopted
        records[row, 2] = firms
        records[row, 3] = counts[SUPPLIERS]
        records[row, 4] = counts[USERS]
        records[row, 5] = model.moved.sum()
        counts[QUARTER] += 1
    return model


@allocation_free
def share(model: Model, numbers: Numbers) -> None:
    """Both ends of a tie copy from each other, all on the state at the start of the quarter."""
    organisations, ties, counts = model.organisations, model.ties, model.counts
    knowledge, gained, best = organisations.knowledge, organisations.gained, organisations.best
    for i in range(counts[ROWS]):
        for d in range(DOMAINS):
            gained[i, d] = 0.0
            best[i, d] = 0.0
    for giver in range(2):
        for taker in range(2):
            model.moved[giver, taker] = 0.0
            model.gained[taker, giver] = 0.0
    price = numbers.usefulness * numbers.knowledge_cost
    for t in range(counts[TIES]):
        a, b = ties.a[t], ties.b[t]
        to_a = numbers.contract_rate * organisations.absorptive[a]
        to_b = numbers.contract_rate * organisations.absorptive[b]
        to_a, to_b = copy(organisations, a, b, to_a, to_b)
        role_a, role_b = organisations.role[a], organisations.role[b]
        model.moved[role_b, role_a] += to_a
        model.moved[role_a, role_b] += to_b
        model.gained[role_a, role_b] += price * to_a
        model.gained[role_b, role_a] += price * to_b
    for i in range(counts[ROWS]):
        for d in range(DOMAINS):
            knowledge[i, d] = max(knowledge[i, d], min(knowledge[i, d] + gained[i, d], best[i, d]))


@inlined
def copy(organisations: Organisations, a: int, b: int, rate_a: float, rate_b: float) -> tuple[float, float]:
    """Add to the gains of both ends of a tie; return how much each got.

    Who is ahead gets nothing, and a source that is behind sets no bound that counts in `share`.
    """
    knowledge, gained, best = organisations.knowledge, organisations.gained, organisations.best
    got_a, got_b = 0.0, 0.0
    for d in range(DOMAINS):
        known_a, known_b = knowledge[a, d], knowledge[b, d]
        volume_a, volume_b = rate_a * max(known_b - known_a, 0.0), rate_b * max(known_a - known_b, 0.0)
        gained[a, d] += volume_a
        gained[b, d] += volume_b
        best[a, d] = max(best[a, d], known_b)
        best[b, d] = max(best[b, d], known_a)
        got_a += volume_a
        got_b += volume_b
    return got_a, got_b


@compiled
def adopt(model: Model, numbers: Numbers, seed: int) -> float:
    """Users adopt an offer or reconsider theirs, all seeing the same offers; return the share of users with a provider."""
    users, installed = model.users, model.installed
    count, quarter = model.counts[USERS], model.counts[QUARTER]
    utilities = np.empty(installed.size)
    for i in range(installed.size):
        quality = math.log(1.0 + model.organisations.knowledge[i].sum())
        utilities[i] = numbers.quality_weight * quality + numbers.network_weight * math.log(1.0 + installed[i])
    weights, loyalty = np.exp(utilities - utilities.max()), math.exp(numbers.loyalty)
    adopted = 0
    for u in range(count):
        adopted += users.provider[u] >= 0
    chance = 1.0 - survival(adopted / count, numbers.innovation, numbers.imitation)
    installed[:] = 0.0
    for u in range(count):
        uid, present = users.uid[u], users.provider[u]
        stream, likely = (ADOPTION, chance) if present < 0 else (ADOPTION_SWITCH, numbers.reconsider)
        if uniform(seed, stream, quarter, uid, 0) < likely:
            adopted += present < 0
            users.provider[u] = choose(weights, present, loyalty, uniform(seed, ADOPTION_CHOICE, quarter, uid, 0))
        if users.provider[u] >= 0:
            installed[users.provider[u]] += 1.0
    return adopted / count


@allocation_free
def survival(adopted: float, innovation: float, imitation: float) -> float:
    """Chance of not adopting in a quarter, exact along the Bass curve from a share that has adopted."""
    rate = innovation + imitation
    waiting = (1.0 - adopted) * (imitation / rate)
    return 1.0 / (waiting + (1.0 - waiting) * math.exp(rate * 0.25))


@allocation_free
def choose(weights: Column, present: int, loyalty: float, draw: float) -> int:
    """Logit choice by one draw among weights, the one at `present` (-1 for none) raised by loyalty."""
    total = 0.0
    for i in range(weights.size):
        total += weights[i] * loyalty if i == present else weights[i]
    point = draw * total
    for i in range(weights.size - 1):
        point -= weights[i] * loyalty if i == present else weights[i]
        if point < 0.0:
            return i
    return weights.size - 1


@compiled
def turn_over(model: Model, numbers: Numbers, seed: int) -> Model:
    """Suppliers and users bring entrants and leave: first the leavers go, with their ties, then the entrants come."""
    counts = model.counts
    entry = 1.0 - math.exp(-numbers.growth_rate)
    exit_supplier = 1.0 - math.exp(-numbers.growth_rate * (counts[SUPPLIERS] / model.supplier_capacity))
    exit_user = 1.0 - math.exp(-numbers.growth_rate * (counts[USERS] / model.user_capacity))
    suppliers = let_suppliers_go(model, entry, exit_supplier, seed)
    users = let_users_go(model.users, counts, entry, exit_user, seed)
    model = with_room(model, suppliers, users)
    for _ in range(suppliers):
        enter_supplier(model, numbers, seed)
    for _ in range(users):
        enter_user(model)
    return model


@allocation_free
def let_suppliers_go(model: Model, entry: float, leave: float, seed: int) -> int:
    """Draw which suppliers leave, clear them and end their ties; return how many enter."""
    organisations, ties, counts = model.organisations, model.ties, model.counts
    entrants, leavers = 0, 0
    for i in range(model.installed.size, counts[ROWS]):
        if organisations.alive[i]:
            entrants += uniform(seed, ENTRY, counts[QUARTER], organisations.uid[i], 0) < entry
            organisations.leaves[i] = uniform(seed, EXIT, counts[QUARTER], organisations.uid[i], 0) < leave
            leavers += organisations.leaves[i]
    if leavers == 0:
        return entrants
    kept = 0
    for t in range(counts[TIES]):
        if not (organisations.leaves[ties.a[t]] or organisations.leaves[ties.b[t]]):
            ties.a[kept], ties.b[kept] = ties.a[t], ties.b[t]
            kept += 1
    counts[TIES] = kept
    for i in range(model.installed.size, counts[ROWS]):
        if organisations.leaves[i]:
            organisations.alive[i] = organisations.leaves[i] = False
            for d in range(DOMAINS):
                organisations.knowledge[i, d] = 0.0
            organisations.free[counts[FREE_ROWS]] = i
            counts[FREE_ROWS] += 1
    counts[SUPPLIERS] -= leavers
    return entrants


@allocation_free
def let_users_go(users: Users, counts: Column, entry: float, leave: float, seed: int) -> int:
    """Draw which users leave, and close the gaps; return how many enter."""
    entrants, kept = 0, 0
    for u in range(counts[USERS]):
        entrants += uniform(seed, ENTRY, counts[QUARTER], users.uid[u], 0) < entry
        if uniform(seed, EXIT, counts[QUARTER], users.uid[u], 0) >= leave:
            users.uid[kept], users.provider[kept] = users.uid[u], users.provider[u]
            kept += 1
    counts[USERS] = kept
    return entrants


@allocation_free
def enter_supplier(model: Model, numbers: Numbers, seed: int) -> None:
    """Let a supplier enter."""
    counts = model.counts
    enter(model.organisations, counts, SUPPLIER, counts[SUPPLIER_SERIAL], numbers.supplier_knowledge, numbers, seed)
    counts[SUPPLIER_SERIAL] += 1
    counts[SUPPLIERS] += 1


@allocation_free
def enter(
    organisations: Organisations, counts: Column, role: int, serial: int, median: float, numbers: Numbers, seed: int
) -> None:
    """Let an organisation of a role enter, with what it draws."""
    if counts[FREE_ROWS] > 0:
        counts[FREE_ROWS] -= 1
        i = organisations.free[counts[FREE_ROWS]]
    else:
        i = counts[ROWS]
        counts[ROWS] += 1
    uid = serial * MOST_ROLES + role
    organisations.uid[i], organisations.role[i], organisations.alive[i] = uid, role, True
    size = math.exp(numbers.spread * normal(seed, ENTRANT_ENDOWMENT, 0, uid, 0))
    total = 0.0
    for d in range(DOMAINS):
        z = normal(seed, ENTRANT_ENDOWMENT, 0, uid, 10 + d)
        organisations.knowledge[i, d] = 0.5 * z * z + 1e-6
        total += organisations.knowledge[i, d]
    for d in range(DOMAINS):
        organisations.knowledge[i, d] *= median * size**0.3 / total
    level = numbers.absorptive * (1.0 + 0.1 * normal(seed, ENTRANT_ENDOWMENT, 0, uid, 26))
    organisations.absorptive[i] = min(max(level, 0.0), 1.0)


@allocation_free
def enter_user(model: Model) -> None:
    """Let a user enter, who has no provider."""
    users, counts = model.users, model.counts
    users.uid[counts[USERS]] = counts[USER_SERIAL] * MOST_ROLES + USER
    users.provider[counts[USERS]] = -1
    counts[USER_SERIAL] += 1
    counts[USERS] += 1


@compiled
def with_room(model: Model, suppliers: int, users: int) -> Model:
    """Return a model with room for so many more: the same one, or one with larger tables."""
    o, u, counts = model.organisations, model.users, model.counts
    rows = counts[ROWS] + suppliers
    if rows > o.uid.size:
        rows = rows * 3 // 2
        o = Organisations(
            longer(o.uid, rows), longer(o.role, rows), longer(o.alive, rows), longer(o.leaves, rows),
            longer(o.absorptive, rows), longer(o.knowledge, rows), longer(o.gained, rows), longer(o.best, rows),
            longer(o.free, rows),
        )  # fmt: skip
    rows = counts[USERS] + users
    if rows > u.uid.size:
        u = Users(longer(u.uid, rows * 3 // 2), longer(u.provider, rows * 3 // 2))
    return Model(o, u, model.ties, model.installed, model.moved, model.gained, counts,
                 model.supplier_capacity, model.user_capacity)  # fmt: skip


@compiled
def longer(column: Column, rows: int) -> Column:
    """Return a column of so many rows that starts as this one; the others are 0."""
    larger = np.zeros((rows, *column.shape[1:]), column.dtype)
    larger[: column.shape[0]] = column
    return larger


@allocation_free
def known(model: Model) -> float:
    """All knowledge of the organisations."""
    total = 0.0
    for i in range(model.counts[ROWS]):
        for d in range(DOMAINS):
            total += model.organisations.knowledge[i, d]
    return total


@allocation_free
def enter_first(model: Model, numbers: Numbers, suppliers: int, users: int, seed: int) -> None:
    """Let those enter who are there at the start, firms first."""
    for serial in range(model.installed.size):
        enter(model.organisations, model.counts, FIRM, serial, numbers.firm_knowledge, numbers, seed)
    for _ in range(suppliers):
        enter_supplier(model, numbers, seed)
    for _ in range(users):
        enter_user(model)
