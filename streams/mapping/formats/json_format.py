"""Records in JSON."""

from typing import Any

import msgspec

from schemas.codec import UnreadableError
from streams.mapping.formats.decoder import Headers

_DECODER = msgspec.json.Decoder()


def parsed(value: bytes) -> Any:
    """Plain values of JSON; raises `UnreadableError`.

    >>> parsed(b'{"a": [1, null]}')
    {'a': [1, None]}
    """
    if not value:
        raise UnreadableError("empty", "the record has no value")
    try:
        return _DECODER.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableError("not_json", str(error)) from error


class JsonFormat:
    """One JSON value a record."""

    def event(self, value: bytes, headers: Headers) -> Any:  # noqa: ARG002  the protocol's
        """The value."""
        return parsed(value)
