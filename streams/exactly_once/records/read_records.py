"""Fetched records of one topic-partition in columns; single records are created on access."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple, Protocol, overload

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from streams.exactly_once.records.headers import decoded, encoded
from streams.exactly_once.records.spans import Spans

UNKNOWN_MS = 2**62
"""Fetch time of records for which it is unknown: later than any other."""


class Record(Protocol):
    """A fetched record; aiokafka's ``ConsumerRecord`` matches."""

    @property
    def topic(self) -> str:
        """Its topic."""
        ...

    @property
    def partition(self) -> int:
        """Its partition."""
        ...

    @property
    def offset(self) -> int:
        """Its offset."""
        ...

    @property
    def timestamp(self) -> int:
        """Its timestamp in milliseconds."""
        ...

    @property
    def key(self) -> bytes | None:
        """Its key."""
        ...

    @property
    def value(self) -> bytes | None:
        """Its value; None is a tombstone."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """Its headers."""
        ...


class ReadRecord(NamedTuple):
    """One record."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


class Records(Sequence[Record]):
    """A sequence of records, with their columns for batch processing.

    ``offsets`` ascend; ``timestamps`` are milliseconds, set by the sender or the broker; ``headers`` are encoded as in
    a record batch, absent if there are none. ``fetched_ms`` is the worker's clock at the time of the fetch.

    >>> records = Records.of([ReadRecord("sums", 0, 7, 5, b"a", b"1"), ReadRecord("sums", 0, 9, 6, b"b", None)])
    >>> len(records), records[-1].key, [record.offset for record in records], records.values.lengths.tolist()
    (2, b'b', [7, 9], [1, -1])
    """

    def __init__(
        self,
        topic: str,
        partition: int,
        *,
        offsets: NDArray[np.int64],
        timestamps: NDArray[np.int64],
        keys: Spans,
        values: Spans,
        headers: Spans,
        fetched_ms: int = UNKNOWN_MS,
    ) -> None:
        self.topic = topic
        self.partition = partition
        self.offsets = offsets
        self.timestamps = timestamps
        self.keys = keys
        self.values = values
        self.headers = headers
        self.fetched_ms = fetched_ms

    @cached_property
    def clock_ms(self) -> NDArray[np.int64]:
        """Upper bounds of the times at which records were written, by clocks that the sender alone cannot set.

        This is the timestamp, or the worker's clock if there is none (-1 or 0) or if it lies in the future. With
        LogAppendTime it is the broker's clock.

        >>> records = Records.of([ReadRecord("sums", 0, 0, stamp_ms, None, None) for stamp_ms in (-1, 5, 99)])
        >>> records.fetched_ms = 7; records.clock_ms.tolist()
        [7, 5, 7]
        """
        stamped = np.minimum(self.timestamps, self.fetched_ms)
        return np.where(self.timestamps > 0, stamped, self.fetched_ms)

    @classmethod
    def of(cls, records: Iterable[Record]) -> "Records":
        """Put one or more records of one topic-partition into columns."""
        listed = list(records)
        return cls(
            listed[0].topic,
            listed[0].partition,
            offsets=np.array([it.offset for it in listed], np.int64),
            timestamps=np.array([it.timestamp for it in listed], np.int64),
            keys=Spans.of(it.key for it in listed),
            values=Spans.of(it.value for it in listed),
            headers=Spans.of(encoded(it.headers) if it.headers else None for it in listed),
        )

    @override
    def __len__(self) -> int:
        return len(self.offsets)

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> "Records": ...

    @override
    def __getitem__(self, index: int | slice) -> "Record | Records":
        if isinstance(index, slice):
            return Records(
                self.topic,
                self.partition,
                offsets=self.offsets[index],
                timestamps=self.timestamps[index],
                keys=self.keys.part(index),
                values=self.values.part(index),
                headers=self.headers.part(index),
                fetched_ms=self.fetched_ms,
            )
        headers = self.headers.at(index)
        return ReadRecord(
            self.topic,
            self.partition,
            int(self.offsets[index]),
            int(self.timestamps[index]),
            self.keys.at(index),
            self.values.at(index),
            () if headers is None else decoded(headers),
        )

    @override
    def __iter__(self) -> Iterator[Record]:
        topic, partition = self.topic, self.partition
        offsets, timestamps = self.offsets.tolist(), self.timestamps.tolist()
        columns = zip(offsets, timestamps, self.keys.each(), self.values.each(), self.headers.each(), strict=True)
        for offset, timestamp, key, value, headers in columns:
            yield ReadRecord(topic, partition, offset, timestamp, key, value, decoded(headers) if headers else ())
