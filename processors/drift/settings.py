"""Settings of drift detection."""

from msgspec import Struct


class DriftSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of drift detection.

    The first `settling_buckets` of a generation are ignored, while its groups settle. A bucket counts if it is worth at
    least `streams_min` streams. A block is judged once its reference has `reference_buckets`; then Page-Hinkley
    tolerates `tolerance` standard errors and fires when the sum beyond it reaches `threshold`. A bucket is clipped to
    `outlier` standard errors. The memory of detectors varies between half of `memory_buckets` and all of them. Buckets
    close `grace_ms` after their end, because partitions progress at different speeds. Alerts of neighbours belong to
    one incident until it has had none for `incident_buckets`.
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
