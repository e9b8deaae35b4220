"""What a terminal shows while a run is under way: a bar, and why the first run takes longer. All of it on stderr."""

from __future__ import annotations

import contextlib
import sys
import time
from types import TracebackType
from typing import Any

from numba.core import event
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

PATIENCE = 1.0  # seconds without a word
COMPILING = "ecosim: compiling the rules, once; a few minutes"


class RunWatch(event.Listener):  # type: ignore[misc]
    """Watches one run: a bar if it lasts and somebody looks, a line if rules have to be compiled first.

    Use it as a context manager, and give `quarter` to the run.

    Attributes
    ----------
    compiled : whether a rule had to be compiled.
    """

    def __init__(self) -> None:
        self.compiled = False
        self._console = Console(stderr=True, highlight=False)
        self._looked_at = sys.stderr.isatty()
        self._begun = time.perf_counter()
        self._compiling_since: float | None = None
        self._told = False
        self._bar: Progress | None = None
        self._open = contextlib.ExitStack()

    def __enter__(self) -> RunWatch:
        self._open.enter_context(event.install_listener("numba:compile", self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()

    def quarter(self, done: int, total: int) -> None:
        """Show that a quarter is done."""
        if self._bar is None and self._looked_at and time.perf_counter() - self._begun > PATIENCE:
            columns = (TextColumn("quarter"), MofNCompleteColumn(), BarColumn(), TimeRemainingColumn())
            self._bar = self._open.enter_context(Progress(*columns, console=self._console, transient=True))
            self._bar.add_task("", total=total)
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done)

    def on_start(self, happening: Any) -> None:
        """Numba starts to compile a rule that it has no machine code of."""
        now = time.perf_counter()
        self.compiled = True
        self._compiling_since = self._compiling_since or now
        if not self._told and now - self._compiling_since > PATIENCE:
            self._told = True
            self._console.print(COMPILING)

    def on_end(self, happening: Any) -> None:
        """Numba has compiled a rule; nothing is to be said."""
