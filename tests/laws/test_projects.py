"""Co-creation projects (S002): what a component or a variable of the group does, what it leaves when off, and the table itself."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from ecosim.columns import make_table
from ecosim.ledger import make_books
from ecosim.mechanisms import group_dynamics, knowledge_components
from ecosim.mechanisms.co_creation import PARAMETERS, used_capabilities
from ecosim.mechanisms.project_teams import best_free_tie, promise
from ecosim.mechanisms.ties import ties_of_each
from ecosim.model import Ecosystem
from ecosim.state import GROUP_VARIABLES, KNOWLEDGE_CAPABILITIES, OVERLAP, Organisations, Projects, Ties

Array = np.ndarray[Any, Any]
SEEDS = 10
# Student's t with 9 degrees of freedom lies beyond 4 once in 600 cases.
STANDARD_ERRORS = 4.0
GROUPS = {"assessment": KNOWLEDGE_CAPABILITIES[:3], "bridging": KNOWLEDGE_CAPABILITIES[3:6], "aggregation": KNOWLEDGE_CAPABILITIES[6:]}  # fmt: skip


@lru_cache(maxsize=2 * SEEDS)
def play(seed: int, *off: str) -> Ecosystem:
    """Return a run of the classroom with these rules off, which tests must not change."""
    return Ecosystem("classroom", seed, history=False, **{f"rules.{rule}": False for rule in off}).run()


def total(model: Ecosystem, outcome: str) -> float:
    """Sum of an outcome over the run; of a mean over projects in a phase, their mean over the run."""
    series = model.metrics
    kind, _, phase = outcome.rpartition("_")
    if kind in ("hazard", "support"):
        weights = series[f"at_risk_{phase}"]
        return float((series[outcome] * weights).sum() / weights.sum())
    return float(series[outcome].sum())


# --- components and group, one by one --------------------------------------------------------------------------------

OWN = {
    "recognise_limits": "project_target", "acquire": "project_quality", "discover": "project_quality",
    "extract_modules": "project_modules", "empower": "project_empowerment", "integrate": "project_knowledge",
    "create": "project_knowledge", "customise": "project_tests_passed", "rebuild": "ties_merged",
    "group_identity": "support_assessment", "group_dialogue": "support_assessment",
    "group_trust": "support_bridging", "group_learning": "support_bridging",
    "group_norms": "support_aggregation", "group_alliance": "support_aggregation",
    "teams": "project_partners", "recall": "solutions_recalled",
}  # fmt: skip


@pytest.mark.parametrize("rule", OWN)
def test_each_switch_has_an_effect_of_its_own(rule: str) -> None:
    """Protects the control of each claim: with the same luck, the mechanism raises what it does first."""
    differences = np.array([total(play(seed), OWN[rule]) - total(play(seed, rule), OWN[rule]) for seed in range(SEEDS)])
    assert differences.mean() > STANDARD_ERRORS * differences.std(ddof=1) / np.sqrt(SEEDS)


@pytest.mark.parametrize(
    ("rule", "outcome", "left"),
    [
        ("extract_modules", "project_modules", 0.0),
        ("empower", "project_empowerment", 0.0),
        ("rebuild", "ties_merged", 0.0),
        ("recall", "solutions_recalled", 0.0),
        ("recall", "partners_replaced", 0.0),
        ("teams", "project_partners", 1.0),
    ],
)
def test_switched_off_nothing_is_left(rule: str, outcome: str, left: float) -> None:
    """Protects switches against a second path: what the mechanism alone does is gone, and is there with it."""
    assert play(1, rule).metrics[outcome].max() == left
    assert play(1).metrics[outcome].max() > left


@pytest.mark.parametrize("phase", GROUPS)
def test_without_its_capability_a_phase_is_not_passed(phase: str) -> None:
    """Protects P80's diagonal, by construction: without its three components no project gets through a phase."""
    model = play(1, *GROUPS[phase])
    assert model.metrics[f"at_risk_{phase}"].sum() > 50.0
    assert model.metrics[f"advances_{phase}"].sum() == 0.0


