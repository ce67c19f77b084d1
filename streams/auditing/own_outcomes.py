"""The auditor's own definitions of outcomes and corrections."""

from collections.abc import Iterator

from msgspec import Struct, field


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
    propensity: float | None = None  # of the card in its slot times that of its shelf in its row

    @property
    def step(self) -> tuple[int, int]:
        """Orders the outcome of an exposure and its corrections: neither number ever falls."""
        return self.stream_count, self.played_ms


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
    propensity: float | None = None
    row_propensity: float | None = None
    assignments: str | None = None  # none in what was written before they were

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
            propensity=self.on_page(),
        )

    def on_page(self) -> float | None:
        """Propensity of the card on the page; None if it is unknown."""
        return None if self.propensity is None else self.propensity * (self.row_propensity or 1.0)


class LoggedRead(Struct, frozen=True, gc=False):
    """What was logged with a page."""

    assignments: str = ""


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
    propensity: list[float] = field(default_factory=list)
    row_propensity: list[float | None] = field(default_factory=list)
    order_log_propensity: list[float | None] = field(default_factory=list)
    row_log_propensity: list[float | None] = field(default_factory=list)
    page: list[int] = field(default_factory=list)
    logged: list[LoggedRead] = field(default_factory=list)

    def outcomes(self) -> Iterator[OutcomeRead]:
        """Each outcome by itself."""
        whose = zip(self.impression_id, self.row, self.slot, self.user_id, strict=True)
        what = zip(self.shown_ms, self.played_ms, self.stream_count, self.settled_ms, strict=True)
        marks = [hash((self.generation, *self.weights_of(number))) for number in range(len(self.row))]
        earned = [_mark(own) if self.rewards else None for own in self.credits_by_row()]
        for number, (
            (impression_id, row, slot, user_id),
            (shown_ms, played_ms, count, settled_ms),
            mark,
            own,
        ) in enumerate(zip(whose, what, marks, earned, strict=True)):
            yield OutcomeRead(
                *(impression_id, row, slot, user_id, self.card_id, shown_ms, played_ms, count, settled_ms),
                rewards=self.rewards,
                page_mark=mark,
                earned=own,
                propensity=self.on_page(number),
            )

    def on_page(self, number: int) -> float | None:
        """Propensity of the card of an outcome on its page; None if it is unknown."""
        if number >= len(self.propensity):
            return None
        of_row = self.row_propensity[number] if number < len(self.row_propensity) else None
        return self.propensity[number] * (of_row or 1.0)

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
