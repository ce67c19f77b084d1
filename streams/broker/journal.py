"""Persistent state besides the logs: topics, groups, offsets, transactions, as keyed records in one file.

A record replaces the previous one with its key; a record without a value deletes it. A frame contains any number of
records and is read back as a whole or not at all, so records that belong together (the offsets of one commit) survive
a kill together. The file is rewritten when most of it is superseded.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping

import msgspec

from streams.broker.storage import File, Storage

_FRAME = struct.Struct(">II")
_PATH = "journal"
_REWRITE_BYTES_MIN = 8 * 1024 * 1024
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(dict[str, bytes | None])


class Journal:
    """Keyed records that survive a kill.

    >>> from streams.broker.storage import MemoryStorage
    >>> storage = MemoryStorage()
    >>> Journal(storage).put({"topic/a": 4, "topic/b": 1})
    >>> Journal(storage).put({"topic/b": None})
    >>> [(key, msgspec.msgpack.decode(value)) for key, value in Journal(storage).items("topic/")]
    [('a', 4)]
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._file: File = storage.open(_PATH)
        self._records: dict[str, bytes] = {}
        self._live_bytes = 0
        self._load()

    def put(self, records: Mapping[str, object]) -> None:
        """Write records (`msgspec` types; None removes) so that all of them or none survive."""
        encoded = {key: None if value is None else _encoder.encode(value) for key, value in records.items()}
        self._file.append(_frame(encoded))
        self._apply(encoded)
        if self._file.size > max(_REWRITE_BYTES_MIN, 4 * self._live_bytes):
            self._rewrite()

    def items(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        """Yield (key without the prefix, encoded value) of the records below a prefix."""
        for key, value in list(self._records.items()):
            if key.startswith(prefix):
                yield key.removeprefix(prefix), value

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _load(self) -> None:
        data = self._file.read(0, self._file.size)
        position = 0
        while position + _FRAME.size <= len(data):
            size, checksum = _FRAME.unpack_from(data, position)
            body = data[position + _FRAME.size : position + _FRAME.size + size]
            if len(body) < size or zlib.crc32(body) != checksum:
                break
            self._apply(_decoder.decode(body))
            position += _FRAME.size + size
        if position < len(data):
            self._file.truncate(position)  # a kill in the middle of a write

    def _apply(self, encoded: Mapping[str, bytes | None]) -> None:
        for key, value in encoded.items():
            old = self._records.pop(key, None)
            if old is not None:
                self._live_bytes -= len(key) + len(old)
            if value is not None:
                self._records[key] = value
                self._live_bytes += len(key) + len(value)

    def _rewrite(self) -> None:
        self._file.close()
        self._storage.replace(_PATH, _frame(self._records))
        self._file = self._storage.open(_PATH)


def _frame(records: Mapping[str, bytes | None]) -> bytes:
    body = _encoder.encode(records)
    return _FRAME.pack(len(body), zlib.crc32(body)) + body
