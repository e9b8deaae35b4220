"""The table of stylised facts: what is declared is measured, the page shows what came out, the estimators know their answers."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

import ecosim

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "validation.md"


@pytest.fixture
def validation(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the script that measures, which lies beside the pages."""
    monkeypatch.syspath_prepend(str(DOCS))
    return importlib.import_module("validation")


@pytest.fixture
def measures(validation: ModuleType) -> ModuleType:
    """Return the measures."""
    return importlib.import_module("validation_measures")


def _rows() -> dict[str, list[str]]:
    table = PAGE.read_text(encoding="utf-8").partition("## What the misses say")[0]
    lines = re.findall(r"^\| (.+) \|$", table, re.MULTILINE)[2:]
    return {cells[0]: cells for cells in (line.split(" | ") for line in lines)}


def test_every_fact_stands_on_the_page(validation: ModuleType, measures: ModuleType) -> None:
    """Protects honesty: each declared fact has its row, hit or miss as its number and its range say, and its own measure."""
    facts = validation.facts()
    rows = _rows()
    assert list(rows) == [fact.name for fact in facts]
    assert {fact.measure for fact in facts} == set(measures.MEASURES)
    for fact in facts:
        _, verdict, model, accepted, observed, _, basis = rows[fact.name]
        low, high = fact.accepted
        typical = float(model.split(" ")[0])
        assert low < high
        assert (observed, basis) == (fact.observed, fact.basis)
        assert fact.source
        assert verdict == ("hit" if low <= typical <= high else "**miss**")
        assert accepted.startswith(f"{low:.3g}") or low >= 1000.0


def test_page_is_of_this_version() -> None:
    """Protects the table against a model that moved on: it says of which version it is."""
    assert f"Seeds 1 to 30, ecosim {ecosim.__version__}." in PAGE.read_text(encoding="utf-8")


def test_rows_can_be_rebuilt(validation: ModuleType) -> None:
    """Protects the numbers: rows of the classroom and of the chip, measured anew on all seeds, give the page's cells."""
    asked = [fact for fact in validation.facts() if fact.scenario != "huawei-ecosystem"]
    table = validation.as_table(validation.findings(asked, validation.SEEDS, processes=1))
    rebuilt = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    assert rebuilt == [_rows()[fact.name] for fact in asked]


def test_survival_is_kaplan_and_meiers(measures: ModuleType) -> None:
    """Protects lives of ties: ends at 1 and 3, one life still going at 2, leave 2/3 and then nothing."""
    ages, left = measures.surviving(np.array([1.0, 3.0]), np.array([2.0]))
    assert ages.tolist() == [1.0, 3.0]
    assert left == pytest.approx([2.0 / 3.0, 0.0])


def test_exponents_are_found_again(measures: ModuleType) -> None:
    """Protects the estimators: a Pareto tail of exponent 2, and firms whose spread of growth falls with size to the power 0.2."""
    rng = np.random.default_rng(1)
    assert measures.hill(rng.pareto(2.0, 100_000) + 1.0, 0.1) == pytest.approx(2.0, rel=0.05)
    size = np.exp(rng.uniform(0.0, 8.0, 20_000))
    later = size * np.exp(rng.normal(0.0, 0.3 * size**-0.2))
    firms = pd.concat(
        pd.DataFrame({"year": year, "uid": range(len(size)), "revenue": revenue})
        for year, revenue in ((2000, size), (2001, later))
    )
    seen = measures.Witness(*[pd.DataFrame()] * 2, firms, pd.DataFrame(), np.array([]), np.array([]), True)
    assert measures.growth_spread(seen) == pytest.approx(0.2, abs=0.03)


def test_laplace_is_told_from_normal(measures: ModuleType) -> None:
    """Protects the tent: growth drawn from Laplace gives 0.707, from a normal distribution 0.798."""
    rng = np.random.default_rng(2)
    for draw, expected in ((rng.laplace, 0.7071), (rng.normal, 0.7979)):
        revenue = np.exp(np.stack([np.zeros(50_000), draw(size=50_000)]))
        firms = pd.DataFrame(
            {"year": np.repeat([2000, 2001], 50_000), "uid": np.tile(np.arange(50_000), 2), "revenue": revenue.ravel()}
        )
        seen = measures.Witness(*[pd.DataFrame()] * 2, firms, pd.DataFrame(), np.array([]), np.array([]), True)
        assert measures.growth_tent(seen) == pytest.approx(expected, abs=0.01)
