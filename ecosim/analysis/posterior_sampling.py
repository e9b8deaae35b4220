"""Approximate Bayesian computation: parameter values under which a stochastic model comes near to data, by pyABC.

The method is ABC-SMC (Toni et al. 2009, Beaumont et al. 2009) with thresholds taken from the generation before (Del Moral
et al. 2012). Generation 0 is a sample of the prior, of values whose run can be compared with the data. Each later one proposes
values around those of the one before, keeps those whose run comes nearer to the data than a quantile of the distances before,
and weighs them so that it stays a sample of the posterior.

Generations are kept in a database (SQLite) as they are finished. Each is begun from the database and from a random state of its
own, so that a fit that was killed goes on to the same numbers, bit for bit.
"""

from __future__ import annotations

import logging
import math
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ecosim.analysis.libraries import library
from ecosim.runs import OutputError

if TYPE_CHECKING:
    import pandas as pd

    from ecosim.studies.study_parts import Factor

Numbers = NDArray[np.float64]
Simulate = Callable[[Mapping[str, float], int], Numbers]  # values by name and a seed -> what the run gives
MOST_SEED = 2**31 - 1
_RUN = "run"  # what pyABC calls the numbers of a run


class Wanted(Protocol):
    """What the sampling asks of its settings; see `ecosim.analysis.calibration_file.Settings`."""

    @property
    def population(self) -> int: ...  # noqa: D102
    @property
    def generations(self) -> int: ...  # noqa: D102
    @property
    def runs(self) -> int: ...  # noqa: D102
    @property
    def quantile(self) -> float: ...  # noqa: D102
    @property
    def seed(self) -> int: ...  # noqa: D102


class Generation(NamedTuple):
    """A finished generation.

    Attributes
    ----------
    epsilon : no accepted run is farther from the data; infinite in generation 0.
    runs : how many it took.
    accepted : how many of them were accepted.
    effective : effective sample size of the accepted, (sum w)^2 / sum w^2 (Kish 1965).
    """

    number: int
    epsilon: float
    runs: int
    accepted: int
    effective: float


def prior_of(factor: Factor) -> Any:
    """Return the prior of a factor as a frozen distribution of SciPy; a uniform one of whole numbers reaches half a unit further."""
    stats = library("scipy.stats", "a prior", "calibration")
    assert factor.low is not None
    assert factor.high is not None
    margin = 0.5 if factor.whole and factor.distribution == "uniform" else 0.0
    low, high = factor.low - margin, factor.high + margin
    if factor.distribution == "log-uniform":
        return stats.loguniform(low, high)
    if factor.distribution == "normal":
        assert factor.mean is not None
        assert factor.deviation is not None
        ends = ((end - factor.mean) / factor.deviation for end in (low, high))
        return stats.truncnorm(*ends, factor.mean, factor.deviation)
    if factor.distribution == "triangular":
        assert factor.mode is not None
        return stats.triang((factor.mode - low) / (high - low), low, high - low)
    return stats.uniform(low, high - low)


def sample_posterior(
    simulate: Simulate,
    distance: Callable[[Numbers], float],
    factors: Sequence[Factor],
    settings: Wanted,
    database: Path,
    told: Callable[[Generation], None] | None = None,
) -> str:
    """Run generations until there are enough of them or no runs are left, going on from those that the database has.

    Parameters
    ----------
    simulate : returns the numbers of one run; it is called one run at a time.
    distance : of such numbers from the data; infinite for a run that cannot be compared, which is never accepted.
    factors : the parameters, each with its prior.
    database : file that generations are kept in; it need not be there yet.
    told : called after each generation.

    Returns
    -------
    Why it ended: "generations" or "runs".
    """
    library("pyabc", "a calibration", "calibration")
    logging.getLogger("ABC").setLevel(logging.ERROR)  # after the import, which sets it
    global_state = np.random.get_state()
    try:
        for number in range(finished_generations(database), settings.generations):
            left = settings.runs - sum(generation.runs for generation in generations_of(database))
            if left < settings.population or not _run_generation(
                simulate, distance, factors, settings, database, number, left
            ):
                return "runs"
            if told is not None:
                told(generations_of(database)[-1])
        return "generations"
    finally:
        np.random.set_state(global_state)


