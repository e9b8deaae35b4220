"""Pictures of a finding: the readings of each world over the seeds, the effect, that under the control, and that of each seed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ecosim.analysis.drawing import style
from ecosim.laboratory.trial import worlds_of
from ecosim.laboratory.verdict import Finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#666666"


def picture(finding: Finding) -> Figure:
    """Return the picture of a finding that was run.

    Raises
    ------
    ScenarioError : Matplotlib is not installed.
    """
    from matplotlib.figure import Figure

    experiment = finding.proposition.experiment
    assert experiment is not None
    figure = Figure((9.0, 3.6), layout="constrained")
    worlds, effects = figure.subplots(1, 2, width_ratios=(3, 2))
    _draw_worlds(worlds, list(worlds_of(experiment)), finding.values)
    worlds.set_ylabel(str(experiment.reading))
    if not experiment.baselines:
        worlds.axhline(experiment.null, color=GREY, linewidth=0.8, linestyle="--")
    _draw_effects(effects, finding)
    figure.suptitle(f"{finding.proposition.number}: {finding.verdict}", x=0.01, ha="left")
    return figure


def _draw_worlds(axes: Axes, names: list[str], values: tuple[tuple[float, ...], ...]) -> None:
    """Draw a dot a seed in a column a world, spread sideways by rank so that equal ones are seen."""
    for place, readings in enumerate(values):
        sideways = (np.arange(len(readings)) / max(1, len(readings) - 1) - 0.5) * 0.4
        axes.plot(place + sideways, readings, "o", markersize=3.5, alpha=0.6, color=BLUE if place == 0 else GREY)
        axes.plot([place - 0.28, place + 0.28], [np.mean(readings)] * 2, color=ORANGE, linewidth=2.0)
    axes.set_xticks(range(len(names)), [name.replace(" under", "\nunder") for name in names], fontsize=8)


def _draw_effects(axes: Axes, finding: Finding) -> None:
    shown = [("effect", finding.effect, BLUE), ("under control", finding.under_control, GREY)]
    for place, (name, effect, colour) in enumerate(each for each in shown if each[1] is not None):
        assert effect is not None
        axes.plot([effect.low, effect.high], [-place, -place], color=colour, linewidth=2.5)
        axes.plot([effect.mean], [-place], "o", color=colour)
        axes.text(effect.mean, -place + 0.12, name, ha="center", fontsize=8)
    # Below, the effect seed by seed.
    heights = -1.7 - 0.2 * (np.arange(len(finding.differences)) % 3)
    axes.plot(finding.differences, heights, "o", markersize=3.5, alpha=0.6, color=BLUE)
    axes.axvline(0.0, color=GREY, linewidth=0.8, linestyle="--")
    axes.set_ylim(-2.4, 0.6)
    axes.set_yticks([])
    axes.set_xlabel("effect with its 95 % interval; below, each seed")


def write_pictures(findings: list[Finding], directory: Path) -> None:
    """Write a PNG and an SVG of each finding that was run into the folder `figures` of a directory."""
    folder = directory / "figures"
    folder.mkdir(exist_ok=True)
    with style():
        for finding in findings:
            if finding.effect is not None:
                figure = picture(finding)
                for kind in ("png", "svg"):
                    figure.savefig(folder / f"{finding.proposition.number}.{kind}", dpi=120, facecolor="white")
