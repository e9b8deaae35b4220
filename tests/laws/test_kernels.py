"""The small formulas that rules are made of, each against a number worked out by hand from what its docstring says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ecosim.columns import make_table
from ecosim.mechanisms import (
    adoption,
    breakthrough,
    co_creation,
    constraints,
    dynamic_capabilities,
    environment,
    group_dynamics,
    internal_reform,
    knowledge_components,
    open_sharing,
    orchestration,
    perception,
    project_work,
    stages,
    symbiosis,
    turnover,
    value_sharing,
)
from ecosim.state import (
    CHANNELS,
    ELEMENTS,
    EMPOWERMENT,
    EXCHANGE,
    KNOWLEDGE,
    LEADING,
    OVERLAP,
    PASSIVE,
    POOL,
    PROACTIVE,
    SEPARATION,
    SERVICES,
    SHARING,
    Members,
    Organisations,
)

Array = np.ndarray[Any, Any]


# --- environment and perception --------------------------------------------------------------------------------------


def test_target_of_an_index() -> None:
    """Protects mutual influence (P107): b + c mean(E_j - b) + r activity + shock, over the other three indices only."""
    levels = np.array([0.9, 0.6, 0.8, 0.7])
    assert environment.target(levels, 0, 0.5, -0.1, 0.5, 0.3, 0.2) == pytest.approx(0.5 + 0.3 * 0.2 + 0.1 - 0.1)
    assert environment.target(levels, 1, 0.0, 0.0, 0.5, 0.3, 0.2) == pytest.approx(0.5 + 0.3 * 0.3)
    assert environment.target(levels, 0, 1.0, 0.0, 0.5, 0.0, 0.0) == 0.5


def test_clarity_of_perception() -> None:
    """Protects how demand is seen: capability and information add up, neither is needed, both together never exceed 1."""
    assert perception.clarity(0.0, 0.0) == 0.0
    assert perception.clarity(0.4, 0.0) == pytest.approx(0.4)
    assert perception.clarity(0.0, 1.0) == pytest.approx(0.5)
    assert perception.clarity(0.4, 2.0) == pytest.approx(0.8)
    assert perception.clarity(1.0, 0.0) == 1.0


# --- orchestration ---------------------------------------------------------------------------------------------------


def test_new_knowledge() -> None:
    """Protects the production function: the unit's definition, diminishing returns, and what supports research."""
    # One research unit a year (10 a quarter of 40), index 0.5, no reform, orchestration 0.5: a quarter of a firm-year.
    assert orchestration.new_knowledge(10.0, 0.5, 0.0, 0.5, 1.0, 40.0, 0.35) == pytest.approx(0.25)
    assert orchestration.new_knowledge(160.0, 0.5, 0.0, 0.5, 1.0, 40.0, 0.5) == pytest.approx(1.0)
    assert orchestration.new_knowledge(10.0, 1.0, 1.0, 1.0, 2.0, 40.0, 0.35) == pytest.approx(0.5 * 1.5 * 2.0 * 1.5)
    assert orchestration.new_knowledge(0.0, 0.5, 0.0, 0.5, 1.0, 40.0, 0.35) == 0.0


def test_service_rate() -> None:
    """Protects what a person-year delivers: a quarter's wage times output, at orchestration 0.5; a quarter up or down."""
    assert orchestration.service_rate(0.2, 0.5, 1.6) == pytest.approx(0.08)
    assert orchestration.service_rate(0.2, 0.0, 1.6) == pytest.approx(0.06)
    assert orchestration.service_rate(0.2, 1.0, 1.6) == pytest.approx(0.10)


# --- symbiosis -------------------------------------------------------------------------------------------------------

TRUST = symbiosis.PARAMETERS.values({
    "trust_gain": 0.1, "trust_loss": 0.2, "tolerance": 0.9, "free_riding": 0.05, "leak_distrust": 0.1, "fading": 0.04,
    "sharing_trust": 0.5, "sharing_openness": 0.3, "overlap_trust": 0.7, "overlap_openness": 0.4, "hysteresis": 0.1,
})  # fmt: skip


