"""Measuring a run: the same numbers as `ecosim.run` and its tables, from the shortest way, and a command that repeats it."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ecosim
from ecosim.parameters import ScenarioError, Value
from ecosim.runs import Run
from ecosim.scenario import load_scenario, parse_setting
from ecosim.state import STAGES
from ecosim.studies.design import points, settings_at
from ecosim.studies.measuring import command_of, measure_run, seconds_of_run, written
from ecosim.studies.study import Study, study_from_dict

STEPS, SEED = 24, 3
SETTINGS: dict[str, Value] = {
    "open_sharing.opening_speed": 0.075, "roles.supplier.initial": 9, "rules.protection": False, "stages.smoothing": 1.0,
    "schedule.activation": "random", "stages.persistence": 1, "stages.margin": 0.0,
}  # fmt: skip
SUMMARIES = ("last", "mean", "sum", "lowest", "highest", "first")
MEASURES = ("value_created", "mean_trust", "value.supplier", "value.society", "share.firm", "stage", "stage.incubation")


def study(outcomes: dict[str, Any] | None = None, **rest: Any) -> Study:
    """Return a study of the settings above in the classroom."""
    factors = [{"path": path} for path in SETTINGS]
    design = {"kind": "list", "points": [SETTINGS]}
    tree = {"scenarios": ["classroom"], "steps": STEPS, "design": design, "factors": factors}
    return study_from_dict({**tree, "outcomes": outcomes or {"value_created": {"summary": "sum"}}, **rest})


@pytest.fixture(scope="module")
def told() -> Run:
    """Return the run of the settings with all its tables."""
    return ecosim.run("classroom", SEED, STEPS, SETTINGS)


def quarterly(told: Run, measure: str) -> pd.Series:
    """Return a measure of each quarter from the tables of a run."""
    if measure in told.metrics.columns and measure != "stage":
        return told.metrics[measure]
    group, _, name = measure.partition(".")
    if group == "stage":
        stages = told.metrics["stage"]
        return (stages == name if name else stages.map(STAGES.index)).astype(float)
    table = told.value.pivot_table(index="step", columns="beneficiary", values="value", aggfunc="sum")
    return table[name] if group == "value" else table[name] / table.sum(axis=1)


@pytest.mark.parametrize("quarters", [None, 1, 7, STEPS])
@pytest.mark.parametrize("measure", MEASURES)
def test_outcomes_are_those_of_the_tables(measure: str, quarters: int | None, told: Run) -> None:
    """Protects every number of a study: each summary over each window is what the tables of the same run give."""
    summaries = [summary for summary in SUMMARIES if not (measure.startswith("share") and summary == "sum")]
    window = {} if quarters is None else {"quarters": quarters}
    made = study({summary: {"measure": measure, "summary": summary, **window} for summary in summaries})
    measured = measure_run(made.scenarios[0], SETTINGS, SEED, made)
    values = quarterly(told, measure)
    assert values.nunique() > 1, "a measure that never changes shows nothing"
    values = values.iloc[-(quarters or STEPS) :]
    expected = {
        "last": values.iloc[-1], "mean": values.mean(), "sum": values.sum(), "lowest": values.min(),
        "highest": values.max(), "first": values.iloc[0],
    }  # fmt: skip
    if measure.startswith("share"):
        booked = told.value[told.value["step"] >= STEPS - (quarters or STEPS)]
        expected["mean"] = booked.loc[booked["beneficiary"] == "firm", "value"].sum() / booked["value"].sum()
    assert measured.final == pytest.approx({summary: expected[summary] for summary in summaries}, rel=1e-12, abs=1e-15)
    assert measured.series is None
    assert measured.events is None


def test_series_and_events_are_those_of_the_tables(told: Run) -> None:
    """Protects what is kept of the way: every fourth quarter of each measure once, and what happened, word for word."""
    outcomes = {
        "created": {"measure": "value_created"}, "most": {"measure": "value_created", "summary": "highest"},
        "part": {"measure": "share.firm"},
    }  # fmt: skip
    made = study(outcomes, keep={"series": 4, "events": True})
    measured = measure_run(made.scenarios[0], SETTINGS, SEED, made)
    assert measured.series is not None
    assert list(measured.series) == ["step", "value_created", "share.firm"]
    assert measured.series["step"].tolist() == [0, 4, 8, 12, 16, 20]
    rows = told.metrics.iloc[::4]
    assert measured.series["value_created"].tolist() == rows["value_created"].tolist()
    assert measured.series["share.firm"].tolist() == rows["share_firm"].tolist()
    pd.testing.assert_frame_equal(pd.DataFrame(measured.events), told.events)
    assert len(told.events) > 50


def test_the_same_seed_measures_the_same_and_another_does_not() -> None:
    """Protects determinism: seed and settings decide every bit, whatever was measured before."""
    made = study()
    first, other, again = (measure_run(made.scenarios[0], SETTINGS, seed, made).final for seed in (1, 2, 1))
    assert first == again
    assert first != other


def test_a_replicate_meets_the_same_luck_at_every_point() -> None:
    """Protects paired comparisons: where a factor changes nothing, replicates of two points agree to the last bit."""
    unfelt = {"path": "licensing.fee", "levels": [0.5, 2.0]}  # the classroom has no components to license
    made = study(design={"kind": "factorial"}, factors=[unfelt], replicates={"count": 2})
    finals = [
        [measure_run(*settings_at(made, row), made.replicates.seed(int(point), replicate), made).final for replicate in range(2)]
        for point, row in enumerate(points(made).to_dict("records"))
    ]  # fmt: skip
    assert finals[0] == finals[1]
    assert finals[0][0] != finals[0][1]


def test_settings_that_fail_say_so() -> None:
    """Protects the row of a failed run: a value that the scenario does not take is a sentence, not a wrong number."""
    made = study()
    with pytest.raises(ScenarioError, match=r"stages\.margin is 5\.0, which is too high"):
        measure_run(made.scenarios[0], {"stages.margin": 5.0}, 1, made)


def test_an_event_after_the_horizon_does_not_happen() -> None:
    """Protects short studies of long scenarios: the horizon ends the run, as with ``ecosim.run``."""
    made = study_from_dict({"scenarios": ["embargo"], "steps": 6, "outcomes": {"ties": {}}})
    measured = measure_run(made.scenarios[0], {}, 1, made)
    assert measured.final["ties"] == ecosim.run("embargo", 1, 6).metrics["ties"].iloc[-1]


def test_the_command_repeats_the_run(write_world: Callable[..., Path], small_text: str, tmp_path: Path) -> None:
    """Protects the way back from a failed or strange run: its command, typed in, gives the same numbers exactly."""
    folder = tmp_path / "my worlds & roles"
    folder.mkdir()
    world = write_world(small_text, "small", folder)
    (folder / "bank.py").write_text(
        "from ecosim import Organisation\n\n\nclass Bank(Organisation):\n    '''A bank.'''\n\n    defaults = {'initial': 2}\n"
    )
    settings: dict[str, Value] = {
        "open_sharing.opening_speed": 0.1 + 0.2 - 0.25, "orchestration.retirement": 1e-05, "roles.supplier.initial": 5,
        "rules.leakage": False, "schedule.activation": "random", "roles.bank.initial": 3,
        "roles.university.kinds.research institute": 2.5,
    }  # fmt: skip
    made = study_from_dict(
        {
            "scenarios": [str(world)], "steps": 6, "agents": [str(folder)], "keep": {"series": 1},
            "design": {"kind": "list", "points": [settings]}, "outcomes": {"value_created": {}, "mean_trust": {}},
        }
    )  # fmt: skip
    row = points(made).to_dict("records")[0]
    measured = measure_run(*settings_at(made, row), 2**62, made)
    words = shlex.split(command_of(made, row, 2**62))
    assert words[:2] == ["ecosim", "run"]
    done = subprocess.run(
        [sys.executable, "-m", *words, "--out", str(tmp_path / "again")],
        check=False, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    table = pd.read_parquet(tmp_path / "again" / "metrics.parquet")
    assert measured.series is not None
    for name in ("value_created", "mean_trust"):
        assert measured.series[name].tolist() == table[name].tolist()
    assert np.ptp(measured.series["mean_trust"]) > 0


WORDS = sorted({word for record in load_scenario("classroom").grammar.parameters.values() for word in record.choices})


@given(
    st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([*WORDS, "true", "inf", "with 'quotes'"])
)
def test_a_value_survives_the_command_line(value: Value) -> None:
    """Protects exact repetition: what is written for ``--set`` is read back as the same value of the same type."""
    name, again = parse_setting(f"a.b={written(value)}")
    assert (name, again, type(again)) == ("a.b", value, type(value))


def test_a_run_is_timed_before_a_study() -> None:
    """Protects the estimate in a refusal: it is of the order of what a run takes."""
    assert 0.001 < seconds_of_run(study()) < 5.0
