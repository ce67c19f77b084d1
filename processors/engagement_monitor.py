"""The engagement task: from sums of engagement to drift alerts and engagement metrics."""

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec
import numpy as np
from msgspec import Struct

from processors.calibration_sums import EXPOSURES_MAX, as_rows, of_rows, tenths
from processors.drift.block_monitor import Change
from processors.drift.evidence import evidence_sums
from processors.drift.incidents import Block, Incident, joined
from processors.drift.monitors import Monitors
from processors.drift.settings import DriftSettings
from processors.settlement.rows import Row
from schemas.learning import CoClusters
from schemas.monitoring import BlockEvidence, DriftAlert, EngagementMetrics, EngagementSums
from schemas.variant_names import ALL_VARIANTS

PARTITION_KEY = b"p"
_BUCKET, _BLOCK = b"b/", b"m/"

_FIELDS = 7


class _Bucket(Struct, array_like=True):
    """Sums of one open bucket: by variant, in the order of a message, and evidence on the current generation."""

    variants: dict[str, list[float]] = {}
    evidence: list[list[list[float]]] = []  # [5, G, K]
    calibration: list[list[float]] = []  # rows, see `calibration_sums`

    def add_evidence(self, message: BlockEvidence) -> None:
        sums = evidence_sums(message)
        self.evidence = (sums + self.evidence if self.evidence else sums).tolist()


class _PartitionRow(Struct, array_like=True):
    generation: int
    closed_until_ms: int
    newest_ms: int
    watched_from_ms: int
    counters: dict[str, int]
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
        self.labels: tuple[str, ...] = ()
        self.counters: Counter[str] = Counter()
        self._closed_until_ms = 0
        self._newest_ms = 0
        self._watched_from_ms = 0
        self._open: dict[int, _Bucket] = {}
        self._monitors = Monitors(settings)
        self._incidents: list[Incident] = []
        self._calibration = of_rows(())
        self._changed: set[bytes] = set()
        self._written: Counter[str] = Counter()

    def put_co_clusters(self, message: CoClusters) -> None:
        """Apply labels for alerts; a new generation restarts all monitors."""
        self.labels = message.labels
        if message.generation > self.generation:
            self._start_generation(message.generation)

    def engagement(self, sums: Iterable[EngagementSums]) -> list[Struct]:
        """Add sums, and close the buckets whose time has passed."""
        for message in sums:
            self._add(message)
        messages: list[Struct] = []
        while self._open and self._is_over(min(self._open)):
            messages.extend(self._close(min(self._open)))
        return messages

    def changed_rows(self) -> Iterator[Row]:
        """Rows of state that have changed since the last call."""
        monitors = [(_BLOCK + key, value) for key, value in self._monitors.changed_rows()]
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
            self._incidents,
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
                self._incidents = row.incidents
                self._calibration = of_rows(row.calibration)
                self._written = Counter(self.counters)
            elif key.startswith(_BUCKET):
                self._open[int(key[len(_BUCKET) :])] = msgspec.msgpack.decode(value, type=_Bucket)
            else:
                self._monitors.restore(key[len(_BLOCK) :], value)

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
        discovered = message.discovered or (0.0,) * len(message.variant)
        cells = zip(message.variant, *columns, message.log_total, message.log_squares, discovered, strict=True)
        for variant, *values in cells:
            _add_to(bucket.variants, variant, values)
        bucket.calibration.extend(list(row) for row in message.calibration)
        is_current = message.generation == self.generation > 0 and bucket_ms == message.bucket_ms
        if message.evidence is not None and is_current:
            bucket.add_evidence(message.evidence)

    def _is_over(self, bucket_ms: int) -> bool:
        return bucket_ms + self.settings.bucket_length_ms + self.settings.grace_ms <= self._newest_ms

    def _close(self, bucket_ms: int) -> Iterator[Struct]:
        bucket = self._open.pop(bucket_ms)
        self._changed.add(_BUCKET + str(bucket_ms).encode())
        self._closed_until_ms = bucket_ms + self.settings.bucket_length_ms
        for variant in sorted(bucket.variants):
            yield self._metrics(variant, bucket_ms, bucket.variants[variant], {})
        self._calibration += of_rows(bucket.calibration)
        while self._calibration[:, 0].sum() > EXPOSURES_MAX:
            self._calibration /= 2.0
        every = np.array(list(bucket.variants.values())).reshape(-1, _FIELDS).sum(axis=0).tolist()
        of_all = self._metrics(ALL_VARIANTS, bucket_ms, every, dict(self.counters))
        yield msgspec.structs.replace(of_all, calibration=tenths(self._calibration))
        if bucket.evidence and bucket_ms >= self._watched_from_ms:
            for block, change in self._monitors.read(bucket_ms, np.array(bucket.evidence)):
                yield self._alert(block, change)

    def _start_generation(self, generation: int) -> None:
        self.generation = generation
        settling_ms = self.settings.settling_buckets * self.settings.bucket_length_ms
        self._watched_from_ms = self._newest_ms + settling_ms if self._newest_ms else 0
        self._monitors.clear()
        self._incidents = []
        for bucket_ms, bucket in self._open.items():
            bucket.evidence = []
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

    def _alert(self, block: Block, change: Change) -> DriftAlert:
        user_group, card_group = block
        alert_id = f"{self.generation}.{user_group}.{card_group}.{change.bucket_ms}"
        open_ms = self.settings.incident_buckets * self.settings.bucket_length_ms
        size = change.size
        return DriftAlert(
            alert_id=alert_id,
            generation=self.generation,
            user_group=user_group,
            card_group=card_group,
            label=self.labels[card_group] if card_group < len(self.labels) else f"card group {card_group}",
            detector=change.detector,
            bucket_ms=change.bucket_ms,
            bucket_count=change.bucket_count,
            before=round(size.before, 6),
            after=round(size.before + size.size, 6),
            standard_errors=round(size.departure, 3),
            incident_id=joined(self._incidents, block, change, alert_id, open_ms),
            change_ms=size.change_ms,
            size=round(size.size, 6),
            size_low=round(size.low, 6),
            size_high=round(size.high, 6),
        )


def _add_to(sums: dict[str, list[float]], name: str, values: list[float]) -> None:
    found = sums.setdefault(name, [0.0] * _FIELDS)
    for index, value in enumerate(values):
        found[index] += value
