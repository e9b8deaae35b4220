"""Where batches are run: processes of this machine, a Dask cluster, or any executor of Python's own kind."""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import multiprocessing
import os
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from typing import Any, Protocol

import ecosim
from ecosim.parameters import ScenarioError
from ecosim.runs import OutputError
from ecosim.studies.leash import begin_worker

STRIKES = 3  # deaths of workers over a batch after which it is looked at alone
GONE = "the workers cannot be reached any more; what was finished is kept, give the same command once they are back"
PULSE = 0.5  # seconds after which a look at the clock, at the workers and at Ctrl-C is due
_WINDOWS_PROCESSES = 61  # the most that a pool can wait for there
ANSWER = 20.0  # seconds that a scheduler may take to answer
COUNTING = 5.0  # seconds between two looks at how many workers it has


class Workers(Protocol):
    """What the runner needs to know of those who run batches."""

    def count(self) -> int:
        """Return how many batches can run at the same time."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Hand a call to a worker."""

    def deaths(self, error: BaseException) -> int:
        """Return of how many deaths of workers an error of a call tells; 0 for any other error."""

    def reachable(self) -> bool:
        """Return whether there is any use in waiting for what was handed out."""

    def renew(self) -> None:
        """Make it possible to go on after workers have died."""

    def withdraw(self, future: Future[Any]) -> bool:
        """Take a call back that no worker has begun; return whether that was so."""

    def close(self, now: bool) -> None:
        """Let the workers go, at once or when they have done what they are at."""


# -- processes of this machine ----------------------------------------------------------------------------------------


