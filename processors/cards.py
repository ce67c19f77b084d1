"""The cards task: from outcomes to bandit statistics, for every user group and every reward."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Struct

from processors.bandit.card_statistics import CardStatisticsTable, Observations
from processors.cocluster.arrays import FloatArray, IntArray
from processors.ranking.learned import Learned
from processors.ranking.soft_groups import overlap_of
from processors.rewards.catalogue import reward_named
from processors.rewards.reward import group_rewards
from processors.settlement.rows import Row
from schemas.fields import Weights
from schemas.learning import CardGroup, CardStatistics, CoClusters
from schemas.outcomes import Outcome, OutcomesSettled

PARTITION_KEY = b"p"
CARDS_MAX = 1_000_000
LEAVING_SHARE = 16
_CARD = b"c/"


class _PartitionRow(Struct, array_like=True):
    generation: int
    groups: int
    counters: dict[str, int]


class Cards:
    """Processor of one partition of cards: every outcome counted once, in the groups of the generation in force."""

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
        """A new snapshot of the co-clusters; a new generation moves all statistics to its groups."""
        if message.generation > self.table.generation:
            overlap = overlap_of(message, self.table.groups)
            self._previous = (self.table.generation, overlap)
            self.table.carry_over(overlap, message.generation)
            self._unwritten.update(self.table.row)
        self.learned.put_co_clusters(message)

    def put_card_group(self, message: CardGroup) -> None:
        """The soft group of one card."""
        self.learned.put_card_group(message)

    def outcomes(self, outcomes: Sequence[Outcome]) -> None:
        """Count a batch of outcomes in."""
        if not outcomes:
            return
        columns = _columns_of(outcomes, self._in_force)
        streamed = np.flatnonzero(columns.played_s > 0.0)
        names = [columns.cards[card] for card in columns.card[streamed].tolist()]
        seen = Observations(
            cards=self.table.rows_of(columns.cards)[columns.card],
            shown_ms=columns.shown_ms,
            weights=columns.weights,
            exposures=columns.settled,
            streamed=streamed,
            rewards=self._rewards(columns.played_s[streamed], names),
            previous=self._rewards(columns.previous_s[streamed], names) if columns.previous_s.any() else None,
        )
        self.table.add(seen, columns.known_ms)
        self._unwritten.update(columns.cards)
        self._forget_surplus()
        settled = int(columns.settled.sum())
        self.counters["outcomes_counted"] += settled
        self.counters["corrections_counted"] += len(columns.settled) - settled

    def statistics(self) -> Iterator[CardStatistics]:
        """The statistics of all cards that have changed since they were last asked for."""
        return self.table.changed_messages()

    def withdrawn(self) -> list[str]:
        """Cards that were forgotten since this was last asked: what was published of them is to be taken back."""
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
        """Take up the statistics that wrote these rows; all of them are due to be published again."""
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
        """Where there are too many cards, a sixteenth leaves at once: the search for the least recent is paid once."""
        surplus = len(self.table.row) - self.cards_max
        if surplus <= 0:
            return
        gone = self.table.least_recent(surplus + self.cards_max // LEAVING_SHARE)
        self.table.forget(gone)
        self.counters["cards_evicted"] += len(gone)
        self._unwritten.update(gone)
        self._withdrawn.update(gone)

    def _rewards(self, seconds: FloatArray, names: Sequence[str]) -> FloatArray:
        """Rewards [n, R, G] of streams of these cards."""
        weights = self.learned.card_weights_of(self.learned.rows_of(names))
        by_reward = [group_rewards(self.learned.success(reward), seconds, weights) for reward in self.rewards]
        return np.stack([_fitted(values, self.table.groups) for values in by_reward], axis=1)

    def _in_force(self, generation: int, weights: Sequence[Weights]) -> Sequence[Weights]:
        """Listeners' soft groups in the generation in force; nearly always they are so already."""
        groups = self.table.groups
        if generation == self.table.generation and all(map(groups.__eq__, map(len, weights))):
            return weights
        return [self._moved(generation, one) for one in weights]

    def _moved(self, generation: int, weights: Weights) -> Weights:
        if generation == self.table.generation and len(weights) == self.table.groups:
            return weights
        if self._previous and generation == self._previous[0] and len(weights) == len(self._previous[1]):
            moved: list[float] = (np.array(weights) @ self._previous[1]).tolist()
            return tuple(moved)
        self.counters["outcomes_of_another_generation"] += 1
        prior: list[float] = self.learned.blocks.user_prior.tolist()
        groups = self.table.groups
        return tuple(prior if len(prior) == groups else [1.0 / groups] * groups)

    def _partition_row(self) -> bytes:
        row = _PartitionRow(self.table.generation, self.table.groups, dict(self.counters))
        return msgspec.msgpack.encode(row)


class _Columns(NamedTuple):
    """Outcomes and corrections [n]; `card` says which of `cards`."""

    cards: list[str]
    card: IntArray
    shown_ms: IntArray
    known_ms: IntArray  # when it settled or was corrected
    played_s: FloatArray
    previous_s: FloatArray
    settled: FloatArray  # 1 for an outcome, 0 for a correction
    weights: FloatArray  # [n, G]


def _columns_of(
    outcomes: Sequence[Outcome], in_force: Callable[[int, Sequence[Weights]], Sequence[Weights]]
) -> _Columns:
    """Join messages to columns, in their order."""
    counts: list[int] = []
    shown_ms: list[int] = []
    known_ms: list[int] = []
    played_ms: list[int] = []
    previous_ms: list[int] = []
    weights: list[Weights] = []
    for outcome in outcomes:
        if isinstance(outcome, OutcomesSettled):
            counts.append(len(outcome.shown_ms))
            shown_ms += outcome.shown_ms
            known_ms += outcome.settled_ms
            played_ms += outcome.played_ms
            previous_ms += repeat(0, counts[-1])
            weights += in_force(outcome.generation, outcome.user_weights)
        else:
            counts.append(1)
            shown_ms.append(outcome.shown_ms)
            known_ms.append(outcome.corrected_ms)
            played_ms.append(outcome.played_ms)
            previous_ms.append(outcome.previous_ms)
            weights += in_force(outcome.generation, (outcome.user_weights,))
    is_settled = np.array([isinstance(outcome, OutcomesSettled) for outcome in outcomes], dtype=np.float64)
    card = np.repeat(np.arange(len(outcomes)), counts)
    return _Columns(
        cards=[outcome.card_id for outcome in outcomes],
        card=card,
        shown_ms=np.array(shown_ms, dtype=np.int64),
        known_ms=np.array(known_ms, dtype=np.int64),
        played_s=np.array(played_ms) / 1_000.0,
        previous_s=np.array(previous_ms) / 1_000.0,
        settled=is_settled[card],
        weights=np.array(weights, dtype=np.float64),
    )


def _fitted(values: FloatArray, groups: int) -> FloatArray:
    """Rewards by group; right after a restart the co-clusters may not be there yet: then the mean over the groups."""
    if values.shape[1] == groups:
        return values
    return np.repeat(values.mean(axis=1, keepdims=True), groups, axis=1)
