"""What comes from outside, through a worker: nothing stops the line, nothing is lost in silence."""

import json
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from zlib import crc32

import pytest

from processors.cocluster.online.settings import LearnerSettings
from schemas.codec import decode, encode
from schemas.dead_letters import own_headers
from schemas.outcomes import OutcomeCorrected, one_by_one
from schemas.topics import TOPICS
from streams.audit_rules import audit_rules
from streams.auditing.audit import audit
from streams.auditing.books import INPUTS, LETTERS
from streams.benchmarks.envelopes import SPOILERS
from streams.benchmarks.filling import keyed
from streams.benchmarks.raw_filling import fill_raw
from streams.cli.main import run as command
from streams.dead_letter_replay import read_letters
from streams.exactly_once.records.placement import partition_of
from streams.exactly_once.records.produced import Produced
from streams.settings import Settings
from streams.subscribers import AsyncRankingSubscriber, RankingSubscriber
from streams.worker_process import WorkerProcess
from tests.builders import card, impression, stream_end
from tests.outside.records import NOT_UTF8, letter_with_a_null_attempt, page_with_an_odd_name
from tests.pipeline.conftest import audited, records, run, wait_for

MakeWorker = Callable[[], WorkerProcess]
MINUTE_MS = 60_000


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def sent(event: object, **changes: object) -> Produced:
    it = keyed(event)  # type: ignore[arg-type]
    return Produced(it.topic, it.key, it.value)._replace(**changes)  # type: ignore[arg-type]


