"""Describes the target of machine code: processor, Python and numba."""

import sys
from functools import cache
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numba

from processors.machine_code.numba_core import get_host_cpu_features

FORMAT = 2
"""Version of the file format and of the way arguments are passed; files of other versions are ignored."""

GENERIC = ("generic", "")
"""Processor and features for code that runs on any processor of the architecture."""

_config: Any = numba.config


@cache
def made_with() -> str:
    """Versions of the compilers, and options that affect the code."""
    names = ("OPT", "BOUNDSCHECK", "DEBUGINFO_DEFAULT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "USING_SVML")
    options = tuple(getattr(_config, name) for name in names)
    return (
        f"{FORMAT} {sys.implementation.cache_tag} numba {numba.__version__} llvmlite {llvmlite.__version__} {options}"
    )


def generic_machine() -> str:
    """Description of the generic target of this architecture."""
    return f"{llvm.get_process_triple()} {' '.join(GENERIC)}"


@cache
def runnable() -> tuple[str, ...]:
    """Descriptions of usable targets, best first: this processor, and the generic one."""
    processor = _config.CPU_NAME or llvm.get_host_cpu_name()
    features = get_host_cpu_features() if _config.CPU_FEATURES is None else _config.CPU_FEATURES
    own, generic = f"{llvm.get_process_triple()} {processor} {features}", generic_machine()
    return (own,) if own == generic else (own, generic)
