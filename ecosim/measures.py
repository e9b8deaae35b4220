"""Indicators: pure compiled kernels, arrays in, numbers out, each with its formula and source.

Networks come as edge arrays ``a`` and ``b`` of node indices below ``nodes``. Edges have no direction, parallel edges
count once and loops not at all. Rows with gaps are numbered anew first: ``(np.cumsum(alive) - 1)[ties.a]``.
"""

from __future__ import annotations

import math

import numpy as np

from ecosim.compilation import compiled
from ecosim.state import Column

# --- concentration and diversity -------------------------------------------------------------------------------------


@compiled
def gini(values: Column) -> float:
    """Return the inequality of `values` (n,) >= 0, in [0, 1 - 1/n]: 0 when all are equal, or none is positive.

    G = sum_i (2 i - n - 1) x_(i) / (n sum x), with x_(1) <= ... <= x_(n): half the relative mean absolute difference
    (Gini 1912; in this sorted form Dixon et al. 1987, Ecology 68: 1548).
    """
    total, count = values.sum(), values.size
    if total <= 0.0:
        return 0.0
    ordered, weighted = np.sort(values), 0.0
    for i in range(count):
        weighted += (2.0 * i + 1.0 - count) * ordered[i]
    # Rounding can leave a hair below zero when all are equal.
    return max(weighted / (count * total), 0.0)


@compiled
def herfindahl(values: Column) -> float:
    """Return the concentration of `values` (n,) >= 0, in [1/n, 1]: H = sum_i s_i^2, s_i = x_i / sum x; 0 if no total.

    Herfindahl (1950), Hirschman (1964), American Economic Review 54: 761.
    """
    total = values.sum()
    concentration = 0.0
    if total > 0.0:
        for value in values:
            concentration += (value / total) ** 2
    return concentration


@compiled
def shannon_diversity(values: Column) -> float:
    """Return the entropy of `values` (n,) >= 0 in nats, in [0, ln n]: H = -sum_i s_i ln s_i, s_i = x_i / sum x.

    Shannon (1948), Bell System Technical Journal 27: 379. Its exponential is the effective number of sorts
    (Hill 1973, Ecology 54: 427).
    """
    total = values.sum()
    entropy = 0.0
    for value in values:
        if value > 0.0:
            entropy -= value / total * math.log(value / total)
    return entropy


@compiled
def top_share(values: Column, fraction: float) -> float:
    """Return the part of the sum of `values` >= 0 that the largest ``ceil(fraction * n)`` hold; 0 <= fraction <= 1.

    A point of 1 - L(1 - fraction), L the Lorenz curve (Lorenz 1905, Publications of the American Statistical
    Association 9: 209); 0 if there is no total.
    """
    total = values.sum()
    if total <= 0.0:
        return 0.0
    # A hair less, because 0.07 * 100 is a little above 7.
    largest = math.ceil(fraction * values.size - 1e-9)
    return min(np.sort(values)[values.size - largest :].sum() / total, 1.0)


@compiled
def kind_count(kinds: Column) -> int:
    """Return how many different codes occur in `kinds` (n,) integers: richness S, the Hill number of order 0."""
    return len(set(kinds))


# --- niches ----------------------------------------------------------------------------------------------------------


@compiled
def pianka_overlap(profile_i: Column, profile_j: Column) -> float:
    """Return the niche overlap of two profiles (domains,) >= 0, in [0, 1]; 0 if one of them is empty.

    O_ij = sum_d p_id p_jd / sqrt(sum_d p_id^2 sum_d p_jd^2), symmetric (Pianka 1973, Annual Review of Ecology and
    Systematics 4: 53).
    """
    product = square_i = square_j = 0.0
    for use_i, use_j in zip(profile_i, profile_j):
        product += use_i * use_j
        square_i += use_i * use_i
        square_j += use_j * use_j
    if square_i <= 0.0 or square_j <= 0.0:
        return 0.0
    return min(product / (math.sqrt(square_i) * math.sqrt(square_j)), 1.0)


@compiled
def total_overlap(profiles: Column, weights: Column) -> Column:
    """Return for each row of `profiles` (n, domains) >= 0 its weighted overlap with all other rows, (n,).

    T_i = sum_{j != i} w_j O_ij with Pianka's O and `weights` (n,), such as 1 for the living and 0 for the others, or
    sizes. O_ij = u_i . u_j for profiles u of length one, so T_i = u_i . (sum_j w_j u_j - w_i u_i): n steps, not n^2.
    """
    count, domains = profiles.shape
    units = np.zeros((count, domains))
    pooled = np.zeros(domains)
    for i in range(count):
        length = math.sqrt((profiles[i] ** 2).sum())
        if length > 0.0:
            units[i] = profiles[i] / length
            pooled += weights[i] * units[i]
    totals = np.empty(count)
    for i in range(count):
        # Rounding can leave a hair below zero for a row that overlaps with none.
        totals[i] = max((units[i] * (pooled - weights[i] * units[i])).sum(), 0.0)
    return totals


