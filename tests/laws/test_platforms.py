"""Platforms, pooling and what moves on them: who takes part, what is needed for it, and the bounds that copying keeps."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecosim.ledger import LOANS
from ecosim.mechanisms import internal_reform, platforms, protection, reach
from ecosim.mechanisms.open_sharing import share
from ecosim.model import Ecosystem
from ecosim.parameters import Value
from ecosim.scenario import load_scenario
from ecosim.state import (
    ACADEMY,
    EXCHANGE,
    FIRM,
    INDUSTRIAL_ALLIANCE,
    INFORMATION,
    KNOWLEDGE,
    OPEN_PLATFORM,
    OPEN_SOURCE_COMMUNITY,
    OVERLAP,
    POOL,
    SEPARATION,
    SHARING,
    STANDARDS_BODY,
    TALENT,
    UNIVERSITY,
)

Array = np.ndarray[Any, Any]
KINDS = ("technology intermediary", "standards body", "industrial alliance", "open-source community", "finance")


def ecosystem(seed: int = 1, kind: str | None = None, university: str | None = None, **more: Value) -> Ecosystem:
    """Return a classroom with an audit, all of whose intermediaries and universities are of one kind if it is given."""
    fixed: dict[str, Value] = {}
    if kind is not None:
        fixed |= {f"roles.intermediary.kinds.{name}": float(name == kind) for name in KINDS}
    if university is not None:
        names = ("university", "research institute", "ICT academy")
        fixed |= {f"roles.university.kinds.{name}": float(name == university) for name in names}
    return Ecosystem("classroom", seed, history=False, audit=True, **fixed, **more)


def shared_at_once(seed: int = 1, **more: Value) -> Ecosystem:
    """Return a classroom whose ties all share from the start, and which does nothing but share."""
    off = ("environment", "perception", "orchestration", "symbiosis", "co_creation", "breakthrough", "adoption",
           "value_sharing", "learning", "turnover")  # fmt: skip
    model = ecosystem(seed, **more)
    model.run(1)
    model.set_many({f"rules.{rule}": False for rule in off})
    model.ties.mode[model.tie_rows] = SHARING
    return model


def events(model: Ecosystem, name: str) -> int:
    """Return how often an event happened."""
    return int((model.happened["event"] == name).sum())


# --- formulas --------------------------------------------------------------------------------------------------------


def test_balance_of_gain_and_loss() -> None:
    """Protects what joining follows: 1 where there is only gain, -1 where there is only loss, 0 for neither."""
    assert reach.balance(3.0, 1.0) == pytest.approx(0.5)
    assert (reach.balance(2.0, 0.0), reach.balance(0.0, 2.0), reach.balance(0.0, 0.0)) == (1.0, -1.0, 0.0)


def test_culture_follows_what_openness_brought() -> None:
    """Protects culture: belief quickens the way up and slows the way down, and without any difference nothing moves."""
    assert internal_reform.next_culture(0.2, 0.7, 0.9, 0.1) == pytest.approx(0.2 + 0.1 * 0.9 * 0.5)
    assert internal_reform.next_culture(0.7, 0.2, 0.9, 0.1) == pytest.approx(0.7 - 0.1 * 0.1 * 0.5)
    assert internal_reform.next_culture(0.4, 0.4, 0.9, 0.1) == 0.4
    assert internal_reform.opening(0.5, 0.6) == pytest.approx(0.8)


def test_protection_cuts_what_is_passed_on() -> None:
    """Protects the cost of protection: it keeps a part from partners, and from nobody where nothing is protected."""
    assert protection.passed_on(0.5, 0.4, 0.25) == pytest.approx(0.45)
    assert protection.passed_on(0.5, 0.0, 0.25) == 0.5


def test_who_admits_whom() -> None:
    """Protects the door: a core firm's platform is open to who shares with it, the others to every partner."""
    assert not platforms.admits(OPEN_PLATFORM, SEPARATION)
    assert platforms.admits(OPEN_PLATFORM, SHARING)
    assert platforms.admits(OPEN_PLATFORM, OVERLAP)
    assert platforms.admits(STANDARDS_BODY, SEPARATION)
    assert platforms.admits(ACADEMY, SEPARATION)
    assert not platforms.admits(-1, OVERLAP)


# --- subjects, resources and a platform (P13) ------------------------------------------------------------------------


def drawn(model: Ecosystem) -> tuple[float, float]:
    """Return what lies in pools and what members drew, after a few quarters of sharing alone."""
    model.run(4)
    return model.recorder.last["pooled_knowledge"], model.recorder.last["drawn_knowledge"]


