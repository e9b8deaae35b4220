"""A scenario is complete, frozen and valid as a whole, whichever way its values came in."""

from __future__ import annotations

import dataclasses
import json
import pickle
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import numpy as np
import pytest

import ecosim.mechanisms
from ecosim.grammar import CONDITIONS, parameter_groups, scenario_grammar
from ecosim.parameters import Parameter, ParameterGroup, ScenarioError, Value
from ecosim.roles import read_roles
from ecosim.scenario import (
    Condition,
    Scenario,
    load_scenario,
    parse_setting,
    scenario_from_dict,
    shipped_scenarios,
)
from ecosim.schema import scenario_schema
from ecosim.shapes import accepted

ROLES = read_roles()
GRAMMAR = scenario_grammar(ROLES)
KIND, OTHER_KIND = ROLES["firm"].kinds[:2]

WORLD = f"""
title = "A world"
question = "What if?"
sources = ["S000 4"]
start_year = 1998
steps = 108
schedule.activation = "random"
rules.trust = false

[environment]
drift = 1

[roles.firm]
initial = 6
capacity = 30
kinds = {{ "{OTHER_KIND}" = 2 }}

[symbiosis.coefficients.firm]
supplier = 0.3

[[organisations]]
name = "Huawei"
role = "firm"
kind = "{KIND}"
focal = true
capital = 5
[[organisations]]
name = "newcomers"
role = "supplier"
count = 3
year = 1999
quarter = 2

[[components]]
name = "codec"
[[components]]
name = "station"
tier = "integration"
difficulty = 20
domain = 3
requires = ["codec"]
crossing = 0.5

[[events]]
name = "recession"
year = 2002
quarter = 3
set = {{ "environment.drift" = 0.5, "rules.trust" = true }}
shock = {{ index = "economy", size = -0.3, quarters = 6 }}
[[events]]
name = "later"
step = 16
enter = {{ role = "user", count = 2 }}
[[events]]
name = "distrust"
when = "mean_trust<.3"
after = 2003
enter = {{ role = "firm", kind = "{KIND}" }}
"""


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Return a function that writes a scenario file and returns its path."""

    def written(text: str, name: str = "world.toml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return written


@pytest.fixture
def world(write: Any) -> Scenario:
    """Return the scenario above."""
    return load_scenario(write(WORLD), ROLES)


@pytest.fixture
def plain(write: Any) -> Scenario:
    """Return a scenario that says nothing but its title."""
    return load_scenario(write('title = "plain"\n', "plain.toml"), ROLES)


def test_silence_means_the_defaults_of_the_records(plain: Scenario) -> None:
    """A scenario that says nothing has every default, and every parameter a value."""
    assert plain.name == "plain"
    assert (plain.start_year, plain.steps, plain.activation) == (2000, 40, "simultaneous")
    assert all(plain.rules.values())
    assert plain.settings["environment"] == {
        name: record.default for name, record in parameter_groups()["environment"].records.items()
    }
    assert plain.kinds["firm"] == {kind: float(kind == KIND) for kind in ROLES["firm"].kinds}
    assert plain.coefficients == {}
    assert (plain.organisations, plain.components, plain.events) == ((), (), ())
    assert {path: plain.get(path) for path in GRAMMAR.parameters} == {
        path: record.default for path, record in GRAMMAR.parameters.items()
    }


def test_values_arrive_in_the_parameters_own_types(world: Scenario) -> None:
    """What the file says is in the scenario; whole numbers become decimals where decimals are meant."""
    assert (world.title, world.question, world.sources) == ("A world", "What if?", ("S000 4",))
    assert (world.start_year, world.steps, world.activation) == (1998, 108, "random")
    assert not world.rules["trust"]
    assert world.rules["turnover"]
    assert repr(world.settings["environment"]["drift"]) == "1.0"
    assert repr(world.roles["firm"]["initial"]) == "6"
    assert world.coefficients == {"firm": {"supplier": 0.3}}


def test_given_weights_replace_the_default_kind(world: Scenario) -> None:
    """As soon as one kind has a weight, kinds without one do not occur."""
    assert world.kinds["firm"] == {kind: 2.0 * (kind == OTHER_KIND) for kind in ROLES["firm"].kinds}


def test_named_organisations(world: Scenario) -> None:
    """Named organisations know their step of entry and what they have of their own."""
    huawei, newcomers = world.organisations
    assert (huawei.name, huawei.role, huawei.kind, huawei.count, huawei.focal, huawei.step) == (
        "Huawei", "firm", KIND, 1, True, 0,
    )  # fmt: skip
    assert huawei.endowment == {"capital": 5.0}
    assert (newcomers.count, newcomers.kind, newcomers.focal, newcomers.step) == (3, None, False, 5)


def test_components(world: Scenario) -> None:
    """Component technologies have defaults, too."""
    assert [dataclasses.astuple(component) for component in world.components] == [
        ("codec", "non-core", 1.0, 1, (), 0.0),
        ("station", "integration", 20.0, 3, ("codec",), 0.5),
    ]


def test_events(world: Scenario) -> None:
    """Dates become steps; conditions are read; actions are validated parameters, shocks and entries."""
    recession, later, distrust = world.events
    assert (recession.step, recession.when) == (18, None)
    assert recession.set == {"environment.drift": 0.5, "rules.trust": True}
    assert recession.shock is not None
    assert (recession.shock.index, recession.shock.size, recession.shock.quarters) == ("economy", -0.3, 6)
    assert later.step == 16
    assert later.enter is not None
    assert (later.enter.role, later.enter.kind, later.enter.count) == ("user", None, 2)
    assert (distrust.step, distrust.when, distrust.earliest) == (None, Condition("mean_trust", False, 0.3), 20)


def test_condition_holds_below_or_above_its_level() -> None:
    """A condition is strict on both sides."""
    assert Condition("ties", True, 3.0).holds(3.5)
    assert not Condition("ties", True, 3.0).holds(3.0)
    assert Condition("ties", False, 3.0).holds(2.5)
    assert not Condition("ties", False, 3.0).holds(3.0)


@pytest.mark.parametrize("metric", CONDITIONS)
def test_every_condition_can_be_waited_for(metric: str, write: Any) -> None:
    """Each metric that the grammar names is valid in `when`, for the loader and for editors."""
    text = f'[[events]]\nname = "x"\nwhen = " {metric} > -1.5e3 "\nenter.role = "user"\n'
    assert load_scenario(write(text), ROLES).events[0].when == Condition(metric, True, -1500.0)
    jsonschema.Draft202012Validator(scenario_schema(ROLES)).validate(tomllib.loads(text))


def test_extends_merges_tables_and_replaces_lists(write: Any) -> None:
    """A child changes single values, keeps the rest, and replaces lists that it gives itself."""
    write(WORLD, "base.toml")
    write('extends = "base.toml"\nsteps = 60\n[roles.firm]\ninitial = 7\n[[components]]\nname = "x"\n', "middle.toml")
    child = load_scenario(write('extends = "../middle.toml"\n[rules]\nlearning = false\n', "below/child.toml"), ROLES)
    assert (child.name, child.title, child.start_year, child.steps) == ("child", "A world", 1998, 60)
    assert (child.roles["firm"]["initial"], child.roles["firm"]["capacity"]) == (7, 30.0)
    assert not child.rules["trust"]
    assert not child.rules["learning"]
    assert [component.name for component in child.components] == ["x"]
    assert [organisation.name for organisation in child.organisations] == ["Huawei", "newcomers"]
    assert len(child.events) == 3


def test_long_chains_of_extends_load(write: Any) -> None:
    """A chain is followed to its end, however long."""
    write("steps = 12\n", "world0.toml")
    for number in range(1, 300):
        last = write(f'extends = "world{number - 1}.toml"\n', f"world{number}.toml")
    assert load_scenario(last, ROLES).steps == 12


def test_shipped_names_are_found_by_name(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shipped scenario loads by its name, from `extends` too, before a file of that name."""
    directory = write("steps = 12\n", "shipped/classroom.toml").parent
    monkeypatch.setattr("ecosim.scenario_file.content_directory", lambda name: directory)
    assert shipped_scenarios() == {"classroom": directory / "classroom.toml"}
    assert load_scenario("classroom", ROLES).steps == 12
    assert load_scenario(write('extends = "classroom"\n', "classroom.toml"), ROLES).steps == 12


