"""Reads records of any message type into columns, driven by the program that its Struct gives. Compiled.

One loop for all types: values that hold others are kept on a stack. Room for a record is made before it is read, so
that no store is checked: an element of a list takes two bytes of JSON at least, and so does an object.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct

from processors.cocluster.arrays import FloatArray, IntArray
from processors.compiled import compiled, fused
from processors.wire.arena import SURPLUS as _SURPLUS
from processors.wire.arena import Arena
from processors.wire.batch import Batch, Column, Slow, Values, column_of_values, is_acceptable, start_of
from processors.wire.cursor import ARRAY, ARRAY_END, LOST, OBJECT, OBJECT_END, after, blank, next_item
from processors.wire.distinct import slots_for
from processors.wire.leaves import (
    BEFORE,
    CAPACITY,
    COLUMN_BYTES,
    HEAD,
    NUMBER,
    SPAN_END,
    VALUES,
    Memory,
    leaves,
    or_null,
    put_end,
)
from processors.wire.loads import address_of, byte_at, number_at, put
from processors.wire.nodes import Kind
from processors.wire.objects import ROW_BYTES, ROWS_AT, is_complete, key, tag
from processors.wire.program import BELOW, FIELD_NODE, KIND, Program, program_of
from processors.wire.reals import LATE_WORDS
from schemas.codec import encode

DEPTH_MAX = 16
_FRAME_BYTES = 32
_LIST, _OBJECT, _TAG = int(Kind.LIST), int(Kind.OBJECT), int(Kind.TAG)


class _State(NamedTuple):
    """What a reader works with besides a batch: the program, columns, scratch, and what has been read."""

    words: IntArray  # the program
    roots: IntArray  # [m], nodes of the member types
    columns: IntArray  # int64 [c, COLUMN_WORDS], see `leaves`
    repeated: IntArray  # [d], numbers of the columns of which a record may have several values
    passing: IntArray  # [p], numbers of the columns that are not kept
    frames: IntArray  # [DEPTH_MAX, 4]
    late: IntArray  # [1 + 4 l], how many numbers Python has to read, and which
    slots: IntArray  # [s, 2], see `distinct`
    record: IntArray  # [n], of what has been read
    member: IntArray  # [n]
    declined: IntArray  # [n]
    key_column: int
    event_ms_column: int


class Shredded(NamedTuple):
    """Records [n] in columns: `record` is the index of each in its batch, `member` its type's place in a union.

    Columns have as many values as there are of what their path names, in the order of the records.
    """

    data: IntArray  # uint8, what spans point into
    record: IntArray
    member: IntArray
    values: dict[tuple[int, str], IntArray]
    reals: dict[tuple[int, str], FloatArray]

    def values_of(self, path: str, member: int = 0) -> IntArray:
        """A column: of texts and reals spans [v, 2] (-1: null), of lists where the elements of each begin [v + 1].

        Whole numbers and truths stand there themselves [v] (`NULL_NUMBER`: null).
        """
        return self.values[member, path]

    def doubles(self, path: str, member: int = 0) -> FloatArray:
        """Reals [v], of columns that are read exactly; no number for null."""
        return self.reals[member, path]


class Reader:
    """Reads records of a Struct, or of a union of Structs, into the columns `keep`.

    With `key` and `event_ms`, names of fields, a record is declined whose key is not that field, or whose event is
    further ahead of its time stamp than any may be.

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
        self._key_column = self._program.column(key) if key else -1
        self._event_ms_column = self._program.column(event_ms) if event_ms else -1

    @property
    def texts(self) -> bytes:
        """What stands behind the last value of a batch."""
        return self._program.texts

    def read(self, batch: Batch) -> tuple[Shredded, IntArray]:
        """Columns of what could be read, and the indices of the records that were declined."""
        program, arena = self._program, Arena(self._program, batch)
        record, member, declined = np.empty((3, len(batch.starts)), dtype=np.int64)
        state = _State(
            words=program.words,
            roots=program.roots,
            columns=arena.columns,
            repeated=program.repeated,
            passing=program.passing,
            frames=np.empty((DEPTH_MAX, _FRAME_BYTES // NUMBER), dtype=np.int64),
            late=_room_for_late(batch, bool(program.exact)),
            slots=slots_for(batch.longest // 2 + 1),
            record=record,
            member=member,
            declined=declined,
            key_column=self._key_column,
            event_ms_column=self._event_ms_column,
        )
        progress = np.zeros(4, dtype=np.int64)
        while (full := read_records(batch, state, progress)) >= 0:
            arena.grow(full)
        late = state.late[1 : 1 + LATE_WORDS * state.late[0]].reshape(-1, LATE_WORDS)
        values, reals = arena.kept(batch.data, late)
        count, declined_count = progress[1], progress[2]
        return Shredded(batch.data, record[:count], member[:count], values, reals), declined[:declined_count]

    def read_records(self, values: Values, keys: Values, timestamps_ms: IntArray, slow: Slow) -> Shredded:
        """Columns of all records that carry a message, in order; those that are declined are read from `slow`."""
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
        """The same of a topic of our own: keys and times of its records are not looked at."""
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
    """Room for all numbers that Python may have to read: each has at least five bytes, and a comma."""
    late = np.empty(1 + LATE_WORDS * (len(batch.data) // 6 + 1 if is_needed else 0), dtype=np.int64)
    late[0] = 0
    return late


@compiled
def read_records(batch: Batch, state: _State, progress: IntArray) -> int:
    """Read on; gives the column that is full, or -1 when all is read.

    `progress` counts records, those that were read, those that were declined, and objects.
    """
    text, columns = address_of(batch.data), address_of(state.columns)
    m = Memory(
        address_of(state.words), columns, address_of(state.frames), address_of(state.late), address_of(state.slots)
    )
    first, count, declined_count, objects = progress[0], progress[1], progress[2], progress[3]
    for index in range(first, len(batch.starts)):
        start, trusted = start_of(batch, index), batch.trusted[index]
        many = 0 if start == LOST else (batch.ends[index] - start) // 2
        for number in state.repeated:
            column = columns + COLUMN_BYTES * number
            if number_at(column, HEAD) + many + _SURPLUS > number_at(column, CAPACITY):
                progress[0], progress[1], progress[2], progress[3] = index, count, declined_count, objects
                return int(number)
        for number in range(len(state.columns)):
            column = columns + COLUMN_BYTES * number
            put(column, BEFORE, number_at(column, HEAD))
        late_count, member, at = state.late[0], _member(text, start, state.roots, m), LOST
        if member >= 0:
            at, objects = _record(text, start, state.roots[member], trusted, batch.texts_at, objects, m)
        if at == batch.ends[index] and _is_right(batch, index, state, columns):
            state.record[count], state.member[count] = index, member
            count += 1
            for number in state.passing:
                put(columns + COLUMN_BYTES * number, HEAD, 0)
        else:
            state.declined[declined_count], state.late[0] = index, late_count
            declined_count += 1
            for number in range(len(state.columns)):
                column = columns + COLUMN_BYTES * number
                put(column, HEAD, number_at(column, BEFORE))
    progress[0], progress[1], progress[2], progress[3] = len(batch.starts), count, declined_count, objects
    return -1


@fused
def _is_right(batch: Batch, index: int, state: _State, columns: int) -> bool:
    """Whether what was read last belongs to its key and its time."""
    if state.key_column < 0:
        return True
    span, event = columns + COLUMN_BYTES * state.key_column, columns + COLUMN_BYTES * state.event_ms_column
    at = number_at(span, VALUES) + 2 * NUMBER * (number_at(span, HEAD) - 1)
    event_ms = number_at(number_at(event, VALUES), NUMBER * (number_at(event, HEAD) - 1))
    return is_acceptable(batch, index, event_ms, number_at(at, 0), number_at(at, SPAN_END))


@fused
def _member(text: int, at: int, roots: IntArray, m: Memory) -> int:
    """Which member type stands here by its tag, if there are several; a tag comes first, or the record is declined."""
    if len(roots) == 1:
        return 0
    at = after(text, at, OBJECT)
    for member in range(len(roots)):
        table = m.program + number_at(m.program, roots[member] + BELOW)
        number, following = key(text, at, table, 0, 0)
        node = number_at(table, ROWS_AT + FIELD_NODE)
        if number == 0 and tag(text, following, node, m) != LOST:
            return member
    return -1


@fused
def _record(text: int, at: int, root: int, trusted: bool, own_text: int, objects: int, m: Memory) -> tuple[int, int]:
    """The position after the object that stands here and white space, and how many objects there were by now."""
    depth, holder, is_object, found, expected = 0, root, True, 0, 0
    at = after(text, at, OBJECT)
    while True:
        node = number_at(m.program, holder + BELOW)
        if is_object:
            number, at = key(text, at, m.program + node, expected, found)
            found, expected = found | 1 << number, number + 1
            node = number_at(m.program + node, ROWS_AT + ROW_BYTES * number + FIELD_NODE)
        at, opens = _value(text, at, node, trusted, m)
        if opens and at != LOST:
            frame = m.frames + _FRAME_BYTES * depth
            put(frame, 0, holder)
            put(frame, 8, found)
            put(frame, 16, expected)
            put(frame, 24, is_object)
            depth, holder, is_object = depth + 1, node, number_at(m.program, node + KIND) == _OBJECT
            found = expected = 0
            continue
        more = False
        while not more:
            more, at = next_item(text, at, OBJECT_END if is_object else ARRAY_END)
            if not more and at != LOST:
                objects += 1
                at = _closed(text, at, holder, is_object, found, trusted, own_text, objects, m)
                depth -= 1
            if at == LOST or depth < 0:
                return blank(text, at), objects
            if not more:
                frame = m.frames + _FRAME_BYTES * depth
                holder, found = number_at(frame, 0), number_at(frame, 8)
                expected, is_object = number_at(frame, 16), number_at(frame, 24) != 0


@fused
def _value(text: int, at: int, node: int, trusted: bool, m: Memory) -> tuple[int, bool]:
    """The position after the value that stands here, or after the symbol that opens it; whether it is open."""
    kind = number_at(m.program, node + KIND)
    if kind < _LIST:
        return or_null(text, at, node, kind, trusted, m), False
    if kind == _TAG:
        return tag(text, at, node, m), False
    if kind == _OBJECT:
        return after(text, at, OBJECT), True
    if number_at(m.program, number_at(m.program, node + BELOW) + KIND) < _LIST:
        return leaves(text, at, node, trusted, m), False
    at = after(text, at, ARRAY)
    if byte_at(text, at) != ARRAY_END:
        return at, True
    put_end(m, node)
    return at + 1, False


@fused
def _closed(
    text: int,
    at: int,
    holder: int,
    is_object: bool,
    found: int,
    trusted: bool,
    own_text: int,
    occasion: int,
    m: Memory,
) -> int:
    """The same position, where what is closed here is complete."""
    if not is_object:
        put_end(m, holder)
        return at
    table = m.program + number_at(m.program, holder + BELOW)
    return at if is_complete(text, table, found, trusted, own_text, m, occasion) else LOST
