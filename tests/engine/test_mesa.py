"""Plain Mesa works: an Ecosystem is a mesa.Model, an organisation a mesa.Agent, and Mesa's own tools take them."""

from __future__ import annotations

import copy
import gc
import warnings
import weakref
from pathlib import Path
from typing import Any

import mesa
import numpy as np
import pandas as pd
import pytest
from mesa import batchrunner

from ecosim import Ecosystem, ScenarioError
from ecosim.organisation import Organisation
from ecosim.outcome_table import OUTCOMES
from ecosim.state import CAPABILITIES, KNOWLEDGE_CAPABILITIES, ROUTINES, Organisations

LIVELY = Path(__file__).with_name("lively.toml")


def _lively(**more: Any) -> Ecosystem:
    return Ecosystem(LIVELY, **{"seed": 7, **more})


@pytest.fixture
def model() -> Ecosystem:
    """Return a small model in its third quarter."""
    return _lively(audit=True).run(3)


def _by_role(model: Ecosystem) -> dict[str, mesa.agent.AgentSet]:
    return {kind.__name__: members for kind, members in model.agents_by_type.items()}


# -- AgentSet ---------------------------------------------------------------------------------------------------


def test_agents_are_the_living(model: Ecosystem) -> None:
    """``model.agents`` holds each living organisation once, by role and number, as agents of the class of its role."""
    table, rows = model.organisations, model.members_of_roles()[1]
    assert isinstance(model, mesa.Model)
    assert isinstance(model.agents, mesa.agent.AgentSet)
    assert [agent.unique_id for agent in model.agents] == table.uid[rows].tolist()
    assert all(isinstance(agent, mesa.Agent) and agent.model is model for agent in model.agents)
    counts = dict(zip(model.role_names, model.counts(), strict=True))
    assert {name.lower(): len(members) for name, members in _by_role(model).items()} == counts
    assert set(model.agent_types) == {role.agent for role in model.roles.values()}


def test_role_without_members_is_no_agent_type() -> None:
    """``agent_types`` and ``agents_by_type`` leave a role out whose last member has gone, and take it in again."""
    model = _lively(**{"roles.government.initial": 0})
    government = model.roles["government"]
    assert government.agent not in model.agent_types
    model.enter(government.index, 1)
    assert len(model.agents_by_type[government.agent]) == 1
    model.agents_by_type[government.agent].do("remove")
    assert government.agent not in model.agents_by_type


def test_select_and_sort(model: Ecosystem) -> None:
    """``AgentSet.select`` and ``sort`` see the columns, by function, type, number and attribute."""
    firm, table = model.roles["firm"].agent, model.organisations
    rich = model.agents.select(lambda agent: agent.capital > 500.0)
    assert {agent.row for agent in rich} == set(model.rows[table.capital[model.rows] > 500.0].tolist())
    assert 0 < len(rich) < len(model.agents)
    assert set(model.agents.select(agent_type=firm)) == set(model.agents_by_type[firm])
    assert len(model.agents.select(at_most=3)) == 3
    ordered = model.agents.sort("capital").get("capital")
    assert ordered == sorted(table.capital[model.rows].tolist(), reverse=True)


def test_agg_get_groupby_count(model: Ecosystem) -> None:
    """``agg``, ``get`` and ``groupby`` give what the columns give."""
    table, rows = model.organisations, model.rows
    total, most = model.agents.agg("capital", [sum, max])
    assert total == pytest.approx(table.capital[rows].sum())
    assert most == table.capital[rows].max()
    assert model.agents.get(["talent", "risk"])[0] == [
        table.talent[model.members(0)[0]],
        table.routines[model.members(0)[0], ROUTINES.index("risk")],
    ]
    groups = model.agents.groupby("role")
    assert groups.count() == dict(zip(model.role_names, map(int, model.counts()), strict=True))
    assert groups.agg("talent", sum)["firm"] == pytest.approx(table.talent[model.members(0)].sum())
    assert groups.map(len) == groups.count()


