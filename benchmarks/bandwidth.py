"""What the memory of this machine gives, by how much of it is worked on: a stream, dependent reads, independent reads.

python benchmarks/bandwidth.py [--most MEBIBYTES] [--json FILE]

Where a cost per agent rises with the number of agents, these numbers say what of it leaving the caches explains.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")
FLAGS = ("-O3", "-march=native", "-std=gnu11", "-Wall", "-Wextra")
LEAST = 16 * 1024


def measure(sizes: list[int]) -> list[dict[str, float]]:
    """Return for each working set, in bytes, gigabytes a second and nanoseconds a read.

    Raises
    ------
    FileNotFoundError : there is no C compiler.
    """
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise FileNotFoundError("no C compiler was found")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "bandwidth"
        subprocess.run([compiler, *FLAGS, str(SOURCE), "-o", str(program)], check=True)
        said = subprocess.run([str(program), *map(str, sizes)], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in said.splitlines()]
    return [
        {
            "bytes": int(size),
            "triad_gigabytes_a_second": float(rate) / 1e9,
            "dependent_read_nanoseconds": float(dependent) * 1e9,
            "independent_read_nanoseconds": float(independent) * 1e9,
        }
        for size, rate, dependent, independent in rows
    ]


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=1024, help="largest working set in MiB")
    parser.add_argument("--json", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    sizes, size = [], LEAST
    while size <= arguments.most * 2**20:
        sizes.append(size)
        size *= 4
    rows = measure(sizes)
    print(platform.platform())
    print(f"{'working set':>12} {'triad, GB/s':>12} {'dependent read, ns':>19} {'independent read, ns':>21}")
    for row in rows:
        print(
            f"{row['bytes'] / 2**20:8.3f} MiB {row['triad_gigabytes_a_second']:12.1f} "
            f"{row['dependent_read_nanoseconds']:19.1f} {row['independent_read_nanoseconds']:21.1f}"
        )
    kept = {"machine": platform.platform(), "rows": rows}
    arguments.json.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
