"""`ips`: inverse propensity scoring."""

from dataclasses import dataclass

from processors.arrays import FloatArray


@dataclass(slots=True)
class InversePropensity:
    """Mean of weight times reward (Horvitz, Thompson, JASA 47, 1952): unbiased, as wide as the largest weights.

    >>> import numpy as np
    >>> ips = InversePropensity(); ips.add(np.array([2.0, 0.0]), np.array([1.0, 1.0])); ips.value
    1.0
    """

    count: int = 0
    total: float = 0.0

    def add(self, weights: FloatArray, rewards: FloatArray) -> None:
        """Read exposures."""
        self.count += len(weights)
        self.total += float((weights * rewards).sum())

    def __add__(self, other: "InversePropensity") -> "InversePropensity":
        return InversePropensity(self.count + other.count, self.total + other.total)

    @property
    def value(self) -> float:
        """The estimate."""
        return self.total / self.count if self.count else float("nan")
