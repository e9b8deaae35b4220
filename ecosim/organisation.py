"""The Mesa agent: a view on one row of the organisations, without a state of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from mesa import Agent

from ecosim.parameters import ParameterGroup, Value
from ecosim.state import CAPABILITIES, KNOWLEDGE_CAPABILITIES, ROUTINES, Organisations

if TYPE_CHECKING:
    from ecosim.model import Ecosystem


class Organisation(Agent):
    """An organisation: ``firm.capital`` reads its column, ``firm.capital = 5.0`` writes it.

    All columns of `ecosim.state.Organisations` are attributes, and so are single capabilities and routines by name. A
    role file declares one subclass with the class attributes below.

    Attributes
    ----------
    kinds : kinds inside the role; the first is what an entrant is unless a scenario says otherwise.
    community : the community that the role belongs to by default (S001 4, S003 4.2).
    chain_position : position on the innovation chain, 0 research to 1 use.
    brings : what it brings, in a few words.
    parameters : the parameters that only this role has.
    defaults : the role's own defaults for parameters that every role has.
    interfaces : role name to the interface of a tie with it (one of `ecosim.state.INTERFACES`); no entry, no tie.
    rules : phase name to the rule that all members follow in it: ``rule(model, rows, parameters)``.
        A method named after a phase does the same for one member in plain Python.
    """

    kinds: ClassVar[tuple[str, ...]] = ()
    community: ClassVar[str] = ""
    chain_position: ClassVar[float] = 0.5
    brings: ClassVar[str] = ""
    parameters: ClassVar[ParameterGroup | None] = None
    defaults: ClassVar[Mapping[str, Value]] = {}
    interfaces: ClassVar[Mapping[str, str]] = {}
    rules: ClassVar[Mapping[str, Callable[..., Any]]] = {}
    model: Ecosystem
    _row: int

    @classmethod
    def of(cls, model: Ecosystem, row: int, uid: int) -> Organisation:
        """Return a view on a row; Mesa's own constructor is passed by, since it would keep the model alive for ever."""
        view = cls.__new__(cls)
        view.model = model
        view.unique_id = uid
        view.pos = None
        view._row = row
        return view

    @property
    def row(self) -> int:
        """Its row in the tables.

        Raises
        ------
        LookupError : the organisation has left the ecosystem.
        """
        table = self.model.organisations
        if table.uid[self._row] != self.unique_id or not table.alive[self._row]:
            raise LookupError(f"{type(self).__name__.lower()} with uid {self.unique_id} has left the ecosystem")
        return self._row

    @property
    def name(self) -> str:
        """What the scenario calls it, or its role and serial number."""
        return self.model.recorder.label(self.unique_id, self.model.names)

    @property
    def role(self) -> str:
        """Its role."""
        return self.model.role_names[int(self.model.organisations.role[self.row])]

    @property
    def kind(self) -> str:
        """Its kind inside the role."""
        return self.kinds[int(self.model.organisations.kind[self.row])] if self.kinds else self.role

    @property
    def partners(self) -> list[Organisation]:
        """The organisations it is tied to."""
        ties, row, living = self.model.ties, self.row, self.model.tie_rows
        others = np.concatenate([ties.b[living][ties.a[living] == row], ties.a[living][ties.b[living] == row]])
        return [self.model.view(int(other)) for other in others]

    def pay(self, taker: Organisation, amount: float, purpose: str) -> float:
        """Move money to another organisation through the ledger; return what was moved, at most what it holds.

        Raises
        ------
        ValueError : a purpose that the ledger does not know.
        """
        from ecosim import ledger

        if purpose not in ledger.PURPOSES:
            raise ValueError(f"purpose is '{purpose}'; valid are {', '.join(ledger.PURPOSES)}")
        code = ledger.PURPOSES.index(purpose)
        return float(ledger.pay(self.model.organisations, self.model.books, self.row, taker.row, amount, code))

    def remove(self) -> None:
        """Leave the ecosystem: ties end, accounts are settled."""
        self.model.remove_organisation(self.row)


def _attribute(column: str, position: int | None = None) -> property:
    """An attribute that reads and writes one column, or one position of a wide one."""

    def read(self: Organisation) -> Any:
        cell = getattr(self.model.organisations, column)[self.row if position is None else (self.row, position)]
        return cell.copy() if isinstance(cell, np.ndarray) else cell.item()

    def write(self: Organisation, value: Any) -> None:
        table = getattr(self.model.organisations, column)
        table[self.row if position is None else (self.row, position)] = value

    return property(
        read, write, doc=f"Column `{column}`" + ("" if position is None else f", position {position}") + "."
    )


for _column in Organisations._fields:
    if not hasattr(Organisation, _column):
        setattr(Organisation, _column, _attribute(_column))
for _wide, _names in (
    ("capabilities", CAPABILITIES),
    ("knowledge_capabilities", KNOWLEDGE_CAPABILITIES),
    ("routines", ROUTINES),
):
    for _position, _name in enumerate(_names):
        setattr(Organisation, _name, _attribute(_wide, _position))
