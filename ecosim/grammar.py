"""The grammar of a scenario file: every table, name, range and default that it may hold, built from the records."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import ecosim.mechanisms
from ecosim import roles as role_files
from ecosim.mechanisms.components import TIERS
from ecosim.mechanisms.governance import PARAMETERS as GOVERNANCE
from ecosim.parameters import Parameter, ParameterGroup
from ecosim.roles import Role
from ecosim.shapes import Rows, Shape, Table, Text
from ecosim.state import DOMAINS, INDICES, MODES, PLATFORM_KINDS

# What a conditional event can wait for.
CONDITIONS = (
    "value_created", "organisations", "ties", "mean_trust", "mean_openness", "adopted_share", "knowledge_total",
    "capital_total", "environment_economy", "environment_talent", "environment_technology", "environment_policy",
)  # fmt: skip

# What an organisation that a scenario names can have of its own, instead of a draw for its role.
ENDOWMENT = (
    "capital", "talent", "knowledge", "openness", "protection", "absorptive", "persistence", "capability",
    "research_intensity", "openness_target", "generosity", "breadth", "risk", "imitation",
)  # fmt: skip

RULES = {
    "environment": "Talent, technology, economy and policy influence each other and the organisations.",
    "perception": "Organisations read demand and turn their research; a crisis can start a reform.",
    "orchestration": "Organisations commit money to research, staff and orders.",
    "symbiosis": "Ties form, are reviewed and given up; measured net benefits act on entry and exit.",
    "trust": "Trust on ties follows outcomes; off, it stays as it was.",
    "open_sharing": "Knowledge and resources move over ties and platforms.",
    "leakage": "Exposed knowledge reaches those who were not meant to have it.",
    "co_creation": "Partners run joint projects.",
    "breakthrough": "Component technologies can be broken through.",
    "adoption": "Users adopt what firms offer.",
    "value_sharing": "Firms give part of their surplus beyond what they owe.",
    "learning": "Capabilities follow use; routines are imitated, cross and mutate.",
    "turnover": "Organisations enter and leave.",
    "platforms": "Members pool what they know on platforms; off, sharing goes over ties alone.",
    "protection": "Intellectual property is managed: protection cuts leakage, and flow.",
    "internal_reform": "Internal culture and process reform condition what can be opened and absorbed.",
    "intermediation": "Intermediaries match, pool, train and lend.",
    "governance": "Members of a platform choose their effort for it.",
    "competition": "Similar organisations compete for users, talent and components by the overlap of their niches.",
    "division_of_labour": "Different organisations divide labour along the chain of innovation.",
    "joint_ventures": "Firms found joint ventures, sell their part, or dissolve them.",
    "teams": "Projects can have more than one partner.",
    "recall": "A project whose test failed can come back to a solution it had set aside.",
    "prerequisites": "A component can be mastered only after those it requires.",
    "crossover": "Crossing with existing business helps to master a component.",
    "licensing": "A component can be licensed from who has it, if that one does not refuse.",
    "imports": "Firms get part of their supplies from abroad.",
    "dated_entry": "Organisations that a scenario dates enter on their date; off, they enter when the ecosystem draws them in.",
    "recognise_limits": "Search component: to see which knowledge is missing.",
    "acquire": "Search component: to find more outside solutions.",
    "discover": "Search component: to find newer ones.",
    "extract_modules": "Fusion component: to cut knowledge into modules that others can use.",
    "empower": "Fusion component: to raise what the partner can do.",
    "integrate": "Fusion component: to keep novelty when knowledge is put together.",
    "create": "Development component: to make new knowledge of it.",
    "customise": "Development component: to fit the solution to whom it is for.",
    "rebuild": "Development component: to join the partners' surroundings.",
    "group_identity": "Identity of a tie's partners supports assessment.",
    "group_trust": "Trust of a tie's partners supports bridging.",
    "group_norms": "Norms of a tie's partners support aggregation.",
    "group_dialogue": "Dialogue of a tie's partners supports assessment.",
    "group_learning": "Learning of a tie's partners supports bridging.",
    "group_alliance": "Alliance of a tie's partners supports aggregation.",
    "constraint_collaboration": "Weak collaboration of industry, universities and research binds breakthroughs.",
    "constraint_talent": "Short talent binds breakthroughs.",
    "constraint_basic_research": "Weak basic research binds breakthroughs.",
    "constraint_common_technology": "Under-supplied common technology binds breakthroughs.",
    "constraint_carriers": "Few innovation carriers bind breakthroughs.",
    "perception_capability": "Dynamic capability: perceiving the environment.",
    "orchestration_capability": "Dynamic capability: orchestrating resources.",
    "co_creation_capability": "Dynamic capability: creating value together.",
    "co_sharing_capability": "Dynamic capability: sharing value.",
    "heredity": "Entrants inherit routines.",
    "imitation": "Organisations take over routines of those that do better.",
    "mutation": "Routines change by themselves.",
    "crossbreeding": "Partners cross their routines.",
    "selection": "Exit falls on the weak.",
}

_SCENARIO = "scenario"
_NAME = Text("What tables and charts call it.", r"\S", "give a name in quotes")
_EXTENDS = Text(
    "Shipped scenario, or path relative to this file, that this one changes.",
    r"\S",
    "give the name of a shipped scenario or the path of a .toml file, in quotes",
)
OF_A_STUDY = ("scenarios", "design", "replicates", "factors", "outcomes", "keep")
_NUMBER = r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,2})?"
CONDITION_PATTERN = rf"^\s*([a-z_]+)\s*([<>])\s*({_NUMBER})\s*$"

# Counted only while the state is built: changing them in mid-run would do nothing, so events cannot.
_AT_START = "it counts only at the start, give it outside of events"


def _count(meaning: str) -> Parameter:
    return Parameter(1, 1, 1_000_000, "organisations", meaning, _SCENARIO)


_YEAR = Parameter(
    2000, 1, 9999, "year", "Year in which it happens; first quarter unless `quarter` is given.", _SCENARIO
)
_QUARTER = Parameter(1, 1, 4, "quarter of the year", "Quarter of the year in which it happens.", _SCENARIO)


@dataclass(frozen=True)
class Grammar:
    """What a scenario may hold for a given set of roles and mechanisms.

    Attributes
    ----------
    top : the shape of a whole scenario file.
    parameters : every single number, switch and choice that can be set by its dotted path.
    keys : dotted path to the keys that lead there.
    kinds : the kinds of each role.
    """

    top: Table
    parameters: Mapping[str, Parameter]
    keys: Mapping[str, tuple[str, ...]]
    kinds: Mapping[str, tuple[str, ...]]


def parameter_groups() -> dict[str, ParameterGroup]:
    """Return the parameters of all mechanisms by table name: what the modules of `ecosim.mechanisms` declare."""
    modules = sorted(module.name for module in pkgutil.iter_modules(ecosim.mechanisms.__path__))
    imported = (importlib.import_module(f"{ecosim.mechanisms.__name__}.{name}") for name in modules)
    groups = (getattr(module, "PARAMETERS", None) for module in imported)
    return {group.name: group for group in groups if isinstance(group, ParameterGroup)}


def scenario_grammar(roles: Mapping[str, Role]) -> Grammar:
    """Return the grammar of a scenario in which these roles play."""
    groups = {name: Table(f"Parameters of {name}.", group.records) for name, group in parameter_groups().items()}
    symbiosis = groups.get("symbiosis", Table("Parameters of symbiosis.", {}))
    groups["symbiosis"] = replace(symbiosis, entries={**symbiosis.entries, "coefficients": _coefficients(roles)})
    settable: dict[str, Shape] = {
        "start_year": Parameter(2000, 1, 9999, "year", "Year whose first quarter is the first step.", _SCENARIO),
        "steps": Parameter(40, 1, 100_000, "quarters", "How many quarters a run lasts.", _SCENARIO),
        "schedule": Table("The order of a quarter.", {"activation": Parameter(
            "simultaneous", None, None, "1", "Whether organisations act at once on the same state, or one by one in "
            "random order.", _SCENARIO, ("simultaneous", "random"),
        )}),
        "rules": Table("Which rules are on.", {
            name: Parameter(True, None, None, "1", meaning, _SCENARIO) for name, meaning in RULES.items()
        }),
        **groups,
        "roles": Table("Parameters of each role.", {name: _role(role) for name, role in roles.items()}),
    }  # fmt: skip
    parameters = dict(_parameters(Table("", settable)))
    paths = {".".join(keys): keys for keys in parameters}
    start = {path for path, keys in paths.items() if len(keys) == 1 or keys[0] == "schedule" or keys[-1] == "initial"}
    changeable = {path: parameters[keys] for path, keys in paths.items() if path not in start}
    changes = Table(
        "Parameters to change, by dotted path in quotes.",
        changeable,
        unset=tuple(changeable),
        refused=dict.fromkeys(start, _AT_START),
    )
    top = Table("A scenario: the world that a simulation starts from.", {
        "title": Text("Title shown above charts and reports."),
        "question": Text("What the scenario asks."),
        "sources": Rows(Text("A source and the place in it."), "Sources of the scenario."),
        "extends": _EXTENDS,
        **settable,
        "organisations": Rows(_organisation(roles), "Organisations that are there by name."),
        "ties": Rows(_tie(), "Ties that are there at the start between organisations that are there by name."),
        "agreements": Rows(_agreement(), "Platforms that are there at the start, and the terms of their members."),
        "components": Rows(_component(), "Component technologies."),
        "events": Rows(_event(roles, changes), "What happens on a date or under a condition."),
    }, unset=("extends",), refused=dict.fromkeys(OF_A_STUDY, "it belongs to a study, which 'ecosim sweep' runs"))  # fmt: skip
    return Grammar(
        top,
        {path: parameters[keys] for path, keys in paths.items()},
        paths,
        {name: role.kinds for name, role in roles.items()},
    )


def _parameters(table: Table, keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Parameter]]:
    for name, shape in table.entries.items():
        if isinstance(shape, Parameter):
            yield (*keys, name), shape
        elif isinstance(shape, Table):
            yield from _parameters(shape, (*keys, name))


def _role(role: Role) -> Table:
    kinds = {
        kind: Parameter(float(position == 0), 0.0, 1e6, "1", f"Weight of the kind '{kind}' among entrants.", _SCENARIO)
        for position, kind in enumerate(role.kinds)
    }
    weights = Table("How often each kind is among entrants; those not given have none.", kinds)
    return Table(f"Parameters of the role {role.name}.", {**role.records, "kinds": weights})


def _coefficients(roles: Mapping[str, Role]) -> Table:
    def of(target: str) -> Table:
        entries = {
            source: Parameter(
                0.0, -10.0, 10.0, "1", f"Effect of a {source} on the growth of a {target}.", "Lotka-Volterra"
            )
            for source in roles
        }
        return Table(f"Effects of other roles on the growth of the role {target}.", entries, unset=tuple(roles))

    return Table(
        "Symbiosis coefficients; if any is given they are fixed, else they are measured.",
        {name: of(name) for name in roles},
    )


def _which_role(roles: Mapping[str, Role]) -> dict[str, Shape]:
    names = tuple(roles)
    return {
        "role": Parameter(names[0], None, None, "1", "The role it plays.", _SCENARIO, names),
        "kind": Text("The kind inside the role; drawn by the weights of the role unless given."),
    }


def _organisation(roles: Mapping[str, Role]) -> Table:
    entries: dict[str, Shape] = {
        "name": _NAME,
        **_which_role(roles),
        "count": _count("How many there are of it."),
        "focal": Parameter(False, None, None, "1", "Whether it is a core firm, which hosts the platform.", _SCENARIO),
        "year": replace(_YEAR, meaning="Year in which it enters; at the start unless given."),
        "quarter": _QUARTER,
        **{name: role_files.PARAMETERS.records[name] for name in ENDOWMENT},
    }
    return Table(
        "An organisation that is there by name.",
        entries,
        ("name", "role"),
        needs={"quarter": "year"},
        unset=("kind", "year", *ENDOWMENT),
    )


def _tie() -> Table:
    level = role_files.PARAMETERS.records["openness"]
    gives = Parameter(0.0, 0.0, 1e6, "million CNY a quarter", "What the first gives at replacement cost.", _SCENARIO)
    entries: dict[str, Shape] = {
        "between": Rows(_NAME, "Names of two organisations that are there at the start."),
        "trust": replace(level, default=0.25, meaning="Trust at the start."),
        "mode": Parameter(MODES[0], None, None, "1", "Mode of symbiosis at the start.", _SCENARIO, MODES),
        "first_gives": gives,
        "second_gives": replace(gives, meaning="What the second gives at replacement cost."),
    }
    return Table("A tie between two organisations.", entries, ("between",))


def _agreement() -> Table:
    agreed = "; it counts if `governance.terms` is agreed."
    member: dict[str, Shape] = {
        "name": Text("Name of an organisation that is there at the start.", r"\S", "give a name in quotes"),
        "share": Parameter(0.0, 0.0, 1.0, "share", f"Its share of the platform's revenue{agreed}", _SCENARIO),
        "effectiveness": replace(
            GOVERNANCE.records["effectiveness"], meaning=f"What its effort adds to joint capital{agreed}"
        ),
        "cost": replace(GOVERNANCE.records["cost"], meaning=f"Coefficient m in the cost of its effort{agreed}"),
    }
    entries: dict[str, Shape] = {
        "host": Text("Name of the member that hosts it.", r"\S", "give a name in quotes"),
        "kind": Parameter(PLATFORM_KINDS[0], None, None, "1", "What it is.", _SCENARIO, PLATFORM_KINDS),
        "capital": Parameter(0.0, 0.0, 1e6, "units of joint capital", "Joint capital at the start.", _SCENARIO),
        "members": Rows(Table("A member and its terms.", member, ("name", "share")), "Its members, the host included."),
    }
    return Table("A platform.", entries, ("host", "members"))


def _component() -> Table:
    entries: dict[str, Shape] = {
        "name": _NAME,
        "tier": Parameter(
            TIERS[0],
            None,
            None,
            "1",
            "How central it is; integration makes a product of the others, and product generations follow.",
            "S001 2.2, 6.1",
            TIERS,
        ),
        "difficulty": Parameter(
            1.0, 0.01, 1000.0, "firm-years of median R&D", "Effort that a breakthrough takes.", _SCENARIO
        ),
        "domain": Parameter(1, 1, DOMAINS, "domain", "Knowledge domain that it draws on.", _SCENARIO),
        "requires": Rows(_NAME, "Names of the components that must be there before."),
        "crossing": Parameter(0.0, 0.0, 1.0, "share", "Degree to which it crosses with existing business.", _SCENARIO),
    }
    return Table("A component technology.", entries, ("name",))


# What an embargo is, in an event and from Python.
EMBARGO = {
    "depth": Parameter(0.5, 0.0, 1.0, "share", "Part of supplies from abroad that is cut; 0 lifts an embargo.", "S003 1; S001 1"),
    "quarters": Parameter(8, 1, 1000, "quarters", "How long the embargo lasts.", _SCENARIO),
}  # fmt: skip


def _event(roles: Mapping[str, Role], changes: Table) -> Table:
    shock: dict[str, Shape] = {
        "index": Parameter(
            INDICES[0], None, None, "1", "The index of the environment that is hit.", _SCENARIO, INDICES
        ),
        "size": Parameter(0.0, -1.0, 1.0, "1", "How far the index is moved.", _SCENARIO),
        "quarters": Parameter(4, 1, 1000, "quarters", "How long the shock lasts.", _SCENARIO),
    }
    entrants: dict[str, Shape] = {**_which_role(roles), "count": _count("How many enter.")}
    condition = 'give text such as "mean_trust < 0.3": a metric, < or >, and a number; metrics are ' + ", ".join(
        CONDITIONS
    )
    entries: dict[str, Shape] = {
        "name": _NAME,
        "year": _YEAR,
        "quarter": _QUARTER,
        "step": Parameter(
            0, 0, 99_999, "quarters since the start", "Step in which it happens, the first being 0.", _SCENARIO
        ),
        "when": Text("Condition on a metric under which it happens, once.", CONDITION_PATTERN, condition),
        "after": replace(_YEAR, meaning="Year before which the condition is not looked at."),
        "set": changes,
        "shock": Table("A shock to the environment.", shock, ("index", "size")),
        "enter": Table("Organisations that enter.", entrants, ("role",), unset=("kind",)),
        "embargo": Table(
            "A cut of supplies from abroad; it takes the place of one that lasts.", EMBARGO, ("depth", "quarters")
        ),
    }
    return Table(
        "Something that happens on a date or under a condition.", entries, ("name",), exactly_one=("year", "step", "when"),
        at_least_one=("set", "shock", "enter", "embargo"), needs={"quarter": "year", "after": "when"},
        unset=("year", "step", "when", "after", "set", "shock", "enter", "embargo"),
    )  # fmt: skip
