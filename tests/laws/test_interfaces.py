"""Interfaces and readings: how ties grow closer and what it does; how relations between roles and the rung are read."""

from __future__ import annotations

from typing import Any

import networkx
import numpy as np
import pytest

from ecosim.columns import make_table
from ecosim.ledger import make_books, make_events
from ecosim.mechanisms import interfaces, readings
from ecosim.mechanisms.symbiosis import give_up_ties
from ecosim.mechanisms.turnover import rest_density
from ecosim.model import Ecosystem
from ecosim.parameters import Value
from ecosim.scenario import load_scenario
from ecosim.state import (
    ALLIANCE,
    CONTRACT,
    FIRM,
    FUNDING,
    GOVERNMENT,
    INTERFACES,
    INTERMEDIARY,
    JOINT_RESEARCH,
    LICENCE,
    OPEN_SOURCE,
    SEPARATION,
    SHARING,
    STANDARDS,
    SUPPLIER,
    SUPPLY,
    TRAINING,
    UNIVERSITY,
    USER,
    Organisations,
    Ties,
)

OF_KIND = np.array([-1, STANDARDS, ALLIANCE, OPEN_SOURCE, FUNDING])


def pair(roles: tuple[int, int], interface: int, trust: float = 0.8, kind: int = 0) -> tuple[Organisations, Ties]:
    """Return two organisations with a tie, of the same niche and of knowledge at a distance of one half."""
    table, ties = make_table(Organisations, 2), make_table(Ties, 1)
    table.role[:], table.uid[:], table.alive[:] = roles, (64, 129), True
    table.kind[:] = np.where(np.array(roles) == INTERMEDIARY, kind, 0)
    table.capital[:], table.talent[:], table.niche[:, 0] = 1000.0, 100.0, 1.0
    table.knowledge[0, :2], table.knowledge[1, 0] = (1.0, np.sqrt(3.0)), 1.0  # overlap 1 / 2
    table.direction[:, 0] = 1.0
    ties.a[0], ties.b[0], ties.alive[0], ties.interface[0], ties.trust[0], ties.mode[0] = 0, 1, True, interface, trust, SHARING  # fmt: skip
    return table, ties


@pytest.mark.parametrize(
    ("roles", "present", "trust", "kind", "offered", "need"),
    [
        ((FIRM, FIRM), CONTRACT, 0.8, 0, LICENCE, 1.0),
        ((FIRM, FIRM), LICENCE, 0.8, 0, JOINT_RESEARCH, 1.0),
        ((FIRM, FIRM), LICENCE, 0.4, 0, LICENCE, 0.0),
        ((SUPPLIER, FIRM), SUPPLY, 0.8, 0, JOINT_RESEARCH, 1.0),
        ((FIRM, UNIVERSITY), JOINT_RESEARCH, 0.5, 0, TRAINING, 0.5),
        ((UNIVERSITY, UNIVERSITY), JOINT_RESEARCH, 0.8, 0, JOINT_RESEARCH, 0.0),
        ((USER, INTERMEDIARY), STANDARDS, 0.8, 3, OPEN_SOURCE, 1.0),
        ((INTERMEDIARY, FIRM), STANDARDS, 0.8, 2, ALLIANCE, 1.0),
        ((INTERMEDIARY, FIRM), STANDARDS, 0.8, 0, STANDARDS, 0.0),
        ((GOVERNMENT, INTERMEDIARY), FUNDING, 0.8, 2, FUNDING, 0.0),
    ],
)
def test_next_interface(
    roles: tuple[int, int], present: int, trust: float, kind: int, offered: int, need: float
) -> None:
    """Protects the ladder of S001 5.1 to 5.3: which interface who can move on to, and how much they need it."""
    table, ties = pair(roles, present, trust, kind)
    table.vacancies[0] = 100.0
    assert interfaces.next_interface(table, ties, 0, OF_KIND, 0.5) == (offered, pytest.approx(need))


def change(table: Organisations, ties: Ties, seed: int = 1, rate: float = 1.0) -> float:
    """Let a quarter's changes of interface happen; return what both sides paid."""
    declared = np.full((6, 6), CONTRACT)
    before = table.capital.sum()
    settings = interfaces.PARAMETERS.values({"change_rate": rate})
    interfaces.change_interfaces(table, ties, make_books(6), make_events(8), np.arange(1), declared, OF_KIND, settings, seed, 0)  # fmt: skip
    return float(before - table.capital.sum())


def test_partners_who_share_move_on_and_pay() -> None:
    """Protects the decision: it costs both sides, takes trust and means, and is never taken at a rate of zero."""
    table, ties = pair((FIRM, FIRM), CONTRACT, trust=1.0)
    assert change(table, ties) == pytest.approx(2.0)
    assert ties.interface[0] == LICENCE
    for unlike in ({"rate": 0.0}, {"poor": True}, {"distrust": True}):
        table, ties = pair((FIRM, FIRM), CONTRACT, trust=0.0 if "distrust" in unlike else 1.0)
        table.capital[1] = 10.0 if "poor" in unlike else 1000.0
        assert change(table, ties, rate=float(unlike.get("rate", 1.0))) == 0.0
        assert ties.interface[0] == CONTRACT


