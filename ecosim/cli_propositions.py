"""The command of the laboratory: thin, as those of `ecosim.cli`, and as light to load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ecosim.laboratory.verdict import Finding


def propositions(
    numbers: Annotated[
        list[str] | None, typer.Argument(metavar="[P34 ...]", help="Which ones; all unless given.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Eight seeds each, for a first look.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Tell what is declared, and run nothing.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Directory of the results; what is there is not run again.")
    ] = None,
    files: Annotated[
        list[Path] | None, typer.Option("--file", metavar="FILE", help="Proposition file instead of the shipped ones.")
    ] = None,
    workers: Annotated[int | None, typer.Option(metavar="N", min=1, help="Processes to run on.")] = None,
    seeds: Annotated[
        int | None, typer.Option(metavar="N", min=2, max=100_000, help="Paired seeds of an experiment at most.")
    ] = None,
    first_seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of the first pair.")] = 1,
) -> None:
    """Say which claims follow from their mechanisms."""
    import tempfile
    from dataclasses import replace

    from rich.console import Console

    import ecosim
    from ecosim.analysis.libraries import library
    from ecosim.laboratory import picture, table, trial
    from ecosim.laboratory.declarations import chosen, load_propositions
    from ecosim.runs import OutputError

    console = Console(markup=False, highlight=False, emoji=False)
    wanted = chosen(load_propositions(files), numbers or ())
    if listed:
        table.print_list(console, wanted)
        return
    library("scipy", "a verdict")
    budget = replace(trial.QUICK if quick else trial.Budget(), first_seed=first_seed)
    if seeds is not None:
        budget = replace(budget, round=min(budget.round, seeds), most=seeds)
    progress = Console(stderr=True, markup=False, highlight=False)

    def told(finding: Finding) -> None:
        if progress.is_terminal and finding.effect is not None:
            progress.print(f"{finding.proposition.number} ", end="")

    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary) if out is None else out
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{directory}: cannot be made: {(error.strerror or str(error)).lower()}") from None
        findings = trial.run_propositions(wanted, directory, budget, workers, told)
        if out is not None:
            settings = {"seeds": budget.most, "round": budget.round, "width": budget.width, "first_seed": first_seed,
                        "version": ecosim.__version__}  # fmt: skip
            table.write_results(findings, directory, settings)
            picture.write_pictures(findings, directory)
    table.print_table(console, findings)
