"""The quarter: which phases run, in which order, and what each may touch.

This is the whole schedule on one screen. `Ecosystem.schedule` is a list of such phases; a user's own phase, a plain
function of the model, can be put anywhere into it with `insert_phase`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ecosim.mechanisms import (
    adoption,
    breakthrough,
    co_creation,
    environment,
    governance,
    learning,
    open_sharing,
    orchestration,
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
    rule : what runs before the roles act: a compiled rule of (state, numbers, seed, step) that returns whether it had the
        room to go on, several of them in their order, or a function of the model.
    switch : the entry of ``[rules]`` that turns it off, None for one that always runs.
    writes : what it may change.
    source : where it is described.
    in_sequence : whether organisations see what those before them did under ``schedule.activation = "random"``.
    then : what runs when the roles have acted, of the same kind.
    """

    name: str
    rule: Callable[..., Any] | tuple[Callable[..., Any], ...]
    switch: str | None
    writes: str
    source: str
    in_sequence: bool = False
    then: Callable[..., Any] | None = None

    @property
    def rules(self) -> tuple[Callable[..., Any], ...]:
        """What runs before the roles act, in its order; the last one has given the phase its name."""
        return self.rule if isinstance(self.rule, tuple) else (self.rule,)

    @property
    def place(self) -> str:
        """File and line of the rule."""
        return f"{self.rules[-1].__code__.co_filename}:{self.rules[-1].__code__.co_firstlineno}"


QUARTER = (
    Phase("environment", environment.environment, "environment", "environment", "S003 6"),
    Phase("perceive", perception.perceive, "perception", "direction, niche, information, reform", "S000 4.x.1"),
    Phase(
        "orchestrate",
        orchestration.orchestrate,
        "orchestration",
        "capital, talent, services, knowledge, orders",
        "S000 4.x.2",
    ),
    Phase(
        "connect",
        symbiosis.connect,
        "symbiosis",
        "ties, trust, modes, interfaces, capital, joint ventures",
        "S001 2.1.2, 5",
        True,
    ),
    Phase(
        "share",
        open_sharing.share,
        "open_sharing",
        "openness, protection, culture, platforms, knowledge, information, talent",
        "S001 2.1.2, 5",
    ),
    Phase(
        "govern", governance.govern, "governance", "efforts, joint capital, capital, revenue, value", "Ji et al. 2023"
    ),
    Phase(
        "co_create",
        (co_creation.drop, co_creation.co_create),
        "co_creation",
        "projects, knowledge, trust, value",
        "S002 4",
    ),
    Phase(
        "break_through",
        breakthrough.break_through,
        "breakthrough",
        "mastery, licences, capital, generations",
        "S001 4-6; S003 3",
    ),
    Phase(
        "adopt", adoption.adopt, "adoption", "providers, revenue, information, value", "Bass 1969; S003 4.2(3)", True
    ),
    Phase("share_value", value_sharing.share_value, None, "capital, value, sharing ratio, regime", "S000 4.x.4"),
    Phase("learn", learning.learn, "learning", "capabilities, routines", "S000 5; S003 Table 1", True),
    Phase("turn_over", turnover.turn_over, "turnover", "organisations", "S001 2.1.2; Lotka-Volterra"),
    Phase("read_stage", stages.read_stage, None, "reading", "S000 5"),
)
"""Recording is not in the list: it follows the last phase, whatever a user puts there."""
