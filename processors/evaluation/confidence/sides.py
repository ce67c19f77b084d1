"""Bounds a value from both sides: rewards earned bound it from below, rewards missed from above."""

from processors.arrays import FloatArray
from processors.evaluation.sums.column_checks import float_column, weight_column


def both_sides(weights: FloatArray, rewards: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weight times reward, and weight times (1 - reward): both are non-negative, and unbounded if weights are.

    The mean of the first is the value; since the mean weight is one, the mean of the second is one less the value. A
    lower bound for non-negative variables therefore gives both limits (Karampatziakis, Mineiro, Ramdas, ICML 2021). If
    rewards are rare, the upper limit is as wide as the mean weight is uncertain: the price of making no assumption.
    Raises `ValueError` for rewards outside [0, 1]: an upper limit requires a largest reward.

    >>> import numpy as np
    >>> both_sides(np.array([4.0]), np.array([0.25]))
    (array([1.]), array([3.]))
    """
    weights = weight_column("weights", weights)
    rewards = float_column("rewards", rewards, weights.shape)
    if rewards.size and (rewards.min() < 0.0 or rewards.max() > 1.0):
        reach = f"{rewards.min():g} to {rewards.max():g}"
        raise ValueError(f"rewards range from {reach}: scale them to [0, 1], or use the asymptotic sequence")
    return weights * rewards, weights * (1.0 - rewards)
