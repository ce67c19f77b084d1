"""What a format does: bytes and headers of a record to plain values, over which expressions are evaluated."""

from collections.abc import Sequence
from typing import Any, Protocol

from schemas.codec import VALUE_BYTES_MAX, UnreadableError

Headers = Sequence[tuple[str, bytes | None]]


class Decoder(Protocol):
    """A format."""

    def event(self, value: bytes, headers: Headers) -> Any:
        """The plain values of a record; raises `UnreadableError`."""
        ...


def decoded(decoder: Decoder, value: bytes | None, headers: Headers) -> Any:
    """The plain values of a record of a topic, which may be empty or too large; raises `UnreadableError`."""
    if not value and not headers:
        raise UnreadableError("empty", "the record has no value")
    if value is not None and len(value) > VALUE_BYTES_MAX:
        raise UnreadableError("too_large", f"{len(value)} bytes; the limit is {VALUE_BYTES_MAX}")
    return decoder.event(value or b"", headers)
