"""Charts of a calibration: prior against posterior, predictions against data, the course of the fit, correlations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecosim.analysis.calibration import CalibrationResult
from ecosim.analysis.calibration_tables import (
    correlations,
    fitted_years,
    last_generation,
    parameter_findings,
    predicted,
    quantiles_by_year,
)
from ecosim.analysis.drawing import SIZE, TALL, figure_of, legend_below, style, svg_of, whole_years
from ecosim.analysis.posterior_sampling import prior_of
from ecosim.analysis.report_page import Chart
from ecosim.analysis.target_series import Target
from ecosim.colours import BLACK, BLUE, ORANGE, RED, SKY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ecosim.studies.study_parts import Factor

BINS = 15


def posterior_charts(result: CalibrationResult) -> list[Chart]:
    """Return a chart a parameter: the posterior as bars, the prior as a dashed line."""
    charts = []
    for place, (factor, found) in enumerate(zip(result.calibration.factors, parameter_findings(result), strict=True)):
        with style():
            figure, axes = figure_of((SIZE[0], 2.5))
            draw_posterior(axes, result, factor)
            if not place:
                legend_below(figure, axes)
            svg = svg_of(figure, f"posterior{place}")
        described = (
            f"Prior from {found.prior_low:.3g} to {found.prior_high:.3g}; posterior from {found.low:.3g} to {found.high:.3g}, "
            f"median {found.median:.3g}."
        )
        charts.append(Chart(svg, factor.name, described, "" if found.informed else "The data do not tell of it."))
    return charts


def draw_posterior(axes: Axes, result: CalibrationResult, factor: Factor) -> None:
    """Draw prior and posterior of a parameter."""
    sample, prior = last_generation(result), prior_of(factor)
    low, high = prior.ppf(0.001), prior.ppf(0.999)
    grid = np.linspace(low, high, 200)
    axes.hist(
        sample[factor.name].to_numpy(float),
        bins=BINS,
        range=(low, high),
        weights=sample.weight.to_numpy(float),
        density=True,
        color=SKY,
        edgecolor="white",
        label="posterior",
    )
    axes.plot(grid, prior.pdf(grid), color=BLACK, linestyle="--", linewidth=1.2, label="prior")
    axes.set(yticks=[], xlim=(low, high), ylabel="density")


def prediction_charts(result: CalibrationResult) -> list[Chart]:
    """Return a chart a series: the data, and what runs with values from prior and posterior have."""
    charts = []
    for place, target in enumerate(result.calibration.targets):
        with style():
            figure, axes = figure_of(TALL)
            draw_predictions(axes, result, target)
            legend_below(figure, axes, 2)
            svg = svg_of(figure, f"prediction{place}")
        years, values = predicted(result, target, "posterior")
        median = quantiles_by_year(values)[2]
        described = (
            f"Median of the runs from the posterior: {median[0]:.3g} in {years[0]}, {median[-1]:.3g} in {years[-1]}; data: "
            + ", ".join(f"{value:g} in {year}" for year, value in zip(target.years, target.values, strict=True))
        )
        caption = (
            "Runs are brought to the data's mean over the fitted years, since the fit compares indices."
            if target.scale == "index"
            else ""
        )
        charts.append(Chart(svg, target.name, described, caption))
    return charts


def draw_predictions(axes: Axes, result: CalibrationResult, target: Target) -> None:
    """Draw the data of a series, and the middle of the runs from prior and posterior."""
    until, fitted = result.calibration.until, fitted_years(result, target)
    years, prior = predicted(result, target, "prior")
    low, _, _, _, high = quantiles_by_year(prior)
    axes.plot(years, low, color=ORANGE, linestyle=":", linewidth=1.3, label="prior, 90% of runs")
    axes.plot(years, high, color=ORANGE, linestyle=":", linewidth=1.3)
    low, first, median, third, high = quantiles_by_year(predicted(result, target, "posterior")[1])
    axes.fill_between(years, low, high, color=SKY, alpha=0.35, linewidth=0, label="posterior, 90% of runs")
    axes.fill_between(years, first, third, color=SKY, alpha=0.8, linewidth=0, label="posterior, 50%")
    axes.plot(years, median, color=BLUE, linewidth=1.4, label="posterior, median")
    data = dict(zip(target.years, target.values, strict=True))
    held = [year for year in target.years if year not in fitted]
    axes.plot(fitted, [data[year] for year in fitted], "o", color=BLACK, markersize=4, label="data, fitted", zorder=5)
    if held:
        axes.plot(held, [data[year] for year in held], "o", color=BLACK, markerfacecolor="white", markersize=4.5, label="data, held out", zorder=5)  # fmt: skip
    if until < years[-1]:
        axes.axvline(until + 0.5, color=RED, linestyle="--", linewidth=1.0, label="not fitted beyond")
    if target.scale != "level":
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        whole = np.array([*data.values(), *median[median > 0.0]])
        axes.set_ylim(whole.min() / 3.0, whole.max() * 3.0)
    axes.set(xlim=(years[0], years[-1] + 0.5), ylabel=target.unit or target.name)
    whole_years(axes)


def course_chart(result: CalibrationResult) -> Chart | None:
    """Return how the distance fell from generation to generation; None if there is only the sample of the prior."""
    later = [each for each in result.generations if each.number]
    if not later:
        return None
    with style():
        figure, axes = figure_of((SIZE[0], 2.8))
        axes.plot([each.number for each in later], [each.epsilon for each in later], "o-", color=BLUE, linewidth=1.5)
        for each in later:
            axes.annotate(
                f"{each.accepted / each.runs:.0%}", (each.number, each.epsilon), (0, 7), textcoords="offset points",
                ha="center", fontsize=8,
            )  # fmt: skip
        axes.set(xlabel="generation", ylabel="farthest accepted, tolerances", ylim=(0.0, 1.15 * later[0].epsilon))
        axes.margins(x=0.1)
        whole_years(axes)
        svg = svg_of(figure, "course")
    described = "; ".join(
        f"generation {each.number}: {each.epsilon:.2f}, {each.accepted / each.runs:.0%} accepted" for each in later
    )
    return Chart(svg, "Distance by generation", described, "Numbers tell which part of the runs was accepted.")


def correlation_chart(result: CalibrationResult) -> Chart | None:
    """Return the correlations of the parameters in the posterior; None if there is one parameter."""
    names, table = [factor.name for factor in result.calibration.factors], correlations(result)
    count = len(names)
    if count < 2:
        return None
    with style():
        figure, axes = figure_of((SIZE[0], 1.4 + 0.42 * count))
        axes.imshow(table, cmap="RdBu_r", vmin=-1.0, vmax=1.0, aspect="auto")
        for (row, column), value in np.ndenumerate(table):
            ink = "white" if abs(value) > 0.6 else "black"
            axes.text(column, row, f"{value:+.2f}", ha="center", va="center", fontsize=8.5, color=ink)
        axes.set_xticks(range(count), [str(place + 1) for place in range(count)])
        axes.set_yticks(range(count), [f"{_shortest(name)} ({place + 1})" for place, name in enumerate(names)])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        svg = svg_of(figure, "correlations")
    pairs = [(one, other) for one in range(count) for other in range(one + 1, count)]
    described = "; ".join(f"{names[one]} and {names[other]} {table[one, other]:+.2f}" for one, other in pairs)
    return Chart(
        svg, "Correlations in the posterior", described, "Parameters with a strong correlation stand in for each other."
    )


def _shortest(name: str) -> str:
    """Return a name without its tables, which the other charts give."""
    return name.rpartition(".")[2]
