"""Policy values: the rows of the leaderboard."""

from msgspec import Struct

from schemas.composite_keys import WORD_SEPARATOR, joined
from schemas.fields import Count, EventMs, Identifier

LOGGED = "logged"
"""Name of the candidate that shows what was shown: its value is the log's own mean."""


POOLED, SLOTS = "pooled-snips", "snips"
"""Estimators: self-normalised weights of a card in any seen slot of its shelf, and of a card in its own slot."""


class PolicyValue(Struct, frozen=True, kw_only=True, tag="policy-value.v2", tag_field="type"):
    """Value of one candidate by one yardstick on the live log, and how much more it is worth than the incumbent.

    Keyed by candidate and yardstick. A candidate is a reward and a policy; `mean/epsilon-greedy-0.1`, say. The value is
    an estimate from the logged propensities over `count` pages with `exposures` exposures, in the yardstick's unit for
    each exposure; `evidence_count` is the number of pages and corrections that it follows from, and `event_ms` when the
    newest page was shown. `ess` is the effective number of pages; the weights are those of pages, 1 on average if the
    log covers the candidate. `low` to `high` is an interval of 95% for one look, `low_anytime` to `high_anytime` for
    any number of looks; both are none where the log allows none.

    Where `withheld` has a reason, the log says that the value must not be used: value and intervals are none.
    `difference` is the value less that of `incumbent` on the same pages, with the same kinds of interval, of which
    the one at any time holds for all candidates together. `is_worth_testing`: the difference at any time is above zero,
    so an A/B test of the candidate is likely to pay. `pages_more` is how many more pages it takes until that interval
    excludes zero, if the difference stays as it is: 0 if it does; none if not even a billion pages suffice, or if there
    is no valid interval. `since_ms` is when the oldest counted page was shown.

    >>> value = PolicyValue(candidate="mean/greedy", policy="greedy", reward="mean", yardstick="stream-rate",
    ...     estimator="snips", incumbent="mean/uniform", event_ms=0, evidence_count=0, count=0, exposures=0, ess=0.0,
    ...     weight_max=0.0, weight_mean=0.0, weight_mean_error=0.0, withheld="the log is empty: add records")
    >>> value.key, value.value
    ('mean/greedy stream-rate', None)
    """

    candidate: Identifier
    policy: Identifier
    reward: Identifier
    yardstick: Identifier
    estimator: Identifier
    incumbent: Identifier
    event_ms: EventMs
    evidence_count: Count
    count: Count
    exposures: Count
    ess: float
    weight_max: float
    weight_mean: float
    weight_mean_error: float
    value: float | None = None
    standard_error: float | None = None
    low: float | None = None
    high: float | None = None
    low_anytime: float | None = None
    high_anytime: float | None = None
    withheld: str = ""
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    difference_low_anytime: float | None = None
    difference_high_anytime: float | None = None
    is_worth_testing: bool = False
    since_ms: EventMs = 0
    pages_more: Count | None = None

    @property
    def key(self) -> str:
        """Key of the record."""
        return joined((self.candidate, self.yardstick), WORD_SEPARATOR)
