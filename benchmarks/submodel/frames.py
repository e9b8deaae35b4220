"""The sub-model in mesa-frames, served by a process of its own: `by_frames.py` in an interpreter that has mesa-frames."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from submodel.start import Start

PROGRAM = Path(__file__).with_name("by_frames.py")
PYTHON = "MESA_FRAMES_PYTHON"  # the environment variable that names the interpreter


class FramesMissingError(RuntimeError):
    """There is no mesa-frames; the sentence is what the interpreter said."""


class Frames:
    """A process with mesa-frames, asked for by its interpreter, ``$MESA_FRAMES_PYTHON`` or the one that runs this.

    Raises
    ------
    FramesMissingError : it cannot be started.
    """

    def __init__(self, python: str | None = None) -> None:
        command = [python or os.environ.get(PYTHON) or sys.executable, "-W", "ignore", str(PROGRAM)]
        # The reason why it did not start goes to a file: a pipe that nobody reads could fill up and stop it.
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, text=True, env=environment
            )
        except OSError as error:
            self._said.close()
            raise FramesMissingError(f"{command[0]}: {error}") from error
        self.versions = self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._said.seek(0)
            last = (self._said.read().strip().splitlines() or ["no message"])[-1]
            self.close()
            raise FramesMissingError(f"{self._process.args[0]}: {last}")  # type: ignore[index]
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, **order: Any) -> dict[str, Any]:
        """Give an order and wait for the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """Let the process end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._said.close()


class InFrames:
    """The sub-model in mesa-frames; one at a time in each process."""

    def __init__(
        self, frames: Frames, start: Start, seed: int, numbers: dict[str, float], knowledge: Any = None, absorptive: Any = None
    ) -> None:  # fmt: skip
        self._frames = frames
        arrays = {"a": start.a, "b": start.b}
        if knowledge is not None:
            arrays |= {"knowledge": knowledge, "absorptive": absorptive}
        counts = {"firms": start.firms, "suppliers": start.suppliers, "users": start.users}
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "start.npz"
            np.savez(file, **arrays)
            frames.ask(do="make", file=str(file), counts=counts, seed=seed, numbers=numbers)

    def run(self, quarters: int) -> dict[str, Any]:
        """Run some quarters; return the seconds that took, without the way there."""
        return self._frames.ask(do="run", quarters=quarters)

    def _keep(self) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "end.npz"
            self._frames.ask(do="keep", file=str(file))
            with np.load(file) as arrays:
                return {name: arrays[name] for name in arrays.files}

    def records(self) -> Any:
        """Return what was recorded, (quarters, recorded)."""
        return self._keep()["records"]

    def knowledge(self) -> Any:
        """Return what everybody knows, (firms and suppliers, domains)."""
        return self._keep()["knowledge"]

    def installed(self) -> Any:
        """Return how many users each firm serves, (firms,)."""
        return self._keep()["installed"]
