"""All that the auditor knows of the pipeline's settings."""

from msgspec import Struct


class AuditRules(Struct, frozen=True, kw_only=True):
    """Durations of the pipeline's settings, in event time.

    `closed` requires that every exposure has settled; otherwise those may be open whose horizon may not have passed.
    With `longest_only`, the time of an exposure is that of its longest stream. With `sample_share` below one,
    interactions of some users may be absent. `yardstick_s` is the fixed threshold of the reward `static`; outcomes are
    weighted by the inverse of their propensities, up to `weight_max` (0: not). The learner remembers `ring`
    interactions of each of `learner_nodes_max` users and cards, `learner_edges_max` in total; zero disables the check.
    Metrics are of windows of `metrics_window_ms` (0: off), kept for `metrics_history_ms`.
    """

    horizon_ms: int
    attribution_ms: int
    correction_ms: int
    lateness_ms: int
    sample_share: float = 1.0
    yardstick_s: float = 30.0
    ring: int = 0
    learner_nodes_max: int = 0
    learner_edges_max: int = 0
    weight_max: float = 0.0
    longest_only: bool = False
    metrics_window_ms: int = 0
    metrics_history_ms: int = 0
    closed: bool = False
    examples_max: int = 5

    def importance(self, propensity: float | None) -> float:
        """Weight of an outcome with this propensity; None if it is unknown.

        >>> rules = AuditRules(horizon_ms=1, attribution_ms=1, correction_ms=1, lateness_ms=0, weight_max=5.0)
        >>> rules.importance(0.25), rules.importance(0.01), rules.importance(None)
        (4.0, 5.0, 1.0)
        """
        return min(1.0 / propensity, self.weight_max) if self.weight_max and propensity else 1.0
