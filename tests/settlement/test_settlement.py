"""Settlement: histories in, facts out; the same facts however the history is cut, batched, doubled or shuffled."""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.settlement.book import compaction
from processors.settlement.settings import SettlementSettings
from processors.settlement.settlement import Settlement
from processors.settlement.state.rows import changed_rows, restore
from schemas.fields import EVENT_MS_MAX
from schemas.impressions import Impression
from schemas.stream_ends import StreamEnd, StreamEvent, StreamPlaying
from tests.builders import impression, stream_end, stream_playing
from tests.settlement import reference
from tests.settlement.facts import Corrected, Ended, Fact, Settled, facts_of, facts_told_plainly

LATENESS_MS = 50
SETTINGS = SettlementSettings(
    horizon_ms=100, attribution_ms=100, correction_ms=1_000, lateness_ms=LATENESS_MS, plays_max=3
)
END_MS = 5_000
Event = Impression | StreamEnd | StreamPlaying


def closing(end_ms: int = END_MS) -> list[Event]:
    """Events of somebody else, so late that all before them is settled."""
    return [
        impression(event_id="end", user_id="clock", event_ms=end_ms, cards=()),
        stream_end(event_id="end", user_id="clock", started_ms=end_ms, event_ms=end_ms),
    ]


def feed(settlement: Settlement, events: Iterable[Event]) -> list[Fact]:
    return feed_clocked(settlement, [(event, EVENT_MS_MAX) for event in events])


def feed_clocked(settlement: Settlement, events: Sequence[tuple[Event, int]]) -> list[Fact]:
    """Events, each with the time by a clock that its sender does not set."""
    shown = [(event, clock_ms) for event, clock_ms in events if isinstance(event, Impression)]
    ended = [(event, clock_ms) for event, clock_ms in events if isinstance(event, StreamEvent)]
    settlement.arrive_impressions([(0, event) for event, _ in shown], [clock_ms for _, clock_ms in shown])
    settlement.arrive_streams([(0, event) for event, _ in ended], [clock_ms for _, clock_ms in ended])
    return facts_of(settlement, settlement.hand_over())


def known(facts: Iterable[Fact]) -> list[str]:
    """Facts about anybody but the clock, in an order of their own."""
    return sorted(repr(fact) for fact in facts if fact.user_id != "clock")


def run(batches: Iterable[Sequence[Event]]) -> list[str]:
    settlement = Settlement(SETTINGS)
    return known([fact for batch in [*batches, closing()] for fact in feed(settlement, batch)])


def settled(facts: Iterable[Fact]) -> list[Settled]:
    return [fact for fact in facts if isinstance(fact, Settled)]


def played(fact: Settled) -> tuple[int, ...]:
    return tuple(exposure[6] for exposure in fact.exposures)


def test_an_exposure_without_a_stream_settles_as_zero_at_its_horizon() -> None:
    settlement = Settlement(SETTINGS)
    assert not feed(settlement, [impression(event_ms=0, cards=("c1", "c2"), seen=(1,))])
    (fact,) = settled(feed(settlement, closing()))
    assert (fact.settled_ms, [exposure[3] for exposure in fact.exposures], played(fact)) == (100, ["c2"], (0,))


def test_a_card_that_was_not_seen_is_no_exposure() -> None:
    facts = feed(Settlement(SETTINGS), [impression(cards=("c1", "c2"), seen=()), *closing()])
    assert settled(facts)[0].exposures == ()


def test_a_stream_goes_to_the_newest_exposure_of_its_card_before_it_began() -> None:
    shown = [impression(event_id=f"i{at}", event_ms=at) for at in (0, 20, 40)]
    facts = feed(Settlement(SETTINGS), [*shown, stream_end(started_ms=30, event_ms=60, played_ms=30), *closing()])
    assert {fact.impression_id: played(fact) for fact in settled(facts)} == {"i0": (0,), "i20": (30,), "i40": (0,)}


