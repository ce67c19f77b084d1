"""Monitoring: sums of engagement, metrics and drift alerts."""

from typing import Literal

from msgspec import Struct, field

from schemas.fields import Count, EventMs, Identifier, refuse_unless
from schemas.learning import Matrix

DriftDetector = Literal["adwin", "page-hinkley", "e-detector"]
DriftQuantity = Literal[
    "streaming-time",
    "stream-rate",
    "sure-propensity-share",
    "user-group-share",
    "card-group-share",
    "late-share",
    "dead-letter-share",
]
IncidentState = Literal["open", "grown", "closed"]
IncidentEnd = Literal["", "returned", "new-level", "regrouped"]
Severity = Literal["minor", "notable", "severe"]


class BlockEvidence(Struct, frozen=True, kw_only=True):
    """Evidence of streams on each co-cluster, by user group and card group; every stream counts in all blocks.

    The share of a stream in a block is the listener's weight times the card's. `streams` sums shares, `squares` their
    squares (streams**2 / squares is the effective number of streams), `log_total` shares times x = log1p(seconds),
    `residual_total` and `residual_squares` shares times the residual of x, and times its square.
    """

    streams: Matrix
    squares: Matrix
    log_total: Matrix
    residual_total: Matrix
    residual_squares: Matrix


class EngagementSums(Struct, frozen=True, kw_only=True, tag="engagement-sums.v1", tag_field="type"):
    """What one commit of one partition adds to one bucket of event time, in columns. Only sums are additive.

    Row i is about `variant[i]`, `user_group[i]`, `card_group[i]`. `exposures` and `streamed` count settled exposures
    and those with a stream of 30 s or more; `streams`, `played_s`, `log_total` and `log_squares` sum over ended
    streams, log being log1p(seconds). `discovered` counts settled exposures of cards that the listener had not
    streamed recently, `sure` those with propensity 1. `impressions` counts settled pages with a card that was seen.
    `evidence` covers the ended streams of known cards. `counters` count anomalies by name. `calibration` has
    sums by bin of the expected reward, each as number of the bin, exposures, expectations, rewards and their squares.
    """

    source: Identifier
    bucket_ms: EventMs
    watermark_ms: EventMs
    generation: Count
    variant: tuple[Identifier, ...]
    user_group: tuple[int, ...]
    card_group: tuple[int, ...]
    exposures: tuple[float, ...]
    streamed: tuple[float, ...]
    streams: tuple[float, ...]
    played_s: tuple[float, ...]
    log_total: tuple[float, ...]
    log_squares: tuple[float, ...]
    discovered: tuple[float, ...] = ()
    sure: tuple[float, ...] = ()
    impressions: Count = 0
    evidence: BlockEvidence | None = None
    counters: dict[str, int] = field(default_factory=dict)
    calibration: Matrix = ()

    def __post_init__(self) -> None:
        columns = (
            self.user_group,
            self.card_group,
            self.exposures,
            self.streamed,
            self.streams,
            self.played_s,
            self.log_total,
            self.log_squares,
        )
        refuse_unless(all(len(column) == len(self.variant) for column in columns), "columns differ in length")
        for column in (self.discovered, self.sure):
            refuse_unless(len(column) in {0, len(self.variant)}, "columns differ in length")


class CalibratedTenth(Struct, frozen=True, kw_only=True):
    """About a tenth of the newest exposures, by rising expectation: mean expected and realised reward.

    `standard_error` is that of the realised one.
    """

    exposures: float
    expected: float
    realised: float
    standard_error: float


class EngagementMetrics(Struct, frozen=True, kw_only=True, tag="engagement-metrics.v1", tag_field="type"):
    """Engagement of one variant in one closed bucket of event time. Keyed by variant.

    `all` is the total, with the counters; `organic` is play without an exposure; a client's variant of such a name is
    written `~all`. `discovery_share` is the share of exposures whose card the listener had not streamed recently.
    `calibration` (of `all`) tells whether the expectations of the reward by which the home page is ranked come true.
    The expectation is that of the statistics when the exposure settles, without the preference `own_weight`.
    """

    variant: Identifier
    bucket_ms: EventMs
    bucket_length_ms: Count
    exposures: float
    streamed: float
    streams: float
    played_s: float
    stream_rate: float
    discovery_share: float = 0.0
    counters: dict[str, int] = field(default_factory=dict)
    calibration: tuple[CalibratedTenth, ...] = ()


class DriftAlert(Struct, frozen=True, kw_only=True, tag="drift-alert.v1", tag_field="type"):
    """The streaming time of one co-cluster has changed: mean of x = log1p(seconds) was `before` and is `after`.

    `bucket_ms` is the bucket of event time at which the detector fired; `bucket_count` how many buckets it had seen.
    Keyed by `<user_group>.<card_group>`. `change_ms` is the bucket in which the change is likeliest to have begun (0 in
    alerts of earlier versions, which lack all that follows). `size` is `after` less `before`, between `size_low` and
    `size_high` in 95 of 100; its exponential is the factor of streamed time. `standard_errors` lie between both sides.
    Alerts of one change share `incident_id`, the `alert_id` of the first one, and a `DriftIncident`.
    """

    alert_id: Identifier
    generation: Count
    user_group: Count
    card_group: Count
    label: str
    detector: DriftDetector
    bucket_ms: EventMs
    bucket_count: Count
    before: float
    after: float
    standard_errors: float
    incident_id: str = ""
    change_ms: int = 0
    size: float = 0.0
    size_low: float = 0.0
    size_high: float = 0.0


class DriftIncident(Struct, frozen=True, kw_only=True, tag="drift-incident.v1", tag_field="type"):
    """A change that is in progress or over. Keyed by `incident_id`; its messages are numbered from one.

    It is `open` first, then may have `grown` (more subjects, another that explains more, higher severity), and is
    `closed` as `returned` (to the level before), `new-level` (which is the reference now), or `regrouped` (a new
    generation of groups). Number and id are functions of the input: a message that is read again is the same message.

    `subjects` changed by the same cause, the one that explains most first: co-clusters as `<user_group>.<card_group>`,
    variants, groups, or `all`. `before`, `after` and `size` are about the first: mean log1p(seconds) for
    `streaming-time`, shares from 0 to 1 for all other quantities. `impact` is its share of the `traffic` times the size
    without its sign; `severity` names it. `bucket_ms` is the bucket of event time that led to this message.
    """

    incident_id: Identifier
    number: Count
    state: IncidentState
    closed_as: IncidentEnd = ""
    quantity: DriftQuantity
    subjects: tuple[str, ...]
    label: str
    generation: Count
    severity: Severity
    impact: float
    traffic: float
    opened_ms: EventMs
    change_ms: EventMs
    bucket_ms: EventMs
    before: float
    after: float
    size: float
    size_low: float
    size_high: float
