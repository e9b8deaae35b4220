"""A file that the server made, handed to the visitor's browser to be saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import solara


@solara.component_vue("download.vue", vuetify=False)
def Download(file: dict[str, str] | None, event_done: Callable[[Any], None]) -> None:
    """Save a file {name, type, content} as soon as there is one; nothing of it is seen."""
