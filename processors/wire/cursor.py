"""A cursor over JSON: each function reads one item at a position and returns the position after it. Compiled.

If the item is missing or not in its usual form, the cursor is `LOST`: it points to zero bytes, where nothing can be
read, so it remains lost and readers need to check only at the end. Every value is followed by a zero byte too, so no
cursor leaves its value.

Text that has been decoded and encoded again is *trusted*: strings may contain escapes, numbers may have any form.
"""

from typing import cast

import numpy as np

from processors.arrays import Address, Offset
from processors.compiled import fused
from processors.wire.loads import byte_at, trailing_zeros, word_at

LOST = cast("Offset", 0)
LEAD = bytes(16)
"""Bytes before the first value: the target of a lost cursor."""

DIGITS_MAX = 15
COUNT_MAX = 2**62

QUOTE, COMMA, COLON = ord('"'), ord(","), ord(":")
ARRAY, ARRAY_END, OBJECT, OBJECT_END = ord("["), ord("]"), ord("{"), ord("}")
_SPACE, _TAB, _NEWLINE, _RETURN = ord(" "), ord("\t"), ord("\n"), ord("\r")
_ZERO, _BACKSLASH, _NOT_ASCII = ord("0"), ord("\\"), 0x80
_NOTHING = 0

_ONES = np.uint64(0x0101010101010101)
_HIGH_BITS = np.uint64(0x8080808080808080)
_QUOTES, _BACKSLASHES, _SPACES = (_ONES * np.uint64(byte) for byte in b'"\\ ')
_HIGH_NIBBLES, _LOW_NIBBLES = np.uint64(0xF0F0F0F0F0F0F0F0), np.uint64(0x0F0F0F0F0F0F0F0F)
_ZEROS, _SIXES = np.uint64(0x3030303030303030), np.uint64(0x0606060606060606)
_PAIRS, _FOURS = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0000FFFF0000FFFF)
_TEN, _HUNDRED, _TEN_THOUSAND = np.uint64(10), np.uint64(100), np.uint64(10_000)
_EIGHT, _SIXTEEN, _THIRTY_TWO = np.uint64(8), np.uint64(16), np.uint64(32)
_NULL, _NULL_MASK = np.uint64(int.from_bytes(b"null", "little")), np.uint64(2**32 - 1)
_TRUE = np.uint64(int.from_bytes(b"true", "little"))
_FALSE, _FALSE_MASK = np.uint64(int.from_bytes(b"false", "little")), np.uint64(2**40 - 1)
_POWERS = 10 ** np.arange(9)


@fused
def blank(json: Address, at: Offset) -> Offset:
    """Skip white space."""
    byte = byte_at(json, at)
    while byte <= _SPACE and (byte in (_SPACE, _NEWLINE, _RETURN, _TAB)):
        at += 1
        byte = byte_at(json, at)
    return at


@fused
def after(json: Address, at: Offset, symbol: int) -> Offset:
    """Skip this symbol and the white space around it."""
    at = blank(json, at)
    return blank(json, at + 1) if byte_at(json, at) == symbol else LOST


@fused
def null(json: Address, at: Offset) -> Offset:
    """Skip `null`."""
    return at + 4 if word_at(json, at) & _NULL_MASK == _NULL else LOST


@fused
def boolean(json: Address, at: Offset) -> tuple[int, Offset]:
    """Read a boolean, as 1 or 0."""
    word = word_at(json, at)
    if word & _NULL_MASK == _TRUE:
        return 1, at + 4
    return 0, (at + 5 if word & _FALSE_MASK == _FALSE else LOST)


@fused
def digits(word: np.uint64) -> tuple[int, int]:
    """Number of leading bytes of the word that are digits, and the number that they represent."""
    others = (word & _HIGH_NIBBLES) ^ _ZEROS | ((word + _SIXES) & _HIGH_NIBBLES) ^ _ZEROS
    count = 8
    if others != np.uint64(0):
        count = trailing_zeros(others) >> 3
        if count == 0:
            return 0, 0
        word <<= np.uint64(64 - 8 * count)
    # pairs, fours and eights of digits by three multiplications: Lemire, "Quickly parsing eight digits" (2018)
    word &= _LOW_NIBBLES
    word = (word * _TEN + (word >> _EIGHT)) & _PAIRS
    word = (word * _HUNDRED + (word >> _SIXTEEN)) & _FOURS
    word = (word * _TEN_THOUSAND + (word >> _THIRTY_TWO)) & np.uint64(0xFFFFFFFF)
    return count, int(np.int64(word))


