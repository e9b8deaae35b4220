"""Breakthrough: reach, constraints, joint development, generations and licences, each with what switches it off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosim.columns import make_table
from ecosim.ledger import make_books, make_events
from ecosim.mechanisms import breakthrough, components, constraints, joint_development, licensing, product_generations
from ecosim.mechanisms.components import make_technology
from ecosim.model import Ecosystem
from ecosim.scenario import Scenario, load_scenario, scenario_from_dict
from ecosim.scenario_rows import Component
from ecosim.state import CONSTRAINTS, OVERLAP, POOL, SHARING, TECHNOLOGY, Organisations, Technology, Ties

Array = np.ndarray[Any, Any]
SEEDS = range(3)
A, B, CHIP = range(3)


def graph(rows: int = 4) -> Technology:
    """Return two components, the second of which requires the first, and their integration."""
    return make_technology(
        (
            Component("a", "non-core", 1.0, 1, (), 1.0),
            Component("b", "core", 2.0, 1, ("a",), 0.5),
            Component("chip", "integration", 4.0, 2, ("a", "b"), 0.0),
        ),
        rows,
    )


def world(scenario: str, steps: int, easier: float = 1.0, **settings: Any) -> Scenario:
    """Return a scenario with fewer steps and components whose difficulty is multiplied."""
    tree = load_scenario(scenario).as_dict()
    tree["steps"] = steps
    tree["events"] = []
    tree["organisations"] = [row for row in tree["organisations"] if row.get("year", 0) <= tree["start_year"]]
    tree["components"] = [row | {"difficulty": row["difficulty"] * easier} for row in tree["components"]]
    return scenario_from_dict(tree).with_settings(settings)


def last(scenario: Scenario, outcome: str, seeds: range = SEEDS, **settings: Any) -> Array:
    """Return an outcome at the end of a run of each seed, with settings changed."""
    changed = scenario.with_settings(settings)
    return np.array([Ecosystem(changed, seed, history=False).run().recorder.last[outcome] for seed in seeds])


# --- reach -----------------------------------------------------------------------------------------------------------


def test_reach_follows_requirements() -> None:
    """Protects P44: mastered or licensed requirements open a component; without the rule all are open but integration."""
    technology = graph()
    assert [components.in_reach(technology, 0, c, True) for c in range(3)] == [True, False, False]
    assert [components.in_reach(technology, 0, c, False) for c in range(3)] == [True, True, False]
    technology.licensed[0, A] = technology.mastered[0, B] = True
    assert [components.in_reach(technology, 0, c, True) for c in range(3)] == [True, False, True]
    technology.licensed[0, A] = False
    assert not components.in_reach(technology, 0, CHIP, False)


def test_rows_are_reused_clean() -> None:
    """Protects entrants against the mastery of whoever had their row before, and rows that a larger table adds."""
    technology = graph(2)
    technology.mastered[1] = technology.licensed[1] = True
    technology.licensor[1], technology.released[1], technology.sufficiency[1] = 64, 7, 0.5
    larger = components.with_room(technology, 5)
    assert components.with_room(larger, 3) is larger
    components.forget(larger, np.array([1, 4]))
    for row in (1, 4):
        assert not larger.mastered[row].any()
        assert not larger.licensed[row].any()
        assert (larger.licensor[row] == -1).all()
        assert larger.released[row] == -1
        assert not larger.sufficiency[row].any()


def test_order_with_and_without_prerequisites() -> None:
    """Protects P43's control: with prerequisites nothing comes before what it requires, without them something does."""
    names = [row["name"] for row in load_scenario("huawei-baseband").as_dict()["components"]]
    requires = {component.name: component.requires for component in load_scenario("huawei-baseband").components}
    broken = {True: 0, False: 0}
    for on in (True, False):
        scenario = world("huawei-baseband", 40, 0.1, **{"rules.prerequisites": on})
        for seed in range(2):
            happened = Ecosystem(scenario, seed, history=False).run().happened
            mine = happened[(happened["subject"] == "Huawei") & (happened["event"] == "breakthrough")]
            step = dict(zip(mine["detail"], mine["step"], strict=True))
            assert len(step) > 5
            broken[on] += sum(
                step.get(need, np.inf) >= step[name] for name in names if name in step for need in requires[name]
            )
            if names[-1] in step:
                assert max(step[name] for name in names[:-1]) < step[names[-1]]
    assert broken[True] == 0
    assert broken[False] > 0


