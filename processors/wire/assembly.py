"""Assembles records of any message type from columns, driven by steps derived from its Struct. Compiled.

One loop serves all types. If the output buffer is full, the record is given up and started again in a larger one.
"""

from typing import NamedTuple, cast

from processors.arrays import Address, Index, IntArray, Offset
from processors.compiled import borrowing, by_reference, fused
from processors.wire.json_bytes import (
    ARRAY,
    ARRAY_END,
    COMMA,
    NUMBER_BYTES,
    is_writable,
    put_null,
    put_real,
    put_string,
    put_symbol,
    put_truth,
    put_whole,
)
from processors.wire.loads import WORD, address_at, address_of, copy_words, number_at, offset_at, put, real_at
from processors.wire.program import NULL_NUMBER

TEXT, RAW, WHOLE, TRUTH, REAL, LIST = range(6)
"""Content of a column: texts to be quoted, JSON as it is, integers, booleans, reals, or lists."""

COLUMN_WORDS = 7
COLUMN_BYTES = WORD * COLUMN_WORDS
KIND, VALUES, ENDS, STRIDE, ROWS, DATA, DECIMALS = range(0, COLUMN_BYTES, WORD)
"""Column descriptor: address of its values (for texts and lists, of the starts and of the ends), bytes from one value
to the next, address of the value index of each row (0: the row itself), address that spans refer to, decimals of a
real.
"""

LITERAL, VALUE, LEAVES, EACH, NEXT = range(5)
"""Steps. A literal copies `FIRST` to `SECOND` of the literals. A value is written from column `FIRST`. Leaves are a
list of values: `FIRST` is the column of lists, `SECOND` that of elements. Each opens the list of column `FIRST`, or
jumps to step `SECOND` if it is empty; next continues with the following element, or closes the list.
"""

STEP_WORDS = 3
STEP_BYTES = WORD * STEP_WORDS
OP, FIRST, SECOND = range(0, STEP_BYTES, WORD)

FRAME_WORDS = 3
FRAME_BYTES = WORD * FRAME_WORDS
ROW, END, STEP = range(0, FRAME_BYTES, WORD)
"""An open list: the row that contains it, the end of its elements, and the first step of an element."""

FULL, UNWRITABLE = cast("Offset", -1), cast("Offset", -2)
"""Return values instead of positions: the buffer is full, or a real cannot be written."""


@by_reference
class Job(NamedTuple):
    """The input of a writer: steps, their literals, columns, and scratch space."""

    steps: IntArray  # [s, STEP_WORDS]
    literals: IntArray  # uint8
    columns: IntArray  # [c, COLUMN_WORDS]
    frames: IntArray  # [d, FRAME_WORDS], as deep as lists are nested
    first: int  # row of the first record


class Room(NamedTuple):
    """Output address, and the position up to which it may be written."""

    out: Address
    limit: int


@borrowing
def write_records(job: Job, into: IntArray, ends: IntArray, progress: IntArray) -> int:
    """Continue writing; returns 0 when all records are written, else `FULL` or `UNWRITABLE`.

    `progress` counts records and bytes; `ends` [n] receives the end of each record.
    """
    room, at = Room(address_of(into), len(into) - WORD), progress[1]
    for record in range(progress[0], len(ends)):
        at = _record(job, job.first + record, room, at)
        if at < 0:
            return int(at)
        ends[record] = at
        progress[0], progress[1] = record + 1, at
    return 0


