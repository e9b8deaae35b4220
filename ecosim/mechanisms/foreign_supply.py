"""Foreign supply (S003 section 1; S001 section 1): parts from abroad, what a cut of them does, and how home takes their place.

A part tau of a firm's supplies is made abroad too. Of that a firm imports the share m (of all its supplies) and orders
the rest at home. A foreign part is at the frontier; one from a supplier at home reaches as far as the supplier's
knowledge does, r = log(1 + D sum_d n_d K_d) / log(1 + D sum_d n_d F_d) <= 1, n the firm's niche, F the frontier. So a
firm's import share moves to the better and cheaper source, and home gains as its suppliers learn. An embargo cuts part
c of what comes from abroad. Then what home delivers goes first into the parts that abroad does not, and replaces them as
far as its makers' knowledge reaches; what is left a firm makes itself as far as its own knowledge reaches; the rest is its
shortfall: sales it cannot make (in proportion, as in input-output analysis: Santos and Haimes 2004; that parts
made to order spread losses to customers: Barrot and Sauvagnat 2016). It orders what it lacked again at home and
does more research.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecosim.columns import living, members_of
from ecosim.compilation import allocation_free, compiled
from ecosim.draws import FOREIGN_SUPPLY, uniform
from ecosim.ledger import CONTRACTS, IMPORTS, SALE_SOURCE, pay
from ecosim.mechanisms.orchestration import service_rate
from ecosim.mechanisms.ties import carries
from ecosim.outcomes import MONEY, SHARE, Outcome
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.state import (
    FIRM,
    ORCHESTRATION,
    SUPPLIER,
    SUPPLY,
    WORLD,
    Books,
    Column,
    Environment,
    Organisations,
    State,
    Ties,
)

_ASSUMED = "assumption, varied in the sensitivity analysis"

PARAMETERS = ParameterGroup("foreign_supply", __name__, {
    "tradable": Parameter(0.0, 0.0, 1.0, "share of supplies", "Part of a firm's supplies that is made abroad too; 0 is a world without imports.", "scenario"),
    "start": Parameter(0.8, 0.0, 1.0, "share of the tradable part", "What of it an entrant imports, on average.", "China made 10 % of its chips in 2010, 16 % in 2020"),
    "variety": Parameter(0.2, 0.0, 1.0, "share of the tradable part", "How far entrants differ in it, to either side.", _ASSUMED),
    "price": Parameter(0.9, 0.05, 5.0, "1", "Price of a foreign part over that of one from home.", _ASSUMED),
    "sensitivity": Parameter(2.0, 0.0, 20.0, "1", "How strongly a firm's import share follows the worth of the two sources.", _ASSUMED),
    "speed": Parameter(0.06, 0.0, 1.0, "1/quarter", "Part of the way to its goal that an import share covers in a quarter: sources must be qualified.", _ASSUMED),
    "reliance": Parameter(0.5, 0.0, 1.0, "share", "What of a supplier's worth hangs on trust.", _ASSUMED),
    "edge": Parameter(0.5, 0.0, 10.0, "1", "Quality that an offer gains if all its parts are foreign and suppliers at home know nothing.", "S003 1 (P51)"),
    "effort": Parameter(1.0, 0.0, 10.0, "1", "How much more research a firm does that lacks all its supplies.", "P118: research intensity under the shock"),
})  # fmt: skip

OUTCOMES = (
    Outcome("import_share_focal", SHARE, "Part of the core firm's supplies that it seeks abroad."),
    Outcome("import_share", SHARE, "Part of its supplies that a firm seeks abroad, mean of firms."),
    Outcome("shortfall_focal", SHARE, "Part of the core firm's supplies that it did not get and could not make."),
    Outcome("shortfall", SHARE, "Part of its supplies that a firm did not get and could not make, mean of firms."),
    Outcome("imports_paid", MONEY, "Paid for supplies from abroad."),
    Outcome("domestic_supply_share", SHARE, "Part of what firms paid for supplies that went to suppliers at home."),
)


@compiled
def outcomes(state: State, numbers: Any, step: int, out: Column) -> None:
    """Write import shares and shortfalls of core firm and all firms, money paid abroad, part of supplies paid at home."""
    organisations, firms = state.organisations, members_of(state.members, FIRM)
    cores = 0
    for i in firms:
        imports = organisations.imports[i] if numbers.rules.imports else 0.0
        out[1] += imports / firms.size
        out[3] += organisations.shortfall[i] / firms.size
        if organisations.focal[i]:
            cores += 1
            out[0] += imports
            out[2] += organisations.shortfall[i]
    if cores > 0:
        out[0] /= cores
        out[2] /= cores
    home = state.books.paid[CONTRACTS, FIRM, SUPPLIER]
    out[4] = state.books.paid[IMPORTS].sum()
    out[5] = home / (home + out[4]) if home + out[4] > 0.0 else 0.0


@allocation_free
def cut_depth(environment: Environment) -> float:
    """Part of supplies from abroad that is cut this quarter."""
    return environment.supply_cut[0] if environment.supply_cut[1] > 0.0 else 0.0


def cut_supply(environment: Environment, depth: float, quarters: int) -> None:
    """Let an embargo begin, or take the place of the one there is; its quarters are counted from the next one that runs."""
    environment.supply_cut[:] = depth, quarters


@compiled
def first_shares(organisations: Organisations, rows: Column, p: Any, seed: int) -> None:
    """Import shares of entrants: tradable * (start + variety * (2 u - 1)), kept in [0, tradable]."""
    for i in rows:
        draw = uniform(seed, FOREIGN_SUPPLY, 0, organisations.uid[i], 0)
        organisations.imports[i] = p.tradable * min(1.0, max(0.0, p.start + p.variety * (2.0 * draw - 1.0)))


@allocation_free
def reach(organisations: Organisations, environment: Environment, i: int, j: int) -> float:
    """How far j's knowledge reaches to the frontier in what firm i is about, in [0, 1]: log(1 + D sum n K) / log(1 + D sum n F)."""
    known, outside = 0.0, 0.0
    domains = organisations.niche.shape[1]
    for d in range(domains):
        known += organisations.niche[i, d] * organisations.knowledge[j, d]
        outside += organisations.niche[i, d] * environment.frontier[d]
    return min(1.0, np.log(1.0 + domains * known) / np.log(1.0 + domains * outside)) if outside > 0.0 else 1.0


