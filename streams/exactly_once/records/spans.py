"""A column of byte strings: offset and length of each in one shared buffer."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ABSENT = -1
"""The length of None."""


class Spans(NamedTuple):
    """Byte strings in one buffer, in any order, possibly with other bytes between them.

    A length of -1 means None, as in Kafka's records. Compiled code takes the tuple as it is. ``starts`` and ``lengths``
    have the same size; ``data`` is not modified once it is in here.

    >>> column = Spans.of([b"one", None, b"", b"three"])
    >>> column.size, column.at(3), list(column.each())
    (4, b'three', [b'one', None, b'', b'three'])
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, values: Iterable[bytes | None]) -> "Spans":
        """Lay out values one after the other."""
        listed = list(values)
        lengths = np.array([ABSENT if value is None else len(value) for value in listed], np.int64)
        data = np.frombuffer(b"".join(filter(None, listed)), np.uint8)
        return cls(data, _starts(lengths), lengths)

    @classmethod
    def packed(cls, data: NDArray[np.uint8], ends: NDArray[np.int64]) -> "Spans":
        """Describe values that are stored back to back; none of them is None.

        >>> list(Spans.packed(np.frombuffer(b"abc", np.uint8), np.array([1, 1, 3])).each())
        [b'a', b'', b'bc']
        """
        starts = np.zeros(len(ends), np.int64)
        starts[1:] = ends[:-1]
        return cls(data, starts, ends - starts)

    @property
    def size(self) -> int:
        """Number of byte strings."""
        return len(self.starts)

    def at(self, index: int) -> bytes | None:
        """One of them."""
        start, length = int(self.starts[index]), int(self.lengths[index])
        return None if length < 0 else self.data[start : start + length].tobytes()

    def each(self) -> Iterator[bytes | None]:
        """Iterate over all of them."""
        view = self.data.data
        for start, length in zip(self.starts.tolist(), self.lengths.tolist(), strict=True):
            yield None if length < 0 else view[start : start + length].tobytes()

    def part(self, which: slice) -> "Spans":
        """A slice of the column; the buffer is shared."""
        return Spans(self.data, self.starts[which], self.lengths[which])


def _starts(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    sizes = np.maximum(lengths, 0)
    return np.cumsum(sizes) - sizes
