"""Writes the tables of the embargo's page: ``python docs/embargo_tables.py``; three to six minutes in two processes.

``--check`` runs seed 1 and tells whether it still gives the result that the tables were made of. Each world runs to the
quarter of the embargo; from there futures branch off with the same luck: one without an embargo, and one for each.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from generate import table
from numpy.typing import NDArray
from scipy import stats
from tables import SEEDS, check, write

from ecosim.measures import losses_against, recovery_against, recovery_time
from ecosim.mechanisms.foreign_supply import reach
from ecosim.model import Ecosystem
from ecosim.scenario import Scenario, load_scenario, scenario_from_dict
from ecosim.state import FIRM, SUPPLY

SCENARIO = "embargo"
Array = NDArray[np.float64]
Cut = tuple[float, int]
CUTS: tuple[Cut, ...] = ((0.3, 8), (0.3, 24), (0.6, 8), (0.6, 24), (0.9, 8), (0.9, 24))
SHIPPED: Cut = (0.6, 24)
DEEP: Cut = (0.9, 24)
# Worlds in which something is missing from the start; each embargo is set against the same world without one.
WORLDS: dict[str, dict[str, Any]] = {
    "as shipped": {},
    "`rules.open_sharing=false`": {"rules.open_sharing": False},
    "`rules.learning=false`": {"rules.learning": False},
    "`rules.trust=false`": {"rules.trust": False},
    "`foreign_supply.effort=0`": {"foreign_supply.effort": 0.0},
    "`foreign_supply.speed=0`": {"foreign_supply.speed": 0.0},
    "`adoption.bottleneck=2`": {"adoption.bottleneck": 2.0},
}


class Firm(NamedTuple):
    """A firm with sales when the embargo began, and what it lost in the embargo's quarters against its twin."""

    imports: float
    own: float
    suppliers: float
    lost: float


class Future(NamedTuple):
    """What is kept of a future with an embargo, set against its twin."""

    depth: float  # largest loss of the revenue of all firms, percent
    area: float  # sum of its losses, quarters of revenue
    core: float  # largest loss of the core firm's revenue in the first two years, percent
    within: int  # quarters until revenue is back within 2 % of the twin, -1 never
    level: int  # quarters until revenue is back at the level before
    lacking: tuple[float, float]  # shortfall in the first quarter and in the last, percent
    imports: tuple[float, float]  # import share at the embargo's end and at the run's end, less the twin's, points
    home: float  # what suppliers at home get of payments, at the run's end, less the twin's, points
    research: float  # core firm's research intensity in the embargo less the twin's, points
    knowledge: float  # suppliers' knowledge at the run's end over the twin's, less 1, percent
    firms: tuple[Firm, ...]


def world() -> tuple[Scenario, int]:
    """Return the shipped world without its embargo, and the step of the embargo."""
    shipped = load_scenario(SCENARIO)
    step = next(event.step for event in shipped.events if event.embargo is not None)
    assert step is not None
    return scenario_from_dict({**shipped.as_dict(), "events": []}), step


def sales_by_firm(model: Ecosystem, steps: int) -> dict[int, float]:
    """Run some quarters and return what each firm sold in them, by uid."""
    sold: dict[int, float] = {}
    for _ in range(steps):
        model.step()
        for row in model.members(FIRM):
            uid = int(model.organisations.uid[row])
            sold[uid] = sold.get(uid, 0.0) + float(model.organisations.revenue[row])
    return sold


def firms_before(model: Ecosystem) -> dict[int, tuple[float, float, float]]:
    """Import share, reach of own technology and number of suppliers of each firm with sales, by uid."""
    found = {}
    ties = model.ties
    supply = [t for t in model.tie_rows if ties.interface[t] == SUPPLY]
    for row in model.members(FIRM):
        if model.organisations.revenue[row] > 0.0:
            own = reach(model.organisations, model.environment, row, row)
            suppliers = sum(row in (ties.a[t], ties.b[t]) for t in supply)
            imports = float(model.organisations.imports[row])
            found[int(model.organisations.uid[row])] = (imports, float(own), float(suppliers))
    return found


def futures(task: tuple[int, dict[str, Any], tuple[Cut, ...]]) -> dict[Cut, Future]:
    """Run one seed of one world to the embargo, and each future from there."""
    seed, settings, cuts = task
    base, step = world()
    model = Ecosystem(base, seed=seed, history=False, **settings).run(step)
    before = firms_before(model)
    result = {}
    for cut in cuts:
        twin, other = model.branch(), model.branch()
        other.embargo(*cut)
        kept, lost = (sales_by_firm(each, cut[1]) for each in (twin, other))
        twin.run()
        other.run()
        firms = tuple(
            Firm(*traits, 1.0 - lost.get(uid, 0.0) / kept[uid])
            for uid, traits in before.items()
            if kept.get(uid, 0.0) > 0.0
        )
        result[cut] = compared(other, twin, step, cut[1], firms)
    return result


