"""Soft groups: lists of probabilities, as the exact doubles that their decimals mean. Compiled.

A whole number up to 2**53 is exact as a double, and so is a power of ten up to 22: their quotient is rounded once, and
so the double nearest to the decimals (Clinger, *How to read floating point numbers accurately*, 1990). Numbers with
more digits or another exponent are left to Python where they are trusted (`read_late`), and declined elsewhere.
"""

import math

import numpy as np

from processors.cocluster.arrays import FloatArray, IntArray
from processors.compiled import fused
from processors.wire.cursor import (
    ARRAY,
    ARRAY_END,
    COMMA,
    DIGITS_MAX,
    LOST,
    after,
    digits,
    next_item,
    number_end,
)
from processors.wire.loads import byte_at, number_at, put, put_real, word_at

REAL = 8
"""Bytes of a double."""

SUM_TOLERANCE = 9e-7
"""Narrower than that of `schemas.fields`: who adds up in another order may find another last digit."""

_ZERO, _POINT, _EXPONENT, _MINUS = ord("0"), ord("."), ord("e"), ord("-")
_WHOLE_POWERS = 10 ** np.arange(DIGITS_MAX + 1)
_POWERS = np.array([float(10**exponent) for exponent in range(23)])
_EXACT_MAX = 2**53
_LATE = 24


def room_for_late(text_bytes: int) -> IntArray:
    """Room int64 [1 + 3 m] for numbers that Python has to read: how many, and of each its place, start and end."""
    late = np.empty(1 + 3 * (text_bytes // 4 + 1), dtype=np.int64)
    late[0] = 0
    return late


def read_late(data: IntArray, late: IntArray, weights: FloatArray) -> None:
    """Read those numbers, and put them where they belong.

    >>> weights = np.zeros(3); data = np.frombuffer(b"[0.30000000000000004,0,1e-05]", dtype=np.uint8)
    >>> read_late(data, np.array([2, 0, 1, 20, 2, 23, 28]), weights); weights.tolist()
    [0.30000000000000004, 0.0, 1e-05]
    """
    for place, start, end in late[1 : 1 + 3 * late[0]].reshape(-1, 3).tolist():
        weights[place] = float(data[start:end].tobytes())


@fused
def weight(text: int, at: int, trusted: bool) -> tuple[float, int]:
    """A number from 0 to 1, and the position after it; no number where Python has to read it."""
    number, scale, end = byte_at(text, at) - _ZERO, 0, at + 1
    is_plain = 0 <= number <= 9
    if byte_at(text, end) == _POINT:
        scale, fraction = digits(word_at(text, end + 1))
        if scale == 8:
            more, low = digits(word_at(text, end + 9))
            scale, fraction = 8 + more, fraction * _WHOLE_POWERS[more] + low
        is_plain = is_plain and 1 <= scale <= DIGITS_MAX
        number = number * _WHOLE_POWERS[min(scale, DIGITS_MAX)] + fraction
        end += 1 + scale
    if byte_at(text, end) == _EXPONENT and byte_at(text, end + 1) == _MINUS:
        count, exponent = digits(word_at(text, end + 2))
        is_plain = is_plain and count > 0
        scale += exponent
        end += 2 + count
    is_plain = is_plain and number <= _EXACT_MAX and scale < len(_POWERS)
    if trusted and not (is_plain and byte_at(text, end) in (COMMA, ARRAY_END)):
        return math.nan, number_end(text, at)
    value = number / _POWERS[scale] if is_plain else math.nan
    return value, (end if value <= 1.0 else LOST)


@fused
def weights(text: int, at: int, trusted: bool, reals: int, place: int, late: int) -> tuple[int, int]:
    """Where the next soft group goes in `reals` if this one begins at `place`, and the position after this one."""
    at = after(text, at, ARRAY)
    if byte_at(text, at) == ARRAY_END:
        return place, at + 1
    total, more = 0.0, True
    while more:
        value, following = weight(text, at, trusted)
        if math.isnan(value) and following != LOST:
            count = number_at(late, 0)
            put(late, REAL + _LATE * count, place)
            put(late, 2 * REAL + _LATE * count, at)
            put(late, 3 * REAL + _LATE * count, following)
            put(late, 0, count + 1)
        put_real(reals, REAL * place, value)
        total += value
        place += 1
        more, at = next_item(text, following, ARRAY_END)
    return place, (at if trusted or abs(total - 1.0) <= SUM_TOLERANCE else LOST)


@fused
def soft_groups(text: int, at: int, trusted: bool, reals: int, offsets: int, late: int) -> tuple[int, int]:
    """How many soft groups stand here, and the position after; offsets say where each begins, the first one's does."""
    place, at = number_at(offsets, 0), after(text, at, ARRAY)
    if byte_at(text, at) == ARRAY_END:
        return 0, at + 1
    count, more = 0, True
    while more:
        place, at = weights(text, at, trusted, reals, place, late)
        count += 1
        put(offsets, REAL * count, place)
        more, at = next_item(text, at, ARRAY_END)
    return count, at
