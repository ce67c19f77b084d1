"""A record batch built by our own code, with the interface that aiokafka's producer expects."""

from typing import Any

import numpy as np
from crc32c import crc32c
from numpy.typing import NDArray

from streams.exactly_once.records.batch_header import (
    CHECKED_FROM,
    COUNTED_FROM,
    HEADER_BYTES,
    TRANSACTIONAL,
    put,
    value_of,
)
from streams.exactly_once.records.compression import ENCODERS, Compression


class LaidBatch:
    """An argument of ``AIOKafkaProducer.send_batch``: the interface of aiokafka's closed ``BatchBuilder``.

    Compressed if that makes it smaller, as in aiokafka. Transactional by default.
    """

    def __init__(
        self,
        data: NDArray[np.uint8],
        count: int,
        compression: Compression | None = None,
        *,
        is_transactional: bool = True,
    ) -> None:
        self._data = bytearray(data) if compression is None else _compressed(bytearray(data), compression)
        if not is_transactional:
            put("attributes", self._data, value_of("attributes", self._data) & ~TRANSACTIONAL)
        self._count = count
        self._is_checked = False

    def record_count(self) -> int:
        """Number of records."""
        return self._count

    def size(self) -> int:
        """Size in bytes."""
        return len(self._data)

    def closed(self) -> bool:
        """Whether it accepts no more records."""
        return True

    def close(self) -> None:
        """Do nothing: it is closed already."""

    def content(self) -> bytes:
        """The bytes in their present state."""
        return bytes(self._build())

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        put("producer_id", self._data, producer_id)
        put("producer_epoch", self._data, producer_epoch)
        put("base_sequence", self._data, base_sequence)
        self._is_checked = False

    def _build(self) -> bytearray:
        if not self._is_checked:
            checksum: Any = crc32c(memoryview(self._data)[CHECKED_FROM:])
            put("checksum", self._data, checksum)
            self._is_checked = True
        return self._data


def _compressed(data: bytearray, compression: Compression) -> bytearray:
    code, encode = ENCODERS[compression]
    records = encode(bytes(memoryview(data)[HEADER_BYTES:]))
    if HEADER_BYTES + len(records) >= len(data):
        return data
    data[HEADER_BYTES:] = records
    put("length", data, len(data) - COUNTED_FROM)
    put("attributes", data, TRANSACTIONAL | code)
    return data
