"""Trials by the real runner: the same whatever runs them, resumed, and stopped by width alone."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest

from ecosim import cli
from ecosim.laboratory.declarations import load_propositions
from ecosim.laboratory.trial import Budget, run_propositions, study_of
from ecosim.laboratory.verdict import Finding

FILE = """
title = "Turnover"
[[propositions]]
number = "P1"
statement = "Room makes a role grow."
place = "S003 4"
mechanism = "room"
reason = "Organisations at the end, with room for 60 and for 20."
scenario = "limit-turnover"
steps = 8
reading = { statistic = "last", measure = "organisations" }
treatment = { "roles.firm.capacity" = 60.0 }
baselines = [{ "roles.firm.capacity" = 20.0 }]
control = { "roles.firm.growth_rate" = 0.0 }

[[propositions]]
number = "P2"
statement = "Members love each other."
place = "S003 9"
mechanism = "love"
standing = "out of scope"
reason = "Nobody loves."
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a proposition file of two, one of which is run."""
    path = tmp_path / "turnover.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


class _StandIn(io.StringIO):
    """A stream that takes the settings which the command line makes of the real ones."""

    def reconfigure(self, **_: str) -> None:
        """Take no notice."""


def test_worlds_share_their_seeds(file: Path) -> None:
    """Protects the pairing: every world of a round has the same seeds, the next round the following ones."""
    proposition = load_propositions([file])[0]
    first, second = (study_of(proposition, Budget(round=5, most=8, first_seed=3), number) for number in (0, 1))
    assert len(first.design.points) == 4
    assert [first.replicates.seed(point, 0) for point in range(4)] == [3] * 4
    assert (first.replicates.count, second.replicates.count, second.replicates.first_seed) == (5, 3, 8)


def test_resumed_and_with_more_workers_the_same(file: Path, tmp_path: Path) -> None:
    """Protects repeatability: a run of which a round was lost, and one on two processes, find the same to the last bit."""
    propositions, budget = load_propositions([file]), Budget(round=3, most=6, width=1e-9)
    whole = run_propositions(propositions, tmp_path / "one", budget, workers=1)
    shutil.rmtree(tmp_path / "one" / "P1" / "round-2")
    assert run_propositions(propositions, tmp_path / "one", budget, workers=2) == whole
    assert whole[0].seeds == 6
    assert whole[1].reason == "Nobody loves."


def test_stops_once_it_is_narrow(file: Path, tmp_path: Path) -> None:
    """Protects the stopping rule: a width that any interval has ends it after the first round, wherever the effect lies."""
    heard: list[Finding] = []
    budget = Budget(round=3, most=30, width=1e6)
    found = run_propositions(load_propositions([file])[:1], tmp_path, budget, 1, heard.append)
    assert found[0].seeds == 3
    assert len(heard) == 1


def test_command_writes_what_it_prints(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects the command: the table, uncut on 80 columns, the correction by name, and a file that holds the same verdicts."""
    out = tmp_path / "out"
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout", stdout := _StandIn())
    with pytest.raises(SystemExit) as end:
        cli.main(["propositions", "--file", str(file), "--out", str(out), "--seeds", "4", "--workers", "1"])
    assert end.value.code == 0
    printed = stdout.getvalue()
    assert "Holm" in printed
    assert "; 4 seeds" in " ".join(printed.split())
    assert "…" not in printed
    assert max(map(len, printed.splitlines())) <= 80
    found = json.loads((out / "propositions.json").read_text(encoding="utf-8"))
    assert [each["verdict"] for each in found["findings"]][1] == "out of scope"
    assert found["findings"][0]["seeds"] == 4
    assert found["settings"]["seeds"] == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("P121",), "there is no proposition 'P121'"), (("--file", "nowhere.toml"), "there is no such file"), (("--seeds", "1"), "--seeds")],
)  # fmt: skip
def test_wrong_requests_get_one_sentence(
    arguments: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protects the user: status 2 and one line."""
    monkeypatch.setattr("sys.stderr", stderr := _StandIn())
    with pytest.raises(SystemExit) as end:
        cli.main(["propositions", *arguments])
    assert end.value.code == 2
    assert words in stderr.getvalue()
    assert stderr.getvalue().count("\n") == 1
