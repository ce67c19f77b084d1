"""`cascade-dr`: a model of the remaining reward, corrected slot by slot."""

import numpy as np

from processors.arrays import FloatArray
from processors.evaluation.estimators.slates.slate_columns import Slates
from processors.evaluation.estimators.slates.slate_shapes import SlateMean


class CascadeDoublyRobust(SlateMean):
    """Doubly robust in a cascade (Kiyohara, Saito, Matsuhiro, Narita, Shimizu, Yamamoto, WSDM 2022).

    `predicted` is a model's sum of rewards from a slot on, given the cards up to it; `expected` is its mean over the
    target's choices for that slot. Makes the assumption of `rips`, to which it reduces for a model of zeros; narrower
    with a good model.

    >>> dr = CascadeDoublyRobust()
    >>> dr.add(Slates(slot=[[2.0]], prefix=[[2.0]], rewards=[[1.0]], predicted=[[0.5]], expected=[[0.25]])); dr.value
    1.25
    """

    def __init__(self) -> None:
        super().__init__("cascade-dr")

    def terms(self, seen: Slates) -> FloatArray:
        """Corrected expectations of slots, summed over shelves."""
        predicted, expected = seen.column("predicted", self.name), seen.column("expected", self.name)
        before = np.hstack([np.ones((len(seen.prefix), 1)), seen.prefix[:, :-1]])
        by_slot = seen.prefix * (seen.rewards - predicted) + before * expected
        value: FloatArray = (by_slot * seen.there).sum(axis=1)
        return value[:, None]

    def judged(self, seen: Slates) -> FloatArray:
        """Weight of the longest prefix."""
        return seen.joint
