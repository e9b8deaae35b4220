"""Links: an experiment as the query of an address, so that whoever opens it sees the same; whatever else it says is refused."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from ecosim import load_scenario
from ecosim.parameters import Parameter, ScenarioError, Value, nearest
from ecosim.scenario import Scenario, shipped_scenarios
from ecosim.shapes import Table as Shapes
from ecosim.shapes import accepted, belonging, sentence, shortened, wanted
from parts.texts import LANGUAGES
from parts.trajectory import check_branch

MOST_CHARACTERS = 16_000
MOST_ENTRIES = 200
# Every seed that JavaScript holds as a whole number.
MOST_SEED = 2**53 - 1
DEFAULT = "classroom"

Pairs = tuple[tuple[str, Value], ...]
_BRANCH = re.compile(r"at\.([0-9]{1,6})\.(.+)")
_SEED = re.compile(r"[0-9]{1,18}")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,30})?(?:e[-+]?[0-9]{1,3})?")


class Experiment(NamedTuple):
    """What a link says: a shipped scenario, the luck, what differs from the start and what from later quarters on.

    Attributes
    ----------
    changes : dotted path and value, in the order of the paths.
    branches : the quarter before which values change, and these, in the order of the quarters.
    language : None if the link leaves it to whoever opens it.
    """

    scenario: str
    seed: int
    changes: Pairs
    branches: tuple[tuple[int, Pairs], ...]
    language: str | None


def query(
    scenario: str,
    seed: int,
    changes: Mapping[str, Value] | Sequence[tuple[str, Value]] = (),
    branches: Iterable[tuple[int, Mapping[str, Value] | Sequence[tuple[str, Value]]]] = (),
    language: str | None = None,
) -> str:
    """Return the query of a link, without the question mark: ``scenario=classroom&seed=1&policy.subsidy=0.2``.

    A change before a later quarter is written ``at.12.policy.subsidy=0.2``.

    Raises
    ------
    ScenarioError : more changes than a link can hold.
    """
    entries = [("scenario", scenario), ("seed", str(seed))]
    entries += [(path, _written(value)) for path, value in sorted(dict(changes).items())]
    for step, later in _merged(branches):
        entries += [(f"at.{step}.{path}", _written(value)) for path, value in later]
    text = urlencode(entries if language is None else [*entries, ("lang", language)])
    if len(text) > MOST_CHARACTERS or len(entries) >= MOST_ENTRIES:
        raise _wrong("", f"would hold {len(entries):_} entries", "download the scenario instead")
    return text


def read_query(text: str) -> Experiment:
    """Return the experiment of a link's query; what it leaves out is as in the classroom.

    Raises
    ------
    ScenarioError : anything that is not as it should be, in a sentence.
    """
    entries = _entries(text)
    given = {name: entries.pop(name) for name in ("scenario", "seed", "lang") if name in entries}
    name = given.get("scenario", DEFAULT)
    if name not in shipped_scenarios():
        raise _wrong("scenario", f"is {_shown(name)}", nearest(shortened(name), shipped_scenarios()))
    language = given.get("lang")
    if language is not None and language not in LANGUAGES:
        raise _wrong("lang", f"is {_shown(language)}", f"give one of {', '.join(LANGUAGES)}")
    world = shipped(name)
    changes: dict[str, Value] = {}
    branches: dict[int, dict[str, Value]] = {}
    for key, written in entries.items():
        later = _BRANCH.fullmatch(key)
        target = branches.setdefault(int(later[1]), {}) if later else changes
        path = later[2] if later else key
        if path in target:
            raise _wrong(key, "is given twice", "give it once")
        target[path] = _read(world, key, path, written)
    changed = world.with_settings(changes, "link") if changes else world
    for step, values in branches.items():
        check_branch(changed, step, values)
    return Experiment(
        name, _seed(given.get("seed", "1")), tuple(sorted(changes.items())), _merged(branches.items()), language
    )


@functools.lru_cache(maxsize=32)
def shipped(name: str) -> Scenario:
    """Return a shipped scenario, read once."""
    if name not in shipped_scenarios():
        raise _wrong("scenario", f"is {_shown(name)}", nearest(shortened(name), shipped_scenarios()))
    return load_scenario(name)


def _merged(
    branches: Iterable[tuple[int, Mapping[str, Value] | Sequence[tuple[str, Value]]]],
) -> tuple[tuple[int, Pairs], ...]:
    """Return branches by quarter, one a quarter, without those that change nothing."""
    together: dict[int, dict[str, Value]] = {}
    for step, values in branches:
        together.setdefault(step, {}).update(dict(values))
    return tuple((step, tuple(sorted(values.items()))) for step, values in sorted(together.items()) if values)


def _written(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _entries(text: str) -> dict[str, str]:
    text = text.removeprefix("?")
    if len(text) > MOST_CHARACTERS:
        raise _wrong("", f"is {len(text):_} characters long", f"{MOST_CHARACTERS:_} are the most")
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=bool(text), errors="strict", max_num_fields=MOST_ENTRIES
        )
    except ValueError:
        remedy = f"write at most {MOST_ENTRIES} entries such as policy.subsidy=0.2, with & between them"
        raise _wrong("", f"says {_shown(text)}, which cannot be read", remedy) from None
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise _wrong(name, "is given twice", "give it once")
    return dict(pairs)


def seed_of(written: str) -> int | None:
    """Return the seed that somebody has written, None if it is none."""
    return int(written) if _SEED.fullmatch(written) and int(written) <= MOST_SEED else None


def _seed(written: str) -> int:
    seed = seed_of(written)
    if seed is None:
        raise _wrong("seed", f"is {_shown(written)}", f"give a whole number from 0 to {MOST_SEED}")
    return seed


def _read(world: Scenario, key: str, path: str, written: str) -> Value:
    """Return the value of a parameter, in its own type."""
    if path not in world.grammar.parameters:
        paths = Shapes("", world.grammar.parameters)
        raise _wrong(key, "is not the path of a parameter", belonging(paths, paths, path))
    record = world.grammar.parameters[path]
    valid = accepted(record, _typed(record, written))
    if valid is None:
        raise _wrong(key, f"is {_shown(written)}", wanted(record))
    return valid


def _typed(record: Parameter, written: str) -> Value | None:
    if isinstance(record.default, bool):
        return {"true": True, "false": False}.get(written)
    if isinstance(record.default, str):
        return written
    if isinstance(record.default, int):
        return int(written) if _WHOLE.fullmatch(written) else None
    return float(written) if _NUMBER.fullmatch(written) else None


def _shown(text: str) -> str:
    return json.dumps(shortened(text), ensure_ascii=False)


def _wrong(key: str, finding: str, remedy: str) -> ScenarioError:
    return sentence("link", tuple(key.split(".")) if key else (), finding, remedy)
