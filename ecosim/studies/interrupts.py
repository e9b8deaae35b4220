"""Ctrl-C in the middle of a study."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class SweepInterrupted(KeyboardInterrupt):
    """Ctrl-C ended a sweep early: one sentence that says how to go on."""


class Interrupts:
    """Ctrl-C while batches are handed out: the first is noted, the second ends at once."""

    def __init__(self) -> None:
        self.heard = False
        self._before: Any = None

    def __enter__(self) -> Interrupts:
        ours = threading.current_thread() is threading.main_thread()
        if ours and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self._hear)
        return self

    def __exit__(self, *how: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.heard:
            raise SweepInterrupted("interrupted at once; the same command goes on with what is not finished")
        self.heard = True
