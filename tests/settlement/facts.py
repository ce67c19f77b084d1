"""Facts that follow from a history, of the compiled settlement and of the plain one, in one form."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from processors.arrays import IntArray
from processors.settlement.book.layout import NONE
from processors.settlement.book.names import text_of
from processors.settlement.book.page import (
    PAGE_ID_AT,
    exposure_at,
    logged_at,
    order_at,
    propensity_at,
    row_of,
    shelf_at,
    slot_of,
    variant_at,
)
from processors.settlement.book.state_layouts import LOGGED_COUNT, ORDER_COUNT
from processors.settlement.output.due import Due
from processors.settlement.settlement import Settlement
from processors.wire.binary import text_end, text_span
from schemas.stream_ends import StreamPlaying
from tests.settlement import reference

Order = tuple[float | None, ...]
Plays = tuple[tuple[str, int], ...]


class Settled(NamedTuple):
    user_id: str
    impression_id: str
    settled_ms: int
    logged: tuple[str, ...]
    exposures: tuple[tuple[int, int, str, str, float, Order, int, int, bool], ...]
    plays: Plays


class Ended(NamedTuple):
    user_id: str
    event_id: str
    card_id: str
    event_ms: int
    played_ms: int
    variant: str | None
    plays: Plays
    is_playing: bool


class Corrected(NamedTuple):
    user_id: str
    impression_id: str
    row: int
    slot: int
    event_id: str
    previous_ms: int
    played_ms: int
    stream_count: int


Fact = Settled | Ended | Corrected


def facts_of(settlement: Settlement, due: Due) -> list[Fact]:
    """What the compiled settlement hands over."""
    cards = settlement.card_names()
    facts: list[Fact] = [_settled(settlement, due, number, cards) for number in range(len(due.pages))]
    for number in range(len(due.streams)):
        facts.extend(_ended(settlement, due, number, cards))
    return facts


def _settled(settlement: Settlement, due: Due, number: int, cards: list[str]) -> Settled:
    text, page = settlement.book.text, due.pages[number]
    start = int(page["page"])
    logged, at = [], int(logged_at(text, start))
    for _ in range(LOGGED_COUNT):
        logged.append(_text_at(text, at))
        at = int(text_end(text, at))
    exposures = due.exposures[int(page["exposures"]) : int(page["exposures"] + page["count"])]
    return Settled(
        text_of(text, int(page["user"]), int(page["user_end"])),
        _id_of(settlement, start),
        int(page["settled_ms"]),
        tuple(logged),
        tuple(
            (
                *_place(text, at),
                _text_at(text, int(shelf_at(text, at))),
                cards[exposure["card"]],
                float(_text_at(text, int(propensity_at(text, at)))),
                _order(text, int(order_at(text, at))),
                int(exposure["played_ms"]),
                int(exposure["streams"]),
                bool(exposure["is_discovery"]),
            )
            for at, exposure in ((int(exposure_at(text, start, n)), it) for n, it in enumerate(exposures))
        ),
        _plays(due.page_plays, due.page_offsets, number, cards),
    )


def _order(text: IntArray, at: int) -> Order:
    """What is kept of the order behind the propensity of an exposure."""
    values = []
    for _ in range(ORDER_COUNT):
        values.append(float(found) if (found := _text_at(text, at)) else None)
        at = int(text_end(text, at))
    return tuple(values)


def _ended(settlement: Settlement, due: Due, number: int, cards: list[str]) -> Iterable[Fact]:
    text, stream = settlement.book.text, due.streams[number]
    user_id = text_of(text, int(stream["user"]), int(stream["user_end"]))
    event_id = text_of(text, int(stream["start"]), int(stream["end"]))
    page, variant = int(stream["page"]), None
    if page >= 0:
        variant = _text_at(text, int(variant_at(text, page)))
    yield Ended(
        user_id,
        event_id,
        cards[stream["card"]],
        int(stream["event_ms"]),
        int(stream["played_ms"]),
        variant,
        _plays(due.stream_plays, due.stream_offsets, number, cards),
        bool(stream["is_playing"]),
    )
    if stream["is_correction"]:
        yield Corrected(
            user_id,
            _id_of(settlement, page),
            *_place(text, int(exposure_at(text, page, stream["exposure"]))),
            event_id,
            int(stream["previous_ms"]),
            int(stream["total_ms"]),
            int(stream["stream_count"]),
        )


def _place(text: Any, exposure: int) -> tuple[int, int]:
    """Row and slot."""
    return int(row_of(text, exposure)), int(slot_of(text, exposure))


def _text_at(text: Any, at: int) -> str:
    return text_of(text, *map(int, text_span(text, at)))


def _id_of(settlement: Settlement, page: int) -> str:
    text = settlement.book.text
    return _text_at(text, page + PAGE_ID_AT)


def _plays(plays: Any, offsets: Any, number: int, cards: list[str]) -> Plays:
    chosen = plays[offsets[number] : offsets[number + 1]]
    return tuple((cards[play["card"]], int(play["played_ms"])) for play in chosen)


def facts_told_plainly(dues: Iterable[reference.Due]) -> list[Fact]:
    """What the plain settlement hands over."""
    facts: list[Fact] = []
    for due in dues:
        if isinstance(due, reference.SettledImpression):
            facts.append(_settled_plainly(due))
        elif isinstance(due, reference.EndedStream):
            stream = due.stream
            facts.append(
                Ended(
                    stream.user_id,
                    stream.event_id,
                    stream.card_id,
                    stream.event_ms,
                    stream.played_ms,
                    due.variant,
                    tuple((play.card_id, play.played_ms) for play in due.plays),
                    isinstance(stream, StreamPlaying),
                )
            )
        else:
            shown = due.impression
            facts.append(
                Corrected(
                    due.user_id,
                    shown.impression_id,
                    shown.rows[due.index],
                    shown.slots[due.index],
                    due.stream.event_id,
                    due.previous_ms,
                    due.played_ms,
                    due.stream_count,
                )
            )
    return facts


def _settled_plainly(due: reference.SettledImpression) -> Settled:
    shown = due.impression
    known = {play.card_id for play in due.plays if play.event_ms <= shown.shown_ms}
    columns = zip(
        *(shown.rows, shown.slots, shown.shelves, shown.cards, shown.propensities, shown.orders),
        *(due.played_ms, due.streams),
        strict=True,
    )
    return Settled(
        due.user_id,
        shown.impression_id,
        due.settled_ms,
        shown.logged,
        tuple((*column, column[3] not in known) for column in columns),
        tuple((play.card_id, play.played_ms) for play in due.plays),
    )


def event_counts(settlement: Settlement) -> dict[str, int]:
    """How many events of each listener were accepted."""
    book, counts = settlement.book, {}
    place = int(book.totals["least_recent"][0])
    while place != NONE:
        listener = book.listeners[place]
        counts[text_of(book.text, int(listener["start"]), int(listener["end"]))] = int(listener["event_count"])
        place = int(listener["later"])
    return counts
