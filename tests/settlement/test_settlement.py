"""Settlement: histories in, facts out; the same facts however the history is cut, batched, doubled or shuffled."""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.settlement.due import CorrectedExposure, Due, EndedStream, SettledImpression
from processors.settlement.exposure_columns import ExposureColumns
from processors.settlement.rows import changed_rows, restore
from processors.settlement.settings import SettlementSettings
from processors.settlement.settlement import Settlement
from schemas.codec import encode
from schemas.impressions import Impression
from schemas.outcomes import OutcomeCorrected, OutcomeSettled, one_by_one
from schemas.stream_ends import StreamEnd
from tests.builders import impression, stream_end

LATENESS_MS = 50
SETTINGS = SettlementSettings(
    horizon_ms=100, attribution_ms=100, correction_ms=1_000, lateness_ms=LATENESS_MS, plays_max=3
)
END_MS = 5_000
Event = Impression | StreamEnd


def closing(end_ms: int = END_MS) -> list[Event]:
    """Events of somebody else, so late that all before them is settled."""
    return [
        impression(event_id="end", user_id="clock", event_ms=end_ms, cards=()),
        stream_end(event_id="end", user_id="clock", started_ms=end_ms, event_ms=end_ms),
    ]


def feed(settlement: Settlement, events: Iterable[Event]) -> list[Due]:
    events = list(events)
    settlement.arrive_impressions((0, event) for event in events if isinstance(event, Impression))
    settlement.arrive_streams((0, event) for event in events if isinstance(event, StreamEnd))
    return settlement.advance()


def facts(dues: Iterable[Due]) -> list[bytes]:
    """All messages that follow, as bytes, in the order in which each exposure sees them."""
    messages = []
    for due in dues:
        if isinstance(due, EndedStream):
            if due.stream.user_id != "clock":
                messages.append(encode(due.stream) + repr(due.variant).encode() + repr(due.plays).encode())
        else:
            messages.extend(encode(outcome) + repr(due.plays).encode() for outcome in outcomes_of(due))
    return sorted(messages)


def outcomes_of(due: SettledImpression | CorrectedExposure) -> list[OutcomeSettled | OutcomeCorrected]:
    if isinstance(due, CorrectedExposure):
        return [due.outcome((), 0)]
    return list(one_by_one(ExposureColumns([due]).outcomes([()], 0)))


def run(batches: Iterable[Sequence[Event]]) -> list[bytes]:
    settlement = Settlement(SETTINGS)
    return facts([due for batch in [*batches, closing()] for due in feed(settlement, batch)])


def settled(dues: Iterable[Due]) -> list[SettledImpression]:
    return [due for due in dues if isinstance(due, SettledImpression)]


def test_an_exposure_without_a_stream_settles_as_zero_at_its_horizon() -> None:
    settlement = Settlement(SETTINGS)
    assert not feed(settlement, [impression(event_ms=0, cards=("c1", "c2"), seen=(1,))])
    (due,) = settled(feed(settlement, closing()))
    assert (due.settled_ms, due.impression.cards, due.played_ms) == (100, ["c2"], (0,))


def test_a_card_that_was_not_seen_is_no_exposure() -> None:
    dues = feed(Settlement(SETTINGS), [impression(cards=("c1", "c2"), seen=()), *closing()])
    assert [due.impression.cards for due in settled(dues)][0] == []


def test_a_stream_goes_to_the_newest_exposure_of_its_card_before_it_began() -> None:
    shown = [impression(event_id=f"i{at}", event_ms=at) for at in (0, 20, 40)]
    dues = feed(Settlement(SETTINGS), [*shown, stream_end(started_ms=30, event_ms=60, played_ms=30), *closing()])
    played = {due.impression.impression_id: due.played_ms for due in settled(dues)}
    assert played == {"i0": (0,), "i20": (30,), "i40": (0,)}


def test_a_stream_that_names_its_impression_goes_there() -> None:
    shown = [impression(event_id=f"i{at}", event_ms=at) for at in (0, 20)]
    named = stream_end(started_ms=30, event_ms=60, played_ms=30, impression_id="i0")
    played = {
        d.impression.impression_id: d.played_ms
        for d in settled(feed(Settlement(SETTINGS), [*shown, named, *closing()]))
    }
    assert (played["i0"], played["i20"]) == ((30,), (0,))


def test_a_stream_that_outlasts_the_horizon_corrects_the_provisional_zero() -> None:
    dues = feed(
        Settlement(SETTINGS), [impression(), stream_end(started_ms=10, event_ms=400, played_ms=390), *closing()]
    )
    assert [due.played_ms for due in settled(dues)][0] == (0,)
    (corrected,) = [due for due in dues if isinstance(due, CorrectedExposure)]
    assert (corrected.previous_ms, corrected.played_ms) == (0, 390)


def test_organic_play_is_an_interaction_and_no_outcome() -> None:
    settlement = Settlement(SETTINGS)
    dues = feed(settlement, [stream_end(card_id="c9"), *closing(70_000)])
    assert [due.variant is None for due in dues if isinstance(due, EndedStream)][0]
    assert settlement.counters["streams_organic"] >= 1


def test_beyond_the_correction_window_nothing_is_counted_twice_and_the_drop_is_counted() -> None:
    settlement = Settlement(SETTINGS)
    feed(settlement, [impression(), *closing()])
    assert not feed(settlement, [impression(), stream_end(started_ms=0, event_ms=10, played_ms=10)])
    assert settlement.counters["impressions_too_late"] == settlement.counters["streams_too_late"] == 1


