"""Figures of an analysis: each from its tables, as wide as a page, told apart with any colour vision."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.analysis.experiment import rows_of, shown
from ecosim.analysis.labels import wrapped
from ecosim.colours import BLACK, BLUE, GREEN, GREY, ORANGE, PINK, RED, SKY

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 7.5  # inches, of a page
MOST_PANELS, MOST_PAIRS, MOST_BARS = 24, 6, 20
LEAST_PART = 0.001  # of the variance, of an interaction that is drawn
LINES = ((BLUE, "o", "-"), (ORANGE, "s", "--"), (GREEN, "^", "-."), (RED, "D", ":"), (SKY, "v", "-"), (PINK, "P", "--"),
         (BLACK, "X", "-."), (GREY, "*", ":"))  # fmt: skip
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif", "font.size": 9.0, "axes.titlesize": 9.5, "axes.titlelocation": "left", "axes.labelsize": 9.0,
    "xtick.labelsize": 8.0, "ytick.labelsize": 8.0, "legend.fontsize": 8.0, "legend.frameon": False,
    "axes.spines.top": False, "axes.spines.right": False, "text.parse_math": False, "svg.hashsalt": "ecosim",
    "figure.dpi": 100.0, "savefig.facecolor": "white", "axes.formatter.useoffset": False, "axes.formatter.limits": (-4, 6),
}  # fmt: skip
Labels = Mapping[str, str]


@contextmanager
def style() -> Iterator[None]:
    """Have Matplotlib draw the figures of an analysis, whatever the user's own settings are."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def main_effects(means: pd.DataFrame, label: str, factors: Labels) -> Figure:
    """Return the mean at each level of each factor, a panel a factor, with 95 % intervals.

    Parameters
    ----------
    means : of one outcome, as `ecosim.analysis.effects.means_by_level` gives them.
    label : of the outcome.
    factors : factor to its label.
    """
    names = list(dict.fromkeys(means["factor"]))
    spans = means.groupby("factor")["mean"].agg(np.ptp)
    if len(names) > MOST_PANELS:
        chosen = set(spans.sort_values(ascending=False).index[:MOST_PANELS])
        names = [name for name in names if name in chosen]
    figure, panels = _panels(len(names), 2.0)
    width = 84 // min(4, len(names))
    for axes, name in zip(panels, names, strict=True):
        rows = means[means["factor"] == name]
        places = _places(axes, rows)
        half = (rows["high"] - rows["mean"]).fillna(0.0)
        axes.errorbar(places, rows["mean"], half, color=BLUE, marker="o", ms=4, lw=1.2, capsize=2.5,
                      ls="-" if rows["place"].notna().all() else "none")  # fmt: skip
        axes.set_xlabel(wrapped(factors.get(name, name), width))
    _share_y(panels)
    _title(figure, f"{label}; 95 % intervals {means['interval'].iloc[0]}")
    return figure


def interactions(cells: pd.DataFrame, parts: pd.DataFrame, label: str, factors: Labels) -> Figure:
    """Return the means at levels of two factors, for the pairs that interact most.

    Parameters
    ----------
    cells : of one outcome, as `ecosim.analysis.effects.means_by_two` gives them.
    parts : of the same outcome, as `ecosim.analysis.effects.parts_of_variance` gives them.
    """
    pairs = parts[parts["other_factor"] != ""].sort_values("part", ascending=False, kind="stable")
    pairs = pairs[(pairs["part"] >= LEAST_PART) | (np.arange(len(pairs)) == 0)].head(MOST_PAIRS)
    figure, panels = _panels(len(pairs), 2.6, columns=min(3, len(pairs)))
    for axes, pair in zip(panels, rows_of(pairs), strict=True):
        rows = cells[(cells["factor"] == pair.factor) & (cells["other_factor"] == pair.other_factor)]
        levels, others = (list(dict.fromkeys(rows[name])) for name in ("level", "other_level"))
        for place, other in enumerate(others):
            own = rows[rows["other_level"] == other]
            at = np.array([levels.index(level) for level in own["level"]]) + 0.06 * (place - (len(others) - 1) / 2.0)
            colour, marker, dashes = LINES[place % len(LINES)]
            half = (own["high"] - own["mean"]).fillna(0.0)
            axes.errorbar(at, own["mean"], half, color=colour, marker=marker, ls=dashes, ms=4, lw=1.2, capsize=2,
                          label=other)  # fmt: skip
        axes.set_xticks(range(len(levels)), [wrapped(level, 9) for level in levels])
        axes.set_xlim(-0.35, len(levels) - 0.65)
        axes.set_xlabel(wrapped(factors.get(pair.factor, pair.factor), 30))
        axes.legend(title=wrapped(factors.get(pair.other_factor, pair.other_factor), 30), title_fontsize=8.0, loc="upper center",
                    ncols=2 if len(others) > 3 else 1)  # fmt: skip
        if pair.part == pair.part:
            axes.set_title(f"together {pair.part:.1%} of the variance")
    _share_y(panels, room=0.6)
    _title(figure, f"{label}; 95 % intervals {cells['interval'].iloc[0]}")
    return figure


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
    _title(figure, label)
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
    _title(figure, label)
    return figure


