"""Bytes to messages and back: typed, validated, and with a named reason where bytes cannot be read."""

from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from schemas.dead_letters import DeadLetterReason
from schemas.topics import TOPICS
from schemas.whole_numbers import decoded

VALUE_BYTES_MAX = 1_000_000
"""A larger record is set aside unread: a page of a thousand cards is 60 kB."""

_S = TypeVar("_S", bound=Struct)
_ENCODER = msgspec.json.Encoder()


class UnreadableError(Exception):
    """Bytes that are no valid message; `reason` is one of the dead letters' reasons, `detail` says what to mend."""

    def __init__(self, reason: DeadLetterReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


# all at import, before there are threads: a type that msgspec has begun to look into is shown to other threads as if it
# were done, and who decodes it then reads at address zero
_DECODERS: "dict[str, msgspec.json.Decoder[Any]]" = {
    name: msgspec.json.Decoder(topic.message) for name, topic in TOPICS.items() if topic.message is not None
}


def _decoder(topic: str) -> "msgspec.json.Decoder[Any]":
    if topic not in _DECODERS:
        raise KeyError(f"{topic} carries no messages of its own")
    return _DECODERS[topic]


@cache
def _decoder_as(kind: type[_S]) -> "msgspec.json.Decoder[_S]":
    return msgspec.json.Decoder(kind)


def decode_as(kind: type[_S], value: bytes) -> _S:
    """The message of this type that was encoded to these bytes by ourselves: raises msgspec's errors."""
    message: _S = _decoder_as(kind).decode(value)
    return message


def encode(message: Struct) -> bytes:
    """The message as JSON; the same message always gives the same bytes.

    >>> from schemas.stream_ends import StreamEnd
    >>> encode(StreamEnd(event_id="s", user_id="u", card_id="c", started_ms=0, event_ms=1, played_ms=2))[:23]
    b'{"type":"stream-end.v1"'
    """
    return _ENCODER.encode(message)


def decode(topic: str, value: bytes | None) -> Any:
    """The message that a record of `topic` carries; raises `UnreadableError` with the reason where it carries none.

    An integer may be written as a whole float, as JSON Schema has it.

    >>> decode("stream-ends", b'{"type":"stream-end.v1"')
    Traceback (most recent call last):
    schemas.codec.UnreadableError: not_json: Input data was truncated
    >>> decode("stream-ends", b'{"type":"stream-end.v9"}')
    Traceback (most recent call last):
    schemas.codec.UnreadableError: unknown_version: Invalid value 'stream-end.v9' - at `$.type`
    """
    if not value:
        raise UnreadableError("empty", "the record has no value")
    if len(value) > VALUE_BYTES_MAX:
        raise UnreadableError("too_large", f"{len(value)} bytes; the limit is {VALUE_BYTES_MAX}")
    try:
        return decoded(_decoder(topic), value)
    except msgspec.ValidationError as error:
        unknown = str(error).startswith("Invalid value") and str(error).endswith("`$.type`")
        raise UnreadableError("unknown_version" if unknown else "invalid", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableError("not_json", str(error)) from error


def decode_keyed(topic: str, key: bytes | None, value: bytes | None) -> Any:
    """Like `decode`, and the record's key must be the field that the table of topics names.

    A record under another key sits in another partition, away from all else that is known of its user or card.

    >>> decode_keyed("stream-ends", b"u2", b'''{"type":"stream-end.v1","event_id":"s","user_id":"u1","card_id":"c",
    ...     "started_ms":0,"event_ms":1,"played_ms":2}''')
    Traceback (most recent call last):
    schemas.codec.UnreadableError: key_mismatch: the key is b'u2' and user_id is 'u1'
    """
    message = decode(topic, value)
    name = TOPICS[topic].key
    if key != getattr(message, name).encode():
        raise UnreadableError("key_mismatch", f"the key is {key!r:.80} and {name} is {getattr(message, name)!r:.80}")
    return message
