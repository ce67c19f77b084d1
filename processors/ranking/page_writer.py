"""Writes shelves of many pages as JSON, from columns straight to bytes: the hottest loop of a worker, compiled.

A page of 70 cards has 280 numbers, which on their way to an encoder used to become Python objects: written here, what
follows from an event took 45 us instead of 72. Numbers are written with the decimals to which they were rounded, so
what is read back is what was rounded, to the last bit.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import numpy as np

from processors.arrays import FloatArray, Index, IntArray
from processors.compiled import borrowing
from processors.wire.json_writer import NUMBER_BYTES, put_mark, put_number, put_numbers

SCORE_DECIMALS, PROPENSITY_DECIMALS = 6, 9
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


def room_for(columns: PageColumns, texts: PageTexts) -> int:
    """Bytes that one page cannot exceed."""
    slot = texts.cards.longest + 2 * texts.reasons.longest + 4 * NUMBER_BYTES + 7
    rows, slots = int(columns.order.shape[1]), int(columns.card.shape[2])
    return 2 + rows * (_SHELF_BYTES + texts.shelves.longest + slots * slot)


@borrowing
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


@borrowing
def _shelf(columns: PageColumns, texts: PageTexts, page: Index, row: Index, out: IntArray, at: Index) -> Index:
    shelf = columns.order[page, row]
    slots = columns.slots[shelf]
    at = put_mark(out, at, _SHELF_ID)
    at = _text(texts.shelves, shelf, out, at)
    at = put_mark(out, at, _SCORE)
    at = put_number(out, at, columns.shelf_score[shelf, page], SCORE_DECIMALS)
    at = put_mark(out, at, _PROPENSITY)
    at = put_number(out, at, columns.order_propensity[page, row], PROPENSITY_DECIMALS)
    at = put_mark(out, at, _CARDS)
    at = _texts(texts.cards, columns.card[shelf, page], slots, out, at)
    at = put_mark(out, at, _SCORES)
    at = put_numbers(out, at, columns.score[shelf, page], slots, SCORE_DECIMALS)
    at = put_mark(out, at, _PROPENSITIES)
    at = put_numbers(out, at, columns.propensity[shelf, page], slots, PROPENSITY_DECIMALS)
    at = put_mark(out, at, _REASONS)
    at = _texts(texts.reasons, columns.reason[shelf, page], slots, out, at)
    at = put_mark(out, at, _VALUES)
    at = put_numbers(out, at, columns.reason_value[shelf, page], slots, SCORE_DECIMALS)
    at = put_mark(out, at, _SECONDS)
    at = _texts(texts.reasons, columns.second[shelf, page], slots, out, at)
    at = put_mark(out, at, _SECOND_VALUES)
    at = put_numbers(out, at, columns.second_value[shelf, page], slots, SCORE_DECIMALS)
    return put_mark(out, at, _END)


@borrowing
def _text(texts: Texts, which: Index, out: IntArray, at: Index) -> Index:
    start = texts.ends[which - 1] if which else 0
    for place in range(start, texts.ends[which]):
        out[at] = texts.data[place]
        at += 1
    return at


@borrowing
def _texts(texts: Texts, which: IntArray, count: Index, out: IntArray, at: Index) -> Index:
    for slot in range(count):
        if slot:
            out[at] = 44
            at += 1
        at = _text(texts, which[slot], out, at)
    return at
