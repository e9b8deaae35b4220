"""The one decorator for rules that run at compiled speed, and where their machine code is kept.

A rule is a plain Python function over arrays. ``@compiled`` hands it to Numba; with ``NUMBA_DISABLE_JIT=1`` it
stays plain Python and is its own reference.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from llvmlite.binding import parse_assembly  # type: ignore[import-untyped]
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a rule on its first call and keep the machine code for later processes.

    Numba's own ``cache=True`` looks at the age of one file and so keeps machine code that calls an older version
    of a rule in another file. Here the key is the content of the file and of all it imports, so a rule that changed
    is compiled again wherever it is called, and a copy of the engine elsewhere finds the code too.
    """
    return _compiled(function, allocates=True, inline=False)


def allocation_free(function: Function) -> Function:
    """Compile a rule that makes no array, so that it can do without counting references; see `compiled`.

    A table is a tuple of some sixty arrays. Counting a reference to each at every branch of every call took a hundred
    times as long as the rule itself.
    """
    return _compiled(function, allocates=False, inline=False)


def inlined(function: Function) -> Function:
    """Compile an allocation-free rule into those that call it; LLVM finds a generator of ten rounds too long for that."""
    return _compiled(function, allocates=False, inline=True)


def _compiled(function: Function, allocates: bool, inline: bool) -> Function:
    if numba.config.DISABLE_JIT:
        function.compiled = True  # type: ignore[attr-defined]
        return function
    return Rule(function, allocates, inline)  # type: ignore[return-value]


def is_compiled(rule: Any) -> bool:
    """Return whether a rule is one for compiled code, which takes tables and numbers and no model."""
    return bool(getattr(rule, "compiled", False))


