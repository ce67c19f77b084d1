"""The shelf ranking of a listener: cards in order inside each shelf, shelves in order, each explained."""

from typing import Literal

from msgspec import Struct, field

from schemas.fields import (
    Count,
    EventMs,
    Identifier,
    Propensity,
    Weights,
    refuse_unless,
    refuse_unless_identifiers,
)

ReasonKind = Literal["own_streams", "group", "card", "newcomer", "exploration"]


class Reason(Struct, frozen=True, array_like=True):
    """Why a card stands where it does, with the number behind it.

    `own_streams`: expected reward that the listener's own recent streams of the card add; `group`: what the listener's
    groups add to the card's overall mean; `card`: the card's overall mean above the average of all; `newcomer`: the
    share of the score that is prior, for a card hardly anyone has seen; `exploration`: the probability of the draw.
    """

    kind: ReasonKind
    value: float


class RankedShelf(Struct, frozen=True, kw_only=True):
    """One shelf of a ranking, in columns: slot i holds `cards[i]` with `scores[i]`, drawn with `propensities[i]`.

    `propensity` is that of the shelf in its row. A card's propensity on the page is the product of both.

    >>> RankedShelf(shelf_id="jazz", score=0.2, propensity=0.9, cards=("c1",), scores=(0.2,), propensities=(1.0,),
    ...     reasons=((Reason("group", 0.1),),)).cards
    ('c1',)
    """

    shelf_id: Identifier
    score: float
    propensity: Propensity
    cards: tuple[Identifier, ...]
    scores: tuple[float, ...]
    propensities: tuple[Propensity, ...]
    reasons: tuple[tuple[Reason, ...], ...]

    def __post_init__(self) -> None:
        slots = len(self.cards)
        columns = (self.scores, self.propensities, self.reasons)
        refuse_unless(all(len(column) == slots for column in columns), "the columns of a shelf differ in length")


class ShelfRanking(Struct, frozen=True, kw_only=True, tag="shelf-ranking.v1", tag_field="type"):
    """The page a listener should see next. Keyed by user; the newest `ranking_number` wins.

    `sources` gives, by topic, the offset up to which each input had been seen: with them and `draw_key` the ranking
    can be recomputed byte for byte. `discovery_share` is the share of cards that this listener has not streamed lately.

    >>> ShelfRanking(user_id="u1", ranking_number=1, event_ms=0, shelves=(), policy_version="uniform",
    ...     reward_version="static", model_version="0.0", draw_key=7).user_weights
    ()
    """

    user_id: Identifier
    ranking_number: Count
    event_ms: EventMs
    shelves: tuple[RankedShelf, ...]
    policy_version: Identifier
    reward_version: Identifier
    model_version: Identifier
    draw_key: Count
    surface: Identifier = "home"
    user_weights: Weights = ()
    discovery_share: float = 1.0
    sources: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        refuse_unless_identifiers(user_id=self.user_id)
        refuse_unless(self.event_ms >= 0, "event_ms is negative")
