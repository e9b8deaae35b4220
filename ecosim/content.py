"""Where the content lies that is read by path: agents/, scenarios/, dashboards/."""

from __future__ import annotations

from pathlib import Path


def content_directory(name: str) -> Path:
    """Return the directory of shipped content: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name
