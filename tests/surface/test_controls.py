"""Controls: one for every parameter, with what its record says; those that come first move value; nonsense changes nothing."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, expect

from ecosim import Ecosystem, load_scenario
from ecosim.grammar import RULES
from ecosim.parameters import Parameter
from ecosim.scenario import shipped_scenarios
from parts.controls import FIRST, MECHANISM_OF, first, groups, slider_range, step_size, valid_change
from parts.texts import both_languages

PROJECT = Path(__file__).parents[2]
WORLD = load_scenario("classroom")
CONTROLS = {control.path: control for group in groups(WORLD) for control in group.controls}
ROUND = re.compile(r"[125](?:\.0)?e[-+]?\d+")


@pytest.mark.parametrize("name", shipped_scenarios())
def test_every_parameter_has_one_control(name: str) -> None:
    """Protects completeness: each path that a scenario can set stands once, with its record's range and the scenario's value."""
    world = load_scenario(name)
    shown = [control for group in groups(world) for control in group.controls]
    assert sorted(control.path for control in shown) == sorted(world.grammar.parameters)
    for control in shown:
        record = world.grammar.parameters[control.path]
        assert (control.low, control.high, control.value) == (record.low, record.high, world.get(control.path))


def test_switches_stand_beside_their_mechanism() -> None:
    """Protects finding a switch: each rule is placed, in a group that has parameters, and stands before them."""
    assert MECHANISM_OF.keys() == RULES.keys()
    by_name = {group.name: group for group in groups(WORLD)}
    for rule, mechanism in MECHANISM_OF.items():
        assert by_name[mechanism].numbers
        assert f"rules.{rule}" in {control.path for control in by_name[mechanism].switches}
    assert all(control.kind == "switch" for group in by_name.values() for control in group.switches)


def test_groups_have_names_in_both_languages() -> None:
    """Each mechanism's heading is a text of the catalogue."""
    texts = both_languages()
    assert {group.name.partition(".")[0] for group in groups(WORLD)} <= {
        key.partition(".")[2] for key in texts if key.startswith("group.")
    }


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_sent_to_the_page(language: str) -> None:
    """Protects hover and touch: each control tells name, meaning and source, in JSON, all of it smaller than a picture."""
    shown = [control.in_language(language) for control in CONTROLS.values()]
    assert len(json.dumps(shown, allow_nan=False)) < 300_000
    assert all(control["name"] and control["meaning"] and control["source"] for control in shown)
    subsidy = CONTROLS["policy.subsidy"].in_language(language)
    record = WORLD.grammar.parameters["policy.subsidy"]
    assert subsidy["source"] == record.source
    assert (subsidy["meaning"] == record.meaning) == (language == "en")


def test_units_are_shown() -> None:
    """A pure number shows no unit, any other its own."""
    assert CONTROLS["policy.subsidy"].in_language("en")["unit"] == "share of spending"
    assert CONTROLS["co_creation.difficulty"].in_language("en")["unit"] == ""


@pytest.mark.parametrize("name", shipped_scenarios())
def test_sliders_are_usable(name: str) -> None:
    """Protects the hand on the slider: it holds the value, stays in the range, and has between 20 and 500 round steps."""
    for control in (control for group in groups(load_scenario(name)) for control in group.controls):
        if control.kind not in ("number", "whole"):
            continue
        assert control.low is not None
        assert control.high is not None
        assert control.low <= control.slider_low <= float(control.value) <= control.slider_high <= control.high
        steps = (control.slider_high - control.slider_low) / control.step
        assert ROUND.fullmatch(f"{control.step:.0e}"), control.path
        assert steps <= 500.0, control.path
        assert steps >= (20.0 if control.kind == "number" else min(7.0, control.high - control.low)), control.path
        assert control.kind == "number" or control.step.is_integer()


@given(
    st.floats(-1e6, 1e6), st.floats(1e-6, 1e9), st.floats(0.0, 1.0), st.booleans(), st.sampled_from(["1", "million CNY"])
)  # fmt: skip
def test_any_record_gets_a_slider(low: float, width: float, place: float, whole: bool, unit: str) -> None:
    """Whatever range a new parameter has, its slider holds its value and has a step that moves."""
    high = low + width
    if whole:
        low, high = math.floor(low), math.floor(low) + math.ceil(width)
    value = min(high, low + place * (high - low))
    default: Any = round(value) if whole else value
    record = Parameter(default, low, high, unit, "A number.", "test")
    start, end = slider_range(record, default)
    assert low <= start <= default <= end <= high
    assert step_size(start, end, whole) > 0.0


