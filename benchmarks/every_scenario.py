"""What a run of each shipped scenario costs once everything is compiled: medians, and ratios to the main scenario.

python benchmarks/every_scenario.py [--repetitions N]

Scenarios are run in turn, again and again, so that a slow moment of the machine falls on all alike.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from pathlib import Path

from ecosim.model import Ecosystem
from ecosim.scenario import shipped_scenarios

MAIN = "huawei-ecosystem"


def seconds(scenario: str, seed: int) -> float:
    """Return how long one run takes, from building it to its last quarter."""
    begun = time.perf_counter()
    Ecosystem(scenario, seed=seed, history=False).run()
    return time.perf_counter() - begun


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    names = list(shipped_scenarios())
    for name in names:
        seconds(name, 1)  # compiles, or reads machine code
    runs: dict[str, list[float]] = {name: [] for name in names}
    for seed in range(2, 2 + arguments.repetitions):
        for name in names:
            runs[name].append(seconds(name, seed))
    medians = {name: statistics.median(each) for name, each in runs.items()}
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    print(f"{'scenario':24} {'quarters':>9} {'seconds':>9} {'of ' + MAIN:>20}")
    for name, middle in sorted(medians.items(), key=lambda item: -item[1]):
        steps = Ecosystem(name, seed=1, history=False).scenario.steps
        print(f"{name:24} {steps:9} {middle:9.3f} {middle / medians[MAIN]:20.2f}")
    Path(__file__).with_suffix(".json").write_text(json.dumps(medians, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
