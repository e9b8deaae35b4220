"""The plan of a sweep: every run once, in batches that stay what they are; the stopping rule, round by round."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from hypothesis import example, given
from hypothesis import strategies as st
from numba.core import event
from pyarrow import parquet
from scipy import stats

import ecosim
from ecosim.studies import compiling, plan
from ecosim.studies.batch_files import run_files
from ecosim.studies.plan import MOST_BATCHES, Plan, batch_size, is_design, write_design
from ecosim.studies.stopping import Precision
from ecosim.studies.study_parts import Replicates, Until


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw a plan of at most some hundred runs, with or without a stopping rule."""
    count = draw(st.integers(1, 7))
    until = Until("x", 1.0, draw(st.integers(count, 30))) if count > 1 and draw(st.booleans()) else None
    replicates = Replicates(count, draw(st.booleans()), draw(st.integers(0, 2**62)), until)
    return Plan(draw(st.integers(1, 20)), replicates, draw(st.integers(1, 50)))


@given(plans())
@example(Plan(1, Replicates(1), 1))
def test_every_run_is_planned_once(whole: Plan) -> None:
    """Each point has each replicate once, with the seed that the study says, in consecutive runs, batches and rounds."""
    table = whole.table(range(whole.batches), {"x": np.arange(whole.points) * 0.5}).to_pandas()
    most, count = whole.replicates.most, whole.replicates.count
    assert table["run"].tolist() == list(range(whole.runs))
    assert sorted(zip(table.point, table.replicate)) == [(p, r) for p in range(whole.points) for r in range(most)]
    assert table.seed.tolist() == [
        whole.replicates.seed(p, r) for p, r in zip(table.point.tolist(), table.replicate.tolist())
    ]
    assert (table["round"] == table.replicate // count).all()
    assert (table.x == table.point * 0.5).all()
    assert table["round"].is_monotonic_increasing
    assert table.batch.drop_duplicates().tolist() == list(range(whole.batches))
    for batch, rows in table.groupby("batch"):
        assert rows.run.tolist() == list(whole.runs_of(batch))
        assert len(rows) <= whole.size
        assert rows["round"].nunique() == 1
        assert whole.round_of(batch) == rows["round"].iloc[0]
        assert whole.point_of(rows.run.to_numpy()).tolist() == rows.point.tolist()
    for number in range(whole.rounds):
        assert list(whole.batches_of(number)) == table.batch[table["round"] == number].drop_duplicates().tolist()


@given(st.floats(1e-6, 1e4), st.integers(1, 200_000), st.integers(1, 40), st.integers(1, 64))
def test_batches_are_about_a_second_of_work(seconds: float, points: int, count: int, workers: int) -> None:
    """Batches of quick runs are about a second long; there are never too many files, and enough for all workers."""
    replicates = Replicates(count)
    size = batch_size(seconds, points, replicates, workers)
    batches = Plan(points, replicates, size).batches
    assert 1 <= batches <= MOST_BATCHES + 1
    if batches < MOST_BATCHES // 2:
        assert size == 1 or size * seconds <= 1.5 * plan.SECONDS
        assert batches >= min(4 * workers, points * count)


def test_workers_read_a_part_of_the_design(tmp_path: Path) -> None:
    """A design of many runs is in row groups of some thousands, each of whole batches, and tells a study's from another's."""
    whole = Plan(30_000, Replicates(1), 33)
    write_design(tmp_path / "design.parquet", whole, pd.DataFrame({"x": np.arange(30_000.0)}), "abc")
    file = parquet.ParquetFile(tmp_path / "design.parquet")
    groups = [file.read_row_group(k).to_pandas() for k in range(file.num_row_groups)]
    assert 6 < len(groups) < 12
    assert sum(group.batch.nunique() for group in groups) == whole.batches
    assert pd.concat(groups).run.tolist() == list(range(30_000))
    assert is_design(tmp_path / "design.parquet", "abc")
    assert not is_design(tmp_path / "design.parquet", "abd")


# -- the stopping rule ----------------------------------------------------------------------------------------------------


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30), min_size=1, max_size=5))
def test_precision_is_that_of_the_t_interval(values: list[list[float]]) -> None:
    """The width is that of the 95 % interval by Student's t, as SciPy has it, however values of points are mixed."""
    precision = Precision(Until("x", 1.0, 100), len(values) + 1)
    for place in range(30):
        known = [(point, series[place]) for point, series in enumerate(values) if place < len(series)]
        precision.take([point for point, _ in known], [value for _, value in known])
    for point, series in enumerate(values):
        width = 2.0 * stats.t.ppf(0.975, len(series) - 1) * stats.sem(series)
        assert precision.widths()[point] == pytest.approx(width, rel=1e-6, abs=1e-6)
    assert precision.widths()[-1] == np.inf
    assert len(values) in precision.unfinished()


UNTIL = "[replicates]\ncount = 4\ncommon = false\nuntil = { outcome = 'members', width = 12.0, most = 18 }\n"


@pytest.fixture
def until(small_study_text: str, write_study: Callable[[str], Path]) -> Path:
    """Return a study of four points of which each takes a number of replicates of its own."""
    return write_study(small_study_text.replace("[replicates]\ncount = 30\n", UNTIL))


def _widths(table: pd.DataFrame, most: int) -> dict[int, float]:
    """Return the width of the interval at each point, of its first replicates."""
    groups = table[table.replicate < most].groupby("point")["members"]
    return {point: 2 * stats.t.ppf(0.975, len(g) - 1) * g.std(ddof=1) / np.sqrt(len(g)) for point, g in groups}


