"""Runs the studies that the dashboard ships with results, and keeps the results in `dashboards/studies`: a minute.

``--check`` runs a few of their runs again and tells whether they still give the numbers that are kept.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import ecosim
from ecosim.studies.design import number_of_points, settings_at
from ecosim.studies.measuring import measure_run
from ecosim.studies.plan import Plan
from ecosim.studies.study import Study
from ecosim.studies.study_record import record_of

PLACE = Path(__file__).resolve().parent.parent / "dashboards" / "studies"
CHECKED = 3  # runs of each
# Of the shipped studies so much as a page needs and a package can carry.
SEEDS, BLOCKS = 20, 128
BATCH = 1000  # runs of a file: a sweep takes fewer, and each file has a kilobyte of its own for every column
OUTCOMES = {"opening-the-platform": ("supplier_share", "value_created", "members"),
            "classroom-sensitivity": ("supplier_share", "value_created", "incubation")}  # fmt: skip


def examples() -> dict[str, Study]:
    """Return the studies, by the name of their directory."""
    found = {}
    for name, kept in OUTCOMES.items():
        study = ecosim.load_study(name)
        study = replace(study, outcomes=tuple(wanted for wanted in study.outcomes if wanted.name in kept))
        if study.design.kind == "factorial":
            study = replace(study, replicates=replace(study.replicates, count=SEEDS))
        else:
            study = replace(study, design=replace(study.design, samples=BLOCKS))
        found[name] = study
    return found


def renew(place: Path = PLACE) -> None:
    """Run the studies and put their results in place of those that are kept."""
    for name, study in examples().items():
        with tempfile.TemporaryDirectory() as fresh:
            record_of(study, Plan(number_of_points(study), study.replicates, BATCH)).write(Path(fresh))
            ecosim.sweep(study, out=fresh, workers=1)
            target = place / name
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(fresh, target, ignore=shutil.ignore_patterns(".lock"))


def stale(place: Path = PLACE, runs: int = CHECKED) -> list[str]:
    """Return what of the kept results is no longer what a run gives: a sentence each, of `runs` runs of each study."""
    found = []
    for name, study in examples().items():
        kept = ecosim.read_sweep(place / name)
        for row in kept.iloc[:: max(1, len(kept) // runs)].head(runs).to_dict("records"):
            fresh = measure_run(*settings_at(study, row), row["seed"], study).final
            found += [f"{name}, run {row['run']}: {outcome} is {value!r}, and {row[outcome]!r} is kept"
                      for outcome, value in fresh.items() if value != row[outcome]]  # fmt: skip
    return found


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        sentences = stale()
        sys.exit("\n".join([*sentences, "give python docs/example_studies.py"]) if sentences else 0)
    renew()
