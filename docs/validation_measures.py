"""What `validation.py` measures in a run: one function a measure, named as the stylised facts name it.

A measure takes a `Witness`, what was kept of one run, and returns one number, or NaN where the run has none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import NDArray

import ecosim
from ecosim.state import FIRM, USER

QUARTERS = 4
NETWORK_YEAR = 2018  # no row looks beyond it
MEASURES: dict[str, Callable[[Witness], float]] = {}
Numbers = NDArray[np.float64]


class Witness(NamedTuple):
    """What was kept of one run.

    Attributes
    ----------
    metrics, events : the tables of the run.
    firms : a row a firm and year: year, uid, focal, revenue and surplus of the year, talent at its end.
    ties : a row a tie at the end of the last year, users left out: a, b (uids), age in years, trust.
    members : uids of all organisations then, users left out.
    open_ages : ages in years of ties that were formed in the run and stood at its end, users left out.
    lasted : whether the core firm was there at the end.
    """

    metrics: pd.DataFrame
    events: pd.DataFrame
    firms: pd.DataFrame
    ties: pd.DataFrame
    members: Numbers
    open_ages: Numbers
    lasted: bool


def witness(scenario: str, seed: int) -> Witness:
    """Run a scenario to the end of 2018, or to its own end if that is earlier, and keep what is measured."""
    model: Any = ecosim.Ecosystem(scenario, seed=seed, history=False)
    first = model.organisations
    core = {int(uid) for uid in first.uid[model.rows[first.focal[model.rows]]]}
    steps = min(model.scenario.steps, QUARTERS * (NETWORK_YEAR + 1 - model.scenario.start_year))
    years: list[dict[str, Any]] = []
    sums: dict[int, Numbers] = {}
    for step in range(steps):
        model.step()
        organisations = model.organisations
        rows = model.rows[organisations.role[model.rows] == FIRM]
        for row in rows:
            flow = np.array([organisations.revenue[row], organisations.surplus[row]])
            uid = int(organisations.uid[row])
            sums[uid] = sums.get(uid, np.zeros(2)) + flow
        if step % QUARTERS == QUARTERS - 1:
            year = model.scenario.start_year + step // QUARTERS
            years += [
                {
                    "year": year, "uid": int(organisations.uid[row]), "focal": bool(organisations.focal[row]),
                    "revenue": sums[int(organisations.uid[row])][0], "surplus": sums[int(organisations.uid[row])][1],
                    "talent": float(organisations.talent[row]),
                }
                for row in rows
            ]  # fmt: skip
            sums.clear()
    organisations, ties = model.organisations, model.ties
    kept = [t for t in model.tie_rows if USER not in (organisations.role[ties.a[t]], organisations.role[ties.b[t]])]
    network = pd.DataFrame(
        {
            "a": organisations.uid[ties.a[kept]],
            "b": organisations.uid[ties.b[kept]],
            "age": (steps - ties.born[kept]) / QUARTERS,
            "trust": ties.trust[kept],
        }
    )
    members = organisations.uid[model.rows[organisations.role[model.rows] != USER]]
    formed = ties.born[kept] > 0
    open_ages = network["age"].to_numpy()[formed]
    lasted = core <= set(organisations.uid[model.rows].tolist())
    return Witness(model.metrics, model.happened, pd.DataFrame(years), network, members, open_ages, lasted)


def measure(function: Callable[[Witness], float]) -> Callable[[Witness], float]:
    """Enter a function among the measures under its own name."""
    MEASURES[function.__name__] = function
    return function


# -- the core firm ----------------------------------------------------------------------------------------------------


def _yearly(seen: Witness, name: str) -> pd.Series:
    """Return the sum of an outcome over the quarters of each year."""
    return seen.metrics.groupby("year")[name].sum()


def _growth(seen: Witness, first: int, last: int) -> float:
    revenue = _yearly(seen, "revenue_focal")
    if not (revenue.get(first, 0.0) > 0.0 and revenue.get(last, 0.0) > 0.0):
        return np.nan
    return float(100.0 * ((revenue[last] / revenue[first]) ** (1.0 / (last - first)) - 1.0))


@measure
def growth_to_2006(seen: Witness) -> float:
    """Return the core firm's yearly growth of revenue from 1998, percent."""
    return _growth(seen, 1998, 2006)


@measure
def growth_to_2010(seen: Witness) -> float:
    """Return its growth from 2006."""
    return _growth(seen, 2006, 2010)


@measure
def growth_to_2018(seen: Witness) -> float:
    """Return its growth from 2010."""
    return _growth(seen, 2010, 2018)


@measure
def growth_in_2002(seen: Witness) -> float:
    """Return its growth in the year of the recession."""
    return _growth(seen, 2001, 2002)


