"""Governance of a platform: efforts are those of the differential game, nobody gains by another, the books balance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecosim.ledger import PARTNER_PROGRAMME, PLATFORM_SALES, PROJECTS
from ecosim.mechanisms.governance import FORMS, PARAMETERS, TERMS, best_effort, part_borne, share_regarded
from ecosim.mechanisms.joint_capital import capital_after, capital_years
from ecosim.model import Ecosystem
from ecosim.parameters import Value
from ecosim.scenario import load_scenario, scenario_from_dict

Array = np.ndarray[Any, Any]
NON_COOPERATIVE, COST_SHARING, COOPERATIVE = FORMS
QUARTER = 0.25


class Game:
    """The game by itself, in NumPy: efforts by the formulas, and what a path of efforts is worth to each.

    Members are in the order of `shares`, the first is the host; rates are a year.
    """

    def __init__(
        self, shares: Array, effectiveness: Array, costs: Array, theta: float, decay: float, discount: float
    ) -> None:
        self.shares, self.effectiveness, self.costs = shares, effectiveness, costs
        self.theta, self.decay, self.discount = theta, decay, discount
        self.worth = theta / (discount + decay)

    def borne(self, form: str) -> Array:
        """Return the part of each member's cost that the host bears."""
        host = self.shares[0]
        parts: Array = np.maximum(0.0, (2.0 * host - self.shares) / (2.0 * host + self.shares))
        parts[0] = 0.0
        return parts if form == COST_SHARING else np.zeros(len(parts))

    def efforts(self, form: str) -> Array:
        """Return each member's effort."""
        regarded = np.ones(len(self.shares)) if form == COOPERATIVE else self.shares
        efforts: Array = regarded * self.worth * self.effectiveness / self.costs / (1.0 - self.borne(form))
        return efforts

    def payoffs(self, path: Array, borne: Array, capital: float, after: Array) -> Array:
        """Return what members have of efforts that change by the quarter, path (quarters, n), and of `after` for ever.

        In each quarter K = R + (K0 - R) e^-dt with R = sum a e / d, so that the integrals of e^-rt K are exact too.
        """
        total, d, r = np.zeros(len(self.shares)), self.decay, self.discount
        start = 1.0
        for efforts in path:
            rest = (self.effectiveness @ efforts) / d
            sold = rest * -np.expm1(-r * QUARTER) / r + (capital - rest) * -np.expm1(-(r + d) * QUARTER) / (r + d)
            spent = self.spending(efforts, borne) * -np.expm1(-r * QUARTER) / r
            total += start * (self.shares * self.theta * sold - spent)
            capital = rest + (capital - rest) * np.exp(-d * QUARTER)
            start *= np.exp(-r * QUARTER)
        return total + start * self.value(after, borne, capital)

    def value(self, efforts: Array, borne: Array, capital: float) -> Array:
        """Return J_i = l_i Q K + (l_i Q sum a e - cost_i) / r: what constant efforts are worth, in closed form."""
        inflow = self.effectiveness @ efforts
        value: Array = self.shares * self.worth * (capital + inflow / self.discount)
        return value - self.spending(efforts, borne) / self.discount

    def spending(self, efforts: Array, borne: Array) -> Array:
        """Return what efforts cost each member a year, the host with what it bears."""
        costs = self.costs * efforts**2 / 2.0
        spending = (1.0 - borne) * costs
        spending[0] += borne @ costs
        return spending


@st.composite
def games(draw: st.DrawFn) -> Game:
    """Return games of two to five members, in some of which followers get more than twice the host's share."""
    count = draw(st.integers(2, 5))
    weights = np.array([draw(st.floats(0.01, 1.0)) for _ in range(count)])
    shares = weights / weights.sum()
    effectiveness = np.array([draw(st.floats(0.1, 3.0)) for _ in range(count)])
    costs = np.array([draw(st.floats(0.1, 3.0)) for _ in range(count)])
    return Game(
        shares, effectiveness, costs, draw(st.floats(0.1, 2.0)), draw(st.floats(0.05, 1.0)), draw(st.floats(0.02, 0.3))
    )


