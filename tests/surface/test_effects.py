"""Every switch has an effect on its own outcome: the table of docs/effects.md, rebuilt on fewer seeds."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from ecosim.grammar import RULES
from ecosim.outcome_table import OUTCOMES

DOCS = Path(__file__).resolve().parents[2] / "docs"
SEEDS = range(1, 7)


@pytest.fixture
def effects(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the script that asks the questions."""
    monkeypatch.syspath_prepend(str(DOCS))
    return importlib.import_module("effects")


def test_every_switch_is_asked_about_an_outcome(effects: ModuleType) -> None:
    """Protects the table's reach: no switch without a question, no question about an outcome that is not recorded."""
    questions = [question for group in effects.GROUPS.values() for question in group]
    assert {question.switch for question in questions} == set(RULES)
    assert {question.outcome for question in questions} <= {outcome.name for outcome in OUTCOMES}
    page = (DOCS / "effects.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` ", page, re.MULTILINE) == [question.switch for question in questions]


def test_paired_interval(effects: ModuleType) -> None:
    """Protects the interval: Student's t over paired differences, by hand for 1, 2, 3 against 0, 0, 0."""
    mean, width = effects.paired(np.array([1.0, 2.0, 3.0]), np.zeros(3))
    assert mean == pytest.approx(2.0)
    assert width == pytest.approx(4.302652730 / np.sqrt(3.0))


@pytest.mark.slow
def test_every_switch_moves_its_own_outcome(effects: ModuleType) -> None:
    """Protects each mechanism: rebuilt on six seeds, on minus off is clear of zero for at least one outcome of each switch."""
    questions = [question for group in effects.GROUPS.values() for question in group]
    clear = {answer.question.switch for answer in effects.answers(questions, SEEDS) if answer.clear}
    assert clear == set(RULES)
