"""The sub-model in ecosim: a scenario, a graph written into its table of ties, and `run`."""

from __future__ import annotations

from typing import Any

import numpy as np
from submodel.start import RECORDED, SCENARIO, Start

from ecosim.columns import ensure_room
from ecosim.compilation import compiled
from ecosim.mechanisms.ties import new_tie
from ecosim.model import Ecosystem
from ecosim.scenario import load_scenario
from ecosim.state import Column, Organisations, Slots, Ties

KNOWLEDGE_COST = 1.0  # million CNY a firm-year of research; nobody does any here, so it stays as it is
TRUST = 0.25


def numbers() -> dict[str, float]:
    """Return the numbers of the sub-model for the other implementations, as its scenario has them."""
    tree = load_scenario(SCENARIO).as_dict()
    sharing, adoption, roles = tree["open_sharing"], tree["adoption"], tree["roles"]
    return {
        "contract_rate": sharing["contract_rate"], "usefulness": sharing["usefulness"], "knowledge_cost": KNOWLEDGE_COST,
        **{key: adoption[key] for key in ("innovation", "imitation", "quality_weight", "network_weight", "loyalty", "reconsider")},
        "growth_rate": roles["supplier"]["growth_rate"],
        "firm_knowledge": roles["firm"]["knowledge"], "supplier_knowledge": roles["supplier"]["knowledge"],
        "absorptive": roles["supplier"]["absorptive"], "spread": roles["supplier"]["spread"],
    }  # fmt: skip


@compiled
def _tie_all(organisations: Organisations, ties: Ties, slots: Slots, a: Column, b: Column, trust: float) -> None:
    """Write many ties down."""
    for t in range(a.size):
        new_tie(organisations, ties, slots, a[t], b[t], 0, trust, 0)


class InEcosim:
    """The sub-model as users of ecosim run it; the graph is written with the rule that writes every tie."""

    def __init__(self, start: Start, seed: int, growth_rate: float | None = None, profile: bool = False) -> None:
        settings: dict[str, Any] = {
            "roles.supplier.initial": start.suppliers, "roles.supplier.capacity": float(start.suppliers),
            "roles.user.initial": start.users, "roles.user.capacity": float(start.users),
        }  # fmt: skip
        if growth_rate is not None:
            settings |= {"roles.supplier.growth_rate": growth_rate, "roles.user.growth_rate": growth_rate}
        self.model = model = Ecosystem(SCENARIO, seed, history=False, profile=profile,
                                       outcomes=("knowledge_total", "adopted_share"), **settings)  # fmt: skip
        model.environment.knowledge_cost[0] = KNOWLEDGE_COST
        model.ties, model.tie_slots = ensure_room(model.ties, model.tie_slots, len(start.a))
        rows = np.concatenate([model.members(model.roles[role].index) for role in ("firm", "supplier")])
        _tie_all(model.organisations, model.ties, model.tie_slots, rows[start.a], rows[start.b], TRUST)

    def run(self, quarters: int) -> None:
        """Run some quarters."""
        self.model.run(quarters)

    def records(self) -> Any:
        """Return what was recorded, (quarters, recorded)."""
        quarters, flows = self.model.metrics, self.model.flows
        by_role = self.model.by_role.pivot(index="step", columns="role", values="count")
        organisations = by_role["firm"] + by_role["supplier"]
        moved = flows[flows["element"] == "knowledge"].groupby("step")["volume"].sum()
        columns = {
            "mean_knowledge": quarters["knowledge_total"] / organisations, "adopted_share": quarters["adopted_share"],
            "firms": by_role["firm"], "suppliers": by_role["supplier"], "users": by_role["user"],
            "moved": moved.reindex(quarters["step"], fill_value=0.0),
        }  # fmt: skip
        return np.column_stack([np.asarray(columns[name], float) for name in RECORDED])

    def knowledge(self) -> Any:
        """Return what everybody knows, (firms and suppliers, domains), firms first, in the order of entry."""
        rows = np.concatenate([self.model.members(self.model.roles[role].index) for role in ("firm", "supplier")])
        return self.model.organisations.knowledge[rows].copy()

    def absorptive(self) -> Any:
        """Return the absorptive capacity of everybody, (firms and suppliers,)."""
        rows = np.concatenate([self.model.members(self.model.roles[role].index) for role in ("firm", "supplier")])
        return self.model.organisations.absorptive[rows].copy()

    def installed(self) -> Any:
        """Return how many users each firm serves, (firms,)."""
        return self.model.organisations.installed[self.model.members(self.model.roles["firm"].index)].copy()
