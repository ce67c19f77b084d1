"""Writes elements of JSON at an address; each function returns the position after what it has written. Compiled.

The caller guarantees room for the element (`NUMBER_BYTES` for a number) and eight more bytes, because copies are by
words.
"""

import numpy as np

from processors.arrays import Address, Index, Offset
from processors.compiled import borrowing, fused
from processors.wire.loads import byte_at, copy_words, put_byte, put_four

NUMBER_BYTES = 32
"""Maximum length of a number."""

DECIMALS_FEW, DECIMALS_MANY = 6, 9
"""Permitted numbers of decimals of a real: two constants, so that divisions compile to multiplications."""

REAL_MAX = 2.0**63 / 10**DECIMALS_MANY
"""Reals from here on exceed 64 bits with `DECIMALS_MANY` decimals."""

COMMA, QUOTE, MINUS, POINT, ZERO = (ord(character) for character in ',"-.0')
ARRAY, ARRAY_END = ord("["), ord("]")
NULL, TRUE, FALSE = (int.from_bytes(word, "little") for word in (b"null", b"true", b"fals"))
_E = ord("e")
_DIGITS_MAX = 19
_THREE_DIGITS = np.frombuffer(b"".join(b"%03d" % number for number in range(1_000)), dtype=np.uint8)


@fused
def put_symbol(out: Address, at: Offset, symbol: Index) -> Offset:
    """Write one character."""
    put_byte(out, at, symbol)
    return Offset(at + 1)


@fused
def put_string(out: Address, at: Offset, origin: Address, start: Offset, end: Offset) -> Offset:
    """Write a span of `origin`, already the content of a JSON string, between quotes."""
    at = copy_words(out, put_symbol(out, at, QUOTE), origin, start, end)
    return put_symbol(out, at, QUOTE)


@fused
def put_null(out: Address, at: Offset) -> Offset:
    """Write `null`."""
    put_four(out, at, NULL)
    return Offset(at + 4)


@fused
def put_truth(out: Address, at: Offset, value: Index) -> Offset:
    """Write `true` or `false`."""
    if value:
        put_four(out, at, TRUE)
        return Offset(at + 4)
    put_four(out, at, FALSE)
    return put_symbol(out, at + 4, _E)


@fused
def put_whole(out: Address, at: Offset, value: Index) -> Offset:
    """Write an integer."""
    if 0 <= value < 10:
        return put_symbol(out, at, ZERO + value)
    return _put_digits(out, at, value)


@borrowing
def _put_digits(out: Address, at: Offset, value: Index) -> Offset:
    """Write an integer of two or more digits, or a negative one, last digit first."""
    if value < 0:
        at, value = put_symbol(out, at, MINUS), -value
    digits, bound = 1, 10
    while digits < _DIGITS_MAX and value >= bound:
        digits += 1
        bound *= 10
    place = at + digits
    while value >= 100:
        place -= 3
        value = _put_three(out, place, value)
    while place > at:
        place -= 1
        put_byte(out, place, ZERO + value % 10)
        value //= 10
    return Offset(at + digits)


@fused
def _put_three(out: Address, at: Offset, value: Index) -> int:
    """Write the last three digits of a number; returns the number without them."""
    rest = value // 1_000
    digits = 3 * (value - 1_000 * rest)
    for place in range(3):
        put_byte(out, at + place, _THREE_DIGITS[digits + place])
    return int(rest)


@borrowing
def put_real(out: Address, at: Offset, value: float, decimals: Index) -> Offset:
    """Write a real with at most 6 or 9 decimals, without trailing zeros except for the first decimal.

    A value that was rounded to this number of decimals is read back exactly. See `is_writable` for permitted reals.
    """
    one = 1_000_000 if decimals == DECIMALS_FEW else 1_000_000_000
    scaled = np.int64(np.rint(value * one))
    if scaled < 0:
        at, scaled = put_symbol(out, at, MINUS), -scaled
    whole = scaled // one if scaled >= one else np.int64(0)
    part: Index = scaled - whole * one
    at = put_symbol(out, put_whole(out, at, whole), POINT)
    end = at + decimals
    for back in range(3, decimals + 1, 3):
        part = _put_three(out, end - back, part)
    while end > at + 1 and byte_at(out, end - 1) == ZERO:
        end -= 1
    return Offset(end)


@fused
def is_writable(value: float) -> bool:
    """Whether a real is finite and small enough to be written."""
    return bool(-REAL_MAX < value < REAL_MAX)
