"""Directions: what a knob does in the classroom, over seeds that are the same on both sides, and that a switch switches.

A knob is turned far enough for its effect to be seen over the luck that is left; the tests are about signs, not sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import networkx
import numpy as np
import pandas as pd
import pytest

from ecosim.mechanisms.adoption import PARAMETERS as ADOPTION
from ecosim.mechanisms.adoption import utilities
from ecosim.model import Ecosystem
from ecosim.parameters import Value
from ecosim.record import ROLE_COLUMNS
from ecosim.scenario import load_scenario, scenario_from_dict
from ecosim.state import CHANNELS, ELEMENTS, EVENTS, FIRM, SEPARATION, SUPPLIER, USER

Array = np.ndarray[Any, Any]
Reading = Callable[[Ecosystem], float]
Settings = dict[str, Value]
SEEDS, STEPS, ALL_STEPS = 8, 16, 40
# Paired differences must lie on the right side of 0 by so many standard errors: without any effect, Student's t with 7
# degrees of freedom does so once in 100 cases.
STANDARD_ERRORS = 3.0
ROLES = ("firm", "supplier", "university", "government", "intermediary", "user")


@lru_cache(maxsize=3 * SEEDS)
def _play(seed: int, settings: tuple[tuple[str, Value], ...], steps: int) -> Ecosystem:
    return Ecosystem(load_scenario("classroom", settings=dict(settings)), seed, history=False).run(steps)


def play(seed: int, settings: Mapping[str, Value], steps: int = STEPS) -> Ecosystem:
    """Return a run of the classroom, which tests must not change."""
    return _play(seed, tuple(settings.items()), steps)


# --- what is read ----------------------------------------------------------------------------------------------------


def metric(name: str) -> Reading:
    """Mean of an outcome over the run."""
    return lambda model: float(np.mean([quarter.metrics[name] for quarter in model.recorder.quarters]))


def share(*names: str) -> Reading:
    """Share of all value of the run that these beneficiaries got."""

    def read(model: Ecosystem) -> float:
        value = sum(quarter.value.sum(axis=1) for quarter in model.recorder.quarters)
        positions = [model.recorder.beneficiaries.index(name) for name in names]
        return float(value[positions].sum() / value.sum())

    return read


def of_role(role: str, column: str) -> Reading:
    """Mean of a role's total over the run."""
    place = ROLES.index(role), ROLE_COLUMNS.index(column)
    return lambda model: float(np.mean([quarter.roles[place] for quarter in model.recorder.quarters]))


def events(name: str) -> Reading:
    """How often something happened."""
    code = EVENTS.index(name)
    return lambda model: float(sum((quarter.events[0] == code).sum() for quarter in model.recorder.quarters))


def mean(column: str) -> Reading:
    """Mean of a column over those that are there at the end."""
    return lambda model: float(getattr(model.organisations, column)[model.rows].mean())


def volume(element: str, channel: str) -> Reading:
    """What of an element moved through a channel over the run."""
    key = ELEMENTS.index(element), CHANNELS.index(channel)

    def read(model: Ecosystem) -> float:
        quarters = (quarter.flows for quarter in model.recorder.quarters)
        return float(sum(moved[(place[0] == key[0]) & (place[1] == key[1])].sum() for place, moved in quarters))

    return read


def demand_met(model: Ecosystem) -> float:
    """How much demand there is where research goes, against research spread evenly: sum_d direction_d demand_d D."""
    working = model.rows[model.organisations.role[model.rows] != USER]
    demand = model.environment.demand
    return float((model.organisations.direction[working] @ demand).mean() * demand.size)


def closed_triangles(model: Ecosystem) -> float:
    """Part of the pairs of ties at one organisation whose ends are tied too."""
    rows = model.tie_rows
    return float(networkx.transitivity(networkx.Graph(zip(model.ties.a[rows], model.ties.b[rows], strict=True))))