@fused
def _record(job: Job, row: Index, room: Room, at: Offset) -> Offset:
    """Write one record."""
    steps, columns, depth = address_of(job.steps), address_of(job.columns), -1
    step, last = steps, steps + STEP_BYTES * len(job.steps)
    while step < last and at >= 0:
        op, first, second = number_at(step, OP), number_at(step, FIRST), number_at(step, SECOND)
        column, frame = columns + COLUMN_BYTES * first, address_of(job.frames) + FRAME_BYTES * depth
        step += STEP_BYTES
        if op == LITERAL:
            at = _literal(address_of(job.literals), Offset(first), Offset(second), room, at)
        elif op == VALUE:
            at = _values(column, row, row + 1, room, at)
        elif op == LEAVES:
            at = _leaves(column, columns + COLUMN_BYTES * second, row, room, at)
        elif at + NUMBER_BYTES > room.limit:
            return FULL
        elif op == EACH:
            start, end = bounds(column, row)
            at = put_symbol(room.out, at, ARRAY)
            if start < end:
                put_frame(frame + FRAME_BYTES, row, end, step)
                row, depth = start, depth + 1
            else:
                at, step = put_symbol(room.out, at, ARRAY_END), steps + STEP_BYTES * second
        elif row + 1 < number_at(frame, END):
            at, row, step = put_symbol(room.out, at, COMMA), row + 1, address_at(frame, STEP)
        else:
            at, row, depth = put_symbol(room.out, at, ARRAY_END), number_at(frame, ROW), depth - 1
    return Offset(at)


@fused
def put_frame(frame: Address, row: Index, end: Index, step: Address) -> None:
    """Push an open list: the row that contains it, the end of its elements, and the first step of an element."""
    put(frame, ROW, row)
    put(frame, END, end)
    put(frame, STEP, step)


@fused
def bounds(column: Address, row: Index) -> tuple[int, int]:
    """First element of a row's list, and the end."""
    shift = number_at(column, STRIDE) * place_of(column, row)
    return number_at(address_at(column, VALUES), shift), number_at(address_at(column, ENDS), shift)


@fused
def place_of(column: Address, row: Index) -> int:
    """Index of a row's value in a column."""
    rows = address_at(column, ROWS)
    return int(row) if rows == 0 else number_at(rows, WORD * row)


@fused
def _literal(literals: Address, start: Offset, end: Offset, room: Room, at: Offset) -> Offset:
    return FULL if at + end - start > room.limit else copy_words(room.out, at, literals, start, end)


@borrowing
def _leaves(lists: Address, elements: Address, row: Index, room: Room, at: Offset) -> Offset:
    """Write a list of values."""
    if at + NUMBER_BYTES > room.limit:
        return FULL
    start, end = bounds(lists, row)
    at = _values(elements, start, end, room, put_symbol(room.out, at, ARRAY))
    return at if at < 0 else put_symbol(room.out, at, ARRAY_END)


@borrowing
def _values(column: Address, start: Index, end: Index, room: Room, at: Offset) -> Offset:
    """Write the values of rows, separated by commas; afterwards there is room for one more character."""
    kind, values, ends = number_at(column, KIND), address_at(column, VALUES), address_at(column, ENDS)
    stride, data, decimals = number_at(column, STRIDE), address_at(column, DATA), number_at(column, DECIMALS)
    rows = address_at(column, ROWS)
    for row in range(start, end):
        if at + NUMBER_BYTES > room.limit:
            return FULL
        if row > start:
            at = put_symbol(room.out, at, COMMA)
        place = stride * (row if rows == 0 else number_at(rows, WORD * row))
        if kind <= RAW:
            first, behind = offset_at(values, place), offset_at(ends, place)
            if at + NUMBER_BYTES + behind - first > room.limit:
                return FULL
            if first < 0:
                at = put_null(room.out, at)
            elif kind == TEXT:
                at = put_string(room.out, at, data, first, behind)
            else:
                at = copy_words(room.out, at, data, first, behind)
        elif kind == REAL:
            value = real_at(values, place)
            if not is_writable(value):
                return UNWRITABLE
            at = put_real(room.out, at, value, decimals)
        else:
            at = _put_number(kind, number_at(values, place), room.out, at)
    return Offset(at)


@fused
def _put_number(kind: int, number: int, out: Address, at: Offset) -> Offset:
    if number == NULL_NUMBER:
        return put_null(out, at)
    return put_truth(out, at, number) if kind == TRUTH else put_whole(out, at, number)
