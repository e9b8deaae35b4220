"""Spreading by copying: on a connected graph everybody comes to know the most, at the rate that the graph gives.

In a closed world, fully open, an organisation closes the part rho of its gap to each better neighbour. With the gaps
g = max k - k,

    g_i' = max(g_i - rho sum_j (g_i - g_j)+, least g_j)        j over its neighbours

which, once the order of the gaps has settled, is linear and triangular: its eigenvalues are 1 - rho b_i, b_i the number
of better neighbours. Which order settles is known from the graph. Let beta be the least over all sets W without a
source of the most ties that a member of W has out of W. Then, if rho times the highest degree is at most 1,

    (1 - rho beta)^t min g(0)  <=  max g(t)  <=  max g(0) P(Bin(t, rho beta) < n)

for n organisations that are no sources. Left: the best of the worst W closes its gap over at most beta ties, and no
other member of W gets below that. Right: admit the sources, and then one by one whoever has the most admitted
neighbours, which are at least beta; each is at most where a chain of such steps would be.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecosim.model import Ecosystem
from ecosim.scenario import load_scenario, scenario_from_dict

Array = np.ndarray[Any, Any]
Edges = Sequence[tuple[int, int]]
SHIPPED = load_scenario("limit-spreading").as_dict()


def world(edges: Edges, knowledge: Sequence[float], rho: float, seed: int = 1) -> Ecosystem:
    """Return `limit-spreading` on another graph; of two ties in each order, the second starts at its other end."""
    tree = dict(SHIPPED)
    tree["open_sharing"] = tree["open_sharing"] | {"tie_rate": rho / 2.0}
    like, tie = tree["organisations"][0], tree["ties"][0]
    tree["organisations"] = [like | {"name": f"node {i}", "knowledge": float(k)} for i, k in enumerate(knowledge)]
    tree["ties"] = [tie | {"between": [f"node {a}", f"node {b}"][:: 1 - 2 * (n % 2)]} for n, (a, b) in enumerate(edges)]
    return Ecosystem(scenario_from_dict(tree), seed, history=False, audit=True)


def knowledge_of(model: Ecosystem) -> Array:
    """Return what the named organisations know, (organisations, domains)."""
    return model.organisations.knowledge[[model.row_of(uid) for uid in model.names]].copy()


def neighbours(edges: Edges, nodes: int) -> Array:
    """Return the adjacency matrix, (nodes, nodes) bool."""
    matrix = np.zeros((nodes, nodes), bool)
    for a, b in edges:
        matrix[a, b] = matrix[b, a] = True
    return matrix


def copied(gaps: Array, adjacent: Array, rho: float) -> Array:
    """Return the gaps of one domain, (nodes,), a quarter later."""
    closer = np.maximum(gaps[:, None] - gaps[None, :], 0.0) * adjacent
    least = np.where(adjacent, gaps[None, :], np.inf).min(axis=1)
    later: Array = np.where(closer.any(axis=1), np.maximum(gaps - rho * closer.sum(axis=1), least), gaps)
    return later


def spreading_number(adjacent: Array, sources: Array) -> int:
    """Return beta: the fewest admitted neighbours at an admission, if always the one with the most is admitted."""
    admitted, fewest = sources.copy(), len(sources)
    while not admitted.all():
        counts = np.where(admitted, -1, adjacent[:, admitted].sum(axis=1))
        fewest = min(fewest, int(counts.max()))
        admitted[counts.argmax()] = True
    return fewest


def at_most(steps: int, chance: float, successes: int) -> float:
    """Return P(Bin(steps, chance) <= successes)."""
    return sum(comb(steps, k) * chance**k * (1.0 - chance) ** (steps - k) for k in range(min(steps, successes) + 1))


@st.composite
def graphs(draw: st.DrawFn, most: int = 7) -> tuple[list[tuple[int, int]], int]:
    """Return the edges of a connected graph, a random tree and more, and its number of nodes."""
    nodes = draw(st.integers(2, most))
    tree = {(draw(st.integers(0, i - 1)), i) for i in range(1, nodes)}
    more = draw(st.sets(st.tuples(st.integers(0, nodes - 1), st.integers(0, nodes - 1)), max_size=6))
    return sorted(tree | {(min(pair), max(pair)) for pair in more if pair[0] != pair[1]}), nodes


GRAPHS: dict[str, tuple[Edges, int, int]] = {
    "star": ([(0, i) for i in range(1, 6)], 6, 1),
    "path": ([(i, i + 1) for i in range(5)], 6, 1),
    "ring": ([(i, (i + 1) % 6) for i in range(6)], 6, 1),
    "complete": ([(i, j) for j in range(5) for i in range(j)], 5, 1),
    "two sources, each tied to all": ([(s, i) for s in range(2) for i in range(2, 6)], 6, 2),
    "three sources and a follower": ([(0, 3), (1, 3), (2, 3), (3, 4), (0, 4)], 5, 3),
}


@settings(max_examples=20, deadline=None)
@given(graph=graphs(), data=st.data(), rho=st.floats(0.02, 2.0))
def test_run_is_the_recursion(graph: tuple[Edges, int], data: st.DataObject, rho: float) -> None:
    """Protects the rule as coded against an independent one: gains over several ties add up, never above the best giver."""
    edges, nodes = graph
    model = world(edges, data.draw(st.lists(st.floats(0.0, 100.0), min_size=nodes, max_size=nodes)), rho)
    adjacent, before = neighbours(edges, nodes), knowledge_of(model)
    most = before.max(axis=0)
    gaps = most - before
    for _ in range(12):
        model.step()
        gaps = np.column_stack([copied(column, adjacent, rho) for column in gaps.T])
        np.testing.assert_allclose(knowledge_of(model), most - gaps, atol=1e-9 * (1.0 + most.max()))


@settings(max_examples=12, deadline=None)
@given(graph=graphs(), data=st.data(), rho=st.floats(0.3, 2.0))
def test_everybody_comes_to_know_the_most(graph: tuple[Edges, int], data: st.DataObject, rho: float) -> None:
    """Protects copying on any connected graph: nobody forgets, the maximum never rises, in the end everybody is at it."""
    edges, nodes = graph
    model = world(edges, data.draw(st.lists(st.floats(0.0, 100.0), min_size=nodes, max_size=nodes)), rho)
    before = knowledge_of(model)
    most = before.max(axis=0)
    for _ in range(100):
        model.step()
        after = knowledge_of(model)
        assert (after >= before).all()
        assert (after.max(axis=0) == most).all()
        assert (after.min(axis=0) >= before.min(axis=0)).all()
        assert model.recorder.last["knowledge_total"] == pytest.approx(after.sum(), rel=1e-12)
        before = after
    # Six steps of a chain: P(Bin(100, 0.3) < 6) is 1e-8.
    np.testing.assert_allclose(before, np.broadcast_to(most, before.shape), rtol=1e-7)


@pytest.mark.parametrize("name", GRAPHS)
def test_slowest_mode_is_the_one_of_the_graph(name: str) -> None:
    """Protects the rate: the step's matrix in the settled order has 1 - rho beta as its largest eigenvalue.

    The matrix is read from the run itself, and gives the run's next quarter.
    """
    edges, nodes, sources = GRAPHS[name]
    rho, adjacent = 0.1, neighbours(edges, nodes)
    model = world(edges, [50.0] * sources + [0.0] * (nodes - sources), rho)
    _level_sources(model, sources)
    most = knowledge_of(model).max(axis=0)
    model.run(40)
    gaps = (most - knowledge_of(model))[:, 0]
    better = adjacent & (gaps[None, :] < gaps[:, None])
    step = np.diag(1.0 - rho * better.sum(axis=1)) + rho * better
    model.step()
    np.testing.assert_allclose((most - knowledge_of(model))[:, 0], step @ gaps, rtol=1e-9, atol=1e-12)
    beta = spreading_number(adjacent, np.arange(nodes) < sources)
    order = np.argsort(gaps[sources:], kind="stable") + sources
    assert np.linalg.eigvals(step[np.ix_(order, order)]).real.max() == pytest.approx(1.0 - rho * beta, abs=1e-9)


def test_spreading_number_by_hand() -> None:
    """Protects the yardstick of this file: one source gives 1 on any graph, as many as everybody is tied to give more."""
    found = {name: spreading_number(neighbours(edges, n), np.arange(n) < s) for name, (edges, n, s) in GRAPHS.items()}
    assert found == {
        "star": 1, "path": 1, "ring": 1, "complete": 1, "two sources, each tied to all": 2,
        "three sources and a follower": 2,
    }  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(graph=graphs(), data=st.data())
def test_gaps_keep_between_the_bounds(graph: tuple[Edges, int], data: st.DataObject) -> None:
    """Protects the rate on random graphs with random sources: the largest gap keeps between two decays at 1 - rho beta."""
    edges, nodes = graph
    sources = data.draw(st.integers(1, nodes - 1))
    adjacent = neighbours(edges, nodes)
    rho = 1.0 / max(2, int(adjacent.sum(axis=1).max()))
    start = [100.0] * sources + data.draw(
        st.lists(st.floats(0.0, 99.0), min_size=nodes - sources, max_size=nodes - sources)
    )
    model = world(edges, start, rho)
    _level_sources(model, sources)
    chance = rho * spreading_number(adjacent, np.arange(nodes) < sources)
    knowledge = knowledge_of(model)
    # A domain in which another than the sources is best has other sources.
    first = (knowledge[:sources].max(axis=0) > knowledge[sources:].max(axis=0)).argmax()
    most = knowledge[0, first]
    assert most > knowledge[sources:, first].max()
    gaps = most - knowledge[sources:, first]
    for quarter in range(1, 31):
        model.step()
        now = most - knowledge_of(model)[sources:, first]
        assert now.max() >= (1.0 - chance) ** quarter * gaps.min() - 1e-12 * most
        assert now.max() <= gaps.max() * at_most(quarter, chance, nodes - sources - 1) + 1e-12 * most


def test_shipped_graph_in_closed_form() -> None:
    """Protects the scenario's page: each organisation's gap by its formula, rho = 0.1 and G the source's knowledge.

    left, right   G (1 - rho)^t
    far           G (2 (1 - rho)^t - (1 - 2 rho)^t), two better neighbours
    further       G (2 rho t (1 - rho)^(t - 1) + (1 - 2 rho)^t)
    last          G (rho^2 t (t - 1) (1 - rho)^(t - 2) + 2 (1 - rho)^t - (1 - 2 rho)^t)
    """
    model = Ecosystem("limit-spreading", seed=1, history=False, audit=True)
    start, rho = knowledge_of(model), 0.1
    assert (start[1:] == 0.0).all()
    for quarter in range(1, model.scenario.steps + 1):
        model.step()
        gaps = (start[0] - knowledge_of(model)) / start[0]
        slow, quick, t = (1.0 - rho) ** quarter, (1.0 - 2.0 * rho) ** quarter, quarter
        far = 2.0 * slow - quick
        further = 2.0 * rho * t * (1.0 - rho) ** (t - 1) + quick
        last = rho**2 * t * (t - 1) * (1.0 - rho) ** (t - 2) + 2.0 * slow - quick
        expected = np.array([0.0, slow, slow, far, further, last])
        np.testing.assert_allclose(gaps, np.broadcast_to(expected[:, None], gaps.shape), atol=1e-12)


@pytest.mark.parametrize("rho", [0.05, 0.1, 0.5])
def test_path_is_a_front(rho: float) -> None:
    """Protects the front: on a path a share P(Bin(t, rho) < i) of the gap is left at distance i, so it moves at rate rho."""
    model = world([(i, i + 1) for i in range(6)], [80.0] + [0.0] * 6, rho)
    start = knowledge_of(model)[0]
    for quarter in range(1, 41):
        model.step()
        gaps = 1.0 - knowledge_of(model) / start
        expected = [0.0, *(at_most(quarter, rho, distance - 1) for distance in range(1, 7))]
        np.testing.assert_allclose(gaps, np.array(expected)[:, None] * np.ones(8), atol=1e-12)


def test_islands_stay_apart() -> None:
    """Protects the precondition: where the graph is not connected, each part comes to its own maximum."""
    model = world([(0, 1), (2, 3)], [10.0, 2.0, 4.0, 1.0], 0.5)
    start = knowledge_of(model)
    end = knowledge_of(model.run(100))
    for island in ([0, 1], [2, 3]):
        most = start[island].max(axis=0)
        np.testing.assert_allclose(end[island], np.broadcast_to(most, (2, 8)), rtol=1e-9)


def test_nothing_spreads_without_the_rule() -> None:
    """Protects the control: with open sharing off everybody keeps what it knew."""
    model = Ecosystem("limit-spreading", seed=1, history=False, **{"rules.open_sharing": False})
    start = knowledge_of(model)
    assert (knowledge_of(model.run(8)) == start).all()


def _level_sources(model: Ecosystem, sources: int) -> None:
    """Let the first organisations know the same, in every domain the most that one of them knows."""
    rows = [model.row_of(uid) for uid in model.names][:sources]
    model.organisations.knowledge[rows] = model.organisations.knowledge[rows].max(axis=0)
