"""Writes the tables of the scenario pages: ``python docs/tables.py``; 450 runs in two processes, about a minute.

``--check`` runs seed 1 of each scenario and tells whether it still gives the result that the tables were made of.
Each question is asked of the same seeds, so that a row differs from the first by what was changed, not by luck.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from generate import table
from numpy.typing import NDArray

import ecosim
from ecosim.mechanisms.stages import element_prices, make_reading, read_channels
from ecosim.state import REGIMES, STAGES

PAGES = Path(__file__).resolve().parent / "scenarios"
SEEDS = range(1, 31)
Answers = dict[str, list["Outcome"]]

# What is asked of the Huawei scenario: a name, and the settings that differ from the scenario's.
RULES: dict[str, dict[str, Any]] = {
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
# What is asked of the classroom.
KNOBS: dict[str, dict[str, Any]] = {
    "as shipped": {},
    "`roles.firm.openness_target=0.1`": {"roles.firm.openness_target": 0.1},
    "`roles.firm.openness_target=0.9`": {"roles.firm.openness_target": 0.9},
    "`rules.open_sharing=false`": {"rules.open_sharing": False},
    "`rules.trust=false`": {"rules.trust": False},
    "`rules.value_sharing=false`": {"rules.value_sharing": False},
    '`value_sharing.division="nash"`': {"value_sharing.division": "nash"},
    "`roles.firm.purchase_share=0.5`": {"roles.firm.purchase_share": 0.5},
}


class Outcome(NamedTuple):
    """What is kept of a run.

    Attributes
    ----------
    stages : stage after each quarter, of each reading.
    regimes : the core firm's regime after each quarter.
    value : value by stage and beneficiary, million CNY.
    late : value of the second half of the run by beneficiary, million CNY.
    lost : whether the core firm left.
    """

    stages: dict[str, NDArray[np.int64]]
    regimes: NDArray[np.int64]
    value: NDArray[np.float64]
    late: NDArray[np.float64]
    lost: bool


def observe(scenario: str, task: tuple[int, Mapping[str, Any]]) -> Outcome:
    """Run one seed and read its stages with every yardstick."""
    seed, settings = task
    model = ecosim.Ecosystem(scenario, seed=seed, history=False, **settings)
    readings = {name: make_reading() for name in READINGS}
    stages: dict[str, list[int]] = {name: [] for name in READINGS}
    value = np.zeros((len(STAGES), len(model.recorder.beneficiaries)))
    late = np.zeros(len(model.recorder.beneficiaries))
    shipped = model.parameters["stages"]
    focal = next(iter(model.names))
    for step in range(model.scenario.steps):
        model.step()
        for name, factors in READINGS.items():
            yardstick = shipped._replace(**{key: getattr(shipped, key) * factor for key, factor in factors.items()})
            prices = element_prices(yardstick, float(model.environment.knowledge_cost[0]))
            read_channels(readings[name], model.books.flows, prices, yardstick)
            stages[name].append(int(readings[name].state[0]))
        value[model.reading.state[0]] += model.books.value.sum(axis=1)
        late += model.books.value.sum(axis=1) * (2 * step >= model.scenario.steps)
    assert stages["as shipped"] == [quarter.stage for quarter in model.recorder.quarters]
    regimes = np.array([int(quarter.metrics["regime"]) for quarter in model.recorder.quarters])
    lost = focal not in set(model.organisations.uid[model.rows].tolist())
    return Outcome({name: np.array(read) for name, read in stages.items()}, regimes, value, late, lost)


# -- rows -------------------------------------------------------------------------------------------------------------


def firsts(reached: Sequence[NDArray[np.bool_]]) -> list[int]:
    """Return the first step at which each series is true, of those that ever are."""
    return [int(np.argmax(each)) for each in reached if each.any()]


def spread(steps: Sequence[int], start: int) -> str:
    """Return the median year and the range."""
    if not steps:
        return "never"
    middle, first, last = (start + int(step) // 4 for step in (np.median(steps), min(steps), max(steps)))
    return f"{middle} ({first}-{last})"


def stage_row(name: str, read: Sequence[NDArray[np.int64]], start: int) -> list[str]:
    """Return a row: how many end in each stage, how many leave incubation, and when."""
    ends = Counter(int(each[-1]) for each in read)
    left = firsts([each > 0 for each in read])
    return [
        name,
        *(str(ends[stage]) for stage in range(len(STAGES))),
        f"{len(left)} of {len(read)}",
        spread(left, start),
    ]


HEAD = ("", *(f"end in {stage}" for stage in STAGES), "leave incubation", "first year out of it: median (range)")


def stage_table(answers: Answers, start: int) -> str:
    """Return the stages of each question as shipped, and whether the core firm was lost."""
    rows = (
        [*stage_row(name, [each.stages["as shipped"] for each in outcomes], start), sum(each.lost for each in outcomes)]
        for name, outcomes in answers.items()
    )
    return table((*HEAD, "core firm left"), rows)


def reading_table(base: Sequence[Outcome], start: int) -> str:
    """Return how the same runs read with each yardstick."""
    return table(HEAD, (stage_row(name, [each.stages[name] for each in base], start) for name in READINGS))


def order_table(base: Sequence[Outcome], start: int) -> str:
    """Return when regimes and stages are first read."""
    reached = [
        *((f"regime at least {REGIMES[level]}", [each.regimes >= level for each in base]) for level in (1, 2)),
        *((f"stage {STAGES[level]}", [each.stages["as shipped"] == level for each in base]) for level in (1, 2)),
    ]
    rows = ((name, f"{len(firsts(series))} of {len(base)}", spread(firsts(series), start)) for name, series in reached)
    return table(("", "runs that reach it", "first year: median (range)"), rows)


def sequence_table(base: Sequence[Outcome]) -> str:
    """Return in which order runs went through the stages."""
    read = [each.stages["as shipped"] for each in base]
    found = Counter(tuple(STAGES[stage] for stage in each[np.flatnonzero(np.diff(each, prepend=-1))]) for each in read)
    return table(
        ("stages in their order", "runs"), ((", then ".join(stages), count) for stages, count in found.most_common())
    )


def share_table(base: Sequence[Outcome], beneficiaries: Iterable[str]) -> str:
    """Return each beneficiary's share of value by stage: mean and standard deviation over the runs with that stage."""
    columns = []
    for stage in range(len(STAGES)):
        rows = np.array([each.value[stage] / each.value[stage].sum() for each in base if each.value[stage].sum() > 0.0])
        if len(rows) > 1:
            pairs = zip(100.0 * rows.mean(axis=0), 100.0 * rows.std(axis=0, ddof=1), strict=True)
            columns.append([*(f"{mean:.1f} ± {deviation:.1f}" for mean, deviation in pairs), str(len(rows))])
        else:
            columns.append([*("" for _ in beneficiaries), str(len(rows))])
    return table(("percent of value", *STAGES), zip([*beneficiaries, "runs with this stage"], *columns, strict=True))


