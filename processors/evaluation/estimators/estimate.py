"""A counterfactual value with everything that is needed to judge it."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

from processors.evaluation.estimators.verdict import Verdict


def finite(low: float, high: float) -> list[float] | None:
    """An interval for JSON, which has no infinity.

    >>> finite(0.5, 1.0), finite(-float("inf"), float("inf"))
    ([0.5, 1.0], None)
    """
    return [low, high] if isfinite(low) and isfinite(high) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The result of one estimator for one target policy on one log.

    `low` and `high` hold for a log whose length was fixed in advance; `low_anytime` and `high_anytime` hold for a log
    that is looked at any number of times as it grows; they are infinite while a single record dominates the variance.
    Values are in the unit of the rewards. A withheld value is for debugging, and must not be shown or acted on.
    """

    estimator: str
    value: float
    standard_error: float
    low: float
    high: float
    low_anytime: float
    high_anytime: float
    count: int  # records
    ess: float  # effective sample size, of the weights that the estimator uses
    weight_max: float
    weight_mean: float
    weight_mean_error: float
    verdict: Verdict

    def told(self) -> dict[str, Any]:
        """All fields by name, for JSON; value and intervals are None if withheld."""
        shown = self.verdict.is_shown
        return {
            "value": self.value if shown else None,
            "interval": [self.low, self.high] if shown else None,
            "interval_anytime": finite(self.low_anytime, self.high_anytime) if shown else None,
            "verdict": "shown" if shown else "withheld",
            "reason": self.verdict.reason or None,
            "n": self.count,
            "ess": self.ess,
            "weight_max": self.weight_max,
            "weight_mean": self.weight_mean,
            "weight_mean_error": self.weight_mean_error,
        }
