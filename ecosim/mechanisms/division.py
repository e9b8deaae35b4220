"""Division: how one pot is divided among the members of a coalition, by one of four rules.

Pots and contributions are in million CNY and not negative; each array has one entry a member. Every rule gives the
whole pot away and never a negative share.

Shapley's rule needs the worth of every part of the coalition. It comes from what the members bring and how well one
type (a role, say) stands in for another: with X_t(S) the contributions of the members of S of type t and the T types
of the whole coalition N, S is worth pot * w(S) / w(N), where w is the constant-elasticity aggregate

    w(S) = (sum_t X_t(S)^rho / T)^(1 / rho),    rho = substitution <= 1

(Arrow, Chenery, Minhas & Solow 1961, Review of Economics and Statistics 43: 225). At 1 contributions add up; at 0 it
is Cobb-Douglas; at 0 and below a coalition that lacks a type is worth nothing; towards minus infinity, here from
`PERFECT_COMPLEMENTS` down, the scarcest type decides alone, as left and right gloves do. The factor 1 / T cancels out
and only keeps numbers in range. A type of which nobody brings anything does not count.
"""

from __future__ import annotations

import math

import numpy as np

from ecosim.compilation import compiled
from ecosim.draws import SHAPLEY_SAMPLE, integer_below
from ecosim.state import Column

DIVISION_RULES = ("equal", "contribution", "nash", "shapley")
(EQUAL, CONTRIBUTION, NASH, SHAPLEY) = range(4)
EXACT_MEMBERS = 10  # 1024 coalitions take some 0.1 ms; each further member doubles it
PERFECT_COMPLEMENTS = -50.0
# This close to 0 the power's rounding error, 1e-16 / rho, outgrows the distance from its limit, of the order of rho.
COBB_DOUGLAS_BAND = 1e-8


@compiled
def divide(
    rule: int, pot: float, contributions: Column, types: Column, outside: Column, power: Column, substitution: float,
    samples: int, seed: int, step: int, uid: int, shares: Column, errors: Column,
) -> None:  # fmt: skip
    """Write the members' shares of the pot, and their standard errors, into `shares` and `errors` (n,), million CNY.

    Parameters
    ----------
    rule : position in `DIVISION_RULES`; each rule reads only the arguments that its own function below has.
    pot : what is divided, million CNY.
    contributions, types, outside, power : (n,) what a member brought, its type, its outside option, its bargaining
        power.
    substitution, samples, seed, step, uid : see `divide_by_shapley`.
    shares, errors : (n,) overwritten; errors are 0 but for a sampled Shapley value.
    """
    errors[:] = 0.0
    if rule == EQUAL:
        shares[:] = divide_equally(pot, shares.size)
    elif rule == CONTRIBUTION:
        shares[:] = divide_by_contribution(pot, contributions)
    elif rule == NASH:
        shares[:] = divide_by_nash(pot, outside, power)
    elif rule == SHAPLEY:
        shapley, spread = divide_by_shapley(pot, contributions, types, substitution, samples, seed, step, uid)
        shares[:] = shapley
        errors[:] = spread
    else:
        raise ValueError("no such division rule: the code must be a position in DIVISION_RULES")


@compiled
def divide_equally(pot: float, count: int) -> Column:
    """Return x_i = pot / n, (count,): the egalitarian rule (Moulin 2003, Fair Division and Collective Welfare)."""
    return np.full(count, pot / max(count, 1))


@compiled
def divide_by_contribution(pot: float, contributions: Column) -> Column:
    """Return x_i = pot c_i / sum c, (n,): proportional to the contributions c >= 0, equally if nobody brought anything.

    Aristotle's rule of equity; axioms in Moulin (1987), International Journal of Game Theory 16: 161.
    """
    total = contributions.sum()
    if total <= 0.0:
        return divide_equally(pot, contributions.size)
    return pot * (contributions / total)


@compiled
def divide_by_nash(pot: float, outside: Column, power: Column) -> Column:
    """Return x_i = d_i + p_i / sum(p) (pot - sum d), (n,): the generalised Nash bargaining solution.

    It maximises prod (x_i - d_i)^p_i over sum x = pot, with outside options d >= 0 (million CNY) and bargaining power
    p >= 0, equal if all is 0 (Nash 1950, Econometrica 18: 155; with power: Harsanyi & Selten 1972, Management Science
    18: P80). If the outside options exceed the pot there is nothing to agree on; the pot, which is there all the same,
    is then rationed in proportion to them, x_i = pot d_i / sum d (O'Neill 1982, Mathematical Social Sciences 2: 345).
    Both branches meet at sum d = pot.
    """
    claims = outside.sum()
    if claims > pot:
        return divide_by_contribution(pot, outside)
    return outside + divide_by_contribution(pot - claims, power)