def test_without_capability_the_group_changes_nothing() -> None:
    """Protects P91: with all nine components off, runs with and without group dynamics are the same but for the support."""
    group = tuple(f"group_{name}" for name in GROUP_VARIABLES)
    with_group, without = (play(2, *KNOWLEDGE_CAPABILITIES, *off).metrics for off in ((), group))
    support = [name for name in with_group if name.startswith("support_")]
    assert with_group["projects_started"].sum() > 50.0
    assert with_group["support_assessment"].max() > 0.1
    assert without["support_assessment"].max() == 0.0
    assert with_group.drop(columns=support).equals(without.drop(columns=support))


# --- search ----------------------------------------------------------------------------------------------------------


def test_best_and_second_best_solution() -> None:
    """Protects search: of n uniform qualities the best has mean n / (n + 1), the second best (n - 1) / (n + 1), also for n = 3.4."""
    organisations, projects = make_table(Organisations, 2), make_table(Projects, 1)
    organisations.uid[:] = 0, 5
    projects.partners[0, 0] = projects.size[0] = 1
    organisations.knowledge_capabilities[:] = 0.6
    settings = knowledge_components.PARAMETERS.values({"breadth": 4.0, "known": 0.5})
    draws = np.empty((4000, 2))
    for step in range(len(draws)):
        projects.set_aside[0] = 0.0
        knowledge_components.find_solution(organisations, projects, 0, np.ones(9), True, settings, 1, step)
        draws[step] = projects.quality[0], projects.set_aside[0]
    expected = 0.8 * np.array([3.4, 2.4]) / 4.4
    errors = draws.std(axis=0) / np.sqrt(len(draws))
    assert (np.abs(draws.mean(axis=0) - expected) < 4.0 * errors).all()
    assert knowledge_components.expected_quality(3.4, 0.8) == pytest.approx(expected[0])
    assert (draws[:, 1] <= draws[:, 0]).all()


def test_target_is_what_is_lacking() -> None:
    """Protects P83's mechanism: who fully sees its limits aims at the largest lack, who sees nothing at any domain."""
    organisations, projects = make_table(Organisations, 2), make_table(Projects, 1)
    organisations.uid[:] = 0, 5
    projects.partners[0, 0] = projects.size[0] = 1
    organisations.knowledge[:] = np.arange(8.0)
    demand = np.full(8, 0.125)
    blind = Counter()
    for step in range(800):
        assert knowledge_components.choose_domain(organisations, projects, 0, demand, 1.0, 1, step) == 1.0
        assert projects.domain[0] == 0
        knowledge_components.choose_domain(organisations, projects, 0, demand, 0.0, 1, step)
        blind[int(projects.domain[0])] += 1
    assert len(blind) == 8
    assert max(blind.values()) < 100.0 + 5.0 * np.sqrt(800 * 0.125 * 0.875)


@pytest.mark.slow
def test_best_distance_in_a_run() -> None:
    """Protects the inverted U in whole projects: held at a distance, partners make most knowledge a project half-way.

    Without modules and integration; knowledge of all is put back each quarter, users' at the angle of the distance.
    """
    made = []
    for distance in (0.1, 0.3, 0.5, 0.7, 0.9):

        def hold(model: Ecosystem, apart: float = distance) -> None:
            knowledge = model.organisations.knowledge
            knowledge[model.rows] = 0.0
            knowledge[model.rows, 0] = 5.0
            users = model.rows[model.organisations.role[model.rows] == model.roles["user"].index]
            knowledge[users, 0] = 5.0 * (1.0 - apart)
            knowledge[users, 1] = 5.0 * np.sqrt(1.0 - (1.0 - apart) ** 2)

        off = {f"rules.{rule}": False for rule in ("extract_modules", "integrate", "teams", "turnover", "recall")}
        each = []
        for seed in range(3):
            model = Ecosystem("cloud-platforms", seed, history=False, **off)
            model.insert_phase(hold, after="share")
            model.run()
            happened = [quarter.events for quarter in model.recorder.quarters]
            code = 7  # project finished
            chosen = [
                detail[(codes == code) & (other % 64 == model.roles["user"].index)]
                for codes, _, other, detail in happened
            ]
            each.append(np.concatenate(chosen).mean())
        made.append(np.mean(each))
    assert np.argmax(made) == 2
    assert made[0] < made[1] < made[2] > made[3] > made[4]


