"""Asks some propositions again, to see what a verdict hangs on: ``python docs/proposition_scans.py``.

Along one parameter, to see where it flips; and of shown ratios above and below the line apart, to see which of the two moved.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from generate import table
from mutations import SEEDS, asked
from tables import insert

from ecosim.laboratory.proposition import Reading
from ecosim.laboratory.verdict import Finding

PAGE = Path(__file__).resolve().parent / "propositions.md"
SCANS: dict[tuple[str, str], tuple[float, ...]] = {
    ("P11", "competition.crowding"): (0.0, 0.5, 2.0),
    ("P13", "pooling.pool_rate"): (0.05, 0.2, 0.6),
    ("P21", "open_sharing.unreformed"): (0.1, 0.4, 0.7, 1.0),
    ("P36", "symbiosis.overlap_trust"): (0.4, 0.6, 0.7, 0.8),
    ("P56", "governance.host_cut"): (0.0, 0.3, 0.6, 0.9),
    ("P65", "value_sharing.transfer_share"): (0.0, 0.4, 0.8),
    ("P96", "knowledge_components.modularity"): (0.0, 0.6, 1.0),
}
# Ratios that were shown: what stands above and below the line.
RATIOS = {
    "P16": ("value_created", "capital_total"),
    "P19": ("knowledge_total", "research_firms"),
    "P68": ("value_created", "capital_total"),
}
CASES = [(number, path, value) for (number, path), values in SCANS.items() for value in values]


def found(place: int) -> Finding:
    """Return what a proposition finds with one parameter moved in all worlds."""
    number, path, value = CASES[place]
    return asked(number, more={path: value})


def apart(number: str) -> tuple[Finding, ...]:
    """Return what happens to either part of a proposition's ratio, as the sum over quarters."""
    return tuple(asked(number, reading=Reading("sum", measure)) for measure in RATIOS[number])


def written(finding: Finding) -> str:
    """Return an effect with its interval."""
    assert finding.effect is not None
    return f"{finding.effect.mean:.3g} [{finding.effect.low:.3g}, {finding.effect.high:.3g}]"


def main() -> None:
    """Run the scans and write their tables."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        findings = list(pool.map(found, range(len(CASES))))
        parts = list(pool.map(apart, RATIOS))
    scans = table(
        ("", "parameter", "value", "effect", "verdict"),
        (
            (number, f"`{path}`", f"{value:g}", written(finding), finding.verdict)
            for (number, path, value), finding in zip(CASES, findings, strict=True)
        ),
    )
    ratios = table(
        ("", "above the line", "effect", "below the line", "effect"),
        (
            (number, above, written(first), below, written(second))
            for (number, (above, below)), (first, second) in zip(RATIOS.items(), parts, strict=True)
        ),
    )
    print(scans, ratios, sep="\n\n")
    made = f"Seeds {SEEDS[0]} to {SEEDS[-1]}, each case on its own, without correction."
    insert(PAGE, {"scans": f"{made}\n\n{scans}", "ratios": f"{made} Effects on the sum over all quarters.\n\n{ratios}"})


if __name__ == "__main__":
    main()
