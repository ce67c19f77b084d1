"""A part of a log, as estimators read it: one record an exposure, in columns."""

from dataclasses import dataclass

from processors.arrays import FloatArray
from processors.evaluation.estimators.columns import float_column, weight_column

OPTIONAL = ("predicted", "expected", "matched", "propensities")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exposures:
    """Records [n] of what was shown and what it earned. Only `weights` and `rewards` are needed by every estimator.

    Raises `ValueError` where a column has another length, holds no number, or where a weight is negative.

    >>> Exposures(weights=[2.0, 0.0], rewards=[1.0, 1.0]).count
    2
    """

    weights: FloatArray  # the target's over the logging policy's probability of what was shown
    rewards: FloatArray  # what it earned, in the unit of the value
    predicted: FloatArray | None = None  # a model's expected reward of what was shown
    expected: FloatArray | None = None  # a model's expected reward of what the target would show here
    matched: FloatArray | None = None  # 1 where a draw of the target's is what was shown, else 0
    propensities: FloatArray | None = None  # the logging policy's probability of what was shown

    def __post_init__(self) -> None:
        """Check, and convert once."""
        weights = weight_column("weights", self.weights)
        if weights.ndim != 1:
            raise ValueError(f"weights have the shape {weights.shape}: give one column")
        object.__setattr__(self, "weights", weights)
        for name in ("rewards", *OPTIONAL):
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, float_column(name, given, weights.shape))

    @property
    def count(self) -> int:
        """Number of records."""
        return len(self.weights)

    def column(self, name: str, wanted_by: str) -> FloatArray:
        """A column that not every log has; raises `ValueError` that says what is missing."""
        found: FloatArray | None = getattr(self, name)
        if found is None:
            raise ValueError(f"{wanted_by} needs the column `{name}`: hand it over, or leave this estimator out")
        return found

    def __getitem__(self, part: slice) -> "Exposures":
        """Some of the records."""
        return Exposures(
            weights=self.weights[part],
            rewards=self.rewards[part],
            **{name: column[part] for name in OPTIONAL if (column := getattr(self, name)) is not None},
        )
