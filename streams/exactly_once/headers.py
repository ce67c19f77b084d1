"""Headers of a record, as bytes of a record batch (format 2): their number, then name and value of each."""

from collections.abc import Sequence

from streams.exactly_once.spans import ABSENT


def encoded(headers: Sequence[tuple[str, bytes | None]]) -> bytes:
    r"""Encode headers.

    >>> encoded([("a", b"bc"), ("d", None)])
    b'\x04\x02a\x04bc\x02d\x01'
    """
    out = bytearray(_varint(len(headers)))
    for name, value in headers:
        name_bytes = name.encode()
        out += _varint(len(name_bytes)) + name_bytes
        out += _varint(ABSENT) if value is None else _varint(len(value)) + value
    return bytes(out)


def decoded(data: bytes) -> tuple[tuple[str, bytes], ...]:
    r"""Decode headers; a value may be None, which no type says since Kafka's own clients do not.

    >>> decoded(b'\x04\x02a\x04bc\x02d\x01')
    (('a', b'bc'), ('d', None))
    """
    count, at = _taken_varint(data, 0)
    headers = []
    for _ in range(count):
        length, at = _taken_varint(data, at)
        name, at = data[at : at + length].decode(), at + length
        length, at = _taken_varint(data, at)
        value = None if length < 0 else data[at : at + length]
        at += max(length, 0)
        headers.append((name, value))
    return tuple(headers)  # type: ignore[arg-type]


def _varint(value: int) -> bytes:
    bits = value << 1 if value >= 0 else -2 * value - 1
    out = bytearray()
    while bits > 0x7F:
        out.append(0x80 | bits & 0x7F)
        bits >>= 7
    out.append(bits)
    return bytes(out)


def _taken_varint(data: bytes, at: int) -> tuple[int, int]:
    bits = shift = 0
    while True:
        byte = data[at]
        bits |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return (bits >> 1) ^ -(bits & 1), at
