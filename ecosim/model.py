"""The model: runs the schedule of a quarter over a world, and hands out the results."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ecosim import ledger
from ecosim.grammar import EMBARGO
from ecosim.history import History
from ecosim.mechanisms.foreign_supply import cut_supply
from ecosim.mechanisms.partner_search import begin
from ecosim.mechanisms.readings import symbiosis_table
from ecosim.mechanisms.turnover import depart
from ecosim.outcome_table import NAMES
from ecosim.parameters import ScenarioError, Value, nearest
from ecosim.quarter import compiled_quarter
from ecosim.roles import Role, read_roles
from ecosim.running import Running
from ecosim.scenario import Scenario, load_scenario, scenario_from_dict
from ecosim.schedule import QUARTER, Phase
from ecosim.shapes import accepted
from ecosim.state import SUPPLY_CUT

if TYPE_CHECKING:
    import pandas as pd

    from ecosim.plots import Plots


class Ecosystem(Running):
    """An innovation ecosystem: a Mesa model whose state is columns.

    Parameters
    ----------
    scenario : name of a shipped scenario, path of a file, or a `Scenario`.
    seed : 0 <= seed < 2**63; None takes a new one, which `model.seed` tells.
    rng : the same, by the name that newer versions of Mesa use.
    agents : directories of further role files.
    history : keep snapshots of the quarters, so that `rewind` and `branch` reach back; at most `HISTORY_BYTES` of them.
    audit : check every invariant of the ledger after each quarter.
    profile : measure how long each phase takes, in `seconds`; costs a little.
    outcomes : names of the outcomes to measure each quarter, all unless given; few cost less in a large ecosystem.
    threads : how many threads share the work of a quarter where it can be shared, which is perception alone; the results are
        the same. Several runs side by side gain more.
    kwargs : values of parameters by dotted path, such as ``**{"roles.firm.capacity": 30}``; a double underscore
        stands for a dot where Python wants a plain name: ``roles__firm__capacity=30``.

    Raises
    ------
    ScenarioError : anything in scenario or parameters that is not as it should be.
    """

    def __init__(
        self,
        scenario: str | Path | Scenario = "classroom",
        seed: int | None = None,
        *,
        rng: int | None = None,
        agents: Sequence[str | Path] = (),
        history: bool = True,
        audit: bool = False,
        profile: bool = False,
        outcomes: Collection[str] | None = None,
        threads: int = 1,
        **kwargs: Value,  # under another name, SolaraViz would refuse parameters
    ) -> None:
        authored = set(vars(self))
        if seed is not None and rng is not None:
            raise ScenarioError(f"seed is {seed!r} and rng is {rng!r}; give one of them")
        self.seed = _checked_seed(rng if seed is None else seed)
        super().__init__(seed=self.seed)
        self.roles: dict[str, Role] = dict(read_roles(*agents))
        self.role_names = tuple(self.roles)
        world = scenario if isinstance(scenario, Scenario) else load_scenario(scenario, self.roles)
        if set(world.roles) != set(self.roles):
            world = scenario_from_dict(world.as_dict(), self.roles, world.name)
        if kwargs:
            world = world.with_settings({name.replace("__", "."): value for name, value in kwargs.items()})
        self.schedule: list[Phase] = list(QUARTER)
        self.audit = audit
        self.history = history
        self.warnings: list[str] = []
        if threads < 1:
            raise ScenarioError(f"threads is {threads!r}; give a whole number from 1")
        self.profile, self.threads = profile, threads
        self.seconds: dict[str, float] = {}
        self._history = History(self.HISTORY_BYTES)
        self._views, self._views_key = {}, None
        self.quarter = compiled_quarter(self.roles)
        methods = any(role.acts_in(phase.name) for role in self.roles.values() for phase in QUARTER)
        self._compiled = not methods and all(piece.number >= 0 for piece in self.quarter.pieces)
        self._wanted = _checked_outcomes(outcomes, world)
        self._apply(world)
        self._build()
        if self.rules["symbiosis"]:
            begin(self)
        self.recorder.forget_untold()
        self._end_quarter()
        self._ours = frozenset(vars(self)) - authored

    def embargo(self, depth: float, quarters: int) -> None:
        """Cut supplies from abroad from the next quarter on, in place of any embargo that lasts.

        Parameters
        ----------
        depth : part of what comes from abroad that is cut, 0 to 1; 0 lifts an embargo.
        quarters : how long, a whole number from 1.

        Raises
        ------
        ScenarioError : a depth or a number of quarters that is not so; nothing is changed.
        """
        for name, value in (("depth", depth), ("quarters", quarters)):
            record = EMBARGO[name]
            if accepted(record, value.item() if isinstance(value, np.generic) else value) is None:
                whole = "whole number" if name == "quarters" else "number"
                raise ScenarioError(
                    f"embargo: {name} is {value!r}; give a {whole} from {record.low:g} to {record.high:g}"
                )
        self.recorder.room_for_events(1)
        cut_supply(self.environment, float(depth), int(quarters))
        ledger.note_event(self.events, SUPPLY_CUT, -1, -1, float(depth))

    def set(self, path: str, value: Value) -> None:
        """Change a parameter or a switch from now on.

        Raises
        ------
        ScenarioError : an unknown path or a value out of range; nothing is changed.
        """
        self.set_many({path: value})

    def set_many(self, values: Mapping[str, Value]) -> None:
        """Change several parameters from now on."""
        self._apply(self.scenario.with_settings(values, "set"))

    def remove_organisation(self, row: int) -> None:
        """Let an organisation leave now: its ties end and its accounts are settled through the ledger."""
        self.make_room(events=1 + 2 * int(self.organisations.degree[row]))  # its ties end, and may leave loans unpaid
        depart(self.state, np.array([row]), self.parameters["turnover"].patience, self.step_number)

    @property
    def metrics(self) -> pd.DataFrame:
        """A row a step: step, year, quarter, stage and every outcome."""
        return self.recorder.metrics()

    @property
    def value(self) -> pd.DataFrame:
        """Value booked: step, stage, beneficiary, kind, value in million CNY."""
        return self.recorder.value()

    @property
    def by_role(self) -> pd.DataFrame:
        """A row a step and role."""
        return self.recorder.roles()

    @property
    def flows(self) -> pd.DataFrame:
        """Resources moved: step, element, channel, source, target, volume."""
        return self.recorder.flows()

    @property
    def happened(self) -> pd.DataFrame:
        """Events: step, event, subject, object, detail."""
        return self.recorder.happened(self.names, tuple(component.name for component in self.scenario.components))

    def symbiosis(self) -> pd.DataFrame:
        """Return a row a pair of roles: role, other, effect on either side, and its reading, such as mutualism."""
        return symbiosis_table(self)

    @property
    def plot(self) -> Plots:
        """Figures of the run with matplotlib: ``model.plot.value_shares()``, ``flows``, ``network``, ``symbiosis``."""
        from ecosim.plots import Plots  # networks and figures are nothing that a run needs

        return Plots(self)

    def value_shares(self, by: str = "stage") -> pd.DataFrame:
        """Return each beneficiary's share of value, a row a stage (in order of appearance) or a row a step; rows sum to 1.

        Parameters
        ----------
        by : "stage" or "step".
        """
        table = self.value.pivot_table(index=by, columns="beneficiary", values="value", aggfunc="sum", sort=False)
        shares = table[list(self.recorder.beneficiaries)]
        return shares.div(shares.sum(axis=1), axis=0).fillna(0.0)


def _checked_outcomes(outcomes: Collection[str] | None, world: Scenario) -> Collection[str]:
    """Return the outcomes to measure, with those that events of the scenario wait for."""
    if outcomes is None:
        return NAMES
    for name in outcomes:
        if name not in NAMES:
            raise ScenarioError(f"outcomes: there is no outcome '{name}'; {nearest(name, NAMES)}")
    return {*outcomes, *(event.when.metric for event in world.events if event.when is not None)}


def _checked_seed(seed: int | None) -> int:
    if seed is None:
        return secrets.randbits(31)
    whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    if not whole or not 0 <= int(seed) < 2**63:
        raise ScenarioError(f"seed is {seed!r}; valid is a whole number from 0 to 2**63 - 1")
    return int(seed)
