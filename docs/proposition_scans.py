"""Asks some propositions again along one parameter, to see where a verdict flips: ``python docs/proposition_scans.py``."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from generate import table
from mutations import SEEDS, asked
from tables import insert

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
CASES = [(number, path, value) for (number, path), values in SCANS.items() for value in values]


def found(place: int) -> Finding:
    """Return what a proposition finds with one parameter moved in all worlds."""
    number, path, value = CASES[place]
    return asked(number, more={path: value})


def main() -> None:
    """Run the scans and write their table."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        findings = list(pool.map(found, range(len(CASES))))
    rows = []
    for (number, path, value), finding in zip(CASES, findings, strict=True):
        assert finding.effect is not None
        effect = finding.effect
        interval = f"{effect.mean:.3g} [{effect.low:.3g}, {effect.high:.3g}]"
        rows.append((number, f"`{path}`", f"{value:g}", interval, finding.verdict))
    text = table(("", "parameter", "value", "effect", "verdict"), rows)
    print(text)
    insert(PAGE, {"scans": f"Seeds {SEEDS[0]} to {SEEDS[-1]}, each case on its own, without correction.\n\n{text}"})


if __name__ == "__main__":
    main()