@allocation_free
def _sides(organisations: Organisations, ties: Ties, t: int) -> tuple[int, int]:
    """Buyer and supplier on a tie that carries supply, -1 and -1 for any other tie."""
    a, b = ties.a[t], ties.b[t]
    supplies = carries(ties.interface[t], SUPPLY)
    if supplies and organisations.role[a] == FIRM and organisations.role[b] == SUPPLIER:
        return a, b
    if supplies and organisations.role[b] == FIRM and organisations.role[a] == SUPPLIER:
        return b, a
    return -1, -1


@compiled
def home_sources(
    organisations: Organisations,
    ties: Ties,
    environment: Environment,
    firms: Column,
    tie_rows: Column,
    used: int,
    reliance: float,
    output: float,
) -> Column:
    """What home offers each firm, (rows in use, 2): reach of its suppliers, and their worth; means by trust as orders go.

    Worth = reach * (1 - reliance (1 - trust)) * min(1, what the supplier can make / what was ordered of it last quarter).
    """
    offered = np.zeros((used, 2))
    weights = np.zeros(used)
    for t in tie_rows:
        i, j = _sides(organisations, ties, t)
        if i < 0:
            continue
        weight = 0.05 + ties.trust[t]
        reached = reach(organisations, environment, i, j)
        makes = organisations.talent[j] * service_rate(
            environment.wage[0], organisations.capabilities[j, ORCHESTRATION], output
        )
        room = min(1.0, makes / organisations.ordered[j]) if organisations.ordered[j] > 0.0 else 1.0
        weights[i] += weight
        offered[i, 0] += weight * reached
        offered[i, 1] += weight * reached * room * (1.0 - reliance * (1.0 - ties.trust[t]))
    for i in firms:
        if weights[i] > 0.0:
            offered[i, 0] /= weights[i]
            offered[i, 1] /= weights[i]
    return offered


@allocation_free
def import_goal(tradable: float, foreign: float, home: float, sensitivity: float) -> float:
    """Import share a firm moves to: tradable * f^s / (f^s + h^s), f and h the worth of foreign and domestic sources."""
    if foreign <= 0.0:
        return 0.0
    return tradable / (1.0 + (home / foreign) ** sensitivity)


@compiled
def move_shares(
    organisations: Organisations,
    ties: Ties,
    environment: Environment,
    firms: Column,
    tie_rows: Column,
    used: int,
    p: Any,
    output: float,
) -> None:
    """Each firm's import share moves to its goal; a foreign source is worth (1 - cut) / price."""
    offered = home_sources(organisations, ties, environment, firms, tie_rows, used, p.reliance, output)
    foreign = (1.0 - cut_depth(environment)) / p.price
    for i in firms:
        goal = import_goal(p.tradable, foreign, offered[i, 1], p.sensitivity)
        moved = organisations.imports[i] + p.speed * (goal - organisations.imports[i])
        organisations.imports[i] = min(p.tradable, max(0.0, moved))