def _run_generation(
    simulate: Simulate, distance: Callable[[Numbers], float], factors: Sequence[Factor], settings: Wanted, database: Path,
    number: int, most_runs: int,
) -> bool:  # fmt: skip
    """Add one generation to the database, or return False if it would take more runs than there may be."""
    import pyabc

    def model(values: Mapping[str, float]) -> dict[str, Numbers]:
        seed = int(np.random.randint(MOST_SEED))
        numbers = simulate({factor.name: float(values[factor.name]) for factor in factors}, seed)
        return {_RUN: np.array([seed, *numbers], float)}

    frozen = {factor.name: prior_of(factor) for factor in factors}
    smc = pyabc.ABCSMC(
        model,
        pyabc.Distribution(
            **{name: pyabc.RV(prior.dist.name, *prior.args, **prior.kwds) for name, prior in frozen.items()}
        ),
        distance_function=lambda run, data: distance(run[_RUN][1:]),
        population_size=settings.population,
        # A first threshold that is taken from a sample is, with a database, taken from its last generation.
        eps=pyabc.QuantileEpsilon("from_sample" if number else sys.float_info.max, settings.quantile),
        # Proposals spread by twice the covariance (Filippi et al. 2013); pyABC's own narrower ones make weights uneven.
        transitions=pyabc.MultivariateNormalTransition(bandwidth_selector=lambda count, dimensions: np.sqrt(2.0)),
        sampler=pyabc.sampler.SingleCoreSampler(check_max_eval=True),
    )
    np.random.seed(np.random.SeedSequence((settings.seed, number)).generate_state(8))
    with _told_in_a_sentence(database):
        if number:
            smc.load(_address(database))
        else:
            database.unlink(missing_ok=True)
            smc.new(_address(database), {_RUN: np.zeros(1)})
        # pyABC gives a generation up after population / rate runs; half a run keeps rounding from allowing one more.
        history = smc.run(max_nr_populations=1, min_acceptance_rate=settings.population / (most_runs - 0.5))
    return bool(history.max_t == number)


@contextmanager
def _told_in_a_sentence(database: Path) -> Iterator[None]:
    """Have a database that cannot be written said as any other file is."""
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        cause: BaseException | None = error  # what follows a failed write fails too, and hides it
        while cause is not None and not isinstance(cause, DBAPIError):
            cause = cause.__cause__ or cause.__context__
        reason = str(error if cause is None else cause.orig).splitlines()[0]
        raise OutputError(
            f"{database}: cannot be written: {reason}; finished generations are kept, put that right and give the same command"
        ) from None


def _address(database: Path) -> str:
    return f"sqlite:///{database}"


def finished_generations(database: Path) -> int:
    """Return how many generations a database has.

    Raises
    ------
    OutputError : the file is no database.
    """
    if not database.exists():
        return 0
    try:
        with closing(sqlite3.connect(database)) as connection:
            tables = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
            if "populations" not in tables:
                return 0  # whoever made it was killed before the first generation
            return int(connection.execute("select count(*) from populations where t >= 0").fetchone()[0])
    except sqlite3.DatabaseError:
        raise OutputError(f"{database}: is damaged; delete it to begin the fit anew") from None


def generations_of(database: Path) -> list[Generation]:
    """Return the finished generations of a database."""
    if not finished_generations(database):
        return []
    import pyabc

    history = pyabc.History(_address(database), create=False)
    table = history.get_all_populations().query("t >= 0")
    generations = []
    for number, epsilon, runs in zip(table.t, table.epsilon, table.samples, strict=True):
        weights = history.get_weighted_distances(t=int(number))["w"].to_numpy()
        effective = float(weights.sum() ** 2 / (weights**2).sum())
        farthest = float(epsilon) if number else math.inf
        generations.append(Generation(int(number), farthest, int(runs), len(weights), effective))
    return generations


def particles_of(database: Path, number: int, names: Sequence[str]) -> tuple[pd.DataFrame, Numbers]:
    """Return what a generation accepted.

    Returns
    -------
    A table with a row each: ``weight`` (they add to 1), ``distance``, ``seed`` of the run, then a column a parameter; and what
    their runs gave, (rows, numbers).
    """
    import pandas as pd
    import pyabc

    particles = pyabc.History(_address(database), create=False).get_population(t=number).particles
    rows = [
        {
            "weight": float(particle.weight),
            "distance": float(particle.distance),
            "seed": int(particle.sum_stat[_RUN][0]),
            **{name: float(particle.parameter[name]) for name in names},
        }
        for particle in particles
    ]
    return pd.DataFrame(rows), np.array([particle.sum_stat[_RUN][1:] for particle in particles])
