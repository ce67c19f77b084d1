"""Maps ids of the caller to slots of bounded columns; the least recently active are evicted first."""

from typing import NamedTuple

import numpy as np

from processors.arrays import IntArray
from processors.cocluster.fitting.edge_store import NONE
from processors.compiled import borrowing, by_reference

LEAVING_SHARE = 16  # one in 16 is evicted at once, to amortise the search for the least recent


@by_reference
class Roster(NamedTuple):
    """Columns by id and by slot."""

    slot_of: IntArray  # int32 [ids], NONE if unknown
    id_of: IntArray  # int64 [slots], NONE if free
    last_ms: IntArray  # int64 [slots], event time of the last activity
    free: IntArray  # int32 [slots], a stack of free slots
    free_count: IntArray  # int64 [1]


def roster(slots: int) -> Roster:
    """An empty roster; slots are assigned in ascending order."""
    return Roster(
        slot_of=np.full(1024, NONE, np.int32),
        id_of=np.full(slots, NONE, np.int64),
        last_ms=np.zeros(slots, np.int64),
        free=np.arange(slots - 1, -1, -1, dtype=np.int32),
        free_count=np.full(1, slots, np.int64),
    )


def with_room_for(known: Roster, ids: IntArray) -> Roster:
    """Grow the column of ids by doubling, if necessary."""
    highest = int(ids.max(initial=0))
    if highest < len(known.slot_of):
        return known
    grown = np.full(max(2 * len(known.slot_of), highest + 1), NONE, np.int32)
    grown[: len(known.slot_of)] = known.slot_of
    return known._replace(slot_of=grown)


@borrowing
def slot_for(identity: int, event_ms: int, known: Roster) -> int:
    """Look up or assign the slot of an id, and record its activity; NONE if all slots are in use."""
    slot = known.slot_of[identity]
    if slot == NONE:
        if known.free_count[0] == 0:
            return NONE
        known.free_count[0] -= 1
        slot = known.free[known.free_count[0]]
        known.slot_of[identity] = slot
        known.id_of[slot] = identity
        known.last_ms[slot] = event_ms
    known.last_ms[slot] = max(known.last_ms[slot], event_ms)
    return int(slot)


def least_recent(known: Roster) -> IntArray:
    """Slots of the least recently active sixteenth, in order of eviction."""
    taken = np.flatnonzero(known.id_of != NONE)
    count = max(1, len(known.id_of) // LEAVING_SHARE)
    return taken[np.argsort(known.last_ms[taken], kind="stable")[:count]]


def forget(known: Roster, slots: IntArray) -> IntArray:
    """Free the slots; returns the ids that they had."""
    ids: IntArray = known.id_of[slots]
    known.slot_of[ids] = NONE
    known.id_of[slots] = NONE
    start = int(known.free_count[0])
    known.free[start : start + len(slots)] = slots[::-1]
    known.free_count[0] += len(slots)
    return ids
