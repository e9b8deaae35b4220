"""What the command line prints about a run, the schedule and the roles: plain tables that fit 80 columns."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

import ecosim
from ecosim.grammar import RULES
from ecosim.last_run import LastRun
from ecosim.roles import Role
from ecosim.runs import Run
from ecosim.schedule import BEGIN, END, QUARTER
from ecosim.state import CHANNELS, MODES, REGIMES

if TYPE_CHECKING:
    import pandas as pd


def percentages(amounts: Sequence[float]) -> list[str]:
    """Return the shares of amounts in percent with one decimal; what is printed adds to 100.0.

    Rounded down to tenths, the tenths that are missing go where most was cut off (largest remainder, Hamilton 1792).
    """
    total = sum(amounts)
    if total <= 0.0:
        return ["-"] * len(amounts)
    exact = np.array(amounts) / total * 1000.0
    tenths = np.floor(exact).astype(int)
    short = 1000 - int(tenths.sum())
    tenths[np.argsort(tenths - exact, kind="stable")[:short]] += 1
    return [f"{tenth / 10:.1f}" for tenth in tenths]


# -- a run ------------------------------------------------------------------------------------------------------------


def print_run(console: Console, run: Run, out: Path | None) -> None:
    """Print who got the value, and what became of the ecosystem."""
    metrics = run.metrics
    title = run.scenario.title or run.scenario.name
    span = f"{_date(metrics, 0)} to {_date(metrics, -1)}"
    console.print(title, style="bold")
    console.print(f"{run.steps} quarters, {span}; seed {run.seed}; {run.seconds:.1f} s\n")
    if run.value.value.sum() > 0.0:
        console.print("Who got the value, in percent of all value of the stage")
        console.print(value_table(run))
    else:
        console.print("No value was created.\n")
    console.print("Organisations")
    console.print(_role_table(run))
    facts = Table.grid(padding=(0, 2))
    for name, text in _facts(run, out):
        facts.add_row(name, text)
    console.print(facts)


def print_profile(console: Console, run: Run) -> None:
    """Print how long each phase of the quarter took, and what part of the run."""
    table = Table("phase", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("seconds", "us a quarter", "%"):
        table.add_column(heading, justify="right")
    total = sum(run.phase_seconds.values())
    for phase, seconds in run.phase_seconds.items():
        table.add_row(
            phase, f"{seconds:.3f}", f"{seconds / max(1, run.steps) * 1e6:.0f}", f"{100.0 * seconds / total:.1f}"
        )
    table.add_row("building and all else", f"{run.seconds - total:.3f}", "", "")
    console.print("Time by phase of the quarter")
    console.print(table)


def value_table(run: Run) -> Table:
    """Return the table of value shares: a row a beneficiary, a column a stage, and all stages together."""
    value = run.value.pivot_table(index="beneficiary", columns="stage", values="value", aggfunc="sum", sort=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    columns = [[str(name) for name in value.index]]
    amounts = ["total, bn CNY"]
    for stage in [*map(str, value.columns), "all"]:
        column = value.sum(axis=1) if stage == "all" else value[stage]
        table.add_column(f"{stage}\n{_years(run.metrics, stage)}", justify="right", vertical="bottom")
        columns.append(percentages(column.tolist()))
        amounts.append(_billions(float(column.sum())))
    for row in zip(*columns, strict=True):
        table.add_row(*row)
    table.add_section()
    table.add_row("total, percent", *("100.0" if "-" not in column else "-" for column in columns[1:]))
    table.add_row(*amounts)
    return table


def _years(metrics: pd.DataFrame, stage: str) -> str:
    """Return the years of a stage, a line for each time it lasted; one line for all if there are many."""
    inside = metrics.stage.eq(stage).to_numpy() if stage != "all" else np.ones(len(metrics), bool)
    edges = np.flatnonzero(np.diff(inside, prepend=False, append=False))
    years = metrics.year.to_numpy()
    spans = [(years[first], years[end - 1]) for first, end in zip(edges[::2], edges[1::2], strict=True)]
    if len(spans) > 3:
        spans = [(spans[0][0], spans[-1][1])]
    return "\n".join(f"{first}-{last}" if first < last else f"{first}" for first, last in spans)


def _role_table(run: Run) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for name in ("first quarter", "last quarter", "entered", "left"):
        table.add_column(name, justify="right")
    for role, rows in run.roles.groupby("role", sort=False):
        counts = (rows["count"].iloc[0], rows["count"].iloc[-1], rows.entries.sum(), rows.exits.sum())
        if any(counts):
            table.add_row(str(role), *(f"{count:,}" for count in counts))
    return table


def _facts(run: Run, out: Path | None) -> Iterator[tuple[str, str]]:
    metrics = run.metrics
    begun = np.flatnonzero(metrics.stage.ne(metrics.stage.shift())).tolist()
    yield "stages", ", ".join(f"{metrics.stage[step]} from {_date(metrics, step)}" for step in begun)
    last = metrics.iloc[-1]
    if last.ties:
        yield "ties", f"{last.ties:,.0f}, mean trust {last.mean_trust:.2f}: {_parts(last, 'mode', MODES)}"
    else:
        yield "ties", "none"
    moved = metrics[[f"channel_{channel}" for channel in CHANNELS]].sum()
    if moved.sum() > 0.0:
        yield "flows", f"{_parts(moved, 'channel', CHANNELS)} of what moved, at replacement cost"
    else:
        yield "flows", "none"
    yield "core firm", _core_firm(run)
    for warning in run.warnings:
        yield "warning", warning
    yield "hash", run.hash
    yield "files", str(out) if out is not None else "none; --out DIRECTORY keeps the tables"


def _parts(amounts: pd.Series, prefix: str, names: Sequence[str]) -> str:
    shares = percentages([float(amounts[f"{prefix}_{name}"]) for name in names])
    return ", ".join(f"{name} {share}%" for name, share in zip(names, shares, strict=True))


def _core_firm(run: Run) -> str:
    """Return a line about the core firm in the last four quarters."""
    if not any(organisation.focal for organisation in run.scenario.organisations):
        return "none in this scenario"
    year = run.metrics.tail(4)
    revenue = float(year.revenue_focal.sum())
    research = float((year.revenue_focal * year.research_intensity).sum()) / revenue if revenue > 0.0 else 0.0
    last = year.iloc[-1]
    return (
        f"revenue {_billions(revenue)} bn CNY in the last {len(year)} quarters, research {research:.1%} of it, "
        f"sharing ratio {last.sharing_ratio:.1%}, regime {REGIMES[int(last.regime)]}"
    )


def _date(metrics: pd.DataFrame, step: int) -> str:
    row = metrics.iloc[step]
    return f"{row.year} Q{row.quarter}"


def _billions(million: float) -> str:
    billion = million / 1000.0
    return f"{billion:,.1f}" if 10.0 <= billion < 1e7 else f"{billion:.3g}"


# -- schedule and roles -----------------------------------------------------------------------------------------------


def print_schedule(console: Console, last: LastRun | None) -> None:
    """Print the phases of a quarter in order: where each is written, what it writes, what turns it off, how long it took."""
    table = Table("phase", "rule", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("seconds", justify="right")
    for phase in (BEGIN, *QUARTER, END):
        seconds = last.seconds.get(phase.name) if last is not None else None
        origin = f"source {phase.source}" + (f", switch {phase.switch}" if phase.switch else "")
        rules = "\n".join(f"{_place(rule)} {rule.__name__}" for rule in phase.rules + phase.then)
        table.add_row(
            phase.name,
            f"{rules}\nwrites {phase.writes}\n{origin}",
            "-" if seconds is None else f"{seconds:.3f}",
        )
    console.print("A quarter, phase by phase", style="bold")
    console.print(f"Files are in {_root()}; --without SWITCH turns a rule off.", soft_wrap=True)
    if last is None:
        console.print("There are seconds after a first run.")
    else:
        more = ", compiling included" if last.compiled else ""
        console.print(f"Seconds in the last run: {last.scenario}, seed {last.seed}, {last.steps} quarters{more}.")
    console.print(table)


def print_switches(console: Console) -> None:
    """Print every switch, with what it turns off."""
    table = Table("switch", "turns off", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, meaning in RULES.items():
        table.add_row(name, meaning)
    console.print("Switches", style="bold")
    console.print("--without SWITCH, or in a scenario [rules] SWITCH = false, turns one off.", soft_wrap=True)
    console.print(table)


def print_roles(console: Console, roles: Mapping[str, Role]) -> None:
    """Print the roles: the file of each, its kinds, and what it does by itself in which phase."""
    table = Table("role", "file, kinds, rules by phase", box=box.SIMPLE_HEAD, pad_edge=False)
    for role in roles.values():
        lines = [f"{_relative(role.path)}:{inspect.getsourcelines(role.agent)[1]} {role.agent.__name__}"]
        lines += [f"kinds {', '.join(role.kinds)}"] if role.kinds else []
        lines += [f"{phase}: {_place(rule)} {rule.__name__}" for phase, rule in role.rules.items()]
        methods = {phase.name: vars(role.agent).get(phase.name) for phase in QUARTER}
        lines += [f"{name}: {_place(method)} method" for name, method in methods.items() if inspect.isfunction(method)]
        table.add_row(role.name, "\n".join(lines))
    console.print("Roles, and what each does by itself", style="bold")
    console.print(table)


def _root() -> Path:
    return Path(ecosim.__file__).resolve().parents[1]


def _relative(path: Path) -> str:
    path = path.resolve()
    return (path.relative_to(_root()) if path.is_relative_to(_root()) else path).as_posix()


def _place(rule: Callable[..., object]) -> str:
    """Return file and line of a rule, compiled or not."""
    code = inspect.unwrap(getattr(rule, "py_func", rule)).__code__
    return f"{_relative(Path(code.co_filename))}:{code.co_firstlineno}"