# --- constraints and crossing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_a_constraint_switched_off_does_not_bind(constraint: str) -> None:
    """Protects P53's control: off, its sufficiency counts as 1, and no other one is 1."""
    model = Ecosystem(world("huawei-baseband", 6), 1, history=False, **{f"rules.constraint_{constraint}": False}).run()
    counted = {name: model.recorder.last[f"sufficiency_{name}"] for name in CONSTRAINTS}
    assert counted.pop(constraint) == pytest.approx(1.0)
    assert max(counted.values()) < 0.95
    assert model.recorder.last["binding_constraint"] != CONSTRAINTS.index(constraint)


@given(
    levels=st.lists(st.floats(0.01, 1.0), min_size=5, max_size=5),
    exponent=st.floats(-50.0, 0.99),
    relieved=st.integers(0, 4),
)
def test_relief_of_a_constraint_never_hurts(levels: list[float], exponent: float, relieved: int) -> None:
    """Protects P53: relaxing any one constraint raises the aggregate, which stays between the scarcest and the most plentiful."""
    before = constraints.ces(np.array(levels), exponent)
    after = constraints.ces(np.array([1.0 if k == relieved else level for k, level in enumerate(levels)]), exponent)
    assert min(levels) * (1.0 - 1e-9) <= before <= max(levels) * (1.0 + 1e-9)
    assert after >= before * (1.0 - 1e-9)


def test_crossing_needs_business_of_ones_own() -> None:
    """Protects P47: f = 1 + s c B / (B + half); a mastered component in the domain adds to B, a licensed one does not."""
    assert breakthrough.crossing_boost(0.5, 3.0, 2.0, 1.0) == pytest.approx(1.75)
    assert breakthrough.crossing_boost(0.5, 0.0, 2.0, 1.0) == 1.0
    organisations, technology = make_table(Organisations, 4), graph()
    organisations.niche[0, :2] = 0.8, 0.2
    organisations.knowledge[0, :2] = 3.0, 4.0
    assert breakthrough.business_knowledge(organisations, technology, 0, 0, 1.5) == pytest.approx(3.0)
    assert breakthrough.business_knowledge(organisations, technology, 0, 1, 1.5) == pytest.approx(1.0)
    technology.licensed[0, A] = True
    assert breakthrough.business_knowledge(organisations, technology, 0, 0, 1.5) == pytest.approx(3.0)
    technology.mastered[0, A] = True
    assert breakthrough.business_knowledge(organisations, technology, 0, 0, 1.5) == pytest.approx(4.5)


# --- joint development -----------------------------------------------------------------------------------------------


def partners(mode: int) -> tuple[Organisations, Ties, Technology]:
    """Return two firms tied in a mode, the second of which has mastered everything."""
    organisations, ties, technology = make_table(Organisations, 4), make_table(Ties, 1), graph()
    organisations.uid[:2] = 0, 64
    organisations.absorptive[:2] = organisations.openness[:2] = 1.0
    ties.b[0], ties.trust[0], ties.mode[0] = 1, 1.0, mode
    technology.mastered[1] = True
    return organisations, ties, technology


@pytest.mark.parametrize("mode", [SHARING, OVERLAP])
def test_technology_moves_over_ties_of_overlap(mode: int) -> None:
    """Protects joint development: only in overlap, only within reach, never integration, and the giver keeps all."""
    organisations, ties, technology = partners(mode)
    books, events, firms = make_books(6), make_events(8), np.array([0, 1])
    reach = components.find_reach(technology, firms, True)
    joint_development.copy_technology(
        organisations, ties, books, events, technology, technology.mastered[firms], reach, np.array([0]), firms, firms, 50.0, 2.0, 1, 0
    )  # fmt: skip
    learned = 1.0 if mode == OVERLAP else 0.0
    assert technology.mastered[0].tolist() == [mode == OVERLAP, False, False]
    assert technology.mastered[1].all()
    assert books.flows[TECHNOLOGY, POOL].sum() == learned
    assert books.gained[0, 0] == 2.0 * learned
    assert events.used[0] == learned