def knob_table(answers: Answers, beneficiaries: Sequence[str], shown: Sequence[str]) -> str:
    """Return shares of value in the second half, and their paired differences from the first question."""
    shares = {name: np.array([100.0 * each.late / each.late.sum() for each in runs]) for name, runs in answers.items()}
    base = shares["as shipped"]
    places = [beneficiaries.index(name) for name in shown]
    rows = []
    for name, here in shares.items():
        cells = []
        for place in places:
            difference = here[:, place] - base[:, place]
            # Twice the standard error: about 95 % at 30 pairs.
            error = 2.0 * difference.std(ddof=1) / np.sqrt(len(difference))
            mean = f"{here[:, place].mean():.1f}"
            cells.append(mean if here is base else f"{mean} ({difference.mean():+.1f} ± {error:.1f})")
        rows.append([name, *cells])
    return table(("percent of value, second half of the run", *shown), rows)


# -- pages ------------------------------------------------------------------------------------------------------------


def asked(pool: ProcessPoolExecutor, scenario: str, questions: Mapping[str, Mapping[str, Any]]) -> Answers:
    """Return the outcomes of all seeds for each question."""
    run: Callable[[tuple[int, Mapping[str, Any]]], Outcome] = partial(observe, scenario)
    return {name: list(pool.map(run, [(seed, given) for seed in SEEDS])) for name, given in questions.items()}


def made_of(scenario: str) -> str:
    """Return the line under each table: seeds, version, result of the first seed."""
    digest = ecosim.run(scenario, seed=1).hash[:12]
    return f"Seeds {SEEDS[0]} to {SEEDS[-1]}, ecosim {ecosim.__version__}, hash of seed 1 as shipped `{digest}`."


def check(scenario: str) -> bool:
    """Tell whether the tables of a page are those of the engine as it is."""
    fresh = made_of(scenario) in (PAGES / f"{scenario}.md").read_text(encoding="utf-8")
    print(f"{scenario}: {'fresh' if fresh else 'stale'}")
    return fresh


def write(scenario: str, parts: Mapping[str, str]) -> None:
    """Write tables between their marks on the scenario's page, each with what it was made of."""
    made = made_of(scenario)
    insert(PAGES / f"{scenario}.md", {name: f"{text}\n\n{made}" for name, text in parts.items()})


def insert(path: Path, parts: Mapping[str, str]) -> None:
    """Write texts between their marks on a page."""
    page = path.read_text(encoding="utf-8")
    for name, text in parts.items():
        start, mark, rest = page.partition(f"<!-- generated: tables {name} -->\n")
        assert mark, f"{path.name} has no place for {name}"
        page = f"{start}{mark}\n{text}\n\n{rest[rest.index('<!-- end -->') :]}"
    path.write_text(page, encoding="utf-8")


def main() -> None:
    """Run everything and write the tables of both pages."""
    beneficiaries = ecosim.Ecosystem("classroom", seed=1).recorder.beneficiaries
    with ProcessPoolExecutor(2) as pool:
        huawei = asked(pool, "huawei-ecosystem", RULES)
        classroom = asked(pool, "classroom", KNOBS)
    base, start = huawei["all rules on"], 1998
    write("huawei-ecosystem", {
        "rules": stage_table(huawei, start),
        "readings": reading_table(base, start),
        "order": order_table(base, start),
        "sequences": sequence_table(base),
        "shares": share_table(base, beneficiaries),
    })  # fmt: skip
    write("classroom", {
        "stages": stage_table(classroom, 2000),
        "knobs": knob_table(classroom, beneficiaries, ("firm", "supplier", "user", "employees")),
    })  # fmt: skip


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        sys.exit(0 if all([check("huawei-ecosystem"), check("classroom")]) else 1)
    main()
