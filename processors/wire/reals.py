"""Converts decimals to doubles, exactly or up to the last few digits. Compiled.

Integers up to 2**53 and powers of ten up to 22 are exact as doubles: their product or quotient is rounded once, and is
therefore the double nearest to the decimal (Clinger, *How to read floating point numbers accurately*, PLDI 1990). Other
decimals get an approximation that suffices for comparing with a bound; exact values are read by Python (`read_late`).
"""

import numpy as np

from processors.arrays import Address, FloatArray, IntArray, Offset
from processors.compiled import borrowing, fused
from processors.wire.cursor import LOST, digits, integer
from processors.wire.loads import byte_at, word_at

MARGIN = 1e-9
"""Maximum relative error of an inexact double: digits after the tenth may be ignored."""

LATE_WORDS = 4
_ZERO, _POINT, _EXPONENT, _MINUS, _PLUS = (ord(symbol) for symbol in "0.e-+")
_TO_LOWER = 0x20
_EXACT_MAX, _EXACT_SCALE = 2**53, 22
_SCALE_MAX = 300
_POWERS = np.array([float(f"1e{exponent}") for exponent in range(_SCALE_MAX + 1)])
_WHOLE_POWERS = 10 ** np.arange(9)
_SHORT, _SHORT_POWERS = 16, 10 ** np.arange(16)
_ROOM = 10**10  # eight more digits still fit into 64 bits


@fused
def real(json: Address, at: Offset) -> tuple[float, bool, Offset]:
    """The double that a JSON number represents, whether it is exact, and the position after the number."""
    whole = byte_at(json, at) - _ZERO
    if byte_at(json, at + 1) == _POINT and 0 <= whole <= 9:
        count, part = digits(word_at(json, at + 2))
        end = at + 2 + count
        if count == 8:
            more, low = digits(word_at(json, end))
            count, part, end = count + more, part * _WHOLE_POWERS[more] + low, end + more
        if 0 < count < _SHORT and byte_at(json, end) | _TO_LOWER != _EXPONENT:
            number = whole * _SHORT_POWERS[count] + part
            return number / _POWERS[count], number <= _EXACT_MAX, end
    return _any_real(json, at)


@borrowing
def _any_real(json: Address, at: Offset) -> tuple[float, bool, Offset]:
    is_negative = byte_at(json, at) == _MINUS
    number, end = integer(json, at + is_negative)
    if end == LOST:
        return 0.0, False, LOST
    scale, is_whole = 0, True  # `is_whole`: no digit was ignored
    if byte_at(json, end) == _POINT:
        begin, count = end + 1, 8
        end = begin
        while count == 8:
            count, part = digits(word_at(json, end))
            end += count
            if number < _ROOM:
                number = number * _WHOLE_POWERS[count] + part
                scale += count
            else:
                is_whole = is_whole and part == 0
        if end == begin:
            return 0.0, False, LOST
    if byte_at(json, end) | _TO_LOWER == _EXPONENT:
        sign = byte_at(json, end + 1)
        end += 2 if sign in (_MINUS, _PLUS) else 1
        count, exponent = digits(word_at(json, end))
        if count in (0, 8):
            return 0.0, False, LOST
        end += count
        scale += exponent if sign == _MINUS else -exponent
    if abs(scale) > _SCALE_MAX:
        return 0.0, False, LOST
    value = number / _POWERS[scale] if scale >= 0 else number * _POWERS[-scale]
    is_exact = is_whole and number <= _EXACT_MAX and abs(scale) <= _EXACT_SCALE
    return (-value if is_negative else value), is_exact, end


def read_late(data: IntArray, late: IntArray, column: int, values: FloatArray) -> None:
    """Read the deferred doubles of one column in Python; `late` has column, index, start and end of each.

    >>> values = np.zeros(2); data = np.frombuffer(b"[0.30000000000000004,0]", dtype=np.uint8)
    >>> read_late(data, np.array([[7, 0, 1, 20]]), 7, values); values.tolist()
    [0.30000000000000004, 0.0]
    """
    for _, place, start, end in late[late[:, 0] == column].tolist():
        values[place] = float(data[start:end].tobytes())