@compiled
def divide_by_shapley(
    pot: float, contributions: Column, types: Column, substitution: float, samples: int, seed: int, step: int, uid: int
) -> tuple[Column, Column]:
    """Return ``(shares, errors)``, both (n,): a member's mean marginal worth over all orders of joining.

    x_i = sum over S without i of |S|! (n - |S| - 1)! / n! (v(S + i) - v(S)) (Shapley 1953, Contributions to the Theory
    of Games II: 307), with the worth v at the top of this file. Exact up to `EXACT_MEMBERS` members, else estimated
    with a standard error. Equally if nobody brought anything.

    Parameters
    ----------
    pot : million CNY.
    contributions, types : (n,) what each member brings, >= 0; integer codes of any value.
    substitution : rho <= 1, a pure number.
    samples : number of orders drawn, even and at least 4, else the next such number.
    seed, step, uid : key of the draws; uid is the pot's owner. Two pots on one key share their orders.
    """
    errors = np.zeros(contributions.size)
    counted = np.unique(types[contributions > 0.0])
    if counted.size == 0:
        return divide_equally(pot, contributions.size), errors
    # Members whose type does not count bring nothing, so it changes nothing which column they are put in.
    columns = np.minimum(np.searchsorted(counted, types), counted.size - 1)
    if contributions.size <= EXACT_MEMBERS:
        values = shapley_of_game(worths_of_all(contributions, columns, counted.size, substitution))
    else:
        values, errors = sampled_shapley(contributions, columns, counted.size, substitution, samples, seed, step, uid)
    # Marginal worths add up to w(N) and are not negative, but for rounding; this takes the rounding out too.
    return divide_by_contribution(pot, np.maximum(values, 0.0)), errors * (pot / values.sum())


@compiled
def coalition_worth(sums: Column, substitution: float) -> float:
    """Return w = (mean of X_t^rho)^(1 / rho) from `sums` (T,), the X_t of the coalition; 0 where a type counts as zero.

    The power mean: rho = 1 the arithmetic, 0 the geometric mean, `PERFECT_COMPLEMENTS` and below the minimum (Hardy,
    Littlewood & Polya 1934, Inequalities, chapter 2).
    """
    if substitution <= PERFECT_COMPLEMENTS:
        return sums.min()
    # The power of a ratio to the term that counts most lies in [0, 1]: no overflow, whatever the unit.
    scale = sums.max() if substitution > COBB_DOUGLAS_BAND else sums.min()
    if scale <= 0.0:
        return 0.0
    total = 0.0
    if abs(substitution) <= COBB_DOUGLAS_BAND:
        for amount in sums:
            total += math.log(amount / scale)
        return scale * math.exp(total / sums.size)
    for amount in sums:
        total += (amount / scale) ** substitution
    return scale * (total / sums.size) ** (1.0 / substitution)


@compiled
def worths_of_all(contributions: Column, columns: Column, types: int, substitution: float) -> Column:
    """Return w of all coalitions, (2^n,): S has the members whose bits are set in it; `columns` are below `types`."""
    members = contributions.size
    worths, sums = np.empty(2**members), np.empty(types)
    for coalition in range(worths.size):
        sums[:] = 0.0
        for member in range(members):
            if coalition >> member & 1:
                sums[columns[member]] += contributions[member]
        worths[coalition] = coalition_worth(sums, substitution)
    return worths


@compiled
def shapley_of_game(worths: Column) -> Column:
    """Return the Shapley values (n,) of any game given as `worths` (2^n,), entry S being worth v of the bits in S.

    x_i = sum over S without i of (v(S + i) - v(S)) / (n binom(n - 1, |S|)) (Shapley 1953).
    """
    members = round(math.log2(worths.size))
    weights = np.empty(members)
    orders = 1.0  # binom(n - 1, size)
    for size in range(members):
        weights[size] = 1.0 / (members * orders)
        orders *= (members - 1 - size) / (size + 1)
    values = np.zeros(members)
    for coalition in range(worths.size):
        size = 0
        for member in range(members):
            size += coalition >> member & 1
        for member in range(members):
            if not coalition >> member & 1:
                values[member] += weights[size] * (worths[coalition | 1 << member] - worths[coalition])
    return values


@compiled
def sampled_shapley(
    contributions: Column, columns: Column, types: int, substitution: float,
    samples: int, seed: int, step: int, uid: int,
) -> tuple[Column, Column]:  # fmt: skip
    """Return what a member adds to w, as the mean over random orders, and its standard error, (n,) each.

    w(those before and i) - w(those before), after Castro, Gomez & Tejada (2009), Computers & Operations Research 36:
    1726. Each order is followed by its reverse, an antithetic pair (Mitchell et al. 2022, Journal of Machine Learning
    Research 23: 43). The error is the standard deviation of the pairs' means over the root of their number (mean and
    deviation after Welford 1962, Technometrics 4: 419).
    """
    members = contributions.size
    pairs = max(2, (samples + 1) // 2)
    order = np.arange(members)
    marginal = np.empty((2, members))
    means = np.zeros(members)
    squares = np.zeros(members)
    for pair in range(pairs):
        for last in range(members - 1, 0, -1):
            chosen = integer_below(last + 1, seed, SHAPLEY_SAMPLE, step, uid, pair * members + last)
            order[last], order[chosen] = order[chosen], order[last]
        _join(order, contributions, columns, types, substitution, marginal[0])
        _join(order[::-1], contributions, columns, types, substitution, marginal[1])
        for member in range(members):
            value = (marginal[0, member] + marginal[1, member]) / 2.0
            change = value - means[member]
            means[member] += change / (pair + 1)
            squares[member] += change * (value - means[member])
    return means, np.sqrt(squares / (pairs * (pairs - 1)))


@compiled
def _join(
    order: Column, contributions: Column, columns: Column, types: int, substitution: float, marginal: Column
) -> None:
    """Write what each member adds to the worth of those before it; only the sums of types are kept: O(T) a member."""
    sums = np.zeros(types)
    before = 0.0
    for member in order:
        sums[columns[member]] += contributions[member]
        after = coalition_worth(sums, substitution)
        marginal[member] = after - before
        before = after
