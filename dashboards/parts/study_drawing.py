"""The charts of a study in a page: they get their numbers at once, and tell which level, cell or point was picked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import solara

from parts.export import LIBRARY
from parts.player import assets_version


# The template of the player loads the library once a page, unpacks what it is given, and hands it to a drawing script.
@solara.component_vue("player.vue", vuetify=False)
def _Drawing(
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
    event_pick: Callable[[dict[str, Any]], None],
    event_turn: Callable[[int], None],
) -> None:
    """Draw what assets/study.js makes of the numbers."""


@solara.component
def Drawing(
    shown: bytes,
    language: str,
    on_pick: Callable[[dict[str, Any]], None] | None = None,
    on_turn: Callable[[int], None] | None = None,
) -> None:
    """Show sections of a study, or the runs behind a pick.

    Parameters
    ----------
    shown : ``{"sections": [...], "words": {...}}``, with ``title``, ``note`` and ``runs`` for runs, as `parts.player.packed` makes
        it: Solara would look through a mapping for components.
    language : "en" or "zh".
    on_pick : called with what was picked.
    on_turn : called with the page of the table that is asked for.
    """
    _Drawing(
        run=shown,
        overlays="{}",
        texts="{}",
        language=language,
        story="",
        panels=[],
        start=None,
        listens=[name for name, told in (("pick", on_pick), ("turn", on_turn)) if told is not None],
        drawer="study",
        library=LIBRARY,
        version=assets_version(),
        event_pick=on_pick or (lambda _: None),
        event_turn=on_turn or (lambda _: None),
    )
