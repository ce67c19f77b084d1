"""What a transaction of listeners writes: outcomes, interactions, corrections, rows of state, and rankings."""

import numpy as np

from processors.ranking.learned import Learned
from processors.ranking.pages import PageMaker
from processors.ranking.ranking_request import RankingRequest
from processors.ranking.ranking_settings import RankingSettings
from processors.settlement.book.book import with_room
from processors.settlement.book.compaction import with_exposures_together, with_plays_together, with_text_together
from processors.settlement.book.names import names_with_room
from processors.settlement.output.outgoing import (
    Earned,
    correction_records,
    due_exposures,
    interaction_records,
    outcome_records,
)
from processors.settlement.output.page_columns import PageColumns
from processors.settlement.output.page_groups import PageGroups, plays_when_shown, put
from processors.settlement.output.variants import variants_of
from processors.settlement.rules.credits import Credited, exchanged
from processors.settlement.state.row_columns import row_columns
from processors.settlement.state.rows import adopt
from processors.warm_up.event_work import a_settlement
from schemas.catalogue import CatalogueCard


def write_records() -> None:
    """Credit nothing, and write the records of nothing that is due."""
    settlement = a_settlement()
    book, due, nothing = settlement.book, settlement.hand_over(), np.zeros(0, dtype=np.int64)
    plays_when_shown(book, nothing, 1)
    put(book.text, nothing, nothing, np.ones((0, 1)), 0)
    pages, streams = (PageColumns.of(book.text, each["page"]) for each in (due.pages, due.streams))
    groups = PageGroups.of(book.text, due.pages["page"], due.pages["page_end"], 0, np.ones(1))
    exchanged(book, Credited(*3 * (nothing,), nothing == 0, nothing, np.zeros(1, dtype=np.int64), nothing))
    earned = Earned("", np.zeros(1, dtype=np.int64), np.zeros(0))
    outcome_records(book, due, pages, due_exposures(book, due), groups, earned)
    interaction_records(book, due, nothing, "l")
    correction_records(book, due, streams, groups, nothing, earned, np.zeros(0))
    variants_of(book.text, pages.variant, "")


def keep_state() -> None:
    """Write rows, collect the listeners who wait for a page, and enlarge the indices."""
    settlement = a_settlement()
    settlement.tick(0)
    row_columns(settlement.book, settlement.limits)
    settlement.waiting()
    room = 1 << 10
    book = with_room(settlement.book, listeners=room, impressions=room, exposures=room, streams=room, text=room)
    names_with_room(book.cards, room, room)


def restore_state() -> None:
    """Restore no listener."""
    adopt(a_settlement(), [], [])


def compact() -> None:
    """Compact an empty book."""
    with_plays_together(with_exposures_together(with_text_together(a_settlement().book)))


def rank() -> None:
    """Rank a page of an unknown listener, and one of a listener with plays."""
    learned = Learned(("mean",))
    learned.put_card("c", CatalogueCard(card_id="c", title="c", shelves=("s",)))
    request = RankingRequest(user_id="u", ranking_number=1, event_ms=0, plays=(), sources={})
    PageMaker.of(RankingSettings()).rank(learned, [request])
