"""What a run costs: the first one, a later start, a run alone; each in its own process, medians and ratios.

python benchmarks/start_and_run.py [SCENARIO] [--repetitions N]

The first run compiles every rule into an empty cache; later processes read it. All are measured in one go, so that the
ratios hold on any machine; the seconds hold on this one. Printed as a table and kept as JSON beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAM = """
import json, sys, time
begun = time.perf_counter()
from ecosim.model import Ecosystem
imported = time.perf_counter()
scenario, repetitions = sys.argv[1], int(sys.argv[2])
model = Ecosystem(scenario, seed=1, history=False).run()
first = time.perf_counter()
runs = []
for seed in range(2, 2 + repetitions):
    start = time.perf_counter()
    model = Ecosystem(scenario, seed=seed, history=False).run()
    runs.append(time.perf_counter() - start)
steps = model.step_number
print(json.dumps({"import": imported - begun, "first": first - imported, "runs": runs, "steps": steps,
                  "organisations": model.recorder.last["organisations"]}))
"""


def measure(scenario: str, repetitions: int, cache: str) -> dict[str, float]:
    """Return seconds of one process: import, first run, median of further runs."""
    command = [sys.executable, "-c", PROGRAM, scenario, str(repetitions)]
    done = subprocess.run(
        command, env={**os.environ, "ECOSIM_CACHE_DIR": cache}, capture_output=True, text=True, check=True
    )
    result = json.loads(done.stdout)
    runs = result.pop("runs")
    return {**result, "run": statistics.median(runs) if runs else result["first"]}


def command_lines(repetitions: int) -> dict[str, float]:
    """Return the wall seconds of whole processes, medians: an interpreter that does nothing, and what people type."""
    commands = {
        "an interpreter that does nothing": ["-c", "pass"],
        "import ecosim": ["-c", "import ecosim"],
        "ecosim --help": ["-m", "ecosim", "--help"],
        "ecosim run classroom, machine code read": ["-m", "ecosim", "run", "classroom"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for repetition in range(1 + repetitions):
        for name, words in commands.items():
            begun = time.perf_counter()
            subprocess.run([sys.executable, *words], capture_output=True, check=True)
            if repetition:  # the first one may compile
                seconds[name].append(time.perf_counter() - begun)
    return {name: statistics.median(each) for name, each in seconds.items()}


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenario", nargs="?", default="huawei-ecosystem")
    parser.add_argument("--repetitions", type=int, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        cold = measure(arguments.scenario, 0, cache)
        warm = [measure(arguments.scenario, arguments.repetitions, cache) for _ in range(3)]
    middle = {key: statistics.median(each[key] for each in warm) for key in warm[0]}
    rows = [
        ("import", middle["import"]),
        ("first run, everything compiled", cold["first"]),
        ("first run of a later process, machine code read", middle["first"]),
        ("run alone, median", middle["run"]),
    ]
    print(
        f"{arguments.scenario}: {middle['steps']:.0f} quarters, {middle['organisations']:.0f} organisations at the end"
    )
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    print(f"{'':50} {'seconds':>9} {'of a run':>9}")
    for name, seconds in rows:
        print(f"{name:50} {seconds:9.3f} {seconds / middle['run']:9.1f}")
    whole = command_lines(5)
    nothing = whole["an interpreter that does nothing"]
    print(f"{'whole processes':50} {'seconds':>9} {'of doing nothing':>16}")
    for name, seconds in whole.items():
        print(f"{name:50} {seconds:9.3f} {seconds / nothing:16.1f}")
    result = {
        **whole,
        "scenario": arguments.scenario,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        **dict(rows),
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
