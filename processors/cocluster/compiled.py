"""One typed door to numba: which functions are compiled is readable, and mypy still sees their types."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at the first call, and keep the machine code beside the module for later runs.

    No fast-math and no threads: the same inputs give the same bytes.
    """
    return cast("Callable[P, R]", numba.njit(cache=True)(function))


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile into every caller: what a caller has taken out of a tuple is not taken out again."""
    return cast("Callable[P, R]", numba.njit(inline="always")(function))
