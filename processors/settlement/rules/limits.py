"""Settings of settlement as a tuple, for compiled code."""

from typing import NamedTuple

from processors.compiled import by_reference


@by_reference
class Limits(NamedTuple):
    """Settings of settlement as a tuple, for compiled code."""

    horizon_ms: int
    attribution_ms: int
    correction_ms: int
    lateness_ms: int
    plays_max: int
    listeners_max: int
    exposures_max: int
    listener_bytes_max: int
    longest_only: bool
