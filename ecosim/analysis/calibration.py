"""Calibration: fits numbers of a scenario to data and keeps, in a directory, the posterior and what it predicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ecosim.analysis.calibration_file import Calibration, load_calibration
from ecosim.analysis.calibration_store import CalibrationStore
from ecosim.analysis.libraries import library
from ecosim.analysis.posterior_sampling import (
    MOST_SEED,
    Generation,
    generations_of,
    particles_of,
    prior_of,
    sample_posterior,
)
from ecosim.analysis.target_series import distance_of
from ecosim.parameters import ScenarioError, Value
from ecosim.studies.measures import outcomes_for, quarterly
from ecosim.studies.measuring import run_command

if TYPE_CHECKING:
    import pandas as pd

    from ecosim.studies.study_parts import Factor

Numbers = NDArray[np.float64]
_PREDICTIONS = 2**31  # numbers the random stream of the predictions, beyond those of generations


@dataclass(frozen=True, eq=False)
class CalibrationResult:
    """What a calibration found.

    Attributes
    ----------
    generations : epsilon, runs and effective sample size of each; in files the table generations.parquet.
    posterior : what each generation accepted: generation, weight (adding to 1 in each), distance, seed, then a column a
        parameter. The last generation is the sample of the posterior, generation 0 one of the prior.
    predictions : runs with seeds of their own: sample ("prior" or "posterior"), draw, seed, series, year, value in the data's
        unit; a value that a run does not have is not a number.
    ended : why no further generation follows: "generations" or "runs".
    failed : runs that broke off with an error; failures.jsonl has them.
    """

    calibration: Calibration
    generations: tuple[Generation, ...]
    posterior: pd.DataFrame
    predictions: pd.DataFrame
    ended: str
    failed: int


@dataclass
class Fit:
    """Runs of a calibration: from values and a seed to what is compared with the data."""

    calibration: Calibration
    failures: list[dict[str, Any]]

    def __post_init__(self) -> None:
        years = np.array(self.calibration.years)
        self.fitted_years = years[years <= self.calibration.until]
        self.measures = tuple(dict.fromkeys(name for target in self.calibration.targets for name in target.measures()))

    def run(self, values: Mapping[str, float], seed: int, years: int) -> list[Numbers]:
        """Return for each series what a run of so many years has for each of them, (years,), in the data's unit."""
        from ecosim.model import Ecosystem

        calibration = self.calibration
        world = calibration.scenario.with_settings(settings_of(calibration.factors, values), "calibration")
        model = Ecosystem(world, seed, agents=calibration.agents, history=False, outcomes=outcomes_for(self.measures))
        model.run(4 * years)
        quarters = {measure: quarterly(model.recorder, measure) for measure in self.measures}
        return [target.yearly(quarters) for target in calibration.targets]

    def attempt(self, values: Mapping[str, float], seed: int, years: int) -> list[Numbers]:
        """Return what `run` does; one run may not end the fit: of one that breaks off no value is a number, and it is noted."""
        try:
            return self.run(values, seed, years)
        except Exception as error:
            command = command_of(self.calibration, values, seed)
            self.failures.append({"seed": seed, "error": f"{type(error).__name__}: {error}", "command": command})
            return [np.full(years, np.nan)] * len(self.calibration.targets)

    def simulate(self, values: Mapping[str, float], seed: int) -> Numbers:
        """Return what a run has for each series and year that is fitted, series after series."""
        return np.concatenate(self.attempt(values, seed, len(self.fitted_years)))

    def distance(self, numbers: Numbers) -> float:
        """Return how far such numbers are from the data, in tolerances."""
        differences = []
        for target, values in zip(
            self.calibration.targets, np.split(numbers, len(self.calibration.targets)), strict=True
        ):
            years = [year for year in target.years if year <= self.calibration.until]
            at_data = np.isin(self.fitted_years, years)
            data = np.array(target.values[: len(years)])
            model = target.scaled(values[at_data], np.ones(len(years), bool))
            differences.append((model - target.scaled(data, np.ones(len(years), bool))) / target.tolerance)
        return distance_of(differences)


def settings_of(factors: tuple[Factor, ...], values: Mapping[str, float]) -> dict[str, Value]:
    """Return what to set by dotted path for values by name; those of whole numbers are rounded."""
    settings: dict[str, Value] = {}
    for factor in factors:
        value = values[factor.name]
        settings[factor.path] = int(np.clip(round(value), factor.low, factor.high)) if factor.whole else float(value)
    return settings


def command_of(calibration: Calibration, values: Mapping[str, float], seed: int) -> str:
    """Return the command that repeats a run of the fit, as one types it into a shell."""
    settings = settings_of(calibration.factors, values)
    return run_command(calibration.scenario_source, seed, settings, calibration.agents)


