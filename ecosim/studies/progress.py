"""What somebody sees of a sweep while it runs: a bar on a terminal, a line a minute anywhere else; all on stderr."""

from __future__ import annotations

import contextlib
import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

MINUTE = 60.0


class SweepWatch:
    """Shows how far a sweep is; use it as a context manager, and give it to `ecosim.sweep` as `progress`."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._looked_at = sys.stderr.isatty()
        self._open = contextlib.ExitStack()
        self._bar: Progress | None = None
        self._begun: float | None = None
        self._told_at = 0.0
        self._at_start = 0

    def __enter__(self) -> SweepWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()

    def __call__(self, done: int, failed: int, total: int) -> None:
        """Take note of how many runs are done, how many of them failed, and how many there are to do in all."""
        now = time.monotonic()
        if self._begun is None:
            self._begun = self._told_at = now
            self._at_start = done
        if self._looked_at:
            self._draw(done, failed, total)
        elif now - self._told_at >= MINUTE:
            self._told_at = now
            self.say(f"ecosim: {progress_line(done, failed, total, self._at_start, now - self._begun)}")

    def say(self, line: str) -> None:
        """Print a line, above the bar if there is one."""
        self._console.print(line, soft_wrap=True)

    def _draw(self, done: int, failed: int, total: int) -> None:
        if self._bar is None:
            columns = (
                TextColumn("{task.completed:,} of {task.total:,} runs{task.fields[failed]}"), BarColumn(),
                TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
            )  # fmt: skip
            self._bar = self._open.enter_context(Progress(*columns, console=self._console, transient=True))
            self._bar.add_task("", total=total, completed=done, failed="")
        told = f", {failed:,} failed" if failed else ""
        self._bar.update(self._bar.task_ids[0], completed=done, total=total, failed=told)


def progress_line(done: int, failed: int, total: int, at_start: int, seconds: float) -> str:
    """Return in words how far a sweep is and how long it will take.

    Parameters
    ----------
    at_start : how many runs were done when it was started, `seconds` ago.
    """
    words = [f"{done:,} of {total:,} runs"]
    if failed:
        words.append(f"{failed:,} failed")
    if done > at_start:
        words.append(f"{duration((total - done) * seconds / (done - at_start))} left")
    return ", ".join(words)


def duration(seconds: float) -> str:
    """Return a time span in words: seconds below two minutes, then minutes, then hours, then days."""
    if seconds < 0.5:
        return "less than a second"
    for unit, length, most in (("second", 1.0, 120.0), ("minute", 60.0, 120.0), ("hour", 3600.0, 48.0)):
        if seconds < length * most:
            number = round(seconds / length)
            return f"{number:,} {unit}{'' if number == 1 else 's'}"
    return f"{round(seconds / 86400.0):,} days"