def rule_efforts(game: Game, form: str) -> tuple[Array, Array]:
    """Return efforts and parts borne as the rules of the model have them."""
    code = FORMS.index(form)
    borne = np.array([0.0, *(part_borne(code, game.shares[0], share) for share in game.shares[1:])])
    host = game.shares[0]
    regarded = [host if form != COOPERATIVE else 1.0, *(share_regarded(code, host, share) for share in game.shares[1:])]
    terms = zip(regarded, game.effectiveness, game.costs, strict=True)
    efforts = [best_effort(part, game.worth, gain, cost) for part, gain, cost in terms]
    return np.array(efforts), borne


def world(given_: Mapping[str, Value], members: int = 3, **terms: Any) -> Ecosystem:
    """Return `limit-governance` with other settings, and terms or capital of its organisations by position."""
    tree = load_scenario("limit-governance").with_settings(given_).as_dict()
    for name, values in terms.items():
        rows = tree["organisations"] if name == "capital" else tree["agreements"][0]["members"]
        for row, value in zip(rows, values, strict=True):
            row[name] = float(value)
    return Ecosystem(scenario_from_dict(tree), 3, history=False, audit=True)


def game_of(model: Ecosystem) -> Game:
    """Return the game that a scenario's agreement and parameters make."""
    (agreement,), p = model.scenario.agreements, model.parameters["governance"]
    columns = np.array([(member.share, member.effectiveness, member.cost) for member in agreement.members]).T
    return Game(*columns, p.revenue_rate, p.decay, p.discount)


# -- the formulas -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_run_follows_the_formulas(form: str) -> None:
    """Protects the way from formula to run: efforts, joint capital, sales, costs and what the host bears, each quarter.

    Joint capital follows K = R + (K0 - R) e^-dt with R = sum a e / d, its rest point, without an error of the step.
    """
    model = world({"governance.form": form})
    game = game_of(model)
    efforts, borne = game.efforts(form), game.borne(form)
    rest = (game.effectiveness @ efforts) / game.decay
    for quarter in range(1, model.scenario.steps + 1):
        before = model.platforms.capital[0]
        model.step()
        assert model.memberships.effort[:3] == pytest.approx(efforts, rel=1e-12)
        after = rest * -np.expm1(-game.decay * QUARTER * quarter)
        assert model.platforms.capital[0] == pytest.approx(after, rel=1e-9)
        # dK/dt = d R - d K, so the integral of K over the quarter is R t - (change of K) / d.
        sales = game.theta * (rest * QUARTER - (after - before) / game.decay)
        paid = model.books.paid
        assert paid[PLATFORM_SALES].sum() == pytest.approx(sales, rel=1e-9)
        assert paid[PROJECTS].sum() == pytest.approx(QUARTER * game.spending(efforts, borne).sum(), rel=1e-9)
        assert paid[PARTNER_PROGRAMME].sum() == pytest.approx(QUARTER * borne @ (game.costs * efforts**2 / 2), rel=1e-9)
        expected = game.shares * sales - QUARTER * game.spending(efforts, borne)
        assert model.memberships.gain[:3] == pytest.approx(expected, rel=1e-9)
    assert model.platforms.capital[0] == pytest.approx(
        rest, rel=np.exp(-game.decay * QUARTER * model.scenario.steps) * 1.01
    )


def test_example_by_hand() -> None:
    """Protects the yardstick of this file: Q = 1 / 0.25 = 4; the host bears 9/23 and 11/21 of the partners' costs."""
    game = game_of(world({}))
    assert game.worth == pytest.approx(4.0)
    assert game.borne(COST_SHARING) == pytest.approx([0.0, 9 / 23, 11 / 21])
    assert game.efforts(NON_COOPERATIVE) == pytest.approx([3.2, 4.2, 4.0])
    assert game.efforts(COST_SHARING) == pytest.approx([3.2, 6.9, 8.4])
    assert game.efforts(COOPERATIVE) == pytest.approx([8.0, 12.0, 16.0])