def test_set_do_map_write_and_call(model: Ecosystem) -> None:
    """``set`` writes the column of each member, ``do`` and ``map`` call a method or a function for each."""
    users = _by_role(model)["User"]
    rows = model.members(5)
    assert len(rows) > 3
    users.set("openness", 0.25)
    assert (model.organisations.openness[rows] == 0.25).all()
    assert users.map(lambda agent, factor: agent.openness * factor, 4.0) == [1.0] * len(rows)
    seen: list[int] = []
    users.do(lambda agent: seen.append(agent.row))
    assert seen == rows.tolist()
    users.do("remove")
    assert len(model.members(5)) == 0
    assert "User" not in _by_role(model)


def test_shuffle_do_follows_mesas_generator() -> None:
    """``shuffle_do`` visits everybody once, in an order that the seed alone decides."""

    def visited(seed: int) -> list[int]:
        model = _lively(seed=seed)
        order: list[int] = []
        model.agents.shuffle_do(lambda agent: order.append(agent.unique_id))
        assert sorted(order) == sorted(model.agents.get("unique_id"))
        return order

    assert visited(7) == visited(7)
    assert visited(7) != visited(8)


# -- agents and their rows ------------------------------------------------------------------------------------------


def test_agents_come_and_go() -> None:
    """Agents of the living stay the same objects, those of the departed leave all sets and tell so, numbers are never reused."""
    model = _lively()
    known = {agent.unique_id: agent for agent in model.agents}
    everybody, reused = set(known), 0
    rows_of = {agent.unique_id: agent.row for agent in known.values()}
    for _ in range(12):
        model.step()
        for agent in model.agents:
            assert known.setdefault(agent.unique_id, agent) is agent
        living = set(model.organisations.uid[model.rows].tolist())
        assert set(model.agents.get("unique_id")) == living
        assert {agent.unique_id for members in model.agents_by_type.values() for agent in members} == living
        entrants = living - everybody
        reused += sum(known[uid].row in rows_of.values() for uid in entrants)
        rows_of |= {uid: known[uid].row for uid in entrants}
        everybody |= living
    departed = [agent for agent in known.values() if agent.unique_id not in living]
    assert len(departed) > 5
    assert reused > 0, "no row was taken over by another organisation: the test would miss a mix-up"
    for agent in departed:
        assert not agent.alive
        with pytest.raises(LookupError, match=f"uid {agent.unique_id} has left the ecosystem"):
            _ = agent.capital
        with pytest.raises(LookupError, match="has left the ecosystem"):
            agent.capital = 1.0


def test_agents_of_the_departed_do_not_pile_up() -> None:
    """Without a look at ``model.agents``, single agents that were asked for are let go too once they have left."""
    model = _lively(history=False)
    for _ in range(12):
        model.step()
        for row in model.rows:
            model.view(int(row))
    model.step()
    assert model.by_role["exits"].sum() > 10
    assert len(model._views) <= len(model.rows) + len(model.happened.query("step == 12 and event == 'exit'"))


def test_events_number_organisations_once() -> None:
    """No number is given to two organisations: the table of events names as many entrants as entered."""
    model = _lively().run(12)
    entries = model.happened.query("event == 'entry'")
    assert len(entries) == model.by_role["entries"].sum() > 10
    assert entries["subject"].is_unique


def test_every_column_is_an_attribute(model: Ecosystem) -> None:
    """An agent reads each column of its row, single capabilities and routines by name, and writes them."""
    agent = model.agents[0]
    for name in set(Organisations._fields) - {"role", "kind"}:
        assert np.array_equal(getattr(agent, name), getattr(model.organisations, name)[agent.row]), name
    assert (agent.role, agent.kind, agent.uid) == ("firm", "competitor", agent.unique_id)
    for column, names in (("capabilities", CAPABILITIES), ("knowledge_capabilities", KNOWLEDGE_CAPABILITIES), ("routines", ROUTINES)):  # fmt: skip
        for position, name in enumerate(names):
            setattr(agent, name, 0.125 + position / 64)
            assert (
                getattr(model.organisations, column)[agent.row, position]
                == getattr(agent, name)
                == 0.125 + position / 64
            )
    agent.knowledge = np.arange(8.0)
    assert model.organisations.knowledge[agent.row].tolist() == list(range(8))


