"""Settings of the leaderboard."""

from msgspec import Struct

CANDIDATES_MAX = 20


class LeaderboardSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which candidates are valued, and on which share of the listeners.

    A candidate is written as `REWARD POLICY [EPSILON]`: `mean:users epsilon-greedy 0.05`. Whatever it does not name is
    that of the section `ranking`, which is the incumbent and needs no entry; `["none"]` leaves the incumbent alone,
    and an empty list means the defaults (`processors.leaderboard.candidate`). `share` is the share of the listeners
    whose pages are weighed: cost and certainty grow with it, and 0, the default, turns the leaderboard off. At most
    `pages_max` pages of a partition are remembered until their correction window is over; from half of it on, pages are
    thinned out at random (counted as `pages_unweighed`). Values are published every `publish_interval_ms`.

    >>> LeaderboardSettings(share=2.0)
    Traceback (most recent call last):
    ValueError: share is 2; it must be from 0 to 1
    """

    share: float = 0.0
    candidates: tuple[str, ...] = ()
    pages_max: int = 50_000
    publish_interval_ms: int = 2_000

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise ValueError(f"share is {self.share:g}; it must be from 0 to 1")
        if self.pages_max < 1 or self.publish_interval_ms < 100:
            raise ValueError("pages_max must be positive, and publish_interval_ms at least 100")
        if len(self.candidates) > CANDIDATES_MAX:
            raise ValueError(f"{len(self.candidates)} candidates; at most {CANDIDATES_MAX} can be valued")
