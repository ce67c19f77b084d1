"""Impressions from bytes to columns: of their shelves, what was seen."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from processors.cocluster.arrays import IntArray
from processors.wire.batch import Slow, Values
from processors.wire.reader import Reader, Shredded
from schemas.impressions import Impression
from schemas.outcomes import LoggedPage

LOGGED = LoggedPage.__struct_fields__
"""What is logged with a page: fields of an impression that go with its outcomes."""

_SHELF_ID, _CARD, _PROPENSITY, _SEEN = (
    f"shelves[].{name}" for name in ("shelf_id", "cards[]", "propensities[]", "seen[]")
)
_KEPT = ("event_ms", "event_id", "user_id", *LOGGED, _SHELF_ID, _CARD, _PROPENSITY, _SEEN)
_READER = Reader(Impression, keep=_KEPT, key="user_id", event_ms="event_ms")


class ImpressionColumns(NamedTuple):
    """Impressions [n] in the order of their records; a span [start, end) holds a string as JSON writes it.

    The slots that were seen of impression i are `offsets[i]` to `offsets[i + 1]` of the columns [e], in the order of
    rows and slots.
    """

    data: IntArray  # uint8, what spans point into
    record: IntArray  # [n], index in the batch
    event_ms: IntArray  # [n]
    event_id: IntArray  # [n, 2]
    user_id: IntArray  # [n, 2]
    logged: IntArray  # [n, l, 2]: the fields `LOGGED`
    offsets: IntArray  # [n + 1]
    row: IntArray  # [e], of the page
    slot: IntArray  # [e], of the shelf
    shelf_id: IntArray  # [e, 2]
    card_id: IntArray  # [e, 2]
    propensity: IntArray  # [e, 2], the text of a number


def read_impressions(values: Values, keys: Values, timestamps_ms: IntArray, slow: Slow) -> ImpressionColumns:
    """Columns of the impressions that these records carry."""
    return _columns(_READER.read_records(values, keys, timestamps_ms, slow))


def impressions_of(messages: Sequence[Impression]) -> ImpressionColumns:
    """Columns of these messages.

    >>> from schemas.impressions import ShownShelf
    >>> shelf = ShownShelf(shelf_id="jazz", cards=("c1", "c2"), propensities=(0.9, 0.1), seen=(1,))
    >>> columns = impressions_of([Impression(event_id="i1", user_id="u1", event_ms=0, shelves=(shelf, shelf))])
    >>> columns.row, columns.slot, [columns.data[start:end].tobytes() for start, end in columns.propensity]
    (array([0, 1]), array([1, 1]), [b'0.1', b'0.1'])
    """
    return _columns(_READER.read_messages(messages))


def _columns(shredded: Shredded) -> ImpressionColumns:
    """Join what was seen to what stood there: shelves [s] hold cards [c], of which slots [e] were seen."""
    of = shredded.values_of
    shelves, slot = of("shelves"), of(_SEEN)
    shelf = np.repeat(np.arange(shelves[-1]), np.diff(of("shelves[].seen")))
    row = np.arange(shelves[-1]) - np.repeat(shelves[:-1], np.diff(shelves))
    card = of("shelves[].cards")[shelf] + slot
    return ImpressionColumns(
        shredded.data,
        shredded.record,
        event_ms=of("event_ms"),
        event_id=of("event_id"),
        user_id=of("user_id"),
        logged=np.stack([of(name) for name in LOGGED], axis=1),
        offsets=of("shelves[].seen")[shelves],
        row=row[shelf],
        slot=slot,
        shelf_id=of(_SHELF_ID)[shelf],
        card_id=of(_CARD)[card],
        propensity=of(_PROPENSITY)[card],
    )
