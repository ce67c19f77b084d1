"""Reads leaves of a message, and lists of leaves, from JSON into columns. Compiled.

A value that is missing, not in its usual form, or out of bounds makes the cursor `LOST` (see `cursor`).
"""

import math
from typing import NamedTuple, cast

from processors.arrays import Address, Offset
from processors.compiled import borrowing, fused
from processors.wire.cursor import (
    ARRAY,
    ARRAY_END,
    LOST,
    after,
    boolean,
    count_of,
    next_item,
    null,
    number_end,
    string,
    strings,
)
from processors.wire.loads import address_at, byte_at, number_at, offset_at, put, put_real, real_at
from processors.wire.nodes import Kind
from processors.wire.program import (
    BELOW,
    COLUMN,
    COUNTER,
    EXACT,
    HIGH,
    HIGH_REAL,
    KIND,
    LOW,
    LOW_REAL,
    NULL_NUMBER,
    NULLABLE,
    OPEN,
)
from processors.wire.reals import LATE_WORDS, MARGIN, real

VALUES, DOUBLES, HEAD, BEFORE, CAPACITY = 0, 8, 16, 24, 32
COLUMN_WORDS, COLUMN_BYTES = 5, 40
"""Column descriptor: address of its values (spans, numbers, or offsets), address of its doubles (0: not wanted), number
of values, number before the current record, capacity.
"""

ABSENT = cast("Offset", -1)
"""Both ends of the span of null."""

NUMBER, SPAN, SPAN_END = 8, 16, 8
"""Bytes of a number, of a span, and from its start to its end."""

_TEXT, _WHOLE, _REAL, _TRUTH, _MAPPING = (int(kind) for kind in Kind if kind < Kind.LIST)
_MINUS = ord("-")


class Memory(NamedTuple):
    """Addresses of everything a reader works with."""

    program: Address
    columns: Address
    frames: Address
    late: Address
    slots: Address


@fused
def column_of(m: Memory, node: Offset) -> Address:
    """Address of the column descriptor of a node."""
    return m.columns + COLUMN_BYTES * number_at(m.program, node + COLUMN)


@fused
def count_in(column: Address) -> int:
    """Number of values in a column."""
    return number_at(column, HEAD)


@fused
def put_span(column: Address, start: Offset, end: Offset) -> None:
    """Append a span to a column."""
    head = number_at(column, HEAD)
    at = address_at(column, VALUES) + SPAN * head
    put(at, 0, start)
    put(at, SPAN_END, end)
    put(column, HEAD, head + 1)


@fused
def put_number(column: Address, number: int) -> None:
    """Append a number to a column."""
    head = number_at(column, HEAD)
    put(address_at(column, VALUES), NUMBER * head, number)
    put(column, HEAD, head + 1)


@fused
def put_double(column: Address, value: float, start: Offset, end: Offset) -> None:
    """Append a real to a column: its text, and the double."""
    doubles = address_at(column, DOUBLES)
    if doubles != 0:
        put_real(doubles, NUMBER * number_at(column, HEAD), value)
    put_span(column, start, end)


@fused
def put_end(m: Memory, node: Offset) -> None:
    """Append the current number of elements to the offsets of a list."""
    column = column_of(m, node)
    head = number_at(column, HEAD) + 1
    count = count_in(m.columns + COLUMN_BYTES * number_at(m.program, node + COUNTER))
    put(address_at(column, VALUES), NUMBER * head, count)
    put(column, HEAD, head)


@fused
def leaf(json: Address, at: Offset, node: Offset, kind: int, trusted: bool, m: Memory) -> Offset:
    """Read a leaf; returns the position after it."""
    column = column_of(m, node)
    if kind == _TEXT:
        return _text(json, at, m.program + node, column, trusted)
    if kind == _WHOLE:
        return _whole(json, at, m.program + node, column, trusted)
    if kind == _REAL:
        return _real_at(json, at, m.program + node, column, trusted, m.late)
    if kind == _TRUTH:
        number, following = boolean(json, at)
        put_number(column, number)
        return following
    following = strings(json, at, trusted)
    put_span(column, at, following)
    return following


@fused
def or_null(json: Address, at: Offset, node: Offset, kind: int, trusted: bool, m: Memory) -> Offset:
    """Read a leaf or null; returns the position after it."""
    if number_at(m.program, node + NULLABLE) == 0 or null(json, at) == LOST:
        return leaf(json, at, node, kind, trusted, m)
    column = column_of(m, node)
    if kind == _TEXT:
        put_span(column, ABSENT, ABSENT)
    elif kind == _REAL:
        put_double(column, math.nan, ABSENT, ABSENT)
    else:
        put_number(column, NULL_NUMBER)
    return null(json, at)


@fused
def leaves(json: Address, at: Offset, node: Offset, trusted: bool, m: Memory) -> Offset:
    """Read a list of leaves; returns the position after it."""
    element = offset_at(m.program, node + BELOW)
    kind = number_at(m.program, element + KIND)
    at = after(json, at, ARRAY)
    if byte_at(json, at) == ARRAY_END:
        at += 1
    elif kind == _TEXT and number_at(m.program, element + NULLABLE) == 0:
        at = _texts(json, at, m.program + element, column_of(m, element), trusted)
    elif kind == _REAL and number_at(m.program, element + NULLABLE) == 0:
        at = _reals(json, at, m.program + element, column_of(m, element), trusted, m.late)
    elif kind == _WHOLE and number_at(m.program, element + NULLABLE) == 0:
        at = _wholes(json, at, m.program + element, column_of(m, element), trusted)
    else:
        more = True
        while more:
            at = or_null(json, at, element, kind, trusted, m)
            more, at = next_item(json, at, ARRAY_END)
    put_end(m, node)
    return at


