"""Settings of drift detection."""

from msgspec import Struct


class DriftSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of drift detection.

    Without a change, at most `false_alarms_per_million` are expected in a million events (impressions and stream-ends).
    The first `settling_buckets` of a generation are ignored, while its groups settle. A bucket counts if it is worth at
    least `streams_min` streams. A change may have begun in any of the newest `window_buckets`, if `reference_buckets`
    precede it. Changes of less than `tolerance` (in log seconds) are none. A bucket is clipped to `outlier` standard
    errors. Buckets close `grace_ms` after their end, because partitions progress at different speeds.

    Alerts of neighbours belong to one incident; it closes after `incident_buckets` without one, or earlier if the
    shift goes back. Its impact is the share of traffic times the size: below `notable_impact` it is minor, from
    `severe_impact` on severe. `watch_shares` adds all that is watched beside streaming time.
    """

    bucket_length_ms: int = 600_000
    grace_ms: int = 600_000
    settling_buckets: int = 6
    streams_min: int = 5
    reference_buckets: int = 6
    false_alarms_per_million: float = 1.0
    window_buckets: int = 144
    tolerance: float = 0.0
    outlier: float = 4.0
    incident_buckets: int = 12
    notable_impact: float = 0.02
    severe_impact: float = 0.1
    watch_shares: bool = True
