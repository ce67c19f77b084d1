"""One reading of a log by all estimators."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from processors.arrays import FloatArray
from processors.evaluation.estimators.estimator import Estimator
from processors.evaluation.estimators.ips import InversePropensity
from processors.evaluation.estimators.ncis import NormalisedCapped
from processors.evaluation.estimators.snips import SelfNormalised
from processors.evaluation.estimators.weight_summary import WeightSummary

CAPS = (5.0, 10.0, 50.0)


@dataclass(slots=True)
class Counterfactual:
    """Every estimate of one target policy's value on one log, and what is needed to doubt them."""

    ips: InversePropensity = field(default_factory=InversePropensity)
    snips: SelfNormalised = field(default_factory=SelfNormalised)
    ncis: tuple[NormalisedCapped, ...] = ()
    weights: WeightSummary = field(default_factory=WeightSummary)

    @classmethod
    def with_caps(cls, caps: Sequence[float]) -> "Counterfactual":
        """Estimators with NCIS at each of these caps; raises `ValueError` for one that is not positive."""
        return cls(ncis=tuple(NormalisedCapped(cap) for cap in caps))

    def add(self, weights: FloatArray, rewards: FloatArray) -> None:
        """Read exposures [n]."""
        estimators: list[Estimator] = [self.ips, self.snips, self.weights, *self.ncis]
        for estimator in estimators:
            estimator.add(weights, rewards)

    def __add__(self, other: "Counterfactual") -> "Counterfactual":
        ncis = tuple(one + another for one, another in zip(self.ncis, other.ncis, strict=True))
        return Counterfactual(self.ips + other.ips, self.snips + other.snips, ncis, self.weights + other.weights)

    def summary(self) -> dict[str, Any]:
        """All figures by name."""
        return {
            "ips": self.ips.value,
            "snips": self.snips.value,
            "ncis": {f"{one.cap:g}": one.value for one in self.ncis},
            "ess": self.weights.value,
            "weight_max": self.weights.largest,
            "weight_mean": self.weights.mean,
            "n": self.weights.count,
        }
