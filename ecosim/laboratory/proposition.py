"""A proposition: what a paper claims, and the experiment that could speak against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ecosim.parameters import Value

STATISTICS = (
    "mean", "last", "sum", "lowest", "highest", "slope", "change", "crossing", "halfway", "order", "correlation", "ratio",
    "deviation", "fall", "recovery",
)  # fmt: skip
OF_TWO = ("order", "correlation", "ratio")  # statistics that take a second measure
WITH_LEVEL = ("crossing", "order")
SIDES = ("higher", "lower")
QUESTIONS = ("effect", "interaction")
STANDINGS = ("experiment", "by construction", "out of scope")
PAPERS = ("S000", "S001", "S002", "S003")

Settings = Mapping[str, Value]


@dataclass(frozen=True)
class Reading:
    """One number read from the quarters of a run.

    Attributes
    ----------
    statistic : one of `STATISTICS`.
    measure : what is read, as in a study file.
    other : second measure, of the statistics in `OF_TWO`.
    level, other_level : what the measures have to reach, of those in `WITH_LEVEL`.
    first : quarter from which on quarters count, the first being 0.
    at : quarter of the blow, of "fall" and "recovery".
    """

    statistic: str
    measure: str
    other: str = ""
    level: float = 0.0
    other_level: float = 0.0
    first: int = 0
    at: int = 0

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures that have to be kept."""
        return (self.measure, self.other) if self.other else (self.measure,)

    def __str__(self) -> str:
        words = f"{self.statistic} of {self.measure}"
        match self.statistic:
            case "ratio" | "correlation":
                words += f" {'over' if self.statistic == 'ratio' else 'with'} {self.other}"
            case "crossing":
                words = f"quarters until {self.measure} reaches {self.level:g}"
            case "order":
                words = f"{self.measure} at {self.level:g} before {self.other} at {self.other_level:g}"
            case "halfway":
                words = f"quarters until half of the last {self.measure}"
        return words + (f" from quarter {self.first}" if self.first else "")


@dataclass(frozen=True)
class Experiment:
    """A comparison that a proposition says something of.

    Attributes
    ----------
    scenario : shipped name.
    steps : quarters of a run; None for the scenario's own.
    reading : the number that is compared.
    side : where the claim puts the effect: "higher" or "lower" than the baseline.
    treatment : settings of the world in which the claim should hold.
    baselines : settings of the worlds it is compared with, each of which has to show the effect; empty for `null`.
    null : the number that the reading has without the mechanism, if there is no baseline.
    control : settings laid over treatment and baseline in which the effect should be clearly smaller; empty for none.
    asks : "effect", or "interaction" if the claim is the difference between the effect and that under the control.
    smallest : effect that is worth speaking of, in standard deviations of the reading over seeds.
    """

    scenario: str
    reading: Reading
    side: str
    treatment: Settings
    baselines: tuple[Settings, ...]
    null: float
    control: Settings
    asks: str
    smallest: float
    steps: int | None = None


@dataclass(frozen=True)
class Proposition:
    """What a paper claims.

    Attributes
    ----------
    number : such as "P14".
    section : name of the file it is declared in.
    place : paper and section.
    mechanism : the mechanism it names, in a word or two.
    standing : one of `STANDINGS`.
    reason : why this measures it; of what is by construction, the rule; of what is out of scope, what the model lacks.
    experiment : of the claim, or of a consequence of what is by construction; None if there is nothing to run.
    """

    number: str
    section: str
    statement: str
    place: str
    mechanism: str
    standing: str
    reason: str
    experiment: Experiment | None

    @property
    def papers(self) -> tuple[str, ...]:
        """Short names of the papers that claim it."""
        return tuple(paper for paper in PAPERS if paper in self.place)
