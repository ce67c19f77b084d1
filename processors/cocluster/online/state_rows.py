"""The learner as keyed rows of bytes: one per user ring, one per card, one for the structure.

Each row is one record or several, whose numpy types are declared here; the first field is a format byte. Messages are
not stored: they follow from rings, card evidence and blocks.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray, IntArray

FORMAT = 3
STRUCTURE_KEY = b"s"
EDGE = np.dtype([("card", "<i8"), ("event_ms", "<i8"), ("x", "<f4")])
_FORMAT = ("format", "u1")
_STRUCTURE_HEAD = np.dtype([_FORMAT, ("counters", "u1"), ("arrays", "u1")])
_COUNTER, _VALUE = np.dtype("<i8"), np.dtype("<f8")
_KEY = struct.Struct(">cq")


def _ring_head(user_groups: int) -> np.dtype[np.void]:
    """What precedes the edges in the row of a user."""
    return np.dtype([_FORMAT, ("frozen", "<f4", (user_groups,))])


def _card_record(card_groups: int) -> np.dtype[np.void]:
    """The row of a card."""
    return np.dtype([_FORMAT, ("evidence", "<f4", (card_groups,)), ("frozen", "<f4", (card_groups,))])


def _array_head(dimensions: int) -> np.dtype[np.void]:
    """What precedes the values of an array in the row of the structure."""
    return np.dtype([("dimensions", "u1"), ("shape", "<u4", (dimensions,))])


def user_key(identity: int) -> bytes:
    """Key of a user's row; keys sort like ids.

    >>> user_key(1) < user_key(256)
    True
    """
    return _KEY.pack(b"u", identity)


def card_key(identity: int) -> bytes:
    """Key of a card's row."""
    return _KEY.pack(b"c", identity)


def identity_of(key: bytes) -> int:
    """Id in a user's or card's key.

    >>> identity_of(card_key(77))
    77
    """
    _, identity = _KEY.unpack(key)
    return int(identity)


def ring_rows(
    card: IntArray, event_ms: IntArray, x: FloatArray, degree: IntArray, frozen: FloatArray
) -> Iterator[bytes]:
    """Pack rings, each oldest first, and the frozen evidence.

    Ring i has the next `degree[i]` of the edges, and `frozen[i]` of the [n, G] floats.

    >>> one, other = ring_rows(np.array([7, 8, 9]), np.arange(3), np.ones(3), np.array([1, 2]), np.zeros((2, 4)))
    >>> [edge["card"].tolist() for edge in (read_ring(one, 4)[0], read_ring(other, 4)[0])]
    [[7], [8, 9]]
    """
    edges = np.empty(len(card), EDGE)
    edges["card"], edges["event_ms"], edges["x"] = card, event_ms, x
    heads = np.empty(len(degree), _ring_head(frozen.shape[1]))
    heads["format"], heads["frozen"] = FORMAT, frozen
    packed, packed_heads, width = edges.tobytes(), heads.tobytes(), heads.itemsize
    start = 0
    for number, end in enumerate((np.cumsum(degree) * EDGE.itemsize).tolist()):
        yield packed_heads[number * width : (number + 1) * width] + packed[start:end]
        start = end


def read_ring(row: bytes, user_groups: int) -> tuple[np.ndarray, FloatArray]:
    """Unpack a ring: structured edges and the frozen evidence [G]."""
    _check_format(row)
    head = np.frombuffer(row, _ring_head(user_groups), 1)
    return np.frombuffer(row, EDGE, offset=head.itemsize), head["frozen"][0]


def card_row(evidence: FloatArray, frozen: FloatArray) -> bytes:
    """Pack a card's evidence [K] and the frozen part of it."""
    record = np.empty(1, _card_record(len(evidence)))
    record["format"], record["evidence"], record["frozen"] = FORMAT, evidence, frozen
    return record.tobytes()


def read_card(row: bytes) -> tuple[FloatArray, FloatArray]:
    """Unpack a card: evidence and frozen evidence."""
    _check_format(row)
    groups = (len(row) - _card_record(0).itemsize) // (_card_record(1).itemsize - _card_record(0).itemsize)
    (record,) = np.frombuffer(row, _card_record(groups))
    return record["evidence"], record["frozen"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Structure:
    """Everything about a learner that does not belong to a user or a card."""

    counters: IntArray  # int64, in the learner's order
    arrays: tuple[FloatArray, ...]  # float64, in the learner's order

    def row(self) -> bytes:
        """Pack counters, then arrays with their shapes."""
        head = np.array([(FORMAT, len(self.counters), len(self.arrays))], _STRUCTURE_HEAD)
        parts = [head.tobytes(), self.counters.astype(_COUNTER).tobytes()]
        for array in self.arrays:
            parts.append(np.array([(array.ndim, array.shape)], _array_head(array.ndim)).tobytes())
            parts.append(array.astype(_VALUE).tobytes())
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
        (head,) = np.frombuffer(row, _STRUCTURE_HEAD, 1)
        counters = np.frombuffer(row, _COUNTER, int(head["counters"]), _STRUCTURE_HEAD.itemsize)
        at, arrays = _STRUCTURE_HEAD.itemsize + counters.nbytes, []
        for _ in range(int(head["arrays"])):
            (array_head,) = np.frombuffer(row, _array_head(row[at]), 1, at)
            shape = tuple(array_head["shape"].tolist())
            values = np.frombuffer(row, _VALUE, math.prod(shape), at + array_head.nbytes)
            arrays.append(values.reshape(shape).copy())
            at += array_head.nbytes + values.nbytes
        return cls(counters=counters.astype(np.int64), arrays=tuple(arrays))


def _check_format(row: bytes) -> None:
    if row[0] != FORMAT:
        raise ValueError(f"row of format {row[0]}, this version reads {FORMAT}")
