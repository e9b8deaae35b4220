"""What holds for all tests."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

# The same examples each time, so that a change and not luck turns a test red; `HYPOTHESIS_PROFILE=explore pytest`
# looks at new ones.
settings.register_profile("repeat", derandomize=True)
settings.register_profile("explore", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))

# A shell that starts the tests in the background has them, and every process they start, ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
