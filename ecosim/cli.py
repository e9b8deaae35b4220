"""The command line: reads options, calls the engine, prints; every fault of the user's is one sentence on stderr."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

import ecosim
from ecosim import cli_studies
from ecosim.cli_dashboard import dashboard
from ecosim.cli_propositions import propositions
from ecosim.parameters import ScenarioError, nearest

if TYPE_CHECKING:
    from rich.console import Console

DONE, AUDIT_FAILED, UNREAD, BAD_INPUT, INTERRUPTED, TERMINATED = 0, 1, 1, 2, 130, 143

app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})

# Typer brings Click along in some releases and depends on it in others; this is the usage error of either.
_UsageError: Any = typer.BadParameter.__base__

World = Annotated[str, typer.Argument(metavar="SCENARIO", help="Name of a shipped scenario, or path of a TOML file.")]
Agents = Annotated[
    list[Path] | None, typer.Option("--agents", metavar="DIR", help="Directory of further role files; can be repeated.")
]


@app.callback(invoke_without_command=True)
def _ecosim(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Simulate an innovation ecosystem: six roles, their symbiosis, and where each unit of value goes."""
    if version:
        print(f"ecosim {ecosim.__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def run(
    scenario: World,
    seed: Annotated[int, typer.Option(metavar="N", help="Same seed, same result.")] = 1,
    steps: Annotated[int | None, typer.Option(metavar="N", help="Quarters to run instead of the scenario's.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Value of a parameter by dotted path; can be repeated."),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(metavar="SWITCH", help="Turn a rule or a mechanism off, see 'ecosim where'; can be repeated."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Directory to write the tables to.")] = None,
    audit: Annotated[bool, typer.Option("--audit", help="Check the ledger after each quarter.")] = False,
    profile: Annotated[bool, typer.Option("--profile", help="Print how long each phase of the quarter took.")] = False,
    series: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Write every organisation of each N-th quarter to organisations.parquet too."
        ),
    ] = None,
    agents: Agents = None,
) -> None:
    """Run a scenario and print who got the value."""
    import mesa  # noqa: F401  # first, since on import it reads the source of every function on the stack

    from ecosim import runs
    from ecosim.last_run import keep_times
    from ecosim.parameters import ScenarioError
    from ecosim.roles import read_roles
    from ecosim.scenario import load_scenario
    from ecosim.summary import print_profile, print_run
    from ecosim.terminal import RunWatch

    world = load_scenario(scenario, read_roles(*agents or ()), settings or ())
    if out is not None:
        runs.checked_directory(out)
    elif series is not None:
        raise ScenarioError("--series writes a file; give a directory for it with --out DIR")
    with RunWatch() as watch, runs.streamed(out, series) as written:
        result = runs.run(world, seed, steps, None, agents or (), audit, watch.quarter, without or (), True, written)
        if out is not None:
            command = _command(scenario, seed, steps, settings, without, audit, agents, series)
            result.write(out, command, None if written is None else written.path)
    keep_times(result, watch.compiled)
    print_run(_console(), result, out)
    if profile:
        print_profile(_console(), result)


@app.command()
def scenarios() -> None:
    """List the shipped scenarios and studies."""
    from rich import box
    from rich.table import Table

    from ecosim.scenario_file import read_document, shipped_scenarios
    from ecosim.studies.study import shipped_studies

    for kind, shipped in (("scenario", shipped_scenarios()), ("study", shipped_studies())):
        table = Table(kind, "title", "question", box=box.SIMPLE_HEAD, pad_edge=False)
        for name, path in shipped.items():
            tree = read_document(path).tree
            table.add_row(name, tree.get("title", ""), tree.get("question", ""))
        _console().print(table)


@app.command()
def show(
    scenario: World,
    toml: Annotated[bool, typer.Option("--toml", help="Print it as a complete scenario file.")] = False,
    agents: Agents = None,
) -> None:
    """Show what a scenario changes, and all else that it holds."""
    from ecosim.roles import read_roles
    from ecosim.scenario import load_scenario
    from ecosim.scenario_text import as_toml, print_scenario

    world = load_scenario(scenario, read_roles(*agents or ()))
    if toml:
        print(as_toml(world), end="")
    else:
        print_scenario(_console(), world)


@app.command()
def validate(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Files, or names of what is shipped.")],
    agents: Agents = None,
) -> None:
    """Check files to run; a wrong one gets one sentence."""
    from ecosim.analysis.calibration_file import is_calibration, load_calibration
    from ecosim.roles import read_roles
    from ecosim.scenario import load_scenario
    from ecosim.studies.plausibility import number_of_runs
    from ecosim.studies.study import is_study, load_study

    roles = read_roles(*agents or ())
    wrong = 0
    for file in files:
        try:
            if is_calibration(file):
                calibration = load_calibration(file)
                print(
                    f"{file}: valid, {calibration.title}; {len(calibration.factors)} parameters, data to {calibration.until}"
                )
            elif is_study(file):
                study = load_study(file, agents or ())
                print(f"{file}: valid, {study.title}; {number_of_runs(study)}")
            else:
                world = load_scenario(file, roles)
                print(f"{file}: valid, {world.title or world.name}")
        except ScenarioError as error:
            wrong += 1
            _complain(error)
    if wrong:
        raise typer.Exit(BAD_INPUT)


