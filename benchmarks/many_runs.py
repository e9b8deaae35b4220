"""Many small runs in one process: how many a second, how much of it is not compiled code, and what threads make of them.

python benchmarks/many_runs.py [--runs N] [--repetitions N]

The run is `classroom`, 40 quarters, from building the model to the five tables, all outcomes recorded. The study is a
thousand runs of eight quarters, of which one outcome is kept. Threads share one process: compiled rules let go of
Python's lock. Every batch of runs gives the same results on any number of threads, which is checked by their hashes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ecosim
from ecosim.compilation import Rule
from ecosim.model import Ecosystem
from ecosim.scenario import load_scenario

THREADS = (1, 2, 8)


@contextmanager
def compiled_seconds() -> Iterator[list[float]]:
    """Count, in the one number of a list, the seconds from each entry into compiled code to its return."""
    counted, depth, call = [0.0], [0], Rule.__call__

    def timed(rule: Rule, *arguments: Any, **named: Any) -> Any:
        depth[0] += 1
        begun = time.perf_counter()
        try:
            return call(rule, *arguments, **named)
        finally:
            depth[0] -= 1
            if depth[0] == 0:
                counted[0] += time.perf_counter() - begun

    Rule.__call__ = timed  # type: ignore[method-assign]
    try:
        yield counted
    finally:
        Rule.__call__ = call  # type: ignore[method-assign]


def whole_run(seed: int) -> None:
    """Build, run, and make all tables."""
    model = Ecosystem("classroom", seed, history=False).run()
    tables = model.metrics, model.value, model.by_role, model.flows, model.happened
    assert all(len(table) for table in tables)


def per_second(work: Callable[[int], Any], runs: int, first: int) -> float:
    """Return how many of some runs are done in a second."""
    begun = time.perf_counter()
    for seed in range(first, first + runs):
        work(seed)
    return runs / (time.perf_counter() - begun)


def on_threads(threads: int, runs: int) -> tuple[float, list[str]]:
    """Return the seconds that a batch of runs takes on so many threads, and the hash of each."""
    world = load_scenario("classroom")
    begun = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        models = list(pool.map(lambda seed: Ecosystem(world, seed, history=False).run(), range(1, 1 + runs)))
    seconds = time.perf_counter() - begun
    return seconds, [str(hash(model.recorder.record.metrics[: len(model.recorder)].tobytes())) for model in models]


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    runs = arguments.runs
    whole_run(1)  # compiles, or reads machine code
    rates = [per_second(whole_run, runs, 1 + k * runs) for k in range(arguments.repetitions)]
    bare = [
        per_second(lambda seed: Ecosystem("classroom", seed, history=False).run(), runs, 1 + k * runs)
        for k in range(arguments.repetitions)
    ]
    with compiled_seconds() as counted:
        rate = per_second(whole_run, runs, 1)
    outside = 1.0 - counted[0] * rate / runs
    world = load_scenario("classroom")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    study = per_second(
        lambda seed: ecosim.run(world, seed, 8, outcomes=("value_created",)).metrics["value_created"].iloc[-1], 1000, 1
    )
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024.0
    batches: dict[int, list[float]] = {threads: [] for threads in THREADS}
    hashes = []
    for _ in range(arguments.repetitions):
        for threads in THREADS:
            seconds, found = on_threads(threads, runs)
            batches[threads].append(seconds)
            hashes.append(found)
    assert all(found == hashes[0] for found in hashes), "threads changed a result"
    of_one = {threads: statistics.median(each) / statistics.median(batches[1]) for threads, each in batches.items()}
    kept = {
        "machine": f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores",
        "ecosim": ecosim.__version__,
        "classroom runs a second, tables included": statistics.median(rates),
        "classroom runs a second, without tables": statistics.median(bare),
        "share of a run, tables included, outside compiled code": outside,
        "study: runs of 8 quarters a second": study,
        "study: growth of memory over 1,000 runs, MiB": grown,
        "time on threads over time on one": of_one,
    }
    for name, value in kept.items():
        print(f"{name:58} {value:.3f}" if isinstance(value, float) else f"{name:58} {value}")
    Path(__file__).with_suffix(".json").write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
