"""Facts that follow from a history, of the compiled settlement and of the plain one, in one form."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from processors.settlement.due import Due
from processors.settlement.layout import NONE
from processors.settlement.names import text_of
from processors.settlement.page import ID_AT, LOGGED_COUNT, logged_at, spans_of_page, variant_at
from processors.settlement.settlement import Settlement
from processors.wire.binary import text_end
from tests.settlement import reference

Plays = tuple[tuple[str, int], ...]


class Settled(NamedTuple):
    user_id: str
    impression_id: str
    settled_ms: int
    logged: tuple[str, ...]
    exposures: tuple[tuple[int, int, str, str, float, int, int, bool], ...]
    plays: Plays


class Ended(NamedTuple):
    user_id: str
    event_id: str
    card_id: str
    event_ms: int
    played_ms: int
    variant: str | None
    plays: Plays


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
    row, slot, shelf, propensity = spans_of_page(text, start)
    logged, at = [], int(logged_at(text, start))
    for _ in range(LOGGED_COUNT):
        end = int(text_end(text, at))
        logged.append(text_of(text, at + 2, end))
        at = end
    exposures = due.exposures[int(page["exposures"]) : int(page["exposures"] + page["count"])]
    return Settled(
        text_of(text, int(page["user"]), int(page["user_end"])),
        _id_of(settlement, start),
        int(page["settled_ms"]),
        tuple(logged),
        tuple(
            (
                int(row[n]),
                int(slot[n]),
                text_of(text, *map(int, shelf[n])),
                cards[exposure["card"]],
                float(text_of(text, *map(int, propensity[n]))),
                int(exposure["played_ms"]),
                int(exposure["streams"]),
                bool(exposure["is_discovery"]),
            )
            for n, exposure in enumerate(exposures)
        ),
        _plays(due.page_plays, due.page_offsets, number, cards),
    )


def _ended(settlement: Settlement, due: Due, number: int, cards: list[str]) -> Iterable[Fact]:
    text, stream = settlement.book.text, due.streams[number]
    user_id = text_of(text, int(stream["user"]), int(stream["user_end"]))
    event_id = text_of(text, int(stream["start"]), int(stream["end"]))
    page, variant = int(stream["page"]), None
    if page >= 0:
        at = int(variant_at(text, page))
        variant = text_of(text, at + 2, int(text_end(text, at)))
    yield Ended(
        user_id,
        event_id,
        cards[stream["card"]],
        int(stream["event_ms"]),
        int(stream["played_ms"]),
        variant,
        _plays(due.stream_plays, due.stream_offsets, number, cards),
    )
    if stream["is_correction"]:
        row, slot, _, _ = spans_of_page(text, page)
        yield Corrected(
            user_id,
            _id_of(settlement, page),
            int(row[stream["exposure"]]),
            int(slot[stream["exposure"]]),
            event_id,
            int(stream["previous_ms"]),
            int(stream["total_ms"]),
            int(stream["stream_count"]),
        )


def _id_of(settlement: Settlement, page: int) -> str:
    text = settlement.book.text
    return text_of(text, page + ID_AT + 2, int(text_end(text, page + ID_AT)))


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
        shown.rows, shown.slots, shown.shelves, shown.cards, shown.propensities, due.played_ms, due.streams, strict=True
    )
    logged = (shown.surface, shown.variant, shown.policy_version, shown.reward_version, shown.model_version)
    return Settled(
        due.user_id,
        shown.impression_id,
        due.settled_ms,
        logged,
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
