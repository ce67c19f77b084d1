"""`replay`: the mean over records in which the target would have acted the same."""

from dataclasses import replace

import numpy as np

from processors.arrays import FloatArray
from processors.evaluation.estimators.estimate import Estimate
from processors.evaluation.estimators.estimator import ALPHA
from processors.evaluation.estimators.estimator_shapes import WEIGHT_MIN, ExposureEstimator
from processors.evaluation.estimators.exposures import Exposures
from processors.evaluation.estimators.verdict import Verdict


class Replay(ExposureEstimator):
    """Mean reward of records where the target's draw is what was shown (Li, Chu, Langford, Wang, WSDM 2011).

    Valid only on a log of a uniformly random policy; on any other it is withheld.

    >>> replay = Replay()
    >>> replay.add(Exposures(weights=[2.0, 0.0], rewards=[1.0, 0.0], matched=[1.0, 0.0], propensities=[0.5, 0.5]))
    >>> replay.value
    1.0
    """

    def __init__(self) -> None:
        super().__init__("replay", 2)
        self.propensity_min, self.propensity_max = 1.0, 0.0

    def terms(self, seen: Exposures) -> FloatArray:
        """Rewards of matches, and matches."""
        matched = seen.column("matched", self.name)
        return np.column_stack([matched * seen.rewards, matched])

    def weights_of(self, seen: Exposures) -> tuple[FloatArray, FloatArray]:
        """The verdict is on the log's weights; the effective sample is the number of matches."""
        propensities = seen.column("propensities", self.name)
        matched = seen.column("matched", self.name)
        return seen.weights, np.divide(matched, propensities, out=np.zeros_like(matched), where=propensities > 0.0)

    def add(self, seen: Exposures) -> None:
        """Read records, and track the range of their propensities."""
        super().add(seen)
        propensities = seen.column("propensities", self.name)
        self.propensity_min = min(self.propensity_min, float(propensities.min(initial=1.0)))
        self.propensity_max = max(self.propensity_max, float(propensities.max(initial=0.0)))

    def value_at(self, mean: FloatArray) -> float:
        """Mean reward of matches; NaN without any."""
        return float(mean[0] / mean[1]) if mean[1] > WEIGHT_MIN else float("nan")

    def gradient_at(self, mean: FloatArray) -> FloatArray:
        """Gradient of the ratio."""
        return np.array([1.0 / mean[1], -mean[0] / mean[1] ** 2])

    def __add__(self, other: "Replay") -> "Replay":
        both = super().__add__(other)
        both.propensity_min = min(self.propensity_min, other.propensity_min)
        both.propensity_max = max(self.propensity_max, other.propensity_max)
        return both

    def estimate(self, alpha: float = ALPHA) -> Estimate:
        """As for other estimators; also withheld if the log is not from a uniform policy."""
        found = super().estimate(alpha)
        if self.moments.count and self.propensity_max > self.propensity_min * (1.0 + 1e-6):
            span = f"{self.propensity_min:.3g} to {self.propensity_max:.3g}"
            reason = f"propensities are {span}: replay needs a uniform log, use snips"
            return replace(found, verdict=Verdict(reason))
        return found