def test_pooling_needs_subjects_resources_and_a_platform() -> None:
    """Protects P13: with all three something is pooled and drawn; without any one of them, nothing at all."""
    assert min(drawn(shared_at_once())) > 0.0
    # no subjects: nobody joins
    assert drawn(shared_at_once(platforms__joining=0.0)) == (0.0, 0.0)
    # no resources: nobody opens anything, or nobody knows anything
    closed = shared_at_once(open_sharing__opening_speed=0.0)
    closed.organisations.openness[:] = 0.0
    closed.platforms.pool[:] = 0.0
    closed.memberships.drawn[:] = 0.0
    assert drawn(closed) == (0.0, 0.0)
    empty = shared_at_once(kind="finance")  # a standards body would see the outside frontier
    empty.organisations.knowledge[:] = 0.0
    empty.platforms.pool[:] = 0.0
    empty.memberships.drawn[:] = 0.0
    assert drawn(empty) == (0.0, 0.0)
    # no platform
    assert drawn(shared_at_once(rules__platforms=False)) == (0.0, 0.0)


def test_without_platforms_sharing_goes_over_ties() -> None:
    """Protects the switch: no platform, no member of one, no draw, while partners go on copying from each other."""
    model = ecosystem(rules__platforms=False).run(24)
    assert len(model.platform_rows) == len(model.membership_rows) == 0
    assert not model.organisations.member.any()
    assert model.books.flows[KNOWLEDGE, POOL].sum() > 0.0
    assert model.metrics["drawn_knowledge"].max() == model.metrics["members"].max() == 0.0


def test_switched_off_in_mid_run_all_platforms_close() -> None:
    """Protects the switch as a policy: what was open closes in the next quarter, and everybody's leaving is told."""
    model = ecosystem().run(12)
    there = len(model.membership_rows)
    before = events(model, "platform left")
    assert there > 0
    model.set("rules.platforms", False)
    model.run(1)
    assert len(model.platform_rows) == len(model.membership_rows) == 0
    assert events(model, "platform left") == before + there


# --- bounds of copying -----------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def spreading() -> Ecosystem:
    """Return one world for all examples; each sets all that it compares."""
    return shared_at_once(kind="industrial alliance")


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), openness=st.floats(0.0, 1.0), absorptive=st.floats(0.0, 1.0), rate=st.floats(0.0, 1.0))  # fmt: skip
def test_copying_lowers_nobody_and_lifts_nobody_above_the_best(
    seed: int, openness: float, absorptive: float, rate: float
) -> None:
    """Protects non-rival elements, at any openness, absorption and speed: no level falls, no maximum rises, pools stay below."""
    model = spreading()
    table = model.organisations
    random = np.random.default_rng(seed)
    rows = model.rows
    table.knowledge[rows] = random.gamma(0.5, 10.0, table.knowledge[rows].shape)
    table.information[rows] = random.gamma(0.5, 2.0, len(rows))
    table.openness[rows] = openness * random.random(len(rows))
    table.absorptive[rows] = absorptive * random.random(len(rows))
    model.platforms.pool[:] = 0.0
    model.set_many({"pooling.pool_rate": rate, "pooling.contribution": rate, "open_sharing.tie_rate": rate,
                    "open_sharing.information_rate": rate, "pooling.information_rate": rate})  # fmt: skip
    before, told = table.knowledge[rows].copy(), table.information[rows].copy()
    model.run(1)
    after = table.knowledge[rows]
    slack = 1e-12 * (1.0 + before.max(axis=0))
    assert (after >= before).all()
    assert (table.information[rows] >= told).all()
    assert (after.max(axis=0) <= before.max(axis=0) + slack).all()
    assert table.information[rows].max() <= told.max() * (1.0 + 1e-12)
    assert (model.platforms.pool[model.platform_rows] <= before.max(axis=0) + slack).all()


def test_pool_goes_out_of_date() -> None:
    """Protects that what was contributed ages: when nobody opens anything any more, a pool loses 15 % in a year."""
    model = shared_at_once(kind="industrial alliance", open_sharing__opening_speed=0.0).run(6)
    before = model.platforms.pool[model.platform_rows].copy()
    uids = model.platforms.uid[model.platform_rows].copy()
    model.organisations.openness[:] = 0.0
    model.run(4)
    assert before.sum() > 0.0
    np.testing.assert_array_equal(model.platforms.uid[model.platform_rows], uids)
    np.testing.assert_allclose(model.platforms.pool[model.platform_rows], 0.85 * before, rtol=1e-12)


def test_sharing_keeps_talent() -> None:
    """Protects the rival element: what moves between partners is lost by one and got by the other, graduates included."""
    model = ecosystem().run(30)
    assert model.metrics["talent_moved"].max() > 0.0  # the audit has compared totals each quarter
    table, ties = model.organisations, model.ties
    ties.mode[model.tie_rows] = OVERLAP
    table.vacancies[model.rows] = np.where(np.arange(len(model.rows)) % 2, 50.0, -50.0)
    before = table.talent.copy()
    model.set("rules.internal_reform", False)
    model.follow(share)
    moved = table.talent - before
    assert (moved > 0.0).any()
    assert (moved < 0.0).any()
    assert moved.sum() == pytest.approx(0.0, abs=1e-9)
    assert (table.talent >= 0.0).all()


