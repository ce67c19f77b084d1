"""One typed door to numba: which functions are compiled is readable, and mypy still sees their types.

A function that Python calls becomes one unit of machine code, with all that it calls inside (`machine_code.linking`);
it is kept for later runs (`machine_code.places`), and found by the sources that it is made of. To compile is the one
thing here that touches a disk, and nothing that is learned depends on it.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any, ParamSpec, TypeVar, cast

import numba

from processors.machine_code.dispatching import Dispatching

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at the first call, and keep the machine code for later runs.

    No fast-math and no threads: the same inputs give the same bytes. It lets go of the interpreter while it runs: a
    fit that takes seconds keeps no heartbeat from being sent.
    """
    return _dispatching(function, _nrt=True)


def borrowing(function: Callable[P, R]) -> Callable[P, R]:
    """Compile what only borrows the arrays of its caller: it neither makes arrays nor gives any back.

    References are not counted then. Numba counts them at each use of an array out of a tuple, by atomic additions:
    settlement took twice as long. To make an array is an error when it is compiled; to give one back is found by
    `tests/test_compiled.py`.
    """
    return _dispatching(function, _nrt=False)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile into every caller: what a caller has taken out of a tuple is not taken out again."""
    return cast("Callable[P, R]", numba.njit(inline="always")(function))


def fused(function: Callable[P, R]) -> Callable[P, R]:
    """Let the machine code be merged into every caller's: for small functions that call each other.

    Unlike what is `inlined` it may return from many places, and costs callers less time to compile. It only borrows
    arrays, like what is `borrowing`.
    """
    return _dispatching(function, _nrt=False, forceinline=True)


def _dispatching(function: Callable[P, R], **options: Any) -> Callable[P, R]:
    return cast(
        "Callable[P, R]", Dispatching(cast("FunctionType", function), {"nopython": True, "nogil": True, **options})
    )
