"""What settlement hands on: exposures that are due, corrections, and interactions, in event-time order."""

from msgspec import Struct

from processors.settlement.listener import OpenImpression, Play
from schemas.fields import Weights
from schemas.outcomes import OutcomeCorrected
from schemas.stream_ends import StreamEnd


class SettledImpression(Struct, frozen=True):
    """All exposures of one impression have reached their horizon; `plays` is what was known of the listener then."""

    user_id: str
    impression: OpenImpression
    settled_ms: int
    played_ms: tuple[int, ...]
    streams: tuple[int, ...]
    plays: tuple[Play, ...]


class CorrectedExposure(Struct, frozen=True):
    """A stream ended after its exposure had settled."""

    user_id: str
    impression: OpenImpression
    index: int
    stream: StreamEnd
    previous_ms: int
    played_ms: int
    stream_count: int
    plays: tuple[Play, ...]

    def outcome(self, weights: Weights, generation: int) -> OutcomeCorrected:
        """The correction that this is, with the listener's soft group."""
        return OutcomeCorrected(
            impression_id=self.impression.impression_id,
            row=self.impression.rows[self.index],
            slot=self.impression.slots[self.index],
            user_id=self.user_id,
            card_id=self.stream.card_id,
            stream_event_id=self.stream.event_id,
            shown_ms=self.impression.shown_ms,
            corrected_ms=self.stream.event_ms,
            previous_ms=self.previous_ms,
            played_ms=self.played_ms,
            stream_count=self.stream_count,
            variant=self.impression.variant,
            generation=generation,
            user_weights=weights,
        )


class EndedStream(Struct, frozen=True):
    """A stream has been attributed, or found to be organic: an interaction either way."""

    stream: StreamEnd
    variant: str | None
    plays: tuple[Play, ...]


Due = SettledImpression | CorrectedExposure | EndedStream
