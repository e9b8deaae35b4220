"""The quarter: which phases run, in which order, and what each may touch.

This is the whole schedule on one screen. `Ecosystem.schedule` is a list of such phases; a user's own phase, a plain
function of the model, can be put anywhere into it with `insert_phase`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ecosim import record
from ecosim.mechanisms import (
    adoption,
    breakthrough,
    co_creation,
    entrants,
    environment,
    governance,
    joint_ventures,
    learning,
    open_sharing,
    orchestration,
    partner_search,
    perception,
    stages,
    symbiosis,
    turnover,
    value_sharing,
)


@dataclass(frozen=True)
class Phase:
    """One phase of the quarter.

    Attributes
    ----------
    name : what role files and users call it.
    rules : what runs before the roles act: compiled rules of (state, numbers, seed, step) that return whether they had the
        room to go on, or a user's function of the model.
    switch : the entry of ``[rules]`` that turns it off, None for one that always runs.
    writes : what it may change.
    source : where it is described.
    in_sequence : whether organisations see what those before them did under ``schedule.activation = "random"``.
    then : what runs when the roles have acted.
    """

    name: str
    rules: tuple[Callable[..., Any], ...]
    switch: str | None
    writes: str
    source: str
    in_sequence: bool = False
    then: tuple[Callable[..., Any], ...] = ()

    @property
    def place(self) -> str:
        """File and line of the last of its rules."""
        code = (self.rules + self.then)[-1].__code__
        return f"{code.co_filename}:{code.co_firstlineno}"


BEGIN = Phase(
    "begin",
    (orchestration.begin_quarter, entrants.enter_dated),
    None,
    "accounts of the quarter, organisations",
    "scenario",
)
QUARTER = (
    Phase("environment", (environment.environment,), "environment", "environment", "S003 6"),
    Phase("perceive", (perception.perceive, perception.carry_reforms), "perception", "direction, niche, information, reform", "S000 4.x.1"),
    Phase("orchestrate", (orchestration.orchestrate,), "orchestration", "capital, talent, services, knowledge, orders",
          "S000 4.x.2", then=(orchestration.hire_and_deliver,)),
    Phase("connect", (symbiosis.review, joint_ventures.run_ventures, joint_ventures.found_ventures, partner_search.seek_partners), "symbiosis", "ties, trust, modes, interfaces, capital, joint ventures",
          "S001 2.1.2, 5", in_sequence=True),
    Phase("share", (open_sharing.share,), "open_sharing",
          "openness, protection, culture, platforms, knowledge, information, talent", "S001 2.1.2, 5"),
    Phase("govern", (governance.govern,), "governance", "efforts, joint capital, capital, revenue, value",
          "Ji et al. 2023"),
    Phase("co_create", (co_creation.drop, co_creation.co_create), "co_creation", "projects, knowledge, trust, value", "S002 4"),
    Phase("break_through", (breakthrough.break_through,), "breakthrough", "mastery, licences, capital, generations",
          "S001 4-6; S003 3"),
    Phase("adopt", (adoption.adopt,), "adoption", "providers, revenue, information, value",
          "Bass 1969; S003 4.2(3)", in_sequence=True),
    Phase("share_value", (value_sharing.share_value,), None, "capital, value, sharing ratio, regime", "S000 4.x.4",
          then=(value_sharing.close_accounts,)),
    Phase("learn", (learning.learn,), "learning", "capabilities, routines", "S000 5; S003 Table 1", in_sequence=True),
    Phase("turn_over", (turnover.turn_over,), "turnover", "organisations", "S001 2.1.2; Lotka-Volterra"),
    Phase("read_stage", (stages.read_stage,), None, "reading", "S000 5"),
)  # fmt: skip
# Rules of which parts of the organisations can do their share at the same time, and the rule for a part.
IN_PARTS = {perception.perceive: perception.perceive_part}
END = Phase("record", (record.close_quarter,), None, "record", "")
"""A user's own phases stand anywhere between the two; what they do is recorded like all else."""
