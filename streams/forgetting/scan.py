"""Scans a topic's records for listeners: what compaction keeps, and what expires, and when."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from schemas.topics import Role, Topic
from streams.auditing.reading import LogRecord
from streams.forgetting.traces import Traces

DAY_MS = 24 * 3_600_000
Place = tuple[int, bytes | None]


class Found(Struct, frozen=True, kw_only=True):
    """Records of a topic with their ids. `kept` ones stay until overwritten; `leaving` ones expire as `leaves` states.

    `latest` counts keys whose newest record has a value; `where` are the keys of the newest records kept.
    """

    topic: str
    records: int
    latest: int
    kept: int
    leaving: int
    leaves: str
    where: tuple[bytes, ...] = ()

    def figures(self) -> dict[str, Any]:
        """As a result: expiry, if anything expires, and keys as text, if any record is kept.

        >>> Found(topic="t", records=9, latest=4, kept=0, leaving=0, leaves="after 7 days").figures()
        {'records': 9, 'latest': 4, 'kept': 0, 'leaving': 0}
        """
        figures: dict[str, Any] = {name: getattr(self, name) for name in ("records", "latest", "kept", "leaving")}
        if self.leaving:
            figures["leaves"] = self.leaves
        if self.kept:
            figures["where"] = [key.decode(errors="replace") for key in self.where]
        return figures

    def line(self) -> str:
        """As a row of a table.

        >>> Found(topic="t", records=9, latest=4, kept=0, leaving=2, leaves="after 7 days").line().split(maxsplit=5)
        ['t', '9', '4', '0', '2', 'after 7 days']
        """
        leaves = self.leaves if self.leaving else ""
        return f"{self.topic:<20} {self.records:>10,} {self.latest:>10,} {self.kept:>6,} {self.leaving:>8,}  {leaves}"


HEADING = f"{'topic':<20} {'records':>10} {'latest':>10} {'kept':>6} {'leaving':>8}"


class Scan:
    """Scans the committed records of one topic in order.

    >>> from schemas.topics import TOPICS
    >>> scan = Scan(TOPICS["shelf-rankings"], Traces(["u1"]))
    >>> for value in (b"{}", b"{}", None): scan.take(LogRecord("shelf-rankings", 0, 0, b"u1", value))
    >>> scan.found().kept, scan.found().leaving
    (0, 3)
    """

    def __init__(self, topic: Topic, traces: Traces) -> None:
        self._topic = topic
        self._traces = traces
        self._records = self._hits = 0
        self._latest: set[Place] = set()
        self._kept: set[Place] = set()

    def take(self, record: LogRecord) -> None:
        """Scan one record."""
        is_hit = self._names(record)
        self._records += 1
        self._hits += is_hit
        place = (record.partition, record.key)
        if record.value is None:
            self._latest.discard(place)
            self._kept.discard(place)
        elif self._topic.is_compacted:
            self._latest.add(place)
            (self._kept.add if is_hit else self._kept.discard)(place)

    def found(self) -> Found:
        """The findings so far."""
        is_compacted = self._topic.is_compacted
        return Found(
            topic=self._topic.name,
            records=self._records,
            latest=len(self._latest) if is_compacted else 0,
            kept=len(self._kept),
            leaving=self._hits - len(self._kept),
            leaves=leaving_of(self._topic),
            where=tuple(sorted(key or b"" for _, key in self._kept)),
        )

    def _names(self, record: LogRecord) -> bool:
        key, value, headers = record.key or b"", record.value, record.headers
        if self._topic.role is Role.STATE:
            return self._traces.in_state(key, value, headers)
        return self._traces.in_record(key, value, headers)


def leaving_of(topic: Topic) -> str:
    """How and when other records expire.

    >>> from schemas.topics import TOPICS
    >>> leaving_of(TOPICS["outcomes"]), leaving_of(TOPICS["shelf-rankings"])
    ('by retention, after 7 days', 'by compaction; null values a day later')
    """
    if topic.is_compacted:
        return "by compaction; null values a day later"
    return f"by retention, after {topic.retention_ms / DAY_MS:g} days"


def scanned(topic: Topic, traces: Traces, records: Iterable[LogRecord]) -> Found:
    """Scan these records."""
    scan = Scan(topic, traces)
    for record in records:
        scan.take(record)
    return scan.found()
