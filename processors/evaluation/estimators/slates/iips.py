"""`iips` and `slot-snips`: slots weighed by themselves."""

import numpy as np

from processors.cocluster.arrays import FloatArray
from processors.evaluation.estimators.slates.columns import Slates
from processors.evaluation.estimators.slates.shapes import SlateMean, SlotRatios


def mean_slot_weight(seen: Slates) -> FloatArray:
    """Mean weight [n] of the slots of each shelf: shelves are independent, their slots are not."""
    there = seen.there
    return np.asarray((seen.slot * there).sum(axis=1) / np.maximum(there.sum(axis=1), 1.0), dtype=np.float64)


class IndependentSlots(SlateMean):
    """Sum over slots of weight times reward (Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay, Wen, KDD 2018,
    item-position model): narrow, and right where a card earns what it earns whatever stands elsewhere.

    >>> iips = IndependentSlots()
    >>> iips.add(Slates(slot=[[2.0, 1.0]], prefix=[[2.0, 3.0]], rewards=[[1.0, 1.0]])); iips.value
    3.0
    """  # noqa: D205  the sentence is as long as its source

    def __init__(self) -> None:
        super().__init__("iips")

    def terms(self, seen: Slates) -> FloatArray:
        """Weighted rewards of slots, summed over shelves."""
        earned: FloatArray = (seen.slot * seen.rewards * seen.there).sum(axis=1)
        return earned[:, None]

    def judged(self, seen: Slates) -> FloatArray:
        """The mean of its slots'."""
        return mean_slot_weight(seen)


class SlotSelfNormalised(SlotRatios):
    """The weighted mean reward of each slot, added up: `snips` per slot, its interval by shelves.

    >>> snips = SlotSelfNormalised(slots=1)
    >>> snips.add(Slates(slot=[[3.0], [1.0]], prefix=[[3.0], [1.0]], rewards=[[1.0], [0.0]])); snips.value
    0.75
    """

    def __init__(self, slots: int) -> None:
        super().__init__("slot-snips", slots)

    def slot_weights(self, seen: Slates) -> FloatArray:
        """Of each slot by itself."""
        return seen.slot

    def judged(self, seen: Slates) -> FloatArray:
        """The mean of its slots'."""
        return mean_slot_weight(seen)
