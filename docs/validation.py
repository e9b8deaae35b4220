"""Writes the table of stylised facts: ``python docs/validation.py``; 90 runs in two processes, half a minute.

The facts, their sources and the ranges that count as a hit stand in scenarios/validation/stylised-facts.toml, which was
written before the model was measured. ``--seeds N`` takes other than thirty seeds; ``--check`` prints and writes nothing.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from generate import table
from numpy.typing import NDArray
from validation_measures import MEASURES, witness

import ecosim

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "validation.md"
DECLARED = DOCS.parent / "scenarios" / "validation" / "stylised-facts.toml"
SEEDS = range(1, 31)


class Fact(NamedTuple):
    """A stylised fact as it is declared; `accepted` holds the lowest and the highest median that count as a hit."""

    name: str
    measure: str
    scenario: str
    unit: str
    observed: str
    accepted: tuple[float, float]
    basis: str
    why: str
    source: str


class Finding(NamedTuple):
    """What came out: the value of each seed, NaN where a run has none."""

    fact: Fact
    values: NDArray[np.float64]

    @property
    def typical(self) -> float:
        """What is held against the accepted range: the median over seeds; of a rate over seeds the mean."""
        known = self.values[~np.isnan(self.values)]
        if not known.size:
            return np.nan
        return float(known.mean() if self.fact.unit == "percent of seeds" else np.median(known))

    @property
    def hit(self) -> bool:
        """Whether it lies in the accepted range; without a value it is a miss."""
        low, high = self.fact.accepted
        return low <= self.typical <= high


def declared() -> dict[str, Any]:
    """Return the file of facts as it is."""
    return tomllib.loads(DECLARED.read_text(encoding="utf-8"))


def facts() -> list[Fact]:
    """Return the declared facts."""
    return [Fact(**{**row, "accepted": tuple(row["accepted"])}) for row in declared()["facts"]]


def measured(task: tuple[str, int, tuple[str, ...]]) -> list[float]:
    """Run one seed of a scenario and return the named measures."""
    scenario, seed, names = task
    seen = witness(scenario, seed)
    return [MEASURES[name](seen) for name in names]


def findings(asked: Sequence[Fact], seeds: Iterable[int], processes: int = 2) -> list[Finding]:
    """Measure facts over seeds; each scenario and seed runs once."""
    seeds = list(seeds)
    names = {fact.scenario: tuple(f.measure for f in asked if f.scenario == fact.scenario) for fact in asked}
    tasks = [(scenario, seed, measures) for scenario, measures in names.items() for seed in seeds]
    with ProcessPoolExecutor(processes) as pool:
        found = dict(zip(tasks, pool.map(measured, tasks), strict=True))
    result = []
    for fact in asked:
        position = names[fact.scenario].index(fact.measure)
        values = [found[fact.scenario, seed, names[fact.scenario]][position] for seed in seeds]
        result.append(Finding(fact, np.array(values, dtype=float)))
    return result


# -- the page ---------------------------------------------------------------------------------------------------------


def _shown(value: float) -> str:
    if np.isnan(value):
        return "none"
    if np.isinf(value):
        return "never"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _range(finding: Finding) -> str:
    known = finding.values[~np.isnan(finding.values)]
    if finding.fact.unit == "percent of seeds" or not known.size:
        return ""
    low, high = np.quantile(known, [0.05, 0.95], method="inverted_cdf")
    few = f", {len(known)} seeds" if len(known) < len(finding.values) else ""
    return f" ({_shown(low)} to {_shown(high)}{few})"


def _accepted(fact: Fact) -> str:
    low, high = fact.accepted
    return f"{_shown(low)} or more" if high >= 1000.0 and low < 100.0 else f"{_shown(low)} to {_shown(high)}"


def as_table(found: Iterable[Finding]) -> str:
    """Return findings as a table."""
    rows = (
        (
            each.fact.name, "hit" if each.hit else "**miss**", f"{_shown(each.typical)}{_range(each)}", _accepted(each.fact),
            each.fact.observed, each.fact.unit, each.fact.basis,
        )
        for each in found
    )  # fmt: skip
    return table(("fact", "verdict", "model", "accepted", "observed", "unit", "basis"), rows)


def sources(found: Iterable[Finding]) -> str:
    """Return what each row's range rests on, and where the number is from."""
    rows = (
        (each.fact.name, each.fact.why, re.sub(r"(https?://[^\s,;]+)", r"<\1>", each.fact.source)) for each in found
    )
    return table(("fact", "why this range", "source"), rows)


def parts(found: Sequence[Finding], count: int) -> dict[str, str]:
    """Return the parts of the page that this script writes, by their names."""
    counts = []
    for basis in ("untouched", "informed"):
        group = [each for each in found if each.fact.basis == basis]
        counts.append(f"Of {len(group)} rows that are {basis} {sum(each.hit for each in group)} are hit.")
    blocks = [f"Seeds 1 to {count}, ecosim {ecosim.__version__}. {' '.join(counts)}", as_table(found)]
    silent = table(("fact", "why the model is silent"), ((row["name"], row["why"]) for row in declared()["silent"]))
    return {"validation": "\n\n".join(blocks), "validation-silent": silent, "validation-sources": sources(found)}


def renewed(page: str, written: dict[str, str]) -> str:
    """Return the page with its generated parts made anew."""
    for name, text in written.items():
        pattern = re.compile(rf"(<!-- generated: tables {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        page, count = pattern.subn(lambda match, text=text: f"{match[1]}\n{text}\n\n{match[2]}", page)
        assert count == 1, f"{PAGE.name} has no place for {name}"
    return page


def main(arguments: Sequence[str]) -> int:
    """Measure, print the table, write the page."""
    count = int(arguments[arguments.index("--seeds") + 1]) if "--seeds" in arguments else len(SEEDS)
    found = findings(facts(), range(1, count + 1))
    print(as_table(found))
    if "--check" not in arguments:
        PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), parts(found, count)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
