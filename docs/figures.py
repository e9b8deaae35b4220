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
from ecosim.colours import BENEFICIARIES, BLACK, BLUE, GREEN, GREY, ORANGE, PINK, RED, SKY
from ecosim.colours import STAGES as STAGE_COLOURS
from ecosim.scenario import scenario_from_dict
from ecosim.state import MODES, REGIMES, STAGES

FIGURES = Path(__file__).resolve().parent / "figures"
# Bottom of the stack first.
LABELS = {
    "share_firm": "firms", "share_supplier": "suppliers", "share_university": "universities",
    "share_government": "government", "share_intermediary": "intermediaries", "share_user": "users",
    "share_employees": "employees", "share_society": "society", "share_environment": "nature",
}  # fmt: skip
Numbers = NDArray[np.float64]


def value_shares() -> Figure:
    """Return who got the value of each year of the main scenario, and the stages as read off."""
    metrics = ecosim.run("huawei-ecosystem", seed=1).metrics
    weighted = metrics[list(LABELS)].mul(metrics["value_created"], axis=0).groupby(metrics["year"]).sum()
    shares = weighted.div(weighted.sum(axis=1), axis=0)
    figure = Figure((8.0, 4.6), layout="constrained")
    strip, axes = figure.subplots(2, 1, sharex=True, height_ratios=[1, 12])
    axes.stackplot(
        shares.index, shares.to_numpy().T * 100.0, colors=BENEFICIARIES, labels=LABELS.values(), linewidth=0.3,
        edgecolor="white",
    )  # fmt: skip
    axes.set(
        xlim=(shares.index[0], shares.index[-1]), ylim=(0, 100), ylabel="percent of the year's value", xlabel="year"
    )
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside right center", frameon=False, title="value went to")
    steps = np.flatnonzero(metrics["stage"].ne(metrics["stage"].shift()))
    for first, end in zip(steps, [*steps[1:], len(metrics)], strict=True):
        stage = metrics["stage"].iloc[first]
        left, right = 1998 + first / 4, min(1998 + end / 4, shares.index[-1])
        strip.axvspan(left, right, color=STAGE_COLOURS[stage], lw=0)
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
        given = {"symbiosis.coefficients.firm.supplier": a12, "symbiosis.coefficients.supplier.firm": a21, "steps": 400}
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


