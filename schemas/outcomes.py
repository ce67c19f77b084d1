"""Outcomes of exposures: settled once in event time, corrected if a stream outlasts the horizon."""

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from schemas.experiments import Assignments
from schemas.fields import (
    Count,
    EventMs,
    Identifier,
    LogPropensity,
    Probability,
    Propensity,
    Weights,
    refuse_unless,
    refuse_unless_identifiers,
)
from schemas.rules import NoneOrSameLength, NotAbove, Places, Rules, SameLength, SumsToOne, ZeroUnless, obey

ROW_RULES: Rules = (
    NotAbove("shown_ms", "settled_ms"),
    ZeroUnless("played_ms", "stream_count"),
    SumsToOne("user_weights"),
)
"""Rules of an outcome, single or in columns."""

COLUMNS = (
    "impression_id", "row", "slot", "shelf_id", "user_id", "shown_ms", "settled_ms", "played_ms", "stream_count",
    "propensity", "user_weights",
)  # fmt: skip
ORDER_COLUMNS = ("row_propensity", "order_log_propensity", "row_log_propensity")
"""Columns of what was logged about the order of a page; empty in outcomes of earlier versions."""


Credits = tuple[Probability, ...]
"""What an exposure has earned [R x G], reward by reward: for each user group a share of one success."""


class ExposureKey(Struct, frozen=True, order=True, gc=False):
    """Permanent name of an exposure: impression, row of the page, slot of the shelf."""

    impression_id: Identifier
    row: Count
    slot: Count


class LoggedPage(Struct, frozen=True, order=True, gc=False):
    """What was logged with a page: surface, the client's own arm, the versions that made it, and its experiments."""

    surface: Identifier = "home"
    variant: Identifier = "default"
    policy_version: Identifier = "unknown"
    reward_version: Identifier = "unknown"
    model_version: Identifier = "unknown"
    assignments: Assignments = ""


class OutcomeSettled(Struct, frozen=True, kw_only=True, gc=False):
    """The horizon of an exposure has passed: `played_ms` was streamed by then (0: no stream so far).

    Exactly one is written for each exposure, as a row of `OutcomesSettled`. `user_weights` [G] is the listener's soft
    group of `generation` when the page was shown, so that the streams of the page have no part in it; `propensity` is
    the logged probability of the card in its slot, `row_propensity` of the shelf in its row; `order_log_propensity` and
    `row_log_propensity` are those of `ShownShelf`, None where the impression had none. `credits` [R x G], reward by
    reward in the order of `rewards` (names with commas between), are what the stream earned in each user group, under
    the thresholds of the time of settling; empty without a stream, or where the outcome was written before credits
    were.

    >>> OutcomeSettled(impression_id="i1", row=0, slot=2, shelf_id="jazz", user_id="u1", card_id="c1", shown_ms=5,
    ...     settled_ms=9, played_ms=0, stream_count=0, propensity=0.5).exposure
    ExposureKey(impression_id='i1', row=0, slot=2)
    """

    rules: ClassVar[Rules] = ROW_RULES

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
    row_propensity: Propensity | None = None
    order_log_propensity: LogPropensity | None = None
    row_log_propensity: LogPropensity | None = None
    logged: LoggedPage = LoggedPage()
    generation: Count = 0
    user_weights: Weights = ()
    rewards: str = ""
    credits: Credits = ()

    def __post_init__(self) -> None:
        refuse_unless_identifiers(impression_id=self.impression_id, user_id=self.user_id, card_id=self.card_id)
        obey(self)
        refuse_unless(self.played_ms >= 0, "played_ms is negative")
        refuse_unless(0.0 < self.propensity <= 1.0, "the propensity is not in (0, 1]")

    @property
    def exposure(self) -> ExposureKey:
        """The settled exposure."""
        return ExposureKey(self.impression_id, self.row, self.slot)

    @property
    def variant(self) -> str:
        """Arm of the test in which it was shown."""
        return self.logged.variant


