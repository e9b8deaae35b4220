"""The agreements of a scenario: platforms that are there at the start, who hosts and who is a member on what terms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecosim.parameters import nearest
from ecosim.shapes import Failure, Keys, described, shortened


@dataclass(frozen=True)
class AgreedMember:
    """A member of a platform, given by name, and its terms."""

    name: str
    share: float
    effectiveness: float
    cost: float


@dataclass(frozen=True)
class Agreement:
    """A platform that is there at the start, and the terms of its members, of which the host is one."""

    host: str
    kind: str
    capital: float
    members: tuple[AgreedMember, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the row of a scenario file."""
        return {**vars(self), "members": [dict(vars(member)) for member in self.members]}


def agreements_of(rows: Sequence[Mapping[str, Any]], known: Sequence[str], failure: Failure) -> tuple[Agreement, ...]:
    """Return the agreements of checked rows; their members are among the `known` single organisations at the start."""
    for position, row in enumerate(rows):
        keys: Keys = ("agreements", position)
        names = [member["name"] for member in row["members"]]
        for place, name in enumerate(names):
            where = (*keys, "members", place, "name")
            if name not in known:
                finding = f"is {described(name)}, which is no single organisation there at the start"
                raise failure(where, finding, nearest(shortened(name), known))
            if name in names[:place]:
                raise failure(where, f"is {described(name)}, a member already", "give each member once")
        if row["host"] not in names:
            finding = f"is {described(row['host'])}, which is not among the members"
            raise failure((*keys, "host"), finding, "give the host a share among the members too")
        total = math.fsum(member["share"] for member in row["members"])
        if not math.isclose(total, 1.0, rel_tol=0.0, abs_tol=1e-9):
            raise failure((*keys, "members"), f"have shares that sum to {total:.10g}", "give shares that sum to 1")
    return tuple(
        Agreement(**{**row, "members": tuple(AgreedMember(**member) for member in row["members"])}) for row in rows
    )
