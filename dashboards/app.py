"""The dashboard: its pages, and the frame around them.

Serve it with ``ecosim dashboard``; ``solara run dashboards/app.py`` serves one person on this machine.
"""

from __future__ import annotations

import sys
from pathlib import Path

import solara
import solara.server.settings

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))
if str(HERE / "assets") not in solara.server.settings.assets.extra_locations:
    solara.server.settings.assets.extra_locations = [
        *solara.server.settings.assets.extra_locations,
        str(HERE / "assets"),
    ]

from pages import compare, frame, info, lessons, live, propositions, study  # noqa: E402  # after the directory is on the path

# The layout of the first page is the frame of all.
routes = [
    solara.Route("/", component=live.Page, layout=frame.Layout),
    solara.Route("info", component=info.Page),
    solara.Route("compare", component=compare.Page),
    solara.Route("study", component=study.Page),
    solara.Route("lessons", component=lessons.Page),
    solara.Route("propositions", component=propositions.Page),
]
