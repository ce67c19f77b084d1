"""Sums of engagement by bucket of event time, variant and co-cluster: what the model task watches."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from msgspec import Struct

from processors.cocluster.arrays import FloatArray, IntArray
from processors.drift.evidence import block_evidence, evidence_message
from processors.settlement.exposure_columns import ExposureColumns
from schemas.monitoring import EngagementSums

YARDSTICK_MS = 30_000
"""A stream of 30 s counts for the stream rate: one yardstick for all variants, whatever each is rewarded for."""

Cell = tuple[str, int, int]


class _Sums(Struct):
    exposures: float = 0.0
    streamed: float = 0.0
    streams: float = 0.0
    played_s: float = 0.0
    log_total: float = 0.0
    log_squares: float = 0.0
    discovered: float = 0.0


class Engagement:
    """Sums of one partition since the last hand-over; a bucket is named by the event time at which it begins.

    >>> engagement = Engagement(bucket_length_ms=1_000)
    >>> engagement.add_stream(1_700, ("learning", 0, 2), seconds=31.0, x=3.5)
    >>> engagement.add_correction(1_750, ("learning", 0, 2), previous_ms=0, played_ms=31_000)
    >>> message, = engagement.hand_over("p0", watermark_ms=1_600, generation=1, counters={})
    >>> message.bucket_ms, message.card_group, message.streamed, message.log_total
    (1000, (2,), (1.0,), (3.5,))
    """

    def __init__(self, bucket_length_ms: int) -> None:
        self.bucket_length_ms = bucket_length_ms
        self._cells: dict[int, dict[Cell, _Sums]] = {}
        self._evidence: dict[int, FloatArray] = {}
        self._reported: Counter[str] = Counter()

    def add_settled(self, exposures: ExposureColumns, user_group: IntArray, card_group: IntArray) -> None:
        """Exposures have settled, of listeners in these groups [items] and cards in these [n] (-1: unknown).

        Discovered are those of cards that their listener had not streamed lately.
        """
        cells: dict[tuple[int, str, int], int] = {}
        groups = user_group.tolist()
        code = np.array(
            [
                cells.setdefault((self._bucket(item.settled_ms), item.impression.variant, group), len(cells))
                for item, group in zip(exposures.items, groups, strict=True)
            ]
        )
        kinds = int(card_group.max(initial=0)) + 2
        found, inverse = np.unique(code[exposures.item] * kinds + card_group + 1, return_inverse=True)
        streamed = np.array(exposures.played_ms) >= YARDSTICK_MS
        discovered = np.fromiter(exposures.is_discovery(), dtype=np.bool_, count=len(inverse))
        totals = [np.bincount(inverse, weights).tolist() for weights in (None, streamed, discovered)]
        named = list(cells)
        for key, *counts in zip(found.tolist(), *totals, strict=True):
            bucket_ms, variant, group = named[key // kinds]
            sums = self._sums(bucket_ms, (variant, group, key % kinds - 1))
            sums.exposures += counts[0]
            sums.streamed += counts[1]
            sums.discovered += counts[2]

    def add_correction(self, event_ms: int, cell: Cell, previous_ms: int, played_ms: int) -> None:
        """An exposure that had settled has been streamed on; it counts where it has only now reached the yardstick."""
        self._sums(event_ms, cell).streamed += previous_ms < YARDSTICK_MS <= played_ms

    def add_stream(self, event_ms: int, cell: Cell, seconds: float, x: float) -> None:
        """A stream of so many seconds has ended; x is log1p(seconds)."""
        sums = self._sums(event_ms, cell)
        sums.streams += 1.0
        sums.played_s += seconds
        sums.log_total += x
        sums.log_squares += x * x

    def add_evidence(
        self,
        event_ms: IntArray,
        user_weights: FloatArray,
        card_weights: FloatArray,
        x: FloatArray,
        expected: FloatArray,
    ) -> None:
        """Streams [n] of known cards have ended: soft groups [n, G] and [n, K], log1p(seconds), and its expectation."""
        buckets = event_ms // self.bucket_length_ms * self.bucket_length_ms
        for bucket_ms in np.unique(buckets).tolist():
            chosen = buckets == bucket_ms
            sums = block_evidence(user_weights[chosen], card_weights[chosen], x[chosen], expected[chosen])
            self._evidence[bucket_ms] = self._evidence.get(bucket_ms, 0.0) + sums

    def report_from(self, counters: Counter[str]) -> None:
        """Take these counters as already reported: they were when the state was written."""
        self._reported = Counter(counters)

    def hand_over(
        self, source: str, *, watermark_ms: int, generation: int, counters: "Counter[str] | dict[str, int]"
    ) -> Iterator[EngagementSums]:
        """One message for each bucket touched; counters go with the last, as what they rose by."""
        risen = {name: count - self._reported[name] for name, count in sorted(counters.items())}
        risen = {name: count for name, count in risen.items() if count}
        self._reported = Counter(counters)
        buckets = sorted(self._cells.items())
        evidence, self._evidence = self._evidence, {}
        self._cells = {}
        if risen and not buckets:
            buckets = [(max(0, watermark_ms) // self.bucket_length_ms * self.bucket_length_ms, {})]
        for number, (bucket_ms, cells) in enumerate(buckets, start=1):
            keys, sums = list(cells), list(cells.values())
            yield EngagementSums(
                source=source,
                bucket_ms=bucket_ms,
                watermark_ms=max(0, watermark_ms),
                generation=generation,
                variant=tuple(key[0] for key in keys),
                user_group=tuple(key[1] for key in keys),
                card_group=tuple(key[2] for key in keys),
                exposures=tuple(cell.exposures for cell in sums),
                streamed=tuple(cell.streamed for cell in sums),
                streams=tuple(cell.streams for cell in sums),
                played_s=tuple(cell.played_s for cell in sums),
                log_total=tuple(cell.log_total for cell in sums),
                log_squares=tuple(cell.log_squares for cell in sums),
                discovered=tuple(cell.discovered for cell in sums),
                evidence=evidence_message(evidence[bucket_ms]) if bucket_ms in evidence else None,
                counters=risen if number == len(buckets) else {},
            )

    def _sums(self, event_ms: int, cell: Cell) -> _Sums:
        bucket_ms = self._bucket(event_ms)
        cells = self._cells.setdefault(bucket_ms, {})
        sums = cells.get(cell)
        if sums is None:
            sums = cells[cell] = _Sums()
        return sums

    def _bucket(self, event_ms: int) -> int:
        return event_ms // self.bucket_length_ms * self.bucket_length_ms