def morris(effects: pd.DataFrame, label: str, factors: Labels) -> Figure:
    """Return mu* as bars with 95 % intervals, and mu* against sigma; the numbers of factors are the same in both."""
    from matplotlib.patches import Patch

    rows = effects.sort_values("mu_star", ascending=False, kind="stable").head(MOST_BARS)
    figure = _figure(max(3.6, 1.4 + 0.24 * len(rows)))
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
        _group_digits(axis)
        _few_ticks(axis)
    _title(figure, f"{label}; effects in its unit, 95 % intervals over trajectories")
    colours_of = [Patch(color=BLUE, label="mostly raises it"), Patch(color=ORANGE, label="mostly lowers it")]
    figure.legend(handles=[*colours_of, *lines], loc="outside lower center", ncols=4)
    return figure


def comparison(table: pd.DataFrame, label: str) -> Figure:
    """Return differences to the base with 95 % intervals, paired and as if unpaired, a row a level or policy."""
    figure = _figure(1.3 + 0.46 * len(table))
    axes = figure.subplots()
    places = np.arange(len(table))[::-1]
    paired = (table["pairs"] > 0).any()
    for shift, low, high, colour, width, what in (
        (-0.16, "unpaired_low", "unpaired_high", GREY, 1.2, "as if unpaired"),
        (0.08, "low", "high", BLUE, 2.4, "paired" if paired else "unpaired"),
    ):
        if paired or low == "low":
            known = table[low].notna().to_numpy()
            axes.hlines(places[known] + shift, table[low][known], table[high][known], color=colour, lw=width,
                        label=what)  # fmt: skip
    axes.plot(table["difference"], places + 0.08, "o", color=BLUE, ms=5)
    axes.axvline(0.0, color=BLACK, lw=0.9, ls="--")
    names = [wrapped(f"{row.level} against {row.base}" if row.factor == "policy" else
                     f"{row.factor}: {row.level} against {row.base}", 44) for row in rows_of(table)]  # fmt: skip
    axes.set_yticks(places, names)
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.set_xlabel("difference")
    _group_digits(axes.xaxis)
    _title(figure, f"{label}; 95 % intervals {table['interval'].iloc[0]}")
    figure.legend(loc="outside lower center", ncols=2)
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
    names = sorted(distances, key=lambda name: -distances[name])[: MOST_PAIRS + 3]
    figure, panels = _panels(len(names), 2.1, columns=3)
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
    _title(figure, label)
    handles, names_of = panels[0].get_legend_handles_labels()
    figure.legend(handles, names_of, loc="outside lower center", ncols=3)
    return figure


# -- parts of figures -------------------------------------------------------------------------------------------------


def _figure(height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure((WIDTH, height), layout="constrained")


def _panels(count: int, height: float, columns: int = 4) -> tuple[Figure, list[Axes]]:
    """Return a figure with so many panels in rows, and no more."""
    columns = max(1, min(columns, count))
    rows = max(1, math.ceil(count / columns))
    figure = _figure(height * rows + 0.2)
    grid = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for axes in grid[count:]:
        axes.remove()
    return figure, list(grid[:count])


def _bars(count: int) -> tuple[Figure, Axes]:
    figure = _figure(1.5 + 0.36 * count)
    return figure, figure.subplots()


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


def _name_bars(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), [wrapped(name, 40) for name in names])
    axes.set_ylim(-0.6, len(names) - 0.4)


def _places(axes: Axes, rows: pd.DataFrame) -> Any:
    """Return where the levels of a factor stand; words are spread evenly and named."""
    if rows["place"].notna().all():
        return rows["place"]
    axes.set_xticks(range(len(rows)), [wrapped(str(level), 12) for level in rows["level"]])
    axes.set_xlim(-0.5, len(rows) - 0.5)
    return np.arange(len(rows))


def _share_y(panels: Sequence[Axes], room: float = 0.0) -> None:
    """Give all panels the same axis, so that effects are compared by eye; only the first of a row has numbers.

    Parameters
    ----------
    room : left above for a legend, in parts of the axis.
    """
    ends = [axes.get_ylim() for axes in panels]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    for axes in panels:
        axes.set_ylim(low, high + room * (high - low))
        _group_digits(axes.yaxis)
        if not axes.get_subplotspec().is_first_col():  # type: ignore[union-attr]
            axes.tick_params(labelleft=False)


def _group_digits(axis: Any) -> None:
    """Write large numbers on an axis with commas."""
    from matplotlib.ticker import FuncFormatter

    if max(map(abs, axis.get_view_interval())) >= 10_000.0:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _title(figure: Figure, label: str) -> None:
    figure.suptitle(wrapped(_one_line(label), 100), fontsize=9.5, x=0.01, ha="left")


def _one_line(label: str) -> str:
    return label.replace("\n", ", ")
