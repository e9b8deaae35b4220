"""Writes the tables and the figure of the page on calibration: ``python docs/calibration_tables.py [DIR]``; ten minutes.

Two fits of `scenarios/calibration/huawei-growth.toml`: as shipped, to 2018, and to 2012, so that data of later years show how far
a fit predicts. DIR keeps what is finished, so that the same command goes on after a break. ``--check`` tells whether the
scenario still gives the result that the tables were made of.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
from generate import table
from matplotlib.figure import Figure
from tables import insert

import ecosim
from ecosim.analysis.calibration import CalibrationResult, calibrate
from ecosim.analysis.calibration_charts import draw_predictions
from ecosim.analysis.calibration_file import load_calibration
from ecosim.analysis.calibration_words import (
    FIT_HEAD,
    GENERATION_HEAD,
    PARAMETER_HEAD,
    PREDICTION_HEAD,
    findings,
    fit_rows,
    generation_rows,
    parameter_rows,
    prediction_rows,
)
from ecosim.analysis.posterior_sampling import Generation

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "how-to" / "calibrate.md"
NAME = "huawei-growth"
EARLIER = 2012


def made_of(name: str) -> str:
    """Return what the tables were made of: version, and the result of the scenario's first seed."""
    run = ecosim.run(load_calibration(name).scenario, seed=1)
    return f"ecosim {ecosim.__version__}, hash of seed 1 of the scenario `{run.hash[:12]}`."


def figure_of(result: CalibrationResult) -> Figure:
    """Return the data, and the middle of the runs from prior and posterior, a panel a series."""
    figure = Figure((8.0, 4.0), layout="constrained")
    panels = figure.subplots(1, len(result.calibration.targets))
    for axes, target in zip(panels, result.calibration.targets, strict=True):
        draw_predictions(axes, result, target)
        axes.set_title(target.name)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def told(generation: Generation) -> None:
    """Show how far a fit is."""
    print(f"generation {generation.number}: {generation.runs} runs, at most {generation.epsilon:.3f} off", flush=True)


def main(directory: Path) -> None:
    """Fit, and write everything."""
    calibration = load_calibration(NAME)
    earlier = replace(calibration, settings=replace(calibration.settings, until=EARLIER))
    result = calibrate(calibration, directory / "to-2018", told)
    before = calibrate(earlier, directory / f"to-{EARLIER}", told)
    parts = {
        "generations": table(GENERATION_HEAD, generation_rows(result)),
        "parameters": table(PARAMETER_HEAD, parameter_rows(result)),
        "fit": table(FIT_HEAD, fit_rows(result)),
        "found": "\n".join(f"- {sentence}" for sentence in findings(result)),
        "predictions": table(PREDICTION_HEAD, prediction_rows(result)),
        "earlier": table(FIT_HEAD, fit_rows(before)),
    }
    made = made_of(NAME)
    insert(PAGE, {name: f"{text}\n\n{made}" for name, text in parts.items()})
    mpl.rcParams |= {"svg.hashsalt": "ecosim", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    figure = figure_of(result)
    figure.savefig(DOCS / "figures" / "calibration.png", dpi=150, metadata={"Software": None})
    figure.savefig(DOCS / "figures" / "calibration.svg", metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        sys.exit(0 if made_of(NAME) in PAGE.read_text(encoding="utf-8") else 1)
    if sys.argv[1:]:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as place:
            main(Path(place))
