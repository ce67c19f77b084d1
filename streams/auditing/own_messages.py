"""The auditor's own definitions of the messages: the fields that it checks, with types only."""

from typing import Any

from msgspec import Struct, ValidationError, convert, field, json

from streams.auditing.own_evidence import PagesWeighedRead, PolicyValueRead
from streams.auditing.own_experiments import ExperimentRead, ExposureRead
from streams.auditing.own_metrics import DecisionRead, MetricWindowRead, SignalledRead
from streams.auditing.own_outcomes import CorrectionRead, OutcomesRead


class ShelfSeen(Struct, frozen=True, gc=False):
    """One shelf of an impression."""

    cards: list[str]
    seen: list[int]
    propensities: list[float]
    shelf_id: str
    propensity: float = 1.0
    order_log_propensities: list[float] = field(default_factory=list)
    row_log_propensity: float | None = None


class ImpressionRead(Struct, frozen=True):
    """A page that was shown."""

    event_id: str
    user_id: str
    event_ms: int
    shelves: list[ShelfSeen]
    surface: str = "home"
    variant: str = "default"
    ranking_number: int | None = None
    assignments: str = ""

    def seen(self) -> dict[tuple[int, int], str]:
        """The card in every slot that was seen, by row and slot."""
        return {(row, slot): shelf.cards[slot] for row, shelf in enumerate(self.shelves) for slot in shelf.seen}


class StreamEndRead(Struct, frozen=True, gc=False, tag="stream-end.v1", tag_field="type"):
    """A stream that ended."""

    event_id: str
    user_id: str
    card_id: str
    started_ms: int
    event_ms: int
    played_ms: int
    impression_id: str | None = None

    @property
    def stream_id(self) -> str:
        """The name of the stream."""
        return self.event_id


class PlayingRead(Struct, frozen=True, gc=False, tag="stream-playing.v1", tag_field="type"):
    """A stream that has not ended yet."""

    event_id: str
    stream_id: str
    user_id: str
    card_id: str
    started_ms: int
    event_ms: int
    played_ms: int
    impression_id: str | None = None


Heard = StreamEndRead | PlayingRead


class InteractionsRead(Struct, frozen=True, gc=False):
    """Streams for the learner, in columns."""

    event_id: list[str]
    user_id: list[str]
    card_id: list[str]
    played_ms: list[int]


class ForgottenRead(Struct, frozen=True, gc=False):
    """A listener to forget."""

    user_id: str


class PositionRead(Struct, frozen=True, gc=False):
    """One transaction of a task: its number, and by input topic where it began and the next offset after it."""

    transaction: int
    inputs: dict[str, tuple[int, int]]


class EngagementRead(Struct, frozen=True):
    """Sums by block, in columns."""

    exposures: list[float]
    streams: list[float]
    played_s: list[float]
    counters: dict[str, int] = field(default_factory=dict)


class RewardRead(Struct, frozen=True):
    """Sums of one reward by user group."""

    total: list[float]


class CardStatisticsRead(Struct, frozen=True):
    """Statistics of one card by user group."""

    card_id: str
    exposures: list[float]
    rewards: dict[str, RewardRead]
    generation: int = 0
    half_life_ms: int = 0
    epoch: int = 0
    weight_squares: list[float] = field(default_factory=list)

    def weight(self, shown_ms: int) -> float:
        """Weight of an outcome shown at this time: one, unless statistics decay."""
        return 2.0 ** (shown_ms / self.half_life_ms - self.epoch) if self.half_life_ms else 1.0


class CoClustersRead(Struct, frozen=True):
    """Block statistics."""

    count: list[list[float]]
    unplaced_count: int = 0
    withdrawn_count: int = 0


class ShelfRead(Struct, frozen=True):
    """One shelf of a ranking."""

    shelf_id: str
    propensity: float
    cards: list[str]
    propensities: list[float]
    scores: list[float]
    order_log_propensities: list[float] = field(default_factory=list)
    row_log_propensity: float | None = None


class RankingRead(Struct, frozen=True):
    """A ranking."""

    user_id: str
    ranking_number: int
    shelves: list[ShelfRead]
    sources: dict[str, int] = field(default_factory=dict)
    surface: str = "home"
    event_ms: int = 0
    assignments: str = ""

    @property
    def key(self) -> str:
        """The expected key: each surface has its own rankings."""
        user_id, surface = (name.replace("%", "%25").replace("@", "%40") for name in (self.user_id, self.surface))
        return user_id if self.surface == "home" else f"{user_id}@{surface}"


class CardRead(Struct, frozen=True):
    """A card of the catalogue."""

    card_id: str
    shelves: list[str]


DECODERS: dict[str, Any] = {
    "impressions": json.Decoder(ImpressionRead),
    "stream-ends": json.Decoder(Heard),
    "outcomes": json.Decoder(CorrectionRead | OutcomesRead),
    "interactions": json.Decoder(InteractionsRead),
    "engagement": json.Decoder(EngagementRead),
    "card-statistics": json.Decoder(CardStatisticsRead),
    "co-clusters": json.Decoder(CoClustersRead),
    "shelf-rankings": json.Decoder(RankingRead),
    "catalogue": json.Decoder(CardRead),
    "experiments": json.Decoder(ExperimentRead),
    "experiment-exposures": json.Decoder(ExposureRead),
    "policy-evidence": json.Decoder(PagesWeighedRead),
    "policy-values": json.Decoder(PolicyValueRead),
    "metric-signals": json.Decoder(SignalledRead),
    "metric-windows": json.Decoder(MetricWindowRead),
    "experiment-decisions": json.Decoder(DecisionRead),
}


def decoded(topic: str, value: bytes) -> Any:
    """Decode an input record, whose integers may be written as whole floats; raises msgspec's errors."""
    try:
        return DECODERS[topic].decode(value)
    except ValidationError:
        return convert(_whole(json.decode(value)), DECODERS[topic].type)


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return {key: _whole(one) for key, one in value.items()} if isinstance(value, dict) else value
