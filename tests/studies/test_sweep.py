"""A sweep: the same results whoever runs it, read at any time, never run twice."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pyarrow.compute
import pytest
from pyarrow import parquet

import ecosim
from ecosim.parameters import ScenarioError
from ecosim.runs import OutputError
from ecosim.studies import plan, progress, store
from ecosim.studies.batch_files import run_files
from ecosim.studies.beginning import estimate

Called = Callable[..., tuple[int, str, str]]
Start = Callable[..., contextlib.AbstractContextManager[subprocess.Popen[bytes]]]

NUMBERS = ["run", "point", "replicate", "seed"]
FACTORS = ["room", "roles.firm.growth_rate"]


def _files(directory: Path) -> dict[str, tuple[int, int]]:
    """Return the files of a directory with size and time, hidden ones left out."""
    files = [path for path in directory.rglob("[!.]*") if path.is_file()]
    return {path.relative_to(directory).as_posix(): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


# -- who runs it --------------------------------------------------------------------------------------------------------


def test_results_are_those_of_single_runs(expected: pd.DataFrame) -> None:
    """Each point with each seed is there once, in order, with what `ecosim.run` gives for it."""
    assert list(expected) == [*NUMBERS, *FACTORS, "members", "most"]
    assert expected["run"].tolist() == list(range(120))
    assert expected.groupby(FACTORS)["seed"].apply(list).tolist() == [list(range(1, 31))] * 4
    for row in expected.iloc[[0, 41, 119]].to_dict("records"):
        settings = {"roles.firm.capacity": row["room"], "roles.firm.growth_rate": row[FACTORS[1]]}
        alone = ecosim.run("limit-turnover", row["seed"], 6, settings).metrics["organisations"]
        assert (row["members"], row["most"]) == (alone.iloc[-1], alone.max())
    assert expected["members"].nunique() > 10
    assert expected.groupby(FACTORS)["members"].mean().nunique() == 4  # or points mixed up would not be noticed


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are those of POSIX")
def test_results_are_those_of_a_process_and_a_terminal_shows_a_bar(
    study_file: Path, tmp_path: Path, start: Start, expected: pd.DataFrame
) -> None:
    """One process, in batches of other lengths, gives the same bits; meanwhile a bar tells how many runs are done."""
    import pty

    ours, theirs = pty.openpty()
    out, shown = tmp_path / "out", b""
    command = ("sweep", study_file, "--out", out, "--workers", 1)
    with start(*command, batch=11, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        # That the other end is closed Linux tells by an error, others by an empty piece.
        with contextlib.suppress(OSError):
            while select.select([ours], [], [], 120.0)[0] and (piece := os.read(ours, 65536)):
                shown += piece
        told = process.communicate(timeout=60)[0].decode()
    os.close(ours)
    assert process.returncode == 0
    assert re.search(rb"\d+ of 120 runs", shown)
    assert shown.rstrip().endswith(b"\x1b[2K"), "the bar is wiped away"
    assert told.startswith("Small study\nruns   120 of 120 done\ntime   ")
    assert told.endswith(f"\nfiles  {out}\nnext   ecosim analyse {out}\n")
    pd.testing.assert_frame_equal(ecosim.read_sweep(out), expected)
    assert len(run_files(out)) > 120 // 11


def test_script_without_guard_can_sweep(study_file: Path, tmp_path: Path, expected: pd.DataFrame) -> None:
    """A script of three lines, without ``if __name__ == "__main__"``, is not run again by each of its two workers."""
    script = tmp_path / "script.py"
    script.write_text(
        f"import ecosim\nprint('once')\nprint(ecosim.sweep({str(study_file)!r}, 'out', workers=2).done)\n"
    )
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, check=False, capture_output=True, text=True, timeout=300
    )
    assert (done.stdout, done.stderr) == ("once\n120\n", "")
    pd.testing.assert_frame_equal(ecosim.read_sweep(tmp_path / "out"), expected)


# -- what is there already -------------------------------------------------------------------------------------------


def test_finished_study_is_not_run_again(finished: Path, study_file: Path) -> None:
    """The same command on a finished study writes nothing and starts no worker."""
    before = _files(finished)
    result = ecosim.sweep(study_file, finished)
    assert (result.done, result.failed, result.total) == (120, 0, 120)
    assert result.seconds < 2.0
    assert _files(finished) == before


def test_missing_batches_are_run_and_no_other(
    copied: Path, study_file: Path, expected: pd.DataFrame, one: ThreadPoolExecutor
) -> None:
    """Batches that are gone come back with the same content; nothing else is touched."""
    before, gone = _files(copied), run_files(copied)[3:9:2]
    for path in gone:
        path.unlink()
    assert len(ecosim.read_sweep(copied)) == 120 - 3 * 7
    ecosim.sweep(study_file, copied, executor=one)
    after = _files(copied)
    assert {name for name in before if after[name] != before[name]} == {f"runs/{path.name}" for path in gone}
    pd.testing.assert_frame_equal(ecosim.read_sweep(copied), expected)


def test_design_is_known_before_the_first_run(study_file: Path, tmp_path: Path, one: ThreadPoolExecutor) -> None:
    """All runs stand in design.parquet, and what study.json needs to repeat them, before a run is done."""
    seen = []

    def look(done: int, failed: int, total: int) -> None:
        if not seen:
            assert done == 0
            seen.append(pd.read_parquet(tmp_path / "out" / "design.parquet"))
            seen.append(json.loads((tmp_path / "out" / "study.json").read_text(encoding="utf-8")))

    ecosim.sweep(study_file, tmp_path / "out", executor=one, progress=look)
    design, record = seen
    assert list(design) == [*NUMBERS, "round", "batch", *FACTORS]
    assert design["run"].tolist() == list(range(120))
    assert (record["runs"], record["points"], record["batches"]) == (120, 4, design["batch"].max() + 1)
    assert record["versions"]["ecosim"] == ecosim.__version__
    assert "ecosim/mechanisms/turnover.py" in record["code"]
    assert store.study_of(tmp_path / "out") == ecosim.load_study(study_file)


def test_results_are_read_while_it_runs(
    study_file: Path, tmp_path: Path, expected: pd.DataFrame, one: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any moment the results so far can be read: whole runs, right ones, more and more of them."""
    monkeypatch.setattr(plan, "MOST_IN_BATCH", 9)
    counts = []

    def look(done: int, failed: int, total: int) -> None:
        so_far = ecosim.read_sweep(tmp_path / "out")
        pd.testing.assert_frame_equal(so_far, expected[expected["run"].isin(so_far["run"])].reset_index(drop=True))
        counts.append((len(so_far), done))

    ecosim.sweep(study_file, tmp_path / "out", executor=one, progress=look)
    lengths = [length for length, _ in counts]
    assert lengths == sorted(lengths)
    assert len(set(lengths)) > 3
    assert all(length >= done for length, done in counts)
    assert counts[-1] == (120, 120)


