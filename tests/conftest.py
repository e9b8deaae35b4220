"""What holds for all tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# Every role, users that buy from the start, an event; a few tenths of a second.
SMALL = """
title = "Small world"
steps = 8
[adoption]
initial = 0.6
[roles.firm]
initial = 3
[roles.supplier]
initial = 4
[roles.university]
initial = 2
[roles.government]
initial = 1
[roles.intermediary]
initial = 1
[roles.user]
initial = 6
[[events]]
name = "late entrants"
step = 4
enter = { role = "supplier", count = 2 }
"""

# The same examples each time, so that a change and not luck turns a test red; `HYPOTHESIS_PROFILE=explore pytest`
# looks at new ones.
# A rule is compiled on its first call, which no deadline of an example allows for.
settings.register_profile("repeat", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))

# A shell that starts the tests in the background has them, and every process they start, ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def write_world(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that writes a scenario's text into a file, in a new directory unless one is given; it returns the path."""

    def write(text: str, name: str = "world", directory: Path | None = None) -> Path:
        path = (tmp_path_factory.mktemp("worlds") if directory is None else directory) / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def small_text() -> str:
    """Return the text of a small world."""
    return SMALL
