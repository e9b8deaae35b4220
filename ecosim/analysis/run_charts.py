"""Charts of one run: who got the value, and the outcomes that a reader asks for first."""

from __future__ import annotations

from itertools import cycle, groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.analysis.drawing import DASHES, PATTERNS, TALL, figure_of, legend_below, style, svg_of, whole_years
from ecosim.analysis.report_page import Chart
from ecosim.colours import BENEFICIARIES, BLUE, GREEN, ORANGE, PINK, RED
from ecosim.colours import STAGES as STAGE_COLOURS
from ecosim.state import CHANNELS, MODES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from ecosim.runs import Run

LINES = (BLUE, RED, GREEN, ORANGE, PINK)
FEW = 8  # quarters, of a run whose lines have a mark each
_LIGHT = {"#F0E442", "#56B4E9", "#E69F00", "#CC79A7"}  # fills on which black letters are read better than white ones


def beneficiaries(run: Run) -> list[str]:
    """Return who value is booked to, in the order in which charts stack them."""
    return [name.removeprefix("share_") for name in run.metrics.columns if name.startswith("share_")]


def stage_chart(run: Run) -> Chart:
    """Return the shares of value by stage: a bar a stage, a colour and a pattern a beneficiary."""
    shares = run.value_shares()[beneficiaries(run)] * 100.0
    with style():
        figure, axes = figure_of(TALL)
        _stack(axes, shares.set_axis(range(len(shares))), 0.72)
        for place, row in enumerate(shares.to_numpy()):
            for height, top in zip(row, row.cumsum(), strict=True):
                if height >= 5.0:
                    axes.text(place, top - height / 2, f"{height:.0f}%", ha="center", va="center", fontsize=8.5,
                              bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2})  # fmt: skip
        axes.set_xticks(range(len(shares)), list(map(str, shares.index)))
        axes.set(
            ylim=(0, 100),
            xlim=(-1.0, 1.0) if len(shares) == 1 else (-0.5, len(shares) - 0.5),
            ylabel="percent of the value of the stage",
        )
        legend_below(figure, axes)
        svg = svg_of(figure, "stages")
    most = {str(stage): row.idxmax() for stage, row in shares.iterrows()}
    told = "; ".join(
        f"in {stage} the largest share, {shares.loc[stage].max():.0f} percent, goes to {who}"
        for stage, who in most.items()
    )
    return Chart(
        svg,
        "Shares of value by stage",
        f"Stacked bars, one a stage: {told}.",
        "All value booked while the ecosystem was read as the stage.",
    )


def year_chart(run: Run) -> Chart:
    """Return the shares of each year's value, and the stages above them."""
    names = beneficiaries(run)
    years = run.metrics.set_index("step").year
    value = run.value.assign(year=run.value.step.map(years))
    table = value.pivot_table(index="year", columns="beneficiary", values="value", aggfunc="sum")[names]
    totals = table.sum(axis=1)
    shares = table.div(totals.where(totals > 0.0, 1.0), axis=0) * 100.0
    with style():
        from matplotlib.figure import Figure

        figure = Figure(TALL, layout="constrained")
        strip, axes = figure.subplots(2, 1, sharex=True, height_ratios=[1, 12])
        _stack(axes, shares, 1.0)
        axes.set(
            ylim=(0, 100), xlim=(table.index[0] - 0.5, table.index[-1] + 0.5), ylabel="percent of the year's value"
        )
        whole_years(axes)
        _stage_strip(strip, run.metrics)
        legend_below(figure, axes)
        svg = svg_of(figure, "years")
    return Chart(
        svg, "Shares of value by year",
        f"Stacked bars, one a year from {table.index[0]} to {table.index[-1]}; the strip above names the stage.",
        "The strip above names the stage as read from what members exchange, pool and give.",
    )  # fmt: skip


def _stack(axes: Axes, shares: pd.DataFrame, width: float) -> None:
    """Draw a bar a row of shares, a colour and a pattern a column, the first column at the bottom."""
    bottom = np.zeros(len(shares))
    for name, colour, pattern in zip(shares.columns, cycle(BENEFICIARIES), cycle(PATTERNS), strict=False):
        edge = "#444444" if colour in _LIGHT else "white"
        heights = shares[name].to_numpy()
        axes.bar(np.asarray(shares.index), heights, width, bottom, color=colour, hatch=pattern, edgecolor=edge, linewidth=0.3, label=name)  # fmt: skip
        bottom += heights


