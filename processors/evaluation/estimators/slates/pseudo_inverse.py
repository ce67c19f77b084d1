"""`pseudo-inverse`: shelves weighted as if the reward of a shelf were a sum over its slots."""

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.evaluation.estimators.slates.slate_columns import Slates
from processors.evaluation.estimators.slates.slate_shapes import SlateMean
from processors.evaluation.estimators.verdict import Remainder
from processors.policies.order_mixture import OrderMixture


class PseudoInverse(SlateMean):
    """Mean of the linear weight times the reward of a shelf (Swaminathan, Krishnamurthy, Agarwal, Dudík, Langford,
    Jose, Zitouni, NeurIPS 2017): unbiased if slots are additive, even if only the shelf's reward is known, not its
    slots'.

    >>> pi = PseudoInverse()
    >>> pi.add(Slates(slot=[[1.0]], prefix=[[1.0]], rewards=[[1.0]], linear=[-0.5])); pi.value
    -0.5
    """  # noqa: D205  the sentence is as long as its source

    def __init__(self) -> None:
        super().__init__("pseudo-inverse", 2)

    def terms(self, seen: Slates) -> FloatArray:
        """Rewards of shelves times linear weights; and their difference to those by weights of the whole shelf."""
        earned = seen.column("linear", self.name) * seen.earned
        return np.column_stack([earned, seen.joint * seen.earned - earned])

    def remainder(self) -> Remainder:
        """Difference to `slate-ips`: not zero if slots are not additive."""
        return self.remaining("the interaction of slots", 1, "use rips, or slate-snips")

    def judged(self, seen: Slates) -> FloatArray:
        """The linear weight."""
        return seen.column("linear", self.name)


def linear_weights(logging: OrderMixture, target: FloatArray, shown: IntArray) -> FloatArray:
    """Linear weights [n] of the orders `shown` [n, L], all by one listener's mixture, for a target's marginals [L, m].

    The target's marginals times the pseudo-inverse of the logging policy's second moments: a matrix of (L m)² numbers
    is inverted per listener. Raises `ValueError` for a mixture of several listeners.

    >>> uniform = OrderMixture(orders=np.zeros((1, 1, 1), dtype=int), weights=np.zeros((1, 1)), items=2)
    >>> linear_weights(uniform, np.array([[0.25, 0.75]]), np.array([[0], [1]])).round(6).tolist()
    [0.5, 1.5]
    """
    if len(logging.orders) != 1:
        raise ValueError(f"the mixture has {len(logging.orders)} listeners: pass them one by one")
    slots, items = target.shape
    moments = float(logging.shuffled[0]) * _shuffled_moments(slots, items)
    for order, weight in zip(logging.orders[0], logging.weights[0], strict=True):
        there = _indicator(order[None, :], items)[0]
        moments += weight * np.outer(there, there)
    along = np.linalg.pinv(moments, rcond=1e-9, hermitian=True) @ target.ravel()
    return np.asarray(_indicator(shown, items) @ along, dtype=np.float64)


def _indicator(shown: IntArray, items: int) -> FloatArray:
    """1 for each slot and the card in it [n, L m]."""
    return np.asarray(np.eye(items)[shown].reshape(len(shown), -1), dtype=np.float64)


def _shuffled_moments(slots: int, items: int) -> FloatArray:
    """Probabilities that two slots contain two cards if all orders are equally likely [L m, L m]."""
    same_slot, same_item = np.eye(slots)[:, None, :, None], np.eye(items)[None, :, None, :]
    apart = (1.0 - same_slot) * (1.0 - same_item) / (items * max(items - 1, 1))
    return np.asarray((same_slot * same_item / items + apart).reshape(slots * items, slots * items))