# --- group -----------------------------------------------------------------------------------------------------------


def moved(**deeds: float) -> Ties:
    """Return a tie after a quarter in which a project did something on it; all variables began at 0.4."""
    organisations, ties = make_table(Organisations, 2), make_table(Ties, 1)
    organisations.capital[:], organisations.niche[:], organisations.chain[1] = 100.0, 0.125, 0.4
    ties.b[0], ties.trust[0] = 1, 0.4
    for name in ("identity", "norms", "dialogue", "learning", "alliance"):
        getattr(ties, name)[0] = 0.4
    done = np.zeros((1, group_dynamics.DEEDS))
    for name, value in deeds.items():
        if hasattr(ties, name):
            getattr(ties, name)[0] = value
        else:
            done[0, getattr(group_dynamics, name)] = value
    settings = group_dynamics.PARAMETERS.values({"fading": 0.1, "identification": 0.2, "success": 0.5, "talking": 0.5, "learning": 0.4, "learning_flow": 2.0, "signing": 0.5, "signing_trust": 0.3, "keeping": 0.2, "allying": 0.3, "repeating": 0.5})  # fmt: skip
    group_dynamics.move_group(organisations, ties, make_books(6), np.zeros(1, np.int64), done, np.zeros(1), settings)
    return ties


def test_idle_group_fades() -> None:
    """Protects against growth with time alone: without a project each of the five loses a tenth, and trust is left alone."""
    ties = moved(gave_a=100.0)
    values = [getattr(ties, name)[0] for name in ("identity", "norms", "dialogue", "learning", "alliance")]
    np.testing.assert_allclose(values, 0.36)
    assert ties.trust[0] == 0.4


def test_each_group_variable_has_its_cause() -> None:
    """Protects the six causes: likeness and success, nearness, knowledge that flows, agreements kept, overlap and repetition."""
    worked = moved(WORKED=1.0, KEPT=1.0)
    assert worked.identity[0] == pytest.approx(0.4 + 0.2 * 0.6)
    assert worked.dialogue[0] == pytest.approx(0.4 + 0.5 * 0.6 * 0.6)
    assert worked.learning[0] == worked.alliance[0] == 0.4
    assert worked.norms[0] == pytest.approx(0.4 + 0.2 * 0.4 * 0.6)
    assert moved(WORKED=1.0, KEPT=1.0, PASSED=1.0, finished=1).identity[0] == pytest.approx(0.52 + 0.5 * 0.48)
    assert moved(WORKED=1.0, KEPT=1.0, FAILED=1.0).identity[0] == pytest.approx(0.26)
    assert moved(WORKED=1.0, KEPT=1.0, gave_a=2.0).learning[0] == pytest.approx(0.4 + 0.2 * 0.6)
    assert moved(WORKED=1.0, KEPT=0.5).norms[0] == pytest.approx(0.4 - 0.1 * 0.4)
    assert moved(WORKED=1.0, KEPT=1.0, SIGNING=1.0).norms[0] == pytest.approx(0.448 + 0.5 * 0.552)
    assert moved(WORKED=1.0, KEPT=1.0, SIGNING=1.0, trust=0.2).norms[0] == worked.norms[0]
    assert moved(WORKED=1.0, KEPT=1.0, mode=OVERLAP).alliance[0] == pytest.approx(0.4 + 0.3 * 0.6)
    assert moved(WORKED=1.0, KEPT=1.0, TESTED=1.0, finished=1).alliance[0] == pytest.approx(0.7)
    assert moved(WORKED=1.0, KEPT=1.0, TESTED=1.0, PASSED=1.0, finished=1).alliance[0] == 0.4


# --- the table -------------------------------------------------------------------------------------------------------


