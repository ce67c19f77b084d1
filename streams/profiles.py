"""Sets of defaults under one name: below file, environment and flags."""

from collections.abc import Mapping
from typing import Any, Literal

ProfileName = Literal["standard", "quick"]

QUICK: Mapping[str, Any] = {
    "publish_interval_ms": 500,
    "settlement": {"horizon_ms": 20_000, "attribution_ms": 120_000, "lateness_ms": 1_000, "idle_ms": 1_500},
    "coclusters": {"warmup_events": 60},
    "drift": {"bucket_length_ms": 60_000, "grace_ms": 10_000},
}
"""For looking on: a person sees learning within a minute. An outcome is what was streamed 20 s after it was shown, so
long streams are learned of by their corrections; groups are first fitted on little. Not for listeners of flesh and
blood: what is learned so soon is worth little.
"""

PROFILES: Mapping[str, Mapping[str, Any]] = {"standard": {}, "quick": QUICK}
