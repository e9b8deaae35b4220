"""Foreign supply: formulas by hand, no path when the switch is off, and the direction of each effect."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ecosim import Ecosystem
from ecosim.mechanisms import foreign_supply
from ecosim.mechanisms.adoption import deliverable
from ecosim.scenario import Scenario, load_scenario, scenario_from_dict
from ecosim.state import FIRM

BEGIN = 24
Array = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def world() -> Scenario:
    """Return the shipped world without its embargo, to be cut by hand."""
    return scenario_from_dict({**load_scenario("embargo").as_dict(), "events": [], "steps": 60})


@pytest.fixture(scope="module")
def started(world: Scenario) -> list[Ecosystem]:
    """Return models of six seeds at the quarter in which the tests begin an embargo."""
    return [Ecosystem(world, seed, history=False).run(BEGIN) for seed in range(6)]


def _ends(started: list[Ecosystem], depth: float, quarters: int, steps: int, outcome: str) -> Array:
    """The mean of an outcome after the embargo began, a number a seed."""
    means = []
    for model in started:
        branch = model.branch()
        branch.embargo(depth, quarters)
        means.append(branch.run(steps).metrics[outcome][BEGIN:].mean())
    return np.array(means)


def test_import_goal() -> None:
    """Protects the goal: halves at equal worth, all abroad if home is worth nothing, nothing under a full embargo."""
    goal = foreign_supply.import_goal
    assert goal(0.6, 1.0, 1.0, 2.0) == pytest.approx(0.3)
    assert goal(0.6, 1.0, 0.0, 2.0) == pytest.approx(0.6)
    assert goal(0.6, 0.0, 0.5, 2.0) == 0.0
    assert goal(0.6, 1.0, 0.5, 2.0) == pytest.approx(0.6 / 1.25)
    assert goal(0.6, 0.01, 1.0, 20.0) == pytest.approx(0.0, abs=1e-12)


def test_missing_part() -> None:
    """Protects the shortfall: by hand, less what home replaces as far as it reaches, less own making, never below nothing."""
    missing = foreign_supply.missing_part
    assert missing(0.4, 0.0, 1.0, 0.0) == pytest.approx(0.4)
    assert missing(0.4, 0.3, 1.0, 0.0) == pytest.approx(0.1)
    assert missing(0.4, 0.3, 0.5, 0.0) == pytest.approx(0.25)
    assert missing(0.4, 0.9, 1.0, 0.0) == 0.0
    assert missing(0.4, 0.3, 1.0, 0.75) == pytest.approx(0.025)


def test_sales_follow_the_shortfall() -> None:
    """Protects fixed proportions: a firm without a tenth of its supplies sells a tenth less, at a bottleneck of 1."""
    assert deliverable(0.1, 1.0) == pytest.approx(0.9)
    assert deliverable(0.4, 3.0) == 0.0


def test_first_shares_differ_and_stay_in_range(world: Scenario) -> None:
    """Protects the start: shares are uniform around the start by uid, and no firm imports what is not tradable."""
    model = Ecosystem(world, 3, history=False, **{"roles.firm.initial": 400})
    shares = model.organisations.imports[model.members(FIRM)] / 0.6
    assert shares.min() >= 0.6
    assert shares.max() <= 1.0
    assert shares.mean() == pytest.approx(0.8, abs=5.0 * 0.4 / np.sqrt(12.0 * 400.0))
    assert (model.organisations.imports[model.organisations.role != FIRM] == 0.0).all()


@pytest.mark.parametrize("settings", [{"rules.imports": False}, {"foreign_supply.tradable": 0.0}])
def test_without_imports_an_embargo_is_nothing(world: Scenario, settings: dict[str, Any]) -> None:
    """Protects the switch: off, or with nothing tradable, all orders are domestic and a full embargo moves no number."""
    model = Ecosystem(world, 2, history=False, **settings).run(8)
    branch = model.branch()
    branch.embargo(1.0, 8)
    pd.testing.assert_frame_equal(branch.run(8).metrics, model.run(8).metrics)
    assert (model.metrics[["import_share", "shortfall", "imports_paid"]] == 0.0).all(axis=None)
    assert model.metrics["domestic_supply_share"].iloc[-1] == 1.0


def test_switch_and_nothing_tradable_are_the_same(world: Scenario) -> None:
    """Protects the switch from taking more away than imports: it gives the run of a world in which nothing is tradable."""
    off, none = (
        Ecosystem(world, 2, history=False, **settings).run(8).metrics
        for settings in ({"rules.imports": False}, {"foreign_supply.tradable": 0.0})
    )
    pd.testing.assert_frame_equal(off, none)


def test_switched_off_in_mid_run(world: Scenario) -> None:
    """Protects a change of the switch: whatever was imported or lacked is forgotten in the next quarter."""
    model = Ecosystem(world, 2, history=False, audit=True).run(8)
    model.embargo(0.9, 8)
    model.run(2)
    assert model.metrics["shortfall"].iloc[-1] > 0.0
    model.set("rules.imports", False)
    model.run(2)
    assert (model.metrics[["import_share", "shortfall", "imports_paid"]].iloc[-2:] == 0.0).all(axis=None)


def test_deeper_embargo_costs_more(started: list[Ecosystem]) -> None:
    """Protects the direction: the deeper the cut, the larger the shortfall and the smaller the sales, in every seed."""
    shortfall = [_ends(started, depth, 8, 8, "shortfall") for depth in (0.0, 0.4, 0.8)]
    assert (shortfall[0] < shortfall[1]).all()
    assert (shortfall[1] < shortfall[2]).all()
    revenue = [_ends(started, depth, 8, 8, "revenue_firms") for depth in (0.0, 0.8)]
    assert (revenue[1] < revenue[0]).all()


def test_home_takes_the_place(started: list[Ecosystem]) -> None:
    """Protects substitution: under an embargo import shares fall and home's part of supplies rises; afterwards imports return."""
    for model in started:
        free, cut = model.branch(), model.branch()
        cut.embargo(0.8, 12)
        free.run(36)
        cut.run(36)
        during, end = BEGIN + 11, BEGIN + 35
        for metric in ("import_share", "imports_paid"):
            assert cut.metrics[metric][during] < free.metrics[metric][during]
        assert cut.metrics["domestic_supply_share"][during] > free.metrics["domestic_supply_share"][during]
        assert cut.metrics["import_share"][end] > cut.metrics["import_share"][during]


