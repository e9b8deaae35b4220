"""Imitation in a public-goods game: the mean path is the replicator equation, and it ends where that equation rests.

With x the share of contributors, rho the chance to look in a quarter and R the lead that is surely followed, a step's
expectation is f(x) = x + rho x (1 - x) D(x) / R, D = P_C - P_D = (v - c) + w x; its limit in time is
dx/dt = (rho / R) x (1 - x) D(x).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.polynomial import Polynomial
from scipy.integrate import solve_ivp

from ecosim.mechanisms import public_goods
from ecosim.mechanisms.evolution import payoff_ranges
from ecosim.model import Ecosystem
from ecosim.scenario import Scenario, load_scenario, scenario_from_dict
from ecosim.state import Members

Array = np.ndarray[Any, Any]
MEMBERS, REPLICATES, STEPS = 500, 30, 80
RATE = 0.1  # evolution.imitation_rate, at the full readiness that the scenario gives
COST = 1.0


class Case(NamedTuple):
    """A game, where it starts, and where the replicator equation ends from there."""

    own_return: float
    crowding: float
    start: float
    end: float

    def lead(self) -> Polynomial:
        """Return P_C - P_D as a polynomial of x."""
        return Polynomial([self.own_return - COST, self.crowding])

    def step(self) -> Polynomial:
        """Return the expectation of x after a quarter, for R = 1."""
        return Polynomial([0.0, 1.0]) + RATE * Polynomial([0.0, 1.0, -1.0]) * self.lead()


CASES = {
    "nobody should contribute": Case(0.0, 0.0, 0.8, 0.0),
    "everybody should": Case(2.0, 0.0, 0.2, 1.0),
    "side by side, from below": Case(1.6, -1.0, 0.1, 0.6),
    "side by side, from above": Case(1.6, -1.0, 0.9, 0.6),
    "below the threshold": Case(0.6, 1.0, 0.3, 0.0),
    "above the threshold": Case(0.6, 1.0, 0.5, 1.0),
}


def world(case: Case, **settings: Any) -> Scenario:
    """Return `limit-imitation` with the game and the start of a case."""
    tree = load_scenario("limit-imitation").as_dict()
    contributors = round(case.start * MEMBERS)
    for named, count in zip(tree["organisations"], (contributors, MEMBERS - contributors), strict=True):
        named["count"] = count
    tree["public_goods"] |= {"own_return": case.own_return, "crowding": case.crowding}
    return scenario_from_dict(tree).with_settings({name.replace("__", "."): value for name, value in settings.items()})


def shares(case: Case, steps: int, replicates: int, **settings: Any) -> Array:
    """Return the share of contributors after each quarter, (replicates, steps)."""
    scenario = world(case, **settings)
    models = [Ecosystem(scenario, seed, history=False).run(steps) for seed in range(replicates)]
    return np.array([[quarter.metrics["contributors"] for quarter in model.recorder.quarters] for model in models])


def expected_path(case: Case, steps: int) -> tuple[Array, Array]:
    """Return the path of the map and the mean of x, which chance bends away from it by a term of order 1 / N.

    With x = n + e, e of mean m and variance v: m' = f'(n) m + f''(n) v / 2 and v' = f'(n)^2 v + noise. Who is behind
    takes over with chance p = rho * (share of the others) * |D|, each on its own: noise = (share behind) p (1 - p) / N.
    """
    step = case.step()
    slope, bend, lead = step.deriv(), step.deriv(2), case.lead()
    n, mean, variance = case.start, 0.0, 0.0
    path, means = [], []
    for _ in range(steps):
        behind = 1.0 - n if lead(n) > 0.0 else n
        chance = RATE * (1.0 - behind) * abs(lead(n))
        noise = behind * chance * (1.0 - chance) / MEMBERS
        mean, variance = slope(n) * mean + bend(n) * variance / 2.0, slope(n) ** 2 * variance + noise
        n = step(n)
        path.append(n)
        means.append(n + mean)
    return np.array(path), np.array(means)


def replicator(case: Case, times: Array) -> Array:
    """Return x(t) of dx/dt = rho x (1 - x) D(x)."""
    lead = case.lead()
    solution = solve_ivp(lambda _, x: RATE * x * (1.0 - x) * lead(x), (0.0, times[-1]), [case.start], t_eval=times,
                         rtol=1e-10, atol=1e-12)  # fmt: skip
    path: Array = solution.y[0]
    return path


@pytest.mark.parametrize("name", CASES)
def test_mean_path_is_the_replicator_equation(name: str, bound: Any) -> None:
    """Protects imitation: over 30 replicates x follows the replicator equation, whatever its rest points are.

    Tolerance: five standard errors, and 1 / N for what the expansion leaves out; against the differential equation, also
    how far a step of a quarter and the bend by chance move the exact mean away from it, 0.02 at most.
    """
    case = CASES[name]
    runs = shares(case, STEPS, REPLICATES)
    mean, slack = runs.mean(axis=0), bound(runs) + 1.0 / MEMBERS
    path, exact = expected_path(case, STEPS)
    assert (np.abs(mean - exact) <= slack).all()
    smooth = replicator(case, np.arange(1.0, STEPS + 1.0))
    known = np.abs(exact - smooth)
    assert known.max() < 0.02
    assert (np.abs(mean - smooth) <= slack + known).all()
    # Narrow enough to tell a game's path from that of a game with half the lead.
    halved = Case((case.own_return + COST) / 2.0, case.crowding / 2.0, case.start, case.end)
    assert (np.abs(expected_path(halved, STEPS)[0] - path) > 2.0 * slack).any()


@pytest.mark.parametrize("name", CASES)
def test_rest_points_and_their_stability(name: str) -> None:
    """Protects the phase portrait: from where it starts, the equation and each replicate end at the same rest point.

    The rest point is stable where the slope of x (1 - x) D(x) is negative. In 300 quarters a deviation has gone to
    exp(-300 rho |slope|), below 1e-3; chance goes too, since where nobody is ahead nobody moves.
    """
    case = CASES[name]
    slope = (Polynomial([0.0, 1.0, -1.0]) * case.lead()).deriv()(case.end)
    assert slope < 0.0
    assert (Polynomial([0.0, 1.0, -1.0]) * case.lead())(case.end) == pytest.approx(0.0)
    ends = shares(case, 300, 3)[:, -1]
    assert replicator(case, np.array([300.0]))[-1] == pytest.approx(case.end, abs=1e-3)
    np.testing.assert_allclose(ends, case.end, atol=0.02 if 0.0 < case.end < 1.0 else 1e-12)


def test_unstable_rest_point_is_left() -> None:
    """Protects the threshold: at x* = 0.4 nobody is ahead and nobody moves, but ten members more or less decide the end."""
    at_rest = Case(0.6, 1.0, 0.4, 0.4)
    assert (shares(at_rest, 20, 2) == 0.4).all()
    assert (shares(at_rest._replace(start=0.38), 400, 3)[:, -1] == 0.0).all()
    assert (shares(at_rest._replace(start=0.42), 400, 3)[:, -1] == 1.0).all()


def test_nothing_moves_without_imitation() -> None:
    """Protects the control: with the rule off, or without a game, so that all earn the same, shares stay as they are."""
    case = CASES["everybody should"]
    assert (shares(case, 10, 1, rules__imitation=False) == case.start).all()
    assert (shares(case, 10, 1, public_goods__cost=0.0) == case.start).all()
    assert (shares(case, 10, 1) != case.start).any()


def test_payoffs_of_the_game() -> None:
    """Protects the game: P_D = r c x, P_C = r c x - c + v + w x."""
    p = public_goods.PARAMETERS.values(
        {"cost": 2.0, "multiplication": 3.0, "own_return": 1.0, "crowding": -0.5, "threshold": 0.5}
    )
    assert public_goods.defector_payoff(0.5, p) == pytest.approx(3.0)
    assert public_goods.contributor_payoff(0.5, p) == pytest.approx(3.0 - 2.0 + 1.0 - 0.25)


def test_range_of_payoffs() -> None:
    """Protects the rule's scale: the one that is given, else the widest lead in each role; 0 for a role without members."""
    payoff = np.array([3.0, -1.0, 7.0, 5.0])
    members = Members(np.array([0, 1, 2, 3]), np.array([0, 3, 3, 4]))
    np.testing.assert_array_equal(payoff_ranges(payoff, members, 0.0), [8.0, 0.0, 0.0])
    np.testing.assert_array_equal(payoff_ranges(payoff, members, 2.5), [2.5, 2.5, 2.5])
