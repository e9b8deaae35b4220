"""Stages: read off from what moves through which channel, never put in (S000 5: cooperation, co-sharing, empowerment).

The volume of each element that moved through bilateral exchange, shared pools and empowerment is valued at
replacement cost; the channel that dominates, smoothed and with hysteresis, names the stage. The symbiosis matrix is
read from the net benefits that roles had of each other over a year.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.compilation import compiled
from ecosim.ledger import note_event, room_for_events
from ecosim.mechanisms.competition import MARKETS
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import CHANNELS, STAGE, Column, Reading, State

_ASSUMED = "assumption; the reading is repeated with others in the docs"

PARAMETERS = ParameterGroup("stages", __name__, {
    "smoothing": Parameter(0.15, 0.01, 1.0, "1/quarter", "Weight of the newest quarter in the channels' shares.", _ASSUMED),
    "margin": Parameter(0.05, 0.0, 1.0, "share", "Lead over the present stage's channel that a new one needs.", _ASSUMED),
    "persistence": Parameter(4, 1, 100, "quarters", "Quarters for which it must keep that lead.", _ASSUMED),
    "capital_price": Parameter(1.0, 0.0, 100.0, "million CNY a million CNY", "Replacement cost of capital.", "definition"),
    "talent_price": Parameter(0.15, 0.0, 100.0, "million CNY a person-year", "Replacement cost of talent: a year's wage.", _ASSUMED),
    "services_price": Parameter(0.2, 0.0, 100.0, "million CNY a million CNY", "Part of services that the taker would have had to develop; the rest is routine supply.", _ASSUMED),
    "knowledge_price": Parameter(1.0, 0.0, 100.0, "share of research cost", "Replacement cost of knowledge against what the ecosystem's research costs at the time.", "definition"),
    "technology_price": Parameter(1.0, 0.0, 100.0, "firm-years of median R&D a component", "Replacement cost of a technology.", _ASSUMED),
    "information_price": Parameter(1.0, 0.0, 1e5, "million CNY a unit", "Replacement cost of market information.", _ASSUMED),
})  # fmt: skip


def make_reading() -> Reading:
    """Return the reading of an ecosystem in which nothing has moved: incubation."""
    return Reading(np.zeros(len(CHANNELS)), np.zeros(3, np.int64), np.zeros(len(MARKETS)))


@compiled
def read_stage(state: State, numbers: Any, seed: int, step: int) -> bool:
    """Read the stage from the quarter's flows and the symbiosis matrix from its gains."""
    if not room_for_events(state.events, 1, state.short):
        return False
    books, prices = state.books, element_prices(numbers.stages, state.environment.knowledge_cost[0])
    if read_channels(state.reading, books.flows, prices, numbers.stages):
        note_event(state.events, STAGE, -1, -1, float(state.reading.state[0]))
    books.benefit[:] += 0.25 * (books.gained - books.benefit)
    return True


@compiled
def element_prices(settings: Any, knowledge_cost: float) -> Column:
    """Replacement cost of a unit of each element, (elements,) million CNY: what it would have cost the taker to make."""
    return np.array([
        settings.capital_price, settings.talent_price, settings.services_price, settings.knowledge_price * knowledge_cost,
        settings.technology_price * knowledge_cost, settings.information_price,
    ])  # fmt: skip


@compiled
def channel_volumes(flows: Column, prices: Column) -> Column:
    """Volume by channel at replacement cost, (channels,): sum over elements of price times what moved."""
    volumes = np.zeros(flows.shape[1])
    for element in range(flows.shape[0]):
        for channel in range(flows.shape[1]):
            volumes[channel] += prices[element] * flows[element, channel].sum()
    return volumes


@compiled
def read_channels(reading: Reading, flows: Column, prices: Column, p: Any) -> bool:
    """Smooth the channels' shares and move the stage if another one leads for long enough; tell whether it moved."""
    volumes = channel_volumes(flows, prices)
    if volumes.sum() <= 0.0:
        return False
    first = reading.shares.sum() == 0.0
    weight = 1.0 if first else p.smoothing
    reading.shares[:] += weight * (volumes / volumes.sum() - reading.shares)
    leader = np.argmax(reading.shares)
    stage = reading.state[0]
    if leader == stage or reading.shares[leader] - reading.shares[stage] < p.margin:
        reading.state[2] = 0
        return False
    reading.state[2] = reading.state[2] + 1 if leader == reading.state[1] else 1
    reading.state[1] = leader
    if reading.state[2] < p.persistence:
        return False
    reading.state[0] = leader
    reading.state[2] = 0
    return True
