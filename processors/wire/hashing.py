"""A 64-bit hash of a span of bytes: eight bytes at a time by multiplication and shift, the same on every machine.

It is meant for tables in memory. It does not resist deliberate collisions, so lookups compare the bytes as well.
"""

import numpy as np

from processors.arrays import Address, Offset
from processors.compiled import fused
from processors.wire.loads import word_at

_ODD, _FIRST, _SECOND = (
    np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53)
)  # golden ratio, and the finalizer of MurmurHash3
_ALL = np.uint64(2**64 - 1)
_EIGHT, _HALF, _LAST = np.uint64(8), np.uint64(32), np.uint64(29)


@fused
def hash_of(origin: Address, start: Offset, end: Offset) -> np.uint64:
    """Hash of the bytes from `start` to `end` at address `origin`; eight more must be readable."""
    code = np.uint64(end - start) * _ODD
    at = int(start)
    while at + 8 <= end:
        code = (code ^ word_at(origin, at)) * _FIRST
        code ^= code >> _HALF
        at += 8
    if at < end:
        word = word_at(origin, at) & (_ALL >> (_EIGHT * np.uint64(8 - (end - at))))
        code = (code ^ word) * _FIRST
        code ^= code >> _HALF
    code *= _SECOND
    return code ^ (code >> _LAST)
