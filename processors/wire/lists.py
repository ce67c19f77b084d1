"""Arrays of JSON of one kind of thing each, into room at an address: how many, and the position after. Compiled.

Every element takes two bytes of JSON at least, so room for half as many as a value has bytes is always enough.
"""

from processors.compiled import fused
from processors.wire.cursor import ARRAY, ARRAY_END, after, boolean, count_of, identifier, next_item, propensity
from processors.wire.loads import byte_at, number_at, put

SPAN, END, NUMBER = 16, 8, 8
"""Bytes from one span to the next in an int64 [n, 2], from its start to its end, and from one number to the next."""


@fused
def identifiers(text: int, at: int, trusted: bool, spans: int) -> tuple[int, int]:
    """Identifiers, as spans."""
    at = after(text, at, ARRAY)
    if byte_at(text, at) == ARRAY_END:
        return 0, at + 1
    count, more = 0, True
    while more:
        end, following = identifier(text, at, trusted)
        put(spans, SPAN * count, at + 1)
        put(spans, SPAN * count + END, end)
        count += 1
        more, at = next_item(text, following, ARRAY_END)
    return count, at


@fused
def propensities(text: int, at: int, trusted: bool, spans: int) -> tuple[int, int]:
    """Numbers above zero and not above one, as spans of their text."""
    at = after(text, at, ARRAY)
    if byte_at(text, at) == ARRAY_END:
        return 0, at + 1
    count, more = 0, True
    while more:
        end = propensity(text, at, trusted)
        put(spans, SPAN * count, at)
        put(spans, SPAN * count + END, end)
        count += 1
        more, at = next_item(text, end, ARRAY_END)
    return count, at


@fused
def integers(text: int, at: int, trusted: bool, numbers: int) -> tuple[int, int]:
    """Whole numbers from zero on."""
    at = after(text, at, ARRAY)
    if byte_at(text, at) == ARRAY_END:
        return 0, at + 1
    count, more = 0, True
    while more:
        number, following = count_of(text, at, trusted)
        put(numbers, NUMBER * count, number)
        count += 1
        more, at = next_item(text, following, ARRAY_END)
    return count, at


@fused
def booleans(text: int, at: int, numbers: int) -> tuple[int, int]:
    """Truth values, as numbers 0 and 1."""
    at = after(text, at, ARRAY)
    if byte_at(text, at) == ARRAY_END:
        return 0, at + 1
    count, more = 0, True
    while more:
        number, following = boolean(text, at)
        put(numbers, NUMBER * count, number)
        count += 1
        more, at = next_item(text, following, ARRAY_END)
    return count, at


@fused
def are_at_most(numbers: int, count: int, most: int) -> bool:
    """Whether none of these numbers is larger."""
    index = 0
    while index < count and number_at(numbers, NUMBER * index) <= most:
        index += 1
    return index >= count
