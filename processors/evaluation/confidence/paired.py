"""Compares candidates on one log: what they share cancels in differences, and with it most of the error."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from math import sqrt
from typing import Any, Generic

import numpy as np
from scipy.special import ndtri

from processors.arrays import FloatArray
from processors.evaluation.estimators.estimate import Estimate, finite
from processors.evaluation.estimators.estimator import ALPHA, Estimator, Seen
from processors.evaluation.estimators.verdict import Verdict
from processors.evaluation.sums.anytime_width import RECORDS_MIN, mixture_width
from processors.evaluation.sums.moments import Moments
from processors.evaluation.sums.weight_sums import SHARE_MAX

DRAWS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Difference of two candidates' values, with intervals as in `Estimate`, and whether it may be shown."""

    value: float
    standard_error: float
    low: float
    high: float
    low_anytime: float
    high_anytime: float
    verdict: Verdict

    @property
    def is_sure(self) -> bool:
        """Whether it may be shown, and its anytime interval excludes zero."""
        return self.verdict.is_shown and (self.low_anytime > 0.0 or self.high_anytime < 0.0)


class Paired(Generic[Seen]):
    """Estimates of several candidates from the same records, in one pass, with their covariances.

    Parts of a log add up exactly.

    >>> from processors.evaluation.estimators.exposures import Exposures
    >>> from processors.evaluation.estimators.ips import InversePropensity
    >>> rewards = np.tile([1.0, 1.0, 0.0, 0.0], 100)
    >>> own, other = Exposures(weights=np.ones(400), rewards=rewards), Exposures(weights=[0, 2] * 200, rewards=rewards)
    >>> paired = Paired({"a": InversePropensity(), "b": InversePropensity()}); paired.add({"a": own, "b": other})
    >>> paired.difference("a", "b").value, paired.best(seed=1)["a"] > 0.4
    (0.0, True)
    """

    def __init__(self, candidates: Mapping[str, Estimator[Seen]]) -> None:
        if not candidates:
            raise ValueError("there is no candidate: pass at least one")
        self.candidates = dict(candidates)
        self.joint = Moments.none(sum(len(one.moments.mean) for one in self.candidates.values()))
        self.largest = np.zeros((len(self.candidates), len(self.candidates)))

    def add(self, seen: Mapping[str, Seen]) -> None:
        """Read records as weighted for each candidate; raises `ValueError` if records differ or are missing."""
        if seen.keys() != self.candidates.keys():
            odd = sorted(seen.keys() ^ self.candidates.keys())
            raise ValueError(f"candidates and columns differ in {', '.join(odd)}: pass columns for each candidate")
        terms = [one.terms(seen[name]) for name, one in self.candidates.items()]
        if len({len(columns) for columns in terms}) > 1:
            raise ValueError("candidates were given different records: differences require the same records")
        self.joint = self.joint + Moments.of(np.column_stack(terms))
        first = np.column_stack([columns[:, 0] for columns in terms])
        for row in range(len(terms)):
            apart = np.abs(first - first[:, row, None]).max(axis=0, initial=0.0)
            self.largest[row] = np.maximum(self.largest[row], apart)
        for name, one in self.candidates.items():
            one.add(seen[name])

    def __add__(self, other: "Paired[Seen]") -> "Paired[Seen]":
        if self.candidates.keys() != other.candidates.keys():
            raise ValueError("logs of different candidates do not add up: use the same for both")
        both = copy(self)
        both.candidates = {name: one + other.candidates[name] for name, one in self.candidates.items()}
        both.joint = self.joint + other.joint
        both.largest = np.maximum(self.largest, other.largest)
        return both

    def estimates(self, alpha: float = ALPHA) -> dict[str, Estimate]:
        """The estimate of every candidate."""
        return {name: one.estimate(alpha) for name, one in self.candidates.items()}

    def difference(self, one: str, other: str, alpha: float = ALPHA) -> Difference:
        """Value of `one` less that of `other`; withheld if either of them is.

        For several simultaneous differences, pass `alpha` divided by their number (Bonferroni).
        """
        places = [list(self.candidates).index(name) for name in (one, other)]
        along = np.zeros(len(self.candidates))
        np.add.at(along, places, [1.0, -1.0])
        value = self.candidates[one].value - self.candidates[other].value
        count = self.joint.count
        error = sqrt(max(float(along @ self._covariance() @ along), 0.0)) if count > 1 else float("nan")
        half = float(ndtri(1.0 - alpha / 2.0)) * error
        is_steady = count >= RECORDS_MIN and self._largest_share(*places) <= SHARE_MAX
        anytime = float(mixture_width(count, alpha)) * error if is_steady else float("inf")
        withheld = [
            f"{name}: {verdict.reason}"
            for name in (one, other)
            if not (verdict := self.candidates[name].estimate(alpha).verdict).is_shown
        ]
        return Difference(
            value=value,
            standard_error=error,
            low=value - half,
            high=value + half,
            low_anytime=value - anytime,
            high_anytime=value + anytime,
            verdict=Verdict("; ".join(withheld)),
        )

    def best(self, seed: int, draws: int = DRAWS) -> dict[str, float]:
        """For each candidate that may be shown, the probability that it is the best of them.

        Values are taken as Normal around the estimates, with their covariances (a flat prior). The probability holds at
        a single time: acting on it at every look is wrong more often than it says; act on `difference`.
        """
        shown = [name for name, found in self.estimates().items() if found.verdict.is_shown]
        if not shown:
            return {}
        places = [list(self.candidates).index(name) for name in shown]
        size, axes = np.linalg.eigh(self._covariance()[np.ix_(places, places)])
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0xBE57,)))
        drawn = rng.standard_normal((draws, len(shown))) * np.sqrt(np.maximum(size, 0.0)) @ axes.T
        drawn += [self.candidates[name].value for name in shown]
        winners = np.bincount(drawn.argmax(axis=1), minlength=len(shown)) / draws
        return dict(zip(shown, winners.tolist(), strict=True))

    def _largest_share(self, one: int, other: int) -> float:
        """Largest share of one record in the sum of squared differences of two candidates' first terms."""
        widths = [len(candidate.moments.mean) for candidate in self.candidates.values()]
        first, second = sum(widths[:one]), sum(widths[:other])
        squares = self.joint.scatter + self.joint.count * np.outer(self.joint.mean, self.joint.mean)
        apart = squares[first, first] + squares[second, second] - 2.0 * squares[first, second]
        return float(self.largest[one, other] ** 2 / apart) if apart > 0.0 else 1.0

    def _covariance(self) -> FloatArray:
        """Covariances of the candidates' values [candidates, candidates]."""
        gradients = np.zeros((len(self.candidates), len(self.joint.mean)))
        first = 0
        for row, one in enumerate(self.candidates.values()):
            width = len(one.moments.mean)
            if np.isfinite(one.value):
                gradients[row, first : first + width] = one.gradient_at(one.moments.mean)
            first += width
        return np.asarray(gradients @ self.joint.covariance @ gradients.T / max(self.joint.count, 1))


def told(difference: Difference) -> dict[str, Any]:
    """All fields by name, for JSON; value and intervals are None if withheld."""
    shown = difference.verdict.is_shown
    return {
        "value": difference.value if shown else None,
        "interval": [difference.low, difference.high] if shown else None,
        "interval_anytime": finite(difference.low_anytime, difference.high_anytime) if shown else None,
        "is_sure": difference.is_sure,
        "verdict": "shown" if shown else "withheld",
        "reason": difference.verdict.reason or None,
    }
