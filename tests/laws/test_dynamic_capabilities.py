"""The four dynamic capabilities and the evolutionary operators in the classroom: what each changes first, on against off."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from ecosim.mechanisms import perception
from ecosim.mechanisms.dynamic_capabilities import direction_error
from ecosim.model import Ecosystem
from ecosim.record import Recorder

SEEDS, STEPS = 10, 20
# Without any effect, Student's t with 9 degrees of freedom lies beyond 3 on the right side once in 130 cases.
STANDARD_ERRORS = 3.0
ACTS_IN = {"perception": "perception", "orchestration": "orchestration", "co_sharing": "value_sharing"}
# What a rule does first: outcome, whether it is raised, and settings that stand on both sides.
EFFECTS: dict[str, tuple[str, bool]] = {
    "perception_capability": ("direction_error", False),
    "orchestration_capability": ("research_yield", True),
    "co_sharing_capability": ("capability_transfer", True),
    "heredity": ("entrant_distance", False),
    "imitation": ("routine_diversity", False),
    "mutation": ("routine_diversity", True),
    "crossbreeding": ("novelty_crossbreeding", True),
    "selection": ("exits_weakness", True),
}
MUCH: dict[str, dict[str, Any]] = {
    "imitation": {"evolution__imitation_rate": 1.0},
    "selection": {"roles__supplier__growth_rate": 0.1},
    "heredity": {"roles__supplier__growth_rate": 0.1},
    "crossbreeding": {"evolution__crossing_rate": 0.2},
}


@lru_cache(maxsize=64)
def recorded(seed: int, settings: tuple[tuple[str, Any], ...]) -> Recorder:
    """Return what was recorded of a run."""
    return Ecosystem("classroom", seed, history=False, **dict(settings)).run(STEPS).recorder


@pytest.mark.parametrize("rule", EFFECTS)
def test_what_a_rule_does_first(rule: str) -> None:
    """Protects each switch: on the same luck, its own outcome is higher (or lower) with the rule than without."""
    outcome, raised = EFFECTS[rule]
    common = MUCH.get(rule, {})
    differences = []
    for seed in range(SEEDS):
        on, off = (recorded(seed, tuple((common | extra).items())) for extra in ({}, {f"rules__{rule}": False}))
        differences.append(np.mean([a.metrics[outcome] - b.metrics[outcome] for a, b in zip(on.quarters, off.quarters, strict=True)]))  # fmt: skip
    mean, error = np.mean(differences), np.std(differences, ddof=1) / np.sqrt(SEEDS)
    assert (mean if raised else -mean) > STANDARD_ERRORS * error


@pytest.mark.parametrize("capability", ACTS_IN)
def test_a_capability_comes_back_when_it_is_switched_on_again(capability: str) -> None:
    """Protects the switch of a capability: it takes the effect away, not the capability itself."""
    model, mechanism = Ecosystem("classroom", 2, history=False).run(4), ACTS_IN[capability]
    before, weight = model.organisations.capabilities.copy(), model.parameters[mechanism].capability_effect
    model.set(f"rules.{capability}_capability", False)
    assert model.parameters[mechanism].capability_effect == 0.0
    np.testing.assert_array_equal(model.organisations.capabilities, before)
    model.set(f"rules.{capability}_capability", True)
    assert model.parameters[mechanism].capability_effect == weight == 1.0


def test_a_switched_off_capability_is_as_if_nobody_had_any() -> None:
    """Protects what off means: the same run as with a weight of 0 for the capability."""
    for capability, mechanism in ACTS_IN.items():
        off = Ecosystem("classroom", 2, history=False, **{f"rules__{capability}_capability": False}).run(8)
        none = Ecosystem("classroom", 2, history=False, **{f"{mechanism}__capability_effect": 0.0}).run(8)
        assert off.metrics.equals(none.metrics)


def test_error_of_direction() -> None:
    """Protects the outcome of perception: none where research goes as clear sight would have it, and 1 if nowhere near."""
    p = perception.PARAMETERS.values({"focus": 1.0, "familiarity": 1.0})
    demand, niche = np.array([0.5, 0.5, 0.0]), np.array([1.0, 0.0, 0.0])
    assert direction_error(np.array([0.5, 0.5, 0.0]), niche, demand, p) == pytest.approx(0.0)
    assert direction_error(np.array([1.0, 0.0, 0.0]), niche, demand, p) == pytest.approx(0.5)
    assert direction_error(np.array([0.0, 0.0, 1.0]), niche, demand, p) == pytest.approx(1.0)
    # What one does not know draws less: with familiarity 0, only what the niche holds is wanted.
    strange = perception.PARAMETERS.values({"focus": 1.0, "familiarity": 0.0})
    assert direction_error(np.array([1.0, 0.0, 0.0]), niche, demand, strange) == pytest.approx(0.0)
