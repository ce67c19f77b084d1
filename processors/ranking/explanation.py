"""Explains the position of each card by its two strongest contributions, with their numbers."""

from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.policies.keyed_draws import BoolArray
from processors.ranking.scores import Scores

KINDS = np.array(["own_streams", "group", "card", "fresh", "newcomer", "exploration"], dtype=object)
_NEWCOMER, _EXPLORATION = 4, 5
NEWCOMER_SHARE = 0.5
"""A card is a newcomer while the prior is more than half of its score."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explanations:
    """Two reasons for the card in each slot, as indexes of `KINDS`, and their numbers; all [n, L]."""

    first: IntArray
    first_value: FloatArray
    second: IntArray
    second_value: FloatArray


def explain(
    scores: Scores, fresh: FloatArray | None, cards: IntArray, explored: BoolArray, exploration: FloatArray
) -> Explanations:
    """Reasons for cards [n, L] in their slots.

    The strongest contribution to the score comes first: the listener's own streams, its groups, the card's record, or
    its freshness [n, C] (None if unused). A shelf that is not in its best order (`explored` [n]) has this as its first
    reason, with its probability [n]; a newcomer has that as its second.
    """
    rows = np.arange(len(cards))[:, None]
    named = [scores.own[rows, cards], scores.group[rows, cards], scores.card[cards]]
    parts = np.stack(named if fresh is None else [*named, fresh[rows, cards]])
    order = np.argsort(-parts, axis=0, kind="stable")
    value = np.take_along_axis(parts, order, axis=0)
    first, second = order[0], order[1]
    first_value, second_value = value[0], value[1]

    newcomer = scores.prior_share[cards] > NEWCOMER_SHARE
    second = np.where(newcomer, _NEWCOMER, second)
    second_value = np.where(newcomer, scores.prior_share[cards], second_value)

    by_chance = explored[:, None]
    second = np.where(by_chance & ~newcomer, first, second)
    second_value = np.where(by_chance & ~newcomer, first_value, second_value)
    first = np.where(by_chance, _EXPLORATION, first)
    first_value = np.where(by_chance, exploration[:, None], first_value)
    return Explanations(
        first=first,
        first_value=np.round(first_value, 6),
        second=second,
        second_value=np.round(second_value, 6),
    )
