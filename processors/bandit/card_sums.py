"""Adds observations to the sums of their cards, one by one in their order. Compiled."""

from typing import NamedTuple

from processors.arrays import FloatArray, IntArray
from processors.compiled import borrowing


class CardSums(NamedTuple):
    """Columns of a table of cards, changed in place."""

    exposures: FloatArray  # [c, G]
    total: FloatArray  # [c, R, G]
    squares: FloatArray  # [c, R, G]
    versions: IntArray  # [c]
    updated_ms: IntArray  # [c]


@borrowing
def add_exposures(
    sums: CardSums, cards: IntArray, weights: FloatArray, exposures: FloatArray, known_ms: IntArray
) -> None:
    """Count each exposure [n] in softly, by its weights [n, G]; it became known at `known_ms` [n]."""
    for index in range(len(cards)):
        card = cards[index]
        for group in range(weights.shape[1]):
            sums.exposures[card, group] += weights[index, group] * exposures[index]
        sums.versions[card] += 1
        sums.updated_ms[card] = max(sums.updated_ms[card], known_ms[index])


@borrowing
def add_rewards(
    sums: CardSums, cards: IntArray, weights: FloatArray, streamed: IntArray, rewards: FloatArray, previous: FloatArray
) -> None:
    """Add what each stream earns: `rewards` [m, R, G] instead of `previous`, for the exposures `streamed` [m]."""
    for index in range(len(streamed)):
        row = streamed[index]
        card = cards[row]
        for reward in range(rewards.shape[1]):
            for group in range(rewards.shape[2]):
                weight, now, before = weights[row, group], rewards[index, reward, group], previous[index, reward, group]
                sums.total[card, reward, group] += weight * (now - before)
                sums.squares[card, reward, group] += weight * (now * now - before * before)
