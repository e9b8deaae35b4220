"""What is printed about a run says what its tables say, and shares add to 100."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ecosim.roles import read_roles
from ecosim.runs import Run, run
from ecosim.scenario import load_scenario
from ecosim.schedule import BEGIN, END, QUARTER
from ecosim.summary import percentages, print_roles, print_run, print_schedule

WORLD = """
title = "Two stages [of one world]"
start_year = 2001
steps = 7
roles.firm.initial = 2
roles.supplier.initial = 2
roles.university.initial = 1
roles.government.initial = 1
roles.intermediary.initial = 1
roles.user.initial = 4
[[organisations]]
name = "Core"
role = "firm"
focal = true
"""


def printed(what: object, *arguments: object, width: int = 80) -> str:
    """Return what a function prints on a console that is no terminal."""
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False)
    what(console, *arguments)  # type: ignore[operator]
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    return str(text)


@pytest.fixture(scope="module")
def result(write_world: Callable[..., Path]) -> Run:
    """Return a run of two stages, which and what value is made by hand, so that no calibration moves it."""
    done = run(load_scenario(write_world(WORLD, "two")), seed=1)
    for table in (done.metrics, done.value):
        table.loc[table.step >= 5, "stage"] = "maturity"
        table.loc[table.step < 5, "stage"] = "incubation"
    done.value["value"] = 1000.0 + np.arange(len(done.value)) % 101
    return done


@given(st.lists(st.floats(0.0, 1e12), min_size=1, max_size=64))
def test_printed_shares_add_to_100(amounts: list[float]) -> None:
    """Whatever is shared, the printed percentages add to exactly 100.0, none of them a tenth off."""
    shares = percentages(amounts)
    total = sum(amounts)
    if total == 0.0:
        assert shares == ["-"] * len(amounts)
        return
    assert sum(round(10 * float(share)) for share in shares) == 1000
    for share, amount in zip(shares, amounts, strict=True):
        assert abs(float(share) - 100.0 * amount / total) < 0.1 + 1e-9


def test_rounding_goes_where_most_was_cut_off() -> None:
    """Three equal shares: the first gets the tenth that is left; 2 of 3 parts get it before 1 of 3."""
    assert percentages([1.0, 1.0, 1.0]) == ["33.4", "33.3", "33.3"]
    assert percentages([1.0, 2.0]) == ["33.3", "66.7"]


def test_value_table_has_a_column_a_stage(result: Run) -> None:
    """Rows are beneficiaries, columns the stages in order of appearance with their years, then all of them."""
    lines = printed(print_run, result, None).splitlines()
    heading = next(number for number, line in enumerate(lines) if "incubation" in line)
    assert lines[heading].split() == ["incubation", "maturity", "all"]
    assert lines[heading + 1].split() == ["2001-2002", "2002", "2001-2002"]
    rows = {line.split()[0]: line.split()[1:] for line in lines[heading + 3 : heading + 12]}
    assert list(rows) == [*read_roles(), "employees", "society", "environment"]
    for column in range(3):
        assert sum(round(10 * float(row[column])) for row in rows.values()) == 1000
    exact = result.value_shares()
    assert abs(float(rows["user"][1]) - 100.0 * exact.loc["maturity", "user"]) < 0.1
    totals = [float(word) for word in next(line for line in lines if "total, bn CNY" in line).split()[3:]]
    value = result.value.groupby("stage", sort=False).value.sum() / 1000.0
    assert totals == pytest.approx([*value, value.sum()], rel=0.01)


def test_stage_without_value_has_no_shares(result: Run) -> None:
    """Where no value was made there is nothing to share: dashes, not zeros."""
    value = result.value.assign(value=np.where(result.value.stage == "maturity", 0.0, result.value.value))
    lines = printed(print_run, dataclasses.replace(result, value=value), None).splitlines()
    assert next(line for line in lines if line.startswith(" user ")).split()[2] == "-"
    assert next(line for line in lines if "total, percent" in line).split()[2:] == ["100.0", "-", "100.0"]


def test_world_without_value_has_no_table(result: Run) -> None:
    """Where nothing was made and nothing moved, the summary says so instead of rows of dashes."""
    metrics = result.metrics.assign(ties=0.0, channel_exchange=0.0, channel_pool=0.0, channel_empowerment=0.0)
    roles = result.roles.assign(
        **{name: result.roles[name].where(result.roles.role == "firm", 0) for name in ("count", "entries", "exits")}
    )
    empty = dataclasses.replace(result, value=result.value.assign(value=0.0), metrics=metrics, roles=roles)
    text = printed(print_run, empty, None)
    assert "No value was created.\n" in text
    words = " ".join(text.split())
    assert "ties none flows none core firm revenue " in words
    assert re.findall(r"^ (\w+) +[\d,]+ +[\d,]+ ", text, re.MULTILINE) == ["firm"]


def test_summary_tells_the_rest(result: Run) -> None:
    """Title, seed, dates of stages, counts by role, ties, flows, the core firm and where the files are."""
    text = printed(print_run, result, Path("results") / "first")
    words = " ".join(text.split())
    assert words.startswith("Two stages [of one world] 7 quarters, 2001 Q1 to 2002 Q3; seed 1; ")
    assert "stages incubation from 2001 Q1, maturity from 2002 Q2 " in words
    assert re.search(r"ties \d+, mean trust 0\.\d\d: separation [\d.]+%, sharing [\d.]+%, overlap [\d.]+% ", words)
    assert re.search(r"flows exchange [\d.]+%, pool [\d.]+%, empowerment [\d.]+% of what moved", words)
    assert re.search(r"core firm revenue [\d.]+ bn CNY in the last 4 quarters, research [\d.]+% of it, ", words)
    assert f"hash {result.hash} files " in words
    firms = next(line for line in text.splitlines() if line.split()[:1] == ["firm"] and line.split()[1].isdigit())
    counts = result.roles[result.roles.role == "firm"]
    assert firms.split()[1:3] == [str(counts["count"].iloc[0]), str(counts["count"].iloc[-1])]


def test_schedule_names_each_rule() -> None:
    """Each phase is there in order with the file and the line where its rule begins, and no times before a first run."""
    text = printed(print_schedule, None)
    places = re.findall(r"(\S+\.py):(\d+)\s+(\w+)", text)
    assert [name for _, _, name in places] == [
        rule.__name__ for phase in (BEGIN, *QUARTER, END) for rule in phase.rules + phase.then
    ]
    root = Path(__file__).parents[2]
    for file, line, name in places:
        source = (root / file).read_text(encoding="utf-8").splitlines()
        assert any(f"def {name}(" in text for text in source[int(line) - 1 : int(line) + 3])
    assert [line.split()[-1] for line in text.splitlines() if re.match(r" (\w+) +ecosim/", line)] == ["-"] * len(
        (BEGIN, *QUARTER, END)
    )


def test_further_role_is_listed_with_its_rules(tmp_path: Path) -> None:
    """A role of one's own appears with its file and what it does, rule or method."""
    (tmp_path / "bank.py").write_text(
        "from ecosim import Organisation\n\n\ndef lend(model, rows, parameters):\n    pass\n\n\n"
        "class Bank(Organisation):\n    rules = {'orchestrate': lend}\n\n    def learn(self):\n        pass\n",
        encoding="utf-8",
    )
    text = printed(print_roles, read_roles(tmp_path), width=300)
    bank = text[text.index(" bank ") :]
    assert f"{tmp_path.resolve().as_posix()}/bank.py:8 Bank" in bank
    assert f"orchestrate: {tmp_path.resolve().as_posix()}/bank.py:4 lend" in bank
    assert f"learn: {tmp_path.resolve().as_posix()}/bank.py:11 method" in bank
