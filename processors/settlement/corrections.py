"""A correction as the message that it is: they are rare enough to be made one by one."""

from numpy import void

from processors.settlement.book import Book
from processors.settlement.names import text_of
from processors.settlement.page import ID_AT, shown_ms_of, spans_of_page
from processors.wire.binary import text_end
from schemas.fields import Weights
from schemas.outcomes import OutcomeCorrected


def corrected_outcome(
    book: Book, stream: void, *, card_id: str, variant: str, weights: Weights, generation: int
) -> OutcomeCorrected:
    """The correction that a due stream makes, with the soft group of its listener."""
    page, exposure, text = int(stream["page"]), int(stream["exposure"]), book.text
    row, slot, _, _ = spans_of_page(text, page)
    return OutcomeCorrected(
        impression_id=text_of(text, page + ID_AT + 2, int(text_end(text, page + ID_AT))),
        row=int(row[exposure]),
        slot=int(slot[exposure]),
        user_id=text_of(text, int(stream["user"]), int(stream["user_end"])),
        card_id=card_id,
        stream_event_id=text_of(text, int(stream["start"]), int(stream["end"])),
        shown_ms=int(shown_ms_of(text, page)),
        corrected_ms=int(stream["event_ms"]),
        previous_ms=int(stream["previous_ms"]),
        played_ms=int(stream["total_ms"]),
        stream_count=int(stream["stream_count"]),
        variant=variant,
        generation=generation,
        user_weights=weights,
    )
