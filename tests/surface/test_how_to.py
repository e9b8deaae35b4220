"""The how-to pages that change the engine are followed to the letter, in a copy of the project."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs" / "how-to" / "add-a-mechanism.md"

TRY = """
import json
import ecosim

gaps = {}
for name, settings in {"off": {"rules.conformity": False}, "on": {}, "strong": {"conformity.pull": 0.5}}.items():
    model = ecosim.Ecosystem("classroom", seed=1, audit=True, **settings)
    model.run(6)
    gaps[name] = float(model.metrics["openness_gap"].iloc[-1])
print(json.dumps({"where": ecosim.__file__, "gaps": gaps, "phases": [phase.name for phase in model.schedule]}))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the engine, roles and scenarios."""
    for folder in ("ecosim", "agents", "scenarios"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_a_mechanism_is_added_by_the_page(copy: Path) -> None:
    """Protects the page: its file and edits fit today's code, and give a mechanism with switch, parameter and outcome that works."""
    page = PAGE.read_text(encoding="utf-8")
    path, text = re.findall(r"^```python\n# ([\w/.]+)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)[0]
    (copy / path).write_text(text, encoding="utf-8")
    edits = re.findall(r"^```diff\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert len(edits) == 3
    done = subprocess.run(
        ["git", "apply", "-"], input="".join(edits).encode(), cwd=copy, check=False, capture_output=True,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(copy.parent)},
    )  # fmt: skip
    assert done.returncode == 0, f"the edits of {PAGE.name} no longer fit the code: {done.stderr.decode()}"

    environment = {**os.environ, "PYTHONPATH": str(copy), "NUMBA_DISABLE_JIT": "1"}  # nothing is compiled for a copy
    ran = subprocess.run(
        [sys.executable, "-c", TRY], cwd=copy, env=environment, check=False, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout.splitlines()[-1])
    assert Path(said["where"]).is_relative_to(copy), "the copy ran, not the project"
    assert said["phases"].index("conform") == said["phases"].index("share") + 1
    gaps = said["gaps"]
    assert 0.0 < gaps["strong"] < gaps["on"] < gaps["off"]
