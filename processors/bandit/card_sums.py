"""Adds observations to the sums of their cards, one by one in order. Compiled."""

from typing import NamedTuple

from processors.arrays import FloatArray, IntArray
from processors.compiled import borrowing


class CardSums(NamedTuple):
    """Columns of a table of cards, changed in place."""

    exposures: FloatArray  # [c, G]
    weight_squares: FloatArray  # [c, G]
    total: FloatArray  # [c, R, G]
    squares: FloatArray  # [c, R, G]
    versions: IntArray  # [c]
    updated_ms: IntArray  # [c]


@borrowing
def add_exposures(
    sums: CardSums,
    cards: IntArray,
    weights: FloatArray,
    exposures: FloatArray,
    importance: FloatArray,
    known_ms: IntArray,
) -> None:
    """Count each exposure [n] by its soft group [n, G] and importance [n]; it became known at `known_ms` [n]."""
    for index in range(len(cards)):
        card = cards[index]
        for group in range(weights.shape[1]):
            weight = weights[index, group] * exposures[index] * importance[index]
            sums.exposures[card, group] += weight
            sums.weight_squares[card, group] += weight * importance[index]
        sums.versions[card] += 1
        sums.updated_ms[card] = max(sums.updated_ms[card], known_ms[index])


@borrowing
def add_gains(sums: CardSums, cards: IntArray, factors: FloatArray, gains: FloatArray, squares: FloatArray) -> None:
    """Add the gains and squares [m, R, G] of each stream [m], times the factor [m] of its exposure."""
    for index in range(len(cards)):
        card, factor = cards[index], factors[index]
        for reward in range(gains.shape[1]):
            for group in range(gains.shape[2]):
                sums.total[card, reward, group] += factor * gains[index, reward, group]
                sums.squares[card, reward, group] += factor * squares[index, reward, group]