def test_lost_writes_raise(model: Ecosystem) -> None:
    """What would be lost raises instead: a misspelt name, a part of a copied array, what only the engine may change."""
    agent = model.agents[0]
    with pytest.raises(AttributeError, match="firm has no attribute 'captial'; did you mean 'capital'"):
        agent.captial = 5.0
    with pytest.raises(ValueError, match="read-only"):
        agent.knowledge[0] = 5.0
    for name in ("uid", "alive", "role", "kind", "name", "row"):
        with pytest.raises(AttributeError, match="no setter"):
            setattr(agent, name, 1)


def test_constructor_and_copy_refuse(model: Ecosystem) -> None:
    """An agent without a row cannot be made: Mesa's constructor and ``copy.deepcopy`` say what to do instead."""
    firm = model.roles["firm"].agent
    with pytest.raises(TypeError, match=r"an organisation enters by model\.enter"):
        firm.create_agents(model, 2)
    with pytest.raises(TypeError, match="keep its unique_id"):
        copy.deepcopy(model.agents[0])
    assert len(model.members(0)) == 4


def test_remove_settles_accounts(model: Ecosystem) -> None:
    """``agent.remove()`` ends ties and pays out what it holds; the books still balance, and the exit is on record."""
    university = next(agent for agent in _by_role(model)["University"] if agent.partners)
    held, outside, partner = university.capital, model.books.outside.sum(), university.partners[0]
    assert held > 0.0
    degree = partner.degree
    university.remove()
    assert model.books.outside.sum() == pytest.approx(outside + held)
    assert partner.degree == degree - 1
    assert university not in model.agents
    model.run(2)  # audited
    exits = model.happened.query("event == 'exit' and subject == @university.name")
    assert exits["step"].tolist() == [3]
    assert float(exits["detail"].iloc[0]) == pytest.approx(held, rel=1e-5)
    with pytest.raises(LookupError, match="has left the ecosystem"):
        university.remove()


def test_remove_all_agents(model: Ecosystem) -> None:
    """``remove_all_agents`` empties the ecosystem, which goes on, empty, in balance."""
    model.remove_all_agents()
    assert len(model.agents) == len(model.rows) == len(model.tie_rows) == 0
    model.run(2)  # audited
    assert model.metrics["organisations"].tolist()[-2:] == [0.0, 0.0]


def test_pay_moves_money_through_the_ledger(model: Ecosystem) -> None:
    """``agent.pay`` moves at most what is there, counts it in the books, and knows purposes and models."""
    giver, taker = model.agents_by_type[model.roles["firm"].agent][:2]
    total, held = giver.capital + taker.capital, giver.capital
    moved = model.books.paid.sum()
    assert giver.pay(taker, 2.0 * held, "contracts") == held
    assert (giver.capital, taker.capital) == (0.0, pytest.approx(total))
    assert model.books.paid.sum() - moved == pytest.approx(held)
    assert taker.pay(giver, -1.0, "contracts") == 0.0
    with pytest.raises(ValueError, match="purpose is 'contract'; did you mean 'contracts'"):
        taker.pay(giver, 1.0, "contract")
    with pytest.raises(ValueError, match="belongs to another model"):
        taker.pay(model.branch().agents[0], 1.0, "contracts")


def test_model_is_freed() -> None:
    """A model that nobody holds goes, though its agents were made, and Mesa's counter of agents does not keep it."""
    before = len(mesa.Agent._ids)
    model = _lively().run(2)
    agents = list(model.agents)
    branch = model.branch()
    branch.step()
    gone = [weakref.ref(thing) for thing in (model, branch, agents[0])]
    assert len(mesa.Agent._ids) == before
    del model, branch, agents
    gc.collect()
    assert [reference() for reference in gone] == [None, None, None]


# -- data collectors, batch_run, SolaraViz --------------------------------------------------------------------------


