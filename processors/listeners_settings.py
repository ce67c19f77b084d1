"""Settings of the listeners task."""

from msgspec import Struct

from processors.ranking.ranking_settings import RankingSettings
from processors.settlement.settings import SettlementSettings


class ListenersSettings(Struct, frozen=True, kw_only=True):
    """Settings of the listeners task; `sample_share` is the share of users that the co-clusters learn from.

    While events that are `lag` old are read, pages are made once per half the lag, and at least every
    `catching_up_ms`: a page that is old when it is made is of no use, and catching up is faster without it. Without a
    lag, pages are made in every transaction.
    """

    settlement: SettlementSettings = SettlementSettings()
    ranking: RankingSettings = RankingSettings()
    rewards: tuple[str, ...] = ("static", "mean")
    bucket_length_ms: int = 600_000
    sample_share: float = 1.0
    catching_up_ms: int = 10_000
