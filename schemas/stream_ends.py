"""Stream-ends: what was played, and for how long; and what is still playing."""

from typing import ClassVar

from msgspec import Struct, field

from schemas.fields import DurationMs, EventMs, Identifier, refuse_unless, refuse_unless_identifiers
from schemas.rules import NotAbove, Rules, obey


class StreamEnd(Struct, frozen=True, kw_only=True, gc=False, tag="stream-end.v1", tag_field="type"):
    """A listener stopped streaming a card at `event_ms`, having heard `played_ms` of it.

    `impression_id` is the impression that led to it, if the client knows it; otherwise the join finds it. `started_ms`
    is the start of the stream; because of pauses `played_ms` may be less than the span, but hardly more.

    >>> StreamEnd(event_id="s1", user_id="u1", card_id="c1", started_ms=0, event_ms=30_000, played_ms=30_000).surface
    'home'
    >>> StreamEnd(event_id="s1", user_id="u1", card_id="c1", started_ms=9, event_ms=8, played_ms=0)
    Traceback (most recent call last):
    ValueError: started_ms is above event_ms
    """

    rules: ClassVar[Rules] = (NotAbove("started_ms", "event_ms"),)

    event_id: Identifier
    user_id: Identifier
    card_id: Identifier
    started_ms: EventMs
    event_ms: EventMs
    played_ms: DurationMs
    impression_id: Identifier | None = None
    surface: Identifier = "home"
    context: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        refuse_unless_identifiers(event_id=self.event_id, user_id=self.user_id, card_id=self.card_id)
        refuse_unless(self.started_ms >= 0, "started_ms is negative")
        obey(self)
        refuse_unless(self.played_ms >= 0, "played_ms is negative")


class StreamPlaying(Struct, frozen=True, kw_only=True, gc=False, tag="stream-playing.v1", tag_field="type"):
    """A listener is still streaming a card at `event_ms`, having heard `played_ms` of it so far.

    Optional: clients may send it every few minutes, so that content that runs for hours is not taken for a failure
    until it ends. `stream_id` is the `event_id` of the stream-end to come, which replaces what was heard so far; the
    other fields are those of the stream-end. It is no interaction, and if the stream-end never comes, what was heard so
    far remains.

    >>> StreamPlaying(event_id="p1", stream_id="s1", user_id="u1", card_id="c1", started_ms=0, event_ms=600_000,
    ...     played_ms=600_000).stream_id
    's1'
    """

    rules: ClassVar[Rules] = (NotAbove("started_ms", "event_ms"),)

    event_id: Identifier
    stream_id: Identifier
    user_id: Identifier
    card_id: Identifier
    started_ms: EventMs
    event_ms: EventMs
    played_ms: DurationMs
    impression_id: Identifier | None = None
    surface: Identifier = "home"
    context: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        refuse_unless_identifiers(
            event_id=self.event_id, stream_id=self.stream_id, user_id=self.user_id, card_id=self.card_id
        )
        refuse_unless(self.started_ms >= 0, "started_ms is negative")
        obey(self)
        refuse_unless(self.played_ms >= 0, "played_ms is negative")


StreamEvent = StreamEnd | StreamPlaying
