"""Tables of arrays: make, grow, copy; claim and release rows."""

from __future__ import annotations

import functools
from typing import Any, TypeVar, get_type_hints

import numpy as np
from numba import literal_unroll

from ecosim.compilation import allocation_free, compiled
from ecosim.state import MOST_ROLES, Column, Members, Organisations, Slots

Table = TypeVar("Table", bound=tuple[Any, ...])

CACHE_LINE = 64  # bytes


def make_table(kind: type[Table], rows: int) -> Table:
    """Return a table of `rows` empty rows; each column's type and width stand in the class `kind`."""
    return kind(*(_zeros(rows if width == 1 else (rows, width), dtype) for dtype, width in _shapes(kind)))


def _zeros(shape: int | tuple[int, ...], dtype: Any) -> Column:
    """Return zeros that begin where a line of the cache does, so that a row of eight numbers lies on one line and not on two."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    room = np.zeros(size + CACHE_LINE, np.uint8)
    first = -room.ctypes.data % CACHE_LINE
    return room[first : first + size].view(dtype).reshape(shape)


@functools.cache
def _shapes(kind: type) -> tuple[tuple[Any, int], ...]:
    """Type and width of each column of a table, as its class declares them."""
    return tuple(hint.__metadata__ for hint in get_type_hints(kind, include_extras=True).values())


def make_slots(rows: int) -> Slots:
    """Return the row book of an empty table."""
    return Slots(np.zeros(rows, np.int64), np.zeros(3, np.int64))


def ensure_room(table: Table, slots: Slots, extra: int) -> tuple[Table, Slots]:
    """Return table and row book with at least `extra` rows free: the same ones, or larger copies."""
    capacity = len(slots.free)
    free = int(slots.state[0]) + capacity - int(slots.state[1])
    if free >= extra:
        return table, slots
    larger = max(capacity * 3 // 2, capacity + extra)
    return type(table)(*(_padded(column, larger) for column in table)), Slots(_padded(slots.free, larger), slots.state)


def copy_table(table: Table) -> Table:
    """Return a deep copy."""
    return type(table)(*(_padded(column, len(column)) for column in table))


def _padded(column: Column, rows: int) -> Column:
    larger = _zeros((rows, *column.shape[1:]), column.dtype)
    larger[: len(column)] = column
    return larger


@compiled
def living(alive: Column, slots: Slots) -> Column:
    """Return the rows of a table that are in use, in their order."""
    return np.flatnonzero(alive[: slots.state[1]])


@allocation_free
def has_room(slots: Slots, extra: int, short: Column, table: int) -> bool:
    """Return whether so many rows are free; if not, write down in `short`, (tables,), how many a table needs."""
    if slots.state[0] + slots.free.size - slots.state[1] >= extra:
        return True
    short[table] = extra
    return False


@compiled
def count_members(organisations: Organisations, slots: Slots, members: Members) -> None:
    """Sort the living organisations by role and uid; who was there before stands in order already, which saves time."""
    rows = _known_first(organisations, slots, members)
    members.starts[:] = 0
    for i in rows:
        members.starts[organisations.role[i] + 1] += 1
    for role in range(1, members.starts.size):
        members.starts[role] += members.starts[role - 1]
    filled = members.starts.copy()
    for i in rows:
        members.order[filled[organisations.role[i]]] = i
        filled[organisations.role[i]] += 1
    for role in range(members.starts.size - 1):
        of_role = members.order[members.starts[role] : members.starts[role + 1]]
        uids = organisations.uid[of_role]
        if np.any(uids[1:] < uids[:-1]):
            of_role[:] = of_role[np.argsort(uids)]


@compiled
def _known_first(organisations: Organisations, slots: Slots, members: Members) -> Column:
    """Return the rows of all living organisations: those counted before as they stood, then the others."""
    rows, count = np.empty(slots.state[1], np.int64), 0
    unknown = organisations.alive[: slots.state[1]].copy()
    for i in members.order[: members.starts[-1]]:
        if i < unknown.size and unknown[i]:
            unknown[i] = False
            rows[count] = i
            count += 1
    for i in range(unknown.size):
        if unknown[i]:
            rows[count] = i
            count += 1
    return rows[:count]


@allocation_free
def drop_departed(organisations: Organisations, members: Members) -> None:
    """Take those that left out of the order; who stays keeps its place among the others."""
    first = kept = 0
    for role in range(members.starts.size - 1):
        end = members.starts[role + 1]
        for place in range(first, end):
            i = members.order[place]
            if organisations.alive[i]:
                members.order[kept] = i
                kept += 1
        members.starts[role + 1] = kept
        first = end


@compiled
def add_members(organisations: Organisations, members: Members, entrants: Column) -> None:
    """Take entrants, (entrants,) rows, into the order: nearly all of them come last in their role, since serials grow."""
    added = np.zeros(members.starts.size - 1, np.int64)
    for i in entrants:
        added[organisations.role[i]] += 1
    later = entrants.size
    for role in range(added.size - 1, -1, -1):
        first, end = members.starts[role], members.starts[role + 1]
        members.starts[role + 1] += later
        later -= added[role]
        if later > 0:
            for place in range(end - 1, first - 1, -1):
                members.order[place + later] = members.order[place]
    filled = members.starts[1:] - added
    for i in entrants:
        role = organisations.role[i]
        place = filled[role]
        while place > members.starts[role] and organisations.uid[members.order[place - 1]] > organisations.uid[i]:
            members.order[place] = members.order[place - 1]
            place -= 1
        members.order[place] = i
        filled[role] += 1


@compiled
def members_of(members: Members, role: int) -> Column:
    """Return the rows of a role's living members, by uid."""
    return members.order[members.starts[role] : members.starts[role + 1]]


@compiled
def everybody(members: Members) -> Column:
    """Return the rows of all living organisations, by role and uid."""
    return members.order[: members.starts[-1]]


@allocation_free
def row_of_uid(organisations: Organisations, members: Members, uid: int) -> int:
    """Return the row of a living organisation, -1 for none; its role is the rest of its uid by `MOST_ROLES`."""
    role = uid % MOST_ROLES
    if uid < 0 or role + 1 >= members.starts.size:
        return -1
    low, high = members.starts[role], members.starts[role + 1]
    while low < high:
        middle = (low + high) // 2
        if organisations.uid[members.order[middle]] < uid:
            low = middle + 1
        else:
            high = middle
    if low < members.starts[role + 1] and organisations.uid[members.order[low]] == uid:
        return members.order[low]
    return -1


@compiled
def positions_of(rows: Column, slots: Slots) -> Column:
    """Return where each row in use stands among `rows`, (rows in use,), -1 for one that is not among them."""
    positions = np.full(slots.state[1], -1, np.int64)
    for position in range(rows.size):
        positions[rows[position]] = position
    return positions


@compiled
def clear_rows(table: Any, rows: Column) -> None:
    """Set these rows to 0 in every column of a table: who comes into them later starts from nothing."""
    for column in literal_unroll(table):
        for row in rows:
            column[row] = 0


@allocation_free
def claim(slots: Slots) -> int:
    """Return a row that is not in use: the last released one, else the next never used."""
    slots.state[2] += 1
    if slots.state[0] > 0:
        slots.state[0] -= 1
        return slots.free[slots.state[0]]
    slots.state[1] += 1
    return slots.state[1] - 1


@allocation_free
def release(slots: Slots, row: int) -> None:
    """Give a row back."""
    slots.free[slots.state[0]] = row
    slots.state[0] += 1
