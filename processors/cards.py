"""The cards task: from outcomes to bandit statistics by user group and reward."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec
import numpy as np
from msgspec import Struct

from processors.arrays import FloatArray, IntArray
from processors.bandit.card_statistics import CardStatisticsTable, Observations
from processors.published_groups import overlap_of
from processors.ranking.learned import Learned
from processors.rewards.reward_catalogue import reward_named
from processors.settlement.rows import Row
from processors.wire.name_index import name_of
from processors.wire.outcomes import OutcomeColumns, outcomes_of
from schemas.learning import CardGroup, CardStatistics, CoClusters
from schemas.outcomes import Outcome

PARTITION_KEY = b"p"
CARDS_MAX = 1_000_000
LEAVING_SHARE = 16
_CARD = b"c/"


class _PartitionRow(Struct, array_like=True):
    generation: int
    groups: int
    counters: dict[str, int]


class Cards:
    """Processor of one partition of cards: counts each outcome once, in the groups of the current generation."""

    def __init__(
        self, rewards: Sequence[str], seed: int = 0, half_life_ms: int = 0, cards_max: int = CARDS_MAX
    ) -> None:
        self.rewards = [reward_named(name, seed) for name in rewards]
        self.learned = Learned(())
        self.half_life_ms = half_life_ms
        self.cards_max = cards_max
        self.table = CardStatisticsTable(rewards, groups=1, half_life_ms=half_life_ms)
        self.counters: Counter[str] = Counter()
        self._previous: tuple[int, FloatArray] | None = None
        self._unwritten: set[str] = set()
        self._withdrawn: set[str] = set()
        self._written: Counter[str] = Counter()

    def put_co_clusters(self, message: CoClusters) -> None:
        """Apply a new snapshot of the co-clusters; a new generation moves all statistics to its groups."""
        if message.generation > self.table.generation:
            overlap = overlap_of(message, self.table.groups)
            self._previous = (self.table.generation, overlap)
            self.table.carry_over(overlap, message.generation)
            self._unwritten.update(self.table.row)
        self.learned.put_co_clusters(message)

    def put_card_group(self, message: CardGroup) -> None:
        """Apply the soft group of one card."""
        self.learned.put_card_group(message)

    def outcomes(self, outcomes: Sequence[Outcome]) -> None:
        """Count a batch of outcomes."""
        self.count(outcomes_of(outcomes))

    def count(self, columns: OutcomeColumns) -> None:
        """Count a batch of outcomes in columns."""
        if not len(columns.card_id):
            return
        data = columns.data
        names = [name_of(data[start:end].tobytes()) for start, end in columns.card_id.tolist()]
        record = np.repeat(np.arange(len(names)), np.diff(columns.offsets))
        streamed = np.flatnonzero(columns.played_ms > 0)
        cards = self.learned.rows_of(names)[record[streamed]]
        previous_ms = columns.previous_ms[streamed]
        settles = columns.settles[record]
        seen = Observations(
            cards=self.table.rows_of(names)[record],
            shown_ms=columns.shown_ms,
            weights=self._in_force(columns, record),
            exposures=settles.astype(np.float64),
            streamed=streamed,
            rewards=self._rewards(columns.played_ms[streamed] / 1_000.0, cards),
            previous=self._rewards(previous_ms / 1_000.0, cards) if previous_ms.any() else None,
        )
        self.table.add(seen, columns.known_ms)
        self._unwritten.update(names)
        self._forget_surplus()
        settled = int(settles.sum())
        self.counters["outcomes_counted"] += settled
        self.counters["corrections_counted"] += len(settles) - settled

    def statistics(self) -> Iterator[CardStatistics]:
        """The statistics of all cards that have changed since the last call."""
        return self.table.changed_messages()

    def withdrawn(self) -> list[str]:
        """Cards that were evicted since the last call: their published statistics must be withdrawn."""
        withdrawn, self._withdrawn = self._withdrawn, set()
        return sorted(withdrawn - self.table.row.keys())

    def changed_rows(self) -> Iterator[Row]:
        """Rows of state that have changed since the last call."""
        if not self._unwritten and self._written == self.counters:
            return
        for name in sorted(self._unwritten):
            known = name in self.table.row
            yield _CARD + name.encode(), msgspec.json.encode(self.table.message(name)) if known else None
        yield PARTITION_KEY, self._partition_row()
        self._unwritten.clear()
        self._written = Counter(self.counters)

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Restore the statistics that wrote these rows; all of them will be published again."""
        found = dict(rows)
        if PARTITION_KEY not in found:
            return
        partition = msgspec.msgpack.decode(found.pop(PARTITION_KEY), type=_PartitionRow)
        names = [reward.name for reward in self.rewards]
        self.table = CardStatisticsTable(names, partition.groups, partition.generation, self.half_life_ms)
        self.counters.update(partition.counters)
        self._written = Counter(self.counters)
        for _, value in sorted(found.items()):
            self.table.adopt(msgspec.json.decode(value, type=CardStatistics), publish=True)

    def _forget_surplus(self) -> None:
        """Evict a sixteenth of the cards at once if there are too many, to amortise the search for the least recent."""
        surplus = len(self.table.row) - self.cards_max
        if surplus <= 0:
            return
        gone = self.table.least_recent(surplus + self.cards_max // LEAVING_SHARE)
        self.table.forget(gone)
        self.counters["cards_evicted"] += len(gone)
        self._unwritten.update(gone)
        self._withdrawn.update(gone)

    def _rewards(self, seconds: FloatArray, cards: IntArray) -> FloatArray:
        """Rewards [n, R, G] of streams of these cards, by their rows in the learned state."""
        weights = self.learned.card_weights_of(cards)
        by_reward = [self.learned.success(reward).over(seconds, weights) for reward in self.rewards]
        return np.stack([_fitted(values, self.table.groups) for values in by_reward], axis=1)

    def _in_force(self, columns: OutcomeColumns, record: IntArray) -> FloatArray:
        """Listeners' soft groups [e, G] in the current generation, which they nearly always are already."""
        groups, offsets = self.table.groups, columns.weight_offsets
        generation, widths = columns.generation[record], np.diff(offsets)
        fits = (generation == self.table.generation) & (widths == groups)
        if fits.all():
            return columns.weights.reshape(-1, groups)
        weights = np.empty((len(record), groups))
        weights[fits] = columns.weights[offsets[:-1][fits, None] + np.arange(groups)]
        moves = np.zeros_like(fits)
        if self._previous:
            before, overlap = self._previous
            moves = ~fits & (generation == before) & (widths == len(overlap))
            weights[moves] = _moved(columns.weights[offsets[:-1][moves, None] + np.arange(len(overlap))], overlap)
        others = ~(fits | moves)
        if others.any():
            self.counters["outcomes_of_another_generation"] += int(others.sum())
            prior = self.learned.blocks.user_prior
            weights[others] = prior if len(prior) == groups else 1.0 / groups
        return weights

    def _partition_row(self) -> bytes:
        row = _PartitionRow(self.table.generation, self.table.groups, dict(self.counters))
        return msgspec.msgpack.encode(row)


def _moved(weights: FloatArray, overlap: FloatArray) -> FloatArray:
    """Convert soft groups [n, old] to [n, new]; summed so that rounding does not depend on n.

    >>> _moved(np.array([[0.5, 0.5]]), np.array([[1.0, 0.0], [0.5, 0.5]])).tolist()
    [[0.75, 0.25]]
    """
    moved = np.zeros((len(weights), overlap.shape[1]))
    for group, shares in enumerate(overlap):
        moved += weights[:, group, None] * shares
    return moved


def _fitted(values: FloatArray, groups: int) -> FloatArray:
    """Rewards by group; the mean over groups if the co-clusters are not known yet after a restart."""
    if values.shape[1] == groups:
        return values
    return np.repeat(values.mean(axis=1, keepdims=True), groups, axis=1)
