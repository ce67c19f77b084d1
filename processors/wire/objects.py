"""Reads keys of an object in any order, adds defaults for those that are missing, and checks its rules. Compiled.

A key that is not in the table, or that appears twice, makes the cursor `LOST`.
"""

import numpy as np

from processors.arrays import Address, Offset
from processors.compiled import fused
from processors.wire.cursor import COLON, LOST, QUOTE, after
from processors.wire.distinct import are_distinct
from processors.wire.leaves import (
    ABSENT,
    COLUMN_BYTES,
    DOUBLES,
    HEAD,
    NUMBER,
    SPAN,
    VALUES,
    Memory,
    column_of,
    count_in,
    put_double,
    put_number,
    put_span,
)
from processors.wire.loads import address_at, byte_at, number_at, offset_at, put, real_at, trailing_zeros
from processors.wire.nodes import Kind
from processors.wire.program import (
    AS_NULL_TEXT,
    AS_NUMBER,
    AS_REAL,
    AS_TEXT,
    ASCENDING_PLACES,
    BELOW,
    CHECK_COUNT,
    CHECK_FIRST,
    CHECK_OP,
    CHECK_SECOND,
    CHECK_WORDS,
    CHECKS,
    DISTINCT,
    FIELD_WORDS,
    FIELDS,
    HIGH,
    KEY,
    KEY_BYTES,
    KIND,
    MASK,
    NONE_OR_SAME_LENGTH,
    NOT_ABOVE,
    PLACES,
    REQUIRED,
    SAME_LENGTH,
    STORE_AS,
    STORE_COLUMN,
    STORE_COUNT,
    STORE_FIRST,
    STORE_REAL,
    STORE_SECOND,
    STORE_WORDS,
    STORES,
    SUMS_TO_ONE,
    TABLE_WORDS,
    WORD,
)

ROW_BYTES = WORD * FIELD_WORDS
ROWS_AT = WORD * TABLE_WORDS
_LIST = int(Kind.LIST)
_SHORT = 16
SUM_TOLERANCE = 9e-7
"""Narrower than the tolerance of `schemas.rules`, because adding in another order may change the last digits."""


@fused
def key(json: Address, at: Offset, table: Address, expected: int, found: int) -> tuple[int, Offset]:
    """Field number of the key at this position (the expected one is tried first), and the position of its value.

    `table` is an address.
    """
    count = number_at(table, FIELDS)
    number = expected if expected < count else 0
    for _ in range(count):
        row = table + ROWS_AT + ROW_BYTES * number
        if _is_key(json, at + 1, row):
            known = (found >> number) & 1
            following = after(json, at + 1 + number_at(row, KEY_BYTES), COLON)
            return number, (LOST if known or byte_at(json, at) != QUOTE else following)
        number = number + 1 if number + 1 < count else 0
    return 0, LOST


@fused
def _is_key(json: Address, at: Offset, row: Address) -> bool:
    for word in range(0, _SHORT, WORD):
        if number_at(json, at + word) & number_at(row, MASK + word) != number_at(row, KEY + word):
            return False
    if number_at(row, KEY_BYTES) > _SHORT:
        for word in range(_SHORT, 2 * _SHORT, WORD):
            if number_at(json, at + word) & number_at(row, MASK + word) != number_at(row, KEY + word):
                return False
    return True


@fused
def tag(json: Address, at: Offset, node: Offset, m: Memory) -> Offset:
    """Read the tag of an object; returns the position after it."""
    literal, length = m.program + offset_at(m.program, node + BELOW), number_at(m.program, node + HIGH)
    for index in range(length):
        if byte_at(json, at + index) != byte_at(literal, index):
            return LOST
    return at + length


@fused
def is_complete(
    json: Address, table: Address, found: int, trusted: bool, own_text: Offset, m: Memory, occasion: int
) -> bool:
    """Whether an object with these fields is valid; fields that are missing get their defaults.

    `own_text` is the start of the program's texts; `occasion` is unique to this object.
    """
    required, count = number_at(table, REQUIRED), number_at(table, FIELDS)
    if found & required != required:
        return False
    absent = ((1 << count) - 1) & ~found
    while absent:
        _put_default(table + ROWS_AT + ROW_BYTES * trailing_zeros_of(absent), own_text, m)
        absent &= absent - 1
    if not trusted:
        begin = m.program + number_at(table, CHECKS)
        for number in range(number_at(table, CHECK_COUNT)):
            if not _holds(json, begin + WORD * CHECK_WORDS * number, m, occasion):
                return False
    return True


@fused
def trailing_zeros_of(number: int) -> int:
    """Number of zero bits below the lowest one bit."""
    return trailing_zeros(np.uint64(number))


