"""A segment: one file of consecutive record batches, with an index in memory."""

import struct
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from streams.broker.record_batch import HEADER, LENGTH_END, BatchHeader, has_valid_checksum, parse_header
from streams.broker.storage import Storage


class Segment:
    """Batches in offset order; the index costs 24 bytes per batch.

    The file is named by the offset at which the segment was opened, also after compaction.
    """

    def __init__(self, storage: Storage, folder: str, base_offset: int) -> None:
        self.base_offset = base_offset
        self.path = f"{folder}/{base_offset:020d}.log"
        self._storage = storage
        self._file = storage.open(self.path)
        self._last_offsets = array("q")
        self._positions = array("q")
        self._max_timestamps_ms = array("q")
        self.max_timestamp_ms = -1
        self.first_timestamp_ms = -1
        self.created_ms = -1  # time of the first append since the broker started

    @property
    def size(self) -> int:
        """Bytes of all its batches."""
        return self._file.size

    @property
    def newest_ms(self) -> int:
        """Time of its latest record; of its creation, if records have no timestamps."""
        return self.max_timestamp_ms if self.max_timestamp_ms >= 0 else self.created_ms

    @property
    def batch_count(self) -> int:
        """Batches in it."""
        return len(self._positions)

    @property
    def last_offset(self) -> int:
        """Last offset in it, or one before its base when it is empty."""
        return self._last_offsets[-1] if self._last_offsets else self.base_offset - 1

    def append(self, header: BatchHeader, data: bytes | bytearray) -> None:
        """Write one batch, whose header has its final offset and timestamps."""
        position = self._file.size
        self._file.append(data)
        self._index(header, position)

    def _index(self, header: BatchHeader, position: int) -> None:
        self._last_offsets.append(header.last_offset)
        self._positions.append(position)
        self._max_timestamps_ms.append(header.max_timestamp_ms)
        if self.first_timestamp_ms < 0:
            self.first_timestamp_ms = header.max_timestamp_ms
        self.max_timestamp_ms = max(self.max_timestamp_ms, header.max_timestamp_ms)

    def recover(self, *, is_last: bool) -> Iterator[BatchHeader]:
        """Index the file, yielding each batch's header; cut a torn tail.

        A kill can tear only what was being written, so checksums are verified in the last segment alone.
        """
        data = self._file.read(0, self._file.size)
        view = memoryview(data)
        position = 0
        while position < len(data):
            try:
                header = parse_header(view, position)
            except struct.error:
                break
            if header.length < HEADER.size - LENGTH_END or position + header.size > len(data):
                break
            if header.magic != 2 or header.base_offset <= self.last_offset:
                break
            if is_last and not has_valid_checksum(view[position : position + header.size], header):
                break
            self._index(header, position)
            yield header
            position += header.size
        if position < len(data):
            self._file.truncate(position)

    def find(self, offset: int) -> int:
        """Index of the first batch whose last offset is not before `offset`."""
        return bisect_left(self._last_offsets, offset)

    def read(self, first: int, limit_offset: int, max_bytes: int, *, at_least_one: bool) -> tuple[bytes, int]:
        """Read whole batches from index `first` on that end before `limit_offset`, within `max_bytes`.

        Returns them with the offset after the last; on request at least one batch, however large.
        """
        stop = bisect_left(self._last_offsets, limit_offset, first)
        if stop == first:
            return b"", limit_offset
        start = self._positions[first]
        if self._end(stop - 1) - start > max_bytes:
            fitting = bisect_right(self._positions, start + max_bytes, first, stop) - 1
            stop = max(fitting, first + at_least_one)
        if stop == first:
            return b"", limit_offset
        return self._file.read(start, self._end(stop - 1) - start), self._last_offsets[stop - 1] + 1

    def _end(self, index: int) -> int:
        return self._positions[index + 1] if index + 1 < len(self._positions) else self._file.size

    def batches(self) -> Iterator[bytes]:
        """Yield every batch's bytes."""
        for index, position in enumerate(self._positions):
            yield self._file.read(position, self._end(index) - position)

    def batch_at(self, index: int) -> bytes:
        """Return one batch's bytes."""
        return self._file.read(self._positions[index], self._end(index) - self._positions[index])

    def first_batch_since(self, timestamp_ms: int) -> int | None:
        """Index of the first batch that has a record at or after a time."""
        for index, value in enumerate(self._max_timestamps_ms):
            if value >= timestamp_ms:
                return index
        return None

    def rewrite(self, batches: Sequence[bytes | bytearray]) -> None:
        """Replace the whole content in one step."""
        self._file.close()
        self._storage.replace(self.path, b"".join(batches))
        self._file = self._storage.open(self.path)
        del self._last_offsets[:], self._positions[:], self._max_timestamps_ms[:]
        self.max_timestamp_ms = self.first_timestamp_ms = -1
        position = 0
        for batch in batches:
            self._index(parse_header(batch), position)
            position += len(batch)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def delete(self) -> None:
        """Close and remove the file."""
        self._file.close()
        self._storage.delete(self.path)
