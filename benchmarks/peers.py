"""How fast the sub-model of `benchmarks/README.md` runs in ecosim, plain Mesa, mesa-frames, as its rules alone and in C.

python benchmarks/peers.py [--sizes 1000 10000 100000] [--repetitions 5] [--json FILE] [--frames-python PYTHON]

First every implementation is checked against ecosim, then all are timed in turn, again and again, on the same quarters
from the same graphs. Making a model and compiling are left out and told by themselves.
"""

from __future__ import annotations

import argparse
import functools
import gc
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from submodel import agreement
from submodel.by_c import FLAGS, InC, compiler, library
from submodel.by_ecosim import InEcosim, numbers
from submodel.by_mesa import InMesa
from submodel.by_rules import InRules
from submodel.frames import Frames, FramesMissingError, InFrames
from submodel.start import Start, start_of

OURS = "ecosim"
SHORTEST = 0.05  # seconds that a repetition lasts at least, over as many models as that takes
TITLES = {
    OURS: "ecosim", "mesa": "plain Mesa", "frames": "mesa-frames", "rules": "rules alone, Numba", "plain": "C, plain",
    "vector": "C, vector units",
}  # fmt: skip
SAME_DRAWS = ("rules", "plain", "vector")  # run ecosim's trajectory; the others draw by themselves

Maker = Callable[..., Any]


def makers(frames: Frames | None) -> dict[str, Maker]:
    """Return what makes each implementation that there is, by name, from a start and a seed."""
    values = numbers()

    def with_growth(make: Callable[..., Any]) -> Maker:
        def maker(start: Start, seed: int, growth_rate: float | None = None, **given: Any) -> Any:
            own = values if growth_rate is None else values | {"growth_rate": growth_rate}
            return make(start, seed, own, **given)

        return maker

    found: dict[str, Maker] = {OURS: InEcosim, "mesa": with_growth(InMesa)}
    if frames is not None:
        found["frames"] = with_growth(functools.partial(InFrames, frames))
    found["rules"] = with_growth(InRules)
    if compiler() is not None:
        for name in ("plain", "vector"):
            found[name] = with_growth(functools.partial(InC, name))
    return found


def quarters_of(size: int) -> int:
    """Return how many quarters are timed: the same for all, so few that plain Mesa is done within seconds."""
    return 20 if size <= 2_000 else 10 if size <= 20_000 else 4


def check(found: dict[str, Maker]) -> dict[str, Any]:
    """Compare each implementation with ecosim and print what came out.

    Raises
    ------
    SystemExit : one does something else.
    """
    results: dict[str, Any] = {}
    ours = None
    for name, maker in found.items():
        if name in SAME_DRAWS:
            apart = agreement.same_trajectory(maker)
            results[name] = {"trajectory": apart}
            agrees, sentence = apart <= agreement.TOLERANCE, f"same trajectory, {apart:.1e} apart"
        elif name != OURS:
            if ours is None:
                ours = agreement.sample(found[OURS], agreement.SIZE, agreement.QUARTERS, agreement.SEEDS)
            apart = agreement.same_spreading(maker)
            errors = agreement.errors_apart(ours, agreement.sample(maker, agreement.SIZE, agreement.QUARTERS, agreement.SEEDS))  # fmt: skip
            results[name] = {"spreading": apart, "standard_errors": errors}
            agrees = apart <= agreement.TOLERANCE and errors <= agreement.ERRORS
            sentence = f"same spreading, {apart:.1e} apart; means over {agreement.SEEDS} seeds at most {errors:.1f} standard errors apart"  # fmt: skip
        else:
            continue
        print(f"  {TITLES[name]:18} {sentence}", flush=True)
        if not agrees:
            raise SystemExit(f"{TITLES[name]} does not do what ecosim does; nothing was timed")
    return results


def timed(maker: Maker, size: int, seed: int, quarters: int) -> dict[str, float]:
    """Return seconds of making a model and of running it, on the wall and of the processor, means over fresh models."""
    making = wall = processor = 0.0
    models = 0
    start = start_of(size, seed)
    while models == 0 or wall < SHORTEST:
        begun = time.perf_counter()
        model = maker(start, seed)
        making += time.perf_counter() - begun
        gc.collect()  # what earlier models left behind is not this one's to clear up
        ready, spent = time.perf_counter(), time.process_time()
        answer = model.run(quarters)
        if isinstance(answer, dict):  # the other process has measured itself
            wall += answer["seconds"]
            processor += answer["processor"]
        else:
            wall += time.perf_counter() - ready
            processor += time.process_time() - spent
        models += 1
        if isinstance(model, InMesa):
            model.forget()
    return {"making": making / models, "wall": wall / models, "processor": processor / models}


def profiled(size: int, quarters: int) -> dict[str, float]:
    """Return the seconds a quarter that each phase of ecosim takes when they are run, and timed, one by one."""
    ours = InEcosim(start_of(size, 1), 1, profile=True)
    ours.run(quarters)
    return {phase: seconds / quarters for phase, seconds in ours.model.seconds.items()}