def spread_of_ties(model: Ecosystem) -> float:
    """Standard deviation of the number of ties."""
    return float(model.organisations.degree[model.rows].std())


def spread_of_routines(model: Ecosystem) -> float:
    """Standard deviation of routines among suppliers, mean over routines."""
    return float(model.organisations.routines[model.members(SUPPLIER)].std(axis=0).mean())


def distinct_routines(model: Ecosystem) -> float:
    """Different sets of routines among suppliers, as a part of their number."""
    routines = model.organisations.routines[model.members(SUPPLIER)]
    return len(np.unique(routines, axis=0)) / len(routines)


def capital_at_exit(model: Ecosystem) -> float:
    """Mean capital of suppliers that were crowded out."""
    chosen = [(quarter.events[0] == EVENTS.index("exit")) & (quarter.events[1] % 64 == SUPPLIER) for quarter in model.recorder.quarters]  # fmt: skip
    left = [quarter.events[3][which] for quarter, which in zip(model.recorder.quarters, chosen, strict=True)]
    return float(np.concatenate(left).mean())


def served_in_own_segment(model: Ecosystem) -> float:
    """Part of the served users whose provider made its offer for their segment."""
    table, users = model.organisations, model.members(USER)
    served = users[table.provider[users] >= 0]
    return float((table.segment[served] == table.segment[table.provider[served]]).mean())


def quality_chosen(model: Ecosystem) -> float:
    """Mean quality over users, less that over offers."""
    table, firms = model.organisations, model.members(FIRM)
    return float(np.average(table.quality[firms], weights=table.installed[firms] + 1e-9) - table.quality[firms].mean())


# --- knobs -----------------------------------------------------------------------------------------------------------


class Knob(NamedTuple):
    """A knob at two settings, what is read of both runs, whether the second must be higher, and quarters to run."""

    low: Settings
    high: Settings
    read: Reading
    rises: bool
    steps: int


def knob(
    path: str, low: Value, high: Value, read: Reading, rises: bool = True, steps: int = STEPS, **others: Value
) -> Knob:
    """Return a knob; ``roles.*`` turns that of every role, `others` (``__`` for a dot) stand on both sides."""
    paths = [path.replace("*", role) for role in ROLES] if "*" in path else [path]
    both = {name.replace("__", "."): value for name, value in others.items()}
    return Knob(both | dict.fromkeys(paths, low), both | dict.fromkeys(paths, high), read, rises, steps)


