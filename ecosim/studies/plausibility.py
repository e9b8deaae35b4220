"""What can be told of a whole study beforehand: how many runs it has, and whether its settings fit together."""

from __future__ import annotations

from ecosim.shapes import Failure
from ecosim.studies.study import Study


def check_study(study: Study, failure: Failure) -> None:
    """Raise at the first thing that would fail in every run, or in many."""