@borrowing
def _texts(json: Address, at: Offset, row: Address, column: Address, trusted: bool) -> Offset:
    """Read the rest of a list of texts; returns the position after it."""
    low, high, head = number_at(row, LOW), number_at(row, HIGH), number_at(column, HEAD)
    place, more, is_right = address_at(column, VALUES) + SPAN * head, True, True
    while more:
        length, end, following = string(json, at, trusted)
        put(place, 0, at + 1)
        put(place, SPAN_END, end)
        is_right = is_right and (trusted or low <= length <= high)
        place, head = place + SPAN, head + 1
        more, at = next_item(json, following, ARRAY_END)
    put(column, HEAD, head)
    return at if is_right else LOST


@borrowing
def _wholes(json: Address, at: Offset, row: Address, column: Address, trusted: bool) -> Offset:
    """Read the rest of a list of integers; returns the position after it."""
    low, high, head = number_at(row, LOW), number_at(row, HIGH), number_at(column, HEAD)
    place, more, is_right = address_at(column, VALUES) + NUMBER * head, True, True
    while more:
        number, following = whole(json, at, trusted)
        put(place, 0, number)
        is_right = is_right and low <= number <= high
        place, head = place + NUMBER, head + 1
        more, at = next_item(json, following, ARRAY_END)
    put(column, HEAD, head)
    return at if is_right else LOST


@borrowing
def _reals(json: Address, at: Offset, row: Address, column: Address, trusted: bool, late: Address) -> Offset:
    """Read the rest of a list of reals; returns the position after it."""
    low, high, is_open = real_at(row, LOW_REAL), real_at(row, HIGH_REAL), number_at(row, OPEN)
    head, exact_wanted, more, is_right = number_at(column, HEAD), number_at(row, EXACT) != 0, True, True
    values, doubles = address_at(column, VALUES), address_at(column, DOUBLES)
    while more:
        value, is_exact, following = real(json, at)
        if not is_exact:
            if following == LOST and trusted:
                value, following = math.nan, number_end(json, at)
            if exact_wanted:
                note_late(late, column, head, at, following)
        put(values, SPAN * head, at)
        put(values, SPAN * head + SPAN_END, following)
        if doubles != 0:
            put_real(doubles, NUMBER * head, value)
        is_right = is_right and (trusted or is_within(value, is_exact, low, high, is_open))
        head += 1
        more, at = next_item(json, following, ARRAY_END)
    put(column, HEAD, head)
    return at if is_right else LOST


@fused
def _text(json: Address, at: Offset, row: Address, column: Address, trusted: bool) -> Offset:
    length, end, following = string(json, at, trusted)
    put_span(column, at + 1, end)
    if trusted or number_at(row, LOW) <= length <= number_at(row, HIGH):
        return following
    return LOST


@fused
def _whole(json: Address, at: Offset, row: Address, column: Address, trusted: bool) -> Offset:
    number, following = whole(json, at, trusted)
    put_number(column, number)
    return following if number_at(row, LOW) <= number <= number_at(row, HIGH) else LOST


@fused
def whole(json: Address, at: Offset, trusted: bool) -> tuple[int, Offset]:
    """Read an integer; returns it with the position after it."""
    if byte_at(json, at) != _MINUS:
        return count_of(json, at, trusted)
    number, following = count_of(json, at + 1, trusted)
    return -number, (LOST if number == 0 else following)


@fused
def _real_at(json: Address, at: Offset, row: Address, column: Address, trusted: bool, late: Address) -> Offset:
    value, is_exact, following = real(json, at)
    if not is_exact:
        if following == LOST and trusted:
            value, following = math.nan, number_end(json, at)
        if number_at(row, EXACT) != 0:
            note_late(late, column, count_in(column), at, following)
    put_double(column, value, at, following)
    low, high, is_open = real_at(row, LOW_REAL), real_at(row, HIGH_REAL), number_at(row, OPEN)
    return following if trusted or is_within(value, is_exact, low, high, is_open) else LOST


@fused
def note_late(late: Address, column: Address, place: int, start: Offset, end: Offset) -> None:
    """Defer a number to Python: its column, its index there, and the span of its text."""
    count = number_at(late, 0)
    entry = late + NUMBER * (LATE_WORDS * count + 1)
    put(entry, 0, column)
    put(entry, 8, place)
    put(entry, 16, start)
    put(entry, 24, end)
    put(late, 0, count + 1)


@fused
def is_within(value: float, is_exact: bool, low: float, high: float, is_open: int) -> bool:
    """Whether a double is certainly within its bounds; an inexact one must keep a margin from them."""
    if not is_exact:
        low, high, is_open = low + MARGIN * abs(low), high - MARGIN * abs(high), 3
    is_above = value > low or (value == low and is_open & 1 == 0)
    return is_above and (value < high or (value == high and is_open & 2 == 0))
