"""Writes records of any message type from columns: the same bytes as `schemas.codec` for the same values."""

from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np

from processors.arrays import IntArray
from processors.wire.assembly import COLUMN_WORDS, FRAME_WORDS, UNWRITABLE, Job, write_records
from processors.wire.checked_memory import hold
from processors.wire.steps import steps_of
from processors.wire.values import Texts, Values

KINDS = ("texts", "JSON", "integers", "booleans", "reals", "lists")
_ROOM_MIN = 1 << 14
_GROWTH = 4


class Records(NamedTuple):
    """Concatenated records: record i is `data[ends[i - 1]:ends[i]]`."""

    data: IntArray  # uint8
    ends: IntArray

    def values(self) -> list[bytes]:
        """The records one by one."""
        written = self.data[: int(self.ends[-1]) if len(self.ends) else 0].tobytes()
        return [written[start:end] for start, end in pairwise([0, *self.ends.tolist()])]

    @property
    def longest(self) -> int:
        """Length of the longest record."""
        return int(np.diff(self.ends, prepend=0).max(initial=0))

    def texts(self) -> Texts:
        """The records as JSON values for a column of another message."""
        return Texts(self.data, self.ends - np.diff(self.ends, prepend=0), self.ends)


class Writer:
    """Writes a Struct, or the value at path `root` of it; values at the paths `raw` are passed as JSON.

    >>> from schemas.interactions import ListenerForgotten
    >>> from processors.wire.values import Texts, texts
    >>> writer, users = Writer(ListenerForgotten), Texts.of(["u1", "u2"])
    >>> writer.write(2, {"source": texts(Texts.of(["l/0"]), np.zeros(2, np.int64)), "user_id": texts(users)}).values()
    [b'{"type":"listener-forgotten.v1","source":"l/0","user_id":"u1"}', \
b'{"type":"listener-forgotten.v1","source":"l/0","user_id":"u2"}']
    """

    def __init__(self, message: type[msgspec.Struct], raw: Collection[str] = (), root: str = "") -> None:
        self._steps = steps_of(message, raw, root)
        self._name = f"{message.__name__}.{root}" if root else message.__name__

    def write(self, count: int, columns: Mapping[str, Values], first: int = 0) -> Records:
        """The records of `count` rows, starting at row `first`.

        Raises `TypeError` if the columns do not match the message, and `ValueError` for a real that is not finite or
        that exceeds 64 bits with its decimals.
        """
        held = [self._checked(path, kind, columns.get(path)) for path, kind in self._steps.kinds.items()]
        if len(held) != len(columns):
            raise TypeError(f"{self._name} has no column {sorted(columns.keys() - self._steps.kinds.keys())}")
        words = np.array([_words(one) for one in held], dtype=np.int64).reshape(-1, COLUMN_WORDS)
        frames = np.empty((self._steps.depth, FRAME_WORDS), dtype=np.int64)
        job = Job(self._steps.words, self._steps.literals, words, frames, first)
        out, ends, progress = np.empty(_ROOM_MIN, np.uint8), np.zeros(count, np.int64), np.zeros(2, np.int64)
        while why := write_records(job, out, ends, progress):
            if why == UNWRITABLE:
                raise ValueError(f"{self._name}: row {first + progress[0]} has a real that is not finite or too large")
            larger = np.empty(_GROWTH * len(out), dtype=np.uint8)
            larger[: progress[1]] = out[: progress[1]]
            out = larger
        return Records(out, ends)

    def _checked(self, path: str, kind: int, column: Values | None) -> Values:
        if column is None:
            raise TypeError(f"{self._name} needs a column {path!r}")
        if column.kind != kind:
            raise TypeError(f"column {path!r} of {self._name} holds {KINDS[column.kind]}, not {KINDS[kind]}")
        return column


def _words(column: Values) -> tuple[int, ...]:
    """The descriptor of a column for compiled code (see `assembly`); the caller keeps its arrays alive."""
    starts, ends = column.starts, column.ends
    return (
        column.kind,
        hold(starts),
        0 if ends is None else hold(ends),
        starts.strides[0],
        0 if column.rows is None else hold(column.rows),
        0 if column.data is None else hold(column.data),
        column.decimals,
    )
