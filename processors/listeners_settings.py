"""What the listeners task may be told."""

from msgspec import Struct

from processors.ranking.ranking_settings import RankingSettings
from processors.settlement.settings import SettlementSettings


class ListenersSettings(Struct, frozen=True, kw_only=True):
    """Settings of the listeners task; `sample_share` is the share of users that the co-clusters learn from.

    While events are read that are `lag` old, pages are made once in half the lag, and at least every
    `catching_up_ms`: a page that is old when it is made serves nobody, and catching up goes faster without it. Who
    reads along gets its pages with every transaction.
    """

    settlement: SettlementSettings = SettlementSettings()
    ranking: RankingSettings = RankingSettings()
    rewards: tuple[str, ...] = ("static", "mean")
    bucket_length_ms: int = 600_000
    sample_share: float = 1.0
    catching_up_ms: int = 10_000
