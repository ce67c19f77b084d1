"""Detects cards that have moved notably since they were last reported, by log probabilities."""

import numpy as np

from processors.arrays import BoolArray, FloatArray, IntArray

LOGIT_FLOOR = -12.0  # groups below this are practically excluded; changes below it are ignored
LOGIT_CHANGE = 0.5


class CardWatch:
    """Last reported log probabilities by slot. Stale logits distort cavity distributions, so logits are compared.

    >>> watch = CardWatch(slots=4, groups=2)
    >>> logits = np.log(np.array([[0.9, 0.1], [0.5, 0.5]]))
    >>> watch.moved(np.array([70, 80]), np.array([0, 3]), logits)
    array([ True,  True])
    >>> watch.moved(np.array([70, 81]), np.array([0, 3]), logits + 0.01)  # slot 3 has another card now
    array([False,  True])
    """

    def __init__(self, slots: int, groups: int) -> None:
        self._identity = np.full(slots, -1)
        self._reported = np.zeros((slots, groups), np.float32)

    def moved(self, identities: IntArray, slots: IntArray, logits: FloatArray) -> BoolArray:
        """Which cards have moved notably; marks them as reported. A card that is new to its slot always has."""
        logits = np.maximum(logits, LOGIT_FLOOR).astype(np.float32)
        change = np.abs(logits - self._reported[slots]).max(axis=1, initial=0.0)
        notable: BoolArray = (change > LOGIT_CHANGE) | (self._identity[slots] != identities)
        self._reported[slots[notable]] = logits[notable]
        self._identity[slots[notable]] = identities[notable]
        return notable