def test_a_stream_that_names_its_impression_goes_there() -> None:
    shown = [impression(event_id=f"i{at}", event_ms=at) for at in (0, 20)]
    named = stream_end(started_ms=30, event_ms=60, played_ms=30, impression_id="i0")
    facts = settled(feed(Settlement(SETTINGS), [*shown, named, *closing()]))
    assert {fact.impression_id: played(fact) for fact in facts} == {"i0": (30,), "i20": (0,)}


def test_a_stream_that_outlasts_the_horizon_corrects_the_provisional_zero() -> None:
    facts = feed(
        Settlement(SETTINGS), [impression(), stream_end(started_ms=10, event_ms=400, played_ms=390), *closing()]
    )
    assert played(settled(facts)[0]) == (0,)
    (corrected,) = [fact for fact in facts if isinstance(fact, Corrected)]
    assert (corrected.previous_ms, corrected.played_ms) == (0, 390)


def test_organic_play_is_an_interaction_and_no_outcome() -> None:
    settlement = Settlement(SETTINGS)
    facts = feed(settlement, [stream_end(card_id="c9"), *closing(70_000)])
    assert [fact.variant is None for fact in facts if isinstance(fact, Ended)][0]
    assert settlement.counters["streams_organic"] >= 1


def test_what_is_still_playing_at_the_horizon_counts_as_far_as_it_was_heard_and_its_end_as_the_rest() -> None:
    settlement = Settlement(SETTINGS)
    so_far = stream_playing(started_ms=10, event_ms=60, played_ms=50)
    facts = feed(settlement, [impression(event_ms=0), so_far, *closing(200)])
    assert [played(fact) for fact in settled(facts) if fact.impression_id == "i1"] == [(50,)]
    later = stream_playing(event_id="p2", started_ms=10, event_ms=250, played_ms=240)
    facts = feed(settlement, [later, stream_end(started_ms=10, event_ms=400, played_ms=390), *closing()])
    corrections = [fact for fact in facts if isinstance(fact, Corrected)]
    assert [(fact.previous_ms, fact.played_ms, fact.stream_count) for fact in corrections] == [
        (50, 240, 1),
        (240, 390, 1),
    ]
    ended = [fact for fact in facts if isinstance(fact, Ended) and not fact.is_playing and fact.user_id == "u1"]
    assert [fact.played_ms for fact in ended] == [390]
    assert settlement.counters["streams_playing"] == 2
    assert settlement.counters["streams_attributed"] == 1


def test_what_was_heard_of_a_stream_whose_end_says_less_or_never_comes_remains() -> None:
    settlement = Settlement(SETTINGS)
    shown = impression(event_ms=0, cards=("c1", "c2"))
    less = [
        stream_playing(started_ms=10, event_ms=60, played_ms=50),
        stream_end(started_ms=10, event_ms=70, played_ms=20),
    ]
    endless = stream_playing(event_id="p2", stream_id="s2", card_id="c2", started_ms=10, event_ms=80, played_ms=70)
    facts = feed(settlement, [shown, *less, endless, *closing(200)])
    assert [played(fact) for fact in settled(facts) if fact.impression_id == "i1"] == [(50, 70)]
    assert not [fact for fact in [*facts, *feed(settlement, closing())] if isinstance(fact, Corrected)]


@pytest.mark.parametrize(("longest_only", "expected"), [(False, (50, 120)), (True, (30, 70))])
def test_streams_of_an_exposure_are_added_or_the_longest_counts(longest_only: bool, expected: tuple[int, int]) -> None:
    how = SettlementSettings(
        horizon_ms=100, attribution_ms=100, correction_ms=1_000, lateness_ms=0, longest_only=longest_only
    )
    settlement = Settlement(how)
    streams = [
        stream_end(event_id=f"s{at}", started_ms=at, event_ms=at + ms, played_ms=ms)
        for at, ms in ((10, 20), (40, 30), (90, 70))
    ]
    facts = feed(settlement, [impression(event_ms=0), *streams, *closing()])
    assert [played(fact) for fact in settled(facts) if fact.impression_id == "i1"] == [(expected[0],)]
    assert [(fact.previous_ms, fact.played_ms) for fact in facts if isinstance(fact, Corrected)] == [expected]


