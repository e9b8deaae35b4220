"""Series of single organisations: streamed while the run goes on, complete, and beside the other results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

import ecosim
from ecosim.model import Ecosystem
from ecosim.parameters import ScenarioError
from ecosim.series import OrganisationSeries


def test_every_organisation_of_every_quarter_is_written(tmp_path: Path) -> None:
    """A row an organisation and quarter, in row groups of a quarter, with the values that the model had."""
    path = tmp_path / "organisations.parquet"
    model = Ecosystem("classroom", 2, history=False)
    counts = []
    with OrganisationSeries(path, ("capital", "knowledge", "routines")) as series:
        for _ in range(6):
            model.step()
            series.quarter(model)
            counts.append(len(model.rows))
    file = parquet.ParquetFile(path)
    assert file.num_row_groups == 6
    table = file.read().to_pandas()
    assert table.groupby("step").size().tolist() == counts
    last = table[table["step"] == 5]
    rows = model.members_of_roles()[1]
    np.testing.assert_array_equal(last["uid"], model.organisations.uid[rows])
    np.testing.assert_array_equal(last["capital"], model.organisations.capital[rows])
    np.testing.assert_array_equal(last["knowledge_8"], model.organisations.knowledge[rows, 7])
    np.testing.assert_array_equal(last["risk"], model.organisations.routines[rows, 4])
    first = model.view(int(rows[0]))
    assert (last["role"].iloc[0], last["kind"].iloc[0]) == (first.role, first.kind)


def test_run_writes_each_nth_quarter(tmp_path: Path) -> None:
    """`ecosim.run` streams the first quarter and each n-th after it, and finishes the file; results stay the same."""
    path = tmp_path / "some.parquet"
    run = ecosim.run("classroom", 1, 9, series=OrganisationSeries(path, every=4))
    assert sorted(set(parquet.read_table(path)["step"].to_pylist())) == [0, 4, 8]
    assert run.hash == ecosim.run("classroom", 1, 9).hash


def test_unknown_column_is_told(tmp_path: Path) -> None:
    """A column that does not exist is named, with the nearest one; nothing is written."""
    with pytest.raises(ScenarioError, match="no column 'capitol'; did you mean 'capital'"):
        OrganisationSeries(tmp_path / "x.parquet", ("capitol",))
    assert not list(tmp_path.iterdir())
