"""Reads records of any message type from bytes into columns, driven by a program derived from its Struct. Compiled.

One loop serves all types, with a stack of frames for nested values. Capacity for a record is ensured before it is read,
so that stores need no check: each element of a list, and each object, takes at least two bytes of JSON.
"""

from typing import NamedTuple

from processors.arrays import Address, IntArray, Offset
from processors.compiled import by_reference, compiled, fused
from processors.wire.arena import SURPLUS
from processors.wire.batch import Batch, is_acceptable, start_of
from processors.wire.cursor import ARRAY, ARRAY_END, LOST, OBJECT, OBJECT_END, after, blank, next_item
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
from processors.wire.loads import address_at, address_of, byte_at, number_at, offset_at, put
from processors.wire.nodes import Kind
from processors.wire.objects import ROW_BYTES, ROWS_AT, is_complete, key, tag
from processors.wire.program import BELOW, FIELD_NODE, KIND, WORD

_LIST, _OBJECT, _TAG = int(Kind.LIST), int(Kind.OBJECT), int(Kind.TAG)

FRAME_WORDS = 4
HOLDER, FOUND, EXPECTED, IS_OBJECT = range(0, WORD * FRAME_WORDS, WORD)
"""A frame: the open node; for an object, which fields were found and which is expected; and whether it is an object."""


@by_reference
class State(NamedTuple):
    """What a reader works with besides a batch: the program, columns, scratch space, and the results."""

    words: IntArray  # the program
    roots: IntArray  # [m], nodes of the member types
    columns: IntArray  # int64 [c, COLUMN_WORDS], see `leaves`
    repeated: IntArray  # [d], numbers of the columns that may have several values per record
    passing: IntArray  # [p], numbers of the columns that are not kept
    frames: IntArray  # [d, FRAME_WORDS], as deep as messages are nested
    late: IntArray  # [1 + 4 l]: how many numbers Python has to read, and their positions
    slots: IntArray  # [s, 2], see `distinct`
    record: IntArray  # [n], of the records read
    member: IntArray  # [n]
    declined: IntArray  # [n]
    key_columns: IntArray  # [m], by member type; -1: not checked
    event_ms_columns: IntArray  # [m]


@compiled
def read_records(batch: Batch, state: State, progress: IntArray) -> int:
    """Continue reading; returns the number of the column that is full, or -1 at the end.

    `progress` counts records, accepted ones, declined ones, and objects.
    """
    json, columns = address_of(batch.data), address_of(state.columns)
    m = Memory(
        address_of(state.words), columns, address_of(state.frames), address_of(state.late), address_of(state.slots)
    )
    first, count, declined_count, objects = progress[0], progress[1], progress[2], progress[3]
    for index in range(first, len(batch.starts)):
        start, trusted = start_of(batch, index), batch.trusted[index]
        many = 0 if start == LOST else (batch.ends[index] - start) // 2
        for number in state.repeated:
            column = columns + COLUMN_BYTES * number
            if number_at(column, HEAD) + many + SURPLUS > number_at(column, CAPACITY):
                progress[0], progress[1], progress[2], progress[3] = index, count, declined_count, objects
                return int(number)
        for number in range(len(state.columns)):
            column = columns + COLUMN_BYTES * number
            put(column, BEFORE, number_at(column, HEAD))
        late_count, member, at = state.late[0], _member(json, start, state.roots, m), LOST
        if member >= 0:
            at, objects = _record(json, start, state.roots[member], trusted, batch.texts_at, objects, m)
        if at == batch.ends[index] and _is_right(batch, index, state, columns, member):
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
def _is_right(batch: Batch, index: int, state: State, columns: Address, member: int) -> bool:
    """Whether the record just read matches its key and timestamp."""
    if state.key_columns[member] < 0:
        return True
    span = columns + COLUMN_BYTES * state.key_columns[member]
    event = columns + COLUMN_BYTES * state.event_ms_columns[member]
    at = address_at(span, VALUES) + 2 * NUMBER * (number_at(span, HEAD) - 1)
    event_ms = number_at(address_at(event, VALUES), NUMBER * (number_at(event, HEAD) - 1))
    return is_acceptable(batch, index, event_ms, offset_at(at, 0), offset_at(at, SPAN_END))


