"""When a change of streaming time is called drift."""

from msgspec import Struct


class DriftSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a change is called a change.

    The first `settling_buckets` of a generation are not looked at: its groups still find themselves. A bucket counts
    where it is worth `streams_min` streams. A block is judged once `reference_buckets` say what is usual; then
    Page-Hinkley allows `tolerance` standard errors and fires at a sum of `threshold` beyond it. A bucket counts for
    `outlier` standard errors at most. Detectors remember between half of `memory_buckets` and all of them. Buckets
    close `grace_ms` after their end, for partitions are not equally fast. Alerts of neighbours belong to one incident
    until it was not heard of for `incident_buckets`.
    """

    bucket_length_ms: int = 600_000
    grace_ms: int = 600_000
    settling_buckets: int = 6
    streams_min: int = 5
    reference_buckets: int = 6
    tolerance: float = 1.0
    threshold: float = 6.0
    outlier: float = 4.0
    memory_buckets: int = 500
    incident_buckets: int = 12