def test_interface_falls_back_with_the_mode() -> None:
    """Protects the way back: partners in separation have what their roles declare, and nobody pays for that."""
    table, ties = pair((FIRM, FIRM), JOINT_RESEARCH)
    ties.mode[0] = SEPARATION
    assert change(table, ties) == 0.0
    assert ties.interface[0] == CONTRACT


def test_what_an_interface_makes_lighter() -> None:
    """Protects what each is for: standards save upkeep, an alliance checks free riding, a licence makes leaks no breach."""
    p = interfaces.PARAMETERS.values({"standards_saving": 0.5, "alliance_discipline": 0.4, "licence_shield": 0.7})
    assert interfaces.lighter(STANDARDS, p) == (0.5, 1.0, 1.0)
    assert interfaces.lighter(ALLIANCE, p) == (1.0, 0.6, 1.0)
    assert interfaces.lighter(LICENCE, p) == pytest.approx((1.0, 1.0, 0.3))
    assert interfaces.lighter(OPEN_SOURCE, p) == pytest.approx((1.0, 1.0, 0.3))
    for other in (CONTRACT, SUPPLY, FUNDING, TRAINING):
        assert interfaces.lighter(other, p) == (1.0, 1.0, 1.0)


def test_joint_centre_makes_knowledge_for_both() -> None:
    """Protects the joint centre: gain * 4 d (1 - d) for both, each pays; a university's joint research is no centre."""
    p = interfaces.PARAMETERS.values({"centre_gain": 0.2, "centre_cost": 3.0})
    table, ties = pair((FIRM, SUPPLIER), JOINT_RESEARCH)
    before, books = table.knowledge.copy(), make_books(6)
    interfaces.run_centres(table, ties, books, np.arange(1), p, 1.0)
    np.testing.assert_allclose(table.knowledge[:, 0] - before[:, 0], 0.2)
    np.testing.assert_allclose(table.capital, 997.0)
    assert books.made[2] == pytest.approx(0.2)
    table, ties = pair((FIRM, UNIVERSITY), JOINT_RESEARCH)
    interfaces.run_centres(table, ties, make_books(6), np.arange(1), p, 1.0)
    assert table.capital.sum() == 2000.0


@pytest.mark.parametrize("roles", [(FIRM, UNIVERSITY), (UNIVERSITY, SUPPLIER)])
def test_training_fills_vacancies_for_a_fee(roles: tuple[int, int]) -> None:
    """Protects training agreements: graduates are taught, at most as many as are wanted, and paid for."""
    p = interfaces.PARAMETERS.values({"training": 0.1, "fee": 2.0, "afford": 1.0})
    table, ties = pair(roles, TRAINING)
    partner, university = (0, 1) if roles[1] == UNIVERSITY else (1, 0)
    table.vacancies[partner] = 4.0
    books = make_books(6)
    interfaces.train(table, ties, books, np.arange(1), p)
    assert (table.talent[partner], table.talent[university]) == (104.0, 100.0)
    assert (table.capital[partner], table.capital[university]) == (992.0, 1008.0)
    assert books.made[0] == 4.0
    assert table.vacancies[partner] == 0.0


def test_only_trust_brings_new_interfaces() -> None:
    """Protects what widens the repertoire (P36, P40): without trust ties keep what roles declare, with it they do not."""
    kinds = {}
    for trust in (True, False):
        model = Ecosystem("classroom", 1, history=False, audit=True, **{"rules.trust": trust}).run()
        kinds[trust] = {INTERFACES[code] for code in model.ties.interface[model.tie_rows]}
    assert kinds[False] <= {"contract", "supply", "funding", "joint_research", "subscription", "standards"}
    assert kinds[True] & {"licence", "training", "alliance", "open_source", "joint_venture"}


# --- readings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "relation"),
    [
        (0.3, 0.2, "mutualism"),
        (0.3, 0.0, "commensalism"),
        (0.0, 0.3, "commensalism"),
        (0.3, -0.3, "parasitism"),
        (-0.3, -0.3, "competition"),
        (-0.3, 0.0, "competition"),
        (0.0, 0.005, "independence"),
    ],
)
def test_five_relations_are_read(first: float, second: float, relation: str) -> None:
    """Protects the public reading of the matrix, by sign and threshold, and its counts among the outcomes."""
    effects: dict[str, Value] = {
        "symbiosis.coefficients.firm.supplier": first,
        "symbiosis.coefficients.supplier.firm": second,
    }
    model = Ecosystem(load_scenario("limit-symbiosis", settings=effects), 1, history=False).run(1)
    table = model.symbiosis().set_index(["role", "other"])
    assert len(table) == 15
    row: Any = table.loc[("firm", "supplier")]
    assert (row["effect_on_role"], row["effect_on_other"], row["reading"]) == (first, second, relation)
    assert model.metrics[f"pairs_{relation}"].iloc[-1] == (15.0 if relation == "independence" else 1.0)


