"""Little-endian integers and short texts: the elements of state rows, see `layouts`.

The length of a text takes two bytes: an identifier has at most 256 characters of at most six bytes. Writers get an
address, readers an array with eight readable bytes after its end (see `loads`).
"""

from processors.arrays import Address, Index, IntArray, Offset
from processors.compiled import fused
from processors.wire.loads import address_of, copy_words, number_at, put, put_byte, put_four, put_two

LENGTH_BYTES = 2
"""Size of the length before a text."""


@fused
def put_int(out: Address, at: Offset, value: Index, size: Index) -> Offset:
    """Write a non-negative integer in one to four, or in eight bytes; returns the position after it."""
    if size == 8:
        put(out, at, value)
    elif size == 4:
        put_four(out, at, value)
    elif size == 3:
        put_two(out, at, value)
        put_byte(out, at + 2, value >> 16)
    elif size == 2:
        put_two(out, at, value)
    else:
        put_byte(out, at, value)
    return Offset(at + size)


@fused
def get_int(data: IntArray, at: Offset, size: Index) -> int:
    """Read an integer of at most eight bytes."""
    word = number_at(address_of(data), at)
    return word if size == 8 else int(word & ((1 << 8 * size) - 1))


@fused
def put_text(out: Address, at: Offset, origin: Address, start: Offset, end: Offset) -> Offset:
    """Write a span of `origin`, preceded by its length in two bytes, by words; returns the position after it."""
    return copy_words(out, put_int(out, at, end - start, LENGTH_BYTES), origin, start, end)


@fused
def text_end(data: IntArray, at: Offset) -> Offset:
    """End of the text whose length is at `at`; it starts `LENGTH_BYTES` later."""
    return Offset(at + LENGTH_BYTES + get_int(data, at, LENGTH_BYTES))


@fused
def text_span(data: IntArray, at: Offset) -> tuple[Offset, Offset]:
    """Start and end of the text whose length is at `at`."""
    return Offset(at + LENGTH_BYTES), text_end(data, at)


@fused
def span_in(spans: IntArray, row: Index) -> tuple[Offset, Offset]:
    """Start and end of the text in a row of a column of spans [n, 2]; cheaper to compile than a view of the row."""
    return Offset(spans[row, 0]), Offset(spans[row, 1])
