"""The figure of scenario discovery: how boxes trade coverage for density, what they limit, and the points in the plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ecosim.analysis.experiment import rows_of, shown, words_of
from ecosim.analysis.figures import LINES, MOST_BARS, WIDTH
from ecosim.analysis.labels import wrapped
from ecosim.colours import BLACK, GREY, RED
from ecosim.studies.study_parts import Factor

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def boxes(
    tables: Mapping[str, pd.DataFrame],
    points: pd.DataFrame,
    factors: Sequence[Factor],
    cases: Any,
    labels: Mapping[str, str],
) -> Figure:
    """Return the boxes that PRIM found.

    Parameters
    ----------
    tables : ``boxes``, ``box-limits`` and ``box-trajectory``, with at least one box.
    points : a row a point, a column a factor.
    cases : (points,), which points are of interest.
    labels : factor to its label.
    """
    from matplotlib.figure import Figure

    limits = tables["box-limits"]
    limited = list(dict.fromkeys(limits["factor"]))[:MOST_BARS]
    figure = Figure((WIDTH, 3.1 + max(1.6, 0.5 + 0.42 * len(limited))), layout="constrained")
    above, below = cast(Any, figure.subfigures(2, 1, height_ratios=[3.1, max(1.6, 0.5 + 0.42 * len(limited))]))
    trade, plane = above.subplots(1, 2)
    _trade_off(trade, tables)
    _plane(plane, limits, points, factors, cases, labels)
    _limits(below.subplots(), tables, limited, points, factors, labels)
    above.suptitle(_title(tables["boxes"]), fontsize=9.5, x=0.01, ha="left")
    return figure


def _title(found: pd.DataFrame) -> str:
    first = found.iloc[0]
    return f"{first['condition']}: {first['cases_in_all']:,} of {first['points_in_all']:,} points"


def _trade_off(axes: Axes, tables: Mapping[str, pd.DataFrame]) -> None:
    for number, steps in tables["box-trajectory"].groupby("box"):
        colour, marker, _ = LINES[(int(str(number)) - 1) % len(LINES)]
        axes.plot(steps["coverage"], steps["density"], color=colour, marker=marker, ms=2.5, lw=0.8)
    for row in rows_of(tables["boxes"]):
        colour, marker, _ = LINES[(row.box - 1) % len(LINES)]
        axes.plot(row.coverage, row.density, marker, ms=9, color=colour, mec=BLACK,
                  label=f"box {row.box}: coverage {row.coverage:.0%}, density {row.density:.0%}")  # fmt: skip
    axes.set(xlabel="coverage: part of all cases in the box", ylabel="density: part of the box that are cases", xlim=(0, 1.03),
             ylim=(0, 1.03), title="steps of peeling, and the boxes taken")  # fmt: skip
    axes.legend(loc="best")


def _plane(
    axes: Axes,
    limits: pd.DataFrame,
    points: pd.DataFrame,
    factors: Sequence[Factor],
    cases: Any,
    labels: Mapping[str, str],
) -> None:
    """Draw the points over the two factors that the first box limits best, and its limits."""
    first = limits[limits["box"] == 1].copy()
    first["best"] = first[["quasi_p_low", "quasi_p_high"]].min(axis=1)
    names = list(first.sort_values("best", kind="stable")["factor"])[:2]
    names += [factor.name for factor in factors if factor.name not in names][: 2 - len(names)]
    if len(names) < 2:
        axes.remove()
        return
    wide = [_numbers(points[name], factors, name) for name in names]
    at = [values + 0.3 * (np.random.default_rng(place).random(len(points)) - 0.5) if ticks else values
          for place, (values, ticks) in enumerate(wide)]  # fmt: skip
    for chosen, colour, marker, what in ((~cases, GREY, ".", "other points"), (cases, RED, "x", "cases")):
        axes.scatter(at[0][chosen], at[1][chosen], s=9, color=colour, marker=marker, lw=0.7, label=what, alpha=0.8)
    edges = [
        _ends(first[first["factor"] == name], values, ticks) for name, (values, ticks) in zip(names, wide, strict=True)
    ]
    (left, right), (low, high) = edges
    axes.plot([left, right, right, left, left], [low, low, high, high, low], color=BLACK, lw=1.6, label="box 1")
    for name, (_, ticks), axis in zip(names, wide, (axes.xaxis, axes.yaxis), strict=True):
        axis.set_label_text(wrapped(labels.get(name, name), 34))
        if ticks:
            axis.set_ticks(range(len(ticks)), ticks)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, columnspacing=1.2)


def _numbers(column: pd.Series, factors: Sequence[Factor], name: str) -> tuple[Any, list[str]]:
    """Return where a factor's values stand on an axis, and the words that stand there."""
    if column.dtype.kind in "iuf":
        return column.to_numpy(float), []
    factor = next(factor for factor in factors if factor.name == name)
    words = words_of(column.to_frame(), factor)
    return column.map(words.index).to_numpy(float), [shown(word) for word in words]


def _ends(rows: pd.DataFrame, values: Any, ticks: list[str]) -> tuple[float, float]:
    """Return the ends of a box on an axis; where it has no limit those of the points."""
    low, high = (-0.45, len(ticks) - 0.55) if ticks else (float(values.min()), float(values.max()))
    if rows.empty:
        return low, high
    row = rows.iloc[0]
    if ticks:
        kept = [ticks.index(word) for word in row["levels"].split(", ")]
        return min(kept) - 0.45, max(kept) + 0.45
    return (low if np.isnan(row["low"]) else row["low"]), (high if np.isnan(row["high"]) else row["high"])


def _limits(
    axes: Axes, tables: Mapping[str, pd.DataFrame], names: Sequence[str], points: pd.DataFrame, factors: Sequence[Factor],
    labels: Mapping[str, str],
) -> None:  # fmt: skip
    """Draw the part of each factor's range that each box leaves, the ends written beside it."""
    limits, count = tables["box-limits"], len(tables["boxes"])
    height = 0.7 / count
    for row in rows_of(limits):
        if row.factor not in names:
            continue
        place = len(names) - 1 - names.index(row.factor) + height * ((count - 1) / 2.0 - (row.box - 1))
        colour = LINES[(row.box - 1) % len(LINES)][0]
        axes.barh(place, 1.0, height * 0.9, color=GREY, alpha=0.2)
        if row.levels:
            axes.text(0.5, place, f"{row.levels}", ha="center", va="center", color=colour, fontsize=8.5, weight="bold")
            continue
        values, _ = _numbers(points[row.factor], factors, row.factor)
        low, high = _ends(limits[limits.index == row.Index], values, [])
        span = values.max() - values.min()
        left, right = (low - values.min()) / span, (high - values.min()) / span
        axes.barh(place, right - left, height * 0.9, left=left, color=colour, alpha=0.75)
        text = " and ".join(part for part in (f"above {row.low:.3g}" if row.low == row.low else "",
                                              f"below {row.high:.3g}" if row.high == row.high else "") if part)  # fmt: skip
        axes.text(1.01, place, text, va="center", fontsize=8.0)
    axes.set_yticks(range(len(names)), [wrapped(labels.get(name, name), 40) for name in reversed(names)])
    axes.set(
        xlim=(0.0, 1.0),
        xticks=[0.0, 1.0],
        xticklabels=["lowest", "highest"],
        title="what the boxes leave of each factor",
    )