def _stage_strip(strip: Axes, metrics: pd.DataFrame) -> None:
    position = 0
    first = metrics.year.iloc[0] + (metrics.quarter.iloc[0] - 1) / 4 - 0.5
    for stage, quarters in groupby(metrics.stage):
        length = len(list(quarters))
        left, right = first + position / 4, first + (position + length) / 4
        strip.axvspan(left, right, color=STAGE_COLOURS.get(str(stage), "#ffffff"), linewidth=0)
        if length > 0.13 * len(metrics):
            strip.text((left + right) / 2, 0.5, str(stage), ha="center", va="center", fontsize=8.5)
        if position:
            strip.axvline(left, color="black", linewidth=0.8)
        position += length
    strip.set(ylim=(0.0, 1.0))
    strip.axis("off")


def outcome_charts(run: Run) -> list[Chart]:
    """Return the outcomes over time: of those that the run has measured and that are not zero throughout."""
    metrics = run.metrics
    time = (metrics.year + (metrics.quarter - 1) / 4).to_numpy()
    roles = run.roles.pivot(index="step", columns="role", values="count")
    present = roles.loc[:, roles.max() > 0]
    charts = [
        _lines("value", "Value created in a quarter", "billion CNY", time, {"value created": _column(metrics, "value_created", 1e-3)}),
        _lines("roles", "Organisations", "number", time, {str(name): present[name].to_numpy(float) for name in present}),
        _lines("ties", "Ties by mode of symbiosis", "percent of ties", time, {mode: _column(metrics, f"mode_{mode}", 100.0) for mode in MODES}),
        _lines("channels", "What moves, by channel", "percent, at replacement cost", time, _channel_shares(metrics)),
        _lines("trust", "Trust and openness", "level", time, {"mean trust": _column(metrics, "mean_trust"), "mean openness": _column(metrics, "mean_openness")}),
    ]  # fmt: skip
    if any(organisation.focal for organisation in run.scenario.organisations):
        charts += [
            _lines("revenue", "Revenue of the core firm in a quarter", "billion CNY", time, {"revenue": _column(metrics, "revenue_focal", 1e-3)}),
            _lines("research", "The core firm's research and sharing", "percent", time, {
                "research, of revenue": _column(metrics, "research_intensity", 100.0), "sharing ratio": _column(metrics, "sharing_ratio", 100.0)}),
        ]  # fmt: skip
    if _column(metrics, "mastered").any():
        charts.append(
            _lines(
                "mastered",
                "Components mastered by the core firm",
                "number",
                time,
                {"components": _column(metrics, "mastered")},
            )
        )
    return [chart for chart in charts if chart is not None]


def _column(metrics: pd.DataFrame, name: str, factor: float = 1.0) -> Any:
    return metrics[name].to_numpy(float) * factor if name in metrics else np.zeros(len(metrics))


def _channel_shares(metrics: pd.DataFrame) -> dict[str, Any]:
    volumes = np.array([_column(metrics, f"channel_{channel}") for channel in CHANNELS])
    total = volumes.sum(axis=0)
    shares = np.divide(100.0 * volumes, total, out=np.zeros_like(volumes), where=total > 0.0)
    return dict(zip(CHANNELS, shares, strict=True))


def _lines(name: str, title: str, unit: str, time: Any, series: dict[str, Any]) -> Chart | None:
    """Return a chart of lines, told apart by colour and dashes; None if none of them is ever other than zero."""
    if not any(np.nan_to_num(values).any() for values in series.values()):
        return None
    with style():
        figure, axes = figure_of()
        marker = "o" if len(time) <= FEW else None  # a line through one point is not seen
        for (label, values), colour, dashes in zip(
            series.items(), cycle((*LINES, "#000000")), cycle(DASHES), strict=False
        ):
            axes.plot(
                time, values, marker=marker, color=colour, linestyle=dashes, linewidth=1.6, markersize=4, label=label
            )
        axes.set(
            ylabel=unit,
            xlim=(time[0], max(time[-1], time[0] + 0.25)),
            ylim=(min(0.0, *map(np.nanmin, series.values())), None),
        )
        whole_years(axes)
        if len(series) > 1:
            legend_below(figure, axes)
        svg = svg_of(figure, name)
    ends = ", ".join(f"{label} {values[0]:.3g} to {values[-1]:.3g}" for label, values in series.items())
    return Chart(svg, title, f"Lines from {time[0]:.0f} to {time[-1]:.0f}, in {unit}: {ends}.")
