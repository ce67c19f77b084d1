"""`iips` and `slot-snips`: slots weighted independently."""

import numpy as np

from processors.arrays import FloatArray
from processors.evaluation.estimators.slates.slate_columns import Slates
from processors.evaluation.estimators.slates.slate_shapes import INSTEAD, LEFT_OUT, SlateMean, SlotRatios, by_prefixes
from processors.evaluation.estimators.verdict import Remainder


def mean_slot_weight(seen: Slates) -> FloatArray:
    """Mean weight [n] of the slots of each shelf: shelves are independent, their slots are not."""
    there = seen.there
    return np.asarray((seen.slot * there).sum(axis=1) / np.maximum(there.sum(axis=1), 1.0), dtype=np.float64)


class IndependentSlots(SlateMean):
    """Sum over slots of weight times reward (Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay, Wen, KDD 2018,
    item-position model): low variance, and unbiased if the reward of a card does not depend on other slots. Withheld if
    weights of prefixes contradict that.

    >>> iips = IndependentSlots()
    >>> iips.add(Slates(slot=[[2.0, 1.0]], prefix=[[2.0, 3.0]], rewards=[[1.0, 1.0]])); iips.value
    3.0
    """  # noqa: D205  the sentence is as long as its source

    def __init__(self) -> None:
        super().__init__("iips", 2)

    def terms(self, seen: Slates) -> FloatArray:
        """Weighted rewards of slots, summed over shelves; and their difference to those weighted by prefix."""
        earned = (seen.slot * seen.rewards * seen.there).sum(axis=1)
        return np.column_stack([earned, by_prefixes(seen) - earned])

    def remainder(self) -> Remainder:
        """Difference to `rips`: not zero if cards affect those after them."""
        return self.remaining(LEFT_OUT, 1, INSTEAD)

    def judged(self, seen: Slates) -> FloatArray:
        """Mean weight of the slots."""
        return mean_slot_weight(seen)


class SlotSelfNormalised(SlotRatios):
    """The weighted mean reward of each slot, summed: `snips` per slot, with an interval by shelves.

    >>> snips = SlotSelfNormalised(slots=1)
    >>> snips.add(Slates(slot=[[3.0], [1.0]], prefix=[[3.0], [1.0]], rewards=[[1.0], [0.0]])); snips.value
    0.75
    """

    def __init__(self, slots: int) -> None:
        super().__init__("slot-snips", slots)

    def slot_weights(self, seen: Slates) -> FloatArray:
        """Weights of single slots."""
        return seen.slot

    def judged(self, seen: Slates) -> FloatArray:
        """Mean weight of the slots."""
        return mean_slot_weight(seen)

    def remainder(self) -> Remainder:
        """As for `iips`."""
        return self.remaining(LEFT_OUT, 3 * self.slots, INSTEAD)
