"""Headers of a dead letter; its key and value are those of the original record.

The sender's headers may have any name and value, and may repeat. Ours are always the last seven.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from hashlib import sha256
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
    "wrong_partition",
    "undecodable",
    "missing_field",
    "wrong_field",
]

HEADER_PREFIX = "shelfwise."
HEADER_TOPIC = f"{HEADER_PREFIX}source.topic"
HEADER_PARTITION = f"{HEADER_PREFIX}source.partition"
HEADER_OFFSET = f"{HEADER_PREFIX}source.offset"
HEADER_TIMESTAMP = f"{HEADER_PREFIX}source.timestamp_ms"
HEADER_REASON = f"{HEADER_PREFIX}reason"
HEADER_DETAIL = f"{HEADER_PREFIX}detail"
HEADER_ATTEMPT = f"{HEADER_PREFIX}attempt"

HEADER_NAMES = (
    HEADER_TOPIC, HEADER_PARTITION, HEADER_OFFSET, HEADER_TIMESTAMP, HEADER_REASON, HEADER_DETAIL, HEADER_ATTEMPT,
)  # fmt: skip
"""Names of our headers, in the order in which they follow the record's own."""

NUMBER_DIGITS_MAX = 19
ATTEMPT_DIGITS_MAX = 9

Header = tuple[str, bytes | None]
Headers = tuple[Header, ...]


NAMELESS = b"sha256:"
"""Prefix of the key of a dead letter without a value; a digest of the record's key follows."""


def nameless(key: bytes | None) -> bytes | None:
    """Replace the key of a request to forget a listener (a record without a value) by its digest.

    With the id the letter can be found (`printf %s ID | sha256sum`); without it the listener stays unknown.

    >>> nameless(b"u1")[:15], nameless(None)
    (b'sha256:bb82030d', None)
    """
    return None if key is None else NAMELESS + sha256(key).hexdigest().encode()


class DeadLetter(Struct, frozen=True, kw_only=True, tag="dead-letter.v1", tag_field="type"):
    """Why a record became a dead letter, and where it was read; its key and value are kept unchanged.

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

    def headers(self, own: Iterable[Header] = ()) -> Headers:
        """Kafka headers with all of this as text, after the record's `own`; those of an earlier attempt are dropped.

        >>> letter = DeadLetter(topic="t", partition=0, offset=9, timestamp_ms=5, reason="empty", attempt=2)
        >>> once = letter.headers([("trace", b"7"), (HEADER_ATTEMPT, None)]); once[:2], letter.headers(once) == once
        ((('trace', b'7'), ('shelfwise.attempt', None)), True)
        """
        values = (
            self.topic.encode(),
            str(self.partition).encode(),
            str(self.offset).encode(),
            str(self.timestamp_ms).encode(),
            self.reason.encode(),
            self.detail.encode()[:1_000],
            str(self.attempt).encode(),
        )
        return (*own_headers(tuple(own)), *zip(HEADER_NAMES, values, strict=True))

    @classmethod
    def from_headers(cls, headers: Iterable[Header]) -> "DeadLetter":
        """Parse the headers; raises `KeyError` or `ValueError` if the record is not a dead letter."""
        found = {name: value for name, value in headers if value is not None}
        return cls(
            topic=found[HEADER_TOPIC].decode(),
            partition=_number(found[HEADER_PARTITION]),
            offset=_number(found[HEADER_OFFSET]),
            timestamp_ms=_number(found[HEADER_TIMESTAMP]),
            reason=found[HEADER_REASON].decode(),  # type: ignore[arg-type]  # as written by headers()
            detail=found[HEADER_DETAIL].decode(errors="replace"),
            attempt=_number(found[HEADER_ATTEMPT]),
        )


def own_headers(headers: Sequence[Header]) -> Sequence[Header]:
    """The sender's headers of a record: all but the last seven of a dead letter.

    >>> len(own_headers([(name, b"0") for name in HEADER_NAMES])), len(own_headers([(HEADER_ATTEMPT, b"0")]))
    (0, 1)
    """
    count = len(HEADER_NAMES)
    if tuple(name for name, _ in headers[-count:]) == HEADER_NAMES:
        with suppress(KeyError, ValueError):
            DeadLetter.from_headers(headers[-count:])
            return headers[:-count]
    return headers


def attempt_of(headers: Iterable[Header]) -> int:
    """Number of attempts to process this record: 1, or one more than its replayed dead letter states.

    >>> attempt_of([]), attempt_of([(HEADER_ATTEMPT, b"2")]), attempt_of([(HEADER_ATTEMPT, None)])
    (1, 3, 1)
    >>> attempt_of([(HEADER_ATTEMPT, b"9" * 5_000)])
    1
    """
    value = dict(headers).get(HEADER_ATTEMPT) or b""
    return int(value) + 1 if value.isdigit() and len(value) <= ATTEMPT_DIGITS_MAX else 1


def _number(text: bytes) -> int:
    """Parse an integer in our own notation; raises `ValueError` for any other text."""
    digits = text.removeprefix(b"-")
    if not digits.isdigit() or len(digits) > NUMBER_DIGITS_MAX:
        raise ValueError(f"{text[:NUMBER_DIGITS_MAX]!r} is not a number in our notation")
    return int(text)