def test_beyond_the_correction_window_nothing_is_counted_twice_and_the_drop_is_counted() -> None:
    settlement = Settlement(SETTINGS)
    feed(settlement, [impression(), *closing()])
    assert not feed(settlement, [impression(), stream_end(started_ms=0, event_ms=10, played_ms=10)])
    assert settlement.counters["impressions_too_late"] == settlement.counters["streams_too_late"] == 1


def test_the_least_recently_active_leave_first_and_their_exposures_are_settled() -> None:
    bounded = SettlementSettings(horizon_ms=100, correction_ms=1_000, lateness_ms=0, listeners_max=2)
    settlement = Settlement(bounded)
    facts = feed(settlement, [impression(event_id=f"i{n}", user_id=f"u{n}") for n in range(5)])
    assert [fact.user_id for fact in settled(facts)] == ["u0", "u1", "u2"]
    assert settlement.counters["listeners_evicted"] == settlement.counters["exposures_evicted"] == 3
    assert settlement.exposures_open == settlement.listeners_count == 2


@pytest.mark.parametrize("idle", [True, False])
def test_a_silent_source_stops_holding_the_watermark_back(idle: bool) -> None:
    settlement = Settlement(SETTINGS)
    feed(settlement, [impression(event_ms=0), impression(event_id="later", event_ms=1_000)])
    for wall_ms in range(0, SETTINGS.idle_ms + (1 if idle else 0), 500):
        settlement.tick(wall_ms)
    assert bool(len(settlement.hand_over().pages)) is idle


def test_our_own_standing_still_makes_no_source_idle() -> None:
    settlement = Settlement(SETTINGS)
    feed(settlement, [impression(event_ms=0), impression(event_id="later", event_ms=1_000)])
    settlement.tick(0)
    settlement.tick(10 * SETTINGS.idle_ms)
    assert not len(settlement.hand_over().pages)


def test_a_source_with_more_to_read_is_not_silent() -> None:
    settlement = Settlement(SETTINGS)
    feed(settlement, [impression(event_ms=0), impression(event_id="later", event_ms=1_000)])
    for wall_ms in range(0, 10 * SETTINGS.idle_ms, 500):
        settlement.tick(wall_ms, behind={"stream-ends"})
    assert not len(settlement.hand_over().pages)


@pytest.mark.parametrize("restarts", [1, 2, 3])
def test_a_longer_horizon_settles_nothing_twice_and_leaves_nothing_open(restarts: int) -> None:
    """Neither what had settled by the shorter one, nor what comes late from among it."""
    settlement = Settlement(SETTINGS)
    facts = feed(settlement, [impression(event_ms=0), *closing(300)])
    patient = SettlementSettings(horizon_ms=900, correction_ms=1_000, lateness_ms=LATENESS_MS)
    kept: dict[bytes, bytes | None] = {}
    for number in range(restarts):
        kept |= dict(changed_rows(settlement))
        settlement = restore(patient, [(key, value) for key, value in kept.items() if value is not None])
        facts += feed(settlement, [impression(event_id=f"late{number}", event_ms=10 + number)])
    facts += feed(settlement, closing())
    assert Counter(fact.impression_id for fact in settled(facts) if fact.user_id != "clock") == Counter(
        ["i1", *(f"late{number}" for number in range(restarts))]
    )


USERS, CARDS = ("u1", "u2"), ("c1", "c2", "c3")
TIMES = st.integers(0, 1_500)


@st.composite
def histories(draw: st.DrawFn, users: Sequence[str] = USERS, longest_ms: int = 500) -> list[Event]:
    events: list[Event] = []
    for number in range(draw(st.integers(0, 6))):
        cards = draw(st.lists(st.sampled_from(CARDS), unique=True, max_size=3))
        user_id, event_ms = draw(st.sampled_from(users)), draw(TIMES)
        events.append(
            impression(
                event_id=f"i{number}",
                user_id=user_id,
                event_ms=event_ms,
                cards=cards,
                is_order_logged=draw(st.booleans()),
            )
        )
    for number in range(draw(st.integers(0, 8))):
        started_ms, length_ms = draw(TIMES), draw(st.integers(0, longest_ms))
        events.append(
            stream_end(
                event_id=f"s{number}",
                user_id=draw(st.sampled_from(users)),
                card_id=draw(st.sampled_from(CARDS)),
                started_ms=started_ms,
                event_ms=started_ms + length_ms,
                played_ms=length_ms,
                impression_id=draw(st.sampled_from([None, None, "i0", "i1", "i9"])),
            )
        )
    for number in range(draw(st.integers(0, 6))):
        events.append(draw(playing(events, number, users)))
    return sorted(events, key=lambda event: event.event_ms)


