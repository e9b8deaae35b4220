"""Write the golden numbers anew: ``python tests/golden/renew.py``, after a rule was changed on purpose."""

from __future__ import annotations

import json

from test_golden import GOLDEN, numbers, rounded, world

if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(rounded(numbers(world())), indent=1) + "\n", encoding="utf-8")
