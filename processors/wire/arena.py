"""Memory for the columns of one batch: a single allocation, enlarged when a column is full."""

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.wire.batch import Batch
from processors.wire.checked_memory import IS_CHECKED, hold_range
from processors.wire.leaves import CAPACITY, COLUMN_WORDS, DOUBLES, HEAD, NUMBER, VALUES
from processors.wire.nodes import Kind
from processors.wire.program import Program
from processors.wire.reals import read_late

SURPLUS = 4
"""Spare values of each column: for the offset after the last list, and for reads beyond an empty column."""

_GAP = 64 if IS_CHECKED else 0
"""Unused words before each column, so that a checked build detects accesses outside of a column."""

_BYTES_A_VALUE = 24
"""Initial capacity of a repeated column: one value per this many bytes of JSON. Beyond it, the column is enlarged."""


class Arena:
    """Columns of a program: `columns` [c, COLUMN_WORDS] are their descriptors for compiled code."""

    def __init__(self, program: Program, batch: Batch) -> None:
        self._program = program
        self.columns = np.zeros((len(program.columns), COLUMN_WORDS), dtype=np.int64)
        once, many = len(batch.starts) + SURPLUS, batch.longest // 2 + SURPLUS
        kept = many + len(batch.data) // _BYTES_A_VALUE
        room = [(kept if one.is_kept else many) if one.is_repeated else once for one in program.columns]
        self._place(np.array(room, dtype=np.int64))
        self._memory[self._starts[program.lists]] = 0

    def grow(self, number: int) -> None:
        """Double the capacity of a column."""
        memory, starts, room = self._memory, self._starts, self._room.copy()
        room[number] *= 2
        before = self._room
        self._place(room)
        for at, column in enumerate(self._program.columns):
            count = int(self.columns[at, HEAD // NUMBER]) + (column.kind is Kind.LIST)
            parts = [(0, column.width * count)]
            if column.has_doubles:
                parts.append((column.width, count))
            for shift, words in parts:
                to, of = self._starts[at] + shift * room[at], starts[at] + shift * before[at]
                self._memory[to : to + words] = memory[of : of + words]

    def kept(
        self, data: IntArray, late: IntArray
    ) -> tuple[dict[tuple[int, str], IntArray], dict[tuple[int, str], FloatArray]]:
        """The kept columns by member and path, and those of doubles; numbers listed in `late` are read by Python."""
        values: dict[tuple[int, str], IntArray] = {}
        reals: dict[tuple[int, str], FloatArray] = {}
        heads, starts, room = self.columns[:, HEAD // NUMBER].tolist(), self._starts.tolist(), self._room.tolist()
        for at in self._program.kept:
            column, start, count = self._program.columns[at], starts[at], heads[at]
            words = self._memory[start : start + column.width * count + (column.kind is Kind.LIST)]
            values[column.member, column.path] = words.reshape(-1, 2) if column.width == 2 else words
            if column.path in self._program.exact:
                doubles = self._memory[start + 2 * room[at] :][:count].view(np.float64)
                if len(late):
                    read_late(data, late, self.columns[at].ctypes.data, doubles)
                reals[column.member, column.path] = doubles
        return values, reals

    def _place(self, room: IntArray) -> None:
        """Place the columns one after the other."""
        sizes = room * self._program.words_a_value
        ends = np.cumsum(sizes + _GAP)
        self._room, self._starts = room, ends - sizes
        self._memory = np.empty(int(ends[-1]), dtype=np.int64)
        begin = self._memory.ctypes.data
        for start, size in zip(self._starts.tolist(), sizes.tolist(), strict=True) if IS_CHECKED else ():
            hold_range(begin + NUMBER * start, NUMBER * size)
        self.columns[:, VALUES // NUMBER] = begin + NUMBER * self._starts
        self.columns[:, CAPACITY // NUMBER] = room
        has_doubles = self._program.has_doubles
        self.columns[has_doubles, DOUBLES // NUMBER] = begin + NUMBER * (self._starts + 2 * room)[has_doubles]
