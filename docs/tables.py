"""Writes the tables of docs/scenarios/huawei-ecosystem.md: ``python docs/tables.py``; 210 runs, two to five minutes.

Each question is asked of the same seeds, so that a row differs from the first by the rule alone, not by luck.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from generate import table
from numpy.typing import NDArray

import ecosim
from ecosim.mechanisms.stages import element_prices, make_reading, read_channels
from ecosim.state import REGIMES, STAGES

PAGE = Path(__file__).resolve().parent / "scenarios" / "huawei-ecosystem.md"
SCENARIO, SEEDS = "huawei-ecosystem", range(1, 31)

# What is asked: a name, and the settings that differ from the scenario's.
QUESTIONS: dict[str, dict[str, Any]] = {
    "all rules on": {},
    "`rules.open_sharing=false`": {"rules.open_sharing": False},
    "`rules.symbiosis=false`": {"rules.symbiosis": False},
    "`rules.trust=false`": {"rules.trust": False},
    "`rules.value_sharing=false`": {"rules.value_sharing": False},
    "`open_sharing.opening_speed=0`": {"open_sharing.opening_speed": 0.0},
    "`value_sharing.transfer_share=0`": {"value_sharing.transfer_share": 0.0},
}
# How the same runs read with another yardstick: parameters of the reading, each with its factor.
READINGS: dict[str, dict[str, float]] = {
    "as shipped": {},
    "`stages.knowledge_price` halved": {"knowledge_price": 0.5},
    "`stages.knowledge_price` doubled": {"knowledge_price": 2.0},
    "`stages.services_price` halved": {"services_price": 0.5},
    "`stages.services_price` doubled": {"services_price": 2.0},
    "`stages.smoothing` a third": {"smoothing": 1.0 / 3.0},
    "`stages.smoothing` doubled": {"smoothing": 2.0},
    "`stages.margin` 0": {"margin": 0.0},
    "`stages.margin` doubled": {"margin": 2.0},
    "`stages.margin` four times": {"margin": 4.0},
}


class Outcome(NamedTuple):
    """What is kept of a run.

    Attributes
    ----------
    stages : stage after each quarter, of each reading.
    regimes : the core firm's regime after each quarter.
    value : value by stage and beneficiary, million CNY.
    lost : whether the core firm left.
    digest : hash of the run's tables.
    """

    stages: dict[str, NDArray[np.int64]]
    regimes: NDArray[np.int64]
    value: NDArray[np.float64]
    lost: bool


def observe(task: tuple[int, Mapping[str, Any]]) -> Outcome:
    """Run one seed and read its stages with every yardstick."""
    seed, settings = task
    model = ecosim.Ecosystem(SCENARIO, seed=seed, history=False, **settings)
    readings = {name: make_reading() for name in READINGS}
    stages: dict[str, list[int]] = {name: [] for name in READINGS}
    value = np.zeros((len(STAGES), len(model.recorder.beneficiaries)))
    shipped = model.parameters["stages"]
    focal = model.row_of(next(iter(model.names)))
    uid = int(model.organisations.uid[focal])
    for _ in range(model.scenario.steps):
        model.step()
        for name, factors in READINGS.items():
            yardstick = shipped._replace(**{key: getattr(shipped, key) * factor for key, factor in factors.items()})
            prices = element_prices(yardstick, float(model.environment.knowledge_cost[0]))
            read_channels(readings[name], model.books.flows, prices, yardstick)
            stages[name].append(int(readings[name].state[0]))
        value[model.reading.state[0]] += model.books.value.sum(axis=1)
    assert stages["as shipped"] == [quarter.stage for quarter in model.recorder.quarters]
    regimes = np.array([int(quarter.metrics["regime"]) for quarter in model.recorder.quarters])
    living = set(model.organisations.uid[model.rows].tolist())
    return Outcome({name: np.array(read) for name, read in stages.items()}, regimes, value, uid not in living)


def year(step: int) -> str:
    """Return the year of a step of the scenario."""
    return str(1998 + step // 4)


def firsts(series: Sequence[NDArray[np.int64]], level: int) -> list[int]:
    """Return the first step at or above a level, of those that reach it."""
    return [int(np.argmax(each >= level)) for each in series if (each >= level).any()]


def spread(steps: Sequence[int]) -> str:
    """Return the median year and the range."""
    if not steps:
        return "never"
    return f"{year(int(np.median(steps)))} ({year(min(steps))}-{year(max(steps))})"


def stage_row(name: str, read: Sequence[NDArray[np.int64]]) -> list[str]:
    """Return a row: how many end in each stage, how many leave incubation, and when."""
    ends = Counter(int(each[-1]) for each in read)
    left = firsts(read, 1)
    return [name, *(str(ends[stage]) for stage in range(len(STAGES))), f"{len(left)} of {len(read)}", spread(left)]


def shares(outcomes: Sequence[Outcome], beneficiaries: Sequence[str]) -> str:
    """Return each beneficiary's share of value by stage: mean and standard deviation over the runs with that stage."""
    columns = []
    for stage in range(len(STAGES)):
        rows = np.array(
            [each.value[stage] / each.value[stage].sum() for each in outcomes if each.value[stage].sum() > 0.0]
        )
        columns.append(
            [f"{100 * m:.1f} ± {100 * s:.1f}" for m, s in zip(rows.mean(axis=0), rows.std(axis=0, ddof=1), strict=True)]
        )
        columns[-1].append(str(len(rows)))
    names = [*beneficiaries, "runs with this stage"]
    return table(("percent of value", *STAGES), zip(names, *columns, strict=True))


