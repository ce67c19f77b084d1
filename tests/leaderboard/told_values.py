"""Valid policy values with all defaults."""

from typing import Any

from schemas.policy_values import PolicyValue


def told(**changes: Any) -> PolicyValue:
    """A value; by default one that is shown and near the incumbent's."""
    shown: dict[str, Any] = {"value": 0.2, "low_anytime": 0.1, "high_anytime": 0.3, "difference": 0.01}
    if changes.get("withheld"):
        shown = {}
    return PolicyValue(
        **{
            "candidate": "static/greedy", "policy": "greedy", "reward": "static", "yardstick": "stream-rate",
            "estimator": "snips", "incumbent": "mean/epsilon-greedy-0.1", "event_ms": 5, "evidence_count": 200,
            "count": 150, "exposures": 900, "ess": 120.0, "weight_max": 9.0, "weight_mean": 1.01,
            "weight_mean_error": 0.02, **shown, **changes,
        }
    )  # fmt: skip