@settings(max_examples=150, deadline=None)
@given(game=games())
def test_rules_are_the_formulas(game: Game) -> None:
    """Protects efforts and parts borne for any terms, the corner x = 0 of followers with twice the host's share included."""
    for form in FORMS:
        efforts, borne = rule_efforts(game, form)
        assert efforts == pytest.approx(game.efforts(form), rel=1e-9)
        assert borne == pytest.approx(game.borne(form), rel=1e-12)
    generous = game.shares[1:] >= 2.0 * game.shares[0]
    assert (rule_efforts(game, COST_SHARING)[1][1:][generous] == 0.0).all()


def test_corner_of_cost_sharing() -> None:
    """Protects the corner: at twice the host's share and above the host bears nothing, just below it a little."""
    code = FORMS.index(COST_SHARING)
    assert part_borne(code, 0.25, 0.5) == part_borne(code, 0.2, 0.6) == part_borne(code, 0.0, 0.5) == 0.0
    assert 0.0 < part_borne(code, 0.25, 0.499) < 0.01
    assert part_borne(code, 0.0, 0.0) == share_regarded(code, 0.0, 0.0) == 0.0


@pytest.mark.parametrize("share", [0.0, 5e-324, 1e-200, 1e-17])
def test_host_pays_for_those_who_get_nothing(share: float) -> None:
    """Protects the other end, where 1 - x vanishes: the host bears all, and the effort is the one that suits its share."""
    code = FORMS.index(COST_SHARING)
    assert part_borne(code, 0.4, share) == 1.0
    assert best_effort(share_regarded(code, 0.4, share), 4.0, 1.5, 0.5) == pytest.approx(0.4 * 4.0 * 1.5 / 0.5)


@settings(max_examples=100, deadline=None)
@given(
    capital=st.floats(0.0, 1e4), inflow=st.floats(0.0, 1e4), decay=st.floats(0.01, 10.0), years=st.floats(0.0, 10.0),
    part=st.floats(0.0, 1.0),
)  # fmt: skip
def test_step_is_exact(capital: float, inflow: float, decay: float, years: float, part: float) -> None:
    """Protects the step: two steps are one (no error of the step), and decay and inflow account for every change."""
    middle = capital_after(capital, inflow, decay, part * years)
    end = capital_after(capital, inflow, decay, years)
    scale = max(1.0, capital, inflow * years)
    assert capital_after(middle, inflow, decay, years - part * years) == pytest.approx(end, abs=1e-9 * scale)
    held = capital_years(capital, inflow, decay, years)
    assert end - capital == pytest.approx(inflow * years - decay * held, abs=1e-9 * scale)


# -- the game ---------------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(game=games(), capital=st.floats(0.0, 100.0))
def test_order_of_total_value(game: Game, capital: float) -> None:
    """Protects what follows and is not put in: cooperation is worth most in all, then cost sharing, then each for itself.

    Cost sharing is also worth no less to the host, and to every other member, than each for itself.
    """
    apart, shared, together = (game.value(*rule_efforts(game, form), capital) for form in FORMS)
    slack = 1e-9 * together.sum()
    assert together.sum() >= shared.sum() - slack
    assert shared.sum() >= apart.sum() - slack
    assert (shared >= apart - slack).all()


