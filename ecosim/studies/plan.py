"""The plan of a study: which runs there are, in which rounds and batches, before the first of them starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.studies.study_parts import Replicates
from ecosim.studies.whole_files import whole_file

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow

SECONDS = 1.0  # of work that a batch is made of: little to lose when a worker is killed, much against handing it out
MOST_IN_BATCH = 4_096
MOST_BATCHES = 10_000  # files that a directory holds with ease; above, batches become longer
BATCHES_PER_WORKER = 4  # so that the last one does not leave the others waiting for long
DIGEST = b"ecosim_study"  # key of the study's digest in the metadata of each table
ROWS = 4_096  # about, of a row group of the design, which is what a worker reads for a batch

Numbers = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Plan:
    """Numbers of runs, batches and rounds of a study, and how they go together; all of them count from 0.

    A round has every point, and of each the next replicates. Without a stopping rule there is one round. A batch never
    reaches over the end of a round.

    Attributes
    ----------
    points : how many points the design has.
    replicates : how often each is run.
    size : runs of a batch; the last of a round can have fewer.
    """

    points: int
    replicates: Replicates
    size: int

    @property
    def rounds(self) -> int:
        """How many rounds there can be."""
        return -(-self.replicates.most // self.replicates.count)

    @property
    def runs(self) -> int:
        """How many runs there can be."""
        return self.points * self.replicates.most

    @property
    def batches(self) -> int:
        """How many batches there can be."""
        return self.batches_of(self.rounds - 1).stop

    def batches_of(self, number: int) -> range:
        """Return the batches of a round."""
        in_full_round = -(-self.points * self.replicates.count // self.size)
        first = number * in_full_round
        return range(first, first + -(-len(self._runs_of_round(number)) // self.size))

    def runs_of(self, batch: int) -> range:
        """Return the runs of a batch."""
        runs = self._runs_of_round(self.round_of(batch))
        first = runs.start + (batch - self.batches_of(self.round_of(batch)).start) * self.size
        return range(first, min(first + self.size, runs.stop))

    def round_of(self, batch: int) -> int:
        """Return the round of a batch."""
        return batch // -(-self.points * self.replicates.count // self.size)

    def point_of(self, runs: Numbers) -> Numbers:
        """Return the points of runs of one round."""
        return self._places(runs, int(runs[0]) // (self.points * self.replicates.count))[0]

    def table(self, batches: range, columns: Mapping[str, np.ndarray[Any, Any]]) -> pyarrow.Table:
        """Return the rows of the design for some batches: run, point, replicate, seed, round, batch, then the factors.

        Parameters
        ----------
        columns : factor to its values, (points,).
        """
        import pyarrow

        parts = [self._rows(batch) for batch in batches]
        rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        factors = {name: values[rows["point"]] for name, values in columns.items()}
        return pyarrow.table({**rows, **factors})

    def _rows(self, batch: int) -> dict[str, Numbers]:
        number, runs = self.round_of(batch), self.runs_of(batch)
        run = np.arange(runs.start, runs.stop)
        point, replicate = self._places(run, number)
        own = 0 if self.replicates.common else point * self.replicates.most
        return {
            "run": run, "point": point, "replicate": replicate, "seed": self.replicates.first_seed + replicate + own,
            "round": np.full_like(run, number), "batch": np.full_like(run, batch),
        }  # fmt: skip

    def _places(self, run: Numbers, number: int) -> tuple[Numbers, Numbers]:
        """Return points and replicates of runs of a round."""
        runs, count = self._runs_of_round(number), self.replicates.count
        point, within = np.divmod(run - runs.start, len(runs) // self.points)
        return point, number * count + within

    def _runs_of_round(self, number: int) -> range:
        count, most = self.replicates.count, self.replicates.most
        return range(self.points * count * number, self.points * min(count * (number + 1), most))


def batch_size(seconds: float, points: int, replicates: Replicates, workers: int) -> int:
    """Return how many runs a batch has: about a second of work, more if there are very many, fewer if there are few.

    Parameters
    ----------
    seconds : that a run takes, about.
    points : of the design.
    workers : that share the batches.
    """
    by_time = max(1, min(MOST_IN_BATCH, round(SECONDS / max(seconds, 1e-6))))
    in_round = points * replicates.count
    by_share = max(1, in_round // (BATCHES_PER_WORKER * workers))
    return max(min(by_time, by_share), -(-points * replicates.most // MOST_BATCHES))


def write_design(path: Path, plan: Plan, points: pd.DataFrame, digest: str) -> None:
    """Write the design, every run that there can be; a row group holds whole batches.

    Parameters
    ----------
    points : a row a point, a column a factor.
    digest : of the study.
    """
    from pyarrow import parquet

    columns = {str(name): points[name].to_numpy() for name in points.columns}
    batches = range(plan.batches)
    step = max(1, ROWS // plan.size)
    with whole_file(path) as file:
        schema = plan.table(batches[:1], columns).schema.with_metadata({DIGEST: digest.encode()})
        with parquet.ParquetWriter(file, schema, write_page_checksum=True) as writer:
            for first in batches[::step]:
                writer.write_table(plan.table(batches[first : first + step], columns).cast(schema))


def is_design(path: Path, digest: str) -> bool:
    """Return whether a file is the sound design of a study."""
    from pyarrow import ArrowException, parquet

    try:
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            for group in range(file.num_row_groups):
                file.read_row_group(group)
            return bool((file.schema_arrow.metadata or {}).get(DIGEST) == digest.encode())
    except (OSError, ArrowException):
        return False
