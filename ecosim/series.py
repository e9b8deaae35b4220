"""Series of single organisations: a row an organisation and quarter, streamed to a Parquet file while the run goes on."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.parameters import ScenarioError, nearest
from ecosim.state import CAPABILITIES, DOMAINS, KNOWLEDGE_CAPABILITIES, ROUTINES, Organisations

if TYPE_CHECKING:
    from ecosim.model import Ecosystem

# What is written unless other columns are asked for; a wide column becomes one column a position.
COLUMNS = (
    "capital", "talent", "services", "information", "knowledge", "openness", "protection", "absorptive", "revenue",
    "research", "surplus", "sharing", "payoff", "degree", "active",
)  # fmt: skip
_POSITIONS = {
    "knowledge": tuple(f"knowledge_{domain}" for domain in range(1, DOMAINS + 1)),
    "niche": tuple(f"niche_{domain}" for domain in range(1, DOMAINS + 1)),
    "direction": tuple(f"direction_{domain}" for domain in range(1, DOMAINS + 1)),
    "capabilities": CAPABILITIES,
    "knowledge_capabilities": KNOWLEDGE_CAPABILITIES,
    "routines": ROUTINES,
}
GROUP = 250_000  # rows of a row group at most, so that a large ecosystem is never copied as a whole


class OrganisationSeries:
    """Streams the columns of all living organisations to a Parquet file, one or more row groups a quarter.

    Memory does not grow with the quarters. ``ecosim.run("classroom", series=OrganisationSeries("organisations.parquet"))``
    writes every quarter; with a model of one's own, call `quarter` after each and `close` at the end.

    Parameters
    ----------
    path : the file, which is replaced.
    columns : names of columns of `ecosim.state.Organisations`.
    every : `quarter` writes the first quarter, and then each that many quarters later.

    Raises
    ------
    ScenarioError : there is no such column.
    """

    def __init__(self, path: str | Path, columns: tuple[str, ...] = COLUMNS, every: int = 1) -> None:
        for name in columns:
            if name not in Organisations._fields:
                raise ScenarioError(
                    f"series: organisations have no column '{name}'; {nearest(name, Organisations._fields)}"
                )
        self.path = Path(path)
        self.columns = columns
        self.every = every
        self._writer: Any = None

    def __enter__(self) -> OrganisationSeries:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def quarter(self, model: Ecosystem) -> None:
        """Write the organisations as they are after a quarter, if it is one to be kept: step, uid, role, kind, then the columns."""
        if (model.step_number - 1) % self.every != 0:
            return
        from pyarrow import parquet

        ordered = model.members_of_roles()[1]
        for first in range(0, len(ordered), GROUP):
            table = self._table(model, ordered[first : first + GROUP])
            if self._writer is None:
                self._writer = parquet.ParquetWriter(self.path, table.schema)
            self._writer.write_table(table)

    def _table(self, model: Ecosystem, rows: Any) -> Any:
        import pyarrow

        source = model.organisations
        roles = list(model.roles.values())
        kinds = [role.kinds or (role.name,) for role in roles]
        role, kind = source.role[rows], source.kind[rows]
        first_kind = np.cumsum([0, *map(len, kinds)])[:-1]
        data: dict[str, Any] = {
            "step": pyarrow.array(np.full(len(rows), model.step_number - 1)),
            "uid": pyarrow.array(source.uid[rows]),
            "role": _words([role.name for role in roles], role),
            "kind": _words([name for names in kinds for name in names], first_kind[role] + kind),
        }
        for name in self.columns:
            values = getattr(source, name)[rows]
            if values.ndim == 1:
                data[name] = pyarrow.array(values)
            else:
                for position, word in enumerate(
                    _POSITIONS.get(name, tuple(f"{name}_{k}" for k in range(values.shape[1])))
                ):
                    data[word] = pyarrow.array(np.ascontiguousarray(values[:, position]))
        return pyarrow.table(data)

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _words(words: list[str], positions: Any) -> Any:
    """Return words by position, kept as a dictionary: a million rows repeat a handful of names."""
    import pyarrow

    return pyarrow.DictionaryArray.from_arrays(pyarrow.array(positions.astype(np.int32)), pyarrow.array(words))
