"""All benchmarks, one after the other, each in a process of its own: ``python benchmarks/run.py [NAME ...]``.

`peers`, `scale`, `many_runs`, `start_and_run`, `every_scenario`, `studies`, `dashboard`, `classroom`, `bandwidth`; each prints its table and
keeps it as JSON beside it. Ratios are of things measured in turn in one run; the seconds hold on the machine that is printed.
About a quarter of an hour for all.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

NAMES = (
    "bandwidth",
    "peers",
    "scale",
    "many_runs",
    "start_and_run",
    "every_scenario",
    "studies",
    "dashboard",
    "classroom",
)


def main() -> int:
    """Run those that are named, or all; return how many failed."""
    unknown = [name for name in sys.argv[1:] if name not in NAMES]
    if unknown:
        print(f"there is no benchmark '{unknown[0]}'; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    failed = 0
    for name in sys.argv[1:] or NAMES:
        begun = time.perf_counter()
        print(f"== {name}", flush=True)
        done = subprocess.run([sys.executable, str(Path(__file__).with_name(f"{name}.py"))], check=False)
        failed += done.returncode != 0
        print(f"== {name}: {time.perf_counter() - begun:.0f} s\n", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
