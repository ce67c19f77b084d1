"""Every exposure is settled exactly once, or its horizon has not passed."""

from collections.abc import Iterator

from streams.auditing.books import Books
from streams.auditing.recomputed import Recomputed


def exposures_missing(books: Books, recomputed: Recomputed) -> Iterator[str]:
    """Exposures that should have settled; too late ones are excused as often as they were counted."""
    excused: set[tuple[str, str]] = set()
    for exposure in recomputed.card_of:
        user_id, event_id, row, slot = exposure
        if user_id in books.forgotten:
            continue
        shown_ms = books.impressions[user_id, event_id].event_ms
        if exposure in books.settled or not recomputed.is_due(user_id, shown_ms + recomputed.rules.horizon_ms):
            continue
        if recomputed.is_out_of_reach(user_id, shown_ms):
            excused.add((user_id, event_id))
            if len(excused) <= books.counters["impressions_too_late"]:
                continue
        yield f"{user_id} {event_id} row {row} slot {slot}, shown at {shown_ms}"


def settled_twice(books: Books, _: Recomputed) -> Iterator[str]:
    """Exposures with more than one settled outcome."""
    for (user_id, event_id, row, slot), outcomes in books.settled.items():
        if user_id in books.forgotten:
            continue  # sent again after that, it cannot be recognised as a duplicate
        for _again in outcomes[1:]:
            yield f"{user_id} {event_id} row {row} slot {slot}"


def settled_unexpectedly(books: Books, recomputed: Recomputed) -> Iterator[str]:
    """Outcomes of unseen exposures, with another card, or corrections of exposures that never settled."""
    for exposure, outcomes in (*books.settled.items(), *books.corrected.items()):
        user_id, event_id, row, slot = exposure
        if recomputed.card_of.get(exposure) != outcomes[0].card_id:
            yield f"{user_id} {event_id} row {row} slot {slot} card {outcomes[0].card_id}"
    for exposure in books.corrected.keys() - books.settled.keys():
        yield f"{exposure} is corrected and was never settled"
