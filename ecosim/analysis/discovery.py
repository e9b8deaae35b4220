"""Scenario discovery: boxes in the factors in which an outcome lies in a region, found by PRIM (library ema_workbench)."""

from __future__ import annotations

import contextlib
import inspect
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.analysis.experiment import Mask, rows_of, shown, words_of
from ecosim.analysis.intervals import NAN
from ecosim.analysis.libraries import library
from ecosim.parameters import ScenarioError, nearest
from ecosim.shapes import described
from ecosim.studies.study_parts import Factor

if TYPE_CHECKING:
    import pandas as pd

MOST_BOXES = 3
INSIGNIFICANT = 0.05  # a limit whose quasi-p value is above this is dropped again
_CONDITION = re.compile(r"^\s*(.+?)\s*(<=|>=|<|>)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*$")
_SIGNS = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}


@dataclass(frozen=True)
class Condition:
    """A region of an outcome, such as ``incubation > 0.9``."""

    outcome: str
    sign: str
    number: float

    def __str__(self) -> str:
        return f"{self.outcome} {self.sign} {self.number:g}"

    def holds(self, values: Any) -> Mask:
        """Return where it holds; never where there is no number."""
        held: Mask = _SIGNS[self.sign](np.asarray(values, float), self.number)
        return held


def read_condition(text: str, outcomes: Sequence[str]) -> Condition:
    """Return the condition that a text gives.

    Raises
    ------
    ScenarioError : it is no comparison of an outcome of the study with a number.
    """
    example = f"'{outcomes[0]} > 0.9'" if outcomes else "'OUTCOME > 0.9'"
    found = _CONDITION.match(text)
    if not found:
        raise ScenarioError(
            f"box: {described(text)} is no condition; give an outcome, a sign and a number as in {example}"
        )
    if found[1] not in outcomes:
        raise ScenarioError(f"box: '{found[1]}' is no outcome of the study; {nearest(found[1], outcomes)}")
    return Condition(found[1], found[2], float(found[3]))


@dataclass(frozen=True, eq=False)
class Discovery:
    """What PRIM found.

    Attributes
    ----------
    boxes : a row a box: box, points, cases, coverage (part of all cases that are in it), density (part of its points that
        are cases), mass (part of all points that are in it), gain (density over that of all points).
    limits : a row for each factor that a box limits: box, factor, low, high (not a number where there is no limit), levels
        (the words or switches that remain), quasi_p_low (of words, of all together), quasi_p_high.
    trajectory : a row a step of peeling and pasting: box, step, coverage, density, mass, limits, chosen.
    """

    boxes: pd.DataFrame
    limits: pd.DataFrame
    trajectory: pd.DataFrame


def discover(points: pd.DataFrame, factors: Sequence[Factor], cases: Mask, most: int = MOST_BOXES) -> Discovery:
    """Return boxes in which most points are cases and which hold most cases, one after the other.

    PRIM (Friedman & Fisher 1999) peels off a twentieth of the points at a time; of its steps the one is taken that is
    nearest to a coverage and a density of 1. Limits that a binomial test does not support (quasi-p above 0.05, Bryant &
    Lempert 2010) are dropped, the least supported first. The next box is looked for among the points that are left, until
    no limit is supported or the box is no denser than all points together.

    Parameters
    ----------
    points : a row a point, a column a factor.
    cases : (points,), which points are of interest; some are and some are not.
    most : boxes at most.
    """
    columns = _columns(points, factors)
    found = []
    with _prim() as prim:
        finder = prim.Prim(columns, cases.astype(float), **_arguments(prim))
        for _ in range(most):
            box = finder.find_box()
            if box is None or box.yi.size == 0:
                break
            steps, chosen = box.peeling_trajectory.copy(), _nearest(box.peeling_trajectory)
            box.select(chosen)
            last = _without_unsupported(box, chosen, columns)
            inside = np.zeros(len(points), bool)
            inside[box.yi] = True
            limits = _limits(box.box_lims[last], _quasi_p(box, last), points, factors)
            if not limits or cases[inside].mean() <= cases.mean():
                break
            found.append((inside, limits, steps, chosen))
    return _tables(found, cases)


@contextlib.contextmanager
def _prim() -> Iterator[Any]:
    """Yield the library's module; on import it warns of packages it can do without, and sets styles of Matplotlib."""
    library("matplotlib", "a search for boxes")
    import matplotlib as mpl

    with warnings.catch_warnings(), mpl.rc_context():
        warnings.simplefilter("ignore")
        library("ema_workbench", "a search for boxes", "discovery")
        from ema_workbench.analysis import prim

        yield prim


def _arguments(prim: Any) -> dict[str, Any]:
    """Return what releases before 3.0 take besides: from which number on a point is a case, and a box dense enough."""
    return {"threshold": 1e-9} if "threshold" in inspect.signature(prim.Prim.__init__).parameters else {}


