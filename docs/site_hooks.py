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
from mkdocs.structure.pages import Page

import ecosim

PROJECT = Path(__file__).resolve().parents[1]
DOCS = PROJECT / "docs"
LINK = re.compile(r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")
CODE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
# Files of the project's root that are pages of the site.
ROOT_PAGES = {"README.md": "readme.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
PYTHON = "reference/python.md"


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


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Mend the links of a page; give the page on Python the reference of each public name."""
    place = page.file.src_uri
    names = {site: name for name, site in ROOT_PAGES.items()}
    at = PROJECT / names[place] if place in names else DOCS / place
    text, _needed = rewritten(markdown, at, place)
    if place == PYTHON:
        text += "\n\n" + "\n\n".join(f"::: ecosim.{name}" for name in sorted(ecosim.__all__))
    return text