# --- networks --------------------------------------------------------------------------------------------------------


@compiled
def neighbours(a: Column, b: Column, nodes: int) -> tuple[Column, Column]:
    """Return who is tied to whom, as compressed rows ``(starts, targets)``.

    The partners of node i are ``targets[starts[i]:starts[i + 1]]``, each once, in the order of their first edge;
    `starts` has nodes + 1 entries. Counting sort, O(nodes + edges) (Cormen et al. 2009, Introduction to Algorithms,
    8.2).
    """
    starts = np.zeros(nodes + 1, np.int64)
    for i, j in zip(a, b):
        starts[i + 1] += 1
        starts[j + 1] += 1
    starts = np.cumsum(starts)
    targets = np.empty(starts[nodes], np.int64)
    cursor = starts[:-1].copy()
    for i, j in zip(a, b):
        targets[cursor[i]] = j
        cursor[i] += 1
        targets[cursor[j]] = i
        cursor[j] += 1
    return _distinct(starts, targets)


@compiled
def _distinct(starts: Column, targets: Column) -> tuple[Column, Column]:
    """Return the rows without loops and without repeated entries."""
    nodes = starts.size - 1
    seen_by = np.full(nodes, -1)
    kept_starts = np.zeros(nodes + 1, np.int64)
    kept = np.empty_like(targets)
    size = 0
    for i in range(nodes):
        seen_by[i] = i
        for j in targets[starts[i] : starts[i + 1]]:
            if seen_by[j] != i:
                seen_by[j] = i
                kept[size] = j
                size += 1
        kept_starts[i + 1] = size
    return kept_starts, kept[:size].copy()


@compiled
def degrees(a: Column, b: Column, nodes: int) -> Column:
    """Return the number of partners of each node, (nodes,) integers."""
    return np.diff(neighbours(a, b, nodes)[0])


@compiled
def mean_degree(a: Column, b: Column, nodes: int) -> float:
    """Return the mean number of partners, <k> = 2 m / n (Newman 2010, Networks, 6.9); 0 without nodes."""
    return degrees(a, b, nodes).sum() / nodes if nodes > 0 else 0.0


@compiled
def density(a: Column, b: Column, nodes: int) -> float:
    """Return the part of all possible pairs that is tied, 2 m / (n (n - 1)) (Newman 2010, Networks, 6.9)."""
    return mean_degree(a, b, nodes) / (nodes - 1) if nodes > 1 else 0.0


@compiled
def degree_distribution(degree: Column) -> Column:
    """Return P(k) = n_k / n for k = 0 ... max, from `degree` (n,) integers >= 0; sums to 1."""
    shares = np.zeros(1 if degree.size == 0 else degree.max() + 1)
    for k in degree:
        shares[k] += 1.0
    return shares / max(degree.size, 1)


@compiled
def tail_exponent(values: Column, smallest: float) -> float:
    """Return the exponent of a power-law tail p(x) ~ x^-alpha of integer `values` (n,) from `smallest` >= 1 upwards.

    alpha = 1 + n / sum_i ln(x_i / (x_min - 1/2)) over the n values x_i >= x_min, the discrete maximum likelihood in
    its approximation for x_min of about 6 and more; standard error (alpha - 1) / sqrt(n) (Clauset, Shalizi & Newman
    2009, SIAM Review 51: 661, equation 3.7). Not a number if there is no such value.
    """
    count = 0
    logarithms = 0.0
    for value in values:
        if value >= smallest:
            count += 1
            logarithms += math.log(value / (smallest - 0.5))
    return 1.0 + count / logarithms if count > 0 else math.nan


@compiled
def triangles(starts: Column, targets: Column) -> Column:
    """Return the number of triangles at each node, (nodes,) integers, from the rows that `neighbours` returns.

    Each edge is kept at its end of lower degree only, which bounds the work by O(edges^1.5) even with a hub that all
    are tied to (Latapy 2008, Theoretical Computer Science 407: 458).
    """
    nodes = starts.size - 1
    up_starts, up_targets = _towards_hubs(starts, targets)
    marked_by = np.full(nodes, -1)
    found = np.zeros(nodes, np.int64)
    for i in range(nodes):
        above = up_targets[up_starts[i] : up_starts[i + 1]]
        for j in above:
            marked_by[j] = i
        for j in above:
            for k in up_targets[up_starts[j] : up_starts[j + 1]]:
                if marked_by[k] == i:
                    found[i] += 1
                    found[j] += 1
                    found[k] += 1
    return found