class LocalWorkers:
    """Processes of this machine. They end with the process that made them, however that one ends."""

    def __init__(self, count: int | None = None) -> None:
        wanted = available_processors() if count is None else count
        self._count = min(wanted, _WINDOWS_PROCESSES) if sys.platform == "win32" else wanted
        self._open()

    def _open(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._held, self._leash = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(self._count, context, begin_worker, (self._held,))

    def count(self) -> int:
        """Return how many processes there are at most."""
        return self._count

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Hand a call to a process; a new one may be started for it."""
        with _main_module_hidden(), _interrupts_blocked():
            return self._pool.submit(function, *arguments)

    def deaths(self, error: BaseException) -> int:
        """Return 1 if a process died, else 0."""
        return int(isinstance(error, BrokenExecutor))

    def reachable(self) -> bool:
        """Return True: of a process that dies the pool tells by itself."""
        return True

    def renew(self) -> None:
        """Start new processes in place of all that there were."""
        self.close(now=True)
        self._open()

    def withdraw(self, future: Future[Any]) -> bool:
        """Take a call back that no process has begun."""
        return future.cancel()

    def close(self, now: bool) -> None:
        """End the processes."""
        if now:
            self._leash.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._leash.close()
        self._held.close()


def available_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def _main_module_hidden() -> Iterator[None]:
    """Keep new processes from importing the script that runs, which would start the study again in each of them."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach, not even before they can say so themselves."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# -- Dask -------------------------------------------------------------------------------------------------------------


class DaskWorkers:
    """Workers of a Dask cluster; they may come and go, and Dask hands a batch out again when a worker goes.

    Raises
    ------
    ScenarioError : Dask is not installed.
    OutputError : no scheduler answers at the address, or a worker has another version of ecosim, or none.
    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise ScenarioError(
                '--scheduler takes Dask, which is not installed; run pip install "ecosim[cluster]"'
            ) from None
        try:
            self._client = Client(address, timeout=ANSWER, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise OutputError(
                f"{address}: no Dask scheduler answers; give its address, such as tcp://127.0.0.1:8786"
            ) from error
        try:
            self._await_first(address)
        except BaseException:
            self._let_go()
            raise
        # Of a scheduler that goes away it prints a traceback; the sentence that tells of it is ours.
        self._log = logging.getLogger("distributed.client")
        self._log_level = self._log.level
        self._log.setLevel(logging.CRITICAL)
        self._executor = self._client.get_executor(pure=False)
        self._counted = sum(self._client.nthreads().values())
        self._closed = threading.Event()
        threading.Thread(target=self._count_again, daemon=True).start()

    def _await_first(self, address: str) -> None:
        """Wait for the first worker, however long it takes to come, and refuse workers that cannot run what they are handed."""
        if not self._client.nthreads():
            print(f"ecosim: waiting for the first worker of {address}", file=sys.stderr)
            self._client.wait_for_workers(1)
        # A worker that cannot load what it is handed ends without a word.
        check_installed(self._client.run(importlib.metadata.version, "ecosim", on_error="return"))

    def _let_go(self) -> None:
        with contextlib.suppress(TimeoutError):
            self._client.close(timeout=ANSWER)

    def _count_again(self) -> None:
        """Keep count of workers that come and go, apart from the thread that must not wait for a scheduler."""
        while not self._closed.wait(COUNTING):
            with contextlib.suppress(Exception):  # of a scheduler that is gone, which others tell
                self._counted = sum(self._client.nthreads().values())

    def count(self) -> int:
        """Return how many threads the workers have now."""
        return max(1, self._counted)

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Hand a call to the scheduler."""
        future: Future[Any] = self._executor.submit(function, *arguments)
        return future

    def deaths(self, error: BaseException) -> int:
        """Return `STRIKES` if so many workers died over a call that Dask gave it up, else 0."""
        from distributed import KilledWorker

        return STRIKES if isinstance(error, KilledWorker) else 0

    def reachable(self) -> bool:
        """Return whether there is a scheduler, or a chance that it comes back; of calls under way it does not always tell."""
        return self._client.status != "closed"

    def renew(self) -> None:
        """Do nothing; Dask's own keepers start workers anew."""

    def withdraw(self, future: Future[Any]) -> bool:
        """Let every call come to its end; what is handed out is a few seconds of work."""
        return False

    def close(self, now: bool) -> None:
        """Let go of the cluster, which stays, and of calls that nobody waits for any more."""
        self._closed.set()
        if self._client.status == "running":
            self._executor.shutdown(wait=False)
        self._let_go()
        self._log.setLevel(self._log_level)


def check_installed(versions: Mapping[str, Any]) -> None:
    """Refuse workers that cannot run this version of ecosim.

    Parameters
    ----------
    versions : address of a worker to its version of ecosim, or to the error that came instead.
    """
    for worker, version in versions.items():
        if version != ecosim.__version__:
            found = "no ecosim" if isinstance(version, Exception) else f"ecosim {version}"
            raise OutputError(f"{worker}: this worker has {found}; install ecosim {ecosim.__version__} there too")


# -- any executor -----------------------------------------------------------------------------------------------------


class GivenWorkers:
    """An executor that somebody else made and closes."""

    def __init__(self, executor: Executor, count: int | None) -> None:
        self._executor = executor
        self._count = count or int(getattr(executor, "_max_workers", 0)) or available_processors()

    def count(self) -> int:
        """Return how many calls it can run at the same time."""
        return self._count

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Hand a call over."""
        return self._executor.submit(function, *arguments)

    def deaths(self, error: BaseException) -> int:
        """Return 0: what becomes of its workers is the executor's own affair."""
        return 0

    def reachable(self) -> bool:
        """Return True; an executor that is gone fails its calls."""
        return True

    def renew(self) -> None:
        """Do nothing; nobody but its maker can."""

    def withdraw(self, future: Future[Any]) -> bool:
        """Take a call back that nobody has begun."""
        return future.cancel()

    def close(self, now: bool) -> None:
        """Leave it to its maker."""


@contextlib.contextmanager
def workers_for(count: int | None, executor: Executor | None, scheduler: str | None) -> Iterator[Workers]:
    """Yield those who are to run batches; after an error they are let go at once."""
    if count is not None and (isinstance(count, bool) or count < 1):
        raise ScenarioError(f"workers is {count!r}; give a whole number from 1")
    if executor is not None and scheduler is not None:
        raise ScenarioError("there are both an executor and a scheduler; give one of them")
    crew: Workers
    if executor is not None:
        crew = GivenWorkers(executor, count)
    else:
        crew = LocalWorkers(count) if scheduler is None else DaskWorkers(scheduler)
    clean = False
    try:
        yield crew
        clean = True
    finally:
        crew.close(now=not clean)


def lost(error: BaseException, workers: Workers) -> OutputError | None:
    """Return the sentence for an error that tells of workers that are gone for good, None for any other."""
    if workers.deaths(error):
        return None
    gone = isinstance(error, (BrokenExecutor, CancelledError)) or type(error).__name__ == "CommClosedError"  # of Dask
    return OutputError(GONE) if gone else None
