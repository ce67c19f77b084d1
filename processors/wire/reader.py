"""Reads records of any message type into columns: fast in their usual form, in any other by `schemas.codec`."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from processors.arrays import FloatArray, IntArray
from processors.wire.arena import Arena
from processors.wire.batch import Batch, Column, Slow, Values, column_of_values
from processors.wire.distinct import slots_for
from processors.wire.nodes import members_of
from processors.wire.program import Program
from processors.wire.program_writer import program_of
from processors.wire.reals import LATE_WORDS
from processors.wire.shredding import FRAME_WORDS, State, read_records
from schemas.codec import encode


class Shredded(NamedTuple):
    """Records [n] in columns: `record` is the index of each in its batch, `member` the index of its type in a union.

    A column contains all values at its path, in the order of the records.
    """

    data: IntArray  # uint8, what spans point into
    record: IntArray
    member: IntArray
    values: dict[tuple[int, str], IntArray]
    reals: dict[tuple[int, str], FloatArray]

    def values_of(self, path: str, member: int = 0) -> IntArray:
        """A column: spans [v, 2] of texts and reals (-1: null), or offsets of lists [v + 1].

        Integers and booleans are stored as values [v] (`NULL_NUMBER`: null).
        """
        return self.values[member, path]

    def doubles(self, path: str, member: int = 0) -> FloatArray:
        """Reals [v] of a column that is read exactly; NaN for null."""
        return self.reals[member, path]


class Reader:
    """Reads records of a Struct, or of a union of Structs, into the columns `keep`.

    If the field names `key` and `event_ms` are given, a record is declined if its key is not equal to that field, or if
    its event is too far ahead of its timestamp.

    >>> from schemas.stream_ends import StreamEnd
    >>> from processors.wire.batch import Column
    >>> value = b'{"type":"stream-end.v1","event_id":"s","user_id":"u","card_id":"c","started_ms":0,"event_ms":7,'
    >>> column = Column.of([value + b'"played_ms":5}', b"{}"])
    >>> reader = Reader(StreamEnd, keep=["event_ms", "surface"])
    >>> batch = Batch.of(column, column, np.zeros(2, np.int64), np.zeros(2, bool), reader.texts)
    >>> shredded, declined = reader.read(batch)
    >>> shredded.values_of("event_ms").tolist(), declined.tolist()
    ([7], [1])
    >>> [shredded.data[start:end].tobytes() for start, end in shredded.values_of("surface")]
    [b'home']
    """

    def __init__(
        self, message: Any, keep: Iterable[str], exact: Iterable[str] = (), *, key: str = "", event_ms: str = ""
    ) -> None:
        self._program: Program = program_of(message, keep, exact)
        members = range(len(members_of(message)))
        self._key_columns = np.array([self._program.column(key, one) if key else -1 for one in members])
        self._event_ms_columns = np.array([self._program.column(event_ms, one) if event_ms else -1 for one in members])

    @property
    def texts(self) -> bytes:
        """Texts to append to the values of a batch."""
        return self._program.texts

    def read(self, batch: Batch) -> tuple[Shredded, IntArray]:
        """Columns of the accepted records, and the indices of those declined."""
        program, arena = self._program, Arena(self._program, batch)
        record, member, declined = np.empty((3, len(batch.starts)), dtype=np.int64)
        state = State(
            words=program.words,
            roots=program.roots,
            columns=arena.columns,
            repeated=program.repeated,
            passing=program.passing,
            frames=np.empty((program.depth, FRAME_WORDS), dtype=np.int64),
            late=_room_for_late(batch, bool(program.exact)),
            slots=slots_for(batch.longest // 2 + 1),
            record=record,
            member=member,
            declined=declined,
            key_columns=self._key_columns,
            event_ms_columns=self._event_ms_columns,
        )
        progress = np.zeros(4, dtype=np.int64)
        while (full := read_records(batch, state, progress)) >= 0:
            arena.grow(full)
        late = state.late[1 : 1 + LATE_WORDS * state.late[0]].reshape(-1, LATE_WORDS)
        values, reals = arena.kept(batch.data, late)
        count, declined_count = progress[1], progress[2]
        return Shredded(batch.data, record[:count], member[:count], values, reals), declined[:declined_count]

    def read_records(self, values: Values, keys: Values, timestamps_ms: IntArray, slow: Slow) -> Shredded:
        """Columns of all records that contain a valid message, in order; declined ones are taken from `slow`."""
        column, key_column = column_of_values(values), column_of_values(keys)
        trusted = np.zeros(len(column.starts), dtype=np.bool_)
        shredded, declined = self.read(Batch.of(column, key_column, timestamps_ms, trusted, self.texts))
        if not len(declined):
            return shredded
        canonical = [slow(index) for index in declined.tolist()]
        trusted[declined] = True
        column = column.with_others(declined, canonical)
        shredded, missing = self.read(Batch.of(column, key_column, timestamps_ms, trusted, self.texts))
        assert (column.lengths[missing] < 0).all(), "canonical bytes are always read"
        return shredded

    def read_unkeyed(self, values: Values, slow: Slow) -> Shredded:
        """Like `read_records`, for internal topics: keys and timestamps are not checked."""
        column = column_of_values(values)
        count = len(column.starts)
        return self.read_records(column, Column.none(count), np.zeros(count, dtype=np.int64), slow)

    def read_messages(self, messages: Sequence[Struct]) -> Shredded:
        """Columns of messages."""
        count = len(messages)
        values, trusted = Column.of(map(encode, messages)), np.ones(count, dtype=np.bool_)
        batch = Batch.of(values, Column.none(count), np.zeros(count, dtype=np.int64), trusted, self.texts)
        shredded, missing = self.read(batch)
        assert not len(missing), "canonical bytes are always read"
        return shredded


def _room_for_late(batch: Batch, is_needed: bool) -> IntArray:
    """Room for every number that Python may have to read: each takes at least five bytes and a comma."""
    late = np.empty(1 + LATE_WORDS * (len(batch.data) // 6 + 1 if is_needed else 0), dtype=np.int64)
    late[0] = 0
    return late