# --- generations -----------------------------------------------------------------------------------------------------


def test_generations_follow_a_moving_frontier() -> None:
    """Protects P48: who is behind follows more easily, who leads does not; each generation is harder than the last."""
    assert product_generations.following(5.0, 2, 0.1) == pytest.approx(1.3)
    assert product_generations.following(2.0, 5, 0.1) == 1.0
    assert product_generations.generation_difficulty(3.0, 2, 0.1) == pytest.approx(3.0 * 1.21)
    model = Ecosystem(world("huawei-baseband", 9), 1, history=False).run(8)
    settings = model.parameters["product_generations"]
    assert model.environment.product_frontier[0] == pytest.approx(settings.frontier + 2.0 * settings.frontier_growth)


def test_a_product_needs_all_its_components() -> None:
    """Protects the stuck neck: with a component refused no product can be made or offered, and it can again with it."""
    technology, organisations = graph(), make_table(Organisations, 4)
    technology.mastered[0, [B, CHIP]] = technology.licensed[0, A] = True
    organisations.generation[0] = 3
    firms = np.array([0])
    assert product_generations.can_release(technology, 0)
    assert product_generations.technology_offered(organisations, technology, firms)[0] == 6.0
    technology.licensed[0, A] = False
    assert not product_generations.can_release(technology, 0)
    assert product_generations.technology_offered(organisations, technology, firms)[0] == 2.0


# --- licensing -------------------------------------------------------------------------------------------------------


def test_choice_between_licence_and_development() -> None:
    """Protects licence or develop by cost against expected time: (1 - e^-hH) / h quarters of waiting are worth the fee or not."""
    assert licensing.expected_wait(0.0, 12.0) == 12.0
    assert licensing.expected_wait(0.5, 12.0) == pytest.approx((1.0 - np.exp(-6.0)) / 0.5)
    assert licensing.prefers_licence(1.0, 1.1, 0.0, 12.0)
    assert not licensing.prefers_licence(1.0, 0.9, 0.0, 12.0)
    assert not licensing.prefers_licence(1.0, 3.0, 0.5, 12.0)


def test_refusal_takes_licences_from_abroad() -> None:
    """Protects P51: refused for good, nothing is licensed from abroad, before or after; what is mastered stays."""
    scenario = world("core-technology", 30)
    model = Ecosystem(scenario, 1, history=False, audit=True).run(20)
    core = model.members(0)[0]
    assert model.technology.licensed[core].sum() > 2
    assert model.recorder.last["licence_fees"] > 0.0
    mastered = model.technology.mastered[core].copy()
    model.set("licensing.refusal", 1.0)
    model.step()
    still = model.technology.licensed[core]
    assert (model.technology.licensor[core][still] >= 0).all()
    assert (model.technology.mastered[core] >= mastered).all()
    assert "licence refused" in set(model.happened["event"])


def test_licensing_off_leaves_no_licence() -> None:
    """Protects the switch: no component is used that is not mastered and no fee is paid, even when switched off in mid-run."""
    scenario = world("core-technology", 12)
    assert (last(scenario, "components_licensed") > 0.0).all()
    for outcome in ("components_licensed", "licence_fees"):
        assert not last(scenario, outcome, **{"rules.licensing": False}).any()
    model = Ecosystem(scenario, 1, history=False).run(8)
    model.set("rules.licensing", False)
    model.step()
    assert not model.technology.licensed.any()


def test_licences_come_from_trusted_partners_first() -> None:
    """Protects the choice of an owner: of tied firms that have mastered a component the most trusted one is asked."""
    organisations, ties, technology = make_table(Organisations, 4), make_table(Ties, 3), graph()
    organisations.uid[:] = 0, 64, 128, 192
    ties.a[:], ties.b[:], ties.trust[:] = [0, 2, 0], [1, 0, 3], [0.3, 0.6, 0.9]
    technology.mastered[[1, 2], A] = True
    firms = np.arange(4)
    owners, trust = licensing.find_owners(organisations, ties, technology, np.arange(3), firms, firms)
    assert owners[0].tolist() == [2, -1, -1]
    assert trust[0, A] == 0.6