def governance() -> Figure:
    """Return joint capital under three forms of governance against the formula, and its worth to each member."""
    shares, effects, costs = np.array([[0.4, 0.35, 0.25], [1.0, 1.5, 1.0], [0.5, 0.5, 0.25]])
    decay, discount = 0.2, 0.05
    worth = 1.0 / (discount + decay)
    figure = Figure((8.0, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    forms = {"non-cooperative": GREY, "cost sharing": ORANGE, "cooperative": BLUE}
    for place, (form, colour) in enumerate(forms.items()):
        model = ecosim.Ecosystem("limit-governance", seed=1, history=False, governance__form=form).run()
        years = np.arange(1, model.scenario.steps + 1) / 4.0
        left.plot(years, model.metrics["platform_capital"], color=colour, lw=2, label=form)
        efforts, gains = model.memberships.effort[:3], model.memberships.gain[:3] * 4.0
        inflow = effects @ efforts
        left.plot(years, inflow / decay * (1.0 - np.exp(-decay * years)), color=BLACK, ls="--", lw=1.2)
        # A year's gain is l theta K - cost, so the cost is known; both are worth the same for ever.
        sold = 4.0 * model.metrics["platform_revenue"].iloc[-1]
        values = (shares * worth * inflow - (shares * sold - gains)) / discount
        for member, (shade, name) in enumerate(((BLUE, "host"), (ORANGE, "partner 1"), (SKY, "partner 2"))):
            label = f"{'_' if place else ''}{name}"  # Matplotlib leaves labels with a low line out of the legend
            right.bar(place + 0.26 * (member - 1), values[member], 0.24, color=shade, label=label)
    expected = game_values(shares, effects, costs, worth, discount)
    for place, values in enumerate(expected):
        for member, value in enumerate(values):
            right.hlines(value, place + 0.26 * member - 0.38, place + 0.26 * member - 0.14, color=BLACK, lw=2)
    left.plot([], [], color=BLACK, ls="--", label="formula")
    right.plot([], [], color=BLACK, lw=2, label="formula")
    left.set(xlabel="years", ylabel="joint capital", ylim=(0, None))
    right.set(ylabel="worth of the platform, million CNY")
    right.set_xticks(range(3), list(forms))
    for axes in (left, right):
        axes.legend(frameon=False, fontsize=8)
    return figure


def game_values(shares: Numbers, effects: Numbers, costs: Numbers, worth: float, discount: float) -> list[Numbers]:
    """Return what each form of governance is worth to each member from nothing, by the closed form; the host first."""
    values = []
    borne = np.maximum(0.0, (2.0 * shares[0] - shares) / (2.0 * shares[0] + shares)) * (np.arange(shares.size) > 0)
    for regarded, part in ((shares, 0.0 * borne), (shares / (1.0 - borne), borne), (np.ones(shares.size), 0.0 * borne)):
        efforts = regarded * worth * effects / costs
        spent = costs * efforts**2 / 2.0
        own = (1.0 - part) * spent
        own[0] += part @ spent
        values.append((shares * worth * (effects @ efforts) - own) / discount)
    return values


def spreading() -> Figure:
    """Return gaps on the shipped graph against their formulas, and the largest gap on four graphs."""
    figure = Figure((8.0, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    model = ecosim.Ecosystem("limit-spreading", seed=1, history=False)
    t, rho = np.arange(81), 0.1
    slow, quick = (1.0 - rho) ** t, (1.0 - 2.0 * rho) ** t
    formulas = {
        "left": slow, "far": 2.0 * slow - quick, "further": 2.0 * rho * t * slow / (1.0 - rho) + quick,
        "last": (rho / (1.0 - rho)) ** 2 * t * (t - 1) * slow + 2.0 * slow - quick,
    }  # fmt: skip
    gaps = gaps_of(model, 80)
    names = list(model.names.values())
    for (name, formula), colour in zip(formulas.items(), (BLUE, GREEN, ORANGE, PINK), strict=True):
        left.plot(t, gaps[:, names.index(name)], color=colour, lw=2, label=name)
        left.plot(t, formula, color=BLACK, ls="--", lw=1.2)
    left.plot([], [], color=BLACK, ls="--", label="formula")
    graphs = {
        "path": ([(i, i + 1) for i in range(5)], 1, PINK), "ring": ([(i, (i + 1) % 6) for i in range(6)], 1, ORANGE),
        "star": ([(0, i) for i in range(1, 6)], 1, BLUE),
        "two sources": ([(s, i) for s in (0, 1) for i in range(2, 6)], 2, GREEN),
    }  # fmt: skip
    for name, (edges, sources, colour) in graphs.items():
        largest = gaps_of(on_graph(edges, sources), 80).max(axis=1)
        right.semilogy(t, largest, color=colour, lw=2, label=name)
    for beta, style in ((1, "--"), (2, ":")):
        right.semilogy(
            t, (1.0 - beta * rho) ** t, color=BLACK, ls=style, lw=1.2, label=f"{1.0 - beta * rho:.1f} a quarter"
        )
    left.set(xlabel="quarter", ylabel="gap to the source", ylim=(0, 1.02))
    right.set(xlabel="quarter", ylabel="largest gap", ylim=(1e-6, 1.5))
    for axes in (left, right):
        axes.legend(frameon=False, fontsize=8)
    return figure


def gaps_of(model: ecosim.Ecosystem, steps: int) -> Numbers:
    """Return how much of what the first knows each is short of, after each quarter, (steps + 1, organisations)."""
    rows = [model.row_of(uid) for uid in model.names]
    path = [model.organisations.knowledge[rows, 0].copy()]
    for _ in range(steps):
        model.step()
        path.append(model.organisations.knowledge[rows, 0].copy())
    gaps: Numbers = 1.0 - np.array(path) / path[0][0]
    return gaps


def on_graph(edges: list[tuple[int, int]], sources: int) -> ecosim.Ecosystem:
    """Return ``limit-spreading`` on another graph of six, of which the first know something, and the same."""
    tree = ecosim.load_scenario("limit-spreading").as_dict()
    first, tie = tree["organisations"][0], tree["ties"][0]
    tree["organisations"] = [first | {"name": f"node {i}", "knowledge": 100.0 * (i < sources)} for i in range(6)]
    tree["ties"] = [tie | {"between": [f"node {a}", f"node {b}"]} for a, b in edges]
    model = ecosim.Ecosystem(scenario_from_dict(tree), seed=1, history=False)
    rows = [model.row_of(uid) for uid in model.names][:sources]
    model.organisations.knowledge[rows] = model.organisations.knowledge[rows[0]]
    return model


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
    "limit-division": division, "limit-governance": governance, "limit-spreading": spreading, "limit-accounts": accounts,
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
