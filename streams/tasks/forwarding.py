"""Forwards records to the partitions that their keys have moved to since the topics grew.

The number of partitions was an earlier one when such a record's producer last looked. The record is written to the
topic `forwarded`, in the transaction that counts it as read. The task that its key belongs to now settles nothing that
this one has not reached: `ReadProgress` follows the forwarded records in the same log. See `docs/growing.md`.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby

import msgspec
from msgspec import Struct

from schemas.codec import encode
from schemas.forwarded import FORWARDED, HEADER_FORWARDED, PROGRESS, ReadProgress, topic_in, with_topic
from streams.exactly_once.records.placement import partition_of
from streams.exactly_once.records.produced import Produced, StateRow
from streams.exactly_once.records.read_records import Record, Records

GROWN_KEY = b"grown"
TELL_MS = 1_000
"""Interval of progress, by the wall clock."""
AWAITED_MS = 15 * 60_000
"""Progress is told until no record has been forwarded for so long: clients look for new partitions every 5 minutes."""
NEAR_MS = 60_000
"""A task that reads older records than this may still have to forward some."""


class Followed(Struct, array_like=True):
    """The progress of a partition that records may come from."""

    watermark_ms: int = -1
    is_idle: bool = False


class GrownRow(Struct):
    """What a partition keeps of earlier growths: numbers of partitions, and those that it follows."""

    earlier: tuple[int, ...] = ()
    followed: dict[int, Followed] = {}
    has_told_last: bool = False


def parents_of(partition: int, earlier: Collection[int]) -> list[int]:
    """Where keys of a partition belonged under earlier numbers of partitions.

    >>> parents_of(17, (4, 12)), parents_of(1, (4, 12))
    ([1, 5], [])
    """
    return sorted({partition % count for count in earlier} - {partition})


class Forwarding:
    """Forwarding from and to one partition of `count`.

    >>> from streams.exactly_once.records.read_records import ReadRecord
    >>> old = Forwarding(0, 8, GrownRow(earlier=(4,)))
    >>> new = Forwarding(4, 8, GrownRow(earlier=(4,), followed={0: Followed(70)}))
    >>> old.forward("impressions", ReadRecord("impressions", 0, 9, 5, b"user-1", b"{}"), 5)
    True
    >>> new.forward("impressions", ReadRecord("impressions", 4, 9, 5, b"user-3", b"{}"), 5)
    False
    >>> (record,), passed_ms = old.taken(); record.partition, record.headers, passed_ms, new.held_ms
    (4, (('shelfwise.forwarded', b'impressions'),), 5, 70)
    >>> told, = old.progress(80, is_idle=False); new.note(told.value or b""); new.held_ms
    80
    >>> old.tick(0, 0); old.tick(AWAITED_MS, 0)
    >>> told, = old.progress(80, is_idle=False); new.note(told.value or b""); new.held_ms
    """

    def __init__(self, partition: int, count: int, row: GrownRow | None = None) -> None:
        self._partition, self._count = partition, count
        self._adopt(row or GrownRow())
        self._forwarded: list[Produced] = []
        self._passed_ms = -1
        self._told: ReadProgress | None = None
        self._now_ms = self._told_ms = self._newest_ms = -1  # by the wall clock
        self._is_changed = False

    @property
    def held_ms(self) -> int | None:
        """The watermark above which nothing may settle; None if nothing is awaited."""
        return min((it.watermark_ms for it in self._row.followed.values() if not it.is_idle), default=None)

    def restore(self, rows: Iterable[StateRow]) -> Iterator[StateRow]:
        """Take the own row out of these, and yield the others."""
        for row in rows:
            if row.key == GROWN_KEY and row.value is not None:
                self._adopt(msgspec.json.decode(row.value, type=GrownRow))
            else:
                yield row

    def forward(self, topic: str, record: Record, passed_ms: int) -> bool:
        """Forward a record of another partition, if it lies where its key belonged under an earlier number.

        `passed_ms` is the event time that it proves.
        """
        key = record.key or b""
        if all(partition_of(key, count) != self._partition for count in self._row.earlier):
            return False
        headers = [(name, value) for name, value in record.headers if name != HEADER_FORWARDED]
        stamp_ms = record.timestamp if record.timestamp > 0 else None
        where = partition_of(key, self._count)
        self._forwarded.append(
            Produced(FORWARDED, key, record.value, with_topic(headers, topic), where, timestamp_ms=stamp_ms)
        )
        self._newest_ms, self._passed_ms = self._now_ms, max(self._passed_ms, passed_ms)
        if self._row.has_told_last:  # too early: its producer looks for new partitions less often
            self._row.has_told_last, self._is_changed = False, True
        return True

    def taken(self) -> tuple[list[Produced], int]:
        """The records forwarded since the last call, and the newest event time that they prove."""
        taken, self._forwarded, self._passed_ms = (self._forwarded, self._passed_ms), [], -1
        return taken

    def tick(self, now_ms: int, lag_ms: int) -> None:
        """Pass on the wall clock, and how old the records are that are being read."""
        self._now_ms = now_ms
        if lag_ms > NEAR_MS or self._newest_ms < 0:
            self._newest_ms = now_ms

    def progress(self, watermark_ms: int, *, is_idle: bool) -> Iterator[Produced]:
        """Tell those who follow this partition how far it has been read, about once a second."""
        if not self._heirs or self._row.has_told_last:
            return
        is_last = 0 <= self._newest_ms <= self._now_ms - AWAITED_MS
        told = ReadProgress(partition=self._partition, watermark_ms=watermark_ms, is_idle=is_idle, is_last=is_last)
        is_due = self._told is None or self._now_ms >= self._told_ms + TELL_MS or self._told.is_idle != is_idle
        if told == self._told or not is_due:
            return
        self._told, self._told_ms = told, self._now_ms
        if is_last:
            self._row.has_told_last = self._is_changed = True
        for heir in self._heirs:
            yield Produced(FORWARDED, None, encode(told), with_topic((), PROGRESS), heir)

    def note(self, value: bytes) -> None:
        """Take the progress of another partition."""
        told = msgspec.json.decode(value, type=ReadProgress)
        self._is_changed = True
        if told.is_last:
            self._row.followed.pop(told.partition, None)
        else:
            self._row.followed[told.partition] = Followed(told.watermark_ms, told.is_idle)

    def changed(self) -> list[StateRow]:
        """The own row, if it has changed since the last call."""
        is_changed, self._is_changed = self._is_changed, False
        return [StateRow(GROWN_KEY, msgspec.json.encode(self._row))] if is_changed else []

    def _adopt(self, row: GrownRow) -> None:
        self._row = row
        self._heirs = [it for it in range(self._count) if self._partition in parents_of(it, row.earlier)]


def parts_by_topic(records: Records) -> Iterator[tuple[str | None, Records]]:
    """Runs of forwarded records that come from one topic."""
    topics = [topic_in(record.headers) for record in records]
    at = 0
    for topic, run in groupby(topics):
        size = len(list(run))
        yield topic, records[at : at + size]
        at += size
