"""A hash index with linear probing, from the hash of a key to the place of what has it: one for all tables.

An entry is one number: the upper half of the hash, and the place plus one; zero is free. The half that is kept decides
where an entry belongs, so that the index grows and shrinks without its rows, and a probe reads a row only if the halves
agree. The caller compares keys:

    at = candidate(index, key, home(index, key))
    while at != NOWHERE:
        … return place_in(index, at) if that is the one …
        at = candidate(index, key, at + 1)

Source: Knuth, *The Art of Computer Programming* 3, section 6.4, algorithms L and R.
"""

import numpy as np

from processors.arrays import Index, IntArray, Place
from processors.compiled import borrowing, fused

NOWHERE = -1
_UPPER, _LOWER, _HALF = np.int64(-(2**32)), np.int64(2**32 - 1), np.int64(32)
_SLOTS_MIN = 32


def new_index() -> IntArray:
    """An empty index.

    >>> index = with_entries(new_index(), 100)
    >>> put(index, np.uint64(2**63 + 5), 7)
    >>> place_in(index, candidate(index, np.uint64(2**63 + 5), home(index, np.uint64(2**63 + 5))))
    7
    >>> take_out(index, np.uint64(2**63 + 5), 7)
    >>> candidate(index, np.uint64(2**63 + 5), home(index, np.uint64(2**63 + 5)))
    -1
    """
    return np.zeros(_SLOTS_MIN, dtype=np.int64)


def with_entries(index: IntArray, entries: int) -> IntArray:
    """The same index, or a larger one that is at most half full with so many entries; none may exceed 2^32 - 2."""
    if len(index) >= 2 * entries:
        return index
    larger = np.zeros(1 << int(2 * int(entries)).bit_length(), dtype=np.int64)
    reindex(larger, index)
    return larger


@borrowing
def reindex(larger: IntArray, index: IntArray) -> None:
    """Insert all entries of `index` into `larger`."""
    for entry in index:
        if entry != 0:
            _insert(larger, entry)


@fused
def home(index: IntArray, key: np.uint64) -> int:
    """The slot from which to look for a key."""
    return _home_of(index, np.int64(key))


@fused
def candidate(index: IntArray, key: np.uint64, slot: Index) -> int:
    """The next slot, from `slot` on, whose entry may have this key; `NOWHERE` if there is none."""
    mask, upper = len(index) - 1, np.int64(key) & _UPPER
    slot &= mask
    while index[slot] != 0:
        if index[slot] & _UPPER == upper:
            return int(slot)
        slot = (slot + 1) & mask
    return NOWHERE


@fused
def place_in(index: IntArray, slot: Index) -> Place:
    """The place in a slot."""
    return Place((index[slot] & _LOWER) - 1)


@fused
def put(index: IntArray, key: np.uint64, place: Place) -> None:
    """Insert a place under a key; there must be a free slot."""
    _insert(index, _entry(key, place))


@borrowing
def take_out(index: IntArray, key: np.uint64, place: Place) -> None:
    """Remove a place that was inserted under this key; entries displaced by it move up, so there are no tombstones."""
    mask, entry = len(index) - 1, _entry(key, place)
    at = _home_of(index, entry)
    while index[at] != entry:
        at = (at + 1) & mask
    hole = at
    while True:
        at = (at + 1) & mask
        if index[at] == 0:
            break
        # an entry may move back into the hole unless its home slot lies after the hole
        if ((at - _home_of(index, index[at])) & mask) >= ((at - hole) & mask):
            index[hole] = index[at]
            hole = at
    index[hole] = 0


@fused
def _entry(key: np.uint64, place: Place) -> int:
    return int((np.int64(key) & _UPPER) | (place + 1))


@fused
def _home_of(index: IntArray, entry: Index) -> int:
    return int((entry >> _HALF) & (len(index) - 1))


@fused
def _insert(index: IntArray, entry: Index) -> None:
    mask, at = len(index) - 1, _home_of(index, entry)
    while index[at] != 0:
        at = (at + 1) & mask
    index[at] = entry