def counters(bootstrap: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for _, value in records(bootstrap, "engagement"):
        found.update(json.loads(value or b"{}")["counters"])
    return found


def letters(bootstrap: str) -> Counter[str]:
    both = [run(read_letters(bootstrap, f"{topic}.dlq")) for topic in ("impressions", "stream-ends")]
    return Counter(letter.why.reason for some in both for letter in some)


def test_headers_keys_and_stamps_end_nobody_who_reads(
    bootstrap: str, worker: MakeWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    random, stamp_ms = Random(5), now_ms()
    odd = [(NOT_UTF8, None)]
    good = [
        sent(make(event_id=f"e{number}", user_id=f"u{number % 7}", event_ms=stamp_ms - 5_000), timestamp_ms=stamp_ms)
        for number in range(60)
        for make in (impression, stream_end)
    ]
    spoiled = [random.choice(SPOILERS)(record, random) for record in good]
    cases = [page_with_an_odd_name(), letter_with_a_null_attempt()]
    around = [
        Produced("catalogue", b"c", encode(card("c", shelves=("s",))), odd),
        Produced("card-group-names", b"\xff", b"{", odd),
        Produced("shelf-rankings", b"\xff", b"{", odd),
        Produced("impressions.dlq", b"k", b"v", [("shelfwise.source.topic", None), *odd]),
    ]
    run(fill_raw(bootstrap, [*around, *spoiled, *cases]))
    with worker() as working:
        run(fill_raw(bootstrap, [*around, *spoiled, *cases]))
        wait_for(lambda: any(key == "zo\u00eb".encode() for key, _ in records(bootstrap, "shelf-rankings")), "the page")
        wait_for(
            lambda: audited(bootstrap, (*INPUTS, *LETTERS)).holds,
            "all",
        )
        working.refuse_if_dead()
        [null] = [it for it in run(read_letters(bootstrap, "impressions.dlq")) if it.key == b"k"][:1]
        assert (null.why.attempt, tuple(own_headers(null.headers))) == (1, (("shelfwise.attempt", None),))
        before = letters(bootstrap)
        server = ["--broker", bootstrap]
        assert command(["dlq", "list", *server, "--json"]) == 0
        listed = json.loads(capsys.readouterr().out)
        assert sum((Counter(it) for it in listed.values()), Counter[str]()) >= before
        assert command(["dlq", "show", "impressions", *server]) == 0
        capsys.readouterr()
        assert command(["dlq", "replay", "impressions", *server, "--json"]) == 0
        again = json.loads(capsys.readouterr().out)["replayed"]
        wait_for(lambda: letters(bootstrap).total() >= before.total() + again // 2, "what is still unreadable")
        working.refuse_if_dead()
    with RankingSubscriber(bootstrap) as subscriber:
        while not subscriber.is_caught_up:
            subscriber.poll()
        assert subscriber.get("zo\u00eb") is not None
    assert run(_asked(bootstrap, "zo\u00eb"))


async def _asked(bootstrap: str, user_id: str) -> bool:
    async with AsyncRankingSubscriber(bootstrap) as subscriber:
        await subscriber.caught_up()
        return subscriber.get(user_id) is not None


def played_of(bootstrap: str) -> dict[str, int]:
    """What was streamed of each page, by its user."""
    found: dict[str, int] = {}
    values = [value for _, value in records(bootstrap, "outcomes")]
    for one in one_by_one(decode("outcomes", value) for value in values):
        if one.user_id.startswith("listener"):
            settled = 0 if isinstance(one, OutcomeCorrected) else one.played_ms
            found[one.user_id] = max(found.get(one.user_id, 0), settled, one.played_ms)
    return found


def test_another_clients_partitioner_loses_nobodys_play_in_silence(
    bootstrap: str, worker: MakeWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    users, shown_ms = [f"listener-{number}" for number in range(20)], now_ms() - 40 * MINUTE_MS
    pages = [impression(event_id=f"page-{user}", user_id=user, event_ms=shown_ms) for user in users]
    plays = [
        stream_end(event_id=f"play-{user}", user_id=user, started_ms=shown_ms + 5, event_ms=shown_ms + MINUTE_MS)
        for user in users
    ]
    by_crc = [sent(page, partition=crc32(page.user_id.encode()) % 4) for page in pages]
    wrong = [page for page in by_crc if page.partition != partition_of(page.key or b"", 4)]
    run(fill_raw(bootstrap, [sent(card()), *by_crc, *map(sent, plays)]))
    assert command(["topics", "verify", "--broker", bootstrap]) == 1
    assert "looks like CRC32 (librdkafka" in capsys.readouterr().err
    with worker() as working:
        wait_for(lambda: letters(bootstrap)["wrong_partition"] == len(wrong), "the pages in wrong partitions")
        wait_for(lambda: counters(bootstrap)["dead_letters_wrong_partition"] == len(wrong), "the counter")
        assert command(["dlq", "replay", "impressions", "--reason", "wrong_partition", "--broker", bootstrap]) == 0
        clocks = [
            make(event_id=f"now-{number}", user_id=f"clock-{number}", event_ms=now_ms())
            for number in range(64)
            for make in (impression, stream_end)
        ]
        run(fill_raw(bootstrap, map(sent, clocks)))
        wait_for(lambda: Counter(played_of(bootstrap).values()) == Counter({MINUTE_MS: 20}), "every play")
        assert "looks like CRC32" in working.log.read_text()


def test_a_fast_clock_settles_nobody_elses_page_and_a_broken_one_is_set_aside(
    bootstrap: str, worker: MakeWorker
) -> None:
    users = [f"listener-{number}" for number in range(24)]
    with worker():
        started_ms = now_ms()
        pages = [impression(event_id=f"page-{user}", user_id=user, event_ms=started_ms) for user in users]
        fast = [
            make(event_id=f"fast-{number}", user_id=f"fast-{number}", event_ms=started_ms + 59 * MINUTE_MS)
            for number in range(64)
            for make in (impression, stream_end)
        ]
        ahead_ms = started_ms + 10 * 24 * 60 * MINUTE_MS
        broken = [
            sent(make(event_id="broken", user_id="broken", event_ms=ahead_ms), timestamp_ms=stamp_ms)
            for stamp_ms in (-1, 0)
            for make in (impression, stream_end)
        ]
        run(fill_raw(bootstrap, [sent(card()), *broken, *map(sent, pages), *map(sent, fast)]))
        ranked = {b"fast-3", *(user.encode() for user in users)}
        wait_for(lambda: ranked <= {key for key, _ in records(bootstrap, "shelf-rankings")}, "rankings")
        wait_for(lambda: letters(bootstrap) == {"event_time_ahead": 4}, "the broken clock's letters")
        play = [
            stream_end(event_id=f"p-{user}", user_id=user, started_ms=now_ms(), event_ms=now_ms()) for user in users
        ]
        run(fill_raw(bootstrap, map(sent, play)))
        wait_for(lambda: counters(bootstrap)["impressions_ahead"] == 64, "the counter")
        assert not records(bootstrap, "outcomes"), "nobody's horizon has passed"


def kept_by_compaction(bootstrap: str) -> dict[str, dict[bytes | None, bytes]]:
    """The newest record of every key of the compacted topics, state included."""
    found: dict[str, dict[bytes | None, bytes]] = {}
    for topic in TOPICS.values():
        if topic.is_compacted:
            newest: dict[bytes | None, bytes | None] = dict(records(bootstrap, topic.name))
            found[topic.name] = {key: value for key, value in newest.items() if value is not None}
    return found


def naming(bootstrap: str, user_id: bytes) -> list[str]:
    """Compacted topics in which this listener is named."""
    kept = kept_by_compaction(bootstrap)
    return [topic for topic, rows in kept.items() if any(user_id in (key or b"") + it for key, it in rows.items())]


def withdrawn(bootstrap: str) -> int | None:
    """How many interactions were taken out of the newest co-clusters; none before there are any."""
    published = records(bootstrap, "co-clusters")
    return json.loads(published[-1][1] or b"{}")["withdrawn_count"] if published else None


def now_clocks() -> list[Produced]:
    return [
        sent(make(event_id=f"now-{number}", user_id=f"clock-{number}", event_ms=now_ms()))
        for number in range(64)
        for make in (impression, stream_end)
    ]


def test_who_was_forgotten_is_in_no_row_of_state_and_no_compacted_record(
    bootstrap: str, worker: MakeWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    shown_ms = now_ms() - 50 * MINUTE_MS
    events = [
        make(event_id=f"e-{number}", user_id=user_id, event_ms=shown_ms + 1_000 * number)
        for number in range(300)
        for user_id in ("who-goes", "who-stays")
        for make in (impression, stream_end)
    ]
    with worker() as working:
        run(fill_raw(bootstrap, [sent(card()), *map(sent, events), *now_clocks()]))
        before = ["shelf-rankings", "listeners-state", "learner-state", "metrics-state"]
        wait_for(lambda: naming(bootstrap, b"who-goes") == before, "the listener to be known")
        wait_for(lambda: withdrawn(bootstrap) == 0, "co-clusters")
        assert command(["forget", "who-goes", "--verify", "--wait-seconds", "180", "--broker", bootstrap]) == 0
        assert "nothing that is kept contains the listener's id" in capsys.readouterr().out
        assert not naming(bootstrap, b"who-goes"), "it was waited for"
        assert naming(bootstrap, b"who-stays") == before
        wait_for(lambda: withdrawn(bootstrap) == LearnerSettings().ring, "what was learned of her to be withdrawn")
        wait_for(lambda: run(audit(bootstrap, audit_rules(Settings()))).holds, "the audit to hold")
        working.refuse_if_dead()
    assert not naming(bootstrap, b"who-goes")
    assert counters(bootstrap)["listeners_forgotten"] == 1
    with worker():  # from its state
        run(fill_raw(bootstrap, [sent(impression(event_id="back", user_id="who-goes", event_ms=now_ms()))]))
        wait_for(lambda: "shelf-rankings" in naming(bootstrap, b"who-goes"), "a ranking of her own again")
