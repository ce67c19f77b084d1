"""A hash index with linear probing, from keys to places.

Source: Knuth, *The Art of Computer Programming* 3, section 6.4, algorithms L and R.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from processors.arrays import Index, IntArray
from processors.compiled import borrowing, inlined
from processors.settlement.layout import NONE, Records


@borrowing
def reindex(larger: IntArray, index: IntArray, rows: Records) -> None:
    """Insert all entries of `index` into `larger`."""
    for place in index:
        if place != NONE:
            put(larger, rows[place]["hash"], place)


@inlined
def put(index: IntArray, key: Any, place: Index) -> None:
    """Insert `place` under `key`; there must be a free slot."""
    mask = len(index) - 1
    at = np.int64(key & np.uint64(mask))
    while index[at] != NONE:
        at = (at + 1) & mask
    index[at] = place


@borrowing
def take_out(index: IntArray, rows: Records, place: Index) -> None:
    """Remove `place`; entries displaced by it move up, so that there are no tombstones."""
    mask = len(index) - 1
    at = np.int64(rows[place]["hash"] & np.uint64(mask))
    while index[at] != place:
        at = (at + 1) & mask
    hole = at
    while True:
        at = (at + 1) & mask
        if index[at] == NONE:
            break
        # an entry may move back into the hole unless its home slot lies after the hole
        home = np.int64(rows[index[at]]["hash"] & np.uint64(mask))
        if ((at - home) & mask) >= ((at - hole) & mask):
            index[hole] = index[at]
            hole = at
    index[hole] = NONE


def index_with_room(index: IntArray, rows: Records, room: int) -> IntArray:
    """The same index, or a larger one that is at most half full with `room` entries."""
    if len(index) >= 2 * room:
        return index
    larger = np.full(1 << int(2 * int(room)).bit_length(), NONE, dtype=np.int32)
    reindex(larger, index, rows)
    return larger


def grown(array: NDArray[Any], room: int) -> NDArray[Any]:
    """The same array, or a larger copy if it has fewer than `room` elements."""
    if len(array) >= room:
        return array
    larger = np.zeros((max(int(room), 2 * len(array)), *array.shape[1:]), dtype=array.dtype)
    larger[: len(array)] = array
    return larger
