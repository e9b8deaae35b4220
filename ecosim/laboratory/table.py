"""What the laboratory says: the table in the terminal, and the files of its results."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecosim.laboratory.proposition import Proposition
from ecosim.laboratory.trial import worlds_of
from ecosim.laboratory.verdict import CORRECTION, LEVEL, VERDICTS, Effect, Finding

if TYPE_CHECKING:
    from rich.console import Console

RESULTS = "propositions.json"


def foot(findings: Sequence[Finding]) -> str:
    """Return the sentences under the table: how many of each verdict, and how it was judged."""
    counts = Counter(finding.verdict for finding in findings)
    run = sum(finding.effect is not None for finding in findings)
    numbers = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
    return (
        f"{len(findings)} propositions, {run} experiments: {numbers}. 95 % intervals by Student's t over paired seeds; d in "
        f"standard deviations over seeds; verdicts at {LEVEL:.0%} over all experiments together, corrected by {CORRECTION}."
    )


def written(effect: Effect | None) -> str:
    """Return an effect in its own unit with its interval."""
    return "" if effect is None else f"{effect.mean:.3g} [{effect.low:.3g}, {effect.high:.3g}]"


def standardised(effect: Effect | None) -> str:
    """Return an effect in standard deviations; of one without any spread, that there is none."""
    if effect is None:
        return ""
    return f"{effect.standardised:+.1f}" if math.isfinite(effect.standardised) else "no spread"


def numbers(finding: Finding) -> str:
    """Return effect, effect under the control and number of seeds in a line; nothing of what was not run."""
    effect, control = finding.effect, finding.under_control
    parts = [] if effect is None else [f"effect {written(effect)}, d {standardised(effect)}"]
    parts += [] if control is None else [f"under control {written(control)}"]
    parts += [f"{finding.seeds} seeds"] if finding.seeds else []
    return "; ".join(parts)


def print_table(console: Console, findings: Sequence[Finding]) -> None:
    """Print each proposition with its verdict, its numbers and the reason, and what stands below."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("", "verdict"):
        table.add_column(name, no_wrap=True)
    table.add_column("claim, effect, reason")
    for each in findings:
        lines = (f"{each.proposition.statement} ({each.proposition.place})", numbers(each), each.reason)
        cell = Text("\n".join(line for line in lines if line))
        table.add_row(each.proposition.number, each.verdict, cell, end_section=True)
    console.print(table)
    console.print(foot(findings))


def print_list(console: Console, propositions: Sequence[Proposition]) -> None:
    """Print what is declared, without running anything."""
    from rich import box
    from rich.table import Table

    table = Table("", "standing", "claim", "mechanism", box=box.SIMPLE_HEAD, pad_edge=False)
    table.columns[1].no_wrap = True
    for each in propositions:
        table.add_row(each.number, each.standing, f"{each.statement} ({each.place})", each.mechanism)
    console.print(table)


def as_record(finding: Finding) -> dict[str, Any]:
    """Return a finding for JSON; what is infinite or not a number is null."""
    proposition, experiment = finding.proposition, finding.proposition.experiment

    def plain(effect: Effect | None) -> dict[str, float | None] | None:
        if effect is None:
            return None
        numbers = {"mean": effect.mean, "low": effect.low, "high": effect.high, "standardised": effect.standardised,
                   "chance": effect.chance}  # fmt: skip
        return {name: number if math.isfinite(number) else None for name, number in numbers.items()}

    return {
        "number": proposition.number, "section": proposition.section, "statement": proposition.statement,
        "place": proposition.place, "papers": list(proposition.papers), "mechanism": proposition.mechanism,
        "standing": proposition.standing, "declared": proposition.reason,
        "scenario": None if experiment is None else experiment.scenario,
        "reading": None if experiment is None else str(experiment.reading),
        "side": None if experiment is None else experiment.side,
        "effect": plain(finding.effect), "under_control": plain(finding.under_control),
        "difference": plain(finding.difference), "seeds": finding.seeds,
        "corrected": finding.corrected if math.isfinite(finding.corrected) else None,
        "verdict": finding.verdict, "reason": finding.reason,
        "worlds": [] if experiment is None else list(worlds_of(experiment)), "values": [list(world) for world in finding.values],
        "differences": list(finding.differences),
    }  # fmt: skip


def write_results(findings: Sequence[Finding], directory: Path, settings: dict[str, Any]) -> Path:
    """Write the findings as JSON and return the file.

    Parameters
    ----------
    settings : what they depend on besides the declarations: seeds, budget, version.
    """
    path = directory / RESULTS
    tree = {"settings": settings, "correction": CORRECTION, "findings": [as_record(each) for each in findings]}
    path.write_text(json.dumps(tree, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
