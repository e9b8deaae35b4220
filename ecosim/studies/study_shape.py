"""The shape of a study file, as data: what each of its tables may hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ecosim.parameters import Parameter
from ecosim.shapes import Rows, Shape, Table, Text
from ecosim.studies.study_parts import DISTRIBUTIONS, KINDS, ROLES, SUMMARIES

_STUDY = "study"
_OF_A_WORLD = ("extends", "start_year", "schedule", "rules", "roles", "organisations", "ties", "components", "events")
_QUARTERS = 100_000
_MOST_SEED = 2**62


def _number(default: int, low: int, high: int, unit: str, meaning: str) -> Parameter:
    return Parameter(default, low, high, unit, meaning, _STUDY)


def _choice(words: tuple[str, ...], meaning: str) -> Parameter:
    return Parameter(words[0], None, None, "1", meaning, _STUDY, words)


def _switch(default: bool, meaning: str) -> Parameter:
    return Parameter(default, None, None, "1", meaning, _STUDY)


_DESIGN = Table(
    "How design points are chosen.",
    {
        "kind": _choice(KINDS, "Kind of design."),
        "samples": _number(
            1, 1, 10**9, "1", "N of Saltelli's scheme, points of a Latin hypercube, trajectories of Morris' method."
        ),
        "second_order": _switch(True, "Whether Saltelli's scheme has the points that second-order indices take."),
        "seed": _number(1, 0, 2**32 - 1, "1", "Seed of the sampling."),
        "file": Text("CSV file of a list, a column a factor.", r"\S", "give the path of a CSV file in quotes"),
        "points": Rows(Table("A point of a list.", {}), "Points of a list, a table of factor names and values each."),
        "levels": _number(4, 2, 1000, "1", "How many values a range takes."),
        "most_runs": _number(200_000, 1, 10**9, "runs", "A study of more runs is refused."),
    },
    unset=("samples", "file", "points", "levels"),
)
_UNTIL = Table(
    "When enough replicates have run.",
    {
        "outcome": Text("Outcome of the study whose mean is to be known.", r"\S", "give the name of an outcome"),
        "width": Parameter(0.01, 1e-12, 1e12, "1", "Width of its 95 % confidence interval that is enough.", _STUDY),
        "most": _number(100, 2, 1_000_000, "runs", "Replicates of a point at most."),
    },
    required=("outcome", "width", "most"),
)
_REPLICATES = Table(
    "How often each point is run, and by which seeds.",
    {
        "count": _number(1, 1, 1_000_000, "runs", "Runs of each point, or of each round if there is a stopping rule."),
        "common": _switch(True, "Whether replicate r has the same seed at every point."),
        "first_seed": _number(1, 0, _MOST_SEED, "1", "Seed of the first run."),
        "until": _UNTIL,
    },
    unset=("until",),
)
_OUTCOME = Table(
    "An outcome: a measure and what is kept of it.",
    {
        "measure": Text("Measure of the model.", r"\S", "give the name of a measure in quotes"),
        "summary": _choice(SUMMARIES, "What is kept of its quarters."),
        "quarters": _number(1, 1, _QUARTERS, "quarters", "How many of the last quarters are looked at."),
    },
    unset=("measure", "quarters"),
)
_KEEP = Table(
    "What is kept of each run besides its outcomes.",
    {
        "series": _number(1, 1, _QUARTERS, "quarters", "The first quarter and each that many quarters later are kept."),
        "events": _switch(False, "Whether what happened is kept."),
    },
    unset=("series",),
)


def study_table(outcomes: Iterable[str]) -> Table:
    """Return the shape of a study file that has outcomes of these names."""
    return Table(
        "A study: many runs by design.",
        {
            "title": Text("Title shown above charts and reports."),
            "question": Text("What the study asks."),
            "scenarios": Rows(Text("Name or path.", r"\S", "give a name or a path in quotes"), "What runs start from."),
            "steps": _number(
                40, 1, _QUARTERS, "quarters", "How many quarters a run lasts; the scenario's unless given."
            ),
            "agents": Rows(
                Text("A directory.", r"\S", "give a directory in quotes"), "Directories of further role files."
            ),
            "design": _DESIGN,
            "replicates": _REPLICATES,
            "factors": Rows(factor_table(Parameter(0.0, None, None, "1", "", _STUDY)), "What varies."),
            "outcomes": Table("What is kept of a run.", dict.fromkeys(outcomes, _OUTCOME)),
            "keep": _KEEP,
        },
        required=("scenarios", "outcomes"),
        unset=("steps",),
        refused=dict.fromkeys(
            _OF_A_WORLD, "it belongs to a scenario; a study names scenarios, and varies them by factors"
        ),
    )


def factor_table(record: Parameter) -> Table:
    """Return the shape of a factor that varies this parameter, whose levels are checked elsewhere."""
    entries: dict[str, Shape] = {
        "path": Text("Dotted path of a parameter or a switch.", r"\S", "give a path such as rules.trust in quotes"),
        "name": Text("Its column in tables.", r"\S", "give a name in quotes"),
        "role": _choice(ROLES, "Whether a decision maker chooses it."),
        "levels": Rows(Text("A value."), "The values to take; checked by the parameter that takes them."),
    }
    if record.choices or isinstance(record.default, bool):
        example = "levels = [true, false]" if not record.choices else "levels = " + str(list(record.choices[:2]))
        numbers = ("low", "high", "distribution", "mean", "deviation", "mode")
        refused = dict.fromkeys(numbers, "it has no range, write " + example.replace("'", '"'))
        return Table("What varies.", entries, ("path",), unset=("name", "levels"), refused=refused)
    middle = record if isinstance(record.default, float) else replace(record, default=float(record.default))
    deviation = Parameter(1.0, 1e-12, 1e12, record.unit, "Standard deviation of a normal distribution.", _STUDY)
    entries |= {
        "low": replace(record, meaning="Least value."),
        "high": replace(record, meaning="Largest value."),
        "distribution": _choice(DISTRIBUTIONS, "How values are spread over the range."),
        "mean": replace(middle, meaning="Mean of a normal distribution."),
        "deviation": deviation,
        "mode": replace(middle, meaning="Most likely value of a triangular distribution."),
    }
    return Table(
        "What varies.", entries, ("path",), unset=("name", "levels", "low", "high", "mean", "deviation", "mode")
    )
