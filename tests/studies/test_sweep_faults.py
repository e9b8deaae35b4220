"""What can go wrong in a sweep: runs that raise or end their process, files that are damaged, studies that changed, disks."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import ecosim
from ecosim.parameters import ScenarioError
from ecosim.runs import OutputError
from ecosim.studies import executors, plan
from ecosim.studies.batch_files import run_files
from ecosim.studies.beginning import record_in
from ecosim.studies.dispatch import GIVEN_UP, Dispatch, Task
from ecosim.studies.study_record import read_record
from ecosim.studies.worker import run_under_way

Called = Callable[..., tuple[int, str, str]]

posix = pytest.mark.skipif(os.name != "posix", reason="the disks and limits are those of POSIX")

# A role that does harm in one run of twenty, those of seeds 7 and 27.
TROUBLE = '''
from ecosim import Organisation


def stumble(model, rows, parameters):
    if model.seed % 20 == 7 and model.step_number == 2:
        {harm}


class Trouble(Organisation):
    """Stumbles in some runs."""

    defaults = {{"initial": 1}}
    rules = {{"turn_over": stumble}}
'''


@pytest.fixture
def troubled(tmp_path: Path, small_study_text: str) -> Callable[[str], Path]:
    """Return a function that writes a study in which some runs do what is given, one run in twenty of forty of each point."""

    def write(harm: str) -> Path:
        (tmp_path / "roles").mkdir(exist_ok=True)
        (tmp_path / "draft.py").write_text(TROUBLE.format(harm=harm), encoding="utf-8")
        os.replace(tmp_path / "draft.py", tmp_path / "roles" / "trouble.py")
        text = small_study_text.replace("steps = 6", 'steps = 4\nagents = ["roles"]').replace(
            "count = 30", "count = 40"
        )
        (tmp_path / "troubled.toml").write_text(text, encoding="utf-8")
        return tmp_path / "troubled.toml"

    return write


def _sentence(end: tuple[int, str, str]) -> str:
    """Return the one sentence with which the command line refused."""
    status, printed, told = end
    assert (status, printed) == (2, "")
    assert re.fullmatch(r"ecosim: [^\n]+\n", told)
    return told.removeprefix("ecosim: ").rstrip("\n")


# -- runs that fail ---------------------------------------------------------------------------------------------------


def test_failed_runs_do_not_stop_the_others(
    troubled: Callable[[str], Path], tmp_path: Path, called: Called, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of runs of which 5 % raise, 95 % are there; each other one is named with its error and a command that repeats it."""
    study = troubled('raise ValueError(f"no luck with {model.seed}\\nat all")')
    monkeypatch.setattr(plan, "MOST_IN_BATCH", 15)
    status, printed, told = called("sweep", study, "--out", tmp_path / "out", "--workers", 2)
    assert (status, told) == (1, "")
    assert "152 of 160 done, 8 failed" in printed
    well = ecosim.read_sweep(tmp_path / "out")
    assert len(well) == 152
    assert not well["members"].isna().any()
    failures = pd.read_parquet(tmp_path / "out" / "failures.parquet")
    pd.testing.assert_frame_equal(failures, ecosim.read_failures(tmp_path / "out"))
    assert list(failures) == [*list(well)[:6], "error", "traceback", "command"]
    assert sorted([*well["run"], *failures["run"]]) == list(range(160))
    assert failures["seed"].tolist() == [7, 27] * 4
    assert failures["error"].tolist() == ["ValueError: no luck with 7 at all", "ValueError: no luck with 27 at all"] * 4
    assert failures["traceback"].str.contains('trouble.py", line 7, in stumble').all()
    with pytest.raises(ValueError, match="no luck with 7"):
        called(*shlex.split(failures["command"][2])[1:])
    lucky = shlex.split(failures["command"][2].replace("--seed 7", "--seed 8"))
    assert called(*lucky[1:])[0] == 0
    before = (tmp_path / "out" / "runs").stat().st_mtime_ns
    assert called("sweep", study, "--out", tmp_path / "out")[0] == 1, "they are told of again"
    assert (tmp_path / "out" / "runs").stat().st_mtime_ns == before, "and not run again"


