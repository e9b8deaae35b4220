"""The ledger: double entry. Money moves only here, and value follows the money it is paid in.

Every organisation has an account, its row; four accounts lie outside: households, society, nature, world. Value is
created at named sources and waits in the pot of whoever received it; when that organisation pays somebody, as much
of the pot as the payment goes with it; what is left at the end of the quarter is booked to the organisation's role.
So each unit of value created has one beneficiary (S000, section 4: value sharing).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecosim.compilation import allocation_free, compiled
from ecosim.state import (
    CHANNELS,
    ECONOMIC,
    ELEMENTS,
    ENVIRONMENTAL,
    EVENT_TABLE,
    HOUSEHOLDS,
    NATURE,
    OPERATORS,
    OUTSIDE,
    SOCIAL,
    SOCIETY,
    TALENT,
    VALUE_KINDS,
    WORLD,
    Books,
    Column,
    Events,
    Organisations,
)  # fmt: skip

PURPOSES = (
    "endowment", "income", "sales", "wages", "contracts", "taxes", "grants", "subsidies", "public services", "loans",
    "repayment", "upkeep", "partner programme", "social programme", "green programme", "capability transfer",
    "dividends", "projects", "settlement", "licence fees", "joint ventures", "platform sales", "imports",
)  # fmt: skip
(ENDOWMENT, INCOME, SALES, WAGES, CONTRACTS, TAXES, GRANTS, SUBSIDIES, PUBLIC_SERVICES, LOANS) = range(10)
(REPAYMENT, UPKEEP, PARTNER_PROGRAMME, SOCIAL_PROGRAMME, GREEN_PROGRAMME, CAPABILITY_TRANSFER) = range(10, 16)
(DIVIDENDS, PROJECTS, SETTLEMENT, LICENCE_FEES, JOINT_VENTURES, PLATFORM_SALES, IMPORTS) = range(16, 23)
SOURCES = ("sale", "surplus", "project", "platform sale")
(SALE_SOURCE, SURPLUS_SOURCE, PROJECT_SOURCE, PLATFORM_SOURCE) = range(4)


def make_books(roles: int) -> Books:
    """Return an empty ledger for a number of roles."""
    accounts = roles + len(OUTSIDE)
    return Books(
        outside=np.zeros(len(OUTSIDE)),
        paid=np.zeros((len(PURPOSES), accounts, accounts)),
        value=np.zeros((roles + 3, len(VALUE_KINDS))),
        created=np.zeros(len(SOURCES)),
        made=np.zeros(3),
        used=np.zeros(2),
        flows=np.zeros((len(ELEMENTS), len(CHANNELS), roles, roles)),
        gained=np.zeros((roles, roles)),
        benefit=np.zeros((roles, roles)),
        novelty=np.zeros(len(OPERATORS)),
        counts_novelty=np.ones(1, np.bool_),
        leaked=np.zeros(1),
    )


def make_events(rows: int) -> Events:
    """Return an empty list of events with room for `rows`."""
    whole = [np.zeros(rows, np.int64) for _ in range(3)]
    return Events(whole[0], whole[1], whole[2], np.zeros(rows), np.zeros(2, np.int64))


@allocation_free
def open_quarter(books: Books) -> None:
    """Clear what is counted by the quarter."""
    books.paid[:] = 0.0
    books.value[:] = 0.0
    books.created[:] = 0.0
    books.made[:] = 0.0
    books.used[:] = 0.0
    books.flows[:] = 0.0
    books.gained[:] = 0.0
    books.novelty[:] = 0.0
    books.leaked[:] = 0.0


@allocation_free
def _account(organisations: Organisations, books: Books, account: int) -> int:
    if account >= 0:
        return organisations.role[account]
    return books.gained.shape[0] - account - 1


@allocation_free
def pay(organisations: Organisations, books: Books, giver: int, taker: int, amount: float, purpose: int) -> float:
    """Move money; return what was moved: at most what the giver holds (an outside account has no limit).

    Value goes along: as much of the giver's pot as the payment. To households it is booked to employees, to society
    as social and to nature as environmental value; the world is no beneficiary, so value stays with who paid it.
    """
    if giver >= 0:
        amount = min(amount, organisations.capital[giver])
    if not amount > 0.0 or giver == taker:
        return 0.0
    if giver >= 0:
        organisations.capital[giver] -= amount
    else:
        books.outside[-giver - 1] -= amount
    if taker >= 0:
        organisations.capital[taker] += amount
    else:
        books.outside[-taker - 1] += amount
    books.paid[purpose, _account(organisations, books, giver), _account(organisations, books, taker)] += amount
    if giver >= 0 and taker != WORLD:
        value = min(amount, organisations.pot[giver])
        organisations.pot[giver] -= value
        _receive_value(organisations, books, taker, value)
    return amount


@allocation_free
def pay_together(
    organisations: Organisations,
    books: Books,
    givers: Column,
    amounts: Column,
    rates: Column,
    takers: Column,
    parts: Column,
    purpose: int,
) -> float:
    """Let each giver pay all takers in the same proportions; return what was moved: n + m steps for n givers, m takers.

    No giver pays more than it holds. It is as if each had paid each, but for rounding.

    Parameters
    ----------
    givers : (givers,) rows of members of one role, none of them a taker.
    amounts : (givers,) what each pays, million CNY.
    rates : (givers,) value that goes with a unit of money, as far as the giver's pot has it; at most 1.
    takers : (takers,) rows of members of any role; without any, nothing is paid.
    parts : (takers,) what part of all each gets; they add up to 1.
    """
    if givers.size == 0 or takers.size == 0:
        return 0.0
    money, value = 0.0, 0.0
    for k in range(givers.size):
        i = givers[k]
        paid = max(0.0, min(amounts[k], organisations.capital[i]))
        along = min(rates[k] * paid, organisations.pot[i])
        organisations.capital[i] -= paid
        organisations.pot[i] -= along
        money += paid
        value += along
    role = organisations.role[givers[0]]
    for k in range(takers.size):
        j = takers[k]
        organisations.capital[j] += parts[k] * money
        organisations.pot[j] += parts[k] * value
        books.paid[purpose, role, organisations.role[j]] += parts[k] * money
    return money


@compiled
def pay_each(
    organisations: Organisations, books: Books, giver: int, takers: Column, amount: float, purpose: int, held: Column
) -> float:
    """Pay each taker the same amount, the first ones first, as far as money lasts; return what was moved in all.

    It is as if `pay` had been called for each. But what is paid waits in `held` until `hand_over`: with n givers and m
    takers these are n + m steps.

    Parameters
    ----------
    takers : (takers,) rows of members of one role, the same at each call, none of them a giver.
    held : (4, takers + 1) zeros at first; at k in the first two, money and value of which each of the first k takers
        gets as much, in the last two what taker k gets by itself.
    """
    money = max(0.0, min(amount * takers.size, organisations.capital[giver]))
    if money == 0.0:
        return 0.0
    value = min(money, organisations.pot[giver])
    organisations.capital[giver] -= money
    organisations.pot[giver] -= value
    books.paid[purpose, organisations.role[giver], organisations.role[takers[0]]] += money
    _hold(held[0], held[2], money, amount)
    _hold(held[1], held[3], value, amount)
    return money


@allocation_free
def _hold(whole: Column, rest: Column, total: float, amount: float) -> None:
    """Put down a total in portions of an amount: how many whole ones there are, and what is left for the next taker."""
    count = min(whole.size - 1, int(total / amount))
    whole[count] += amount
    rest[count] += max(0.0, total - count * amount)


@allocation_free
def hand_over(organisations: Organisations, takers: Column, held: Column) -> None:
    """Let the takers of `pay_each` have what was paid."""
    money, value = 0.0, 0.0
    for k in range(takers.size - 1, -1, -1):
        money += held[0, k + 1]
        value += held[1, k + 1]
        organisations.capital[takers[k]] += money + held[2, k]
        organisations.pot[takers[k]] += value + held[3, k]


@allocation_free
def _receive_value(organisations: Organisations, books: Books, taker: int, value: float) -> None:
    roles = books.gained.shape[0]
    if taker >= 0:
        organisations.pot[taker] += value
    elif taker == HOUSEHOLDS:
        books.value[roles, ECONOMIC] += value
    elif taker == SOCIETY:
        books.value[roles + 1, SOCIAL] += value
    elif taker == NATURE:
        books.value[roles + 2, ENVIRONMENTAL] += value


@allocation_free
def create_value(organisations: Organisations, books: Books, source: int, taker: int, amount: float) -> None:
    """Create value at a named source and put it into the pot of the organisation that receives it first."""
    books.created[source] += amount
    organisations.pot[taker] += amount


@allocation_free
def close_pots(organisations: Organisations, books: Books, rows: int) -> None:
    """Book to each organisation's role what it received and did not pass on."""
    for i in range(rows):
        if organisations.pot[i] > 0.0:
            books.value[organisations.role[i], ECONOMIC] += organisations.pot[i]
            organisations.pot[i] = 0.0


