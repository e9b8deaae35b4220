"""Race for one component at constant effort: geometric waiting, and who wins, against their formulas.

A firm of hazard h succeeds in a quarter with P = 1 - e^-h, so it waits t quarters with chance P (1 - P)^(t - 1). Of two
rivals the first is strictly ahead with chance P1 (1 - P2) / (1 - (1 - P1)(1 - P2)), both succeed in the same quarter
with chance P1 P2 / (...). As quarters get shorter the first tends to h1 / (h1 + h2) and ties to nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecosim.columns import make_table
from ecosim.ledger import make_events
from ecosim.mechanisms.breakthrough import attempt
from ecosim.mechanisms.components import make_technology
from ecosim.model import Ecosystem
from ecosim.scenario import load_scenario, scenario_from_dict
from ecosim.scenario_rows import Component
from ecosim.state import Organisations

Array = np.ndarray[Any, Any]
FIRMS, REPLICATES, STEPS = 100, 30, 160
ALONE, QUICK, SLOW = 0.1, 0.3, 0.1


@pytest.fixture(scope="module")
def waits() -> Array:
    """Return how many quarters each firm waited, (replicates, alone / quick / slow, firms)."""
    tree = load_scenario("limit-race").as_dict()
    for row in tree["organisations"]:
        row["count"] = FIRMS
    world = scenario_from_dict(tree)
    found = np.full((REPLICATES, 3, FIRMS), STEPS + 1)
    for seed in range(REPLICATES):
        happened = Ecosystem(world, seed, history=False).run(STEPS).happened
        won = happened[happened["event"] == "breakthrough"]
        for step, subject in zip(won["step"], won["subject"], strict=True):
            kind, number = subject.split()
            found[seed, ("alone", "quick", "slow").index(kind), int(number) - 1] = step + 1
    return found


@pytest.mark.parametrize(("kind", "hazard"), [(0, ALONE), (1, QUICK), (2, SLOW)])
def test_waiting_time_is_geometric(waits: Array, bound: Callable[[Array], Array], kind: int, hazard: float) -> None:
    """Protects the hazard: mean 1 / P, standard deviation sqrt(1 - P) / P, and the whole curve e^-ht of those still waiting."""
    chance = 1.0 - math.exp(-hazard)
    mine = waits[:, kind].astype(float)
    # At the slowest hazard one in nine million waits longer than the run, and is counted as just longer.
    assert abs(mine.mean() - 1.0 / chance) < bound(mine.mean(axis=1))
    spread = mine.std(axis=1, ddof=1)
    assert abs(spread.mean() - math.sqrt(1.0 - chance) / chance) < bound(spread)
    times = np.arange(1, 25)
    waiting = (mine[:, :, None] > times).mean(axis=1)
    assert (np.abs(waiting.mean(axis=0) - np.exp(-hazard * times)) < bound(waiting)).all()


def test_rivals_win_as_often_as_their_hazards_say(waits: Array, bound: Callable[[Array], Array]) -> None:
    """Protects the race: first, tie and second as often as in discrete quarters, and first near h1 / (h1 + h2) once ties are split."""
    one, two = 1.0 - math.exp(-QUICK), 1.0 - math.exp(-SLOW)
    somebody = 1.0 - (1.0 - one) * (1.0 - two)
    quick, slow = waits[:, 1], waits[:, 2]
    for happened, chance in (
        (quick < slow, one * (1.0 - two) / somebody),
        (quick == slow, one * two / somebody),
        (quick > slow, two * (1.0 - one) / somebody),
    ):
        shares = happened.mean(axis=1)
        assert abs(shares.mean() - chance) < bound(shares)
    shares = (quick < slow).mean(axis=1) / (quick != slow).mean(axis=1)
    # Given that they do not tie, the odds are (e^h1 - 1) / (e^h2 - 1): within h1 / 2 of h1 / h2, relatively.
    odds = math.expm1(QUICK) / math.expm1(SLOW)
    assert abs(shares.mean() - odds / (1.0 + odds)) < bound(shares)
    assert QUICK / SLOW < odds < QUICK / SLOW * (1.0 + QUICK / 2.0)


@settings(max_examples=25, deadline=None)
@given(hazard=st.floats(1e-3, 3.0), seed=st.integers(0, 2**32), step=st.integers(0, 1000))
def test_share_of_successes_in_a_quarter(hazard: float, seed: int, step: int) -> None:
    """Protects P = 1 - e^-h at any hazard: of 4,000 firms as many succeed as a binomial number of that chance can be."""
    firms = np.arange(4000)
    organisations = make_table(Organisations, len(firms))
    organisations.uid[:] = firms * 64
    technology = make_technology((Component("prize", "non-core", 1.0, 1, (), 0.0),), len(firms))
    hazards = np.column_stack([np.full(len(firms), hazard), np.zeros(len(firms))])
    attempt(organisations, make_events(len(firms)), technology, firms, hazards, seed, step)
    chance = -math.expm1(-hazard)
    error = math.sqrt(chance * (1.0 - chance) / len(firms))
    # 25 examples at 5.5 standard errors, and 3 firms for the skew of rare successes.
    assert abs(technology.mastered[:, 0].mean() - chance) < 5.5 * error + 3.0 / len(firms)
    assert not organisations.generation.any()


def test_constant_effort_needs_no_budget() -> None:
    """Protects the control of effort: without constant effort and without spending nobody has a hazard."""
    model = Ecosystem("limit-race", 1, history=False, **{"breakthrough.constant_effort": 0.0}).run(20)
    assert not model.technology.mastered.any()
    assert not model.organisations.research.any()
