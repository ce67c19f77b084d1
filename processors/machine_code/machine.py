"""What machine code is made for: a processor, a Python and a numba, by which it is found again."""

import sys
from functools import cache
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numba

from processors.machine_code.numba_core import get_host_cpu_features

FORMAT = 1
"""Of what is kept: another number finds nothing that was kept before."""

GENERIC = ("generic", "")
"""Processor and features of code that any processor of its architecture runs."""

_config: Any = numba.config


@cache
def made_with() -> str:
    """The programs that made it, and the options that change what they make."""
    names = ("OPT", "BOUNDSCHECK", "DEBUGINFO_DEFAULT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "USING_SVML")
    options = tuple(getattr(_config, name) for name in names)
    return (
        f"{FORMAT} {sys.implementation.cache_tag} numba {numba.__version__} llvmlite {llvmlite.__version__} {options}"
    )


def generic_machine() -> str:
    """Description of what any processor of this architecture runs."""
    return f"{llvm.get_process_triple()} {' '.join(GENERIC)}"


@cache
def runnable() -> tuple[str, ...]:
    """Descriptions of the machine code that runs here, the best first: that of this processor, and the generic."""
    processor = _config.CPU_NAME or llvm.get_host_cpu_name()
    features = get_host_cpu_features() if _config.CPU_FEATURES is None else _config.CPU_FEATURES
    own, generic = f"{llvm.get_process_triple()} {processor} {features}", generic_machine()
    return (own,) if own == generic else (own, generic)
