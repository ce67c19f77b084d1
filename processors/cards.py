"""The cards task: from outcomes to bandit statistics by user group and reward."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec
import numpy as np
from msgspec import Struct

from processors.arrays import FloatArray, IntArray
from processors.bandit.card_statistics import CardStatisticsTable, Observations
from processors.exposure_credits import Alike, ExposureCredits
from processors.generations import Generations
from processors.published_groups import overlap_of
from processors.ranking.learned import Learned
from processors.rewards.reward_catalogue import reward_named
from processors.settlement.state.rows import Row
from processors.wire.name_index import name_of
from processors.wire.outcomes import OutcomeColumns, outcomes_of
from schemas.learning import CardGroup, CardStatistics, CoClusters
from schemas.outcomes import Outcome

PARTITION_KEY = b"p"
GENERATIONS_KEY = b"g"
CARDS_MAX = 1_000_000
LEAVING_SHARE = 16
_CARD = b"c/"


class _PartitionRow(Struct, array_like=True):
    generation: int
    groups: int
    counters: dict[str, int]


class Cards:
    """Processor of one partition of cards: counts every outcome once, in the groups of the current generation.

    Success was decided by the task that settled the exposure; here its credits are added up, and a correction takes
    back exactly what was credited before. With a `weight_max`, an outcome is weighted by the inverse of its
    propensities, of the card in its slot and of the shelf in its row, up to this maximum: then placement does not
    affect what is learned, as in the fit of BaRT (McInerney et al., RecSys 2018).
    """

    def __init__(
        self,
        rewards: Sequence[str],
        seed: int = 0,
        half_life_ms: int = 0,
        cards_max: int = CARDS_MAX,
        weight_max: float = 0.0,
    ) -> None:
        self.rewards = [reward_named(name, seed) for name in rewards]
        self.learned = Learned(())
        self.half_life_ms = half_life_ms
        self.cards_max = cards_max
        self.weight_max = weight_max
        self.table = CardStatisticsTable(rewards, groups=1, half_life_ms=half_life_ms)
        self.counters: Counter[str] = Counter()
        self._generations = Generations()
        self._generations_written = 0
        self._unwritten: set[str] = set()
        self._withdrawn: set[str] = set()
        self._written: Counter[str] = Counter()

    def put_co_clusters(self, message: CoClusters) -> None:
        """Apply a snapshot of the co-clusters; a new generation moves all statistics to its groups."""
        if message.generation > self.table.generation:
            overlap = overlap_of(message, self.table.groups)
            self._generations.advance(message.generation, overlap)
            self.table.carry_over(overlap, message.generation)
            self._unwritten.update(self.table.row)
        self.learned.put_co_clusters(message)

    def put_card_group(self, message: CardGroup) -> None:
        """Apply the soft group of one card."""
        self.learned.put_card_group(message)

    def outcomes(self, outcomes: Sequence[Outcome]) -> None:
        """Count a batch of outcomes."""
        self.count(outcomes_of(outcomes, with_propensities=self.weight_max > 0.0))

    def count(self, columns: OutcomeColumns) -> None:
        """Count a batch of outcomes, given in columns."""
        if not len(columns.card_id):
            return
        data = columns.data
        names = [name_of(data[start:end].tobytes()) for start, end in columns.card_id.tolist()]
        record = np.repeat(np.arange(len(names)), np.diff(columns.offsets))
        settles = columns.settles[record]
        streamed = np.flatnonzero((columns.played_ms > 0) | (settles == 0))
        weights = self._in_force(columns, record)
        gains, squares = self._gains(columns, names, record, streamed, weights)
        seen = Observations(
            cards=self.table.rows_of(names)[record],
            shown_ms=columns.shown_ms,
            weights=weights,
            exposures=settles.astype(np.float64),
            streamed=streamed,
            gains=gains,
            squares=squares,
            importance=importance(columns, self.weight_max) if self.weight_max else None,
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
        """Cards evicted since the last call: their published statistics must be withdrawn."""
        withdrawn, self._withdrawn = self._withdrawn, set()
        return sorted(withdrawn - self.table.row.keys())

    def changed_rows(self) -> Iterator[Row]:
        """Rows of state that have changed since the last call."""
        is_moved = self._generations_written != self.table.generation
        if not self._unwritten and self._written == self.counters and not is_moved:
            return
        for name in sorted(self._unwritten):
            known = name in self.table.row
            yield _CARD + name.encode(), msgspec.json.encode(self.table.message(name)) if known else None
        if is_moved:
            yield GENERATIONS_KEY, self._generations.row()
            self._generations_written = self.table.generation
        yield PARTITION_KEY, self._partition_row()
        self._unwritten.clear()
        self._written = Counter(self.counters)

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Restore the statistics that wrote these rows; all of them are published again."""
        found = dict(rows)
        if PARTITION_KEY not in found:
            return
        partition = msgspec.msgpack.decode(found.pop(PARTITION_KEY), type=_PartitionRow)
        names = [reward.name for reward in self.rewards]
        self.table = CardStatisticsTable(names, partition.groups, partition.generation, self.half_life_ms)
        chain = found.pop(GENERATIONS_KEY, None)
        self._generations = Generations.of(chain) if chain else Generations(partition.generation, partition.groups)
        self._generations_written = partition.generation
        self.counters.update(partition.counters)
        self._written = Counter(self.counters)
        for _, value in sorted(found.items()):
            self.table.adopt(msgspec.json.decode(value, type=CardStatistics), publish=True)

    def _forget_surplus(self) -> None:
        """If there are too many cards, evict a sixteenth at once, to amortise the search for the least recent."""
        surplus = len(self.table.row) - self.cards_max
        if surplus <= 0:
            return
        gone = self.table.least_recent(surplus + self.cards_max // LEAVING_SHARE)
        self.table.forget(gone)
        self.counters["cards_evicted"] += len(gone)
        self._unwritten.update(gone)
        self._withdrawn.update(gone)

    def _gains(
        self, columns: OutcomeColumns, names: Sequence[str], record: IntArray, streamed: IntArray, weights: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Increments [m, R, G] of the sums of rewards and of their squares."""
        earned = ExposureCredits(columns, record, streamed, self.table.rewards)
        gains, squares = np.zeros((2, len(streamed), len(self.rewards), self.table.groups))
        for part in earned.alike():
            places = np.ix_(part.streams, part.rewards)
            gains[places], squares[places] = self._credited(part)
        others = np.flatnonzero(~earned.is_usable)
        if len(others):
            rows = streamed[others]
            gains[others], squares[others] = self._recomputed(columns, names, record, rows, weights)
            counts = {"without": earned.untold_count, "with_wrong": earned.wrong_count}
            self.counters.update({f"outcomes_{which}_credits": count for which, count in counts.items() if count})
        return gains, squares

    def _credited(self, part: Alike) -> tuple[FloatArray, FloatArray]:
        """Increments for streams [k, r, G] from their credits, which refer to the groups of their page's generation."""
        sums = _gained(part.weights, part.credits, part.previous)
        if self._generations.knows(part.generation, part.weights.shape[1]):
            return self._generations.moved(part.generation, sums[0]), self._generations.moved(part.generation, sums[1])
        prior = self._prior()
        return sums[0].sum(axis=2, keepdims=True) * prior, sums[1].sum(axis=2, keepdims=True) * prior

    def _recomputed(
        self, columns: OutcomeColumns, names: Sequence[str], record: IntArray, rows: IntArray, weights: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Increments for streams [k, R, G] without credits: from their seconds, under the current thresholds."""
        cards, previous_ms = self.learned.rows_of(names)[record[rows]], columns.previous_ms[rows]
        now = self._rewards(columns.played_ms[rows] / 1_000.0, cards)
        before = self._rewards(previous_ms / 1_000.0, cards) if previous_ms.any() else np.zeros_like(now)
        return _gained(weights[rows], now, before)

    def _rewards(self, seconds: FloatArray, cards: IntArray) -> FloatArray:
        """Rewards [n, R, G] of streams of these cards (rows of the card model), under the current thresholds."""
        weights = self.learned.card_weights_of(cards)
        by_reward = [self.learned.success(reward).over(seconds, weights) for reward in self.rewards]
        return np.stack([_fitted(values, self.table.groups) for values in by_reward], axis=1)

    def _in_force(self, columns: OutcomeColumns, record: IntArray) -> FloatArray:
        """Listeners' soft groups [e, G] in the current generation; nearly always they already are.

        Groups of an unknown generation, too old or newer than the co-clusters read so far, are replaced by the prior.
        """
        groups, offsets = self.table.groups, columns.weight_offsets
        generation, widths = columns.generation[record], np.diff(offsets)
        if ((generation == self.table.generation) & (widths == groups)).all():
            return columns.weights.reshape(-1, groups)
        weights = np.empty((len(record), groups))
        for old, width in sorted(set(zip(generation.tolist(), widths.tolist(), strict=True))):
            rows = np.flatnonzero((generation == old) & (widths == width))
            if self._generations.knows(old, width):
                found = columns.weights[offsets[rows, None] + np.arange(width)]
                weights[rows] = self._generations.moved(old, found)
            else:
                self.counters["outcomes_of_another_generation"] += len(rows)
                weights[rows] = self._prior()
        return weights

    def _prior(self) -> FloatArray:
        """Soft groups [G] of an unknown listener."""
        prior, groups = self.learned.blocks.user_prior, self.table.groups
        return prior if len(prior) == groups else np.full(groups, 1.0 / groups)

    def _partition_row(self) -> bytes:
        row = _PartitionRow(self.table.generation, self.table.groups, dict(self.counters))
        return msgspec.msgpack.encode(row)


def name_of_row(key: bytes) -> bytes | None:
    """The card of a row of state; None for rows of the partition.

    >>> name_of_row(b"c/song"), name_of_row(PARTITION_KEY)
    (b'song', None)
    """
    return key[len(_CARD) :] if key.startswith(_CARD) else None


def heirs_row(value: bytes) -> bytes:
    """The row of a partition that takes over some cards of the one with this row: same groups, nothing counted."""
    row = msgspec.msgpack.decode(value, type=_PartitionRow)
    return msgspec.msgpack.encode(msgspec.structs.replace(row, counters={}))


def importance(columns: OutcomeColumns, weight_max: float) -> FloatArray:
    """Weights [e] of outcomes: the inverse of their propensities, at most `weight_max`; one where they are unknown."""
    weights = 1.0 / columns.propensities
    return np.where(np.isnan(weights), 1.0, np.minimum(weights, weight_max))


def _gained(weights: FloatArray, now: FloatArray, before: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Differences of rewards [n, R, G] and of their squares, weighted by soft groups [n, G]."""
    soft = weights[:, None]
    return soft * (now - before), soft * (now * now - before * before)


def _fitted(values: FloatArray, groups: int) -> FloatArray:
    """Rewards by group; right after a restart, before the co-clusters have been read, the mean over the groups."""
    if values.shape[1] == groups:
        return values
    return np.repeat(values.mean(axis=1, keepdims=True), groups, axis=1)