FIXED: dict[str, Any] = {"value_sharing__strategy": "fixed", "value_sharing__ratio": 0.6}
KNOBS = {
    # environment and perception
    "market growth makes value": knob("environment.market_growth", 0.0, 0.3, metric("value_created")),
    "noise of perception misses demand": knob("perception.noise", 0.0, 3.0, demand_met, False),
    "focus meets demand": knob("perception.focus", 0.0, 5.0, demand_met, environment__demand_drift=0.2),
    "crisis is harder to see with a higher threshold": knob("perception.crisis", 0.0, 1.0, events("reform started"), False),
    "persistence carries reform": knob("roles.*.persistence", 0.1, 0.95, mean("reform"), perception__crisis=0.0),
    # orchestration and policy
    "productivity makes knowledge": knob("orchestration.productivity", 0.5, 2.0, metric("knowledge_total")),
    "depreciation takes knowledge": knob("orchestration.depreciation", 0.05, 0.4, metric("knowledge_total"), False),
    "research spending makes knowledge": knob("roles.firm.research_intensity", 0.02, 0.4, of_role("firm", "knowledge")),
    "retirement takes talent": knob("orchestration.retirement", 0.0, 0.05, metric("talent_total"), False),
    "teaching makes talent": knob("roles.university.teaching", 0.0, 0.4, metric("talent_total")),
    "purchases feed suppliers": knob("roles.firm.purchase_share", 0.1, 0.5, of_role("supplier", "revenue")),
    "contracts feed universities": knob("roles.firm.contracted_share", 0.0, 0.5, of_role("university", "revenue")),
    "grants give value to universities": knob("policy.grants", 0.0, 0.8, share("university")),
    "taxes give value to government and society": knob("policy.tax_rate", 0.05, 0.4, share("government", "society")),
    # symbiosis
    "kept promises make trust": knob("symbiosis.trust_gain", 0.0, 0.1, metric("mean_trust")),
    "idleness takes trust": knob("symbiosis.fading", 0.0, 0.3, metric("mean_trust"), False),
    "free riding takes trust": knob("symbiosis.free_riding", 0.0, 1.0, metric("mean_trust"), False),
    "leakage takes trust": knob("symbiosis.leak_distrust", 0.0, 1.0, metric("mean_trust"), False),
    "search makes ties": knob("symbiosis.search_rate", 0.1, 1.0, metric("ties")),
    "reluctance prevents ties": knob("symbiosis.reluctance", -1.0, 3.0, metric("ties"), False),
    "dissolution ends ties": knob("symbiosis.dissolution", 0.0, 0.3, metric("ties"), False),
    "closure closes triangles": knob("symbiosis.closure", 0.0, 1.0, closed_triangles),
    "attachment makes hubs": knob("symbiosis.attachment", 0.0, 1.0, spread_of_ties, symbiosis__closure=0.0),
    "hysteresis keeps modes": knob("symbiosis.hysteresis", 0.0, 0.5, events("tie downgraded"), False),
    # open sharing and co-creation
    "openness fills the pool": knob("roles.*.openness_target", 0.2, 0.9, volume("knowledge", "pool")),
    "absorption draws from the pool": knob("roles.*.absorptive", 0.1, 0.9, volume("knowledge", "pool")),
    "protection stops leakage": knob("roles.*.protection", 0.1, 0.9, mean("leaked"), False),
    "dues keep members out": knob("platforms.dues", 0.0, 50.0, metric("memberships"), False),
    "contributions fill pools": knob("pooling.contribution", 0.05, 0.8, metric("pooled_knowledge")),
    "leakage is answered by protection": knob("protection.response", 0.0, 1.0, metric("mean_protection")),
    "what lapses protects no more": knob("protection.lapse", 0.0, 0.1, metric("mean_protection"), False),
    "culture opens": knob("internal_reform.culture_speed", 0.0, 1.0, metric("mean_openness")),
    "partners take graduates first": knob("secondment.placed", 0.0, 1.0, metric("talent_moved"), True, ALL_STEPS),
    "partners tell each other": knob("open_sharing.information_rate", 0.0, 0.5, volume("information", "pool")),
    "caution closes the unprotected": knob("open_sharing.caution", 0.0, 1.0, metric("mean_openness"), False),
    "capability finishes projects": knob("roles.*.capability", 0.1, 0.8, events("project finished")),
    "the group finishes projects": knob("co_creation.group_support", 0.0, 10.0, events("project finished")),
    # adoption
    "innovation speeds adoption": knob("adoption.innovation", 0.01, 0.2, metric("adopted_share")),
    "imitation speeds adoption": knob("adoption.imitation", 0.0, 1.0, metric("adopted_share")),
    "quality behind the frontier slows adoption": knob("adoption.attraction", 0.0, 1.0, metric("adopted_share"), False),
    "quality is chosen": knob("adoption.quality_weight", 0.0, 8.0, quality_chosen),
    "installed bases concentrate": knob("adoption.network_weight", 0.0, 2.0, metric("concentration")),
    "segments are served by their own": knob("adoption.segment_weight", 0.0, 10.0, served_in_own_segment),
    # value sharing
    "a higher ratio gives value to partners": knob("value_sharing.ratio", 0.0, 0.6, share("supplier", "university", "intermediary"), value_sharing__strategy="fixed", value_sharing__division="equal"),
    "social programmes give value to society": knob("value_sharing.social_share", 0.0, 0.5, share("society")),
    "green programmes give value to nature": knob("value_sharing.green_share", 0.0, 0.5, share("environment")),
    "bargaining power keeps value": knob("value_sharing.power", 0.5, 20.0, share("firm"), value_sharing__division="nash", **FIXED),
    "transfers empower": knob("value_sharing.transfer_share", 0.0, 1.0, metric("channel_empowerment")),
    "generosity raises the ratio": knob("roles.*.generosity", 0.0, 1.0, metric("sharing_ratio")),
    "a regulator raises the ratio": knob("policy.sharing_floor", 0.0, 0.5, metric("sharing_ratio"), value_sharing__strategy="regulated"),
    # learning and turnover
    "use makes capability": knob("dynamic_capabilities.gain", 0.0, 0.1, mean("capabilities")),
    "idleness takes capability": knob("dynamic_capabilities.fading", 0.0, 0.1, mean("capabilities"), False),
    "mutation spreads routines": knob("evolution.mutation_rate", 0.0, 1.0, spread_of_routines),
    "imitation spreads few sets of routines": knob("evolution.imitation_rate", 0.0, 1.0, distinct_routines, False, evolution__mutation_rate=0.0),
    "capacity feeds more": knob("roles.supplier.capacity", 10.0, 50.0, of_role("supplier", "count"), roles__supplier__growth_rate=0.1),
    "selection takes the weak": knob("turnover.selection", 0.0, 1.0, capital_at_exit, False, roles__supplier__growth_rate=0.15),
    # the reading of stages
    "a longer lead moves the stage less often": knob("stages.persistence", 1, 30, events("stage"), False, ALL_STEPS, stages__margin=0.0, stages__smoothing=1.0),
    "a wider lead moves the stage less often": knob("stages.margin", 0.0, 0.5, events("stage"), False, ALL_STEPS, stages__persistence=1),
    "dear knowledge weighs more": knob("stages.knowledge_price", 0.0, 5.0, metric("channel_pool")),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOBS)
