"""Indicators: each against a closed form, and against a short NumPy or NetworkX version on random input."""

from __future__ import annotations

import math
from typing import Any

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecosim.measures import (
    clustering,
    component_count,
    degree_distribution,
    degrees,
    density,
    gini,
    half_life,
    herfindahl,
    kind_count,
    losses_against,
    mean_degree,
    neighbours,
    pianka_overlap,
    recovery_against,
    recovery_time,
    shannon_diversity,
    tail_exponent,
    top_share,
    total_overlap,
    triangles,
)

Array = np.ndarray[Any, Any]
Edges = tuple[Array, Array, int]

amounts = st.lists(st.just(0.0) | st.floats(1e-3, 1e6), min_size=1, max_size=30).map(np.array)


@st.composite
def edge_lists(draw: st.DrawFn) -> Edges:
    """Draw a, b and the number of nodes: loops, parallel and reversed edges and lonely nodes all occur."""
    nodes = draw(st.integers(1, 12))
    pairs = draw(st.lists(st.tuples(st.integers(0, nodes - 1), st.integers(0, nodes - 1)), max_size=40))
    a, b = np.array(pairs, np.int64).reshape(-1, 2).T
    return a, b, nodes


def graph_of(edges: Edges) -> networkx.Graph[int]:
    """Return the same network for NetworkX, which keeps parallel edges once; loops are left out."""
    a, b, nodes = edges
    graph: networkx.Graph[int] = networkx.empty_graph(nodes)
    graph.add_edges_from((int(i), int(j)) for i, j in zip(a, b, strict=True) if i != j)
    return graph


def edges_of(graph: networkx.Graph[int]) -> Edges:
    """Return a NetworkX graph with nodes 0 ... n - 1 as edge arrays."""
    a, b = np.array(list(graph.edges), np.int64).reshape(-1, 2).T
    return a, b, graph.number_of_nodes()


# --- concentration and diversity -------------------------------------------------------------------------------------


def test_gini_closed_forms() -> None:
    """Protects the scale: 0 when all are equal, 1 - 1/n when one has all, (n - 1) / 3 n for 1, 2, ..., n."""
    assert gini(np.full(7, 3.0)) == 0.0
    assert gini(np.array([0.0, 0.0, 5.0, 0.0])) == pytest.approx(0.75)
    assert gini(np.arange(1.0, 101.0)) == pytest.approx(99.0 / 300.0)
    assert gini(np.zeros(4)) == gini(np.zeros(0)) == 0.0
    assert gini(np.full(5, 0.1)) == 0.0  # the sum itself rounds to -6e-17


@settings(max_examples=50, deadline=None)
@given(values=amounts)
def test_gini_is_half_the_relative_mean_difference(values: Array) -> None:
    """Protects the sorted form against the definition over all pairs, whatever the order and the unit."""
    mean = max(values.mean(), 1e-300)
    expected = np.abs(values[:, None] - values[None, :]).mean() / (2.0 * mean)
    assert gini(values) == pytest.approx(expected, abs=1e-12)
    assert gini(3.0 * values[::-1]) == pytest.approx(expected, abs=1e-12)


def test_concentration_of_equals() -> None:
    """Protects the closed forms for n equal shares: H = 1/n, entropy ln n; and for a monopoly: 1 and 0."""
    assert herfindahl(np.full(8, 2.5)) == pytest.approx(1.0 / 8.0)
    assert shannon_diversity(np.full(8, 2.5)) == pytest.approx(math.log(8.0))
    assert herfindahl(np.array([0.0, 9.0])) == 1.0
    assert shannon_diversity(np.array([0.0, 9.0])) == 0.0
    assert herfindahl(np.zeros(3)) == shannon_diversity(np.zeros(3)) == 0.0


@settings(max_examples=50, deadline=None)
@given(values=amounts.filter(np.any))
def test_concentration_shadow(values: Array) -> None:
    """Protects both sums against NumPy on random shares."""
    shares = values / values.sum()
    positive = shares[shares > 0.0]
    assert herfindahl(values) == pytest.approx((shares**2).sum())
    assert shannon_diversity(values) == pytest.approx(-(positive * np.log(positive)).sum(), abs=1e-12)


def test_top_share() -> None:
    """Protects who counts as top: the largest ceil(fraction n), also if the product is a hair above a whole number."""
    values = np.array([1.0, 6.0, 2.0, 1.0])
    assert top_share(values, 0.25) == pytest.approx(0.6)
    assert top_share(values, 0.26) == pytest.approx(0.8)
    assert top_share(values, 1.0) == 1.0
    assert top_share(values, 0.0) == 0.0
    assert math.ceil(0.07 * 100) == 8
    assert top_share(np.ones(100), 0.07) == pytest.approx(0.07)
    assert top_share(np.zeros(3), 0.5) == 0.0


