"""Proposition files: what is shipped is whole, and what is wrong gets one sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ecosim import ScenarioError
from ecosim.laboratory.declarations import load_propositions

ROW = """
title = "A section"
[[propositions]]
number = "P1"
statement = "More openness, more knowledge."
place = "S001 5"
mechanism = "openness"
reason = "It is measured."
scenario = "classroom"
reading = { statistic = "last", measure = "knowledge_total" }
baselines = [{ "roles.firm.openness_target" = 0.0 }]
"""


def test_shipped_propositions_are_whole() -> None:
    """Protects the reach: 120 propositions in eight sections, at least 60 experiments, each paper with some."""
    found = load_propositions()
    assert [each.number for each in found] == [f"P{number}" for number in range(1, 121)]
    assert len({each.section for each in found}) == 8
    experiments = [each for each in found if each.experiment is not None]
    assert len(experiments) >= 60
    assert {paper for each in experiments for paper in each.papers} == {"S000", "S001", "S002", "S003"}
    assert all(each.experiment is not None for each in found if each.standing == "experiment")


@pytest.mark.parametrize(
    ("wrong", "right", "words"),
    [
        ('measure = "knowledge_totl"', 'measure = "knowledge_total"', "did you mean 'knowledge_total'"),
        ('statistic = "median"', 'statistic = "last"', "give one of"),
        ('statistic = "ratio"', 'statistic = "last"', "has no other measure"),
        ('scenario = "clasroom"', 'scenario = "classroom"', "did you mean 'classroom'"),
        ('"roles.firm.openness_target" = 7.0', '"roles.firm.openness_target" = 0.0', "too high"),
        ('"roles.firm.opennes" = 0.0', '"roles.firm.openness_target" = 0.0', "did you mean"),
        ('number = "1"', 'number = "P1"', "give a P and a number"),
        ('asks = "interaction"\nside = "higher"', 'reason = "It is measured."', "has no reason"),
        ("null = 0.0\n[[propositions]]", "[[propositions]]", "unknown here"),
    ],
)
def test_wrong_files_get_one_sentence(tmp_path: Path, wrong: str, right: str, words: str) -> None:
    """Protects the reader: file, place, what was found and what is right, in one line."""
    path = tmp_path / "mine.toml"
    path.write_text(ROW.replace(right, wrong), encoding="utf-8")
    with pytest.raises(ScenarioError, match=re.escape(words)) as caught:
        load_propositions([path])
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("null = 0.0\n", "has both null and baselines"),
        ('asks = "interaction"\n', "the claim is an interaction"),
        ('standing = "out of scope"\n', "stands in what is out of scope"),
        (ROW.partition("[[")[1] + ROW.partition("[[")[2], "as one before it"),
    ],
)
def test_what_does_not_fit_together_gets_one_sentence(tmp_path: Path, more: str, words: str) -> None:
    """Protects against experiments that mean nothing: no comparison, or two, or a number that stands twice."""
    path = tmp_path / "mine.toml"
    path.write_text(ROW + more, encoding="utf-8")
    with pytest.raises(ScenarioError, match=re.escape(words)):
        load_propositions([path])
