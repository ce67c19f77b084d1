"""Typed decorators for numba: they mark compiled functions, and keep their types visible to mypy.

A function that Python calls becomes one unit of machine code, including everything it calls (`machine_code.linking`).
It is cached for later runs (`machine_code.places`) under the digest of its sources. Compilation is the only thing here
that accesses a disk, and no result depends on it.
"""

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, ParamSpec, TypeVar, cast

import numba

from processors.machine_code.by_reference import by_reference
from processors.machine_code.dispatching import Dispatching
from processors.machine_code.numba_core import BORROWS, COUNTS_REFERENCES, INLINED_BY_LLVM

__all__ = ["borrowing", "by_reference", "compiled", "fused", "inlined"]

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at the first call, and cache the machine code for later runs.

    Without fast-math and threads, so that equal inputs give equal bytes. It releases the interpreter's lock, so that a
    fit of seconds delays no heartbeat.
    """
    return _dispatching(function, COUNTS_REFERENCES)


def borrowing(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function that only borrows its caller's arrays: it neither creates nor returns arrays.

    This disables reference counting, which numba does by atomic additions at each use of an array in a tuple:
    settlement took twice as long with it. Creating an array is a compile-time error; returning one is detected by
    `tests/test_compiled.py`.
    """
    return _dispatching(function, BORROWS)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Inline into every caller, so that members of a tuple are not unpacked again."""
    return cast("Callable[P, R]", numba.njit(inline="always")(function))


def fused(function: Callable[P, R]) -> Callable[P, R]:
    """Let LLVM inline the machine code into every caller: for small functions that call each other.

    Unlike an `inlined` function it may have several return statements, and costs callers less compile time. Like a
    `borrowing` function it only borrows arrays.
    """
    return _dispatching(function, {**BORROWS, **INLINED_BY_LLVM})


def _dispatching(function: Callable[P, R], options: Mapping[str, Any]) -> Callable[P, R]:
    return cast(
        "Callable[P, R]", Dispatching(cast("FunctionType", function), {"nopython": True, "nogil": True, **options})
    )
