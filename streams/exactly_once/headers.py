"""Headers of a record, as bytes of a record batch (format 2): their number, then name and value of each."""

from collections.abc import Sequence

from aiokafka.record.util import decode_varint, encode_varint

from streams.exactly_once.spans import ABSENT


def encoded(headers: Sequence[tuple[str, bytes | None]]) -> bytes:
    r"""Encode headers.

    >>> encoded([("a", b"bc"), ("d", None)])
    b'\x04\x02a\x04bc\x02d\x01'
    """
    out = bytearray()
    encode_varint(len(headers), out.append)
    for name, value in headers:
        name_bytes = name.encode()
        encode_varint(len(name_bytes), out.append)
        out += name_bytes
        encode_varint(ABSENT if value is None else len(value), out.append)
        out += value or b""
    return bytes(out)


def decoded(data: bytes) -> tuple[tuple[str, bytes], ...]:
    r"""Decode headers; a value may be None, which no type says since Kafka's own clients do not.

    >>> decoded(b'\x04\x02a\x04bc\x02d\x01')
    (('a', b'bc'), ('d', None))
    """
    count, at = decode_varint(data, 0)
    headers = []
    for _ in range(count):
        length, at = decode_varint(data, at)
        name, at = data[at : at + length].decode(), at + length
        length, at = decode_varint(data, at)
        value = None if length < 0 else data[at : at + length]
        at += max(length, 0)
        headers.append((name, value))
    return tuple(headers)  # type: ignore[arg-type]
