"""Writes the tables of the pages huawei-baseband and core-technology: ``python docs/baseband_tables.py``, some minutes.

``--check`` runs seed 1 of each scenario and tells whether it still gives the result that the tables were made of.
Each question is asked of the same seeds, so that a row differs from the first by what was changed, not by luck.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from generate import table
from numpy.typing import NDArray
from tables import SEEDS, check, write

import ecosim
from ecosim.ledger import GRANTS, pay
from ecosim.mechanisms.orchestration import do_research
from ecosim.scenario import Scenario, load_scenario, scenario_from_dict
from ecosim.state import CONSTRAINTS, WORLD

Array = NDArray[np.float64]
NEVER = np.inf
RESEARCH_STARTED, FIRST_CHIP, AT_FRONTIER = 2007, 2010, 2019  # S001 3.2


class Outcome(NamedTuple):
    """What is kept of a run of the core firm.

    Attributes
    ----------
    mastered : (components,) step in which each was mastered, infinite for never.
    released : steps of its product generations.
    metrics : recorded outcomes by name, (steps,) each.
    research : research spending of all organisations by quarter, million CNY.
    """

    mastered: Array
    released: Array
    metrics: dict[str, Array]
    research: Array


KEPT = (
    "binding_constraint", "components_licensed", "components_usable", "frontier_gap", "generation", "licence_fees", "mastered",
    "revenue_focal", *(f"sufficiency_{name}" for name in CONSTRAINTS),
)  # fmt: skip


def observe(scenario: Scenario, seed: int, settings: Mapping[str, Any], budget: Array | None = None) -> Outcome:
    """Run one seed; with a budget, the core firm spends at least that much on research, the rest being given to it."""
    model = ecosim.Ecosystem(scenario, seed=seed, history=False, **settings)
    core = next(iter(model.names))
    if budget is not None:
        model.insert_phase(lambda world: top_up(world, core, budget), after="orchestrate", name="top_up")
    research = np.zeros(scenario.steps)
    for step in range(scenario.steps):
        model.step()
        research[step] = model.organisations.research[model.rows].sum()
    happened = model.happened
    mine = happened[happened["subject"] == model.names[core]]
    mastered = np.full(len(scenario.components), NEVER)
    found = mine[mine["event"] == "breakthrough"]
    names = [component.name for component in scenario.components]
    for step, name in zip(found["step"], found["detail"], strict=True):
        mastered[names.index(name)] = step
    metrics = {name: model.metrics[name].to_numpy(float) for name in KEPT}
    return Outcome(mastered, mine[mine["event"] == "generation"]["step"].to_numpy(float), metrics, research)


def top_up(model: ecosim.Ecosystem, uid: int, budget: Array) -> None:
    """Give the core firm the money that its research falls short of the budget, and let it spend it on research."""
    rows = model.rows[model.organisations.uid[model.rows] == uid]
    for row in rows:
        missing = float(budget[model.step_number] - model.organisations.research[row])
        if missing > 0.0:
            pay(model.organisations, model.books, WORLD, int(row), missing, GRANTS)
            do_research(
                model.organisations,
                model.environment,
                model.books,
                int(row),
                missing,
                model.parameters["orchestration"],
            )
            model.organisations.wages_due[row] += missing


def changed(scenario: Scenario, **lists: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Scenario:
    """Return a scenario whose rows of the named lists are passed through functions; None leaves a row out."""
    tree = scenario.as_dict()
    for name, change in lists.items():
        tree[name] = [row for row in map(change, tree[name]) if row is not None]
    return scenario_from_dict(tree, place=scenario.name)


def alike(component: dict[str, Any]) -> dict[str, Any]:
    """Return a component that is no easier and crosses no more than others, but for integration."""
    return component if component["tier"] == "integration" else component | {"difficulty": 20.0, "crossing": 0.5}


# -- cells ------------------------------------------------------------------------------------------------------------


def year(steps: Sequence[float] | Array, start: int) -> str:
    """Return median and range of the years of those steps that are finite, and how many are."""
    finite = np.array([step for step in steps if np.isfinite(step)])
    if not len(finite):
        return f"none of {len(steps)}"
    middle, first, last = (start + int(step) // 4 for step in (np.median(finite), finite.min(), finite.max()))
    return f"{middle} ({first}-{last}), {len(finite)} of {len(steps)}"


def mean(values: Sequence[float] | Array, digits: int = 1) -> str:
    """Return the mean with its 95 % interval, of those values that are finite."""
    finite = np.array([value for value in values if np.isfinite(value)])
    if len(finite) < 2:
        return ""
    error = 2.0 * finite.std(ddof=1) / np.sqrt(len(finite))
    return f"{finite.mean():.{digits}f} ± {error:.{digits}f}"


def ready(run: Outcome) -> float:
    """Return the step in which the last component but integration was mastered."""
    return float(run.mastered[:-1].max())


def at_frontier(run: Outcome) -> float:
    """Return the first step in which the core firm's generation is that of the frontier."""
    reached = (run.metrics["frontier_gap"] >= 0.0) & (run.metrics["generation"] > 0.0)
    return float(np.argmax(reached)) if reached.any() else NEVER


