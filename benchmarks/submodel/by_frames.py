"""The sub-model in mesa-frames: sets of agents as Polars frames, ties as a frame of their own.

Run as a program it serves the comparison from an interpreter that has mesa-frames, which asks for an older NumPy than
ecosim runs with: orders come as lines of JSON, arrays in files.
"""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from mesa_frames import AgentSetPolars, ModelDF

RECORDED = ("mean_knowledge", "adopted_share", "firms", "suppliers", "users", "moved")
DOMAINS = range(8)
KNOWN = [f"k{d}" for d in DOMAINS]
TIE_TYPE = pl.UInt32


class Organisations(AgentSetPolars):
    """Firms, which come first, and suppliers; `firm` tells them apart. Rows stand in the order of entry."""

    def __init__(self, model: InFrames, knowledge: Any, absorptive: Any) -> None:
        super().__init__(model)
        self.add(self._frame(knowledge, absorptive, np.arange(len(absorptive)) < model.firms))

    def _frame(self, knowledge: Any, absorptive: Any, firm: Any) -> pl.DataFrame:
        return pl.DataFrame({
            "unique_id": self.model.new_ids(len(absorptive)), "firm": firm,
            "rate": self.model.numbers["contract_rate"] * np.asarray(absorptive),
            **{name: knowledge[:, d] for d, name in enumerate(KNOWN)},
        })  # fmt: skip

    def step(self) -> None:
        """Copy over ties, all on the same state; note what moved by role of giver and taker.

        Gathering rows by their place and one grouping by taker is the fastest of the queries tried: joins and a sorted
        list of ties took a fifth to a half longer.
        """
        ties, table = self.model.ties, self.agents
        theirs = table.select(*KNOWN, pl.col("firm").alias("giver_firm"))[ties["giver"]]
        mine = table.select(pl.col(name).alias(f"own_{name}") for name in KNOWN)[ties["taker"]]
        gaps = [f"gap_{name}" for name in KNOWN]
        of_firms = pl.when("giver_firm").then(pl.sum_horizontal(gaps)).otherwise(0.0)
        taken = (
            pl.concat([ties, theirs, mine], how="horizontal")
            .lazy()
            .with_columns((pl.col(name) - pl.col(f"own_{name}")).clip(lower_bound=0.0).alias(gap) for name, gap in zip(KNOWN, gaps))
            .with_columns(of_firms.alias("of_firms"))
            .group_by("taker")
            .agg(*(pl.col(gap).sum() for gap in gaps), *(pl.col(name).max().alias(f"best_{name}") for name in KNOWN), pl.col("of_firms").sum())
        )  # fmt: skip
        joined = (
            table.lazy()
            .with_columns(pl.int_range(pl.len(), dtype=TIE_TYPE).alias("taker"))
            .join(taken, on="taker", how="left", maintain_order="left")
            .collect()
        )
        self.note_moved(joined, gaps)
        self.agents = joined.lazy().select(
            "unique_id", "firm", "rate",
            *(pl.max_horizontal(name, pl.min_horizontal(pl.col(name) + pl.col("rate") * pl.col(gap), f"best_{name}"))
              for name, gap in zip(KNOWN, gaps)),
        ).collect()  # fmt: skip

    def note_moved(self, taken: pl.DataFrame, gaps: list[str]) -> None:
        """Note knowledge moved, and what the takers gained, by role."""
        price = self.model.numbers["usefulness"] * self.model.numbers["knowledge_cost"]
        rate = pl.col("rate")
        self.model.flows = (
            taken.lazy()
            .group_by("firm")
            .agg((rate * pl.col("of_firms")).sum().alias("of_firms"), (rate * (pl.sum_horizontal(gaps) - pl.col("of_firms"))).sum().alias("of_suppliers"))
            .with_columns((price * pl.col("of_firms")).alias("gained_of_firms"), (price * pl.col("of_suppliers")).alias("gained_of_suppliers"))
            .collect()
        )  # fmt: skip

    def utilities(self, installed: Any) -> Any:
        """Return what the firms' offers are worth to a user, (firms,)."""
        quality = self.agents.head(self.model.firms).select(pl.sum_horizontal(KNOWN)).to_series().log1p().to_numpy()
        numbers = self.model.numbers
        return numbers["quality_weight"] * quality + numbers["network_weight"] * np.log1p(installed)

    def turn_over(self) -> None:
        """Suppliers bring entrants and leave; with them go their ties."""
        model, table, firms = self.model, self.agents, self.model.firms
        brings, leaves = model.turnover_draws(len(table) - firms, model.rooms["suppliers"])
        gone = np.concatenate([np.zeros(firms, bool), leaves])
        if gone.any():
            self.remove(table["unique_id"].filter(pl.Series(gone)))
            model.ties = model.ties_without(gone)
        if brings:
            self.add(self._frame(*model.endowment(brings, model.numbers["supplier_knowledge"]), np.zeros(brings, bool)))


