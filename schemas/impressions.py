"""Impressions: a page or viewport that was shown, its shelves, and the slots that were seen."""

from typing import ClassVar

from msgspec import Struct, field

from schemas.experiments import Assignments
from schemas.fields import (
    Count,
    EventMs,
    Identifier,
    LogPropensity,
    Propensity,
    refuse_unless,
    refuse_unless_identifiers,
)
from schemas.rules import AscendingPlaces, Distinct, NoneOrSameLength, Rules, SameLength, obey


class ShownShelf(Struct, frozen=True, kw_only=True, gc=False):
    """One shelf as it was shown, in columns: slot i held `cards[i]`, drawn with `propensities[i]`.

    `seen` lists the slots that came into view, in ascending order. Only these become exposures, because a card that was
    not seen carries no label. `propensity` is the probability of this shelf in this row of the page.

    One draw decides a whole shelf, so the propensities of its slots do not multiply. `order_log_propensities[i]` is the
    logarithm of the probability that the slots from the first to slot i hold these cards in this order;
    `row_log_propensity`, that the rows from the first to this one hold these shelves. Both are those of the ranking;
    empty and None if they are unknown.

    >>> ShownShelf(shelf_id="jazz", cards=("c1", "c2"), propensities=(0.9, 0.1), seen=(0,)).seen
    (0,)
    >>> ShownShelf(shelf_id="jazz", cards=("c1",), propensities=(1.0,), seen=(3,))
    Traceback (most recent call last):
    ValueError: seen names place 3 of 1 cards
    """

    rules: ClassVar[Rules] = (
        SameLength("cards", "propensities"),
        NoneOrSameLength("cards", "order_log_propensities"),
        Distinct("cards"),
        AscendingPlaces("seen", "cards"),
    )

    shelf_id: Identifier
    cards: tuple[Identifier, ...]
    propensities: tuple[Propensity, ...]
    seen: tuple[Count, ...]
    propensity: Propensity = 1.0
    order_log_propensities: tuple[LogPropensity, ...] = ()
    row_log_propensity: LogPropensity | None = None

    def __post_init__(self) -> None:
        obey(self)
        slots, propensities = len(self.cards), self.propensities
        # if one is NaN, so is the sum
        if slots and not (min(propensities) > 0.0 and max(propensities) <= 1.0 and sum(propensities) <= slots):
            raise ValueError("a propensity is not in (0, 1]")
        if not max(self.order_log_propensities, default=0.0) <= 0.0 or not (self.row_log_propensity or 0.0) <= 0.0:
            raise ValueError("the logarithm of a propensity is above zero")


class Impression(Struct, frozen=True, kw_only=True, gc=False, tag="impression.v1", tag_field="type"):
    """One page or viewport was shown to a listener at `event_ms`.

    `ranking_number` is the shelf ranking that the page was made from (None: another source). The three versions are
    those of the policy, reward and model, for counterfactual evaluation. `assignments` are those of the ranking, or
    what else the page was shown with: `experiment/variant`, sorted, with spaces between; if empty, the worker assigns.
    `variant` is the client's own arm, which nobody assigns.

    >>> shelf = ShownShelf(shelf_id="jazz", cards=("c1",), propensities=(1.0,), seen=(0,))
    >>> Impression(event_id="i1", user_id="u1", event_ms=0, shelves=(shelf,)).exposure_count
    1
    """

    event_id: Identifier
    user_id: Identifier
    event_ms: EventMs
    shelves: tuple[ShownShelf, ...]
    surface: Identifier = "home"
    variant: Identifier = "default"
    policy_version: Identifier = "unknown"
    reward_version: Identifier = "unknown"
    model_version: Identifier = "unknown"
    assignments: Assignments = ""
    ranking_number: Count | None = None
    context: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        refuse_unless_identifiers(event_id=self.event_id, user_id=self.user_id)
        refuse_unless(self.event_ms >= 0, "event_ms is negative")

    @property
    def exposure_count(self) -> int:
        """Number of cards that were seen."""
        return sum(len(shelf.seen) for shelf in self.shelves)
