"""Joint capital of a platform: a quarter of the efforts that `governance` chooses, what they build, sell and cost.

Rates are a year. For efforts that do not change within the quarter the step is the exact solution of

    dK/dt = sum a_i e_i - d K

(Nerlove & Arrow 1962), and so is the revenue, theta times the integral of K: no error of the step is left.
"""

from __future__ import annotations

import numpy as np

from ecosim.compilation import allocation_free, compiled
from ecosim.ledger import (
    PARTNER_PROGRAMME,
    PLATFORM_SALES,
    PLATFORM_SOURCE,
    PROJECTS,
    create_value,
    note_flow,
    note_gain,
    pay,
)
from ecosim.state import (
    CAPITAL,
    EMPOWERMENT,
    HOUSEHOLDS,
    WORLD,
    Books,
    Column,
    Memberships,
    Organisations,
    Platforms,
)

YEARS = 0.25  # a quarter


@compiled
def afford(
    organisations: Organisations,
    memberships: Memberships,
    rows: Column,
    hosts: Column,
    borne: Column,
    used: int,
    limit: float,
) -> tuple[Column, Column]:
    """Cut efforts to what members, and hosts for the part they bear, have money for.

    Who cannot spend what its platforms ask of it out of the part of its capital that it may spend, spends the same part
    of each. The effort is what the money that is left buys, e = sqrt(2 paid / m).

    Parameters
    ----------
    borne : (memberships,) part of the cost that the host bears.
    used : rows of organisations in use.
    limit : part of its capital that an organisation spends at most this quarter.

    Returns
    -------
    own, given : (memberships,) what each member and its host spend on its effort this quarter, million CNY.
    """
    own, given = np.zeros(borne.size), np.zeros(borne.size)
    _cut_efforts(organisations, memberships, rows, hosts, borne, own, given, np.zeros(used), limit)
    return own, given


@allocation_free
def _cut_efforts(
    organisations: Organisations,
    memberships: Memberships,
    rows: Column,
    hosts: Column,
    borne: Column,
    own: Column,
    given: Column,
    due: Column,
    limit: float,
) -> None:
    """Add up what is due of each organisation, (organisations,), and cut efforts to the part it can spend."""
    for s in rows:
        cost = YEARS * memberships.cost[s] * memberships.effort[s] ** 2 / 2.0
        given[s] = borne[s] * cost
        own[s] = cost - given[s]
        due[memberships.organisation[s]] += own[s]
        if given[s] > 0.0:
            due[memberships.organisation[hosts[memberships.platform[s]]]] += given[s]
    for s in rows:
        own[s] *= _affordable(organisations, due, memberships.organisation[s], limit)
        if given[s] > 0.0:
            host = memberships.organisation[hosts[memberships.platform[s]]]
            given[s] *= _affordable(organisations, due, host, limit)
        if memberships.cost[s] > 0.0:
            memberships.effort[s] = np.sqrt(2.0 * (own[s] + given[s]) / (YEARS * memberships.cost[s]))


@allocation_free
def _affordable(organisations: Organisations, due: Column, i: int, limit: float) -> float:
    """The part of what is due that an organisation can spend."""
    return min(1.0, limit * organisations.capital[i] / due[i]) if due[i] > 0.0 else 1.0


@allocation_free
def capital_after(capital: float, inflow: float, decay: float, years: float) -> float:
    """Joint capital after some years of a constant inflow: K e^-dt + (inflow / d) (1 - e^-dt)."""
    return capital * np.exp(-decay * years) - inflow / decay * np.expm1(-decay * years)


@allocation_free
def capital_years(capital: float, inflow: float, decay: float, years: float) -> float:
    """Joint capital added up over some years: the integral of K dt, t inflow / d + (K - inflow / d) (1 - e^-dt) / d."""
    rest = inflow / decay
    return years * rest - (capital - rest) * np.expm1(-decay * years) / decay


@compiled
def sell(
    organisations: Organisations,
    platforms: Platforms,
    memberships: Memberships,
    books: Books,
    rows: Column,
    platform_rows: Column,
    places: int,
    revenue_rate: float,
    decay: float,
) -> None:
    """Efforts build joint capital, dK/dt = sum a e - d K; the world pays theta K for services, divided by shares.

    A share whose holder is gone lapses: nobody sells that part.

    Parameters
    ----------
    places : rows of platforms in use.
    """
    _sell_services(organisations, platforms, memberships, books, rows, platform_rows, np.zeros(places), np.zeros(places),
                   revenue_rate, decay)  # fmt: skip


@allocation_free
def _sell_services(
    organisations: Organisations,
    platforms: Platforms,
    memberships: Memberships,
    books: Books,
    rows: Column,
    platform_rows: Column,
    inflow: Column,
    revenue: Column,
    revenue_rate: float,
    decay: float,
) -> None:
    """Add up what efforts build and what platforms sell for, (platforms,) each, and pay members their shares."""
    for s in rows:
        inflow[memberships.platform[s]] += memberships.effectiveness[s] * memberships.effort[s]
    for k in platform_rows:
        revenue[k] = revenue_rate * capital_years(platforms.capital[k], inflow[k], decay, YEARS)
        platforms.capital[k] = capital_after(platforms.capital[k], inflow[k], decay, YEARS)
    for s in rows:
        i = memberships.organisation[s]
        sold = memberships.share[s] * revenue[memberships.platform[s]]
        got = pay(organisations, books, WORLD, i, sold, PLATFORM_SALES)
        create_value(organisations, books, PLATFORM_SOURCE, i, got)
        organisations.revenue[i] += got
        memberships.gain[s] += got


@allocation_free
def pay_efforts(
    organisations: Organisations,
    memberships: Memberships,
    books: Books,
    rows: Column,
    hosts: Column,
    own: Column,
    given: Column,
) -> None:
    """The host gives what it bears to the member, who pays those that do the work.

    It comes after sales, so that employees' part of the value goes to them.
    """
    for s in rows:
        i = memberships.organisation[s]
        got = 0.0
        if given[s] > 0.0:
            host = hosts[memberships.platform[s]]
            giver = memberships.organisation[host]
            got = pay(organisations, books, giver, i, given[s], PARTNER_PROGRAMME)
            memberships.gain[host] -= got
            note_flow(organisations, books, CAPITAL, EMPOWERMENT, giver, i, got)
            note_gain(organisations, books, i, giver, got)
        memberships.gain[s] -= pay(organisations, books, i, HOUSEHOLDS, own[s] + got, PROJECTS) - got
