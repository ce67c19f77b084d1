"""A listener who asks to be forgotten: in order, exactly once, by the learner too, and nobody else notices."""

from hashlib import sha256

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from processors.cocluster.online.settings import LearnerSettings
from processors.learner import Learner
from processors.listeners_settings import ListenersSettings
from processors.ranking.ranking_settings import RankingSettings, SurfaceSettings
from schemas.codec import decode, encode
from schemas.dead_letters import HEADER_DETAIL, DeadLetter
from schemas.interactions import FORGOTTEN_KEY, Interaction, Interactions, ListenerForgotten
from schemas.rankings import ranking_key
from streams.auditing.books import Books
from streams.auditing.reading import LogRecord
from streams.dead_letter_replay import Letter
from streams.exactly_once.records.placement import partition_of
from streams.exactly_once.records.read_records import ReadRecord, Records
from streams.forgetting.traces import Traces
from streams.tasks.learner_task import LearnerTask
from streams.tasks.listeners_task import ListenersTask
from streams.tasks.routing import key_of, topic_of
from tests.builders import impression, stream_end

PARTITION = 0
GONE, STAYS = b"user-1", b"user-2"


def batch(values: list[tuple[bytes, bytes | None]], topic: str = "impressions", stamp_ms: int = 5) -> Records:
    return Records.of(ReadRecord(topic, PARTITION, at, stamp_ms, *it) for at, it in enumerate(values))


def page(user: bytes, number: int) -> tuple[bytes, bytes]:
    return user, encode(impression(event_id=f"i{number}", user_id=user.decode(), event_ms=0))


def test_a_null_value_forgets_what_came_before_it_and_nothing_after() -> None:
    task = ListenersTask(ListenersSettings(), PARTITION, 1)
    out = list(task.process("impressions", batch([page(GONE, 1), page(STAYS, 2), (GONE, None), page(GONE, 3)])))
    assert [(it.topic, it.key, it.value) for it in out if it.topic == "shelf-rankings"] == [
        ("shelf-rankings", ranking_key("user-1", "home").encode(), None)
    ]
    (told,) = [decode("interactions", it.value) for it in out if it.topic == "interactions"]
    assert told == ListenerForgotten(source="listeners/0", user_id="user-1")
    assert key_of(told) == FORGOTTEN_KEY.encode()
    assert topic_of(ListenerForgotten) == "interactions"
    counters = task.core.settlement.counters
    assert (counters["listeners_forgotten"], counters["exposures_forgotten"]) == (1, 1)
    assert (task.core.settlement.listeners_count, task.core.settlement.exposures_open) == (2, 2)


def test_a_null_value_that_names_nobody_is_a_dead_letter_and_one_in_a_wrong_partition_too() -> None:
    task = ListenersTask(ListenersSettings(), PARTITION, 1)
    out = list(task.process("impressions", batch([(b"\xff", None), (b"", None), (b"u" * 257, None)])))
    assert [it.topic for it in out] == ["impressions.dlq"] * 3


def test_rankings_of_surfaces_that_the_settings_no_longer_name_go_as_well() -> None:
    rows = dict[bytes, bytes | None]()
    for named in ({"search": SurfaceSettings()}, {"sleep": SurfaceSettings()}, {}):
        task = ListenersTask(ListenersSettings(ranking=RankingSettings(surfaces=named)), PARTITION, 1)
        task.core.restore((key, value) for key, value in rows.items() if value is not None)
        task.process("impressions", batch([page(GONE, len(rows))]))
        task.conclude()
        rows |= dict(task.core.changed_rows())
    out = task.process("impressions", batch([(GONE, None)]))
    keys = {it.key for it in out if it.topic == "shelf-rankings" and it.value is None}
    assert keys == {ranking_key("user-1", surface).encode() for surface in ("home", "search", "sleep")}


@given(st.text(min_size=1, max_size=40), st.integers(0, 3), st.sampled_from(["impressions", "stream-ends"]))
def test_a_request_in_a_wrong_partition_is_told_and_keeps_neither_id_nor_headers(
    text: str, partition: int, topic: str
) -> None:
    user_id = f"listener {text}"
    assume(partition_of(user_id.encode(), 4) != partition)
    task = ListenersTask(ListenersSettings(), partition, 4)
    record = ReadRecord(topic, partition, 7, 5, user_id.encode(), None, (("who", user_id.encode()),))
    (out,) = task.process(topic, Records.of([record]))
    assert (out.topic, out.value, out.partition) == (topic + ".dlq", None, partition)
    assert not Traces([user_id]).in_record(out.key, out.value, [it for it in out.headers if it[0] != HEADER_DETAIL])
    why = DeadLetter.from_headers(out.headers)
    assert (why.reason, why.offset) == ("wrong_partition", 7)
    assert out.key == b"sha256:" + sha256(user_id.encode()).hexdigest().encode()
    letter = Letter(partition=partition, offset=0, key=out.key, value=None, headers=tuple(out.headers), why=why)
    assert not letter.can_be_sent
    source, kept = (topic, partition, 7, record.key, None), (topic + ".dlq", partition, 0, out.key, None, out.headers)
    for key, is_wrong in ((out.key, False), (record.key, True)):
        books = Books()
        books.take(LogRecord(*kept)._replace(key=key))
        books.take(LogRecord(*source))
        assert bool(books.letters_changed) is is_wrong
        assert not books.forgotten


