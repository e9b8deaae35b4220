"""The shape of a proposition file, as data."""

from __future__ import annotations

from collections.abc import Mapping

from ecosim.laboratory.proposition import QUESTIONS, SIDES, STANDINGS, STATISTICS
from ecosim.parameters import Parameter
from ecosim.shapes import Rows, Table, Text

_SOURCE = "proposition"


def _text(meaning: str, remedy: str) -> Text:
    return Text(meaning, r"\S", remedy)


def _choice(words: tuple[str, ...], meaning: str) -> Parameter:
    return Parameter(words[0], None, None, "1", meaning, _SOURCE, words)


def _level(meaning: str) -> Parameter:
    return Parameter(0.0, -1e12, 1e12, "1", meaning, _SOURCE)


def _quarter(meaning: str) -> Parameter:
    return Parameter(0, 0, 100_000, "quarters", meaning, _SOURCE)


def proposition_table(parameters: Mapping[str, Parameter]) -> Table:
    """Return the shape of a proposition file whose worlds set these parameters by dotted path."""
    settings = Table("Values by dotted path.", parameters)
    reading = Table(
        "The number that is compared.",
        {
            "statistic": _choice(STATISTICS, "What is read from the quarters of a run."),
            "measure": _text("What is looked at, as in a study file.", "give the name of a measure in quotes"),
            "other": _text("Second measure, of order, correlation and ratio.", "give the name of a measure in quotes"),
            "level": _level("What the measure has to reach, of crossing and order."),
            "other_level": _level("What the second measure has to reach, of order."),
            "first": _quarter("Quarter from which on quarters count."),
            "at": _quarter("Quarter of the blow, of fall and recovery."),
        },
        required=("statistic", "measure"),
        unset=("other",),
    )
    row = Table(
        "A proposition.",
        {
            "number": Text("Its number.", r"^P[1-9]\d*$", 'give a P and a number in quotes, such as "P14"'),
            "statement": _text("What is claimed, in a sentence.", "give a sentence in quotes"),
            "place": _text("Paper and section.", 'give paper and section in quotes, such as "S001 5.2"'),
            "mechanism": _text("The mechanism it names.", "give a word or two in quotes"),
            "standing": _choice(STANDINGS, "Whether the model can speak to it."),
            "reason": _text("Why this measures it, which rule has it built in, or what is lacking.", "give a sentence in quotes"),
            "scenario": _text("Shipped scenario.", "give the name of a shipped scenario in quotes"),
            "steps": Parameter(40, 2, 100_000, "quarters", "Quarters of a run.", _SOURCE),
            "reading": reading,
            "side": _choice(SIDES, "Where the claim puts the effect."),
            "treatment": settings,
            "baselines": Rows(settings, "Worlds it is compared with."),
            "null": _level("The reading without the mechanism, instead of a baseline."),
            "control": settings,
            "asks": _choice(QUESTIONS, "Whether the claim is the effect, or how much the control changes it."),
            "smallest": Parameter(0.2, 0.0, 100.0, "standard deviations", "Smallest effect of interest.", _SOURCE),
        },
        required=("number", "statement", "place", "mechanism", "reason"),
        unset=("scenario", "steps", "reading", "null"),
    )  # fmt: skip
    return Table(
        "A section of propositions.",
        {"title": Text("Title of the section."), "propositions": Rows(row, "The propositions.")},
        required=("title", "propositions"),
    )
