"""A part of a log as input of estimators: one record per exposure, in columns."""

from dataclasses import dataclass

from processors.arrays import FloatArray
from processors.evaluation.sums.column_checks import float_column, weight_column

OPTIONAL = ("predicted", "expected", "matched", "propensities")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exposures:
    """Records [n] of what was shown and its rewards. All estimators need `weights` and `rewards`, some need more.

    Raises `ValueError` if a column has another length or contains a value that is not finite, or if a weight is
    negative.

    >>> Exposures(weights=[2.0, 0.0], rewards=[1.0, 1.0]).count
    2
    """

    weights: FloatArray  # probability of what was shown under the target over that under the logging policy
    rewards: FloatArray  # reward, in the unit of the value
    predicted: FloatArray | None = None  # a model's expected reward for what was shown
    expected: FloatArray | None = None  # a model's expected reward for the target's choice here
    matched: FloatArray | None = None  # 1 if a draw from the target is what was shown, else 0
    propensities: FloatArray | None = None  # probability of what was shown under the logging policy

    def __post_init__(self) -> None:
        """Validate, and convert once."""
        weights = weight_column("weights", self.weights)
        if weights.ndim != 1:
            raise ValueError(f"weights have the shape {weights.shape}: pass a single column")
        object.__setattr__(self, "weights", weights)
        for name in ("rewards", *OPTIONAL):
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, float_column(name, given, weights.shape))

    @property
    def count(self) -> int:
        """Number of records."""
        return len(self.weights)

    def column(self, name: str, wanted_by: str) -> FloatArray:
        """An optional column; raises `ValueError` with its name if it is missing."""
        found: FloatArray | None = getattr(self, name)
        if found is None:
            raise ValueError(f"{wanted_by} needs the column `{name}`: pass it, or omit this estimator")
        return found

    def __getitem__(self, part: slice) -> "Exposures":
        """A part of the records."""
        return Exposures(
            weights=self.weights[part],
            rewards=self.rewards[part],
            **{name: column[part] for name in OPTIONAL if (column := getattr(self, name)) is not None},
        )
