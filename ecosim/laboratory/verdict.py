"""Verdicts: from the readings of paired runs to an effect, its interval, and what can be said of the claim."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ecosim.analysis.comparison import holm
from ecosim.analysis.intervals import Estimate
from ecosim.laboratory.proposition import Experiment, Proposition

SHOWN, NOT_SHOWN, CONTRARY = "shown", "not shown", "contrary"
BY_CONSTRUCTION, OUT_OF_SCOPE = "by construction", "out of scope"
VERDICTS = (SHOWN, NOT_SHOWN, CONTRARY, BY_CONSTRUCTION, OUT_OF_SCOPE)
LEVEL = 0.05
CORRECTION = "Holm (1979)"

Numbers = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Effect:
    """A mean over paired seeds with its 95 % interval by Student's t.

    Attributes
    ----------
    standardised : the mean over the standard deviation of the reading over seeds, pooled over both worlds (Cohen's d);
        infinite if the reading is the same on all seeds of each.
    chance : two-sided p value of no effect.
    """

    mean: float
    low: float
    high: float
    standardised: float
    chance: float

    @property
    def half(self) -> float:
        """Half the width of the interval, in standard deviations of the reading; 0 if nothing varies."""
        spread = abs(self.mean / self.standardised) if self.standardised and math.isfinite(self.standardised) else 0.0
        return (self.high - self.low) / 2.0 / spread if spread else 0.0


@dataclass(frozen=True)
class Finding:
    """What became of a proposition.

    Attributes
    ----------
    effect : of the claim, where several baselines must show it that of the weakest; None if nothing was run.
    under_control : the effect under the control; None without one.
    difference : the effect less that under the control; None without one.
    seeds : paired seeds that were run.
    corrected : p value of the effect corrected for the number of experiments; not a number before the correction.
    verdict : one of `VERDICTS`; of what is by construction the verdict of its consequence is in `reason`.
    values : (worlds, seeds), the readings, for pictures.
    differences : (seeds,), what `effect` is the mean of.
    weakest : of several baselines the one that `effect` is against, in words.
    """

    proposition: Proposition
    effect: Effect | None = None
    under_control: Effect | None = None
    difference: Effect | None = None
    seeds: int = 0
    corrected: float = math.nan
    verdict: str = NOT_SHOWN
    reason: str = ""
    values: tuple[tuple[float, ...], ...] = ()
    differences: tuple[float, ...] = ()
    weakest: str = ""


def effect_of(differences: Numbers, spread: float) -> Effect:
    """Return the mean of paired differences as an effect.

    Parameters
    ----------
    differences : (seeds,).
    spread : standard deviation of the reading over seeds, in its own unit.
    """
    count = differences.size
    mean = float(differences.mean())
    estimate = Estimate(mean, float(differences.var(ddof=1)) / count, count - 1.0)
    # Rounding alone must not make an effect of readings that are equal.
    if abs(mean) < 1e-12 and float(np.abs(differences).max()) < 1e-12:
        return Effect(0.0, 0.0, 0.0, 0.0, 1.0)
    chance = estimate.chance
    if estimate.variance <= 1e-24 * mean**2:
        chance = 2.0 ** (1 - count)  # all differences are the same: as sure as that many tosses of a coin, not surer
    standardised = mean / spread if spread > 1e-12 * max(1.0, abs(mean)) else math.copysign(math.inf, mean)
    return Effect(mean, estimate.low, estimate.high, standardised, chance)


def pooled(*worlds: Numbers) -> float:
    """Return the standard deviation over seeds, pooled over worlds."""
    return float(np.sqrt(np.mean([world.var(ddof=1) for world in worlds])))


def measured(proposition: Proposition, readings: Mapping[str, Numbers]) -> Finding:
    """Return what the readings of an experiment say, before the correction for many experiments.

    Parameters
    ----------
    readings : (seeds,) of each world: "treatment", "baseline 1" ..., and both of them with " under control" behind.
    """
    experiment = proposition.experiment
    assert experiment is not None
    sign = 1.0 if experiment.side == "higher" else -1.0
    parts = [_part(experiment, readings, number) for number in range(max(1, len(experiment.baselines)))]
    weakest = min(range(len(parts)), key=lambda number: sign * parts[number][0].standardised)
    effect, under, difference, paired = parts[weakest]
    if sign * effect.mean > 0.0:
        # All parts have to be shown (intersection-union test): their largest p value is that of the claim.
        effect = replace(effect, chance=max(part[0].chance for part in parts))
    else:
        # One part against the claim is enough, and it was picked among several (Bonferroni).
        effect = replace(effect, chance=min(1.0, len(parts) * effect.chance))
    part = ""
    if len(parts) > 1:
        settings = experiment.baselines[weakest]
        part = ", ".join(
            f"{path} = {value}" for path, value in settings.items() if experiment.treatment.get(path) != value
        )
    values = tuple(tuple(map(float, world)) for world in readings.values())
    return Finding(
        proposition,
        effect,
        under,
        difference,
        paired.size,
        values=values,
        differences=tuple(paired.tolist()),
        weakest=part,
    )


def _part(
    experiment: Experiment, readings: Mapping[str, Numbers], number: int
) -> tuple[Effect, Effect | None, Effect | None, Numbers]:
    """Return the effect against one baseline, that under the control, the difference between them, and the effect by seed."""

    def compared(suffix: str) -> tuple[Numbers, float]:
        treated = readings["treatment" + suffix]
        if not experiment.baselines:
            return treated - experiment.null, pooled(treated)
        base = readings[f"baseline {number + 1}{suffix}"]
        return treated - base, pooled(treated, base)

    differences, spread = compared("")
    effect = effect_of(differences, spread)
    if not experiment.control:
        return effect, None, None, differences
    others, other_spread = compared(" under control")
    scale = math.sqrt((spread**2 + other_spread**2) / 2.0)
    difference = effect_of(differences - others, scale)
    if experiment.asks == "interaction":
        return difference, effect_of(others, other_spread), effect, differences - others
    return effect, effect_of(others, other_spread), difference, differences


def judged(findings: Sequence[Finding]) -> list[Finding]:
    """Return findings with their verdicts, corrected for the number of experiments among them."""
    run = [finding for finding in findings if finding.effect is not None]
    chances = holm(np.array([finding.effect.chance for finding in run if finding.effect is not None])).tolist()
    corrected = {finding.proposition.number: chance for finding, chance in zip(run, chances, strict=True)}
    return [_judge(finding, corrected.get(finding.proposition.number, math.nan)) for finding in findings]


def _judge(finding: Finding, corrected: float) -> Finding:
    proposition = finding.proposition
    if finding.effect is None:
        return replace(finding, verdict=proposition.standing, reason=proposition.reason)
    verdict, reason = _verdict(finding, corrected)
    if finding.weakest:
        reason += f" (weakest part: against {finding.weakest})"
    if proposition.standing == BY_CONSTRUCTION:
        verdict, reason = BY_CONSTRUCTION, f"{proposition.reason} Its consequence: {verdict}; {reason}."
    return replace(finding, corrected=corrected, verdict=verdict, reason=reason)


def _verdict(finding: Finding, corrected: float) -> tuple[str, str]:
    effect, experiment = finding.effect, finding.proposition.experiment
    assert effect is not None
    assert experiment is not None
    sign = 1.0 if experiment.side == "higher" else -1.0
    if corrected > LEVEL:
        return NOT_SHOWN, _unclear(effect, experiment)
    if abs(effect.standardised) < experiment.smallest:
        return (
            NOT_SHOWN,
            f"clear, but below the smallest effect of interest, {experiment.smallest:g} standard deviations",
        )
    if sign * effect.mean < 0.0:
        return CONTRARY, "clear of zero on the other side"
    difference = finding.difference
    if difference is None or experiment.asks == "interaction":
        return SHOWN, "clear of zero on the claimed side"
    if difference.chance > LEVEL or sign * difference.mean <= 0.0:
        return NOT_SHOWN, "the control has it as well"
    return SHOWN, "clear of zero on the claimed side, and clearly smaller under the control"


def _unclear(effect: Effect, experiment: Experiment) -> str:
    if effect.mean == effect.low == effect.high == 0.0:
        return "no effect: the readings are the same"
    if effect.low > 0.0 or effect.high < 0.0:
        return "clear alone, but not after the correction for the number of experiments"
    if effect.half <= experiment.smallest:
        return "no effect of interest: the interval is narrow and holds zero"
    return "no clear effect: the interval was still wide when the budget was spent"
