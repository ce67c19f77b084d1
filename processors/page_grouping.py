"""Stores with each page the soft group that its listener had when it was shown; the candidates in the shadow rank then.

Exposures are credited in these groups: see `processors.settlement.output.page_groups`.
"""

import numpy as np

from processors.arrays import FloatArray, IntArray
from processors.leaderboard.shadow import Shadow
from processors.ranking.learned import Learned
from processors.ranking.play_columns import PlayColumns
from processors.settlement.output.due import Due
from processors.settlement.output.page_groups import ShownPlays, plays_of_gone, plays_when_shown, put, ungrouped
from processors.settlement.settlement import Settlement


class PageGrouping:
    """Groups the pages of one partition; in all methods, `row` [n] is the catalogue row of each card by its number."""

    def __init__(self, learned: Learned, shadow: Shadow) -> None:
        self._learned, self._shadow = learned, shadow

    def group_pages(self, settlement: Settlement, row: IntArray) -> None:
        """Group the pages in the book that are not; call it before rows are written."""
        book = settlement.book
        places = ungrouped(book)
        if len(places):
            shown = plays_when_shown(book, places, settlement.settings.plays_max)
            starts, ends = book.impressions["start"][places], book.impressions["end"][places]
            plays, weights = self._put_groups(book.text, starts, ends, shown, row)
            self._shadow.watch(book, places, plays, weights, row)

    def group_gone(self, settlement: Settlement, due: Due, row: IntArray) -> None:
        """Group due pages that never were, and whose impressions the book has dropped by now."""
        book = settlement.book
        is_gone = book.impressions["serial"][due.pages["impression"]] != due.pages["serial"]
        gone = np.flatnonzero(is_gone & ~due.pages["is_grouped"])
        pages = due.pages[gone]
        if len(pages):
            self._put_groups(book.text, pages["page"], pages["page_end"], plays_of_gone(due, gone), row)

    def _put_groups(
        self, text: IntArray, pages: IntArray, ends: IntArray, shown: ShownPlays, row: IntArray
    ) -> tuple[PlayColumns, FloatArray]:
        plays = PlayColumns(shown.offsets, row[shown.plays["card"]], shown.plays["played_ms"] / 1_000.0)
        weights = self._learned.user_weights(plays)
        put(text, pages, ends, weights, self._learned.blocks.generation)
        return plays, weights
