"""A 64-bit hash of a span of bytes: the same everywhere, good enough for tables that compare the bytes as well."""

import numpy as np

from processors.cocluster.arrays import Index, IntArray
from processors.compiled import compiled

_PRIME = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


@compiled
def hash_of(data: IntArray, start: Index, end: Index) -> np.uint64:
    state = np.uint64(end - start) * _PRIME
    word = np.uint64(0)
    filled = 0
    for place in range(start, end):
        word = (word << np.uint64(8)) | np.uint64(data[place])
        filled += 1
        if filled == 8:
            state = (state ^ word) * _MIX
            state ^= state >> np.uint64(29)
            word = np.uint64(0)
            filled = 0
    state = (state ^ word) * _MIX
    state ^= state >> np.uint64(32)
    state *= _PRIME
    return state ^ (state >> np.uint64(29))