@fused
def integer(json: Address, at: Offset) -> tuple[int, Offset]:
    """Read a non-negative integer of at most 15 digits."""
    count, number = digits(word_at(json, at))
    if count == 8:
        more, low = digits(word_at(json, at + 8))
        count, number = 8 + more, number * _POWERS[more] + low
    if count == 0 or count > DIGITS_MAX or (count > 1 and byte_at(json, at) == _ZERO):
        return 0, LOST
    return number, at + count


@fused
def count_of(json: Address, at: Offset, trusted: bool) -> tuple[int, Offset]:
    """Like `integer`; a trusted number may have more digits, and is capped at `COUNT_MAX`."""
    number, following = integer(json, at)
    if following != LOST or not trusted:
        return number, following
    count, number = digits(word_at(json, at))
    begin = at
    while count > 0:
        number, at = min(number, COUNT_MAX), at + count
        count, more = digits(word_at(json, at))
        number = COUNT_MAX if number > COUNT_MAX // _POWERS[count] else number * _POWERS[count] + more
    return number, (at if at > begin else LOST)


@fused
def number_end(json: Address, at: Offset) -> Offset:
    """Skip a trusted number in any form."""
    byte = byte_at(json, at)
    while byte not in (COMMA, ARRAY_END, OBJECT_END, _NOTHING):
        at += 1
        byte = byte_at(json, at)
    return at


@fused
def _character(json: Address, at: Offset) -> Offset:
    """Skip one character of two to four bytes of UTF-8."""
    first, second = byte_at(json, at), byte_at(json, at + 1)
    low, high, more = 0x80, 0xBF, 1
    if first >= 0xF0:
        more = 3
        low, high = (0x90 if first == 0xF0 else low), (0x8F if first == 0xF4 else high)
    elif first >= 0xE0:
        more = 2
        low, high = (0xA0 if first == 0xE0 else low), (0x9F if first == 0xED else high)
    if first < 0xC2 or first > 0xF4 or not low <= second <= high:
        return LOST
    for following in range(at + 2, at + 1 + more):
        if byte_at(json, following) & 0xC0 != 0x80:
            return LOST
    return at + 1 + more


@fused
def string(json: Address, at: Offset, trusted: bool) -> tuple[int, Offset, Offset]:
    """Read a string: number of characters, position of the closing quote, and the position after it."""
    if byte_at(json, at) != QUOTE:
        return 0, LOST, LOST
    at += 1
    begin, surplus = at, 0
    while True:
        word = word_at(json, at)
        # a byte of `(x - ones) & ~x & high bits` is set where x has a zero byte: Mycroft's test (Hacker's Delight, 6-1)
        quotes, slashes = word ^ _QUOTES, word ^ _BACKSLASHES
        stops = (quotes - _ONES) & ~quotes | (slashes - _ONES) & ~slashes | (word - _SPACES) & ~word | word
        stops &= _HIGH_BITS
        if stops == np.uint64(0):
            at += 8
            continue
        at += trailing_zeros(stops) >> 3
        byte = byte_at(json, at)
        if byte == QUOTE:
            return at - begin - surplus, at, at + 1
        if byte >= _NOT_ASCII:
            following = _character(json, at)
            if following == LOST:
                return 0, LOST, LOST
            surplus += following - at - 1
            at = following
        elif byte == _BACKSLASH and trusted:
            at += 2
        else:
            return 0, LOST, LOST


@fused
def next_item(json: Address, at: Offset, closing: int) -> tuple[bool, Offset]:
    """Whether another item follows in an array or object; the position of that item, or after the closing symbol."""
    at = blank(json, at)
    byte = byte_at(json, at)
    if byte == COMMA:
        return True, blank(json, at + 1)
    return False, (at + 1 if byte == closing else LOST)


@fused
def strings(json: Address, at: Offset, trusted: bool) -> Offset:
    """Skip an object whose values are strings."""
    at = after(json, at, OBJECT)
    if byte_at(json, at) == OBJECT_END:
        return at + 1
    more = True
    while more:
        at = string(json, at, trusted)[2]
        at = string(json, after(json, at, COLON), trusted)[2]
        more, at = next_item(json, at, OBJECT_END)
    return at