def test_measured_effects_are_parts_of_what_a_role_has_of_others() -> None:
    """Protects the measured matrix: each role's effects add up to one in size, and act on turnover times the coupling."""
    model = Ecosystem("classroom", 1, history=False).run(20)
    effects = model.effects()
    np.testing.assert_allclose(np.abs(effects).sum(axis=1), 1.0)
    np.testing.assert_allclose(model.coefficients(), effects * model.parameters["symbiosis"].coupling)


def test_rung_is_the_highest_mark_reached() -> None:
    """Protects the reading of the rung: each mark counts by itself, so that a rung can be skipped."""
    p = readings.PARAMETERS.values(
        {"platform_share": 0.1, "interface_kinds": 8, "network_degree": 5.0, "network_clustering": 2.0}
    )
    assert readings.read_rung(0.0, 6, 2.0, 0.02, 0.3, p) == 0
    assert readings.read_rung(0.1, 6, 2.0, 0.02, 0.3, p) == 1
    assert readings.read_rung(0.0, 8, 2.0, 0.02, 0.3, p) == 2
    assert readings.read_rung(0.0, 6, 5.0, 0.02, 0.04, p) == 3
    assert readings.read_rung(1.0, 6, 5.0, 0.02, 0.03, p) == 1


def test_network_outcomes_agree_with_networkx() -> None:
    """Protects degree, density and clustering among the outcomes, against another library."""
    model = Ecosystem("classroom", 2, history=False).run(20)
    graph = networkx.Graph()
    graph.add_nodes_from(model.rows)
    graph.add_edges_from(zip(model.ties.a[model.tie_rows], model.ties.b[model.tie_rows], strict=True))
    last = model.metrics.iloc[-1]
    assert last["clustering"] == pytest.approx(networkx.transitivity(graph))
    assert graph.number_of_edges() == len(model.tie_rows)  # no two ties between the same two
    assert last["density"] == pytest.approx(networkx.density(graph))
    assert last["mean_degree"] == pytest.approx(2.0 * graph.number_of_edges() / graph.number_of_nodes())


# --- the sentence about the ceiling ----------------------------------------------------------------------------------


def test_rest_point_and_its_stability() -> None:
    """Protects the solution of (I - A) x = 1 for roles that grow, and that an unstable one is none."""
    grow, here = np.full(2, 0.1), np.ones(2)
    stable = rest_density(here, grow, np.array([[0.0, 0.5], [0.5, 0.0]]))
    np.testing.assert_allclose(stable, [2.0, 2.0])
    assert rest_density(here, grow, np.array([[0.0, 1.2], [1.2, 0.0]])) is None
    assert rest_density(here, grow, np.array([[0.0, 1.0], [1.0, 0.0]])) is None
    beside = rest_density(here, np.array([0.1, 0.0]), np.array([[0.0, 0.5], [9.0, 0.0]]))
    np.testing.assert_allclose(beside, [1.5, 1.0])


@pytest.mark.parametrize(
    ("effect", "sentence"), [(0.6, "have a stable rest point above it"), (1.2, "no stable rest point")]
)
def test_ceiling_is_told_apart_from_growth_without_bound(effect: float, sentence: str) -> None:
    """Protects the warning: a role stopped below a stable rest point is not said to have none."""
    world: dict[str, Value] = {
        "symbiosis.coefficients.firm.supplier": effect, "symbiosis.coefficients.supplier.firm": effect,
        "turnover.ceiling": 1.5, "roles.firm.initial": 40, "roles.supplier.initial": 40, "roles.firm.capacity": 40.0,
        "roles.supplier.capacity": 40.0,
    }  # fmt: skip
    model = Ecosystem(load_scenario("limit-symbiosis", settings=world), 1, history=False).run(80)
    assert model.warnings
    assert all(sentence in warning for warning in model.warnings)


def test_loans_are_paid_down_before_a_tie_is_given_up() -> None:
    """Protects borrowers: with ties that nobody trusts, none ends while a large loan runs on it, and small ones do."""
    world = {"symbiosis.dissolution": 1.0, "rules.trust": False, "turnover.selection": 0.0}
    model = Ecosystem("classroom", 1, history=False, **world).run(2)
    tie = int(model.tie_rows[0])
    borrower = model.ties.b[tie]
    model.ties.loan[tie] = model.organisations.capital[borrower]
    uid = int(model.ties.uid[tie])
    for step in range(20):
        give_up_ties(model.organisations, model.ties, model.tie_slots, model.books, model.events, model.tie_rows,
                     model.parameters["symbiosis"], 1, step)  # fmt: skip
    assert model.ties.alive[tie]
    assert model.ties.uid[tie] == uid
    assert len(model.tie_rows) < 10