def test_kind_count() -> None:
    """Protects richness: codes are counted once, whatever their values."""
    assert kind_count(np.array([3, -1, 3, 7, 7, 10**12])) == 4
    assert kind_count(np.zeros(0, np.int64)) == 0


# --- niches ----------------------------------------------------------------------------------------------------------


def test_pianka_overlap_closed_forms() -> None:
    """Protects the range: 1 for the same profile in any unit, 0 for disjoint ones, 1/sqrt 2 for a half-shared pair."""
    assert pianka_overlap(np.array([1.0, 3.0]), np.array([2.0, 6.0])) == pytest.approx(1.0)
    assert pianka_overlap(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 0.0
    assert pianka_overlap(np.array([1.0, 0.0]), np.array([0.5, 0.5])) == pytest.approx(math.sqrt(0.5))
    assert pianka_overlap(np.zeros(2), np.array([0.5, 0.5])) == 0.0


@settings(max_examples=50, deadline=None)
@given(rows=st.integers(1, 8), seed=st.integers(0, 2**32 - 1))
def test_total_overlap_is_the_sum_over_pairs(rows: int, seed: int) -> None:
    """Protects the short cut through the sum of profiles: the same as all pairs, with weights and empty profiles."""
    generator = np.random.default_rng(seed)
    profiles = generator.dirichlet(np.full(8, 0.3), rows) * generator.integers(0, 2, (rows, 1))
    weights = generator.exponential(size=rows)
    pairs = np.array([[pianka_overlap(first, second) for second in profiles] for first in profiles])
    np.fill_diagonal(pairs, 0.0)
    np.testing.assert_allclose(total_overlap(profiles, weights), pairs @ weights, atol=1e-12)


# --- networks --------------------------------------------------------------------------------------------------------


def test_neighbours_by_hand() -> None:
    """Protects the layout other rules read: partners once each, in the order of their first edge, no loops."""
    starts, targets = neighbours(np.array([0, 2, 1, 0, 3]), np.array([2, 1, 2, 1, 3]), 5)
    assert starts.tolist() == [0, 2, 4, 6, 6, 6]
    assert [sorted(targets[starts[i] : starts[i + 1]].tolist()) for i in range(5)] == [[1, 2], [0, 2], [0, 1], [], []]
    assert targets[:4].tolist() == [2, 1, 2, 0]


@settings(max_examples=60, deadline=None)
@given(edges=edge_lists())
def test_networks_against_networkx(edges: Edges) -> None:
    """Protects every network indicator against another implementation, on graphs with loops and parallel edges."""
    graph = graph_of(edges)
    starts, targets = neighbours(*edges)
    assert [set(targets[starts[i] : starts[i + 1]].tolist()) for i in graph] == [set(graph[i]) for i in graph]
    assert triangles(starts, targets).tolist() == list(networkx.triangles(graph).values())
    assert degrees(*edges).tolist() == [degree for _, degree in graph.degree]
    assert mean_degree(*edges) == pytest.approx(2.0 * graph.size() / len(graph))
    assert density(*edges) == pytest.approx(networkx.density(graph))
    expected = (networkx.transitivity(graph), networkx.average_clustering(graph))
    assert clustering(*edges) == pytest.approx(expected)
    assert component_count(*edges) == networkx.number_connected_components(graph)


def test_networks_with_known_values() -> None:
    """Protects the closed forms: complete graph, star, ring lattice 3 (k - 2) / 4 (k - 1), and the hub's triangles."""
    complete, star = edges_of(networkx.complete_graph(6)), edges_of(networkx.star_graph(9))
    assert (mean_degree(*complete), density(*complete), clustering(*complete)) == (5.0, 1.0, (1.0, 1.0))
    assert (mean_degree(*star), density(*star)) == pytest.approx((1.8, 0.2))
    assert clustering(*star) == (0.0, 0.0)
    assert clustering(*edges_of(networkx.watts_strogatz_graph(40, 6, 0.0))) == pytest.approx((0.6, 0.6))
    wheel = edges_of(networkx.wheel_graph(8))
    assert triangles(*neighbours(*wheel)).tolist() == [7, 2, 2, 2, 2, 2, 2, 2]


def test_networks_without_edges() -> None:
    """Protects the first quarters: no nodes or no edges give zeros, not a division by zero."""
    none = np.zeros(0, np.int64)
    for nodes in (0, 1, 3):
        assert mean_degree(none, none, nodes) == density(none, none, nodes) == 0.0
        assert clustering(none, none, nodes) == (0.0, 0.0)
        assert component_count(none, none, nodes) == nodes


def test_components_of_a_long_chain() -> None:
    """Protects union-find from depth: a chain of 20 000 nodes joined from its end, cut in three places."""
    a = np.delete(np.arange(19_999), [5, 500, 5000])[::-1].copy()
    assert component_count(a, a + 1, 20_000) == 4


def test_degree_distribution() -> None:
    """Protects the shares of nodes by degree, absent degrees included."""
    assert degree_distribution(np.array([0, 3, 3, 1])).tolist() == [0.25, 0.25, 0.0, 0.5]
    assert degree_distribution(np.zeros(0, np.int64)).tolist() == [0.0]


def test_tail_exponent_closed_form() -> None:
    """Protects the estimator: values below the tail do not count; equal values give 1 + 1 / ln(x / (x_min - 1/2))."""
    assert tail_exponent(np.array([1, 2, 12, 12]), 6.0) == pytest.approx(1.0 + 1.0 / math.log(12.0 / 5.5))
    assert math.isnan(tail_exponent(np.array([1, 2]), 6.0))


@pytest.mark.parametrize("exponent", [2.2, 3.0])
def test_tail_exponent_is_recovered(exponent: float) -> None:
    """Protects the meaning of the number: it finds the exponent of a zeta-distributed tail within 4 standard errors."""
    values = np.random.default_rng(1).zipf(exponent, 200_000).astype(float)
    tail = (values >= 6.0).sum()
    # The approximation is off by some 0.1 (exponent - 1) / x_min^2, says the source.
    tolerance = 4.0 * (exponent - 1.0) / math.sqrt(tail) + 0.1 * (exponent - 1.0) / 36.0
    assert tail_exponent(values, 6.0) == pytest.approx(exponent, abs=tolerance)


# --- resilience ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("series", "quarters"),
    [
        ([5.0, 5.0, 3.0, 4.0, 5.0, 6.0], 2),  # falls in the shock's quarter, back two later
        ([5.0, 5.0, 5.0, 4.0, 5.0, 1.0], 2),  # the fall comes late; the first return counts
        ([9.0, 5.0, 3.0, 4.0, 4.9, 4.9], -1),  # the level before the shock, not an earlier one; not back
        ([5.0, 5.0, 5.0, 6.0, 5.0, 5.0], 0),  # no fall
    ],
)
def test_recovery_time(series: list[float], quarters: int) -> None:
    """Protects what counts as recovered, by hand."""
    assert recovery_time(np.array(series), 2) == quarters


