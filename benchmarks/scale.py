"""The whole model from 250 to a million organisations and users: time and memory, and what leaving the cache explains.

python benchmarks/scale.py [--sizes 250 2500 ...] [--quarters N]

The world is huawei-ecosystem with all roles scaled alike and partners looked for until organisations have eight ties on
average. Each size runs in a process of its own, so that the memory is its own. Beside the time of a quarter stands that of
`touch`, which does nothing but read what a quarter reads at least once: every cache line of organisations and
ties in order, and three columns at both ends of each tie. It runs over the same tables in the same order in memory, so that how its cost per organisation
grows with size is what the machine's caches and memory make of it, whatever the rules do.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numba import literal_unroll

from ecosim.compilation import compiled
from ecosim.model import Ecosystem
from ecosim.scenario import Scenario, load_scenario
from ecosim.state import Column, State

SIZES = (250, 2_500, 25_000, 250_000, 1_000_000)
DEGREE = 8.0


def scaled(size: int, name: str = "huawei-ecosystem") -> Scenario:
    """Return a scenario with so many organisations and users in all, in the proportions of the roles' capacities."""
    world = load_scenario(name)
    capacity = {role: float(values["capacity"]) for role, values in world.roles.items()}
    factor = size / sum(capacity.values())
    settings: dict[str, Any] = {"environment.seekers": float(world.settings["environment"]["seekers"]) * factor}
    for role, count in capacity.items():
        settings[f"roles.{role}.capacity"] = max(1.0, count * factor)
        settings[f"roles.{role}.initial"] = round(count * factor)
        settings[f"roles.{role}.breadth"] = 1.0
    return world.with_settings(
        {**settings, "symbiosis.past_rounds": 24, "symbiosis.search_rate": 1.0, "symbiosis.most_ties": 20.0}
    )


@compiled
def read_lines(table: Any, used: int) -> float:
    """Read one number of each cache line of the rows in use of all columns, in their order; return the sum."""
    total = 0.0
    for column in literal_unroll(table):
        flat = column[:used].ravel()
        for position in range(0, flat.size, 64 // column.itemsize):
            total += flat[position] * 1.0
    return total


@compiled
def read_ends(state: State, tie_rows: Column) -> float:
    """Read what one organisation knows, has and is at both ends of each tie, wherever the two lie; return the sum."""
    organisations, total = state.organisations, 0.0
    for t in tie_rows:
        for i in (state.ties.a[t], state.ties.b[t]):
            total += organisations.knowledge[i, 0] + organisations.capital[i] + organisations.openness[i]
    return total


def touch(model: Ecosystem) -> float:
    """Read every column of organisations and ties once in order, and three columns at both ends of each tie; return the seconds."""
    state, tie_rows = model.state, model.tie_rows
    read_lines(state.organisations, 1), read_ends(state, tie_rows[:1])  # compiles, or reads machine code
    begun = time.perf_counter()
    read_lines(state.organisations, int(model.slots.state[1]))
    read_lines(state.ties, int(model.tie_slots.state[1]))
    read_ends(state, tie_rows)
    return time.perf_counter() - begun


def used_bytes(model: Ecosystem) -> int:
    """Return what the rows in use of all tables take."""
    tables = (
        (model.organisations, model.slots), (model.ties, model.tie_slots), (model.projects, model.project_slots),
        (model.platforms, model.platform_slots), (model.memberships, model.membership_slots),
    )  # fmt: skip
    total = 0
    for table, slots in tables:
        total += sum(column.itemsize * column[:1].size for column in table) * int(slots.state[1])
    technology = [column for column in model.technology if len(column) == len(model.organisations.uid)]
    return total + sum(column.itemsize * column[:1].size for column in technology) * int(model.slots.state[1])


def measure(size: int, quarters: int) -> dict[str, float]:
    """Return what one size costs, in this process."""
    Ecosystem(scaled(250), seed=1, history=False).run(3)  # compiles, or reads machine code
    begun = time.perf_counter()
    model = Ecosystem(scaled(size), seed=1, history=False)
    built = time.perf_counter()
    touch(model)
    model.run(2)
    each, touched = [], []
    for _ in range(quarters):
        start = time.perf_counter()
        model.run(1)
        each.append(time.perf_counter() - start)
        touched.append(touch(model))
    rows, ties = len(model.rows), len(model.tie_rows)
    return {
        "organisations": rows, "mean_degree": 2.0 * ties / rows, "construction_seconds": built - begun,
        "quarter_seconds": statistics.median(each), "touch_seconds": statistics.median(touched),
        "bytes_per_organisation": used_bytes(model) / rows,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0,
    }  # fmt: skip


def on_threads(size: int, threads: list[int]) -> dict[int, float]:
    """Return the time of two quarters of one large run on so many threads over that on one; the results are the same bits."""
    seconds, results = {}, set()
    for count in threads:
        model = Ecosystem(scaled(size), seed=1, history=False, profile=True, threads=count).run(1)
        begun = time.perf_counter()
        model.run(2)
        seconds[count] = time.perf_counter() - begun
        results.add(model.recorder.record.metrics[:3].tobytes() + model.organisations.knowledge[model.rows].tobytes())
        del model
    assert len(results) == 1, "threads changed a result"
    return {count: each / seconds[threads[0]] for count, each in seconds.items()}


def slope(sizes: list[float], seconds: list[float]) -> float:
    """Return the slope of time against size on logarithmic axes."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--quarters", type=int, default=3)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2, 8])
    parser.add_argument("--threads-size", type=int, default=250_000, help="size of the run that threads share")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one, arguments.quarters)))
        return
    found = []
    for size in arguments.sizes:
        command = [sys.executable, __file__, "--one", str(size), "--quarters", str(arguments.quarters)]
        found.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    print(f"{'organisations':>13} {'degree':>7} {'build s':>8} {'quarter s':>10} {'ns each':>8} {'touch ns':>9} "
          f"{'bytes each':>11} {'peak GiB':>9}")  # fmt: skip
    for row in found:
        n = row["organisations"]
        print(f"{n:13.0f} {row['mean_degree']:7.1f} {row['construction_seconds']:8.2f} {row['quarter_seconds']:10.4f} "
              f"{row['quarter_seconds'] / n * 1e9:8.0f} {row['touch_seconds'] / n * 1e9:9.1f} "
              f"{row['bytes_per_organisation']:11.0f} {row['peak_bytes'] / 2**30:9.2f}")  # fmt: skip
    if len(found) > 1:
        sizes, seconds = [row["organisations"] for row in found], [row["quarter_seconds"] for row in found]
        print(f"slope of log time against log size: {slope(sizes, seconds):.3f}")
    of_one = on_threads(arguments.threads_size, arguments.threads)
    for threads, part in of_one.items():
        print(f"one run of {arguments.threads_size} on {threads} threads: {part:.2f} of the time on one, same results")
    kept = {"sizes": found, "threads": of_one}
    Path(__file__).with_suffix(".json").write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
