"""What the demo plays, and the settings that its worker runs with."""

from msgspec import Struct
from msgspec.structs import asdict

from processors.drift.settings import DriftSettings


class DemoSettings(Struct, frozen=True, kw_only=True):
    """`speed` milliseconds of event time pass in one of wall clock: a minute shows ten hours of a home page.

    Few listeners of whom much is known: with more, ten hours are too short to tell their groups apart, and a change
    cannot be named by groups that are mixtures. So half of the first half passes before the groups are first fitted.
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
    drift: DriftSettings = DriftSettings(  # with so few listeners, shorter buckets tell little
        bucket_length_ms=1_200_000, settling_buckets=1, reference_buckets=2
    )

    @property
    def worker_environment(self) -> dict[str, str]:
        """Settings of the worker as environment variables: those of the demo, all else as it comes."""
        return {
            "SHELFWISE_SEED": str(self.seed),
            "SHELFWISE_SETTLEMENT__IDLE_MS": "3000",
            "SHELFWISE_SETTLEMENT__PLAYS_MAX": str(self.plays_kept),
            "SHELFWISE_COCLUSTERS__RING": str(self.plays_kept),
            "SHELFWISE_COCLUSTERS__WARMUP_EVENTS": "6500",
            "SHELFWISE_COCLUSTERS__HALF_LIFE_MS": str(4 * 3_600_000),
            "SHELFWISE_COCLUSTERS__RETHINK_GROWTH": "20",  # a new generation would start the drift monitors anew
            "SHELFWISE_COCLUSTERS__STUCK_TEST": "false",
            **{f"SHELFWISE_DRIFT__{name.upper()}": str(value) for name, value in asdict(self.drift).items()},
            "SHELFWISE_LOG_LEVEL": "info",
        }
