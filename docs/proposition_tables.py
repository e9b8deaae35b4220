"""Writes what the laboratory found: ``python docs/proposition_tables.py DIR`` from what `ecosim propositions --out DIR` left.

The tables go into `docs/propositions.md`, the findings into `dashboards/assets/propositions.json`, readings in four digits, and from them the
figures into `docs/figures`.
"""

from __future__ import annotations

import datetime
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from generate import table
from proposition_figures import FINDINGS, file_of
from proposition_figures import main as draw
from tables import insert

from ecosim.laboratory.table import RESULTS
from ecosim.laboratory.verdict import VERDICTS

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "propositions.md"
Finding = Mapping[str, Any]


def written(effect: Mapping[str, float] | None) -> str:
    """Return an effect with its interval."""
    return "" if effect is None else f"{effect['mean']:.3g} [{effect['low']:.3g}, {effect['high']:.3g}]"


def standardised(effect: Mapping[str, float | None] | None) -> str:
    """Return an effect in standard deviations over seeds."""
    if effect is None:
        return ""
    return "no spread" if effect["standardised"] is None else f"{effect['standardised']:+.1f}"


def rows(findings: Iterable[Finding]) -> str:
    """Return a row a proposition."""
    return table(
        ("", "claim", "verdict", "effect", "d", "under control", "seeds", "reading", "mechanism"),
        (
            (
                each["number"], f"{each['statement']} ({each['place']})", f"**{each['verdict']}**: {each['reason']}",
                written(each["effect"]), standardised(each["effect"]), written(each["under_control"]), each["seeds"] or "",
                "" if each["reading"] is None else f"{each['reading']}, {each['scenario']}; claimed {each['side']}",
                each["mechanism"],
            )
            for each in findings
        ),
    )  # fmt: skip


def counts(findings: Iterable[Finding]) -> str:
    """Return how many of each verdict each paper has."""
    findings = list(findings)
    papers = sorted({paper for each in findings for paper in each["papers"]})
    by_paper = {paper: Counter(each["verdict"] for each in findings if paper in each["papers"]) for paper in papers}
    lines = [(paper, *(by_paper[paper][verdict] for verdict in VERDICTS)) for paper in papers]
    total = Counter(each["verdict"] for each in findings)
    return table(("paper", *VERDICTS), [*lines, ("all, each once", *(total[verdict] for verdict in VERDICTS))])


def main(directory: str) -> None:
    """Write the page and the dashboard's file."""
    found = json.loads((Path(directory) / RESULTS).read_text(encoding="utf-8"))
    findings, settings = found["findings"], found["settings"]
    made = (
        f"Seeds from {settings['first_seed']}, in rounds of {settings['round']} up to {settings['seeds']}; ecosim "
        f"{settings['version']}, {datetime.date.today().isoformat()}. 95 % intervals by Student's t over paired seeds; p values "
        f"corrected by {found['correction']} over {sum(each['effect'] is not None for each in findings)} experiments."
    )
    sections = dict.fromkeys(each["section"] for each in findings)
    tables = "\n\n".join(
        f"### {name.replace('-', ' ').capitalize()}\n\n![Effects of this section's experiments]({file_of(name).relative_to(DOCS)})\n\n"
        f"{rows(each for each in findings if each['section'] == name)}"
        for name in sections
    )
    insert(PAGE, {"counts": f"{made}\n\n{counts(findings)}", "all": tables})
    for each in findings:
        each["values"] = [[float(f"{value:.4g}") for value in world] for world in each["values"]]
        each["differences"] = [float(f"{value:.4g}") for value in each["differences"]]
    lines = ",\n".join(json.dumps(each, ensure_ascii=False) for each in findings)
    rest = json.dumps({**found, "findings": []}, ensure_ascii=False)
    FINDINGS.write_text(rest.replace('"findings": []', f'"findings": [\n{lines}\n]') + "\n", encoding="utf-8")
    draw()


if __name__ == "__main__":
    main(sys.argv[1])
