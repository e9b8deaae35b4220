"""The sub-model as its rules alone, compiled by Numba: `rules.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
from submodel.rules import TIES, Model, Numbers, Organisations, Ties, Users, enter_first, run
from submodel.start import RECORDED, Start

from ecosim.columns import make_table


class InRules:
    """The sub-model in `rules.py`."""

    def __init__(self, start: Start, seed: int, numbers: dict[str, float]) -> None:
        self._seed, self._numbers, self._records = seed, Numbers(**numbers), np.zeros((0, len(RECORDED)))
        self._model = Model(
            make_table(Organisations, start.firms + start.suppliers),
            make_table(Users, start.users),
            Ties(start.a.astype(np.int64), start.b.astype(np.int64)),
            installed=np.zeros(start.firms),
            moved=np.zeros((2, 2)),
            gained=np.zeros((2, 2)),
            counts=np.zeros(8, np.int64),
            supplier_capacity=float(start.suppliers),
            user_capacity=float(start.users),
        )
        self._model.counts[TIES] = len(start.a)
        enter_first(self._model, self._numbers, start.suppliers, start.users, seed)

    def run(self, quarters: int) -> None:
        """Run some quarters."""
        records = np.empty((quarters, len(RECORDED)))
        self._model = run(self._model, self._numbers, self._seed, records)
        self._records = np.concatenate([self._records, records])

    def records(self) -> Any:
        """Return what was recorded, (quarters, recorded)."""
        return self._records

    def installed(self) -> Any:
        """Return how many users each firm serves, (firms,)."""
        return self._model.installed.copy()
