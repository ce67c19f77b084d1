"""The console's state is a fold: records in, in whatever batches; what exceeds a bound leaves, the oldest first."""

import pytest
from msgspec.structs import replace

from schemas.codec import encode
from schemas.outcomes import ExposureKey, OutcomeSettled, OutcomesSettled
from schemas.stream_ends import StreamEnd
from streams.auditing.reading import LogRecord
from streams.console.console_state import BUCKETS_MAX, ConsoleState
from streams.console.letter_box import EXAMPLES, SHOWN_BYTES
from streams.console.listener_log import OUTCOMES_KEPT, STREAMS_KEPT, ListenerLog
from streams.console.views.flow_view import flow_page
from streams.console.views.listener_view import listener_page
from tests.console.told_records import NOW_MS, everything, incident, learned, letter, record, state_of


def shown(state: ConsoleState) -> object:
    user_id = learned().pages[0].user_id
    return (
        state.co_clusters, state.cards, state.card_groups, state.values, state.metrics, state.newest_ms,
        state.letters.counts, state.incidents.incidents(), listener_page(state, user_id=user_id), dict(state.version),
    )  # fmt: skip


def stream(event_id: str, user_id: str, *, event_ms: int) -> StreamEnd:
    return StreamEnd(event_id=event_id, user_id=user_id, card_id="c1", started_ms=0, event_ms=event_ms, played_ms=0)


def outcome(slot: int, user_id: str) -> OutcomeSettled:
    return OutcomeSettled(
        impression_id="i", row=0, slot=slot, shelf_id="all", user_id=user_id, card_id="c1", shown_ms=5, settled_ms=9,
        played_ms=0, stream_count=0, propensity=0.5,
    )  # fmt: skip


@pytest.mark.parametrize("size", [1, 7, 100])
def test_batches_do_not_matter(size: int) -> None:
    records = everything()
    state = state_of([])
    for start in range(0, len(records), size):
        state.take(records[start : start + size])
    assert shown(state) == shown(state_of(records))


def test_of_listeners_who_were_active_last_the_newest_is_kept() -> None:
    log = ListenerLog(listeners_max=2)
    for number in range(30):
        log.take_input("stream-ends", b"u1", encode(stream(f"s{number}", "u1", event_ms=number)))
    log.take_input("stream-ends", b"u2", b"no message")
    assert [one.event_id for one in log.streams("u1")] == [f"s{number}" for number in range(29, 29 - STREAMS_KEPT, -1)]
    for user in ("u2", "u3"):
        log.take_input("stream-ends", user.encode(), encode(stream("s", user, event_ms=99)))
    assert len(log) == 2
    assert not log.streams("u1"), "u1 was active longest ago"
    assert log.newest_event_ms == 99
    for slot in range(OUTCOMES_KEPT + 5):
        log.take_outcomes(OutcomesSettled.of([outcome(slot, "u3"), outcome(slot, "u1")]))
    assert log.outcome("u3", ExposureKey("i", 0, 4)) is None
    assert log.outcome("u3", ExposureKey("i", 0, 5)) is not None
    assert log.outcome("u1", ExposureKey("i", 0, 5)) is None
    assert log.settled_behind_ms == 99 - 9


def test_what_is_withdrawn_is_gone() -> None:
    first = learned()
    page, group = first.pages[0], first.card_groups[0]
    state = state_of(everything())
    assert group.card_id in state.cards
    state.take(
        [
            record("catalogue", group.card_id, None),
            record("card-groups", group.card_id, None),
            record("shelf-rankings", page.key, None),
            record("policy-values", "static/greedy stream-rate", None),
        ]
    )
    assert group.card_id not in state.cards
    assert group.card_id not in state.card_groups
    assert "static/greedy stream-rate" not in state.values
    assert not listener_page(state, user_id=page.user_id).is_own
    assert state.title_of(group.card_id) == group.card_id


def test_bytes_that_are_no_message_are_counted_and_passed_over() -> None:
    broken = [
        LogRecord("co-clusters", 0, 0, b"model", b"{", (), 5),
        LogRecord("impressions.dlq", 0, 0, b"", b"", (), 5),
    ]
    state = state_of([*broken, record("co-clusters", "model", learned().model)])
    assert state.unreadable_count == 1
    assert state.letters.not_ours_count == 1
    assert state.co_clusters == learned().model


def test_rankings_are_bounded_by_their_bytes_and_the_newest_stay() -> None:
    pages = learned().pages
    bound = sum(len(encode(page)) for page in pages[-3:])
    state = state_of([record("shelf-rankings", page.key, page) for page in pages], rankings_bytes_max=bound)
    table = state.rankings["home"]
    assert table.users() == [page.user_id for page in pages[-3:]]
    assert table.kept_bytes <= bound
    assert table.counters["evicted"] == len(pages) - 3
    assert listener_page(state, user_id=pages[0].user_id).evicted == len(pages) - 3


def test_each_surface_has_its_own_rankings() -> None:
    page = learned().pages[0]
    search = replace(page, surface="search", shelves=page.shelves[:1])
    state = state_of([record("shelf-rankings", one.key, one) for one in (page, search)], surfaces=("home", "search"))
    assert len(listener_page(state, user_id=page.user_id).shelves) == len(page.shelves)
    assert len(listener_page(state, user_id=page.user_id, surface="search").shelves) == 1


def test_buckets_and_letters_are_bounded() -> None:
    [bucket, *_] = state_of(everything()).metrics["all"]
    many = [record("engagement-metrics", "all", replace(bucket, bucket_ms=at)) for at in range(BUCKETS_MAX + 5)]
    letters = [letter(offset=offset, value=b"x" * 10_000) for offset in range(50)]
    state = state_of([*many, *letters])
    assert len(state.metrics["all"]) == BUCKETS_MAX
    assert state.letters.counts["impressions", "not_json"] == 50
    examples = state.letters.examples("impressions", "not_json")
    assert [one.offset for one in examples] == [49, 48, 47][:EXAMPLES]
    assert {len(one.shown) for one in examples} == {SHOWN_BYTES}


def test_an_older_message_of_an_incident_changes_nothing() -> None:
    told = [incident(number=2, state="closed", closed_as="new-level"), incident(number=1)]
    state = state_of([record("drift-incidents", "i1", one) for one in told])
    assert [one.number for one in state.incidents.incidents()] == [2]
    assert flow_page(state, NOW_MS).open_incidents == 0
