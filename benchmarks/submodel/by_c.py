"""The sub-model in C: `plain.c` and `vector.c`, compiled here and called through ctypes."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from submodel.start import RECORDED, Start

FOLDER = Path(__file__).parent
FLAGS = ("-O3", "-march=native", "-fopenmp-simd", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-shared", "-fPIC")


class Numbers(ctypes.Structure):
    """`Parameters` of draws.h."""

    _fields_ = [(name, ctypes.c_double) for name in (
        "contract_rate", "usefulness", "knowledge_cost", "innovation", "imitation", "quality_weight", "network_weight",
        "loyalty", "reconsider", "growth_rate", "firm_knowledge", "supplier_knowledge", "absorptive", "spread",
    )]  # fmt: skip


def compiler() -> str | None:
    """Return the C compiler, None if there is none."""
    return shutil.which("gcc") or shutil.which("cc")


@functools.cache
def library(name: str) -> ctypes.CDLL:
    """Compile one of the C files, unless that was done before, and load it."""
    sources = [FOLDER / f"{name}.c", *sorted(FOLDER.glob("*.h"))]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources) + " ".join(FLAGS).encode()).hexdigest()[:16]
    target = Path(tempfile.gettempdir()) / f"ecosim-peer-{name}-{digest}.so"
    if not target.exists():
        made = target.with_suffix(f".{os.getpid()}")  # under a name of its own until it is whole
        subprocess.run([str(compiler()), *FLAGS, str(sources[0]), "-o", str(made), "-lm"], check=True)
        made.replace(target)
    loaded = ctypes.CDLL(str(target))
    loaded.model_new.restype = ctypes.c_void_p
    whole, pointer = ctypes.c_int64, ctypes.c_void_p
    loaded.model_new.argtypes = [pointer, whole, whole, whole, whole, whole, pointer, pointer]
    loaded.model_run.argtypes = [pointer, whole, pointer]
    loaded.model_installed.argtypes = [pointer, pointer]
    loaded.model_free.argtypes = [pointer]
    return loaded


class InC:
    """The sub-model in one of the C files."""

    def __init__(self, name: str, start: Start, seed: int, numbers: dict[str, float]) -> None:
        self._library = library(name)
        values, a, b = Numbers(**numbers), np.ascontiguousarray(start.a), np.ascontiguousarray(start.b)
        self._model = self._library.model_new(
            ctypes.addressof(values),
            seed,
            start.firms,
            start.suppliers,
            start.users,
            len(a),
            a.ctypes.data,
            b.ctypes.data,
        )
        self._firms, self._records = start.firms, np.zeros((0, len(RECORDED)))

    def __del__(self) -> None:
        """Give the memory back."""
        if hasattr(self, "_model"):
            self._library.model_free(self._model)

    def run(self, quarters: int) -> None:
        """Run some quarters."""
        records = np.empty((quarters, len(RECORDED)))
        self._library.model_run(self._model, quarters, records.ctypes.data)
        self._records = np.concatenate([self._records, records])

    def records(self) -> Any:
        """Return what was recorded, (quarters, recorded)."""
        return self._records

    def installed(self) -> Any:
        """Return how many users each firm serves, (firms,)."""
        installed = np.empty(self._firms)
        self._library.model_installed(self._model, installed.ctypes.data)
        return installed