class OutcomesSettled(Struct, frozen=True, kw_only=True, gc=False, tag="outcomes-settled.v1", tag_field="type"):
    """Outcomes of one card, in columns: the i-th entries of all columns are one `OutcomeSettled`.

    One record carries what one transaction settled for a card, or a part of it, because single records cost more to
    write, fetch and decode. `logged[page[i]]` was logged with the page of the i-th outcome. `credits` has an entry for
    each outcome with a stream, in their order, or none at all.

    >>> one = OutcomeSettled(impression_id="i1", row=0, slot=2, shelf_id="jazz", user_id="u1", card_id="c1", shown_ms=5,
    ...     settled_ms=9, played_ms=0, stream_count=0, propensity=0.5)
    >>> list(OutcomesSettled.of([one, one]).outcomes()) == [one, one]
    True
    """

    rules: ClassVar[Rules] = (
        *(SameLength("impression_id", name) for name in (*COLUMNS[1:], "page")),
        *(NoneOrSameLength("impression_id", name) for name in ORDER_COLUMNS),
        Places("page", "logged"),
        *ROW_RULES,
    )

    card_id: Identifier
    impression_id: tuple[Identifier, ...]
    row: tuple[Count, ...]
    slot: tuple[Count, ...]
    shelf_id: tuple[Identifier, ...]
    user_id: tuple[Identifier, ...]
    shown_ms: tuple[EventMs, ...]
    settled_ms: tuple[EventMs, ...]
    played_ms: tuple[Count, ...]
    stream_count: tuple[Count, ...]
    propensity: tuple[Propensity, ...]
    page: tuple[Count, ...]
    logged: tuple[LoggedPage, ...]
    user_weights: tuple[Weights, ...]
    generation: Count = 0
    rewards: str = ""
    credits: tuple[Credits, ...] = ()
    row_propensity: tuple[Propensity | None, ...] = ()
    order_log_propensity: tuple[LogPropensity | None, ...] = ()
    row_log_propensity: tuple[LogPropensity | None, ...] = ()

    def __post_init__(self) -> None:
        refuse_unless_identifiers(card_id=self.card_id)
        obey(self)

    @classmethod
    def of(cls, outcomes: Sequence[OutcomeSettled]) -> "OutcomesSettled":
        """Put outcomes of one card and one generation into columns."""
        logged = sorted({outcome.logged for outcome in outcomes})
        columns: dict[str, Any] = {name: tuple(getattr(outcome, name) for outcome in outcomes) for name in EVERY_COLUMN}
        page = tuple(logged.index(outcome.logged) for outcome in outcomes)
        card_id, generation, rewards = outcomes[0].card_id, outcomes[0].generation, outcomes[0].rewards
        earned = tuple(outcome.credits for outcome in outcomes if outcome.played_ms) if rewards else ()
        shared: dict[str, Any] = {"card_id": card_id, "generation": generation, "rewards": rewards}
        return cls(page=page, logged=tuple(logged), credits=earned, **shared, **columns)

    def outcomes(self) -> Iterator[OutcomeSettled]:
        """Iterate over single outcomes."""
        shared: dict[str, Any] = {"card_id": self.card_id, "generation": self.generation, "rewards": self.rewards}
        earned = iter(self.credits)
        columns = (column or (None,) * len(self.page) for column in _columns_of(self))
        for page, *row in zip(self.page, *columns, strict=True):
            named = dict(zip(EVERY_COLUMN, row, strict=True))
            own = next(earned, ()) if named["played_ms"] else ()
            yield OutcomeSettled(logged=self.logged[page], credits=own, **shared, **named)


EVERY_COLUMN = (*COLUMNS, *ORDER_COLUMNS)
_columns_of = attrgetter(*EVERY_COLUMN)


class OutcomeCorrected(Struct, frozen=True, kw_only=True, gc=False, tag="outcome-corrected.v1", tag_field="type"):
    """A stream ended after its exposure had settled: the outcome changes from `previous_ms` to `played_ms`.

    It replaces the earlier outcome: a consumer subtracts `previous_ms` and adds `played_ms`, without a new exposure.
    `user_weights`, `generation`, `assignments` to experiments and the propensities are those of the outcome (None, or
    empty: written before they were).
    `previous_credits` [R x G] is what the exposure had earned until now, whatever the thresholds are today, and
    `credits` what it has earned with this stream; both are empty in corrections that were written before credits were.

    >>> OutcomeCorrected(impression_id="i1", row=0, slot=2, user_id="u1", card_id="c1", stream_event_id="s1",
    ...     shown_ms=0, corrected_ms=9, previous_ms=0, played_ms=0, stream_count=1).exposure.slot
    2
    """

    rules: ClassVar[Rules] = (NotAbove("previous_ms", "played_ms"), SumsToOne("user_weights"))

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
    stream_count: Annotated[int, Meta(ge=1)]
    variant: Identifier = "default"
    generation: Count = 0
    user_weights: Weights = ()
    rewards: str = ""
    credits: Credits = ()
    previous_credits: Credits = ()
    propensity: Propensity | None = None
    row_propensity: Propensity | None = None
    assignments: Assignments = ""

    def __post_init__(self) -> None:
        refuse_unless_identifiers(impression_id=self.impression_id, user_id=self.user_id, card_id=self.card_id)
        obey(self)
        refuse_unless(self.previous_ms >= 0, "previous_ms is negative")
        refuse_unless(self.stream_count > 0, "a correction needs a stream")

    @property
    def exposure(self) -> ExposureKey:
        """The corrected exposure."""
        return ExposureKey(self.impression_id, self.row, self.slot)


Outcome = OutcomesSettled | OutcomeCorrected


def one_by_one(outcomes: Iterable[Outcome]) -> Iterator[OutcomeSettled | OutcomeCorrected]:
    """Iterate over the single outcomes of these messages."""
    for outcome in outcomes:
        if isinstance(outcome, OutcomesSettled):
            yield from outcome.outcomes()
        else:
            yield outcome
