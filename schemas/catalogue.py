"""Cards that may be ranked: the shelves in which each is valid, and its attributes."""

from typing import ClassVar

from msgspec import Struct

from schemas.fields import EventMs, Identifier, refuse_unless_identifiers
from schemas.rules import Distinct, Rules, obey


class CatalogueCard(Struct, frozen=True, kw_only=True, tag="catalogue-card.v1", tag_field="type"):
    """A card, and the shelves whose rules it meets. Keyed by card; a null value withdraws the card.

    >>> CatalogueCard(card_id="c1", title="Blue Train", shelves=("jazz",)).kind
    'playlist'
    >>> CatalogueCard(card_id="c1", title="Blue Train", shelves=("jazz", "jazz"))
    Traceback (most recent call last):
    ValueError: shelves has a duplicate
    """

    rules: ClassVar[Rules] = (Distinct("shelves"),)

    card_id: Identifier
    title: str
    shelves: tuple[Identifier, ...]
    genres: tuple[Identifier, ...] = ()
    kind: Identifier = "playlist"
    released_ms: EventMs = 0

    def __post_init__(self) -> None:
        refuse_unless_identifiers(card_id=self.card_id)
        obey(self)
