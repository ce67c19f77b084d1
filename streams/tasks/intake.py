"""Decodes records; unreadable ones become dead letters with their reason, bytes unchanged."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.codec import UnreadableError, decode, decode_keyed, encode
from schemas.dead_letters import DeadLetter, attempt_of, nameless
from schemas.fields import EVENT_AHEAD_MAX_MS
from schemas.topics import DEAD_LETTER_SUFFIX, TOPICS, Role
from streams.exactly_once.records.placement import misplaced, partition_of
from streams.exactly_once.records.produced import Produced
from streams.exactly_once.records.read_records import Record, Records

Forward = Callable[[Record, int], bool]
"""Takes a record of another partition, and the event time that it proves; False if it declines the record."""


def _nowhere(_record: Record, _proven_ms: int) -> bool:
    return False


class RecordContext(NamedTuple):
    """Context of records: clocks that their senders do not set, and partitions."""

    clock_ms: NDArray[np.int64]
    is_misplaced: NDArray[np.bool_]
    partition_count: int

    @classmethod
    def of(cls, records: Records, partition_count: int) -> "RecordContext":
        """Determine clocks, and the records whose keys belong in another partition."""
        wrong = misplaced(records.keys, records.partition, partition_count)
        return cls(records.clock_ms, wrong, partition_count)


class Intake:
    """Decodes batches of one task's topics and collects dead letters.

    `on_dead_letter` is called with each reason, for the counters.
    """

    def __init__(self, on_dead_letter: Callable[[str], None]) -> None:
        self._on_dead_letter = on_dead_letter

    def read(self, topic: str, records: Sequence[Record]) -> tuple[list[tuple[int, Any]], list[Produced]]:
        """Decode a batch into messages with their offsets, and dead letters."""
        dead: list[Produced] = []
        return list(self.each(topic, records, dead)), dead

    def each(self, topic: str, records: Sequence[Record], dead: list[Produced]) -> Iterator[tuple[int, Any]]:
        """Iterate over messages with their offsets; dead letters are appended to `dead`.

        Prefer this if little of a message is kept: a list of large messages does not fit into the CPU caches.
        """
        is_input = TOPICS[topic].role is Role.INPUT
        for record in records:
            if is_input:
                message = self._taken(record, dead, lambda it: read_one(topic, it.key, it.value, it.timestamp))
            else:
                message = self._taken(record, dead, lambda it: decode(topic, it.value))
            if message is not None:
                yield record.offset, message

    def canonical(self, topic: str, records: Sequence[Record], dead: list[Produced]) -> Callable[[int], bytes | None]:
        """A function from a record's index to its canonical bytes, for compiled readers; dead letters go to `dead`."""

        def bytes_of(index: int) -> bytes | None:
            return next((encode(message) for _, message in self.each(topic, [records[index]], dead)), None)

        return bytes_of

    def canonical_input(
        self, topic: str, records: Records, context: RecordContext, dead: list[Produced], forward: Forward = _nowhere
    ) -> Callable[[int], bytes | None]:
        """The same for records of clients, whose clocks and partitioners may be wrong.

        What belongs in another partition is passed to `forward`, and is a dead letter only if that declines it.
        """

        def bytes_of(index: int) -> bytes | None:
            def read(record: Record) -> Any:
                clock_ms, is_misplaced = int(context.clock_ms[index]), context.is_misplaced[index]
                if record.value is None and is_misplaced:
                    if forward(record, clock_ms):
                        return None
                    raise _request_elsewhere(context.partition_count)
                message = read_one(topic, record.key, record.value, clock_ms)
                if is_misplaced:
                    if forward(record, min(clock_ms, message.event_ms)):
                        return None
                    raise _wrong_partition(record, context.partition_count)
                return message

            message = self._taken(records[index], dead, read)
            return None if message is None else encode(message)

        return bytes_of

    def _taken(self, record: Record, dead: list[Produced], read: Callable[[Record], Any]) -> Any:
        try:
            return read(record)
        except UnreadableError as error:
            self._on_dead_letter(error.reason)
            dead.append(_dead_letter(record, error))
            return None


def read_one(topic: str, key: bytes | None, value: bytes | None, clock_ms: int) -> Any:
    """Decode an input record that was written by `clock_ms`; raises `UnreadableError` with the reason.

    >>> from schemas.codec import encode
    >>> from tests.builders import impression
    >>> read_one("impressions", b"u1", encode(impression(event_ms=9_000_000)), clock_ms=5)
    Traceback (most recent call last):
    schemas.codec.UnreadableError: event_time_ahead: event_ms is 8999 s ahead of the clock of the broker or the worker
    """
    message = decode_keyed(topic, key, value)
    refuse_ahead(message.event_ms, clock_ms)
    return message


def refuse_ahead(event_ms: int, clock_ms: int) -> None:
    """Raise `UnreadableError` if an event is further ahead of its record's clock than any clock may be."""
    if clock_ms > 0 and event_ms > clock_ms + EVENT_AHEAD_MAX_MS:
        ahead_s = (event_ms - clock_ms) // 1_000
        detail = f"event_ms is {ahead_s} s ahead of the clock of the broker or the worker"
        raise UnreadableError("event_time_ahead", detail)


def _wrong_partition(record: Record, partition_count: int) -> UnreadableError:
    right = partition_of(record.key or b"", partition_count)
    return UnreadableError(
        "wrong_partition",
        f"the key belongs in partition {right} of {partition_count}, by Kafka's own partitioner (murmur2): set it in "
        "the client (librdkafka, confluent-kafka, kcat: partitioner=murmur2_random), then replay",
    )


def _request_elsewhere(partition_count: int) -> UnreadableError:
    return UnreadableError(
        "wrong_partition",
        f"a request to forget a listener of another partition of {partition_count}: it was not carried out,"
        " and the id is not kept; send it again with Kafka's own partitioner (murmur2), or use `shelfwise forget`",
    )


def _dead_letter(record: Record, error: UnreadableError) -> Produced:
    """The dead letter of a record; a request to forget is kept without the listener's id."""
    letter = DeadLetter(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        reason=error.reason,
        detail=error.detail,
        attempt=attempt_of(record.headers),
    )
    topic = record.topic + DEAD_LETTER_SUFFIX
    if record.value is None and TOPICS[record.topic].role is Role.INPUT:
        return Produced(topic, nameless(record.key), None, letter.headers(), record.partition)
    return Produced(topic, record.key, record.value, letter.headers(record.headers), record.partition)
