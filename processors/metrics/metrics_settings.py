"""Settings of the metrics task."""

from msgspec import Struct

from processors.metrics.metric_table import refuse_unless_metric

KPIS = ("returning", "minutes-per-listener")


class MetricsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is measured, and for how long; `enabled` makes the listeners task tell signals.

    Sums are kept by listener and window of `window_ms` for `history_ms`, which experiments cannot outlast; a day, of
    KPIs, has `day_ms`. At most `cells_max` sums are kept: beyond it the oldest windows leave early, counted. Metrics
    are published every `publish_interval_ms`. `success` names the metric that each surface optimises, else it is
    `success_default`. Clients' own variants are compared with `baseline`. An alarm, at level `alpha` over all looks,
    closes after `quiet_looks` looks without cause.

    >>> MetricsSettings(window_ms=7_000)
    Traceback (most recent call last):
    ValueError: day_ms must be a multiple of window_ms
    >>> MetricsSettings(success={"search": "fun"})
    Traceback (most recent call last):
    ValueError: no metric is named 'fun'; there are: stream-rate, minutes-per-page, skip-share, discovery-share, \
precision@1, precision@3, recall@1, recall@3, pages-per-listener, minutes-per-listener, returning, returning-in-a-day
    """

    enabled: bool = False
    window_ms: int = 3_600_000
    day_ms: int = 86_400_000
    history_ms: int = 28 * 86_400_000
    cells_max: int = 1_000_000
    publish_interval_ms: int = 5_000
    success: dict[str, str] = {}
    success_default: str = "stream-rate"
    baseline: str = "control"
    alpha: float = 0.05
    quiet_looks: int = 3

    def __post_init__(self) -> None:
        if self.window_ms < 1_000 or self.day_ms % self.window_ms:
            raise ValueError("day_ms must be a multiple of window_ms")
        if self.history_ms < 2 * self.day_ms:
            raise ValueError("history_ms must be at least two days (day_ms)")
        if self.cells_max < 1_000 or self.publish_interval_ms < 100 or self.quiet_looks < 1:
            raise ValueError("cells_max must be at least 1000, publish_interval_ms 100, and quiet_looks 1")
        if not 0.0 < self.alpha < 1.0:
            raise ValueError(f"alpha is {self.alpha:g}; it must be between 0 and 1")
        for name in (*self.success.values(), self.success_default):
            refuse_unless_metric(name)

    def success_of(self, surface: str) -> str:
        """The metric that a surface optimises."""
        return self.success.get(surface, self.success_default)