@compiled
def _towards_hubs(starts: Column, targets: Column) -> tuple[Column, Column]:
    """Return the rows with only those partners that have more partners, or as many and a higher index."""
    degree = np.diff(starts)
    up_starts = np.zeros_like(starts)
    up_targets = np.empty(targets.size // 2, np.int64)
    size = 0
    for i in range(degree.size):
        for j in targets[starts[i] : starts[i + 1]]:
            if degree[j] > degree[i] or (degree[j] == degree[i] and j > i):
                up_targets[size] = j
                size += 1
        up_starts[i + 1] = size
    return up_starts, up_targets


@compiled
def clustering(a: Column, b: Column, nodes: int) -> tuple[float, float]:
    """Return ``(transitivity, mean local clustering)``, both in [0, 1].

    With t_i triangles at node i of degree k_i: transitivity C = sum t_i / sum k_i (k_i - 1) / 2 (Newman, Strogatz &
    Watts 2001, Physical Review E 64: 026118); mean local clustering = mean of t_i / (k_i (k_i - 1) / 2), where nodes
    with fewer than two partners count as 0 (Watts & Strogatz 1998, Nature 393: 440).
    """
    starts, targets = neighbours(a, b, nodes)
    found = triangles(starts, targets)
    closed = pairs = local = 0.0
    for i in range(nodes):
        degree = starts[i + 1] - starts[i]
        if degree > 1:
            possible = degree * (degree - 1) / 2.0
            closed += found[i]
            pairs += possible
            local += found[i] / possible
    return (closed / pairs, local / nodes) if pairs > 0.0 else (0.0, 0.0)


@compiled
def component_count(a: Column, b: Column, nodes: int) -> int:
    """Return the number of connected components, a node without edges being one.

    Union-find with path halving, each edge between two trees takes one off (Tarjan & van Leeuwen 1984, Journal of the
    ACM 31: 245).
    """
    parent = np.arange(nodes)
    components = nodes
    for i, j in zip(a, b):
        root_i, root_j = _root(parent, i), _root(parent, j)
        if root_i != root_j:
            parent[max(root_i, root_j)] = min(root_i, root_j)
            components -= 1
    return components


@compiled
def _root(parent: Column, node: int) -> int:
    """Return the root of the node's tree, and halve the way to it for the next call."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


# --- resilience ------------------------------------------------------------------------------------------------------


@compiled
def recovery_time(series: Column, shock_step: int) -> int:
    """Return how many quarters after the shock the `series` (steps,) is first back at its level before the shock.

    The least t - shock_step with series[t] >= series[shock_step - 1] after a fall below that level; 0 if it never
    falls, -1 if it is not back by the end. `shock_step`, the first step with the shock, is at least 1. For a series
    that a shock raises pass ``-series``. The time axis of the resilience triangle (Bruneau et al. 2003, Earthquake
    Spectra 19: 733).
    """
    level = series[shock_step - 1]
    fallen = False
    for step in range(shock_step, series.size):
        if series[step] < level:
            fallen = True
        elif fallen:
            return step - shock_step
    return -1 if fallen else 0


def recovery_against(series: Column, twin: Column, shock_step: int, part: float = 0.95) -> int:
    """Return how many quarters after a shock a series is first back at a part of its twin, a future without the shock.

    The least t - shock_step with series[t] >= part * twin[t] after a fall below that; 0 if it never falls so far, -1 if
    it is not back by the end. Against growth that hides a loss: `recovery_time` asks for the level before the shock.
    """
    ratios = _ratios(series, twin)
    ratios[shock_step - 1] = part
    return int(recovery_time(ratios, shock_step))


def losses_against(series: Column, twin: Column, shock_step: int) -> tuple[float, float]:
    """Return the largest loss against a twin without the shock, and the sum of all, in quarters of the twin's level.

    max_t l and sum_t l with l = max(0, 1 - series[t] / twin[t]), t >= shock_step: depth and area of the resilience
    triangle (Bruneau et al. 2003, Earthquake Spectra 19: 733).
    """
    losses = np.maximum(0.0, 1.0 - _ratios(series, twin)[shock_step:])
    return float(losses.max(initial=0.0)), float(losses.sum())


def _ratios(series: Column, twin: Column) -> Column:
    """Series over twin, (steps,); 1 where the twin is 0."""
    above, below = np.asarray(series, float), np.asarray(twin, float)
    return np.divide(above, below, out=np.ones(below.size), where=below > 0.0)


@compiled
def half_life(series: Column, shock_step: int) -> int:
    """Return how many quarters it takes from the lowest point after the shock to make up half of the loss.

    The least t - trough with series[t] >= (level + series[trough]) / 2, level = series[shock_step - 1] and the trough
    the lowest step before recovery; 0 without a fall, -1 if the end comes first. For a gap that decays as
    exp(-rate t) this is ln 2 / rate, rounded up (engineering resilience: Pimm 1984, Nature 307: 321).
    """
    recovery = recovery_time(series, shock_step)
    if recovery == 0:
        return 0
    end = series.size if recovery < 0 else shock_step + recovery + 1
    trough = shock_step + int(np.argmin(series[shock_step:end]))
    halfway = (series[shock_step - 1] + series[trough]) / 2.0
    for step in range(trough, end):
        if series[step] >= halfway:
            return step - trough
    return -1
