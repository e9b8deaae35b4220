"""A row of fields and buttons, made of what browsers have: labels, keyboard and touch come with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import solara


@solara.component_vue("choices.vue", vuetify=False)
def Choices(
    fields: list[dict[str, Any]],
    buttons: list[dict[str, Any]],
    event_choose: Callable[[dict[str, str]], None],
    event_press: Callable[[str], None],
) -> None:
    """Show fields {name, label, value, options [{value, label}] or None} and buttons {name, label, primary, disabled}."""
