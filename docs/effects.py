"""Writes the table of paired effects: ``python docs/effects.py``; every switch on and off on the same seeds.

An effect is the mean over seeds of an outcome with the switch on less the same with it off, with a 95 % interval from
Student's t over the paired differences. ``--seeds N`` takes other than thirty seeds; ``--check`` writes nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from generate import table
from numpy.typing import NDArray
from scipy import stats

import ecosim
from ecosim.grammar import RULES
from ecosim.state import CONSTRAINTS

PAGE = Path(__file__).resolve().parent / "effects.md"
SEEDS = range(1, 31)


class Question(NamedTuple):
    """A switch, and the outcome that its mechanism moves first.

    Attributes
    ----------
    summary : "mean", "sum" or "final" of the outcome over the run, or "early", the mean of its first six years: what is
        quick at first has less left to do later.
    settings : what differs from the scenario besides, on both sides.
    """

    switch: str
    scenario: str
    outcome: str
    summary: str
    settings: tuple[tuple[str, Any], ...] = ()


class Answer(NamedTuple):
    """What came out: means with the switch on and off, effect, half width of its 95 % interval."""

    question: Question
    on: float
    off: float
    effect: float
    width: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves zero out."""
        return abs(self.effect) > self.width


def asked_in(scenario: str, *questions: tuple[str, str, str]) -> tuple[Question, ...]:
    """Return questions, each a switch, an outcome and a summary of it, asked in one scenario."""
    return tuple(Question(switch, scenario, outcome, summary) for switch, outcome, summary in questions)


CLASSROOM, HUAWEI, BASEBAND, CORE, EMBARGO = (
    "classroom", "huawei-ecosystem", "huawei-baseband", "core-technology", "embargo",
)  # fmt: skip
GROUPS: dict[str, tuple[Question, ...]] = {
    "Capability components: search, fusion, development (S002)": asked_in(
        CLASSROOM,
        ("recognise_limits", "project_target", "mean"), ("acquire", "project_quality", "mean"), ("discover", "project_quality", "mean"),
        ("extract_modules", "project_modules", "mean"), ("extract_modules", "project_knowledge", "sum"),
        ("empower", "project_empowerment", "sum"), ("integrate", "project_knowledge", "sum"),
        ("create", "project_knowledge", "sum"), ("customise", "project_tests_passed", "sum"), ("rebuild", "ties_merged", "sum"),
    ),
    "Group dynamics: cognition and action (S002)": asked_in(
        CLASSROOM,
        ("group_identity", "hazard_assessment", "mean"), ("group_dialogue", "hazard_assessment", "mean"),
        ("group_trust", "hazard_bridging", "mean"), ("group_learning", "hazard_bridging", "mean"),
        ("group_norms", "hazard_aggregation", "mean"), ("group_alliance", "hazard_aggregation", "mean"),
    ),
    "Constraints on breakthrough (S003)": asked_in(
        CORE,
        *((f"constraint_{name}", f"sufficiency_{name}", "mean") for name in CONSTRAINTS),
        *((f"constraint_{name}", "breakthrough_hazard", "early") for name in CONSTRAINTS),
    ),
    "Dynamic capabilities (S000)": asked_in(
        CLASSROOM,
        ("perception_capability", "direction_error", "mean"), ("orchestration_capability", "research_yield", "mean"),
        ("co_creation_capability", "projects_started", "sum"), ("co_sharing_capability", "capability_transfer", "mean"),
    ),
    "Evolutionary operators (S003, Table 1)": asked_in(
        CLASSROOM,
        ("heredity", "entrant_distance", "mean"), ("imitation", "novelty_imitation", "mean"), ("mutation", "routine_diversity", "mean"),
        ("crossbreeding", "novelty_crossbreeding", "mean"), ("selection", "exits_weakness", "sum"),
    ),
    "Phases of the quarter": asked_in(
        CLASSROOM,
        ("environment", "environment_technology", "mean"), ("perception", "direction_error", "final"),
        ("orchestration", "research_firms", "mean"), ("symbiosis", "ties", "mean"), ("open_sharing", "channel_pool", "mean"),
        ("governance", "platform_capital", "mean"), ("co_creation", "projects_finished", "sum"), ("adoption", "adopted_share", "final"),
        ("value_sharing", "capability_transfer", "mean"), ("learning", "capability_co_creation", "final"),
        ("turnover", "organisations", "final"),
    ) + asked_in(BASEBAND, ("breakthrough", "mastered", "final")),
    "Mechanisms inside a phase": asked_in(
        CLASSROOM,
        ("trust", "mean_trust", "mean"), ("platforms", "drawn_knowledge", "mean"), ("protection", "leaked_knowledge", "mean"),
        ("internal_reform", "mean_culture", "mean"), ("leakage", "leaked_knowledge", "mean"), ("intermediation", "memberships", "mean"),
        ("competition", "hires_moved", "mean"), ("division_of_labour", "gain_from_trade", "mean"), ("teams", "project_partners", "mean"),
        ("recall", "partners_replaced", "sum"),
    ) + asked_in(HUAWEI, ("joint_ventures", "joint_ventures", "mean")) + asked_in(
        BASEBAND,
        ("prerequisites", "components_worked_on", "mean"), ("prerequisites", "mastered_core", "mean"),
        ("dated_entry", "entry_off_date", "final"),
    ) + asked_in(CORE, ("crossover", "breakthrough_hazard", "early"), ("licensing", "components_licensed", "mean")) + asked_in(EMBARGO, ("imports", "domestic_supply_share", "mean")),
}  # fmt: skip
World = tuple[str, tuple[tuple[str, Any], ...], int]


