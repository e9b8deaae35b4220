"""Controls: one for each parameter record, grouped by mechanism; those that matter most come first.

Nothing about a parameter is written here: unit, range, meaning and source come from its record.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import solara

from ecosim.parameters import Parameter, Value
from ecosim.scenario import Scenario
from ecosim.shapes import accepted
from parts.texts import meaning, name, text, unit, word
from parts.trajectory import changeable

# Of the mechanisms that have a clear effect in docs/effects.md, and of policy, these are what a class can argue about and what
# moves value between groups of the classroom farthest when it is halved or half as large again; its own question comes first.
FIRST = (
    "roles.firm.openness_target", "symbiosis.trust_gain", "symbiosis.search_rate", "competition.price_pressure",
    "roles.firm.purchase_share", "roles.firm.wage_share", "value_sharing.reserve", "value_sharing.transfer_share",
    "adoption.surplus", "policy.tax_rate", "policy.grants", "environment.market_growth",
)  # fmt: skip
# The table of parameters beside which a switch stands.
MECHANISM_OF = {
    "environment": "environment", "perception": "perception", "orchestration": "orchestration", "symbiosis": "symbiosis",
    "trust": "symbiosis", "open_sharing": "open_sharing", "leakage": "open_sharing", "co_creation": "co_creation",
    "breakthrough": "breakthrough", "adoption": "adoption", "value_sharing": "value_sharing", "learning": "evolution",
    "turnover": "turnover", "platforms": "platforms", "protection": "protection", "internal_reform": "internal_reform",
    "intermediation": "pooling", "governance": "governance", "competition": "competition", "division_of_labour": "symbiosis",
    "joint_ventures": "joint_ventures", "teams": "co_creation", "recall": "co_creation", "prerequisites": "breakthrough",
    "crossover": "breakthrough", "licensing": "licensing", "imports": "foreign_supply", "dated_entry": "turnover",
    "recognise_limits": "knowledge_components", "acquire": "knowledge_components", "discover": "knowledge_components",
    "extract_modules": "knowledge_components", "empower": "knowledge_components", "integrate": "knowledge_components",
    "create": "knowledge_components", "customise": "knowledge_components", "rebuild": "knowledge_components",
    "group_identity": "group_dynamics", "group_trust": "group_dynamics", "group_norms": "group_dynamics",
    "group_dialogue": "group_dynamics", "group_learning": "group_dynamics", "group_alliance": "group_dynamics",
    "constraint_collaboration": "breakthrough", "constraint_talent": "breakthrough", "constraint_basic_research": "breakthrough",
    "constraint_common_technology": "breakthrough", "constraint_carriers": "breakthrough",
    "perception_capability": "dynamic_capabilities", "orchestration_capability": "dynamic_capabilities",
    "co_creation_capability": "dynamic_capabilities", "co_sharing_capability": "dynamic_capabilities",
    "heredity": "evolution", "imitation": "evolution", "mutation": "evolution", "crossbreeding": "evolution",
    "selection": "turnover",
}  # fmt: skip
RUN = "scenario"  # the group of what concerns the run as a whole


@dataclass(frozen=True)
class Control:
    """What a page needs to let somebody change one parameter.

    Attributes
    ----------
    path : dotted path, which `run_and_trace` and links take.
    kind : "number", "whole", "switch" or "choice".
    value : that of the scenario.
    low, high : the range; None for switches and choices.
    slider_low, slider_high : the part of it that a slider spans; a wide range goes on beyond it.
    step : of the slider, a round number.
    at_start : whether it counts only at the start of a run.
    """

    path: str
    kind: str
    value: Value
    low: float | None
    high: float | None
    slider_low: float
    slider_high: float
    step: float
    at_start: bool
    record: Parameter

    def in_language(self, language: str) -> dict[str, Any]:
        """Return what is shown, JSON-ready."""
        record = self.record
        return {
            "path": self.path, "kind": self.kind, "start": self.value, "low": self.low, "high": self.high,
            "slider": [self.slider_low, self.slider_high], "step": self.step, "at_start": self.at_start,
            "name": name(self.path, language), "meaning": meaning(self.path, language), "source": record.source,
            "unit": "" if record.unit == "1" else unit(record.unit, language),
            "choices": [{"value": choice, "label": word(choice, language)} for choice in record.choices],
        }  # fmt: skip


@dataclass(frozen=True)
class Group:
    """The controls of one mechanism or one role: its switches, then its numbers."""

    name: str
    switches: tuple[Control, ...]
    numbers: tuple[Control, ...]

    @property
    def controls(self) -> tuple[Control, ...]:
        """All of them."""
        return self.switches + self.numbers


def groups(scenario: Scenario) -> tuple[Group, ...]:
    """Return all controls of a scenario: mechanisms by name, then roles, then the run as a whole."""
    switches: dict[str, list[Control]] = {}
    numbers: dict[str, list[Control]] = {}
    for path, keys in scenario.grammar.keys.items():
        control = _control(scenario, path)
        if keys[0] == "rules":
            switches.setdefault(MECHANISM_OF.get(keys[1], "rules"), []).append(control)
        else:
            numbers.setdefault(_group_of(keys), []).append(control)
    names = sorted({*switches, *numbers}, key=lambda group: (group == RUN, group.startswith("roles."), group))
    return tuple(Group(group, tuple(switches.get(group, ())), tuple(numbers.get(group, ()))) for group in names)


def first(scenario: Scenario) -> tuple[Control, ...]:
    """Return the dozen controls that matter most."""
    return tuple(_control(scenario, path) for path in FIRST if path in scenario.grammar.parameters)


def _group_of(keys: tuple[str, ...]) -> str:
    if len(keys) == 1 or keys[0] == "schedule":
        return RUN
    return ".".join(keys[:2]) if keys[0] == "roles" or keys[1] == "coefficients" else keys[0]


def _control(scenario: Scenario, path: str) -> Control:
    record, value = scenario.grammar.parameters[path], scenario.get(path)
    kind = _kind(record)
    low, high = slider_range(record, value) if kind in ("number", "whole") else (0.0, 1.0)
    return Control(
        path, kind, value, record.low, record.high, low, high, step_size(low, high, kind == "whole"),
        path not in changeable(scenario), record,
    )  # fmt: skip


def _kind(record: Parameter) -> str:
    if isinstance(record.default, bool):
        return "switch"
    if isinstance(record.default, str):
        return "choice"
    return "whole" if isinstance(record.default, int) else "number"


def slider_range(record: Parameter, value: Value) -> tuple[float, float]:
    """Return what a slider spans: the whole range, or of one much wider than the value up to four times the value."""
    low, high = float(record.low or 0.0), float(record.high or 0.0)
    if record.unit == "year":
        return max(low, float(value) - 20.0), min(high, float(value) + 20.0)
    size = abs(float(value)) or abs(float(record.default)) or 2.5
    size = max(2.5, size) if isinstance(record.default, int) else size
    if high - low <= 10.0 * size:
        return low, high
    return max(low, -_round_up(4.0 * size) if low < 0.0 else low), min(high, _round_up(4.0 * size))


def step_size(low: float, high: float, whole: bool) -> float:
    """Return the step of a slider: 1, 2 or 5 times a power of ten, at least a hundred of them in the range; whole ones for counts."""
    step = _round_down((high - low) / 100.0)
    return max(1.0, float(round(step))) if whole else step


def _round_down(number: float) -> float:
    power = math.floor(math.log10(number))
    return next(float(f"{digit}e{power}") for digit in (5, 2, 1) if float(f"{digit}e{power}") <= number * (1.0 + 1e-9))


def _round_up(number: float) -> float:
    power = math.floor(math.log10(number))
    return next(
        float(f"{digit}e{power}") for digit in (1, 2, 5, 10) if float(f"{digit}e{power}") >= number * (1.0 - 1e-9)
    )


# -- the component ----------------------------------------------------------------------------------------------------

_WORDS = (
    "first", "first_meaning", "all", "search", "reset", "range", "source", "scenario_value", "at_start", "changed",
    "nothing_found", "about",
)  # fmt: skip


@solara.component_vue("controls.vue", vuetify=False)
def Panel(
    shown: str,
    values: dict[str, Any],
    fixed: list[str],
    words: dict[str, str],
    event_change: Callable[[Any], None],
) -> None:
    """Draw the controls, which come as JSON, since Solara looks through lists each time; values differ from the scenario, by path."""


@solara.component
def Controls(
    scenario: Scenario,
    changes: Mapping[str, Value],
    live_only: Collection[str] | None,
    language: str,
    on_change: Callable[[str, Value | None], None],
) -> None:
    """Let somebody change the parameters of a scenario.

    Parameters
    ----------
    changes : the values that hold now and differ from the scenario, by dotted path.
    live_only : the paths that may change, None for all.
    on_change : called with a path and a valid value, or None for what the scenario says.
    """
    shown = solara.use_memo(lambda: json.dumps(_shown(scenario, language)), [scenario, language])
    fixed = solara.use_memo(
        lambda: [] if live_only is None else sorted(scenario.grammar.parameters.keys() - set(live_only)),
        [scenario, live_only],
    )  # fmt: skip

    def change(asked: Any) -> None:
        valid = valid_change(scenario, asked)
        if valid is not None and valid[0] not in fixed:
            on_change(*valid)

    Panel(
        shown=shown, values=dict(changes), fixed=fixed,
        words={key: text(f"controls.{key}", language) for key in _WORDS}, event_change=change,
    )  # fmt: skip


def valid_change(scenario: Scenario, asked: Any) -> tuple[str, Value | None] | None:
    """Return path and value that a page asks for, None as value for what the scenario says; None if there is no such thing."""
    path = asked.get("path") if isinstance(asked, Mapping) else None
    if not isinstance(path, str) or path not in scenario.grammar.parameters:
        return None
    value = asked.get("value")
    if value is None:
        return path, None
    record = scenario.grammar.parameters[path]
    # JavaScript has no whole numbers of their own.
    whole = isinstance(value, float) and value.is_integer() and type(record.default) is int
    valid = accepted(record, int(value) if whole else value)
    if valid is None:
        return None
    return path, None if valid == scenario.get(path) else valid


def _shown(scenario: Scenario, language: str) -> dict[str, list[dict[str, Any]]]:
    """Return the controls that matter most, and all of them in groups."""
    chosen = [
        control.in_language(language)
        | {"group": _short_label(_group_of(scenario.grammar.keys[control.path]), language)}
        for control in first(scenario)
    ]
    return {"first": chosen, "groups": [
        {
            "name": group.name, "label": _label(group.name, language),
            "controls": [control.in_language(language) for control in group.controls],
        }
        for group in groups(scenario)
    ]}  # fmt: skip


def _short_label(group: str, language: str) -> str:
    """Return the heading of a group as it stands beside a name: of a role, the role alone."""
    role = group.removeprefix("roles.")
    return word(role, language) if role != group else _label(group, language)


def _label(group: str, language: str) -> str:
    table, _, rest = group.partition(".")
    if table == "roles":
        return f"{text('group.roles', language)}: {word(rest, language)}"
    if rest:
        return f"{text(f'group.{table}', language)}: {text('controls.coefficients', language)}"
    return text(f"group.{table}", language)