@app.command()
def where(agents: Agents = None) -> None:
    """Show where each rule is, its time, and the switches."""
    from ecosim.last_run import kept_times
    from ecosim.roles import read_roles
    from ecosim.summary import print_roles, print_schedule, print_switches

    roles = read_roles(*agents or ())
    console = _console()
    print_schedule(console, kept_times())
    print_switches(console)
    print_roles(console, roles)


@app.command()
def schema(
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="File to write it to.")] = None,
    agents: Agents = None,
) -> None:
    """Print the JSON Schema of scenario files, for editors."""
    import json

    from ecosim.roles import read_roles
    from ecosim.schema import scenario_schema

    text = json.dumps(scenario_schema(read_roles(*agents or ())), ensure_ascii=False, indent=2) + "\n"
    if out is None:
        print(text, end="")
    else:
        out.write_text(text, encoding="utf-8")


cli_studies.add_commands(app)
app.command()(propositions)
app.command()(dashboard)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process.

    Its status is 0 when all is done, 1 when the audit failed or nobody reads the output, 2 for anything wrong in what
    was given, 130 after Ctrl-C.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started the process
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        getattr(sys, name).reconfigure(errors="backslashreplace")  # no letter is one too many
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(TERMINATED))
    status = _status(list(sys.argv[1:] if arguments is None else arguments))
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    sys.exit(status)


def _status(arguments: list[str]) -> int:
    """Run a command and return the status of the process; what is wrong is said in one sentence."""
    command = typer.main.get_command(app)
    try:
        _check_command(arguments)
        try:
            with command.make_context("ecosim", arguments) as context:
                command.invoke(context)
        finally:
            sys.stdout.flush()
    except typer.Exit as end:
        return end.exit_code
    except KeyboardInterrupt as request:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient second one would come too late to change anything
        _complain(str(request) or "interrupted")
        return INTERRUPTED
    except _UsageError as error:
        _complain(_usage(error))
    except ScenarioError as error:
        _complain(error)
    except BrokenPipeError:
        _drop_output()
        return UNREAD
    except OSError as error:
        _drop_output()
        _complain(error if error.errno is None else _trouble(error))
    except AssertionError as error:
        from ecosim.ledger import AuditError

        if not isinstance(error, AuditError):
            raise
        _complain(error)
        return AUDIT_FAILED
    else:
        return DONE
    return BAD_INPUT


def _check_command(arguments: Sequence[str]) -> None:
    """Refuse the name of a command that there is not."""
    names = [str(command.name or command.callback.__name__) for command in app.registered_commands if command.callback]
    given = next((argument for argument in arguments if not argument.startswith("-")), None)
    if given is not None and given not in names:
        raise ScenarioError(f"there is no command '{given}'; {nearest(given, names)}")


def _usage(error: Any) -> str:
    """Return a usage error as one sentence, with the nearest valid name if an option is misspelt."""
    if type(error).__name__ == "NoSuchOption" and error.ctx is not None:
        valid = [name for parameter in error.ctx.command.params for name in parameter.opts if name.startswith("--")]
        return f"there is no option '{error.option_name}'; {nearest(error.option_name, [*valid, '--help'])}"
    name = error.ctx.command_path if error.ctx is not None else "ecosim"
    message = str(error.format_message()).strip().rstrip(".")
    return f"{message[:1].lower()}{message[1:]}; see '{name} --help'"


def _trouble(error: OSError) -> str:
    place = "the output" if error.filename is None else str(error.filename)
    return f"{place}: cannot be written: {(error.strerror or str(error)).lower()}"


def _complain(finding: object) -> None:
    """Say what is wrong in one line on stderr, whatever the text holds."""
    line = str(finding).replace("\n", " ")
    printable = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)
    with contextlib.suppress(OSError):
        print(f"ecosim: {printable}", file=sys.stderr)


def _drop_output() -> None:
    """Let nothing more reach an output that nobody reads, or Python complains about it at the end."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _console() -> Console:
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False)


def _command(
    scenario: str,
    seed: int,
    steps: int | None,
    settings: Sequence[str] | None,
    without: Sequence[str] | None,
    audit: bool,
    agents: Sequence[Path] | None,
    series: int | None,
) -> str:
    """Return the command that repeats a run."""
    words = ["ecosim", "run", scenario, "--seed", str(seed)]
    words += [] if steps is None else ["--steps", str(steps)]
    words += [] if series is None else ["--series", str(series)]
    for option, values in (("--set", settings), ("--without", without), ("--agents", agents)):
        for value in values or ():
            words += [option, str(value)]
    return shlex.join([*words, *(["--audit"] if audit else [])])