class Users(AgentSetPolars):
    """Users; `provider` is the row of a firm, null for none."""

    def __init__(self, model: InFrames, count: int) -> None:
        super().__init__(model)
        self.enter(count)

    def enter(self, count: int) -> None:
        """Let some enter."""
        provider = pl.Series("provider", [None] * count, pl.Int64)
        self.add(pl.DataFrame({"unique_id": self.model.new_ids(count), "provider": provider}))

    def step(self) -> None:
        """Adopt or reconsider, all on the same offers and share."""
        model, count, numbers = self.model, len(self), self.model.numbers
        values = model.organisations.utilities(model.installed)
        weights = np.exp(values - values.max())
        adopted = 1.0 - self.agents["provider"].null_count() / count
        rate = numbers["innovation"] + numbers["imitation"]
        waiting = (1.0 - adopted) * numbers["imitation"] / rate
        chance = 1.0 - 1.0 / (waiting + (1.0 - waiting) * math.exp(0.25 * rate))
        fresh = pl.col("provider").is_null()
        draws = pl.DataFrame({"look": model.random.random(count), "choice": model.random.random(count)})
        raised = [
            pl.when(pl.col("provider") == i).then(weight * math.exp(numbers["loyalty"])).otherwise(weight)
            for i, weight in enumerate(weights.tolist())
        ]
        point = pl.col("choice") * pl.sum_horizontal(raised)
        places = [(point >= pl.sum_horizontal(raised[: i + 1])).cast(pl.Int64) for i in range(len(raised) - 1)]
        looks = pl.col("look") < pl.when(fresh).then(chance).otherwise(numbers["reconsider"])
        self.agents = pl.concat([self.agents, draws], how="horizontal").select(
            "unique_id", pl.when(looks).then(pl.sum_horizontal(places)).otherwise("provider").alias("provider")
        )
        served = self.agents["provider"].drop_nulls().to_numpy()
        model.installed = np.bincount(served, minlength=model.firms).astype(float)
        model.adopted_share = len(served) / count

    def turn_over(self) -> None:
        """Users bring entrants and leave."""
        brings, leaves = self.model.turnover_draws(len(self), self.model.rooms["users"])
        if leaves.any():
            self.remove(self.agents["unique_id"].filter(pl.Series(leaves)))
        if brings:
            self.enter(brings)


