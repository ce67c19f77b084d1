"""Records of any message type assembled from columns, driven by the steps that its Struct gives. Compiled.

One loop for all types. There is room for all that is written, or the record is given up and begun anew in more.
"""

from typing import NamedTuple

from processors.arrays import Index, IntArray
from processors.compiled import borrowing, fused
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
from processors.wire.loads import WORD, address_of, copy_words, number_at, put, real_at
from processors.wire.program import NULL_NUMBER

TEXT, RAW, WHOLE, TRUTH, REAL, LIST = range(6)
"""What a column holds: texts to be quoted, JSON as it is, whole numbers, truths, reals, or lists."""

COLUMN_WORDS = 7
COLUMN_BYTES = WORD * COLUMN_WORDS
KIND, VALUES, ENDS, STRIDE, ROWS, DATA, DECIMALS = range(0, COLUMN_BYTES, WORD)
"""A column: where its values begin (of texts and lists the starts, and where their ends do), how many bytes from one
value to the next, which value a row has (0: its own), what spans point into, and the decimals of a real."""

LITERAL, VALUE, LEAVES, EACH, NEXT = range(5)
"""Steps. A literal goes from `FIRST` to `SECOND` of the literals. A value is of column `FIRST`. Leaves are a list whose
elements are values: the columns of both. Each opens the list of column `FIRST`, or goes on at step `SECOND` where it is
empty; next closes it, or begins with its next element."""

STEP_WORDS = 3
STEP_BYTES = WORD * STEP_WORDS
OP, FIRST, SECOND = range(0, STEP_BYTES, WORD)

FRAME_WORDS = 3
FRAME_BYTES = WORD * FRAME_WORDS
ROW, END, STEP = range(0, FRAME_BYTES, WORD)
"""A list that is open: the row that has it, the element behind its last, and the step that begins one."""

FULL, UNWRITABLE = -1, -2
"""Positions that are none: there is no room, or a real that cannot be written."""


class Job(NamedTuple):
    """What is written: the steps, their literals, the columns, and scratch."""

    steps: IntArray  # [s, STEP_WORDS]
    literals: IntArray  # uint8
    columns: IntArray  # [c, COLUMN_WORDS]
    frames: IntArray  # [d, FRAME_WORDS], as deep as lists go
    first: int  # row of the first record


class Room(NamedTuple):
    """Where bytes are written, and the position up to which there is room."""

    out: int
    limit: int


@borrowing
def write_records(job: Job, out: IntArray, ends: IntArray, progress: IntArray) -> int:
    """Write on; zero when all records are there, else why not. `ends` [n] gets where each ends.

    `progress` counts records, and bytes.
    """
    room, at = Room(address_of(out), len(out) - WORD), progress[1]
    for record in range(progress[0], len(ends)):
        at = _record(job, job.first + record, room, at)
        if at < 0:
            return int(at)
        ends[record] = at
        progress[0], progress[1] = record + 1, at
    return 0


@fused
def _record(job: Job, row: Index, room: Room, at: Index) -> int:
    """Write one record."""
    steps, columns, depth = address_of(job.steps), address_of(job.columns), -1
    step, last = steps, steps + STEP_BYTES * len(job.steps)
    while step < last and at >= 0:
        op, first, second = number_at(step, OP), number_at(step, FIRST), number_at(step, SECOND)
        column, frame = columns + COLUMN_BYTES * first, address_of(job.frames) + FRAME_BYTES * depth
        step += STEP_BYTES
        if op == LITERAL:
            at = _literal(address_of(job.literals), first, second, room, at)
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
            at, row, step = put_symbol(room.out, at, COMMA), row + 1, number_at(frame, STEP)
        else:
            at, row, depth = put_symbol(room.out, at, ARRAY_END), number_at(frame, ROW), depth - 1
    return int(at)


@fused
def put_frame(frame: int, row: Index, end: Index, step: int) -> None:
    """Keep who has the list that is opened, where it ends, and where its elements begin."""
    put(frame, ROW, row)
    put(frame, END, end)
    put(frame, STEP, step)


@fused
def bounds(column: int, row: Index) -> tuple[int, int]:
    """The first element of a row's list, and the one behind its last."""
    shift = number_at(column, STRIDE) * place_of(column, row)
    return number_at(number_at(column, VALUES), shift), number_at(number_at(column, ENDS), shift)


@fused
def place_of(column: int, row: Index) -> int:
    """Which value of a column a row has."""
    rows = number_at(column, ROWS)
    return int(row) if rows == 0 else number_at(rows, WORD * row)


@fused
def _literal(literals: int, start: int, end: int, room: Room, at: Index) -> int:
    return FULL if at + end - start > room.limit else copy_words(room.out, at, literals, start, end)


@borrowing
def _leaves(lists: int, elements: int, row: Index, room: Room, at: Index) -> int:
    """Write a list of values."""
    if at + NUMBER_BYTES > room.limit:
        return FULL
    start, end = bounds(lists, row)
    at = _values(elements, start, end, room, put_symbol(room.out, at, ARRAY))
    return at if at < 0 else put_symbol(room.out, at, ARRAY_END)


@borrowing
def _values(column: int, start: Index, end: Index, room: Room, at: Index) -> int:
    """Write the values of some rows with commas between; then there is room for one character more."""
    kind, values, ends = number_at(column, KIND), number_at(column, VALUES), number_at(column, ENDS)
    stride, data, decimals = number_at(column, STRIDE), number_at(column, DATA), number_at(column, DECIMALS)
    rows = number_at(column, ROWS)
    for row in range(start, end):
        if at + NUMBER_BYTES > room.limit:
            return FULL
        if row > start:
            at = put_symbol(room.out, at, COMMA)
        place = stride * (row if rows == 0 else number_at(rows, WORD * row))
        if kind <= RAW:
            first, behind = number_at(values, place), number_at(ends, place)
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
    return int(at)


@fused
def _put_number(kind: int, number: int, out: int, at: Index) -> int:
    if number == NULL_NUMBER:
        return put_null(out, at)
    return put_truth(out, at, number) if kind == TRUTH else put_whole(out, at, number)
