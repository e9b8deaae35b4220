"""Figures of sensitivity: Sobol indices, Morris' effects, and how factors are distributed in regions of an outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.analysis.experiment import rows_of, shown
from ecosim.analysis.figures import MOST_BARS, Labels, group_digits, page_figure, panels_of, set_title
from ecosim.analysis.labels import wrapped
from ecosim.colours import BLACK, BLUE, GREY, ORANGE, SKY

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_REGIONAL = 9  # panels of factors


def sobol(indices: pd.DataFrame, label: str, factors: Labels) -> Figure:
    """Return first-order and total Sobol indices as bars with 95 % intervals, the largest total on top."""
    rows = indices.sort_values("total", kind="stable").tail(MOST_BARS)
    figure, axes = _bars(len(rows))
    places = np.arange(len(rows))
    for shift, name, colour, hatch in ((0.2, "first", BLUE, ""), (-0.2, "total", SKY, "///")):
        half = rows[f"{name}_high"] - rows[name]
        axes.barh(places + shift, rows[name], 0.38, xerr=half, color=colour, hatch=hatch, edgecolor="white", linewidth=0.0,
                  error_kw={"lw": 1.0, "capsize": 2.0},
                  label={"first": "by itself (first order)", "total": "with all that it acts together with (total)"}[name])  # fmt: skip
    _name_bars(axes, [factors.get(name, name) for name in rows["factor"]])
    axes.axvline(0.0, color=BLACK, lw=0.8)
    axes.set(xlabel="part of the variance over the points, with 95 % intervals")
    set_title(figure, label)
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def sobol_pairs(pairs: pd.DataFrame, label: str, factors: Labels) -> Figure:
    """Return the largest second-order Sobol indices as bars with 95 % intervals."""
    rows = pairs.sort_values("second", kind="stable").tail(MOST_BARS // 2)
    figure, axes = _bars(len(rows))
    half = rows["second_high"] - rows["second"]
    axes.barh(range(len(rows)), rows["second"], 0.6, xerr=half, color=BLUE, error_kw={"lw": 1.0, "capsize": 2.0})
    _name_bars(axes, [f"{row.factor} and {row.other_factor}" for row in rows_of(rows)])
    axes.axvline(0.0, color=BLACK, lw=0.8)
    axes.set(xlabel="part of the variance that two have together (second order), with 95 % intervals")
    set_title(figure, label)
    return figure


def morris(effects: pd.DataFrame, label: str, factors: Labels) -> Figure:
    """Return mu* as bars with 95 % intervals, and mu* against sigma; the numbers of factors are the same in both."""
    from matplotlib.patches import Patch

    rows = effects.sort_values("mu_star", ascending=False, kind="stable").head(MOST_BARS)
    figure = page_figure(max(3.6, 1.4 + 0.24 * len(rows)))
    bars, plane = figure.subplots(1, 2, width_ratios=[1.1, 1.0])
    places = np.arange(len(rows))[::-1]
    colours = [BLUE if row.mu >= 0.0 else ORANGE for row in rows_of(rows)]
    bars.barh(places, rows["mu_star"], 0.62, xerr=rows["mu_star_high"] - rows["mu_star"], color=colours,
              error_kw={"lw": 1.0, "capsize": 2.0})  # fmt: skip
    bars.set_yticks(places, [wrapped(f"{number}  {name}", 34) for number, name in enumerate(rows["factor"], start=1)])
    bars.set(xlabel="mu*: mean size of effects over the range", ylim=(-0.7, len(rows) - 0.3))
    bars.set_xlim(0.0, None)
    plane.scatter(rows["mu_star"], rows["sigma"], s=18, color=colours, zorder=3)
    most = 1.1 * max(float(rows["mu_star"].max()), 1e-300)
    lines = plane.plot([0.0, most], [0.0, most], GREY, [0.0, most], [0.0, 0.1 * most], GREY, lw=0.9)
    lines[0].set(ls="--", label="sigma = mu*")
    lines[1].set(ls=":", label="sigma = 0.1 mu*")
    plane.set(
        xlabel="mu*",
        ylabel="sigma: how much effects differ",
        xlim=(0.0, most),
        ylim=(0.0, 1.1 * max(float(rows["sigma"].max()), 1e-300)),
    )
    _number_points(plane, rows["mu_star"].to_numpy(float), rows["sigma"].to_numpy(float))
    for axis in (bars.xaxis, plane.xaxis, plane.yaxis):
        group_digits(axis)
        _few_ticks(axis)
    set_title(figure, f"{label}; effects in its unit, 95 % intervals over trajectories")
    colours_of = [Patch(color=BLUE, label="mostly raises it"), Patch(color=ORANGE, label="mostly lowers it")]
    figure.legend(handles=[*colours_of, *lines], loc="outside lower center", ncols=4)
    return figure


def regions(
    points: pd.DataFrame, inside: Mapping[str, Any], distances: Mapping[str, float], label: str, factors: Labels,
    order: Mapping[str, Sequence[Any]],
) -> Figure:  # fmt: skip
    """Return how each factor is distributed where the outcome lies in a region, the most different factors first.

    Parameters
    ----------
    points : a row a point, a column a factor; drawn independently.
    inside : region to which points lie in it, (points,).
    distances : factor to the largest distance of the distributions.
    order : switch or choice to its values, as they are to stand.
    """
    names = sorted(distances, key=lambda name: -distances[name])[:MOST_REGIONAL]
    figure, panels = panels_of(len(names), 2.1, columns=3)
    first = next(iter(inside.values()))
    beside = {"other points": ~first} if len(inside) == 1 else {"all points": np.ones(len(points), bool)}
    sets = {**beside, **inside}
    for axes, name in zip(panels, names, strict=True):
        column = points[name]
        words = order.get(name, ())
        for place, (region, chosen) in enumerate(sets.items()):
            colour, dashes = ((GREY, "-"), (BLUE, "-"), (ORANGE, "--"))[place % 3]
            if words:
                shares = [float((column[chosen] == word).mean()) for word in words]
                axes.bar(np.arange(len(words)) + 0.27 * (place - (len(sets) - 1) / 2.0), shares, 0.25, color=colour,
                         label=region)  # fmt: skip
            else:
                values = np.sort(column[chosen].to_numpy(float))
                axes.step(values, np.arange(1, values.size + 1) / values.size, where="post", color=colour, ls=dashes,
                          lw=1.0 if place == 0 else 1.6, label=region)  # fmt: skip
        if words:
            axes.set_xticks(range(len(words)), [wrapped(shown(word), 12) for word in words])
        axes.set_ylim(0.0, 1.03)
        axes.set_xlabel(wrapped(factors.get(name, name), 30))
        axes.set_title(f"distance {distances[name]:.2f}")
    figure.supylabel("part of the points up to a value, or with a word", fontsize=9.0)
    set_title(figure, label)
    handles, names_of = panels[0].get_legend_handles_labels()
    figure.legend(handles, names_of, loc="outside lower center", ncols=3)
    return figure


def _bars(count: int) -> tuple[Figure, Axes]:
    figure = page_figure(1.5 + 0.36 * count)
    return figure, figure.subplots()


def _name_bars(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), [wrapped(name, 40) for name in names])
    axes.set_ylim(-0.6, len(names) - 0.4)


def _number_points(axes: Axes, across: Any, up: Any) -> None:
    """Number points from 1, each number on the side of its point where it is farthest from other points and numbers."""
    at = np.column_stack([across / axes.get_xlim()[1], up / axes.get_ylim()[1]])
    sides = 0.035 * np.array([(1, 1), (1, -1), (-1, 1), (-1, -1), (1.3, 0), (-1.3, 0), (0, 1.3), (0, -1.3)])
    taken = list(at)
    for number, place in enumerate(at, start=1):
        free = [min(np.hypot(*(place + side - other)) for other in taken) for side in sides]
        label = place + sides[int(np.argmax(free))]
        taken.append(label)
        axes.text(label[0], label[1], str(number), transform=axes.transAxes, ha="center", va="center", fontsize=7.5)


def _few_ticks(axis: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(5))