class InFrames(ModelDF):
    """The sub-model in mesa-frames; arguments as `InMesa`, with the start as plain arrays."""

    def __init__(
        self, firms: int, suppliers: int, users: int, a: Any, b: Any, seed: int, numbers: dict[str, float],
        knowledge: Any = None, absorptive: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(seed)
        self.numbers, self.firms = numbers, firms
        self.rooms = {"suppliers": float(suppliers), "users": float(users)}
        if knowledge is None:
            first, second = (self.endowment(count, numbers[f"{role}_knowledge"]) for role, count in
                             (("firm", firms), ("supplier", suppliers)))  # fmt: skip
            knowledge, absorptive = (np.concatenate(pair) for pair in zip(first, second))
        self.organisations = Organisations(self, knowledge, absorptive)
        self.users = Users(self, users)
        self.agents.add([self.organisations, self.users])
        self.ties = pl.DataFrame({"giver": np.concatenate([a, b]), "taker": np.concatenate([b, a])}).cast(TIE_TYPE)
        self.flows = pl.DataFrame()
        self.installed, self.adopted_share = np.zeros(firms), 0.0
        self._records: list[tuple[float, ...]] = []

    def new_ids(self, count: int) -> pl.Series:
        """Return ids that nobody has had."""
        self.current_id += count
        return pl.Series(np.arange(self.current_id - count, self.current_id))

    def endowment(self, count: int, median: float) -> tuple[Any, Any]:
        """Draw knowledge, (count, domains), and absorptive capacity, (count,)."""
        profile = 0.5 * self.random.normal(size=(count, len(DOMAINS))) ** 2 + 1e-6
        size = np.exp(0.3 * self.numbers["spread"] * self.random.normal(size=count))
        absorptive = self.numbers["absorptive"] * (1.0 + 0.1 * self.random.normal(size=count))
        return profile * (median * size / profile.sum(axis=1))[:, None], np.clip(absorptive, 0.0, 1.0)

    def turnover_draws(self, count: int, room: float) -> tuple[int, Any]:
        """Draw how many entrants some members bring, and which of them leave."""
        growth = self.numbers["growth_rate"]
        brings = int((self.random.random(count) < 1.0 - math.exp(-growth)).sum())
        return brings, self.random.random(count) < 1.0 - math.exp(-growth * count / room)

    def ties_without(self, gone: Any) -> pl.DataFrame:
        """Return the ties of those that stay; ends are rows, which move up."""
        place = pl.Series(np.cumsum(~gone) - 1, dtype=TIE_TYPE)
        gone = pl.Series(gone)
        kept = self.ties.filter(~(gone[self.ties["giver"]] | gone[self.ties["taker"]]))
        return pl.DataFrame({"giver": place[kept["giver"]], "taker": place[kept["taker"]]})

    def step(self) -> None:
        """Run a quarter."""
        self.agents.step()
        self.agents.do("turn_over")
        table = self.organisations.agents
        known = table.select(pl.sum_horizontal(KNOWN).mean()).item()
        moved = self.flows.select(pl.sum("of_firms", "of_suppliers")).sum_horizontal().item()
        self._records.append((known, self.adopted_share, self.firms, len(table) - self.firms, len(self.users), moved))

    def run(self, quarters: int) -> None:
        """Run some quarters."""
        for _ in range(quarters):
            self.step()

    def records(self) -> Any:
        """Return what was recorded, (quarters, recorded)."""
        return np.array(self._records, float).reshape(-1, len(RECORDED))

    def knowledge(self) -> Any:
        """Return what everybody knows, (firms and suppliers, domains), in the order of entry."""
        return self.organisations.agents.select(KNOWN).to_numpy()


def serve() -> None:
    """Obey orders until there are no more: `make` a model of a file, `run` it, `keep` its records in a file."""
    model, said = None, sys.stdout
    sys.stdout = sys.stderr  # what libraries print is no answer
    print(json.dumps({"polars": pl.__version__, "threads": pl.thread_pool_size(), "numpy": np.__version__}), file=said, flush=True)  # fmt: skip
    for line in sys.stdin:
        order = json.loads(line)
        begun, spent = time.perf_counter(), time.process_time()
        if order["do"] == "make":
            with np.load(order["file"]) as arrays:
                given = {name: arrays[name] for name in arrays.files}
            model = InFrames(**order["counts"], seed=order["seed"], numbers=order["numbers"], **given)
        elif order["do"] == "run":
            model.run(order["quarters"])
        else:
            np.savez(
                Path(order["file"]), records=model.records(), knowledge=model.knowledge(), installed=model.installed
            )
        answer = {"seconds": time.perf_counter() - begun, "processor": time.process_time() - spent}
        print(json.dumps(answer), file=said, flush=True)


if __name__ == "__main__":
    serve()
