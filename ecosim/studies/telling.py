"""What the command line prints about a study: what it would take, and what became of it."""

from __future__ import annotations

import shlex
from pathlib import Path

from rich.console import Console

from ecosim.studies.beginning import Estimate
from ecosim.studies.progress import duration
from ecosim.studies.runner import SweepResult
from ecosim.studies.store import FAILURES
from ecosim.studies.study import Study


def print_estimate(study: Study, estimate: Estimate) -> None:
    """Print what a study would take."""
    most = "at most " if study.replicates.until is not None else ""
    workers = f"{estimate.workers} worker{'' if estimate.workers == 1 else 's'}"
    _print(study, {
        "design": f"{study.design.kind}, {len(study.varied)} factor{'' if len(study.varied) == 1 else 's'}",
        "points": f"{estimate.points:,}",
        "replicates": f"{most}{estimate.replicates:,} of each point",
        "runs": f"{most}{estimate.runs:,}",
        "batches": f"{most}{estimate.batches:,}, each a file of runs",
        "time": f"{most}about {duration(estimate.seconds)} on {workers}",
        "disk": f"{most}about {_size(estimate.bytes)}",
    })  # fmt: skip


def print_result(study: Study, result: SweepResult, out: Path) -> None:
    """Print what became of a study, where it is, and what can be done next."""
    failed = f", {result.failed:,} failed: see {out / FAILURES}" if result.failed else ""
    _print(study, {
        "runs": f"{result.done:,} of {result.total:,} done{failed}",
        "time": duration(result.seconds),
        "files": str(out),
        "next": f"ecosim analyse {shlex.quote(str(out))}",
    })  # fmt: skip


def _print(study: Study, facts: dict[str, str]) -> None:
    console = Console(markup=False, highlight=False, emoji=False, soft_wrap=True)
    console.print(study.title or study.name, style="bold")
    width = max(map(len, facts)) + 2
    for name, text in facts.items():
        console.print(f"{name:{width}}{text}")


def _size(count: float) -> str:
    for unit in ("kB", "MB", "GB"):
        count /= 1000.0
        if count < 1000.0:
            return f"{count:,.1f} {unit}" if count < 10.0 else f"{count:,.0f} {unit}"
    return f"{count / 1000.0:,.1f} TB"
