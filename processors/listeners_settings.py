"""Settings of the listeners task."""

from msgspec import Struct

from processors.leaderboard.leaderboard_settings import LeaderboardSettings
from processors.metrics.metrics_settings import MetricsSettings
from processors.ranking.ranking_settings import RankingSettings
from processors.settlement.settings import SettlementSettings


class ListenersSettings(Struct, frozen=True, kw_only=True):
    """Settings of the listeners task; `sample_share` is the share of users that the co-clusters learn from.

    While the events being read are `lag` old, pages are made once per half the lag, and at least every
    `catching_up_ms`: pages that are outdated when made are useless, and skipping them speeds up catching up. Without a
    lag, pages are made in every transaction.

    `exposed_max` bounds the memory of who has been exposed to an experiment: listeners of one partition on one day.
    """

    settlement: SettlementSettings = SettlementSettings()
    ranking: RankingSettings = RankingSettings()
    rewards: tuple[str, ...] = ("static", "mean")
    bucket_length_ms: int = 600_000
    sample_share: float = 1.0
    catching_up_ms: int = 10_000
    leaderboard: LeaderboardSettings = LeaderboardSettings()
    metrics: MetricsSettings = MetricsSettings()
    exposed_max: int = 1_000_000
