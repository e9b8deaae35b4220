"""Handing out: a window of batches in flight, and what becomes of those whose workers die."""

from __future__ import annotations

import contextlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from dataclasses import dataclass, field
from pathlib import Path

from ecosim.runs import OutputError
from ecosim.studies.executors import GONE, PULSE, STRIKES, Workers, lost
from ecosim.studies.worker import BatchDone, run_batch, run_under_way

AHEAD = 2  # batches handed out for each that can run, so that no worker waits for the next
BLAMES = 2  # deaths over one run, alone, after which it is not run again
MOST_IN_A_ROW = 10  # runs that are given up one after the other; then it is not the runs
GIVEN_UP = (
    "the worker process ended in the middle of this run whenever it was run, alone too: it crashed, or was killed"
)


@dataclass
class Task:
    """A batch to run.

    Attributes
    ----------
    batch : its number.
    runs : those that are wanted; None for all.
    strikes : how many deaths of workers there were while it was handed out.
    alone : whether it is run with no other batch in flight, so that a death is its own.
    blamed : run to how many deaths there were at it, alone.
    unseen : deaths before it came to a run, alone.
    given_up : run to why it is not run any more.
    """

    batch: int
    runs: tuple[int, ...] | None = None
    strikes: int = 0
    alone: bool = False
    blamed: Counter[int] = field(default_factory=Counter)
    unseen: int = 0
    given_up: dict[int, str] = field(default_factory=dict)


class Dispatch:
    """Hands out batches and hears what became of them; of results it keeps nothing.

    Parameters
    ----------
    directory, digest : of the study.
    workers : who runs the batches.
    heard : called with each batch that is done, and with None every now and then.
    asked_to_end : whether nothing new is to be begun.
    """

    def __init__(
        self, directory: Path, digest: str, workers: Workers, heard: Callable[[BatchDone | None], None],
        asked_to_end: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._directory, self._digest, self._workers = directory, digest, workers
        self._heard, self._asked_to_end = heard, asked_to_end
        self._tasks: Iterator[Task] = iter(())
        self._again: deque[Task] = deque()
        self._suspects: deque[Task] = deque()
        self._in_flight: dict[Future[BatchDone], Task] = {}
        self._broken = False
        self._fruitless = 0  # times that workers died since a batch was finished
        self._last_given_up: tuple[Task, int] | None = None
        self._in_a_row = 0
        self._fault: BaseException | None = None

    def run(self, tasks: Iterable[Task]) -> None:
        """Run batches until all are done, something stands in the way, or somebody asks to end.

        Raises
        ------
        OutputError : the disk takes no more, or the workers are gone.
        ScenarioError : a worker refuses the study.
        """
        self._tasks = iter(tasks)
        while True:
            if self._broken and not self._in_flight:
                self._workers.renew()
                self._broken = False
                self._fruitless += 1
            if self._ending():
                self._withdraw()
            elif not self._broken:
                self._hand_out()
            if not self._in_flight and not self._broken:
                break
            finished, _ = wait(self._in_flight, PULSE, FIRST_COMPLETED)
            for future in finished:
                self._settle(future)
            if not self._workers.reachable():
                self._fault = self._fault or OutputError(GONE)
                self._in_flight.clear()
            self._heard(None)
        if self._fault is not None:
            raise self._fault

    def _ending(self) -> bool:
        return self._fault is not None or self._asked_to_end()

    def _withdraw(self) -> None:
        for future in list(self._in_flight):
            if not future.done() and self._workers.withdraw(future):
                del self._in_flight[future]

    def _hand_out(self) -> None:
        """Fill the window; batches under suspicion are run one at a time, last, or first if nothing else gets done."""
        if self._suspects and self._fruitless >= STRIKES:
            if not self._in_flight:
                self._submit(self._suspects.popleft())
            return
        while len(self._in_flight) < AHEAD * self._workers.count() and not self._broken:
            task = self._again.popleft() if self._again else next(self._tasks, None)
            if task is None:
                if self._suspects and not self._in_flight:
                    self._submit(self._suspects.popleft())
                return
            self._submit(task)

    def _submit(self, task: Task) -> None:
        try:
            future = self._workers.submit(
                run_batch, str(self._directory), self._digest, task.batch, task.runs, task.given_up, task.alone
            )
        except BrokenExecutor as error:  # a worker died since the last look
            self._fault = lost(error, self._workers)
            self._broken = True
            (self._suspects if task.alone else self._again).appendleft(task)
        else:
            self._in_flight[future] = task

    def _settle(self, future: Future[BatchDone]) -> None:
        task = self._in_flight.pop(future)
        try:
            error = future.exception()
        except CancelledError as cancelled:
            error = cancelled
        if error is None:
            done = future.result()
            self._fruitless = 0
            self._in_a_row = self._in_a_row if done.runs == done.failed else 0
            self._heard(done)
        elif deaths := self._workers.deaths(error):
            self._broken = True
            self._mourn(task, deaths)
        else:
            self._fault = self._fault or lost(error, self._workers) or error

    def _mourn(self, task: Task, deaths: int) -> None:
        """Decide what becomes of a batch over which workers have died."""
        if not task.alone:
            task.strikes += deaths
            task.alone = task.strikes >= STRIKES
            (self._suspects if task.alone else self._again).append(task)
            return
        self._suspects.appendleft(task)
        note = run_under_way(self._directory, task.batch)
        try:
            run = int(note.read_text(encoding="ascii"))
        except (OSError, ValueError):
            task.unseen += 1
            if task.unseen >= STRIKES:
                self._fault = OutputError(
                    "worker processes end before they run anything; see whether there is memory for so many, "
                    "and give fewer with --workers"
                )
            return
        with contextlib.suppress(OSError):
            note.unlink()
        task.blamed[run] += deaths
        if task.blamed[run] >= BLAMES:
            self._give_up(task, run)

    def _give_up(self, task: Task, run: int) -> None:
        """Run a run no more; if it is one of many, one after the other, end the sweep."""
        task.given_up[run] = GIVEN_UP
        before, self._last_given_up = self._last_given_up, (task, run)
        some_went_well = before is not None and before[0] is task and before[1] < run - 1
        self._in_a_row = 1 if some_went_well else self._in_a_row + 1
        if self._in_a_row >= MOST_IN_A_ROW:
            self._fault = OutputError(
                f"{self._in_a_row} runs in a row have ended their worker process, the last is run {run}; see what roles of "
                "your own do, and whether there is memory for so many workers; what was finished before is kept"
            )
