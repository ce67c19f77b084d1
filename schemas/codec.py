"""Decodes and encodes messages: typed, validated, and with a named reason for bytes that cannot be decoded."""

from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from schemas.dead_letters import DeadLetterReason
from schemas.topics import TOPICS
from schemas.whole_numbers import decoded

VALUE_BYTES_MAX = 1_000_000
"""Maximum size of a record; a larger one becomes a dead letter undecoded. A page of a thousand cards has 60 kB."""

_S = TypeVar("_S", bound=Struct)
_ENCODER = msgspec.json.Encoder()


class UnreadableError(Exception):
    """Bytes that are not a valid message; `reason` is a dead-letter reason, `detail` describes the fault."""

    def __init__(self, reason: DeadLetterReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


# created at import, before there are threads: msgspec shows a type that it is still inspecting to other threads as if
# it were complete, and a decoder made from it dereferences a null pointer
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
    """Decode bytes that we encoded ourselves as a message of this type; raises msgspec's errors."""
    message: _S = _decoder_as(kind).decode(value)
    return message


def encode(message: Struct) -> bytes:
    """Encode a message as JSON; equal messages give equal bytes.

    >>> from schemas.stream_ends import StreamEnd
    >>> encode(StreamEnd(event_id="s", user_id="u", card_id="c", started_ms=0, event_ms=1, played_ms=2))[:23]
    b'{"type":"stream-end.v1"'
    """
    return _ENCODER.encode(message)


def decode(topic: str, value: bytes | None) -> Any:
    """Decode the value of a record of `topic`; raises `UnreadableError` with the reason if it is not a message.

    Integers may be written as whole floats, as JSON Schema allows.

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
    """Like `decode`, and check that the record's key equals the field that the table of topics names.

    A record with another key is in another partition than the rest of its user's or card's records.

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