# -- reading ------------------------------------------------------------------------------------------------------------


def test_outcomes_and_runs_are_chosen(finished: Path, expected: pd.DataFrame) -> None:
    """Outcomes by name; runs by a value, a list, a range, or an expression; names that are wrong raise the right ones."""

    def same(found: pd.DataFrame, chosen: pd.Series) -> None:
        assert 0 < len(found) < 120
        pd.testing.assert_frame_equal(found, expected[chosen].reset_index(drop=True))

    assert list(ecosim.read_sweep(finished, "most")) == [*NUMBERS, *FACTORS, "most"]
    same(
        ecosim.read_sweep(finished, where={"room": 60.0, "seed": [3, 5]}),
        (expected.room == 60.0) & expected.seed.isin([3, 5]),
    )
    same(ecosim.read_sweep(finished, where={"run": (10, 20)}), expected.run.between(10, 20))
    rare = (pyarrow.compute.field("room") < 30.0) & (pyarrow.compute.field("replicate") > 27)
    same(ecosim.read_sweep(finished, where=rare), (expected.room < 30.0) & (expected.replicate > 27))
    assert len(ecosim.read_sweep(finished, where={"room": 1.0})) == 0
    with pytest.raises(ScenarioError, match="the study has no outcome 'member'; did you mean 'members'"):
        ecosim.read_sweep(finished, ["member"])
    with pytest.raises(ScenarioError, match="the study has no factor 'rooms'; did you mean 'room'"):
        ecosim.read_sweep(finished, where={"rooms": 1.0})
    with pytest.raises(OutputError, match="its study keeps no series"):
        ecosim.read_sweep(finished, series=True)
    with pytest.raises(OutputError, match=r"holds no study, there is no study\.json"):
        ecosim.read_sweep(finished / "runs")


