"""A dozen candidates on one log, as in Gruson et al. (WSDM 2019): who is ordered rightly, and who is sure and wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy.stats import kendalltau

from processors.evaluation.confidence.paired import Difference, Paired
from processors.evaluation.estimators.capped import Capped
from processors.evaluation.estimators.estimate import Estimate
from processors.evaluation.estimators.exposures import Exposures
from processors.evaluation.estimators.ips import InversePropensity
from processors.evaluation.estimators.ncis import NormalisedCapped
from processors.evaluation.estimators.shapes import ExposureEstimator
from processors.evaluation.estimators.snips import SelfNormalised
from processors.worlds.candidates import CandidateWorld

ALPHA = 0.05
TRUTH_SHELVES = 40_000
MAKE: dict[str, Callable[[], ExposureEstimator]] = {
    "cis(cap 100)": lambda: Capped(1e2),
    "cis(cap 1e6)": lambda: Capped(1e6),
    "ncis(cap 1e5)": lambda: NormalisedCapped(1e5),
    "ips": InversePropensity,
    "snips": SelfNormalised,
}
SHUFFLED = "ncis(cap 1e5), shuffled"
"""The same on a log whose rewards were dealt anew among its shelves: nothing is there to be found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatesSettings:
    """How many worlds, and shelves logged in each."""

    worlds: int = 30
    shelves: int = 20_000
    seed: int = 1


def bench_candidates(settings: CandidatesSettings, on_row: Callable[[str], None]) -> dict[str, Any]:
    """Kendall's tau with the truth over all candidates and over those shown; how often one is sure and wrong.

    Sure: an interval of 95%, the usual one or that for any time, leaves out zero. Wrong: the truth has the other sign,
    by more than four of its own standard errors. A world counts where any of its pairs is both.
    """
    runs: list[dict[str, dict[str, float]]] = []
    for number in range(settings.worlds):
        runs.append(_world(settings.seed + number, settings.shelves))
        on_row(f"world {number + 1} of {settings.worlds}: {_told(runs[-1])}")
    names = list(runs[0])
    summed = {name: {key: _mean([run[name][key] for run in runs]) for key in runs[0][name]} for name in names}
    asked = {"benchmark": "candidates", "worlds": settings.worlds, "shelves": settings.shelves}
    return {**asked, **summed}


def _mean(values: list[float]) -> float | None:
    some = [value for value in values if not np.isnan(value)]
    return float(np.mean(some)) if some else None


def _told(run: dict[str, dict[str, float]]) -> str:
    return ", ".join(f"{name} tau {row['tau']:.2f}, {row['shown']:.0f} shown" for name, row in run.items())


def _world(seed: int, count: int) -> dict[str, dict[str, float]]:
    world = CandidateWorld(seed)
    truths = [world.value(scores, TRUTH_SHELVES, seed + 1) for scores in world.candidates]
    shown, earned = world.log(world.logging, count, seed + 2)
    logged = world.log_probability(world.logging, shown)
    seen = {
        f"{number}": Exposures(
            weights=np.exp((world.log_probability(scores, shown) - logged).sum(axis=1)), rewards=earned
        )
        for number, scores in enumerate(world.candidates)
    }
    found = {name: _judged(make, seen, truths) for name, make in MAKE.items()}
    dealt = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0x5F,))).permutation(earned)
    anew = {name: Exposures(weights=one.weights, rewards=dealt) for name, one in seen.items()}
    found[SHUFFLED] = _judged(MAKE["ncis(cap 1e5)"], anew, truths)
    return found


def _judged(
    make: Callable[[], ExposureEstimator], seen: dict[str, Exposures], truths: list[tuple[float, float]]
) -> dict[str, float]:
    paired = Paired({name: make() for name in seen})
    paired.add(seen)
    estimates = list(paired.estimates(ALPHA).values())
    values = np.array([estimate.value for estimate in estimates])
    truth = np.array([value for value, _ in truths])
    shown = np.array([estimate.verdict.is_shown for estimate in estimates])
    pairs = combinations(range(len(seen)), 2)
    sure = [_Pair(paired.difference(f"{one}", f"{two}", ALPHA), truths[one], truths[two]) for one, two in pairs]
    return {
        "tau": float(kendalltau(values, truth).statistic),
        "tau_of_shown": float(kendalltau(values[shown], truth[shown]).statistic) if shown.sum() > 1 else float("nan"),
        "shown": float(shown.sum()),
        "truth_missed": _missed(estimates, truth, np.ones_like(shown)),
        "truth_missed_of_shown": _missed(estimates, truth, shown),
        "sure_pairs": float(np.mean([pair.is_sure for pair in sure])),
        "sure_and_wrong": float(any(pair.is_sure and pair.is_wrong for pair in sure)),
        "sure_pairs_shown": float(np.mean([pair.is_told for pair in sure])),
        "sure_and_wrong_shown": float(any(pair.is_told and pair.is_wrong for pair in sure)),
        "sure_and_wrong_shown_at_any_time": float(any(pair.difference.is_sure and pair.is_wrong for pair in sure)),
        "sure_pairs_shown_at_any_time": float(np.mean([pair.difference.is_sure for pair in sure])),
    }


def _missed(estimates: list[Estimate], truth: np.ndarray, some: np.ndarray) -> float:
    """Share of candidates whose interval leaves out the truth."""
    misses = [not one.low <= value <= one.high for one, value, it in zip(estimates, truth, some, strict=True) if it]
    return float(np.mean(misses)) if misses else float("nan")


@dataclass(frozen=True, slots=True)
class _Pair:
    difference: Difference
    one: tuple[float, float]
    two: tuple[float, float]

    @property
    def is_sure(self) -> bool:
        """By the usual interval, whether it may be shown or not."""
        return self.difference.low > 0.0 or self.difference.high < 0.0

    @property
    def is_told(self) -> bool:
        """By the usual interval, where it may be shown."""
        return self.is_sure and self.difference.verdict.is_shown

    @property
    def is_wrong(self) -> bool:
        """Whether the truth has the other sign."""
        apart, error = self.one[0] - self.two[0], float(np.hypot(self.one[1], self.two[1]))
        return abs(apart) > 4.0 * error and apart * self.difference.value < 0.0