def test_the_least_recently_active_leave_first_and_their_exposures_are_settled() -> None:
    bounded = SettlementSettings(horizon_ms=100, correction_ms=1_000, lateness_ms=0, listeners_max=2)
    settlement = Settlement(bounded)
    dues = feed(settlement, [impression(event_id=f"i{n}", user_id=f"u{n}") for n in range(5)])
    assert [due.user_id for due in settled(dues)] == ["u0", "u1", "u2"]
    assert settlement.counters["listeners_evicted"] == settlement.counters["exposures_evicted"] == 3
    assert list(settlement.listeners) == ["u3", "u4"]
    assert settlement.exposures_open == 2


@pytest.mark.parametrize("idle", [True, False])
def test_a_silent_source_stops_holding_the_watermark_back(idle: bool) -> None:
    settlement = Settlement(SETTINGS)
    feed(settlement, [impression(event_ms=0), impression(event_id="later", event_ms=1_000)])
    for wall_ms in range(0, SETTINGS.idle_ms + (1 if idle else 0), 500):
        settlement.watermark.tick(wall_ms)
    assert bool(settled(settlement.advance())) is idle


def test_our_own_standing_still_makes_no_source_idle() -> None:
    settlement = Settlement(SETTINGS)
    feed(settlement, [impression(event_ms=0), impression(event_id="later", event_ms=1_000)])
    settlement.watermark.tick(0)
    settlement.watermark.tick(10 * SETTINGS.idle_ms)
    assert not settled(settlement.advance())


def test_a_source_with_more_to_read_is_not_silent() -> None:
    settlement = Settlement(SETTINGS)
    feed(settlement, [impression(event_ms=0), impression(event_id="later", event_ms=1_000)])
    for wall_ms in range(0, 10 * SETTINGS.idle_ms, 500):
        settlement.watermark.tick(wall_ms, behind={"stream-ends"})
    assert not settled(settlement.advance())


USERS, CARDS = ("u1", "u2"), ("c1", "c2", "c3")
TIMES = st.integers(0, 1_500)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    events: list[Event] = []
    for number in range(draw(st.integers(0, 6))):
        cards = draw(st.lists(st.sampled_from(CARDS), unique=True, max_size=3))
        user_id, event_ms = draw(st.sampled_from(USERS)), draw(TIMES)
        events.append(impression(event_id=f"i{number}", user_id=user_id, event_ms=event_ms, cards=cards))
    for number in range(draw(st.integers(0, 8))):
        started_ms, length_ms = draw(TIMES), draw(st.integers(0, 500))
        events.append(
            stream_end(
                event_id=f"s{number}",
                user_id=draw(st.sampled_from(USERS)),
                card_id=draw(st.sampled_from(CARDS)),
                started_ms=started_ms,
                event_ms=started_ms + length_ms,
                played_ms=length_ms,
                impression_id=draw(st.sampled_from([None, None, "i0", "i1", "i9"])),
            )
        )
    return sorted(events, key=lambda event: event.event_ms)


def cut(events: Sequence[Event], places: Iterable[int]) -> list[Sequence[Event]]:
    edges = [0, *sorted(place % (len(events) + 1) for place in places), len(events)]
    return [events[a:b] for a, b in itertools.pairwise(edges)]


PLACES = st.lists(st.integers(0, 50), max_size=6)


@given(histories(), PLACES)
def test_batches_change_nothing(events: list[Event], places: list[int]) -> None:
    assert run(cut(events, places)) == run([events])


@given(histories(), st.randoms(use_true_random=False), PLACES)
def test_disorder_within_the_lateness_and_duplicates_change_nothing(
    events: list[Event], random: Random, places: list[int]
) -> None:
    shaken = sorted(events, key=lambda event: event.event_ms + random.uniform(0, LATENESS_MS))
    doubled = [event for event in shaken for _ in range(random.choice((1, 1, 2)))]
    assert run(cut(doubled, places)) == run([events])


@given(histories(), PLACES)
def test_how_the_two_sources_interleave_changes_nothing(events: list[Event], places: list[int]) -> None:
    shown = [event for event in events if isinstance(event, Impression)]
    ended = [event for event in events if isinstance(event, StreamEnd)]
    assert (
        run([*cut(shown, places), *cut(ended, places)])
        == run([*cut(ended, places), *cut(shown, places)])
        == run([events])
    )


@settings(max_examples=200)
@given(histories(), PLACES)
def test_a_crash_anywhere_changes_nothing(events: list[Event], places: list[int]) -> None:
    rows: dict[bytes, bytes] = {}
    settlement, dues = Settlement(SETTINGS), []
    for batch in [*cut(events, places), closing()]:
        settlement = restore(SETTINGS, rows.items())
        dues.extend(feed(settlement, batch))
        for key, value in changed_rows(settlement):
            if value is None:
                rows.pop(key, None)
            else:
                rows[key] = value
    assert facts(dues) == run([events])


@given(histories(), PLACES)
def test_every_exposure_settles_exactly_once(events: list[Event], places: list[int]) -> None:
    settlement = Settlement(SETTINGS)
    dues = [due for batch in [*cut(events, places), closing()] for due in feed(settlement, batch)]
    times = Counter(outcome.exposure for due in settled(dues) for outcome in outcomes_of(due))
    expected = sum(event.exposure_count for event in events if isinstance(event, Impression))
    assert len(times) == expected
    assert set(times.values()) <= {1}
