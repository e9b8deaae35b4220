"""Government: spends in proportion to claims, in money and in the value that goes with it."""

from __future__ import annotations

import numpy as np
import pytest

from ecosim import Ecosystem
from ecosim.state import FIRM, GOVERNMENT, INTERMEDIARY, SUPPLIER, UNIVERSITY


@pytest.mark.parametrize("spending", [0.5, 1.0])
@pytest.mark.parametrize("part", [0.2, 5.0])
def test_value_is_shared_like_money(spending: float, part: float) -> None:
    """Protects late roles: each unit of money brings as much value as any other, whether the pot is small or large."""
    model = Ecosystem(
        "classroom", seed=1, history=False, **{"policy.spending": spending, "roles.government.initial": 1}
    ).run(4)
    table = model.organisations
    payer = int(model.members(GOVERNMENT)[0])
    table.capital[payer], table.pot[:] = 1000.0, 0.0
    table.pot[payer] = pot = part * table.capital[payer]
    before, held, value = table.capital.copy(), table.capital[payer], model.books.value.sum()
    government = model.roles["government"]
    model.follow(government.rules["share_value"], model.members(GOVERNMENT), model.role_parameters["government"])
    paid, got = table.capital - before, table.pot.copy()
    members = np.flatnonzero(paid > 0.0)
    assert set(table.role[members]) == {FIRM, SUPPLIER, UNIVERSITY, INTERMEDIARY}
    np.testing.assert_allclose(got[members] / paid[members], (got[members] / paid[members])[0])
    spent = held - table.capital[payer]
    booked = model.books.value.sum() - value
    assert got[members].sum() + booked == pytest.approx(min(pot, spent))
    assert booked / (spent - paid[members].sum()) == pytest.approx(got[members].sum() / paid[members].sum())
    assert table.capital[payer] >= 0.0
