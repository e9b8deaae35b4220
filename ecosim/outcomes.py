"""Outcomes: what is recorded each quarter, declared where it is made, with unit and meaning for charts, sweeps and docs.

A mechanism that has outcomes of its own binds ``OUTCOMES``, a tuple of `Outcome`, and ``outcomes``, a compiled rule of
(state, numbers, step, out) that writes their values into ``out`` in that order; `ecosim.record.write_outcomes` calls it.
"""

from __future__ import annotations

from typing import NamedTuple

MONEY, SHARE, LEVEL, COUNT = "million CNY", "share", "level", "number"


class Outcome(NamedTuple):
    """An outcome recorded each quarter."""

    name: str
    unit: str
    meaning: str