def test_knob_works_in_its_direction(name: str) -> None:
    """Protects the effect that the name states: turned up, with the same luck, the knob moves the outcome its way."""
    low, high, read, rises, steps = KNOBS[name]
    differences = np.array([read(play(seed, high, steps)) - read(play(seed, low, steps)) for seed in range(SEEDS)])
    bound = STANDARD_ERRORS * differences.std(ddof=1) / np.sqrt(SEEDS)
    assert (differences.mean() if rises else -differences.mean()) > bound


# --- switches --------------------------------------------------------------------------------------------------------

SWITCHES: dict[str, tuple[Reading, ...]] = {
    "environment": (lambda model: float(np.abs(model.environment.level - 0.5).max()),),
    "orchestration": (metric("research_firms"), of_role("supplier", "revenue"), of_role("supplier", "services")),
    "symbiosis": (metric("ties"), metric("mean_trust")),
    "trust": (metric("mode_sharing"), metric("mode_overlap"), events("tie upgraded")),
    "open_sharing": (volume("knowledge", "pool"), metric("members"), mean("leaked"), metric("memberships"), volume("talent", "pool"), volume("information", "pool")),
    "leakage": (mean("leaked"), metric("leaked_knowledge")),
    "platforms": (metric("platforms"), metric("memberships"), metric("members"), metric("pooled_knowledge"), metric("drawn_knowledge")),
    "protection": (metric("mean_protection"),),
    "internal_reform": (metric("mean_reform"), events("reform started")),
    "co_creation": (metric("projects_active"), events("project finished")),
    "adoption": (metric("adopted_share"), volume("information", "exchange"), mean("installed")),
    "value_sharing": (volume("services", "empowerment"), metric("regime"), mean("programme")),
    "learning": (spread_of_routines,),
    "turnover": (events("entry"), events("exit"), events("bankruptcy")),
}  # fmt: skip


