"""A Mesa data collector that serves what the recorder has already measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mesa import DataCollector

from ecosim.record import Quarter, Recorder

if TYPE_CHECKING:
    import pandas as pd


class Collector(DataCollector):
    """``model.datacollector``: one model reporter an outcome, measured once a quarter in compiled code.

    To collect something else, make a `mesa.DataCollector` of your own and call its ``collect(model)``.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._served: list[Quarter] = []
        self._lists: dict[str, list[float]] = {name: [] for name in recorder.outcomes}
        super().__init__()  # type: ignore[no-untyped-call]

    @property
    def model_vars(self) -> dict[str, list[float]]:
        """Outcome to its values, one a quarter."""
        quarters, served = self._recorder.quarters, self._served
        if served and (len(quarters) < len(served) or quarters[len(served) - 1] is not served[-1]):
            served.clear()
            self._lists = {name: [] for name in self._lists}
        for quarter in quarters[len(served) :]:
            served.append(quarter)
            for name, values in self._lists.items():
                values.append(quarter.metrics[name])
        return self._lists

    @model_vars.setter
    def model_vars(self, value: dict[str, list[Any]]) -> None:
        """Mesa makes an empty table at the start; there is nothing to keep of it."""

    def collect(self, model: Any) -> None:
        """Do nothing: the recorder has measured the quarter."""

    def get_model_vars_dataframe(self) -> pd.DataFrame:
        """Return a row a quarter, a column an outcome."""
        import pandas as pd

        return pd.DataFrame(self.model_vars)
