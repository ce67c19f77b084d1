"""Integers and short texts in bytes, little-endian: what rows of state are made of.

A text's length takes two bytes: an identifier has 256 characters at most, of six bytes each. What is written goes to
an address, what is read is an array of which eight bytes more are readable (see `loads`).
"""

from processors.arrays import Index, IntArray
from processors.compiled import fused
from processors.wire.loads import address_of, copy_words, number_at, put, put_byte, put_four, put_two


@fused
def put_int(out: int, at: Index, value: Index, size: Index) -> int:
    """Write an integer that is not negative in one, two, four or eight bytes; gives the place after it."""
    if size == 8:
        put(out, at, value)
    elif size == 4:
        put_four(out, at, value)
    elif size == 2:
        put_two(out, at, value)
    else:
        put_byte(out, at, value)
    return int(at + size)


@fused
def get_int(data: IntArray, at: Index, size: Index) -> int:
    """Read an integer of at most eight bytes."""
    word = number_at(address_of(data), at)
    return word if size == 8 else int(word & ((1 << 8 * size) - 1))


@fused
def put_text(out: int, at: Index, data: int, start: Index, end: Index) -> int:
    """Write the length of a span of `data` in two bytes, and the span by words; gives the place after it."""
    return copy_words(out, put_int(out, at, end - start, 2), data, start, end)


@fused
def text_end(data: IntArray, at: Index) -> int:
    """Where the text ends whose length stands at `at`; it begins two bytes after."""
    return int(at + 2 + get_int(data, at, 2))