def test_quicker_change_of_sources_shortens_the_shortfall(started: list[Ecosystem]) -> None:
    """Protects the decision: under a deep embargo, firms that change sources faster lack less in its sixth year."""
    differences = []
    for model in started:
        ends = []
        for speed in (0.0, 0.25):
            branch = model.branch()
            branch.set("foreign_supply.speed", speed)
            branch.embargo(0.9, 24)
            ends.append(branch.run(24).metrics["shortfall"][-4:].mean())
        differences.append(ends[0] - ends[1])
    error = np.std(differences, ddof=1) / np.sqrt(len(differences))
    assert np.mean(differences) > 2.0 * error


def test_own_technology_and_fewer_imports_protect(started: list[Ecosystem]) -> None:
    """Protects what a cut does hang on: it adds less to what a firm lacks that knows more, or that imported less."""
    for model in started:
        firms = model.members(FIRM)
        one = firms[np.argmax(model.organisations.revenue[firms])]
        added = []
        for imports, knows in ((0.6, 1.0), (0.3, 1.0), (0.6, 3.0)):
            lacks = []
            for depth in (0.0, 0.9):
                branch = model.branch()
                branch.organisations.imports[one] = imports
                branch.organisations.knowledge[one] *= knows
                branch.embargo(depth, 4)
                branch.run(1)
                lacks.append(branch.organisations.shortfall[one])
            added.append(lacks[1] - lacks[0])
        assert added[0] > max(added[1], added[2]) > 0.0


def test_value_of_foreign_parts_is_not_created_here(world: Scenario) -> None:
    """Protects the accounts: what is paid abroad is taken out of the value of sales, and value booked is value created."""
    model = Ecosystem(world, 4, history=False, audit=True, **{"rules.co_creation": False}).run(BEGIN)
    sales = model.metrics["revenue_firms"].iloc[-1]
    surplus = model.books.created[1]
    assert model.books.created[0] == pytest.approx(sales - model.metrics["imports_paid"].iloc[-1])
    assert model.metrics["value_created"].iloc[-1] == pytest.approx(model.books.created[0] + surplus)
