"""Kept machine code: what was made with a file that is gone is forgotten instead of stopping everybody else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

RULE = "from ecosim.compilation import compiled\n\n\n@compiled\ndef first(pair):\n    return pair[0]\n"
KIND = "from typing import NamedTuple\n\n\nclass Pair(NamedTuple):\n    one: float\n    two: float\n"


def _call(code: str, *folders: Path) -> str:
    paths = f"import sys; sys.path[:0] = {[str(folder) for folder in folders]}\n"
    done = subprocess.run([sys.executable, "-c", paths + code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_code_kept_with_a_vanished_file_is_forgotten(tmp_path: Path) -> None:
    """A rule that a role file called with its own kind of parameters can be called without that file later."""
    rules, kinds = tmp_path / "rules", tmp_path / "kinds"
    for folder, name, text in ((rules, "rule", f"# {tmp_path}\n{RULE}"), (kinds, "kind", KIND)):
        folder.mkdir()
        (folder / f"{name}.py").write_text(text)
    hits = "from rule import first\nprint({call}, first.gate.stats.cache_hits.total())"
    with_kind = "from kind import Pair\n" + hits.format(call="first(Pair(2.0, 3.0))")
    without = hits.format(call="first((4.0, 5.0))")
    assert _call(with_kind, rules, kinds) == "2.0 0"
    assert _call(with_kind, rules, kinds) == "2.0 1", "nothing was kept: the test would miss what it is for"
    assert _call(without, rules) == "4.0 0"
    assert _call(without, rules) == "4.0 1"
