"""`snips`: self-normalised inverse propensity scoring."""

from dataclasses import dataclass

from processors.arrays import FloatArray


@dataclass(slots=True)
class SelfNormalised:
    """Weighted mean of the rewards (Swaminathan, Joachims, NeurIPS 2015): a little biased, never outside the rewards.

    >>> import numpy as np
    >>> snips = SelfNormalised(); snips.add(np.array([3.0, 1.0]), np.array([1.0, 0.0])); snips.value
    0.75
    """

    weight_total: float = 0.0
    total: float = 0.0

    def add(self, weights: FloatArray, rewards: FloatArray) -> None:
        """Read exposures."""
        self.weight_total += float(weights.sum())
        self.total += float((weights * rewards).sum())

    def __add__(self, other: "SelfNormalised") -> "SelfNormalised":
        return SelfNormalised(self.weight_total + other.weight_total, self.total + other.total)

    @property
    def value(self) -> float:
        """The estimate."""
        return self.total / self.weight_total if self.weight_total > 0.0 else float("nan")