def test_losses_against_a_twin() -> None:
    """Protects depth and area of a loss in a growing world: an exponential return from loss a at rate r has area a / (1 - e^-r)."""
    twin = 1.1 ** np.arange(200)
    loss = np.where(np.arange(200) < 3, 0.0, 0.4 * np.exp(-0.2 * (np.arange(200) - 3)))
    depth, area = losses_against(twin * (1.0 - loss), twin, 3)
    assert depth == pytest.approx(0.4)
    assert area == pytest.approx(0.4 / (1.0 - math.exp(-0.2)))
    assert losses_against(twin * 1.2, twin, 3) == (0.0, 0.0)


@pytest.mark.parametrize(("rate", "quarters"), [(0.1, 21), (0.5, 5), (5.0, 1)])
def test_recovery_against_a_twin(rate: float, quarters: int) -> None:
    """Protects the closed form: a loss a e^-rt is below 1 - part after ln(a / (1 - part)) / r quarters, rounded up."""
    steps = np.arange(100)
    twin = 1.1**steps
    series = twin * np.where(steps < 10, 1.0, 1.0 - 0.4 * np.exp(-rate * (steps - 10)))
    assert quarters == math.ceil(math.log(0.4 / 0.05) / rate)
    assert recovery_against(series, twin, 10) == quarters
    assert recovery_against(series, twin, 10, 0.5) == 0, "it never falls so far"
    assert recovery_against(series[:11], twin[:11], 10) == -1
    assert recovery_against(series, twin, 10) > 0 == recovery_time(np.maximum(series, twin[9]), 10)


@pytest.mark.parametrize(("rate", "quarters"), [(math.log(2.0), 1), (math.log(2.0) / 4.5, 5), (0.1, 7)])
def test_half_life_of_an_exponential_return(rate: float, quarters: int) -> None:
    """Protects the closed form ln 2 / rate, rounded up, where a loss is made good exponentially."""
    steps = np.arange(60)
    series = np.where(steps < 10, 100.0, 100.0 - 40.0 * np.exp(-rate * (steps - 10)))
    assert half_life(series, 10) == quarters


def test_half_life_starts_at_the_trough() -> None:
    """Protects the cases around it: a slow fall, a second shock after recovery, no fall, and no return."""
    assert half_life(np.array([8.0, 6.0, 4.0, 5.0, 6.0, 8.0, 0.0]), 1) == 2
    assert half_life(np.array([8.0, 8.0, 9.0]), 1) == 0
    assert half_life(np.array([8.0, 4.0, 5.0]), 1) == -1
