"""Writes which capability carries projects through which phase (S002): ``python docs/capability_by_phase.py``; a minute or two.

The tables stand on the page of the scenario `cloud-platforms`. Each row is asked of the same 30 seeds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from generate import table
from numpy.typing import NDArray
from tables import SEEDS, write

import ecosim
from ecosim.state import KNOWLEDGE_CAPABILITIES, PHASES

SCENARIO = "cloud-platforms"
GROUPS = {
    "search": KNOWLEDGE_CAPABILITIES[:3],
    "fusion": KNOWLEDGE_CAPABILITIES[3:6],
    "development": KNOWLEDGE_CAPABILITIES[6:],
}
GROUP_DYNAMICS = tuple(f"group_{name}" for name in ("identity", "trust", "norms", "dialogue", "learning", "alliance"))
PATHS = (
    "projects_finished", "project_knowledge", "project_value", "project_target", "project_quality",
    "project_modules", "project_empowerment", "ties_merged",
)  # fmt: skip
Answers = NDArray[np.float64]


def observe(seed: int, off: Iterable[str]) -> list[float]:
    """Return a run's advances and quarters at risk by phase, tests and tests passed, and sums of what projects made."""
    model = ecosim.Ecosystem(SCENARIO, seed=seed, history=False, **{f"rules.{rule}": False for rule in off}).run()
    metrics = model.metrics
    by_phase = [metrics[f"{kind}_{phase}"].sum() for kind in ("advances", "at_risk") for phase in PHASES[1:]]
    passed = (metrics["project_tests"] * metrics["project_tests_passed"]).sum()
    started = metrics["projects_started"]
    sums = {name: metrics[name].sum() for name in PATHS}
    sums["project_target"] = (metrics["project_target"] * started).sum() / max(1.0, started.sum())
    for name in ("project_quality", "project_modules"):
        weights = metrics["project_tests" if name == "project_modules" else "projects_active"]
        sums[name] = (metrics[name] * weights).sum() / max(1.0, weights.sum())
    return [*by_phase, metrics["project_tests"].sum(), passed, *sums.values()]


def asked(questions: dict[str, Iterable[str]]) -> dict[str, Answers]:
    """Return what all seeds answer to each question, (seeds, readings)."""
    return {name: np.array([observe(seed, off) for seed in SEEDS]) for name, off in questions.items()}


def rate(answers: Answers, advances: int, at_risk: int) -> str:
    """Return the part that moved on, with the range that holds the truth 19 times in 20, by seeds; a dash if none could."""
    above, below = answers[:, advances], answers[:, at_risk]
    if below.sum() == 0.0:
        return "none there"
    mean = above.sum() / below.sum()
    # The standard error of a ratio of sums over independent seeds.
    error = np.sqrt(len(above)) * (above - mean * below).std(ddof=1) / below.sum()
    return f"{mean:.3f} ± {2.0 * error:.3f}"


def phase_table(answers: dict[str, Answers]) -> str:
    """Return the chance of moving on in a quarter, a row a question, a column a phase, and the chance of passing the test."""
    rows = ([name, *(rate(each, k, k + 3) for k in range(3)), rate(each, 7, 6)] for name, each in answers.items())
    return table(("moved on, share of quarters at risk", *PHASES[1:], "tests passed"), rows)


def number(value: float, sign: str = "") -> str:
    """Return a number to three digits, large ones in full."""
    return f"{value:{sign},.0f}" if abs(value) >= 100.0 else f"{value:{sign}.3g}"


def path_table(answers: dict[str, Answers]) -> str:
    """Return what projects made, as mean over seeds, and the paired difference from the first question."""
    base = next(iter(answers.values()))
    rows = []
    for name, each in answers.items():
        cells = []
        for column in range(8, 8 + len(PATHS)):
            difference = each[:, column] - base[:, column]
            error = 2.0 * difference.std(ddof=1) / np.sqrt(len(difference))
            mean, change = number(each[:, column].mean()), number(difference.mean(), "+")
            cells.append(mean if each is base else f"{mean} ({change} ± {number(error)})")
        rows.append([name, *cells])
    return table(("", *(f"`{name}`" for name in PATHS)), rows)


def main() -> None:
    """Run everything and write the tables."""
    shipped: dict[str, Any] = {"all on": ()}
    groups = asked(shipped | {f"no {name}": off for name, off in GROUPS.items()})
    components = asked(shipped | {f"no `{name}`": (name,) for name in KNOWLEDGE_CAPABILITIES})
    dynamics = asked(
        shipped | {f"no `{name}`": (name,) for name in GROUP_DYNAMICS} | {"no group dynamics": GROUP_DYNAMICS}
    )
    write(SCENARIO, {
        "phases": phase_table(groups),
        "components": phase_table(components),
        "paths": path_table(components),
        "group": phase_table(dynamics),
    })  # fmt: skip


if __name__ == "__main__":
    main()
