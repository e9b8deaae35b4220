"""Co-creation projects (S002): a lead and its partners go through assessment, bridging and aggregation to a test.

Capability drives a project from phase to phase (`project_work`), by nine components that each do something of their own
(`knowledge_components`); the group supports it (`group_dynamics`). A passed test makes knowledge and value and joins the
partners' surroundings (`ecology_merging`); a failed one leads back to a solution set aside, or to another one (P86).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecosim.columns import ensure_room
from ecosim.measures import mean_or_zero
from ecosim.mechanisms import project_work
from ecosim.mechanisms.ecology_merging import merge_ecologies
from ecosim.mechanisms.group_dynamics import DEEDS, move_group
from ecosim.mechanisms.project_teams import drop_departed, engaged_ties, ties_of_each, wish_projects
from ecosim.mechanisms.project_work import start_projects, work_on_projects
from ecosim.outcomes import COUNT, LEVEL, MONEY, SHARE, Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import GROUP_VARIABLES, KNOWLEDGE_CAPABILITIES, PHASES, TEAM, Column, ProjectCounts, Projects

if TYPE_CHECKING:
    from ecosim.model import Ecosystem

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


def outcomes(model: Ecosystem) -> tuple[float, ...]:
    """Return what projects did in the quarter; nothing if their phase did not run."""
    counted = model.project_counts.step[0] == model.step_number
    return tuple(model.project_counts.values) if counted else (0.0,) * len(OUTCOMES)


def used_capabilities(projects: Projects, project_rows: Column, organisations: int) -> Column:
    """Return which of search, fusion and development each organisation uses in a project under way, (organisations, 3) of 0 and 1."""
    used = np.zeros((organisations, 3))
    phase = projects.phase[project_rows] - 1
    used[projects.lead[project_rows], phase] = 1.0
    for n in range(TEAM):
        seated = projects.size[project_rows] > n
        used[projects.partners[project_rows[seated], n], phase[seated]] = 1.0
    return used


def co_create(model: Ecosystem) -> None:
    """Start projects, move them on, test them, book what they make, and let the group follow."""
    settings, components = model.parameters["co_creation"], model.parameters["knowledge_components"]
    model.projects, model.project_slots = ensure_room(model.projects, model.project_slots, len(model.tie_rows))
    introduced = 2 * settings.introductions * TEAM * len(model.project_rows)
    model.ties, model.tie_slots = ensure_room(model.ties, model.tie_slots, introduced)
    model._room_for_events(2 * len(model.project_rows) + introduced)
    organisations, ties, projects, tie_rows = model.organisations, model.ties, model.projects, model.tie_rows
    counts, deeds, signed = np.zeros(project_work.COUNTS), np.zeros((len(ties.uid), DEEDS)), np.zeros(1)
    on, group_on = (
        model.switched(*KNOWLEDGE_CAPABILITIES),
        model.switched(*(f"group_{name}" for name in GROUP_VARIABLES)),
    )
    demand, recall = model.environment.demand, model.rules["recall"]
    price = model.parameters["open_sharing"].usefulness * float(model.environment.knowledge_cost[0])
    trust = model.parameters["symbiosis"].project_trust if model.rules["trust"] else 0.0
    luck = model.seed, model.step_number

    left = drop_departed(ties, projects, model.project_slots, model.events, model.project_rows)
    under_way = model.project_rows
    engaged, starting = engaged_ties(projects, under_way, ties), np.zeros(len(ties.uid), np.bool_)
    starts, tie_lists = ties_of_each(ties, tie_rows, len(organisations.uid))
    wish_projects(organisations, ties, tie_rows, engaged, starting, model.switched("co_creation_capability")[0], settings,
                  *luck)  # fmt: skip
    start_projects(organisations, ties, projects, model.project_slots, tie_rows, engaged, starting, starts, tie_lists,
                   demand, on, model.rules["teams"], recall, settings, components, counts, *luck)  # fmt: skip
    organisations.active[:] = 0.0
    work_on_projects(organisations, ties, projects, model.project_slots, model.books, model.events, under_way, engaged,
                     starts, tie_lists, deeds, demand, on, group_on, recall, settings, components, price, trust,
                     model.parameters["orchestration"].memory, counts, *luck)  # fmt: skip
    move_group(organisations, ties, model.books, tie_rows, deeds, signed, model.parameters["group_dynamics"])
    counts[project_work.MERGED] = merge_ecologies(
        organisations, ties, model.tie_slots, projects, model.project_slots, model.events, under_way, starts, tie_lists,
        model.numbers.roles.interface, on, settings, model.parameters["symbiosis"], *luck)  # fmt: skip
    counts[project_work.GIVEN_UP] += left
    _count(model, counts, float(signed[0]))


def _count(model: Ecosystem, counts: Column, signed: float) -> None:
    """Write the quarter's outcomes down, in the order of `OUTCOMES`."""
    work, rows, projects, ties = project_work, model.project_rows, model.projects, model.ties
    under_way = max(1, len(rows))
    carrying = np.flatnonzero(engaged_ties(projects, rows, ties))
    tests, passes, at_risk = counts[work.TESTS], counts[work.PASSES], counts[work.AT_RISK : work.AT_RISK + 3]
    means = (projects.rounds, projects.size, projects.quality, projects.distance)
    rounds, partners, quality, distance = (float(column[rows].sum()) / under_way for column in means)
    model.project_counts.step[0] = model.step_number
    model.project_counts.values[:] = (
        counts[work.STARTED], counts[work.FINISHED], counts[work.GIVEN_UP], tests, passes / max(1.0, tests), rounds,
        counts[work.MADE], counts[work.VALUE], counts[work.LACK] / max(1.0, counts[work.STARTED]), partners, quality,
        distance, counts[work.MODULES_TESTED] / max(1.0, tests), counts[work.MOVED], counts[work.RECALLED],
        counts[work.REPLACED], counts[work.MERGED], signed, *counts[work.ADVANCED : work.ADVANCED + 3], *at_risk,
        *counts[work.HAZARD : work.HAZARD + 3] / np.maximum(1.0, at_risk),
        *counts[work.SUPPORT : work.SUPPORT + 3] / np.maximum(1.0, at_risk),
        *(mean_or_zero(getattr(ties, name)[carrying]) for name in GROUP_VARIABLES),
    )  # fmt: skip
