"""The Open Bandit Dataset (Saito et al., NeurIPS 2020): each row an impression of one card, each click a stream."""

from datetime import datetime
from hashlib import blake2b

from schemas.catalogue import CatalogueCard
from schemas.impressions import Impression, ShownShelf
from schemas.stream_ends import StreamEnd
from streams.replaying.rows import Row

COLUMNS = ("timestamp", "item_id", "position", "click", "propensity_score")
SHELF = "recommendations"
CLICK_MS = 30_000
"""The log has no durations: a click counts as the stream of 30 s that the static reward asks for."""


def event_ms_of(timestamp: str) -> int:
    """Milliseconds since 1970 of a time stamp with zone.

    >>> event_ms_of("1970-01-01 00:00:01+00:00")
    1000
    """
    return int(datetime.fromisoformat(timestamp).timestamp() * 1_000)


def user_of(row: Row) -> str:
    """A listener: all rows with the same hashed user features; the log names nobody."""
    features = "|".join(row.get(f"user_feature_{number}", "") for number in range(4))
    return blake2b(features.encode(), digest_size=6).hexdigest()


def events_of(number: int, row: Row) -> list[Impression | StreamEnd]:
    """The impression of a row, and the stream where it was clicked."""
    click = row["click"]
    if click not in {"0", "1"}:
        raise ValueError(f"click is neither 0 nor 1 but {click!r}")
    shown_ms, card_id, user_id = event_ms_of(row["timestamp"]), f"item-{int(row['item_id'])}", user_of(row)
    shelf = ShownShelf(
        shelf_id=f"{SHELF}-{int(row['position'])}",
        cards=(card_id,),
        propensities=(float(row["propensity_score"]),),
        seen=(0,),
    )
    impression = Impression(
        event_id=f"obd-{number}", user_id=user_id, event_ms=shown_ms, shelves=(shelf,), variant="logged"
    )
    if click == "0":
        return [impression]
    stream = StreamEnd(
        event_id=f"obd-{number}-click",
        user_id=user_id,
        card_id=card_id,
        started_ms=shown_ms,
        event_ms=shown_ms + CLICK_MS,
        played_ms=CLICK_MS,
        impression_id=impression.event_id,
    )
    return [impression, stream]


def card_of(row: Row) -> CatalogueCard:
    """The card that a row shows, valid at all three positions."""
    card_id = f"item-{int(row['item_id'])}"
    return CatalogueCard(card_id=card_id, title=card_id, shelves=tuple(f"{SHELF}-{n}" for n in (1, 2, 3)))
