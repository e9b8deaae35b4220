"""Draws the figures of the documentation: ``python docs/figures.py [NAME ...]``; all of them take about a minute."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

import ecosim
from ecosim.state import MODES, REGIMES, STAGES

FIGURES = Path(__file__).resolve().parent / "figures"
# Okabe & Ito 2008, "Color universal design": told apart with any colour vision.
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PINK, GREY = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999",
)  # fmt: skip
# The colours of the dashboard; bottom of the stack first.
BENEFICIARIES = {
    "share_firm": ("firms", BLUE), "share_supplier": ("suppliers", ORANGE), "share_university": ("universities", GREEN),
    "share_government": ("government", PINK), "share_intermediary": ("intermediaries", YELLOW), "share_user": ("users", RED),
    "share_employees": ("employees", SKY), "share_society": ("society", GREY), "share_environment": ("nature", BLACK),
}  # fmt: skip
STAGE_GREYS = {"incubation": "#F2F2F2", "growth": "#D9D9D9", "maturity": "#BFBFBF"}
Numbers = NDArray[np.float64]


def value_shares() -> Figure:
    """Return who got the value of each year of the main scenario, and the stages as read off."""
    metrics = ecosim.run("huawei-ecosystem", seed=1).metrics
    weighted = metrics[list(BENEFICIARIES)].mul(metrics["value_created"], axis=0).groupby(metrics["year"]).sum()
    shares = weighted.div(weighted.sum(axis=1), axis=0)
    figure = Figure((8.0, 4.6), layout="constrained")
    strip, axes = figure.subplots(2, 1, sharex=True, height_ratios=[1, 12])
    names, colours = zip(*BENEFICIARIES.values(), strict=True)
    axes.stackplot(
        shares.index, shares.to_numpy().T * 100.0, colors=colours, labels=names, linewidth=0.3, edgecolor="white"
    )
    axes.set(
        xlim=(shares.index[0], shares.index[-1]), ylim=(0, 100), ylabel="percent of the year's value", xlabel="year"
    )
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside right center", frameon=False, title="value went to")
    steps = np.flatnonzero(metrics["stage"].ne(metrics["stage"].shift()))
    for first, end in zip(steps, [*steps[1:], len(metrics)], strict=True):
        stage = metrics["stage"].iloc[first]
        left, right = 1998 + first / 4, min(1998 + end / 4, shares.index[-1])
        strip.axvspan(left, right, color=STAGE_GREYS[stage], lw=0)
        strip.text((left + right) / 2, 0.5, stage, ha="center", va="center", fontsize=9)
        if first:
            axes.axvline(left, color="white", lw=1.5, ls="--")
    strip.set(yticks=[], ylabel="stage")
    strip.yaxis.label.set(rotation=0, ha="right", va="center")
    strip.tick_params(bottom=False)
    strip.spines[:].set_visible(False)
    return figure


def readings(seed: int) -> dict[str, Numbers]:
    """Return what is read off one run of the main scenario: by title, the part in each class, (quarters, classes)."""
    metrics = ecosim.run("huawei-ecosystem", seed=seed).metrics
    return {
        "stage of the ecosystem": np.array([metrics["stage"] == stage for stage in STAGES], float).T,
        "mode of ties": metrics[[f"mode_{mode}" for mode in MODES]].to_numpy(),
        "sharing regime of the core firm": np.array(
            [metrics["regime"] == code for code in range(len(REGIMES))], float
        ).T,
    }


def histories() -> Figure:
    """Return stages, modes and regimes of the main scenario by year, over a hundred seeds."""
    with ProcessPoolExecutor(2) as pool:
        runs = list(pool.map(readings, range(1, 101), chunksize=10))
    figure = Figure((8.0, 7.2), layout="constrained")
    for axes, title, names in zip(figure.subplots(3, 1, sharex=True), runs[0], (STAGES, MODES, REGIMES), strict=True):
        quarters = np.mean([run[title] for run in runs], axis=0)
        yearly = quarters.reshape(-1, 4, len(names)).mean(axis=1)
        years = 1998 + np.arange(len(yearly))
        axes.stackplot(
            years, 100.0 * yearly.T, colors=(GREY, SKY, BLUE), labels=names, linewidth=0.3, edgecolor="white"
        )
        axes.set(xlim=(years[0], years[-1]), ylim=(0, 100), ylabel="percent", title=title)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, reverse=True)
    figure.axes[-1].set(xlabel="year")
    return figure


# -- known results ----------------------------------------------------------------------------------------------------


def counts(task: tuple[str, int, Mapping[str, Any]]) -> Numbers:
    """Return how many there are of each role after each quarter of a run, (steps, roles)."""
    scenario, seed, parameters = task
    roles = ecosim.run(scenario, seed=seed, parameters=parameters).roles
    return roles["count"].to_numpy(float).reshape(-1, roles["role"].nunique())


def replicates(scenario: str, seeds: range, parameters: Mapping[str, Any]) -> Numbers:
    """Return the counts of several seeds, (seeds, steps, roles), from two processes."""
    with ProcessPoolExecutor(2) as pool:
        return np.array(list(pool.map(counts, [(scenario, seed, parameters) for seed in seeds])))


def fan(axes: Axes, times: Numbers, runs: Numbers, formula: Numbers, colour: str, label: str) -> None:
    """Draw replicates as thin lines and what the formula says as a dashed one."""
    axes.plot(times, runs.T, color=colour, lw=0.7, alpha=0.5)
    axes.plot([], [], color=colour, lw=1.5, label=label)
    axes.plot(times, formula, color=BLACK, lw=1.3, ls="--")


def symbiosis() -> Figure:
    """Return two populations on their way, and where five kinds of symbiosis come to rest."""
    figure = Figure((8.0, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    modes = {
        "mutualism": (0.3, 0.2, GREEN), "commensalism": (0.3, 0.0, BLUE), "parasitism": (0.3, -0.2, RED),
        "competition": (-0.3, -0.2, ORANGE), "independence": (0.0, 0.0, GREY),
    }  # fmt: skip
    for name, (a12, a21, colour) in modes.items():
        given = {"symbiosis.coefficients.firm.supplier": a12, "symbiosis.coefficients.supplier.firm": a21}
        runs = replicates("limit-symbiosis", range(1, 5), given)[:, :, :2]
        rest = 1000.0 * np.array([1.0 + a12, 1.0 + a21]) / (1.0 - a12 * a21)
        means = runs[:, 200:].mean(axis=1)
        right.scatter(means[:, 0], means[:, 1], s=22, color=colour, alpha=0.7, label=name, lw=0)
        right.scatter(*rest, s=70, marker="+", color=BLACK, lw=1.2, zorder=3)
        if name == "mutualism":
            times = np.arange(1, runs.shape[1] + 1) * 1.0
            path, stepped = lotka_volterra(a12, a21, 0.5, 150, 100), lotka_volterra(a12, a21, 0.5, 150)
            for column, (role, shade) in enumerate((("firms", BLUE), ("suppliers", ORANGE))):
                fan(left, times[:150], runs[:, :150, column], path[:, column], shade, role)
                left.plot(times[:150], stepped[:, column], color=RED, lw=1.2, ls=":")
    left.plot([], [], color=BLACK, ls="--", label="Lotka-Volterra")
    left.plot([], [], color=RED, ls=":", label="the same in quarterly steps")
    left.set(xlabel="quarter", ylabel="organisations", ylim=(0, None), title="mutualism, 4 seeds")
    right.scatter([], [], s=70, marker="+", color=BLACK, label="formula")
    right.set(xlabel="firms at rest", ylabel="suppliers at rest", title="mean of quarters 200-400")
    for axes in (left, right):
        axes.legend(frameon=False, fontsize=8)
    return figure


def lotka_volterra(a12: float, a21: float, start: float, steps: int, fine: int = 0) -> Numbers:
    """Return two populations of g = 0.1 and K = 1000 after each quarter, (steps, 2), without chance.

    By `fine` small steps a quarter of dN/dt = g N (1 - N/K + a M/K); or, with 0, by the model's own quarterly chances
    1 - exp(-rate) of entry and exit.
    """
    state, effects, path = np.full(2, start), np.array([a12, a21]), np.empty((steps, 2))
    for step in range(steps):
        for _ in range(max(1, fine)):
            help_, harm = np.maximum(effects, 0.0) * state[::-1], np.maximum(-effects, 0.0) * state[::-1]
            born, dead = 0.1 * (1.0 + help_), 0.1 * (state + harm)
            change = (born - dead) / fine if fine else np.exp(-dead) - np.exp(-born)
            state = state * (1.0 + change)
        path[step] = 1000.0 * state
    return path


def diffusion() -> Figure:
    """Return adoption among well-mixed users against the Bass curve."""
    p, q = 0.03, 0.38
    runs = np.array(
        [ecosim.run("limit-diffusion", seed=seed).metrics["adopted_share"].to_numpy() for seed in range(1, 6)]
    )
    years = np.arange(1, runs.shape[1] + 1) / 4.0
    bass = bass_share(years, p, q)
    figure = Figure((8.0, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    fan(left, years, runs, bass, BLUE, "5 seeds, 10,000 users")
    new = np.diff(runs, axis=1, prepend=0.0)
    fan(right, years, new, np.diff(bass, prepend=0.0), BLUE, "5 seeds")
    peak = np.log(q / p) / (p + q)
    right.axvline(peak, color=RED, lw=1, label=f"peak of the formula, {peak:.1f} years")
    for axes, label in ((left, "share of users that have adopted"), (right, "new adopters in the quarter")):
        axes.plot([], [], color=BLACK, ls="--", label="Bass 1969")
        axes.set(xlabel="years", ylabel=label, xlim=(0, 20), ylim=(0, None))
        axes.legend(frameon=False, fontsize=8)
    return figure


def bass_share(years: Numbers, p: float, q: float) -> Numbers:
    """Return F(t) = (1 - e^-(p+q)t) / (1 + (q/p) e^-(p+q)t)."""
    decay = np.exp(-(p + q) * years)
    share: Numbers = (1.0 - decay) / (1.0 + q / p * decay)
    return share


def turnover() -> Figure:
    """Return growth to capacity against the logistic curve, and how numbers scatter once there."""
    runs = replicates("limit-turnover", range(1, 9), {})[:, :, 0]
    quarters = np.arange(1, runs.shape[1] + 1) * 1.0
    logistic = 1000.0 / (1.0 + 9.0 * np.exp(-0.1 * quarters))
    figure = Figure((8.0, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    fan(left, quarters[:120], runs[:, :120], logistic[:120], BLUE, "8 seeds")
    left.plot([], [], color=BLACK, ls="--", label="logistic curve")
    left.plot(quarters[:120], lotka_volterra(0.0, 0.0, 0.1, 120)[:, 0], color=RED, lw=1.2, ls=":",
              label="the same in quarterly steps")  # fmt: skip
    left.set(xlabel="quarter", ylabel="firms", ylim=(0, None))
    resting = runs[:, 150:].ravel()
    edges = np.arange(890.0, 1111.0, 10.0)
    right.hist(resting, edges, density=True, color=SKY, edgecolor="white", label="quarters 150-400, 8 seeds")
    grid = np.linspace(890.0, 1110.0, 200)
    right.plot(grid, np.exp(-((grid - 1000.0) ** 2) / 2000.0) / np.sqrt(2000.0 * np.pi), color=BLACK, ls="--",
               label="normal, mean and variance 1000")  # fmt: skip
    right.set(xlabel="firms", ylabel="density", ylim=(0, 0.018))
    left.legend(frameon=False, fontsize=8, loc="lower right")
    right.legend(frameon=False, fontsize=8, loc="upper center")
    return figure


def division() -> Figure:
    """Return what each rule of division gives the three members of the glove game, beside its formula."""
    expected = {
        "equal": (1 / 3, 1 / 3, 1 / 3), "contribution": (1 / 3, 1 / 3, 1 / 3), "nash": (0.45, 0.275, 0.275),
        "shapley": (2 / 3, 1 / 6, 1 / 6),
    }  # fmt: skip
    figure = Figure((7.0, 3.2), layout="constrained")
    axes = figure.subplots()
    for place, (rule, shares) in enumerate(expected.items()):
        given = shares_of_the_pot(rule)
        for member, (colour, label) in enumerate(
            ((BLUE, "left glove"), (ORANGE, "right glove 1"), (SKY, "right glove 2"))
        ):
            x = place + 0.26 * (member - 1)
            hidden = "_" if place else ""  # Matplotlib leaves such labels out of the legend
            axes.bar(x, given[member], 0.24, color=colour, label=f"{hidden}{label}")
            axes.hlines(shares[member], x - 0.12, x + 0.12, color=BLACK, lw=2)
    axes.plot([], [], color=BLACK, lw=2, label="formula")
    axes.set_xticks(range(len(expected)), list(expected))
    axes.set(ylabel="share of the pot", ylim=(0, 0.8))
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    return figure


def shares_of_the_pot(rule: str) -> Numbers:
    """Return what left and the two right gloves get of the firm's surplus in a quarter of ``limit-division``."""
    model = ecosim.Ecosystem("limit-division", seed=1, history=False, value_sharing__division=rule)
    rows = [model.row_of(uid) for uid, name in model.names.items()]
    before = model.organisations.capital[rows].copy()
    model.step()
    gained: Numbers = model.organisations.capital[rows] - before
    return gained / gained.sum()


