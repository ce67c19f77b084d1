"""Tests whether all strings of a list differ, by hash: a collision counts as equality. Compiled."""

import numpy as np

from processors.arrays import Address, IntArray
from processors.compiled import fused
from processors.wire.hashing import hash_of
from processors.wire.leaves import SPAN
from processors.wire.leaves import SPAN_END as END
from processors.wire.loads import number_at, offset_at, put

_SLOT, _CODE = 16, 8
_SLOTS_MIN = 16


def slots_for(count: int) -> IntArray:
    """A hash table for `count` strings: int64 [slots, 2], initially zero and never cleared.

    >>> slots_for(9).shape
    (32, 2)
    """
    return np.zeros((max(_SLOTS_MIN, 1 << (2 * count - 1).bit_length()), 2), dtype=np.int64)


@fused
def are_distinct(origin: Address, spans: Address, count: int, slots: Address, occasion: int) -> bool:
    """Whether `count` spans have distinct hashes; slots marked with another `occasion` are free."""
    size = _SLOTS_MIN
    while size < 2 * count:
        size *= 2
    for index in range(count):
        start, end = offset_at(spans, SPAN * index), offset_at(spans, SPAN * index + END)
        code = int(np.int64(hash_of(origin, start, end)))
        slot = code & (size - 1)
        while number_at(slots, _SLOT * slot) == occasion:
            if number_at(slots, _SLOT * slot + _CODE) == code:
                return False
            slot = (slot + 1) & (size - 1)
        put(slots, _SLOT * slot, occasion)
        put(slots, _SLOT * slot + _CODE, code)
    return True
