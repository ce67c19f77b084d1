"""The learner as keyed rows of bytes: one per user ring, one per card, one for the structure.

Little-endian columns behind a format byte. Messages are not kept: they follow from rings, card evidence
and blocks.
"""

import struct
from dataclasses import dataclass

import numpy as np

from processors.cocluster.arrays import FloatArray, IntArray

FORMAT = 3
STRUCTURE_KEY = b"s"
EDGE = np.dtype([("card", "<i8"), ("event_ms", "<i8"), ("x", "<f4")])


def user_key(identity: int) -> bytes:
    """Give the key of a user's row; keys sort like ids.

    >>> user_key(1) < user_key(256)
    True
    """
    return b"u" + struct.pack(">q", identity)


def card_key(identity: int) -> bytes:
    """Give the key of a card's row."""
    return b"c" + struct.pack(">q", identity)


def identity_of(key: bytes) -> int:
    """Read the id in a user's or card's key.

    >>> identity_of(card_key(77))
    77
    """
    (identity,) = struct.unpack(">q", key[1:])
    return int(identity)


def ring_row(card: IntArray, event_ms: IntArray, x: FloatArray, frozen: FloatArray) -> bytes:
    """Pack a ring, oldest first: 20 bytes an edge, and the [G] floats that evicted edges left."""
    edges = np.empty(len(card), EDGE)
    edges["card"], edges["event_ms"], edges["x"] = card, event_ms, x
    return bytes([FORMAT]) + np.asarray(frozen, "<f4").tobytes() + edges.tobytes()


def read_ring(row: bytes, user_groups: int) -> tuple[np.ndarray, FloatArray]:
    """Unpack a ring: structured edges and the frozen evidence [G]."""
    _check_format(row)
    frozen = np.frombuffer(row, "<f4", user_groups, 1)
    return np.frombuffer(row, EDGE, offset=1 + 4 * user_groups), frozen


def card_row(evidence: FloatArray, frozen: FloatArray) -> bytes:
    """Pack a card's evidence [K] and the part of it that evicted edges left."""
    return bytes([FORMAT]) + np.concatenate((evidence, frozen)).astype("<f4").tobytes()


def read_card(row: bytes) -> tuple[FloatArray, FloatArray]:
    """Unpack a card: evidence and frozen evidence."""
    _check_format(row)
    evidence, frozen = np.frombuffer(row, "<f4", offset=1).reshape(2, -1)
    return evidence, frozen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Structure:
    """Everything about a learner that belongs to no user and no card."""

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
