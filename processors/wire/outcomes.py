"""Outcomes and corrections from bytes to columns: what the statistics of cards need of them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from processors.arrays import FloatArray, Index, IntArray
from processors.compiled import borrowing, fused
from processors.wire.batch import Slow, Values
from processors.wire.reader import Reader, Shredded
from schemas.outcomes import Outcome

_SETTLED, _CORRECTED = 0, 1
_READER = Reader(
    Outcome,
    keep=(
        *("card_id", "generation", "shown_ms[]", "settled_ms[]", "played_ms[]"),
        *("shown_ms", "corrected_ms", "previous_ms", "played_ms"),
    ),
    exact=("user_weights[][]", "user_weights[]"),
)


class OutcomeColumns(NamedTuple):
    """Records [r] in order, each of one card; those of record i are `offsets[i]` to `offsets[i + 1]` of columns [e].

    A record either settles outcomes, or corrects one. Row j's soft group is `weight_offsets[j]` to
    `weight_offsets[j + 1]` of the weights [w].
    """

    data: IntArray  # uint8, what spans point into
    card_id: IntArray  # [r, 2], a span [start, end) that holds a string as JSON writes it
    generation: IntArray  # [r]
    settles: IntArray  # [r], 1 for outcomes, 0 for a correction
    offsets: IntArray  # [r + 1]
    shown_ms: IntArray  # [e]
    known_ms: IntArray  # [e], when it settled or was corrected
    played_ms: IntArray  # [e]
    previous_ms: IntArray  # [e], 0 for an outcome
    weight_offsets: IntArray  # [e + 1]
    weights: FloatArray  # [w]


def read_outcomes(values: Values, slow: Slow) -> OutcomeColumns:
    """Columns of the outcomes and corrections that these records carry."""
    return _columns(_READER.read_unkeyed(values, slow))


def outcomes_of(messages: Sequence[Outcome]) -> OutcomeColumns:
    """Columns of these messages.

    >>> from schemas.outcomes import OutcomeSettled, OutcomesSettled
    >>> one = OutcomeSettled(impression_id="i1", row=0, slot=2, shelf_id="jazz", user_id="u1", card_id="c1", shown_ms=5,
    ...     settled_ms=9, played_ms=0, stream_count=0, propensity=0.5, user_weights=(0.25, 0.75))
    >>> columns = outcomes_of([OutcomesSettled.of([one, one])]); columns.known_ms, columns.weights
    (array([9, 9]), array([0.25, 0.75, 0.25, 0.75]))
    """
    return _columns(_READER.read_messages(messages))


class _Part(NamedTuple):
    """What one member type has of the same columns."""

    card_id: IntArray
    generation: IntArray
    offsets: IntArray
    shown_ms: IntArray
    known_ms: IntArray
    played_ms: IntArray
    previous_ms: IntArray
    weight_offsets: IntArray
    weights: FloatArray


def _columns(shredded: Shredded) -> OutcomeColumns:
    settled, corrected = _settled(shredded), _corrected(shredded)
    records, rows = len(shredded.record), len(settled.shown_ms) + len(corrected.shown_ms)
    columns = OutcomeColumns(
        shredded.data,
        card_id=np.empty((records, 2), dtype=np.int64),
        generation=np.empty(records, dtype=np.int64),
        settles=np.empty(records, dtype=np.int64),
        offsets=np.empty(records + 1, dtype=np.int64),
        shown_ms=np.empty(rows, dtype=np.int64),
        known_ms=np.empty(rows, dtype=np.int64),
        played_ms=np.empty(rows, dtype=np.int64),
        previous_ms=np.empty(rows, dtype=np.int64),
        weight_offsets=np.empty(rows + 1, dtype=np.int64),
        weights=np.empty(len(settled.weights) + len(corrected.weights)),
    )
    merge_in_order(settled, corrected, shredded.member, columns)
    return columns


def _settled(shredded: Shredded) -> _Part:
    def of(path: str) -> IntArray:
        return shredded.values_of(path, _SETTLED)

    shown_ms = of("shown_ms[]")
    return _Part(
        card_id=of("card_id"),
        generation=of("generation"),
        offsets=of("shown_ms"),
        shown_ms=shown_ms,
        known_ms=of("settled_ms[]"),
        played_ms=of("played_ms[]"),
        previous_ms=np.zeros(len(shown_ms), dtype=np.int64),
        weight_offsets=of("user_weights[]"),
        weights=shredded.doubles("user_weights[][]", _SETTLED),
    )


def _corrected(shredded: Shredded) -> _Part:
    def of(path: str) -> IntArray:
        return shredded.values_of(path, _CORRECTED)

    shown_ms = of("shown_ms")
    return _Part(
        card_id=of("card_id"),
        generation=of("generation"),
        offsets=np.arange(len(shown_ms) + 1),
        shown_ms=shown_ms,
        known_ms=of("corrected_ms"),
        played_ms=of("played_ms"),
        previous_ms=of("previous_ms"),
        weight_offsets=of("user_weights"),
        weights=shredded.doubles("user_weights[]", _CORRECTED),
    )


@borrowing
def merge_in_order(settled: _Part, corrected: _Part, member: IntArray, columns: OutcomeColumns) -> None:
    """Bring the rows of both types into the order of their records."""
    columns.offsets[0], columns.weight_offsets[0] = 0, 0
    settled_count = row = 0
    for record in range(len(member)):
        if member[record] == _SETTLED:
            row = _append(settled, settled_count, record, row, columns)
            settled_count += 1
        else:
            row = _append(corrected, record - settled_count, record, row, columns)
        columns.settles[record] = member[record] == _SETTLED


@fused
def _append(part: _Part, place: Index, record: Index, row: Index, columns: OutcomeColumns) -> int:
    """Put record `place` of a part to the columns as record `record`, from `row` on; gives the row after it."""
    columns.card_id[record, 0], columns.card_id[record, 1] = part.card_id[place, 0], part.card_id[place, 1]
    columns.generation[record] = part.generation[place]
    at: Index = columns.weight_offsets[row]
    for of in range(part.offsets[place], part.offsets[place + 1]):
        columns.shown_ms[row], columns.known_ms[row] = part.shown_ms[of], part.known_ms[of]
        columns.played_ms[row], columns.previous_ms[row] = part.played_ms[of], part.previous_ms[of]
        for weight in range(part.weight_offsets[of], part.weight_offsets[of + 1]):
            columns.weights[at] = part.weights[weight]
            at += 1
        row += 1
        columns.weight_offsets[row] = at
    columns.offsets[record + 1] = row
    return int(row)
