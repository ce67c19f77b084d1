"""Headers of a record as bytes of a record batch (format 2): their count, then name and value of each.

Names are the sender's: one that is not UTF-8 is decoded with surrogate escapes, and encoded back unchanged.
"""

from collections.abc import Sequence

from aiokafka.record.util import decode_varint, encode_varint

from streams.exactly_once.records.spans import ABSENT
from streams.reading.header_names import ESCAPED

Header = tuple[str, bytes | None]


def encoded(headers: Sequence[Header]) -> bytes:
    r"""Encode headers.

    >>> encoded([("a", b"bc"), ("d", None)])
    b'\x04\x02a\x04bc\x02d\x01'
    """
    out = bytearray()
    encode_varint(len(headers), out.append)
    for name, value in headers:
        name_bytes = name.encode(errors=ESCAPED)
        encode_varint(len(name_bytes), out.append)
        out += name_bytes
        encode_varint(ABSENT if value is None else len(value), out.append)
        out += value or b""
    return bytes(out)


def decoded(data: bytes) -> tuple[Header, ...]:
    r"""Decode headers.

    >>> decoded(b'\x04\x02a\x04bc\x02d\x01')
    (('a', b'bc'), ('d', None))
    >>> encoded(decoded(b'\x02\x02\xff\x00'))
    b'\x02\x02\xff\x00'
    """
    count, at = decode_varint(data, 0)
    headers = []
    for _ in range(count):
        length, at = decode_varint(data, at)
        name, at = data[at : at + length].decode(errors=ESCAPED), at + length
        length, at = decode_varint(data, at)
        value = None if length < 0 else data[at : at + length]
        at += max(length, 0)
        headers.append((name, value))
    return tuple(headers)
