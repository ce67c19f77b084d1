"""Header names that are not UTF-8: Kafka accepts them, but clients that decode strictly cannot read past one.

Bytes that are not UTF-8 become surrogates (PEP 383), from which they can be restored: names remain `str`, as in every
client, without loss.
"""

from typing import Any, SupportsIndex

from typing_extensions import override

ESCAPED = "surrogateescape"


REPLACED = "replace"


class AnyText(bytearray):
    r"""Bytes whose parts can be decoded whatever they are.

    >>> AnyText(b"a\xffb")[1:].decode("utf-8")
    '\udcffb'
    """

    errors = ESCAPED

    @override
    def __getitem__(self, at: SupportsIndex | slice) -> Any:
        part = super().__getitem__(at)
        return type(self)(part) if isinstance(part, bytearray) else part

    @override
    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return super().decode(encoding, self.errors)


class ReplacedText(AnyText):
    """The same for a client that encodes names again: invalid bytes become U+FFFD."""

    errors = REPLACED


class AnyNames:
    """A mixin for the Python readers of record batches of aiokafka and kafka-python, which decode names strictly."""

    _buffer: bytearray
    _pos: int
    _text: type[AnyText] = AnyText

    def _read_msg(self) -> Any:
        start = self._pos
        try:
            return super()._read_msg()  # type: ignore[misc]  # the reader's own
        except UnicodeDecodeError:
            self._pos, self._buffer = start, self._text(self._buffer)
            return super()._read_msg()  # type: ignore[misc]
