"""The quarter as compiled code runs it: the schedule and the roles' own rules as one function, entered once a run.

The phases of `ecosim.schedule` and what each role does in them become a list of pieces, and the list becomes the source of
one function that Numba compiles: a phase can be several pieces, because a rule that needs room in a table asks for it
before it changes anything, and is called again when the table has been enlarged. Pieces that are functions of the model
stay outside; the model runs them between stretches of compiled ones.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecosim.columns import members_of
from ecosim.compilation import compiled, is_compiled
from ecosim.draws import in_turn
from ecosim.schedule import BEGIN, END, QUARTER, Phase
from ecosim.state import Column, State

if TYPE_CHECKING:
    from ecosim.roles import Role


@dataclass(frozen=True)
class Piece:
    """One step of a quarter.

    Attributes
    ----------
    phase : the phase that it belongs to.
    role : number of the role whose own rule it is, None for a rule of the schedule.
    rule : a compiled rule, or a function of the model (of model, rows and parameters for a role).
    number : its place among the compiled ones, -1 if it is none.
    """

    phase: Phase
    role: int | None
    rule: Callable[..., Any]
    number: int


@dataclass(frozen=True)
class CompiledQuarter:
    """The pieces of a quarter for some roles, and the function that runs stretches of the compiled ones."""

    pieces: tuple[Piece, ...]
    advance: Callable[..., tuple[int, int]]

    @property
    def end(self) -> int:
        """How many compiled pieces there are."""
        return sum(piece.number >= 0 for piece in self.pieces)

    def of(self, phase: Phase) -> list[Piece]:
        """Return the pieces of a phase."""
        return [piece for piece in self.pieces if piece.phase is phase]


@compiled
def acting(state: State, numbers: Any, role: int, seed: int, step: int) -> Column:
    """Return the rows of a role's members in the order in which they act."""
    return in_turn(members_of(state.members, role), state.organisations.uid, numbers.sequential, seed, step)


def compiled_quarter(roles: Mapping[str, Role]) -> CompiledQuarter:
    """Return the quarter in which these roles play."""
    return _compiled_quarter(
        tuple(tuple(role.rules.items()) for role in roles.values()), tuple(role.path for role in roles.values())
    )


@functools.cache
def _compiled_quarter(
    rules: tuple[tuple[tuple[str, Callable[..., Any]], ...], ...], sources: tuple[Path, ...]
) -> CompiledQuarter:
    pieces: list[Piece] = []
    for phase in (BEGIN, *QUARTER, END):
        steps: list[tuple[int | None, Callable[..., Any]]] = [(None, rule) for rule in phase.rules]
        steps += [(role, dict(own)[phase.name]) for role, own in enumerate(rules) if phase.name in dict(own)]
        steps += [(None, rule) for rule in phase.then]
        for role, rule in steps:
            number = sum(piece.number >= 0 for piece in pieces) if is_compiled(rule) else -1
            pieces.append(Piece(phase, role, rule, number))
    return CompiledQuarter(tuple(pieces), _advance([piece for piece in pieces if piece.number >= 0], sources))


def _advance(pieces: Sequence[Piece], sources: Sequence[Path]) -> Callable[..., tuple[int, int]]:
    """Return the compiled function that runs pieces one after the other.

    Its name tells which pieces and which role files it was made of, so that kept machine code fits.
    """
    made_of = hashlib.sha256()
    for piece in pieces:
        made_of.update(f"{piece.phase.name} {piece.role} {piece.rule.__module__}.{piece.rule.__name__}\n".encode())
    for path in sources:
        made_of.update(path.read_bytes())
    name = f"quarter_{made_of.hexdigest()[:16]}"
    space: dict[str, Any] = {f"rule_{piece.number}": piece.rule for piece in pieces} | {"acting": acting}
    space["__name__"] = __name__
    exec(compile(_source(name, pieces), __file__, "exec"), space)
    space["run_piece"] = compiled(space[f"{name}_piece"])
    advance: Callable[..., tuple[int, int]] = compiled(space[name])
    return advance


def _source(name: str, pieces: Sequence[Piece]) -> str:
    """Return the source of the two functions: one runs one piece, the other a stretch of pieces or whole quarters."""
    lines = [f"def {name}_piece(piece, state, numbers, own, seed, step):"]
    for piece in pieces:
        switch = f"not numbers.rules.{piece.phase.switch} or " if piece.phase.switch else ""
        members = f"acting(state, numbers, {piece.role}, seed, step), own[{piece.role}], "
        call = f"rule_{piece.number}(state, numbers, {'' if piece.role is None else members}seed, step)"
        lines.append(f"    if piece == {piece.number}: return {switch}{call}")
    lines += [
        "    return True",
        f"def {name}(state, numbers, own, seed, step, piece, last, quarters):",
        "    end = step + quarters",
        "    while True:",
        "        while piece < last:",
        "            if not run_piece(piece, state, numbers, own, seed, step): return step, piece",
        "            piece += 1",
        f"        if last < {len(pieces)}: return step, piece",
        "        step += 1",
        "        piece = 0",
        "        if step >= end or state.stopped.any(): return step, piece",
    ]
    return "\n".join(lines) + "\n"
