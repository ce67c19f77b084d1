"""Scores of cards for listeners, as sums of contributions.

Overall, card and group are the expected reward, which is estimated. The contribution of the listener's own streams is
a preference that is set (`own_weight`), not estimated: with it a score is no expectation. The difference is measured by
`processors/ranking/calibration`.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.bandit.posterior import Posterior
from processors.policies.keyed_draws import BoolArray
from processors.ranking.learned import Learned
from processors.ranking.play_columns import PlayColumns
from processors.rewards.reward import GroupedReward

SCORE_DECIMALS = 6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """Scores [n, C] of each card for each listener: overall + card + group, the expected reward, + own."""

    score: FloatArray  # [n, C], to six decimals
    card: FloatArray  # [C], the card's mean over all listeners, above that of all cards
    group: FloatArray  # [n, C], contribution of the listener's groups
    own: FloatArray  # [n, C], contribution of the listener's own recent streams
    prior_share: FloatArray  # [C], share of the score that is not the card's own record
    streamed: BoolArray  # [n, C], the listener has streamed it recently

    def of_listeners(self, chosen: IntArray) -> "Scores":
        """The scores of these listeners."""
        own = {name: getattr(self, name)[chosen] for name in ("score", "group", "own", "streamed")}
        return replace(self, **own)


def expected(weights: FloatArray, values: FloatArray) -> FloatArray:
    """Expectation [n, C] of values [C, G] over soft groups [n, G].

    Summed group by group: a matrix product may round differently for another number of listeners, and a ranking must
    not depend on the others in the batch.

    >>> expected(np.array([[0.5, 0.5]]), np.array([[1.0, 0.0], [1.0, 1.0]])).tolist()
    [[0.5, 1.0]]
    """
    total = np.zeros((len(weights), len(values)))
    for group in range(values.shape[1]):
        total += weights[:, group, None] * values[None, :, group]
    return total


class OwnPlays(NamedTuple):
    """The plays [e] of known cards by n listeners: what all rewards share."""

    listener: IntArray
    cell: IntArray  # of listener and card
    played_s: FloatArray
    card_weights: FloatArray  # [e, K]
    times: IntArray  # [n, C], how often

    @classmethod
    def of(cls, learned: Learned, plays: PlayColumns) -> "OwnPlays":
        """The plays of these listeners."""
        known = np.flatnonzero(plays.row >= 0)
        listener, row = plays.listener[known], plays.row[known]
        shape = len(plays.offsets) - 1, len(learned.catalogue.names)
        cell = listener * shape[1] + row
        count = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
        return cls(listener, cell, plays.played_s[known], learned.card_weights_of(row), count)


def scores_of(
    learned: Learned,
    reward: GroupedReward,
    plays: PlayColumns,
    weights: FloatArray,
    own_weight: float,
    own_plays: OwnPlays | None = None,
) -> Scores:
    """Scores of all cards of the catalogue for listeners with these plays and soft groups [n, G].

    Who asks for several rewards passes `own_plays` of the same plays.
    """
    estimate: Posterior = learned.posterior(reward.name)
    mean = expected(weights, estimate.mean)
    everybody = expected(learned.blocks.user_prior[None, :], estimate.mean)[0]
    heard = own_plays or OwnPlays.of(learned, plays)
    own = _own_streams(learned, reward, heard, weights, mean, own_weight)
    prior_share = expected(learned.blocks.user_prior[None, :], estimate.prior_share)[0]
    return Scores(
        score=np.round(mean + own, SCORE_DECIMALS),
        card=everybody - estimate.overall,
        group=mean - everybody[None, :],
        own=own,
        prior_share=prior_share,
        streamed=heard.times > 0,
    )


def _own_streams(
    learned: Learned,
    reward: GroupedReward,
    heard: OwnPlays,
    weights: FloatArray,
    mean: FloatArray,
    own_weight: float,
) -> FloatArray:
    by_group = learned.success(reward).over(heard.played_s, heard.card_weights)
    earned = (by_group * weights[heard.listener]).sum(axis=1)
    succeeded = np.bincount(heard.cell, earned, minlength=mean.size).reshape(mean.shape)
    share = np.divide(2.0 * succeeded - heard.times, heard.times + 1.0)
    return np.asarray(own_weight * share * mean, dtype=np.float64)
