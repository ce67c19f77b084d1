"""What could not be read: the headers that a dead letter carries beside its untouched bytes."""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from schemas.fields import Count

DeadLetterReason = Literal[
    "empty",
    "not_json",
    "invalid",
    "unknown_version",
    "key_mismatch",
    "too_large",
    "event_time_ahead",
]

HEADER_TOPIC = "shelfwise.source.topic"
HEADER_PARTITION = "shelfwise.source.partition"
HEADER_OFFSET = "shelfwise.source.offset"
HEADER_TIMESTAMP = "shelfwise.source.timestamp_ms"
HEADER_REASON = "shelfwise.reason"
HEADER_DETAIL = "shelfwise.detail"
HEADER_ATTEMPT = "shelfwise.attempt"

Headers = tuple[tuple[str, bytes], ...]


class DeadLetter(Struct, frozen=True, kw_only=True, tag="dead-letter.v1", tag_field="type"):
    """Why a record was set aside, and where it came from; the record's key and value travel beside it as they were.

    >>> letter = DeadLetter(topic="impressions", partition=0, offset=9, timestamp_ms=5, reason="not_json", detail="eof")
    >>> DeadLetter.from_headers(letter.headers()) == letter
    True
    """

    topic: str
    partition: Count
    offset: Count
    timestamp_ms: int
    reason: DeadLetterReason
    detail: str = ""
    attempt: Count = 1

    def headers(self) -> Headers:
        """Kafka headers that say all of this, as text."""
        return (
            (HEADER_TOPIC, self.topic.encode()),
            (HEADER_PARTITION, str(self.partition).encode()),
            (HEADER_OFFSET, str(self.offset).encode()),
            (HEADER_TIMESTAMP, str(self.timestamp_ms).encode()),
            (HEADER_REASON, self.reason.encode()),
            (HEADER_DETAIL, self.detail.encode()[:1_000]),
            (HEADER_ATTEMPT, str(self.attempt).encode()),
        )

    @classmethod
    def from_headers(cls, headers: Iterable[tuple[str, bytes]]) -> "DeadLetter":
        """Read the headers back; raises `KeyError` where the record is no dead letter."""
        found = dict(headers)
        return cls(
            topic=found[HEADER_TOPIC].decode(),
            partition=int(found[HEADER_PARTITION]),
            offset=int(found[HEADER_OFFSET]),
            timestamp_ms=int(found[HEADER_TIMESTAMP]),
            reason=found[HEADER_REASON].decode(),  # type: ignore[arg-type]  # as written by headers()
            detail=found[HEADER_DETAIL].decode(errors="replace"),
            attempt=int(found[HEADER_ATTEMPT]),
        )


def attempt_of(headers: Iterable[tuple[str, bytes]]) -> int:
    """How often this record has been tried: 1, or one more than its replayed dead letter says.

    >>> attempt_of([]), attempt_of([(HEADER_ATTEMPT, b"2")]), attempt_of([(HEADER_ATTEMPT, b"?")])
    (1, 3, 1)
    """
    value = dict(headers).get(HEADER_ATTEMPT, b"0")
    return int(value) + 1 if value.isdigit() else 1
