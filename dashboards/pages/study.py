"""The page."""

from __future__ import annotations

import solara


@solara.component
def Page() -> None:
    """Say that it is being built."""
    solara.Text("study")
