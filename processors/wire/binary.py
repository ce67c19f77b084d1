"""Integers and short texts in bytes, little-endian: what rows of state are made of.

A text's length takes two bytes: an identifier has 256 characters at most, of six bytes each.
"""

import numpy as np

from processors.cocluster.arrays import Index, IntArray
from processors.compiled import compiled


@compiled
def put_int(out: IntArray, at: Index, value: Index, size: Index) -> int:
    """Write an integer that is not negative in so many bytes; gives the place after it."""
    rest = np.int64(value)
    for offset in range(size):
        out[at + offset] = rest & 0xFF
        rest >>= 8
    return int(at + size)


@compiled
def get_int(data: IntArray, at: Index, size: Index) -> int:
    """Read an integer of so many bytes."""
    value = np.int64(0)
    for offset in range(size - 1, -1, -1):
        value = (value << 8) | np.int64(data[at + offset])
    return int(value)


@compiled
def put_text(out: IntArray, at: Index, data: IntArray, start: Index, end: Index) -> int:
    """Write the length of a span of `data` in two bytes, and the span; gives the place after it."""
    at = put_int(out, at, end - start, 2)
    for offset in range(end - start):
        out[at + offset] = data[start + offset]
    return int(at + end - start)


@compiled
def text_end(data: IntArray, at: Index) -> int:
    """Where the text ends whose length stands at `at`; it begins two bytes after."""
    return int(at + 2 + get_int(data, at, 2))