@pytest.mark.slow
def test_run_that_ends_its_process_is_found(troubled: Callable[[str], Path], tmp_path: Path) -> None:
    """Runs that kill their worker become failures; those that shared a batch or the pool with them are all there."""
    study = troubled("__import__('os')._exit(9)")
    text = study.read_text(encoding="utf-8").replace("count = 40", "count = 12")
    study.write_text(
        text.replace("levels = [20.0, 60.0]", "levels = [20.0]").replace("0.01, 0.2", "0.2"), encoding="utf-8"
    )
    result = ecosim.sweep(study, tmp_path / "out", workers=1)
    assert (result.done, result.failed, result.total) == (11, 1, 12)
    failures = ecosim.read_failures(tmp_path / "out")
    assert failures["seed"].tolist() == [7]
    assert failures["error"].tolist() == [GIVEN_UP]
    assert failures["command"].str.startswith("ecosim run limit-turnover --seed 7 --steps 4").all()
    assert ecosim.read_sweep(tmp_path / "out")["seed"].tolist() == [s for s in range(1, 13) if s != 7]


def test_exit_in_a_role_is_a_failed_run(
    troubled: Callable[[str], Path], tmp_path: Path, one: ThreadPoolExecutor
) -> None:
    """Code of a role that asks Python to end ends its run and nothing else."""
    result = ecosim.sweep(troubled("raise SystemExit(3)"), tmp_path / "out", executor=one)
    assert (result.done, result.failed) == (152, 8)
    assert set(ecosim.read_failures(tmp_path / "out")["error"]) == {"SystemExit: 3"}


def test_no_failures_no_file(finished: Path) -> None:
    """A study in which all went well has no failures.parquet, and an empty table of failures with the same columns."""
    assert not (finished / "failures.parquet").exists()
    failures = ecosim.read_failures(finished)
    assert len(failures) == 0
    assert list(failures)[-3:] == ["error", "traceback", "command"]


# -- files that do not belong there -------------------------------------------------------------------------------------


