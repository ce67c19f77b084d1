"""The learner as keyed rows of bytes: one per user ring, one per card, one for the structure.

Little-endian columns after a format byte. Messages are not stored: they follow from rings, card evidence and blocks.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray, IntArray

FORMAT = 3
STRUCTURE_KEY = b"s"
EDGE = np.dtype([("card", "<i8"), ("event_ms", "<i8"), ("x", "<f4")])


def user_key(identity: int) -> bytes:
    """Key of a user's row; keys sort like ids.

    >>> user_key(1) < user_key(256)
    True
    """
    return b"u" + struct.pack(">q", identity)


def card_key(identity: int) -> bytes:
    """Key of a card's row."""
    return b"c" + struct.pack(">q", identity)


def identity_of(key: bytes) -> int:
    """Id in a user's or card's key.

    >>> identity_of(card_key(77))
    77
    """
    (identity,) = struct.unpack(">q", key[1:])
    return int(identity)


def ring_rows(
    card: IntArray, event_ms: IntArray, x: FloatArray, degree: IntArray, frozen: FloatArray
) -> Iterator[bytes]:
    """Pack rings, each oldest first: 20 bytes per edge, and the frozen evidence as floats.

    Ring i has the next `degree[i]` of the edges, and `frozen[i]` of the [n, G] floats.

    >>> one, other = ring_rows(np.array([7, 8, 9]), np.arange(3), np.ones(3), np.array([1, 2]), np.zeros((2, 4)))
    >>> [edge["card"].tolist() for edge in (read_ring(one, 4)[0], read_ring(other, 4)[0])]
    [[7], [8, 9]]
    """
    edges = np.empty(len(card), EDGE)
    edges["card"], edges["event_ms"], edges["x"] = card, event_ms, x
    packed, floats, head = edges.tobytes(), np.asarray(frozen, "<f4").tobytes(), bytes([FORMAT])
    width = 4 * frozen.shape[1]
    start = 0
    for number, end in enumerate((np.cumsum(degree) * EDGE.itemsize).tolist()):
        yield head + floats[number * width : (number + 1) * width] + packed[start:end]
        start = end


def read_ring(row: bytes, user_groups: int) -> tuple[np.ndarray, FloatArray]:
    """Unpack a ring: structured edges and the frozen evidence [G]."""
    _check_format(row)
    frozen = np.frombuffer(row, "<f4", user_groups, 1)
    return np.frombuffer(row, EDGE, offset=1 + 4 * user_groups), frozen


def card_row(evidence: FloatArray, frozen: FloatArray) -> bytes:
    """Pack a card's evidence [K] and the frozen part of it."""
    return bytes([FORMAT]) + np.concatenate((evidence, frozen)).astype("<f4").tobytes()


def read_card(row: bytes) -> tuple[FloatArray, FloatArray]:
    """Unpack a card: evidence and frozen evidence."""
    _check_format(row)
    evidence, frozen = np.frombuffer(row, "<f4", offset=1).reshape(2, -1)
    return evidence, frozen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Structure:
    """Everything about a learner that does not belong to a user or a card."""

    counters: IntArray  # int64, in the learner's order
    arrays: tuple[FloatArray, ...]  # float64, in the learner's order

    def row(self) -> bytes:
        """Pack counters, then arrays with their shapes."""
        parts = [bytes([FORMAT, len(self.counters), len(self.arrays)]), self.counters.astype("<i8").tobytes()]
        for array in self.arrays:
            parts.append(struct.pack(f"<B{array.ndim}I", array.ndim, *array.shape))
            parts.append(array.astype("<f8").tobytes())
        return b"".join(parts)

    @classmethod
    def read(cls, row: bytes) -> "Structure":
        """Unpack.

        >>> one = Structure(counters=np.array([3]), arrays=(np.eye(2),))
        >>> Structure.read(one.row()).arrays[0]
        array([[1., 0.],
               [0., 1.]])
        """
        _check_format(row)
        counters = np.frombuffer(row, "<i8", row[1], 3).astype(np.int64)
        at = 3 + 8 * row[1]
        arrays = []
        for _ in range(row[2]):
            shape = struct.unpack_from(f"<{row[at]}I", row, at + 1)
            at += 1 + 4 * row[at]
            size = int(np.prod(shape))
            arrays.append(np.frombuffer(row, "<f8", size, at).reshape(shape).copy())
            at += 8 * size
        return cls(counters=counters, arrays=tuple(arrays))


def _check_format(row: bytes) -> None:
    if row[0] != FORMAT:
        raise ValueError(f"row of format {row[0]}, this version reads {FORMAT}")
