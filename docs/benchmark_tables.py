"""Writes the tables of the page on benchmarks from what the programs in `benchmarks/` kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from generate import table
from tables import insert

DOCS = Path(__file__).resolve().parent
KEPT = DOCS.parent / "benchmarks"
TITLES = {
    "ecosim": "ecosim", "mesa": "plain Mesa", "frames": "mesa-frames", "rules": "rules alone, Numba", "plain": "C, plain",
    "vector": "C, vector units",
}  # fmt: skip


def peers_table(kept: dict[str, Any]) -> str:
    """Return the processor's and the wall's time of each implementation, and both against ecosim's."""
    rows = []
    for size, by_name in kept["results"].items():
        for name, one in by_name.items():
            ours = by_name["ecosim"]
            rows.append((
                f"{int(size):,}", TITLES[name], f"{one['processor']:.0f}", f"{one['processor'] / ours['processor']:.3f}",
                f"{one['nanoseconds']:.0f}", f"{one['least']:.0f}-{one['most']:.0f}",
                f"{one['nanoseconds'] / ours['nanoseconds']:.3f}",
            ))  # fmt: skip
    head = ("agents", "implementation", "processor, ns", "of ecosim", "wall, ns", "range", "of ecosim")
    return table(head, rows)


def phases_table(kept: dict[str, Any]) -> str:
    """Return where ecosim's time goes, milliseconds a quarter on the wall."""
    phases = list(next(iter(kept["results"].values()))["ecosim"]["phases"])
    rows: list[tuple[str, ...]] = []
    for size, by_name in kept["results"].items():
        ours = by_name["ecosim"]
        parts = [1e3 * ours["phases"].get(phase, 0.0) for phase in phases]
        rows.append((f"{int(size):,}", *(f"{part:.3f}" for part in (*parts, ours["nanoseconds"] * int(size) / 1e6))))
    return table(("agents", *phases, "at once"), rows)


def about(kept: dict[str, Any]) -> str:
    """Return on what it was measured."""
    of = kept["about"]
    frames = of.get("mesa-frames")
    polars = f", Polars {frames['polars']} on {frames['threads']} threads" if frames else ""
    missing = "".join(f" {TITLES[name]}: {reason}." for name, reason in kept["missing"].items())
    return (
        f"{of['processor']}, {of['cores']} cores, {of['machine']}; Python {of['python']}, Mesa {of['mesa']}, Numba {of['numba']}, "
        f"NumPy {of['numpy']}{polars}; {of.get('C', 'no C compiler')}. Load of the machine {of['load']:.1f} at the start and "
        f"{of['load_at_end']:.1f} at the end. With 16 agents a quarter of ecosim takes {1e3 * kept['fixed_seconds']:.3f} ms.{missing}"
    )


def memory_table(kept: dict[str, Any]) -> str:
    """Return what memory gives."""
    rows = [
        (f"{row['bytes'] / 2**20:g} MiB", f"{row['triad_gigabytes_a_second']:.1f}",
         f"{row['dependent_read_nanoseconds']:.1f}", f"{row['independent_read_nanoseconds']:.1f}")
        for row in kept["rows"]
    ]  # fmt: skip
    return table(("working set", "triad, GB/s", "dependent read, ns", "independent read, ns"), rows)


def scale_table(kept: list[dict[str, float]]) -> str:
    """Return time and memory by size, each against the same of the second size, which fits the caches."""
    base = kept[1]
    rows = []
    for row in kept:
        count = row["organisations"]
        each, touch = row["quarter_seconds"] / count, row["touch_seconds"] / count
        rows.append((
            f"{count:,.0f}", f"{row['mean_degree']:.1f}", f"{row['construction_seconds']:.2f}", f"{row['quarter_seconds']:.4f}",
            f"{1e9 * each:,.0f}", f"{each * base['organisations'] / base['quarter_seconds']:.2f}", f"{1e9 * touch:.0f}",
            f"{touch * base['organisations'] / base['touch_seconds']:.2f}", f"{row['bytes_per_organisation']:,.0f}",
            f"{row['peak_bytes'] / 2**30:.2f}",
        ))  # fmt: skip
    return table(("organisations and users", "mean degree", "construction, s", "quarter, s", "ns each", "of second", "touch, ns each",
                  "of second", "bytes each", "peak, GiB"), rows)  # fmt: skip


