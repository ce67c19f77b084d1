"""Why each card stands where it does: the two strongest contributions, with their numbers."""

from dataclasses import dataclass

import numpy as np

from processors.cocluster.arrays import FloatArray, IntArray
from processors.policies.keyed_draws import BoolArray
from processors.ranking.scores import Scores

KINDS = np.array(["own_streams", "group", "card", "newcomer", "exploration"], dtype=object)
_NEWCOMER, _EXPLORATION = 3, 4
NEWCOMER_SHARE = 0.5
"""A card is a newcomer while more than half of its score is prior."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explanations:
    """Two reasons for every card in every slot, as rows of `KINDS`, and the numbers behind them; all [n, L]."""

    first: IntArray
    first_value: FloatArray
    second: IntArray
    second_value: FloatArray


def explain(scores: Scores, cards: IntArray, was_shuffled: BoolArray, shuffle_probability: float) -> Explanations:
    """Reasons for cards [n, L] as they stand in their slots.

    The strongest of what the listener's own streams, its groups and the card's record add to the expected reward comes
    first. A shelf that was shuffled says so before all else; a newcomer says so second.
    """
    rows = np.arange(len(cards))[:, None]
    parts = np.stack([scores.own[rows, cards], scores.group[rows, cards], scores.card[cards]])
    order = np.argsort(-parts, axis=0, kind="stable")
    value = np.take_along_axis(parts, order, axis=0)
    first, second = order[0], order[1]
    first_value, second_value = value[0], value[1]

    newcomer = scores.prior_share[cards] > NEWCOMER_SHARE
    second = np.where(newcomer, _NEWCOMER, second)
    second_value = np.where(newcomer, scores.prior_share[cards], second_value)

    shuffled = was_shuffled[:, None]
    second = np.where(shuffled & ~newcomer, first, second)
    second_value = np.where(shuffled & ~newcomer, first_value, second_value)
    first = np.where(shuffled, _EXPLORATION, first)
    first_value = np.where(shuffled, shuffle_probability, first_value)
    return Explanations(
        first=first,
        first_value=np.round(first_value, 6),
        second=second,
        second_value=np.round(second_value, 6),
    )