@fused
def _member(json: Address, at: Offset, roots: IntArray, m: Memory) -> int:
    """Number of the member type with the tag at this position; with the tag elsewhere, it can only be the first."""
    if len(roots) == 1:
        return 0
    at = after(json, at, OBJECT)
    for member in range(len(roots)):
        table = m.program + offset_at(m.program, roots[member] + BELOW)
        number, following = key(json, at, table, 0, 0)
        node = offset_at(table, ROWS_AT + FIELD_NODE)
        if number == 0 and tag(json, following, node, m) != LOST:
            return member
    return 0


@fused
def _record(
    json: Address, at: Offset, root: Offset, trusted: bool, own_text: Offset, objects: int, m: Memory
) -> tuple[Offset, int]:
    """Read an object and the white space after it; returns the position after them and the number of objects so far."""
    depth, holder, is_object, found, expected = 0, root, True, 0, 0
    at = after(json, at, OBJECT)
    while True:
        node = offset_at(m.program, holder + BELOW)
        if is_object:
            number, at = key(json, at, m.program + node, expected, found)
            found, expected = found | 1 << number, number + 1
            node = offset_at(m.program + node, ROWS_AT + ROW_BYTES * number + FIELD_NODE)
        at, opens = _value(json, at, node, trusted, m)
        if opens and at != LOST:
            frame = m.frames + WORD * FRAME_WORDS * depth
            put(frame, HOLDER, holder)
            put(frame, FOUND, found)
            put(frame, EXPECTED, expected)
            put(frame, IS_OBJECT, is_object)
            depth, holder, is_object = depth + 1, node, number_at(m.program, node + KIND) == _OBJECT
            found = expected = 0
            continue
        more = False
        while not more:
            more, at = next_item(json, at, OBJECT_END if is_object else ARRAY_END)
            if not more and at != LOST:
                objects += 1
                at = _closed(json, at, holder, is_object, found, trusted, own_text, objects, m)
                depth -= 1
            if at == LOST or depth < 0:
                return blank(json, at), objects
            if not more:
                frame = m.frames + WORD * FRAME_WORDS * depth
                holder, found = offset_at(frame, HOLDER), number_at(frame, FOUND)
                expected, is_object = number_at(frame, EXPECTED), number_at(frame, IS_OBJECT) != 0


@fused
def _value(json: Address, at: Offset, node: Offset, trusted: bool, m: Memory) -> tuple[Offset, bool]:
    """Position after the value, or after the symbol that opens it; and whether it has been opened."""
    kind = number_at(m.program, node + KIND)
    if kind < _LIST:
        return or_null(json, at, node, kind, trusted, m), False
    if kind == _TAG:
        return tag(json, at, node, m), False
    if kind == _OBJECT:
        return after(json, at, OBJECT), True
    if number_at(m.program, offset_at(m.program, node + BELOW) + KIND) < _LIST:
        return leaves(json, at, node, trusted, m), False
    at = after(json, at, ARRAY)
    if byte_at(json, at) != ARRAY_END:
        return at, True
    put_end(m, node)
    return at + 1, False


@fused
def _closed(
    json: Address,
    at: Offset,
    holder: Offset,
    is_object: bool,
    found: int,
    trusted: bool,
    own_text: Offset,
    occasion: int,
    m: Memory,
) -> Offset:
    """The same position if the value closed here is complete, else `LOST`."""
    if not is_object:
        put_end(m, holder)
        return at
    table = m.program + offset_at(m.program, holder + BELOW)
    return at if is_complete(json, table, found, trusted, own_text, m, occasion) else LOST
