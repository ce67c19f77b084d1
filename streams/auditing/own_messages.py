"""The auditor's own definitions of the messages: the fields that it checks, with types only."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, ValidationError, convert, field, json

from streams.auditing.own_evidence import PagesWeighedRead, PolicyValueRead


class ShelfSeen(Struct, frozen=True, gc=False):
    """One shelf of an impression."""

    cards: list[str]
    seen: list[int]


class ImpressionRead(Struct, frozen=True):
    """A page that was shown."""

    event_id: str
    user_id: str
    event_ms: int
    shelves: list[ShelfSeen]

    def seen(self) -> dict[tuple[int, int], str]:
        """The card in every slot that was seen, by row and slot."""
        return {(row, slot): shelf.cards[slot] for row, shelf in enumerate(self.shelves) for slot in shelf.seen}


class StreamEndRead(Struct, frozen=True, gc=False):
    """A stream that ended."""

    event_id: str
    user_id: str
    card_id: str
    started_ms: int
    event_ms: int
    played_ms: int
    impression_id: str | None = None


class OutcomeRead(Struct, frozen=True, gc=False):
    """A settled exposure, or (with `stream_event_id`) a correction of one.

    Of what it was credited with, by the rewards it names, only marks are kept: of the soft group of its page, of what
    it has earned and of what it had before. Zero is nothing, none is not told.
    """

    impression_id: str
    row: int
    slot: int
    user_id: str
    card_id: str
    shown_ms: int
    played_ms: int
    stream_count: int
    settled_ms: int = 0
    previous_ms: int = 0
    stream_event_id: str | None = None
    rewards: str = ""
    page_mark: int = 0
    earned: int | None = None
    earned_before: int | None = None


class CorrectionRead(Struct, frozen=True, gc=False, tag="outcome-corrected.v1", tag_field="type"):
    """A correction of an exposure's outcome."""

    impression_id: str
    row: int
    slot: int
    user_id: str
    card_id: str
    shown_ms: int
    played_ms: int
    stream_count: int
    stream_event_id: str
    previous_ms: int = 0
    generation: int = 0
    user_weights: list[float] = field(default_factory=list)
    rewards: str = ""
    credits: list[float] = field(default_factory=list)
    previous_credits: list[float] = field(default_factory=list)

    def outcome(self) -> OutcomeRead:
        """The outcome that it makes of the one before."""
        return OutcomeRead(
            *(self.impression_id, self.row, self.slot, self.user_id, self.card_id),
            *(self.shown_ms, self.played_ms, self.stream_count),
            previous_ms=self.previous_ms,
            stream_event_id=self.stream_event_id,
            rewards=self.rewards,
            page_mark=hash((self.generation, *self.user_weights)),
            earned=_mark(self.credits) if self.rewards else None,
            earned_before=_mark(self.previous_credits) if self.rewards else None,
        )


class OutcomesRead(Struct, frozen=True, gc=False, tag="outcomes-settled.v1", tag_field="type"):
    """Settled exposures of one card, in columns; credits of those that were streamed."""

    card_id: str
    impression_id: list[str]
    row: list[int]
    slot: list[int]
    user_id: list[str]
    shown_ms: list[int]
    played_ms: list[int]
    stream_count: list[int]
    settled_ms: list[int]
    generation: int = 0
    user_weights: list[list[float]] = field(default_factory=list)
    rewards: str = ""
    credits: list[list[float]] = field(default_factory=list)

    def outcomes(self) -> Iterator[OutcomeRead]:
        """Each outcome by itself."""
        whose = zip(self.impression_id, self.row, self.slot, self.user_id, strict=True)
        what = zip(self.shown_ms, self.played_ms, self.stream_count, self.settled_ms, strict=True)
        marks = [hash((self.generation, *self.weights_of(number))) for number in range(len(self.row))]
        earned = [_mark(own) if self.rewards else None for own in self.credits_by_row()]
        for (impression_id, row, slot, user_id), (shown_ms, played_ms, count, settled_ms), mark, own in zip(
            whose, what, marks, earned, strict=True
        ):
            yield OutcomeRead(
                *(impression_id, row, slot, user_id, self.card_id, shown_ms, played_ms, count, settled_ms),
                rewards=self.rewards,
                page_mark=mark,
                earned=own,
            )

    def credits_by_row(self) -> Iterator[list[float]]:
        """Credits of each outcome: of one without a stream none."""
        streamed = sum(played_ms > 0 for played_ms in self.played_ms)
        left = iter(self.credits if len(self.credits) == streamed else [])
        return (next(left, []) if played_ms > 0 else [] for played_ms in self.played_ms)

    def weights_of(self, number: int) -> list[float]:
        """Soft group of the listener of an outcome; older outcomes have none."""
        return self.user_weights[number] if number < len(self.user_weights) else []


def outcomes_in(message: CorrectionRead | OutcomesRead) -> Iterator[OutcomeRead]:
    """Iterate over single outcomes of a record."""
    return iter((message.outcome(),)) if isinstance(message, CorrectionRead) else message.outcomes()


def _mark(earned: list[float]) -> int:
    """A number by which credits are told from others: zero for those that are nothing."""
    return hash(tuple(earned)) or 1 if any(earned) else 0


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


class RankingRead(Struct, frozen=True):
    """A ranking."""

    user_id: str
    ranking_number: int
    shelves: list[ShelfRead]
    sources: dict[str, int] = field(default_factory=dict)
    surface: str = "home"

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
    "stream-ends": json.Decoder(StreamEndRead),
    "outcomes": json.Decoder(CorrectionRead | OutcomesRead),
    "interactions": json.Decoder(InteractionsRead),
    "engagement": json.Decoder(EngagementRead),
    "card-statistics": json.Decoder(CardStatisticsRead),
    "co-clusters": json.Decoder(CoClustersRead),
    "shelf-rankings": json.Decoder(RankingRead),
    "catalogue": json.Decoder(CardRead),
    "policy-evidence": json.Decoder(PagesWeighedRead),
    "policy-values": json.Decoder(PolicyValueRead),
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
