"""Random parameter sets within the declared ranges: no run crashes, hangs, or yields a number that cannot be.

A set is a shipped scenario with some, few or all of its parameters drawn anew. Some dozens are run with the other tests; a long
look takes ``RANDOM_SETS=10000 pytest -n 2 tests/chance/test_random_parameters.py``.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

from ecosim.grammar import scenario_grammar
from ecosim.model import Ecosystem
from ecosim.parameters import Parameter, Value
from ecosim.roles import read_roles
from ecosim.scenario import Scenario, load_scenario, shipped_scenarios

SETS = int(os.environ.get("RANDOM_SETS", "48"))
CHUNKS = 8
STEPS = 12
GRAMMAR = scenario_grammar(read_roles())
# Ranges are as declared but where a larger value only makes a run longer: two million organisations, or as many as
# capacity times ceiling lets grow, 100,000 sampled orders, 100 rounds of search before the start.
CAPS = {"initial": 12, "capacity": 30.0, "ceiling": 10.0, "samples": 200, "past_rounds": 8}
# Weights of kinds and coefficients must fit together, and so are drawn with scenarios, in the laws' test of accounts.
APART = ("start_year", "steps", "symbiosis.coefficients")
PATHS = [path for path in GRAMMAR.parameters if not path.startswith(APART) and ".kinds." not in path]
WORLDS = {name: load_scenario(name) for name in shipped_scenarios()}


def value_of(path: str, random: np.random.Generator) -> Value:
    """Draw a value: an end of the range, anywhere in it, or of the order of the default."""
    record: Parameter = GRAMMAR.parameters[path]
    if record.choices:
        return str(random.choice(record.choices))
    if isinstance(record.default, bool):
        return bool(random.random() < 0.5)
    assert isinstance(record.default, (int, float))
    assert record.low is not None
    assert record.high is not None
    high = min(record.high, CAPS.get(path.rpartition(".")[2], record.high))
    way = random.random()
    if way < 0.2:
        drawn = record.low if way < 0.1 else high
    elif way < 0.6:
        drawn = random.uniform(record.low, high)
    else:
        drawn = float(np.clip(record.default * np.exp(random.normal()), record.low, high))
    return round(drawn) if isinstance(record.default, int) else drawn


def random_world(number: int) -> Scenario:
    """Return set `number`: the scenarios in turn, small, with as large a part of the parameters drawn as luck has it."""
    random = np.random.default_rng(number)
    name = sorted(WORLDS)[number % len(WORLDS)]
    part = random.random() ** 2
    changes = {path: value_of(path, random) for path in PATHS if random.random() < part}
    few: dict[str, Value] = {f"roles.{role}.initial": int(random.integers(0, 13)) for role in GRAMMAR.kinds}
    few |= {f"roles.{role}.capacity": float(random.uniform(1.0, 30.0)) for role in GRAMMAR.kinds}
    return WORLDS[name].with_settings({**changes, **few})


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_sets_run(chunk: int) -> None:
    """Protects every parameter's declared range: the ledger balances and every number recorded is finite and in range."""
    for number in range(chunk, SETS, CHUNKS):
        model = Ecosystem(random_world(number), number, history=False, audit=True).run(STEPS // 2)
        random = np.random.default_rng([number, 1])
        model.embargo(float(random.uniform(0.01, 1.0)), int(random.integers(1, 20)))
        model.run(STEPS // 2)
        place = f"set {number}"
        for frame in (model.metrics, model.value, model.by_role, model.flows):
            assert np.isfinite(frame.select_dtypes("number").to_numpy()).all(), place
        for column in (
            *model.organisations,
            *model.ties,
            *model.environment,
            *model.projects,
            *model.platforms,
            *model.memberships,
        ):
            assert np.isfinite(column).all(), place
        for stock in ("capital", "talent", "services", "information", "knowledge"):
            assert (getattr(model.organisations, stock) >= 0.0).all(), place
        assert (model.flows["volume"] >= 0.0).all(), place
