"""The driver's typed door to numba, apart from that of the processors, of which the driver knows nothing.

Machine code is kept beside the sources, and numba looks only at the file of a compiled function to see whether it has
changed: a function compiled here calls compiled functions of its own file and of no other.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at the first call; it lets go of the interpreter while it runs."""
    try:
        made = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # nowhere to keep it
        made = numba.njit(nogil=True)(function)
    return cast("Callable[P, R]", made)
