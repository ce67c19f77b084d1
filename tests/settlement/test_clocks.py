"""The clock of one sender moves nobody else's event time: it counts no further than a clock that no sender sets."""

from collections.abc import Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from processors.settlement.settlement import Settlement
from schemas.impressions import Impression
from tests.builders import impression, stream_end
from tests.settlement.facts import Fact
from tests.settlement.test_settlement import (
    END_MS,
    LATENESS_MS,
    PLACES,
    SETTINGS,
    Event,
    closing,
    cut,
    feed_clocked,
    histories,
    known,
)

Clocked = tuple[Event, int]


def odd_events(random: Random, count: int, drift_ms: int) -> list[Clocked]:
    """Events of one whose clock is wrong by so much, at any time by ours."""
    found: list[Clocked] = []
    for number in range(count):
        now_ms = random.randrange(2_000)
        event_ms = max(0, now_ms + drift_ms)
        shown = impression(event_id=f"o{number}", user_id="odd", event_ms=event_ms)
        ended = stream_end(event_id=f"o{number}", user_id="odd", started_ms=event_ms, event_ms=event_ms)
        found.append((random.choice((shown, ended)), now_ms))
    return found


def interleaved(events: Sequence[Clocked], random: Random) -> list[Clocked]:
    """As they may be read: each topic in the order of its log, the two in any."""
    logs = [
        sorted((it for it in events if isinstance(it[0], Impression) is shown), key=lambda it: it[1])
        for shown in (True, False)
    ]
    read = []
    while any(logs):
        read.append(random.choice([log for log in logs if log]).pop(0))
    return read


def facts(events: Sequence[Clocked], places: Sequence[int]) -> list[str]:
    settlement, found = Settlement(SETTINGS), list[Fact]()
    for batch in [*cut(events, places), [(event, END_MS) for event in closing()]]:
        found += feed_clocked(settlement, batch)
    return known(fact for fact in found if fact.user_id != "odd")


@settings(max_examples=300)
@given(
    histories(),
    st.randoms(use_true_random=False),
    st.integers(0, 12),
    st.sampled_from((-10_000, -80, 80, 590, 3_600_000)),
    PLACES,
)
def test_one_odd_clock_changes_nobody_elses_outcomes(
    events: list[Event], random: Random, count: int, drift_ms: int, places: list[int]
) -> None:
    honest = [(event, event.event_ms + random.randint(0, LATENESS_MS)) for event in events]
    with_odd = [*honest, *odd_events(random, count, drift_ms)]
    assert facts(interleaved(with_odd, random), places) == facts(interleaved(honest, random), places)


def test_a_fast_clock_moves_event_time_to_ours_and_is_counted() -> None:
    settlement = Settlement(SETTINGS)
    fast = [(event, 700) for event in closing(3_600_000)]
    feed_clocked(settlement, [(impression(event_ms=600), 610), *fast])
    assert settlement.watermark_ms == 700 - LATENESS_MS
    assert (settlement.counters["impressions_ahead"], settlement.counters["streams_ahead"]) == (1, 1)