def _columns(points: pd.DataFrame, factors: Sequence[Factor]) -> pd.DataFrame:
    """Return the points with numbers for names and words.

    The library drops a column called scenario, and sets of words come in another order in every process.
    """
    import pandas as pd

    columns: dict[str, Any] = {}
    for place, factor in enumerate(factors):
        column = points[factor.name]
        if column.dtype.kind in "iuf":
            columns[f"factor {place}"] = column.to_numpy(float)  # pasting puts halves between whole numbers
        else:
            columns[f"factor {place}"] = pd.Categorical(column.map(words_of(points, factor).index).to_numpy(np.int64))
    return pd.DataFrame(columns)


def _nearest(steps: pd.DataFrame) -> int:
    """Return the step of a trajectory that is nearest to a coverage and a density of 1; the earlier of equal ones."""
    away = (1.0 - steps["coverage"].to_numpy(float)) ** 2 + (1.0 - steps["density"].to_numpy(float)) ** 2
    return int(np.argmin(away))


def _quasi_p(box: Any, step: int) -> dict[str, list[float]]:
    """Return the quasi-p values of a step: column to those of its lower and its upper limit (or of its words), -1 for none."""
    every = box.p_values if "p_values" in vars(box) else box.qp  # its name since release 3.0, and before
    chosen: dict[str, list[float]] = every[step]
    return chosen


def _without_unsupported(box: Any, step: int, columns: pd.DataFrame) -> int:
    """Drop the limits of a step that the binomial test does not support, one after the other; return the last step."""
    while True:
        limits = {
            (name, side): p for name, both in _quasi_p(box, step).items() for side, p in enumerate(both) if p >= 0.0
        }
        least = max(limits, key=lambda limit: limits[limit], default=None)
        if least is None or limits[least] <= INSIGNIFICANT:
            return step
        name, side = least
        edges, widest = box.box_lims[step].copy(), box.box_lims[0]
        if columns[name].dtype.kind in "iuf":
            edges.loc[side, name] = widest.loc[side, name]
        else:
            edges[name] = widest[name]
        remaining = box.prim.yi_remaining
        box.update(edges, remaining[_inside(columns, edges)[remaining]])
        step = len(box.box_lims) - 1


def _inside(columns: pd.DataFrame, edges: pd.DataFrame) -> Mask:
    """Return which points lie within the limits of a box."""
    inside = np.ones(len(columns), bool)
    for name in columns.columns:
        low, high = edges[name].iloc[0], edges[name].iloc[1]
        numbers = columns[name].dtype.kind in "iuf"
        inside &= (columns[name].between(low, high) if numbers else columns[name].isin(low)).to_numpy(bool)
    return inside


def _limits(
    edges: pd.DataFrame, quasi_p: dict[str, list[float]], points: pd.DataFrame, factors: Sequence[Factor]
) -> list[dict[str, Any]]:
    """Return a row for each factor that a box limits; the side on which there is no limit is not a number."""
    rows = []
    for name, (first, second) in quasi_p.items():
        factor = factors[int(name.split()[1])]
        row = {"factor": factor.name, "low": NAN, "high": NAN, "levels": "", "quasi_p_low": NAN, "quasi_p_high": NAN}
        if points[factor.name].dtype.kind in "iuf":
            row |= {"low": edges[name].iloc[0], "quasi_p_low": first} if first >= 0.0 else {}
            row |= {"high": edges[name].iloc[1], "quasi_p_high": second} if second >= 0.0 else {}
        else:
            words = words_of(points, factor)
            row |= {
                "levels": ", ".join(shown(words[code]) for code in sorted(edges[name].iloc[0])),
                "quasi_p_low": first,
            }
        rows.append(row)
    return rows


def _tables(found: Sequence[tuple[Mask, list[dict[str, Any]], pd.DataFrame, int]], cases: Mask) -> Discovery:
    import pandas as pd

    boxes, limits, steps = [], [], []
    for number, (inside, rows, trajectory, chosen) in enumerate(found, start=1):
        hit = int(cases[inside].sum())
        density = hit / int(inside.sum())
        boxes.append({
            "box": number, "points": int(inside.sum()), "cases": hit, "coverage": hit / int(cases.sum()),
            "density": density, "mass": inside.mean(), "gain": density / cases.mean(),
        })  # fmt: skip
        limits += [{"box": number, **row} for row in rows]
        steps += [
            {"box": number, "step": step, "coverage": row.coverage, "density": row.density, "mass": row.mass,
             "limits": int(row.res_dim), "chosen": step == chosen}
            for step, row in enumerate(rows_of(trajectory))
        ]  # fmt: skip
    columns = ("box", "points", "cases", "coverage", "density", "mass", "gain")
    of_limits = ("box", "factor", "low", "high", "levels", "quasi_p_low", "quasi_p_high")
    of_steps = ("box", "step", "coverage", "density", "mass", "limits", "chosen")
    tables = zip((boxes, limits, steps), (columns, of_limits, of_steps), strict=True)
    return Discovery(*(pd.DataFrame(rows, columns=list(names)) for rows, names in tables))