def test_trust_follows_outcomes() -> None:
    """Protects the review of trust, one cause at a time: promises, free riding, leakage, idleness."""
    assert symbiosis.reviewed_trust(0.4, 10.0, 10.0, 0.0, 0.0, False, TRUST) == pytest.approx(0.4 + 0.1 * 0.6)
    assert symbiosis.reviewed_trust(0.4, 10.0, 9.0, 0.0, 0.0, False, TRUST) == pytest.approx(0.4 + 0.1 * 0.9 * 0.6)
    assert symbiosis.reviewed_trust(0.4, 10.0, 5.0, 0.0, 0.0, False, TRUST) == pytest.approx(0.4 - 0.2 * 0.5 * 0.4)
    assert symbiosis.reviewed_trust(0.4, 10.0, 20.0, 0.0, 0.0, False, TRUST) == pytest.approx(0.46)
    assert symbiosis.reviewed_trust(0.4, 0.0, 0.0, 1.0, 0.0, False, TRUST) == pytest.approx(0.4 * 0.95)
    assert symbiosis.reviewed_trust(0.4, 0.0, 0.0, 0.0, 0.5, False, TRUST) == pytest.approx(0.4 * 0.95)
    assert symbiosis.reviewed_trust(0.4, 0.0, 0.0, 0.0, 0.0, True, TRUST) == pytest.approx(0.4 * 0.96)
    together = (0.4 - 0.2 * 0.4) * 0.95 * 0.9 * 0.96
    assert symbiosis.reviewed_trust(0.4, 10.0, 0.0, 1.0, 1.0, True, TRUST) == pytest.approx(together)


def test_trust_does_not_move_with_time_alone() -> None:
    """Protects the first principle for trust: without any outcome it stays to the bit, at any level."""
    for trust in (0.0, 0.25, 0.7, 1.0):
        assert symbiosis.reviewed_trust(trust, 0.0, 0.0, 0.0, 0.0, False, TRUST) == trust
    assert symbiosis.reviewed_trust(1.0, 1.0, 1.0, 0.0, 0.0, False, TRUST) == 1.0


def test_mode_climbs_one_step_at_a_time() -> None:
    """Protects the thresholds upwards: trust and openness are both needed, and no mode is skipped."""
    assert symbiosis.next_mode(SEPARATION, 0.5, 0.3, TRUST) == SHARING
    assert symbiosis.next_mode(SEPARATION, 0.49, 0.9, TRUST) == SEPARATION
    assert symbiosis.next_mode(SEPARATION, 0.9, 0.29, TRUST) == SEPARATION
    assert symbiosis.next_mode(SEPARATION, 1.0, 1.0, TRUST) == SHARING
    assert symbiosis.next_mode(SHARING, 0.7, 0.4, TRUST) == OVERLAP
    assert symbiosis.next_mode(SHARING, 0.7, 0.39, TRUST) == SHARING
    assert symbiosis.next_mode(OVERLAP, 1.0, 1.0, TRUST) == OVERLAP


def test_mode_falls_back_below_the_threshold_only() -> None:
    """Protects hysteresis: a mode is held down to a tenth below its threshold, and lost one step at a time."""
    for mode, trust in ((SHARING, 0.5), (OVERLAP, 0.7)):
        assert symbiosis.next_mode(mode, trust - 0.09, 0.35, TRUST) == mode
        assert symbiosis.next_mode(mode, trust - 0.11, 0.9, TRUST) == mode - 1
    assert symbiosis.next_mode(SHARING, 0.9, 0.21, TRUST) == SHARING
    assert symbiosis.next_mode(SHARING, 0.9, 0.19, TRUST) == SEPARATION
    assert symbiosis.next_mode(OVERLAP, 0.0, 0.0, TRUST) == SHARING
    assert symbiosis.next_mode(SEPARATION, 0.0, 0.0, TRUST) == SEPARATION


def test_a_path_up_and_down_has_a_loop() -> None:
    """Protects path dependence: at the same trust between the thresholds, the mode depends on where a tie comes from."""
    up = down = 0
    for trust in np.linspace(0.0, 0.45, 10):
        up = symbiosis.next_mode(up, trust, 1.0, TRUST)
    for trust in np.linspace(0.55, 0.45, 10):
        down = symbiosis.next_mode(SHARING, trust, 0.35, TRUST)
    assert (up, down) == (SEPARATION, SHARING)


