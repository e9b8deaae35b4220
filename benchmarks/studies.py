"""Studies of thousands of runs: runs a second, memory, what is not simulation; on processes, on Dask, beside `mesa.batch_run`.

python benchmarks/studies.py [--samples N N] [--workers N] [--peer-runs N] [--json FILE]

The study is `classroom-sensitivity`: a Sobol design of eight factors on `classroom`, 40 quarters, ten runs a sample. Each
sweep is a process of its own that begins in an empty directory, its start and trial included. It is run with few samples and with many,
which shows what memory does with the number of runs; with few samples also on one process, and on a Dask scheduler and workers that are
started for it on this machine. All give the same results bit for bit, which is checked. Then the same runs by `ecosim.sweep` and by
`mesa.batch_run`, which is checked too.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

import ecosim
from ecosim.studies.study import Study

STUDY = "classroom-sensitivity"

# One sweep: what it took, and the most memory that it and its workers had, in MiB.
SWEEP = """
import json, resource, sys, time
begun = time.perf_counter()
import ecosim
from ecosim.studies.study import study_from_dict

first = []
study = study_from_dict(json.load(open(sys.argv[1])))
result = ecosim.sweep(
    study, sys.argv[2], int(sys.argv[3]) or None, None, sys.argv[4] or None,
    lambda done, failed, total: first or first.append(time.perf_counter() - begun),
)
assert result.failed == 0
peak = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({"runs": result.done, "seconds": time.perf_counter() - begun, "start": first[0], "parent": peak[0], "worker": peak[1]}))
"""

# The same runs by mesa.batch_run: a model that sets a point of the design. `whole` runs its quarters at once, as a user
# who knows the engine would; otherwise Mesa steps it.
BATCH_RUN = """
import json, resource, sys, time
begun = time.perf_counter()
sys.path.insert(0, sys.argv[1])
import peer_model

if __name__ == "__main__":
    import mesa, pandas as pd

    rows = mesa.batch_run(
        peer_model.MODELS[sys.argv[4]], {"design": sys.argv[2], "row": range(int(sys.argv[3]))}, int(sys.argv[5]),
        data_collection_period=int(sys.argv[6]), max_steps=10**6, display_progress=False,
    )
    table = pd.DataFrame(rows)
    seconds = time.perf_counter() - begun
    peak = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    table.to_parquet(sys.argv[7])
    print(json.dumps({"runs": int(table["row"].nunique()), "seconds": seconds, "parent, MiB": peak[0], "worker, MiB": peak[1]}))
