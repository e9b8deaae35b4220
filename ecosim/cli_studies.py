"""The commands on studies: thin, as those of `ecosim.cli`, and as light to load."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ALL_WELL, SOME_FAILED = 0, 1

Agents = Annotated[
    list[Path] | None, typer.Option("--agents", metavar="DIR", help="Directory of further role files; can be repeated.")
]


def add_commands(app: typer.Typer) -> None:
    """Add the commands on studies to the command line."""
    for command in (sweep, analyse, report, calibrate):
        app.command()(command)


def sweep(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="Name of a shipped study, or path of a TOML file.")],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Directory of its results; what is there is not run again.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Processes to run on, as many as processors unless given.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Run on the workers of this Dask scheduler instead.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what it would take, and run nothing more.")] = False,
    agents: Agents = None,
) -> None:
    """Run a study, or the rest of it, on many processes."""
    from ecosim.parameters import ScenarioError
    from ecosim.studies import beginning, runner, telling
    from ecosim.studies.progress import SweepWatch
    from ecosim.studies.study import load_study

    if out is None and not dry_run:
        raise ScenarioError("a study writes files; give a directory for them with --out DIR")
    whole = load_study(study, agents or ())
    if dry_run:
        telling.print_estimate(whole, beginning.estimate(whole, workers, None, scheduler))
        return
    assert out is not None
    with SweepWatch() as watch:
        result = runner.sweep(whole, out, workers, None, scheduler, watch)
    telling.print_result(whole, result, out)
    if result.failed:
        raise typer.Exit(SOME_FAILED)


def analyse(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Directory of a sweep.")],
    outcomes: Annotated[
        list[str] | None, typer.Option("--outcome", metavar="NAME", help="Outcome to look at; can be repeated.")
    ] = None,
    box: Annotated[
        str | None, typer.Option(metavar="CONDITION", help="Look for boxes of factors in which 'OUTCOME > 0.9'.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Directory to write to, analysis in the sweep's unless given.")
    ] = None,
) -> None:
    """Say what moved the outcomes of a study."""
    from rich.console import Console

    from ecosim.analysis.analyse import analyse as analysed
    from ecosim.analysis.findings import print_findings
    from ecosim.analysis.writing import checked_target

    target = checked_target(directory / "analysis" if out is None else out)
    result = analysed(directory, outcomes, box)
    result.write(target)
    print_findings(Console(markup=False, highlight=False, emoji=False), result, target)


def report(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="What run, sweep or calibrate wrote with --out.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to write, report.html in the directory unless given.")
    ] = None,
) -> None:
    """Write a page for browsers on a directory of results."""
    from ecosim.analysis.report import write_report

    print(write_report(directory, out))


def calibrate(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Name of a shipped calibration, or path of a TOML file.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Directory of its results; finished generations are kept.")],
) -> None:
    """Fit parameters to data; tell what the data do not say."""
    from rich.console import Console

    from ecosim.analysis.calibration import calibrate as fit
    from ecosim.analysis.calibration_telling import CalibrationWatch, print_calibration

    with CalibrationWatch() as watch:
        result = fit(file, out, watch.finished, watch.ran)
    print_calibration(Console(markup=False, highlight=False, emoji=False), result, out)
