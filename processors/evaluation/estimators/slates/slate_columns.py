"""A part of a log as input of slate estimators: one record per shelf, with the weights of its slots and prefixes."""

from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray
from processors.evaluation.estimators.exposures import Exposures
from processors.evaluation.sums.column_checks import float_column, weight_column


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slates:
    """Shelves [n] of slots [L] in order. A weight is a probability under the target over that in the log.

    Slots of one shelf are dependent, possibly by a single random draw: the product of `slot` is not `prefix`. A shelf
    with fewer than L slots ends with slots that are not `seen`, without reward. Raises `ValueError` if a column has
    another shape or contains a value that is not finite, or if a weight is negative.

    >>> Slates(slot=[[2.0, 1.0]], prefix=[[2.0, 2.0]], rewards=[[1.0, 0.0]]).joint.tolist()
    [2.0]
    """

    slot: FloatArray  # [n, L], of this card in this slot, whatever the other slots contain
    prefix: FloatArray  # [n, L], of the cards from the first slot to this one, in this order
    rewards: FloatArray  # [n, L]
    seen: FloatArray | None = None  # [n, L], 1 for existing slots; None: all exist
    predicted: FloatArray | None = None  # [n, L], a model's reward from this slot on, given the cards up to it
    expected: FloatArray | None = None  # [n, L], the same for the target's choice in this slot, given those before it
    linear: FloatArray | None = None  # [n], of the pseudo-inverse; may be negative

    def __post_init__(self) -> None:
        """Validate, and convert once."""
        slot = weight_column("slot", self.slot)
        if slot.ndim != 2 or not slot.shape[1]:
            raise ValueError(f"slot has the shape {slot.shape}: pass one row per shelf, one column per slot")
        object.__setattr__(self, "slot", slot)
        object.__setattr__(self, "prefix", weight_column("prefix", self.prefix, slot.shape))
        for name in ("rewards", "seen", "predicted", "expected"):
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, float_column(name, given, slot.shape))
        if self.linear is not None:
            object.__setattr__(self, "linear", float_column("linear", self.linear, slot.shape[:1]))
        if self.seen is None:
            object.__setattr__(self, "seen", np.ones_like(slot))

    @property
    def there(self) -> FloatArray:
        """1 for existing slots [n, L]."""
        assert self.seen is not None, "set above"
        return self.seen

    @property
    def joint(self) -> FloatArray:
        """Weight [n] of the whole shelf: that of its longest prefix."""
        last = np.maximum(self.there.sum(axis=1).astype(np.int64) - 1, 0)
        return np.asarray(self.prefix[np.arange(len(last)), last], dtype=np.float64)

    @property
    def earned(self) -> FloatArray:
        """Reward [n] of the whole shelf."""
        return np.asarray((self.rewards * self.there).sum(axis=1), dtype=np.float64)

    def column(self, name: str, wanted_by: str) -> FloatArray:
        """An optional column; raises `ValueError` with its name if it is missing."""
        found: FloatArray | None = getattr(self, name)
        if found is None:
            raise ValueError(f"{wanted_by} needs the column `{name}`: pass it, or omit this estimator")
        return found

    def __getitem__(self, part: slice) -> "Slates":
        """A part of the shelves."""
        optional = ("seen", "predicted", "expected", "linear")
        return Slates(
            slot=self.slot[part],
            prefix=self.prefix[part],
            rewards=self.rewards[part],
            **{name: column[part] for name in optional if (column := getattr(self, name)) is not None},
        )

    def per_shelf(self) -> Exposures:
        """Shelves as exposures, for estimators of exposures: the value is that of a shelf."""
        return Exposures(weights=self.joint, rewards=self.earned)
