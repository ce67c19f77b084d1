"""Shelf rankings: shelves in order, cards in order inside each shelf, with explanations."""

from typing import ClassVar, Literal

from msgspec import Struct, field

from schemas.composite_keys import SURFACE_SEPARATOR, joined, parted
from schemas.experiments import Assignments
from schemas.fields import (
    Count,
    EventMs,
    Identifier,
    LogPropensity,
    Propensity,
    Weights,
    refuse_unless,
    refuse_unless_identifiers,
)
from schemas.rules import NoneOrSameLength, Rules, SameLength, obey

HOME = "home"
ReasonKind = Literal["own_streams", "group", "card", "fresh", "newcomer", "exploration"]


class RankedShelf(Struct, frozen=True, kw_only=True, gc=False):
    """One shelf of a ranking, in columns: slot i holds `cards[i]` with `scores[i]`, drawn with `propensities[i]`.

    `propensity` is the probability of the shelf in its row; a card's propensity on the page is the product of both.
    `order_log_propensities[i]` is the logarithm of the probability that the slots from the first to slot i hold these
    cards in this order, `row_log_propensity` that the rows from the first to this one hold these shelves: a single draw
    decides a whole shelf, and another all rows, so propensities of slots do not multiply. Impressions return them.
    `reasons[i]` and `second_reasons[i]` are the two strongest reasons for the card, with their numbers in the columns
    beside: `own_streams`, the contribution of the listener's recent streams of the card to its score;
    `group`, that of the listener's groups; `card`, the card's mean above that of all cards; `fresh`, that of a recent
    release; `newcomer`, the share of the score that is prior because few have seen the card; `exploration`, the
    probability that this shelf is not shown in its best order, as is the case here.

    >>> RankedShelf(shelf_id="jazz", score=0.2, propensity=0.9, cards=("c1",), scores=(0.2,), propensities=(1.0,),
    ...     reasons=("group",), reason_values=(0.1,), second_reasons=("card",), second_values=(0.0,)).cards
    ('c1',)
    """

    rules: ClassVar[Rules] = (
        *(
            SameLength("cards", name)
            for name in ("scores", "propensities", "reasons", "reason_values", "second_reasons", "second_values")
        ),
        NoneOrSameLength("cards", "order_log_propensities"),
    )

    shelf_id: Identifier
    score: float
    propensity: Propensity
    cards: tuple[Identifier, ...]
    scores: tuple[float, ...]
    propensities: tuple[Propensity, ...]
    reasons: tuple[ReasonKind, ...]
    reason_values: tuple[float, ...]
    second_reasons: tuple[ReasonKind, ...]
    second_values: tuple[float, ...]
    order_log_propensities: tuple[LogPropensity, ...] = ()
    row_log_propensity: LogPropensity | None = None

    def __post_init__(self) -> None:
        obey(self)


def ranking_key(user_id: str, surface: str) -> str:
    """Key of a listener's ranking for a surface; for the home page, the listener's id alone.

    >>> ranking_key("u1", "home"), ranking_key("u1", "search"), ranking_key("u1@search", "home")
    ('u1', 'u1@search', 'u1%40search')
    """
    return joined((user_id,) if surface == HOME else (user_id, surface), SURFACE_SEPARATOR)


def user_of_key(key: str, surface: str) -> str | None:
    """The listener whose ranking for a surface has this key; None if it belongs to another surface.

    >>> user_of_key("u1@search", "search"), user_of_key("u1@search", "home"), user_of_key("u1%40search", "home")
    ('u1', None, 'u1@search')
    """
    user_id = parted(key, SURFACE_SEPARATOR)[0]
    return user_id if ranking_key(user_id, surface) == key else None


class ShelfRanking(Struct, frozen=True, kw_only=True, gc=False, tag="shelf-ranking.v1", tag_field="type"):
    """The next page for a listener. Keyed by user, and by surface except for home; the highest `ranking_number` wins.

    `sources` gives for each input topic the offset up to which it had been read; with it and `draw_key` the ranking
    can be recomputed byte for byte. `discovery_share` is the share of cards that the listener has not streamed
    recently. `assignments` are the variants that it was made with; impressions return them.

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
    surface: Identifier = HOME
    user_weights: Weights = ()
    discovery_share: float = 1.0
    sources: dict[str, int] = field(default_factory=dict)
    assignments: Assignments = ""

    def __post_init__(self) -> None:
        refuse_unless_identifiers(user_id=self.user_id)
        refuse_unless(self.event_ms >= 0, "event_ms is negative")

    @property
    def key(self) -> str:
        """Key of the record."""
        return ranking_key(self.user_id, self.surface)
