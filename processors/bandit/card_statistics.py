"""Bandit statistics of cards in columns: soft exposures and sums of every reward by user group; additive."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.bandit.card_sums import CardSums, add_exposures, add_gains
from processors.bandit.forgetting import Forgetting
from schemas.learning import CardStatistics, RewardSums

ROOM_MIN = 64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Observations:
    """Outcomes in columns: the contribution of each exposure to the statistics of its card.

    `exposures` is 1 for a settled exposure and 0 for a correction. Only the rows `streamed` [m] have rewards: `gains`
    [m, R, G] are their rewards, weighted by the soft group, less those before a correction; `squares` [m, R, G] are the
    same for squared rewards.
    """

    cards: IntArray  # [n], rows of the table
    shown_ms: IntArray  # [n]
    weights: FloatArray  # [n, G]
    exposures: FloatArray  # [n]
    streamed: IntArray  # [m], rows of the columns above
    gains: FloatArray  # [m, R, G]
    squares: FloatArray  # [m, R, G]
    importance: FloatArray | None = None  # [n], weights of the outcomes; None: all are one


class CardStatisticsTable:
    """Statistics of the cards of one partition, one row per card.

    With a half-life, sums decay in event time: they are stored as of `epochs`, in whole half-lives. `weight_squares`
    equals `exposures` as long as no outcome is weighted by its importance.

    >>> table = CardStatisticsTable(("static",), groups=2)
    >>> weights = np.array([[0.25, 0.75]]); gains = weights[:, None]
    >>> table.add(Observations(cards=table.rows_of(["c1"]), shown_ms=np.array([4]), weights=weights,
    ...     exposures=np.ones(1), streamed=np.array([0]), gains=gains, squares=gains), np.array([5]))
    >>> message, = table.changed_messages(); message.exposures, message.rewards["static"].total
    ((0.25, 0.75), (0.25, 0.75))
    """

    def __init__(self, rewards: Sequence[str], groups: int, generation: int = 0, half_life_ms: int = 0) -> None:
        self.rewards = tuple(rewards)
        self.generation = generation
        self.forgetting = Forgetting(half_life_ms)
        self.row: dict[str, int] = {}
        self.exposures = np.zeros((0, groups))
        self.weight_squares = np.zeros((0, groups))
        self.total = np.zeros((0, len(self.rewards), groups))
        self.squares = np.zeros((0, len(self.rewards), groups))
        self.epochs = np.zeros(0, np.int64)
        self.versions = np.zeros(0, np.int64)
        self.updated_ms = np.zeros(0, np.int64)
        self._names: list[str] = []
        self._changed: set[int] = set()

    @property
    def groups(self) -> int:
        """Number of user groups."""
        return self.exposures.shape[1]

    def rows_of(self, card_ids: Iterable[str]) -> IntArray:
        """Rows of these cards; a new card gets a new row."""
        rows = []
        for card_id in card_ids:
            row = self.row.get(card_id)
            if row is None:
                row = self.row[card_id] = len(self._names)
                self._names.append(card_id)
            rows.append(row)
        if len(self._names) > len(self.exposures):
            self._grow(max(ROOM_MIN, 2 * len(self._names)) - len(self.exposures))
        return np.array(rows, dtype=np.int64)

    def add(self, seen: Observations, event_ms: IntArray) -> None:
        """Count these observations, which became known at `event_ms` [n]."""
        cards = seen.cards
        self._advance(cards, seen.shown_ms)
        factors = self.forgetting.weights(seen.shown_ms, self.epochs[cards])
        importance = np.ones(len(cards)) if seen.importance is None else seen.importance
        sums = CardSums(self.exposures, self.weight_squares, self.total, self.squares, self.versions, self.updated_ms)
        add_exposures(sums, cards, seen.weights, seen.exposures * factors, importance, event_ms)
        add_gains(sums, cards[seen.streamed], (factors * importance)[seen.streamed], seen.gains, seen.squares)
        self._changed.update(cards[np.flatnonzero(np.diff(cards, prepend=-1))].tolist())

    def carry_over(self, overlap: FloatArray, generation: int) -> None:
        """Move the statistics to the groups of a new generation; rows of `overlap` [old, new] sum to one.

        >>> table = CardStatisticsTable(("static",), groups=1); _ = table.rows_of(["c1"]); table.exposures[0] = 8.0
        >>> table.carry_over(np.array([[0.25, 0.75]]), generation=2); table.exposures[0].tolist()
        [2.0, 6.0]
        """
        self.exposures = self.exposures @ overlap
        self.weight_squares = self.weight_squares @ overlap
        self.total = self.total @ overlap
        self.squares = self.squares @ overlap
        self.generation = generation
        self._changed.update(range(len(self._names)))

    def current(self, rows: IntArray, reward: str) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Exposures, sums and squares of one reward [n, G] for these rows, as of the newest outcome of any card.

        Weighted outcomes are scaled to their effective number, so that means keep their weights, and their uncertainty.
        """
        index = self.rewards.index(reward)
        exposures, weight_squares = self.exposures[rows], self.weight_squares[rows]
        sums = exposures, self.total[rows, index], self.squares[rows, index]
        factors = np.divide(exposures, weight_squares, out=np.ones_like(exposures), where=weight_squares > 0.0)
        if self.forgetting.half_life_ms:
            factors = factors * self.forgetting.as_of(self.epochs[rows], int(self.updated_ms.max(initial=0)))[:, None]
        return sums[0] * factors, sums[1] * factors, sums[2] * factors

    def message(self, name: str) -> CardStatistics:
        """The statistics of one card as a message; `version` counts its observations."""
        row = self.row[name]
        total, squares = self.total[row].tolist(), self.squares[row].tolist()
        return CardStatistics(
            card_id=name,
            generation=self.generation,
            version=int(self.versions[row]),
            updated_ms=int(self.updated_ms[row]),
            exposures=tuple(self.exposures[row].tolist()),
            rewards={
                reward: RewardSums(
                    total=tuple(total[index]), squares=() if total[index] == squares[index] else tuple(squares[index])
                )
                for index, reward in enumerate(self.rewards)
            },
            half_life_ms=self.forgetting.half_life_ms,
            epoch=int(self.epochs[row]),
            weight_squares=() if self._is_plain(row) else tuple(self.weight_squares[row].tolist()),
        )

    def _is_plain(self, row: int) -> bool:
        """Whether no outcome of a card was weighted."""
        return bool((self.weight_squares[row] == self.exposures[row]).all())

    def changed_messages(self) -> Iterator[CardStatistics]:
        """The statistics of every card that changed since the last call."""
        changed, self._changed = sorted(self._changed), set()
        return (self.message(self._names[row]) for row in changed)

    def adopt(self, message: CardStatistics, *, publish: bool = False) -> None:
        """Adopt the published statistics of a card; those of another shape or generation are ignored."""
        if len(message.exposures) != self.groups or message.generation != self.generation:
            return
        if message.half_life_ms != self.forgetting.half_life_ms:
            self._forget_otherwise(message.half_life_ms)
        (row,) = self.rows_of([message.card_id])
        self.exposures[row] = message.exposures
        self.weight_squares[row] = message.weight_squares or message.exposures
        self.versions[row] = message.version
        self.updated_ms[row] = message.updated_ms
        self.epochs[row] = message.epoch
        if publish:
            self._changed.add(int(row))
        for index, name in enumerate(self.rewards):
            if name in message.rewards:
                sums = message.rewards[name]
                self.total[row, index] = sums.total
                self.squares[row, index] = sums.squares or sums.total

    def least_recent(self, count: int) -> list[str]:
        """The cards whose last outcome is oldest; ties in order of first appearance."""
        order = np.argsort(self.updated_ms[: len(self._names)], kind="stable")[:count]
        return [self._names[row] for row in order.tolist()]

    def forget(self, card_ids: Iterable[str]) -> None:
        """Remove these cards; the others are renumbered, so earlier rows become invalid.

        >>> table = CardStatisticsTable(("static",), groups=1); _ = table.rows_of(["c1", "c2", "c3"])
        >>> table.exposures[:3, 0] = 1.0, 2.0, 3.0; table.forget(["c1"])
        >>> table.row, table.exposures[:2, 0].tolist()
        ({'c2': 0, 'c3': 1}, [2.0, 3.0])
        """
        gone = [row for row in (self.row.get(card_id) for card_id in card_ids) if row is not None]
        if not gone:
            return
        changed = {self._names[row] for row in self._changed}
        for column in ("exposures", "weight_squares", "total", "squares", "epochs", "versions", "updated_ms"):
            setattr(self, column, np.delete(getattr(self, column), gone, axis=0))
        left = set(gone)
        self._names = [name for row, name in enumerate(self._names) if row not in left]
        self.row = {name: row for row, name in enumerate(self._names)}
        self._changed = {self.row[name] for name in changed if name in self.row}

    def _advance(self, cards: IntArray, shown_ms: IntArray) -> None:
        """Advance the sums of these cards to the newest epoch that they have reached."""
        if not self.forgetting.half_life_ms:
            return
        rows, number = np.unique(cards, return_inverse=True)
        until = self.epochs[rows]
        np.maximum.at(until, number, self.forgetting.epochs(shown_ms))
        factors = self.forgetting.halvings(self.epochs[rows], until)
        self.exposures[rows] *= factors[:, None]
        self.weight_squares[rows] *= factors[:, None]
        self.total[rows] *= factors[:, None, None]
        self.squares[rows] *= factors[:, None, None]
        self.epochs[rows] = until

    def _forget_otherwise(self, half_life_ms: int) -> None:
        """Continue with another half-life: sums are taken as of the newest outcome."""
        newest_ms = self.updated_ms.max(initial=0)
        factors = self.forgetting.as_of(self.epochs, int(newest_ms))
        self.forgetting = Forgetting(half_life_ms)
        self.epochs[:] = self.forgetting.epochs(np.full_like(self.updated_ms, newest_ms))
        self.exposures *= factors[:, None]
        self.weight_squares *= factors[:, None]
        self.total *= factors[:, None, None]
        self.squares *= factors[:, None, None]

    def _grow(self, room: int) -> None:
        self.exposures = np.pad(self.exposures, ((0, room), (0, 0)))
        self.weight_squares = np.pad(self.weight_squares, ((0, room), (0, 0)))
        self.total = np.pad(self.total, ((0, room), (0, 0), (0, 0)))
        self.squares = np.pad(self.squares, ((0, room), (0, 0), (0, 0)))
        self.epochs, self.versions, self.updated_ms = (
            np.pad(column, (0, room)) for column in (self.epochs, self.versions, self.updated_ms)
        )
