"""Bandit statistics of cards as columns: soft exposures and sums of every reward, by user group; they add up."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from processors.cocluster.arrays import FloatArray, IntArray
from schemas.learning import CardStatistics, RewardSums


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Observations:
    """Outcomes in columns: what each exposure adds to the statistics of its card.

    `exposures` is 1 for a settled exposure and 0 for a correction; `rewards` [R, n, G] is what every reward gives,
    `previous` [R, n, G] what it gave before the correction (zero for a settled exposure).
    """

    cards: IntArray  # [n], rows of the table
    weights: FloatArray  # [n, G]
    exposures: FloatArray  # [n]
    rewards: FloatArray  # [R, n, G]
    previous: FloatArray  # [R, n, G]


class CardStatisticsTable:
    """Statistics of the cards of one partition, one row a card.

    >>> table = CardStatisticsTable(("static",), groups=2)
    >>> one = np.ones((1, 1, 2))
    >>> table.add(Observations(cards=table.rows_of(["c1"]), weights=np.array([[0.25, 0.75]]), exposures=np.ones(1),
    ...     rewards=one, previous=0 * one), event_ms=5)
    >>> message, = table.changed_messages(); message.exposures, message.rewards["static"].total
    ((0.25, 0.75), (0.25, 0.75))
    """

    def __init__(self, rewards: Sequence[str], groups: int, generation: int = 0) -> None:
        self.rewards = tuple(rewards)
        self.generation = generation
        self.row: dict[str, int] = {}
        self.exposures = np.zeros((0, groups))
        self.total = np.zeros((len(self.rewards), 0, groups))
        self.squares = np.zeros((len(self.rewards), 0, groups))
        self._names: list[str] = []
        self._versions: list[int] = []
        self._updated_ms: list[int] = []
        self._changed: set[int] = set()

    @property
    def groups(self) -> int:
        """Number of user groups."""
        return self.exposures.shape[1]

    def rows_of(self, card_ids: Iterable[str]) -> IntArray:
        """Rows of these cards; a new card gets a new row."""
        rows = [self.row.setdefault(card_id, len(self.row)) for card_id in card_ids]
        self._grow(list(self.row)[len(self._names) :])
        return np.array(rows, dtype=np.int64)

    def add(self, seen: Observations, event_ms: int) -> None:
        """Count these observations in."""
        np.add.at(self.exposures, seen.cards, seen.weights * seen.exposures[:, None])
        for reward in range(len(self.rewards)):
            now, before = seen.rewards[reward], seen.previous[reward]
            np.add.at(self.total[reward], seen.cards, seen.weights * (now - before))
            np.add.at(self.squares[reward], seen.cards, seen.weights * (now**2 - before**2))
        for row in seen.cards.tolist():
            self._versions[row] += 1
            self._updated_ms[row] = max(self._updated_ms[row], event_ms)
            self._changed.add(row)

    def carry_over(self, overlap: FloatArray, generation: int) -> None:
        """Move the statistics to the groups of a new generation; rows of `overlap` [old, new] sum to one.

        >>> table = CardStatisticsTable(("static",), groups=1); _ = table.rows_of(["c1"]); table.exposures[0] = 8.0
        >>> table.carry_over(np.array([[0.25, 0.75]]), generation=2); table.exposures[0].tolist()
        [2.0, 6.0]
        """
        self.exposures = self.exposures @ overlap
        self.total = self.total @ overlap
        self.squares = self.squares @ overlap
        self.generation = generation
        self._changed.update(range(len(self._names)))

    def message(self, name: str) -> CardStatistics:
        """The statistics of one card as a message; `version` counts its observations."""
        row = self.row[name]
        return CardStatistics(
            card_id=name,
            generation=self.generation,
            version=self._versions[row],
            updated_ms=self._updated_ms[row],
            exposures=tuple(self.exposures[row].tolist()),
            rewards={
                reward: RewardSums(
                    total=tuple(self.total[index, row].tolist()), squares=tuple(self.squares[index, row].tolist())
                )
                for index, reward in enumerate(self.rewards)
            },
        )

    def changed_messages(self) -> Iterator[CardStatistics]:
        """The statistics of every card that changed since the last call."""
        changed, self._changed = sorted(self._changed), set()
        return (self.message(self._names[row]) for row in changed)

    def adopt(self, message: CardStatistics, *, publish: bool = False) -> None:
        """Take over the statistics of a card as they were published; of another shape or generation, not at all."""
        if len(message.exposures) != self.groups or message.generation != self.generation:
            return
        (row,) = self.rows_of([message.card_id])
        self.exposures[row] = message.exposures
        self._versions[row] = message.version
        self._updated_ms[row] = message.updated_ms
        if publish:
            self._changed.add(int(row))
        for index, name in enumerate(self.rewards):
            if name in message.rewards:
                self.total[index, row] = message.rewards[name].total
                self.squares[index, row] = message.rewards[name].squares

    def _grow(self, names: list[str]) -> None:
        if not names:
            return
        self._names.extend(names)
        self._versions.extend([0] * len(names))
        self._updated_ms.extend([0] * len(names))
        if len(self._names) > self.exposures.shape[0]:
            room = max(64, 2 * len(self._names)) - self.exposures.shape[0]
            self.exposures = np.pad(self.exposures, ((0, room), (0, 0)))
            self.total = np.pad(self.total, ((0, 0), (0, room), (0, 0)))
            self.squares = np.pad(self.squares, ((0, 0), (0, room), (0, 0)))
