"""Reads a log once for all estimators."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from processors.evaluation.estimators.capped import Capped
from processors.evaluation.estimators.direct import DirectMethod
from processors.evaluation.estimators.doubly_robust import DoublyRobust
from processors.evaluation.estimators.estimate import Estimate
from processors.evaluation.estimators.estimator import ALPHA
from processors.evaluation.estimators.estimator_shapes import ExposureEstimator
from processors.evaluation.estimators.exposures import Exposures
from processors.evaluation.estimators.ips import InversePropensity
from processors.evaluation.estimators.ncis import NormalisedCapped
from processors.evaluation.estimators.optimistic_shrinkage import OptimisticShrinkage
from processors.evaluation.estimators.self_normalised_dr import SelfNormalisedDoublyRobust
from processors.evaluation.estimators.snips import SelfNormalised
from processors.evaluation.estimators.switch_dr import SwitchDoublyRobust

CAPS = (5.0, 10.0, 50.0)
SWITCH_THRESHOLD = 10.0
SHRINKAGE = 100.0
"""Weights up to its square root, ten, are at most halved."""


@dataclass(slots=True)
class Counterfactual:
    """All estimates of one target policy's value on one log, with verdicts.

    >>> found = Counterfactual.weighted(caps=(5.0,)); found.add(Exposures(weights=[1.0], rewards=[1.0]))
    >>> [estimate.estimator for estimate in found.estimates()]
    ['ips', 'snips', 'cis(cap 5)', 'ncis(cap 5)']
    """

    estimators: tuple[ExposureEstimator, ...]

    @classmethod
    def weighted(cls, caps: Sequence[float] = CAPS) -> "Counterfactual":
        """Estimators that need only weights and rewards; raises `ValueError` for a cap that is not positive."""
        capped = [*(Capped(cap) for cap in caps), *(NormalisedCapped(cap) for cap in caps)]
        return cls((InversePropensity(), SelfNormalised(), *capped))

    @classmethod
    def modelled(cls) -> "Counterfactual":
        """Estimators that also need a model's prediction for what was shown, and its expectation for the target."""
        shrunk = (SwitchDoublyRobust(SWITCH_THRESHOLD), OptimisticShrinkage(SHRINKAGE))
        return cls((DirectMethod(), DoublyRobust(), SelfNormalisedDoublyRobust(), *shrunk))

    def add(self, seen: Exposures) -> None:
        """Read records; raises `ValueError` if a required column is missing."""
        for estimator in self.estimators:
            estimator.add(seen)

    def __add__(self, other: "Counterfactual") -> "Counterfactual":
        if len(self.estimators) != len(other.estimators):
            raise ValueError("different estimators do not add up: use the same for both logs")
        return Counterfactual(
            tuple(one + another for one, another in zip(self.estimators, other.estimators, strict=True))
        )

    def estimates(self, alpha: float = ALPHA) -> list[Estimate]:
        """The result of each estimator, in order."""
        return [estimator.estimate(alpha) for estimator in self.estimators]

    def summary(self) -> dict[str, Any]:
        """Values by name, and diagnostics of the log's weights, whether the values may be shown or not."""
        by_name: dict[str, Any] = {}
        for estimator in self.estimators:
            if "cap" in estimator.parameters:
                by_name.setdefault(estimator.name, {})[f"{estimator.parameters['cap']:g}"] = estimator.value
            else:
                by_name[estimator.name] = estimator.value
        weights = self.estimators[0].weights
        return {
            **by_name,
            "ess": weights.ess if weights.count else float("nan"),
            "weight_max": weights.largest,
            "weight_mean": weights.mean,
            "n": weights.count,
        }