def test_only_columns_that_are_asked_for_are_read(copied: Path) -> None:
    """What is wrong in the bytes of one outcome does not show as long as nobody asks for it: those bytes are not read."""
    for path in run_files(copied):
        group = parquet.ParquetFile(path).metadata.row_group(0)
        column = next(group.column(k) for k in range(group.num_columns) if group.column(k).path_in_schema == "most")
        with path.open("r+b") as file:
            file.seek(column.data_page_offset + 20)
            file.write(b"\xff" * 12)
    assert len(ecosim.read_sweep(copied, "members")) == 120
    with pytest.warns(UserWarning, match="is damaged"):
        assert len(ecosim.read_sweep(copied)) == 0


def test_series_and_events_are_kept(
    small_study_text: str, write_study: Callable[[str], Path], tmp_path: Path, one: ThreadPoolExecutor
) -> None:
    """Series have a row a kept quarter and the measure once; events stand in files that anybody can read."""
    text = small_study_text.replace("count = 30", "count = 3") + "[keep]\nseries = 2\nevents = true\n"
    ecosim.sweep(write_study(text), tmp_path / "out", executor=one)
    series = ecosim.read_sweep(tmp_path / "out", series=True)
    assert list(series) == [*NUMBERS, "step", *FACTORS, "organisations"]
    assert series["step"].tolist() == [0, 2, 4] * 12
    row = series.iloc[-1]
    alone = ecosim.run("limit-turnover", int(row.seed), 6, {"roles.firm.capacity": 60.0, "roles.firm.growth_rate": 0.2})
    assert row["organisations"] == alone.metrics["organisations"][4]
    events = pd.read_parquet(tmp_path / "out" / "events")
    assert list(events) == ["run", "step", "event", "subject", "object", "detail"]
    last = events[events.run == row.run].drop(columns="run").reset_index(drop=True)
    pd.testing.assert_frame_equal(last, alone.events, check_dtype=False)


# -- what is said -------------------------------------------------------------------------------------------------------


def test_dry_run_writes_nothing(study_file: Path, tmp_path: Path, called: Called) -> None:
    """``--dry-run`` says how many points, runs and batches there are, how long and how large it will be, and writes no file."""
    before = set(tmp_path.iterdir())
    status, printed, complaint = called("sweep", study_file, "--dry-run", "--workers", 1)
    assert (status, complaint) == (0, "")
    told = dict(re.findall(r"^(\w+) +(\S.*?) *$", printed.partition("\n")[2], re.MULTILINE))
    assert list(told) == ["design", "points", "replicates", "runs", "batches", "time", "disk"]
    assert told["points"] == "4"
    assert told["replicates"] == "30 of each point"
    assert told["runs"] == "120"
    assert told["time"].endswith("on 1 worker")
    assert re.fullmatch(r"about [\d.]+ kB", told["disk"])
    assert set(tmp_path.iterdir()) == before


def test_estimate_is_about_right(study_file: Path, tmp_path: Path, one: ThreadPoolExecutor) -> None:
    """The disk that a study takes is foretold to a factor of five, its time to a factor of ten: the machine does other things."""
    foretold = estimate(study_file, executor=one)
    result = ecosim.sweep(study_file, tmp_path / "out", executor=one)
    size = sum(path.stat().st_size for path in run_files(tmp_path / "out"))
    assert 0.2 < size / foretold.bytes < 5.0
    assert foretold.seconds < 10.0 * result.seconds


def test_piped_progress_is_a_line_a_minute(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody looks there is a line a minute, of what is done, what failed, and how long it takes."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress.SweepWatch() as watch:
        for second in range(0, 601, 5):
            now[0] = float(second)
            watch(1_000 + 2 * second, 3, 5_000)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[0] == "ecosim: 1,120 of 5,000 runs, 3 failed, 32 minutes left"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "less than a second"), (1, "1 second"), (119, "119 seconds"), (121, "2 minutes"), (7_300, "2 hours"), (200_000, "2 days")],
)  # fmt: skip
def test_durations_are_told_in_words(seconds: float, words: str) -> None:
    """A time span is told in the unit in which it has few digits."""
    assert progress.duration(seconds) == words
