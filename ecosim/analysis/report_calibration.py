"""The report of a calibration: what the data tell of each parameter, how well the model meets them, how the fit went."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from ecosim.analysis.calibration import CalibrationResult, read_result
from ecosim.analysis.calibration_charts import correlation_chart, course_chart, posterior_charts, prediction_charts
from ecosim.analysis.calibration_file import shipped_calibrations
from ecosim.analysis.calibration_store import CalibrationStore
from ecosim.analysis.calibration_words import (
    FIT_HEAD,
    GENERATION_HEAD,
    PARAMETER_HEAD,
    PREDICTION_HEAD,
    endings,
    findings,
    fit_rows,
    generation_rows,
    parameter_rows,
    prediction_rows,
)
from ecosim.analysis.report_page import Grid, ReportPage, Section
from ecosim.analysis.target_series import Target

SCALES = {
    "level": "the numbers themselves",
    "log": "logarithms",
    "index": "logarithms less their mean over the fitted years, so that the unit drops out",
}


def calibration_page(directory: Path) -> ReportPage:
    """Return the page on the calibration in a directory.

    Raises
    ------
    OutputError : the directory does not hold a finished calibration.
    """
    store = CalibrationStore.found(directory)
    result = read_result(store)
    calibration = result.calibration
    return ReportPage(
        kind="Calibration",
        title=calibration.title,
        question=calibration.question,
        lead=list(findings(result)),
        facts=[*_facts(result, store)],
        commands=[
            ("The command that repeats the fit; in this directory it only shows what is there.", _command(result))
        ],
        sections=[_fit(result), _parameters(result), _course(result), _data(result)],
        warnings=[sentence for sentence in endings(result) if "rough" in sentence or "broke off" in sentence],
    )


def _facts(result: CalibrationResult, store: CalibrationStore) -> Iterator[tuple[str, str]]:
    calibration, settings, record = result.calibration, result.calibration.settings, store.record()
    yield "Scenario", calibration.scenario.name
    yield "Fitted years", f"to {calibration.until}"
    yield "Seed", str(settings.seed)
    yield "Generations", f"{len(result.generations)}, {settings.population} accepted in each"
    yield (
        "Runs",
        f"{sum(each.runs for each in result.generations):,} for the fit, {2 * settings.predictions:,} for the predictions",
    )
    yield "Versions", ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    yield "Digest", f"{record['digest']} of the calibration"


def _command(result: CalibrationResult) -> str:
    name = result.calibration.name
    return f"ecosim calibrate {shlex.quote(name if name in shipped_calibrations() else f'{name}.toml')} --out DIR"


def _fit(result: CalibrationResult) -> Section:
    text = (
        "Runs with seeds of their own, with values from the prior and from the posterior, to the end of the scenario. How far their "
        "median is off is told in tolerances; 1 is what the calibration file counts as near."
    )
    grids = [Grid("Data inside the middle of the runs", FIT_HEAD, fit_rows(result), left=3)]
    later = prediction_rows(result)
    if later:
        title = f"Predicted for the years after {result.calibration.until}, which the fit did not look at"
        grids.append(
            Grid(
                title,
                PREDICTION_HEAD,
                later,
                "Quantiles of the runs from the posterior, in the unit of the data.",
                left=2,
            )
        )
    return Section("How well the model meets the data", [text], prediction_charts(result), grids)


def _parameters(result: CalibrationResult) -> Section:
    note = (
        "Width: the posterior's interval over the prior's. A parameter is told if the two distribution functions differ by more "
        "than chance would in a sample of this effective size (Kolmogorov, 1% level)."
    )
    grid = Grid("Prior and posterior", PARAMETER_HEAD, parameter_rows(result), note)
    charts = posterior_charts(result)
    correlation = correlation_chart(result)
    return Section(
        "What the data tell of the parameters", charts=[*charts, *([correlation] if correlation else [])], grids=[grid]
    )


def _course(result: CalibrationResult) -> Section:
    text = (
        "Sequential approximate Bayesian computation (ABC-SMC, pyABC): generation 0 is a sample of the prior; each later one keeps "
        "values whose run is nearer to the data than a quantile of the distances before, weighted so that they stay a sample of the "
        "posterior. The posterior is that of the model with this tolerance, not of the model without any."
    )
    note = (
        "Farthest: largest accepted distance, in tolerances. Effective: effective sample size of the weighted sample."
    )
    grid = Grid("Generations", GENERATION_HEAD, generation_rows(result), note)
    course = course_chart(result)
    return Section("How the fit went", [*endings(result), text], [course] if course else [], [grid])


def _data(result: CalibrationResult) -> Section:
    grids = [_data_grid(target, result.calibration.until) for target in result.calibration.targets]
    prior = [
        [
            factor.path,
            f"{factor.distribution}, {factor.low:g} to {factor.high:g}",
            f"{result.calibration.scenario.get(factor.path)}",
        ]
        for factor in result.calibration.factors
    ]
    grids.append(Grid("Priors", ["parameter", "prior", "value in the scenario"], prior, left=2))
    return Section("What was fitted to what", grids=grids)


def _data_grid(target: Target, until: int) -> Grid:
    rows = [
        [str(year), f"{value:g}", "fitted" if year <= until else "held out", source]
        for year, value, source in zip(target.years, target.values, target.sources, strict=True)
    ]
    weight = f", weighted by {target.weight}" if target.weight else ""
    note = (
        f"Compared with {target.measure}, the {target.summary} of each year's quarters{weight}, by {SCALES[target.scale]}. "
        f"Tolerance {target.tolerance:g}."
    )
    return Grid(f"Data: {target.name}", ["year", target.unit or "value", "", "source"], rows, note, left=4)