@pytest.mark.parametrize("rule", SWITCHES)
def test_switched_off_a_rule_leaves_nothing(rule: str) -> None:
    """Protects the control of every claim: what a rule alone does is exactly zero without it, and not zero with it."""
    # Without a spread among entrants, routines only differ by learning.
    same: Settings = {f"roles.{role}.spread": 0.0 for role in ROLES} if rule == "learning" else {}
    if rule == "turnover":  # joint ventures enter and leave by a rule of their own
        same = {"rules.joint_ventures": False}
    if rule == "orchestration":  # members of platforms have revenue of their own
        same = {"rules.governance": False}
    for read in SWITCHES[rule]:
        assert read(play(1, same | {f"rules.{rule}": False})) == pytest.approx(0.0, abs=1e-15)
        assert max(read(play(seed, same, ALL_STEPS)) for seed in range(2)) > 0.0


def test_without_perception_nobody_changes_direction() -> None:
    """Protects the control of perception: research stays where it was at entry, and no reform begins."""
    blind = Ecosystem("classroom", 1, history=False, rules__perception=False)
    first = {int(blind.organisations.uid[row]): blind.organisations.direction[row].copy() for row in blind.rows}
    blind.run(STEPS)
    living = [row for row in blind.rows if int(blind.organisations.uid[row]) in first]
    assert len(living) > 30
    for row in living:
        np.testing.assert_array_equal(blind.organisations.direction[row], first[int(blind.organisations.uid[row])])
    assert events("reform started")(blind) == 0.0


def test_without_breakthrough_nothing_is_mastered() -> None:
    """Protects the control of breakthrough: easy components are mastered with the rule, and none without it."""
    tree = load_scenario("classroom").as_dict()
    tree["components"] = [{"name": "easy", "difficulty": 0.01}]
    worlds = [scenario_from_dict(tree).with_settings({"rules.breakthrough": on}) for on in (True, False)]
    mastered = [Ecosystem(world, 1, history=False).run(STEPS).recorder.last["mastered"] for world in worlds]
    assert mastered == [1.0, 0.0]


def test_trust_off_keeps_ties_apart() -> None:
    """Protects that modes follow trust: without it all ties stay as they began, in separation, at the trust they had."""
    model = play(1, {"rules.trust": False})
    assert len(model.tie_rows) > 20
    assert (model.ties.mode[model.tie_rows] == SEPARATION).all()
    np.testing.assert_array_equal(model.ties.trust[model.tie_rows], model.parameters["symbiosis"].initial_trust)


# --- events ----------------------------------------------------------------------------------------------------------


def with_shock(index: str, size: float, **settings: Value) -> list[Ecosystem]:
    """Return runs without and with a shock from step 8 to 13, for each seed: first all without."""
    tree = load_scenario("classroom", settings={name.replace("__", "."): value for name, value in settings.items()}).as_dict()  # fmt: skip
    shocked = tree | {
        "events": [{"name": "shock", "step": 8, "shock": {"index": index, "size": size, "quarters": 6}}],
    }
    worlds = scenario_from_dict(tree), scenario_from_dict(shocked)
    return [Ecosystem(world, seed, history=False).run(STEPS) for world in worlds for seed in range(4)]


def test_recession_lowers_value_while_it_lasts() -> None:
    """Protects the economy's grip on demand: nothing changes before the shock, and less value is made while it lasts."""
    runs = np.array([model.metrics["value_created"].to_numpy() for model in with_shock("economy", -0.3)])
    calm, shaken = runs[:4], runs[4:]
    np.testing.assert_array_equal(shaken[:, :8], calm[:, :8])
    assert (shaken[:, 8:14] < calm[:, 8:14]).all()


def test_indices_pull_each_other() -> None:
    """Protects mutual influence (P107): a shock to the economy reaches technology, and without influence it does not."""
    for influence, reaches in ((0.6, True), (0.0, False)):
        models = with_shock("economy", -0.3, environment__influence=influence, environment__response=0.0)
        levels = np.array([model.metrics["environment_technology"].to_numpy() for model in models])
        fall = levels[:4, -6:] - levels[4:, -6:]
        assert (fall > 0.0).all() if reaches else (fall == 0.0).all()


