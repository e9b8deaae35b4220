"""Figures of an analysis: each from its tables, as wide as a page, told apart with any colour vision."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.analysis.comparison import clearest
from ecosim.analysis.experiment import rows_of
from ecosim.analysis.labels import wrapped
from ecosim.colours import BLACK, BLUE, GREEN, GREY, ORANGE, PINK, RED, SKY

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 7.5  # inches, of a page
MOST_PANELS, MOST_PAIRS, MOST_BARS, MOST_ROWS = 24, 6, 20, 24
# Fonts that have Chinese letters, of which a system has some or none; Matplotlib brings DejaVu Sans, which has all others.
CHINESE = ("Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", "WenQuanYi Micro Hei", "SimHei")
LEAST_PART = 0.001  # of the variance, of an interaction that is drawn
LINES = ((BLUE, "o", "-"), (ORANGE, "s", "--"), (GREEN, "^", "-."), (RED, "D", ":"), (SKY, "v", "-"), (PINK, "P", "--"),
         (BLACK, "X", "-."), (GREY, "*", ":"))  # fmt: skip
_STYLE: dict[Any, Any] = {
    "font.size": 9.0, "axes.titlesize": 9.5, "axes.titlelocation": "left", "axes.labelsize": 9.0,
    "xtick.labelsize": 8.0, "ytick.labelsize": 8.0, "legend.fontsize": 8.0, "legend.frameon": False,
    "axes.spines.top": False, "axes.spines.right": False, "text.parse_math": False, "svg.hashsalt": "ecosim",
    "figure.dpi": 100.0, "savefig.facecolor": "white", "axes.formatter.useoffset": False, "axes.formatter.limits": (-4, 6),
}  # fmt: skip
Labels = Mapping[str, str]


@contextmanager
def style() -> Iterator[None]:
    """Have Matplotlib draw the figures of an analysis, whatever the user's own settings are."""
    import matplotlib as mpl
    from matplotlib.font_manager import get_font_names

    there = set(get_font_names())
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        mpl.rcParams["font.family"] = ["DejaVu Sans", *(font for font in CHINESE if font in there)]
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
    figure, panels = panels_of(len(names), 2.0)
    width = 84 // min(4, len(names))
    for axes, name in zip(panels, names, strict=True):
        rows = means[means["factor"] == name]
        places = _places(axes, rows)
        half = (rows["high"] - rows["mean"]).fillna(0.0)
        axes.errorbar(places, rows["mean"], half, color=BLUE, marker="o", ms=4, lw=1.2, capsize=2.5,
                      ls="-" if rows["place"].notna().all() else "none")  # fmt: skip
        axes.set_xlabel(wrapped(factors.get(name, name), width))
    _share_y(panels)
    set_title(figure, f"{label}; 95 % intervals {means['interval'].iloc[0]}")
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
    figure, panels = panels_of(len(pairs), 2.6, columns=min(3, len(pairs)))
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
    set_title(figure, f"{label}; 95 % intervals {cells['interval'].iloc[0]}")
    return figure


def comparison(table: pd.DataFrame, label: str) -> Figure:
    """Return differences to the base with 95 % intervals, paired and as if unpaired; if there are many, the clearest."""
    table = clearest(table, MOST_ROWS)
    figure = page_figure(1.3 + 0.46 * len(table))
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
    group_digits(axes.xaxis)
    set_title(figure, f"{label}; 95 % intervals {table['interval'].iloc[0]}")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


# -- parts of figures -------------------------------------------------------------------------------------------------


def page_figure(height: float) -> Figure:
    """Return an empty figure as wide as a page, of a height in inches."""
    from matplotlib.figure import Figure

    return Figure((WIDTH, height), layout="constrained")


def panels_of(count: int, height: float, columns: int = 4) -> tuple[Figure, list[Axes]]:
    """Return a figure with so many panels in rows, and no more."""
    columns = max(1, min(columns, count))
    rows = max(1, math.ceil(count / columns))
    figure = page_figure(height * rows + 0.2)
    grid = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for axes in grid[count:]:
        axes.remove()
    return figure, list(grid[:count])


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
        group_digits(axes.yaxis)
        if not axes.get_subplotspec().is_first_col():  # type: ignore[union-attr]
            axes.tick_params(labelleft=False)


def group_digits(axis: Any) -> None:
    """Write large numbers on an axis with commas."""
    from matplotlib.ticker import FuncFormatter

    if max(map(abs, axis.get_view_interval())) >= 10_000.0:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def set_title(figure: Figure, label: str) -> None:
    """Write what a figure is about above it."""
    figure.suptitle(wrapped(_one_line(label), 100), fontsize=9.5, x=0.01, ha="left")


def _one_line(label: str) -> str:
    return label.replace("\n", ", ")
