"""Credits of exposures, kept with those that were streamed, so that a correction takes back exactly what was credited.

A credit is a record in the book's text: a key that identifies the rewards and groups it refers to, and for each reward
and user group a share of a success in ten-thousandths.
"""

from typing import NamedTuple

import numpy as np

from processors.arrays import BoolArray, FloatArray, IntArray, Offset, Place
from processors.compiled import borrowing, by_reference
from processors.settlement.book.book import Book
from processors.settlement.book.layout import NO_TEXT
from processors.settlement.book.listener_places import note_change
from processors.settlement.book.state_layouts import CREDIT, SHARE_BYTES
from processors.wire.binary import LENGTH_BYTES, get_int, put_int
from processors.wire.loads import address_of

SHARES = 10_000
"""Resolution of credits: shares per success."""
_HEAD_BYTES = CREDIT.bytes_min
_length_of, _key_of, _put_head = CREDIT.get("length"), CREDIT.get("key"), CREDIT.put()


@by_reference
class Credited(NamedTuple):
    """Exposures [n] of the book that are credited, in order.

    `kept` are their places, `impression` and `serial` those of their impressions. The new credit of exposure i is
    `shares[offsets[i]:offsets[i + 1]]`, with the key `key[i]`.
    """

    kept: IntArray
    impression: IntArray
    serial: IntArray
    earned_before: BoolArray
    key: IntArray
    offsets: IntArray
    shares: IntArray


def exchanged(book: Book, credited: Credited) -> IntArray:
    """Store the new credits; returns the previous ones in shares [as long as `shares`].

    If the previous credit of an exposure in `earned_before` is unknown or has another key, it is assumed to be the new
    one, so that no exposure is credited twice. The text of the book must have room for `bytes_of` the credits.
    """
    previous = np.empty_like(credited.shares)
    exchange(book, credited, previous)
    return previous


def bytes_of(credited: Credited) -> int:
    """Upper bound of the bytes that these credits take in the text."""
    return _HEAD_BYTES * len(credited.kept) + SHARE_BYTES * len(credited.shares)


def in_shares(credit: FloatArray) -> IntArray:
    """Credits from 0 to 1, in shares of a success.

    >>> in_shares(np.array([0.0, 0.33335, 1.0])).tolist()
    [0, 3334, 10000]
    """
    return np.clip(np.rint(credit * SHARES), 0, SHARES).astype(np.int64)


@borrowing
def exchange(book: Book, credited: Credited, previous: IntArray) -> None:
    """Replace previous credits by the new ones, exposure by exposure."""
    out, totals = address_of(book.text), book.totals[0]
    for number in range(len(credited.kept)):
        exposure, impression = book.exposures[credited.kept[number]], book.impressions[credited.impression[number]]
        first, last = credited.offsets[number], credited.offsets[number + 1]
        length = _HEAD_BYTES - LENGTH_BYTES + SHARE_BYTES * (last - first)
        at = Offset(exposure["credit"])
        is_same = at != NO_TEXT and _length_of(book.text, at) == length
        is_same = is_same and _key_of(book.text, at) == credited.key[number]
        # an unknown previous credit is taken as the new one, so that their difference is zero
        is_unknown = at != NO_TEXT or credited.earned_before[number]
        for place in range(first, last):
            share = credited.shares[place] if is_unknown else np.int64(0)
            if is_same:
                share = get_int(book.text, at + _HEAD_BYTES + SHARE_BYTES * (place - first), SHARE_BYTES)
            previous[place] = share
        # of an impression that was dropped in this transaction, the credit is still needed by its corrections, but no
        # longer by its listener's row
        is_kept = impression["serial"] == credited.serial[number]
        if not is_same:
            if is_kept:
                listener = book.listeners[impression["listener"]]
                listener["row_bytes"] += length
                if at != NO_TEXT:
                    listener["row_bytes"] -= _length_of(book.text, at)
                    totals["text_dead"] += _length_of(book.text, at)
            at = Offset(totals["text_used"])
            exposure["credit"], totals["text_used"] = at, at + LENGTH_BYTES + length
            # the length prefix is not counted when it is replaced
            totals["text_dead"] += LENGTH_BYTES if is_kept else LENGTH_BYTES + length
            _put_head(out, at, length=length, key=credited.key[number])
        if is_kept:
            note_change(book, Place(impression["listener"]))
        for place in range(first, last):
            share_at = at + _HEAD_BYTES + SHARE_BYTES * (place - first)
            put_int(out, share_at, credited.shares[place], SHARE_BYTES)
