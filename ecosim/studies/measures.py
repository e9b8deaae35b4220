"""Measures: what a study can look at in each quarter of a run, read from the arrays of the record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ecosim.outcome_table import NAMES
from ecosim.parameters import nearest
from ecosim.record import Recorder
from ecosim.shapes import described, shortened
from ecosim.state import STAGES

Series = np.ndarray[Any, np.dtype[np.float64]]
OTHERS = ("employees", "society", "environment")  # value is booked to them too, besides the roles


def wrong_measure(measure: str, roles: Sequence[str]) -> tuple[str, str]:
    """Return what is wrong with the name of a measure and what is right, or two empty texts."""
    group, dot, name = measure.partition(".")
    if measure in NAMES or measure == "stage":
        return "", ""
    if dot and group in ("share", "value"):
        valid, what = (*roles, *OTHERS), "beneficiary"
    elif dot and group == "stage":
        valid, what = STAGES, "stage"
    else:
        return f"is {described(measure)}, which is no measure", nearest(shortened(measure), (*NAMES, "stage"))
    if name in valid:
        return "", ""
    return f"is {described(measure)}, which names no {what}", nearest(shortened(name), valid)


def outcomes_for(measures: Sequence[str]) -> tuple[str, ...]:
    """Return the outcomes that the model has to measure each quarter for these measures."""
    return tuple(name for name in NAMES if name in measures)


def quarterly(recorder: Recorder, measure: str) -> Series:
    """Return a measure of each quarter recorded, (quarters,)."""
    count, record = len(recorder), recorder.record
    group, _, name = measure.partition(".")
    if measure in NAMES:
        return record.metrics[:count, NAMES.index(measure)].copy()
    if group == "stage":
        stages = record.stage[:count]
        return (stages == STAGES.index(name) if name else stages).astype(np.float64)
    part, total = booked(recorder, name)
    return part if group == "value" else np.divide(part, total, out=np.zeros(count), where=total > 0.0)


def booked(recorder: Recorder, beneficiary: str) -> tuple[Series, Series]:
    """Return the value booked to a beneficiary and to all, each quarter, in million CNY."""
    value = recorder.record.value[: len(recorder)].sum(axis=2)
    return value[:, recorder.beneficiaries.index(beneficiary)].copy(), value.sum(axis=1)
