"""The Mesa agent: a view on one row of the organisations, without a state of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from mesa import Agent

from ecosim.parameters import ParameterGroup, Value, nearest
from ecosim.state import CAPABILITIES, CAPITAL, EXCHANGE, KNOWLEDGE_CAPABILITIES, ROUTINES, Organisations

if TYPE_CHECKING:
    from ecosim.model import Ecosystem


# What makes up a view; anything else in its dictionary is what a member remembers.
_VIEW = frozenset({"model", "unique_id", "pos", "_row"})
# Of a role that declares none of its own; kept machine code finds their type here.
PARAMETERS = ParameterGroup("organisation", __name__, {})
# Where a branching or restoring model hands itself to `copy.deepcopy`, whose memo has ids, never negative, as keys.
INTO = -1


class Organisation(Agent):
    """An organisation: ``firm.capital`` reads its column, ``firm.capital = 5.0`` writes it.

    All columns of `ecosim.state.Organisations` are attributes, and so are single capabilities and routines by name. A
    role file declares one subclass with the class attributes below. What a member has to remember is declared there
    too, as a class attribute with its value at the start (``lent = 0.0``); any other name is refused.

    Attributes
    ----------
    kinds : kinds inside the role; the first is what an entrant is unless a scenario says otherwise.
    community : the community that the role belongs to by default (S001 4, S003 4.2).
    chain_position : position on the innovation chain, 0 research to 1 use.
    brings : what it brings, in a few words.
    parameters : the parameters that only this role has.
    defaults : the role's own defaults for parameters that every role has.
    interfaces : role name to the interface of a tie with it (one of `ecosim.state.INTERFACES`); no entry, no tie.
    rules : phase name to the rule that all members follow in it, in one of two forms. A compiled rule of the whole state,
        ``rule(state, numbers, rows, parameters, seed, step)``, returns True, or False before it has changed anything if
        a table has no room for what it makes (`ecosim.columns.has_room`); any other function is called as
        ``rule(model, rows, parameters)``. `rows` are the members in the order in which they act, `parameters` the values
        of what only this role has. A method named after a phase does the same for one member in plain Python.
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

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Refuse: Mesa's constructor would keep the model alive for ever, and there would be no row to view."""
        raise TypeError(f"{type(self).__name__}(...): an organisation enters by model.enter(role, count)")

    @classmethod
    def of(cls, model: Ecosystem, row: int, uid: int) -> Organisation:
        """Return a view on a row."""
        view = cls.__new__(cls)
        vars(view).update(model=model, unique_id=uid, pos=None, _row=row)
        return view

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in vars(self) and not hasattr(type(self), name):
            known = [attribute for attribute in dir(self) if not attribute.startswith("_")]
            raise AttributeError(f"{type(self).__name__.lower()} has no attribute '{name}'; {nearest(name, known)}")
        super().__setattr__(name, value)

    def __deepcopy__(self, memo: dict[int, Any]) -> Organisation:
        """Return the same organisation of the model that is being branched or restored."""
        if INTO not in memo:
            raise TypeError("an organisation is a view on its model and cannot be copied; keep its unique_id")
        twin: Organisation = memo[INTO].twin(self)
        return twin

    def remembered(self) -> dict[str, Any]:
        """What it remembers beside its columns: what its class declares and somebody has assigned."""
        return {name: value for name, value in vars(self).items() if name not in _VIEW}

    def forget(self) -> None:
        """Remember again what its class declares."""
        for name in self.remembered():
            del vars(self)[name]

    @property
    def row(self) -> int:
        """Its row in the tables.

        Raises
        ------
        LookupError : the organisation has left the ecosystem.
        """
        if not self.alive:
            raise LookupError(f"{type(self).__name__.lower()} with uid {self.unique_id} has left the ecosystem")
        return self._row

    @property
    def alive(self) -> bool:
        """Whether it is in the ecosystem; `remove` lets it leave."""
        table = self.model.organisations
        return bool(self._row < len(table.uid) and table.uid[self._row] == self.unique_id and table.alive[self._row])

    @property
    def uid(self) -> int:
        """Its number, the same as Mesa's ``unique_id``: never that of another organisation."""
        return self.unique_id

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
    def settings(self) -> Any:
        """The values of the parameters that only its role has: ``self.settings.rate``."""
        return self.model.role_parameters[self.role]

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
        ValueError : a purpose that the ledger does not know, or a taker of another model.
        """
        from ecosim import ledger

        if purpose not in ledger.PURPOSES:
            raise ValueError(f"purpose is '{purpose}'; {nearest(purpose, ledger.PURPOSES)}")
        if taker.model is not self.model:
            raise ValueError(f"{taker.name} belongs to another model, such as a branch of this one")
        code, organisations, books = ledger.PURPOSES.index(purpose), self.model.organisations, self.model.books
        giver_row, taker_row = self.row, taker.row
        paid = float(ledger.pay(organisations, books, giver_row, taker_row, amount, code))
        ledger.note_flow(organisations, books, CAPITAL, EXCHANGE, giver_row, taker_row, paid)
        if code in (ledger.GRANTS, ledger.SUBSIDIES, ledger.PARTNER_PROGRAMME):
            ledger.note_gain(organisations, books, taker_row, giver_row, paid)
        return paid

    def lend(self, partner: Organisation, amount: float) -> float:
        """Lend money to a partner without debt to it; return what was lent. It is paid back when value is shared.

        Raises
        ------
        ValueError : there is no tie with the partner, or there is a loan on it already.
        """
        ties, row, living = self.model.ties, self.row, self.model.tie_rows
        ours = (ties.a[living] == row) & (ties.b[living] == partner.row)
        theirs = (ties.b[living] == row) & (ties.a[living] == partner.row)
        found = living[ours | theirs]
        if not len(found) or ties.loan[found[0]] != 0.0:
            raise ValueError(f"{self.name} has {'a loan on its' if len(found) else 'no'} tie with {partner.name}")
        lent = self.pay(partner, amount, "loans")
        ties.loan[found[0]] = lent if ties.a[found[0]] == row else -lent
        ties.volume[found[0]] += lent
        return lent

    def remove(self) -> None:
        """Leave the ecosystem: ties end, accounts are settled."""
        self.model.remove_organisation(self.row)


def _attribute(column: str, position: int | None = None) -> property:
    """An attribute that reads and writes one column, or one position of a wide one."""

    def read(self: Organisation) -> Any:
        cell = getattr(self.model.organisations, column)[self.row if position is None else (self.row, position)]
        if not isinstance(cell, np.ndarray):
            return cell.item()
        copied = cell.copy()
        copied.flags.writeable = False  # ``firm.knowledge[0] = 1.0`` would be lost; assign all of it
        return copied

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
