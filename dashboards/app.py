"""The dashboard's first page: who gets the value that an ecosystem creates, quarter by quarter.

Run it with ``solara run dashboards/app.py``.
"""

from __future__ import annotations

import html
from itertools import cycle, groupby
from typing import Any

import numpy as np
import solara
import solara.lab
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ecosim import Ecosystem, load_scenario
from ecosim.colours import BENEFICIARIES, STAGES
from ecosim.scenario import shipped_scenarios

STYLE = """
.page { width: 100%; max-width: 1120px; margin: 0 auto; padding: 0 12px 48px; }
.page h1 { font-size: 26px; font-weight: 500; margin: 12px 0 4px; }
.page p { margin: 0 0 8px; }
.page .quiet { color: #555; }
.controls { display: flex; flex-wrap: wrap; gap: 0 16px; align-items: end; }
.controls .v-text-field { margin-top: 0; padding-top: 14px; }
.controls .v-input__slot { margin-bottom: 0; }
.controls .v-text-field__details, .controls .v-messages { min-height: 0; margin: 0; }
.controls .scenario { flex: 1 1 260px; max-width: 360px; }
.controls .seed { flex: 0 1 100px; }
.controls .buttons { display: flex; gap: 8px; padding: 12px 0; }
.results { display: flex; flex-wrap: wrap; gap: 24px; align-items: flex-start; }
.results .chart { flex: 1 1 560px; max-width: 780px; min-width: min(100%, 340px); }
.results .chart img, .results .chart svg { width: 100%; height: auto; }
.results .table { flex: 0 1 auto; }
.shares { border-collapse: collapse; font-size: 15px; }
.shares caption { text-align: left; white-space: nowrap; font-weight: 500; padding-bottom: 8px; }
.shares th, .shares td { padding: 4px 8px; text-align: right; border-bottom: 1px solid #ddd;
    font-variant-numeric: tabular-nums; }
.shares th:first-child, .shares td:first-child { text-align: left; padding-left: 0; }
.shares thead th { font-weight: 500; text-transform: capitalize; }
/* Solara's own line at the foot of the window would lie on top of a long page. */
div:has(> b > a[href="https://solara.dev"]) { display: none; }
.shares i { display: inline-block; width: 14px; height: 14px; margin-right: 8px; vertical-align: -1px; }
"""


def colours(model: Ecosystem) -> dict[str, str]:
    """Return a colour for each beneficiary."""
    return dict(zip(model.recorder.beneficiaries, cycle(BENEFICIARIES), strict=False))


def share_chart(model: Ecosystem) -> Figure:
    """Draw each beneficiary's share of the value booked in each quarter, and above it the stage of the ecosystem."""
    metrics = model.metrics
    start = (metrics["year"] + (metrics["quarter"] - 1) / 4).to_numpy()
    edges = np.append(start, start[-1] + 0.25)
    shares = metrics[[f"share_{name}" for name in model.recorder.beneficiaries]].to_numpy().T
    figure = Figure(figsize=(7.0, 5.2), layout="constrained")
    strip, area = figure.subplots(2, 1, sharex=True, height_ratios=(1, 15))
    area.stackplot(edges, np.hstack([shares, shares[:, -1:]]), colors=list(colours(model).values()), step="post")
    area.set(xlim=(edges[0], edges[-1]), ylim=(0.0, 1.0))
    area.set_ylabel("share of the value booked in a quarter", fontsize=13)
    area.yaxis.set_major_formatter(PercentFormatter(1.0))
    area.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7, min_n_ticks=1))
    area.tick_params(labelsize=13)
    for side in ("top", "right"):
        area.spines[side].set_visible(False)
    position = 0
    for stage, quarters in groupby(metrics["stage"]):
        end = position + len(list(quarters))
        strip.axvspan(edges[position], edges[end], color=STAGES[stage], linewidth=0)
        if end - position > 0.12 * len(metrics):
            strip.text((edges[position] + edges[end]) / 2, 0.5, stage, ha="center", va="center", fontsize=12)
        if position:
            area.axvline(edges[position], color="black", linewidth=1.0, linestyle=(0, (4, 3)))
        position = end
    strip.set(ylim=(0.0, 1.0))
    strip.axis("off")
    return figure