def measure(found: dict[str, Maker], sizes: list[int], repetitions: int) -> dict[int, dict[str, Any]]:
    """Time all implementations in turn, again and again; return medians by size and name."""
    results: dict[int, dict[str, Any]] = {}
    for size in sizes:
        quarters = quarters_of(size)
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in found}
        for repetition in range(repetitions):
            for name, maker in found.items():
                runs[name].append(timed(maker, size, 1 + repetition, quarters))
        unit = 1e9 / (size * quarters)
        results[size] = {
            name: {
                "quarters": quarters,
                "nanoseconds": statistics.median(run["wall"] for run in each) * unit,
                "least": min(run["wall"] for run in each) * unit,
                "most": max(run["wall"] for run in each) * unit,
                "processor": statistics.median(run["processor"] for run in each) * unit,
                "making_seconds": statistics.median(run["making"] for run in each),
                "phases": profiled(size, quarters) if name == OURS else {},
            }
            for name, each in runs.items()
        }
    return results


def fixed_cost(maker: Maker, repetitions: int) -> float:
    """Return the seconds of a quarter of ecosim with next to nobody in it."""
    return statistics.median(timed(maker, 16, 1 + number, 100)["wall"] for number in range(repetitions)) / 100


def table(results: dict[int, dict[str, Any]]) -> str:
    """Return the results as a table."""
    lines = [
        f"{'agents':>8} {'quarters':>8}  {'':18} {'ns per agent and quarter':>26} {'of ecosim':>10} "
        f"{'processor ns':>13} {'of ecosim':>10} {'making, s':>10}"
    ]
    for size, by_name in results.items():
        ours = by_name[OURS]
        for name, one in by_name.items():
            spread = f"{one['nanoseconds']:.0f} ({one['least']:.0f}-{one['most']:.0f})"
            lines.append(
                f"{size:8} {one['quarters']:8}  {TITLES[name]:18} {spread:>26} {one['nanoseconds'] / ours['nanoseconds']:10.3f} "
                f"{one['processor']:13.0f} {one['processor'] / ours['processor']:10.3f} {one['making_seconds']:10.3f}"
            )  # fmt: skip
    return "\n".join(lines)


def phases(results: dict[int, dict[str, Any]], fixed: float) -> str:
    """Return where ecosim's time went, in milliseconds a quarter."""
    names = list(next(iter(results.values()))[OURS]["phases"])
    lines = [f"ecosim, ms a quarter, phase by phase, and run at once; with 16 agents {1e3 * fixed:.3f}"]
    lines.append(f"{'agents':>8} " + "".join(f"{name:>12}" for name in names) + f" {'at once':>11}")
    for size, by_name in results.items():
        ours = by_name[OURS]
        whole, parts = ours["nanoseconds"] * size / 1e6, [1e3 * ours["phases"].get(name, 0.0) for name in names]
        lines.append(f"{size:8} " + "".join(f"{part:12.3f}" for part in parts) + f" {whole:11.3f}")
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """Return what was measured on, with versions."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = [
            line.split(":")[1].strip() for line in information.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    versions = {name: importlib.metadata.version(name) for name in ("ecosim", "mesa", "numba", "numpy")}
    if compiler() is not None:
        said = subprocess.run([str(compiler()), "--version"], capture_output=True, text=True, check=True).stdout
        versions["C"] = f"{said.splitlines()[0]} {' '.join(flag for flag in FLAGS if flag.startswith(('-O', '-m', '-f')) and flag != '-fPIC')}"  # fmt: skip
    return {
        "machine": platform.platform(), "processor": model, "cores": os.cpu_count(), "load": os.getloadavg()[0],
        "python": platform.python_version(), **versions,
    }  # fmt: skip


def main() -> None:
    """Check, measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="agents")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--json", type=Path, default=Path(__file__).with_suffix(".json"))
    parser.add_argument("--frames-python", help="an interpreter that has mesa-frames")
    arguments = parser.parse_args()
    if arguments.repetitions < 1 or min(arguments.sizes) < 16:
        raise SystemExit("give at least one repetition and sizes from 16 agents")
    about, missing = machine(), {}
    frames = None
    try:
        frames = Frames(arguments.frames_python)
        about["mesa-frames"] = frames.versions
    except FramesMissingError as error:
        missing["frames"] = f"does not run: {error}"
    if compiler() is None:
        missing |= dict.fromkeys(("plain", "vector"), "no C compiler was found")
    else:
        begun = time.perf_counter()
        for name in ("plain", "vector"):
            library(name)
        about["seconds_compiling_c"] = time.perf_counter() - begun
    found = makers(frames)
    for name in (OURS, "rules"):
        begun = time.perf_counter()
        found[name](start_of(64, 1), 1).run(2)
        about[f"seconds_compiling_{name}"] = time.perf_counter() - begun
    for key, value in about.items():
        print(f"{key}: {value}")
    for name, reason in missing.items():
        print(f"{TITLES[name]}: {reason}")
    print(f"checks against ecosim, {agreement.SIZE} agents, {agreement.QUARTERS} quarters:", flush=True)
    checks = check(found)
    results = measure(found, arguments.sizes, arguments.repetitions)
    fixed = fixed_cost(found[OURS], arguments.repetitions)
    print(table(results))
    print(phases(results, fixed))
    about["load_at_end"] = os.getloadavg()[0]
    print(f"load of the machine at the start {about['load']:.1f}, at the end {about['load_at_end']:.1f}")
    kept = {"about": about, "missing": missing, "checks": checks, "fixed_seconds": fixed, "results": results}
    arguments.json.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    if frames is not None:
        frames.close()


if __name__ == "__main__":
    sys.exit(main())
