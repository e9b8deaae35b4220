"""Report pages: what a page says, as data, and the one template that turns it into a file that needs no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ecosim.analysis.libraries import library

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Chart:
    """A chart: an SVG drawing, what it shows in a sentence for those who do not see it, and a caption for all."""

    svg: str
    title: str
    described: str
    caption: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Grid:
    """A table of texts; all columns but the first `left` are numbers and stand to the right."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    left: int = 1
    last_is_total: bool = False


@dataclass(frozen=True)
class Listing:
    """Sentences one below the other, each with what stands before it, such as a date."""

    title: str
    rows: Sequence[tuple[str, str]]
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A part of a page: a heading, paragraphs, charts, listings, tables, then commands, each with a word on what it does."""

    title: str
    paragraphs: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    grids: Sequence[Grid] = ()
    listings: Sequence[Listing] = ()
    commands: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class ReportPage:
    """A page.

    Attributes
    ----------
    kind : what it is a report of: "Run", "Study", "Calibration".
    lead : the sentences that a reader in a hurry reads.
    facts : name and value, such as the seed.
    commands : what to type, each with a word on what it does.
    warnings : what the reader must know before reading on.
    """

    kind: str
    title: str
    question: str
    lead: Sequence[str]
    facts: Sequence[tuple[str, str]]
    commands: Sequence[tuple[str, str]]
    sections: Sequence[Section]
    warnings: Sequence[str] = field(default=())


def rendered(page: ReportPage) -> str:
    """Return the HTML of a page: everything inside, nothing asked of any network; every text is escaped.

    Raises
    ------
    ScenarioError : Jinja is not installed.
    """
    jinja2 = library("jinja2", "a report")
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["drawn"] = Markup  # a drawing of Matplotlib's, which escapes the texts in it
    return str(environment.get_template("report.html").render(page=page))
