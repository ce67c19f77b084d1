"""The Open Bandit Dataset (Saito et al., NeurIPS 2020): each row an impression of one card, each click a stream."""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

from schemas.catalogue import CatalogueCard
from schemas.impressions import Impression, ShownShelf
from schemas.stream_ends import StreamEnd
from streams.files.tables import Row, number, whole_number

EXPOSURE_COLUMNS = ("item_id", "position", "click", "propensity_score")
COLUMNS = ("timestamp", *EXPOSURE_COLUMNS)
POSITIONS = (1, 2, 3)
"""Left, middle and right of the logged page, as numbered in the log."""
SHELF = "recommendations"
CLICK_MS = 30_000
"""The log has no durations: a click counts as a stream of 30 s, the threshold of the static reward."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Exposure(NamedTuple):
    """The logged exposure of a row."""

    item: int
    position: int
    click: int
    propensity: float


def exposure_of(row: Row) -> Exposure:
    """Parse the columns that all commands need; raises `ValueError` with the reason."""
    click = row["click"].strip()
    if click not in {"0", "1"}:
        raise ValueError("click is neither 0 nor 1")
    item = whole_number("item_id", row["item_id"])
    if item < 0:
        raise ValueError("item_id is negative")
    position = whole_number("position", row["position"])
    if position not in POSITIONS:
        raise ValueError("position is not 1, 2 or 3")
    propensity = number("propensity_score", row["propensity_score"])
    if not 0.0 < propensity <= 1.0:
        raise ValueError("propensity_score is not in (0, 1]")
    return Exposure(item, position, int(click), propensity)


def event_ms_of(timestamp: str) -> int:
    """Milliseconds since 1970; a time without a zone is UTC, as in the data set, whatever this machine's zone.

    >>> [event_ms_of(f"1970-01-01 01:00:01{zone}") for zone in ("+01:00", "Z", "")]
    [1000, 3601000, 3601000]
    """
    try:
        read = datetime.fromisoformat(timestamp.strip())
        zoned = read if read.tzinfo is not None else read.replace(tzinfo=UTC)
        since = (zoned - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        raise ValueError("timestamp is not an ISO 8601 time") from None
    if since < 0:
        raise ValueError("timestamp is before 1970")
    return since


def user_of(row: Row) -> str:
    """A listener: all rows with the same hashed user features; the log has no user ids."""
    features = "|".join(row.get(f"user_feature_{place}", "") for place in range(4))
    return blake2b(features.encode(), digest_size=6).hexdigest()


class LoggedRow(NamedTuple):
    """A valid row: its number below the header, listener, time and exposure."""

    row: int
    user_id: str
    shown_ms: int
    exposure: Exposure


def logged_row(row_number: int, row: Row) -> LoggedRow:
    """Parse a row of the complete log; raises `ValueError` with the reason."""
    return LoggedRow(row_number, user_of(row), event_ms_of(row["timestamp"]), exposure_of(row))


def events_of(logged: LoggedRow, digest: str) -> list[Impression | StreamEnd]:
    """The impression of a row, and the stream if it was clicked; their names derive from the file's content."""
    item, position, click, propensity = logged.exposure
    shelf = ShownShelf(shelf_id=f"{SHELF}-{position}", cards=(f"item-{item}",), propensities=(propensity,), seen=(0,))
    impression = Impression(
        event_id=f"obd-{digest}-{logged.row}",
        user_id=logged.user_id,
        event_ms=logged.shown_ms,
        shelves=(shelf,),
        variant="logged",
    )
    if not click:
        return [impression]
    stream = StreamEnd(
        event_id=f"{impression.event_id}-click",
        user_id=logged.user_id,
        card_id=f"item-{item}",
        started_ms=logged.shown_ms,
        event_ms=logged.shown_ms + CLICK_MS,
        played_ms=CLICK_MS,
        impression_id=impression.event_id,
    )
    return [impression, stream]


def card_of(item: int) -> CatalogueCard:
    """The card of an item, valid at all three positions."""
    card_id = f"item-{item}"
    return CatalogueCard(card_id=card_id, title=card_id, shelves=tuple(f"{SHELF}-{place}" for place in POSITIONS))
