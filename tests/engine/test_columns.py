"""Tables of arrays: who is there stays in order, and rows lie where memory reads them best."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecosim
from ecosim.columns import CACHE_LINE, add_members, copy_table, drop_departed, ensure_room, make_slots, make_table
from ecosim.mechanisms.joint_ventures import FIRST_SERIAL
from ecosim.state import Members, Organisations

ROLES, ROWS = 3, 48


def in_order(table: Organisations) -> np.ndarray[Any, Any]:
    """Return the rows of the living by role and uid, sorted anew."""
    rows = np.flatnonzero(table.alive)
    return rows[np.lexsort((table.uid[rows], table.role[rows]))]


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_members_stay_in_order(data: st.DataObject) -> None:
    """Protects every rule that goes by role and uid: whoever leaves and enters, also ventures, whose serials come late."""
    table, members = make_table(Organisations, ROWS), Members(np.zeros(ROWS, np.int64), np.zeros(ROLES + 1, np.int64))
    serial = 0
    for _ in range(4):
        leaving = [row for row in np.flatnonzero(table.alive) if data.draw(st.booleans())]
        table.alive[leaving] = False
        drop_departed(table, members)
        np.testing.assert_array_equal(members.order[: members.starts[-1]], in_order(table))
        free = data.draw(st.permutations(list(np.flatnonzero(~table.alive))))
        entrants = np.array(free[: data.draw(st.integers(0, len(free)))], np.int64)
        for row in entrants:
            table.alive[row], table.role[row] = True, data.draw(st.integers(0, ROLES - 1))
            venture = data.draw(st.booleans())
            table.uid[row] = (serial + (FIRST_SERIAL if venture else 0)) * 64 + table.role[row]
            serial += 1
        add_members(table, members, entrants)
        np.testing.assert_array_equal(members.order[: members.starts[-1]], in_order(table))
    np.testing.assert_array_equal(np.diff(members.starts), np.bincount(table.role[table.alive], minlength=ROLES))


def test_members_stay_in_order_through_a_run() -> None:
    """Protects the order that the rules of a whole quarter keep between them, with entries, exits and ventures."""
    model = ecosim.Ecosystem("huawei-ecosystem", seed=1, history=False)
    came_and_went = 0
    for _ in range(60):
        model.run(1)
        np.testing.assert_array_equal(model.ranked.order[: model.ranked.starts[-1]], in_order(model.organisations))
        came_and_went += int((model.happened["step"] == model.step_number - 1).sum())
    assert came_and_went > 100


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_rows_of_domains_lie_on_one_line_of_the_cache(rows: int) -> None:
    """Protects the time of rules that look at partners' knowledge: each row of eight numbers is read at once."""
    table = make_table(Organisations, rows)
    larger, _ = ensure_room(table, make_slots(rows), 2 * rows)
    for each in (table, larger, copy_table(table)):
        assert all(column.ctypes.data % CACHE_LINE == 0 for column in each)
