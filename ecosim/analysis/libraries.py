"""Libraries that an extra brings: loaded when they are needed, and asked for in one sentence when they are not there."""

from __future__ import annotations

import importlib
from types import ModuleType

from ecosim.parameters import ScenarioError


def library(name: str, taker: str, extra: str = "analysis") -> ModuleType:
    """Return a library.

    Parameters
    ----------
    taker : what needs it, as the sentence says it.
    extra : the extra of this package that brings it.

    Raises
    ------
    ScenarioError : it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ScenarioError(
            f'{taker} takes {name}, which is not installed; run pip install "ecosim[{extra}]"'
        ) from None