def test_text_and_path_lead_to_the_same_file(write: Any) -> None:
    """A path can be given as text."""
    path = write(WORLD)
    assert load_scenario(str(path), ROLES) == load_scenario(path)


def test_a_resolved_scenario_reads_back_equal(world: Scenario, plain: Scenario) -> None:
    """The JSON of a resolved scenario is the scenario."""
    for scenario in (world, plain, world.with_settings({"roles.firm.kinds." + KIND: 1})):
        assert scenario_from_dict(json.loads(json.dumps(scenario.as_dict())), ROLES) == scenario
    assert world != plain


def test_a_scenario_can_be_pickled(world: Scenario) -> None:
    """A scenario travels to worker processes and can be changed there."""
    copy = pickle.loads(pickle.dumps(world))
    assert copy == world
    assert copy.with_settings({"steps": 109}).steps == 109


def test_a_scenario_is_frozen(world: Scenario) -> None:
    """Nothing in a scenario can be assigned."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        world.steps = 3  # type: ignore[misc]
    for table in (world.rules, world.settings["environment"], world.events[0].set, world.organisations[0].endowment):
        with pytest.raises(TypeError):
            table["x"] = 1  # type: ignore[index]
    world.as_dict()["rules"]["trust"] = True
    assert not world.rules["trust"]


def test_settings_give_a_new_scenario(world: Scenario) -> None:
    """Changing a value leaves the scenario as it was, and everything else in the new one."""
    changed = world.with_settings({"environment.drift": 0, "roles.firm.kinds." + KIND: 1, "steps": 60})
    assert (changed.get("environment.drift"), changed.steps) == (0.0, 60)
    assert (changed.kinds["firm"][KIND], changed.kinds["firm"][OTHER_KIND]) == (1.0, 2.0)
    assert world.get("environment.drift") == 1.0
    back = changed.with_settings({"environment.drift": 1.0, "roles.firm.kinds." + KIND: 0, "steps": 108})
    assert back == world


def test_the_short_way_to_other_values_leads_to_the_same_scenario(world: Scenario) -> None:
    """Protects the runs of a study: values set without a check of the whole give the scenario that such a check gives."""
    together: dict[str, Value] = {}
    for path, record in GRAMMAR.parameters.items():
        value = record.choices[-1] if record.choices else record.default if record.low is None else record.low
        if ".kinds." not in path and path not in ("steps", "start_year"):
            together[path] = type(record.default)(value)
            short = world.with_settings({path: together[path]})
            # The horizon stands in the dates of events too, so that with it everything is checked.
            assert short == world.with_settings({"steps": world.steps, path: together[path]})
    assert world.with_settings(together) == world.with_settings({**together, "steps": world.steps})


def test_dates_follow_the_start_year(world: Scenario) -> None:
    """An event on a date stays on its date when the start moves; one on a step stays on its step."""
    moved = world.with_settings({"start_year": 1999})
    assert [event.step for event in moved.events] == [14, 16, None]
    assert (moved.events[2].earliest, moved.organisations[1].step) == (16, 1)


def test_a_coefficient_given_later_fixes_it(plain: Scenario) -> None:
    """Coefficients are measured until one is given."""
    fixed = plain.with_settings({"symbiosis.coefficients.firm.supplier": 0.3})
    assert fixed.coefficients == {"firm": {"supplier": 0.3}}
    assert fixed.get("symbiosis.coefficients.firm.supplier") == 0.3
    assert fixed.get("symbiosis.coefficients.supplier.firm") == 0.0


def test_numbers_of_numpy_are_numbers(plain: Scenario) -> None:
    """A sweep's design holds NumPy numbers."""
    settings: dict[str, Any] = {
        "steps": np.int64(8),
        "environment.drift": np.float64(0.5),
        "rules.trust": np.bool_(False),
    }
    changed = plain.with_settings(settings)
    assert [repr(changed.get(path)) for path in settings] == ["8", "0.5", "False"]


