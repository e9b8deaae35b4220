"""The live page: turn a knob, and see who gets the value."""

from __future__ import annotations

import solara

from pages.frame import Complaint
from parts import session


@solara.component
def Page() -> None:
    """Run what is asked for and show it."""
    order = session.order.value
    task = session.use_trajectory(order)
    future = task.value
    if future is not None and future.wrong:
        Complaint(future.wrong)
    elif future is not None:
        solara.Text(f"{future.traced.trajectory['hash']}")
    else:
        solara.ProgressLinear(True)
