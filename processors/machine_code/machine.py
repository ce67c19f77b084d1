"""What machine code is made for: a processor, a Python and a numba, by which it is found again."""

import sys
from functools import cache
from typing import Any

import llvmlite
import numba

FORMAT = 1
"""Of what is kept: another number finds nothing that was kept before."""

GENERIC = ("generic", "")
"""Processor and features of code that any processor of its architecture runs."""

_config: Any = numba.config


@cache
def made_with() -> str:
    """The programs that made it, and the options that change what they make."""
    options = (_config.OPT, _config.BOUNDSCHECK, _config.DEBUGINFO_DEFAULT, _config.LOOP_VECTORIZE)
    return (
        f"{FORMAT} {sys.implementation.cache_tag} numba {numba.__version__} llvmlite {llvmlite.__version__} {options}"
    )


def runnable(codegen: Any) -> list[str]:
    """Descriptions of the machine code that runs here, the best first: that of this processor, and the generic."""
    triple, processor, features = codegen.magic_tuple()
    own, generic = f"{triple} {processor} {features}", f"{triple} {' '.join(GENERIC)}"
    return [own] if own == generic else [own, generic]
