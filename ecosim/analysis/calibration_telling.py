"""What a terminal shows of a calibration: its generations while it runs, on stderr, and what it found."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from rich import box
from rich.console import Console
from rich.status import Status
from rich.table import Table

from ecosim.analysis.calibration import CalibrationResult
from ecosim.analysis.calibration_words import (
    FIT_HEAD,
    GENERATION_HEAD,
    PARAMETER_HEAD,
    endings,
    findings,
    fit_rows,
    generation_rows,
    parameter_rows,
)
from ecosim.analysis.posterior_sampling import Generation


class CalibrationWatch:
    """Tells of each generation when it is finished, and on a terminal how many runs there are of the present one."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._looked_at = sys.stderr.isatty()
        self._open = contextlib.ExitStack()
        self._status: Status | None = None

    def __enter__(self) -> CalibrationWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()

    def finished(self, generation: Generation) -> None:
        """Tell of a finished generation."""
        self._console.print(
            f"ecosim: generation {generation.number}: {generation.accepted} of {generation.runs} runs accepted"
            + ("" if generation.number == 0 else f", at most {generation.epsilon:.3f} tolerances off")
            + f", effective sample {generation.effective:.0f}",
            soft_wrap=True,
        )

    def ran(self, generation: int, runs: int) -> None:
        """Show how many runs there are of a generation, -1 for the predictions, so far."""
        if not self._looked_at:
            return
        if self._status is None:
            self._status = self._open.enter_context(self._console.status(""))
        what = "predictions" if generation < 0 else f"generation {generation}"
        self._status.update(f"{what}: {runs:,} runs")


def print_calibration(console: Console, result: CalibrationResult, out: Path) -> None:
    """Print what a calibration found."""
    console.print(result.calibration.title, style="bold")
    console.print(
        f"scenario {result.calibration.scenario.name}; data to {result.calibration.until}; seed {result.calibration.settings.seed}\n"
    )
    for sentence in endings(result):
        console.print(sentence)
    _print_table(
        console, "Generations; farthest accepted distance in tolerances", GENERATION_HEAD, generation_rows(result), 1
    )
    # Without the last column, so that names have room on 80 columns.
    rows = [row[:-1] for row in parameter_rows(result)]
    _print_table(console, "Parameters, and whether the data tell of them", PARAMETER_HEAD[:-1], rows, 1)
    _print_table(
        console, "New runs against the data; how far their median is off in tolerances", FIT_HEAD, fit_rows(result), 3
    )
    for sentence in findings(result):
        console.print(sentence)
    console.print(f"\nfiles   {out}", soft_wrap=True)
    console.print(f"next    ecosim report {shlex.quote(str(out))}", soft_wrap=True)


def _print_table(console: Console, title: str, head: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for place, name in enumerate(head):  # a long name is folded, a number never
        table.add_column(name, justify="left" if place < left else "right", no_wrap=place > 0, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(f"\n{title}")
    console.print(table)
