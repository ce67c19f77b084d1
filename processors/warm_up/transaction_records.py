"""Warm-up work: the records of a listeners transaction: outcomes, interactions, corrections, state rows, rankings."""

import numpy as np

from processors.ranking.learned import Learned
from processors.ranking.pages import PageMaker
from processors.ranking.ranking_request import RankingRequest
from processors.ranking.ranking_settings import RankingSettings
from processors.settlement.book import with_room
from processors.settlement.compaction import with_exposures_together, with_plays_together, with_text_together
from processors.settlement.correction_writer import correction_records
from processors.settlement.interaction_writer import interaction_records
from processors.settlement.names import names_with_room
from processors.settlement.outcome_writer import outcome_records
from processors.settlement.row_columns import row_columns
from processors.settlement.rows import restore
from processors.settlement.variants import variants_of
from processors.warm_up.event_work import a_settlement
from schemas.catalogue import CatalogueCard


def write_records() -> None:
    """Write the records of an empty transaction."""
    settlement = a_settlement()
    book, due = settlement.book, settlement.hand_over()
    weights, chosen = np.ones((0, 1)), np.flatnonzero(due.streams["is_correction"])
    outcome_records(book, due, weights, 0)
    interaction_records(book, due, np.arange(len(due.streams)), np.frombuffer(b'"l"', dtype=np.uint8))
    correction_records(book, due, chosen, weights, 0)
    variants_of(book, due.pages["page"], "")


def keep_state() -> None:
    """Write and restore rows, compact the book, and collect listeners who wait for a page."""
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
    """Rank a page for an unknown listener and for one with plays."""
    learned = Learned(("mean",))
    learned.put_card("c", CatalogueCard(card_id="c", title="c", shelves=("s",)))
    request = RankingRequest(user_id="u", ranking_number=1, event_ms=0, plays=(), sources={})
    PageMaker.of(RankingSettings()).rank(learned, [request])
