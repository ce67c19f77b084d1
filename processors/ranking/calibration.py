"""Whether scores are what they promise: mean score against mean realised reward, by decile of the score."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from msgspec import Struct

from processors.arrays import FloatArray
from processors.ranking.learned import Learned
from processors.rewards.reward import GroupedReward

DECILES = 10


class CalibrationRow(Struct, frozen=True, kw_only=True):
    """Exposures with scores alike: what was promised, what came, and the standard error of that."""

    exposures: int
    score: float
    realised: float
    standard_error: float


def calibration(scores: FloatArray, realised: FloatArray, rows: int = DECILES) -> list[CalibrationRow]:
    """Rows of equal size, by rising score; exposures of equal scores stay in their order.

    >>> score = np.repeat([0.1, 0.3], 500); came = np.tile([0.0, 0.0, 0.0, 0.0, 1.0], 200)
    >>> [(row.score, row.realised) for row in calibration(score, came, rows=2)]
    [(0.1, 0.2), (0.3, 0.2)]
    """
    order = np.argsort(scores, kind="stable")
    parts = [part for part in np.array_split(order, rows) if len(part)]
    return [
        CalibrationRow(
            exposures=len(part),
            score=round(float(scores[part].mean()), 5),
            realised=round(float(realised[part].mean()), 5),
            standard_error=round(float(realised[part].std()) / sqrt(len(part)), 5),
        )
        for part in parts
    ]


def calibration_error(rows: Sequence[CalibrationRow]) -> float:
    """Mean distance between score and realised reward over exposures (Naeini, Cooper, Hauskrecht, AAAI 2015: ECE).

    >>> one = CalibrationRow(exposures=3, score=0.2, realised=0.3, standard_error=0.1)
    >>> other = CalibrationRow(exposures=1, score=0.5, realised=0.3, standard_error=0.1)
    >>> round(calibration_error([one, other]), 3)
    0.125
    """
    total = sum(row.exposures for row in rows)
    return sum(row.exposures * abs(row.score - row.realised) for row in rows) / max(total, 1)


def realised_rewards(
    learned: Learned, reward: GroupedReward, cards: Sequence[str], seconds: FloatArray, weights: FloatArray
) -> FloatArray:
    """Rewards [n] of streams of cards by listeners in soft groups [n, G], by the thresholds in force."""
    card_weights = learned.card_weights_of(learned.rows_of(cards))
    by_group: FloatArray = learned.success(reward).over(seconds, card_weights)
    return np.asarray((by_group * weights).sum(axis=1))
