"""The state: one table of arrays per kind of thing, and the vocabulary that indexes them.

Each class below is a named tuple of NumPy arrays, one array a column, one position a row. Compiled rules take the
tables as they are: ``organisations.capital[i]``. Units: money in million CNY at constant prices, talent in person-years,
services in million CNY at cost, knowledge in firm-years of median R&D, shares and levels in [0, 1].
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

import numpy as np

from ecosim.native import native_table

DOMAINS = 8
MOST_ROLES = 64  # a uid is a serial times this plus the role
TEAM = 3  # most partners of a project beside its lead
CAPABILITIES = ("perception", "orchestration", "co_creation", "co_sharing")
KNOWLEDGE_CAPABILITIES = (
    "recognise_limits", "acquire", "discover",  # search
    "extract_modules", "empower", "integrate",  # fusion
    "create", "customise", "rebuild",  # development
)  # fmt: skip
GROUP_VARIABLES = ("identity", "trust", "norms", "dialogue", "learning", "alliance")  # S002: cognition, then action
CONSTRAINTS = ("collaboration", "talent", "basic_research", "common_technology", "carriers")  # the fishbone of S003
OPERATORS = ("heredity", "imitation", "mutation", "crossbreeding", "selection")  # S003, Table 1
ROUTINES = ("research_intensity", "openness_target", "generosity", "breadth", "risk", "imitation")
ELEMENTS = ("capital", "talent", "services", "knowledge", "technology", "information")
CHANNELS = ("exchange", "pool", "empowerment")
INDICES = ("talent", "technology", "economy", "policy")
INTERFACES = (
    "contract", "supply", "funding", "joint_research", "training", "subscription", "standards", "licence", "joint_venture",
    "open_source", "alliance",
)  # fmt: skip
MODES = ("separation", "sharing", "overlap")
PLATFORM_KINDS = ("open platform", "standards body", "alliance", "open-source community", "academy")
PHASES = ("none", "assessment", "bridging", "aggregation")
STAGES = ("incubation", "growth", "maturity")
REGIMES = ("passive", "proactive", "leading")
VALUE_KINDS = ("economic", "social", "environmental")
OUTSIDE = ("households", "society", "nature", "world")

(PERCEPTION, ORCHESTRATION, CO_CREATION, CO_SHARING) = range(4)
(RESEARCH_INTENSITY, OPENNESS_TARGET, GENEROSITY, BREADTH, RISK, IMITATION) = range(6)
(CAPITAL, TALENT, SERVICES, KNOWLEDGE, TECHNOLOGY, INFORMATION) = range(6)
(EXCHANGE, POOL, EMPOWERMENT) = range(3)
(TALENT_INDEX, TECHNOLOGY_INDEX, ECONOMY_INDEX, POLICY_INDEX) = range(4)
(CONTRACT, SUPPLY, FUNDING, JOINT_RESEARCH, TRAINING, SUBSCRIPTION, STANDARDS) = range(7)
(LICENCE, JOINT_VENTURE, OPEN_SOURCE, ALLIANCE) = range(7, 11)
(SEPARATION, SHARING, OVERLAP) = range(3)
(OPEN_PLATFORM, STANDARDS_BODY, INDUSTRIAL_ALLIANCE, OPEN_SOURCE_COMMUNITY, ACADEMY) = range(5)
(NO_PROJECT, ASSESSMENT, BRIDGING, AGGREGATION) = range(4)
(PASSIVE, PROACTIVE, LEADING) = range(3)
(ECONOMIC, SOCIAL, ENVIRONMENTAL) = range(3)
# Accounts outside the ecosystem carry negative numbers; an organisation's account is its row.
(HOUSEHOLDS, SOCIETY, NATURE, WORLD) = (-1, -2, -3, -4)
# The six roles every ecosystem has, in the order in which tables and charts show them; a seventh follows.
(FIRM, SUPPLIER, UNIVERSITY, GOVERNMENT, INTERMEDIARY, USER) = range(6)

Column = np.ndarray[Any, Any]
Float = Annotated[Column, np.float64, 1]
Integer = Annotated[Column, np.int64, 1]
Flag = Annotated[Column, np.bool_, 1]
PerDomain = Annotated[Column, np.float64, DOMAINS]
PerCapability = Annotated[Column, np.float64, len(CAPABILITIES)]
PerKnowledgeCapability = Annotated[Column, np.float64, len(KNOWLEDGE_CAPABILITIES)]
PerPartner = Annotated[Column, np.int64, TEAM]
PerRoutine = Annotated[Column, np.float64, len(ROUTINES)]


@native_table
class Slots(NamedTuple):
    """Which rows of a table are in use.

    ``state``: how many free rows lie on the stack, the first row never used, how many rows were ever claimed.
    """

    free: Column
    state: Column


@native_table
class Organisations(NamedTuple):
    """One row per organisation, of any role."""

    uid: Integer  # serial within the role * 64 + role: never used twice, so luck is never shared
    role: Integer
    kind: Integer
    alive: Flag
    born: Integer  # step of entry
    focal: Flag  # the core firm, which hosts the platform
    parent_a: Integer  # uids of the two firms that founded a joint venture, -1 for none
    parent_b: Integer
    # stocks
    capital: Float
    talent: Float
    services: Float
    information: Float
    knowledge: PerDomain
    # position
    niche: PerDomain  # profile over the domains served, sums to 1
    chain: Float  # position on the innovation chain: 0 research, 1 use
    segment: Integer  # market segment
    openness: Float
    protection: Float  # intellectual property protection
    absorptive: Float  # absorptive capacity
    persistence: Float  # executives' belief: chance that a started reform goes on
    reform: Float  # progress of the internal process reform
    reforming: Flag
    culture: Float  # how open the internal culture is
    imports: Float  # part of its supplies that comes from abroad
    shortfall: Float  # part of its supplies that it did not get this quarter
    direction: PerDomain  # where research goes, sums to 1
    routines: PerRoutine
    capabilities: PerCapability
    knowledge_capabilities: PerKnowledgeCapability
    # the quarter's accounts
    revenue: Float  # received for sales and contracts this quarter
    revenue_trend: Float  # smoothed
    slump: Float  # how far last quarter's revenue fell short of its trend
    pot: Float  # value received this quarter and not yet passed on
    research: Float  # spent on research this quarter
    wages_due: Float
    purchases: Float  # services this organisation wants to order from suppliers this quarter
    contracts: Float  # research it wants to contract out this quarter
    bought: Float  # services delivered to it this quarter
    complement: Float  # part of its offer's quality that members of its platform add
    ordered: Float  # services ordered of it last quarter
    need: Float  # part of the services wanted that nobody delivered, or of those made that nobody ordered
    vacancies: Float  # person-years it wants to hire (positive) or let go (negative)
    inflow: Float  # knowledge got from others, smoothed
    created: Float  # knowledge made alone, smoothed
    payoff: Float  # smoothed net benefit, what imitation looks at
    distress: Integer  # quarters in a row without capital
    # offer and demand
    quality: Float
    price: Float
    installed: Float  # users served
    budget: Float  # what a user spends a quarter once it has adopted
    provider: Integer  # row of the firm that serves this user, -1 none
    # sharing
    sharing: Float  # share of surplus given beyond obligations
    sharing_step: Float  # how the adaptive strategy moved the ratio last
    sharing_result: Float  # payoff when it did
    division_error: Float  # largest standard error of a sampled share, as a part of the pot
    surplus: Float  # what was left of revenue after obligations this quarter
    net: Float  # received less paid when value was shared this quarter
    programme: Float  # given to partners, society and nature this quarter, beyond obligations
    transfer: Float  # spent on giving partners capability this quarter
    regime: Integer
    member: Flag  # takes part in a core firm's platform
    leaked: Float  # knowledge that rivals got this quarter without being given it
    degree: Integer  # ties
    active: Float  # projects under way
    generation: Integer  # product generations since integration


@native_table
class Ties(NamedTuple):
    """One row per tie between two organisations, a the one that sought it."""

    uid: Integer
    alive: Flag
    a: Integer
    b: Integer
    interface: Integer
    mode: Integer
    trust: Float
    born: Integer
    promised: Float  # what was agreed since trust was last reviewed, million CNY
    kept: Float  # what of it was done
    order: Float  # services that one side ordered of the other this quarter; positive: a orders of b
    owed: Float  # what has to be paid for what was delivered; positive: a owes b
    got_a: Float  # what a got over this tie since the last review, net, million CNY
    got_b: Float
    gain_a: Float  # the same, smoothed
    gain_b: Float
    loan: Float  # owed by b to a
    volume: Float  # moved over this tie since the last review, at replacement cost
    gave_a: Float  # what a gave since the last review without being paid, worth to b
    gave_b: Float
    contributed_a: Float  # the same, smoothed
    contributed_b: Float
    # group cognition and action (S002), beside trust
    identity: Float
    norms: Float
    dialogue: Float
    learning: Float
    alliance: Float
    finished: Integer  # co-creation projects finished on this tie


@native_table
class Projects(NamedTuple):
    """One row per co-creation project, of a lead and its partners; a uid beside a row tells whether it is still the same one."""

    uid: Integer
    alive: Flag
    lead: Integer
    lead_uid: Integer
    size: Integer  # how many partners; only so many entries of the next four columns count
    partners: PerPartner
    partner_uids: PerPartner
    ties: PerPartner  # between the lead and each partner
    tie_uids: PerPartner
    phase: Integer
    rounds: Integer  # failed tests
    domain: Integer  # what it is about
    quality: Float  # of the solution that is worked on, in [0, 1]
    set_aside: Float  # quality of the best solution set aside
    modules: Float  # part of the partners' knowledge that is cut into modules
    distance: Float  # between the knowledge of lead and partners


@native_table
class Platforms(NamedTuple):
    """One row per platform: what members join, contribute to and draw from."""

    uid: Integer
    alive: Flag
    host: Integer  # row
    host_uid: Integer
    kind: Integer
    members: Integer
    pool: PerDomain  # knowledge that was contributed and is still up to date
    capital: Float  # joint capital that members' efforts built


@native_table
class Memberships(NamedTuple):
    """One row per member of a platform."""

    uid: Integer
    alive: Flag
    platform: Integer
    organisation: Integer
    organisation_uid: Integer
    contributed: Float  # knowledge put in, smoothed
    drawn: Float  # knowledge got out, smoothed
    effort: Float  # for the platform's joint capital
    effectiveness: Float  # of a unit of effort
    cost: Float  # m in the cost of effort, m effort^2 / 2 a year, million CNY
    share: Float  # of the platform's revenue
    gain: Float  # got of the platform's revenue this quarter less what efforts cost it, million CNY


@native_table
class Environment(NamedTuple):
    """What surrounds the organisations."""

    level: Column  # (4,) talent, technology, economy, policy
    shock: Column  # (4, 2) size and quarters left of the shock on each index
    demand: Column  # (domains,) what users want, sums to 1
    frontier: Column  # (domains,) knowledge outside
    activity: Column  # (4,) what the ecosystem did for each index last quarter, in [-1, 1]
    value_trend: Column  # (1,) value created a quarter, smoothed, million CNY
    pool: Column  # (domains,) best knowledge that lies on any platform
    wage: Column  # (1,) of a person-year, million CNY
    market: Column  # (1,) market size against the start
    knowledge_cost: Column  # (1,) what a firm-year of median R&D costs to make now, million CNY, smoothed
    seekers: Column  # (1,) talent looking for work, person-years
    adopted: Column  # (1,) share of users that have adopted
    product_frontier: Column  # (1,) product generations outside
    supply_cut: Column  # (2,) part of supplies from abroad that is cut, and quarters left


@native_table
class Books(NamedTuple):
    """The ledger of one quarter."""

    outside: Column  # (4,) balances of the outside accounts since the start
    paid: Column  # (purposes, accounts, accounts) money moved, accounts = roles then outside
    value: Column  # (beneficiaries, kinds) value booked
    created: Column  # (sources,) value created
    made: Column  # (3,) talent, services and knowledge made
    used: Column  # (2,) talent and services used up
    flows: Column  # (elements, channels, roles, roles) resources moved, own units
    gained: Column  # (roles, roles) net benefit of the first from the second this quarter
    benefit: Column  # (roles, roles) the same, smoothed over a year
    novelty: Column  # (operators,) change of routines that each evolutionary operator made
    counts_novelty: Column  # (1,) whether that is counted; it takes several passes over all members
    leaked: Column  # (1,) knowledge that rivals got without being given it


@native_table
class Events(NamedTuple):
    """What has happened since the start: code, subject and object by uid, and a number."""

    code: Column
    subject: Column
    object: Column
    detail: Column
    used: Column  # (2,) how many, and how many of them before the quarter that runs


@native_table
class Technology(NamedTuple):
    """The component graph, and who has what of it."""

    tier: Column  # (components,)
    difficulty: Column  # (components,)
    domain: Column  # (components,)
    crossing: Column  # (components,)
    requires: Column  # (components, components) true where the row needs the column
    # a row an organisation
    mastered: Column  # (organisations, components)
    licensed: Column  # (organisations, components) may be used, is not understood
    licensor: Column  # (organisations, components) uid of who licenses it out, -1 for an owner abroad
    released: Column  # (organisations,) step of the last product, -1 for none yet
    sufficiency: Column  # (organisations, constraints) as it counted this quarter
    worked_on: Column  # (organisations,) components worked on this quarter
    hazard: Column  # (organisations,) of all that is worked on together


@native_table
class Reading(NamedTuple):
    """What the reading remembers: smoothed shares of the channels, and stage, candidate, quarters in the lead.

    ``markets``: what was counted of the quarter's markets, see `ecosim.mechanisms.competition.MARKETS`.
    """

    shares: Column
    state: Column
    markets: Column


@native_table
class ProjectCounts(NamedTuple):
    """What projects did in a quarter."""

    step: Column  # (1,) the quarter, -1 before the first
    values: Column  # (outcomes,) in the order of the outcomes of `ecosim.mechanisms.co_creation`


@native_table
class Record(NamedTuple):
    """What is kept of the quarters that were run, one row a quarter."""

    stage: Column  # (quarters,)
    metrics: Column  # (quarters, outcomes)
    value: Column  # (quarters, beneficiaries, kinds)
    roles: Column  # (quarters, roles, columns) totals by role
    flows: Column  # (quarters, elements, channels, roles, roles)
    events: Column  # (quarters,) where the quarter's part of the list of events ends
    wanted: Column  # (outcomes,) which are measured; the others are not a number
    used: Column  # (1,) quarters recorded


@native_table
class Members(NamedTuple):
    """The living organisations by role and uid: those of role r are ``order[starts[r]:starts[r + 1]]``."""

    order: Column  # rows; beyond the last start it means nothing
    starts: Column  # (roles + 1,)


@native_table
class Named(NamedTuple):
    """One row per organisation that the scenario names, in the order of the scenario."""

    position: Column  # place of its entry in the scenario; an entry may stand for several
    role: Column
    kind: Column  # -1 for one that is drawn
    focal: Column
    due: Column  # step
    endowment: Column  # (named, endowments), NaN where the scenario leaves it to the role
    uid: Column  # -1 until it has entered
    entered: Column  # step of entry, -1 before


@native_table
class State(NamedTuple):
    """All that changes in a run, as compiled rules receive it.

    ``stopped``: whether each role was stopped at its ceiling in this quarter, (roles,).
    ``short``: by table in the order of `TABLES`, how many free rows a rule that could not go on needs.
    """

    organisations: Organisations
    slots: Slots
    ties: Ties
    tie_slots: Slots
    projects: Projects
    project_slots: Slots
    project_counts: ProjectCounts
    platforms: Platforms
    platform_slots: Slots
    memberships: Memberships
    membership_slots: Slots
    environment: Environment
    books: Books
    events: Events
    technology: Technology
    reading: Reading
    record: Record
    members: Members
    serials: Column  # (roles + 1,) how many ever entered by role; the last counts joint ventures
    named: Named
    stopped: Column  # (roles,)
    short: Column  # (tables,)


TABLES = ("organisations", "ties", "projects", "platforms", "memberships", "events")
(ORGANISATION_TABLE, TIE_TABLE, PROJECT_TABLE, PLATFORM_TABLE, MEMBERSHIP_TABLE, EVENT_TABLE) = range(6)

EVENTS = (
    "entry", "exit", "bankruptcy", "tie formed", "tie upgraded", "tie downgraded", "tie broken", "project finished",
    "project failed", "breakthrough", "generation", "stage", "shock", "policy", "reform started", "reform abandoned",
    "regime", "default", "unbounded growth", "joint venture born", "joint venture sold", "joint venture dissolved",
    "interface changed", "platform founded", "platform joined", "platform left", "licence granted", "licence refused",
    "supply cut", "ecologies merged",
)  # fmt: skip
(ENTRY, EXIT, BANKRUPTCY, TIE_FORMED, TIE_UPGRADED, TIE_DOWNGRADED, TIE_BROKEN, PROJECT_FINISHED) = range(8)
(PROJECT_FAILED, BREAKTHROUGH, GENERATION, STAGE, SHOCK, POLICY, REFORM_STARTED, REFORM_ABANDONED) = range(8, 16)
(REGIME, DEFAULT, UNBOUNDED_GROWTH, VENTURE_BORN, VENTURE_SOLD, VENTURE_DISSOLVED, INTERFACE_CHANGED) = range(16, 23)
(PLATFORM_FOUNDED, PLATFORM_JOINED, PLATFORM_LEFT, LICENCE_GRANTED, LICENCE_REFUSED, SUPPLY_CUT) = range(23, 29)
ECOLOGIES_MERGED = 29
