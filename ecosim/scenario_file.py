"""Scenario files: reads TOML as text someone wrote, so that each fault is found with its file and line."""

from __future__ import annotations

import codecs
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecosim.content import content_directory
from ecosim.parameters import ScenarioError, Value, nearest
from ecosim.shapes import Keys, described, sentence, shortened

MOST_BYTES = 1_000_000
# Python refuses numbers of more than 4300 digits in its own words.
MOST_COLUMNS = 4_000
# tomllib's time grows with the square of the parts of a dotted key.
_LONG_KEY = re.compile(r"""(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){32}""")

_BYTE_ORDER_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_POSITION = re.compile(r"\s*\(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")
_SECOND_TIME = re.compile(r"overwrite|twice|mutate|redefine|expand|duplicate", re.IGNORECASE)


@dataclass(frozen=True)
class Document:
    """A scenario file as it stands: its path, its text and what TOML makes of it."""

    path: Path
    text: str = field(repr=False)
    tree: dict[str, Any] = field(repr=False)

    def failure(self, keys: Keys, finding: str, remedy: str) -> ScenarioError:
        """Return the error that names this file and the line where the keys stand, or those that they stand in."""
        lines = key_lines(self.text)
        known = (lines[keys[:length]] for length in range(len(keys), 0, -1) if keys[:length] in lines)
        return sentence(f"{self.path}:{next(known, 1)}", keys, finding, remedy)


def shipped_scenarios() -> dict[str, Path]:
    """Return the scenarios that come with the package, by name."""
    return {path.stem: path for path in sorted(content_directory("scenarios").glob("*.toml"))}


def read_document(path: Path) -> Document:
    """Return a file's document.

    Raises
    ------
    ScenarioError : a file that is missing, too large, not UTF-8, not TOML, or without any key.
    """
    return document_of(path, _content(path))


def document_of(path: Path, content: bytes) -> Document:
    """Return the document of a file's content; `path` is what errors call it.

    Raises
    ------
    ScenarioError : content that is too large, not UTF-8, not TOML, or without any key.
    """
    if len(content) > MOST_BYTES:
        raise sentence(
            str(path),
            (),
            f"the file is larger than {MOST_BYTES:_} bytes",
            "a scenario is a short text, split it with extends",
        )
    text = _text(path, content)
    for number, line in enumerate(text.split("\n"), start=1):
        place = f"{path}:{number}"
        if len(line) > MOST_COLUMNS:
            found = f"the line is {len(line):_} characters long"
            raise sentence(place, (), found, f"break it, {MOST_COLUMNS:_} are the most")
        if _LONG_KEY.search(line):
            raise sentence(place, (), "a key has more than 32 parts", "four are enough, as in roles.firm.kinds.focal")
    tree = _tree(path, text)
    if not tree:
        raise sentence(
            f"{path}:1", (), "the file is empty, it holds no key", 'give at least a title, as in title = "My world"'
        )
    return Document(path, text, tree)


