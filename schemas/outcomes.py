"""What became of an exposure: settled once in event time, and corrected where a stream outlasts its horizon."""

from msgspec import Struct

from schemas.fields import (
    Count,
    DurationMs,
    EventMs,
    Identifier,
    Propensity,
    Weights,
    refuse_unless,
    refuse_unless_identifiers,
    refuse_unless_weights,
)


class ExposureKey(Struct, frozen=True, order=True, gc=False):
    """Names one exposure for ever: which impression, which row of the page, which slot of that shelf."""

    impression_id: Identifier
    row: Count
    slot: Count


class OutcomeSettled(Struct, frozen=True, kw_only=True, gc=False, tag="outcome-settled.v1", tag_field="type"):
    """An exposure's horizon has passed: `played_ms` was streamed by then (0: no stream, provisionally).

    Exactly one is written for every exposure. `user_weights` is the listener's soft group when the exposure settled,
    under `generation`; `propensity` that of the card in its slot, as it was logged.

    >>> OutcomeSettled(impression_id="i1", row=0, slot=2, shelf_id="jazz", user_id="u1", card_id="c1", shown_ms=5,
    ...     settled_ms=9, played_ms=0, stream_count=0, propensity=0.5).exposure
    ExposureKey(impression_id='i1', row=0, slot=2)
    """

    impression_id: Identifier
    row: Count
    slot: Count
    shelf_id: Identifier
    user_id: Identifier
    card_id: Identifier
    shown_ms: EventMs
    settled_ms: EventMs
    played_ms: Count
    stream_count: Count
    propensity: Propensity
    surface: Identifier = "home"
    variant: Identifier = "default"
    policy_version: Identifier = "unknown"
    reward_version: Identifier = "unknown"
    model_version: Identifier = "unknown"
    generation: Count = 0
    user_weights: Weights = ()

    def __post_init__(self) -> None:
        refuse_unless_identifiers(impression_id=self.impression_id, user_id=self.user_id, card_id=self.card_id)
        refuse_unless_weights(self.user_weights, "user_weights")
        if self.shown_ms > self.settled_ms:
            raise ValueError("an exposure settles before it is shown")
        if self.played_ms < 0:
            raise ValueError("played_ms is negative")
        if self.played_ms > 0 and self.stream_count <= 0:
            raise ValueError("played without a stream")
        if not 0.0 < self.propensity <= 1.0:
            raise ValueError("the propensity is not in (0, 1]")

    @property
    def exposure(self) -> ExposureKey:
        """The exposure that this settles."""
        return ExposureKey(self.impression_id, self.row, self.slot)


class OutcomeCorrected(Struct, frozen=True, kw_only=True, gc=False, tag="outcome-corrected.v1", tag_field="type"):
    """A stream ended after its exposure had settled: the outcome was `previous_ms` and is now `played_ms`.

    It replaces, it does not add an exposure: whoever counted `previous_ms` takes it back and counts `played_ms`.

    >>> OutcomeCorrected(impression_id="i1", row=0, slot=2, user_id="u1", card_id="c1", stream_event_id="s1",
    ...     shown_ms=0, corrected_ms=9, previous_ms=0, played_ms=0, stream_count=1).exposure.slot
    2
    """

    impression_id: Identifier
    row: Count
    slot: Count
    user_id: Identifier
    card_id: Identifier
    stream_event_id: Identifier
    shown_ms: EventMs
    corrected_ms: EventMs
    previous_ms: Count
    played_ms: Count
    stream_count: Count
    variant: Identifier = "default"
    generation: Count = 0
    user_weights: Weights = ()

    def __post_init__(self) -> None:
        refuse_unless_identifiers(impression_id=self.impression_id, user_id=self.user_id, card_id=self.card_id)
        refuse_unless(0 <= self.previous_ms <= self.played_ms, "a correction never shortens a stream")
        refuse_unless(self.stream_count > 0, "a correction has a stream")
        refuse_unless_weights(self.user_weights, "user_weights")

    @property
    def exposure(self) -> ExposureKey:
        """The exposure that this corrects."""
        return ExposureKey(self.impression_id, self.row, self.slot)


Outcome = OutcomeSettled | OutcomeCorrected


class Interaction(Struct, frozen=True, kw_only=True, gc=False, tag="interaction.v1", tag_field="type"):
    """A listener streamed a card for so long: what the co-clusters learn from, organic play included.

    >>> Interaction(event_id="s1", user_id="u1", card_id="c1", event_ms=0, played_ms=1000).organic
    False
    """

    event_id: Identifier
    user_id: Identifier
    card_id: Identifier
    event_ms: EventMs
    played_ms: DurationMs
    organic: bool = False

    def __post_init__(self) -> None:
        refuse_unless_identifiers(event_id=self.event_id, user_id=self.user_id, card_id=self.card_id)
        refuse_unless(self.played_ms >= 0, "played_ms is negative")
