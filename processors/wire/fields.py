"""Keys of an object in any order, and values of flat ones, read as a message type's table says. Compiled.

A key that the table does not name, or names but has been there already, loses the cursor.
"""

from typing import NamedTuple

import numpy as np
from msgspec import Struct

from processors.cocluster.arrays import IntArray
from processors.compiled import fused
from processors.wire.cursor import (
    COLON,
    LOST,
    OBJECT,
    OBJECT_END,
    QUOTE,
    after,
    count_of,
    identifier,
    integer,
    next_item,
    null,
    number_end,
    strings,
)
from processors.wire.loads import byte_at, number_at, put

PLACE, SIDE = 16, 8
"""Bytes from one field's place to the next in an int64 [k, 2], and from the start of its span to the end."""

_ROW = 64
_REQUIRED, _TAG_LENGTH, _TAG_TEXT = 8, 16, 24
_SECOND, _FIRST_MASK, _SECOND_MASK, _LENGTH, _KIND, _MOST = 8, 16, 24, 32, 40, 48

TAG, IDENTIFIER, IDENTIFIER_OR_NULL, NUMBER, NUMBER_OR_NULL, STRINGS, NESTED = range(7)
"""What a field holds. A number is whole and not negative; one that may be null is not kept, nor are strings."""


class Field(NamedTuple):
    """One field of a message type; `most` is the largest number that it may hold."""

    name: str
    kind: int
    required: bool = True
    most: int = 0


def table_of(message: type[Struct] | None, *fields: Field) -> IntArray:
    """Table int64 [1 + k, 8] of a message type (none: an object without a tag), as compiled code takes it.

    Row 0: how many fields, which are required (a bit each), bytes of the tag with its quotes, the tag. Then a row for
    each field: its key with the second quote in two words, masks of the bytes that belong to it, its length, kind, and
    `most`.
    """
    name = "" if message is None else str(message.__struct_config__.tag)
    tag = _quoted(name)
    required = sum(field.required << number for number, field in enumerate(fields))
    rows = [[len(fields), required, len(tag), *_words(tag, 4), 0]]
    for field in fields:
        key = _quoted(field.name)[1:]
        rows.append([*_words(key, 2), *_words(b"\xff" * len(key), 2), len(key), field.kind, field.most, 0])
    return np.array(rows, dtype=np.int64)


def _quoted(name: str) -> bytes:
    return b'"%s"' % name.encode()


def _words(text: bytes, count: int) -> list[int]:
    assert len(text) <= 8 * count, f"{text!r} needs more words"
    words: list[int] = np.frombuffer(text.ljust(8 * count, b"\0"), dtype="<i8").tolist()
    return words


@fused
def key(text: int, at: int, table: int, expected: int, found: int) -> tuple[int, int]:
    """Which key stands here (the expected one is looked for first), and the position of its value."""
    first, second, count = number_at(text, at + 1), number_at(text, at + 9), number_at(table, 0)
    number = expected if expected < count else 0
    for _ in range(count):
        row = _ROW * (1 + number)
        if first & number_at(table, row + _FIRST_MASK) == number_at(table, row) and second & number_at(
            table, row + _SECOND_MASK
        ) == number_at(table, row + _SECOND):
            known = (found >> number) & 1
            following = after(text, at + 1 + number_at(table, row + _LENGTH), COLON)
            return number, (LOST if known or byte_at(text, at) != QUOTE else following)
        number = number + 1 if number + 1 < count else 0
    return 0, LOST


@fused
def tag(text: int, at: int, table: int) -> int:
    """After the tag of a message type."""
    length = number_at(table, _TAG_LENGTH)
    for index in range(length):
        if byte_at(text, at + index) != byte_at(table, _TAG_TEXT + index):
            return LOST
    return at + length


@fused
def flat_value(text: int, at: int, table: int, number: int, trusted: bool, places: int) -> int:
    """After the value of a field, which goes to its place: a span, or a number."""
    row = _ROW * (1 + number)
    kind = number_at(table, row + _KIND)
    if kind == IDENTIFIER or (kind == IDENTIFIER_OR_NULL and null(text, at) == LOST):
        end, following = identifier(text, at, trusted)
        put(places, PLACE * number, at + 1)
        put(places, PLACE * number + SIDE, end)
        return following
    if kind == NUMBER:
        value, following = count_of(text, at, trusted)
        put(places, PLACE * number, value)
        return following if value <= number_at(table, row + _MOST) else LOST
    if kind == TAG:
        return tag(text, at, table)
    if kind == STRINGS:
        return strings(text, at, trusted)
    if kind == IDENTIFIER_OR_NULL or null(text, at) != LOST:
        return null(text, at)
    return number_end(text, at) if trusted else integer(text, at)[1]


@fused
def flat_object(text: int, at: int, table: int, trusted: bool, places: int) -> int:
    """After an object with these fields, all of them flat; a field that is not there leaves its place as it was."""
    more, expected, found, at = True, 0, 0, after(text, at, OBJECT)
    while more:
        number, at = key(text, at, table, expected, found)
        at = flat_value(text, at, table, number, trusted, places)
        found |= 1 << number
        expected = number + 1
        more, at = next_item(text, at, OBJECT_END)
    required = number_at(table, _REQUIRED)
    return at if found & required == required else LOST
