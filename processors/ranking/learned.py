"""The broadcast state of a worker: catalogue, co-clusters and card statistics, in columns."""

from collections.abc import Sequence
from itertools import repeat

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.bandit.card_statistics import CardStatisticsTable
from processors.bandit.posterior import Posterior, posterior
from processors.cocluster.model.block_model import BlockModel
from processors.generations import Generations
from processors.published_groups import block_model_of, overlap_of, rounded_weights, softmax
from processors.ranking.catalogue_index import CatalogueIndex
from processors.ranking.play_columns import Play, PlayColumns
from processors.rewards.published_times import times_of
from processors.rewards.reward import GroupedReward, unknown_blocks
from processors.rewards.streaming_times import StreamingTimes
from processors.rewards.success import Success
from schemas.catalogue import CatalogueCard
from schemas.learning import CardGroup, CardStatistics, CoClusters


class Learned:
    """Catalogue, co-clusters, card groups and card statistics; they change between batches only.

    Statistics and groups of a later generation than the co-clusters wait for these, because topics are read
    independently.
    """

    def __init__(self, rewards: Sequence[str]) -> None:
        self.rewards = tuple(rewards)
        self.catalogue = CatalogueIndex()
        self.blocks: BlockModel = unknown_blocks()
        self.times = StreamingTimes.unknown()
        self.labels: tuple[str, ...] = ()
        self.statistics = CardStatisticsTable(self.rewards, groups=1)
        self.generations = Generations()
        self._logits: dict[str, tuple[float, ...]] = {}
        self._waiting: dict[str, CardStatistics] = {}
        self._groups_waiting: dict[str, CardGroup] = {}
        self._posteriors: dict[str, Posterior] = {}
        self._successes: dict[str, Success] = {}
        self._card_logits: FloatArray | None = None
        self._card_weights: FloatArray | None = None
        self._card_groups: IntArray | None = None

    @property
    def model_version(self) -> str:
        """Generation and version of the co-clusters in use."""
        return f"{self.blocks.generation}.{self.blocks.version}"

    def put_card(self, card_id: str, card: CatalogueCard | None) -> None:
        """Add or change a card, or withdraw it (None)."""
        if card is None:
            self.catalogue.withdraw(card_id)
        else:
            self.catalogue.put(card)
        self._forget_derived()

    def put_co_clusters(self, message: CoClusters) -> None:
        """Apply a new snapshot of the co-clusters; a new generation moves all statistics to its groups."""
        if (message.generation, message.version) <= (self.blocks.generation, self.blocks.version):
            return
        blocks = block_model_of(message)
        if message.generation != self.blocks.generation:
            overlap = overlap_of(message, self.statistics.groups)
            self.statistics.carry_over(overlap, message.generation)
            self.generations.advance(message.generation, overlap)
            self._logits.clear()
        self.blocks, self.labels, self.times = blocks, message.labels, times_of(message)
        self._successes.clear()
        for waiting in [w for w in self._waiting.values() if w.generation <= message.generation]:
            self._adopt(self._waiting.pop(waiting.card_id))
        for group in [g for g in self._groups_waiting.values() if g.generation <= message.generation]:
            self._put_group(self._groups_waiting.pop(group.card_id))
        self._forget_derived()

    def put_card_group(self, message: CardGroup) -> None:
        """Apply the soft group of one card."""
        if message.generation > self.blocks.generation:
            self._groups_waiting[message.card_id] = message
        else:
            self._put_group(message)
        self._forget_derived()

    def put_statistics(self, message: CardStatistics) -> None:
        """Apply the statistics of one card."""
        if message.generation > self.blocks.generation:
            self._waiting[message.card_id] = message
        else:
            self._adopt(message)
        self._posteriors.clear()

    def withdraw_group(self, card_id: str) -> None:
        """Remove the group of a card, which falls back to the prior."""
        self._groups_waiting.pop(card_id, None)
        if self._logits.pop(card_id, None) is not None:
            self._forget_derived()

    def withdraw_statistics(self, card_id: str) -> None:
        """Remove the statistics of a card, which fall back to the prior."""
        self._waiting.pop(card_id, None)
        self.statistics.forget([card_id])
        self._posteriors.clear()

    def card_logits(self) -> FloatArray:
        """Log probabilities [C + 1, K] of all cards by row; the last row is the prior, for unknown cards."""
        if self._card_logits is None or len(self._card_logits) != len(self.catalogue.names) + 1:
            unknown = np.log(np.maximum(self.blocks.card_prior, 1e-12))
            rows = [self._logits.get(name, unknown) for name in self.catalogue.names]
            self._card_logits = np.array([*rows, unknown], dtype=np.float64).reshape(-1, len(unknown))
        return self._card_logits

    def card_weights(self) -> FloatArray:
        """Soft card groups [C, K] by row; the prior for unknown cards."""
        return self._soft_card_groups()[:-1]

    def card_weights_of(self, rows: IntArray) -> FloatArray:
        """Soft card groups [n, K] of cards by their rows; the prior for -1."""
        return np.asarray(self._soft_card_groups()[rows])

    def card_groups(self) -> IntArray:
        """The most likely card group [C] of each card by row."""
        if self._card_groups is None or len(self._card_groups) != len(self.catalogue.names):
            self._card_groups = np.asarray(self.card_logits()[:-1].argmax(axis=1))
        return self._card_groups

    def posterior(self, reward: str) -> Posterior:
        """Expected reward [C, G] of each card of the catalogue for each user group."""
        if reward not in self._posteriors or len(self._posteriors[reward].mean) != len(self.catalogue.names):
            rows = self.statistics.rows_of(self.catalogue.names)
            self._posteriors[reward] = posterior(*self.statistics.current(rows, reward), self.card_weights())
        return self._posteriors[reward]

    def success(self, reward: GroupedReward) -> Success:
        """The success function of a reward for the present co-clusters."""
        if reward.name not in self._successes:
            self._successes[reward.name] = reward.success(self.times)
        return self._successes[reward.name]

    def play_columns(self, plays: Sequence[Sequence[Play]]) -> PlayColumns:
        """Columns of the plays of listeners."""
        return PlayColumns.of(plays, self.catalogue.row)

    def user_weights(self, plays: PlayColumns) -> FloatArray:
        """Soft user groups [n, G] of listeners from their plays, to six decimals; each row sums to one."""
        weights = self._soft_card_groups()[plays.row]
        return rounded_weights(self.blocks.fold_in_users(plays.offsets, weights, np.log1p(plays.played_s)))

    def rows_of(self, card_ids: Sequence[str]) -> IntArray:
        """Rows [n] of cards; -1, which is the last row, for unknown cards."""
        row = self.catalogue.row
        return np.fromiter(map(row.get, card_ids, repeat(-1)), dtype=np.int64, count=len(card_ids))

    def _soft_card_groups(self) -> FloatArray:
        """Soft groups [C + 1, K] of all cards by row; the last row is the prior."""
        logits = self.card_logits()
        if self._card_weights is None or len(self._card_weights) != len(logits):
            self._card_weights = softmax(logits)
        return self._card_weights

    def _put_group(self, message: CardGroup) -> None:
        if message.generation == self.blocks.generation and len(message.logits) == len(self.blocks.card_prior):
            self.catalogue.row_of(message.card_id)
            self._logits[message.card_id] = message.logits

    def _adopt(self, message: CardStatistics) -> None:
        self.statistics.adopt(message)

    def _forget_derived(self) -> None:
        self._posteriors.clear()
        self._card_logits = self._card_weights = self._card_groups = None