@allocation_free
def make_element(stock: Column, books: Books, element: int, row: int, amount: float) -> None:
    """Make talent or services at a named source: teaching, production."""
    stock[row] += amount
    books.made[element - TALENT] += amount


@allocation_free
def use_element(stock: Column, books: Books, element: int, row: int, amount: float) -> float:
    """Use talent or services up at a named sink: retirement, production; return what was there to use."""
    amount = min(amount, stock[row])
    stock[row] -= amount
    books.used[element - TALENT] += amount
    return amount


@allocation_free
def note_flow(
    organisations: Organisations, books: Books, element: int, channel: int, giver: int, taker: int, volume: float
) -> None:
    """Count a volume of an element that moved through a channel, in the element's own unit."""
    books.flows[element, channel, organisations.role[giver], organisations.role[taker]] += volume


@allocation_free
def note_gain(organisations: Organisations, books: Books, taker: int, giver: int, amount: float) -> None:
    """Count what one role gains from another, net, in million CNY; the symbiosis matrix is read from it."""
    books.gained[organisations.role[taker], organisations.role[giver]] += amount


@allocation_free
def note_event(events: Events, code: int, subject: int, other: int, detail: float) -> None:
    """Write an event down; `subject` and `other` are uids, -1 for none."""
    position = events.used[0]
    if position < events.code.size:
        events.code[position] = code
        events.subject[position] = subject
        events.object[position] = other
        events.detail[position] = detail
        events.used[0] += 1