def test_own_data_collector(model: Ecosystem) -> None:
    """A user's ``mesa.DataCollector`` collects model, agent and type reporters."""
    firm = model.roles["firm"].agent
    collector = mesa.DataCollector(
        model_reporters={"agents": lambda m: len(m.agents), "seed": "seed"},
        agent_reporters={"capital": "capital", "kind": lambda agent: agent.kind},
        agenttype_reporters={firm: {"quality": "quality"}},
    )
    for _ in range(2):
        model.step()
        collector.collect(model)
    kept = collector.get_model_vars_dataframe()
    assert kept["agents"].tolist() == model.metrics["organisations"].tolist()[-2:]
    assert kept["seed"].tolist() == [7, 7]
    agents = collector.get_agent_vars_dataframe()
    assert set(agents.index.get_level_values("Step")) == {4, 5}
    last = agents.xs(5)
    assert last["capital"].to_dict() == {agent.unique_id: agent.capital for agent in model.agents}
    assert last["kind"].to_dict() == {agent.unique_id: agent.kind for agent in model.agents}
    qualities = collector.get_agenttype_vars_dataframe(firm).xs(5)["quality"]
    assert qualities.tolist() == model.agents_by_type[firm].get("quality")


def test_datacollector_serves_the_outcomes(model: Ecosystem) -> None:
    """``model.datacollector`` has a row a quarter and a column an outcome, the same as ``metrics``, also after a rewind."""
    names = [outcome.name for outcome in OUTCOMES]

    def same() -> None:
        frame = model.datacollector.get_model_vars_dataframe()
        pd.testing.assert_frame_equal(frame, model.metrics[names])

    same()
    model.rewind(2)
    model.agents.set("openness", 0.0)
    model.run(1)
    same()
    model.rewind(1)
    same()
    model.run(5)
    same()
    assert len(model.datacollector.model_vars["ties"]) == 6


def test_batch_run_over_parameters() -> None:
    """``mesa.batch_run`` takes dotted and double underscore names, several values, iterations; its last row is the last quarter."""
    parameters = {
        "scenario": LIVELY,
        "seed": 3,
        "roles.firm.capacity": [2.0, 40.0],
        "roles__firm__growth_rate": 0.5,
    }
    rows = mesa.batch_run(Ecosystem, parameters, iterations=2, max_steps=4, display_progress=False)
    table = pd.DataFrame(rows)
    assert len(table) == 4
    assert table["Step"].tolist() == [4] * 4  # Mesa runs one step more than it is told
    assert table.groupby("roles.firm.capacity")["value_created"].nunique().tolist() == [
        1,
        1,
    ]  # a seed given is the seed
    firms = table.groupby("roles.firm.capacity")["organisations"].first()
    assert firms[2.0] < firms[40.0]
    alone = _lively(**{"seed": 3, "roles.firm.capacity": 40.0, "roles.firm.growth_rate": 0.5}).run(5)
    assert table.iloc[1]["value_created"] == alone.metrics["value_created"].iloc[-1]


def test_batch_run_collects_each_period() -> None:
    """With a period, ``mesa.batch_run`` gives a row a quarter, and stops where the scenario does."""
    rows = mesa.batch_run(
        Ecosystem,
        {"scenario": LIVELY, "steps": 3, "seed": [1, 2]},
        data_collection_period=1,
        max_steps=50,
        display_progress=False,
    )
    table = pd.DataFrame(rows)
    assert table.groupby("seed")["Step"].apply(list).to_dict() == {1: [0, 1, 2], 2: [0, 1, 2]}
    metrics = _lively(steps=3, seed=2).run().metrics
    assert table.query("seed == 2")["capital_total"].tolist() == metrics["capital_total"].tolist()


def test_batch_run_in_two_processes() -> None:
    """``mesa.batch_run`` with two processes gives what it gives with one, in any order."""
    arguments: dict[str, Any] = {
        "parameters": {"scenario": LIVELY, "seed": 3, "roles.firm.capital": [10.0, 900.0]}, "max_steps": 2, "display_progress": False,
    }  # fmt: skip
    one = mesa.batch_run(Ecosystem, **arguments)
    two = mesa.batch_run(Ecosystem, number_processes=2, **arguments)
    assert sorted(two, key=lambda row: row["RunId"]) == one
    assert one[0]["capital_total"] != one[1]["capital_total"]


