"""Writes JSON into an array of bytes: the pieces, compiled; each gives the place after what it has written."""

from itertools import pairwise

import numpy as np

from processors.arrays import FloatArray, Index, IntArray
from processors.compiled import borrowing, fused, inlined
from processors.wire.loads import address_of, copy_words

NUMBER_BYTES = 24
"""No number that is written here is longer."""

DIGITS_MAX = 19
"""Nor has any integer more digits."""
COMMA, QUOTE = 44, 34
_THREE_DIGITS = np.frombuffer(b"".join(b"%03d" % number for number in range(1_000)), dtype=np.uint8)


def marks(*texts: bytes) -> list[IntArray]:
    """Fixed pieces of text as compiled code takes them.

    >>> [bytes(mark) for mark in marks(b"{", b"}")]
    [b'{', b'}']
    """
    return [np.frombuffer(text, dtype=np.uint8) for text in texts]


def cut(data: IntArray, ends: IntArray) -> list[bytes]:
    """What was written one after the other, each by itself; `ends` [n] say where each ends.

    >>> cut(np.frombuffer(b"abcd", dtype=np.uint8), np.array([1, 3]))
    [b'a', b'bc']
    """
    written, places = data[: int(ends[-1]) if len(ends) else 0].tobytes(), [0, *ends.tolist()]
    return [written[start:end] for start, end in pairwise(places)]


@borrowing
def put_mark(out: IntArray, at: Index, text: IntArray) -> int:
    """Write a fixed piece of text."""
    for place in range(len(text)):
        out[at + place] = text[place]
    return int(at + len(text))


@fused
def put_span(out: IntArray, at: Index, data: IntArray, start: Index, end: Index) -> int:
    """Write a span of `data` as it is, by words (see `copy_words`)."""
    return copy_words(address_of(out), at, address_of(data), start, end)


@fused
def put_string(out: IntArray, at: Index, data: IntArray, start: Index, end: Index) -> int:
    """Write a span of `data`, which is the content of a JSON string already, between quotes; by words."""
    out[at] = QUOTE
    at = put_span(out, at + 1, data, start, end)
    out[at] = QUOTE
    return int(at + 1)


@inlined
def put_comma(out: IntArray, at: Index, is_first: bool) -> int:
    """Write a comma, but not before the first."""
    if not is_first:
        out[at] = COMMA
        at += 1
    return int(at)


@fused
def put_whole(out: IntArray, at: Index, value: Index) -> int:
    """Write an integer that is not negative."""
    if value < 10:
        out[at] = 48 + value
        return int(at + 1)
    return _put_digits(out, at, value)


@borrowing
def _put_digits(out: IntArray, at: Index, value: Index) -> int:
    """Write an integer of two digits or more, from its end."""
    digits, bound = 2, 100
    while digits < DIGITS_MAX and value >= bound:
        digits += 1
        bound *= 10
    place = at + digits
    while value >= 100:
        place -= 3
        value = _put_three(out, place, value)
    while place > at:
        place -= 1
        out[place] = 48 + value % 10
        value //= 10
    return int(at + digits)


@fused
def _put_three(out: IntArray, at: Index, value: Index) -> int:
    """Write the last three digits of a number; gives the number without them."""
    rest = value // 1_000
    digits = 3 * (value - 1_000 * rest)
    out[at], out[at + 1], out[at + 2] = _THREE_DIGITS[digits], _THREE_DIGITS[digits + 1], _THREE_DIGITS[digits + 2]
    return int(rest)


@borrowing
def put_number(out: IntArray, at: Index, value: float, decimals: Index) -> int:
    """Write a number with at most six or nine decimals, without zeros at the end, but always with one decimal.

    What was rounded to so many decimals is read back to the last bit.
    """
    one = 1_000_000 if decimals == 6 else 1_000_000_000
    scaled = np.int64(np.rint(value * one))
    if scaled < 0:
        out[at] = 45  # -
        at += 1
        scaled = -scaled
    whole = scaled // one
    part: Index = scaled - whole * one
    at = put_whole(out, at, whole)
    out[at] = 46  # .
    at += 1
    end = at + decimals
    for place in range(end - 3, at - 1, -3):
        part = _put_three(out, place, part)
    while end > at + 1 and out[end - 1] == 48:
        end -= 1
    return int(end)


@borrowing
def put_numbers(out: IntArray, at: Index, values: FloatArray, count: Index, decimals: Index) -> int:
    """Write the first `count` numbers with commas between them."""
    for place in range(count):
        at = put_comma(out, at, place == 0)
        at = put_number(out, at, values[place], decimals)
    return int(at)