# --- joining and leaving ---------------------------------------------------------------------------------------------


def test_members_are_tied_to_their_host_and_leave_with_the_tie() -> None:
    """Protects membership: each member shares with the core firm; when the mode falls back, it is out the next quarter."""
    model = ecosystem(kind="finance", university="university").run(24)
    table, ties = model.organisations, model.ties
    host = model.platforms.host[model.platform_rows[0]]
    members = set(np.flatnonzero(table.member)) - {host}
    ends = {int(b) if a == host else int(a): int(mode) for a, b, mode in zip(ties.a[model.tie_rows], ties.b[model.tie_rows], ties.mode[model.tie_rows], strict=True) if host in (a, b)}  # fmt: skip
    assert len(members) > 3
    model.set("rules.turnover", False)
    model.set("rules.symbiosis", False)
    model.run(1)
    members = set(np.flatnonzero(table.member)) - {host}
    assert all(ends[row] >= SHARING for row in members)
    ties.mode[model.tie_rows] = SEPARATION
    model.run(1)
    assert set(np.flatnonzero(table.member)) == {host}


def test_platform_ends_with_its_host() -> None:
    """Protects references: when a host leaves, its platform and all memberships of it end, also when its row is used again."""
    model = ecosystem(kind="industrial alliance").run(12)
    platform = next(q for q in model.platform_rows if model.platforms.kind[q] == INDUSTRIAL_ALLIANCE)
    uid, host = int(model.platforms.uid[platform]), int(model.platforms.host[platform])
    model.remove_organisation(host)
    model.enter(FIRM, 1)
    model.run(1)
    assert uid not in model.platforms.uid[model.platform_rows]
    living = set(model.platform_rows)
    assert all(model.memberships.platform[m] in living for m in model.membership_rows)
    table, rows = model.organisations, model.membership_rows
    np.testing.assert_array_equal(
        table.uid[model.memberships.organisation[rows]], model.memberships.organisation_uid[rows]
    )


def test_dues_and_rivals_keep_away() -> None:
    """Protects the decision: dear dues keep organisations out, and what rivals could draw keeps out those who know more."""
    free = sum(len(ecosystem(seed).run(16).membership_rows) for seed in range(8))
    dear = sum(len(ecosystem(seed, platforms__dues=50.0).run(16).membership_rows) for seed in range(8))
    wary = sum(len(ecosystem(seed, platforms__exposure=10.0).run(16).membership_rows) for seed in range(8))
    assert dear < free
    assert wary < free


def test_counts_of_members_agree() -> None:
    """Protects the tables: each platform counts its memberships, nobody is in one twice, hosts are in their own."""
    model = ecosystem(3, kind="open-source community").run(30)
    table, rows = model.memberships, model.membership_rows
    pairs = list(zip(table.platform[rows], table.organisation[rows], strict=True))
    assert len(set(pairs)) == len(pairs) > 5
    for q in model.platform_rows:
        assert model.platforms.members[q] == (table.platform[rows] == q).sum()
        assert (q, model.platforms.host[q]) in pairs


# --- kinds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "platform"), platforms.HOSTS.items())
def test_each_kind_hosts_its_platform(kind: str, platform: int) -> None:
    """Protects that kinds differ: each hosts the platform of its name and no other; without intermediation, none does."""
    given_kind = {"university": kind, "kind": "finance"} if platform == ACADEMY else {"kind": kind, "university": "university"}  # fmt: skip
    for on in (True, False):
        model = ecosystem(2, **given_kind, rules__intermediation=on).run(16)
        found = set(model.platforms.kind[model.platform_rows]) - {OPEN_PLATFORM}
        assert found == ({platform} if on else set())


def test_standards_body_sees_the_frontier() -> None:
    """Protects what a standards body adds: its pool holds what no member knows, up to the frontier, and an alliance's does not."""
    for kind, ahead in (("standards body", True), ("industrial alliance", False)):
        model = shared_at_once(2, kind=kind, university="university", open_sharing__leak_rate=0.0)
        model.organisations.knowledge[:, 0] = 0.0
        model.platforms.pool[:] = 0.0
        model.run(4)
        pools = model.platforms.pool[model.platform_rows, 0]
        assert (pools.max() > 0.0) == ahead
        assert (pools <= model.environment.frontier[0]).all()