@settings(max_examples=100, deadline=None)
@given(
    game=games(), form=st.sampled_from((NON_COOPERATIVE, COST_SHARING)), member=st.integers(0, 4), capital=st.floats(0.0, 50.0),
    path=st.lists(st.floats(0.0, 3.0), min_size=1, max_size=24), lasting=st.booleans(),
)  # fmt: skip
def test_nobody_gains_by_deviating(
    game: Game, form: str, member: int, capital: float, path: list[float], lasting: bool
) -> None:
    """Protects the equilibrium: whatever a member does otherwise, for some quarters or for ever, it has no more of it.

    The deviation is a factor on its effort that changes by the quarter; the payoff is simulated with discounting in
    continuous time.
    """
    member %= len(game.shares)
    efforts, borne = rule_efforts(game, form)
    deviant = np.tile(efforts, (len(path), 1))
    deviant[:, member] *= path
    after = deviant[-1] if lasting else efforts
    stays = game.payoffs(np.tile(efforts, (len(path), 1)), borne, capital, efforts)
    assert stays == pytest.approx(game.value(efforts, borne, capital), rel=1e-9)
    leaves = game.payoffs(deviant, borne, capital, after)
    # Exactly: a factor y on the best effort e loses (1 - x) m e^2 (y - 1)^2 / 2 a year.
    loss = (1.0 - borne[member]) * game.costs[member] * efforts[member] ** 2 / 2.0 * (np.array(path) - 1.0) ** 2
    ends = np.exp(-game.discount * QUARTER * np.arange(len(path) + 1)) / game.discount
    lost = loss @ (ends[:-1] - ends[1:]) + (loss[-1] * ends[-1] if lasting else 0.0)
    assert stays[member] - leaves[member] == pytest.approx(lost, abs=1e-9 * max(1.0, stays.sum(), lost))


@settings(max_examples=60, deadline=None)
@given(game=games())
def test_host_bears_the_part_that_serves_it_best(game: Game) -> None:
    """Protects the leader's choice: no other part of a follower's cost is worth more to the host, as followers answer."""
    _, best = rule_efforts(game, COST_SHARING)
    most = game.value(*rule_efforts(game, COST_SHARING), 0.0)[0]
    for follower in range(1, len(game.shares)):
        for part in np.linspace(0.0, 0.99, 100):
            borne = best.copy()
            borne[follower] = part
            answers = game.shares * game.worth * game.effectiveness / game.costs / (1.0 - borne)
            assert game.value(answers, borne, 0.0)[0] <= most + 1e-9 * abs(most)


@settings(max_examples=60, deadline=None)
@given(game=games(), factors=st.lists(st.floats(0.0, 3.0), min_size=5, max_size=5))
def test_cooperation_is_worth_most_of_all(game: Game, factors: list[float]) -> None:
    """Protects the cooperative efforts: no other efforts of all members together are worth more in sum."""
    efforts, none = rule_efforts(game, COOPERATIVE)
    others = efforts * np.array(factors[: len(efforts)])
    together = game.value(efforts, none, 0.0).sum()
    assert game.value(others, none, 0.0).sum() <= together + 1e-9 * together


# -- money ------------------------------------------------------------------------------------------------------------


def test_no_effort_without_money() -> None:
    """Protects the budget: who has no money makes no effort, and a host without money bears nothing."""
    model = world({"governance.form": COST_SHARING}, capital=(1000.0, 0.0, 1000.0))
    model.step()
    # What the host bears is still paid: partner 1 makes the effort which that buys.
    game = game_of(model)
    full, borne = game.efforts(COST_SHARING), game.borne(COST_SHARING)
    assert model.memberships.effort[:3] == pytest.approx(full * np.array([1.0, np.sqrt(borne[1]), 1.0]))
    model = world({"governance.form": COST_SHARING}, capital=(0.0, 0.0, 1000.0))
    model.step()
    assert model.memberships.effort[:3] == pytest.approx([0.0, 0.0, full[2] * np.sqrt(1.0 - borne[2])])


@settings(max_examples=20, deadline=None)
@given(
    form=st.sampled_from(FORMS), limit=st.floats(0.0, 1.0), capital=st.lists(st.floats(0.0, 20.0), min_size=3, max_size=3),
    shares=st.lists(st.floats(0.05, 1.0), min_size=3, max_size=3),
)  # fmt: skip
def test_money_is_conserved_and_limits_hold(form: str, limit: float, capital: list[float], shares: list[float]) -> None:
    """Protects the books: what members gain is what their accounts change by; nobody spends above its limit; audited."""
    parts = np.array(shares) / np.sum(shares)
    parts[-1] = 1.0 - parts[:-1].sum()
    given_: dict[str, Value] = {"governance.form": form, "governance.spending_limit": limit}
    model = world(given_, capital=capital, share=parts)
    for _ in range(6):
        before = model.organisations.capital[:3].copy()
        model.step()
        gain = model.memberships.gain[:3]
        scale = max(1.0, before.sum(), float(model.books.paid.sum()))
        assert model.organisations.capital[:3] - before == pytest.approx(gain, abs=1e-9 * scale)
        sales = parts * model.books.paid[PLATFORM_SALES].sum()
        assert (sales - gain <= limit * before + 1e-9 * scale).all()
        assert model.books.created.sum() == pytest.approx(sales.sum(), rel=1e-9)


