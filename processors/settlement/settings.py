"""Settings of settlement: waiting times and bounds."""

from msgspec import Struct

from schemas.topics import STATE_BYTES_MAX

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


class SettlementSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All times are event time, except `idle_ms`.

    An exposure settles `horizon_ms` after it was shown. A stream is attributed to the newest exposure of its card shown
    at most `attribution_ms` before it began. Streams that end after the horizon correct the outcome until
    `correction_ms` after the exposure; duplicates are recognised for the same time. Events may arrive out of order by
    up to `lateness_ms` without any effect on settlement. A source without events for `idle_ms` of wall clock no longer
    holds back the watermark. A listener whose state exceeds `listener_bytes_max` is assumed to be a robot and evicted,
    as the least recent listeners are when there are too many. The time of an exposure is that of all its streams
    together or, with `longest_only`, that of the longest.

    >>> SettlementSettings().horizon_ms
    1800000
    >>> SettlementSettings(correction_ms=1)
    Traceback (most recent call last):
    ValueError: correction_ms must be at least horizon_ms
    """

    horizon_ms: int = 30 * MINUTE_MS
    attribution_ms: int = 30 * MINUTE_MS
    correction_ms: int = 12 * HOUR_MS
    lateness_ms: int = MINUTE_MS
    idle_ms: int = 10_000
    plays_max: int = 32
    listeners_max: int = 500_000
    exposures_max: int = 5_000_000
    listener_bytes_max: int = 4 * 1_048_576
    longest_only: bool = False

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if name != "longest_only" and getattr(self, name) < (0 if name in {"lateness_ms", "idle_ms"} else 1):
                raise ValueError(f"{name} must be positive")
        if self.correction_ms < self.horizon_ms:
            raise ValueError("correction_ms must be at least horizon_ms")
        if self.listener_bytes_max > STATE_BYTES_MAX // 2:
            raise ValueError(f"listener_bytes_max must be at most {STATE_BYTES_MAX // 2}: a row is one Kafka record")
