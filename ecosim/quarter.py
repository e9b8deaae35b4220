"""The quarter as compiled code runs it: the schedule and the roles' own rules as a list of pieces, entered once a run.

A phase can be several pieces, because a rule that needs room in a table asks for it before it changes anything, and is
called again when the table has been enlarged. What each role does by itself in a phase is a piece of its own. Pieces
that are functions of the model stay outside; the model runs them between stretches of compiled ones.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.columns import members_of
from ecosim.compilation import compiled, is_compiled
from ecosim.draws import in_turn
from ecosim.native import addresses_of, call_by_address, place_of
from ecosim.schedule import BEGIN, END, QUARTER, Phase
from ecosim.state import Column, State

if TYPE_CHECKING:
    from ecosim.roles import Role

NO_ROLE = -1


@dataclass(frozen=True)
class Piece:
    """One step of a quarter.

    Attributes
    ----------
    phase : the phase that it belongs to.
    role : number of the role whose own rule it is, `NO_ROLE` for a rule of the schedule.
    rule : a compiled rule, or a function of the model (of model, rows and parameters for a role).
    number : its place among the compiled ones, -1 if it is none.
    """

    phase: Phase
    role: int
    rule: Callable[..., Any]
    number: int


@dataclass
class CompiledQuarter:
    """The pieces of a quarter for some roles, and where the machine code of the compiled ones lies once it is found."""

    pieces: tuple[Piece, ...]
    rules: Any = None

    @functools.cached_property
    def compiled(self) -> tuple[Piece, ...]:
        """Those that are compiled, in their order."""
        return tuple(piece for piece in self.pieces if piece.number >= 0)

    def of(self, phase: Phase) -> list[Piece]:
        """Return the pieces of a phase."""
        return [piece for piece in self.pieces if piece.phase == phase]

    @functools.cached_property
    def roles(self) -> Column:
        """The role of each compiled piece, (pieces,)."""
        return np.array([piece.role for piece in self.compiled])

    @functools.cached_property
    def _switches(self) -> tuple[str | None, ...]:
        return tuple(piece.phase.switch for piece in self.compiled)

    def advance(
        self, state: State, numbers: Any, own: tuple[Any, ...], seed: int, step: int, piece: int, last: int, quarters: int
    ) -> tuple[int, int]:  # fmt: skip
        """Run compiled pieces from one on to before another of a quarter; if that is the end, whole quarters after it too.

        Parameters
        ----------
        own : the parameters that only each role has, by role.

        Returns
        -------
        The quarter and the piece reached: those asked for, or where a table was too small, or a role was stopped.
        """
        on = np.array([switch is None or getattr(numbers.rules, switch) for switch in self._switches])
        self.find_rules(state, numbers, own, seed, step)
        reached, at = advance(self.rules, self.roles, on, state, numbers, own, seed, step, piece, last, quarters)
        return int(reached), int(at)

    def find_rules(self, state: State, numbers: Any, own: tuple[Any, ...], seed: int, step: int) -> None:
        """Find where the machine code of each compiled piece lies; it is made, or read, the first time."""
        if self.rules is not None:
            return
        nobody = np.zeros(0, np.int64)
        arguments = [
            (state, numbers, *(() if piece.role == NO_ROLE else (nobody, own[piece.role])), seed, step)
            for piece in self.compiled
        ]
        self.rules = addresses_of([piece.rule for piece in self.compiled], arguments)


def compiled_quarter(roles: Mapping[str, Role]) -> CompiledQuarter:
    """Return the quarter in which these roles play, the same for the same rules."""
    return _compiled_quarter(tuple(tuple(role.rules.items()) for role in roles.values()))


@functools.cache
def _compiled_quarter(rules_of_roles: tuple[tuple[tuple[str, Callable[..., Any]], ...], ...]) -> CompiledQuarter:
    pieces: list[Piece] = []
    for phase in (BEGIN, *QUARTER, END):
        steps = [(NO_ROLE, rule) for rule in phase.rules]
        steps += [(role, rule) for role, own in enumerate(rules_of_roles) for name, rule in own if name == phase.name]
        steps += [(NO_ROLE, rule) for rule in phase.then]
        for role, rule in steps:
            number = sum(piece.number >= 0 for piece in pieces) if is_compiled(rule) else -1
            pieces.append(Piece(phase, role, rule, number))
    return CompiledQuarter(tuple(pieces))


@compiled
def acting(state: State, numbers: Any, role: int, seed: int, step: int) -> Column:
    """Return the rows of a role's members in the order in which they act."""
    return in_turn(members_of(state.members, role), state.organisations.uid, numbers.sequential, seed, step)


@compiled
def advance(
    rules: Column,
    roles: Column,
    on: Column,
    state: State,
    numbers: Any,
    own: tuple[Any, ...],
    seed: int,
    step: int,
    piece: int,
    last: int,
    quarters: int,
) -> tuple[int, int]:
    """See `CompiledQuarter.advance`.

    Parameters
    ----------
    rules, roles, on : (pieces,) where the machine code of each lies, whose rule it is, and whether its phase is on.
    """
    end = step + quarters
    while True:
        while piece < last:
            if on[piece] and not run_piece(rules[piece], roles[piece], state, numbers, own, seed, step):
                return step, piece
            piece += 1
        if last < rules.size:
            return step, piece
        step += 1
        piece = 0
        if step >= end or state.stopped.any():
            return step, piece


@compiled
def run_piece(rule: int, role: int, state: State, numbers: Any, own: tuple[Any, ...], seed: int, step: int) -> bool:
    """Run one piece; return whether there was room for it."""
    if role == NO_ROLE:
        return call_by_address(rule, (state, numbers, seed, step))
    rows = acting(state, numbers, role, seed, step)
    return call_by_address(rule, (state, numbers, rows, place_of(own, role), seed, step))
