"""Outcomes and corrections from bytes to columns: what the statistics of cards need of them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from processors.cocluster.arrays import FloatArray, IntArray
from processors.compiled import compiled, fused
from processors.wire.batch import Batch, Slow, Values, read_trusted, read_unkeyed, start_of
from processors.wire.cursor import LOST
from processors.wire.lists import NUMBER as WIDTH
from processors.wire.loads import address_of
from processors.wire.outcome_records import (
    CARD_ID,
    CORRECTED_TABLE,
    GENERATION,
    LOGGED_TABLE,
    SETTLED_TABLE,
    Places,
    corrected,
    settled,
)
from processors.wire.weights import read_late, room_for_late
from schemas.codec import encode
from schemas.outcomes import Outcome

_ROW_BYTES_MIN = 29
"""An outcome takes at least three names `"c",`, seven numbers `0,` and `[],`; brackets make up for last commas."""


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


class _Room(NamedTuple):
    """Scratch for one record, and tables."""

    settled_table: IntArray
    corrected_table: IntArray
    logged_table: IntArray
    fields: IntArray  # int64 [k, 2]
    page_fields: IntArray  # int64 [5, 2]
    spans: IntArray  # int64 [c, 2]
    counts: IntArray  # int64 [c]
    stream_counts: IntArray  # int64 [c]
    late: IntArray

    @classmethod
    def of(cls, batch: Batch) -> "_Room":
        """Room for the longest record of a batch."""
        most = batch.longest // 2 + 1
        return cls(
            SETTLED_TABLE,
            CORRECTED_TABLE,
            LOGGED_TABLE,
            fields=np.zeros((len(SETTLED_TABLE), 2), dtype=np.int64),
            page_fields=np.zeros((len(LOGGED_TABLE), 2), dtype=np.int64),
            spans=np.empty((most, 2), dtype=np.int64),
            counts=np.empty(most, dtype=np.int64),
            stream_counts=np.empty(most, dtype=np.int64),
            late=room_for_late(len(batch.data)),
        )


def read_outcomes(values: Values, slow: Slow) -> OutcomeColumns:
    """Columns of the outcomes and corrections that these records carry."""
    return read_unkeyed(values, slow, _read)


def outcomes_of(messages: Sequence[Outcome]) -> OutcomeColumns:
    """Columns of these messages.

    >>> from schemas.outcomes import OutcomeSettled, OutcomesSettled
    >>> one = OutcomeSettled(impression_id="i1", row=0, slot=2, shelf_id="jazz", user_id="u1", card_id="c1", shown_ms=5,
    ...     settled_ms=9, played_ms=0, stream_count=0, propensity=0.5, user_weights=(0.25, 0.75))
    >>> columns = outcomes_of([OutcomesSettled.of([one, one])]); columns.known_ms, columns.weights
    (array([9, 9]), array([0.25, 0.75, 0.25, 0.75]))
    """
    return read_trusted([encode(message) for message in messages], _read)


def _read(batch: Batch) -> tuple[OutcomeColumns, IntArray]:
    size = len(batch.starts)
    most = len(batch.data) // _ROW_BYTES_MIN + batch.longest // 2 + 2
    shapes: list[tuple[int, ...]] = [(size, 2), (size,), (size,), (size + 1,), *[(most,)] * 4, (most + 1,)]
    empty: list[Any] = [np.empty(shape, dtype=np.int64) for shape in shapes]
    empty.append(np.empty(len(batch.data) // 2 + 2))
    columns = OutcomeColumns(batch.data, *empty)
    declined, room = np.empty(size, dtype=np.int64), _Room.of(batch)
    count = _fill(batch, columns, room, declined)
    rows = int(columns.offsets[count])
    ends = [count, count, count, count + 1, *[rows] * 4, rows + 1, int(columns.weight_offsets[rows])]
    columns_of: list[Any] = [column[:end] for column, end in zip(columns[1:], ends, strict=True)]
    kept = OutcomeColumns(batch.data, *columns_of)
    read_late(batch.data, room.late, kept.weights)
    return kept, declined[: size - count]


@compiled
def _fill(batch: Batch, columns: OutcomeColumns, room: _Room, declined: IntArray) -> int:
    """Read what can be read; return how many records that are. The others are named in `declined`."""
    text, count = address_of(batch.data), 0
    columns.offsets[0], columns.weight_offsets[0] = 0, 0
    for index in range(len(batch.starts)):
        begin, trusted, settles = start_of(batch, index), batch.trusted[index], 1
        places, late_count = _places(room, columns, columns.offsets[count]), room.late[0]
        rows, at = settled(text, begin, trusted, places)
        if at == LOST:
            settles = 0
            rows, at = corrected(text, begin, trusted, places)
        if at != batch.ends[index]:
            declined[index - count], room.late[0] = index, late_count
            continue
        columns.card_id[count, 0], columns.card_id[count, 1] = room.fields[CARD_ID, 0], room.fields[CARD_ID, 1]
        columns.generation[count], columns.settles[count] = room.fields[GENERATION, 0], settles
        columns.offsets[count + 1] = columns.offsets[count] + rows
        count += 1
    return count


@fused
def _places(room: _Room, columns: OutcomeColumns, row: int) -> Places:
    return Places(
        address_of(room.settled_table),
        address_of(room.corrected_table),
        address_of(room.logged_table),
        address_of(room.fields),
        address_of(room.page_fields),
        address_of(room.spans),
        address_of(room.counts),
        address_of(room.stream_counts),
        address_of(room.late),
        address_of(columns.weights),
        address_of(columns.shown_ms) + WIDTH * row,
        address_of(columns.known_ms) + WIDTH * row,
        address_of(columns.played_ms) + WIDTH * row,
        address_of(columns.previous_ms) + WIDTH * row,
        address_of(columns.weight_offsets) + WIDTH * row,
    )
