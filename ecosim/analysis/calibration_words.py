"""What a calibration found, as rows and sentences: the same in a terminal and in a report."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ecosim.analysis.calibration import CalibrationResult
from ecosim.analysis.calibration_tables import (
    closeness,
    correlations,
    parameter_findings,
    predicted,
    prediction_distances,
    quantiles_by_year,
)

STRONG = 0.5  # correlation from which two parameters are said to stand in for each other

PARAMETER_HEAD = ("parameter", "prior, 90%", "posterior, 90%", "median", "told", "width")
FIT_HEAD = ("series", "runs from", "years", "median off", "in 50%", "in 90%")
PREDICTION_HEAD = ("series", "year", "5%", "25%", "median", "75%", "95%", "data")
GENERATION_HEAD = ("generation", "farthest", "runs", "accepted", "effective")


def parameter_rows(result: CalibrationResult) -> list[list[str]]:
    """Return a row a parameter under `PARAMETER_HEAD`; the last column is the posterior's interval over the prior's."""
    return [
        [
            found.name, f"{_short(found.prior_low)} to {_short(found.prior_high)}", f"{_short(found.low)} to {_short(found.high)}",
            _short(found.median), "yes" if found.informed else "no", f"{found.width:.2f}",
        ]
        for found in parameter_findings(result)
    ]  # fmt: skip


def fit_rows(result: CalibrationResult) -> list[list[str]]:
    """Return a row a series, sample and part of the data under `FIT_HEAD`; how far the median run is off is told in tolerances."""
    return [
        [
            each.series,
            each.sample,
            f"{each.years} {each.part}",
            f"{each.off:.2f}",
            f"{each.half:.0%}",
            f"{each.most:.0%}",
        ]
        for each in closeness(result)
    ]


def generation_rows(result: CalibrationResult) -> list[list[str]]:
    """Return a row a generation under `GENERATION_HEAD`."""
    return [
        [
            str(each.number), f"{each.epsilon:.3f}" if each.number else "any", f"{each.runs:,}", f"{each.accepted:,}",
            f"{each.effective:.0f}",
        ]
        for each in result.generations
    ]  # fmt: skip


def prediction_rows(result: CalibrationResult) -> list[list[str]]:
    """Return a row a series and year that was not fitted under `PREDICTION_HEAD`: quantiles of the runs from the posterior."""
    rows = []
    for target in result.calibration.targets:
        years, values = predicted(result, target, "posterior")
        data = dict(zip(target.years, target.values, strict=True))
        for year, quantiles in zip(years.tolist(), quantiles_by_year(values).T, strict=True):
            if year > result.calibration.until:
                rows.append(
                    [target.name, str(year), *map(_short, quantiles), f"{data[year]:g}" if year in data else "-"]
                )
    return rows


def findings(result: CalibrationResult) -> Iterator[str]:
    """Yield what the fit found, in sentences."""
    found = parameter_findings(result)
    told, silent = [each for each in found if each.informed], [each.name for each in found if not each.informed]
    if told:
        moved = [
            f"{each.name} (median {_short(each.median)}, interval {each.width:.0%} as wide as before)" for each in told
        ]
        yield f"The data tell something of {_listed(moved)}."
    if silent:
        yield f"Of {_listed(silent)} the data do not tell: posterior and prior differ by no more than chance."
    strong = _strong_pairs(result)
    if strong:
        yield f"Parameters that stand in for each other in the posterior (correlation): {_listed(strong)}."
    before, after = (np.median(prediction_distances(result, sample)) for sample in ("prior", "posterior"))
    yield (
        f"A new run with values from the posterior is {after:.2f} tolerances off the data in the median; with values from the "
        f"prior it is {before:.2f}."
    )
    if len(result.generations) > 1:
        yield f"Runs that the last generation accepted are at most {result.generations[-1].epsilon:.2f} off: they were chosen for it."
    for each in closeness(result):
        if each.sample == "posterior":
            yield (
                f"{_capital(each.series)}, {each.years} years {each.part}: {each.most:.0%} of the data lie inside the middle 90% of runs from "
                f"the posterior, {each.half:.0%} inside the middle 50%; their median is off by {each.off:.2f} tolerances."
            )


def endings(result: CalibrationResult) -> Iterator[str]:
    """Yield why the fit ended, and what did not go well."""
    settings = result.calibration.settings
    used = sum(each.runs for each in result.generations)
    if result.ended == "runs":
        yield (
            f"It ended after {len(result.generations)} generations since another one would take more than the {settings.runs:,} "
            f"runs that it may have; {used:,} of them made these generations."
        )
    else:
        yield f"It ended after the {settings.generations} generations that were asked for, with {used:,} of at most {settings.runs:,} runs."
    effective = result.generations[-1].effective
    if effective < 50:
        yield f"The effective sample size is {effective:.0f}: intervals are rough, give a larger population."
    if result.failed:
        yield f"{result.failed} runs broke off with an error and were not accepted; failures.jsonl has the command of each."


def _strong_pairs(result: CalibrationResult) -> list[str]:
    names, table = [factor.name for factor in result.calibration.factors], correlations(result)
    pairs = [(one, other) for one in range(len(names)) for other in range(one + 1, len(names))]
    return [
        f"{names[one]} and {names[other]} ({table[one, other]:+.2f})"
        for one, other in pairs
        if abs(table[one, other]) >= STRONG
    ]


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _short(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 1000.0 else f"{number:.3g}"
