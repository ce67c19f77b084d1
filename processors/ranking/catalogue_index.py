"""Index of the catalogue: valid cards of each shelf, as arrays of card rows."""

from collections.abc import Mapping, Sequence

import numpy as np

from processors.arrays import IntArray
from processors.ranking.deduplication import dealt
from processors.wire.values import Texts
from schemas.catalogue import CatalogueCard


class CatalogueIndex:
    """Cards get permanent rows in the order of their first occurrence; a withdrawn card leaves its shelves.

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
        self._shelves: dict[bool, dict[str, IntArray]] = {}
        self._released_ms: IntArray | None = None
        self._texts = Texts.of(())

    def row_of(self, card_id: str) -> int:
        """Row of a card, created if the card is new."""
        row = self.row.get(card_id)
        if row is None:
            row = self.row[card_id] = len(self.names)
            self.names.append(card_id)
        return row

    def put(self, card: CatalogueCard) -> None:
        """Add or change a card."""
        self.row_of(card.card_id)
        self.cards[card.card_id] = card
        self._forget_derived()

    def withdraw(self, card_id: str) -> None:
        """Remove a card from all shelves."""
        self.cards.pop(card_id, None)
        self._forget_derived()

    def shelves(self, *, deduplicated: bool = False) -> dict[str, IntArray]:
        """Rows of the valid cards of each shelf, both sorted by name, so independent of the order of arrival.

        Deduplicated, each card is in one of its shelves only (`processors.ranking.deduplication`).
        """
        if deduplicated not in self._shelves:
            valid = {card_id: self.cards[card_id].shelves for card_id in sorted(self.cards)}
            self._shelves[deduplicated] = self._rows(dealt(valid) if deduplicated else valid)
        return self._shelves[deduplicated]

    def released_ms(self) -> IntArray:
        """Release time of each card by row; 0 if unknown."""
        if self._released_ms is None or len(self._released_ms) != len(self.names):
            known = (self.cards.get(name) for name in self.names)
            self._released_ms = np.array([card.released_ms if card else 0 for card in known], dtype=np.int64)
        return self._released_ms

    def texts(self) -> Texts:
        """Names of all cards by row, in their encoded form."""
        if len(self._texts.ends) != len(self.names):
            self._texts = Texts.of(self.names)
        return self._texts

    def _rows(self, valid: Mapping[str, Sequence[str]]) -> dict[str, IntArray]:
        members: dict[str, list[int]] = {}
        for card_id, shelves in valid.items():
            for shelf_id in shelves:
                members.setdefault(shelf_id, []).append(self.row[card_id])
        return {shelf_id: np.array(members[shelf_id], dtype=np.int64) for shelf_id in sorted(members)}

    def _forget_derived(self) -> None:
        self._shelves.clear()
        self._released_ms = None
