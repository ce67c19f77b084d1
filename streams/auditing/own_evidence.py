"""The auditor's own definitions of the messages of the leaderboard."""

from msgspec import Struct


class PagesWeighedRead(Struct, frozen=True):
    """Settled pages as candidates weigh them, in columns; weights by candidate."""

    candidates: list[str]
    user_id: list[str]
    impression_id: list[str]
    is_first: list[bool]
    seen: list[int]
    row: list[int]
    slot: list[int]
    played_ms: list[int]
    previous_ms: list[int]
    weights: list[list[int]]
    pooled: list[list[int]] = []


class PolicyValueRead(Struct, frozen=True):
    """A row of the leaderboard."""

    candidate: str
    yardstick: str
    estimator: str
    incumbent: str
    evidence_count: int
    count: int
    exposures: int
    ess: float
    weight_max: float
    weight_mean: float
    value: float | None = None
    standard_error: float | None = None
    withheld: str = ""
    difference: float | None = None
    difference_low_anytime: float | None = None
    is_worth_testing: bool = False