def main() -> None:
    """Run everything in two processes and write the tables between their markers."""
    with ProcessPoolExecutor(2) as pool:
        answers = {
            name: list(pool.map(observe, [(seed, settings) for seed in SEEDS])) for name, settings in QUESTIONS.items()
        }
    base = answers["all rules on"]
    head = ("", *(f"end in {stage}" for stage in STAGES), "leave incubation", "first year out of it: median (range)")
    lost = [sum(each.lost for each in outcomes) for outcomes in answers.values()]
    rules = [
        [*stage_row(name, [each.stages["as shipped"] for each in outcomes]), str(gone)]
        for (name, outcomes), gone in zip(answers.items(), lost, strict=True)
    ]
    readings = [stage_row(name, [each.stages[name] for each in base]) for name in READINGS]
    regimes = [
        [name, *(f"{len(firsts(read, level))}: {spread(firsts(read, level))}" for level in range(1, len(REGIMES)))]
        for name, read in (
            ("regime of the core firm: proactive, leading", [each.regimes for each in base]),
            ("stage: growth or later, maturity", [each.stages["as shipped"] for each in base]),
        )
    ]
    beneficiaries = ecosim.Ecosystem(SCENARIO, seed=1).recorder.beneficiaries
    digest = ecosim.run(SCENARIO, seed=1).hash
    made = f"Seeds {SEEDS[0]} to {SEEDS[-1]}, ecosim {ecosim.__version__}, hash of seed 1 with all rules on `{digest[:12]}`."
    parts = {
        "rules": table((*head, "core firm left"), rules),
        "readings": table(head, readings),
        "regimes": table(("runs that reach it: median year (range)", "second", "third"), regimes),
        "shares": shares(base, beneficiaries),
    }
    page = PAGE.read_text(encoding="utf-8")
    for name, text in parts.items():
        mark = f"<!-- generated: tables {name} -->"
        page, count = re.subn(
            rf"({mark}\n).*?(<!-- end -->)", lambda m, t=text: f"{m[1]}\n{t}\n\n{made}\n\n{m[2]}", page, flags=re.DOTALL
        )
        assert count == 1, f"{PAGE.name} has {count} places for {name}"
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
