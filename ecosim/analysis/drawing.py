"""Drawing for reports: Matplotlib figures as SVG that stands inside a page, the same bytes for the same numbers."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ecosim.analysis.libraries import library

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (4.6, 3.1)  # inches: as wide as a phone's screen, so that letters there are as large as they are drawn
TALL = (4.6, 4.0)
# Beside each colour a pattern, so that a print without colours tells them apart.
# Lines alone: dots and circles would make a page ten times as large.
PATTERNS = ("", "xxxx", "---", "|||||", "++++", "///", "\\\\", "|||", "-----")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)), (0, (8, 3)), (0, (2, 3)))

_STYLE: Any = {
    "svg.fonttype": "none",  # letters stay letters: they can be searched, copied and read aloud
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.formatter.useoffset": False,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "hatch.linewidth": 0.6,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}
_NAMES = re.compile(r'(\bid="|url\(#|href="#)')


@contextmanager
def style() -> Iterator[None]:
    """Have Matplotlib draw as reports are drawn.

    Raises
    ------
    ScenarioError : Matplotlib is not installed.
    """
    matplotlib = library("matplotlib", "a chart")
    with matplotlib.rc_context(_STYLE):
        yield


def figure_of(size: tuple[float, float] = SIZE) -> tuple[Figure, Axes]:
    """Return a figure with one pair of axes."""
    from matplotlib.figure import Figure

    figure = Figure(size, layout="constrained")
    return figure, figure.subplots()


def svg_of(figure: Figure, name: str) -> str:
    """Return a figure as SVG to be put into a page; `name` keeps what it names apart from other drawings of the page."""
    library("matplotlib", "a chart")
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    return _NAMES.sub(lambda match: f"{match[1]}{name}-", text).strip()


def legend_below(figure: Figure, axes: Axes, columns: int = 3) -> None:
    """Put the legend of some axes below the figure, where a phone has room."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=columns, handlelength=1.8, columnspacing=1.2)


def whole_years(axes: Axes) -> None:
    """Have a time axis name whole years, few enough to be read."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6, min_n_ticks=1))
