"""The wire format of schema registries: a magic byte and the schema's number before the payload, or its id in a header.

Documented at https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/#wire-format;
registries that are compatible with Confluent's use it as well.
"""

from typing import NamedTuple
from uuid import UUID

from schemas.codec import UnreadableError
from streams.mapping.formats.decoder import Headers

HEADER = "__value_schema_id"
_NUMBERED, _NAMED = 0, 1
_NUMBER_BYTES, _GUID_BYTES = 5, 17


class Framed(NamedTuple):
    """A payload with the number of its schema, or its id."""

    schema: int | str
    payload: bytes


def framed(value: bytes, headers: Headers) -> Framed:
    """The parts of a record; raises `UnreadableError` if it is not framed.

    >>> framed(bytes([0, 0, 0, 0, 7]) + b"rest", ())
    Framed(schema=7, payload=b'rest')
    >>> framed(b"{}", ())
    Traceback (most recent call last):
    schemas.codec.UnreadableError: undecodable: not in the wire format of a schema registry: it begins with byte 123
    """
    for name, prefix in headers:
        if name == HEADER and prefix and prefix[0] == _NAMED and len(prefix) == _GUID_BYTES:
            return Framed(str(UUID(bytes=prefix[1:])), value)
        if name == HEADER and prefix and prefix[0] == _NUMBERED and len(prefix) == _NUMBER_BYTES:
            return Framed(int.from_bytes(prefix[1:]), value)
    if len(value) >= _NUMBER_BYTES and value[0] == _NUMBERED:
        return Framed(int.from_bytes(value[1:_NUMBER_BYTES]), value[_NUMBER_BYTES:])
    if len(value) >= _GUID_BYTES and value[0] == _NAMED:
        return Framed(str(UUID(bytes=value[1:_GUID_BYTES])), value[_GUID_BYTES:])
    begins = f"it begins with byte {value[0]}" if value else "it is empty"
    raise UnreadableError("undecodable", f"not in the wire format of a schema registry: {begins}")


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A zigzag number and the position behind it; raises `UnreadableError`.

    >>> varint(bytes([0x02]), 0)
    (1, 1)
    """
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7
    raise UnreadableError("undecodable", "the indexes of the message are cut off")


class JsonSchemaFormat:
    """JSON behind a registry. The mapping checks what it needs; the schema itself is not asked for."""

    def event(self, value: bytes, headers: Headers) -> object:
        """The value."""
        from streams.mapping.formats.json_format import parsed

        return parsed(framed(value, headers).payload)