def test_a_member_that_left_takes_no_part() -> None:
    """Protects against rows used again: without the host nobody's cost is borne, its share lapses, its row is not paid."""
    model = world({}).run(4)
    model.remove_organisation(int(model.memberships.organisation[0]))
    model.enter(model.roles["firm"].index, 1)
    model.step()
    game = game_of(model)
    efforts = game.efforts(NON_COOPERATIVE) * [0.0, 1.0, 1.0]
    assert model.memberships.effort[:3] == pytest.approx(efforts)
    assert model.memberships.gain[0] == model.books.paid[PARTNER_PROGRAMME].sum() == 0.0
    revenue = model.organisations.revenue[model.rows]
    assert sorted(revenue > 0.0) == [False, True, True]


# -- terms that nobody agreed on --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "contributed", "expected"),
    [
        ("equal", (5.0, 1.0, 3.0), (0.4, 0.3, 0.3)),
        ("contribution", (5.0, 1.0, 3.0), (0.4, 0.15, 0.45)),
        ("contribution", (5.0, 0.0, 0.0), (0.4, 0.3, 0.3)),
        ("agreed", (5.0, 1.0, 3.0), (0.4, 0.35, 0.25)),
    ],
)
def test_terms(terms: str, contributed: tuple[float, ...], expected: tuple[float, ...]) -> None:
    """Protects the division of a platform's revenue: the host's cut, and the others' parts of the rest."""
    model = world({"governance.terms": terms, "governance.host_cut": 0.4})
    model.memberships.contributed[:3] = contributed
    model.step()
    assert model.memberships.share[:3] == pytest.approx(expected)
    p = PARAMETERS.records
    same = terms != TERMS[-1]
    assert (model.memberships.cost[:3] == p["cost"].default).all() == same
    assert (model.memberships.effectiveness[:3] == p["effectiveness"].default).all() == same


def test_host_alone_keeps_all() -> None:
    """Protects the platform that everybody else left: the host has the whole revenue and looks at all of it."""
    model = world({"governance.terms": "equal"})
    for row in model.memberships.organisation[1:3].copy():
        model.remove_organisation(int(row))
    model.step()
    assert model.memberships.share[0] == 1.0
    assert model.memberships.gain[1:3].sum() == 0.0


def test_nothing_without_the_rule() -> None:
    """Protects the control: with governance off there are no efforts and no sales, and joint capital stays as it is."""
    tree = load_scenario("limit-governance", settings={"rules.governance": False}).as_dict()
    tree["agreements"][0]["capital"] = 7.0
    model = Ecosystem(scenario_from_dict(tree), 3, history=False, audit=True).run(8)
    assert (model.metrics["platform_capital"] == 7.0).all()
    assert (model.metrics[["platform_revenue", "governance_effort", "value_created"]] == 0.0).all(axis=None)


def test_outcomes_add_up() -> None:
    """Protects what is recorded: gains of hosts and members are revenue less what efforts cost."""
    model = world({})
    metrics, game = model.run(12).metrics, game_of(model)
    cost = QUARTER * game.spending(game.efforts(COST_SHARING), game.borne(COST_SHARING)).sum()
    gains = metrics["platform_gain_hosts"] + metrics["platform_gain_members"]
    assert gains.to_numpy() == pytest.approx(metrics["platform_revenue"].to_numpy() - cost, rel=1e-9)
    assert metrics["governance_effort"].to_numpy() == pytest.approx(game.efforts(COST_SHARING).sum())
    assert model.platforms.capital[0] == metrics["platform_capital"].iloc[-1]
