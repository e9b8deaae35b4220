"""The command line: what it prints, writes, refuses, and how it ends.

How a process starts and ends is looked at in processes of its own; what it answers, where the tests run, too.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import jsonschema
import pandas as pd
import pytest

import ecosim
from ecosim import cli
from ecosim.outcome_table import OUTCOMES
from ecosim.roles import read_roles
from ecosim.runs import RESULT_FILES
from ecosim.schedule import BEGIN, END, QUARTER
from ecosim.state import STAGES
from ecosim.terminal import COMPILING

COMMANDS = (
    "run",
    "scenarios",
    "show",
    "validate",
    "where",
    "schema",
    "sweep",
    "analyse",
    "report",
    "calibrate",
    "propositions",
    "dashboard",
)
FILES = {"metrics.parquet", "value.parquet", "roles.parquet", "flows.parquet", "events.parquet", "run.json"}

posix = pytest.mark.skipif(os.name != "posix", reason="signals and pseudo-terminals are those of POSIX")


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a process whose output is plain and 80 columns wide."""
    ours = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "CLICOLOR_FORCE")}
    return {**ours, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1", **more}


def call(*arguments: str | Path, cwd: Path | None = None, code: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end; the line about compiling, which only a first run prints, is left out."""
    start = ["-m", "ecosim"] if code is None else ["-c", code]
    done = subprocess.run(
        [sys.executable, *start, *arguments], check=False, capture_output=True, text=True, encoding="utf-8", cwd=cwd,
        env=environment(),
    )  # fmt: skip
    done.stderr = done.stderr.replace(f"{COMPILING}\n", "")
    return done


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Return what runs the command line in this process and tells the same as `call`."""

    def ask(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        monkeypatch.setenv("COLUMNS", "80")
        capsys.readouterr()
        with monkeypatch.context() as changed:
            if cwd is not None:
                changed.chdir(cwd)
            with pytest.raises(SystemExit) as end:
                cli.main([str(argument) for argument in arguments])
        printed, told = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return subprocess.CompletedProcess(arguments, end.value.code, printed, told.replace(f"{COMPILING}\n", ""))

    return ask


def sentence_of(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one sentence with which a process refused what it was given."""
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("ecosim: ")
    assert done.stderr.endswith("\n")
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("ecosim: ").rstrip("\n")


def content_of(directory: Path) -> dict[str, bytes | None]:
    """Return everything under a directory, hidden files and empty folders too."""
    paths = sorted(directory.rglob("*"))
    return {path.relative_to(directory).as_posix(): path.read_bytes() if path.is_file() else None for path in paths}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, write_world: Callable[..., Path], small_text: str) -> Path:
    """Return a directory with a small world in small.toml and, once `first` is asked for, its results in first/."""
    directory = tmp_path_factory.mktemp("place")
    write_world(small_text, "small", directory)
    return directory


@pytest.fixture(scope="module")
def first(place: Path) -> subprocess.CompletedProcess[str]:
    """Return the process of a first run, its ledger audited, and its results in first/."""
    done = call("run", "small.toml", "--out", "first", "--audit", cwd=place)
    assert done.returncode == 0, done.stderr
    return done


# -- help -------------------------------------------------------------------------------------------------------------


def test_help_is_light() -> None:
    """Help of all commands, and the version, load no heavy library: they answer at once."""
    heavy = ["mesa", "numba", "numpy", "pandas", "pyarrow", "rich.progress", "ecosim.model"]
    code = f"""
import contextlib, io, json, sys
from ecosim.cli import main
printed = {{}}
for arguments in (["--help"], ["--version"], [], *([name, "--help"] for name in {COMMANDS!r})):
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())) as output:
        try:
            main(arguments)
        except SystemExit as end:
            output.seek(0)
            printed[" ".join(arguments)] = [end.code, output.read()]
print(json.dumps([sorted(set({heavy!r}) & set(sys.modules)), printed]))
"""
    loaded, printed = json.loads(call(code=code).stdout)
    assert loaded == []
    assert printed["--version"] == [0, f"ecosim {ecosim.__version__}\n"]
    assert printed[""] == printed["--help"]
    for arguments, (status, text) in printed.items():
        assert status == 0
        assert arguments == "--version" or text.startswith("Usage: ecosim ")
    listed = re.findall(r"^  (\w+) +[A-Z].*[^.]\.$", printed["--help"][1], re.MULTILINE)
    assert listed == list(COMMANDS), "each command with its sentence, none cut off"


def test_scenarios_lists_what_is_shipped(answer: Callable[..., Any]) -> None:
    """Each shipped scenario is named, with what it asks."""
    done = answer("scenarios")
    assert done.returncode == 0
    assert "huawei-ecosystem" in done.stdout
    assert "How is value shared among" in done.stdout


# -- a run ------------------------------------------------------------------------------------------------------------


def test_run_prints_a_plain_summary(first: subprocess.CompletedProcess[str]) -> None:
    """Piped output fits 80 columns, has no escape codes, names seed and hash; stderr is silent."""
    assert first.stderr == ""
    assert "\x1b" not in first.stdout
    assert "\r" not in first.stdout
    assert max(map(len, first.stdout.splitlines())) <= 80
    assert first.stdout.startswith("Small world\n8 quarters, 2000 Q1 to 2001 Q4; seed 1; ")
    for word in (*read_roles(), "employees", "society", "environment", "stages", "ties", "flows", "core firm"):
        assert re.search(rf"^ ?{word} ", first.stdout, re.MULTILINE), word
    assert first.stdout.splitlines()[-1].split() == ["files", "first"]


def test_run_writes_five_tables_and_a_record(first: subprocess.CompletedProcess[str], place: Path) -> None:
    """The directory holds the documented files with the documented columns, and nothing else is left beside it."""
    assert {path.name for path in (place / "first").iterdir()} == FILES
    assert {path.name for path in place.iterdir()} >= {"small.toml", "first"}
    assert not list(place.glob(".*"))
    tables = {name.removesuffix(".parquet"): pd.read_parquet(place / "first" / name) for name in FILES - {"run.json"}}
    beneficiaries = [*read_roles(), "employees", "society", "environment"]
    metrics = ["step", "year", "quarter", "stage", *(outcome.name for outcome in OUTCOMES)]
    assert list(tables["metrics"]) == [*metrics, *(f"share_{name}" for name in beneficiaries)]
    assert "value_created" in metrics
    assert list(tables["value"]) == ["step", "stage", "beneficiary", "kind", "value"]
    assert list(tables["roles"])[:5] == ["step", "role", "count", "capital", "talent"]
    assert "knowledge" in tables["roles"]
    assert list(tables["flows"]) == ["step", "element", "channel", "source", "target", "volume"]
    assert list(tables["events"]) == ["step", "event", "subject", "object", "detail"]
    assert tables["metrics"].step.tolist() == list(range(8))
    assert set(tables["metrics"].stage) <= set(STAGES)
    assert set(tables["value"].beneficiary) == set(beneficiaries)
    assert set(tables["value"].kind) == {"economic", "social", "environmental"}
    record = json.loads((place / "first" / "run.json").read_text(encoding="utf-8"))
    assert record["seed"] == 1
    assert record["scenario"]["title"] == "Small world"
    assert record["versions"]["ecosim"] == ecosim.__version__
    assert record["seconds"] > 0.0
    assert re.fullmatch("[0-9a-f]{64}", record["hash"])
    assert record["hash"] in first.stdout


def test_seed_decides(first: subprocess.CompletedProcess[str], place: Path, answer: Callable[..., Any]) -> None:
    """The same seed in another process, this one, gives the same bytes; seeds 0 and 2 give others, seed 0 included."""
    assert first.returncode == 0
    hashes = {}
    for seed in (0, 1, 2):
        done = answer("run", "small.toml", "--seed", str(seed), "--out", f"seed{seed}", cwd=place)
        assert f"; seed {seed}; " in done.stdout
        hashes[seed] = json.loads((place / f"seed{seed}" / "run.json").read_text(encoding="utf-8"))["hash"]
        if seed == 1:
            for name in FILES - {"run.json"}:
                assert (place / "seed1" / name).read_bytes() == (place / "first" / name).read_bytes(), name
    assert len(set(hashes.values())) == 3


def test_options_reach_the_run_and_its_command_repeats_it(place: Path, answer: Callable[..., Any]) -> None:
    """Settings, rules left out and steps are in the record, and the command kept there gives the same tables."""
    options = ("--set", "roles.user.initial=9", "--set", "schedule.activation=random", "--without", "turnover")
    done = call("run", "small.toml", "--seed", "5", "--steps", "3", *options, "--out", "changed", cwd=place)
    assert done.returncode == 0, done.stderr
    record = json.loads((place / "changed" / "run.json").read_text(encoding="utf-8"))
    world = record["scenario"]
    assert (world["roles"]["user"]["initial"], world["schedule"]["activation"]) == (9, "random")
    assert (world["rules"]["turnover"], world["steps"], record["steps"], record["seed"]) == (False, 8, 3, 5)
    assert len(pd.read_parquet(place / "changed" / "metrics.parquet")) == 3
    words = shlex.split(record["repeat"]["command"])
    assert words[:2] == ["ecosim", "run"]
    again = answer(*words[1:], cwd=place)
    assert record["hash"] in again.stdout


def test_steps_may_end_before_an_event(
    tmp_path: Path, write_world: Callable[..., Path], small_text: str, answer: Callable[..., Any]
) -> None:
    """A shorter run of a scenario is possible even if it dates events after its end."""
    event = '[[events]]\nname = "late"\nstep = 6\nenter = { role = "user" }\n'
    write_world(small_text + event, "late", tmp_path)
    done = answer("run", "late.toml", "--steps", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "\n2 quarters, 2000 Q1 to 2000 Q2; seed 1; " in done.stdout


def test_broken_ledger_ends_the_run(tmp_path: Path, write_world: Callable[..., Path], small_text: str) -> None:
    """With --audit a role that makes money out of nothing is caught: status 1, step, account and amount, no files."""
    (tmp_path / "roles").mkdir()
    (tmp_path / "roles" / "forger.py").write_text(
        "from ecosim import Organisation\n\n\ndef forge(model, rows, parameters):\n"
        "    model.organisations.capital[rows[0]] += 7.0\n\n\n"
        "class Forger(Organisation):\n    defaults = {'initial': 1}\n    rules = {'learn': forge}\n",
        encoding="utf-8",
    )
    write_world(small_text, "small", tmp_path)
    done = call("run", "small.toml", "--agents", "roles", "--audit", "--out", "forged", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"ecosim: step 0: capital .*, a difference of 7(\.\d+)?\n", done.stderr)
    assert {path.name for path in tmp_path.iterdir()} == {"roles", "small.toml"}


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "finding", "remedy"),
    [
        ("rnu small.toml", "there is no command 'rnu'", "did you mean 'run'?"),
        ("run small.toml --sed 3", "there is no option '--sed'", "did you mean '--seed'?"),
        ("--verison", "there is no option '--verison'", "did you mean '--version'?"),
        ("run", "missing argument 'SCENARIO'", "see 'ecosim run --help'"),
        ("run small.toml --seed three", "invalid value for '--seed': ", "see 'ecosim run --help'"),
        ("run small.toml other.toml", "got unexpected extra argument", "see 'ecosim run --help'"),
        ("run small.toml --out", "option '--out' requires an argument", "--help'"),
        ("run smal.toml", "smal.toml: there is no such file", "give the path of a .toml file"),
        ("run small.toml --seed -1", "seed is -1", "valid is a whole number from 0 to"),
        ("run small.toml --steps 0 --out new/results", "run: steps is 0, which is too low", "from 1 to 100_000"),
        ("run small.toml --set roles.firm.capcity=9", '--set: "roles.firm.capcity" is not', "'roles.firm.capacity'?"),
        ("run small.toml --without trsut", "without: there is no rule 'trsut'", "did you mean 'trust'?"),
        ("run small.toml --agents nowhere", "nowhere: is not a directory of role files", "give a folder"),
        ("run small.toml --out thesis", "thesis: holds 'chapter.txt', which is no result", "give a new or an empty"),
        ("run small.toml --out small.toml/new", "small.toml/new: cannot be written", "give a directory that can"),
        ("schema --out nowhere/schema.json", "nowhere/schema.json: cannot be written: no such file", ""),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    arguments: str, finding: str, remedy: str, tmp_path: Path, write_world: Callable[..., Path], small_text: str,
    answer: Callable[..., Any],
) -> None:  # fmt: skip
    """Each wrong option, name, path or value: status 2, one line with what is right, nothing run, nothing written."""
    write_world(small_text, "small", tmp_path)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work", encoding="utf-8")
    before = content_of(tmp_path)
    sentence = sentence_of(answer(*arguments.split(), cwd=tmp_path))
    assert sentence.startswith(finding)
    assert remedy in sentence
    assert content_of(tmp_path) == before


MALFORMED = {
    "empty": "",
    "no-toml": "title = ",
    "not-utf-8": b"title = '\xff'",
    "binary": b"\x7fELF\0\0",
    "deep": "title = " + "[" * 5_000,
    "long-line": "title = '" + "x" * 5_000 + "'",
    "long-key": "a." * 40 + "b = 1",
    "key-twice": "steps = 3\nsteps = 4",
    "table-twice": "[rules]\n[rules]",
    "control-character": 'title = "\\u0007"\nsteps = "\\u0007"',
    "unknown-key": "colour = 1",
    "misspelt-key": "stpes = 3",
    "misspelt-table": "[enviroment]\ndrift = 0.1",
    "misspelt-parameter": "[environment]\ndrit = 0.1",
    "misspelt-rule": "[rules]\ntrsut = false",
    "unknown-role": "[roles.frim]\ninitial = 1",
    "unknown-kind": "[roles.firm.kinds]\nbaker = 1",
    "misplaced": "drift = 0.1",
    "wrong-brackets": '[organisations]\nname = "x"',
    "number-for-table": "environment = 3",
    "table-for-number": "[environment.drift]\nx = 1",
    "text-for-number": 'steps = "forty"',
    "number-for-text": "title = 7",
    "decimal-steps": "steps = 4.5",
    "no-steps": "steps = 0",
    "too-many-steps": f"steps = {10**40}",
    "not-a-number": "[environment]\ndrift = nan",
    "infinite": "[environment]\ndrift = inf",
    "too-high": "[environment]\ndrift = 2",
    "unknown-choice": '[schedule]\nactivation = "all"',
    "weights-all-0": '[roles.firm]\nkinds = { "competitor" = 0.0 }',
    "nameless": '[[organisations]]\nrole = "firm"',
    "no-such-role": '[[organisations]]\nname = "x"\nrole = "bank"',
    "named-twice": '[[organisations]]\nname = "x"\nrole = "firm"\n[[organisations]]\nname = "x"\nrole = "user"',
    "missing-component": '[[components]]\nname = "a"\nrequires = ["b"]',
    "cyclic-components": '[[components]]\nname = "a"\nrequires = ["a"]',
    "undated-event": '[[events]]\nname = "x"\nenter = { role = "user" }',
    "event-too-late": '[[events]]\nname = "x"\nstep = 99\nenter = { role = "user" }',
    "unreadable-condition": '[[events]]\nname = "x"\nwhen = "trust is low"\nenter = { role = "user" }',
    "extends-nothing": 'extends = "nowhere.toml"',
    "extends-itself": 'extends = "extends-itself.toml"',
}


@pytest.fixture
def malformed(tmp_path: Path) -> Path:
    """Return a directory of malformed scenario files."""
    for name, text in MALFORMED.items():
        (tmp_path / f"{name}.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return tmp_path


def test_malformed_scenarios_get_one_sentence_each(
    malformed: Path, write_world: Callable[..., Path], small_text: str
) -> None:
    """One process looks at them all: each file gets its own line with its name, the valid one between them is told too."""
    write_world(small_text, "small", malformed)
    before = content_of(malformed)
    assert len(MALFORMED) >= 40
    names = [f"{name}.toml" for name in MALFORMED]
    done = call("validate", *names[:20], "small.toml", *names[20:], cwd=malformed)
    assert done.returncode == 2
    assert done.stdout == "small.toml: valid, Small world\n"
    lines = done.stderr.splitlines()
    assert len(lines) == len(names)
    for name, line in zip(names, lines, strict=True):
        assert re.match(rf"ecosim: {re.escape(name)}(:\d+)?: \S.*; \S", line), line
        assert line.isprintable()
    assert content_of(malformed) == before


@pytest.mark.parametrize("name", ["misspelt-parameter", "deep"])
def test_malformed_scenario_is_not_run(name: str, malformed: Path) -> None:
    """A malformed scenario is refused with one sentence before anything runs or is written."""
    before = content_of(malformed)
    assert sentence_of(call("run", f"{name}.toml", "--out", "results", cwd=malformed)).startswith(f"{name}.toml:")
    assert content_of(malformed) == before


# -- how a process ends -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def started(*arguments: str | Path, code: str | None = None, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command line and make sure that it ends with the test."""
    start = ["-m", "ecosim"] if code is None else ["-c", code]
    more = options.pop("env", {})
    process = subprocess.Popen([sys.executable, *start, *arguments], env=environment(**more), **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def lines_of(stream: IO[bytes] | None) -> list[str]:
    """Return the lines that are left in a stream, but for the one about compiling."""
    assert stream is not None
    return [line for line in stream.read().decode().splitlines() if line != COMPILING]


@posix
def test_bar_on_a_terminal_and_interrupted_run(place: Path) -> None:
    """On a terminal a bar counts quarters; Ctrl-C in mid-run ends it in one line, status 130, and nothing is written."""
    import pty

    before = content_of(place)
    master, terminal = pty.openpty()
    command = ("run", "small.toml", "--steps", "100000", "--out", "never/there")
    with (
        started(*command, cwd=place, stdout=subprocess.PIPE, stderr=terminal) as process,
        open(master, "rb", 0) as shown,
    ):
        os.close(terminal)
        seen = b""
        while not re.search(rb"quarter .*\d+/100000", seen):
            seen += shown.read(4096)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        with contextlib.suppress(OSError):  # what Linux calls the end of a terminal
            while more := shown.read(4096):
                seen += more
        assert lines_of(process.stdout) == []
    assert seen.endswith(b"ecosim: interrupted\r\n")
    assert seen.rindex(b"\x1b[?25h") > seen.rindex(b"\x1b[?25l"), "the cursor is back"
    assert content_of(place) == before


def test_no_bar_in_a_pipe(place: Path) -> None:
    """However long a run takes, a pipe sees no bar."""
    done = call("run", "small.toml", "--steps", "1000", cwd=place)
    seconds = re.search(r"seed 1; ([\d.]+) s\n", done.stdout)
    assert seconds is not None
    assert float(seconds[1]) > 1.0, "long enough for a bar"
    assert done.stderr == ""


@posix
def test_first_run_says_that_it_compiles(place: Path, tmp_path: Path) -> None:
    """Without machine code kept from earlier, stderr says in one line why it takes a minute; Ctrl-C works there too."""
    with started(
        "run", "small.toml", cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"ECOSIM_CACHE_DIR": str(tmp_path), "NUMBA_DISABLE_JIT": "0"}
    ) as process:  # fmt: skip
        assert process.stderr is not None
        assert process.stderr.readline().decode() == f"{COMPILING}\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert lines_of(process.stderr) == ["ecosim: interrupted"]


SLOW = """
import time
from ecosim import runs
original = runs.{function}
def slow(*arguments):
    original(*arguments)
    print("now", flush=True)
    time.sleep(1)
runs.{function} = slow
from ecosim.cli import main
main()
"""


@posix
@pytest.mark.parametrize(
    ("function", "left", "number", "status"),
    [
        ("_write_table", set(), signal.SIGINT, 130),
        ("_write_table", set(), signal.SIGTERM, 143),
        ("_put_in_place", FILES, signal.SIGINT, 130),
    ],
    ids=["Ctrl-C", "terminated", "Ctrl-C after the last file"],
)
def test_interrupted_writing_leaves_all_or_nothing(
    function: str, left: set[str], number: signal.Signals, status: int, place: Path, tmp_path: Path
) -> None:
    """Ctrl-C, or a request to end, while the tables are written leaves the whole directory or none, and no rest."""
    code = SLOW.format(function=function)
    arguments = ("run", place / "small.toml", "--out", tmp_path / "new" / "results")
    with started(*arguments, code=code, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"now\n", lines_of(process.stderr)
        process.send_signal(number)
        assert process.wait(60) == status
        assert lines_of(process.stderr) == (["ecosim: interrupted"] if number == signal.SIGINT else [])
    folders = {"new", "new/results"} if left else set()
    assert set(content_of(tmp_path)) == {*folders, *(f"new/results/{name}" for name in left)}


@posix
def test_full_disk_is_one_sentence(first: subprocess.CompletedProcess[str], place: Path, tmp_path: Path) -> None:
    """When the disk takes no more in the middle of a file, nothing of the result is left and the reason is told."""
    assert first.returncode == 0
    limited = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); from ecosim.cli import main; main()"
    )
    target = tmp_path / "new" / "results"
    done = call("run", place / "small.toml", "--out", target, code=limited)
    assert sentence_of(done) == f"{target}: cannot be written: file too large; give a directory that can"
    assert content_of(tmp_path) == {}


@posix
@pytest.mark.parametrize("arguments", ["show huawei-ecosystem", "schema", "--help"])
def test_broken_pipe_is_silent(arguments: str) -> None:
    """A reader that has seen enough, such as head, is no reason for a word."""
    with started(*arguments.split(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        assert process.wait(60) == 1
        assert lines_of(process.stderr) == []


# -- looking things up ------------------------------------------------------------------------------------------------


def test_where_shows_the_schedule_and_the_roles(first: subprocess.CompletedProcess[str]) -> None:
    """All phases are there in order, each with an existing line of an existing file and its time in the last run."""
    assert first.returncode == 0
    done = call("where")
    assert done.returncode == 0
    root = Path(__file__).parents[2]
    found = re.findall(r"^ (\w+) +(ecosim/\S+\.py):(\d+) (\w+) +([\d.]+|-) *$", done.stdout, re.MULTILINE)
    assert [name for name, *_ in found] == [phase.name for phase in (BEGIN, *QUARTER, END)]
    for _, file, line, rule, _ in found:
        source = (root / file).read_text(encoding="utf-8").splitlines()
        assert any(f"def {rule}(" in text for text in source[int(line) - 1 : int(line) + 3])
    # Another process may have run in between, with a rule left out.
    assert [seconds for *_, seconds in found].count("-") <= 2
    assert "Seconds in the last run: " in done.stdout
    for role in read_roles():
        assert re.search(rf"^ {role} +agents/{role}\.py:\d+ ", done.stdout, re.MULTILINE)


def test_schema_is_a_json_schema(place: Path, small_text: str, answer: Callable[..., Any]) -> None:
    """What `schema` prints is a JSON Schema by which the small world is right and a misspelt one wrong."""
    schema = json.loads(answer("schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(tomllib.loads(small_text))
    assert not validator.is_valid({"stpes": 3})
    done = answer("schema", "--out", "schema.json", cwd=place)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert json.loads((place / "schema.json").read_text(encoding="utf-8")) == schema


def test_show_gives_a_file_that_gives_the_same_run(
    first: subprocess.CompletedProcess[str], place: Path, answer: Callable[..., Any]
) -> None:
    """The scenario that `show --toml` prints runs to the same tables, under any name."""
    shown = call("show", "small.toml", "--toml", cwd=place)
    (place / "shown.toml").write_text(shown.stdout, encoding="utf-8")
    done = answer("run", "shown.toml", cwd=place)
    record = json.loads((place / "first" / "run.json").read_text(encoding="utf-8"))
    assert first.returncode == 0
    assert record["hash"] in done.stdout


def test_show_starts_with_what_differs(answer: Callable[..., Any]) -> None:
    """People see what the scenario changed before the long list of all parameters."""
    done = answer("show", "huawei-ecosystem")
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 80
    first, _, rest = done.stdout.partition("All parameters")
    assert re.search(r"^ steps +108 +40 +quarters *$", first, re.MULTILINE)
    assert re.search(r"^ Huawei +role firm", first, re.MULTILINE)
    assert re.search(r"^ \[roles\.firm\] ", rest, re.MULTILINE)


def test_profile_and_series(tmp_path: Path, answer: Callable[..., Any]) -> None:
    """``--profile`` prints each phase with its time; ``--series`` puts organisations.parquet beside the other results."""
    done = answer("run", "classroom", "--steps", "5", "--profile", "--series", "2", "--out", str(tmp_path / "out"))
    assert done.returncode == 0
    told = done.stdout.partition("Time by phase of the quarter")[2]
    assert [line.split()[0] for line in told.splitlines() if line.split()[:1]][2:-1] == [
        phase.name for phase in (BEGIN, *QUARTER, END)
    ]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*RESULT_FILES, "organisations.parquet"}
    assert "--series 2" in json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))["repeat"]["command"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"], "something was left behind"


def test_series_need_a_directory(answer: Callable[..., Any]) -> None:
    """Series without a directory to write them to are refused in a sentence."""
    done = answer("run", "classroom", "--series", "2")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--series writes a file; give a directory for it with --out DIR" in done.stderr