def test_first_dozen_moves_value() -> None:
    """Protects the choice of what comes first: each, halved or half as large again, moves the classroom's shares of value."""
    assert len(set(FIRST)) == 12
    assert [control.path for control in first(WORLD)] == list(FIRST)

    def shares(changes: dict[str, Any], seed: int) -> Any:
        model = Ecosystem("classroom", seed=seed, history=False, outcomes=(), **changes).run()
        value = model.recorder.record.value[: len(model.recorder)].sum(axis=(0, 2))
        return value / value.sum()

    seeds = (1, 2)
    before = [shares({}, seed) for seed in seeds]
    for control in first(WORLD):
        assert control.high is not None
        changed = (min(control.high, 1.5 * float(control.value)), 0.5 * float(control.value))
        moved = max(
            np.abs(np.mean([shares({control.path: value}, seed) - old for seed, old in zip(seeds, before, strict=True)], axis=0)).sum() / 2.0
            for value in changed if value != control.value
        )  # fmt: skip
        assert moved > 0.005, f"{control.path} moves {moved:.2%} of value"


def test_first_dozen_is_of_mechanisms_with_an_effect() -> None:
    """The page on effects, which the choice names, shows a clear effect of every switch beside the first dozen."""
    page = (PROJECT / "docs" / "effects.md").read_text(encoding="utf-8")
    for path in FIRST:
        group = path.partition(".")[0]
        switches = [rule for rule, mechanism in MECHANISM_OF.items() if mechanism == group]
        assert group in ("roles", "policy") or switches
        for rule in switches:
            assert re.search(rf"^\| `{rule}` \|.*\| yes \|$", page, re.MULTILINE), rule


def test_start_only() -> None:
    """What counts only at the start is marked, so that a branch does not offer it."""
    assert CONTROLS["roles.firm.initial"].at_start
    assert CONTROLS["steps"].at_start
    assert not CONTROLS["policy.subsidy"].at_start
    assert not CONTROLS["rules.trust"].at_start


@pytest.mark.parametrize(
    ("asked", "valid"),
    [
        ({"path": "policy.subsidy", "value": 0.3}, ("policy.subsidy", 0.3)),
        ({"path": "policy.subsidy", "value": 1}, ("policy.subsidy", 1.0)),
        ({"path": "policy.subsidy", "value": 0.15}, ("policy.subsidy", None)),
        ({"path": "policy.subsidy", "value": None}, ("policy.subsidy", None)),
        ({"path": "turnover.patience", "value": 5.0}, ("turnover.patience", 5)),
        ({"path": "rules.trust", "value": False}, ("rules.trust", False)),
        ({"path": "value_sharing.strategy", "value": "fixed"}, ("value_sharing.strategy", "fixed")),
        ({"path": "policy.subsidy", "value": 3.0}, None),
        ({"path": "policy.subsidy", "value": "0.3"}, None),
        ({"path": "policy.subsidy", "value": float("nan")}, None),
        ({"path": "turnover.patience", "value": 5.5}, None),
        ({"path": "rules.trust", "value": 1}, None),
        ({"path": "value_sharing.strategy", "value": "<script>"}, None),
        ({"path": "no.such", "value": 1}, None),
        ({"path": ["policy.subsidy"], "value": 1}, None),
        ({"value": 1}, None),
        ("policy.subsidy", None),
        (None, None),
        ([1], None),
    ],
)  # fmt: skip
def test_what_a_page_asks_for_is_checked(asked: Any, valid: Any) -> None:
    """Protects the server: whatever a browser sends, only a parameter's own values come through, in its own type."""
    found = valid_change(WORLD, asked)
    assert found == valid
    if valid is not None:
        assert type(found[1]) is type(valid[1])  # type: ignore[index]


def test_controls_in_the_browser(dashboard: Any, browser: Browser) -> None:
    """Protects the hand of a student: a slider takes keys, nonsense in the box is put back, a switch is found and turned, all undone."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    try:
        page.goto(dashboard.address)
        tax = page.locator('[id="controls-first-policy.tax_rate"]')
        expect(tax).to_be_visible(timeout=120_000)
        box = tax.locator("xpath=following-sibling::input")
        tax.press("ArrowRight")
        expect(box).to_have_value("0.155")
        expect(page).to_have_url(re.compile("policy.tax_rate=0.155"))
        box.fill("7")
        box.press("Enter")
        expect(box).to_have_value("0.155")
        expect(page.locator(".controls-meaning")).to_contain_text("0 – 0.9")
        page.locator(".controls-more").click()
        page.locator(".controls-search").fill("rules.trust")
        page.locator('[id="controls-all-rules.trust"]').uncheck()
        expect(page).to_have_url(re.compile("rules.trust=false"))
        expect(page.locator(".controls-count")).to_have_text(re.compile("^1 "))
        while page.locator(".controls-reset").count():
            left = page.locator(".controls-reset").count()
            page.locator(".controls-reset").first.click()
            expect(page.locator(".controls-reset")).to_have_count(left - 1)
        expect(page).not_to_have_url(re.compile("policy|rules"))
        expect(box).to_have_value("0.15")
    finally:
        page.close()