def slope(kept: list[dict[str, float]]) -> str:
    """Return the slope of time against size on logarithmic axes, of all sizes and of those from the second on."""
    sizes = np.log([row["organisations"] for row in kept])
    seconds = np.log([row["quarter_seconds"] for row in kept])
    whole, upper = np.polyfit(sizes, seconds, 1)[0], np.polyfit(sizes[1:], seconds[1:], 1)[0]
    return f"Slope of the logarithm of time against that of size: {whole:.2f}; without the smallest size {upper:.2f}."


def flat_table(kept: dict[str, Any], unit: str) -> str:
    """Return a table of name and number."""
    rows = [(name, f"{value:.3f}") for name, value in kept.items() if isinstance(value, float)]
    return table(("", unit), rows)


def threads_table(kept: dict[str, float]) -> str:
    """Return how long a batch of runs takes on several threads, over one."""
    return table(("threads", "time over that of one"), [(threads, f"{part:.2f}") for threads, part in kept.items()])


def sweeps_table(kept: dict[str, Any]) -> str:
    """Return what sweeps of one study took."""
    rows = [
        (row["on"], row["workers"], f"{row['runs']:,}", f"{row['seconds']:.1f}", f"{row['start']:.1f}", f"{row['while running']:.1f}",
         f"{100 * row['not simulation']:.1f}", f"{100 * row['while it runs']:.1f}", f"{row['parent, MiB']:.1f}",
         f"{row['worker, MiB']:.0f}" if "worker, MiB" in row else "-")
        for row in kept["sweeps"]
    ]  # fmt: skip
    head = ("on", "workers", "runs", "seconds", "until it runs, s", "runs a second then", "not simulation, %", "of it then, %",
            "memory, MiB", "of a worker, MiB")  # fmt: skip
    return f"{table(head, rows)}\n\n{kept['bytes a run']:.0f} bytes a run on the disk. {kept['machine']}."


def batch_run_table(kept: dict[str, Any]) -> str:
    """Return what the same runs took by a sweep and by Mesa's own."""
    rows = [
        (row["by"], row["kept"], f"{row['runs']:,}", f"{row['seconds']:.1f}", f"{row['runs a second']:.1f}",
         f"{row['parent, MiB']:.0f}", f"{row['worker, MiB']:.0f}")
        for row in kept["peers"]
    ]  # fmt: skip
    return table(("by", "kept", "runs", "seconds", "runs a second", "memory, MiB", "of a worker, MiB"), rows)


def player_table(kept: dict[str, Any]) -> str:
    """Return how often a second the player is brought up to date, and what of it the script takes."""
    rows = [
        (name, f"{kept[name]['rate']:.1f}", f"{kept[name]['first']:.0f}",
         ", ".join(f"{panel} {spent:.1f}" for panel, spent in kept[name]["each"].items()))
        for name in ("main chart", "all panels")
    ]  # fmt: skip
    return table(("shown", "updates a second", "first drawn, ms", "script a panel and update, ms"), rows)


def main() -> None:
    """Write the page's tables."""
    scale, many, start = (
        json.loads((KEPT / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("scale", "many_runs", "start_and_run")
    )
    peers = json.loads((KEPT / "peers.json").read_text(encoding="utf-8"))
    memory = json.loads((KEPT / "bandwidth.json").read_text(encoding="utf-8"))
    studies = json.loads((KEPT / "studies.json").read_text(encoding="utf-8"))
    player, classroom = (
        json.loads((KEPT / f"{name}.json").read_text(encoding="utf-8")) for name in ("dashboard", "classroom")
    )
    insert(DOCS / "benchmarks.md", {
        "studies": sweeps_table(studies), "batch_run": batch_run_table(studies),
        "peers": f"{peers_table(peers)}\n\n{about(peers)}", "phases": phases_table(peers), "memory": memory_table(memory),
        "scale": f"{scale_table(scale['sizes'])}\n\n{slope(scale['sizes'])}",
        "one run on threads": threads_table(scale["threads"]),
        "many": f"{flat_table(many, 'measured')}\n\n{many['machine']}.",
        "many runs on threads": threads_table(many["time on threads over time on one"]), "start": flat_table(start, "seconds"),
        "player": player_table(player), "class": f"{flat_table(classroom, 'measured')}\n\n{classroom['machine']}.",
    })  # fmt: skip


if __name__ == "__main__":
    main()