@pytest.mark.parametrize("path", GRAMMAR.parameters)
def test_every_parameter_can_be_set_within_its_range_only(path: str, plain: Scenario) -> None:
    """Each record accepts its default and both ends of its range, and nothing beyond."""
    record = GRAMMAR.parameters[path]
    assert accepted(record, record.default) == record.default
    valid: tuple[Value | None, ...] = record.choices or (True, False)
    wrong: tuple[Any, ...] = ("no such choice", 2)
    if record.low is not None and record.high is not None:
        valid = (type(record.default)(record.low), type(record.default)(record.high))
        wrong = (record.low - 1, record.high + 1, float("nan"), True)
    if ".kinds." in path:
        valid = valid[1:]  # a role whose kinds all have the weight 0 is refused
    for value in valid:
        assert plain.with_settings({path: value}).get(path) == value  # type: ignore[dict-item]
    for value in wrong:
        with pytest.raises(ScenarioError, match=r"^keyword argument: .+ is .+; give "):
            plain.with_settings({path: value})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"environment.drit": 1},
            "environment.drit\" is not the path of a parameter; did you mean 'environment.drift'?",
        ),
        ({"drift": 1}, 'drift is not the path of a parameter; write "environment.drift"'),
        ({"environment": 1}, "environment is not the path of a parameter; write the whole path as one text, such as "),
        ({"title": "x"}, "title is not the path of a parameter; valid are "),
        ({"environment.drift": 2}, "environment.drift is 2, which is too high; give a number from 0 to 1 (1/quarter)"),
        ({"environment.drift": None}, "environment.drift is a Python NoneType; give a number from 0"),
        ({"steps": np.float64(4.5)}, "steps is 4.5 (a decimal number); give a whole number from 1 to 100_000"),
        ({f"roles.firm.kinds.{OTHER_KIND}": 0}, "roles.firm.kinds has no weight above 0; "),
        ({"steps": 18}, "events[1].year is 2002 (quarter 3), after the end of the run; give one from 1998 quarter 1"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], sentence: str, world: Scenario) -> None:
    """A wrong keyword argument is refused with the same sentence as in a file, and its own place."""
    with pytest.raises(ScenarioError) as error:
        world.with_settings(settings)
    assert str(error.value).replace('"environment.drit', "environment.drit").startswith(f"keyword argument: {sentence}")
    assert str(error.value).isprintable()


