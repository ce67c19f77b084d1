"""Records to messages; what cannot be read becomes a dead letter with its reason, bytes untouched."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from schemas.codec import EVENT_AHEAD_MAX_MS, UnreadableError, decode, decode_keyed, encode
from schemas.dead_letters import DeadLetter, attempt_of
from schemas.topics import DEAD_LETTER_SUFFIX, TOPICS, Role
from streams.exactly_once.task import Produced, Record


class Intake:
    """Reads batches of one task's topics and collects the dead letters on the way.

    `on_dead_letter` is told each reason, for the counters.
    """

    def __init__(self, on_dead_letter: Callable[[str], None]) -> None:
        self._on_dead_letter = on_dead_letter

    def read(self, topic: str, records: Sequence[Record]) -> tuple[list[tuple[int, Any]], list[Produced]]:
        """Messages with their offsets, and dead letters, of one batch."""
        dead: list[Produced] = []
        return list(self.each(topic, records, dead)), dead

    def each(self, topic: str, records: Sequence[Record], dead: list[Produced]) -> Iterator[tuple[int, Any]]:
        """Messages with their offsets one by one, dead letters into `dead`.

        Whoever keeps little of a message should take them so: a batch of large messages would leave the caches.
        """
        is_input = TOPICS[topic].role is Role.INPUT
        for record in records:
            try:
                if is_input:
                    message = read_one(topic, record.key, record.value, record.timestamp)
                else:
                    message = decode(topic, record.value)
            except UnreadableError as error:
                self._on_dead_letter(error.reason)
                dead.append(_dead_letter(record, error))
            else:
                yield record.offset, message

    def canonical(self, topic: str, records: Sequence[Record], dead: list[Produced]) -> Callable[[int], bytes | None]:
        """Canonical bytes of one of these records by its index, for readers of bytes; dead letters into `dead`."""

        def bytes_of(index: int) -> bytes | None:
            return next((encode(message) for _, message in self.each(topic, [records[index]], dead)), None)

        return bytes_of


def read_one(topic: str, key: bytes | None, value: bytes | None, timestamp_ms: int) -> Any:
    """The message of one input record; raises `UnreadableError` with the reason where there is none.

    >>> from schemas.codec import encode
    >>> from tests.builders import impression
    >>> read_one("impressions", b"u1", encode(impression(event_ms=9_000_000)), timestamp_ms=5)
    Traceback (most recent call last):
    schemas.codec.UnreadableError: event_time_ahead: event_ms is 8999 s ahead of the record's time stamp
    """
    message = decode_keyed(topic, key, value)
    _refuse_ahead(message.event_ms, timestamp_ms)
    return message


def _refuse_ahead(event_ms: int, record_ms: int) -> None:
    if record_ms > 0 and event_ms > record_ms + EVENT_AHEAD_MAX_MS:
        ahead_s = (event_ms - record_ms) // 1_000
        raise UnreadableError("event_time_ahead", f"event_ms is {ahead_s} s ahead of the record's time stamp")


def _dead_letter(record: Record, error: UnreadableError) -> Produced:
    letter = DeadLetter(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp,
        reason=error.reason,
        detail=error.detail,
        attempt=attempt_of(record.headers),
    )
    headers = letter.headers(record.headers)
    return Produced(record.topic + DEAD_LETTER_SUFFIX, record.key, record.value, headers, record.partition)
