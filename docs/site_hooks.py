"""What MkDocs does besides turning docs/ into pages: the README, files of the project that pages link to, the reference of Python.

Pages stay plain Markdown with links as GitHub follows them. A link that leaves docs/ for a file leads to a copy of it
in the site; one that leads to a folder becomes its name.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation, Section, StructureItem
from mkdocs.structure.pages import Page

import ecosim

PROJECT = Path(__file__).resolve().parents[1]
DOCS = PROJECT / "docs"
LINK = re.compile(r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")
CODE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
# Files of the project's root that are pages of the site.
ROOT_PAGES = {"README.md": "readme.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
PYTHON = "reference/python.md"
# The order of the sidebar: a section, and what is in it, a folder or pages by name. Pages not named here came out of runs.
RESULTS = "What came out"
SECTIONS: dict[str, str | tuple[str, ...]] = {
    "Start": ("index", "readme"),
    "Tutorials": "tutorials",
    "How to": "how-to",
    "The model": ("odd", "trace", "sources", "glossary"),
    "Scenarios": "scenarios",
    "Known results": "limits",
    RESULTS: (),
    "Reference": "reference",
    "The project": ("changelog", "contributing"),
}


def rewritten(markdown: str, at: Path, place: str) -> tuple[str, set[Path]]:
    """Return a page with the links that leave docs/ made to lead into the site, and the files that it then needs.

    Parameters
    ----------
    markdown : the page as it is written.
    at : the file that holds it, from which its links go out.
    place : path of the page in the site, such as "how-to/add-a-role.md".
    """
    needed: set[Path] = set()
    up = "../" * place.count("/")

    def link(match: re.Match[str]) -> str:
        words, anchor = match[1], match[3] or ""
        target = (at.parent / match[2]).resolve()
        path = target.relative_to(PROJECT).as_posix()
        if target.is_relative_to(DOCS):
            return f"[{words}]({up}{target.relative_to(DOCS).as_posix()}{anchor})"
        if path in ROOT_PAGES:
            return f"[{words}]({up}{ROOT_PAGES[path]}{anchor})"
        if target.is_dir():
            return words
        needed.add(target)
        return f"[{words}]({up}source/{path}.txt)"

    parts = [part if part.startswith("```") else LINK.sub(link, part) for part in CODE.split(markdown)]
    return "".join(parts), needed


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the project's root, and the source files that pages link to."""
    for name, place in ROOT_PAGES.items():
        files.append(File.generated(config, place, content=(PROJECT / name).read_text(encoding="utf-8")))
    needed: set[Path] = set()
    for path in (*DOCS.rglob("*.md"), *(PROJECT / name for name in ROOT_PAGES)):
        needed |= rewritten(path.read_text(encoding="utf-8"), path, "")[1]
    for path in sorted(needed):
        place = f"source/{path.relative_to(PROJECT).as_posix()}.txt"
        files.append(File.generated(config, place, content=path.read_text(encoding="utf-8")))
    return files


def _holds(held: str | tuple[str, ...], place: str) -> bool:
    return place in held if isinstance(held, tuple) else place.startswith(f"{held}/")


def on_nav(nav: Navigation, **_: Any) -> Navigation:
    """Put the sidebar into the order of `SECTIONS`, so that a new page needs no entry anywhere."""
    pages = {page.file.src_uri.removesuffix(".md"): page for page in nav.pages}
    placed: dict[str, list[Page]] = {title: [] for title in SECTIONS}
    for place, page in sorted(pages.items()):
        homes = (title for title, held in SECTIONS.items() if _holds(held, place))
        placed[next(homes, RESULTS)].append(page)
    for title, held in SECTIONS.items():
        if isinstance(held, tuple) and held:
            placed[title] = [pages[name] for name in held]
    items: list[StructureItem] = []
    for title, held_pages in placed.items():
        section = Section(title, list(held_pages))
        for page in held_pages:
            page.parent = section
        items.append(section)
    nav.items = items
    return nav


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Mend the links of a page; give the page on Python the reference of each public name."""
    place = page.file.src_uri
    names = {site: name for name, site in ROOT_PAGES.items()}
    at = PROJECT / names[place] if place in names else DOCS / place
    text, _needed = rewritten(markdown, at, place)
    if place == PYTHON:
        text += "\n\n" + "\n\n".join(f"::: ecosim.{name}" for name in sorted(ecosim.__all__))
    return text