# -- tables of the baseband chip --------------------------------------------------------------------------------------


def order_table(runs: Mapping[str, list[Outcome]], scenario: Scenario) -> str:
    """Return the mean rank of each component; what was never mastered shares the last ranks."""
    head = ["component", "tier", *runs]
    ranks = {name: np.mean([ranked(run.mastered) for run in of], axis=0) for name, of in runs.items()}
    rows: list[list[str]] = [
        [component.name, component.tier, *(f"{ranks[name][c]:.1f}" for name in runs)]
        for c, component in enumerate(scenario.components)
    ]
    tiers = np.array([component.tier for component in scenario.components])
    easy, hard = np.flatnonzero(tiers == "non-core"), np.flatnonzero(tiers == "core")
    rows.append(["pairs in which non-core is before core", "", *(f"{100.0 * np.mean([earlier(run.mastered, easy, hard) for run in of]):.0f} %" for of in runs.values())])  # fmt: skip
    rows.append(["runs in which every non-core one is before every core one", "", *(f"{sum(run.mastered[easy].max() < run.mastered[hard].min() for run in of)} of {len(of)}" for of in runs.values())])  # fmt: skip
    return table(head, rows)


def ranked(steps: Array) -> Array:
    """Return the rank of each, from 1, ties sharing theirs."""
    return np.array([(steps < step).sum() + 0.5 * ((steps == step).sum() - 1) + 1.0 for step in steps])