def _content(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise sentence(str(path), (), "is a directory", "give the path of a .toml file in it")
        if path.exists() and not path.is_file():
            raise sentence(str(path), (), "is not an ordinary file", "give the path of a .toml file")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise sentence(str(path), (), "there is no such file", other_scenario(path.stem)) from None
    except ScenarioError:
        raise
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise sentence(
            shortened(str(path)), (), f"cannot be read: {reason}", "give the path of a readable .toml file"
        ) from None
    return content


def other_scenario(name: str) -> str:
    """Return what to give instead of a name under which there is no scenario."""
    if not shipped_scenarios():
        return "give the path of a .toml file"
    return f"give the path of a .toml file or {other_shipped(name).removeprefix('give ')}"


def other_shipped(name: str) -> str:
    """Return what to give instead of a name under which no scenario is shipped."""
    return f"give a shipped scenario, {nearest(shortened(name), shipped_scenarios())}"


def _text(path: Path, content: bytes) -> str:
    if content.startswith(_BYTE_ORDER_MARKS):
        raise sentence(
            f"{path}:1", (), "the file starts with a byte order mark", "save it as UTF-8 without byte order mark"
        )
    if b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        raise sentence(f"{path}:{line}", (), "the file holds a zero byte, it is not text", "give a TOML file in UTF-8")
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{content[error.start]:02x} is not UTF-8"
        raise sentence(f"{path}:{line}", (), found, "save the file as UTF-8") from None


def _tree(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise sentence(
            f"{path}:1", (), "tables or lists stand too deep inside each other", "four levels are enough"
        ) from None
    except ValueError as error:
        raise _syntax_error(path, text, str(error)) from None


def _syntax_error(path: Path, text: str, message: str) -> ScenarioError:
    position = _POSITION.search(message)
    reason = _POSITION.sub("", message)
    reason = reason[:1].lower() + reason[1:]
    if position is not None and position["line"]:
        line, place = int(position["line"]), f"at column {position['column']}"
    else:
        line, place = text.rstrip("\n").count("\n") + 1, "at the end of the file"
    if _SECOND_TIME.search(reason):
        return sentence(f"{path}:{line}", (), f"a key or table is given a second time {place}", "keep one of them")
    remedy = "write name = value, text in quotes and tables as [name]"
    return sentence(f"{path}:{line}", (), f"is not TOML: {shortened(reason)} {place}", remedy)


def parse_setting(setting: str) -> tuple[str, Value]:
    """Return path and value of ``path.to.parameter=value``; the value is read as TOML, a bare word as text.

    Raises
    ------
    ScenarioError : text of another form.
    """
    path, equals, written = (part.strip() for part in setting.partition("="))
    if not path or not equals or not written:
        raise sentence(
            "--set", (), f"{described(setting)} names no parameter and value", "write path.to.parameter=value"
        )
    if len(setting) > MOST_COLUMNS:
        raise sentence(
            "--set", (), f"the setting is {len(setting):_} characters long", f"{MOST_COLUMNS:_} are the most"
        )
    try:
        tree = tomllib.loads(f"value = {written}")
    except (ValueError, RecursionError):
        tree = {"value": written} if re.fullmatch(r"[^\W\d][\w -]*", written) else {}
    if set(tree) != {"value"}:
        finding = f"the value of {shortened(path)} is {shortened(written)}, which is not TOML"
        raise sentence("--set", (), finding, "write a number, true, false or a word")
    return path, tree["value"]


_TOKEN = re.compile(
    r"""(?P<text>\"{3}(?:\\.|[^\\])*?\"{3}\"{0,2}|'{3}.*?'{3}'{0,2}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')"""
    r"""|(?P<newline>\n)|(?P<comment>\#[^\n]*)|(?P<mark>[\[\]{},=])|(?P<bare>[^\s\[\]{},=.\"'\#]+)""",
    re.DOTALL,
)


def key_lines(text: str) -> dict[Keys, int]:
    """Return the line, counted from 1, on which each key and each list item of a valid TOML text first stands."""
    finder = _LineFinder()
    line, position = 1, 0
    for token in _TOKEN.finditer(text):
        line += text.count("\n", position, token.start())
        position = token.start()
        finder.take(str(token.lastgroup), token.group(), line)
    return finder.lines


class _LineFinder:
    """Follows the tokens of a valid TOML text; keeps a stack of its own, so that depth cannot exhaust Python's.

    `place` is where the value to come belongs, `open` holds the lists and inline tables that are not closed yet.
    """

    def __init__(self) -> None:
        self.lines: dict[Keys, int] = {}
        self.table: Keys = ()
        self.place: Keys = ()
        self.open: list[tuple[str, Keys]] = []
        self.key: list[str] = []
        self.in_key = True
        self.brackets = 0
        self.rows: dict[Keys, int] = {}

    def take(self, kind: str, token: str, line: int) -> None:
        if kind == "newline":
            if not self.open:
                self.key, self.in_key, self.brackets = [], True, 0
        elif kind == "mark":
            self._mark(token, line)
        elif kind in ("bare", "text"):
            if self.in_key:
                self.key.append(tomllib.loads(f"key = {token}")["key"] if kind == "text" else token)
            else:
                self.lines.setdefault(self.place, line)

    def _mark(self, mark: str, line: int) -> None:
        if mark == "=":
            self.place = self._located(self.open[-1][1] if self.open else self.table, line)
            self.key, self.in_key = [], False
        elif self.in_key and not self.open and mark in "[]":
            self._header(mark, line)
        elif mark in "[{":
            self.lines.setdefault(self.place, line)
            self.open.append((mark, self.place))
            self.in_key = mark == "{"
            self.place = (*self.place, 0)
        elif mark == ",":
            self.in_key = self.open[-1][0] == "{"
            if not self.in_key:
                self.place = (*self.open[-1][1], int(self.place[-1]) + 1)
        else:
            self.place = self.open.pop()[1]
            self.in_key = False

    def _header(self, mark: str, line: int) -> None:
        if mark == "[":
            self.brackets += 1
        elif self.key:
            self.table = self._located((), line, row=self.brackets == 2)
            self.key = []

    def _located(self, base: Keys, line: int, row: bool = False) -> Keys:
        """Return the keys that the collected names lead to from `base`, through the last row of lists of tables."""
        keys = base
        for position, name in enumerate(self.key):
            keys = (*keys, name)
            self.lines.setdefault(keys, line)
            if row and position == len(self.key) - 1:
                self.rows[keys] = self.rows.get(keys, -1) + 1
            if keys in self.rows:
                keys = (*keys, self.rows[keys])
                self.lines.setdefault(keys, line)
        return keys
