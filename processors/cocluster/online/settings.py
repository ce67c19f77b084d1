"""Settings of the learner: sizes, bounds and schedules."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerSettings:
    """Settings of the online learner. Schedules count events and never read a clock.

    >>> LearnerSettings(user_groups=4).card_groups
    6
    """

    user_groups: int = 6
    card_groups: int = 6
    warmup_events: int = 1_500
    ring: int = 32  # interactions kept per user
    max_users: int = 100_000
    max_cards: int = 100_000
    max_edges: int = 1_500_000
    refresh_events: int = 500  # between updates of the block parameters
    sweep_share: float = 0.5  # a full sweep whenever this share of the edges is new since the last one
    rethink_growth: float = 2.0  # global moves when events have grown by this (to the n + 1, after n without result)
    rethink_events_max: int = 2_000_000  # ...and at the latest after this many
    rethink_sample_edges: int = 80_000  # global moves work on the densest core of this size
    stuck_test: bool = True  # at every sweep: rethink at once if a split/merge promises a better structure
    stuck_sample_edges: int = 30_000
    stuck_rest_share: float = 0.1  # of all events: the minimum interval from rethinking to the next stuck test
    restarts: int = 6
    fresh_edges: int = 20_000  # up to this many edges, rethinking also fits from scratch; beyond, only when stuck
    polish_passes: int = 75
    swap_gain: float = 0.0005  # log-likelihood per interaction by which a challenger must win
    same_groups_share: float = 0.8  # share of nodes with an unchanged group below which there is a new generation
    half_life_ms: int = 0  # exponential forgetting in the block statistics; 0: off
    drift_half_life_ms: int | None = None  # instead, while a severe incident of drift is in progress
    rethink_on_drift: bool = False  # rethink as soon as a severe incident of drift is open

    def __post_init__(self) -> None:
        """Validate."""
        if min(self.user_groups, self.card_groups, self.ring, self.warmup_events, self.refresh_events) < 1:
            raise ValueError("groups, ring, warmup_events and refresh_events must be at least 1")
        if min(self.max_users, self.max_cards) < 16 or self.max_edges < self.ring:
            raise ValueError("max_users and max_cards must be at least 16, max_edges at least one ring")
        if self.rethink_growth <= 1.0 or self.sweep_share <= 0.0 or self.half_life_ms < 0:
            raise ValueError("rethink_growth must exceed 1, sweep_share 0; half_life_ms must not be negative")
        if self.drift_half_life_ms is not None and self.drift_half_life_ms < 1:
            raise ValueError("drift_half_life_ms must be positive, or none")
