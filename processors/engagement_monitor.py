"""The engagement task: from sums of engagement to drift alerts and engagement metrics."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec
import numpy as np
from msgspec import Struct

from processors.calibration_sums import EXPOSURES_MAX, as_rows, of_rows, tenths
from processors.drift.evidence import evidence_sums
from processors.drift.incidents import Incident
from processors.drift.settings import DriftSettings
from processors.drift.watch import Watch
from processors.drift.watched_buckets import ClosedBucket, VariantCounts
from processors.settlement.state.rows import Row
from schemas.learning import CoClusters
from schemas.monitoring import BlockEvidence, EngagementMetrics, EngagementSums
from schemas.variant_names import ALL_VARIANTS, ORGANIC

PARTITION_KEY = b"p"
_BUCKET, _MONITOR = b"b/", b"w/"

_FIELDS = 8
Key = TypeVar("Key", int, str)


class _Bucket(Struct, array_like=True):
    """Sums of one open bucket: by variant, in the order of a message, and evidence on the current generation."""

    variants: dict[str, list[float]] = {}
    evidence: list[list[list[float]]] = []  # [5, G, K]
    impressions: int = 0
    user_groups: dict[int, float] = {}  # exposures, of the current generation
    organic_card_groups: dict[int, float] = {}  # streams
    calibration: dict[int, list[float]] = {}  # sums by bin, see `calibration_sums`

    def add_groups(self, message: EngagementSums) -> None:
        for group, exposures in zip(message.user_group, message.exposures, strict=True):
            self.user_groups[group] = self.user_groups.get(group, 0.0) + exposures
        for variant, group, streams in zip(message.variant, message.card_group, message.streams, strict=True):
            if variant == ORGANIC and group >= 0:
                self.organic_card_groups[group] = self.organic_card_groups.get(group, 0.0) + streams

    def forget_groups(self) -> None:
        self.evidence, self.user_groups, self.organic_card_groups = [], {}, {}

    def add_evidence(self, message: BlockEvidence) -> None:
        sums = evidence_sums(message)
        self.evidence = (sums + self.evidence if self.evidence else sums).tolist()


class _PartitionRow(Struct, array_like=True):
    generation: int
    closed_until_ms: int
    newest_ms: int
    watched_from_ms: int
    counters: dict[str, int]
    counters_before: dict[str, int] = {}  # when the newest bucket closed
    incidents: list[Incident] = []
    calibration: list[list[float]] = []


class EngagementMonitor:
    """Closes buckets as event time passes, and feeds each block's into its monitor.

    A bucket is closed when the newest watermark of any partition is `grace_ms` past its end; later sums still count in
    the totals, and are counted as late. Monitors restart with each generation, whose groups are different.
    """

    def __init__(self, settings: DriftSettings) -> None:
        self.settings = settings
        self.generation = 0
        self.counters: Counter[str] = Counter()
        self._closed_until_ms = 0
        self._newest_ms = 0
        self._watched_from_ms = 0
        self._open: dict[int, _Bucket] = {}
        self._watch = Watch(settings)
        self._counters_before: Counter[str] = Counter()
        self._calibration = of_rows(())
        self._changed: set[bytes] = set()
        self._written: Counter[str] = Counter()

    def put_co_clusters(self, message: CoClusters) -> None:
        """Apply labels for alerts; a new generation restarts all monitors."""
        self._watch.labels = message.labels
        if message.generation > self.generation:
            self._start_generation(message.generation)

    def engagement(self, sums: Iterable[EngagementSums]) -> list[Struct]:
        """Add sums, and close the buckets whose time has passed."""
        for message in sums:
            self._add(message)
        messages: list[Struct] = list(self._watch.regrouped(self.generation, self._closed_until_ms))
        while self._open and self._is_over(min(self._open)):
            messages.extend(self._close(min(self._open)))
        return messages

    def changed_rows(self) -> Iterator[Row]:
        """Rows of state that have changed since the last call."""
        monitors = [(_MONITOR + key, value) for key, value in self._watch.monitors.changed_rows()]
        if not self._changed and not monitors and self._written == self.counters:
            return
        yield from monitors
        for key in sorted(self._changed):
            bucket = self._open.get(int(key[len(_BUCKET) :]))
            yield key, None if bucket is None else msgspec.msgpack.encode(bucket)
        row = _PartitionRow(
            self.generation,
            self._closed_until_ms,
            self._newest_ms,
            self._watched_from_ms,
            dict(self.counters),
            dict(self._counters_before),
            self._watch.incidents.listed,
            [list(row) for row in as_rows(self._calibration)],
        )
        yield PARTITION_KEY, msgspec.msgpack.encode(row)
        self._changed.clear()
        self._written = Counter(self.counters)

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Restore the state that wrote these rows."""
        for key, value in rows:
            if key == PARTITION_KEY:
                row = msgspec.msgpack.decode(value, type=_PartitionRow)
                self.generation, self._closed_until_ms = row.generation, row.closed_until_ms
                self._newest_ms, self._watched_from_ms = row.newest_ms, row.watched_from_ms
                self.counters.update(row.counters)
                self._counters_before.update(row.counters_before)
                self._watch.incidents.listed = row.incidents
                self._calibration = of_rows(row.calibration)
                self._written = Counter(self.counters)
            elif key.startswith(_BUCKET):
                self._open[int(key[len(_BUCKET) :])] = msgspec.msgpack.decode(value, type=_Bucket)
            elif key.startswith(_MONITOR):
                self._watch.monitors.restore(key[len(_MONITOR) :], value)

    def _add(self, message: EngagementSums) -> None:
        self._newest_ms = max(self._newest_ms, message.watermark_ms)
        for name, count in message.counters.items():
            self.counters[name] += count
        if message.generation > self.generation:
            self._start_generation(message.generation)
        bucket_ms = message.bucket_ms
        if bucket_ms < self._closed_until_ms:
            self.counters["engagement_late"] += len(message.variant)
            bucket_ms = self._closed_until_ms
        bucket = self._open.setdefault(bucket_ms, _Bucket())
        self._changed.add(_BUCKET + str(bucket_ms).encode())
        columns = (message.exposures, message.streamed, message.streams, message.played_s)
        discovered, sure = (column or (0.0,) * len(message.variant) for column in (message.discovered, message.sure))
        logs = message.log_total, message.log_squares
        cells = zip(message.variant, *columns, *logs, sure, discovered, strict=True)
        for variant, *values in cells:
            _add_to(bucket.variants, variant, values)
        bucket.impressions += message.impressions
        for number, *sums in message.calibration:
            _add_to(bucket.calibration, int(number), sums)
        is_current = message.generation == self.generation > 0 and bucket_ms == message.bucket_ms
        if is_current:
            bucket.add_groups(message)
            if message.evidence is not None:
                bucket.add_evidence(message.evidence)

    def _is_over(self, bucket_ms: int) -> bool:
        return bucket_ms + self.settings.bucket_length_ms + self.settings.grace_ms <= self._newest_ms

    def _close(self, bucket_ms: int) -> Iterator[Struct]:
        bucket = self._open.pop(bucket_ms)
        self._changed.add(_BUCKET + str(bucket_ms).encode())
        self._closed_until_ms = bucket_ms + self.settings.bucket_length_ms
        for variant in sorted(bucket.variants):
            yield self._metrics(variant, bucket_ms, bucket.variants[variant], {})
        self._calibration += of_rows([(number, *sums) for number, sums in bucket.calibration.items()])
        while self._calibration[:, 0].sum() > EXPOSURES_MAX:
            self._calibration /= 2.0
        every = np.array(list(bucket.variants.values())).reshape(-1, _FIELDS).sum(axis=0).tolist()
        of_all = self._metrics(ALL_VARIANTS, bucket_ms, every, dict(self.counters))
        yield msgspec.structs.replace(of_all, calibration=tenths(self._calibration))
        risen = self.counters - self._counters_before
        self._counters_before = Counter(self.counters)
        if bucket_ms >= self._watched_from_ms:
            closed = ClosedBucket(
                bucket_ms=bucket_ms,
                events=bucket.impressions + every[2],
                evidence=np.array(bucket.evidence) if bucket.evidence else None,
                variants={
                    name: VariantCounts(values[0], values[1], values[-2]) for name, values in bucket.variants.items()
                },
                user_groups=bucket.user_groups,
                organic_card_groups=bucket.organic_card_groups,
                risen=risen,
            )
            yield from self._watch.read(closed, self.generation)

    def _start_generation(self, generation: int) -> None:
        self.generation = generation
        settling_ms = self.settings.settling_buckets * self.settings.bucket_length_ms
        self._watched_from_ms = self._newest_ms + settling_ms if self._newest_ms else 0
        self._watch.monitors.clear()
        for bucket_ms, bucket in self._open.items():
            bucket.forget_groups()
            self._changed.add(_BUCKET + str(bucket_ms).encode())

    def _metrics(
        self, variant: str, bucket_ms: int, values: list[float], counters: dict[str, int]
    ) -> EngagementMetrics:
        exposures, streamed, streams, played_s, *_, discovered = values
        return EngagementMetrics(
            variant=variant,
            bucket_ms=bucket_ms,
            bucket_length_ms=self.settings.bucket_length_ms,
            exposures=exposures,
            streamed=streamed,
            streams=streams,
            played_s=played_s,
            stream_rate=streamed / exposures if exposures else 0.0,
            discovery_share=discovered / exposures if exposures else 0.0,
            counters=counters,
        )


def _add_to(sums: dict[Key, list[float]], name: Key, values: list[float]) -> None:
    found = sums.setdefault(name, [0.0] * len(values))
    for index, value in enumerate(values):
        found[index] += value
