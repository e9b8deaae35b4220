"""Lessons: a question, a prediction, runs, and what comes out of them; a file of ``lessons/`` each.

What happened is never written into a lesson: it is computed from the model when somebody has predicted it. The file says
what is compared, how a reading is made of the numbers, and which explanation belongs to which reading.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from ecosim.outcome_table import NAMES
from ecosim.parameters import Value, nearest
from ecosim.scenario import Scenario, load_scenario
from parts.texts import CHINESE, ENGLISH, LANGUAGES

LESSONS = Path(__file__).parents[1] / "lessons"
KINDS = ("share", "mean", "first year", "reached")
STATISTICS = ("difference", "relative", "median", "total", "luck", "shape")
SHAPES = ("rises", "levels off", "inverted U", "falls", "flat")
DIRECTIONS = ("more", "same", "less")
# Who value is booked to beside the roles.
BOOKED = ("employees", "society", "environment")

Both = Mapping[str, str]


@dataclass(frozen=True)
class Future:
    """One of the futures that a lesson compares.

    Attributes
    ----------
    name : what it is called, by language.
    changes : values by dotted path.
    step : the quarter before which they hold; 0 from the start.
    events : whether what the scenario dates happens.
    """

    name: Both
    changes: Mapping[str, Value]
    step: int
    events: bool

    def world(self, scenario: str) -> Scenario:
        """Return the scenario as this future starts it."""
        start = load_scenario(scenario)
        return start if self.events else replace(start, events=())


@dataclass(frozen=True)
class Measure:
    """One number of each run.

    Attributes
    ----------
    kind : "share" of value of a beneficiary, in percent; "mean" of an outcome; "first year" in which an outcome is at or
        above `level`; "reached", 1 if it ever is, else 0.
    of : beneficiary or outcome.
    begin, end : quarters that are looked at.
    times : what a mean is multiplied by, such as 100 for percent.
    name : what it is called, by language; None for the name of the beneficiary or the outcome.
    """

    kind: str
    of: str
    begin: int
    end: int | None
    level: float
    times: float
    name: Both | None


@dataclass(frozen=True)
class Choice:
    """An answer to choose; `low` to `high` is the range of the statistic in which it is right, if it is not a reading."""

    name: str
    text: Both
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a lesson asks and compares; texts are by language.

    Attributes
    ----------
    measures : the first is what the prediction is about.
    statistic : what is made of it over all seeds, one of `STATISTICS`.
    future : position of the future that a median or a total is taken of.
    choices : answers to choose among; none if a number is asked for.
    low, high, tolerance : range of the number asked for, and how near is near enough.
    why : explanations, each with the readings or the range of the statistic that it belongs to.
    paper_measure : position of the measure that the paper speaks of: the direction of its difference is read then.
    panels : panels of the player that help to see it.
    agrees, contradicts : readings, or ranges of the statistic, that agree with or contradict the paper; else it is not shown.
    """

    key: str
    order: int
    minutes: int
    title: Both
    question: Both
    story: Both
    scenario: str
    futures: tuple[Future, ...]
    measures: tuple[Measure, ...]
    statistic: str
    future: int
    prompt: Both
    unit: Both
    choices: tuple[Choice, ...]
    low: float
    high: float
    tolerance: float
    why: tuple[tuple[Any, Both], ...]
    source: str
    claim: Both
    paper_measure: int | None
    agrees: Any
    contradicts: Any
    panels: tuple[str, ...]
    onward: tuple[tuple[Both, str, Mapping[str, Value]], ...]
    pitfalls: tuple[Both, ...]
    questions: tuple[Both, ...]

    def explanation(self, reading: str, number: float) -> Both | None:
        """Return the explanation that belongs to what came out, None if nobody has written one."""
        return next((text for holds, text in self.why if applies(holds, reading, number)), None)

    def against_paper(self, reading: str, number: float) -> str:
        """Return "agrees", "contradicts" or "not shown"."""
        if applies(self.agrees, reading, number):
            return "agrees"
        return "contradicts" if applies(self.contradicts, reading, number) else "not shown"


def applies(holds: Any, reading: str, number: float) -> bool:
    """Return whether a reading is among those given, or the number in the range given."""
    if isinstance(holds, Mapping):
        return bool(holds["from"] <= number <= holds["to"])
    return reading in holds


@cache
def lessons() -> dict[str, Lesson]:
    """Return all lessons by key, in the order in which they are taught.

    Raises
    ------
    ValueError : a file that is not as it should be; the sentence names it.
    """
    found = [_read(path) for path in LESSONS.glob("*.toml")]
    return {lesson.key: lesson for lesson in sorted(found, key=lambda lesson: (lesson.order, lesson.key))}


def _read(path: Path) -> Lesson:
    tree = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        lesson = _lesson(path.stem, tree)
        _check(lesson)
    except KeyError as missing:
        raise ValueError(f"{path.name}: {missing} is missing; look at another lesson for where it stands") from missing
    except ValueError as wrong:
        raise ValueError(f"{path.name}: {wrong}") from wrong
    return lesson


