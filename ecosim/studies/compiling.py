"""One process of a machine at a time makes machine code of the rules; the others wait, and then find it made."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

from filelock import FileLock, Timeout
from numba.core import event

from ecosim.compilation import cache_directory

LONGEST = 900.0  # seconds that a process waits for another, once; from then on it compiles side by side


class _Turn(event.Listener):  # type: ignore[misc]
    """Holds the lock of the machine from the first rule that a process has to compile to the end of the run."""

    def __init__(self, lock: FileLock) -> None:
        self._lock = lock

    def on_start(self, happening: Any) -> None:
        """Numba starts to compile a rule that it has no machine code of."""
        if not self._lock.is_locked:
            try:
                self._lock.acquire()
            except Timeout:  # whoever holds it may do so for ever, and there are dozens of rules to come
                self._lock.timeout = 0.0
            except (OSError, NotImplementedError):
                pass  # without a lock, as on a file system that has none, processes compile the same side by side

    def on_end(self, happening: Any) -> None:
        """Numba has compiled a rule; the next may follow."""


@contextlib.contextmanager
def compile_in_turn() -> Iterator[None]:
    """Have whatever is compiled inside wait for other processes that compile."""
    lock = _lock()
    if lock is None:
        yield
        return
    try:
        with event.install_listener("numba:compile", _Turn(lock)):
            yield
    finally:  # after the listener is gone, which hears what other threads compile too
        if lock.is_locked:
            lock.release(force=True)


@functools.cache
def _lock() -> FileLock | None:
    """The lock of this machine, one object for all threads of the process; None if no machine code is kept."""
    directory = cache_directory()
    return None if directory is None else FileLock(directory / "compiling.lock", timeout=LONGEST, thread_local=False)