def compared(other: Ecosystem, twin: Ecosystem, step: int, quarters: int, firms: tuple[Firm, ...]) -> Future:
    """Set a future against its twin."""
    a, b = other.metrics, twin.metrics
    suppliers = [each.by_role.query("role == 'supplier'")["knowledge"].iloc[-1] for each in (other, twin)]
    revenue, without = a["revenue_firms"].to_numpy(), b["revenue_firms"].to_numpy()
    depth, area = losses_against(revenue[: step + quarters], without[: step + quarters], step)
    core = losses_against(a["revenue_focal"].to_numpy()[: step + 8], b["revenue_focal"].to_numpy()[: step + 8], step)[0]
    end, last = step + quarters - 1, len(a) - 1
    gaps = ["import_share", "domestic_supply_share", "research_intensity"]
    gap = 100.0 * (a[gaps] - b[gaps])
    return Future(
        100.0 * depth, area, 100.0 * core, recovery_against(revenue, without, step, 0.98), int(recovery_time(revenue, step)),
        (100.0 * a["shortfall"][step], 100.0 * a["shortfall"][end]),
        (gap["import_share"][end], gap["import_share"][last]), gap["domestic_supply_share"][last],
        float(gap["research_intensity"][step : end + 1].mean()), 100.0 * (suppliers[0] / suppliers[1] - 1.0), firms,
    )  # fmt: skip


# -- tables -----------------------------------------------------------------------------------------------------------


def mean(values: list[float]) -> str:
    """Return the mean and the half width of its 95 % interval (Student's t)."""
    numbers = np.array(values)
    width = stats.t.ppf(0.975, len(numbers) - 1) * numbers.std(ddof=1) / np.sqrt(len(numbers))
    return f"{numbers.mean():.1f} ± {width:.1f}"


def quarters(values: list[int]) -> str:
    """Return the median, and how many never get there."""
    never = sum(value < 0 for value in values)
    back = [value for value in values if value >= 0]
    middle = f"{np.median(back):.0f}" if back else "-"
    return middle + (f" (never: {never})" if never else "")


LOSS = ("", "largest loss of revenue, %", "loss in all, quarters of revenue", "core firm: largest loss in two years, %",
        "quarters until within 2 % of the twin", "quarters until at the level before")  # fmt: skip
CHANGE = ("", "shortfall at first, %", "shortfall at last, %", "import share at last, points", "at the run's end",
          "paid to home, run's end, points", "core's research intensity, points", "suppliers' knowledge, run's end, %")  # fmt: skip


def loss_row(name: str, found: list[Future]) -> list[str]:
    """Return a row of losses."""
    return [
        name, mean([each.depth for each in found]), mean([each.area for each in found]), mean([each.core for each in found]),
        quarters([each.within for each in found]), quarters([each.level for each in found]),
    ]  # fmt: skip


def change_row(name: str, found: list[Future]) -> list[str]:
    """Return a row of what changed."""
    return [
        name, *(mean([each.lacking[k] for each in found]) for k in (0, 1)), *(mean([each.imports[k] for each in found]) for k in (0, 1)),
        mean([each.home for each in found]), mean([each.research for each in found]), mean([each.knowledge for each in found]),
    ]  # fmt: skip


def firm_table(found: list[Future]) -> str:
    """Return Spearman's correlation, over all firms, of what a firm lost with what it was; intervals resample seeds."""
    random = np.random.default_rng(1)
    rows = []
    for position, name in enumerate(("share of supplies imported", "reach of its own technology", "suppliers at home")):

        def correlation(seeds: Array, position: int = position) -> float:
            firms = [firm for seed in seeds.astype(int) for firm in found[seed].firms]
            return float(stats.spearmanr([firm[position] for firm in firms], [firm.lost for firm in firms]).statistic)

        everybody = np.arange(len(found))
        again = [correlation(random.choice(everybody, len(found))) for _ in range(1000)]
        low, high = np.quantile(again, (0.025, 0.975))
        rows.append((name, f"{correlation(everybody):+.2f}", f"{low:+.2f} to {high:+.2f}"))
    return table(
        (f"of {sum(len(each.firms) for each in found)} firms", "correlation with the part of sales lost", "95 %"), rows
    )


def main() -> None:
    """Run everything and write the tables of the page."""
    tasks = {
        name: [(seed, settings, CUTS if not settings else (SHIPPED, DEEP)) for seed in SEEDS]
        for name, settings in WORLDS.items()
    }
    with ProcessPoolExecutor(2) as pool:
        found = {name: list(pool.map(futures, each)) for name, each in tasks.items()}
    shipped = found["as shipped"]
    cuts = {cut: [each[cut] for each in shipped] for cut in CUTS}
    names = {cut: f"depth {cut[0]}, {cut[1]} quarters" for cut in CUTS}
    deep = {name: [each[DEEP] for each in runs] for name, runs in found.items()}
    write(SCENARIO, {
        "losses": table(LOSS, (loss_row(names[cut], runs) for cut, runs in cuts.items())),
        "changes": table(CHANGE, (change_row(names[cut], runs) for cut, runs in cuts.items())),
        "worlds": table(LOSS, (loss_row(name, runs) for name, runs in deep.items())),
        "world changes": table(CHANGE, (change_row(name, runs) for name, runs in deep.items())),
        "firms": firm_table(deep["as shipped"]),
    })  # fmt: skip


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        sys.exit(0 if check(SCENARIO) else 1)
    main()
