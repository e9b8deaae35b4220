"""Organisations that a scenario dates: on their date with the switch on, drawn in by their role's entry with it off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ecosim import Ecosystem
from ecosim.scenario import Scenario, load_scenario

DATED = """
steps = 24
start_year = 2000
[roles.supplier]
initial = 6
capacity = 8.0
growth_rate = 0.15
[roles.government]
initial = 1
growth_rate = 0.0
[roles.university]
initial = 0
[[organisations]]
name = "Third"
role = "supplier"
year = 2003
capital = 777.0
[[organisations]]
name = "First"
role = "supplier"
year = 2001
quarter = 2
[[organisations]]
name = "Pair"
role = "supplier"
year = 2002
count = 2
[[organisations]]
name = "Ministry"
role = "government"
year = 2004
[[organisations]]
name = "Academy"
role = "university"
year = 2001
quarter = 4
"""
DATES = {"First": 5, "Academy": 7, "Pair 1": 8, "Pair 2": 8, "Third": 12, "Ministry": 16}
IN_ORDER = ["First", "Pair 1", "Pair 2", "Third"]
OFF = {"rules.dated_entry": False}


@pytest.fixture(scope="module")
def dated(write_world: Callable[..., Path]) -> Scenario:
    """Return a small world whose suppliers come and go, with dated organisations."""
    return load_scenario(write_world(DATED, "dated"))


def _entries(model: Ecosystem) -> dict[str, int]:
    """Step of entry by name; each enters once."""
    table = model.happened.query("event == 'entry'")
    named = table[table["subject"].isin(DATES)]
    assert named["subject"].is_unique
    return dict(zip(named["subject"], named["step"], strict=True))


def _run(dated: Scenario, seed: int = 1, **settings: Any) -> Ecosystem:
    return Ecosystem(dated, seed, audit=True, **settings).run()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_dates_are_kept(dated: Scenario, seed: int) -> None:
    """Protects the switch on: every named organisation enters in its quarter, with or without turnover."""
    model = _run(dated, seed)
    assert _entries(model) == DATES
    assert (model.metrics["entry_off_date"] == 0.0).all()
    assert _entries(_run(dated, seed, **{"rules.turnover": False})) == DATES


def test_drawn_in_by_entry(dated: Scenario) -> None:
    """Protects the switch off: the named come in order of their dates, in quarters with entrants of their role, not on dates."""
    steps = set()
    for seed in range(1, 9):
        model = _run(dated, seed, **OFF)
        entries = _entries(model)
        assert [name for name in entries if name in IN_ORDER] == IN_ORDER
        assert sorted(entries[name] for name in IN_ORDER) == [entries[name] for name in IN_ORDER]
        arrivals = model.by_role.query("role == 'supplier' and entries > 0")["step"]
        assert {entries[name] for name in IN_ORDER} <= set(arrivals)
        # Who waits goes first: up to the last named one, nobody else of the role enters after the start.
        suppliers = model.happened.query("event == 'entry' and step > 0 or event == 'entry' and subject in @IN_ORDER")
        suppliers = suppliers[suppliers["subject"].str.startswith("supplier") | suppliers["subject"].isin(IN_ORDER)]
        assert suppliers["subject"].tolist()[:4] == IN_ORDER
        steps.add(tuple(entries[name] for name in IN_ORDER))
    assert len(steps) > 4, "the quarters of entry are luck's, so they differ by seed"


def test_nobody_waits_in_vain(dated: Scenario) -> None:
    """Protects those whom nothing can draw in: no growth, no member of the role, no turnover; they enter on their date."""
    entries = _entries(_run(dated, **OFF))
    assert entries["Ministry"] == DATES["Ministry"]
    assert entries["Academy"] == DATES["Academy"]
    assert _entries(_run(dated, **OFF, **{"rules.turnover": False})) == DATES


def test_switched_on_late(dated: Scenario) -> None:
    """Protects a change in mid-run: whose date has passed and who is still waiting enters at once, and nobody twice."""
    model = Ecosystem(dated, 1, **OFF, **{"roles.supplier.growth_rate": 1e-9}).run(14)
    assert set(_entries(model)) == {"Academy"}
    model.set("rules.dated_entry", True)
    assert _entries(model.run()) == {**dict.fromkeys(IN_ORDER, 14), "Academy": 7, "Ministry": 16}


def test_branch_remembers_who_entered(dated: Scenario) -> None:
    """Protects the state: a branch and a rewound model let the same organisations enter, once."""
    model = Ecosystem(dated, 2, **OFF).run(10)
    branch = model.branch(6)
    model.run()
    assert _entries(branch.run()) == _entries(model)
    pd.testing.assert_frame_equal(branch.metrics, model.metrics)
    missed = [abs(step - DATES[name]) for name, step in _entries(model).items()]
    assert model.metrics["dated_entered"].iloc[-1] == len(DATES)
    assert model.metrics["entry_off_date"].iloc[-1] == pytest.approx(sum(missed) / len(DATES))
    assert sum(missed) > 0
    model.rewind(3)
    assert _entries(model.run()) == _entries(branch)


def test_endowment_of_the_drawn_in(dated: Scenario) -> None:
    """Protects what they are: an organisation that was drawn in has what the scenario gives it."""
    model = _run(dated, 3, **OFF)
    entry = model.happened.query("event == 'entry' and subject == 'Third'")
    assert entry["detail"].tolist() == ["777"]


def test_luck_of_others_stays(dated: Scenario) -> None:
    """Protects common random numbers: until the first named one enters, both futures are the same to the bit."""
    slow = {"roles.supplier.growth_rate": 0.02}
    firsts = []
    for seed in range(1, 7):
        on, off = _run(dated, seed, **slow), _run(dated, seed, **slow, **OFF)
        firsts.append(min(*_entries(on).values(), *_entries(off).values()))
        pd.testing.assert_frame_equal(on.metrics[: firsts[-1]], off.metrics[: firsts[-1]])
    assert max(firsts) > 3