# --- strategies and rules of value sharing ---------------------------------------------------------------------------


def ratios(**settings: Value) -> Array:
    """Return the core firm's sharing ratio, (steps,)."""
    sharing = {f"value_sharing.{name}": value for name, value in settings.items()}
    path: Array = play(1, sharing | {"policy.sharing_floor": 0.5}).metrics["sharing_ratio"].to_numpy()
    return path


def test_fixed_strategy_keeps_the_ratio() -> None:
    """Protects the strategy 'fixed': the ratio is the one given, in every quarter."""
    np.testing.assert_array_equal(ratios(strategy="fixed", ratio=0.35), 0.35)


def test_regulated_strategy_is_raised_to_the_floor() -> None:
    """Protects the strategy 'regulated': never below the floor, at once, and otherwise as dependence would have it."""
    free, regulated = ratios(strategy="dependence", ratio=0.1), ratios(strategy="regulated", ratio=0.1)
    assert free.max() < 0.5
    np.testing.assert_array_equal(regulated, 0.5)
    np.testing.assert_array_equal(
        ratios(strategy="regulated", ratio=0.9)[:2], ratios(strategy="dependence", ratio=0.9)[:2]
    )


def test_dependence_moves_the_ratio_a_little_each_quarter() -> None:
    """Protects the strategy 'dependence': it moves, by no more than `adjustment` of the way to its goal."""
    changes = np.abs(np.diff(ratios(strategy="dependence", ratio=0.1, adjustment=0.05)))
    assert (changes > 0.0).any()
    assert changes.max() <= 0.05


def test_adaptive_strategy_moves_by_trial() -> None:
    """Protects the strategy 'adaptive': one step up or down at each review, and no move between reviews."""
    path = ratios(strategy="adaptive", ratio=0.3, trial=0.03, review=4)
    reviews = np.arange(STEPS) % 4 == 0
    changes = np.diff(path, prepend=0.3)
    np.testing.assert_allclose(np.abs(changes[reviews]), 0.03, rtol=1e-9)
    np.testing.assert_array_equal(changes[~reviews], 0.0)


@pytest.mark.parametrize("division", ["equal", "contribution", "nash", "shapley"])
def test_each_division_rule_runs(division: str) -> None:
    """Protects every rule of division in a whole ecosystem: accounts balance, partners get a part, other rules another."""
    settings: Settings = {
        "value_sharing.strategy": "fixed",
        "value_sharing.ratio": 0.6,
        "value_sharing.division": division,
    }
    model = Ecosystem(load_scenario("classroom", settings=settings), 1, history=False, audit=True).run(STEPS)
    assert model.flows.query("element == 'capital' and channel == 'empowerment'")["volume"].sum() > 0.0
    others = {"equal", "contribution", "nash", "shapley"} - {division}
    for other in others:
        values = [play(1, settings | {"value_sharing.division": rule}).value for rule in (division, other)]
        with pytest.raises(AssertionError):
            pd.testing.assert_frame_equal(values[0], values[1])


def test_utility_of_an_offer() -> None:
    """Protects the choice of users: quality, installed base and the own segment raise utility, price lowers it."""
    weights = ADOPTION.values(
        {"quality_weight": 2.0, "price_weight": 3.0, "network_weight": 0.5, "segment_weight": 0.7}
    )
    model = Ecosystem("classroom", 1, history=False)
    table, firms = model.organisations, model.members(FIRM)[:1]
    table.quality[firms], table.price[firms], table.installed[firms], table.segment[firms] = 1.5, 2.0, 7.0, 1
    expected = 2.0 * 1.5 - 3.0 * np.log(2.0) + 0.5 * np.log(8.0)
    assert utilities(table, firms, 0, weights)[0] == pytest.approx(expected)
    assert utilities(table, firms, 1, weights)[0] == pytest.approx(expected + 0.7)
