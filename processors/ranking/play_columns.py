"""The plays of many listeners in columns."""

from collections.abc import Mapping, Sequence
from itertools import chain, repeat
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from processors.arrays import FloatArray, IntArray


class Play(Struct, frozen=True, array_like=True, order=True, gc=False):
    """One stream of a listener; ordered by end time."""

    event_ms: int
    event_id: str
    card_id: str
    played_ms: int


_card_of, _played_of = attrgetter("card_id"), attrgetter("played_ms")


class PlayColumns(NamedTuple):
    """Listener i played `row[e]` for `played_s[e]` seconds, e from `offsets[i]` to `offsets[i + 1]`."""

    offsets: IntArray  # [n + 1]
    row: IntArray  # [e], rows of cards; -1 for unknown cards
    played_s: FloatArray  # [e]

    @classmethod
    def of(cls, plays: Sequence[Sequence[Play]], row: Mapping[str, int]) -> "PlayColumns":
        """Columns of these plays.

        >>> columns = PlayColumns.of([[Play(1, "s", "c1", 2_000)], []], {"c1": 7})
        >>> columns.offsets.tolist(), columns.row.tolist(), columns.played_s.tolist()
        ([0, 1, 1], [7], [2.0])
        """
        every = list(chain.from_iterable(plays))
        rows = np.fromiter(map(row.get, map(_card_of, every), repeat(-1)), dtype=np.int64, count=len(every))
        played_ms = np.fromiter(map(_played_of, every), dtype=np.float64, count=len(every))
        offsets = np.zeros(len(plays) + 1, dtype=np.int64)
        np.cumsum(np.fromiter(map(len, plays), dtype=np.int64, count=len(plays)), out=offsets[1:])
        return cls(offsets, rows, played_ms / 1_000.0)

    def of_listeners(self, chosen: IntArray) -> "PlayColumns":
        """The plays of these listeners.

        >>> columns = PlayColumns(np.array([0, 1, 3]), np.array([7, 8, 9]), np.array([1.0, 2.0, 3.0]))
        >>> columns.of_listeners(np.array([1])).row.tolist()
        [8, 9]
        """
        counts = np.diff(self.offsets)[chosen]
        offsets = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts)))
        place = np.repeat(self.offsets[chosen] - offsets[:-1], counts) + np.arange(int(offsets[-1]))
        return PlayColumns(offsets, self.row[place], self.played_s[place])

    @property
    def listener(self) -> IntArray:
        """The listener of each play [e]."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))
