"""Runs two shipped studies, analyses them, and writes what came out into `docs/how-to/analyse-a-study.md`: a minute."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from generate import table
from tables import insert

import ecosim
from ecosim.analysis import figures
from ecosim.analysis.analyse import Analysis, analyse
from ecosim.analysis.findings import chance, number, percent
from ecosim.analysis.writing import figures_of

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "how-to" / "analyse-a-study.md"
BOX = "in_incubation > 0.5"
# Name of a figure of an analysis to its name in the documentation.
OPENING = {"comparison-supplier-share": "opening-comparison", "interactions-supplier-share": "opening-interactions"}
INCUBATION = {"boxes": "incubation-boxes"}


def found(study: str, box: str | None = None, executor: Executor | None = None) -> Analysis:
    """Run a shipped study and return its analysis."""
    with tempfile.TemporaryDirectory() as place:
        ecosim.sweep(study, out=place, executor=executor)
        return analyse(place, box=box)


def opening_parts(analysis: Analysis) -> dict[str, str]:
    """Return the tables of the study of opening."""
    return {"comparison": comparison_table(analysis, "supplier_share"), "luck": luck_table(analysis)}


def comparison_table(analysis: Analysis, outcome: str) -> str:
    """Return what each level of the lever changes in an outcome."""
    compared = analysis.tables["comparison"]
    rows = (
        (
            f"{row['level']} against {row['base']}",
            number(row["difference"]),
            f"{number(row['low'])} to {number(row['high'])}",
            f"{number(row['unpaired_low'])} to {number(row['unpaired_high'])}",
            f"{row['times_runs_unpaired']:.1f}",
            chance(row["p_holm"]),
        )
        for row in records(compared[compared["outcome"] == outcome])
    )
    return table(
        ("openness", "difference", "95 % interval, paired", "as if unpaired", "times the runs unpaired", "p (Holm)"),
        rows,
    )


def luck_table(analysis: Analysis) -> str:
    """Return what part of the variance of one run is luck."""
    rows = (
        (
            f"`{row['outcome']}`",
            *(percent(row[name]) for name in ("part_of_factors", "part_of_shared_luck", "part_of_own_luck")),
        )
        for row in records(analysis.tables["outcomes"])
    )
    return table(("outcome", "what varies", "luck that all points share", "luck of its own"), rows)


def box_table(analysis: Analysis) -> str:
    """Return the limits of the boxes that were found."""
    rows = (
        (
            row["box"],
            row["factor"],
            row["levels"]
            or f"{end(row['low'])} to {end(row['high'])}".replace("any to", "below").replace(" to any", " or more"),
            chance(min(value for value in (row["quasi_p_low"], row["quasi_p_high"]) if value == value)),
        )
        for row in records(analysis.tables["box-limits"])
    )
    boxes = (
        f"Box {row['box']} holds {row['coverage']:.0%} of the {row['cases_in_all']} cases; {row['density']:.0%} of its "
        f"{row['points']} points are cases, against {row['cases_in_all'] / row['points_in_all']:.0%} of all {row['points_in_all']}."
        for row in records(analysis.tables["boxes"])
    )
    return "\n\n".join([table(("box", "factor", "left of it", "quasi-p"), rows), *boxes])


def end(value: float) -> str:
    """Return the end of a range, or that there is none."""
    return f"{value:.3g}" if value == value else "any"


def records(rows: Any) -> Iterable[dict[str, Any]]:
    """Return the rows of a table."""
    return rows.to_dict("records")


def draw(analysis: Analysis, wanted: dict[str, str]) -> None:
    """Draw some figures of an analysis for the documentation."""
    with figures.style():
        for name, figure in figures_of(analysis):
            if name in wanted:
                path = DOCS / "figures" / wanted[name]
                figure.savefig(path.with_suffix(".png"), dpi=150, metadata={"Software": None})
                figure.savefig(path.with_suffix(".svg"), metadata={"Date": None, "Creator": None})
                print(f"docs/figures/{wanted[name]}.png and .svg")


def main() -> None:
    """Run, analyse, write and draw."""
    opening, incubation = found("opening-the-platform"), found("stays-in-incubation", BOX)
    insert(PAGE, {**opening_parts(opening), "boxes": box_table(incubation)})
    draw(opening, OPENING)
    draw(incubation, INCUBATION)


if __name__ == "__main__":
    sys.exit(main())
