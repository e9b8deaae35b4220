"""A verdict hangs on its mechanism: what is shown in the sound model is gone when the mechanism is undone every quarter."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def mutations(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the script that breaks mechanisms."""
    monkeypatch.syspath_prepend(str(DOCS))
    return importlib.import_module("mutations")


@pytest.mark.parametrize("number", ["P42", "P76", "P91"])
def test_broken_mechanism_changes_the_verdict(mutations: ModuleType, number: str) -> None:
    """Protects the laboratory against verdicts that would stand whatever the model does."""
    place = next(place for place, each in enumerate(mutations.MUTATIONS) if each.number == number)
    sound, broken = mutations.both(place)
    assert sound.verdict == "shown"
    assert broken.verdict != "shown"


def test_table_holds_each_case(mutations: ModuleType) -> None:
    """Protects the page: fifteen cases or more, each with a verdict that was shown and is not any more."""
    page = (DOCS / "propositions.md").read_text(encoding="utf-8")
    table = page.partition("<!-- generated: tables mutations -->")[2].partition("<!-- end -->")[0]
    rows = re.findall(r"^\| (P\d+) \| .* \| (.+?), .*\| (.+?), .*\|$", table, re.MULTILINE)
    assert [number for number, _, _ in rows] == [each.number for each in mutations.MUTATIONS]
    assert len(rows) >= 15
    assert {(sound == "shown", broken != "shown") for _, sound, broken in rows} == {(True, True)}