def accounts() -> Figure:
    """Return how far the books of a run are from balance, quarter by quarter."""
    model = ecosim.Ecosystem("classroom", seed=1, history=False)
    names = ("value created - value booked", "capital: change - net inflow", "talent: change - made + retired")
    gaps = np.empty((model.scenario.steps, 3))
    for step in range(model.scenario.steps):
        before = stocks(model)
        model.step()
        after, books = stocks(model), model.books
        created = books.created.sum()
        made = books.made[0] - books.used[0]
        gaps[step] = (
            abs(created - books.value.sum()) / created,
            abs(after[0] - before[0] + after[1] - before[1]) / after[0],
            abs(after[2] - before[2] - made) / after[2],
        )
    figure = Figure((7.0, 3.2), layout="constrained")
    axes = figure.subplots()
    for gap, name, colour, mark in zip(gaps.T, names, (BLUE, RED, GREEN), ("o", "s", "^"), strict=True):
        axes.semilogy(np.maximum(gap, 1e-17), mark, ms=3.5, color=colour, label=name)
    axes.axhline(1e-9, color=BLACK, ls="--", lw=1.2, label="what the audit allows")
    axes.set(xlabel="quarter", ylabel="relative gap", ylim=(5e-18, 1e-7))
    axes.legend(frameon=False, fontsize=8, ncols=2, loc="upper center")
    return figure