def summaries(world: World) -> dict[tuple[str, str], float]:
    """Run one world and return every outcome's summaries."""
    scenario, settings, seed = world
    metrics = ecosim.Ecosystem(scenario, seed=seed, history=False, **dict(settings)).run().metrics
    numbers = metrics.select_dtypes("number")
    return {
        (name, kind): float(value)
        for name in numbers
        for kind, value in (
            ("mean", numbers[name].mean()),
            ("sum", numbers[name].sum()),
            ("final", numbers[name].iloc[-1]),
            ("early", numbers[name].iloc[:24].mean()),
        )
    }


def paired(on: NDArray[np.float64], off: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean of the paired differences and the half width of its 95 % interval."""
    difference = on - off
    width = stats.t.ppf(0.975, len(difference) - 1) * difference.std(ddof=1) / np.sqrt(len(difference))
    return float(difference.mean()), float(width)


def answers(questions: Sequence[Question], seeds: Iterable[int]) -> list[Answer]:
    """Ask each question of the same seeds, in two processes; a world that serves several questions runs once."""
    seeds = list(seeds)
    sides = {
        question: (question.settings, (*question.settings, (f"rules.{question.switch}", False)))
        for question in questions
    }
    worlds = list(
        dict.fromkeys((q.scenario, side, seed) for q, both in sides.items() for side in both for seed in seeds)
    )
    with ProcessPoolExecutor(2) as pool:
        found = dict(zip(worlds, pool.map(summaries, worlds, chunksize=len(seeds)), strict=True))
    result = []
    for question, both in sides.items():
        key = (question.outcome, question.summary)
        on, off = (np.array([found[question.scenario, side, seed][key] for seed in seeds]) for side in both)
        result.append(Answer(question, float(on.mean()), float(off.mean()), *paired(on, off)))
    return result


def as_table(found: Iterable[Answer]) -> str:
    """Return answers as a table."""
    rows = (
        (
            f"`{each.question.switch}`",
            each.question.scenario + "".join(f", `{path}={value}`" for path, value in each.question.settings),
            f"{each.question.summary} of `{each.question.outcome}`",
            f"{each.on:.4g}",
            f"{each.off:.4g}",
            f"{each.effect:.3g} ± {each.width:.2g}",
            "yes" if each.clear else "**no**",
        )
        for each in found
    )
    return table(("switch", "world", "outcome", "on", "off", "on minus off", "clear of zero"), rows)


def page(found: Sequence[Answer], seeds: Sequence[int]) -> str:
    """Return the whole page."""
    by_question = {each.question: each for each in found}
    parts = [
        "# What each switch does\n\n"
        "The paired effect of every switch on the outcome that its mechanism moves first: the same seeds with the switch on\n"
        "and off, all else as it is. Written by `python docs/effects.py`. A switch without an effect on its own outcome would be\n"
        "a defect of the model; an effect there says nothing yet about what the papers claim further down the chain. Where the\n"
        "outcome is what the mechanism alone makes, such as joint ventures, it is zero without the switch by construction: the row\n"
        "shows that the path exists, no more. Each constraint has a second row, the hazard that it holds back.\n\n"
        f"Seeds {seeds[0]} to {seeds[-1]}, ecosim {ecosim.__version__}; 95 % intervals from Student's t over the paired differences."
    ]
    for group, questions in GROUPS.items():
        parts.append(f"## {group}\n\n{as_table(by_question[question] for question in questions)}")
    return "\n\n".join(parts) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Ask, print what is not clear of zero, write the page; return the status of the process."""
    count = int(arguments[arguments.index("--seeds") + 1]) if "--seeds" in arguments else len(SEEDS)
    seeds = range(1, count + 1)
    questions = [question for group in GROUPS.values() for question in group]
    missing = set(RULES) - {question.switch for question in questions}
    assert not missing, f"no question is asked of {sorted(missing)}"
    begun = time.perf_counter()
    found = answers(questions, seeds)
    print(f"{len(questions)} questions, {count} seeds, {time.perf_counter() - begun:.0f} s")
    print(as_table(found) if "--check" in arguments else as_table(each for each in found if not each.clear))
    if "--check" not in arguments:
        PAGE.write_text(page(found, seeds), encoding="utf-8")
    return 0 if {each.question.switch for each in found if each.clear} == set(RULES) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
