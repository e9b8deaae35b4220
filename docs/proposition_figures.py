"""Draws each section's effects: ``python docs/proposition_figures.py``, from what `docs/proposition_tables.py` wrote."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ecosim.analysis.drawing import style
from ecosim.colours import BLUE, GREY, RED
from ecosim.laboratory.verdict import CONTRARY, SHOWN

DOCS = Path(__file__).resolve().parent
FIGURES = DOCS / "figures"
FINDINGS = DOCS.parent / "dashboards" / "assets" / "propositions.json"
COLOURS = {SHOWN: BLUE, CONTRARY: RED}
TICKS = (-10, -3, -1, 0, 1, 3, 10)
EDGE = 25.0  # standard deviations; what lies beyond is drawn there
Finding = Mapping[str, Any]


def file_of(section: str) -> Path:
    """Return the figure of a section."""
    return FIGURES / f"propositions-{section}.svg"


def _scale(finding: Finding) -> float:
    """Return what turns an effect into standard deviations over seeds towards the side that the claim puts it on."""
    size, mean = finding["effect"]["standardised"], finding["effect"]["mean"]
    spread = abs(mean / size) if size else 0.0
    return (1.0 if finding["side"] == "higher" else -1.0) / spread if spread else math.copysign(math.inf, mean)


def _across(value: float, scale: float) -> float:
    return max(-EDGE, min(EDGE, value * scale)) if value else 0.0


def _row(axes: Axes, place: int, finding: Finding) -> None:
    """Draw a claim: its effect with the interval, a dot a seed below it, and the effect under the control in grey."""
    scale, colour = _scale(finding), COLOURS.get(finding["verdict"], "black")
    dots = [_across(value, scale) for value in finding["differences"]]
    axes.plot(dots, [place + 0.12 + 0.06 * (rank % 3) for rank in range(len(dots))], ".", color=colour, alpha=0.35,
              markersize=3)  # fmt: skip
    for effect, ink, height, marker in (
        (finding["under_control"], GREY, place - 0.32, "s"), (finding["effect"], colour, place - 0.1, "o"),
    ):  # fmt: skip
        if effect is not None:
            axes.plot([_across(effect[end], scale) for end in ("low", "high")], [height] * 2, color=ink, linewidth=2)
            axes.plot([_across(effect["mean"], scale)], [height], marker, color=ink, markersize=4.5)
    axes.annotate(finding["verdict"], (1.01, place), xycoords=("axes fraction", "data"), va="center", color=colour)


def drawn(findings: Sequence[Finding]) -> Figure:
    """Return the effects of experiments, a row each."""
    figure = Figure((9.0, 0.9 + 0.44 * len(findings)), layout="constrained")
    axes = figure.subplots()
    for place, finding in enumerate(findings):
        _row(axes, place, finding)
    axes.axvline(0.0, color=GREY, linewidth=0.8)
    axes.set_xscale("symlog", linthresh=1.0)
    axes.set_xticks(TICKS, [f"{tick:+d}" if tick else "0" for tick in TICKS])
    axes.minorticks_off()
    axes.set(xlim=(-1.3 * EDGE, 1.3 * EDGE), ylim=(len(findings) - 0.4, -0.6))
    labels = ["\n".join(textwrap.wrap(f"{each['number']}  {each['statement']}", 62)) for each in findings]
    axes.set_yticks(range(len(findings)), labels, fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("standard deviations over seeds; to the right as claimed")
    return figure


def main() -> None:
    """Draw the sections; the same findings give the same files."""
    found = json.loads(FINDINGS.read_text(encoding="utf-8"))["findings"]
    with style(), mpl.rc_context({"svg.hashsalt": "ecosim"}):
        for section in dict.fromkeys(each["section"] for each in found):
            run = [each for each in found if each["section"] == section and each["effect"] is not None]
            drawn(run).savefig(file_of(section), facecolor="white", metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main()