@st.composite
def playing(draw: st.DrawFn, events: Sequence[Event], number: int, users: Sequence[str]) -> StreamPlaying:
    """A stream of the history while it was playing, or one whose end never comes."""
    ended = [event for event in events if isinstance(event, StreamEnd)]
    if ended and draw(st.booleans()):
        of = draw(st.sampled_from(ended))
    else:
        started_ms, card_id = draw(TIMES), draw(st.sampled_from(CARDS))
        at_ms = started_ms + draw(st.integers(0, 500))
        endless = {"card_id": card_id, "started_ms": started_ms, "event_ms": at_ms, "played_ms": at_ms - started_ms}
        name = draw(st.sampled_from(["endless-1", "endless-2"]))
        of = stream_end(event_id=name, user_id=draw(st.sampled_from(users)), **endless)
    event_ms = draw(st.integers(of.started_ms, of.event_ms))
    heard_ms = draw(st.sampled_from([event_ms - of.started_ms, of.played_ms + 7, of.played_ms]))
    # a client may contradict itself
    other_card, other_page = (
        draw(st.sampled_from([None, None, None, *CARDS])),
        draw(st.sampled_from([0, 0, 0, "i0", "i1"])),
    )
    return stream_playing(
        event_id=f"p{number}",
        stream_id=of.event_id,
        user_id=of.user_id,
        card_id=other_card or of.card_id,
        started_ms=of.started_ms,
        event_ms=event_ms,
        played_ms=heard_ms,
        impression_id=other_page or of.impression_id,
    )


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
    ended = [event for event in events if isinstance(event, StreamEvent)]
    assert (
        run([*cut(shown, places), *cut(ended, places)])
        == run([*cut(ended, places), *cut(shown, places)])
        == run([events])
    )


def crashing(events: Sequence[Event], places: Iterable[int], how: SettlementSettings = SETTINGS) -> list[Fact]:
    """Facts of a settlement that is restored from its rows before every batch."""
    rows: dict[bytes, bytes] = {}
    facts: list[Fact] = []
    for batch in [*cut(events, places), closing()]:
        settlement = restore(how, rows.items())
        facts.extend(feed(settlement, batch))
        for key, value in changed_rows(settlement):
            if value is None:
                rows.pop(key, None)
            else:
                rows[key] = value
    return facts


@settings(max_examples=200)
@given(histories(), PLACES)
def test_a_crash_anywhere_changes_nothing(events: list[Event], places: list[int]) -> None:
    assert known(crashing(events, places)) == run([events])


@settings(max_examples=200)
@given(histories(), PLACES)
def test_memory_that_is_let_go_of_at_every_row_changes_nothing(events: list[Event], places: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compaction, "TEXT_MIN", 1)
        patch.setattr(compaction, "EXPOSURES_MIN", 1)
        patch.setattr(compaction, "PLAYS_MIN", 1)
        settlement, facts = Settlement(SETTINGS), []
        for batch in [*cut(events, places), closing()]:
            facts += feed(settlement, batch)
            list(changed_rows(settlement))
    assert known(facts) == run([events])


@given(histories(), PLACES)
def test_every_exposure_settles_exactly_once(events: list[Event], places: list[int]) -> None:
    settlement = Settlement(SETTINGS)
    facts = [fact for batch in [*cut(events, places), closing()] for fact in feed(settlement, batch)]
    times = Counter((fact.impression_id, *exposure[:2]) for fact in settled(facts) for exposure in fact.exposures)
    expected = sum(event.exposure_count for event in events if isinstance(event, Impression))
    assert len(times) == expected
    assert set(times.values()) <= {1}