def test_unknown_path_cannot_be_read(world: Scenario) -> None:
    """Asking for a parameter that is none is an error with the nearest one."""
    with pytest.raises(ScenarioError, match=r"did you mean 'roles.firm.capacity'\?$"):
        world.get("roles.firm.capacty")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a.b=0.2", 0.2),
        (" a.b = 3 ", 3),
        ("a.b=true", True),
        ("a.b=random", "random"),
        ('a.b="two words"', "two words"),
        ("a.b=two words", "two words"),
        ("a.b=non-core", "non-core"),
        ("a.b=1_000", 1000),
        ("a.b=[1]", [1]),
    ],
)
def test_settings_of_the_command_line_are_toml(text: str, value: Value) -> None:
    """A value is read as TOML, a bare word as text."""
    assert parse_setting(text) == ("a.b", value)
    assert type(parse_setting(text)[1]) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "drift",
        "drift=",
        "=3",
        "a=1.2.3",
        "a=1\nb=2",
        "a='x",
        "a=" + "[" * 3_000,
        "a=" + "1" * 5_000,
        "a={b=",
        "a=\0",
    ],
)
def test_unreadable_settings_are_refused(text: str) -> None:
    """A setting of the command line that cannot be read is one sentence with its place."""
    with pytest.raises(ScenarioError, match=r"^--set: .+; .+$") as error:
        parse_setting(text)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 300