"""
PEER_MODEL = '''
import functools

import pandas as pd

from ecosim.model import Ecosystem
from ecosim.scenario import load_scenario

OUTCOMES = ("value_created", "organisations", "mean_trust", "ties")


@functools.lru_cache
def _read(design):
    return load_scenario("classroom"), pd.read_parquet(design).to_dict("records")


class Quarterly(Ecosystem):
    """A run of the design that Mesa steps."""

    def __init__(self, design, row):
        world, rows = _read(design)
        settings = dict(rows[row])
        seed = settings.pop("seed")
        super().__init__(world.with_settings(settings), seed, history=False, outcomes=OUTCOMES)


class Whole(Quarterly):
    """A run of the design that is over, all quarters at once, when Mesa gets it."""

    def __init__(self, design, row):
        super().__init__(design, row)
        self.run()


MODELS = {"quarterly": Quarterly, "whole": Whole}
'''


def main() -> None:
    """Measure, check, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, nargs=2, default=(128, 512), help="few and many, powers of two")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--peer-runs", type=int, default=1000)
    parser.add_argument("--json", type=Path, default=Path(__file__).with_suffix(".json"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ecosim-studies-") as place:
        sweeps, mebibytes = measure_sweeps(Path(place), given.samples, given.workers)
        peers = measure_peers(Path(place), given.peer_runs, given.workers)
    kept = {
        "machine": f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores",
        "ecosim": ecosim.__version__,
        "study": STUDY,
        "bytes a run": mebibytes,
        "sweeps": sweeps,
        "peers": peers,
    }
    print_table(sweeps)
    print()
    print_table(peers)
    given.json.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


def print_table(rows: Sequence[dict[str, Any]]) -> None:
    """Print rows in columns."""
    table = pd.DataFrame(rows)
    print(table.to_string(index=False, float_format=lambda value: f"{value:.3f}" if value < 1.0 else f"{value:.1f}"))


# -- sweeps -----------------------------------------------------------------------------------------------------------


def measure_sweeps(place: Path, samples: Sequence[int], workers: int) -> tuple[list[dict[str, Any]], float]:
    """Return a row for each sweep, and the bytes that a run takes on the disk; results that differ raise."""
    few, many = (with_samples(ecosim.load_study(STUDY), number) for number in samples)
    rows = [run_sweep(place, "processes", few, 1), run_sweep(place, "processes", few, workers)]
    expected = ecosim.read_sweep(place / "processes-1")
    with dask(place, workers) as address:
        rows.append(run_sweep(place, "Dask", few, workers, address))
    for name in (f"processes-{workers}", f"Dask-{workers}"):
        pd.testing.assert_frame_equal(ecosim.read_sweep(place / name), expected)
    rows.append(run_sweep(place / "many", "processes", many, workers))
    out = place / "many" / f"processes-{workers}"
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return rows, size / rows[-1]["runs"]


def with_samples(study: Study, samples: int) -> Study:
    """Return a study with another number of samples."""
    return replace(study, design=replace(study.design, samples=samples))


def run_sweep(place: Path, kind: str, study: Study, workers: int, address: str = "") -> dict[str, Any]:
    """Run a study in a process of its own and return what it took."""
    place.mkdir(exist_ok=True)
    file, out = place / "study.json", place / f"{kind}-{workers}"
    file.write_text(json.dumps(study.as_dict()), encoding="utf-8")
    measured = program(SWEEP, file, out, 0 if address else workers, address)
    simulated = float(pd.read_parquet(out / "runs", columns=["seconds"])["seconds"].sum())
    running = measured["seconds"] - measured["start"]
    return {
        "on": kind, "workers": workers, "runs": measured["runs"], "seconds": measured["seconds"], "start": measured["start"],
        "runs a second": measured["runs"] / measured["seconds"], "while running": measured["runs"] / running,
        "not simulation": 1.0 - simulated / (workers * measured["seconds"]),
        "while it runs": 1.0 - simulated / (workers * running), "parent, MiB": measured["parent"],
        **({} if address else {"worker, MiB": measured["worker"]}),
    }  # fmt: skip


def program(code: str, *arguments: object) -> dict[str, Any]:
    """Run a program and return what it prints."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(code)
        file.flush()
        done = subprocess.run(
            [sys.executable, file.name, *map(str, arguments)], check=False, stdout=subprocess.PIPE, text=True
        )
    if done.returncode:
        raise SystemExit(f"{arguments[0]}: the program ended with status {done.returncode}")
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


@contextlib.contextmanager
def dask(place: Path, workers: int) -> Iterator[str]:
    """Yield the address of a Dask scheduler with so many workers of one thread each, all on this machine."""
    note = place / "scheduler.json"
    quiet = {"cwd": place, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    processes = []

    def begin(*words: object) -> None:
        command = [sys.executable, "-m", "dask", *map(str, words)]
        processes.append(subprocess.Popen(command, **quiet))  # type: ignore[call-overload]

    try:
        begin("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", note)
        while not note.exists() or not note.stat().st_size:
            if processes[0].poll() is not None:
                raise SystemExit(f"the Dask scheduler ended at once, with status {processes[0].returncode}")
            time.sleep(0.1)
        address = json.loads(note.read_text(encoding="utf-8"))["address"]
        for _ in range(workers):
            begin("worker", address, "--nworkers", 1, "--nthreads", 1, "--no-dashboard", "--memory-limit", 0)
        wait_for_workers(address, workers)
        yield str(address)
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for_workers(address: str, workers: int) -> None:
    """Wait until a scheduler has its workers."""
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(workers, timeout=120.0)


# -- mesa.batch_run -----------------------------------------------------------------------------------------------------


def measure_peers(place: Path, runs: int, workers: int) -> list[dict[str, Any]]:
    """Return a row for each way to run the same points, with their last quarter kept and with every quarter kept."""
    (place / "peer_model.py").write_text(PEER_MODEL, encoding="utf-8")
    rows = []
    for kept, period, series in (("the last quarter", -1, None), ("every quarter", 1, 1)):
        out = place / f"peers-{period}"
        study = peer_study(runs, series)
        ours = peer_row("ecosim sweep", kept, run_sweep(out, "processes", study, workers))
        design = pd.read_parquet(out / f"processes-{workers}" / "design.parquet")
        paths = {factor.name: factor.path for factor in study.factors}
        design[["seed", *paths]].rename(columns=paths).to_parquet(out / "points.parquet")
        rows.append(ours)
        for name in ("whole", "quarterly"):
            table = out / f"{name}.parquet"
            taken = program(BATCH_RUN, place, out / "points.parquet", len(design), name, workers, period, table)
            rows.append(peer_row(f"mesa.batch_run, {name}", kept, taken))
            check_same(out / f"processes-{workers}", table, series is not None)
    return rows


def peer_study(runs: int, series: int | None) -> Study:
    """Return the factors of the study, sampled so many times, with outcomes that Mesa's collector has too."""
    from ecosim.studies.study_parts import DesignSettings, Keep, Wanted

    outcomes = tuple(Wanted(name, name) for name in ("value_created", "organisations", "mean_trust", "ties"))
    design = DesignSettings("latin-hypercube", samples=runs)
    return replace(ecosim.load_study(STUDY), design=design, outcomes=outcomes, keep=Keep(series))


def peer_row(name: str, kept: str, taken: dict[str, Any]) -> dict[str, Any]:
    """Return what is compared."""
    return {
        "by": name, "kept": kept, "runs": taken["runs"], "seconds": taken["seconds"],
        "runs a second": taken["runs"] / taken["seconds"],
        "parent, MiB": taken["parent, MiB"], "worker, MiB": taken["worker, MiB"],
    }  # fmt: skip


def check_same(out: Path, theirs: Path, series: bool) -> None:
    """Raise if the results of a sweep and of mesa.batch_run differ in a bit."""
    ours = ecosim.read_sweep(out, series=series)
    table = pd.read_parquet(theirs).sort_values(["row", "Step"]).reset_index(drop=True)
    names = ["value_created", "organisations", "mean_trust", "ties"]
    pd.testing.assert_frame_equal(table[names], ours[names], check_exact=True)


if __name__ == "__main__":
    main()
