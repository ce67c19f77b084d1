"""Credits of exposures as outcomes carry them: checks their shape, and groups those that name the same rewards."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from processors.arrays import BoolArray, FloatArray, IntArray
from processors.wire.name_index import name_of
from processors.wire.outcomes import OutcomeColumns, Ragged

UNTOLD, WRONG = -1, -2
"""Markers instead of a list of names: the outcome predates credits; or its credits are inconsistent with it."""


class Alike(NamedTuple):
    """Streams of one generation [k] whose credits name the same rewards, restricted to the wanted rewards [r]."""

    generation: int
    streams: IntArray  # [k], indices of the streams
    rewards: IntArray  # [r], indices of the wanted rewards
    weights: FloatArray  # [k, g], the listeners' soft groups
    credits: FloatArray  # [k, r, g]
    previous: FloatArray  # [k, r, g], credited before: zero for an outcome


class ExposureCredits:
    """Credits of the streams of a batch: rows `streamed` [m] of its columns; `record` [e] is the record of each row.

    A correction counts as a stream, whatever its length. The credits of a stream are usable if its record has as many
    rows of credits as streams, and if their number is that of the rewards named times the groups of the listener's
    weights. A correction needs as many previous credits, or none if nothing had been streamed before.
    """

    def __init__(self, columns: OutcomeColumns, record: IntArray, streamed: IntArray, rewards: Sequence[str]) -> None:
        self._columns, self._streamed, self._record = columns, streamed, record[streamed]
        self._groups = np.diff(columns.weight_offsets)[streamed]
        self._places, naming = _namings(columns, self._record, rewards)
        self._entries = _entries(columns, self._record)
        widths, before = (_widths(rows)[self._entries] for rows in (columns.credits, columns.previous_credits))
        sizes = np.array([*map(len, self._places), 0, 0])  # UNTOLD and WRONG index from the end
        expected = sizes[naming] * self._groups
        settles, is_first = columns.settles[self._record] == 1, columns.previous_ms[streamed] == 0
        fits = (expected > 0) & (widths == expected)
        fits &= settles | (before == expected) | ((before == 0) & is_first)
        has_rows = np.diff(columns.credit_places)[self._record] > 0
        tells_nothing = (naming == UNTOLD) & (widths + before == 0) & ~(has_rows & (self._entries < 0))
        self._naming = np.where(fits, naming, np.where(tells_nothing, UNTOLD, WRONG))

    @property
    def is_usable(self) -> BoolArray:
        """Whether the credits of each stream are usable [m]."""
        return np.asarray(self._naming >= 0)

    @property
    def wrong_count(self) -> int:
        """Number of streams whose credits are inconsistent with their outcome."""
        return int((self._naming == WRONG).sum())

    @property
    def untold_count(self) -> int:
        """Number of streams whose outcomes predate credits."""
        return int((self._naming == UNTOLD).sum())

    def alike(self) -> Iterator[Alike]:
        """The usable credits, in parts of equal shape."""
        left = np.flatnonzero(self.is_usable)
        generation = self._columns.generation[self._record]
        kinds = np.stack((generation, self._groups, self._naming), axis=1)[left]
        while len(left):
            is_alike = (kinds == kinds[0]).all(axis=1)
            yield self._part(left[is_alike], *kinds[0].tolist())
            left, kinds = left[~is_alike], kinds[~is_alike]

    def _part(self, streams: IntArray, generation: int, groups: int, naming: int) -> Alike:
        columns, entries, places = self._columns, self._entries[streams], self._places[naming]
        width, asked = len(places) * groups, np.flatnonzero(places >= 0)
        previous = np.zeros((len(streams), width))
        had = _widths(columns.previous_credits)[entries] == width
        previous[had] = _rows(columns.previous_credits, entries[had], width)
        return Alike(
            generation=generation,
            streams=streams,
            rewards=places[asked],
            weights=_rows(Ragged(columns.weight_offsets, columns.weights), self._streamed[streams], groups),
            credits=_rows(columns.credits, entries, width).reshape(-1, len(places), groups)[:, asked],
            previous=previous.reshape(-1, len(places), groups)[:, asked],
        )


def _entries(columns: OutcomeColumns, record: IntArray) -> IntArray:
    """Row of each stream's credits, for the record of each [m]; -1 if the record has a wrong number of rows."""
    counts = np.bincount(record, minlength=len(columns.card_id))
    has_all = np.diff(columns.credit_places) == counts
    number = np.arange(len(record)) - (np.cumsum(counts) - counts)[record]
    return np.where(has_all[record], columns.credit_places[record] + number, -1)


def _namings(columns: OutcomeColumns, record: IntArray, rewards: Sequence[str]) -> tuple[list[IntArray], IntArray]:
    """Lists of names in the streams' records, as indices into `rewards` (-1: not wanted), and the list of each stream.

    The list of each stream [m] is a number, `UNTOLD`, or `WRONG` if it contains a name twice.
    """
    lists: list[IntArray] = []
    numbers: dict[bytes, int] = {b"": UNTOLD}
    of_record = np.full(len(columns.card_id), UNTOLD)
    for one in np.unique(record).tolist():
        start, end = columns.rewards[one].tolist()
        text = columns.data[start:end].tobytes()
        if text not in numbers:
            names = name_of(text).split(",")
            numbers[text] = len(lists) if len(set(names)) == len(names) else WRONG
            if numbers[text] >= 0:
                lists.append(np.array([rewards.index(name) if name in rewards else -1 for name in names]))
        of_record[one] = numbers[text]
    return lists, of_record[record]


def _widths(of: Ragged) -> IntArray:
    """Length of each row; a zero is appended, for index -1."""
    return np.append(np.diff(of.offsets), 0)


def _rows(of: Ragged, rows: IntArray, width: int) -> FloatArray:
    """Rows [k, width] of numbers, all of the same width."""
    return np.asarray(of.values[of.offsets[rows][:, None] + np.arange(width)])
