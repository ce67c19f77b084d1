"""How far importance weights can be trusted: without this no counterfactual value is worth printing."""

from dataclasses import dataclass

from processors.arrays import FloatArray


@dataclass(slots=True)
class WeightSummary:
    """Effective sample size, largest and mean weight. Under the logging policy the mean weight is one.

    >>> import numpy as np
    >>> summary = WeightSummary(); summary.add(np.array([1.0, 1.0, 2.0]), np.zeros(3)); round(summary.value, 3)
    2.667
    """

    count: int = 0
    total: float = 0.0
    squares: float = 0.0
    largest: float = 0.0

    def add(self, weights: FloatArray, rewards: FloatArray) -> None:  # noqa: ARG002  one signature for all that read a log
        """Read exposures."""
        self.count += len(weights)
        self.total += float(weights.sum())
        self.squares += float((weights**2).sum())
        self.largest = max(self.largest, float(weights.max(initial=0.0)))

    def __add__(self, other: "WeightSummary") -> "WeightSummary":
        return WeightSummary(
            self.count + other.count,
            self.total + other.total,
            self.squares + other.squares,
            max(self.largest, other.largest),
        )

    @property
    def value(self) -> float:
        """Effective sample size (Kish): as many exposures of equal weight would say as much."""
        return self.total**2 / self.squares if self.squares > 0.0 else float("nan")

    @property
    def mean(self) -> float:
        """Mean weight."""
        return self.total / self.count if self.count else float("nan")
