"""Names of headers that are not UTF-8: Kafka takes them, and no client that decodes them strictly reads on after one.

Bytes that are no UTF-8 become surrogates (PEP 383), from which the same bytes can be made again: names stay `str`, as
every client has them, and lose nothing.
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
    """The same for a client that encodes names again: what is not UTF-8 is told as U+FFFD."""

    errors = REPLACED


class AnyNames:
    """What aiokafka's and kafka-python's readers of a record batch, written in Python, lack; goes before either."""

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
