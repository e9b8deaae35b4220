"""What a study is made of: factors, outcomes, design, replicates, and what is kept of each run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ecosim.parameters import Value

KINDS = ("factorial", "one-at-a-time", "latin-hypercube", "sobol", "morris", "list")
SAMPLED = ("latin-hypercube", "sobol", "morris")  # take `samples` and `seed`, and vary every factor at once
ROLES = ("uncertainty", "lever")
DISTRIBUTIONS = ("uniform", "log-uniform", "normal", "triangular")
SUMMARIES = ("last", "mean", "sum", "lowest", "highest", "first")
SCENARIO = "scenario"  # name of the factor that several scenarios make


@dataclass(frozen=True)
class Factor:
    """What a study varies: a parameter or switch of the scenario, by its levels or over a range.

    Attributes
    ----------
    name : its column in every table of the study.
    path : dotted path of the parameter; ``scenario`` for the choice among several scenarios.
    role : "uncertainty", or "lever" for what a decision maker chooses.
    levels : the values to take, in their own type; empty for a range.
    low, high : ends of the range; of a normal distribution, where it is cut off.
    distribution : how values are spread over the range: one of `DISTRIBUTIONS`.
    mean, deviation : of a normal distribution before it is cut off.
    mode : of a triangular distribution.
    whole : whether the parameter takes whole numbers alone.
    """

    name: str
    path: str
    role: str = "uncertainty"
    levels: tuple[Value, ...] = ()
    low: float | None = None
    high: float | None = None
    distribution: str = "uniform"
    mean: float | None = None
    deviation: float | None = None
    mode: float | None = None
    whole: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the factor as a study file has it."""
        tree = {"path": self.path, "name": self.name, "role": self.role}
        if self.levels:
            return {**tree, "levels": list(self.levels)}
        if self.low is None:
            return tree  # a column of a list, which says nothing of values between
        numbers = {
            "low": self.low,
            "high": self.high,
            "mean": self.mean,
            "deviation": self.deviation,
            "mode": self.mode,
        }
        given = {key: value for key, value in numbers.items() if value is not None}
        return {**tree, "distribution": self.distribution, **given}


@dataclass(frozen=True)
class Wanted:
    """An outcome of a study: which measure, and what is kept of it at the end of a run.

    Attributes
    ----------
    name : its column in the results.
    measure : name of an outcome of the model, ``share.BENEFICIARY``, ``value.BENEFICIARY``, ``stage`` or ``stage.NAME``.
    summary : one of `SUMMARIES`.
    quarters : how many of the last quarters it summarises; None for all.
    """

    name: str
    measure: str
    summary: str = "last"
    quarters: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as a study file has it, without its name."""
        window = {} if self.quarters is None else {"quarters": self.quarters}
        return {"measure": self.measure, "summary": self.summary, **window}


@dataclass(frozen=True)
class DesignSettings:
    """How design points are chosen.

    Attributes
    ----------
    kind : one of `KINDS`.
    samples : N of Saltelli's scheme, points of a Latin hypercube, or trajectories of Morris' method.
    second_order : whether Saltelli's scheme has the points that second-order indices take.
    seed : of the sampling.
    levels : how many values a range takes: of Morris' grid, or in a factorial or one-at-a-time design.
    most_runs : a study of more runs is refused.
    points : of a list: a mapping from factor name to value for each point.
    """

    kind: str = "factorial"
    samples: int | None = None
    second_order: bool = True
    seed: int = 1
    levels: int | None = None
    most_runs: int = 200_000
    points: tuple[Mapping[str, Value], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the design as a study file has it."""
        tree = {name: value for name, value in asdict(self).items() if value is not None and name != "points"}
        return {**tree, "points": [dict(point) for point in self.points]} if self.kind == "list" else tree


@dataclass(frozen=True)
class Until:
    """The stopping rule: replicates are added until the mean of an outcome is known well enough.

    Attributes
    ----------
    outcome : name of an outcome of the study.
    width : of the 95 % confidence interval of its mean, in the outcome's own unit; narrower is enough.
    most : replicates of a point at most.
    """

    outcome: str
    width: float
    most: int


@dataclass(frozen=True)
class Replicates:
    """How often each design point is run, and by which seeds.

    Attributes
    ----------
    count : runs of each point; with a stopping rule, those of one round.
    common : whether replicate r has the same seed at every point (common random numbers).
    first_seed : seed of the first replicate of the first point.
    until : the stopping rule, if there is one.
    """

    count: int = 1
    common: bool = True
    first_seed: int = 1
    until: Until | None = None

    @property
    def most(self) -> int:
        """How many runs a point can have."""
        return self.count if self.until is None else self.until.most

    def seed(self, point: int, replicate: int) -> int:
        """Return the seed of a run; both numbers count from 0."""
        return self.first_seed + replicate + (0 if self.common else point * self.most)

    def as_dict(self) -> dict[str, Any]:
        """Return the replicates as a study file has them."""
        tree = {"count": self.count, "common": self.common, "first_seed": self.first_seed}
        return tree if self.until is None else {**tree, "until": asdict(self.until)}


@dataclass(frozen=True)
class Keep:
    """What is kept of each run besides its outcomes.

    Attributes
    ----------
    series : the first quarter and each that many quarters later of every measure; None for no series.
    events : whether what happened is kept.
    """

    series: int | None = None
    events: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return it as a study file has it."""
        return {**({} if self.series is None else {"series": self.series}), "events": self.events}
