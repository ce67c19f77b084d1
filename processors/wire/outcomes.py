"""Outcomes and corrections from bytes to columns: what the statistics of cards need of them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from processors.cocluster.arrays import FloatArray, IntArray
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


def _columns(shredded: Shredded) -> OutcomeColumns:
    """Bring the rows of both types into the order of their records."""
    settled, corrected = (np.flatnonzero(shredded.member == member) for member in (_SETTLED, _CORRECTED))
    counts = np.ones(len(shredded.member), dtype=np.int64)
    counts[settled] = np.diff(shredded.values_of("shown_ms", _SETTLED))
    offsets = _offsets(counts)
    rows = (_spread(offsets[settled], counts[settled]), offsets[corrected])

    def merged(*paths: str) -> IntArray:
        return _merged(shredded, rows, paths)

    def of_records(path: str) -> IntArray:
        return _merged(shredded, (settled, corrected), (path, path))

    weight_offsets, weights = _soft_groups(shredded, rows)
    return OutcomeColumns(
        shredded.data,
        card_id=of_records("card_id"),
        generation=of_records("generation"),
        settles=(shredded.member == _SETTLED).astype(np.int64),
        offsets=offsets,
        shown_ms=merged("shown_ms[]", "shown_ms"),
        known_ms=merged("settled_ms[]", "corrected_ms"),
        played_ms=merged("played_ms[]", "played_ms"),
        previous_ms=merged("", "previous_ms"),
        weight_offsets=weight_offsets,
        weights=weights,
    )


def _soft_groups(shredded: Shredded, rows: tuple[IntArray, IntArray]) -> tuple[IntArray, FloatArray]:
    """Where the soft groups of all rows begin, and the weights; `rows` are the places of either type's rows."""
    lists, elements = ("user_weights[]", "user_weights"), ("user_weights[][]", "user_weights[]")
    widths = [np.diff(shredded.values_of(path, member)) for member, path in enumerate(lists)]
    width = np.empty(sum(map(len, rows)), dtype=np.int64)
    for places, of_member in zip(rows, widths, strict=True):
        width[places] = of_member
    offsets = _offsets(width)
    weights = np.empty(int(offsets[-1]))
    for member, path in enumerate(elements):
        weights[_spread(offsets[rows[member]], widths[member])] = shredded.doubles(path, member)
    return offsets, weights


def _offsets(counts: IntArray) -> IntArray:
    offsets = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def _spread(starts: IntArray, counts: IntArray) -> IntArray:
    """Places of stretches that begin at `starts` [n] and are `counts` [n] long, one after the other."""
    ends = np.cumsum(counts)
    return np.arange(int(counts.sum())) + np.repeat(starts - ends + counts, counts)


def _merged(shredded: Shredded, places: tuple[IntArray, IntArray], paths: tuple[str, ...]) -> IntArray:
    """One column of both types, each value at its place; zero where a type has none."""
    parts = [shredded.values_of(path, member) if path else None for member, path in enumerate(paths)]
    shape = next(part.shape[1:] for part in parts if part is not None)
    merged = np.zeros((sum(map(len, places)), *shape), dtype=np.int64)
    for at, part in zip(places, parts, strict=True):
        if part is not None:
            merged[at] = part
    return merged
