"""Named sets of defaults, overridden by file, environment and flags."""

from collections.abc import Mapping
from typing import Any, Literal

ProfileName = Literal["standard", "quick"]

QUICK: Mapping[str, Any] = {
    "publish_interval_ms": 500,
    "settlement": {"horizon_ms": 20_000, "attribution_ms": 120_000, "lateness_ms": 1_000, "idle_ms": 1_500},
    "coclusters": {"warmup_events": 60},
    "drift": {"bucket_length_ms": 60_000, "grace_ms": 10_000},
}
"""For demonstrations: learning is visible within a minute. Exposures settle after 20 s, so that long streams count
through corrections, and groups are fitted on little data. Not for real listeners: what is learned this early is of
little value.
"""

PROFILES: Mapping[str, Mapping[str, Any]] = {"standard": {}, "quick": QUICK}