def stocks(model: ecosim.Ecosystem) -> tuple[float, float, float]:
    """Return all capital, the balances of the outside accounts, and all talent."""
    table = model.organisations
    seekers = float(model.environment.seekers[0])
    return float(table.capital.sum()), float(model.books.outside.sum()), float(table.talent.sum()) + seekers


DRAWINGS: dict[str, Callable[[], Figure]] = {
    "value-shares": value_shares, "histories": histories, "limit-symbiosis": symbiosis, "limit-diffusion": diffusion, "limit-turnover": turnover,
    "limit-division": division, "limit-accounts": accounts,
}  # fmt: skip


def main(names: list[str]) -> None:
    """Draw the figures of these names, or all."""
    mpl.rcParams |= {"svg.hashsalt": "ecosim", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False,
                     "axes.titlesize": 10}  # fmt: skip
    FIGURES.mkdir(exist_ok=True)
    for name in names or DRAWINGS:
        figure = DRAWINGS[name]()
        figure.savefig(FIGURES / f"{name}.png", dpi=150, metadata={"Software": None})
        figure.savefig(FIGURES / f"{name}.svg", metadata={"Date": None, "Creator": None})
        print(f"docs/figures/{name}.png and .svg")


if __name__ == "__main__":
    main(sys.argv[1:])