def test_replicates_are_added_until_the_mean_is_known(until: Path, tmp_path: Path, one: ThreadPoolExecutor) -> None:
    """Each point has rounds until its interval is narrow enough, not one more and not one less, at most so many runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "MOST_IN_BATCH", 3)
        result = ecosim.sweep(until, tmp_path / "out", executor=one)
    table = ecosim.read_sweep(tmp_path / "out")
    counts = table.groupby("point").size().to_dict()
    assert result.total == result.done == len(table) == sum(counts.values())
    assert set(counts.values()) <= {4, 8, 12, 16, 18}
    assert len(set(counts.values())) > 1, "all points took the same"
    for point, count in counts.items():
        before = (count - 1) // 4 * 4
        assert count == 18 or _widths(table, count)[point] < 12.0
        assert before == 0 or _widths(table, before)[point] >= 12.0


def test_rounds_resume_and_do_not_depend_on_batches(until: Path, tmp_path: Path, one: ThreadPoolExecutor) -> None:
    """Other batches, and a study that lost some of any round, give the same runs with the same bits."""
    ecosim.sweep(until, tmp_path / "one", executor=one)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "MOST_IN_BATCH", 2)
        ecosim.sweep(until, tmp_path / "out", executor=one)
    expected = ecosim.read_sweep(tmp_path / "one")
    pd.testing.assert_frame_equal(ecosim.read_sweep(tmp_path / "out"), expected)
    for path in run_files(tmp_path / "out")[1::3]:
        path.unlink()
    ecosim.sweep(until, tmp_path / "out", executor=one)
    pd.testing.assert_frame_equal(ecosim.read_sweep(tmp_path / "out"), expected)


def test_batch_of_a_round_with_other_runs_is_run_again(until: Path, tmp_path: Path, one: ThreadPoolExecutor) -> None:
    """A batch of a later round holds the points that needed it then; if others need it now, it is run again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "MOST_IN_BATCH", 8)
        ecosim.sweep(until, tmp_path / "out", executor=one)
    expected = ecosim.read_sweep(tmp_path / "out")
    later = run_files(tmp_path / "out")[4]
    assert pd.read_parquet(later)["replicate"].min() >= 4, "it is of a later round"
    parquet.write_table(parquet.read_table(later).slice(1), later)
    assert len(ecosim.read_sweep(tmp_path / "out")) == len(expected) - 1
    ecosim.sweep(until, tmp_path / "out", executor=one)
    pd.testing.assert_frame_equal(ecosim.read_sweep(tmp_path / "out"), expected)


def test_scipy_that_is_missing_is_named(
    until: Path, tmp_path: Path, one: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without SciPy, which quantiles of t take, the extra that has it is named."""
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    with pytest.raises(ecosim.ScenarioError, match=r'a stopping rule takes SciPy.*"ecosim\[analysis\]"'):
        ecosim.sweep(until, tmp_path / "out", executor=one)
    assert not (tmp_path / "out").exists()


# -- compiling ----------------------------------------------------------------------------------------------------------

RULES = """
import time

from ecosim.compilation import compiled


@compiled
def inner(x):
    return x + 1.0


@compiled
def outer(x):
    return inner(x) * 2.0
"""
COMPILES = """
import json, sys, time
from numba.core import event
from ecosim.studies.compiling import compile_in_turn
sys.path.insert(0, sys.argv[1])
import rules

class Watch(event.Listener):
    spans = []
    def on_start(self, happening):
        if happening.data["dispatcher"].py_func.__module__ == "rules":
            self.spans.append([happening.data["dispatcher"].py_func.__name__, time.time(), 0.0])
            time.sleep(0.3)
    def on_end(self, happening):
        for span in reversed(self.spans):
            if span[0] == happening.data["dispatcher"].py_func.__name__ and not span[2]:
                span[2] = time.time()
                return

with compile_in_turn(), event.install_listener("numba:compile", Watch()):
    assert rules.outer(1.0) == 4.0
print(json.dumps(Watch.spans))
"""


def test_processes_compile_in_turn(tmp_path: Path) -> None:
    """Of processes that start on a cold cache at the same time one compiles, and the others then read what it made."""
    import json
    import os

    (tmp_path / "rules.py").write_text(RULES, encoding="utf-8")
    (tmp_path / "compiles.py").write_text(COMPILES, encoding="utf-8")
    ours = {**os.environ, "ECOSIM_CACHE_DIR": str(tmp_path / "cache"), "NUMBA_DISABLE_JIT": "0"}
    command = [sys.executable, str(tmp_path / "compiles.py"), str(tmp_path)]
    with contextlib.ExitStack() as stack:
        both = [
            stack.enter_context(subprocess.Popen(command, env=ours, stdout=subprocess.PIPE, text=True))
            for _ in range(2)
        ]
        for process in both:
            stack.callback(process.kill)
        spans = sorted((json.loads(process.communicate(timeout=120)[0]) for process in both), key=len)
    assert [process.returncode for process in both] == [0, 0]
    assert {name for name, *_ in spans[1]} == {"inner", "outer"}
    assert len(spans[0]) <= 1, "the one that waited compiled at most what it waited with"


def test_a_lock_that_is_never_let_go_is_waited_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all the rules that a process compiles only the first waits for a process that holds the lock for ever."""
    place = tmp_path / "compiling.lock"
    ours = FileLock(place, timeout=0.3, thread_local=False)
    monkeypatch.setattr(compiling, "_lock", lambda: ours)

    def run() -> bool:
        with compiling.compile_in_turn():
            for _ in range(10):
                with event.trigger_event("numba:compile", {}):
                    held = ours.is_locked
        return held

    with FileLock(place):
        begun = time.monotonic()
        assert not run()
        assert not run()
        assert 0.3 <= time.monotonic() - begun < 3.0
    assert run(), "once it is free it is taken"
    assert not ours.is_locked