# --- open sharing ----------------------------------------------------------------------------------------------------

SHARE = open_sharing.PARAMETERS.values({"tie_rate": 0.2, "contract_rate": 0.006})


def test_what_a_tie_copies() -> None:
    """Protects the modes' meaning: a contract teaches little and blindly, sharing by trust and openness, overlap double."""
    assert open_sharing.tie_rate(SEPARATION, 0.9, 0.9, SHARE) == 0.006
    assert open_sharing.tie_rate(SHARING, 0.5, 0.4, SHARE) == pytest.approx(0.04)
    assert open_sharing.tie_rate(OVERLAP, 0.5, 0.4, SHARE) == pytest.approx(0.08)
    assert open_sharing.tie_rate(OVERLAP, 0.0, 0.4, SHARE) == open_sharing.tie_rate(SHARING, 0.5, 0.0, SHARE) == 0.0


def test_absorption_needs_reform() -> None:
    """Protects P21: without reform only a part of absorptive capacity can be used, with all of it the whole."""
    assert internal_reform.absorption(0.5, 0.0, 0.4) == pytest.approx(0.2)
    assert internal_reform.absorption(0.5, 0.5, 0.4) == pytest.approx(0.35)
    assert internal_reform.absorption(0.5, 1.0, 0.4) == pytest.approx(0.5)


# --- co-creation -----------------------------------------------------------------------------------------------------

PROJECT = co_creation.PARAMETERS.values({"advance": 1.2, "group_support": 1.0, "coordination": 0.5, "difficulty": 0.4})
PARTS = knowledge_components.PARAMETERS.values(
    {"breadth": 4.0, "known": 0.4, "modularity": 0.6, "levelling": 0.5, "gain": 2.0, "unaided": 0.25}
)
DISTANCES = np.linspace(0.0, 1.0, 1001)


def potentials(modules: float, integrate: float, partners: int = 1) -> Array:
    """Return the potential of a project at each distance."""
    return np.array([knowledge_components.potential(d, modules, integrate, partners, PARTS) for d in DISTANCES])


def test_group_moderates_capability() -> None:
    """Protects P84, P87, P89: the group's support multiplies what capability does, and a large team is slower."""
    assert project_work.advance_hazard(0.5, 0.0, 1, PROJECT) == pytest.approx(0.6)
    assert project_work.advance_hazard(0.5, 0.5, 1, PROJECT) == pytest.approx(0.9)
    assert project_work.advance_hazard(0.5, 0.5, 3, PROJECT) == pytest.approx(0.45)
    assert project_work.advance_chance(0.6) == pytest.approx(1.0 - math.exp(-0.6))


def test_group_without_capability_does_nothing() -> None:
    """Protects P91: with zero capability the effect of the group is exactly zero, whatever it is."""
    for support in (0.0, 0.3, 1.0):
        assert project_work.advance_chance(project_work.advance_hazard(0.0, support, 2, PROJECT)) == 0.0


def test_potential_is_an_inverted_u() -> None:
    """Protects novelty times understanding (Nooteboom et al. 2007): without modules 4 d (1 - d), nothing from a twin or a stranger."""
    np.testing.assert_allclose(potentials(0.0, 1.0), 4.0 * DISTANCES * (1.0 - DISTANCES), atol=1e-15)
    np.testing.assert_allclose(potentials(0.0, 0.0), 2.0 * DISTANCES * (1.0 - DISTANCES), atol=1e-15)


