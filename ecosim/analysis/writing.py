"""Writing an analysis: tables as CSV, figures as PNG and SVG, all of them or none, in place of an earlier analysis."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ecosim.analysis import figures, sensitivity_figures
from ecosim.analysis.box_figure import boxes
from ecosim.analysis.experiment import words_of
from ecosim.analysis.labels import factor_labels, outcome_labels
from ecosim.analysis.libraries import library
from ecosim.runs import OutputError, put_in_place

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ecosim.analysis.analyse import Analysis

FILE = "analysis.json"
DOTS_PER_INCH = 150


def write_analysis(analysis: Analysis, directory: Path) -> None:
    """Write all files of an analysis to a directory that holds nothing else.

    Raises
    ------
    OutputError : the directory holds something else, or cannot be written.
    ScenarioError : Matplotlib is not installed.
    """
    library("matplotlib", "a figure")
    target = checked_target(directory).resolve()
    staging = target.parent / f".{target.name}-{secrets.token_hex(6)}.unfinished"
    new = [path for path in target.parents if not path.exists()]
    try:
        try:
            staging.mkdir(parents=True)
            _write_files(analysis, staging)
            earlier = put_in_place(staging, target)
            if earlier is not None:
                shutil.rmtree(earlier, ignore_errors=True)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            for path in new:
                with contextlib.suppress(OSError):  # it is not empty, since all went well
                    path.rmdir()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(
            f"{directory}: cannot be written: {reason}; give a directory that can with --out DIR"
        ) from None


def checked_target(directory: Path) -> Path:
    """Return a directory to which an analysis can be written, as it was given.

    Raises
    ------
    OutputError : it is no directory, or holds anything that no analysis has written.
    """
    target, remedy = directory.resolve(), "give a new or an empty directory with --out DIR"
    if target == Path.cwd() or target in Path.cwd().parents:
        raise OutputError(f"{directory}: is the directory you are in; {remedy}")
    if target.exists() and not target.is_dir():
        raise OutputError(f"{directory}: is a file; {remedy}")
    if target.exists():
        own = {FILE, *_files_of(target)}
        found = (path.name for path in target.iterdir() if path.name not in own)
        foreign = sorted(found, key=lambda name: (name.startswith("."), name))
        if foreign:
            raise OutputError(f"{directory}: holds {foreign[0]!r}, which no analysis has written; {remedy}")
    return directory


def _files_of(directory: Path) -> list[str]:
    """Return the names of the files that an earlier analysis wrote."""
    try:
        tree = json.loads((directory / FILE).read_text(encoding="utf-8"))
        return [str(name) for name in tree["files"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _write_files(analysis: Analysis, directory: Path) -> None:
    names = []
    for name, table in analysis.tables.items():
        names.append(f"{name}.csv")
        table.to_csv(directory / names[-1], index=False, lineterminator="\n")
    with figures.style():
        for name, figure in figures_of(analysis):
            names += [f"{name}.png", f"{name}.svg"]
            figure.draw_without_rendering()
            figure.set_layout_engine("none")  # it is laid out; each format would do so again
            figure.savefig(directory / names[-2], dpi=DOTS_PER_INCH, metadata={"Software": None})
            figure.savefig(directory / names[-1], metadata={"Date": None, "Creator": None})
    tree = {
        "study": analysis.study.name, "outcomes": list(analysis.outcomes),
        "box": None if analysis.condition is None else str(analysis.condition), "runs": analysis.progress.done,
        "failed": analysis.progress.failed, "notes": list(analysis.notes), "files": names,
    }  # fmt: skip
    (directory / FILE).write_text(json.dumps(tree, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def figures_of(analysis: Analysis) -> Iterator[tuple[str, Figure]]:
    """Yield the figures of an analysis with their names, to be drawn in `ecosim.analysis.figures.style`."""
    factors, outcomes = factor_labels(analysis.study), outcome_labels(analysis.study)
    slugs = slugs_of(analysis.outcomes)
    for outcome in analysis.outcomes:
        own = {
            name: table[table["outcome"] == outcome] for name, table in analysis.tables.items() if "outcome" in table
        }
        own = {name: table for name, table in own.items() if len(table)}
        label, slug = outcomes[outcome], slugs[outcome]
        if "means" in own and own["means"]["mean"].notna().any():
            yield f"main-effects-{slug}", figures.main_effects(own["means"], label, factors)
        if "means-by-two" in own:
            yield (f"interactions-{slug}",
                   figures.interactions(own["means-by-two"], own["parts-of-variance"], label, factors))  # fmt: skip
        if "sobol" in own:
            yield f"sobol-{slug}", sensitivity_figures.sobol(own["sobol"], label, factors)
        if "sobol-pairs" in own:
            yield f"sobol-pairs-{slug}", sensitivity_figures.sobol_pairs(own["sobol-pairs"], label, factors)
        if "morris" in own:
            yield f"morris-{slug}", sensitivity_figures.morris(own["morris"], label, factors)
        if "comparison" in own:
            yield f"comparison-{slug}", figures.comparison(own["comparison"], label)
        if "regional" in own:
            points, values = analysis.drawn(outcome)
            largest = own["regional"].groupby("factor")["distance"].max()
            distances = {str(name): float(distance) for name, distance in largest.items()}
            order = {factor.name: words_of(points, factor) for factor in analysis.experiment.factors}
            figure = sensitivity_figures.regions(points, analysis.regions(values), distances, label, factors, order)
            yield f"regional-{slug}", figure
    if len(analysis.tables.get("boxes", ())):
        assert analysis.condition is not None
        points, values = analysis.drawn(analysis.condition.outcome)
        cases = analysis.condition.holds(values)
        yield "boxes", boxes(analysis.tables, points, analysis.experiment.factors, cases, factors)


def slugs_of(names: tuple[str, ...]) -> dict[str, str]:
    """Return for each name one that any file system takes, no two the same."""
    slugs: dict[str, str] = {}
    for name in names:
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "outcome"
        while slug in slugs.values():
            slug += "-2"
        slugs[name] = slug
    return slugs
