"""A scenario that is written down again is the same scenario."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from ecosim.scenario import Scenario, load_scenario, shipped_scenarios
from ecosim.scenario_text import as_toml, differences, print_scenario

WORLD = r"""
title = "\"Quotes\", a \\ back slash, a tab\t, 华为, \u007f and [brackets]"
sources = ["one", "two"]
start_year = 1998
rules.trust = false
environment.drift = 1e-5
schedule.activation = "random"
roles.firm.kinds = { "joint venture" = 2, competitor = 1 }
symbiosis.coefficients.firm.user = -0.25
[[organisations]]
name = "Huawei"
role = "firm"
focal = true
capital = 5
[[organisations]]
name = "partner"
role = "supplier"
[[ties]]
between = ["Huawei", "partner"]
mode = "overlap"
[[agreements]]
host = "Huawei"
capital = 2
[[agreements.members]]
name = "Huawei"
share = 0.75
cost = 2
[[agreements.members]]
name = "partner"
share = 0.25
[[components]]
name = "a"
[[components]]
name = "b"
requires = ["a"]
[[events]]
name = "first"
step = 2
set = { "environment.drift" = 0.5, "roles.firm.kinds.joint venture" = 1 }
[[events]]
name = "second"
when = "mean_trust < 0.3"
enter = { role = "user", count = 2 }
[[events]]
name = "third"
year = 2003
embargo = { depth = 0.5, quarters = 3 }
"""


@pytest.fixture(scope="module")
def world(write_world: Callable[..., Path]) -> Scenario:
    """Return a scenario that has something of everything."""
    return load_scenario(write_world(WORLD))


def printed(scenario: Scenario) -> str:
    """Return what is printed for people, in 100 columns."""
    file = io.StringIO()
    print_scenario(Console(file=file, width=100, markup=False, highlight=False), scenario)
    return file.getvalue()


def test_toml_gives_the_same_scenario(world: Scenario, tmp_path: Path) -> None:
    """The complete file is read as an equal scenario: any text, name, number, list and event."""
    (tmp_path / "world.toml").write_text(as_toml(world), encoding="utf-8")
    assert load_scenario(tmp_path / "world.toml") == world


@pytest.mark.parametrize("name", shipped_scenarios())
def test_shipped_scenario_comes_back(name: str, tmp_path: Path) -> None:
    """Each shipped scenario can be written out whole, and edited from there."""
    (tmp_path / f"{name}.toml").write_text(as_toml(load_scenario(name)), encoding="utf-8")
    assert load_scenario(tmp_path / f"{name}.toml") == load_scenario(name)


def test_differences_are_what_the_file_changed(world: Scenario) -> None:
    """What stands in the file and is not the default is a difference, nothing else is."""
    assert {path: value for path, (value, _) in differences(world).items()} == {
        "start_year": 1998,
        "schedule.activation": "random",
        "rules.trust": False,
        "environment.drift": 1e-5,
        "roles.firm.kinds.joint venture": 2.0,
        "symbiosis.coefficients.firm.user": -0.25,
    }


def test_people_see_differences_first(world: Scenario) -> None:
    """Differences with their defaults and the lists come first, then every parameter with unit and meaning."""
    first, _, rest = printed(world).partition("All parameters")
    lines = [" ".join(line.split()) for line in first.splitlines()]
    assert "rules.trust false true" in lines
    assert any(line.startswith("Huawei role firm, focal true, capital 5") for line in lines)
    assert "b requires a" in lines
    assert any(line.startswith("first step 2, set { environment.drift 0.5") for line in lines)
    flat = " ".join(rest.split())
    for path, record in world.grammar.parameters.items():
        if "coefficients" not in path:
            name = path.removeprefix("roles.").rsplit(".", 1)[-1]
            assert name in flat, path
            assert record.meaning.split()[0] in flat, path


def test_world_without_differences_says_so(tmp_path: Path) -> None:
    """A scenario of defaults alone has nothing that differs."""
    (tmp_path / "plain.toml").write_text('title = "Plain"\n', encoding="utf-8")
    assert "What differs from the defaults\n nothing\n" in printed(load_scenario(tmp_path / "plain.toml"))
