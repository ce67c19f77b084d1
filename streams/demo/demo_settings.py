"""Parameters of the demo, and the settings of its worker."""

from msgspec import Struct
from msgspec.structs import asdict

from processors.drift.settings import DriftSettings


class DemoSettings(Struct, frozen=True, kw_only=True):
    """`speed` is milliseconds of event time per millisecond of wall clock: a minute shows ten hours of a home page.

    Few listeners with much data each: with more listeners, ten hours are too short to separate their groups, and mixed
    groups cannot name a change. For the same reason groups are first fitted after a quarter of the time.
    """

    seconds: float = 60.0
    events_max: int | None = None
    seed: int = 202
    world: str = "W1"
    users: int = 150
    cards: int = 120
    visits_per_second: float = 200.0
    speed: int = 600
    shift_at: float = 0.5
    shift_log_factor: float = -2.5
    plays_kept: int = 64
    drift: DriftSettings = DriftSettings(  # with few listeners, shorter buckets are too noisy
        bucket_length_ms=1_200_000, settling_buckets=1, reference_buckets=2, false_alarms_per_million=4.0
    )

    @property
    def worker_environment(self) -> dict[str, str]:
        """Settings of the worker as environment variables: those of the demo, defaults otherwise."""
        return {
            "SHELFWISE_SEED": str(self.seed),
            "SHELFWISE_SETTLEMENT__IDLE_MS": "3000",
            "SHELFWISE_SETTLEMENT__PLAYS_MAX": str(self.plays_kept),
            "SHELFWISE_COCLUSTERS__RING": str(self.plays_kept),
            "SHELFWISE_COCLUSTERS__WARMUP_EVENTS": "6500",
            "SHELFWISE_COCLUSTERS__HALF_LIFE_MS": str(4 * 3_600_000),
            "SHELFWISE_COCLUSTERS__RETHINK_GROWTH": "20",  # a new generation would restart the drift monitors
            "SHELFWISE_COCLUSTERS__STUCK_TEST": "false",
            **{f"SHELFWISE_DRIFT__{name.upper()}": str(value) for name, value in asdict(self.drift).items()},
            "SHELFWISE_LEADERBOARD__SHARE": "0.2",  # with so few listeners, a twentieth is nobody
            "SHELFWISE_LOG_LEVEL": "info",
        }
