"""Whoever comes without a language in the address gets the first of theirs that there is."""

from __future__ import annotations

from typing import Any

import pytest
import solara.lab

from pages import frame


@pytest.mark.parametrize(
    ("asked", "language"),
    [("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-GB,en;q=0.9", "en"), ("fr-FR, fr;q=0.9, zh;q=0.7, en;q=0.3", "zh"), ("fr", "en"), ("", "en")],
)  # fmt: skip
def test_first_language_that_there_is(asked: str, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A visitor whose first language is neither of ours gets the second that is, not English whatever else they read."""

    class Headers:
        value: Any = {"accept-language": [asked]}

    monkeypatch.setattr(solara.lab, "headers", Headers)
    assert frame._preferred() == language
