"""Writes shelves of many pages as JSON, from columns straight to bytes: the hottest loop of a worker, compiled.

A page of 70 cards has 280 numbers, which on their way to an encoder used to become Python objects: written here, what
follows from an event took 45 us instead of 72. Numbers are written with the decimals to which they were rounded, so
what is read back is what was rounded, to the last bit.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import numpy as np

from processors.cocluster.arrays import FloatArray, Index, IntArray
from processors.compiled import compiled

SCORE_DECIMALS, PROPENSITY_DECIMALS = 6, 9
_NUMBER_BYTES = 24
_SHELF_BYTES = 256

_encode = msgspec.json.Encoder().encode


class Texts(NamedTuple):
    """Strings as JSON, end to end: string i is `data[ends[i - 1]:ends[i]]`, quotes included."""

    data: IntArray  # uint8
    ends: IntArray

    @classmethod
    def of(cls, strings: Iterable[str]) -> "Texts":
        r"""JSON of these strings.

        >>> texts = Texts.of(["a", 'b"']); bytes(texts.data), texts.ends.tolist()
        (b'"a""b\\""', [3, 8])
        """
        encoded = [_encode(string) for string in strings]
        data = np.frombuffer(b"".join(encoded), dtype=np.uint8)
        return cls(data, np.cumsum([len(one) for one in encoded], dtype=np.int64))

    @property
    def longest(self) -> int:
        """Bytes of the longest string."""
        return int(np.diff(self.ends, prepend=0).max(initial=0))


class PageColumns(NamedTuple):
    """Shelves of n pages; slot columns are [S, n, L], of which shelf s uses the first `slots[s]`."""

    order: IntArray  # [n, rows of the page]: which shelf stands there
    order_propensity: FloatArray  # [n, rows of the page]
    shelf_score: FloatArray  # [S, n]
    slots: IntArray  # [S]
    card: IntArray
    score: FloatArray
    propensity: FloatArray
    reason: IntArray
    reason_value: FloatArray
    second: IntArray
    second_value: FloatArray


class PageTexts(NamedTuple):
    """What the numbers in the columns stand for."""

    shelves: Texts
    cards: Texts
    reasons: Texts


_SHELF_ID, _SCORE, _PROPENSITY, _CARDS, _SCORES, _PROPENSITIES, _REASONS, _VALUES, _SECONDS, _SECOND_VALUES = (
    np.frombuffer(text, dtype=np.uint8)
    for text in (
        b'{"shelf_id":',
        b',"score":',
        b',"propensity":',
        b',"cards":[',
        b'],"scores":[',
        b'],"propensities":[',
        b'],"reasons":[',
        b'],"reason_values":[',
        b'],"second_reasons":[',
        b'],"second_values":[',
    )
)
_END = np.frombuffer(b"]}", dtype=np.uint8)
_THREE_DIGITS = np.frombuffer(b"".join(b"%03d" % number for number in range(1_000)), dtype=np.uint8)


def room_for(columns: PageColumns, texts: PageTexts) -> int:
    """Bytes that one page cannot exceed."""
    slot = texts.cards.longest + 2 * texts.reasons.longest + 4 * _NUMBER_BYTES + 7
    rows, slots = int(columns.order.shape[1]), int(columns.card.shape[2])
    return 2 + rows * (_SHELF_BYTES + texts.shelves.longest + slots * slot)


@compiled
def write_shelves(columns: PageColumns, texts: PageTexts, first: Index, ends: IntArray, out: IntArray) -> None:
    """Write the shelves of pages from `first` on, one after the other, into `out`; `ends` [m] says where each ends."""
    at: Index = 0
    for number in range(len(ends)):
        page = first + number
        out[at] = 91  # [
        at += 1
        for row in range(columns.order.shape[1]):
            if row:
                out[at] = 44  # ,
                at += 1
            at = _shelf(columns, texts, page, row, out, at)
        out[at] = 93  # ]
        at += 1
        ends[number] = at


@compiled
def _shelf(columns: PageColumns, texts: PageTexts, page: Index, row: Index, out: IntArray, at: Index) -> Index:
    shelf = columns.order[page, row]
    slots = columns.slots[shelf]
    at = _mark(_SHELF_ID, out, at)
    at = _text(texts.shelves, shelf, out, at)
    at = _mark(_SCORE, out, at)
    at = _number(columns.shelf_score[shelf, page], SCORE_DECIMALS, out, at)
    at = _mark(_PROPENSITY, out, at)
    at = _number(columns.order_propensity[page, row], PROPENSITY_DECIMALS, out, at)
    at = _mark(_CARDS, out, at)
    at = _texts(texts.cards, columns.card[shelf, page], slots, out, at)
    at = _mark(_SCORES, out, at)
    at = _numbers(columns.score[shelf, page], slots, SCORE_DECIMALS, out, at)
    at = _mark(_PROPENSITIES, out, at)
    at = _numbers(columns.propensity[shelf, page], slots, PROPENSITY_DECIMALS, out, at)
    at = _mark(_REASONS, out, at)
    at = _texts(texts.reasons, columns.reason[shelf, page], slots, out, at)
    at = _mark(_VALUES, out, at)
    at = _numbers(columns.reason_value[shelf, page], slots, SCORE_DECIMALS, out, at)
    at = _mark(_SECONDS, out, at)
    at = _texts(texts.reasons, columns.second[shelf, page], slots, out, at)
    at = _mark(_SECOND_VALUES, out, at)
    at = _numbers(columns.second_value[shelf, page], slots, SCORE_DECIMALS, out, at)
    return _mark(_END, out, at)


@compiled
def _mark(text: IntArray, out: IntArray, at: Index) -> Index:
    for place in range(len(text)):
        out[at + place] = text[place]
    return at + len(text)


@compiled
def _text(texts: Texts, which: Index, out: IntArray, at: Index) -> Index:
    start = texts.ends[which - 1] if which else 0
    for place in range(start, texts.ends[which]):
        out[at] = texts.data[place]
        at += 1
    return at


@compiled
def _texts(texts: Texts, which: IntArray, count: Index, out: IntArray, at: Index) -> Index:
    for slot in range(count):
        if slot:
            out[at] = 44
            at += 1
        at = _text(texts, which[slot], out, at)
    return at


@compiled
def _numbers(values: FloatArray, count: Index, decimals: Index, out: IntArray, at: Index) -> Index:
    for slot in range(count):
        if slot:
            out[at] = 44
            at += 1
        at = _number(values[slot], decimals, out, at)
    return at


@compiled
def _number(value: float, decimals: Index, out: IntArray, at: Index) -> Index:
    """Write a number with at most so many decimals, without zeros at the end, but always with one decimal."""
    one = 1_000_000 if decimals == SCORE_DECIMALS else 1_000_000_000
    scaled = np.int64(np.rint(value * one))
    if scaled < 0:
        out[at] = 45  # -
        at += 1
        scaled = -scaled
    whole = scaled // one
    part = scaled - whole * one
    if whole < 10:
        out[at] = 48 + whole
        at += 1
    else:
        at = _whole(whole, out, at)
    out[at] = 46  # .
    at += 1
    end = at + decimals
    for place in range(end - 3, at - 1, -3):
        rest = part // 1_000
        digits = 3 * (part - 1_000 * rest)
        out[place] = _THREE_DIGITS[digits]
        out[place + 1] = _THREE_DIGITS[digits + 1]
        out[place + 2] = _THREE_DIGITS[digits + 2]
        part = rest
    while end > at + 1 and out[end - 1] == 48:
        end -= 1
    return end


@compiled
def _whole(value: Index, out: IntArray, at: Index) -> Index:
    digits, bound = 1, 10
    while value >= bound:
        digits += 1
        bound *= 10
    for place in range(at + digits - 1, at - 1, -1):
        rest = value // 10
        out[place] = 48 + value - 10 * rest
        value = rest
    return at + digits
