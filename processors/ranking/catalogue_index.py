"""Which cards are valid in which shelf, as arrays of card rows."""

import numpy as np

from processors.cocluster.arrays import IntArray
from schemas.catalogue import CatalogueCard


class CatalogueIndex:
    """Cards get rows in the order in which they are first met and keep them; a withdrawn card leaves its shelves.

    >>> from tests.builders import card
    >>> index = CatalogueIndex(); index.put(card("c1", shelves=("b", "a"))); index.put(card("c2", shelves=("a",)))
    >>> {shelf: rows.tolist() for shelf, rows in index.shelves().items()}
    {'a': [0, 1], 'b': [0]}
    >>> index.withdraw("c1"); {shelf: rows.tolist() for shelf, rows in index.shelves().items()}
    {'a': [1]}
    """

    def __init__(self) -> None:
        self.row: dict[str, int] = {}
        self.names: list[str] = []
        self.cards: dict[str, CatalogueCard] = {}
        self._shelves: dict[str, IntArray] | None = None

    def row_of(self, card_id: str) -> int:
        """Row of a card, which is made where the card is new."""
        row = self.row.get(card_id)
        if row is None:
            row = self.row[card_id] = len(self.names)
            self.names.append(card_id)
        return row

    def put(self, card: CatalogueCard) -> None:
        """Add a card, or change it."""
        self.row_of(card.card_id)
        self.cards[card.card_id] = card
        self._shelves = None

    def withdraw(self, card_id: str) -> None:
        """Take a card out of all shelves."""
        self.cards.pop(card_id, None)
        self._shelves = None

    def shelves(self) -> dict[str, IntArray]:
        """Rows of the valid cards of every shelf, shelves by name and cards by name: no order of arrival shows."""
        if self._shelves is None:
            members: dict[str, list[str]] = {}
            for card_id in sorted(self.cards):
                for shelf_id in self.cards[card_id].shelves:
                    members.setdefault(shelf_id, []).append(card_id)
            self._shelves = {
                shelf_id: np.array([self.row[card_id] for card_id in members[shelf_id]], dtype=np.int64)
                for shelf_id in sorted(members)
            }
        return self._shelves
