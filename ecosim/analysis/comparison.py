"""Comparison of policies on common random numbers: what a lever changes, at the same settings and by the same luck."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ecosim.analysis.experiment import Codes, Experiment, Mask, shown
from ecosim.analysis.intervals import NAN, Estimate, Numbers, difference, over_luck, over_points
from ecosim.studies.study_parts import SCENARIO, Factor

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "outcome", "factor", "level", "base", "pairs", "settings", "difference", "low", "high", "unpaired_low",
    "unpaired_high", "times_runs_unpaired", "interval", "p", "p_holm",
)  # fmt: skip


class Contrast(NamedTuple):
    """A level, or a policy, and what it is compared with.

    Attributes
    ----------
    factor, level, base : what tables call them.
    with_base, with_level : (points,), which points have which.
    settings : (points,), a number for what else varies, the same where all of it is the same.
    """

    factor: str
    level: str
    base: str
    with_base: Mask
    with_level: Mask
    settings: Codes

    def has_pairs(self) -> bool:
        """Return whether some points differ in this alone."""
        return np.intersect1d(self.settings[self.with_base], self.settings[self.with_level]).size > 0


def contrasts(experiment: Experiment) -> list[Contrast]:
    """Return what can be compared with what.

    In most designs each level of a lever with the lever's first one, where there are points that differ in nothing else; a
    lever that is a range has levels in a factorial design alone, in which without levers every factor is compared. One at a
    time each change of any factor with the scenario as it is. In a list each policy, which is a row's values of all levers,
    with that of the first row.
    """
    if experiment.kind == "one-at-a-time":
        found = [contrast for factor in experiment.factors for contrast in _from_scenario(experiment, factor)]
    elif experiment.kind == "list":
        found = list(_between_policies(experiment, levers(experiment)))
    else:
        chosen = levers(experiment) or (experiment.factors if experiment.kind == "factorial" else ())
        found = [contrast for factor in chosen for contrast in _between_levels(experiment, factor)]
    return [contrast for contrast in found if contrast.has_pairs()]


def levers(experiment: Experiment) -> list[Factor]:
    """Return the levers that take levels."""
    own = experiment.kind in ("factorial", "list")
    return [factor for factor in experiment.factors if factor.role == "lever" and (own or factor.levels)]


def differences(experiment: Experiment, outcome: str) -> pd.DataFrame:
    """Return what each level of a lever changes against its base: paired by settings and luck, and as if unpaired.

    A pair is two runs that differ in the lever alone: what else varies, and with common random numbers the seed, is the
    same. Where points are a sample the interval is over points, else over luck (Student's t over the seeds), or with one
    run a point over the settings of what else varies.

    Returns
    -------
    A row for each of `contrasts`: outcome, factor, level, base, pairs (of runs; 0 without common random numbers), settings
    (of what else varies), difference (mean over pairs), low, high (95 %), unpaired_low, unpaired_high (of as many runs with
    luck of their own), times_runs_unpaired (how many times the runs they
    would have taken for the same width), interval ("over
    luck", "over points" or "over settings"), p (Student's t), p_holm (not a number, until `corrected`).
    """
    import pandas as pd

    rows = [_row(experiment, outcome, contrast) for contrast in contrasts(experiment)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def corrected(table: pd.DataFrame) -> pd.DataFrame:
    """Return the comparisons with p values corrected for their number, all of the table being one family (Holm 1979)."""
    return table.assign(p_holm=holm(table["p"].to_numpy(float)))


def clearest(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return the comparisons with the lowest p values, so many at most, in the order of the table."""
    return table if len(table) <= most else table.loc[table["p"].sort_values(kind="stable").index[:most].sort_values()]


def holm(chances: Numbers) -> Numbers:
    """Return p values corrected for their number by Holm's step-down method; those that are not a number do not count.

    Parameters
    ----------
    chances : (comparisons,).
    """
    adjusted = np.full(chances.shape, NAN)
    known = np.flatnonzero(~np.isnan(chances))
    order = known[np.argsort(chances[known], kind="stable")]
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(chances[order] * np.arange(order.size, 0, -1)))
    return adjusted


# -- what is compared -------------------------------------------------------------------------------------------------


def _between_levels(experiment: Experiment, factor: Factor) -> Iterator[Contrast]:
    column, (base, *levels) = experiment.points[factor.name].to_numpy(), _values(experiment, factor)
    settings = experiment.groups([name for name in experiment.names if name != factor.name])
    for level in levels:
        yield Contrast(factor.name, shown(level), shown(base), column == base, column == level, settings)


def _from_scenario(experiment: Experiment, factor: Factor) -> Iterator[Contrast]:
    column, (first, *others) = experiment.points[factor.name].to_numpy(), _values(experiment, factor)
    unchanged = experiment.at_base([])
    if factor.name == SCENARIO:
        alone = np.zeros(column.size, np.int64)
        for other in others:
            yield Contrast(SCENARIO, other, first, unchanged & (column == first), unchanged & (column == other), alone)
        return
    settings = experiment.groups([name for name in experiment.names if name != factor.name])
    for value in (first, *others):
        changed = ~unchanged & (column == value)
        if changed.any():
            yield Contrast(factor.name, shown(value), "the scenario's", unchanged, changed, settings)


def _between_policies(experiment: Experiment, varied: Sequence[Factor]) -> Iterator[Contrast]:
    names = [factor.name for factor in varied]
    if not names:
        return
    policy = experiment.groups(names)
    settings = experiment.groups([name for name in experiment.names if name not in names])
    rows = experiment.points[names].to_dict("records")
    for code in dict.fromkeys(policy.tolist()):
        row = rows[int(np.argmax(policy == code))]
        changed = [name for name in names if row[name] != rows[0][name]]
        if changed:
            level = ", ".join(f"{name} {shown(row[name])}" for name in changed)
            base = ", ".join(shown(rows[0][name]) for name in changed)
            yield Contrast("policy", level, base, policy == policy[0], policy == code, settings)


def _values(experiment: Experiment, factor: Factor) -> list[Any]:
    """Return the levels of a factor, the base first."""
    return list(factor.levels) or list(dict.fromkeys(experiment.points[factor.name].tolist()))


# -- by how much they differ ------------------------------------------------------------------------------------------


def _row(experiment: Experiment, outcome: str, contrast: Contrast) -> dict[str, Any]:
    """Return what a level or a policy changes against its base."""
    import pandas as pd

    points, replicates, values = experiment.each_run(outcome)
    settings = contrast.settings[points]
    runs = pd.DataFrame({
        "settings": settings, "replicate": replicates, "value": values, "block": experiment.blocks[points],
    })  # fmt: skip
    chosen = [mask[points] for mask in (contrast.with_base, contrast.with_level)]
    shared = np.intersect1d(settings[chosen[0]], settings[chosen[1]])
    base, level = (runs[mask & np.isin(settings, shared)] for mask in chosen)
    names = {"outcome": outcome, "factor": contrast.factor, "level": contrast.level, "base": contrast.base}
    return {**names, "settings": shared.size, **_difference(experiment, base, level)}


def _difference(experiment: Experiment, base: pd.DataFrame, level: pd.DataFrame) -> dict[str, Any]:
    """Return the paired and the unpaired difference of runs with a level and with its base."""
    keys = ["settings", "replicate"]
    base, level = (
        runs.groupby(keys, as_index=False).agg({"value": "mean", "block": "first"}) for runs in (base, level)
    )
    unpaired, interval = _unpaired(experiment, base, level)
    pairs = base.merge(level, on=keys, suffixes=("", "_of_level"))
    gains = (pairs["value_of_level"] - pairs["value"]).to_numpy(float)
    settings, replicate = pairs["settings"].to_numpy(), pairs["replicate"].to_numpy()
    if interval != "over luck":
        blocks = pairs.groupby("settings")["block"].first().to_numpy()
        paired = over_points(_by_group(settings, gains), blocks if experiment.sampled else np.arange(blocks.size))
    elif experiment.common:
        paired = over_luck(settings, replicate, gains, common=True)
    else:
        return _columns(unpaired, unpaired, 0, interval)
    return _columns(paired, unpaired, len(pairs), interval)


def _unpaired(experiment: Experiment, base: pd.DataFrame, level: pd.DataFrame) -> tuple[Estimate, str]:
    """Return the difference as if every run had luck, or every point settings, of its own."""
    over_seeds = not experiment.sampled and max(runs["replicate"].nunique() for runs in (base, level)) > 1
    sides = []
    for runs in (level, base):
        settings, replicate, values = (runs[name].to_numpy() for name in ("settings", "replicate", "value"))
        if over_seeds:
            sides.append(over_luck(settings, replicate, values, common=False))
        else:
            means = _by_group(settings, values)
            sides.append(over_points(means, np.arange(means.size)))
    interval = "over luck" if over_seeds else "over points" if experiment.sampled else "over settings"
    return difference(*sides), interval


def _by_group(group: Any, values: Numbers) -> Numbers:
    """Return the mean of each group, in the order of their numbers."""
    _, codes = np.unique(group, return_inverse=True)
    return np.bincount(codes, values) / np.maximum(np.bincount(codes), 1)


def _columns(paired: Estimate, unpaired: Estimate, pairs: int, interval: str) -> dict[str, Any]:
    saved = NAN
    if pairs and paired.freedom > 0.0:
        saved = unpaired.variance / paired.variance if paired.variance > 0.0 else float("inf")
    return {
        "pairs": pairs, "difference": paired.mean, "low": paired.low, "high": paired.high,
        "unpaired_low": paired.mean - unpaired.half, "unpaired_high": paired.mean + unpaired.half, "times_runs_unpaired": saved,
        "interval": interval, "p": paired.chance, "p_holm": NAN,
    }  # fmt: skip
