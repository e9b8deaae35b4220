"""Scenario discovery: boxes that were put into the data are found, and none that was not."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from ecosim.analysis.discovery import Condition, discover, read_condition
from ecosim.parameters import ScenarioError
from ecosim.studies.study_parts import Factor

FACTORS = (
    Factor("speed", "speed", low=0.0, high=1.0), Factor("gain", "gain", low=0.0, high=100.0),
    Factor("noise", "noise", low=0.0, high=1.0), Factor("count", "count", low=1, high=20, whole=True),
    Factor("scenario", "scenario", levels=("east", "west", "north")), Factor("trust", "trust", levels=(True, False)),
)  # fmt: skip


def points(count: int = 1000) -> pd.DataFrame:
    """Return points drawn at random: ranges, whole numbers, words and a switch."""
    generator = np.random.default_rng(1)
    return pd.DataFrame({
        "speed": generator.random(count), "gain": 100.0 * generator.random(count), "noise": generator.random(count),
        "count": generator.integers(1, 21, count),
        "scenario": pd.array(generator.choice(["east", "north", "west"], count), dtype="str"),
        "trust": generator.random(count) < 0.5,
    })  # fmt: skip


def test_known_box_is_found() -> None:
    """Protects discovery: a box of a range, a half-open range and two of three words comes back, with its true limits alone."""
    table = points()
    inside = table["speed"].between(0.2, 0.6) & (table["gain"] > 60.0) & (table["scenario"] != "east")
    found = discover(table, FACTORS, inside.to_numpy())
    limits = found.limits[found.limits["box"] == 1].set_index("factor")
    assert sorted(limits.index) == ["gain", "scenario", "speed"]
    assert limits.loc["speed", "low"] == pytest.approx(0.2, abs=0.03)
    assert limits.loc["speed", "high"] == pytest.approx(0.6, abs=0.03)
    assert limits.loc["gain", "low"] == pytest.approx(60.0, abs=2.0)
    assert np.isnan(limits.loc["gain", "high"])
    assert limits.loc["scenario", "levels"] == "west, north"
    assert (limits[["quasi_p_low", "quasi_p_high"]].max(axis=1) < 1e-6).all()
    box = found.boxes.iloc[0]
    assert box["coverage"] > 0.9
    assert box["density"] > 0.9


def test_numbers_of_a_box_are_those_of_its_limits() -> None:
    """Protects coverage and density: counted anew from the limits that are told, they are the same."""
    table = points()
    generator = np.random.default_rng(2)
    cases = ((table["speed"] < 0.4) & (table["count"] > 10) & ~table["trust"]).to_numpy() | (
        generator.random(1000) < 0.05
    )
    found = discover(table, FACTORS, cases)
    inside = np.ones(len(table), bool)
    for row in found.limits[found.limits["box"] == 1].itertuples():
        column = table[row.factor]
        if row.levels:
            inside &= column.map(lambda value: str(value).lower()).isin(row.levels.split(", ")).to_numpy()
        else:
            inside &= ~((column < row.low) | (column > row.high)).to_numpy()
    box = found.boxes.iloc[0]
    assert set(found.limits[found.limits["box"] == 1]["factor"]) == {"speed", "count", "trust"}
    assert box["points"] == inside.sum()
    assert box["coverage"] == pytest.approx(cases[inside].sum() / cases.sum())
    assert box["density"] == pytest.approx(cases[inside].mean())


def test_second_box_is_found_after_the_first() -> None:
    """Protects the covering: two overlapping regions are found one after the other, the second among what is left."""
    table = points(2000)
    found = discover(table, FACTORS, ((table["speed"] < 0.25) | (table["gain"] > 85.0)).to_numpy())
    assert found.boxes["coverage"].iloc[:2].sum() > 0.95
    assert found.boxes["density"].iloc[:2].min() > 0.9
    limits = found.limits.set_index(["box", "factor"])
    assert limits.loc[(1, "speed"), "high"] == pytest.approx(0.25, abs=0.05)
    assert limits.loc[(2, "gain"), "low"] == pytest.approx(85.0, abs=2.0)


def test_nothing_is_found_in_luck() -> None:
    """Protects against boxes of nothing: cases that fall anywhere give next to never a box with a supported limit."""
    table = points(400)
    generator = np.random.default_rng(3)
    found = [len(discover(table, FACTORS, generator.random(400) < 0.3, most=1).boxes) for _ in range(5)]
    clear = discover(table, FACTORS, (table["speed"] > 0.5).to_numpy(), most=1)
    assert sum(found) <= 3, "peeling looks for luck, so that limits of luck alone are supported now and then"
    assert clear.boxes["coverage"].iloc[0] > 0.9


def test_steps_of_peeling_are_told() -> None:
    """Protects the choice of another box: the whole way from all points to the smallest box is there, the one taken marked."""
    table = points()
    found = discover(table, FACTORS, ((table["speed"] < 0.4) & (table["gain"] > 50.0)).to_numpy(), most=1)
    steps = found.trajectory
    assert steps[["coverage", "mass", "limits"]].iloc[0].tolist() == [1.0, 1.0, 0]
    assert (steps["mass"].diff().dropna() < 0.0).all() or steps["mass"].iloc[-1] >= 0.05
    assert steps["chosen"].sum() == 1
    away = (1.0 - steps["coverage"]) ** 2 + (1.0 - steps["density"]) ** 2
    assert steps["chosen"].idxmax() == away.idxmin()


PRINT = """
import json, sys
sys.path.insert(0, {here!r})
from test_discovery import FACTORS, points
from ecosim.analysis.discovery import discover
table = points(300)
cases = ((table["scenario"] != "east") & (table["speed"] > 0.4)).to_numpy()
print(discover(table, FACTORS, cases).limits.to_json())
"""


def test_words_do_not_depend_on_the_process() -> None:
    """Protects determinism: sets of words come in another order in every process, and boxes do not."""
    code = PRINT.format(here=os.path.dirname(__file__))
    own = {**os.environ, "PYTHONHASHSEED": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=own, timeout=300
    )
    table = points(300)
    cases = ((table["scenario"] != "east") & (table["speed"] > 0.4)).to_numpy()
    here = discover(table, FACTORS, cases).limits
    assert "scenario" in set(here["factor"])
    assert json.loads(done.stdout) == json.loads(str(here.to_json()))


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("members>3", Condition("members", ">", 3.0)), (" members <= -1.5e2 ", Condition("members", "<=", -150.0)),
        ("share of value < .5", Condition("share of value", "<", 0.5)), ("members >= 0", Condition("members", ">=", 0.0)),
    ],
)  # fmt: skip
def test_conditions_are_read(text: str, condition: Condition) -> None:
    """Protects what people type: any outcome, any of four signs, numbers as in Python, blanks where they like."""
    assert read_condition(text, ["members", "share of value"]) == condition


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("members", "is no condition; give an outcome, a sign and a number as in 'members > 0.9'"),
        ("members > many", "is no condition"), ("members = 3", "is no condition"), ("", "is no condition"),
        ("member > 3", "'member' is no outcome of the study; did you mean 'members'?"),
    ],
)  # fmt: skip
def test_wrong_conditions_are_refused(text: str, said: str) -> None:
    """Protects the sentence on a box that is none: it says what was found and what would be right."""
    with pytest.raises(ScenarioError) as error:
        read_condition(text, ["members", "value"])
    assert said in str(error.value)
    assert str(error.value).startswith("box: ")


def test_condition_holds_where_there_is_a_number() -> None:
    """Protects points without an outcome: they lie in no region."""
    held = Condition("y", ">", 1.0).holds(np.array([0.0, 1.0, 2.0, np.nan]))
    assert held.tolist() == [False, False, True, False]
