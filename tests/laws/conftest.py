"""What tests of known results share: replicates of a limit world, and the bound that their mean must keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from ecosim.model import Ecosystem
from ecosim.parameters import Value
from ecosim.scenario import load_scenario

Array = np.ndarray[Any, Any]
# Seeds are fixed, so a test passes or fails for good; a right model fails a comparison of 30 replicates at five
# standard errors (Student, 29 degrees of freedom) with a probability of 3e-5.
STANDARD_ERRORS = 5.0


@pytest.fixture(scope="session")
def populations() -> Callable[..., Array]:
    """Return a function that runs replicates and returns how many members each role had, (replicates, steps, roles)."""

    def run(scenario: str, settings: Mapping[str, Value], steps: int, replicates: int = 30) -> Array:
        world = load_scenario(scenario, settings=settings)
        models = [Ecosystem(world, seed, history=False).run(steps) for seed in range(replicates)]
        return np.array([[quarter.roles[:, 0] for quarter in model.recorder.quarters] for model in models])

    return run


@pytest.fixture(scope="session")
def bound() -> Callable[[Array], Array]:
    """Return a function from replicates, (replicates, ...), to how far their mean may lie from the truth by chance."""

    def within(replicates: Array) -> Array:
        errors: Array = replicates.std(axis=0, ddof=1) / np.sqrt(len(replicates))
        return STANDARD_ERRORS * errors

    return within
