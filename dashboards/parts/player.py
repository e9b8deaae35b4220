"""The player in a page: gets a run once, plays it in the browser by itself, and tells when somebody branches or selects."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import solara

from parts.export import ASSETS, LIBRARY, PLAYER, STYLE, player_texts
from parts.trajectory import Traced

ALL_PANELS = ("shares", "table", "flows", "network", "events", "ladder", "symbiosis", "environment")
MAIN_PANELS = ("shares", "table")
# What lies over a run and may come and go while the run stays.
_OVERLAYS = ("ghost", "band")


@solara.component_vue("player.vue", vuetify=False)
def _Player(
    run: bytes,
    overlays: str,
    texts: str,
    language: str,
    story: str,
    panels: Sequence[str],
    start: int | None,
    listens: Sequence[str],
    drawer: str,
    library: str,
    version: str,
    event_branch: Callable[[int], None],
    event_select: Callable[[int], None],
    event_position: Callable[[int], None],
) -> None:
    """Draw the player; texts and numbers come as JSON, which Vue would otherwise watch value by value."""


@solara.component
def Player(
    traced: Traced,
    language: str = "en",
    overlays: Mapping[str, Any] | None = None,
    on_branch: Callable[[int], None] | None = None,
    on_select: Callable[[int], None] | None = None,
    on_position: Callable[[int], None] | None = None,
    position: int | None = None,
    story: Mapping[str, Any] | None = None,
    panels: Sequence[str] = ALL_PANELS,
) -> None:
    """Show a run that plays in the browser.

    It takes the run and not its trajectory, since Solara looks through every list and mapping that a component is given for
    further components, which took longer than the run.

    Parameters
    ----------
    traced : the run.
    language : "en" or "zh".
    overlays : the ghost and the band that lie over it, which can change alone; those of its trajectory unless given.
    on_branch : called with the quarter to branch at; without it there is no such button.
    on_select : called with the uid of the organisation that was chosen.
    on_position : called with the quarter at which the cursor comes to rest.
    position : quarter at which the cursor begins; the last one unless given.
    story : what `parts.story` tells of the chosen organisation.
    panels : what to show, of `ALL_PANELS`.
    """
    sent = solara.use_ref(None)
    if sent.current is None or sent.current[0] is not traced:
        run = {key: part for key, part in traced.trajectory.items() if key not in _OVERLAYS}
        sent.current = (traced, packed(run), json.dumps(player_texts([run])))
    callbacks = {"branch": on_branch, "select": on_select, "position": on_position}
    over = {key: (traced.trajectory if overlays is None else overlays).get(key) for key in _OVERLAYS}
    _Player(
        run=sent.current[1],
        overlays=solara.use_memo(lambda: json.dumps(over), list(over.values())),
        texts=sent.current[2],
        language=language,
        story=json.dumps(story) if story is not None else "",
        panels=list(panels),
        start=position,
        listens=[name for name, callback in callbacks.items() if callback is not None],
        drawer="player",
        library=LIBRARY,
        version=assets_version(),
        **{f"event_{name}": _told(callback) for name, callback in callbacks.items()},
    )


def packed(run: Mapping[str, Any]) -> bytes:
    """Return a run as compressed JSON."""
    return zlib.compress(json.dumps(run, separators=(",", ":"), allow_nan=False).encode(), 1)


def _told(callback: Callable[[int], None] | None) -> Callable[[int], None]:
    return (lambda number: callback(int(number))) if callback is not None else (lambda number: None)


@cache
def assets_version() -> str:
    """Return what changes when a script or a style that draws does, so that no browser keeps an old one."""
    files = (LIBRARY, PLAYER, STYLE, "study.js", "study.css")
    return hashlib.sha256(b"".join((ASSETS / file).read_bytes() for file in files)).hexdigest()[:12]
