"""What is used of numba below its public interface does what is relied on, in the version that is pinned."""

import os
import re
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core.errors import NumbaError

from processors.arrays import IntArray
from processors.compiled import borrowing, compiled, fused
from processors.machine_code import numba_core
from processors.machine_code.numba_core import NUMBA_VERSION

FRESH = os.getpid()
"""A constant that makes `total` compile anew: machine code from the cache cannot be inspected."""
ROOT = Path(__file__).parent.parent.parent
PRIVATE = re.compile(r"_nrt|forceinline|\._(rebuild|reduce|create_empty_module|find_referenced_environments)\b")


@compiled
def created(size: int) -> IntArray:
    return np.zeros(size, dtype=np.int64)


@borrowing
def total(values: IntArray) -> int:
    found = FRESH - FRESH
    for value in values:
        found += _doubled(value)
    return found


@fused
def _doubled(value: int) -> int:
    return 2 * value


@borrowing
def creating(size: int) -> int:
    return len(np.zeros(size, dtype=np.int64))


def test_the_version_is_the_one_that_is_pinned_and_was_checked() -> None:
    pinned = re.search(r'"numba==([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert pinned is not None
    assert pinned[1] == NUMBA_VERSION == numba.__version__


def test_code_that_counts_references_may_create_an_array_and_code_that_borrows_may_not() -> None:
    assert created(3).tolist() == [0, 0, 0]
    assert total(np.array([1, 2])) == 6
    with pytest.raises(NumbaError):
        creating(3)


def test_a_fused_function_is_no_function_of_its_own_in_machine_code() -> None:
    total(np.array([1]))
    (text,) = total.inspect_asm().values()  # type: ignore[attr-defined]
    assert "total" in text
    assert [line for line in text.splitlines() if "_doubled" in line and "NumbaEnv" not in line] == []


def test_numba_is_used_below_its_public_interface_in_one_file_only() -> None:
    door = Path(numba_core.__file__)
    users = [
        path.name
        for path in sorted((ROOT / "processors").rglob("*.py"))
        if path != door and (PRIVATE.search(path.read_text()) or "numba.core" in path.read_text())
    ]
    assert users == []