def _lesson(key: str, tree: Mapping[str, Any]) -> Lesson:
    ask, paper, teacher = tree["prediction"], tree["paper"], tree["teacher"]
    choices = tuple(
        Choice(one["is"], _both(one), one.get("from", -math.inf), one.get("to", math.inf))
        for one in ask.get("choices", ())
    )
    return Lesson(
        key=key,
        order=tree["order"],
        minutes=tree["minutes"],
        title=_both(tree["title"]),
        question=_both(tree["question"]),
        story=_both(tree["story"]),
        scenario=tree["scenario"],
        futures=tuple(map(_future, tree["futures"])),
        measures=tuple(map(_measure, tree["measures"])),
        statistic=ask["statistic"],
        future=ask.get("future", 0),
        prompt=_both(ask["prompt"]),
        unit=_both(ask.get("unit", dict.fromkeys(LANGUAGES, ""))),
        choices=choices,
        low=ask.get("from", 0),
        high=ask.get("to", 0),
        tolerance=ask.get("tolerance", 0),
        why=tuple((one["holds"], _both(one)) for one in tree["why"]),
        source=paper["source"],
        claim=_both(paper["claim"]),
        paper_measure=paper.get("measure"),
        agrees=paper["agrees"],
        contradicts=paper["contradicts"],
        panels=tuple(tree.get("panels", ("shares", "table"))),
        onward=tuple((_both(one), one.get("scenario", tree["scenario"]), one["changes"]) for one in tree["next"]),
        pitfalls=tuple(map(_both, teacher["pitfalls"])),
        questions=tuple(map(_both, teacher["questions"])),
    )


def _both(entry: Mapping[str, str]) -> Both:
    # Chinese has no space where a line of the file ends.
    return {
        language: re.sub(r"\s*\n\s*", "" if language == CHINESE else " ", entry[language].strip())
        for language in LANGUAGES
    }


def _future(entry: Mapping[str, Any]) -> Future:
    return Future(_both(entry["name"]), entry.get("changes", {}), entry.get("step", 0), entry.get("events", True))


def _measure(entry: Mapping[str, Any]) -> Measure:
    name = _both(entry["name"]) if "name" in entry else None
    return Measure(
        entry["kind"], entry["of"], entry.get("from", 0), entry.get("to"), entry.get("level", 0.0), entry.get("times", 1.0), name
    )  # fmt: skip


def _check(lesson: Lesson) -> None:
    """Refuse what could not be run or judged.

    Raises
    ------
    ValueError : what is wrong, in a sentence.
    """
    world = load_scenario(lesson.scenario)
    for future in lesson.futures:
        world.with_settings(future.changes, "changes")
    for _, scenario, changes in lesson.onward:
        load_scenario(scenario).with_settings(changes, "changes")
    for measure in lesson.measures:
        valid = (*world.roles, *BOOKED) if measure.kind == "share" else NAMES
        if measure.kind not in KINDS:
            raise ValueError(f"a measure is of kind '{measure.kind}'; valid are {', '.join(KINDS)}")
        if measure.of not in valid:
            raise ValueError(f"a measure asks for '{measure.of}'; {nearest(measure.of, valid)}")
    for holds in (*(holds for holds, _ in lesson.why), lesson.agrees, lesson.contradicts):
        if not isinstance(holds, list) and not (isinstance(holds, Mapping) and {"from", "to"} <= set(holds)):
            raise ValueError(
                f"{holds!r} is neither a list of readings nor a range; give {{ from = 0, to = 1 }} or a list"
            )
    if lesson.statistic not in STATISTICS:
        raise ValueError(f"prediction.statistic is '{lesson.statistic}'; valid are {', '.join(STATISTICS)}")
    if not 0 <= lesson.future < len(lesson.futures) or len(lesson.futures) < 2:
        raise ValueError(f"there are {len(lesson.futures)} futures; a lesson compares two or more, the first being 0")
    _check_choices(lesson)


def _check_choices(lesson: Lesson) -> None:
    names = {choice.name for choice in lesson.choices}
    if not names:
        if not lesson.low < lesson.high:
            raise ValueError("prediction has neither choices nor a number from ... to ...")
    elif lesson.statistic == "shape":
        if not names <= set(SHAPES):
            raise ValueError(f"the choices of a shape are among {', '.join(SHAPES)}")
    elif names != set(DIRECTIONS):
        ends = sorted((choice.low, choice.high) for choice in lesson.choices)
        bounds = [-math.inf, *(high for _, high in ends)]
        if [low for low, _ in ends] != bounds[:-1] or bounds[-1] != math.inf:
            raise ValueError("the choices leave a gap or overlap: let each begin where the one before it ends")


def in_language(both: Both, language: str) -> str:
    """Return one language of a text, English if there is no such language."""
    return both.get(language, both[ENGLISH])
