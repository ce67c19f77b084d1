"""A value from both sides: what was earned bounds it from below, what was not from above."""

from processors.arrays import FloatArray
from processors.evaluation.estimators.columns import float_column, weight_column


def both_sides(weights: FloatArray, rewards: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weight times reward, and weight times what is missing to one: both are 0 or more, as large as weights are.

    A mean of the first is the value; since the mean weight is one, that of the second is one less the value. So one
    lower bound for what is never negative gives both ends (Karampatziakis, Mineiro, Ramdas, ICML 2021).
    Where rewards are rare the upper end is as wide as the mean weight is uncertain: that is the price of no assumption.
    Raises `ValueError` where rewards leave [0, 1]: there is no end above without a largest reward.

    >>> import numpy as np
    >>> both_sides(np.array([4.0]), np.array([0.25]))
    (array([1.]), array([3.]))
    """
    weights = weight_column("weights", weights)
    rewards = float_column("rewards", rewards, weights.shape)
    if rewards.size and (rewards.min() < 0.0 or rewards.max() > 1.0):
        reach = f"{rewards.min():g} to {rewards.max():g}"
        raise ValueError(f"rewards reach from {reach}: scale them to 0 to 1, or use the asymptotic sequence")
    return weights * rewards, weights * (1.0 - rewards)