def calibrate(
    source: str | Path | Calibration,
    out: str | Path,
    told: Callable[[Generation], None] | None = None,
    ran: Callable[[int, int], None] | None = None,
) -> CalibrationResult:
    """Fit a scenario to data, in a directory that keeps each generation as it is finished; the same call goes on from there.

    Parameters
    ----------
    source : name of a shipped calibration, path of a file, or a `Calibration`.
    out : directory of the result: a new one, or one in which this calibration was begun.
    told : called after each generation.
    ran : called after each run with the number of the generation, or -1 for predictions, and the runs of it so far.

    Raises
    ------
    ScenarioError : anything in the file that is not as it should be, or the directory of another calibration.
    OutputError : the directory cannot be written, or holds something else.
    """
    calibration = source if isinstance(source, Calibration) else load_calibration(source)
    library("pyabc", "a calibration", "calibration")
    with CalibrationStore.opened(Path(out), calibration) as store:
        if store.ended() is None:
            _fit(calibration, store, told, ran)
        return read_result(store)


def read_calibration(directory: str | Path) -> CalibrationResult:
    """Return what a finished calibration found.

    Raises
    ------
    OutputError : the directory holds no calibration, an unfinished one, or a damaged file.
    """
    return read_result(CalibrationStore.found(Path(directory)))


def read_result(store: CalibrationStore) -> CalibrationResult:
    """Return what the files of a finished calibration hold."""
    result = store.result()
    generations = tuple(Generation(*row) for row in store.table("generations").itertuples(index=False))
    return CalibrationResult(
        store.calibration(),
        generations,
        store.table("posterior"),
        store.table("predictions"),
        result["ended"],
        result["failed"],
    )


def _fit(
    calibration: Calibration, store: CalibrationStore, told: Callable[[Generation], None] | None,
    ran: Callable[[int, int], None] | None,
) -> None:  # fmt: skip
    """Run what is missing of the generations, then the predictions, and write the tables."""
    import pandas as pd

    fit = Fit(calibration, [])
    count = [len(generations_of(store.database)), 0]  # number of the generation under way, runs of it

    def simulate(values: Mapping[str, float], seed: int) -> Numbers:
        numbers = fit.simulate(values, seed)
        count[1] += 1
        if ran is not None:
            ran(*count)
        return numbers

    def finished(generation: Generation) -> None:
        store.add_failures(generation.number, fit.failures)
        fit.failures.clear()
        count[:] = [generation.number + 1, 0]
        if told is not None:
            told(generation)

    ended = sample_posterior(
        simulate, fit.distance, calibration.factors, calibration.settings, store.database, finished
    )
    generations = generations_of(store.database)
    if not generations:
        raise _none_finished(calibration, fit)
    names = [factor.name for factor in calibration.factors]
    particles = {
        generation.number: particles_of(store.database, generation.number, names)[0] for generation in generations
    }
    posterior = pd.concat(particles, names=["generation"]).reset_index("generation").reset_index(drop=True)
    table = pd.DataFrame(generations).rename(columns={"number": "generation"})
    store.write_table("generations", table)
    store.write_table("posterior", posterior)
    store.write_table("predictions", _predictions(fit, particles[generations[-1].number], ran))
    store.add_failures(-1, fit.failures)
    store.end(ended)


def _none_finished(calibration: Calibration, fit: Fit) -> ScenarioError:
    """Return the error of a fit whose runs did not do for one generation."""
    settings = calibration.settings
    reason = f"; the first that broke off said {fit.failures[0]['error']}" if fit.failures else ""
    return ScenarioError(
        f"{calibration.name}: of {settings.runs:,} runs fewer than {settings.population:,} had a value for every year of the data"
        f"{reason}; give narrower priors or more runs"
    )


def _predictions(fit: Fit, posterior: pd.DataFrame, ran: Callable[[int, int], None] | None) -> pd.DataFrame:
    """Return runs to the end of the scenario with values from the prior and from the posterior, and with new seeds."""
    import pandas as pd

    calibration, count = fit.calibration, fit.calibration.settings.predictions
    generator = np.random.default_rng(np.random.SeedSequence((calibration.settings.seed, _PREDICTIONS)))
    names = [factor.name for factor in calibration.factors]
    chances = posterior.weight / posterior.weight.sum()
    samples = {
        "prior": pd.DataFrame(
            {factor.name: prior_of(factor).ppf(generator.random(count)) for factor in calibration.factors}
        ),
        "posterior": posterior.loc[generator.choice(len(posterior), count, p=chances), names].reset_index(drop=True),
    }
    years, rows = calibration.years, []
    for place, (sample, table) in enumerate(samples.items()):
        for draw, row in enumerate(table.to_numpy(float)):
            values = dict(zip(names, row.tolist(), strict=True))
            seed = int(generator.integers(MOST_SEED))
            series = fit.attempt(values, seed, len(years))
            for target, numbers in zip(calibration.targets, series, strict=True):
                rows.append(pd.DataFrame({
                    "sample": sample, "draw": draw, "seed": seed, "series": target.name, "year": years, "value": numbers,
                }))  # fmt: skip
            if ran is not None:
                ran(-1, place * count + draw + 1)
    return pd.concat(rows, ignore_index=True)
