"""Environment (S003, section 6): talent, technology, economy and policy influence each other and the rules.

Each index moves towards a target: T_k = b + c * mean_{j != k}(E_j - b) + r * activity_k + shock_k, and
E_k <- E_k + drift * (T_k - E_k) + noise. Around them demand wanders, the market and wages grow, the frontier moves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.columns import living
from ecosim.compilation import compiled
from ecosim.draws import DEMAND_DRIFT, ENVIRONMENT_NOISE, normal
from ecosim.ledger import GRANTS, PUBLIC_SERVICES, SUBSIDIES
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    DOMAINS,
    ECONOMY_INDEX,
    INDICES,
    POLICY_INDEX,
    TALENT_INDEX,
    TECHNOLOGY_INDEX,
    Column,
    Environment,
    State,
)

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("environment", __name__, {
    "baseline": Parameter(0.5, 0.0, 1.0, "level", "Where every index rests when nothing acts on it.", _ASSUMED),
    "drift": Parameter(0.15, 0.0, 1.0, "1/quarter", "Part of the distance to its target that an index covers in a quarter.", _ASSUMED),
    "influence": Parameter(0.3, 0.0, 0.9, "1", "How strongly the other three indices pull an index along.", "S003 6 (P107)"),
    "response": Parameter(0.2, 0.0, 1.0, "level", "How far full activity of the ecosystem moves an index's target.", "S003 6"),
    "noise": Parameter(0.01, 0.0, 0.5, "level", "Standard deviation of an index's own changes in a quarter.", _ASSUMED),
    "demand_drift": Parameter(0.04, 0.0, 1.0, "1", "Standard deviation of the change of the logarithm of demand per domain in a quarter.", _ASSUMED),
    "market_growth": Parameter(0.10, -0.2, 0.5, "1/year", "Growth of what a user spends.", "Huawei revenue 1997-2018 grew 18-36 % a year, market and share together"),
    "wage_growth": Parameter(0.05, -0.1, 0.3, "1/year", "Growth of the wage of a person-year, at constant prices.", _ASSUMED),
    "wage": Parameter(0.15, 0.001, 10.0, "million CNY", "Wage of a person-year at the start.", "revenue per head CNY 0.73m in 1997"),
    "frontier": Parameter(20.0, 0.0, 1e6, "firm-years of median R&D", "Knowledge per domain outside the ecosystem at the start.", _ASSUMED),
    "frontier_growth": Parameter(0.06, 0.0, 0.5, "1/year", "Growth of the outside frontier.", "S001 1: from following to leading (P48)"),
    "seekers": Parameter(2000.0, 0.0, 1e9, "person-years", "Talent looking for work at the start.", _ASSUMED),
})  # fmt: skip


def make_environment(settings: Any) -> Environment:
    """Return the environment at rest at the start of a run."""
    return Environment(
        level=np.full(len(INDICES), settings.baseline),
        shock=np.zeros((len(INDICES), 2)),
        demand=np.full(DOMAINS, 1.0 / DOMAINS),
        frontier=np.full(DOMAINS, settings.frontier),
        activity=np.zeros(len(INDICES)),
        value_trend=np.zeros(1),
        pool=np.zeros(DOMAINS),
        wage=np.array([settings.wage]),
        market=np.ones(1),
        knowledge_cost=np.zeros(1),
        seekers=np.array([settings.seekers]),
        adopted=np.zeros(1),
        product_frontier=np.zeros(1),
        supply_cut=np.zeros(2),
    )


@compiled
def environment(state: State, numbers: Any, seed: int, step: int) -> bool:
    """Indices drift to their targets, pull each other, take shocks; demand, market, wage and frontier move on."""
    drift_indices(state.environment, numbers.environment, seed, step)
    move_surroundings(state.environment, numbers.environment, seed, step)
    return True


@compiled
def observe(state: State, numbers: Any) -> None:
    """Read what the ecosystem did this quarter for each index; the indices respond in the next one.

    activity = tanh(10 x), x the growth of talent, the growth of knowledge, value created over its trend less 1, and
    government's spending over value created less its rest of 5 %.
    """
    books, environment, organisations = state.books, state.environment, state.organisations
    talent, knowledge = 0.0, 0.0
    for i in living(organisations.alive, state.slots):
        talent += organisations.talent[i]
        for d in range(organisations.knowledge.shape[1]):
            knowledge += organisations.knowledge[i, d]
    talent += environment.seekers[0]
    value, trend = books.created.sum(), environment.value_trend[0]
    spent = books.paid[GRANTS].sum() + books.paid[SUBSIDIES].sum() + books.paid[PUBLIC_SERVICES].sum()
    forgotten = 1.0 - (1.0 - numbers.orchestration.depreciation) ** 0.25
    growing = knowledge > 0.0 and books.made[2] > 0.0
    environment.activity[TALENT_INDEX] = (books.made[0] - books.used[0]) / talent if talent > 0.0 else 0.0
    environment.activity[TECHNOLOGY_INDEX] = books.made[2] / knowledge - forgotten if growing else 0.0
    environment.activity[ECONOMY_INDEX] = value / trend - 1.0 if trend > 0.0 else 0.0
    environment.activity[POLICY_INDEX] = spent / value - 0.05 if value > 0.0 else 0.0
    for k in range(environment.activity.size):
        environment.activity[k] = np.tanh(10.0 * environment.activity[k])
    environment.supply_cut[1] = max(0.0, environment.supply_cut[1] - 1.0)  # an embargo has a quarter less to last
    environment.value_trend[0] += numbers.orchestration.memory * (value - trend) if trend > 0.0 else value


@compiled
def target(
    index: Column, k: int, activity: float, shock: float, baseline: float, influence: float, response: float
) -> float:
    """Where index k is drawn to: T_k = b + c * mean_{j != k}(E_j - b) + r * activity_k + shock_k."""
    others = (index.sum() - index[k]) / (index.size - 1) - baseline
    return baseline + influence * others + response * activity + shock


@compiled
def drift_indices(environment: Environment, p: Any, seed: int, step: int) -> None:
    """Move all four indices at once, on the state before the move."""
    before = environment.level.copy()
    for k in range(before.size):
        shock = environment.shock[k, 0] if environment.shock[k, 1] > 0.0 else 0.0
        goal = target(before, k, environment.activity[k], shock, p.baseline, p.influence, p.response)
        change = p.drift * (goal - before[k]) + p.noise * normal(seed, ENVIRONMENT_NOISE, step, k, 0)
        environment.level[k] = min(1.0, max(0.0, before[k] + change))
        environment.shock[k, 1] = max(0.0, environment.shock[k, 1] - 1.0)


@compiled
def move_surroundings(environment: Environment, p: Any, seed: int, step: int) -> None:
    """Let demand wander on the logarithm and market, wage and frontier grow by a quarter of their yearly rate."""
    for d in range(environment.demand.size):
        environment.demand[d] *= np.exp(p.demand_drift * normal(seed, DEMAND_DRIFT, step, d, 0))
        environment.frontier[d] *= (1.0 + p.frontier_growth) ** 0.25
    environment.demand[:] /= environment.demand.sum()
    environment.market[0] *= (1.0 + p.market_growth) ** 0.25
    environment.wage[0] *= (1.0 + p.wage_growth) ** 0.25


def strike(environment: Environment, index: int, size: float, quarters: int) -> None:
    """Let a shock hit an index: it jumps by `size`, and its target stays shifted for some quarters."""
    environment.level[index] = min(1.0, max(0.0, environment.level[index] + size))
    environment.shock[index] = size, quarters
