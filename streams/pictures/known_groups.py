"""What pictures of groups are made of: the co-clusters, and the cards that are placed in them."""

from collections.abc import Mapping

from msgspec import Struct

from schemas.catalogue import CatalogueCard
from schemas.learning import CardGroup, CoClusters


class KnownGroups(Struct, frozen=True, kw_only=True):
    """Co-clusters as they were published, with the catalogue and the soft group of each card as far as known.

    >>> flat = CoClusters(generation=1, version=1, event_ms=0, user_prior=(1.0,), card_prior=(1.0,), mean=((3.0,),),
    ...     variance=((1.0,),), count=((10.0,),), global_mean=3.0, global_variance=1.0)
    >>> known = KnownGroups(model=flat, cards={"c1": CatalogueCard(card_id="c1", title="Rain", shelves=("sleep",))})
    >>> known.title_of("c1"), known.title_of("c2"), known.label_of(0), known.column_name(0)
    ('Rain', 'c2', 'card group 0', '0 · card group 0')
    """

    model: CoClusters
    cards: Mapping[str, CatalogueCard] = {}
    placed: Mapping[str, CardGroup] = {}

    def title_of(self, card_id: str) -> str:
        """The card's title, or its id if the catalogue does not know it."""
        card = self.cards.get(card_id)
        return card.title if card is not None else card_id

    def label_of(self, card_group: int) -> str:
        """What a card group is called."""
        return label_of(self.model, card_group)

    def column_name(self, card_group: int) -> str:
        """A card group with its number, as a heading."""
        return f"{card_group} · {self.label_of(card_group)}"

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of user and card groups."""
        return len(self.model.user_prior), len(self.model.card_prior)


def label_of(model: CoClusters, card_group: int) -> str:
    """What a card group is called."""
    if card_group < len(model.labels) and model.labels[card_group]:
        return model.labels[card_group]
    return f"card group {card_group}"


def user_group_name(user_group: int) -> str:
    """What a user group is called: groups of people get no other name."""
    return f"user group {user_group}"
