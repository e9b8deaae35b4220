"""Breaks the mechanism behind claims that were shown, and asks again: ``python docs/mutations.py``; a verdict has to change.

Each mutation is a phase that undoes every quarter what the mechanism did, in all worlds of the experiment: what is claimed
to follow from it must then be gone. Without `--check` the table goes into `docs/propositions.md`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from generate import table
from tables import insert

import ecosim
from ecosim.laboratory.declarations import load_propositions
from ecosim.laboratory.proposition import Proposition, Reading
from ecosim.laboratory.readings import read
from ecosim.laboratory.table import written
from ecosim.laboratory.trial import worlds_of
from ecosim.laboratory.verdict import Finding, judged, measured
from ecosim.studies.measures import outcomes_for, quarterly

PAGE = Path(__file__).resolve().parent / "propositions.md"
SEEDS = range(1, 13)
MADE = f"Seeds {SEEDS[0]} to {SEEDS[-1]}, each case on its own, without correction."
Phase = Callable[[Any], None]


class Mutation(NamedTuple):
    """A mechanism that is broken by hand.

    Attributes
    ----------
    number : of the proposition.
    broken : what is undone, in words.
    phase : undoes it.
    after : phase of the quarter behind which; None for in front of all.
    """

    number: str
    broken: str
    phase: Phase
    after: str | None = None


def _set(table_name: str, column: str, value: float) -> Phase:
    def undo(model: Any) -> None:
        getattr(getattr(model, table_name), column)[:] = value

    return undo


def _same_difficulty(model: Any) -> None:
    """Let no component be harder, or nearer to existing business, than another."""
    model.technology.difficulty[:] = 20.0
    model.technology.crossing[:] = 0.5


def _also(*phases: Phase) -> Phase:
    def undo(model: Any) -> None:
        for phase in phases:
            phase(model)

    return undo


NO_CAPABILITY = _set("organisations", "knowledge_capabilities", 0.0)
NO_OPENNESS = _set("organisations", "openness", 0.0)
NO_GROUP = _also(
    *(_set("ties", name, 0.0) for name in ("identity", "norms", "dialogue", "learning", "alliance", "trust"))
)
MUTATIONS = (
    Mutation("P7", "trust of all ties is as it began", _set("ties", "trust", 0.25), "turn_over"),
    Mutation("P14", "nobody is open", NO_OPENNESS, "perceive"),
    Mutation("P16", "nobody is open", NO_OPENNESS, "perceive"),
    Mutation("P26", "all are equally protected", _set("organisations", "protection", 0.4), "share"),
    Mutation("P36", "trust of all ties is as it began", _set("ties", "trust", 0.25)),
    Mutation("P42", "all know the same", _set("organisations", "knowledge", 4.0)),
    Mutation("P43", "all components are equally hard", _same_difficulty),
    Mutation("P56", "joint capital is gone", _set("platforms", "capital", 0.0), "govern"),
    Mutation("P76", "nobody is open", NO_OPENNESS, "perceive"),
    Mutation("P77", "capabilities are as they began", _set("organisations", "capabilities", 0.3), "learn"),
    Mutation("P81", "nobody has any of the nine components", NO_CAPABILITY),
    Mutation("P82", "nobody has any of the nine components", NO_CAPABILITY),
    Mutation("P83", "nobody has any of the nine components", NO_CAPABILITY),
    Mutation("P85", "nobody talks", _set("ties", "dialogue", 0.0), "govern"),
    Mutation("P91", "groups have neither cognition nor action", NO_GROUP, "govern"),
    Mutation("P93", "the first failed test counts as the last", _set("projects", "rounds", 1000)),
    Mutation("P98", "nobody has any of the nine components", NO_CAPABILITY),
)


def declared(number: str) -> Proposition:
    """Return a proposition by its number."""
    return next(each for each in load_propositions() if each.number == number)


def asked(
    number: str, phase: Phase | None = None, after: str | None = None, seeds: Iterable[int] = SEEDS,
    more: Mapping[str, Any] | None = None, reading: Reading | None = None,
) -> Finding:  # fmt: skip
    """Return what a proposition's experiment finds in the sound model, or with a mechanism undone every quarter.

    Parameters
    ----------
    more : settings laid over all worlds, under those that the experiment itself sets.
    reading : what is read instead of what was declared.
    """
    proposition = declared(number)
    experiment = proposition.experiment
    assert experiment is not None
    reading = reading or experiment.reading
    found: dict[str, list[float]] = {name: [] for name in worlds_of(experiment)}
    for name, settings in worlds_of(experiment).items():
        for seed in seeds:
            model = ecosim.Ecosystem(
                experiment.scenario,
                seed=seed,
                history=False,
                outcomes=outcomes_for(reading.measures),
                **{**(more or {}), **settings},
            )
            if phase is not None:
                model.insert_phase(phase, after=after)
            model.run(experiment.steps)
            series = [quarterly(model.recorder, measure) for measure in reading.measures]
            found[name].append(read(reading, *series))
    return judged([measured(proposition, {name: np.array(values) for name, values in found.items()})])[0]


def both(place: int) -> tuple[Finding, Finding]:
    """Return what a mutation's proposition finds in the sound model and in the broken one."""
    number, _, phase, after = MUTATIONS[place]
    return asked(number), asked(number, phase, after)


def _row(mutation: Mutation, sound: Finding, broken: Finding) -> tuple[str, ...]:
    told = (f"{each.verdict}, {written(each.effect)}" for each in (sound, broken))
    return (mutation.number, mutation.broken, *told)


def main(arguments: list[str]) -> int:
    """Break each mechanism; return 1 if a verdict stood, or was not shown in the sound model."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(both, range(len(MUTATIONS))))
    rows = [_row(mutation, *pair) for mutation, pair in zip(MUTATIONS, found, strict=True)]
    text = table(("", "undone every quarter, in all worlds", "sound model", "broken model"), rows)
    print(text)
    if "--check" not in arguments:
        insert(PAGE, {"mutations": f"{MADE}\n\n{text}"})
    return int(any(sound.verdict != "shown" or broken.verdict == "shown" for sound, broken in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
