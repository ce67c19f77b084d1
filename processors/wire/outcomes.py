"""Outcomes and corrections from bytes to columns: what card statistics need of them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from processors.arrays import FloatArray, Index, IntArray
from processors.compiled import borrowing, by_reference, fused
from processors.wire.batch import Slow, Values
from processors.wire.reader import Reader, Shredded
from schemas.outcomes import Outcome

_SETTLED, _CORRECTED = 0, 1
_KEPT = (
    *("card_id", "generation", "rewards", "shown_ms[]", "settled_ms[]", "played_ms[]"),
    *("shown_ms", "corrected_ms", "previous_ms", "played_ms"),
)
_EXACT = ("user_weights[][]", "user_weights[]", "credits[][]", "credits[]", "previous_credits[]")
_READER = Reader(Outcome, keep=_KEPT, exact=_EXACT)
_READER_OF_PROPENSITIES = Reader(
    Outcome, keep=_KEPT, exact=(*_EXACT, "propensity[]", "row_propensity[]", "propensity", "row_propensity")
)


class Ragged(NamedTuple):
    """Rows of numbers, concatenated: row j is `offsets[j]` to `offsets[j + 1]` of the values."""

    offsets: IntArray  # [n + 1]
    values: FloatArray  # [v]


@by_reference
class OutcomeColumns(NamedTuple):
    """Records [r] in order, each of one card; record i has `offsets[i]` to `offsets[i + 1]` of the columns [e].

    A record either settles outcomes, or corrects one. The soft group of row j is `weight_offsets[j]` to
    `weight_offsets[j + 1]` of the weights [w]. Record i names `rewards` (comma-separated) and has the rows
    `credit_places[i]` to `credit_places[i + 1]` [c] of credits and previous credits: always one for a correction, empty
    if the record has no credits; for outcomes one for each with a stream, or none if the record has no valid credits.
    """

    data: IntArray  # uint8, what spans point into
    card_id: IntArray  # [r, 2], a span [start, end) that contains a string as JSON writes it
    generation: IntArray  # [r]
    settles: IntArray  # [r], 1 for outcomes, 0 for a correction
    offsets: IntArray  # [r + 1]
    shown_ms: IntArray  # [e]
    known_ms: IntArray  # [e], time of settlement or correction
    played_ms: IntArray  # [e]
    previous_ms: IntArray  # [e], 0 for an outcome
    weight_offsets: IntArray  # [e + 1]
    weights: FloatArray  # [w]
    rewards: IntArray  # [r, 2], as card_id
    credit_places: IntArray  # [r + 1]
    credits: Ragged  # [c]
    previous_credits: Ragged  # [c]
    propensities: FloatArray  # [e], of the card in its slot times that of the shelf in its row; NaN if not read


def read_outcomes(values: Values, slow: Slow, *, with_propensities: bool = False) -> OutcomeColumns:
    """Columns of the outcomes and corrections in these records."""
    return _columns(_reader(with_propensities).read_unkeyed(values, slow), with_propensities)


def outcomes_of(messages: Sequence[Outcome], *, with_propensities: bool = False) -> OutcomeColumns:
    """Columns of these messages.

    >>> from schemas.outcomes import OutcomeSettled, OutcomesSettled
    >>> one = OutcomeSettled(impression_id="i1", row=0, slot=2, shelf_id="jazz", user_id="u1", card_id="c1", shown_ms=5,
    ...     settled_ms=9, played_ms=0, stream_count=0, propensity=0.5, user_weights=(0.25, 0.75))
    >>> columns = outcomes_of([OutcomesSettled.of([one, one])]); columns.known_ms, columns.weights
    (array([9, 9]), array([0.25, 0.75, 0.25, 0.75]))
    """
    return _columns(_reader(with_propensities).read_messages(messages), with_propensities)


def _reader(with_propensities: bool) -> Reader:
    return _READER_OF_PROPENSITIES if with_propensities else _READER


class _Part(NamedTuple):
    """The columns of one member type."""

    card_id: IntArray
    generation: IntArray
    offsets: IntArray
    shown_ms: IntArray
    known_ms: IntArray
    played_ms: IntArray
    previous_ms: IntArray
    weight_offsets: IntArray
    weights: FloatArray
    rewards: IntArray
    credit_places: IntArray
    credits: Ragged
    previous_credits: Ragged


def _columns(shredded: Shredded, with_propensities: bool) -> OutcomeColumns:
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
        rewards=np.empty((records, 2), dtype=np.int64),
        credit_places=np.empty(records + 1, dtype=np.int64),
        credits=_room_for(settled.credits, corrected.credits),
        previous_credits=_room_for(settled.previous_credits, corrected.previous_credits),
        propensities=np.full(rows, np.nan),
    )
    merge_in_order(settled, corrected, shredded.member, columns)
    if with_propensities:
        is_settled = np.repeat(columns.settles, np.diff(columns.offsets)) == 1
        columns.propensities[is_settled] = _propensities_of_outcomes(shredded)
        columns.propensities[~is_settled] = _propensities_of_corrections(shredded)
    return columns


def _propensities_of_outcomes(shredded: Shredded) -> FloatArray:
    """Of the rows of all outcomes; those of records without a propensity of rows are of slots alone."""
    rows = np.diff(shredded.values_of("shown_ms", _SETTLED))
    tells_row = np.repeat(np.diff(shredded.values_of("row_propensity", _SETTLED)) > 0, rows)
    of_row = np.ones(len(tells_row))
    of_row[tells_row] = shredded.doubles("row_propensity[]", _SETTLED)
    return shredded.doubles("propensity[]", _SETTLED) * np.where(np.isnan(of_row), 1.0, of_row)


def _propensities_of_corrections(shredded: Shredded) -> FloatArray:
    of_row = shredded.doubles("row_propensity", _CORRECTED)
    return shredded.doubles("propensity", _CORRECTED) * np.where(np.isnan(of_row), 1.0, of_row)


def _room_for(one: Ragged, other: Ragged) -> Ragged:
    """Unfilled rows and values with the size of both together."""
    rows, values = len(one.offsets) + len(other.offsets) - 1, len(one.values) + len(other.values)
    return Ragged(np.empty(rows, dtype=np.int64), np.empty(values))


def _settled(shredded: Shredded) -> _Part:
    def of(path: str) -> IntArray:
        return shredded.values_of(path, _SETTLED)

    shown_ms, earned = of("shown_ms[]"), of("credits[]")
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
        rewards=of("rewards"),
        credit_places=of("credits"),
        credits=Ragged(earned, shredded.doubles("credits[][]", _SETTLED)),
        previous_credits=Ragged(np.zeros(len(earned), dtype=np.int64), np.zeros(0)),
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
        rewards=of("rewards"),
        credit_places=np.arange(len(shown_ms) + 1),
        credits=Ragged(of("credits"), shredded.doubles("credits[]", _CORRECTED)),
        previous_credits=Ragged(of("previous_credits"), shredded.doubles("previous_credits[]", _CORRECTED)),
    )


@borrowing
def merge_in_order(settled: _Part, corrected: _Part, member: IntArray, columns: OutcomeColumns) -> None:
    """Merge the rows of both types in the order of their records."""
    columns.offsets[0], columns.weight_offsets[0], columns.credit_places[0] = 0, 0, 0
    columns.credits.offsets[0], columns.previous_credits.offsets[0] = 0, 0
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
    """Append record `place` of a part as record `record`, from `row` on; returns the row after it."""
    columns.card_id[record, 0], columns.card_id[record, 1] = part.card_id[place, 0], part.card_id[place, 1]
    columns.rewards[record, 0], columns.rewards[record, 1] = part.rewards[place, 0], part.rewards[place, 1]
    columns.generation[record] = part.generation[place]
    for of in range(part.offsets[place], part.offsets[place + 1]):
        columns.shown_ms[row], columns.known_ms[row] = part.shown_ms[of], part.known_ms[of]
        columns.played_ms[row], columns.previous_ms[row] = part.played_ms[of], part.previous_ms[of]
        at: Index = columns.weight_offsets[row]
        for weight in range(part.weight_offsets[of], part.weight_offsets[of + 1]):
            columns.weights[at] = part.weights[weight]
            at += 1
        row += 1
        columns.weight_offsets[row] = at
    columns.offsets[record + 1] = row
    credit: Index = columns.credit_places[record]
    for of in range(part.credit_places[place], part.credit_places[place + 1]):
        _copy_row(part.credits, of, columns.credits, credit)
        _copy_row(part.previous_credits, of, columns.previous_credits, credit)
        credit += 1
    columns.credit_places[record + 1] = credit
    return int(row)


@fused
def _copy_row(rows: Ragged, row: Index, to: Ragged, to_row: Index) -> None:
    """Append a copy of a row."""
    at: Index = to.offsets[to_row]
    for place in range(rows.offsets[row], rows.offsets[row + 1]):
        to.values[at] = rows.values[place]
        at += 1
    to.offsets[to_row + 1] = at
