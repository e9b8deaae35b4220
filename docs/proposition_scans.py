"""Asks some propositions again, to see what a verdict hangs on: ``python docs/proposition_scans.py``.

Along one parameter, to see where it flips; and of shown ratios above and below the line apart, to see which of the two moved.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from generate import table
from mutations import MADE, asked, declared
from tables import insert

from ecosim.laboratory.proposition import Reading
from ecosim.laboratory.table import written
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
RATIOS = ("P16", "P19", "P68")  # those that were shown
CASES = [(number, path, value) for (number, path), values in SCANS.items() for value in values]


def found(place: int) -> Finding:
    """Return what a proposition finds with one parameter moved in all worlds."""
    number, path, value = CASES[place]
    return asked(number, more={path: value})


def apart(number: str) -> tuple[str, ...]:
    """Return what stands above and below the line of a proposition's ratio, each with the effect on its sum over quarters."""
    experiment = declared(number).experiment
    assert experiment is not None
    measures = experiment.reading.measures
    effects = (written(asked(number, reading=Reading("sum", measure)).effect) for measure in measures)
    return tuple(cell for pair in zip(measures, effects, strict=True) for cell in pair)


def main() -> None:
    """Run the scans and write their tables."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        findings = list(pool.map(found, range(len(CASES))))
        parts = list(pool.map(apart, RATIOS))
    scans = table(
        ("", "parameter", "value", "effect", "verdict"),
        (
            (number, f"`{path}`", f"{value:g}", written(finding.effect), finding.verdict)
            for (number, path, value), finding in zip(CASES, findings, strict=True)
        ),
    )
    ratios = table(
        ("", "above the line", "effect", "below the line", "effect"),
        ((number, *cells) for number, cells in zip(RATIOS, parts, strict=True)),
    )
    print(scans, ratios, sep="\n\n")
    insert(PAGE, {"scans": f"{MADE}\n\n{scans}", "ratios": f"{MADE} Effects on the sum over all quarters.\n\n{ratios}"})


if __name__ == "__main__":
    main()
