"""Sums of engagement by bucket of event time, variant and co-cluster: input of the engagement task."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from processors.arrays import BoolArray, FloatArray, IntArray
from processors.calibration_sums import Compared, as_rows, calibration_sums
from processors.drift.evidence import block_evidence, evidence_message
from schemas.monitoring import EngagementSums

YARDSTICK_MS = 30_000
"""A stream of 30 s counts for the stream rate: one measure for all variants, whatever their reward."""

Cell = tuple[str, int, int]


class Variants(NamedTuple):
    """Arms of a test: entry i was shown in `names[number[i]]`."""

    names: Sequence[str]
    number: IntArray  # [n]


class SettledColumns(NamedTuple):
    """n exposures that have settled, at `event_ms`."""

    event_ms: IntArray
    variant: Variants
    user_group: IntArray
    card_group: IntArray  # -1 if the card is unknown
    played_ms: IntArray
    is_discovery: BoolArray
    is_sure: BoolArray  # propensity 1


class StreamColumns(NamedTuple):
    """n streams that have ended, at `event_ms`; x is log1p(seconds)."""

    event_ms: IntArray
    variant: Variants
    user_group: IntArray
    card_group: IntArray  # -1 if the card is unknown
    seconds: FloatArray
    x: FloatArray

    def some(self, chosen: IntArray) -> "StreamColumns":
        """The chosen ones, in order."""
        if len(chosen) == len(self.event_ms):
            return self
        return StreamColumns(
            event_ms=self.event_ms[chosen],
            variant=Variants(self.variant.names, self.variant.number[chosen]),
            user_group=self.user_group[chosen],
            card_group=self.card_group[chosen],
            seconds=self.seconds[chosen],
            x=self.x[chosen],
        )


class CorrectionColumns(NamedTuple):
    """n corrections of settled exposures, at `event_ms`: from `previous_ms` to `played_ms`."""

    event_ms: IntArray
    variant: Variants
    user_group: IntArray
    card_group: IntArray  # -1 if the card is unknown
    previous_ms: IntArray
    played_ms: IntArray


class _Sums(Struct):
    exposures: float = 0.0
    streamed: float = 0.0
    streams: float = 0.0
    played_s: float = 0.0
    log_total: float = 0.0
    log_squares: float = 0.0
    discovered: float = 0.0
    sure: float = 0.0


class Engagement:
    """Sums of one partition since the last message; a bucket is named by the event time of its beginning.

    >>> engagement = Engagement(bucket_length_ms=1_000)
    >>> engagement.add_streams(StreamColumns(np.array([1_700]), Variants(("learning",), np.array([0])), np.array([0]),
    ...     np.array([2]), seconds=np.array([31.0]), x=np.array([3.5])))
    >>> engagement.add_corrections(CorrectionColumns(np.array([1_750]), Variants(("learning",), np.array([0])),
    ...     np.array([0]), np.array([2]), previous_ms=np.array([0]), played_ms=np.array([31_000])))
    >>> message, = engagement.hand_over("p0", watermark_ms=1_600, generation=1, counters={})
    >>> message.bucket_ms, message.card_group, message.streamed, message.log_total
    (1000, (2,), (1.0,), (3.5,))
    """

    def __init__(self, bucket_length_ms: int) -> None:
        self.bucket_length_ms = bucket_length_ms
        self._cells: dict[int, dict[Cell, _Sums]] = {}
        self._evidence: dict[int, FloatArray] = {}
        self._impressions: Counter[int] = Counter()
        self._calibration: dict[int, FloatArray] = {}
        self._reported: Counter[str] = Counter()

    def add_settled(self, settled: SettledColumns) -> None:
        """Count settled exposures. Those of cards that the listener had not streamed recently are discoveries."""
        cells = self._cells_of(settled.event_ms, settled.variant, settled.user_group, settled.card_group)
        columns = None, settled.played_ms >= YARDSTICK_MS, settled.is_discovery, settled.is_sure
        for sums, exposures, *counts in zip(self._found(cells), *map(cells.sums, columns), strict=True):
            sums.exposures += exposures
            sums.streamed += counts[0]
            sums.discovered += counts[1]
            sums.sure += counts[2]

    def add_impressions(self, event_ms: IntArray) -> None:
        """Count settled pages, at `event_ms`."""
        self._impressions.update((event_ms // self.bucket_length_ms * self.bucket_length_ms).tolist())

    def add_corrections(self, corrected: CorrectionColumns) -> None:
        """Count corrections that reach the threshold only now."""
        cells = self._cells_of(corrected.event_ms, corrected.variant, corrected.user_group, corrected.card_group)
        reach = (corrected.previous_ms < YARDSTICK_MS) & (corrected.played_ms >= YARDSTICK_MS)
        for sums, streamed in zip(self._found(cells), cells.sums(reach), strict=True):
            sums.streamed += streamed

    def add_streams(self, streams: StreamColumns) -> None:
        """Count ended streams."""
        cells = self._cells_of(streams.event_ms, streams.variant, streams.user_group, streams.card_group)
        columns = (None, streams.seconds, streams.x, streams.x**2)
        for sums, count, seconds, x, squares in zip(self._found(cells), *map(cells.sums, columns), strict=True):
            sums.streams += count
            sums.played_s += seconds
            sums.log_total += x
            sums.log_squares += squares

    def add_evidence(
        self,
        event_ms: IntArray,
        user_weights: FloatArray,
        card_weights: FloatArray,
        x: FloatArray,
        expected: FloatArray,
    ) -> None:
        """Count evidence of ended streams [n]: soft groups [n, G] and [n, K], log1p(seconds), and their expectation."""
        buckets = event_ms // self.bucket_length_ms * self.bucket_length_ms
        for bucket_ms in np.unique(buckets).tolist():
            chosen = buckets == bucket_ms
            sums = block_evidence(user_weights[chosen], card_weights[chosen], x[chosen], expected[chosen])
            self._evidence[bucket_ms] = self._evidence.get(bucket_ms, 0.0) + sums

    def add_calibration(self, event_ms: IntArray, compared: Compared) -> None:
        """Count expected and realised rewards, known at `event_ms` [n]."""
        buckets = event_ms // self.bucket_length_ms * self.bucket_length_ms
        for bucket_ms in np.unique(buckets).tolist():
            sums = calibration_sums(compared, np.flatnonzero(buckets == bucket_ms))
            self._calibration[bucket_ms] = self._calibration.get(bucket_ms, 0.0) + sums

    def report_from(self, counters: Counter[str]) -> None:
        """Treat these counters as reported, because they were when the state was written."""
        self._reported = Counter(counters)

    def hand_over(
        self, source: str, *, watermark_ms: int, generation: int, counters: "Counter[str] | dict[str, int]"
    ) -> Iterator[EngagementSums]:
        """One message per changed bucket; increments of the counters go with the last."""
        risen = {name: count - self._reported[name] for name, count in sorted(counters.items())}
        risen = {name: count for name, count in risen.items() if count}
        self._reported = Counter(counters)
        buckets = sorted(self._cells.items())
        evidence, self._evidence = self._evidence, {}
        impressions, self._impressions = self._impressions, Counter()
        calibration, self._calibration = self._calibration, {}
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
                sure=tuple(cell.sure for cell in sums),
                impressions=impressions[bucket_ms],
                evidence=evidence_message(evidence[bucket_ms]) if bucket_ms in evidence else None,
                counters=risen if number == len(buckets) else {},
                calibration=as_rows(calibration[bucket_ms]) if bucket_ms in calibration else (),
            )

    def _cells_of(self, event_ms: IntArray, variant: Variants, user_group: IntArray, card_group: IntArray) -> "_Cells":
        buckets, bucket = np.unique(event_ms // self.bucket_length_ms, return_inverse=True)
        groups, kinds = int(user_group.max(initial=0)) + 1, int(card_group.max(initial=0)) + 2
        code = ((bucket * len(variant.names) + variant.number) * groups + user_group) * kinds + card_group + 1
        found, inverse = np.unique(code, return_inverse=True)
        rest, card = np.divmod(found, kinds)
        rest, group = np.divmod(rest, groups)
        which, name = np.divmod(rest, len(variant.names) or 1)
        cells = zip(
            [variant.names[number] for number in name.tolist()], group.tolist(), (card - 1).tolist(), strict=True
        )
        return _Cells((buckets[which] * self.bucket_length_ms).tolist(), list(cells), inverse)

    def _found(self, cells: "_Cells") -> Iterator[_Sums]:
        return map(self._sums, cells.bucket_ms, cells.cell)

    def _sums(self, bucket_ms: int, cell: Cell) -> _Sums:
        cells = self._cells.setdefault(bucket_ms, {})
        sums = cells.get(cell)
        if sums is None:
            sums = cells[cell] = _Sums()
        return sums


class _Cells(NamedTuple):
    """The distinct cells [c] of columns [n], and the cell of each entry."""

    bucket_ms: list[int]
    cell: list[Cell]
    inverse: IntArray

    def sums(self, column: "FloatArray | BoolArray | None") -> list[float]:
        """Sums by cell; without a column, the number of entries."""
        totals: list[float] = np.bincount(self.inverse, column, minlength=len(self.cell)).tolist()
        return totals
