"""The whole pipeline on the embedded broker: exactly once over kill -9, and no input stops the line."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable

import numpy as np

from processors.worlds.home_page import HomePageSettings, SimulatedHome
from processors.worlds.satisfaction import SatisfactionWorld, world_settings
from schemas.codec import encode
from schemas.dead_letters import DeadLetter
from streams.dead_letter_replay import read_letters, replay_letters
from streams.publishing import Publisher
from streams.replaying.replay_run import close_books, send
from streams.settings import Settings
from streams.worker_process import WorkerProcess
from tests.builders import card, impression, stream_end
from tests.pipeline.conftest import audited, records, run, wait_for

MakeWorker = Callable[[], WorkerProcess]
NOW_MS = int(time.time() * 1_000) - 24 * 3_600_000


def traffic(pages: int, seed: int) -> SimulatedHome:
    world = SatisfactionWorld(world_settings("W1", users=60, cards=30), world_seed=seed)
    home = SimulatedHome(world, HomePageSettings(control_share=1.0), seed=seed + 1)
    times = [NOW_MS + 20_000 * number for number in range(pages)]
    home.visit(np.random.default_rng(seed).integers(60, size=pages).tolist(), times, {})
    return home


def test_killed_again_and_again_every_event_counts_exactly_once(bootstrap: str, worker: MakeWorker) -> None:
    home = traffic(pages=1_500, seed=5)
    events = home.events_until(NOW_MS + 10**10)
    rng = np.random.default_rng(6)
    run(send(bootstrap, home.catalogue, events[:500]))
    for part in range(4):
        with worker() as victim:
            assert victim.process is not None
            run(send(bootstrap, [], events[500 + part * 800 : 500 + (part + 1) * 800]))
            before = len(records(bootstrap, "shelf-rankings"))
            wait_for(lambda seen=before: len(records(bootstrap, "shelf-rankings")) > seen, "rankings")  # type: ignore[misc]
            time.sleep(rng.uniform(0.0, 0.4))
            os.kill(victim.process.pid, signal.SIGKILL)
    run(send(bootstrap, [], events[3_700:]))
    newest_ms = max(event.event_ms for event in events)
    run(close_books(bootstrap, newest_ms, Settings()))
    with worker():
        wait_for(lambda: audited(bootstrap).holds, "the audit to hold")
    found = audited(bootstrap)
    assert found.settled == found.exposures > 5_000
    assert found.interactions == found.stream_ends
    assert records(bootstrap, "shelf-rankings")


def test_a_robot_that_streams_all_day_stops_nobody(bootstrap: str, worker: MakeWorker) -> None:
    streams = [
        stream_end(event_id=f"{n:032x}", user_id="robot", card_id="c1", started_ms=NOW_MS, event_ms=NOW_MS + 1_000 * n)
        for n in range(1, 20_001)
    ]
    pages = [impression(event_id="i1", user_id="robot", event_ms=NOW_MS)]
    with worker() as victim:
        assert victim.process is not None
        run(send(bootstrap, [card()], [*pages, *streams[:15_000]]))
        wait_for(lambda: audited(bootstrap).stream_ends >= 15_000, "the robot's streams")
        wait_for(lambda: bool(records(bootstrap, "interactions")), "interactions")
        os.kill(victim.process.pid, signal.SIGKILL)
    run(send(bootstrap, [], streams[15_000:]))
    run(close_books(bootstrap, streams[-1].event_ms, Settings()))
    with worker():
        wait_for(lambda: audited(bootstrap).holds, "the audit to hold")
    assert audited(bootstrap).interactions == audited(bootstrap).stream_ends >= 20_000
    rows = [len(value or b"") for _, value in records(bootstrap, "listeners-state")]
    assert max(rows) > 1_048_576


BAD = {
    "not_json": b'{"type":"impression.v1","event_id":"i1"',
    "invalid": encode(impression()).replace(b'"event_ms":0', b'"event_ms":"noon"'),
    "unknown_version": encode(impression()).replace(b"impression.v1", b"impression.v7"),
    "empty": b"",
    "too_large": b'{"type":"impression.v1","event_id":"' + b"x" * 5_000_000 + b'"}',
    "event_time_ahead": encode(impression(event_ms=4_000_000_000_000)),
}


def test_bad_input_becomes_dead_letters_and_the_line_goes_on(bootstrap: str, worker: MakeWorker) -> None:
    async def publish() -> None:
        async with Publisher(bootstrap) as publisher:
            await publisher.publish("catalogue", "c1", encode(card()))
            for value in BAD.values():
                await publisher.publish("impressions", "u1", value)
            await publisher.publish("impressions", "somebody else", encode(impression()))
            negative = encode(stream_end()).replace(b'"played_ms":60000', b'"played_ms":-5')
            await publisher.publish("stream-ends", "u1", negative)
            await publisher.publish("stream-ends", "u1", encode(stream_end()).replace(b'"card_id":"c1",', b""))
            await publisher.publish("impressions", "u1", encode(impression(event_id="good", event_ms=NOW_MS)))
            good = stream_end(event_id="good", started_ms=NOW_MS + 5, event_ms=NOW_MS + 60_000)
            await publisher.publish("stream-ends", "u1", encode(good))

    run(publish())
    run(close_books(bootstrap, NOW_MS + 60_000, Settings()))
    with worker():
        wait_for(lambda: len(records(bootstrap, "outcomes")) == 1, "the good exposure to settle")
        wait_for(lambda: len(records(bootstrap, "impressions.dlq")) == len(BAD) + 1, "the dead letters")
        letters = run(read_letters(bootstrap, "impressions.dlq"))
        assert Counter(letter.why.reason for letter in letters) == Counter([*BAD, "key_mismatch"])
        for letter in letters:
            if letter.why.reason != "key_mismatch":
                assert letter.value == BAD[letter.why.reason], "bytes are untouched"
        streams = run(read_letters(bootstrap, "stream-ends.dlq"))
        assert [letter.why.reason for letter in streams] == ["invalid", "invalid"]
        assert {letter.why.topic for letter in streams} == {"stream-ends"}

    assert run(replay_letters(bootstrap, "stream-ends.dlq", None)) == 2
    assert run(replay_letters(bootstrap, "stream-ends.dlq", None)) == 0, "each is sent again once"
    with worker():
        wait_for(lambda: len(records(bootstrap, "stream-ends.dlq")) == 4, "the second try to fail")
        second: list[DeadLetter] = [letter.why for letter in run(read_letters(bootstrap, "stream-ends.dlq"))]
        assert sorted(letter.attempt for letter in second) == [1, 1, 2, 2]