def earlier(steps: Array, first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    """Return the share of pairs in which one of the first comes before one of the second, ties counting half."""
    a, b = steps[first][:, None], steps[second][None, :]
    return float(((a < b) + 0.5 * (a == b)).mean())


def lag_table(runs: Mapping[str, list[Outcome]], start: int) -> str:
    """Return when the ten components, the first chip and the frontier are reached, and the years between."""
    rows = [["S001 3.2", str(RESEARCH_STARTED), str(FIRST_CHIP), str(AT_FRONTIER), str(FIRST_CHIP - RESEARCH_STARTED), str(AT_FRONTIER - RESEARCH_STARTED)]]  # fmt: skip
    for name, of in runs.items():
        begun, chip, frontier = (
            np.array([f(run) for run in of]) for f in (ready, lambda run: run.mastered[-1], at_frontier)
        )
        with np.errstate(invalid="ignore"):
            rows.append([name, year(begun, start), year(chip, start), year(frontier, start), mean((chip - begun) / 4.0), mean((frontier - begun) / 4.0)])  # fmt: skip
    return table(("", "all ten components: median (range), runs", "first chip", "frontier", "years to the chip", "years to the frontier"), rows)  # fmt: skip


def gap_table(runs: Mapping[str, list[Outcome]]) -> str:
    """Return years between masteries before integration, and between products after it."""
    rows = []
    for name, of in runs.items():
        done = [run for run in of if np.isfinite(run.mastered[-1])]
        before = [np.diff(np.sort(run.mastered)).mean() / 4.0 for run in done]
        chains = [np.diff(np.concatenate([[run.mastered[-1]], run.released])) / 4.0 for run in done]
        first = [chain[:5].mean() if len(chain) >= 5 else NEVER for chain in chains]
        whole = [chain.mean() if len(chain) else NEVER for chain in chains]
        rows.append([name, f"{len(done)} of {len(of)}", mean(before, 2), mean(first, 2), mean(whole, 2)])
    return table(("", "runs with a chip", "years between masteries before the chip", "years between the first five generations", "between all"), rows)  # fmt: skip


def baseband(pool: ProcessPoolExecutor) -> None:
    """Run the questions of the baseband chip and write their tables."""
    scenario = load_scenario("huawei-baseband")
    start = scenario.start_year

    def ask(world: Scenario, budgets: Sequence[Array] | None = None, **settings: Any) -> list[Outcome]:
        given = [settings] * len(SEEDS)
        return list(pool.map(observe, [world] * len(SEEDS), SEEDS, given, budgets or [None] * len(SEEDS)))

    base = ask(scenario)
    loose, level = {"rules.prerequisites": False}, changed(scenario, components=alike)
    order = {
        "as shipped": base,
        "`rules.prerequisites=false`": ask(scenario, **loose),
        "and `rules.crossover=false`": ask(scenario, **loose, **{"rules.crossover": False}),
        "prerequisites off, all ten alike": ask(level, **loose),
    }
    alone = {"rules.symbiosis": False}
    budgets = [run.research for run in base]
    lags = {
        "as shipped": base,
        "`rules.crossover=false`": ask(scenario, **{"rules.crossover": False}),
        "`rules.open_sharing=false`": ask(scenario, **{"rules.open_sharing": False}),
        "alone (`rules.symbiosis=false`), own budget": ask(scenario, **alone),
        "alone, the ecosystem's research budget": ask(scenario, budgets, **alone),
        "alone, that budget, `breakthrough.in_house=0.5`": ask(
            scenario, budgets, **alone, **{"breakthrough.in_house": 0.5}
        ),
        "as shipped, `breakthrough.in_house=0.5`": ask(scenario, **{"breakthrough.in_house": 0.5}),
    }
    gaps = {
        "as shipped": base,
        "`product_generations.catch_up=0`": ask(scenario, **{"product_generations.catch_up": 0.0}),
        "`product_generations.difficulty=120`, as integration": ask(
            scenario, **{"product_generations.difficulty": 120.0}
        ),
    }
    write("huawei-baseband", {
        "order": order_table(order, scenario), "lags": lag_table(lags, start), "gaps": gap_table(gaps),
        "binding": binding_table(base, start, 16),
    })  # fmt: skip


# -- tables of the core technology ------------------------------------------------------------------------------------


def binding_table(runs: Sequence[Outcome], start: int, width: int) -> str:
    """Return, by periods of some quarters, how often each constraint is the scarcest for the core firm."""
    binding = np.array([run.metrics["binding_constraint"] for run in runs])
    rows = []
    for first in range(0, binding.shape[1], width):
        part = binding[:, first : first + width]
        shares = [f"{100.0 * (part == k).mean():.0f}" for k in range(len(CONSTRAINTS))]
        rows.append([f"{start + first // 4}-{start + (first + part.shape[1] - 1) // 4}", *shares])
    return table(("percent of quarters in which it binds", *(name.replace("_", " ") for name in CONSTRAINTS)), rows)


def relief_table(runs: Mapping[str, list[Outcome]], when: int, start: int) -> str:
    """Return components mastered and generations, against the first row."""
    base = next(iter(runs.values()))
    rows = []
    for name, of in runs.items():
        cells = []
        for read in (
            lambda run: run.metrics["mastered"].mean(),
            lambda run: run.metrics["mastered"][when],
            lambda run: run.metrics["generation"][-1],
        ):
            here = np.array([read(run) for run in of])
            difference = here - np.array([read(run) for run in base])
            cells.append(f"{here.mean():.1f}" if of is base else f"{here.mean():.1f} ({difference.mean():+.2f} ± {2.0 * difference.std(ddof=1) / np.sqrt(len(here)):.2f})")  # fmt: skip
        rows.append([name, *cells])
    return table(
        ("", "mastered, mean over the run", f"mastered, end of {start + when // 4}", "generations at the end"), rows
    )


def licence_table(runs: Mapping[str, list[Outcome]], start: int, steps: Sequence[int]) -> str:
    """Return means of components mastered, usable and generations at the ends of some years."""
    rows = []
    for name, of in runs.items():
        for outcome in ("mastered", "components_usable", "generation"):
            means = [f"{np.mean([run.metrics[outcome][step] for run in of]):.1f}" for step in steps]
            rows.append([name, outcome.removeprefix("components_"), *means])
    return table(("", "", *(f"end of {start + step // 4}" for step in steps)), rows)


def core_technology(pool: ProcessPoolExecutor) -> None:
    """Run the questions of the core technology and write their tables."""
    scenario = load_scenario("core-technology")
    start = scenario.start_year
    open_world = changed(scenario, events=lambda event: None)

    def ask(world: Scenario, **settings: Any) -> list[Outcome]:
        return list(pool.map(observe, [world] * len(SEEDS), SEEDS, [settings] * len(SEEDS)))

    base = ask(scenario)
    own = ask(scenario, **{"rules.licensing": False})
    reliefs = {
        "licensing off": own,
        **{f"and `rules.constraint_{name}=false`": ask(scenario, **{"rules.licensing": False, f"rules.constraint_{name}": False}) for name in CONSTRAINTS},
        "and `policy.grants=0.7`": ask(scenario, **{"rules.licensing": False, "policy.grants": 0.7}),
        "and `policy.subsidy=0.5`": ask(scenario, **{"rules.licensing": False, "policy.subsidy": 0.5}),
        "and all five": ask(scenario, **{"rules.licensing": False, **{f"rules.constraint_{name}": False for name in CONSTRAINTS}}),
        "and `roles.university.initial=10`": ask(scenario, **{"rules.licensing": False, "roles.university.initial": 10}),
        "and `roles.university.teaching=0.24`": ask(scenario, **{"rules.licensing": False, "roles.university.teaching": 0.24}),
        "and `roles.supplier.initial=25`": ask(scenario, **{"rules.licensing": False, "roles.supplier.initial": 25}),
    }  # fmt: skip
    licences = {
        "licences, refused from 2015": base,
        "licences, never refused": ask(open_world),
        "no licences at all": own,
        "licensed components not worked on, refused from 2015": ask(scenario, **{"licensing.own_development": 0.0}),
        "the same, never refused": ask(open_world, **{"licensing.own_development": 0.0}),
        "licensed components worked on as others, refused from 2015": ask(
            scenario, **{"licensing.own_development": 1.0}
        ),
    }
    write("core-technology", {
        "binding": binding_table(own, start, 20), "reliefs": relief_table(reliefs, 59, start),
        "licences": licence_table(licences, start, (19, 39, 59, 63, 79, 99)),
    })  # fmt: skip


PAGES_OF = {"huawei-baseband": baseband, "core-technology": core_technology}


def main() -> None:
    """Run everything and write the tables of both pages, or of those named on the command line."""
    with ProcessPoolExecutor(2) as pool:
        for name, page in PAGES_OF.items():
            if name in sys.argv[1:] or len(sys.argv) == 1:
                page(pool)


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        fresh = [check(name) for name in PAGES_OF]
        sys.exit(0 if all(fresh) else 1)
    main()
