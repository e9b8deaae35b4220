"""An embargo: begun by an event or from Python it is the same, lasts as long as it says, and two futures share their luck."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ecosim import Ecosystem, ScenarioError
from ecosim.scenario import Scenario, load_scenario, scenario_from_dict

BEGIN, DEPTH, QUARTERS = 6, 0.7, 4
TRADE = """
[foreign_supply]
tradable = 0.6
"""
EVENT = f"""
[[events]]
name = "Embargo"
step = {BEGIN}
embargo = {{ depth = {DEPTH}, quarters = {QUARTERS} }}
"""


@pytest.fixture(scope="module")
def trading(write_world: Callable[..., Path], small_text: str) -> Scenario:
    """Return a small world with imports, of 16 quarters."""
    return load_scenario(write_world(small_text + TRADE, "trading"), settings={"steps": 16})


@pytest.fixture(scope="module")
def embargoed(write_world: Callable[..., Path], small_text: str) -> Scenario:
    """Return the same world with an embargo."""
    return load_scenario(write_world(small_text + TRADE + EVENT, "embargoed"), settings={"steps": 16})


def _run(scenario: Scenario, **more: Any) -> Ecosystem:
    return Ecosystem(scenario, **{"seed": 5, "audit": True, **more}).run()


def test_embargo_lasts_as_long_as_it_says(trading: Scenario, embargoed: Scenario) -> None:
    """Protects the date and the length: with import shares that do not move, payments abroad fall by the depth, and come back."""
    still = {"foreign_supply.speed": 0.0, "rules.turnover": False, "rules.adoption": True}
    free, cut = _run(trading, **still), _run(embargoed, **still)
    ratio = (cut.metrics["imports_paid"] / free.metrics["imports_paid"]).to_numpy()[1:]
    during = np.arange(1, 16)
    during = (during >= BEGIN) & (during < BEGIN + QUARTERS)
    assert ratio[during][0] == pytest.approx(1.0 - DEPTH)
    assert (ratio[during] < 1.0 - 0.9 * DEPTH).all()
    assert (ratio[~during] > 0.8).all()
    happened = cut.happened.query("event == 'supply cut'")
    assert happened[["step", "detail"]].values.tolist() == [[BEGIN, str(DEPTH)]]


def test_event_and_method_are_the_same(trading: Scenario, embargoed: Scenario) -> None:
    """Protects both ways in: an embargo of the scenario and one begun by hand in the same quarter give the same run."""
    by_hand = Ecosystem(trading, seed=5).run(BEGIN)
    by_hand.embargo(DEPTH, QUARTERS)
    pd.testing.assert_frame_equal(by_hand.run().metrics, _run(embargoed).metrics)


@pytest.mark.parametrize("later", [False, True])
def test_two_futures_share_their_luck(trading: Scenario, later: bool) -> None:
    """Protects the pair: an embargo of no depth changes nothing, one on a branch leaves the other future alone."""
    model = Ecosystem(trading, seed=5).run(10 if later else BEGIN)
    other = model.branch(BEGIN)
    nothing = model.branch(BEGIN)
    other.embargo(DEPTH, QUARTERS)
    nothing.embargo(0.0, QUARTERS)
    model.run()
    other.run()
    pd.testing.assert_frame_equal(nothing.run().metrics, model.metrics)
    pd.testing.assert_frame_equal(model.metrics, Ecosystem(trading, seed=5).run().metrics)
    pd.testing.assert_frame_equal(other.metrics[:BEGIN], model.metrics[:BEGIN])
    assert other.metrics["revenue_firms"][BEGIN] < model.metrics["revenue_firms"][BEGIN]


def test_branch_carries_an_embargo_that_lasts(embargoed: Scenario) -> None:
    """Protects the state of an embargo: a branch in its middle ends it when the model does, and can lift it before."""
    model = Ecosystem(embargoed, seed=5).run(BEGIN + 2)
    twin, lifted = model.branch(), model.branch()
    lifted.embargo(0.0, 1)
    pd.testing.assert_frame_equal(twin.run().metrics, model.run().metrics)
    assert lifted.run().metrics["imports_paid"][BEGIN + 2] > model.metrics["imports_paid"][BEGIN + 2]


def test_scenario_with_an_embargo_reads_back(embargoed: Scenario) -> None:
    """Protects the record of a run: the embargo is in the resolved scenario."""
    again = scenario_from_dict(embargoed.as_dict())
    assert again == embargoed
    assert again.events[-1].embargo is not None
    assert (again.events[-1].embargo.depth, again.events[-1].embargo.quarters) == (DEPTH, QUARTERS)


@pytest.mark.parametrize(
    ("depth", "quarters", "sentence"),
    [
        (1.5, 4, "embargo: depth is 1.5; give a number from 0 to 1"),
        (float("nan"), 4, "embargo: depth is nan; give a number from 0 to 1"),
        ("deep", 4, "embargo: depth is 'deep'; give a number from 0 to 1"),
        (0.5, 0, "embargo: quarters is 0; give a whole number from 1 to 1000"),
        (0.5, 2.5, "embargo: quarters is 2.5; give a whole number from 1 to 1000"),
        (0.5, True, "embargo: quarters is True; give a whole number from 1 to 1000"),
    ],
)
def test_wrong_embargo_is_one_sentence(trading: Scenario, depth: Any, quarters: Any, sentence: str) -> None:
    """Protects users from slips: one sentence, and nothing is changed."""
    model = Ecosystem(trading, seed=5)
    with pytest.raises(ScenarioError) as raised:
        model.embargo(depth, quarters)
    assert str(raised.value) == sentence
    assert model.environment.supply_cut.tolist() == [0.0, 0.0]