@allocation_free
def at_home(imports: float, shortfall: float) -> float:
    """Part of its purchases that a firm orders at home: what it does not import, and again what it lacked last quarter."""
    return 1.0 - imports + shortfall


@allocation_free
def missing_part(needed: float, delivered: float, reached: float, own: float) -> float:
    """Shortfall: (needed - r * min(needed, delivered)) * (1 - own), all as parts of a firm's supplies.

    needed: of the tradable part, what does not come from abroad; delivered: what suppliers at home delivered, whose
    knowledge reaches as far as r; own: how far the firm's own does.
    """
    return (needed - reached * min(needed, delivered)) * (1.0 - own)


@compiled
def take_stock(
    organisations: Organisations,
    ties: Ties,
    environment: Environment,
    firms: Column,
    tie_rows: Column,
    used: int,
    tradable: float,
    share: float,
) -> None:
    """What each firm did not get of this quarter's supplies, `share` of its expected revenue, and cannot make."""
    delivered = np.zeros(used)
    reached = np.zeros(used)
    for t in tie_rows:
        i, j = _sides(organisations, ties, t)
        if i >= 0:
            delivered[i] += abs(ties.owed[t])
            reached[i] += abs(ties.owed[t]) * reach(organisations, environment, i, j)
    for i in firms:
        supplies = share * organisations.revenue_trend[i]
        # Who has nothing to buy yet lacks only what it would import.
        wanted = tradable if supplies > 0.0 else organisations.imports[i]
        needed = wanted - organisations.imports[i] * (1.0 - cut_depth(environment))
        home = delivered[i] / supplies if supplies > 0.0 else 0.0
        far = reached[i] / delivered[i] if delivered[i] > 0.0 else 0.0
        organisations.shortfall[i] = missing_part(needed, home, far, reach(organisations, environment, i, i))


@allocation_free
def add_edge(organisations: Organisations, firms: Column, offered: Column, cut: float, edge: float) -> None:
    """Offers gain edge * m (1 - c) (1 - r) in quality: what foreign parts are better than those from home."""
    for i in firms:
        organisations.quality[i] += edge * organisations.imports[i] * (1.0 - cut) * (1.0 - offered[i, 0])


@allocation_free
def pay_imports(
    organisations: Organisations,
    environment: Environment,
    books: Books,
    firms: Column,
    share: float,
    price: float,
) -> None:
    """Pay for what came from abroad; that part of the value of sales was created there, not here."""
    for i in firms:
        volume = organisations.imports[i] * (1.0 - cut_depth(environment)) * share * organisations.revenue_trend[i]
        paid = pay(organisations, books, i, WORLD, price * volume, IMPORTS)
        organisations.net[i] -= paid
        value = min(paid, organisations.pot[i])
        organisations.pot[i] -= value
        books.created[SALE_SOURCE] -= value


@compiled
def seek_sources(state: State, numbers: Any, firms: Column) -> None:
    """Move import shares, before orders are placed; without the rule or anything tradable there are none."""
    if not numbers.rules.imports or numbers.foreign_supply.tradable == 0.0:
        for i in firms:
            state.organisations.imports[i] = 0.0
            state.organisations.shortfall[i] = 0.0
        return
    move_shares(state.organisations, state.ties, state.environment, firms, living(state.ties.alive, state.tie_slots),
                state.slots.state[1], numbers.foreign_supply, numbers.orchestration.service_output)  # fmt: skip


@compiled
def assemble(state: State, numbers: Any, firms: Column) -> None:
    """Firms find out what they lack of what they ordered, and foreign parts make their offers better."""
    p = numbers.foreign_supply
    if numbers.rules.imports and p.tradable > 0.0:
        tie_rows, used = living(state.ties.alive, state.tie_slots), state.slots.state[1]
        take_stock(state.organisations, state.ties, state.environment, firms, tie_rows, used, p.tradable,
                   numbers.purchase_share)  # fmt: skip
        offered = home_sources(state.organisations, state.ties, state.environment, firms, tie_rows, used, p.reliance,
                               numbers.orchestration.service_output)  # fmt: skip
        add_edge(state.organisations, firms, offered, cut_depth(state.environment), p.edge)


@allocation_free
def pay_abroad(state: State, numbers: Any, firms: Column) -> None:
    """Firms pay for their imports."""
    pay_imports(state.organisations, state.environment, state.books, firms, numbers.purchase_share,
                numbers.foreign_supply.price)  # fmt: skip
