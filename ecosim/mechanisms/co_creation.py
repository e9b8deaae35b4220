"""Co-creation projects (S002): a lead and its partners go through assessment, bridging and aggregation to a test.

Capability drives a project from phase to phase (`project_work`), by nine components that each do something of their own
(`knowledge_components`); the group supports it (`group_dynamics`). A passed test makes knowledge and value and joins the
partners' surroundings (`ecology_merging`); a failed one leads back to a solution set aside, or to another one (P86).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.columns import has_room, living
from ecosim.compilation import compiled
from ecosim.ledger import room_for_events
from ecosim.mechanisms.ecology_merging import merge_ecologies, most_introduced, nobody_introduced, seats_before_test
from ecosim.mechanisms.group_dynamics import DEEDS, move_group, switched_group
from ecosim.mechanisms.knowledge_components import switched_components
from ecosim.mechanisms.project_teams import drop_departed, engaged_ties, wish_projects
from ecosim.mechanisms.project_work import (
    ADVANCED,
    AT_RISK,
    COUNTS,
    FINISHED,
    GIVEN_UP,
    HAZARD,
    LACK,
    MADE,
    MERGED,
    MODULES_TESTED,
    MOVED,
    PASSES,
    RECALLED,
    REPLACED,
    STARTED,
    SUPPORT,
    TESTS,
    VALUE,
    start_projects,
    work_on_projects,
)
from ecosim.mechanisms.ties import ties_of_each
from ecosim.outcomes import COUNT, LEVEL, MONEY, SHARE, Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import GROUP_VARIABLES, PHASES, PROJECT_TABLE, TIE_TABLE, Column, ProjectCounts, Projects, State

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("co_creation", __name__, {
    "start_rate": Parameter(0.35, 0.0, 1.0, "1/quarter", "Chance that a tie without a project starts one, at full trust and co-creation capability.", _ASSUMED),
    "unskilled": Parameter(0.1, 0.0, 1.0, "share", "Part of that chance that is there without the capability of co-creation.", _ASSUMED),
    "invitation": Parameter(0.5, 0.0, 1.0, "1", "Chance that a further partner who is asked joins, at full trust.", "S002 4(2): joint groups, special teams (P95)"),
    "cost": Parameter(0.5, 0.0, 1e4, "million CNY a quarter", "What each member puts into a project under way.", _ASSUMED),
    "advance": Parameter(1.2, 0.0, 20.0, "1/quarter", "Hazard of moving to the next phase at full capability and without support by the group.", "S002 J_DY1: a new product in under three months at best"),
    "group_support": Parameter(2.0, 0.0, 10.0, "1", "How much full support by the group adds to the effect of capability, as a multiple of it.", "S002 4: group dynamics moderates (P84, P87, P91)"),
    "coordination": Parameter(0.15, 0.0, 10.0, "1", "How much each partner beyond the first slows a project.", "costs of coordination grow with partners: Laursen and Salter 2006"),
    "giving_up": Parameter(0.03, 0.0, 1.0, "1/quarter", "Chance that a project that does not move on is given up.", "61 % of alliances failed or limping (Accenture 1999)"),
    "most_rounds": Parameter(3, 1, 100, "rounds", "Failed tests after which a project is given up by partners of middling appetite for risk.", "S002 T11 (P86, P93)"),
    "recall_quality": Parameter(1.0, 0.0, 10.0, "1", "Quality, against what a new search finds on average, from which a project comes back to a solution set aside: it needs no new assessment.", _ASSUMED),
    "difficulty": Parameter(0.45, 0.0, 1.0, "1", "Chance that the test of a solution that fits perfectly fails.", "61 % of alliances failed or limping (Accenture 1999)"),
    "introductions": Parameter(1, 0, 20, "partners", "Own partners that each side of a finished project introduces to the other, at full capability to rebuild.", "S002 4(3)1: the ecologies of both merge (P97)"),
})  # fmt: skip

_PHASES = PHASES[1:]
OUTCOMES = (
    Outcome("projects_started", COUNT, "Projects started."),
    Outcome("projects_finished", COUNT, "Projects whose test was passed."),
    Outcome("projects_failed", COUNT, "Projects given up, or left by all partners."),
    Outcome("project_tests", COUNT, "Tests of projects' solutions."),
    Outcome("project_tests_passed", SHARE, "Share of them that were passed; 0 without a test."),
    Outcome("project_rounds", COUNT, "Failed tests of a project under way, mean."),
    Outcome("project_knowledge", "firm-years of median R&D", "Knowledge made in projects, by all members together."),
    Outcome("project_value", MONEY, "Value that projects created."),
    Outcome("project_target", SHARE, "Lack of knowledge, against demand, in the domains that new projects aim at, as a part of the team's largest; 0 without a new project."),
    Outcome("project_partners", COUNT, "Partners beside the lead, mean over projects under way."),
    Outcome("project_quality", LEVEL, "Quality of the solution worked on, mean over projects under way."),
    Outcome("project_distance", LEVEL, "Distance between the knowledge of lead and partners, mean over projects under way."),
    Outcome("project_modules", SHARE, "Part of knowledge in modules when a solution is tested, mean over tests; 0 without a test."),
    Outcome("project_empowerment", "firm-years of median R&D", "Knowledge that partners gave each other in bridging."),
    Outcome("solutions_recalled", COUNT, "Failed tests after which projects came back to a solution set aside."),
    Outcome("partners_replaced", COUNT, "Failed tests after which another partner took part."),
    Outcome("ties_merged", COUNT, "Ties formed because finished projects joined their partners' surroundings."),
    Outcome("agreements", COUNT, "Agreements signed when projects entered aggregation."),
    *(Outcome(f"advances_{phase}", COUNT, f"Projects that got through {phase}.") for phase in _PHASES),
    *(Outcome(f"at_risk_{phase}", COUNT, f"Projects in {phase} that could get through it.") for phase in _PHASES),
    *(Outcome(f"hazard_{phase}", "1/quarter", f"Hazard of getting through {phase}, mean over projects in it; 0 without one.") for phase in _PHASES),
    *(Outcome(f"support_{phase}", LEVEL, f"Support by the group, mean over projects in {phase}; 0 without one.") for phase in _PHASES),
    *(Outcome(f"group_{variable}", LEVEL, f"Mean {variable} over ties with a project under way.") for variable in GROUP_VARIABLES),
)  # fmt: skip


def make_project_counts() -> ProjectCounts:
    """Return the counts before the first quarter."""
    return ProjectCounts(np.full(1, -1), np.zeros(len(OUTCOMES)))


# Where outcomes stand among `OUTCOMES`: that of projects given up, and the first of those by phase.
_FAILED, _BY_PHASE = 2, 18


@compiled
def outcomes(state: State, numbers: Any, step: int, out: Column) -> None:
    """Write what projects did in the quarter into `out`, (outcomes,); nothing if their phase did not run."""
    if state.project_counts.step[0] == step:
        out[:] = state.project_counts.values


@compiled
def used_capabilities(projects: Projects, project_rows: Column, organisations: int) -> Column:
    """Return which of search, fusion and development each organisation uses in a project under way, (organisations, 3) of 0 and 1."""
    used = np.zeros((organisations, 3))
    for r in project_rows:
        phase = projects.phase[r] - 1
        used[projects.lead[r], phase] = 1.0
        for n in range(projects.size[r]):
            used[projects.partners[r, n], phase] = 1.0
    return used


@compiled
def drop(state: State, numbers: Any, seed: int, step: int) -> bool:
    """Partners whose tie has ended leave their projects; a project that all have left has failed."""
    projects, counted = state.projects, state.project_counts
    rows = living(projects.alive, state.project_slots)
    if not room_for_events(state.events, rows.size, state.short):
        return False
    counted.step[0] = step
    counted.values[:] = 0.0
    counted.values[_FAILED] = drop_departed(state.ties, projects, state.project_slots, state.events, rows)
    return True


@compiled
def co_create(state: State, numbers: Any, seed: int, step: int) -> bool:
    """Start projects, move them on, test them, book what they make, and let the group follow."""
    organisations, ties, projects, p = state.organisations, state.ties, state.projects, numbers.co_creation
    under_way, tie_rows = living(projects.alive, state.project_slots), living(ties.alive, state.tie_slots)
    used = state.tie_slots.state[1]
    engaged, starting = engaged_ties(projects, under_way, used), np.zeros(used, np.bool_)
    skilled = 1.0 if numbers.rules.co_creation_capability else 0.0
    wishes = wish_projects(organisations, ties, tie_rows, engaged, starting, skilled, p, seed, step)
    seats = seats_before_test(projects, under_way)
    most = most_introduced(seats, p)
    # All three are asked, so that one enlargement makes the room for all.
    if not (
        has_room(state.project_slots, wishes, state.short, PROJECT_TABLE)
        & has_room(state.tie_slots, most, state.short, TIE_TABLE)
        & room_for_events(state.events, under_way.size + seats + most, state.short)
    ):
        return False
    starts, tie_lists = ties_of_each(ties, tie_rows, state.slots.state[1])
    on, group_on, recall = switched_components(numbers.rules), switched_group(numbers.rules), numbers.rules.recall
    demand, components = state.environment.demand, numbers.knowledge_components
    price = numbers.open_sharing.usefulness * state.environment.knowledge_cost[0]
    trust = numbers.symbiosis.project_trust if numbers.rules.trust else 0.0
    counts, deeds, signed = np.zeros(COUNTS), np.zeros((used, DEEDS)), np.zeros(1)
    counts[GIVEN_UP] = state.project_counts.values[_FAILED]
    start_projects(organisations, ties, projects, state.project_slots, tie_rows, engaged, starting, starts, tie_lists,
                   demand, on, numbers.rules.teams, recall, p, components, counts, seed, step)  # fmt: skip
    organisations.active[: state.slots.state[1]] = 0.0
    work_on_projects(organisations, ties, projects, state.project_slots, state.books, state.events, under_way, engaged,
                     starts, tie_lists, deeds, demand, on, group_on, recall, p, components, price, trust,
                     numbers.orchestration.memory, counts, seed, step)  # fmt: skip
    move_group(organisations, ties, state.books, tie_rows, deeds, signed, numbers.group_dynamics)
    introduced = nobody_introduced(state.slots.state[1], most)
    counts[MERGED] = merge_ecologies(
        organisations, ties, state.tie_slots, projects, state.project_slots, state.events, under_way, starts, tie_lists,
        introduced, numbers.roles.interface, on, p, numbers.symbiosis, seed, step)  # fmt: skip
    _count(state, counts, signed[0], state.project_counts.values)
    return True


@compiled
def _count(state: State, counts: Column, signed: float, values: Column) -> None:
    """Write the quarter's outcomes into `values`, (outcomes,), in the order of `OUTCOMES`."""
    projects, rows = state.projects, living(state.projects.alive, state.project_slots)
    rounds, partners, quality, distance = 0.0, 0.0, 0.0, 0.0
    for r in rows:
        rounds += projects.rounds[r]
        partners += projects.size[r]
        quality += projects.quality[r]
        distance += projects.distance[r]
    tests, under_way = max(1.0, counts[TESTS]), max(1, rows.size)
    for position, value in enumerate((
        counts[STARTED], counts[FINISHED], counts[GIVEN_UP], counts[TESTS], counts[PASSES] / tests,
        rounds / under_way, counts[MADE], counts[VALUE], counts[LACK] / max(1.0, counts[STARTED]),
        partners / under_way, quality / under_way, distance / under_way, counts[MODULES_TESTED] / tests,
        counts[MOVED], counts[RECALLED], counts[REPLACED], counts[MERGED], signed,
    )):  # fmt: skip
        values[position] = value
    for phase in range(3):
        at_risk = max(1.0, counts[AT_RISK + phase])
        values[_BY_PHASE + phase] = counts[ADVANCED + phase]
        values[_BY_PHASE + 3 + phase] = counts[AT_RISK + phase]
        values[_BY_PHASE + 6 + phase] = counts[HAZARD + phase] / at_risk
        values[_BY_PHASE + 9 + phase] = counts[SUPPORT + phase] / at_risk
    _count_group(state, rows, values[_BY_PHASE + 12 :])


@compiled
def _count_group(state: State, project_rows: Column, values: Column) -> None:
    """Write the means of the six group variables over ties with a project under way into `values`, (variables,)."""
    ties = state.ties
    values[:] = 0.0
    carrying = np.flatnonzero(engaged_ties(state.projects, project_rows, state.tie_slots.state[1]))
    for t in carrying:
        values[0] += ties.identity[t]
        values[1] += ties.trust[t]
        values[2] += ties.norms[t]
        values[3] += ties.dialogue[t]
        values[4] += ties.learning[t]
        values[5] += ties.alliance[t]
    values /= max(1, carrying.size)