def _break_files(directory: Path) -> None:
    """Cut a file short, change one bit of another, and put what is not of the study under a third name and a fourth."""
    cut, bit, foreign, other, *_ = run_files(directory)
    cut.write_bytes(cut.read_bytes()[:-100])
    content = bytearray(bit.read_bytes())
    content[len(content) // 4] ^= 1
    bit.write_bytes(bytes(content))
    pd.DataFrame({"run": [1]}).to_parquet(foreign)
    shutil.copy(run_files(directory)[7], other)
    (directory / "runs" / "notes.txt").write_text("see page 3", encoding="utf-8")
    (directory / "runs" / ".batch-000004.parquet-abc.unfinished").write_bytes(b"PAR1")


def test_damaged_files_are_told_and_skipped_by_readers(copied: Path, expected: pd.DataFrame) -> None:
    """Reading names what is damaged or of something else, leaves it out, and does not touch it."""
    _break_files(copied)
    before = sorted(path.name for path in (copied / "runs").iterdir())
    with pytest.warns(UserWarning, match=r"batch-00000[0-3]\.parquet: is damaged") as told:
        found = ecosim.read_sweep(copied)
    assert len(told) == 4
    pd.testing.assert_frame_equal(found, expected[expected.run >= 28].reset_index(drop=True))
    assert sorted(path.name for path in (copied / "runs").iterdir()) == before


def test_damaged_files_are_set_aside_and_run_again(
    copied: Path, study_file: Path, expected: pd.DataFrame, one: ThreadPoolExecutor, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sweep moves them out of the way, with a sentence for each, and runs their runs again; rests of killed processes go."""
    _break_files(copied)
    ecosim.sweep(study_file, copied, executor=one)
    pd.testing.assert_frame_equal(ecosim.read_sweep(copied), expected)
    assert [path.name for path in (copied / "runs").iterdir() if path not in run_files(copied)] == []
    aside = sorted(path.name for path in (copied / "set-aside").iterdir())
    assert aside == [*(f"runs-batch-00000{k}.parquet" for k in range(4)), "runs-notes.txt"]
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 5
    assert all(
        re.match(r"ecosim: .*runs.*(is damaged|is no file of results).*; it was moved to ", line) for line in told
    )


def test_damaged_series_are_run_again(
    small_study_text: str, write_study: Callable[[str], Path], tmp_path: Path, one: ThreadPoolExecutor
) -> None:
    """A batch is whole only with its series: where they are gone or damaged it is run again."""
    study = write_study(small_study_text.replace("count = 30", "count = 4") + "[keep]\nseries = 3\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "MOST_IN_BATCH", 4)
        ecosim.sweep(study, tmp_path / "out", executor=one)
    before = ecosim.read_sweep(tmp_path / "out", series=True)
    first, second, *_ = run_files(tmp_path / "out", "series")
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1])
    ecosim.sweep(study, tmp_path / "out", executor=one)
    pd.testing.assert_frame_equal(ecosim.read_sweep(tmp_path / "out", series=True), before)


def test_damaged_design_is_written_anew(copied: Path, study_file: Path, expected: pd.DataFrame) -> None:
    """The design follows from the study: a damaged or missing one is made again, and no run is run again."""
    for spoil in (lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-9])):
        spoil(copied / "design.parquet")
        with pytest.raises(OutputError, match=r"design\.parquet: "):
            ecosim.read_sweep(copied)
        ecosim.sweep(study_file, copied)
        pd.testing.assert_frame_equal(ecosim.read_sweep(copied), expected)


# -- studies that changed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "finding"),
    [
        (
            "[20.0, 60.0]",
            "[20.0, 61.0]",
            "factors[1].levels[2] was 60.0 (a decimal number) and is 61.0 (a decimal number) now",
        ),
        ("steps = 6", "steps = 7", "worlds[1].steps was 6 (a whole number) and is 7 (a whole number) now"),
        ("count = 30", "count = 40", "replicates.count was 30 (a whole number) and is 40 (a whole number) now"),
        (
            "limit-turnover",
            "limit-symbiosis",
            'scenarios[1] was "limit-turnover" (text) and is "limit-symbiosis" (text) now',
        ),
        ("most =", "top =", "outcomes.most was a table and is not there now"),
    ],
)
def test_changed_study_is_refused(
    before: str, after: str, finding: str, finished: Path, small_study_text: str, write_study: Callable[[str], Path]
) -> None:
    """Another study does not go into the directory of one: the setting that differs is named with both values."""
    changed = write_study(small_study_text.replace(before, after))
    with pytest.raises(ScenarioError) as refusal:
        ecosim.sweep(changed, finished)
    assert (
        str(refusal.value)
        == f"{finished}: belongs to another study: {finding}; give the same study, or a new directory"
    )


def test_other_title_is_the_same_study(
    finished: Path, small_study_text: str, write_study: Callable[[str], Path]
) -> None:
    """A title, a question and a file may be called otherwise; the results are those of the same study."""
    renamed = write_study(small_study_text.replace("Small study", "Small study, typing error mended"), "other")
    assert ecosim.sweep(renamed, finished).done == 120


def test_changed_role_is_refused(troubled: Callable[[str], Path], tmp_path: Path, one: ThreadPoolExecutor) -> None:
    """A role file edited between two sittings is refused by name, as it would make one study of two models."""
    study = troubled("pass")
    ecosim.sweep(study, tmp_path / "out", executor=one)
    troubled("model.environment.seekers[0] += 1.0")
    with pytest.raises(ScenarioError, match="its runs began with other model code, role trouble changed"):
        ecosim.sweep(study, tmp_path / "out", executor=one)


def test_role_edited_while_it_runs_is_noticed(
    troubled: Callable[[str], Path], tmp_path: Path, one: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run reads role files anew; so each batch makes sure that they are those that the study began with."""
    monkeypatch.setattr(plan, "MOST_IN_BATCH", 10)
    study = troubled("pass")

    def edit(done: int, failed: int, total: int) -> None:
        if done:
            troubled("model.environment.seekers[0] += 1.0")

    with pytest.raises(ScenarioError, match="role trouble changed"):
        ecosim.sweep(study, tmp_path / "out", executor=one, progress=edit)
    assert 10 <= len(ecosim.read_sweep(tmp_path / "out")) < 160


def test_changed_engine_is_refused(copied: Path, study_file: Path) -> None:
    """A changed, a new and a missing file of the engine count; the first is named, and how many more there are."""
    record = json.loads((copied / "study.json").read_text(encoding="utf-8"))
    record["code"]["ecosim/mechanisms/turnover.py"] = "0" * 16
    record["code"]["ecosim/mechanisms/gone.py"] = "0" * 16
    (copied / "study.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(
        ScenarioError, match=r"ecosim/mechanisms/gone\.py and 1 more changed; put the code back, or give"
    ):
        ecosim.sweep(study_file, copied)


def test_other_libraries_are_told(copied: Path, study_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With another version of a library a study goes on, and says that last digits may differ."""
    record = json.loads((copied / "study.json").read_text(encoding="utf-8"))
    record["versions"]["numpy"] = "1.0"
    (copied / "study.json").write_text(json.dumps(record), encoding="utf-8")
    ecosim.sweep(study_file, copied)
    told = capsys.readouterr().err
    assert "goes on with numpy " in told
    assert "instead of 1.0; the last digits of results may differ" in told


@pytest.mark.parametrize("content", ["", "{}", '{"format": 1}', "no JSON"])
def test_damaged_record_is_one_sentence(content: str, copied: Path, study_file: Path) -> None:
    """A study.json that is not one is told, by readers and writers."""
    (copied / "study.json").write_text(content, encoding="utf-8")
    for use in (lambda: ecosim.read_sweep(copied), lambda: ecosim.sweep(study_file, copied)):
        with pytest.raises(OutputError, match=r"study\.json: is damaged, or of another version of ecosim"):
            use()


# -- what is refused ----------------------------------------------------------------------------------------------------

LIST = 'title = "x"\nscenarios = ["limit-turnover"]\n[design]\nkind = "list"\nfile = "p.csv"\n[outcomes]\nties = {}\n'
HUGE = (
    'title = "x"\nscenarios = ["limit-turnover"]\nsteps = 1\n[design]\nkind = "sobol"\nsamples = 2097152\n'
    '[[factors]]\npath = "roles.user.capacity"\nlow = 1.0\nhigh = 2.0\n[outcomes]\nties = {}\n'
)


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (
            'scenarios = ["limit-turnover"]\n[outcomes]\ntrust = {}\n',
            'outcomes.trust is "trust" (text), which is no measure',
        ),
        (LIST, "p.csv"),
        (HUGE, "runs"),
        ("title = 3\n", "title is 3"),
    ],
    ids=["unknown outcome", "no runs", "ten million runs", "no study"],
)
def test_wrong_study_is_one_sentence(
    text: str, finding: str, write_study: Callable[[str], Path], tmp_path: Path, called: Called
) -> None:
    """A study with an unknown outcome, without runs or with far too many: status 2, a sentence, no directory."""
    (tmp_path / "p.csv").write_text("roles.user.capacity\n", encoding="utf-8")
    sentence = _sentence(called("sweep", write_study(text), "--out", tmp_path / "out"))
    assert finding in sentence
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "finding"),
    [
        ("small.toml", "a study writes files; give a directory for them with --out DIR"),
        ("smal.toml --out out", "smal.toml: there is no such file"),
        ("small.toml --out small.toml", "small.toml: is a file; give the name of a directory"),
        ("small.toml --out small.toml/out", "small.toml/out: cannot be written: not a directory"),
        ("small.toml --out thesis", "thesis: holds 'chapter.txt', which is no sweep; give a new or an empty directory"),
        ("small.toml --out out --workers 0", "invalid value for '--workers'"),
        ("small.toml --out out --scheduler tcp://127.0.0.1:1", "tcp://127.0.0.1:1: no Dask scheduler answers"),
        ("small.toml --out out --scheduler nonsense://", "nonsense://: no Dask scheduler answers"),
        ("small.toml --out out --agents nowhere", "nowhere: is not a directory of role files"),
    ],
)
def test_wrong_argument_is_one_sentence(
    arguments: str, finding: str, study_file: Path, tmp_path: Path, called: Called, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each wrong argument: status 2, one sentence, nothing written."""
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work", encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr(executors, "ANSWER", 1.0)
    sentence = _sentence(called("sweep", *arguments.split()))
    assert sentence.replace(f"{tmp_path}/", "").startswith(finding)
    assert sorted(tmp_path.rglob("*")) == before


def test_dask_that_is_missing_is_named(study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Dask the extra that has it is named."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ScenarioError, match=r'run pip install "ecosim\[cluster\]"'):
        ecosim.sweep(study_file, tmp_path / "out", scheduler="tcp://127.0.0.1:8786")
    assert not (tmp_path / "out").exists()


def test_two_sweeps_in_one_directory(copied: Path, study_file: Path, called: Called, one: ThreadPoolExecutor) -> None:
    """While a sweep is under way in a directory, a second one is refused; afterwards it may."""
    run_files(copied)[0].unlink()
    told = []

    def second(done: int, failed: int, total: int) -> None:
        if not told:
            told.append(_sentence(called("sweep", study_file, "--out", copied)))

    ecosim.sweep(study_file, copied, executor=one, progress=second)
    assert told == [f"{copied}: another sweep is writing there; wait for it, or give another directory"]
    assert ecosim.sweep(study_file, copied).done == 120


# -- disks --------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _small_disk(place: Path) -> Iterator[Path]:
    """Yield a directory on a disk of a megabyte, or skip where nobody lets us mount one."""
    disk = place / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=False, capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"no disk can be mounted: {mounted.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@posix
@pytest.mark.skipif(shutil.which("mount") is None, reason="there is no mount")
def test_full_disk_keeps_what_was_finished(
    study_file: Path, tmp_path: Path, called: Called, expected: pd.DataFrame, one: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A disk that is full in the middle of a study: status 2, what to do, whole batches there; with room it goes on."""
    with _small_disk(tmp_path) as disk:
        filler = disk / "filler"
        filler.write_bytes(bytes(2**20 - 2**16))
        monkeypatch.setattr(plan, "MOST_IN_BATCH", 2)
        sentence = _sentence(called("sweep", study_file, "--out", disk / "out", "--workers", 1))
        assert re.search(r"cannot be written: no space left on device; what was finished before is kept, ", sentence)
        found = ecosim.read_sweep(disk / "out")
        assert 0 < len(found) < 120
        pd.testing.assert_frame_equal(found, expected[expected.run.isin(found.run)].reset_index(drop=True))
        filler.unlink()
        ecosim.sweep(study_file, disk / "out", executor=one)
        pd.testing.assert_frame_equal(ecosim.read_sweep(disk / "out"), expected)


@posix
@pytest.mark.skipif(shutil.which("mount") is None, reason="there is no mount")
def test_read_only_disk_is_one_sentence(study_file: Path, tmp_path: Path, finished: Path) -> None:
    """A disk that cannot be written is told before anything is run; a finished study on it can still be read."""
    with _small_disk(tmp_path) as disk:
        shutil.copytree(finished, disk / "finished")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        for out in (disk / "out", disk / "finished"):
            with pytest.raises(OutputError) as refusal:
                ecosim.sweep(study_file, out)
            assert str(refusal.value) == f"{out}: cannot be written: read-only file system; give a directory that can"
        assert len(ecosim.read_sweep(disk / "finished")) == 120


@posix
def test_file_size_limit_is_one_sentence(study_file: Path, tmp_path: Path, one: ThreadPoolExecutor) -> None:
    """A limit on the size of files stops the study with a sentence, and leaves no file half-written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OutputError, match=r"study\.json: cannot be written: file too large; "):
            ecosim.sweep(study_file, tmp_path / "out", executor=one)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "out").exists()


@posix
def test_no_permission_is_one_sentence(study_file: Path, tmp_path: Path) -> None:
    """A directory of somebody else's is told before anything is run, also to those who usually may do everything."""
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    code = (
        "import os, sys, ecosim, ecosim.studies.runner\nfrom ecosim.runs import OutputError\nstudy = ecosim.load_study(sys.argv[1])\n"
        "os.chmod(os.path.dirname(sys.argv[2]), 0o500)\nif os.geteuid() == 0: os.seteuid(65534)\n"
        "try:\n    ecosim.sweep(study, sys.argv[2])\nexcept OutputError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, study_file, theirs / "out"],
        check=False, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (
        f"{theirs / 'out'}: cannot be written: permission denied; give a directory that can\n",
        "",
    )
    theirs.chmod(0o700)
    assert list(theirs.iterdir()) == []


# -- workers that are gone ------------------------------------------------------------------------------------------------


class _Broken(Executor):
    """An executor of somebody else's that breaks at the fifth call."""

    def __init__(self) -> None:
        self.calls = 0

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Run the call at once, or have none any more."""
        self.calls += 1
        future: Future[Any] = Future()
        if self.calls < 5:
            future.set_result(function(*arguments, **named))
        else:
            future.set_exception(BrokenExecutor("gone"))
        return future


def test_executor_that_breaks_is_one_sentence(
    study_file: Path, tmp_path: Path, expected: pd.DataFrame, one: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An executor that was given and breaks ends the sweep with a sentence; what was finished is kept, another goes on."""
    monkeypatch.setattr(plan, "MOST_IN_BATCH", 10)
    with pytest.raises(OutputError, match="the workers cannot be reached any more; what was finished is kept"):
        ecosim.sweep(study_file, tmp_path / "out", executor=_Broken(), workers=1)
    assert len(ecosim.read_sweep(tmp_path / "out")) == 30, "one call was the trial"
    ecosim.sweep(study_file, tmp_path / "out", executor=one)
    pd.testing.assert_frame_equal(ecosim.read_sweep(tmp_path / "out"), expected)


class _Dying:
    """Workers that die at each run, or before they have come to one."""

    def __init__(self, directory: Path, at_run: bool) -> None:
        self.directory, self.at_run, self.renewed = directory, at_run, 0

    def count(self) -> int:
        return 2

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        _, _, batch, _, given_up, alone = arguments
        if alone and self.at_run:
            run_under_way(self.directory, batch).write_text(str(max(given_up, default=batch * 100) + 1))
        future: Future[Any] = Future()
        future.set_exception(BrokenExecutor("dead"))
        return future

    def deaths(self, error: BaseException) -> int:
        return 1

    def reachable(self) -> bool:
        return True

    def renew(self) -> None:
        self.renewed += 1


@pytest.mark.parametrize(
    ("at_run", "told", "most"),
    [(True, r"10 runs in a row have ended their worker process, .* memory", 30), (False, "end before they run anything", 10)],
)  # fmt: skip
def test_workers_that_always_die_end_the_sweep(at_run: bool, told: str, most: int, tmp_path: Path) -> None:
    """Where every run ends its worker, or no worker gets to a run, it is said after a few, and not tried with thousands."""
    (tmp_path / "runs").mkdir()
    workers = _Dying(tmp_path, at_run)
    dispatch = Dispatch(tmp_path, "", workers, lambda done: None, lambda: False)
    with pytest.raises(OutputError, match=told):
        dispatch.run(Task(batch) for batch in range(1_000))
    assert workers.renewed < most


class _Silent:
    """Workers that are gone, and whose calls never end."""

    def count(self) -> int:
        return 1

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        return Future()

    def deaths(self, error: BaseException) -> int:
        return 0

    def reachable(self) -> bool:
        return False


def test_workers_that_go_during_the_trial_are_not_waited_for(study_file: Path, tmp_path: Path) -> None:
    """A scheduler that goes away tells of no call under way: the trial, too, looks whether anybody is there."""
    told: list[str] = []
    with pytest.raises(OutputError, match="the workers cannot be reached any more"):
        record_in(tmp_path, ecosim.load_study(study_file), _Silent(), "out", told.append)
    assert told == []
    assert not (tmp_path / "study.json").exists()


@pytest.mark.parametrize(
    ("version", "found"), [("0.0.9", "ecosim 0.0.9"), (ModuleNotFoundError("ecosim"), "no ecosim")]
)
def test_worker_with_another_version_is_refused(version: object, found: str) -> None:
    """A Dask worker that could not load what it is handed, and would end without a word, is named beforehand."""
    executors.check_installed({"tcp://10.0.0.1:1": ecosim.__version__})
    with pytest.raises(OutputError, match=f"tcp://10.0.0.2:1: this worker has {found}; install ecosim "):
        executors.check_installed({"tcp://10.0.0.1:1": ecosim.__version__, "tcp://10.0.0.2:1": version})


def test_worker_without_the_directory_says_so(finished: Path, tmp_path: Path) -> None:
    """A worker that does not see the directory, as on a machine without the same file system, says where and what to do."""
    from ecosim.studies.worker import run_batch

    with pytest.raises(OutputError, match=r"does not see this directory; all workers .* must see the same file system"):
        run_batch(str(tmp_path / "elsewhere"), read_record(finished).digest, 0)
    with pytest.raises(OutputError, match="sees another study there"):
        run_batch(str(finished), "0" * 64, 0)
