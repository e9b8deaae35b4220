"""Writes the tables of the page on benchmarks from what `benchmarks/peers.py` and `benchmarks/bandwidth.py` kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from generate import table
from tables import insert

DOCS = Path(__file__).resolve().parent
KEPT = DOCS.parent / "benchmarks"
TITLES = {
    "ecosim": "ecosim", "mesa": "plain Mesa", "frames": "mesa-frames", "plain": "C, plain", "vector": "C, vector units",
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
        whole = ours["nanoseconds"] * int(size) / 1e6
        rows.append((f"{int(size):,}", *(f"{part:.3f}" for part in (*parts, whole - sum(parts), whole))))
    return table(("agents", *phases, "the rest", "all"), rows)


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


def main() -> None:
    """Write the page's tables."""
    peers = json.loads((KEPT / "peers.json").read_text(encoding="utf-8"))
    memory = json.loads((KEPT / "bandwidth.json").read_text(encoding="utf-8"))
    insert(DOCS / "benchmarks.md", {
        "peers": f"{peers_table(peers)}\n\n{about(peers)}", "phases": phases_table(peers), "memory": memory_table(memory),
    })  # fmt: skip


if __name__ == "__main__":
    main()
