"""The numbers of a scenario as compiled rules receive them: parameters by mechanism, switches, what is set by role.

A rule reads ``numbers.perception.noise``, ``numbers.rules.trust`` or ``numbers.roles.capacity[role]``. Nothing here
changes while quarters run; `Ecosystem.set` makes new numbers.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ecosim.grammar import RULES, parameter_groups
from ecosim.mechanisms.dynamic_capabilities import switched_capabilities
from ecosim.mechanisms.entrants import ENDOWMENTS
from ecosim.mechanisms.interfaces import OF_KIND
from ecosim.mechanisms.joint_ventures import KIND as JOINT_VENTURE
from ecosim.mechanisms.platforms import HOSTS
from ecosim.native import native_table
from ecosim.state import FIRM, INTERFACES, INTERMEDIARY, Column

if TYPE_CHECKING:
    from ecosim.roles import Role
    from ecosim.scenario import Scenario


@native_table
class RoleNumbers(NamedTuple):
    """What is set by role: one row a role, in the order of the roles."""

    capacity: Column  # (roles,)
    growth_rate: Column  # (roles,)
    chain: Column  # (roles,) position on the innovation chain
    budget: Column  # (roles,) what the median member spends a quarter; 0 for all but users
    endowment: Column  # (roles, endowments) medians and levels of an entrant
    kind_weight: Column  # (roles, kinds) how often an entrant is of each kind
    kinds: Column  # (roles,) how many kinds there are
    hosting: Column  # (roles, kinds) kind of platform that each hosts, -1 for none
    interface: Column  # (roles, roles) interface of a new tie, -1 for none
    kind_interface: Column  # (kinds,) what each kind of intermediary is there for, -1 for nothing of its own
    coefficients: Column  # (roles, roles) symbiosis as the scenario fixes it


_namedtuple: Any = namedtuple  # its fields are known when the mechanisms are
Switches = native_table(_namedtuple("Switches", tuple(RULES), module=__name__))

_GROUPS = parameter_groups()

# One field a mechanism, beside those named here: ``venture``, the kind of firm that a joint venture is, -1 for none;
# ``purchase_share``, what firms order from suppliers of expected revenue; ``fixed``, whether the scenario fixes the coefficients of symbiosis; ``sequential``, whether organisations act in turn.
Numbers = native_table(
    _namedtuple(
        "Numbers", (*_GROUPS, "rules", "roles", "venture", "purchase_share", "fixed", "sequential"), module=__name__
    )
)


def make_numbers(scenario: Scenario, roles: Mapping[str, Role]) -> Any:
    """Return the numbers of a scenario in which these roles play."""
    values = {name: group.values(scenario.settings[name]) for name, group in _GROUPS.items()}
    firm_kinds = next(role.kinds for role in roles.values() if role.index == FIRM)
    return Numbers(
        **switched_capabilities(values, scenario.rules),
        rules=Switches(**{name: bool(scenario.rules[name]) for name in RULES}),
        roles=_role_numbers(scenario, roles),
        venture=firm_kinds.index(JOINT_VENTURE) if JOINT_VENTURE in firm_kinds else -1,
        purchase_share=float(scenario.roles["firm"].get("purchase_share", 0.0)),
        fixed=bool(scenario.coefficients),
        sequential=scenario.activation == "random",
    )


def _role_numbers(scenario: Scenario, roles: Mapping[str, Role]) -> RoleNumbers:
    settings = [scenario.roles[name] for name in roles]
    most_kinds = max(1, *(len(role.kinds) for role in roles.values()))
    weights, hosting = np.zeros((len(roles), most_kinds)), np.full((len(roles), most_kinds), -1, np.int64)
    for role, (name, declared) in enumerate(roles.items()):
        of_kinds = list(scenario.kinds[name].values()) or [1.0]
        weights[role, : len(of_kinds)] = of_kinds
        for kind, word in enumerate(declared.kinds):
            hosting[role, kind] = HOSTS.get(word, -1) if scenario.rules["intermediation"] else -1
    kinds = next(role.kinds for role in roles.values() if role.index == INTERMEDIARY)
    return RoleNumbers(
        capacity=np.array([float(values["capacity"]) for values in settings]),
        growth_rate=np.array([float(values["growth_rate"]) for values in settings]),
        chain=np.array([role.chain for role in roles.values()]),
        budget=np.array([float(values.get("budget", 0.0)) for values in settings]),
        endowment=np.array([[float(values[key]) for key in ENDOWMENTS] for values in settings]),
        kind_weight=weights,
        kinds=np.array([max(1, len(role.kinds)) for role in roles.values()]),
        hosting=hosting,
        interface=_interfaces(roles),
        kind_interface=np.array([OF_KIND.get(kind, -1) for kind in kinds], np.int64),
        coefficients=_coefficients(scenario, roles),
    )


def _interfaces(roles: Mapping[str, Role]) -> Column:
    """Interface of a tie between two roles, (roles, roles), -1 for none: what either of them declares."""
    matrix = np.full((len(roles), len(roles)), -1, np.int64)
    for name, role in roles.items():
        for other, interface in role.agent.interfaces.items():
            if other in roles:
                matrix[role.index, roles[other].index] = INTERFACES.index(interface)
                if name not in roles[other].agent.interfaces:
                    matrix[roles[other].index, role.index] = INTERFACES.index(interface)
    return matrix


def _coefficients(scenario: Scenario, roles: Mapping[str, Role]) -> Column:
    fixed = np.zeros((len(roles), len(roles)))
    for target, row in scenario.coefficients.items():
        for source, value in row.items():
            fixed[roles[target].index, roles[source].index] = value
    return fixed