@pytest.mark.parametrize("integrate", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("modules", [0.0, 0.25, 0.5, 1.0])
def test_modules_move_the_best_distance_and_integration_does_not(modules: float, integrate: float) -> None:
    """Protects the best distance: 1 / (2 (1 - modularity * modules)), at most 1, whatever is integrated."""
    best = min(1.0, 0.5 / (1.0 - 0.6 * modules))
    assert DISTANCES[potentials(modules, integrate).argmax()] == pytest.approx(best, abs=0.001)


def test_integration_keeps_novelty_of_many_sources() -> None:
    """Protects the component to integrate: it raises potential at every distance, and by more with more partners."""
    one, three = (potentials(0.3, 1.0, n)[1:] / potentials(0.3, 0.0, n)[1:] for n in (1, 3))
    np.testing.assert_allclose(one, 2.0)
    np.testing.assert_allclose(three, 8.0)


def test_no_component_divides_by_zero() -> None:
    """Protects each component's path at 0: a least effect, and more with the component."""
    assert knowledge_components.solutions_found(0.0, 2, PARTS) == 1.0
    assert knowledge_components.solutions_found(1.0, 2, PARTS) == 5.0
    assert knowledge_components.reach(0.0, PARTS) == 0.4
    assert knowledge_components.reach(1.0, PARTS) == 1.0
    assert knowledge_components.understanding(1.0, 0.0, PARTS) == 0.0
    assert knowledge_components.knowledge_made(1.0, 0.0, PARTS) == 0.5
    assert knowledge_components.knowledge_made(1.0, 1.0, PARTS) == 2.0
    assert knowledge_components.fit(0.3, 0.0) == 0.3
    assert knowledge_components.fit(0.3, 1.0) == 1.0
    assert project_work.pass_chance(0.25, 0.5, PROJECT) == pytest.approx(0.3)


def test_agreements_hold_as_long_as_promises_are_kept() -> None:
    """Protects P89: norms grow by kept promises only where some are agreed on, and broken promises take from them."""
    assert group_dynamics.kept_norms(0.0, 1.0, 0.2) == 0.0
    assert group_dynamics.kept_norms(0.5, 1.0, 0.2) == pytest.approx(0.55)
    assert group_dynamics.kept_norms(0.5, 0.5, 0.2) == pytest.approx(0.45)


# --- breakthrough ----------------------------------------------------------------------------------------------------


def test_sufficiency() -> None:
    """Protects the scale of a constraint: none at 0, half at the half stock, never quite 1."""
    assert constraints.sufficiency(0.0, 3.0) == 0.0
    assert constraints.sufficiency(3.0, 3.0) == 0.5
    assert constraints.sufficiency(297.0, 3.0) == pytest.approx(0.99)


def test_ces_of_sufficiencies() -> None:
    """Protects the fishbone's aggregate against its limits: mean at 1, geometric mean at 0, minimum far below."""
    levels = np.array([0.2, 0.4, 0.6, 0.8, 0.5])
    assert constraints.ces(levels, 1.0) == pytest.approx(0.5)
    assert constraints.ces(levels, 0.0) == pytest.approx(math.exp(np.log(levels).mean()))
    assert constraints.ces(levels, 1e-6) == pytest.approx(constraints.ces(levels, 0.0), rel=1e-5)
    assert constraints.ces(levels, -1.0) == pytest.approx(1.0 / np.mean(1.0 / levels))
    # The minimum times at most 5^(1/50), as only one of five terms counts.
    assert 0.2 <= constraints.ces(levels, -50.0) <= 0.2 * 5.0**0.02
    exponents = [-50.0, -4.0, -1.0, 0.0, 0.5, 0.99]
    assert [constraints.ces(levels, rho) for rho in exponents] == sorted(
        constraints.ces(levels, rho) for rho in exponents
    )
    assert constraints.ces(np.full(5, 0.3), -4.0) == pytest.approx(0.3)


def test_one_missing_sufficiency_stops_everything() -> None:
    """Protects P53: with complements, a single constraint at zero leaves nothing; with substitutes it only lowers."""
    levels = np.array([0.0, 0.9, 0.9, 0.9, 0.9])
    assert constraints.ces(levels, -4.0) == constraints.ces(levels, 0.0) == 0.0
    assert constraints.ces(levels, 0.5) == pytest.approx((0.8 * math.sqrt(0.9)) ** 2)
    assert constraints.ces(np.zeros(5), 0.5) == 0.0


def test_hazard_of_mastering() -> None:
    """Protects h = h0 / difficulty * effort^b * L: each factor where it stands."""
    assert breakthrough.hazard(0.4, 1.0, 1.0, 0.5, 1.0) == 0.4
    assert breakthrough.hazard(0.4, 2.0, 4.0, 0.5, 0.25) == pytest.approx(0.4 / 2.0 * 2.0 * 0.25)
    assert breakthrough.hazard(0.4, 1.0, 0.0, 0.5, 1.0) == 0.0


# --- adoption --------------------------------------------------------------------------------------------------------


def chosen_one_by_one(values: Array, present: int, loyalty: float, draw: float) -> int:
    """Return the offer that one draw chooses: weights are taken off the point that it marks until nothing is left."""
    weights = np.exp(values - values.max())
    if present >= 0:
        weights[present] *= np.exp(loyalty)
    point = draw * weights.sum()
    for position in range(weights.size - 1):
        point -= weights[position]
        if point < 0.0:
            return position
    return weights.size - 1


@pytest.mark.parametrize("count", [1, 2, 7, 40])
@pytest.mark.parametrize("loyalty", [0.0, 1.5, 20.0])
def test_choice_is_that_of_offers_one_by_one(count: int, loyalty: float) -> None:
    """Protects the search: whoever is the present provider, each draw chooses as adding up weight by weight does."""
    generator = np.random.default_rng(count)
    values = generator.normal(0.0, 8.0, count)
    weights, sums = adoption.weigh(values)
    for present in range(-1, count):
        for draw in (0.0, *generator.random(200), 1.0 - 2.0**-53):
            expected = chosen_one_by_one(values, present, loyalty, draw)
            assert adoption.choose(weights, sums, present, loyalty, draw) == expected


def test_choice_is_a_logit() -> None:
    """Protects the choice among offers: over even draws, frequencies are e^u / sum e^u, to the step of the draws."""
    values = np.array([1.0, 0.0, 2.0, -30.0])
    draws = (np.arange(20_000) + 0.5) / 20_000
    offers = adoption.weigh(values)
    chosen = np.bincount([adoption.choose(*offers, -1, 1.5, draw) for draw in draws], minlength=4) / draws.size
    np.testing.assert_allclose(chosen, np.exp(values) / np.exp(values).sum(), atol=1e-4)


def test_loyalty_raises_the_present_offer() -> None:
    """Protects loyalty: it counts like utility of the present provider, and large utilities do not overflow."""
    offers = adoption.weigh(np.array([700.0, 701.0]))
    draws = (np.arange(10_000) + 0.5) / 10_000
    stays = np.mean([adoption.choose(*offers, 0, 1.5, draw) == 0 for draw in draws])
    assert stays == pytest.approx(1.0 / (1.0 + math.exp(-0.5)), abs=2e-4)
    assert adoption.choose(*adoption.weigh(np.array([5.0])), -1, 0.0, 0.999) == 0


def test_spending_and_surplus() -> None:
    """Protects what a sale is worth: budget times market times (0.5 + economy), surplus by quality over price."""
    assert adoption.spending_power(100.0, 1.2, 0.25) == pytest.approx(90.0)
    assert adoption.surplus_rate(3.0, 1.5, 0.06) == pytest.approx(0.12)


# --- value sharing ---------------------------------------------------------------------------------------------------


def firm_with(**columns: float) -> Organisations:
    """Return a table of one organisation with these values."""
    table = make_table(Organisations, 1)
    for name, value in columns.items():
        getattr(table, name)[0] = value
    return table


def test_dependence_on_partners() -> None:
    """Protects 1 - (1 - k)(1 - s)(1 - c): each way of depending alone, all together, and none at all."""
    assert value_sharing.dependence(firm_with(), 0) == 0.0
    assert value_sharing.dependence(firm_with(inflow=1.0, created=3.0), 0) == pytest.approx(0.25)
    assert value_sharing.dependence(firm_with(bought=2.0, wages_due=3.0), 0) == pytest.approx(0.4)
    assert value_sharing.dependence(firm_with(complement=0.5, quality=2.5), 0) == pytest.approx(0.2)
    everything = firm_with(inflow=1.0, created=3.0, bought=2.0, wages_due=3.0, complement=0.5, quality=2.5)
    assert value_sharing.dependence(everything, 0) == pytest.approx(1.0 - 0.75 * 0.6 * 0.8)


def test_goal_of_the_sharing_ratio() -> None:
    """Protects dependence * (g + (1 - g) * capability): who does not depend gives nothing, however generous."""
    assert value_sharing.ratio_goal(0.0, 1.0, 1.0) == 0.0
    assert value_sharing.ratio_goal(0.8, 0.25, 0.0) == pytest.approx(0.2)
    assert value_sharing.ratio_goal(0.8, 0.25, 0.5) == pytest.approx(0.5)
    assert value_sharing.ratio_goal(0.8, 0.25, 1.0) == pytest.approx(0.8)


def test_regime_is_read_from_what_is_given() -> None:
    """Protects the reading of S000's three regimes: obligations only, programmes too, capability too."""
    assert value_sharing.read_regime(100.0, 1.9, 0.0, 0.02) == PASSIVE
    assert value_sharing.read_regime(100.0, 2.0, 0.0, 0.02) == PROACTIVE
    assert value_sharing.read_regime(100.0, 50.0, 1.9, 0.02) == PROACTIVE
    assert value_sharing.read_regime(100.0, 0.0, 2.0, 0.02) == LEADING
    assert value_sharing.read_regime(0.0, 5.0, 5.0, 0.02) == PASSIVE


# --- learning --------------------------------------------------------------------------------------------------------


def test_capability_follows_use() -> None:
    """Protects gain by use and fading without it: c + gain use (1 - c) - fading (1 - use) c, at rest when both agree."""
    assert dynamic_capabilities.exercised(0.4, 1.0, 0.05, 0.02) == pytest.approx(0.4 + 0.05 * 0.6)
    assert dynamic_capabilities.exercised(0.4, 0.0, 0.05, 0.02) == pytest.approx(0.4 - 0.02 * 0.4)
    assert dynamic_capabilities.exercised(0.4, 0.5, 0.05, 0.02) == pytest.approx(0.4 + 0.015 - 0.004)
    assert dynamic_capabilities.exercised(1.0, 1.0, 1.0, 1.0) == 1.0
    assert dynamic_capabilities.exercised(0.0, 0.0, 1.0, 1.0) == 0.0


# --- turnover --------------------------------------------------------------------------------------------------------


def test_turnover_rates() -> None:
    """Protects which way each coefficient acts: help raises entry, harm raises exit, and neither touches the other."""
    counts, capacities = np.array([50.0, 30.0, 10.0]), np.array([100.0, 20.0, 10.0])
    coefficients = np.array([[0.0, 0.4, -0.3], [-0.2, 0.0, 0.0], [0.0, 0.0, 0.0]])
    rates = turnover.turnover_rates(counts, capacities, np.array([0.1, 0.2, 0.0]), coefficients)
    expected = [[0.1 * (1.0 + 0.4 * 1.5), 0.1 * (0.5 + 0.3)], [0.2, 0.2 * (1.5 + 0.2 * 0.5)], [0.0, 0.0]]
    np.testing.assert_allclose(rates, expected, rtol=1e-15)


def test_strength_ranks() -> None:
    """Protects selection: ranks run from 0 to 1 inside a role, equals share the mean of theirs, one alone has 1/2."""
    table = make_table(Organisations, 8)
    table.role[:] = [0, 0, 0, 0, 1, 2, 2, 0]
    table.capital[:] = [30.0, 10.0, 20.0, 20.0, 99.0, 5.0, 5.0, 0.0]
    members = Members(np.array([3, 1, 0, 2, 4, 6, 5, 0]), np.array([0, 4, 5, 7]))  # row 7 is not there
    ranks = turnover.strength_ranks(table, members)
    np.testing.assert_allclose(ranks, [0.5, 0.0, 1.0, 0.5, 0.5, 0.5, 0.5])


@pytest.mark.parametrize("members", [2, 3, 10])
def test_strength_ranks_do_not_hang_on_rows(members: int) -> None:
    """Protects against luck by row: if all are equal nobody is ranked above another, and ranks always mean 1/2."""
    table, there = make_table(Organisations, members), Members(np.arange(members), np.array([0, members]))
    np.testing.assert_array_equal(turnover.strength_ranks(table, there), 0.5)
    table.capital[:] = np.arange(members) // 2
    assert turnover.strength_ranks(table, there).mean() == pytest.approx(0.5)


# --- stages ----------------------------------------------------------------------------------------------------------

READING = stages.PARAMETERS.values({"smoothing": 0.5, "margin": 0.1, "persistence": 3})
PRICES = np.ones(len(ELEMENTS))


def flows_of(exchange: float, pool: float, empowerment: float) -> Array:
    """Return flows of one element between two roles through the three channels."""
    flows = np.zeros((len(ELEMENTS), len(CHANNELS), 2, 2))
    flows[KNOWLEDGE, :, 0, 1] = exchange, pool, empowerment
    return flows


def read(reading: stages.Reading, quarters: int, *volumes: float) -> list[int]:
    """Read some quarters of the same flows; return the stage after each."""
    stages_read = []
    for _ in range(quarters):
        before = int(reading.state[0])
        moved = stages.read_channels(reading, flows_of(*volumes), PRICES, READING)
        assert moved == (reading.state[0] != before)
        stages_read.append(int(reading.state[0]))
    return stages_read


def test_volume_of_channels() -> None:
    """Protects adding up at replacement cost: price times volume, over elements and pairs of roles, by channel."""
    flows = np.zeros((len(ELEMENTS), len(CHANNELS), 2, 2))
    flows[SERVICES, EXCHANGE] = [[1.0, 2.0], [3.0, 4.0]]
    flows[KNOWLEDGE, EXCHANGE, 0, 1] = 2.0
    flows[KNOWLEDGE, POOL, 1, 0] = 5.0
    prices = np.zeros(len(ELEMENTS))
    prices[SERVICES], prices[KNOWLEDGE] = 0.2, 7.0
    np.testing.assert_allclose(stages.channel_volumes(flows, prices), [0.2 * 10.0 + 14.0, 35.0, 0.0])


def test_stage_needs_persistence() -> None:
    """Protects the reading against a passing quarter: a lead must hold for three, counted anew when it is lost."""
    reading = stages.make_reading()
    assert read(reading, 1, 1.0, 0.0, 0.0) == [EXCHANGE]
    # Shares of the pool, half the way to 1 each time: 1/2 (a tie with exchange), 3/4, 7/8, 15/16.
    assert read(reading, 3, 0.0, 1.0, 0.0) == [EXCHANGE] * 3
    assert read(reading, 1, 0.0, 1.0, 0.0) == [POOL]
    assert read(reading, 2, 0.0, 0.0, 1.0) == [POOL, POOL]
    assert read(reading, 2, 0.0, 1.0, 0.0) == [POOL, POOL]
    assert reading.state[2] == 0
    np.testing.assert_allclose(reading.shares.sum(), 1.0)


def test_stage_needs_a_margin() -> None:
    """Protects hysteresis: a lead of less than the margin moves nothing, however long; from either side."""
    reading = stages.make_reading()
    read(reading, 1, 1.0, 0.0, 0.0)
    assert read(reading, 60, 0.46, 0.54, 0.0)[-1] == EXCHANGE
    assert read(reading, 60, 0.40, 0.60, 0.0)[-1] == POOL
    assert read(reading, 60, 0.54, 0.46, 0.0)[-1] == POOL
    assert read(reading, 60, 0.60, 0.40, 0.0)[-1] == EXCHANGE


def test_stage_can_skip_and_fall_back() -> None:
    """Protects the first principle for stages: no order is built in, maturity can follow incubation and fall back."""
    reading = stages.make_reading()
    read(reading, 1, 1.0, 0.0, 0.0)
    assert set(read(reading, 20, 0.0, 0.1, 0.9)) == {EXCHANGE, EMPOWERMENT}
    assert set(read(reading, 20, 0.9, 0.1, 0.0)) == {EMPOWERMENT, EXCHANGE}


def test_nothing_moved_reads_nothing() -> None:
    """Protects a quiet ecosystem: without flows the stage and the smoothed shares stay."""
    reading = stages.make_reading()
    assert read(reading, 5, 0.0, 0.0, 0.0) == [EXCHANGE] * 5
    assert reading.shares.sum() == 0.0
    read(reading, 1, 0.0, 3.0, 1.0)
    np.testing.assert_allclose(reading.shares, [0.0, 0.75, 0.25])
    read(reading, 5, 0.0, 0.0, 0.0)
    np.testing.assert_allclose(reading.shares, [0.0, 0.75, 0.25])