def _intensity(seen: Witness) -> pd.DataFrame:
    """Return research and revenue of the core firm by year."""
    metrics = seen.metrics
    spent = (metrics["research_intensity"] * metrics["revenue_focal"]).groupby(metrics["year"]).sum()
    return pd.DataFrame({"research": spent, "revenue": _yearly(seen, "revenue_focal")})


@measure
def research_to_2010(seen: Witness) -> float:
    """Return research over revenue to 2010, percent."""
    sums = _intensity(seen).loc[:2010].sum()
    return 100.0 * float(sums["research"] / sums["revenue"])


@measure
def research_to_2018(seen: Witness) -> float:
    """Return research over revenue from 2012 to 2018, percent."""
    sums = _intensity(seen).loc[2012:2018].sum()
    return 100.0 * float(sums["research"] / sums["revenue"]) if sums["revenue"] > 0.0 else np.nan


@measure
def research_range(seen: Witness) -> float:
    """Return the highest year's research over revenue less the lowest's, 2012 to 2018, percentage points."""
    years = _intensity(seen).loc[2012:2018]
    years = years[years["revenue"] > 0.0]
    return float(100.0 * np.ptp(years["research"] / years["revenue"])) if len(years) else np.nan


@measure
def revenue_a_head(seen: Witness) -> float:
    """Return the growth of the core firm's revenue a head from 1998 to 2010, percent a year."""
    core = seen.firms[seen.firms["focal"]].groupby("year")[["revenue", "talent"]].sum()
    if not {1998, 2010} <= set(core.index):
        return np.nan
    a_head = core["revenue"] / core["talent"]
    return float(100.0 * ((a_head[2010] / a_head[1998]) ** (1.0 / 12.0) - 1.0))


@measure
def margin(seen: Witness) -> float:
    """Return the core firm's surplus over its revenue from 2007 to 2018, percent."""
    core = seen.firms[seen.firms["focal"] & seen.firms["year"].between(2007, 2018)]
    return 100.0 * float(core["surplus"].sum() / core["revenue"].sum()) if core["revenue"].sum() > 0.0 else np.nan


# -- all firms --------------------------------------------------------------------------------------------------------


def hill(values: Numbers, part: float) -> float:
    """Return Hill's estimate of the exponent of a tail from the largest `part` of the values."""
    tail = np.sort(values[values > 0.0])[::-1]
    count = int(part * len(tail))
    if count < 5:
        return np.nan
    mean = float(np.log(tail[:count] / tail[count]).mean())
    return 1.0 / mean if mean > 0.0 else np.nan


def growth_rates(firms: pd.DataFrame) -> pd.DataFrame:
    """Return logarithmic growth of revenue by firm and year, less the year's mean, beside the size before."""
    wide = firms[firms["revenue"] > 0.0].pivot(index="year", columns="uid", values="revenue")
    change = np.log(wide).diff()
    change = change.sub(change.mean(axis=1), axis=0)
    pairs = pd.DataFrame({"size": wide.shift().stack(), "growth": change.stack()})
    return pairs.dropna()


@measure
def size_exponent(seen: Witness) -> float:
    """Return the exponent of firms' sizes by staff."""
    return hill(seen.firms["talent"].to_numpy(), 0.5)


@measure
def growth_tent(seen: Witness) -> float:
    """Return mean absolute deviation over standard deviation of growth rates: 0.707 if Laplace, 0.798 if normal."""
    growth = growth_rates(seen.firms)["growth"]
    return float(np.abs(growth - growth.mean()).mean() / growth.std()) if len(growth) > 20 else np.nan


@measure
def growth_tail(seen: Witness) -> float:
    """Return the exponent of the tails of growth rates, both sides together."""
    growth = growth_rates(seen.firms)["growth"].to_numpy()
    return hill(np.abs(growth - np.median(growth)), 0.1)


@measure
def growth_spread(seen: Witness) -> float:
    """Return by which power of size the spread of growth rates falls: a line through the logarithms of five classes of size."""
    pairs = growth_rates(seen.firms)
    if len(pairs) < 50:
        return np.nan
    classes = pairs.groupby(pd.qcut(pairs["size"].rank(method="first"), 5), observed=True)
    spread, size = classes["growth"].std(), classes["size"].mean()
    return -float(np.polyfit(np.log(size), np.log(spread), 1)[0])


