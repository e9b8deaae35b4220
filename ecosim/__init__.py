"""Simulator of innovation ecosystems.

Public names are loaded on first use (PEP 562): ``import ecosim`` starts nothing, sets nothing and stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecosim.analysis.analyse import analyse
    from ecosim.analysis.calibration import calibrate, read_calibration
    from ecosim.analysis.calibration_file import load_calibration
    from ecosim.analysis.report import write_report
    from ecosim.compilation import compiled
    from ecosim.model import Ecosystem
    from ecosim.organisation import Organisation
    from ecosim.parameters import Parameter, ParameterGroup, ScenarioError
    from ecosim.roles import read_roles
    from ecosim.runs import run
    from ecosim.scenario import load_scenario
    from ecosim.series import OrganisationSeries
    from ecosim.studies.runner import sweep
    from ecosim.studies.store import read_failures, read_sweep
    from ecosim.studies.study import load_study

__version__ = "0.1.0"

__all__ = [
    "Ecosystem",
    "Organisation",
    "OrganisationSeries",
    "Parameter",
    "ParameterGroup",
    "ScenarioError",
    "analyse",
    "calibrate",
    "compiled",
    "load_calibration",
    "load_scenario",
    "load_study",
    "read_calibration",
    "read_failures",
    "read_roles",
    "read_sweep",
    "run",
    "sweep",
    "write_report",
]

# Public name to the module that has it.
_HOMES = {
    "Ecosystem": "ecosim.model",
    "Organisation": "ecosim.organisation",
    "OrganisationSeries": "ecosim.series",
    "Parameter": "ecosim.parameters",
    "ParameterGroup": "ecosim.parameters",
    "ScenarioError": "ecosim.parameters",
    "analyse": "ecosim.analysis.analyse",
    "calibrate": "ecosim.analysis.calibration",
    "compiled": "ecosim.compilation",
    "load_calibration": "ecosim.analysis.calibration_file",
    "load_scenario": "ecosim.scenario",
    "load_study": "ecosim.studies.study",
    "read_calibration": "ecosim.analysis.calibration",
    "read_failures": "ecosim.studies.store",
    "read_roles": "ecosim.roles",
    "read_sweep": "ecosim.studies.store",
    "run": "ecosim.runs",
    "sweep": "ecosim.studies.runner",
    "write_report": "ecosim.analysis.report",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ecosim' has no attribute '{name}'")
    value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    """List the public names too that are not loaded yet."""
    return sorted({*globals(), *__all__})