@pytest.mark.parametrize("comes_back", [False, True])
def test_what_had_become_due_before_the_request_is_told_before_it(comes_back: bool) -> None:
    """Else the learner would forget her first, and hear of her afterwards."""
    task, learning = ListenersTask(ListenersSettings(), PARTITION, 1), learner()
    late_ms = 50 * 60_000
    shown = [page(GONE, 1), (STAYS, encode(impression(event_id="late", user_id="user-2", event_ms=late_ms)))]
    ended = [
        (GONE, encode(stream_end(event_id="s1", user_id="user-1", event_ms=60_000))),
        (STAYS, encode(stream_end(event_id="s2", user_id="user-2", started_ms=late_ms, event_ms=late_ms))),
    ]
    out = [*task.process("impressions", batch(shown, "impressions", late_ms))]
    out += task.process("stream-ends", batch(ended, "stream-ends", late_ms))
    out += task.process("impressions", batch([(GONE, None), *([page(GONE, 3)] if comes_back else [])]))
    out += task.conclude()
    told = [
        ReadRecord("interactions", 0, at, 5, it.key, it.value)
        for at, it in enumerate(out)
        if it.topic == "interactions"
    ]
    assert [record.key for record in told] == [b"listeners/0", FORGOTTEN_KEY.encode()]
    assert b'"user_id":["user-1"]' in (told[0].value or b"")
    learning.process("interactions", Records.of(told))
    assert not any(b"user-1" in row.key + (row.value or b"") for row in learning.changed())
    assert learning.core.counters["users_forgotten"] == 1
    assert sum(it.topic == "outcomes" for it in out) == 1 + comes_back, "what settled before is counted"
    assert sum(it.topic == "engagement" for it in out) >= 1


@settings(max_examples=25)
@given(st.lists(st.sampled_from(["page", "stream", "forget", "others", "commit"]), max_size=14))
def test_wherever_transactions_end_nobody_knows_her_after_the_last_request(history: list[str]) -> None:
    """Twenty minutes pass with each event, so that streams and exposures become due at any place."""
    task, learning, out, rows = (
        ListenersTask(ListenersSettings(), PARTITION, 1),
        learner(),
        [],
        dict[bytes, bytes | None](),
    )
    for number, what in enumerate([*history, "page", "stream", "others", "forget", "commit"]):
        at_ms = 20 * 60_000 * (number + 1)
        user = STAYS if what == "others" else GONE
        if what == "forget":
            out += task.process("impressions", batch([(GONE, None)], "impressions", at_ms))
        elif what == "commit":
            out += task.conclude()
            rows |= dict(task.core.changed_rows())
        if what in {"page", "others"}:
            shown = encode(impression(event_id=f"i{number}", user_id=user.decode(), event_ms=at_ms))
            out += task.process("impressions", batch([(user, shown)], "impressions", at_ms))
        if what in {"stream", "others"}:
            times = {"started_ms": at_ms - 60_000, "event_ms": at_ms}
            ended = encode(stream_end(event_id=f"s{number}", user_id=user.decode(), **times))
            out += task.process("stream-ends", batch([(user, ended)], "stream-ends", at_ms))
    rankings = {it.key: it.value for it in out if it.topic == "shelf-rankings"}
    told = [it for it in out if it.topic == "interactions"]
    learning.process(
        "interactions", Records.of(ReadRecord("interactions", 0, n, 5, it.key, it.value) for n, it in enumerate(told))
    )
    rows |= {row.key: row.value for row in learning.changed()}
    traces = Traces(["user-1"])
    assert not any(traces.in_state(key, value) for key, value in rows.items() if value is not None)
    assert not any(traces.in_record(key, value) for key, value in rankings.items() if value is not None)


def learner() -> LearnerTask:
    how = LearnerSettings(user_groups=2, card_groups=2, warmup_events=20, refresh_events=20)
    return LearnerTask(Learner(how, ("static",), seed=1), publish_interval_ms=1)


def told(kind: Interactions | ListenerForgotten, offset: int) -> ReadRecord:
    return ReadRecord("interactions", 0, offset, 5, key_of(kind), encode(kind))


def streams(user: str, first: int, count: int) -> Interactions:
    return Interactions.of(
        "listeners/0",
        [
            Interaction(event_id=f"s{n}", user_id=user, card_id=f"c{n % 5}", event_ms=n, played_ms=1_000 * n)
            for n in range(first, first + count)
        ],
    )


@settings(max_examples=20)
@given(st.lists(st.sampled_from(["gone", "stays", "forget"]), min_size=1, max_size=12), st.booleans())
def test_no_row_of_the_learner_names_her_and_it_goes_on(history: list[str], in_one: bool) -> None:
    task, rows = learner(), dict[bytes, bytes | None]()
    history = [*history, "gone", "forget", "forget", "stays"]
    records = [
        told(ListenerForgotten(source="listeners/0", user_id="gone") if it == "forget" else streams(it, 9 * n, 9), n)
        for n, it in enumerate(history)
    ]
    for some in [records] if in_one else [[record] for record in records]:
        assert not list(task.process("interactions", Records.of(some)))
        rows |= {row.key: row.value for row in task.changed()}
    kept = {key: value for key, value in rows.items() if value is not None}
    assert not any(b"gone" in key + value for key, value in kept.items())
    assert any(b"stays" in value for value in kept.values())
    again = learner()
    again.core.restore(kept.items())
    again.process("interactions", Records.of([told(streams("gone", 900, 9), 99)]))
    assert any(b"gone" in (row.value or b"") for row in again.changed())
