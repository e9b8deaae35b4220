"""Looks for interior optima and writes what it finds: ``python docs/optima.py``; some 1,700 runs in two processes.

Where evidence outside the papers speaks of an inverted U (openness and breadth: Laursen and Salter 2006; sharing: platform cuts), a
knob is set to nine levels on the same seeds. An optimum is called interior if the best level beats both ends of the
range, each by more than the 95 % interval of the paired difference.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from effects import paired
from generate import table
from numpy.typing import NDArray

import ecosim
from ecosim.roles import read_roles
from ecosim.scenario import Scenario, load_scenario, scenario_from_dict

PAGE = Path(__file__).resolve().parent / "optima.md"
SEEDS = range(1, 31)
LEVELS = (0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0)
OUTCOMES = {
    "revenue_focal": "the core firm's revenue",
    "value_created": "value created",
    "knowledge_total": "knowledge",
}
Numbers = NDArray[np.float64]


class Knob(NamedTuple):
    """A number between 0 and 1 that is varied, the world made with it, and where it comes from."""

    name: str
    world: Callable[[float], Scenario]
    meaning: str


def with_core(**endowment: float) -> Scenario:
    """Return the classroom with another endowment of its core firm."""
    tree = load_scenario("classroom").as_dict()
    core = next(named for named in tree["organisations"] if named["focal"])
    core.update(endowment)
    return scenario_from_dict(tree, read_roles(), "classroom")


def with_settings(settings: Mapping[str, Any]) -> Scenario:
    """Return the classroom with other parameters."""
    return load_scenario("classroom").with_settings(settings)


KNOBS = (
    Knob("openness", lambda level: with_settings({"roles.firm.openness_target": level}),
         "openness that firms move to, `roles.firm.openness_target`"),
    Knob("breadth", lambda level: with_core(breadth=level), "the core firm's appetite for partners, its `breadth`"),
    Knob("sharing ratio", lambda level: with_settings({"value_sharing.strategy": "fixed", "value_sharing.ratio": level}),
         "the part of entitlements that firms give, `value_sharing.ratio` under the strategy fixed"),
    Knob("protection", lambda level: with_settings({"roles.firm.protection": level}),
         "intellectual property protection of firms, `roles.firm.protection`"),
)  # fmt: skip


def run(task: tuple[int, float, int]) -> list[float]:
    """Run one knob at one level with one seed; return the means of the outcomes over the run."""
    knob, level, seed = task
    metrics = ecosim.Ecosystem(KNOBS[knob].world(level), seed=seed, history=False).run().metrics
    return [float(metrics[name].mean()) for name in OUTCOMES]


def interior(values: Numbers) -> tuple[int, bool]:
    """Return the position of the best mean level, (levels, seeds) given, and whether it beats both ends clearly."""
    best = int(values.mean(axis=1).argmax())
    if best in (0, len(values) - 1):
        return best, False
    beaten = [paired(values[best], values[end]) for end in (0, -1)]
    return best, all(effect > width for effect, width in beaten)


def row(knob: Knob, outcome: str, values: Numbers) -> list[str]:
    """Return a row: where the best level is, whether it is interior, and each level's mean against the best."""
    best, inside = interior(values)
    means = values.mean(axis=1)
    found = "interior optimum" if inside else ("at the end of the range" if best in (0, len(values) - 1) else "flat")
    return [
        knob.name,
        OUTCOMES[outcome],
        f"{LEVELS[best]:g}",
        found,
        *(f"{100.0 * mean / means[best]:.1f}" for mean in means),
    ]


def main(arguments: Sequence[str]) -> None:
    """Run every knob at every level and write the page."""
    seeds = range(1, int(arguments[0]) + 1) if arguments else SEEDS
    tasks = list(product(range(len(KNOBS)), LEVELS, seeds))
    with ProcessPoolExecutor(2) as pool:
        found = np.array(list(pool.map(run, tasks, chunksize=len(seeds))))
    found = found.reshape(len(KNOBS), len(LEVELS), len(seeds), len(OUTCOMES))
    rows = [row(knob, outcome, found[k, :, :, o]) for k, knob in enumerate(KNOBS) for o, outcome in enumerate(OUTCOMES)]
    head = ("knob", "outcome", "best level", "reading", *(f"at {level:g}" for level in LEVELS))
    knobs = "\n".join(f"- {knob.name}: {knob.meaning};" for knob in KNOBS)
    PAGE.write_text(f"""# Where more is not better

Evidence outside the papers says inverted U where the papers say more is better. Each knob below is set to nine levels
in the classroom world, on the same {len(seeds)} seeds; outcomes are means over the ten years, in percent of the best level's.
Written by `python docs/optima.py`, ecosim {ecosim.__version__}.

{knobs}

An optimum is *interior* if the best level beats both ends of the range by more than the 95 % interval of the paired
difference; *flat* means that it lies inside but cannot be told from an end.

{table(head, rows)}
""", encoding="utf-8")  # fmt: skip
    print(table(head[:4], [each[:4] for each in rows]))


if __name__ == "__main__":
    main(sys.argv[1:])