@measure
def innovation_skew(seen: Witness) -> float:
    """Return the top tenth's part of the knowledge made in finished projects, percent."""
    made = seen.events.loc[seen.events["event"] == "project finished", "detail"].to_numpy(dtype=float)
    if len(made) < 20:
        return np.nan
    largest = np.sort(made)[::-1][: max(1, len(made) // 10)]
    return 100.0 * float(largest.sum() / made.sum())


# -- ties -------------------------------------------------------------------------------------------------------------


def surviving(ended: Numbers, standing: Numbers) -> tuple[Numbers, Numbers]:
    """Return Kaplan and Meier's estimate: ages at which lives ended, and the part that survives each."""
    ages = np.unique(ended)
    lives = np.concatenate([ended, standing])
    steps = [1.0 - (ended == age).sum() / (lives >= age).sum() for age in ages]
    return ages, np.cumprod(steps)


def _lives(seen: Witness) -> tuple[Numbers, Numbers]:
    """Return ages in years of ties that were formed in the run: those that ended, those that stand."""
    broken = seen.events[seen.events["event"] == "tie broken"]
    of_users = broken["subject"].str.startswith("user") | broken["object"].str.startswith("user")
    ages = broken["detail"].astype(float)
    return ages[~of_users & (broken["step"] - ages > 0)].to_numpy() / QUARTERS, seen.open_ages


@measure
def ended_in_five_years(seen: Witness) -> float:
    """Return the part of ties that end within five years, percent."""
    ages, left = surviving(*_lives(seen))
    within = left[ages <= 5.0]
    return 100.0 * float(1.0 - within[-1]) if len(within) else 0.0


@measure
def median_life(seen: Witness) -> float:
    """Return the age that half of the ties reach, years; infinite if more than half reach the last that is known."""
    ages, left = surviving(*_lives(seen))
    reached = ages[left <= 0.5]
    return float(reached[0]) if len(reached) else np.inf


@measure
def sold(seen: Witness) -> float:
    """Return the part of ended joint ventures that were sold to a parent, percent."""
    counts = seen.events["event"].value_counts()
    sales, dissolved = counts.get("joint venture sold", 0), counts.get("joint venture dissolved", 0)
    return float(100.0 * sales / (sales + dissolved)) if sales + dissolved else np.nan


@measure
def age_when_sold(seen: Witness) -> float:
    """Return the median age of joint ventures when they were sold, years."""
    ages = seen.events.loc[seen.events["event"] == "joint venture sold", "detail"]
    return float(ages.astype(float).median()) / QUARTERS if len(ages) else np.nan


def _network(seen: Witness) -> nx.Graph:
    graph = nx.Graph()
    graph.add_nodes_from(seen.members.tolist())
    graph.add_edges_from(zip(seen.ties["a"], seen.ties["b"], strict=True))
    return graph


@measure
def mean_partners(seen: Witness) -> float:
    """Return the mean number of partners."""
    return float(np.mean([degree for _, degree in _network(seen).degree()]))


@measure
def clustering_ratio(seen: Witness) -> float:
    """Return the share of closed triples over the density, which is what a random network would have."""
    graph = _network(seen)
    return float(nx.transitivity(graph) / nx.density(graph)) if graph.number_of_edges() else np.nan


@measure
def degree_dispersion(seen: Witness) -> float:
    """Return the variance of the number of partners over its mean."""
    degrees = np.array([degree for _, degree in _network(seen).degree()], dtype=float)
    return float(degrees.var() / degrees.mean()) if degrees.any() else np.nan


@measure
def trust_and_duration(seen: Witness) -> float:
    """Return the correlation of trust with the age of a tie."""
    return float(np.corrcoef(seen.ties["age"], seen.ties["trust"])[0, 1]) if len(seen.ties) > 10 else np.nan


# -- chips, and the whole ---------------------------------------------------------------------------------------------


def _releases(seen: Witness) -> Numbers:
    """Return the dates of the core firm's chips, in years: the integration, then each generation."""
    core = seen.events[seen.events["subject"] == "Huawei"]
    made = core[
        (core["event"] == "generation") | ((core["event"] == "breakthrough") & (core["detail"] == "baseband chip"))
    ]
    return seen.metrics["year"].iloc[0] + np.sort(made["step"].unique()) / QUARTERS


@measure
def first_chip(seen: Witness) -> float:
    """Return the year of the first chip; infinite if there is none."""
    dates = _releases(seen)
    return float(np.floor(dates[0])) if len(dates) else np.inf


@measure
def chip_interval(seen: Witness) -> float:
    """Return the mean interval between chips, years."""
    dates = _releases(seen)
    return float(np.diff(dates).mean()) if len(dates) > 1 else np.nan


@measure
def interval_ratio(seen: Witness) -> float:
    """Return the mean of later intervals over the first."""
    gaps = np.diff(_releases(seen))
    return float(gaps[1:].mean() / gaps[0]) if len(gaps) > 1 else np.nan


@measure
def lasting(seen: Witness) -> float:
    """Return 100 if the core firm is there at the end and the ecosystem past incubation, else 0."""
    return 100.0 * float(seen.lasted and seen.metrics["stage"].iloc[-1] != "incubation")
