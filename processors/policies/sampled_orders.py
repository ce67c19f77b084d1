"""Sampling policies: a stated number of orders is drawn, and one of them is shown."""

import numpy as np

from processors.arrays import FloatArray
from processors.policies.keyed_draws import KeyArray, mixed, uniforms
from processors.policies.order_mixture import OrderMixture
from processors.policies.policy import best_first

_NOISE = 3
_HALF_STEP = 2.0**-54  # uniforms are multiples of 2**-53: half a step avoids zero


def keyed_noise(keys: KeyArray, draws: int, items: int) -> FloatArray:
    """Independent numbers in (0, 1) [n, draws, items], a function of each listener's key.

    >>> noise = keyed_noise(np.array([1, 2], dtype=np.uint64), draws=3, items=4); noise.shape
    (2, 3, 4)
    """
    of_draws = mixed(mixed(keys, _NOISE)[:, None], np.arange(draws)[None, :])
    return uniforms(mixed(of_draws[:, :, None], np.arange(items)[None, None, :])) + _HALF_STEP


def sampled_orders(samples: FloatArray, slots: int, epsilon: float) -> OrderMixture:
    """The orders of sampled scores [n, draws, m] with equal weights, and a shuffle with probability epsilon.

    The shown order is one of those drawn, so its propensity, the frequency over the draws, is the probability with
    which it was chosen, not an estimate.
    """
    listeners, draws, items = samples.shape
    weights = np.full((listeners, draws), (1.0 - epsilon) / draws)
    return OrderMixture(orders=best_first(samples, slots), weights=weights, items=items)