def test_a_robot_leaves_before_its_row_is_too_large_and_nobody_else_notices() -> None:
    how = SettlementSettings(horizon_ms=100, correction_ms=100_000, lateness_ms=0, listener_bytes_max=2_000)
    settlement, alone, facts, facts_alone = Settlement(how), Settlement(how), list[Fact](), list[Fact]()
    for n in range(20):
        person: list[Event] = [
            impression(event_id=f"i{n}", user_id=f"u{n}", event_ms=10 * n),
            stream_end(event_id=f"s{n}", user_id=f"u{n}", started_ms=10 * n, event_ms=10 * n + 5),
        ]
        shown = [impression(event_id=f"r{at}", user_id="robot", event_ms=at) for at in range(10 * n, 10 * n + 10)]
        played = [
            stream_end(event_id=page.event_id, user_id="robot", started_ms=page.event_ms, event_ms=page.event_ms)
            for page in shown
        ]
        facts += feed(settlement, [*person, *shown, *played])
        facts_alone += feed(alone, person)
        assert max(len(value) for _, value in changed_rows(settlement) if value is not None) <= 2_000
    facts += feed(settlement, closing())
    assert known(fact for fact in facts if fact.user_id != "robot") == known([*facts_alone, *feed(alone, closing())])
    assert [len(settled(facts)), len({fact.impression_id for fact in settled(facts)})] == [220, 220]
    assert settlement.counters["listeners_oversized"] == settlement.counters["listeners_evicted"] >= 2
    assert not alone.counters["listeners_oversized"]


MANY = tuple(f"u{number}" for number in range(6))
BOUNDED = [
    SETTINGS,
    SettlementSettings(horizon_ms=100, attribution_ms=300, correction_ms=400, lateness_ms=0, plays_max=3),
    SettlementSettings(horizon_ms=100, correction_ms=1_000, lateness_ms=20, listeners_max=2, plays_max=2),
    SettlementSettings(horizon_ms=100, correction_ms=1_000, lateness_ms=20, exposures_max=3),
    SettlementSettings(horizon_ms=100, correction_ms=1_000, lateness_ms=20, longest_only=True),
]


@settings(max_examples=500)
@given(
    st.sampled_from(BOUNDED),
    histories(MANY, longest_ms=1_200),
    st.randoms(use_true_random=False),
    PLACES,
    st.booleans(),
)
def test_it_agrees_with_settlement_told_plainly(
    how: SettlementSettings, events: list[Event], random: Random, places: list[int], in_disorder: bool
) -> None:
    if in_disorder:
        random.shuffle(events)
    events = [event for event in events for _ in range(random.choice((1, 1, 2)))]
    plain, compiled = reference.Settlement(how), Settlement(how)
    for batch in [*cut(events, places), closing()]:
        clocked = [(event, event.event_ms + random.choice((EVENT_MS_MAX, 0, -1, -30, -400))) for event in batch]
        shown = [(event, clock_ms) for event, clock_ms in clocked if isinstance(event, Impression)]
        ended = [(event, clock_ms) for event, clock_ms in clocked if isinstance(event, StreamEvent)]
        plain.arrive_impressions([(0, event) for event, _ in shown], [clock_ms for _, clock_ms in shown])
        plain.arrive_streams([(0, event) for event, _ in ended], [clock_ms for _, clock_ms in ended])
        assert known(feed_clocked(compiled, clocked)) == known(facts_told_plainly(plain.advance()))
        assert compiled.counters == +plain.counters
        assert compiled.exposures_open == plain.exposures_open
        kept = [impression for listener in plain.listeners.values() for impression in listener.impressions.values()]
        assert compiled.exposures_unsettled == sum(len(it.cards) for it in kept if not it.settled)
        list(changed_rows(compiled))
        assert compiled.listeners_count == len(plain.listeners)
        for user_id in random.sample(MANY, random.choice((0, 0, 1))):
            plain.forget(user_id)
            compiled.forget(user_id)