def test_settings_of_the_command_line_are_applied(write: Any) -> None:
    """Texts and mappings change the loaded scenario; their errors name the place they came from."""
    path = write(WORLD)
    assert load_scenario(path, ROLES, ["environment.drift=0.3", "rules.trust=true"]).get("environment.drift") == 0.3
    assert load_scenario(path, ROLES, {"environment.drift": 0.3}).get("environment.drift") == 0.3
    with pytest.raises(ScenarioError, match=r"^--set: environment.drift is \"x\" \(text\); give a number"):
        load_scenario(path, ROLES, ["environment.drift=x"])
    with pytest.raises(ScenarioError, match=r"^keyword argument: environment.drift is 3, which is too high"):
        load_scenario(path, ROLES, {"environment.drift": 3})


@pytest.mark.parametrize(
    "tree", [[], 3, {1: 2}, {"name": "x", "extends": "y"}, {"steps": {}}, {"events": [{}]}, {"rules": {1: True}}]
)
def test_wrong_dictionaries_are_refused(tree: Any) -> None:
    """A dictionary that is no scenario is refused in one sentence."""
    with pytest.raises(ScenarioError, match=r"^run.json: .+; .+$"):
        scenario_from_dict(tree, ROLES, place="run.json")


def test_parameter_groups_are_those_of_the_mechanisms(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A module of the mechanisms that binds PARAMETERS has a table in the scenario; one that does not has none."""
    module: ModuleType = ecosim.mechanisms
    monkeypatch.setattr(module, "__path__", [*module.__path__, str(tmp_path)])
    record = 'Parameter(0.5, 0.0, 1.0, "1", "Meaning.", "source")'
    (tmp_path / "gravity.py").write_text(
        "from ecosim.parameters import Parameter, ParameterGroup\n"
        f'PARAMETERS = ParameterGroup("gravitation", __name__, {{"pull": {record}}})\n'
    )
    (tmp_path / "silent.py").write_text("")
    try:
        groups = parameter_groups()
        assert groups["gravitation"].records == {"pull": Parameter(0.5, 0.0, 1.0, "1", "Meaning.", "source")}
        assert "silent" not in groups
        assert all(isinstance(group, ParameterGroup) for group in groups.values())
        assert scenario_from_dict({"gravitation": {"pull": 1}}, ROLES).settings["gravitation"]["pull"] == 1.0
    finally:
        for name in ("gravity", "silent"):
            sys.modules.pop(f"ecosim.mechanisms.{name}", None)


def test_schema_is_a_valid_schema_with_the_records_in_it() -> None:
    """The schema is JSON Schema 2020-12; each parameter's range, default and meaning are in it."""
    schema = scenario_schema(ROLES)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
    record = GRAMMAR.parameters["environment.drift"]
    drift = schema["properties"]["environment"]["properties"]["drift"]
    assert (drift["type"], drift["minimum"], drift["maximum"], drift["default"]) == ("number", 0.0, 1.0, record.default)
    assert record.meaning in drift["description"]
    assert record.unit in drift["description"]
    assert record.source in drift["description"]


def test_schema_accepts_what_loads(world: Scenario) -> None:
    """A valid file, and every resolved scenario, passes the schema."""
    validator = jsonschema.Draft202012Validator(scenario_schema(ROLES))
    assert not list(validator.iter_errors(tomllib.loads(WORLD)))
    assert not list(validator.iter_errors({key: value for key, value in world.as_dict().items() if key != "name"}))


@pytest.mark.parametrize("name", shipped_scenarios())
def test_shipped_scenarios_load_and_pass_the_schema(name: str) -> None:
    """Every shipped scenario is valid, has a title and passes the schema that editors use."""
    scenario = load_scenario(name, ROLES)
    assert scenario.title
    text = shipped_scenarios()[name].read_text(encoding="utf-8")
    jsonschema.Draft202012Validator(scenario_schema(ROLES)).validate(tomllib.loads(text))
