"""Scenarios that come from a visitor's file and go into one: read with limits, written as TOML."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from ecosim.parameters import Value
from ecosim.scenario import Scenario, scenario_from_content
from ecosim.scenario_text import as_toml
from ecosim.serving import limits
from ecosim.shapes import sentence, shortened
from parts.trajectory import ORGANISATIONS_LIMIT, STEPS_LIMIT, check_size

MOST_BYTES = limits.upload
MOST_DEPTH = 8  # of brackets in each other; a scenario needs four
MOST_BRACKETS = 1_000  # tables and lists; time to check them grows faster than their number
MOST_CHARACTERS = {"title": 200, "question": 1_000, "name": 100}
_PLAIN = re.compile(r"[^\w-]+")


def read_upload(
    name: str,
    content: bytes | BinaryIO,
    steps_limit: int = STEPS_LIMIT,
    organisations_limit: int = ORGANISATIONS_LIMIT,
) -> Scenario:
    """Return the scenario of a file that a visitor sent; no other file than shipped scenarios is looked at.

    Parameters
    ----------
    name : the file's name; only what is plain of its stem is kept.
    content : what it holds, or what it can be read from, of which no more than the limit is read.

    Raises
    ------
    ScenarioError : anything that is not as it should be, or larger than the limits.
    """
    file = f"{plain_name(name)}.toml"
    data = bytes(content if isinstance(content, (bytes, bytearray)) else content.read(MOST_BYTES + 1))
    if len(data) > MOST_BYTES:
        raise sentence(file, (), f"the file is larger than {MOST_BYTES:_} bytes", "a scenario is a short text")
    if data.count(b"[") + data.count(b"{") > MOST_BRACKETS:
        raise sentence(file, (), "there are too many tables and lists", f"{MOST_BRACKETS:_} brackets are the most here")
    if _depth(data) > MOST_DEPTH:
        raise sentence(file, (), "brackets stand too deep inside each other", "four levels are enough")
    # In a directory that there is not, so that it cannot be taken for a file of that name.
    world = scenario_from_content(f"uploaded/{file}", data)
    check_size(world, steps_limit, organisations_limit)
    _check_texts(file, world)
    return world


def _check_texts(file: str, world: Scenario) -> None:
    named = [("name", row.name) for rows in (world.organisations, world.components, world.events) for row in rows]
    for key, text in (("title", world.title), ("question", world.question), *named):
        if len(text) > MOST_CHARACTERS[key]:
            found = f"{json.dumps(shortened(text), ensure_ascii=False)} is {len(text):_} characters long"
            raise sentence(file, (key,), found, f"{MOST_CHARACTERS[key]:_} are the most here")


def download(scenario: Scenario, changes: Mapping[str, Value] | Sequence[tuple[str, Value]] = ()) -> tuple[str, bytes]:
    """Return name and content of a scenario file that gives this scenario with its changes, complete.

    Raises
    ------
    ScenarioError : changes that are not as they should be.
    """
    changes = dict(changes)
    world = scenario.with_settings(changes, "change") if changes else scenario
    suffix = "-changed" if changes else ""
    return f"{plain_name(scenario.name)}{suffix}.toml", as_toml(world).encode()


def plain_name(name: str) -> str:
    """Return what is plain of a file's name, without directories and ending."""
    stem = re.split(r"[/\\]", name)[-1].removesuffix(".toml")
    return _PLAIN.sub("-", stem).strip("-")[:40] or "scenario"


def _depth(data: bytes) -> int:
    """Return how deep brackets stand inside each other; those inside texts count too, which no scenario has many of."""
    deepest = depth = 0
    for byte in data:
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth = max(0, depth - 1)
    return deepest