@pytest.mark.parametrize("kind", ["standards body", "industrial alliance", "open-source community"])
def test_who_tells_of_the_market(kind: str) -> None:
    """Protects information: members of standards bodies and alliances tell each other, those of a community do not."""
    model = shared_at_once(2, kind=kind, university="university", open_sharing__information_rate=0.0)
    model.run(2)
    model.organisations.information[model.rows] = np.linspace(0.0, 5.0, len(model.rows))
    model.run(1)
    assert (model.books.flows[INFORMATION, POOL].sum() > 0.0) == (kind != "open-source community")


def test_community_needs_no_tie() -> None:
    """Protects openness of a community: organisations join that have no tie to it, and all make knowledge."""
    model = ecosystem(2, kind="open-source community", university="university").run(24)
    tied = {frozenset((int(model.ties.a[t]), int(model.ties.b[t]))) for t in model.tie_rows}
    free = 0
    for m in model.membership_rows:
        q, i = model.memberships.platform[m], int(model.memberships.organisation[m])
        if model.platforms.kind[q] == OPEN_SOURCE_COMMUNITY:
            free += frozenset((i, int(model.platforms.host[q]))) not in tied and i != model.platforms.host[q]
    assert free > 0


def test_academy_trains_its_members() -> None:
    """Protects training: capabilities of an academy's members rise, those of nobody else do."""
    model = shared_at_once(2, kind="finance", university="ICT academy", rules__learning=False).run(3)
    table = model.organisations
    rows = [m for m in model.membership_rows if model.platforms.kind[model.memberships.platform[m]] == ACADEMY]
    hosts = {int(row) for row in model.members(UNIVERSITY)}
    members = {int(model.memberships.organisation[m]) for m in rows} - hosts
    before = table.knowledge_capabilities.copy()
    model.set_many({"platforms.joining": 0.0, "platforms.leaving": 0.0})
    model.run(1)
    rose = {int(row) for row in np.flatnonzero((table.knowledge_capabilities > before).any(axis=1))}
    assert members
    assert members <= rose
    assert all(row in members or row in hosts for row in rose)


def test_only_finance_and_technology_intermediaries_lend() -> None:
    """Protects lending: the poor get loans from finance and technology intermediaries, from no other kind, from none if off."""
    lent = {}
    for kind in KINDS:
        model = ecosystem(2, kind=kind, roles__supplier__capital=1.0).run(12)
        lent[kind] = model.metrics["capital_lent"].sum()
    off = ecosystem(2, kind="finance", roles__supplier__capital=1.0, rules__intermediation=False).run(12)
    assert min(lent["technology intermediary"], lent["finance"]) > 0.0
    assert lent["standards body"] == lent["industrial alliance"] == lent["open-source community"] == 0.0
    assert off.books.paid[LOANS].sum() == off.metrics["capital_lent"].sum() == 0.0


# --- protection and internal reform ----------------------------------------------------------------------------------


def test_protection_answers_leakage() -> None:
    """Protects IP management: what leaks gets protected; where nothing leaks, protection lapses; switched off, it counts as 0."""
    start = load_scenario("classroom").roles["firm"]["protection"]
    leaky = ecosystem(protection__response=1.0).run(20)
    tight = ecosystem(rules__leakage=False).run(20)
    off = ecosystem(rules__protection=False).run(20)
    firms = [model.organisations.protection[model.members(FIRM)].mean() for model in (leaky, tight)]
    assert firms[0] > start > firms[1]
    assert off.metrics["mean_protection"].max() == 0.0
    assert off.metrics["leaked_knowledge"].sum() > leaky.metrics["leaked_knowledge"].sum()


def test_without_internal_reform_nothing_changes_inside() -> None:
    """Protects the switch: culture stays as at entry, no reform begins, and what is reformed already is not used."""
    model = ecosystem(rules__internal_reform=False, perception__crisis=0.0)
    first = {int(model.organisations.uid[row]): model.organisations.culture[row] for row in model.rows}
    model.run(16)
    living = [row for row in model.rows if int(model.organisations.uid[row]) in first]
    assert [model.organisations.culture[row] for row in living] == [
        first[int(model.organisations.uid[row])] for row in living
    ]
    assert events(model, "reform started") == 0
    model.organisations.reform[:] = 1.0
    again = model.branch()
    again.organisations.reform[:] = 0.0
    model.set("rules.orchestration", False)
    again.set("rules.orchestration", False)
    model.run(1)
    again.run(1)
    np.testing.assert_array_equal(model.organisations.knowledge, again.organisations.knowledge)


def test_contracts_teach_in_separation_only() -> None:
    """Protects the channels: what goes over a tie in separation is exchange, what is pooled is not."""
    model = ecosystem(rules__trust=False, rules__platforms=False).run(8)
    assert model.books.flows[KNOWLEDGE, EXCHANGE].sum() > 0.0
    assert model.books.flows[KNOWLEDGE, POOL].sum() == model.books.flows[TALENT].sum() == 0.0
