"""The room that a listener's row needs is kept with every change, and is what the row takes."""

from collections.abc import Sequence
from random import Random

import pytest

from processors.settlement.settings import SettlementSettings
from processors.settlement.settlement import Settlement
from processors.settlement.state.row_keys import PARTITION_KEY
from processors.settlement.state.rows import changed_rows, restore
from schemas.impressions import Impression
from schemas.stream_ends import StreamEvent
from tests.builders import impression, stream_end, stream_playing

SETTINGS = SettlementSettings(horizon_ms=100, attribution_ms=100, correction_ms=400, lateness_ms=50, plays_max=2)
BOUNDED = SettlementSettings(horizon_ms=100, correction_ms=400, lateness_ms=0, plays_max=2, listeners_max=2)


def history(seed: int) -> list[Impression | StreamEvent]:
    """Events of few users: some streams name an impression, shown or not; names are of many lengths."""
    rng, events = Random(seed), list[Impression | StreamEvent]()
    for n in range(150):
        user, at = f"u{rng.randrange(4)}", 10 * n + rng.randrange(60)
        if rng.random() < 0.5:
            events.append(impression(event_id=f"i{'x' * rng.randrange(20)}{n}", user_id=user, event_ms=at))
        else:
            named = rng.choice([None, "nowhere", *(one.event_id for one in events if isinstance(one, Impression))][-4:])
            name, times = f"s{'y' * rng.randrange(20)}{n}", {"started_ms": at, "event_ms": at + 40}
            if rng.random() < 0.4:
                playing = {"event_id": f"p{n}", "stream_id": name, "started_ms": at, "event_ms": at + 20}
                events.append(stream_playing(**playing, user_id=user, impression_id=named))
            events.append(stream_end(event_id=name, user_id=user, **times, impression_id=named))
    return events


def feed(settlement: Settlement, events: Sequence[Impression | StreamEvent]) -> dict[bytes, bytes | None]:
    """The rows that change by these events."""
    settlement.arrive_impressions([(0, event) for event in events if isinstance(event, Impression)])
    settlement.arrive_streams([(0, event) for event in events if isinstance(event, StreamEvent)])
    settlement.hand_over()
    return dict(changed_rows(settlement))


def kept_sizes(settlement: Settlement) -> dict[bytes, int]:
    """By key, the room that each listener's row needs."""
    book, sizes, place = settlement.book, {}, int(settlement.book.totals["least_recent"][0])
    while place >= 0:
        listener = book.listeners[place]
        sizes[b"l/" + book.text[listener["start"] : listener["end"]].tobytes()] = int(listener["row_bytes"])
        place = int(listener["later"])
    return sizes


@pytest.mark.parametrize("settings", [SETTINGS, BOUNDED])
@pytest.mark.parametrize("seed", range(3))
def test_a_row_takes_the_room_that_was_kept_for_it(settings: SettlementSettings, seed: int) -> None:
    settlement, rows, events = Settlement(settings), dict[bytes, bytes | None](), history(seed)
    for first in range(0, len(events), 5):
        changed = feed(settlement, events[first : first + 5])
        rows.update(changed)
        written = {key: len(value) for key, value in changed.items() if value is not None and key.startswith(b"l/")}
        # a row that was not written again may still tell of impressions that have been dropped since
        kept = kept_sizes(settlement)
        assert written == {key: kept[key] for key in written}
        assert {key for key, value in rows.items() if value is not None and key.startswith(b"l/")} == kept.keys()
        settlement = restore(settings, [(key, value) for key, value in rows.items() if value is not None])
        assert kept == kept_sizes(settlement)
    assert PARTITION_KEY in rows
