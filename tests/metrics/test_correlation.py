"""Rank correlations of metrics with KPIs: intervals hold the truth, and arms are kept apart from days."""

import numpy as np
from scipy.stats import spearmanr

from processors.metrics.correlation import correlations, spearman
from processors.metrics.metrics_core import Metrics
from processors.metrics.metrics_settings import MetricsSettings
from schemas.metric_windows import MetricWindow
from tests.metrics.told_signals import Told, signals

DAY = 86_400_000


def test_intervals_of_spearmans_rho_hold_the_truth() -> None:
    rng = np.random.default_rng(4)
    for planted in (0.0, 0.6):
        truth = 6 / np.pi * np.arcsin(planted / 2)
        drawn = [rng.multivariate_normal([0, 0], [[1, planted], [planted, 1]], size=30) for _ in range(400)]
        found = [spearman(one[:, 0], one[:, 1]) for one in drawn]
        assert all(
            one is not None and np.isclose(one.rho, spearmanr(its).statistic)
            for one, its in zip(found, drawn, strict=True)
        )
        assert np.mean([one is not None and one.low <= truth <= one.high for one in found]) > 0.93


def test_arms_may_agree_with_the_kpi_while_their_days_run_against_it() -> None:
    """Simpson's: groups that stream more come more often, and after days on which they stream more they come less."""
    rng = np.random.default_rng(5)
    metrics = Metrics(MetricsSettings(enabled=True, window_ms=DAY))
    for day in range(16):
        rows = []
        for arm in range(8):
            more = day % 2
            for n in range(60):
                if rng.random() < 0.3 + 0.08 * arm - 0.2 * (1 - more):
                    minutes = 1 + arm + 4 * more
                    told = Told(f"u{arm}-{n}", window_ms=day * DAY, variant=f"v{arm % 2}", group=arm, exposures=8)
                    rows.append(told._replace(played=1, streamed=1, played_ms=60_000 * minutes))
        metrics.take([signals(rows, settled_ms=(day + 1) * DAY)])
    windows = [one for one in metrics.publish().messages if isinstance(one, MetricWindow)]
    found = {(row.metric, row.kpi): row for row in correlations(windows)}
    row = found["minutes-per-page", "returning"]
    assert row.between is not None
    assert row.between.low > 0.5
    assert row.within is not None
    assert row.within.high < 0.0
    assert row.within.points > 80
    own = found["stream-rate", "returning"]
    assert own.is_optimised
    assert not row.is_optimised
    assert own.between is None, "it does not vary"
