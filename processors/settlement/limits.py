"""The settings of settlement, as compiled code takes them."""

from typing import NamedTuple


class Limits(NamedTuple):
    """The settings of settlement, as compiled code takes them."""

    horizon_ms: int
    attribution_ms: int
    correction_ms: int
    lateness_ms: int
    plays_max: int
    listeners_max: int
    exposures_max: int
    listener_bytes_max: int
