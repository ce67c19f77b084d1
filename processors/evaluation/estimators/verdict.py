"""Whether a counterfactual value may be shown; where not, why, and what to do about it."""

from dataclasses import dataclass
from math import isfinite

from processors.evaluation.estimators.weight_sums import WeightSums

ESS_MIN = 100.0
"""With so many, the mean weight errs by a tenth at most, and no record has more than a tenth of all weight."""
EARNED_MIN = 10.0
"""Below so many rewarded records, of equal weight, the usual interval reaches below nothing and misses more often."""
ERRORS_MAX = 2.0
"""A mean that is further from where it must be than so many of its standard errors is not there by chance."""
HARMLESS = 0.05
"""So much of the weight may be missing or too much, as long as it moves the value by less than half its half-width."""

ROUNDING = 1e-9
"""Weights that are one on average may miss it by so much in floating point."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Shown, or withheld for a reason.

    >>> Verdict("").is_shown, Verdict("the log is empty").is_shown
    (True, False)
    """

    reason: str

    @property
    def is_shown(self) -> bool:
        """Whether the value may be acted on."""
        return not self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Remainder:
    """The mean of what an estimator leaves out and takes for nothing, with its standard error."""

    what: str
    mean: float
    error: float
    instead: str  # what to do where it is not nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a value is judged by."""

    weights: WeightSums  # the log's
    used: WeightSums  # what the estimator made of them
    earned: WeightSums  # those times what was earned: on how many records the value rests
    remainder: Remainder | None = None


def judge(value: float, half_width: float, seen: Evidence) -> Verdict:
    """Judge a value by the log's weights, by those that the estimator made of them, and by what it leaves out.

    >>> import numpy as np
    >>> weights = WeightSums(); weights.add(np.full(5_000, 0.017))
    >>> judge(0.3, 0.01, Evidence(weights=weights, used=weights, earned=weights)).reason
    'mean weight 0.0170 ± 0.0000, not 1: the log hardly shows what the target would; log with more exploration'
    """
    return Verdict(
        _too_little(seen.used)
        or _off(value, half_width, seen.weights, "mean weight", NOT_COVERED)
        or _off(value, half_width, seen.used, "mean weight as used", CUT_AWAY)
        or _too_few_decide(seen.earned)
        or _left_out(half_width, seen.remainder)
        or _no_width(value, half_width)
    )


NOT_COVERED = "the log hardly shows what the target would; log with more exploration"
CUT_AWAY = "what was to be weighed is cut away; raise the cap, or use snips"


def _too_little(used: WeightSums) -> str:
    if not used.count:
        return "the log is empty: add records"
    if used.ess < ESS_MIN:
        return (
            f"effective sample {used.ess:.1f} of {used.count} is below {ESS_MIN:.0f}: log more, or a target nearer by"
        )
    return ""


def _off(value: float, half_width: float, weights: WeightSums, what: str, why: str) -> str:
    apart = abs(weights.mean - 1.0)
    is_chance = apart <= max(ERRORS_MAX * weights.mean_error, ROUNDING)
    is_harmless = apart <= HARMLESS and apart * abs(value) <= half_width / 2.0
    if is_chance or is_harmless:
        return ""
    return f"{what} {weights.mean:.4f} ± {weights.mean_error:.4f}, not 1: {why}"


def _no_width(value: float, half_width: float) -> str:
    if not isfinite(half_width):
        return "the value has no interval: log more"
    if half_width <= ROUNDING * abs(value):
        return "all records say the same, so nothing tells how far off they are: log more"
    return ""


def _too_few_decide(earned: WeightSums) -> str:
    if not earned.squares:
        return "nothing was earned under these weights: log more"
    if earned.ess >= EARNED_MIN:
        return ""
    return f"the value rests on {earned.ess:.1f} records that earned anything, below {EARNED_MIN:.0f}: log more"


def _left_out(half_width: float, remainder: Remainder | None) -> str:
    if remainder is None:
        return ""
    apart = abs(remainder.mean)
    if apart <= ERRORS_MAX * remainder.error or apart <= half_width / 2.0:
        return ""
    return f"{remainder.what} is {remainder.mean:+.4g} ± {remainder.error:.2g}, not 0: {remainder.instead}"