@allocation_free
def room_for_events(events: Events, extra: int, short: Column) -> bool:
    """Return whether so many more events can be noted; if not, write down in `short`, (tables,), how many."""
    if events.used[0] + extra <= events.code.size:
        return True
    short[EVENT_TABLE] = extra
    return False


class AuditError(AssertionError):
    """An invariant of the ledger is broken: the sentence names step, account and amount."""


@dataclass(frozen=True)
class Opening:
    """What the audit remembers of the start of a quarter."""

    capital: float
    outside: float
    talent: float
    services: float
    turnover: float


TOLERANCE = 1e-9


def opening(organisations: Organisations, books: Books, seekers: float) -> Opening:
    """Return the totals that the audit compares with at the end of the quarter."""
    return Opening(
        float(organisations.capital.sum()),
        float(books.outside.sum()),
        float(organisations.talent.sum()) + seekers,
        float(organisations.services.sum()),
        float(np.abs(organisations.capital).sum() + np.abs(books.outside).sum()),
    )


def audit(start: Opening, organisations: Organisations, books: Books, seekers: float, step: int) -> None:
    """Check every invariant of the quarter that ended, to 1e-9 relative.

    Value created is value booked; the change of total capital is the net inflow from outside accounts; talent and
    services change only by what was made and used; no stock is negative; shares lie in [0, 1]; the dead own nothing.

    Raises
    ------
    AuditError : names step, account and amount.
    """
    end = opening(organisations, books, seekers)
    moved = float(books.paid.sum())
    _balance(step, "value created against value booked", float(books.created.sum()), float(books.value.sum()), 0.0)
    _balance(step, "capital of all organisations against net inflow from outside accounts", end.capital - start.capital,
             start.outside - end.outside, max(moved, end.turnover))  # fmt: skip
    _balance(step, "talent against teaching less retirement", end.talent - start.talent,
             float(books.made[0] - books.used[0]), end.talent)  # fmt: skip
    _balance(step, "services against production less use", end.services - start.services,
             float(books.made[1] - books.used[1]), float(books.made[1]))  # fmt: skip
    for name in ("capital", "talent", "services", "information", "knowledge", "pot"):
        _each(step, name, organisations, -1e-12, np.inf)
    for name in ("openness", "protection", "absorptive", "reform", "persistence", "sharing", "niche", "direction",
                 "capabilities", "knowledge_capabilities", "routines"):  # fmt: skip
        _each(step, name, organisations, 0.0, 1.0 + TOLERANCE)
    for name in ("capital", "talent", "services", "knowledge", "information"):
        column = getattr(organisations, name)
        dead = column[~organisations.alive]
        if dead.size and np.abs(dead).max() > 0.0:
            raise AuditError(
                f"step {step}: organisations that left still own {np.abs(dead).sum():.6g} of {name}; it must be 0"
            )


def _balance(step: int, account: str, left: float, right: float, scale: float) -> None:
    difference = abs(left - right)
    if not difference <= TOLERANCE * max(1.0, abs(left), abs(right), scale):
        raise AuditError(f"step {step}: {account}: {left:.12g} against {right:.12g}, a difference of {difference:.6g}")


def _each(step: int, name: str, organisations: Organisations, low: float, high: float) -> None:
    column = getattr(organisations, name)
    wrong = ~((column >= low) & (column <= high))
    if wrong.any():
        position = tuple(int(number) for number in np.argwhere(wrong)[0])
        uid = int(organisations.uid[position[0]])
        raise AuditError(
            f"step {step}: {name} of organisation {uid} is {column[position]:.12g}; valid is {low:g} to {high:g}"
        )
