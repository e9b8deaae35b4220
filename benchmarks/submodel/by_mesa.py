"""The sub-model in plain Mesa 3: agent classes, sets by type, Python attributes, a data collector.

Of the ways tried for the rule that costs most, copying, the fastest is kept: see `Organisation.copy`.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import mesa
import numpy as np
from submodel.start import RECORDED, Start

DOMAINS = range(8)


class Organisation(mesa.Agent):
    """A firm or a supplier: it knows something and copies from those it is tied to."""

    role = ""

    def __init__(self, model: InMesa, knowledge: list[float], absorptive: float) -> None:
        super().__init__(model)
        self.knowledge = knowledge
        self.rate = model.numbers["contract_rate"] * absorptive
        self.partners: list[Organisation] = []

    def copy(self) -> None:
        """Find what to know after the quarter; nobody's knowledge changes before `absorb`.

        Lists: for eight domains of eight partners NumPy's calls take longer than what they replace.
        """
        own, rate, role = self.knowledge, self.rate, self.role
        after, best, moved = own.copy(), own.copy(), self.model.moved
        for partner in self.partners:
            total = 0.0
            for d, (theirs, mine) in enumerate(zip(partner.knowledge, own)):
                if theirs > mine:
                    volume = rate * (theirs - mine)
                    after[d] += volume
                    total += volume
                    if theirs > best[d]:
                        best[d] = theirs
            moved[partner.role, role] += total
        self.later = list(map(min, after, best))

    def absorb(self) -> None:
        """Know it."""
        self.knowledge = self.later


class Firm(Organisation):
    """Makes an offer and stays."""

    role = "firm"

    def __init__(self, model: InMesa, knowledge: list[float], absorptive: float) -> None:
        super().__init__(model, knowledge, absorptive)
        self.installed = 0
        self.utility = 0.0

    def offer(self) -> None:
        """Say what the offer is worth to a user."""
        numbers = self.model.numbers
        quality = math.log(1.0 + sum(self.knowledge))
        self.utility = numbers["quality_weight"] * quality + numbers["network_weight"] * math.log(1.0 + self.installed)
        self.installed = 0


class Supplier(Organisation):
    """Comes and goes."""

    role = "supplier"

    def draw_turnover(self) -> None:
        """Bring an entrant, leave, or both."""
        self.model.draw_turnover(self)

    def leave(self) -> None:
        """End all ties."""
        for partner in self.partners:
            partner.partners.remove(self)
        self.remove()


class User(mesa.Agent):
    """Adopts the offer of a firm, and reconsiders."""

    def __init__(self, model: InMesa) -> None:
        super().__init__(model)
        self.provider: Firm | None = None

    def adopt(self) -> None:
        """Adopt with the chance of the quarter, or reconsider."""
        model = self.model
        if self.provider is None:
            if model.random.random() < model.chance:
                self.provider = model.chosen(None)
                model.adopted += 1
        elif model.random.random() < model.numbers["reconsider"]:
            self.provider = model.chosen(self.provider)
        if self.provider is not None:
            self.provider.installed += 1

    def draw_turnover(self) -> None:
        """Bring an entrant, leave, or both."""
        self.model.draw_turnover(self)

    def leave(self) -> None:
        """Leave."""
        self.remove()


class InMesa(mesa.Model):
    """The sub-model in Mesa.

    Parameters
    ----------
    knowledge, absorptive : what firms and then suppliers have at the start; None lets them draw it.
    """

    def __init__(
        self, start: Start, seed: int, numbers: dict[str, float], knowledge: Any = None, absorptive: Any = None
    ) -> None:
        super().__init__(seed=seed)
        self.numbers = numbers
        self.rooms = {Supplier: float(start.suppliers), User: float(start.users)}
        self.chance, self.adopted, self.adopted_share = 0.0, 0, 0.0
        self.weights: dict[Firm, float] = {}
        self.moved = dict.fromkeys(itertools.product(("firm", "supplier"), repeat=2), 0.0)
        self.gained = dict(self.moved)
        self.bringing: dict[type, float] = {}
        self.leaving: dict[type, float] = {}
        self.entrants: dict[type, int] = {}
        self.leavers: list[Supplier | User] = []
        organisations: list[Organisation] = []
        for place in range(start.firms + start.suppliers):
            kind = Firm if place < start.firms else Supplier
            if knowledge is None:
                organisations.append(kind(self, *self.endowment(kind)))
            else:
                organisations.append(kind(self, list(map(float, knowledge[place])), float(absorptive[place])))
        for first, second in zip(start.a.tolist(), start.b.tolist()):
            organisations[first].partners.append(organisations[second])
            organisations[second].partners.append(organisations[first])
        for _ in range(start.users):
            User(self)
        self.datacollector = mesa.DataCollector(model_reporters={
            "mean_knowledge": InMesa.mean_knowledge,
            "adopted_share": "adopted_share",
            "firms": lambda model: len(model.agents_by_type[Firm]),
            "suppliers": lambda model: len(model.agents_by_type[Supplier]),
            "users": lambda model: len(model.agents_by_type[User]),
            "moved": lambda model: sum(model.moved.values()),
        })  # fmt: skip

    def endowment(self, kind: type) -> tuple[list[float], float]:
        """Draw what an organisation knows, and its absorptive capacity."""
        normal, numbers = self.random.gauss, self.numbers
        profile = [0.5 * normal(0.0, 1.0) ** 2 + 1e-6 for _ in DOMAINS]
        median = numbers["firm_knowledge"] if kind is Firm else numbers["supplier_knowledge"]
        scale = median * math.exp(0.3 * numbers["spread"] * normal(0.0, 1.0)) / sum(profile)
        absorptive = numbers["absorptive"] * (1.0 + 0.1 * normal(0.0, 1.0))
        return [scale * part for part in profile], min(1.0, max(0.0, absorptive))

    def step(self) -> None:
        """Run a quarter."""
        self.share()
        self.adopt()
        self.turn_over()
        self.datacollector.collect(self)

    def share(self) -> None:
        """Copy over ties, all on the same state."""
        for pair in self.moved:
            self.moved[pair] = 0.0
        for kind in (Firm, Supplier):
            self.agents_by_type[kind].do("copy")
        for kind in (Firm, Supplier):
            self.agents_by_type[kind].do("absorb")
        price = self.numbers["usefulness"] * self.numbers["knowledge_cost"]
        for (giver, taker), volume in self.moved.items():
            self.gained[taker, giver] = price * volume

    def adopt(self) -> None:
        """Firms offer; users adopt or reconsider, all on the same offers and share."""
        firms, users, numbers = self.agents_by_type[Firm], self.agents_by_type[User], self.numbers
        firms.do("offer")
        highest = max(firm.utility for firm in firms)
        self.weights = {firm: math.exp(firm.utility - highest) for firm in firms}
        self.adopted = sum(user.provider is not None for user in users)
        rate = numbers["innovation"] + numbers["imitation"]
        waiting = (1.0 - self.adopted / len(users)) * numbers["imitation"] / rate
        self.chance = 1.0 - 1.0 / (waiting + (1.0 - waiting) * math.exp(0.25 * rate))
        users.do("adopt")
        self.adopted_share = self.adopted / len(users)

    def chosen(self, present: Firm | None) -> Firm:
        """Choose an offer by logit; the present one has the advantage of loyalty."""
        weights = self.weights
        if present is not None:
            weights = weights | {present: weights[present] * math.exp(self.numbers["loyalty"])}
        return self.random.choices(list(weights), list(weights.values()))[0]

    def turn_over(self) -> None:
        """All draw on the same numbers of members; then some leave, and entrants come."""
        self.leavers = []
        growth = self.numbers["growth_rate"]
        for kind in (Supplier, User):
            members = self.agents_by_type[kind]
            self.entrants[kind] = 0
            self.bringing[kind] = 1.0 - math.exp(-growth)
            self.leaving[kind] = 1.0 - math.exp(-growth * len(members) / self.rooms[kind])
            members.do("draw_turnover")
        for member in self.leavers:
            member.leave()
        for _ in range(self.entrants[Supplier]):
            Supplier(self, *self.endowment(Supplier))
        for _ in range(self.entrants[User]):
            User(self)

    def draw_turnover(self, member: Supplier | User) -> None:
        """Draw whether a member brings an entrant, and whether it leaves."""
        kind = type(member)
        if self.random.random() < self.bringing[kind]:
            self.entrants[kind] += 1
        if self.random.random() < self.leaving[kind]:
            self.leavers.append(member)

    def mean_knowledge(self) -> float:
        """Return the mean knowledge of firms and suppliers, over all domains."""
        sets = [self.agents_by_type[Firm], self.agents_by_type[Supplier]]
        return sum(sum(one.knowledge) for members in sets for one in members) / sum(map(len, sets))

    def run(self, quarters: int) -> None:
        """Run some quarters."""
        for _ in range(quarters):
            self.step()

    def records(self) -> Any:
        """Return what was recorded, (quarters, recorded)."""
        return self.datacollector.get_model_vars_dataframe()[list(RECORDED)].to_numpy(float)

    def knowledge(self) -> Any:
        """Return what everybody knows, (firms and suppliers, domains), in the order of entry."""
        return np.array([one.knowledge for kind in (Firm, Supplier) for one in self.agents_by_type[kind]])

    def installed(self) -> Any:
        """Return how many users each firm serves, (firms,)."""
        return np.array([float(firm.installed) for firm in self.agents_by_type[Firm]])

    def forget(self) -> None:
        """Let go of the model, which Mesa keeps alive for as long as the program runs, in its way of numbering agents."""
        mesa.Agent._ids.pop(self, None)
        self.remove_all_agents()
