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

HEADER_PREFIX = "shelfwise."
HEADER_TOPIC = f"{HEADER_PREFIX}source.topic"
HEADER_PARTITION = f"{HEADER_PREFIX}source.partition"
HEADER_OFFSET = f"{HEADER_PREFIX}source.offset"
HEADER_TIMESTAMP = f"{HEADER_PREFIX}source.timestamp_ms"
HEADER_REASON = f"{HEADER_PREFIX}reason"
HEADER_DETAIL = f"{HEADER_PREFIX}detail"
HEADER_ATTEMPT = f"{HEADER_PREFIX}attempt"

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

    def headers(self, own: Iterable[tuple[str, bytes]] = ()) -> Headers:
        """Kafka headers that say all of this, as text, behind the record's `own`; an earlier attempt's are left out.

        >>> letter = DeadLetter(topic="t", partition=0, offset=9, timestamp_ms=5, reason="empty", attempt=2)
        >>> headers = letter.headers([("trace", b"7"), (HEADER_ATTEMPT, b"1")])
        >>> headers[0], [value for name, value in headers if name == HEADER_ATTEMPT]
        (('trace', b'7'), [b'2'])
        """
        return (
            *((name, value) for name, value in own if not name.startswith(HEADER_PREFIX)),
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
