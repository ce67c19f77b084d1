"""`rips` and `rips-sn`: slots weighted together with those before them."""

from processors.arrays import FloatArray
from processors.evaluation.estimators.slates.slate_columns import Slates
from processors.evaluation.estimators.slates.slate_shapes import SlateMean, SlotRatios, by_prefixes


class RewardInteraction(SlateMean):
    """Sum over slots of the prefix's weight times reward (McInerney, Brost, Chandar, Mehrotra, Carterette, KDD 2020):
    unbiased if listeners go through a shelf from its start, so that no slot depends on those after it.

    >>> rips = RewardInteraction()
    >>> rips.add(Slates(slot=[[2.0, 1.0]], prefix=[[2.0, 3.0]], rewards=[[1.0, 1.0]])); rips.value
    5.0
    """  # noqa: D205  the sentence is as long as its source

    def __init__(self) -> None:
        super().__init__("rips")

    def terms(self, seen: Slates) -> FloatArray:
        """Rewards of slots times the weights of their prefixes, summed over shelves."""
        return by_prefixes(seen)[:, None]

    def judged(self, seen: Slates) -> FloatArray:
        """Weight of the longest prefix, which has the largest variance."""
        return seen.joint


class RewardInteractionSelfNormalised(SlotRatios):
    """Like `rips` with the weighted mean of each slot, as its authors use it, over all preceding slots.

    >>> rips = RewardInteractionSelfNormalised(slots=1)
    >>> rips.add(Slates(slot=[[3.0], [1.0]], prefix=[[3.0], [1.0]], rewards=[[1.0], [0.0]])); rips.value
    0.75
    """

    def __init__(self, slots: int) -> None:
        super().__init__("rips-sn", slots)

    def slot_weights(self, seen: Slates) -> FloatArray:
        """Weights of each slot with those before it."""
        return seen.prefix

    def judged(self, seen: Slates) -> FloatArray:
        """Weight of the longest prefix."""
        return seen.joint