@fused
def _put_default(row: Address, own_text: Offset, m: Memory) -> None:
    begin = m.program + number_at(row, STORES)
    for number in range(number_at(row, STORE_COUNT)):
        store = begin + WORD * STORE_WORDS * number
        column = m.columns + COLUMN_BYTES * number_at(store, STORE_COLUMN)
        first, second = number_at(store, STORE_FIRST), number_at(store, STORE_SECOND)
        kind = number_at(store, STORE_AS)
        if kind == AS_TEXT:
            put_span(column, own_text + first, own_text + second)
        elif kind == AS_NULL_TEXT:
            put_span(column, ABSENT, ABSENT)
        elif kind == AS_NUMBER:
            put_number(column, first)
        elif kind == AS_REAL:
            # a default of null is the span -1 to -1
            start, end = (own_text + first, own_text + second) if first >= 0 else (ABSENT, ABSENT)
            put_double(column, real_at(store, STORE_REAL), start, end)
        else:
            head = number_at(column, HEAD) + 1
            put(address_at(column, VALUES), NUMBER * head, count_in(m.columns + COLUMN_BYTES * first))
            put(column, HEAD, head)


@fused
def _holds(json: Address, check: Address, m: Memory, occasion: int) -> bool:
    """Whether a rule holds for the newest values in the columns of two fields."""
    op, first, second = number_at(check, CHECK_OP), offset_at(check, CHECK_FIRST), offset_at(check, CHECK_SECOND)
    if number_at(m.program, first + KIND) != _LIST:
        return _is_right(op, _last_number(m, first), _last_number(m, second))
    begin, end = _last_list(m, first)
    if op == SUMS_TO_ONE:
        return _sums_to_one(m, offset_at(m.program, first + BELOW), begin, end)
    if op == DISTINCT:
        return are_distinct(json, _elements(m, first) + SPAN * begin, end - begin, m.slots, occasion)
    other_begin, other_end = _last_list(m, second)
    if op == SAME_LENGTH:
        return end - begin == other_end - other_begin
    if op == NONE_OR_SAME_LENGTH:
        return other_begin == other_end or end - begin == other_end - other_begin
    return _agree(op, _elements(m, first) + NUMBER * begin, end - begin, m, second)


@fused
def _agree(op: int, values: Address, count: int, m: Memory, second: Offset) -> bool:
    """Whether the numbers of one list are consistent with those of another, or are valid indices into it."""
    begin, end = _last_list(m, second)
    if op in (ASCENDING_PLACES, PLACES):
        return _are_places(values, count, end - begin, op == ASCENDING_PLACES)
    others, index, most = _elements(m, second) + NUMBER * begin, 0, min(count, end - begin)
    while index < most and _is_right(op, number_at(values, NUMBER * index), number_at(others, NUMBER * index)):
        index += 1
    return index == most


@fused
def _is_right(op: int, low: int, high: int) -> bool:
    return low <= high if op == NOT_ABOVE else low == 0 or high != 0


@fused
def _elements(m: Memory, node: Offset) -> Address:
    """Address of the values of a list's elements."""
    return address_at(column_of(m, offset_at(m.program, node + BELOW)), VALUES)


@fused
def _last_number(m: Memory, node: Offset) -> int:
    column = column_of(m, node)
    return number_at(address_at(column, VALUES), NUMBER * (number_at(column, HEAD) - 1))


@fused
def _last_list(m: Memory, node: Offset) -> tuple[int, int]:
    """Start and end of the newest list in the column of its elements."""
    column = column_of(m, node)
    at = address_at(column, VALUES) + NUMBER * (number_at(column, HEAD) - 1)
    return number_at(at, 0), number_at(at, NUMBER)


@fused
def _are_places(values: Address, count: int, limit: int, ascending: bool) -> bool:
    last = -1
    for index in range(count):
        number = number_at(values, NUMBER * index)
        if number >= limit or number < 0 or (ascending and number <= last):
            return False
        last = number
    return True


@fused
def _sums_to_one(m: Memory, element: Offset, begin: int, end: int) -> bool:
    """Whether the shares from `begin` to `end`, or those of each list there, sum to one."""
    column = column_of(m, element)
    if number_at(m.program, element + KIND) != _LIST:
        return _adds_up(address_at(column, DOUBLES), begin, end)
    offsets = address_at(column, VALUES)
    doubles = address_at(column_of(m, offset_at(m.program, element + BELOW)), DOUBLES)
    for index in range(begin, end):
        if not _adds_up(doubles, number_at(offsets, NUMBER * index), number_at(offsets, NUMBER * (index + 1))):
            return False
    return True


@fused
def _adds_up(doubles: Address, begin: int, end: int) -> bool:
    total = 0.0
    for index in range(begin, end):
        total += real_at(doubles, NUMBER * index)
    return begin == end or abs(total - 1.0) <= SUM_TOLERANCE
