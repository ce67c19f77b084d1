"""How long streams lasted before a moment and since, in each co-cluster: from the co-clusters as they are told.

A message has the sums of its generation, which the learner adds to with every stream, and counts anew now and then (at
a sweep, when listeners are forgotten): then older streams weigh less, and move between co-clusters. What is added
between two messages without a recount are the streams of that time, each counted where it was placed when it came, and
these differences are what is kept. The streams of a message that came with a recount cannot be told from the others:
they are not seen, and it is said how many messages that were. No message names a listener.
"""

from typing import NamedTuple

import numpy as np
from msgspec import Struct

from processors.arrays import FloatArray
from processors.rewards.published_times import DECIMALS, times_of
from schemas.learning import CoClusters

POINTS_MAX = 96
"""Moments of a generation at which the sums are kept; the closest ones leave first."""
BYTES_MAX = 8 * 1_048_576
"""Of a generation: with many groups, fewer moments are kept."""
GENERATIONS_MAX = 4
POINTS_MIN = 8
ROUNDED = 2.0 * 0.1**DECIMALS
"""Sums may fall by so much because they are rounded."""


class _Point(NamedTuple):
    event_ms: int
    seen: FloatArray  # float32 [B, G, K], since the first message
    messages: int
    recounts: int


class Window(Struct, frozen=True, kw_only=True):
    """Streams of one co-cluster that were seen from one moment of event time to another."""

    counts: FloatArray
    """[B] bins of streaming time."""
    from_ms: int
    until_ms: int
    messages: int
    recounts: int
    """Of the messages, those whose streams are not seen."""

    @property
    def streams(self) -> float:
        """How many were seen."""
        return float(self.counts.sum())


class _Generation:
    def __init__(self, first: CoClusters) -> None:
        self.newest = times_of(first).histogram
        self.total: FloatArray = np.zeros_like(self.newest)
        room = BYTES_MAX // (4 * self.newest.size)
        self.points_max = max(POINTS_MIN, min(POINTS_MAX, room))
        self.points = [_Point(first.event_ms, self.total.astype(np.float32), 0, 0)]

    def take(self, model: CoClusters) -> None:
        told, last = times_of(model).histogram, self.points[-1]
        added = told - self.newest
        is_recount = bool(added.min() < -ROUNDED)
        if not is_recount:
            self.total += np.maximum(added, 0.0)
        self.newest = told
        point = _Point(
            max(model.event_ms, last.event_ms), self.total.astype(np.float32), last.messages + 1,
            last.recounts + is_recount,
        )  # fmt: skip
        if point.event_ms == last.event_ms and len(self.points) > 1:
            self.points.pop()
        self.points.append(point)
        if len(self.points) > self.points_max:
            self._thin()

    def _thin(self) -> None:
        """Drop the point without which the widest gap, as a share of its age, stays smallest; never the ends."""
        times = np.array([point.event_ms for point in self.points], dtype=np.float64)
        gaps, ages = times[2:] - times[:-2], times[-1] - times[1:-1] + (times[-1] - times[0]) / len(times)
        del self.points[1 + int(np.argmin(gaps / np.maximum(ages, 1.0)))]

    def window(self, user_group: int, card_group: int, first: int, last: int) -> Window:
        begin, end = self.points[first], self.points[last]
        return Window(
            counts=np.asarray((end.seen - begin.seen)[:, user_group, card_group], dtype=np.float64),
            from_ms=begin.event_ms,
            until_ms=end.event_ms,
            messages=end.messages - begin.messages,
            recounts=end.recounts - begin.recounts,
        )


class TimeWindows:
    """A fold over co-clusters, bounded in memory; `around` cuts what was seen at a moment."""

    def __init__(self) -> None:
        self._generations: dict[int, _Generation] = {}

    @property
    def kept_bytes(self) -> int:
        """Memory of all moments that are kept."""
        return sum(point.seen.nbytes for one in self._generations.values() for point in one.points)

    def take(self, model: CoClusters) -> None:
        """Process one message."""
        known = self._generations.get(model.generation)
        if known is not None and known.newest.shape[1:] == (len(model.user_prior), len(model.card_prior)):
            known.take(model)
            return
        self._generations.pop(model.generation, None)
        self._generations[model.generation] = _Generation(model)
        if len(self._generations) > GENERATIONS_MAX:
            del self._generations[next(iter(self._generations))]

    def around(
        self, generation: int, cell: tuple[int, int], *, change_ms: int, from_ms: int = 0, until_ms: int | None = None
    ) -> tuple[Window, Window] | None:
        """What was seen before the change (from `from_ms`), and since (until `until_ms`); None if nothing before it.

        Both are cut at the moments that were kept: the first one ends, and the second begins, at the last one before
        `change_ms`.
        """
        known = self._generations.get(generation)
        if known is None or cell[0] >= known.newest.shape[1] or cell[1] >= known.newest.shape[2]:
            return None
        times = [point.event_ms for point in known.points]
        cut = int(np.searchsorted(times, change_ms, side="right")) - 1
        first = max(0, int(np.searchsorted(times, from_ms, side="right")) - 1)
        last = len(times) - 1 if until_ms is None else max(cut, int(np.searchsorted(times, until_ms, side="left")))
        last = min(last, len(times) - 1)
        if cut <= first:
            return None
        return known.window(*cell, first, cut), known.window(*cell, cut, last)
