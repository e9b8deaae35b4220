"""An experiment as its analysis sees it: points, runs, factors and the design; it knows no directories."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.studies.design import physical
from ecosim.studies.study_parts import SAMPLED, SCENARIO, Factor

if TYPE_CHECKING:
    import pandas as pd

    from ecosim.studies.study import Study

MOST_LEVELS = 8  # a factor that takes more numbers than this is shown in bins
Mask = np.ndarray[Any, np.dtype[np.bool_]]
Codes = np.ndarray[Any, np.dtype[np.integer[Any]]]
Values = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, eq=False)
class Experiment:
    """What was run and what came out.

    Attributes
    ----------
    points : a row a design point, its number as index, in the order of the design; a column a factor.
    runs : a row a run that went well: ``point``, ``replicate`` and a column an outcome.
    factors : what varies, one a column of `points`.
    kind : of the design, one of `ecosim.studies.study_parts.KINDS`.
    common : whether replicate r has the same seed at every point.
    second_order : whether Saltelli's scheme has the points that second-order indices take.
    grid : values of a factor in Morris' design.
    """

    points: pd.DataFrame
    runs: pd.DataFrame
    factors: tuple[Factor, ...]
    kind: str
    common: bool = True
    second_order: bool = False
    grid: int = 4
    _means: dict[str, pd.Series] = field(default_factory=dict, repr=False)

    @property
    def names(self) -> list[str]:
        """Names of the factors, in the order of the columns."""
        return [factor.name for factor in self.factors]

    @property
    def sampled(self) -> bool:
        """Whether the points are a sample of what the factors can be, rather than chosen one by one."""
        return self.kind in SAMPLED

    @cached_property
    def block_size(self) -> int:
        """How many points belong together: of a block of Saltelli's scheme, or of a trajectory of Morris' method."""
        count = len(self.factors)
        return {"sobol": (2 if self.second_order else 1) * count + 2, "morris": count + 1}.get(self.kind, 1)

    @cached_property
    def blocks(self) -> Codes:
        """Which block or trajectory each point belongs to, (points,)."""
        return np.arange(len(self.points)) // self.block_size

    @cached_property
    def replicates(self) -> int:
        """How many replicates the point with most of them has."""
        return int(self.runs.groupby("point").size().max()) if len(self.runs) else 0

    def means(self, outcome: str) -> pd.Series:
        """Return the mean over replicates of each point, in the order of the points; not a number where no run went well."""
        if outcome not in self._means:
            self._means[outcome] = self.runs.groupby("point")[outcome].mean().reindex(self.points.index)
        return self._means[outcome]

    def each_run(self, outcome: str) -> tuple[Codes, Codes, Values]:
        """Return of each run with the outcome the place of its point in the design, its replicate and the outcome."""
        import pandas as pd

        runs = self.runs[self.runs[outcome].notna()]
        places = self.points.index.get_indexer(pd.Index(runs["point"]))
        return places.astype(np.int64), runs["replicate"].to_numpy(np.int64), runs[outcome].to_numpy(float)

    def table(self, outcome: str) -> pd.DataFrame:
        """Return the outcome of each run: a row a point with any, a column a replicate."""
        return self.runs.pivot(index="point", columns="replicate", values=outcome).dropna(how="all")

    def independent(self) -> Mask:
        """Return which points are drawn independently of each other: of Saltelli's block the first and the last."""
        place = np.arange(len(self.points)) % self.block_size
        if self.kind == "sobol":
            return np.isin(place, (0, self.block_size - 1))
        return np.isin(place, 0)

    def comparable(self, names: Sequence[str], outcome: str) -> Mask:
        """Return which points tell of these factors alone.

        In a factorial design those whose other factors are met with every value of these, so that a missing point does not
        make one level look like another; one at a time, those whose other factors are as in the scenario; else all.
        Points without the outcome never count.
        """
        there = self.means(outcome).notna().to_numpy()
        if self.kind == "one-at-a-time":
            return there & self.at_base(names)
        if self.kind != "factorial" or there.all():
            return there
        own = self.points.groupby(list(names), sort=False).ngroup().to_numpy()
        others = [name for name in self.names if name not in names]
        group = self.groups(others)
        met = np.bincount(group[there], minlength=group.max() + 1)
        return there & np.equal(met[group], np.unique(own).size)

    def groups(self, names: Sequence[str]) -> Codes:
        """Return a number for each point, the same where these factors have the same values."""
        if not names:
            return np.zeros(len(self.points), np.int64)
        return self.points.groupby(list(names), sort=False).ngroup().to_numpy(np.int64)

    def bases(self) -> pd.DataFrame:
        """Return for each point the values of the scenario that a one-at-a-time design changes, in the form of `points`."""
        if SCENARIO not in self.points.columns:
            return self.points.iloc[np.zeros(len(self.points), np.int64)].set_index(self.points.index)
        first = self.points.groupby(SCENARIO, sort=False).head(1).set_index(SCENARIO, drop=False)
        return first.loc[self.points[SCENARIO]].set_index(self.points.index)

    def at_base(self, names: Sequence[str]) -> Mask:
        """Return which points have all factors but these as their scenario has them, in a one-at-a-time design."""
        bases = self.bases()
        others = [name for name in self.names if name not in names and name != SCENARIO]
        same: Mask = np.logical_and.reduce((self.points[others] == bases[others]).to_numpy(bool), axis=1)
        return same