def check_projects(model: Ecosystem) -> None:
    """Assert what must hold of the table after each quarter's work."""
    projects, ties, organisations = model.projects, model.ties, model.organisations
    carried: list[int] = []
    for r in model.project_rows:
        lead, size = int(projects.lead[r]), int(projects.size[r])
        assert 1 <= size <= projects.ties.shape[1]
        assert 1 <= projects.phase[r] <= 3
        assert organisations.uid[lead] == projects.lead_uid[r]
        for n in range(size):
            t, partner = int(projects.ties[r, n]), int(projects.partners[r, n])
            assert ties.alive[t]
            assert {int(ties.a[t]), int(ties.b[t])} == {lead, partner}
            assert organisations.uid[partner] == projects.partner_uids[r, n]
            carried.append(t)
        for level in (projects.quality[r], projects.set_aside[r], projects.modules[r], projects.distance[r]):
            assert 0.0 <= level <= 1.0
    assert len(carried) == len(set(carried))
    levels = [getattr(ties, name)[model.tie_rows] for name in GROUP_VARIABLES]
    assert np.min(levels) >= 0.0
    assert np.max(levels) <= 1.0


@pytest.mark.parametrize("seed", [1, 2])
def test_table_stays_consistent(seed: int) -> None:
    """Protects rows against reuse: with much coming and going, each project's ties, lead and partners are those it means."""
    rush = {f"roles.{role}.growth_rate": 0.2 for role in ("firm", "supplier", "university", "user")}
    model = Ecosystem("classroom", seed, history=False, audit=True, **rush)
    model.insert_phase(check_projects, after="co_create")
    model.run()
    assert model.metrics["projects_failed"].sum() > 50.0
    started, ended = model.metrics["projects_started"].sum(), model.metrics[["projects_finished", "projects_failed"]]
    assert started - ended.to_numpy().sum() == len(model.project_rows)


def test_merged_ecologies_are_told() -> None:
    """Protects the count of what came of merging: the events' numbers are the ties, and no pair is tied twice."""
    model = play(1)
    events = model.happened.query("event == 'ecologies merged'")
    assert events["detail"].astype(float).sum() == model.metrics["ties_merged"].sum() > 0.0
    pairs = [frozenset((int(model.ties.a[t]), int(model.ties.b[t]))) for t in model.tie_rows]
    assert len(pairs) == len(set(pairs))


def test_who_uses_which_capability() -> None:
    """Protects the reading that learning follows: lead and seated partners use what the phase needs, nobody else anything."""
    projects = make_table(Projects, 2)
    projects.lead[:], projects.size[:], projects.phase[:] = (0, 2), (2, 1), (1, 3)
    projects.partners[0] = 1, 2, 3
    projects.partners[1] = 4, 1, 1
    used = used_capabilities(projects, np.array([0, 1]), 5)
    np.testing.assert_array_equal(used, [[1, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 0], [0, 0, 1]])


def test_lead_asks_who_promises_most() -> None:
    """Protects the choice of partners: trust, knowledge of the domain and a middling distance; engaged or poor ones are left out."""
    organisations, ties, projects = make_table(Organisations, 5), make_table(Ties, 4), make_table(Projects, 1)
    organisations.capital[:] = 100.0
    organisations.knowledge[:, 0] = 4.0
    organisations.knowledge[2:, 1] = 4.0, 6.0, 7.0
    ties.a[:], ties.b[:], ties.trust[:], ties.alive[:] = 0, (1, 2, 3, 4), 0.5, True
    projects.domain[0] = 1
    starts, lists = ties_of_each(ties, np.arange(4), 5)
    settings, engaged = PARAMETERS.values({}), np.zeros(4, bool)
    assert promise(organisations, ties, 0, 0, 1) == 0.0
    assert best_free_tie(organisations, ties, projects, 0, engaged, starts, lists, settings) == 3
    organisations.capital[4] = 1.0
    assert best_free_tie(organisations, ties, projects, 0, engaged, starts, lists, settings) == 2
    engaged[2] = True
    assert best_free_tie(organisations, ties, projects, 0, engaged, starts, lists, settings) == 1
