"""What holds for all tests."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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


# Of a module alone: as long as it is open, its event loop is in the way of other libraries' loops.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the Chromium of this machine; pages of this machine are all that it can reach."""
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.fail("no Chromium found: install one, such as Debian's package chromium, the tests open pages in it")
    flags = [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    ]  # fmt: skip
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=flags)
        yield chromium
        chromium.close()