class Rule:
    """A compiled rule: other rules call its machine code, Python calls it through a gate made when it is first needed.

    The gate from Python to a rule that takes whole tables costs five times as long to compile as the rule.
    """

    compiled = True

    def __init__(self, function: Callable[..., Any], allocates: bool, inline: bool) -> None:
        functools.update_wrapper(self, function)
        self.__code__ = function.__code__
        self.py_func = function
        # Each option is stated, since one left out is taken over from the rule whose compilation comes upon this one.
        self._options = {"nogil": True, "error_model": "numpy", "_nrt": allocates, "forceinline": inline, "no_cfunc_wrapper": True}  # fmt: skip

    @functools.cached_property
    def code(self) -> Any:
        """The rule as other rules call it; made when it is first asked for, since most are called by kept machine code only."""
        return self._dispatcher(_RuleCache)

    @functools.cached_property
    def apart(self) -> Any:
        """The rule as it is called by its address; see `ecosim.native.call_by_address`."""
        return self._dispatcher(_ApartCache)

    @functools.cached_property
    def _numba_type_(self) -> Any:
        """What Numba asks an object for that a rule names: the type of its machine code."""
        return numba.types.Dispatcher(self.code)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Run the rule from Python."""
        return self.gate(*arguments, **named)

    def __deepcopy__(self, memo: Any) -> Rule:
        return self

    @functools.cached_property
    def gate(self) -> Any:
        """The rule as Python calls it."""
        return self._dispatcher(_GateCache)

    def _dispatcher(self, cache: type[_RuleCache]) -> Any:
        dispatcher = numba.njit(no_cpython_wrapper=cache is not _GateCache, **self._options)(self.py_func)
        if cache_directory() is not None and Path(self.__code__.co_filename).is_file():
            dispatcher._cache = cache(self.py_func)
        # Numba would compile a rule anew for each constant that another rule calls it with.
        resolve = dispatcher.get_call_template
        dispatcher.get_call_template = lambda arguments, named: resolve(
            [numba.types.unliteral(kind) for kind in arguments],
            {name: numba.types.unliteral(kind) for name, kind in named.items()},
        )
        return dispatcher


@functools.cache
def cache_directory() -> Path | None:
    """The first writable one of ``$ECOSIM_CACHE_DIR``, the user's cache and the temporary directory; else None."""
    candidates = [
        os.environ.get("ECOSIM_CACHE_DIR"),
        os.path.join(os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME") or "~/.cache", "ecosim"),
        os.path.join(tempfile.gettempdir(), f"ecosim-{getattr(os, 'getuid', lambda: 0)()}"),
    ]
    for candidate in candidates:
        if candidate:
            path = Path(candidate).expanduser()
            try:
                path.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryFile(dir=path):
                    return path
            except (OSError, RuntimeError):
                continue
    return None


@functools.cache
def _sources(path: Path) -> frozenset[Path]:
    """The file and every file of the engine that it imports, directly or not."""
    package = Path(__file__).parent
    found = {path}
    for line in re.findall(
        r"^(?:from|import) ecosim[^\n(]*(?:\([^)]*\))?", path.read_text(encoding="utf-8"), re.MULTILINE
    ):
        words = re.findall(r"[\w.]+", line)
        modules = [words[1]] + [f"{words[1]}.{word}" for word in words[3:]]
        for module in modules:
            source = package.joinpath(*module.split(".")[1:]).with_suffix(".py")
            if source.is_file() and source != path:
                found |= {source} | _sources(source)
    return frozenset(found)


class _EngineLocator(_CacheLocator):  # type: ignore[misc]
    """Tells Numba where the machine code of one function lies and which sources it was made from."""

    suffix = ""

    def __init__(self, function: Callable[..., Any], source: str) -> None:
        digest = hashlib.sha256()
        for path in sorted(_sources(Path(source))):
            digest.update(path.read_bytes())
        self._stamp = digest.hexdigest()[:16]
        self._line = function.__code__.co_firstlineno

    def get_cache_path(self) -> str:
        """Return the directory of the machine code."""
        return str(cache_directory())

    def get_source_stamp(self) -> str:
        """Return what must be unchanged for the kept machine code to be valid."""
        return self._stamp

    def get_disambiguator(self) -> str:
        """Return what tells functions of one name, and versions of one function, apart."""
        return f"{self._line}-{self._stamp}{self.suffix}"

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> _EngineLocator | None:
        """Return a locator, or None for a function typed at a prompt."""
        return cls(py_func, py_file) if Path(py_file).is_file() else None


class _GateLocator(_EngineLocator):
    suffix = "-gate"


class _ApartLocator(_EngineLocator):
    suffix = "-apart"


class _RuleCacheImplementation(CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = [_EngineLocator]


class _UnlinkedCacheImplementation(CompileResultCacheImpl):  # type: ignore[misc]
    """Keeps of code that no other rule links what runs, not what a linker needs, which takes as long to read again."""

    def reduce(self, result: Any) -> Any:
        """Return what is kept of a compiled function."""
        (name, kind, (code, _)), *rest = super().reduce(result)
        # Numba asks this module, and no other, whether the code has a function of a name.
        names = (result.fndesc.llvm_func_name, result.fndesc.llvm_cpython_wrapper_name)
        module = "\n".join(f'define void @"{each}"() {{ unreachable }}' for each in names)
        return (name, kind, (code, parse_assembly(module).as_bitcode())), *rest


class _GateCacheImplementation(_UnlinkedCacheImplementation):
    _locator_classes = [_GateLocator]


class _ApartCacheImplementation(_UnlinkedCacheImplementation):
    _locator_classes = [_ApartLocator]


class _RuleCache(FunctionCache):  # type: ignore[misc]
    """Machine code that cannot be read, damaged or made for a role file that is not there now, is made anew."""

    _impl_class = _RuleCacheImplementation

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return kept machine code, None for none."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep machine code; a full or read-only disk costs time later, not the run."""
        try:
            super().save_overload(sig, data)
        except OSError:
            return
        except Exception:
            self.flush()
            super().save_overload(sig, data)


class _GateCache(_RuleCache):
    _impl_class = _GateCacheImplementation


class _ApartCache(_RuleCache):
    _impl_class = _ApartCacheImplementation
