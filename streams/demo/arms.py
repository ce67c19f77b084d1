"""Stream rates of the two arms from their settled exposures, with intervals that respect listeners."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import sqrt

from msgspec import Struct

from processors.engagement_sums import YARDSTICK_MS
from schemas.outcomes import OutcomeCorrected, OutcomeSettled

Z_95 = 1.959964


class ArmRate(Struct, frozen=True, kw_only=True):
    """Share of exposures that ended in a stream of 30 s, with a 95% interval."""

    variant: str
    exposures: int
    streamed: int
    listeners: int
    rate: float
    low: float
    high: float


def arm_rates(outcomes: Iterable[OutcomeSettled | OutcomeCorrected], *, from_ms: int = 0) -> dict[str, ArmRate]:
    """Rates of the exposures shown from `from_ms` on, by variant; corrections are taken into account.

    A listener's exposures are not independent: the variance is that of a ratio of sums over listeners (Cochran,
    Sampling Techniques, 1977, section 6.4).
    """
    played: dict[tuple[str, int, int], int] = {}
    listener: dict[tuple[str, int, int], tuple[str, str]] = {}
    for outcome in outcomes:
        if outcome.shown_ms < from_ms:
            continue
        key = (outcome.impression_id, outcome.row, outcome.slot)
        played[key] = max(played.get(key, 0), outcome.played_ms)
        if isinstance(outcome, OutcomeSettled):
            listener[key] = (outcome.variant, outcome.user_id)
    sums: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for key, (variant, user_id) in listener.items():
        cell = sums[variant][user_id]
        cell[0] += 1
        cell[1] += played[key] >= YARDSTICK_MS
    return {variant: _rate(variant, by_user) for variant, by_user in sorted(sums.items())}


def _rate(variant: str, by_user: Mapping[str, list[int]]) -> ArmRate:
    exposures = sum(cell[0] for cell in by_user.values())
    streamed = sum(cell[1] for cell in by_user.values())
    rate = streamed / exposures
    users = len(by_user)
    residual = sum((cell[1] - rate * cell[0]) ** 2 for cell in by_user.values())
    error = sqrt(residual * users / max(1, users - 1)) / exposures
    return ArmRate(
        variant=variant,
        exposures=exposures,
        streamed=streamed,
        listeners=users,
        rate=round(rate, 5),
        low=round(rate - Z_95 * error, 5),
        high=round(rate + Z_95 * error, 5),
    )