@dataclass(frozen=True, eq=False)
class Levels:
    """How a factor's values are grouped for tables and charts.

    Attributes
    ----------
    labels : what each level, or bin of a range, is called.
    codes : which of them each point has, (points,).
    places : where each stands on an axis of numbers, (labels,); None for words and switches.
    """

    labels: tuple[str, ...]
    codes: Codes
    places: np.ndarray[Any, np.dtype[np.float64]] | None


def takes_many(points: pd.DataFrame, factor: Factor) -> bool:
    """Return whether a factor takes so many numbers that they are looked at as a range."""
    values = points[factor.name]
    return not factor.levels and values.dtype.kind in "iuf" and values.nunique() > MOST_LEVELS


def words_of(points: pd.DataFrame, factor: Factor) -> list[Any]:
    """Return the values of a switch or a choice in their order; none for a factor of numbers."""
    if points[factor.name].dtype.kind in "iuf":
        return []
    return list(factor.levels) or list(dict.fromkeys(points[factor.name].tolist()))


def levels_of(points: pd.DataFrame, factor: Factor, bins: int) -> Levels:
    """Return the levels of a factor, or equally likely bins if it takes many numbers.

    Parameters
    ----------
    bins : how many, if there are bins.
    """
    values = points[factor.name].to_numpy()
    order = words_of(points, factor)
    if order:
        codes = np.array([order.index(value) for value in values.tolist()], np.int64)
        return Levels(tuple(shown(value) for value in order), codes, None)
    if not takes_many(points, factor):
        distinct, codes = np.unique(values, return_inverse=True)
        labels = shown_apart(distinct.tolist())
        return Levels(labels, codes.astype(np.int64), distinct.astype(np.float64))
    edges = _edges(values, factor, bins)
    codes = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, edges.size - 2)
    counts = np.bincount(codes, minlength=edges.size - 1)
    places = np.bincount(codes, values, minlength=edges.size - 1) / np.maximum(counts, 1)
    ends = [*edges[1:-1] - factor.whole, edges[-1]]
    pairs = zip(shown_apart(edges[:-1].tolist()), shown_apart(ends), strict=True)
    return Levels(tuple(f"{low} to {high}" for low, high in pairs), codes.astype(np.int64), places)


def _edges(values: Values, factor: Factor, bins: int) -> Values:
    """Return the ends of bins that are equally likely, as far as that is known, or else hold as many points each."""
    parts = np.linspace(0.0, 1.0, bins + 1)
    if factor.low is None:
        return np.unique(np.quantile(values, parts))
    return np.unique(np.array(physical(factor, parts), np.float64))


def shown(value: object) -> str:
    """Return a value as tables and charts have it: switches as in a study file, numbers in four digits."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        return f"{value:.4g}"
    return str(value)


def shown_apart(values: Sequence[float]) -> tuple[str, ...]:
    """Return numbers in as few digits as tell them apart, three at least; whole ones as they are."""
    for digits in range(3, 18):
        labels = tuple(str(int(value)) if value == int(value) else f"{value:.{digits}g}" for value in values)
        if len(set(labels)) == len(set(values)):
            return labels
    return tuple(map(str, values))


def rows_of(table: pd.DataFrame) -> Iterable[Any]:
    """Return the rows of a table, each with its columns as attributes."""
    return table.itertuples()


def experiment_of(study: Study, points: pd.DataFrame, runs: pd.DataFrame) -> Experiment:
    """Return what a study, its points and its runs are as an experiment.

    Parameters
    ----------
    points : all points of the design, in its order, their numbers as index.
    runs : those that went well, with the columns ``point``, ``replicate`` and the outcomes.
    """
    return Experiment(
        points, runs, study.varied, study.design.kind, study.replicates.common, study.design.second_order,
        study.design.levels or 4,
    )  # fmt: skip
