"""`rips` and `rips-sn`: a slot weighed with those before it."""

from processors.arrays import FloatArray
from processors.evaluation.estimators.slates.columns import Slates
from processors.evaluation.estimators.slates.shapes import SlateMean, SlotRatios, by_prefixes


class RewardInteraction(SlateMean):
    """Sum over slots of the prefix's weight times reward (McInerney, Brost, Chandar, Mehrotra, Carterette, KDD 2020):
    right where listeners go through a shelf from its start, so that no slot depends on those after it.

    >>> rips = RewardInteraction()
    >>> rips.add(Slates(slot=[[2.0, 1.0]], prefix=[[2.0, 3.0]], rewards=[[1.0, 1.0]])); rips.value
    5.0
    """  # noqa: D205  the sentence is as long as its source

    def __init__(self) -> None:
        super().__init__("rips")

    def terms(self, seen: Slates) -> FloatArray:
        """Rewards of slots by the weights of their prefixes, summed over shelves."""
        return by_prefixes(seen)[:, None]

    def judged(self, seen: Slates) -> FloatArray:
        """That of the longest prefix, which varies most."""
        return seen.joint


class RewardInteractionSelfNormalised(SlotRatios):
    """The same with the weighted mean of each slot, as its authors use it, with all slots before.

    >>> rips = RewardInteractionSelfNormalised(slots=1)
    >>> rips.add(Slates(slot=[[3.0], [1.0]], prefix=[[3.0], [1.0]], rewards=[[1.0], [0.0]])); rips.value
    0.75
    """

    def __init__(self, slots: int) -> None:
        super().__init__("rips-sn", slots)

    def slot_weights(self, seen: Slates) -> FloatArray:
        """Of each slot with those before it."""
        return seen.prefix

    def judged(self, seen: Slates) -> FloatArray:
        """That of the longest prefix."""
        return seen.joint