def test_batch_run_of_a_subclass() -> None:
    """A student's subclass with a step and a collector of its own goes through ``batch_run``, agent reporters too."""
    table = pd.DataFrame(batchrunner.batch_run(Watched, {"seed": 3}, max_steps=1, display_progress=False))
    assert set(table["Step"]) == {1}
    model = Watched(seed=3).run(1)  # Mesa looks up what a collector noted when `steps` was 1
    assert dict(zip(table["AgentID"], table["capital"], strict=True)) == {
        agent.unique_id: agent.capital for agent in model.agents
    }
    assert table["partners"].iloc[0] == len(model.agents[0].partners)


class Watched(Ecosystem):
    """What a student writes: Mesa as in its tutorial."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(LIVELY, seed)
        self.datacollector = mesa.DataCollector(
            agent_reporters={"capital": "capital", "partners": lambda agent: len(agent.partners)}
        )

    def step(self) -> None:
        """Run a quarter and collect."""
        super().step()
        self.datacollector.collect(self)


def test_solara_viz() -> None:
    """Mesa's ``SolaraViz`` draws an outcome, its buttons step and rebuild the model, its sliders set parameters."""
    import ipyvuetify
    import ipywidgets
    import solara
    from mesa.visualization import Slider, SolaraViz, make_plot_component

    parameters = {
        "scenario": LIVELY,
        "seed": 5,
        "roles.firm.capacity": Slider("capacity of firms", 12.0, 5.0, 30.0, 1.0),
    }
    first = Ecosystem(seed=0)
    shown = solara.reactive(first)

    @solara.component  # type: ignore[untyped-decorator]
    def Page() -> None:  # noqa: N802
        with solara.AppLayout():
            SolaraViz(shown, components=[make_plot_component("value_created")], model_params=parameters)

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "[\\s\\S]*use_state.*found despite early return", UserWarning)
        _, rendered = solara.render(Page(), handle_error=False)
    buttons = {button.children[0]: button for button in rendered.find(ipyvuetify.Btn).widgets}
    before = rendered.find(ipywidgets.Image).widgets[0].value
    buttons["Step"].click()
    buttons["Step"].click()
    assert (first.steps, first.step_number) == (2, 2)
    assert rendered.find(ipywidgets.Image).widgets[0].value != before
    (slider,) = [slider for slider in rendered.find(ipyvuetify.Slider).widgets if slider.label == "capacity of firms"]
    slider.v_model = 20.0
    buttons["Reset"].click()
    buttons["Step"].click()
    assert shown.value is not first
    assert (shown.value.seed, shown.value.steps, shown.value.scenario.get("roles.firm.capacity")) == (5, 1, 20.0)
    rendered.close()


# -- seeds ----------------------------------------------------------------------------------------------------------


def test_seed_zero_is_a_seed() -> None:
    """Seed 0 gives the same run each time and not that of another seed; ``rng`` is the same by Mesa's newer name."""
    first, again, other = (_lively(seed=seed).run(3) for seed in (0, 0, 1))
    assert first.seed == 0
    pd.testing.assert_frame_equal(first.metrics, again.metrics)
    assert not first.metrics.equals(other.metrics)
    pd.testing.assert_frame_equal(Ecosystem(LIVELY, rng=0).run(3).metrics, first.metrics)
    assert first.random.random() == again.random.random()
    assert first.rng.random() == again.rng.random()


def test_no_seed_is_a_new_one() -> None:
    """Without a seed each model has another, which tells how to repeat it."""
    first, second = Ecosystem(LIVELY), Ecosystem(LIVELY)
    assert first.seed != second.seed
    pd.testing.assert_frame_equal(first.run(2).metrics, _lively(seed=first.seed).run(2).metrics)


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5, True, "1"])
def test_bad_seed_is_refused(seed: Any) -> None:
    """What is no whole number in range is no seed."""
    with pytest.raises(ScenarioError, match="valid is a whole number from 0"):
        Ecosystem(seed=seed)


def test_seed_and_rng_are_one() -> None:
    """Both at once are refused, as Mesa does."""
    with pytest.raises(ScenarioError, match="seed is 1 and rng is 0; give one of them"):
        Ecosystem(seed=1, rng=0)


def test_organisation_is_exported() -> None:
    """A student's ``isinstance`` check against the public class holds for each agent."""
    assert all(isinstance(agent, Organisation) for agent in _lively().agents)
