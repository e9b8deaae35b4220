"""Which code decides the results of a run: every file of the engine that the model imports, and every role file."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from modulefinder import ModuleFinder
from pathlib import Path
from types import CodeType
from typing import Any

from ecosim import roles
from ecosim.parameters import ScenarioError


def model_code(agents: Sequence[str]) -> dict[str, str]:
    """Return each file of the model's code with a digest of its text.

    Role files are read anew each time, as each run reads them anew; the engine is read once, as the process has it.

    Parameters
    ----------
    agents : directories of further role files.
    """
    finder = _Finder(path=[str(_PACKAGE.parent)])
    for name in ("ecosim.model", "ecosim.studies.measuring"):
        finder.import_hook(name)
    imported = {Path(file) for module in finder.modules.values() if (file := getattr(module, "__file__", None))}
    # What the package makes public is no part of the model.
    engine = sorted({*_mechanisms(), *(_name(path) for path in imported - {_PACKAGE / "__init__.py"})})
    return {**{name: _engine(name) for name in engine}, **_roles(agents)}


def check_code(begun_with: Mapping[str, str], agents: Sequence[str], place: str) -> None:
    """Refuse model code that is not the code a study began with.

    Parameters
    ----------
    begun_with : what `model_code` gave then.
    agents : directories of further role files.
    place : stands in the error.

    Raises
    ------
    ScenarioError : a file differs, is new or is missing.
    """
    # A file that is imported for the first time is imported by one that was changed for it.
    engine = {*_mechanisms(), *(name for name in begun_with if name.endswith(".py"))}
    present = {**{name: _engine(name) for name in engine}, **_roles(agents)}
    changed = sorted(name for name in {*begun_with, *present} if begun_with.get(name) != present.get(name))
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise ScenarioError(
            f"{place}: its runs began with other model code, {changed[0]}{more} changed; "
            "put the code back, or give a new directory to begin anew"
        )


_PACKAGE = Path(roles.__file__).parent


# What these import is no part of a run: the public names of the package; how study files are read, which study.json keeps.
_NOT_FOLLOWED = ("ecosim", "ecosim.studies.study")


class _Finder(ModuleFinder):
    """Finds what the modules of a run import."""

    def scan_code(self, co: CodeType, m: Any) -> None:
        """Look for imports in the code of a module."""
        if m.__name__ not in _NOT_FOLLOWED:
            super().scan_code(co, m)


def _name(path: Path) -> str:
    return path.relative_to(_PACKAGE.parent).as_posix()


def _mechanisms() -> list[str]:
    """Return the mechanisms, each of which the grammar imports that it finds in their folder."""
    return [_name(path) for path in (_PACKAGE / "mechanisms").glob("*.py")]


@functools.cache
def _engine(name: str) -> str:
    """Return the digest that a file of the engine had when it was first asked for; empty if there is none."""
    path = _PACKAGE.parent / name
    return _digest(path) if path.exists() else ""


def _roles(agents: Sequence[str]) -> dict[str, str]:
    return {f"role {role.name}": _digest(role.path) for role in roles.read_roles(*agents).values()}


def _digest(path: Path) -> str:
    """Return a digest of a text, the same for any way of ending lines."""
    return hashlib.sha256(path.read_text(encoding="utf-8").encode()).hexdigest()[:16]
