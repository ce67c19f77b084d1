"""What a transaction of listeners writes: outcomes, interactions, corrections, rows of state, and rankings."""

import numpy as np

from processors.ranking.learned import Learned
from processors.ranking.pages import PageMaker
from processors.ranking.ranking_request import RankingRequest
from processors.ranking.ranking_settings import RankingSettings
from processors.settlement.book import with_room
from processors.settlement.compaction import with_exposures_together, with_plays_together, with_text_together
from processors.settlement.names import names_with_room
from processors.settlement.outgoing import correction_records, interaction_records, outcome_records
from processors.settlement.page_columns import PageColumns
from processors.settlement.row_columns import row_columns
from processors.settlement.rows import restore
from processors.settlement.variants import variants_of
from processors.warm_up.event_work import a_settlement
from schemas.catalogue import CatalogueCard


def write_records() -> None:
    """Write the records of nothing that is due."""
    settlement = a_settlement()
    book, due = settlement.book, settlement.hand_over()
    weights, chosen = np.ones((0, 1)), np.flatnonzero(due.streams["is_correction"])
    pages, streams = (PageColumns.of(book.text, each["page"]) for each in (due.pages, due.streams))
    outcome_records(book, due, pages, weights, 0)
    interaction_records(book, due, np.arange(len(due.streams)), "l")
    correction_records(book, due, streams, chosen, weights, 0)
    variants_of(book.text, pages.variant, "")


def keep_state() -> None:
    """Write rows, take them up, put together what somebody still owns, and look who waits for a page."""
    settlement = a_settlement()
    settlement.tick(0)
    row_columns(settlement.book, settlement.limits)
    settlement.waiting()
    settlement = restore(settlement.settings, [])
    room = 1 << 10
    book = with_room(settlement.book, listeners=room, impressions=room, exposures=room, streams=room, text=room)
    with_plays_together(with_exposures_together(with_text_together(book)))
    names_with_room(book.cards, room, room)


def rank() -> None:
    """Rank one page, of a listener whom nobody knows and of one who has played."""
    learned = Learned(("mean",))
    learned.put_card("c", CatalogueCard(card_id="c", title="c", shelves=("s",)))
    request = RankingRequest(user_id="u", ranking_number=1, event_ms=0, plays=(), sources={})
    PageMaker.of(RankingSettings()).rank(learned, [request])
