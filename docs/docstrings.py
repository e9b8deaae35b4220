"""Lets the reference of Python read docstrings: sections of "name : what it is" become numpydoc's name and text below it.

The types stand in the annotations, so that docstrings leave them out; the reader of docstrings would take the text for a type.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

SECTION = re.compile(r"^(Parameters|Attributes|Raises|Returns|Yields)\n-+\n(.*?)(?=^\w[^\n]*\n-{3,}\n|\Z)", re.M | re.S)
ENTRY = re.compile(r"^(\w[\w., *]*) : (.*)$", re.M)


def numpydoc(text: str) -> str:
    """Return a docstring with the text of each entry on a line of its own."""

    def section(match: re.Match[str]) -> str:
        return match[0].replace(match[2], ENTRY.sub(r"\1\n    \2", match[2]))

    return SECTION.sub(section, text)


class HouseDocstrings(griffe.Extension):
    """Rewrites each docstring before it is read."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of one module, class, function or attribute."""
        if obj.docstring:
            obj.docstring.value = numpydoc(obj.docstring.value)