def share_table(model: Ecosystem) -> str:
    """Return the HTML of each beneficiary's share in each stage, in the order in which the chart stacks them."""
    shares = model.value_shares()
    head = "".join(f"<th>{html.escape(str(stage))}</th>" for stage in shares.index)
    rows = "".join(
        f'<tr><td><i style="background:{colour}"></i>{html.escape(name)}</td>'
        + "".join(f"<td>{share:.1%}</td>" for share in shares[name])
        + "</tr>"
        for name, colour in reversed(colours(model).items())
    )
    caption = "<caption>Share of the value booked, by stage</caption>"
    return f'<table class="shares">{caption}<thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>'


def summary(model: Ecosystem) -> str:
    """Return in a line how far the model has run and what there is."""
    last = model.metrics.iloc[-1]
    return (
        f"Quarter {model.step_number} of {model.scenario.steps}: {last['year']} Q{last['quarter']}, {last['stage']}. "
        f"{last['organisations']:,.0f} organisations, {last['ties']:,.0f} ties, "
        f"value of {last['value_created']:,.0f} million CNY created."
    )


@solara.component
def Results(model: Ecosystem, step: int) -> None:  # noqa: N802
    """Chart and table of a model; `step` tells that it has moved on."""
    figure = solara.use_memo(lambda: share_chart(model), [model, step])
    solara.Text(summary(model), classes=["summary"])
    with solara.Div(classes=["results"]):
        with solara.Div(classes=["chart"]):
            solara.FigureMatplotlib(figure, dependencies=[model, step])
        solara.HTML(unsafe_innerHTML=share_table(model), classes=["table"])
    for warning in model.warnings:
        solara.Warning(warning)


@solara.component
def Page() -> None:  # noqa: N802
    """The page: choose a scenario and a seed, step or run, look at who gets the value."""
    names = list(shipped_scenarios())
    scenario, set_scenario = solara.use_state(names[0])
    seed, set_seed = solara.use_state(1)
    # The model that is shown and the step it has reached; None before the first step.
    shown, set_shown = solara.use_state(None)
    # What was asked for last: a number, since each press is to count, and how many quarters to run, None for all.
    order, set_order = solara.use_state((0, None))
    model = shown[0] if shown else None

    def work() -> None:
        number, steps = order
        if number:
            running = model or Ecosystem(scenario, seed=seed, history=False)
            set_shown((running.run(steps), running.step_number))

    task = solara.lab.use_task(work, dependencies=[order], raise_error=False)
    busy = task.pending

    def choose(setter: Any, value: Any) -> None:
        setter(value)
        reset()

    def reset() -> None:
        set_shown(None)
        set_order((0, None))

    done = model is not None and not model.running
    world = solara.use_memo(lambda: load_scenario(scenario), [scenario])
    solara.Title("ecosim")
    solara.Style(STYLE)
    with solara.Div(classes=["page"]):
        solara.HTML(tag="h1", unsafe_innerHTML="Who gets the value of an innovation ecosystem?")
        with solara.Div(classes=["controls"]):
            with solara.Div(classes=["scenario"]):
                solara.Select("Scenario", names, scenario, lambda name: choose(set_scenario, name), disabled=busy)
            with solara.Div(classes=["seed"]):
                solara.InputInt("Seed", seed, lambda number: choose(set_seed, number), disabled=busy)
            with solara.Div(classes=["buttons"]):
                solara.Button("Step", lambda: set_order((order[0] + 1, 1)), color="primary", disabled=busy or done)
                solara.Button("Run", lambda: set_order((order[0] + 1, None)), color="primary", disabled=busy or done)
                solara.Button("Reset", reset, disabled=busy or not order[0])
        solara.ProgressLinear(busy)
        solara.HTML(tag="p", unsafe_innerHTML=f"{html.escape(world.title)}. {html.escape(world.question)}")
        if task.error:
            solara.Error(str(task.exception))
        elif model is not None:
            Results(model, shown[1])
        else:
            hint = (
                "The first run after an installation compiles the rules, which takes a minute or two."
                if busy
                else "Press Step to run one quarter, Run to run all. The same seed gives the same run."
            )
            solara.HTML(tag="p", unsafe_innerHTML=hint, classes=["quiet"])
