"""The hash index against a list of pairs, with keys that collide in their slot, or in all that is kept of them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from processors.arrays import IntArray
from processors.wire.hash_index import NOWHERE, candidate, home, new_index, place_in, put, take_out, with_entries

KEYS = st.sampled_from([number << 32 | low for number in (0, 1, 32, 33, 2**31, 2**32 - 1) for low in (0, 7)])


def places_of(index: IntArray, key: int) -> set[int]:
    """Places of entries that may have this key."""
    found, at = set(), candidate(index, np.uint64(key), home(index, np.uint64(key)))
    while at != NOWHERE:
        found.add(place_in(index, at))
        at = candidate(index, np.uint64(key), at + 1)
    return found


@given(st.lists(st.tuples(KEYS, st.booleans()), max_size=60))
def test_what_was_put_and_not_taken_out_is_found(steps: list[tuple[int, bool]]) -> None:
    index, kept, made = new_index(), list[tuple[int, int]](), 0
    for key, is_removal in steps:
        if is_removal and kept:
            gone = kept.pop(key % len(kept))
            take_out(index, np.uint64(gone[0]), gone[1])
        else:
            index = with_entries(index, len(kept) + 1)
            put(index, np.uint64(key), made)
            kept.append((key, made))
            made += 1
        for wanted in {one for one, _ in kept} | {key}:
            alike = {place for one, place in kept if one >> 32 == wanted >> 32}
            assert places_of(index, wanted) == alike
    assert np.count_nonzero(index) == len(kept)


def test_the_largest_place_is_kept_whole() -> None:
    index = new_index()
    put(index, np.uint64(2**64 - 1), 2**32 - 2)
    assert places_of(index, 2**64 - 1) == {2**32 - 2}
